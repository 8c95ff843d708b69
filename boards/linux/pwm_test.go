package linux

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
	"pgregory.net/rapid"

	"fluxd/actuators"
)

// channel is a fake PWM channel with the kernel's rules: the duty cycle may never be longer than the period, and no period, no
// PWM.
type channel struct {
	period, duty, enable int64
	writes               []string
	fails                bool
}

// attribute is a file of a channel.
type attribute struct {
	*channel
	name string
	is   *int64
}

func (a *attribute) Name() string { return a.name }
func (a *attribute) Close() error { return nil }

func (a *attribute) ReadAt(p []byte, _ int64) (int, error) {
	return copy(p, strconv.FormatInt(*a.is, 10)+"\n"), io.EOF
}

func (a *attribute) WriteAt(p []byte, _ int64) (int, error) {
	value, err := strconv.ParseInt(strings.TrimSuffix(string(p), "\n"), 10, 64)
	if err != nil {
		return 0, err
	}
	next := *a.channel
	switch a.name {
	case "period":
		next.period = value
	case "duty_cycle":
		next.duty = value
	case "enable":
		next.enable = value
	}
	if a.fails || next.duty > next.period || next.enable == 1 && next.period == 0 || next.period > longestPeriod {
		return 0, fmt.Errorf("write %s: invalid argument", a.name)
	}
	*a.is = value
	a.writes = append(a.writes, fmt.Sprintf("%s=%d", a.name, value))
	return len(p), nil
}

func (c *channel) files(t interface{ Fatal(...any) }) *pwm {
	p := &pwm{name: "GPIO12", periodIs: -1, dutyIs: -1,
		period: &attribute{c, "period", &c.period}, duty: &attribute{c, "duty_cycle", &c.duty},
		enable: &attribute{c, "enable", &c.enable}}
	if err := p.readState(); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPWMWritesOnlyWhatChanges(t *testing.T) {
	c := &channel{}
	p := c.files(t)
	for _, step := range []struct {
		duty      gpio.Duty
		frequency physic.Frequency
		want      string
	}{
		{gpio.DutyHalf, 20 * physic.KiloHertz, "period=50000 duty_cycle=25000 enable=1"},
		{gpio.DutyHalf, 20 * physic.KiloHertz, ""},
		{gpio.DutyMax, 20 * physic.KiloHertz, "duty_cycle=50000"},
		{0, 20 * physic.KiloHertz, "duty_cycle=0"},
		{gpio.DutyMax * 3 / 40, 50 * physic.Hertz, "period=20000000 duty_cycle=1500000"},
		{gpio.DutyHalf, 100 * physic.KiloHertz, "duty_cycle=5000 period=10000"}, // the old duty would not fit into the new period
	} {
		c.writes = nil
		if err := p.set(step.duty, step.frequency); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(c.writes, " "); got != step.want {
			t.Errorf("%v at %v: wrote %q, want %q", step.duty, step.frequency, got, step.want)
		}
	}
}

// Whatever ran before and whatever is requested, the kernel refuses no write, and in the end the channel does what was requested.
func TestPWMNeverBreaksTheKernelsRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &channel{}
		c.period = rapid.Int64Range(0, longestPeriod).Draw(t, "period before")
		c.duty = rapid.Int64Range(0, c.period).Draw(t, "duty before")
		if c.period > 0 {
			c.enable = rapid.Int64Range(0, 1).Draw(t, "enabled before")
		}
		p := c.files(t)
		for range 5 {
			// 0.232831 Hz has 4.29 s
			frequency := physic.Frequency(rapid.Int64Range(232_831, int64(10*physic.MegaHertz)).Draw(t, "frequency"))
			duty := gpio.Duty(rapid.Int32Range(0, int32(gpio.DutyMax)).Draw(t, "duty"))
			if err := p.set(duty, frequency); err != nil {
				t.Fatal(err)
			}
			period := 1e15 / float64(frequency)
			if off := float64(c.period) - period; off > 0.5 || off < -0.5 || c.enable != 1 {
				t.Errorf("%v at %v: period %d, enabled %d", duty, frequency, c.period, c.enable)
			}
			if off := float64(c.duty) - float64(c.period)*float64(duty)/float64(gpio.DutyMax); off > 0.51 || off < -0.51 {
				t.Errorf("%v at %v: duty %d of %d", duty, frequency, c.duty, c.period)
			}
		}
	})
}

// After a write that failed, the next one writes everything again.
func TestPWMAfterAFailure(t *testing.T) {
	c := &channel{}
	p := c.files(t)
	if err := p.set(gpio.DutyHalf, physic.KiloHertz); err != nil {
		t.Fatal(err)
	}
	c.fails = true
	if err := p.set(gpio.DutyMax, physic.KiloHertz); err == nil || !strings.Contains(err.Error(), "GPIO12: PWM: ") {
		t.Errorf("got %v", err)
	}
	c.fails = false
	if err := p.set(gpio.DutyHalf, physic.KiloHertz); err != nil || c.duty != 500_000 {
		t.Errorf("%v, duty %d", err, c.duty)
	}
	if n := testing.AllocsPerRun(100, func() {
		c.writes = c.writes[:0]
		if err := p.off(); err != nil {
			t.Fatal(err)
		}
		_ = p.set(gpio.DutyHalf, physic.KiloHertz)
	}); n > 8 { // those of the test's own files
		t.Errorf("%g allocations", n)
	}
	if err := p.set(0, physic.MilliHertz); err == nil {
		t.Error("a period of 1000 s: expected an error")
	}
}

// After a write that failed half-way the channel can be stopped, whatever period comes next.
func TestPWMStopsAfterAFailedWrite(t *testing.T) {
	for name, rest := range map[string]func(p *pwm) error{
		"low":              (*pwm).off,
		"shorter period":   func(p *pwm) error { return p.set(0, physic.KiloHertz) },
		"longer period":    func(p *pwm) error { return p.set(0, 10*physic.Hertz) },
		"refused, and low": func(p *pwm) error { _ = p.set(0, physic.KiloHertz); return p.off() },
	} {
		c := &channel{}
		p := c.files(t)
		if err := p.set(gpio.DutyHalf, 50*physic.Hertz); err != nil {
			t.Fatal(err)
		}
		c.fails = true
		if err := p.set(gpio.DutyMax, 50*physic.Hertz); err == nil {
			t.Error("expected an error")
		}
		c.fails = false
		if err := rest(p); err != nil || c.duty != 0 {
			t.Errorf("%s: %v, duty %d", name, err, c.duty)
		}
	}
}

// tree makes a fake /sys with a PWM chip of four channels, some of them exported.
func tree(t *testing.T, exported ...int) string {
	t.Helper()
	root := t.TempDir()
	chip := filepath.Join(root, "sys/class/pwm/pwmchip0")
	device := filepath.Join(root, "sys/devices/platform/soc/3f20c000.pwm")
	for _, dir := range []string{chip, device, filepath.Join(root, "dev")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(device, filepath.Join(chip, "device")); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(chip, "npwm"), "4")
	put(t, filepath.Join(chip, "export"), "")
	for _, n := range exported {
		appear(t, chip, n)
	}
	return root
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// appear makes the files of a channel, as the kernel does when it is exported.
func appear(t *testing.T, chip string, n int) {
	t.Helper()
	dir := filepath.Join(chip, fmt.Sprintf("pwm%d", n))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"enable", "duty_cycle", "period"} {
		put(t, filepath.Join(dir, name), "0")
	}
}

// shows returns the content of a file.
func shows(t *testing.T, root, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "sys/class/pwm/pwmchip0", file))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := bytes.Cut(text, []byte("\n"))
	return string(first)
}

func newBoard(root string, header *Header) *Board {
	return New(slog.New(slog.DiscardHandler), func() time.Duration { return 0 }, &Opts{Root: root, Header: header})
}

func TestPWMChannelAsPin(t *testing.T) {
	root := tree(t, 1)
	board := newBoard(root, nil)
	pin, err := board.Pin("pwmchip0/1")
	if err != nil {
		t.Fatal(err)
	}
	if err := pin.PWM(gpio.DutyHalf, 50*physic.Hertz); err != nil {
		t.Fatal(err)
	}
	period, duty, on := shows(t, root, "pwm1/period"), shows(t, root, "pwm1/duty_cycle"), shows(t, root, "pwm1/enable")
	if period != "20000000" || duty != "10000000" || on != "1" {
		t.Errorf("period %s, duty %s, enabled %s", period, duty, on)
	}
	if pin.Function() != "PWM" || pin.Number() != -1 {
		t.Errorf("%s, number %d", pin.Function(), pin.Number())
	}
	for level, want := range map[gpio.Level]string{gpio.High: "20000000", gpio.Low: "0"} {
		if err := pin.Out(level); err != nil || shows(t, root, "pwm1/duty_cycle") != want {
			t.Errorf("%v: %v, duty %s", level, err, shows(t, root, "pwm1/duty_cycle"))
		}
	}
	if err := pin.In(gpio.PullUp, gpio.NoEdge); err == nil {
		t.Error("a PWM channel as input: expected an error")
	}
	if err := pin.PWM(0, 0); err == nil {
		t.Error("a frequency of 0: expected an error")
	}
	if again, err := board.Pin("pwmchip0/1"); err != nil || again != pin {
		t.Errorf("not the same pin: %v", err)
	}
	if err := board.Halt(); err != nil || shows(t, root, "pwm1/enable") != "1" {
		t.Errorf("halt: %v; the channel goes on as it is", err)
	}
}

// The kernel needs a moment to export a channel, and udev for its files. They are found if they come within exportWait.
func TestPWMIsExported(t *testing.T) {
	for takes, found := range map[time.Duration]bool{exportWait - exportPoll: true, exportWait + 2*exportPoll: false} {
		synctest.Test(t, func(t *testing.T) {
			root := tree(t)
			chip := filepath.Join(root, "sys/class/pwm/pwmchip0")
			go func() {
				time.Sleep(takes) // of the bubble: it passes while the board waits
				if text, err := os.ReadFile(filepath.Join(chip, "export")); string(text) != "2" {
					t.Errorf("got %q in export, %v", text, err)
				}
				appear(t, chip, 2)
			}()
			pin, err := newBoard(root, nil).Pin("pwmchip0/2")
			if err != nil {
				t.Fatal(err)
			}
			err = pin.PWM(gpio.DutyMax, physic.KiloHertz)
			if (err == nil) != found || found && shows(t, root, "pwm2/duty_cycle") != "1000000" {
				t.Errorf("after %v: %v", takes, err)
			}
			time.Sleep(takes)
		})
	}
}

func TestPWMThatIsMissing(t *testing.T) {
	root := tree(t, 0, 1)
	header := &Header{Name: "pi", PWM: map[string]Channel{"GPIO12": {"20c000.pwm", 0}, "GPIO18": {"20c000.pwm", 0},
		"GPIO19": {"98000.pwm", 0}},
		Overlay: func(pin string) string { return "dtoverlay for " + pin }}
	board := newBoard(root, header)
	for name, parts := range map[string][]string{
		"pwmchip0/x": {`pi: pin "pwmchip0/x": expected a PWM channel such as pwmchip0/1`},
		"pwmchip7/0": {"no such PWM chip; there is pwmchip0"},
	} {
		if _, err := board.Pin(name); err == nil || !strings.Contains(err.Error(), parts[0]) {
			t.Errorf("%s: %v", name, err)
		}
	}
	use := func(name string) error {
		pin, err := board.Pin(name)
		if err != nil {
			t.Fatal(err)
		}
		return pin.PWM(0, physic.KiloHertz)
	}
	if err := use("pwmchip0/4"); err == nil || !strings.Contains(err.Error(), "channels 0 to 3") {
		t.Errorf("a fifth channel: %v", err)
	}
	if err := use("GPIO12"); err != nil || shows(t, root, "pwm0/enable") != "1" {
		t.Errorf("found by its device: %v", err)
	}
	if err := use("GPIO18"); err == nil || !strings.Contains(err.Error(), "pin GPIO12 has the same channel") {
		t.Errorf("two pins of a channel: %v", err)
	}
	if err := use("GPIO19"); err == nil || !strings.Contains(err.Error(), "dtoverlay for GPIO19") ||
		!strings.Contains(err.Error(), "98000.pwm") {
		t.Errorf("without the overlay: %v", err)
	}
	if os.Geteuid() != 0 { // whom nothing is forbidden
		if err := os.Chmod(filepath.Join(root, "sys/class/pwm/pwmchip0/pwm1/period"), 0); err != nil {
			t.Fatal(err)
		}
		if err := use("pwmchip0/1"); !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "udev") {
			t.Errorf("without the right: %v", err)
		}
	}
}

func TestPWMErrorsSayWhatToDo(t *testing.T) {
	for err, want := range map[error]string{fs.ErrPermission: "udev", syscall.EACCES: "udev", syscall.EBUSY: "another driver",
		syscall.EINVAL: "dmesg", fs.ErrNotExist: "dmesg"} {
		p := &pwm{name: "fan", periodIs: 1, dutyIs: 0, period: failing{err}, duty: failing{err}, enable: failing{err}}
		if got := p.set(gpio.DutyHalf, physic.KiloHertz); !errors.Is(got, err) || !strings.Contains(got.Error(), want) {
			t.Errorf("%v: expected %q, got %v", err, want, got)
		}
	}
}

// failing is a file of the kernel that refuses every write.
type failing struct{ err error }

func (f failing) ReadAt([]byte, int64) (int, error)  { return 0, f.err }
func (f failing) WriteAt([]byte, int64) (int, error) { return 0, f.err }
func (failing) Close() error                         { return nil }
func (failing) Name() string                         { return "failing" }

// kernelPin is a pin with the kernel's PWM only.
type kernelPin struct {
	gpio.PinIO
	pwm *pwm
}

func (p *kernelPin) PWM(duty gpio.Duty, f physic.Frequency) error { return p.pwm.set(duty, f) }

// The kernel's unit of a pulse is a nanosecond. So a pulse is as long as requested, although the period is a whole number of
// nanoseconds, or of clock cycles, and so not exactly that of the frequency.
func TestPulsesAreAsLongAsRequested(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		frequency := physic.Frequency(rapid.Int64Range(40_000_000, 333_000_000).Draw(t, "frequency in uHz"))
		longest := time.Duration(rapid.Int64Range(1_100, 2_600).Draw(t, "longest in us")) * time.Microsecond
		command := actuators.Command(rapid.Int64Range(int64(-actuators.Full), int64(actuators.Full)).Draw(t, "command"))
		c := &channel{}
		servo, err := actuators.NewServo(&kernelPin{gpio.INVALID, c.files(t)}, &actuators.ServoOpts{Max: longest, Frequency: frequency})
		if err != nil {
			t.Fatal(err)
		}
		if err := servo.Drive(command); err != nil {
			t.Fatal(err)
		}
		asked := int64(time.Millisecond) + int64(longest-time.Millisecond)*int64(command+actuators.Full)/int64(2*actuators.Full)
		if off := c.duty - asked; off < -2 || off > 2 || c.duty > int64(longest)+1 {
			t.Errorf("%v: a pulse of %d ns, expected %d", frequency, c.duty, asked)
		}
	})
}
