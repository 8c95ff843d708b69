package actuators

import (
	"fluxd/options"
	"fmt"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// DimmerOpts are the options of a Dimmer. NewDimmer takes the default of each that is not set.
type DimmerOpts struct {
	PWM       string           `yaml:"pwm" pin:"pwm" required:"true" doc:"pin with PWM, such as GPIO12, or servos/0 of an expander"`
	Frequency physic.Frequency `yaml:"frequency" default:"1 kHz" min:"1 Hz" max:"1 MHz" doc:"of the PWM; at 1 kHz no flicker is seen; a pca9685 has its own"`
	// Linear makes the duty cycle proportional to the command. Without it the perceived brightness is: an LED at a duty cycle of
	// 18 % looks half as bright as one at 100 %.
	Linear bool `yaml:"linear" default:"false" doc:"duty cycle in proportion to the command; else the perceived brightness is"`
	// Inverted is for an LED between the supply and the pin: it is bright while the pin is low.
	Inverted bool `yaml:"inverted" default:"false" doc:"bright while the pin is low"`
	// MinPower is the power at which a lamp begins to glow: the drivers of LED lamps need a share of their full voltage, a filament
	// must be hot.
	MinPower Command `yaml:"min_power" unit:"" default:"0" min:"0" max:"0.999999" live:"true" doc:"smallest duty cycle at which the lamp glows, such as 0.1: commands other than 0 have duty cycles from there to 1"`

	Shared `yaml:"-"`
}

// DefaultDimmerOpts are the options that nil stands for.
var DefaultDimmerOpts = options.Defaults[DimmerOpts]()

var dimmerKind = Kind{Name: "dimmer", About: "LED", New: func() Options { return new(DimmerOpts) },
	Smooth: 100 * physic.Hertz, Rough: "the lamp flickers"}

// Lowest implements Options.
func (o *DimmerOpts) Lowest() Command { return 0 }

// Open implements Options.
func (o *DimmerOpts) Open(from Parts) (Device, error) {
	pin, frequency, err := openPWM(from, o.PWM, o.Frequency)
	if err != nil {
		return nil, err
	}
	made := *o
	made.Frequency = frequency
	return NewDimmer(pin, &made)
}

// Dimmer is an LED, or a lamp behind a transistor, on a PWM pin. Commands go from 0 (dark) to Full.
//
// Source: CIE 15:2018, Colorimetry, the lightness L*: the luminance Y of a lightness L from 0 to 100 is ((L + 16) / 116)^3, and
// L / 903.3 below 8.
type Dimmer struct {
	name      string
	pwm       gpio.PinOut
	frequency physic.Frequency
	linear    bool
	inverted  bool
	minPower  Command
}

// NewDimmer returns a lamp on a pin. It writes nothing. Nil options stand for DefaultDimmerOpts.
func NewDimmer(pwm gpio.PinOut, opts *DimmerOpts) (*Dimmer, error) {
	o := options.OrDefaults(opts, DefaultDimmerOpts)
	d := &Dimmer{name: "dimmer on " + pwm.Name(), pwm: pwm, frequency: o.Frequency, linear: o.Linear, inverted: o.Inverted,
		minPower: o.MinPower}
	return d, options.Validate(d.name, &o)
}

// String returns the name of the lamp and its pin.
func (d *Dimmer) String() string { return d.name }

// Drive sets the brightness of the lamp.
func (d *Dimmer) Drive(c Command) error {
	if err := expectRange(d.name, c, 0, Full); err != nil {
		return err
	}
	if !d.linear && c > 0 {
		c = max(luminance(c), 1) // rounding must not leave the lamp dark
	}
	c = withMinPower(c, d.minPower)
	if d.inverted {
		c = Full - c
	}
	return setDuty(d.name, d.pwm, dutyOf(c), d.frequency)
}

// Adjusted implements Adjustable: min_power changes.
func (d *Dimmer) Adjusted(opts Options) (change func(), err error) {
	o, is := opts.(*DimmerOpts)
	if !is {
		return nil, wrongKind(d.name, opts)
	}
	made := DefaultDimmerOpts
	made.MinPower = o.MinPower
	return func() { d.minPower = made.MinPower }, options.WithinLimits(d.name, &made)
}

// Halt makes the lamp dark.
func (d *Dimmer) Halt() error {
	if !d.inverted {
		return stopPWM(d.name, "go dark", d.pwm, d.frequency)
	}
	if err := d.pwm.Out(gpio.High); err != nil {
		return fmt.Errorf("%s: go dark: %w", d, err)
	}
	return nil
}

// luminance returns the luminance that the eye perceives as a lightness, both in millionths of full scale, rounded to the
// nearest.
func luminance(lightness Command) Command {
	l := int64(lightness)
	if l <= 80_000 {
		return Command((l*1000 + 9033/2) / 9033) // L / 903.3 for L in hundredths is l * 100 / 903.3 in millionths
	}
	// ((L + 16) / 116)^3 with L = l / 10,000: the base is (l + 160,000) / 1,160,000. Its cube would leave 64 bits (2e18 is within,
	// but the factor of a million is not), so one division comes first, with nine digits.
	base := ((l+160_000)*1_000_000_000 + 580_000) / 1_160_000 // billionths, at most 1e9
	square := (base*base + 500_000_000) / 1_000_000_000       // 1e18 at most
	cube := (square*base + 500_000_000) / 1_000_000_000
	return Command((cube + 500) / 1000)
}
