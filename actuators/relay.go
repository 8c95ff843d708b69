package actuators

import (
	"fluxd/options"
	"fmt"

	"periph.io/x/conn/v3/gpio"
)

// RelayOpts are the options of a Relay. NewRelay uses the default of each that is not set, and of On and Off if neither is set.
type RelayOpts struct {
	Pin    string `yaml:"pin" pin:"out" required:"true" doc:"output, such as GPIO23"`
	Active string `yaml:"active" default:"high" enum:"high,low" doc:"level that switches it on; most relay boards: low"`
	// At command On and above it switches on, at Off and below it switches off again. Between them it stays as it is, so that a
	// noisy command does not make it chatter.
	On  Command `yaml:"on" unit:"" default:"0.5" min:"0" max:"1" live:"true" doc:"lowest command that switches it on"`
	Off Command `yaml:"off" unit:"" default:"0.4" min:"0" max:"1" live:"true" doc:"highest command that switches it off again"`
}

// DefaultRelayOpts are the options that nil stands for.
var DefaultRelayOpts = options.Defaults[RelayOpts]()

var relayKind = Kind{Name: "relay", About: "on or off", New: func() Options { return new(RelayOpts) }, Without: []string{"slew"}}

// Lowest implements Options.
func (o *RelayOpts) Lowest() Command { return 0 }

// ActsAt implements Acting.
func (o *RelayOpts) ActsAt(key string) string {
	if key == "pin" {
		return o.Active
	}
	return ""
}

// Open implements Options.
func (o *RelayOpts) Open(from Parts) (Device, error) {
	pin, err := from.Pin(o.Pin)
	if err != nil {
		return nil, err
	}
	return NewRelay(pin, o)
}

// Limits returns the limits of on and off.
func (o *RelayOpts) Limits(key string) (low, high int64, ok bool) {
	switch key {
	case "on":
		e := options.Range{Value: int64(o.On), Low: 0, High: int64(Full)}
		e.AtLeast(int64(o.Off) + 1)
		return e.Low, e.High, true
	case "off":
		e := options.Range{Value: int64(o.Off), Low: 0, High: int64(Full)}
		e.AtMost(int64(o.On) - 1)
		return e.Low, e.High, true
	}
	return 0, 0, false
}

// Check refuses off at or above on.
func (o *RelayOpts) Check() []options.Mistake {
	if o.Off >= o.On {
		return []options.Mistake{options.Wrong("off", "%g: expected less than on %g, both from 0 to 1", scales(o.Off), scales(o.On))}
	}
	return nil
}

// Relay is an output that is on or off: a relay, a transistor, a horn.
type Relay struct {
	name string
	pin  gpio.PinOut
	opts RelayOpts
	on   bool
}

// NewRelay returns an output on a pin. It writes nothing. Nil options stand for DefaultRelayOpts.
func NewRelay(pin gpio.PinOut, opts *RelayOpts) (*Relay, error) {
	r := &Relay{name: "relay on " + pin.Name(), pin: pin, opts: options.OrDefaults(opts, DefaultRelayOpts)}
	if r.opts.On == 0 && r.opts.Off == 0 {
		r.opts.On, r.opts.Off = DefaultRelayOpts.On, DefaultRelayOpts.Off
	}
	return r, options.Validate(r.name, &r.opts)
}

// String returns the name of the output and its pin.
func (r *Relay) String() string { return r.name }

// Drive switches. A command between Off and On writes the present state again: this repeats a write that failed.
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

// Adjusted implements Adjustable: on and off change. While the command is between them, the output stays as it is.
func (r *Relay) Adjusted(opts Options) (change func(), err error) {
	o, is := opts.(*RelayOpts)
	if !is {
		return nil, wrongKind(r.name, opts)
	}
	next, err := NewRelay(r.pin, o)
	if err != nil {
		return nil, err
	}
	return func() { r.opts.On, r.opts.Off = next.opts.On, next.opts.Off }, nil
}

// Halt switches off.
func (r *Relay) Halt() error { return r.set(false) }

func (r *Relay) set(on bool) error {
	if err := r.pin.Out(gpio.Level(on == (r.opts.Active == "high"))); err != nil {
		return fmt.Errorf("%s: switch: %w; check that %s exists and nothing else uses it", r, err, r.pin.Name())
	}
	r.on = on
	return nil
}
