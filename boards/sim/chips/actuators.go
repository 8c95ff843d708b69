package chips

import (
	"slices"

	"periph.io/x/conn/v3/gpio"

	"fluxd/boards/sim"
)

// An Actuator is the twin of a device that acts on a world: a motor, a servo, a lamp. It reads its pins as the device would.
type Actuator interface {
	// Command returns what the device does now, as the command that its driver was given: millionths of full scale, from -1,000,000
	// to 1,000,000. The device is the one for which the robot file is right: a motor that is mounted the other way round turns
	// forward all the same, and one that needs a least power to turn begins to turn there. Without power, a signal, or anything that
	// drives its pins, Command is 0.
	Command() int64
	// Limp reports that the device exerts no force: a motor that coasts, a servo without pulses, a stepper without current. A motor
	// that brakes, or holds its place, has the command 0 and is not limp.
	Limp() bool
}

// An ActuatorKind is a kind of device that acts, and the constructor of its twin.
type ActuatorKind struct {
	Name string // in a robot file: "hbridge"
	// New connects a twin to pins of the board or of an expander, by their keys in the robot file: "pwm", "direction". The device
	// has only some of the pins of its kind; the others are missing. The settings are those of the robot file.
	New func(pins map[string]*sim.Pin, settings Settings) Actuator
}

// ActuatorKinds lists all kinds of devices that act.
var ActuatorKinds = []ActuatorKind{
	{Name: "continuous", New: newContinuous},
	{Name: "dimmer", New: newDimmer},
	{Name: "esc", New: newESC},
	{Name: "hbridge", New: newMotor},
	{Name: "relay", New: newRelay},
	{Name: "servo", New: newServo},
	{Name: "stepper", New: newStepper},
}

// FindActuator returns the kind with a name; false if there is no twin.
func FindActuator(name string) (ActuatorKind, bool) {
	i := slices.IndexFunc(ActuatorKinds, func(k ActuatorKind) bool { return k.Name == name })
	if i < 0 {
		return ActuatorKind{}, false
	}
	return ActuatorKinds[i], true
}

// full is full scale of a command.
const full = 1_000_000

// signal returns what a device sees on one of its pins. A pin that is missing floats.
func signal(pin *sim.Pin) sim.Signal {
	if pin == nil {
		return sim.Signal{Floats: true}
	}
	return pin.Signal()
}

// high reports whether a device sees a high level. On a pin that floats, a resistor of the device decides.
func high(pin *sim.Pin, floating bool) bool {
	s := signal(pin)
	if s.Floats {
		return floating
	}
	return s.High >= gpio.DutyHalf
}

// share returns for how much of the time a pin is high, in millionths.
func share(pin *sim.Pin) int64 {
	return (int64(signal(pin).High)*full + int64(gpio.DutyMax)/2) / int64(gpio.DutyMax)
}

// withoutLeast returns the command of a device that needs a least power to move, from the power that it gets: the inverse of what
// its driver does. Less than the least power does nothing.
func withoutLeast(power, least int64) int64 {
	size := max(power, -power)
	if size <= least || least >= full {
		return 0
	}
	command := min((size-least)*full/(full-least), full)
	if power < 0 {
		return -command
	}
	return command
}

// A mounting is how a device answers its power: settings that are looked up once, because a world asks in each of its steps.
type mounting struct {
	least    int64 // power from which on it moves
	inverted bool
}

func (s Settings) mounting() mounting { return mounting{s.least(), s.on("inverted")} }

// command returns the command of a device that gets some power.
func (m mounting) command(power int64) int64 {
	command := withoutLeast(power, m.least)
	if m.inverted {
		return -command
	}
	return command
}

// least returns the setting min_power.
func (s Settings) least() int64 { return int64(s.numberOr("min_power", 0)) }

// turned returns a command, or its opposite for a device that is mounted the other way round.
func (s Settings) turned(command int64) int64 {
	if s.on("inverted") {
		return -command
	}
	return command
}
