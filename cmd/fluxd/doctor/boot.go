package doctor

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"fluxd/boards/header"
	"fluxd/boards/overlays"
	"fluxd/configs"
)

// readBoot reads config.txt.
func (p *patient) readBoot() {
	if p.model == "" {
		return
	}
	for _, name := range []string{overlays.File, overlays.OldFile} {
		folder := filepath.Dir(name)
		config, err := overlays.Read(func(file string) ([]byte, error) { return p.read(folder + "/" + file) }, p.model)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		p.config, p.file, p.fileErr = config, name, err
		return
	}
}

// edited reports whether config.txt was changed after the machine started, as far as its clock can be trusted.
func (p *patient) edited() bool {
	info, err := os.Stat(p.at(p.file))
	if err != nil {
		return false
	}
	text, err := p.read("/proc/stat")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if at, is := strings.CutPrefix(line, "btime "); is {
			start, err := strconv.ParseInt(strings.TrimSpace(at), 10, 64)
			return err == nil && info.ModTime().Unix() > start
		}
	}
	return false
}

// add returns the command that adds lines to config.txt.
func (p *patient) add(lines []string) string {
	file := p.file
	if file == "" {
		file = overlays.File
	}
	return fmt.Sprintf("printf '%s\\n' | sudo tee -a %s && sudo reboot", strings.Join(lines, `\n`), file)
}

// boot compares what the wiring needs with what the firmware has switched on, and with config.txt.
func (p *patient) boot(context.Context) (all []Finding) {
	if p.Config == nil || !p.real {
		return nil
	}
	if p.model == "" {
		return p.otherBoard()
	}
	switch {
	case p.needs.None():
		return nil
	case p.fileErr != nil:
		all = append(all, Finding{"config-txt-unreadable", Warning, "config.txt", p.fileErr.Error(), "sudo fluxd doctor " + p.Robot})
	case p.config == nil:
		all = append(all, Finding{"config-txt-missing", Warning, "config.txt", "neither " + overlays.File + " nor " + overlays.OldFile +
			" is there", "is the boot partition mounted? findmnt /boot/firmware; or set up the board as the system's maker says"})
	default:
		all = append(all, Finding{"config-txt", OK, "config.txt", p.file, ""})
	}
	before := len(all)
	buses := slices.Clone(p.needs.Buses)
	slices.Sort(buses)
	for _, bus := range slices.Compact(buses) {
		all = append(all, p.busOn(bus))
	}
	all = append(all, p.pwm()...)
	off := slices.ContainsFunc(all[before:], func(f Finding) bool { return f.Level == Problem })
	if off && p.config != nil && len(p.config.Conditional) > 0 {
		all = append(all, Finding{"conditional-lines", Warning, "config.txt",
			"these lines stand in a section with a condition, and did " +
				"not count here: " + strings.Join(p.config.Conditional, "; "), "put them behind [all]"})
	}
	return all
}

// otherBoard says whether a machine that is no Raspberry Pi has the buses and the PWM channels of the wiring.
func (p *patient) otherBoard() (all []Finding) {
	if p.Config.Board.Kind == "raspberrypi" {
		return nil // it is the wrong machine
	}
	buses := slices.Clone(p.needs.Buses)
	slices.Sort(buses)
	for _, bus := range slices.Compact(buses) {
		f := p.busOn(bus)
		if f.Code == "bus-off" {
			there := strings.Join(p.find("/dev/i2c-*"), ", ")
			if there == "" {
				there = "none"
			}
			f.Text, f.Remedy = "there is no such bus; this machine shows "+there, "switch it on as the maker of the board says, "+
				"mostly with a device-tree overlay; or use another bus"
		}
		all = append(all, f)
	}
	for _, wire := range p.Config.Wiring() {
		chip, number, is := strings.Cut(wire.Pin, "/")
		if !is || !strings.HasPrefix(chip, "pwmchip") {
			continue
		}
		text, err := p.read("/sys/class/pwm/" + chip + "/npwm")
		channels, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		at, _ := strconv.Atoi(number)
		switch {
		case err != nil:
			all = append(all, Finding{"pwm-off", Problem, wire.Pin, "there is no such PWM chip under /sys/class/pwm",
				"switch it on as the maker of the board says; ls /sys/class/pwm shows what is there"})
		case at >= channels:
			all = append(all, Finding{"pwm-channels", Problem, wire.Pin, fmt.Sprintf("%s has the channels 0 to %d", chip, channels-1),
				"use one of these"})
		default:
			all = append(all, Finding{"pwm", OK, wire.Pin, fmt.Sprintf("%s, with %d channels", chip, channels), ""})
		}
	}
	return all
}

// busOn says whether a bus is there.
func (p *patient) busOn(bus string) Finding {
	number := strings.TrimPrefix(bus, "I2C")
	line := overlays.BusLine(bus)
	switch {
	case p.exists("/dev/i2c-" + number):
		return Finding{"bus", OK, bus, "/dev/i2c-" + number + " is there", ""}
	case p.exists("/sys/bus/i2c/devices/i2c-" + number):
		return Finding{"i2c-dev-missing", Problem, bus,
			"the kernel has the bus, but not its device file: the module i2c-dev is not loaded",
			"sudo modprobe i2c-dev && echo i2c-dev | sudo tee /etc/modules-load.d/i2c-dev.conf"}
	case p.config != nil && p.config.Bus(bus) && !p.edited():
		return Finding{"bus-failed", Problem, bus, "it is in " + p.file + ", and the machine has started since, but there is no bus",
			"sudo reboot; if that does not help, see what the kernel says: dmesg | grep -i i2c"}
	case p.config != nil && p.config.Bus(bus):
		return Finding{"bus-reboot", Problem, bus, "it is in " + p.file + ", but not active yet", "sudo reboot"}
	case line == "":
		return Finding{"bus-off", Problem, bus, "there is no such bus, and no line in config.txt is known for it",
			"use I2C1; or see i2c-gpio in /boot/firmware/overlays/README"}
	}
	return Finding{"bus-off", Problem, bus, "it is switched off: the line " + line + " is missing", p.add([]string{"[all]", line})}
}

// pwm says whether the pins with PWM have it.
func (p *patient) pwm() (all []Finding) {
	if len(p.needs.PWM) == 0 {
		return nil
	}
	pins := slices.Clone(p.needs.PWM)
	slices.Sort(pins)
	pins = slices.Compact(pins)
	where := strings.Join(pins, ", ")
	lines, wrong := overlays.Lines(overlays.Needs{PWM: pins, Five: p.needs.Five})
	if wrong != nil {
		all = append(all, Finding{"pwm-none", Warning, where, wrong.Error(), ""})
	}
	missing := func(in []string) string { // pins that a list of pins does not have
		var not []string
		for _, pin := range pins {
			if !slices.Contains(in, pin) {
				not = append(not, pin)
			}
		}
		return strings.Join(not, ", ")
	}
	var given []string
	if p.config != nil {
		given = p.config.PWMPins()
	}
	inFile := p.config != nil && missing(given) == ""
	chip, channels := p.pwmChip()
	active, known := p.activePWM()
	switch {
	case chip == "" && inFile && p.edited():
		all = append(all, Finding{"pwm-reboot", Problem, where, "the overlay for PWM is in " + p.file + ", but not active yet",
			"sudo reboot"})
	case chip == "" && inFile:
		all = append(all, Finding{"pwm-failed", Problem, where, "the overlay for PWM is in " + p.file + ", but there is no PWM chip",
			"sudo reboot; if that does not help, see what the kernel says: dmesg | grep -i pwm"})
	case chip == "" && wrong == nil:
		all = append(all, Finding{"pwm-off", Problem, where, "there is no PWM chip: the overlay is missing in config.txt",
			p.add(lines)})
	case chip == "":
		all = append(all, Finding{"pwm-off", Problem, where, "there is no PWM chip", "use at most two of these pins; or a pca9685"})
	case known && missing(active) != "" && inFile:
		all = append(all, Finding{"pwm-reboot", Problem, missing(active), "PWM is on " + strings.Join(active, ", ") + " now; " +
			p.file +
			" has other pins, which are not active yet", "sudo reboot"})
	case known && missing(active) != "" || !known && p.config != nil && !inFile && len(given) > 0:
		if !known {
			active = given
		}
		remedy := "remove the line dtoverlay=pwm... from " + p.file
		if wrong == nil {
			remedy += ", then:\n" + p.add(lines)
		}
		all = append(all, Finding{"pwm-pins", Problem, missing(active), "PWM is on other pins: " + strings.Join(active, ", "), remedy})
	case slices.ContainsFunc(pins, func(pin string) bool { return p.channel(pin) >= channels && channels > 0 }):
		all = append(all, Finding{"pwm-channels", Problem, where, fmt.Sprintf("%s has %d channels, which is not enough for these pins",
			chip, channels), "see what the kernel says: dmesg | grep -i pwm"})
	default:
		all = append(all, Finding{"pwm", OK, where, fmt.Sprintf("%s, with %d channels", chip, channels), ""})
	}
	if p.config != nil && p.config.Audio() && !p.needs.Five {
		all = append(all, Finding{"audio-uses-pwm", Warning, where,
			"the analogue sound is on, and uses the same PWM: the motors jerk " +
				"when something plays", "remove the line dtparam=audio=on from " + p.file + ", then: sudo reboot"})
	}
	return all
}

// channel returns the PWM channel of a pin on this model.
func (p *patient) channel(pin string) int {
	if p.needs.Five {
		return header.PWM[pin].On5
	}
	return header.PWM[pin].Before5
}

// pwmChip returns the chip with the header's PWM, and its number of channels; "" without one. Its device is 1f00098000.pwm on a
// Raspberry Pi 5, whose second one drives the fan, and ends with 20c000.pwm before.
func (p *patient) pwmChip() (name string, channels int) {
	device := "20c000.pwm"
	if p.needs.Five {
		device = "98000.pwm"
	}
	for _, chip := range p.find("/sys/class/pwm/pwmchip*") {
		at, err := filepath.EvalSymlinks(p.at(chip + "/device"))
		if err != nil || !strings.HasSuffix(filepath.Base(at), device) {
			continue
		}
		text, _ := p.read(chip + "/npwm")
		channels, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		return filepath.Base(chip), channels
	}
	return "", 0
}

// activePWM returns the pins that the device tree in force gives to the PWM: the overlays call this node pwm_pins.
func (p *patient) activePWM() (pins []string, known bool) {
	for _, pattern := range []string{"/proc/device-tree/soc*/gpio@*/pwm_pins/brcm,pins",
		"/proc/device-tree/axi/pcie@*/rp1/gpio@*/pwm_pins/brcm,pins"} {
		for _, file := range p.find(pattern) {
			text, err := p.read(file)
			if err != nil || len(text) < 4 {
				continue
			}
			for ; len(text) >= 4; text = text[4:] {
				pins = append(pins, fmt.Sprintf("GPIO%d", binary.BigEndian.Uint32(text)))
			}
			known = true
		}
	}
	return pins, known
}

// pins finds pins of the wiring that another driver or program has.
func (p *patient) pins(context.Context) (all []Finding) {
	if p.Config == nil || !p.real || p.model == "" && p.Config.Board.Kind == "raspberrypi" {
		return nil
	}
	plain := slices.ContainsFunc(p.Config.Wiring(), func(w configs.Connection) bool {
		return w.Bus == "" && w.Direction != "pwm" && !strings.Contains(w.Pin, "/")
	})
	if plain && len(p.find("/dev/gpiochip[0-9]*")) == 0 {
		return []Finding{{"gpio-missing", Problem, "pins", "this machine shows no GPIO: there is no /dev/gpiochip*",
			"see what the kernel says: dmesg | grep -i gpio; in a container, pass these devices on"}}
	}
	var taken map[string]string
	if p.config != nil {
		taken = p.config.Takes()
	}
	seen := map[string]bool{}
	for _, wire := range p.Config.Wiring() {
		if wire.Position == 0 || seen[wire.Pin] {
			continue
		}
		seen[wire.Pin] = true
		if by := p.consumer(wire.Pin); by != "" && by != "fluxd" && wire.Direction != "pwm" {
			all = append(all, Finding{"pin-taken", Problem, wire.Pin, fmt.Sprintf("%s needs it, but %q has it", wire.Owner, by),
				"end that program; if it is a driver, remove its line from config.txt; or use another pin"})
		} else if line := taken[wire.Pin]; line != "" && by != "fluxd" {
			all = append(all, Finding{"pin-in-config-txt", Warning, wire.Pin, fmt.Sprintf("%s needs it, but %s in %s gives it to a driver",
				wire.Owner, line, p.file), "remove that line, then: sudo reboot; or use another pin"})
		}
	}
	return all
}

// consumer returns who has a pin of the header, "" for nobody.
func (p *patient) consumer(pin string) string {
	offset, err := strconv.Atoi(strings.TrimPrefix(pin, "GPIO"))
	if err != nil {
		return ""
	}
	for label, lines := range p.consumed {
		if strings.HasPrefix(label, "pinctrl-") {
			return lines[offset]
		}
	}
	return ""
}
