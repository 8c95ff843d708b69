package actuators

import (
	"fmt"

	"periph.io/x/conn/v3/gpio"
)

// RelayOpts are the options of a Relay. Fields that are 0 stand for their defaults.
type RelayOpts struct {
	// On is the command from which on it switches on, and Off the one up to which it switches off again; between them it stays as it
	// is, so that a command that trembles does not make it chatter. Defaults: half, and 0.4 of full scale.
	On, Off Command
	// ActiveLow is for relay boards that switch on when their input is low, as most with an optocoupler do.
	ActiveLow bool
}

// DefaultRelayOpts are the options that stand for nil.
var DefaultRelayOpts = RelayOpts{On: Full / 2, Off: 2 * Full / 5}

// Relay is an output that is on or off: a relay, a transistor, a horn.
type Relay struct {
	name string
	pin  gpio.PinOut
	opts RelayOpts
	on   bool
}

// NewRelay makes an output of a pin. It writes nothing. Nil options stand for DefaultRelayOpts.
func NewRelay(pin gpio.PinOut, opts *RelayOpts) (*Relay, error) {
	if opts == nil {
		opts = &DefaultRelayOpts
	}
	r := &Relay{name: "relay on " + pin.Name(), pin: pin, opts: *opts}
	if r.opts.On == 0 && r.opts.Off == 0 {
		r.opts.On, r.opts.Off = DefaultRelayOpts.On, DefaultRelayOpts.Off
	}
	if r.opts.Off < 0 || r.opts.Off >= r.opts.On || r.opts.On > Full {
		return nil, fmt.Errorf("%s: expected 0 <= off < on <= %d, got off %d and on %d", r, Full, r.opts.Off, r.opts.On)
	}
	return r, nil
}

// String names the output and its pin.
func (r *Relay) String() string { return r.name }

// Drive switches. A command in between writes the state that it has once more: a write that failed is thus repeated.
func (r *Relay) Drive(c Command) error {
	if err := expectRange(r.name, c, 0, Full); err != nil {
		return err
	}
	on := r.on
	if c >= r.opts.On {
		on = true
	} else if c <= r.opts.Off {
		on = false
	}
	return r.set(on)
}

// Adjusted returns what makes it switch at other commands, as Servo.Adjusted does. It stays as it is while the command is between the two.
func (r *Relay) Adjusted(opts RelayOpts) (change func(), err error) {
	opts.ActiveLow = r.opts.ActiveLow
	next, err := NewRelay(r.pin, &opts)
	if err != nil {
		return nil, err
	}
	return func() { r.opts.On, r.opts.Off = next.opts.On, next.opts.Off }, nil
}

// Halt switches off.
func (r *Relay) Halt() error { return r.set(false) }

func (r *Relay) set(on bool) error {
	if err := r.pin.Out(gpio.Level(on != r.opts.ActiveLow)); err != nil {
		return fmt.Errorf("%s: switch: %w; check that %s exists and nothing else uses it", r, err, r.pin.Name())
	}
	r.on = on
	return nil
}
