//go:build linux

package doctor

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fluxd/cmd/fluxd/hardware"
	"fluxd/configs"
	"fluxd/core"
)

// rover has each kind of wire: a bus, PWM, and plain pins.
const rover = `robot: rover
board: {kind: raspberrypi}
expanders: {servos: {device: pca9685, bus: I2C1, address: 0x40}}
sensors:
  eye:    {device: bh1750, bus: I2C1, address: 0x23, every: 20ms, encode: {kind: threshold, above: 1 lx, to: a}}
  bumper: {device: button, pin: GPIO17, encode: {kind: edge, to: a}}
network: {neurons: {a: {}}}
actuators:
  left:  {device: hbridge, pwm: GPIO12, in2: GPIO25, decode: {kind: count, neuron: a, window: 1s}}
  right: {device: hbridge, pwm: GPIO13, in2: GPIO20, decode: {kind: count, neuron: a, window: 1s}}
`

// other is for a board that is no Raspberry Pi.
const other = `robot: other
board: {kind: linux}
sensors:
  eye:    {device: bh1750, bus: I2C3, address: 0x23, every: 20ms, encode: {kind: threshold, above: 1 lx, to: a}}
  bumper: {device: button, pin: 'gpiochip0:17', encode: {kind: edge, to: a}}
network: {neurons: {a: {}}}
actuators: {lamp: {device: dimmer, pwm: pwmchip0/1, decode: {kind: count, neuron: a, window: 1s}}}
`

const lines = "dtparam=i2c_arm=on\ndtoverlay=pwm-2chan,pin=12,func=4,pin2=13,func2=4\ndtparam=audio=off\n"

const (
	zero = "Raspberry Pi Zero 2 W Rev 1.0"
	four = "Raspberry Pi 4 Model B Rev 1.5"
	five = "Raspberry Pi 5 Model B Rev 1.0"
)

// A bench is a fake machine.
type bench struct {
	t    *testing.T
	root string
	opts Options
	gids map[string]int         // group of a file, by its end; else 0
	mode map[string]fs.FileMode // its mode; else 0660
}

func (b *bench) write(path, text string) {
	b.t.Helper()
	file := filepath.Join(b.root, path)
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) remove(path string) {
	b.t.Helper()
	if err := os.RemoveAll(filepath.Join(b.root, path)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) link(target, path string) {
	b.t.Helper()
	file := filepath.Join(b.root, path)
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.Symlink(target, file)); err != nil {
		b.t.Fatal(err)
	}
}

const gpioGroup, i2cGroup = 986, 988

// newBench makes a machine on which nothing is wrong.
func newBench(t *testing.T, model, robot string) *bench {
	t.Helper()
	b := &bench{t: t, root: t.TempDir(), gids: map[string]int{"dev/gpiochip0": gpioGroup, "dev/i2c-1": i2cGroup, "export": gpioGroup,
		"duty_cycle": gpioGroup}, mode: map[string]fs.FileMode{}}
	b.write("proc/sys/kernel/osrelease", "6.12.34+rpt-rpi-v8\n")
	b.write("proc/sys/kernel/arch", "aarch64\n")
	b.write("proc/meminfo", "MemTotal:  1000000 kB\nMemFree: 1 kB\nMemAvailable:   800000 kB\n")
	b.write("proc/stat", "cpu 1 2 3\nbtime 4000000000\n")
	b.write("proc/locks", "")
	b.write("proc/net/tcp", "  sl  local_address rem_address st\n")
	b.write("sys/class/thermal/thermal_zone0/temp", "48312\n")
	b.write("etc/passwd", "root:x:0:0::/root:/bin/sh\npi:x:1000:1000::/home/pi:/bin/bash\n")
	b.write("etc/group", "root:x:0:\npi:x:1000:\ngpio:x:986:pi\ni2c:x:988:pi\n")
	b.write("dev/rtc0", "")
	if model != "" {
		b.write("proc/device-tree/model", model+"\x00")
		b.write("boot/firmware/config.txt", "[all]\n"+lines)
		b.write("dev/gpiochip0", "")
		b.write("dev/i2c-1", "")
		b.pwm(model, 12, 13)
	}
	b.opts = Options{Version: "1.2.3", System: System{
		Root: b.root, Program: "/usr/bin/fluxd", Self: 1,
		Owner: func(path string) (fs.FileMode, int, int, error) {
			if _, err := os.Stat(path); err != nil {
				return 0, 0, 0, err
			}
			mode, gid := fs.FileMode(0o660), 0
			for end, g := range b.gids {
				if strings.HasSuffix(path, end) {
					gid = g
				}
			}
			for end, m := range b.mode {
				if strings.HasSuffix(path, end) {
					mode = m
				}
			}
			return mode, 0, gid, nil
		},
		Who:          func() (string, int, []int) { return "pi", 1000, []int{1000, gpioGroup, i2cGroup} },
		Space:        func(string) (uint64, uint64, bool, error) { return 8 << 30, 30 << 30, false, nil },
		Now:          func() time.Time { return time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC) },
		Synchronised: func() (bool, bool) { return true, true },
		Consumers:    func() (map[string]map[int]string, error) { return nil, nil },
		Addresses:    func() []string { return []string{"127.0.0.1", "192.168.1.7"} },
		Connect:      func(context.Context, string) error { return nil },
		Answers: func(*configs.Robot, []string) ([]hardware.BusAnswers, error) {
			return []hardware.BusAnswers{{Name: "I2C1", Addresses: []uint16{0x23, 0x40}}}, nil
		},
		Run: func(_ context.Context, name string, args ...string) (string, error) {
			switch name + " " + strings.Join(args, " ") {
			case "vcgencmd get_throttled":
				return "throttled=0x0\n", nil
			case "/usr/bin/fluxctl --version":
				return "fluxctl version 1.2.3\n", nil
			}
			return "", exec.ErrNotFound
		},
	}}
	if robot != "" {
		b.robot(robot)
	}
	return b
}

// pwm makes the PWM chip of a model, with an overlay in force that has some pins.
func (b *bench) pwm(model string, pins ...uint32) {
	device, channels, tree := "fe20c000.pwm", "2", "proc/device-tree/soc/gpio@7e200000"
	if model == five {
		device, channels, tree = "1f00098000.pwm", "4", "proc/device-tree/axi/pcie@1000120000/rp1/gpio@d0000"
		b.write("sys/devices/1f0009c000.pwm/x", "") // the fan's
		b.link(filepath.Join(b.root, "sys/devices/1f0009c000.pwm"), "sys/class/pwm/pwmchip1/device")
	}
	b.write("sys/devices/"+device+"/x", "")
	b.link(filepath.Join(b.root, "sys/devices", device), "sys/class/pwm/pwmchip0/device")
	b.write("sys/class/pwm/pwmchip0/npwm", channels+"\n")
	b.write("sys/class/pwm/pwmchip0/export", "")
	var cells []byte
	for _, pin := range pins {
		cells = binary.BigEndian.AppendUint32(cells, pin)
	}
	b.write(tree+"/pwm_pins/brcm,pins", string(cells))
}

func (b *bench) robot(text string) {
	b.t.Helper()
	config, err := configs.Parse("rover.yaml", []byte(text), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	b.opts.Robot, b.opts.Config = "rover.yaml", config
}

// examine returns the findings that are no OK, as "code level where", and the whole report.
func (b *bench) examine() (wrong []string, report *Report) {
	b.t.Helper()
	report = Examine(context.Background(), b.opts)
	known := map[string]bool{}
	for _, c := range Codes {
		known[c.Name] = true
	}
	for _, f := range report.Findings {
		if !known[f.Code] {
			b.t.Errorf("code %s is not in Codes", f.Code)
		}
		if f.Level != OK {
			wrong = append(wrong, fmt.Sprintf("%s %s %s", f.Code, f.Level, f.Where))
			if f.Remedy == "" && f.Code != "robot-file-warning" && f.Code != "pwm-none" {
				b.t.Errorf("%s has no remedy", f.Code)
			}
		}
	}
	return wrong, report
}

// Each fault is found, and nothing else.
func TestFindings(t *testing.T) {
	for name, c := range map[string]struct {
		model  string
		change func(b *bench)
		want   []string // those that are no OK
		text   string   // in the report
	}{
		"a healthy 4":    {four, func(b *bench) {}, nil, "sensor eye"},
		"a healthy Zero": {zero, func(b *bench) {}, nil, "pwmchip0, with 2 channels"},
		"a healthy 5":    {five, func(b *bench) {}, nil, "pwmchip0, with 4 channels"},
		"a desktop":      {"", func(b *bench) {}, []string{"not-a-raspberry-pi problem machine"}, "board: {kind: sim}"},
		"without a robot": {four, func(b *bench) { b.opts.Config, b.opts.Robot = nil, "" },
			[]string{"robot-file-absent warning robot"}, "fluxd init"},
		"an old config": {four, func(b *bench) { b.remove("boot/firmware"); b.write("boot/config.txt", lines) }, nil,
			"/boot/config.txt"},
		"a desktop, to see": {"", func(b *bench) { b.robot(strings.Replace(rover, "raspberrypi", "sim", 1)) }, nil, "no Raspberry Pi"},
		"a mistake": {four, func(b *bench) { b.opts.Config, b.opts.Mistakes = nil, errors.New("rover.yaml:3: nonsense") },
			[]string{"robot-file-invalid problem robot"}, "rover.yaml:3: nonsense"},
		"for a 5": {four, func(b *bench) {
			b.robot(strings.Replace(rover, "{kind: raspberrypi}", "{kind: raspberrypi, model: pi5}", 1))
		},
			[]string{"model-differs problem machine"}, ""},
		"an old kernel": {four, func(b *bench) { b.write("proc/sys/kernel/osrelease", "5.4.83-v7l+\n") },
			[]string{"kernel-old problem kernel"}, "5.10"},
		"no overlay for PWM": {zero, func(b *bench) {
			b.write("boot/firmware/config.txt", "dtparam=i2c_arm=on\n")
			b.remove("sys/class/pwm")
			b.remove("proc/device-tree/soc")
		}, []string{"pwm-off problem GPIO12, GPIO13"},
			`printf '[all]\ndtoverlay=pwm-2chan,pin=12,func=4,pin2=13,func2=4\ndtparam=audio=off\n' | sudo tee -a /boot/firmware/config.txt`},
		"PWM after the next start": {zero, func(b *bench) {
			b.write("proc/stat", "btime 1000000000\n")
			b.remove("sys/class/pwm")
			b.remove("proc/device-tree/soc")
		}, []string{"pwm-reboot problem GPIO12, GPIO13"}, "sudo reboot"},
		"PWM that does not come": {zero, func(b *bench) { b.remove("sys/class/pwm") },
			[]string{"pwm-failed problem GPIO12, GPIO13"}, "dmesg"},
		"PWM on other pins": {four, func(b *bench) {
			b.write("boot/firmware/config.txt", "dtparam=i2c_arm=on\ndtoverlay=pwm-2chan\n")
			b.remove("sys/class/pwm")
			b.pwm(four, 18, 19)
		}, []string{"pwm-pins problem GPIO12, GPIO13"}, "GPIO18, GPIO19"},
		"other pins after the next start": {four, func(b *bench) {
			b.remove("sys/class/pwm")
			b.pwm(four, 18, 19)
		}, []string{"pwm-reboot problem GPIO12, GPIO13"}, ""},
		"one pin too few": {four, func(b *bench) {
			b.write("boot/firmware/config.txt", "dtparam=i2c_arm=on\ndtoverlay=pwm,pin=12,func=4\n")
			b.remove("sys/class/pwm")
			b.pwm(four, 12)
		}, []string{"pwm-pins problem GPIO13"}, ""},
		"the fan's PWM alone": {five, func(b *bench) {
			b.remove("sys/class/pwm/pwmchip0")
			b.write("boot/firmware/config.txt", "dtparam=i2c_arm=on\n")
		}, []string{"pwm-off problem GPIO12, GPIO13"}, ""},
		"sound": {four, func(b *bench) {
			b.write("boot/firmware/config.txt", strings.Replace(lines, "audio=off", "audio=on", 1))
		},
			[]string{"audio-uses-pwm warning GPIO12, GPIO13"}, ""},
		"the sound of a 5": {five, func(b *bench) {
			b.write("boot/firmware/config.txt", strings.Replace(lines, "audio=off", "audio=on", 1))
		},
			nil, ""},
		"no bus": {four, func(b *bench) {
			b.remove("dev/i2c-1")
			b.write("boot/firmware/config.txt", "[pi5]\n"+lines+"[all]\n"+strings.Replace(lines, "dtparam=i2c_arm=on", "", 1))
		}, []string{"bus-off problem I2C1"}, `printf '[all]\ndtparam=i2c_arm=on\n'`},
		"a bus under a condition": {four, func(b *bench) {
			b.remove("dev/i2c-1")
			b.write("boot/firmware/config.txt", strings.Replace(lines, "dtparam=i2c_arm=on", "", 1)+"[gpio4=1]\ndtparam=i2c_arm=on\n")
		}, []string{"bus-off problem I2C1", "conditional-lines warning config.txt"}, ""},
		"a bus after the next start": {four, func(b *bench) { b.remove("dev/i2c-1"); b.write("proc/stat", "btime 1000000000\n") },
			[]string{"bus-reboot problem I2C1"}, ""},
		"a bus that does not come": {four, func(b *bench) { b.remove("dev/i2c-1") }, []string{"bus-failed problem I2C1"}, ""},
		"no i2c-dev": {four, func(b *bench) { b.remove("dev/i2c-1"); b.write("sys/bus/i2c/devices/i2c-1/name", "") },
			[]string{"i2c-dev-missing problem I2C1"}, "modprobe i2c-dev"},
		"no config.txt": {four, func(b *bench) { b.remove("boot") }, []string{"config-txt-missing warning config.txt"}, ""},
		"no rights": {four, func(b *bench) { b.opts.System.Who = func() (string, int, []int) { return "eve", 1001, []int{1001} } },
			[]string{"permission-gpio problem user eve", "permission-i2c problem user eve", "permission-pwm problem user eve"},
			"sudo usermod -aG i2c eve"},
		"not logged in again": {four, func(b *bench) {
			b.opts.System.Who = func() (string, int, []int) {
				return "pi", 1000,
					[]int{1000}
			}
		},
			[]string{"login-again problem user pi", "login-again problem user pi"}, "log in again"},
		"no udev rules": {four, func(b *bench) { b.gids["export"] = 0 }, []string{"permission-pwm problem user pi"}, "udevadm trigger"},
		"root":          {four, func(b *bench) { b.opts.System.Who = func() (string, int, []int) { return "root", 0, nil } }, nil, ""},
		"a service without its user": {four, func(b *bench) { b.write("etc/systemd/system/fluxd.service", "") },
			[]string{"service-user-missing problem fluxd"}, "useradd"},
		"a service that may not": {four, func(b *bench) {
			b.write("usr/lib/systemd/system/fluxd.service", "")
			b.write("etc/passwd", "fluxd:x:999:999::/:/usr/sbin/nologin\n")
		}, []string{"permission-gpio problem user fluxd", "permission-i2c problem user fluxd", "permission-pwm problem user fluxd"},
			"sudo usermod -aG i2c fluxd && sudo systemctl restart fluxd"},
		"a service that may": {four, func(b *bench) {
			b.write("usr/lib/systemd/system/fluxd.service", "")
			b.write("etc/passwd", "fluxd:x:999:999::/:/usr/sbin/nologin\n")
			b.write("etc/group", "gpio:x:986:fluxd\ni2c:x:988:fluxd\n")
			b.opts.System.Who = func() (string, int, []int) { return "eve", 1001, []int{1001} }
		}, []string{"permission-gpio warning user eve", "permission-i2c warning user eve", "permission-pwm warning user eve"}, ""},
		"a device is missing": {four, func(b *bench) {
			b.opts.System.Answers = func(*configs.Robot, []string) ([]hardware.BusAnswers, error) {
				return []hardware.BusAnswers{{Name: "I2C1", Addresses: []uint16{0x40, 0x77}}}, nil
			}
		}, []string{"device-missing problem I2C1 0x23"}, "0x77"},
		"a bus is held low": {four, func(b *bench) {
			b.opts.System.Answers = func(*configs.Robot, []string) ([]hardware.BusAnswers, error) {
				return []hardware.BusAnswers{{Name: "I2C1", Err: errors.New("the bus is stuck: SDA or SCL is held low")}}, nil
			}
		}, []string{"bus-stuck problem I2C1"}, "one by one"},
		"a board that does not open": {four, func(b *bench) {
			b.opts.System.Answers = func(*configs.Robot, []string) ([]hardware.BusAnswers, error) { return nil, fs.ErrPermission }
		}, []string{"bus-unreadable problem I2C1"}, ""},
		"no pins":          {four, func(b *bench) { b.remove("dev/gpiochip0") }, []string{"gpio-missing problem pins"}, ""},
		"a pin of another": {four, func(b *bench) { b.consumes(17, "w1") }, []string{"pin-taken problem GPIO17"}, `"w1" has it`},
		"a pin of a driver": {four, func(b *bench) {
			b.write("boot/firmware/config.txt",
				lines+"dtoverlay=gpio-shutdown,gpio_pin=17\n")
		},
			[]string{"pin-in-config-txt warning GPIO17"}, "gpio-shutdown"},
		"under-voltage now": {four, func(b *bench) { b.throttled("0x50005") },
			[]string{"under-voltage problem supply", "throttled warning supply"}, "5.1 V"},
		"under-voltage before": {four, func(b *bench) { b.throttled("0x50000") },
			[]string{"under-voltage-since-start warning supply", "throttled-since-start warning supply"}, ""},
		"too hot": {four, func(b *bench) { b.throttled("0xe0008"); b.write("sys/class/thermal/thermal_zone0/temp", "81500\n") },
			[]string{"throttled-since-start warning supply", "frequency-capped-since-start warning supply",
				"temperature-limit warning supply", "hot warning processor"}, "82 °C"},
		"hwmon, under-voltage": {four, func(b *bench) {
			b.noVcgencmd()
			b.write("sys/class/hwmon/hwmon0/name", "cpu_thermal\n")
			b.write("sys/class/hwmon/hwmon1/name", "rpi_volt\n")
			b.write("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n")
		}, []string{"under-voltage problem supply"}, ""},
		"hwmon, well": {four, func(b *bench) {
			b.noVcgencmd()
			b.write("sys/class/hwmon/hwmon1/name", "rpi_volt\n")
			b.write("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "0\n")
		}, nil, "no under-voltage now"},
		"neither":        {four, (*bench).noVcgencmd, []string{"supply-unknown warning supply"}, ""},
		"vcgencmd fails": {four, func(b *bench) { b.throttled("nonsense") }, []string{"supply-unknown warning supply"}, ""},
		"1970": {four, func(b *bench) { b.opts.System.Now = func() time.Time { return time.Unix(100, 0) } },
			[]string{"clock-implausible warning clock"}, "1970"},
		"no clock with a battery": {zero, func(b *bench) {
			b.remove("dev/rtc0")
			b.opts.System.Synchronised = func() (bool, bool) { return false, true }
		}, []string{"clock-unsynchronised warning clock"}, "battery"},
		"little memory": {zero, func(b *bench) { b.write("proc/meminfo", "MemTotal: 430000 kB\nMemAvailable: 20000 kB\n") },
			[]string{"memory-low warning memory"}, "19 of 419 MB"},
		"a full disk": {four, func(b *bench) { b.space(1<<20, false) }, []string{"disk-full problem ROOT"}, "1024 kB"},
		"little room": {four, func(b *bench) { b.space(50<<20, false) }, []string{"disk-low warning ROOT"}, "50 MB"},
		"read-only":   {four, func(b *bench) { b.space(1<<30, true) }, []string{"disk-read-only problem ROOT"}, ""},
		"a folder of root": {four, func(b *bench) {
			b.robot(rover + "tuning: {file: /state/tuned.yaml}\n")
			b.write("state/x", "")
			b.mode["state"] = fs.ModeDir | 0o755
		}, []string{"folder-not-writable problem ROOT/state"}, "sudo chown pi"},
		"no folder": {four, func(b *bench) { b.robot(rover + "tuning: {file: /state/tuned.yaml}\n") },
			[]string{"folder-missing problem ROOT/state"}, "mkdir -p"},
		"a damaged file": {four, func(b *bench) {
			b.robot(rover + "tuning: {file: /state/tuned.yaml}\n")
			b.write("state/tuned.yaml", "{{")
			b.mode["state"] = fs.ModeDir | 0o777
		}, []string{"kept-file-unusable warning tuning"}, "tuned.yaml cannot be used"},
		"the port is taken": {four, func(b *bench) { b.listens("0100007F:075B") }, []string{"broker-port-taken warning broker"},
			"another program has"},
		"by mosquitto": {four, func(b *bench) {
			b.listens("00000000:075B")
			b.link("socket:[4711]", "proc/321/fd/7")
			b.write("proc/321/comm", "mosquitto\n")
		}, []string{"broker-port-taken warning broker"}, "mosquitto (process 321)"},
		"another address": {four, func(b *bench) { b.listens("0701A8C0:075B") }, nil, "127.0.0.1:1883 is free"},
		"another state": {four, func(b *bench) { b.write("proc/net/tcp", " 0: 0100007F:075B 0100007F:1 01 0 0 0 0 0 4711\n") },
			nil, "is free"},
		"IPv6 for all": {four, func(b *bench) { b.listens6("00000000000000000000000000000000:075B") },
			[]string{"broker-port-taken warning broker"}, ""},
		"IPv6, loopback":   {four, func(b *bench) { b.listens6("00000000000000000000000001000000:075B") }, nil, "is free"},
		"a foreign broker": {four, func(b *bench) { b.external(nil) }, nil, "broker.local:1883 answers"},
		"no such name": {four, func(b *bench) { b.external(&net.DNSError{Err: "no such host", Name: "broker.local"}) },
			[]string{"broker-unresolved problem broker"}, "getent hosts broker.local"},
		"no answer": {four, func(b *bench) { b.external(errors.New("connection refused")) },
			[]string{"broker-unreachable problem broker"}, "connection refused"},
		"no fluxctl": {four, func(b *bench) {
			b.opts.System.Run = func(_ context.Context, name string, _ ...string) (string, error) {
				if name == "vcgencmd" {
					return "throttled=0x0", nil
				}
				return "", &os.PathError{Op: "fork/exec", Path: name, Err: fs.ErrNotExist}
			}
		}, []string{"fluxctl-missing warning fluxctl"}, ""},
		"another board, without its bus and PWM": {"", func(b *bench) { b.robot(other) },
			[]string{"bus-off problem I2C3", "pwm-off problem pwmchip0/1", "gpio-missing problem pins"}, "shows none"},
		"another board, well": {"", func(b *bench) {
			b.robot(other)
			b.write("dev/i2c-3", "")
			b.write("dev/gpiochip0", "")
			b.write("sys/class/pwm/pwmchip0/npwm", "2\n")
			b.gids["dev/i2c-3"] = i2cGroup
			b.opts.System.Answers = func(*configs.Robot, []string) ([]hardware.BusAnswers, error) {
				return []hardware.BusAnswers{{Name: "I2C3", Addresses: []uint16{0x23}}}, nil
			}
		}, nil, "pwmchip0, with 2 channels"},
		"another board, with fewer channels": {"", func(b *bench) {
			b.robot(other)
			b.write("dev/i2c-2", "")
			b.write("dev/gpiochip0", "")
			b.write("sys/class/pwm/pwmchip0/npwm", "1\n")
		}, []string{"bus-off problem I2C3", "pwm-channels problem pwmchip0/1"}, "shows /dev/i2c-2"},
		"another fluxctl": {four, func(b *bench) { b.opts.Version = "2.0.0" }, []string{"fluxctl-version warning /usr/bin/fluxctl"},
			"1.2.3"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, c.model, rover)
			c.change(b)
			got, report := b.examine()
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], b.root, "ROOT")
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			var text bytes.Buffer
			if err := report.Print(&text); err != nil || !strings.Contains(text.String(), c.text) {
				t.Errorf("%v: %q is not in\n%s", err, c.text, text.String())
			}
			problems := 0
			for _, one := range got {
				if strings.Contains(one, " problem ") {
					problems++
				}
			}
			if report.Problems != problems || report.Warnings != len(got)-problems {
				t.Errorf("%d problems and %d warnings of %q", report.Problems, report.Warnings, got)
			}
		})
	}
}

func (b *bench) consumes(offset int, by string) {
	b.opts.System.Consumers = func() (map[string]map[int]string, error) {
		return map[string]map[int]string{"pinctrl-bcm2711": {offset: by}, "raspberrypi-exp-gpio": {17: "other"}}, nil
	}
}

func (b *bench) throttled(bits string) {
	before := b.opts.System.Run
	b.opts.System.Run = func(ctx context.Context, name string, args ...string) (string, error) {
		if name == "vcgencmd" {
			return "throttled=" + bits + "\n", nil
		}
		return before(ctx, name, args...)
	}
}

func (b *bench) noVcgencmd() {
	before := b.opts.System.Run
	b.opts.System.Run = func(ctx context.Context, name string, args ...string) (string, error) {
		if name == "vcgencmd" {
			return "", exec.ErrNotFound
		}
		return before(ctx, name, args...)
	}
}

func (b *bench) space(free uint64, readOnly bool) {
	b.opts.System.Space = func(string) (uint64, uint64, bool, error) { return free, 30 << 30, readOnly, nil }
}

func (b *bench) listens(address string) {
	b.write("proc/net/tcp", "  sl\n   0: "+address+" 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0 0 4711 1\n")
}

func (b *bench) listens6(address string) {
	b.write("proc/net/tcp6", "  sl\n   0: "+address+" 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0 0 4711 1\n")
}

func (b *bench) external(err error) {
	b.robot(rover + "mqtt: {broker: 'tcp://broker.local:1883'}\n")
	b.opts.System.Connect = func(context.Context, string) error { return err }
}

// runs makes a process.
func (b *bench) runs(pid int, parent int, words ...string) {
	b.write(fmt.Sprintf("proc/%d/cmdline", pid), strings.Join(words, "\x00")+"\x00")
	b.write(fmt.Sprintf("proc/%d/stat", pid), fmt.Sprintf("%d (fluxd (x) y) S %d 1 1", pid, parent))
	b.write(fmt.Sprintf("proc/%d/comm", pid), "fluxd\n")
}

// While a robot runs on this board no bus is read, and its port is in good hands.
func TestARobotThatRunsIsLeftAlone(t *testing.T) {
	for name, c := range map[string]struct {
		begin func(b *bench)
		asks  bool
		text  string
	}{
		"nobody runs": {func(*bench) {}, true, ""},
		"this robot": {func(b *bench) {
			b.runs(70, 1, "/usr/bin/fluxd", "run", "--plain", "/etc/fluxd/rover.yaml")
			b.runs(71, 70, "/usr/bin/fluxd", "run", "--plain", "/etc/fluxd/rover.yaml")
			b.listens("0100007F:075B")
		}, false, "/etc/fluxd/rover.yaml, process 71 runs"},
		"the demo":        {func(b *bench) { b.runs(70, 1, "fluxd", "run") }, true, "the demo runs"},
		"an example":      {func(b *bench) { b.runs(70, 1, "fluxd", "run", "phototaxis", "--seed", "3") }, true, "phototaxis runs"},
		"another flag":    {func(b *bench) { b.runs(70, 1, "fluxd", "run", "--name", "x.yaml", "--arm") }, true, "the demo runs"},
		"a world":         {func(b *bench) { b.runs(70, 1, "fluxd", "run", "x.yaml", "--world", "maze") }, true, "x.yaml runs"},
		"a world, with =": {func(b *bench) { b.runs(70, 1, "fluxd", "run", "--world=maze", "x.yaml") }, true, "x.yaml runs"},
		"a simulation":    {func(b *bench) { b.runs(70, 1, "fluxd", "sim", "x.yaml") }, true, ""},
		"another word":    {func(b *bench) { b.runs(70, 1, "vim", "run", "x.yaml") }, true, ""},
		"a pin of fluxd":  {func(b *bench) { b.consumes(17, "fluxd") }, false, "a robot runs"},
		"a claim of a bus": {func(b *bench) {
			info, err := os.Stat(filepath.Join(b.root, "dev/i2c-1"))
			if err != nil {
				b.t.Fatal(err)
			}
			b.write("proc/locks", "1: OFDLCK ADVISORY  WRITE -1 "+inodeOf(info)+" 64 64\n")
		}, false, "a robot runs"},
		"a lock elsewhere": {func(b *bench) { b.write("proc/locks", "1: FLOCK  ADVISORY  WRITE 12 00:05:1 0 EOF\nx\n") }, true, ""},
		"a claim of PWM": {func(b *bench) {
			b.write("sys/class/pwm/pwmchip0/pwm1/duty_cycle", "0\n")
			info, err := os.Stat(filepath.Join(b.root, "sys/class/pwm/pwmchip0/pwm1/duty_cycle"))
			if err != nil {
				b.t.Fatal(err)
			}
			b.write("proc/locks", "1: OFDLCK ADVISORY  WRITE -1 "+inodeOf(info)+" 0 0\n")
		}, false, "a robot runs"},
	} {
		b := newBench(t, four, rover)
		asked := false
		answers := b.opts.System.Answers
		b.opts.System.Answers = func(config *configs.Robot, buses []string) ([]hardware.BusAnswers, error) {
			asked = true
			return answers(config, buses)
		}
		c.begin(b)
		wrong, report := b.examine()
		var text bytes.Buffer
		if err := report.Print(&text); err != nil {
			t.Fatal(err)
		}
		if asked != c.asks || len(wrong) > 0 || !strings.Contains(text.String(), c.text) {
			t.Errorf("%s: asked %v, %q\n%s", name, asked, wrong, text.String())
		}
	}
}

// A robot whose program was replaced must be started again.
func TestReplacedProgram(t *testing.T) {
	b := newBench(t, four, rover)
	b.runs(70, 1, "/usr/bin/fluxd", "run", "/etc/fluxd/rover.yaml")
	b.link("/usr/bin/fluxd (deleted)", "proc/70/exe")
	if got, _ := b.examine(); !slices.Equal(got, []string{"restart-needed warning process 70"}) {
		t.Errorf("got %q", got)
	}
}

// Weights that were learnt by another network are found; those of this one can be used.
func TestLearntFiles(t *testing.T) {
	for name, want := range map[string][]string{
		"network: {neurons: {a: {}}}":        nil,
		"network: {neurons: {a: {}, b: {}}}": {"kept-file-unusable warning learnt"},
	} {
		b := newBench(t, four, "")
		text := rover + "learnt: {file: /state/learnt}\n"
		b.robot(text)
		network, err := core.Build(b.opts.Config.Network)
		if err != nil {
			t.Fatal(err)
		}
		b.write("state/learnt", string(network.Snapshot(1)))
		b.mode["state"] = fs.ModeDir | 0o777
		b.robot(strings.Replace(text, "network: {neurons: {a: {}}}", name, 1))
		if got, _ := b.examine(); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// A look that hangs, and one that panics, do not keep the others from their findings.
func TestLooksThatHang(t *testing.T) {
	b := newBench(t, four, rover)
	synctest.Test(t, func(t *testing.T) {
		forever := make(chan struct{})
		b.opts.System.Connect = func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
		b.opts.System.Space = func(string) (uint64, uint64, bool, error) { <-forever; return 0, 0, false, nil }
		b.opts.System.Synchronised = func() (bool, bool) { panic("clock on fire") }
		got, report := b.examine()
		want := []string{"look-failed warning clock", "no-answer warning disk"}
		if !slices.Equal(got, want) || len(report.Findings) < 10 {
			t.Errorf("got %q, want %q", got, want)
		}
		close(forever)
		b.opts.System.Consumers = func() (map[string]map[int]string, error) { <-t.Context().Done(); return nil, nil }
		if got, _ := b.examine(); !slices.Equal(got, []string{"no-answer warning machine"}) {
			t.Errorf("got %q", got)
		}
	})
}

// A server can only listen at an address of the machine.
func TestAddresses(t *testing.T) {
	b := newBench(t, four, rover)
	p := &patient{Options: b.opts, users: []account{{uid: 1000}}}
	for listen, want := range map[string]string{"127.0.0.1:1883": "x-port", "0.0.0.0:1883": "x-port", "[::]:1883": "x-port",
		":1883":            "x-port",
		"192.168.1.7:1883": "x-port", "192.168.1.8:1883": "x-address", "localhost:1883": "x-port", "1883": "x-address",
		"a:b": "x-address",
		"":    "x-address"} {
		if got := p.port("x", listen); got.Code != want {
			t.Errorf("%q: %+v, want %s", listen, got, want)
		}
	}
}

// The report in JSON has stable keys, and its text commands no terminal.
func TestReport(t *testing.T) {
	b := newBench(t, four, rover)
	b.opts.Config, b.opts.Mistakes = nil, errors.New("\x1b[2Jrover.yaml:1: <b> & \"c\"")
	_, report := b.examine()
	var text bytes.Buffer
	if err := report.Print(&text); err != nil || strings.Contains(text.String(), "\x1b") {
		t.Errorf("%v: %q", err, text.String())
	}
	encoded, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		Version, Robot     string
		Problems, Warnings int
		Findings           []struct{ Code, Level, Where, Text, Remedy string }
	}
	if err := json.Unmarshal(encoded, &back); err != nil || back.Problems != 1 || back.Findings[0].Code != "robot-file-invalid" ||
		back.Findings[0].Level != "problem" || back.Findings[0].Remedy == "" || back.Robot != "rover.yaml" {
		t.Errorf("%v: %s", err, encoded)
	}
}

// docs/doctor.md lists the codes.
func TestDocumentationListsTheCodes(t *testing.T) {
	page, err := os.ReadFile("../../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range Codes {
		if !strings.Contains(string(page), "| `"+c.Name+"` | "+c.Means+" |") {
			t.Errorf("docs/doctor.md has no line | `%s` | %s |", c.Name, c.Means)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		if !slices.ContainsFunc(Codes, func(c Code) bool { return c.Name == m[1] }) {
			t.Errorf("docs/doctor.md has %s, which is no code", m[1])
		}
	}
}

// This machine can be examined, whatever it is.
func TestThisMachine(t *testing.T) {
	report := Examine(context.Background(), Options{Version: "1", System: ThisMachine("/"), Patience: time.Minute})
	for _, f := range report.Findings {
		if f.Code == "look-failed" {
			t.Errorf("%+v", f)
		}
	}
	if len(report.Findings) < 4 {
		t.Errorf("%+v", report)
	}
}

func ExampleReport_Print() {
	report := Report{Findings: []Finding{{"bus-off", Problem, "I2C1", "it is switched off", "sudo raspi-config nonint do_i2c 0"}},
		Problems: 1}
	if err := report.Print(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// problem  I2C1  it is switched off
	//                -> sudo raspi-config nonint do_i2c 0
	//
	// 1 problem, 0 warnings
}
