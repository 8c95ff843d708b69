package actuators

import (
	"fluxd/options"
	"fmt"

	"periph.io/x/conn/v3/gpio"
)

// RelayOpts are the options of a Relay. NewRelay takes the default of each that is not set, and of both commands where neither
// is.
type RelayOpts struct {
	Pin    string `yaml:"pin" pin:"out" required:"true" doc:"output, such as GPIO23"`
	Active string `yaml:"active" default:"high" enum:"high,low" doc:"level that switches it on; most relay boards: low"`
	// On is the command from which on it switches on, and Off the one up to which it switches off again; between them it stays as it
	// is, so that a command that trembles does not make it chatter.
	On  Command `yaml:"on" unit:"" default:"0.5" min:"0" max:"1" live:"true" doc:"command from which on it is on"`
	Off Command `yaml:"off" unit:"" default:"0.4" min:"0" max:"1" live:"true" doc:"command up to which it goes off again"`
}

// DefaultRelayOpts are the options that stand for nil.
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

// Limits are those of its two commands.
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

// Check finds commands that leave nothing between them.
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

// NewRelay makes an output of a pin. It writes nothing. Nil options stand for DefaultRelayOpts.
func NewRelay(pin gpio.PinOut, opts *RelayOpts) (*Relay, error) {
	r := &Relay{name: "relay on " + pin.Name(), pin: pin, opts: options.OrDefaults(opts, DefaultRelayOpts)}
	if r.opts.On == 0 && r.opts.Off == 0 {
		r.opts.On, r.opts.Off = DefaultRelayOpts.On, DefaultRelayOpts.Off
	}
	return r, options.Validate(r.name, &r.opts)
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

// Adjusted implements Adjustable: it switches at other commands. It stays as it is while the command is between the two.
func (r *Relay) Adjusted(opts Options) (change func(), err error) {
	o, is := opts.(*RelayOpts)
	if !is {
		return nil, another(r.name, opts)
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
