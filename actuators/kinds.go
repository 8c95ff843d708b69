package actuators

import (
	"slices"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// A Kind is a sort of actuator, by the name that a robot file has for it.
type Kind struct {
	Name    string         // "hbridge"
	About   string         // one phrase: "DC motor"
	New     func() Options // options with nothing set: not even their defaults
	Slew    Slew           // fastest change where the file says nothing; 0: no limit
	Without []string       // keys of CommonOpts that make no sense for it
	Label   bool           // it moves nothing: it names the winning command
	// Smooth is the frequency of PWM from which on it runs well, and Rough what it does below: "the lamp flickers". 0 where any
	// will do.
	Smooth physic.Frequency
	Rough  string
}

// Options are what a robot file says of one actuator beside what all have in common: see CommonOpts.
type Options interface {
	// Lowest is the lowest command: -Full, or 0 for what has no reverse.
	Lowest() Command
	// Open makes the device. It writes nothing: the first command does. An error about one of the options is a Mistake
	// (errors.As).
	Open(from Parts) (Device, error)
}

// Parts gives a device what it is connected to. Pins have names, as in a robot file.
type Parts interface {
	Pin(name string) (gpio.PinIO, error)
	// Standby gives a share of a standby pin, which several bridges may have in common.
	Standby(name string) (gpio.PinOut, error)
	// Frequency is what an expander gives all its outputs; 0 where the pin has one of its own.
	Frequency(name string) physic.Frequency
}

// Adjustable is a device that takes options over while it runs: those with the tag live.
type Adjustable interface {
	Device
	// Adjusted returns what changes the device between two writes: see Guard.Adjust. It fails, and changes nothing, when the
	// options are of another kind or beyond their limits. Options without the tag live stay as they are. It may be called from
	// any goroutine.
	Adjusted(opts Options) (change func(), err error)
}

// Sharing are options that depend on what an expander gives all its outputs: those of devices with a PWM pin.
type Sharing interface {
	Options
	// Share is to be called before Limits and Check where the pin with the tag pwm is on an expander: with the frequency that
	// the expander is asked for, and the period that it makes of it.
	Share(frequency physic.Frequency, period time.Duration)
}

// Acting are options of what may act by itself when the robot starts, before anybody has written to its pins.
type Acting interface {
	Options
	// ActsAt is the level, "high" or "low", at which a pin makes the device act. The pin is given by its key; "" is none.
	ActsAt(key string) string
}

// Shared is what an expander gives all its outputs; zero where a pin has a frequency of its own.
type Shared struct {
	Asked  physic.Frequency // of the expander
	Period time.Duration    // that it makes
}

// Share implements Sharing.
func (s *Shared) Share(frequency physic.Frequency, period time.Duration) {
	s.Asked, s.Period = frequency, period
}

// Kinds lists all sorts of actuators.
var Kinds = []Kind{hbridgeKind, servoKind, continuousKind, escKind, dimmerKind, relayKind, stepperKind, labelKind}

// KindOf finds a kind by its name.
func KindOf(name string) (Kind, bool) {
	i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return Kinds[i], true
}

// outputs gives pins by their names; nil for "".
func outputs(from Parts, names ...string) ([]gpio.PinOut, error) {
	pins := make([]gpio.PinOut, len(names))
	for i, name := range names {
		if name == "" {
			continue
		}
		pin, err := from.Pin(name)
		if err != nil {
			return nil, err
		}
		pins[i] = pin
	}
	return pins, nil
}

// driven gives the PWM pin of a device, and the frequency that it has: the expander's, or else the one that the options say.
func driven(from Parts, name string, said physic.Frequency) (gpio.PinOut, physic.Frequency, error) {
	pin, err := from.Pin(name)
	if err != nil {
		return nil, 0, err
	}
	if common := from.Frequency(name); common != 0 {
		return pin, common, nil
	}
	return pin, said, nil
}
