package actuators

import (
	"slices"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// A Kind is a kind of actuator.
type Kind struct {
	Name    string         // in a robot file: "hbridge"
	About   string         // one phrase: "DC motor"
	Also    []string       // chips and modules that it drives, in lower case without hyphens: "drv8833"
	New     func() Options // returns options with nothing set, not even the defaults
	Slew    Slew           // default slew rate; 0: no limit
	Without []string       // keys of CommonOpts that it does not have
	Label   bool           // it moves nothing: it names the winning command
	// Smooth is the lowest PWM frequency at which it runs well, and Rough says what it does below: "the lamp flickers". 0 if it
	// runs well at any.
	Smooth physic.Frequency
	Rough  string
}

// Options are the keys of a robot file that belong to one kind of actuator. CommonOpts are those that all have in common.
type Options interface {
	// Lowest returns the lowest command: -Full, or 0 for a device without a reverse.
	Lowest() Command
	// Open makes the device. It writes nothing: the first command does. An error about one of the options is a Mistake
	// (errors.As).
	Open(from Parts) (Device, error)
}

// Parts gives a device the pins that it is connected to. Pins have the names of a robot file.
type Parts interface {
	Pin(name string) (gpio.PinIO, error)
	// Standby returns a share of a standby pin, which several bridges may have in common.
	Standby(name string) (gpio.PinOut, error)
	// Frequency returns the frequency that all outputs of the pin's expander share; 0 for a pin with a separate frequency.
	Frequency(name string) physic.Frequency
}

// Adjustable is a device that accepts other options while it runs: those with the tag live.
type Adjustable interface {
	Device
	// Adjusted returns a function that changes the device between two writes: see Guard.Adjust. It fails, and changes nothing,
	// when the options are of another kind or beyond their limits. Options without the tag live keep their values. It may be
	// called from any goroutine.
	Adjusted(opts Options) (change func(), err error)
}

// Sharing are options that depend on the frequency that all outputs of an expander share: those of devices with a PWM pin.
type Sharing interface {
	Options
	// Share sets the frequency that the expander was configured to, and the period that it really makes. It must be called before
	// Limits and Check if the pin with the tag pwm is on an expander.
	Share(frequency physic.Frequency, period time.Duration)
}

// Acting are options of a device that may act when the machine starts, before fluxd has written to its pins.
type Acting interface {
	Options
	// ActsAt returns the level, "high" or "low", at which a pin makes the device act; "" for none. The pin is given by its key.
	ActsAt(key string) string
}

// Shared is the frequency that all outputs of an expander share; zero for a pin with a separate frequency.
type Shared struct {
	Configured physic.Frequency // of the expander
	Period     time.Duration    // that it really makes
}

// Share implements Sharing.
func (s *Shared) Share(frequency physic.Frequency, period time.Duration) {
	s.Configured, s.Period = frequency, period
}

// Kinds lists all kinds of actuators.
var Kinds = []Kind{hbridgeKind, servoKind, continuousKind, escKind, dimmerKind, relayKind, stepperKind, labelKind}

// KindOf finds a kind by its name.
func KindOf(name string) (Kind, bool) {
	i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return Kinds[i], true
}

// openPins returns pins by their names; nil for "".
func openPins(from Parts, names ...string) ([]gpio.PinOut, error) {
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

// openPWM returns the PWM pin of a device and its frequency: the expander's, or else the one in the options.
func openPWM(from Parts, name string, own physic.Frequency) (gpio.PinOut, physic.Frequency, error) {
	pin, err := from.Pin(name)
	if err != nil {
		return nil, 0, err
	}
	if shared := from.Frequency(name); shared != 0 {
		return pin, shared, nil
	}
	return pin, own, nil
}
