// Package overlays knows the lines that the wiring of a robot needs in config.txt, the file with the settings of a Raspberry Pi's
// firmware, and reads that file.
//
//	lines, err := overlays.Lines(overlays.Needs{Buses: []string{"I2C1"}, PWM: []string{"GPIO12", "GPIO13"}})
//	// [all], dtparam=i2c_arm=on, dtoverlay=pwm-2chan,pin=12,func=4,pin2=13,func2=4, dtparam=audio=off
//	config := overlays.Read(open, "Raspberry Pi 4 Model B Rev 1.5")
//	there := config.Bus("I2C1") && config.PWM("GPIO12")
//
// Nothing else in fluxd writes such a line: fluxd check, fluxd doctor and the errors of the board take them from here.
//
// Sources: Linux of the Raspberry Pi, arch/arm/boot/dts/overlays (README, pwm-overlay.dts, pwm-2chan-overlay.dts,
// vc4-kms-v3d-overlay.dts) and arch/arm64/boot/dts/broadcom/bcm2712-rpi.dtsi; Raspberry Pi documentation, "config.txt",
// "Conditional filters", and "Device Trees, overlays, and parameters"; Ubuntu, "Edit the Raspberry Pi boot configuration".
package overlays

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"fluxd/boards/header"
)

// File is where Raspberry Pi OS since Bookworm, and Ubuntu, have config.txt; older systems have OldFile.
const (
	File    = "/boot/firmware/config.txt"
	OldFile = "/boot/config.txt"
)

// Needs is what the wiring of a robot needs of the kernel, by the canonical names of package header.
type Needs struct {
	Buses []string // "I2C1"
	PWM   []string // "GPIO12"
	Five  bool     // the machine is a Raspberry Pi 5, whose sound does not use the PWM
}

// None reports whether the kernel has everything without any line.
func (n *Needs) None() bool { return len(n.Buses) == 0 && len(n.PWM) == 0 }

// Lines returns the lines, in an order in which they work at the end of any config.txt. They are the same for all models; the
// last one has no effect on a Raspberry Pi 5. It fails if no lines can do it: then the error says what can, and the lines are all
// the others.
func Lines(n Needs) (lines []string, err error) {
	if n.None() {
		return nil, nil
	}
	lines = []string{"[all]"} // whatever section comes before
	buses := slices.Clone(n.Buses)
	slices.Sort(buses)
	var failed []string
	for _, bus := range slices.Compact(buses) {
		line := BusLine(bus)
		if line == "" {
			failed = append(failed, fmt.Sprintf("no overlay makes bus %s on known pins: use I2C1, or see i2c-gpio in the folder "+
				"overlays beside config.txt, README", bus))
			continue
		}
		lines = append(lines, line)
	}
	if len(n.PWM) > 0 {
		line, wrong := PWMLine(n.PWM)
		if wrong != nil {
			failed = append(failed, wrong.Error())
		} else {
			lines = append(lines, line)
		}
		// After the overlay of the PWM: a parameter goes to the overlay before it, if that one has a parameter of this name. The
		// overlay of the display, vc4-kms-v3d, has one named audio, for the sound of HDMI.
		if !n.Five && wrong == nil {
			lines = append(lines, AudioOff)
		}
	}
	if failed != nil {
		err = fmt.Errorf("%s", strings.Join(failed, "; "))
	}
	if len(lines) == 1 {
		lines = nil
	}
	return lines, err
}

// AudioOff switches off the analogue sound of the models before the 5, which uses both PWM channels.
const AudioOff = "dtparam=audio=off"

// BusLine returns the line for a bus, "" if there is none. I2C0 and I2C1 are on the header of all models; I2C2 to I2C6 take pins
// that have other uses, too, and are not on all models.
func BusLine(bus string) string {
	switch bus {
	case "I2C0":
		return "dtparam=i2c_vc=on"
	case "I2C1":
		return "dtparam=i2c_arm=on"
	case "I2C2", "I2C3", "I2C4", "I2C5", "I2C6":
		return "dtoverlay=i2c" + strings.TrimPrefix(bus, "I2C")
	}
	return ""
}

// PWMLine returns the line that gives PWM to one pin or to two. It fails for other pins and for more: then the error says what
// helps. The kernel of the 5 translates the function numbers of the older chips.
func PWMLine(pins []string) (string, error) {
	pins = slices.Clone(pins)
	slices.Sort(pins)
	pins = slices.Compact(pins)
	line := "dtoverlay=pwm"
	if len(pins) == 2 {
		line += "-2chan"
	}
	can := strings.Join(slices.Sorted(maps.Keys(header.PWM)), ", ")
	if len(pins) == 0 || len(pins) > 2 {
		return "", fmt.Errorf("no overlay gives PWM to %d pins: use at most two of %s, or the outputs of a pca9685", len(pins), can)
	}
	for i, pin := range pins {
		channel, known := header.PWM[pin]
		if !known {
			return "", fmt.Errorf("%s has no PWM: expected one of %s", pin, can)
		}
		suffix := []string{"", "2"}[i]
		line += fmt.Sprintf(",pin%s=%s,func%s=%d", suffix, strings.TrimPrefix(pin, "GPIO"), suffix, channel.Function)
	}
	return line, nil
}

// Advice says how to switch on the PWM of a pin whose chip is missing.
func Advice(pin string) string {
	var pair []string // those with the same function are neighbours
	for _, other := range slices.Sorted(maps.Keys(header.PWM)) {
		if header.PWM[other].Function == header.PWM[pin].Function {
			pair = append(pair, other)
		}
	}
	line, err := PWMLine(pair)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("put the lines that 'fluxd check' prints for this robot into %s and restart; for %s: %s, "+
		"and before the 5 also %s", File, strings.Join(pair, " and "), line, AudioOff)
}
