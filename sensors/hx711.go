package sensors

import (
	"fluxd/options"
	"fmt"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/devices/v3/hx711"
)

const (
	// hx711Patience is how long the chip may have nothing: a conversion takes 100 ms, the first after power-up 400 ms.
	hx711Patience = time.Second

	// A chip that has lost its supply for a moment comes back at input A with a gain of 128, and cannot be asked. But its first conversion
	// takes 400 ms, or 50 ms where pin RATE makes the others 12.5 ms: what comes sooner is with the gain that was set.
	hx711Sure     = 300 * time.Millisecond
	hx711SureFast = 50 * time.Millisecond
	// hx711Often is how often a chip is read at least that has such a gain: well within hx711Sure.
	hx711Often = 250 * time.Millisecond
	// hx711Fast is what only a chip with the fast rate comes up with so soon.
	hx711Fast = 80 * time.Millisecond
)

// HX711Opts are the options of an HX711. NewHX711 takes the default of each that is not set.
type HX711Opts struct {
	Clock string `yaml:"clock" pin:"out" pulse:"short" required:"true" doc:"pin PD_SCK"`
	Data  string `yaml:"data" pin:"in" edges:"timed" required:"true" doc:"pin DOUT"`
	Gain  int    `yaml:"gain" default:"128" doc:"128 or 64 for input A, 32 for input B"`

	every time.Duration // between two readings
}

// DefaultHX711Opts are the options that stand for nil: for a load cell.
var DefaultHX711Opts = options.Defaults[HX711Opts]()

// With pin RATE high a conversion takes 12.5 ms, less a little.
var hx711Kind = Kind{Name: "hx711", About: "load cell", New: func() Options { return new(HX711Opts) }, Least: 12 * time.Millisecond,
	Calibrates: true, Freezes: true}

// hx711Modes are the gains, of input A but for the last.
var hx711Modes = map[int]hx711.InputMode{128: hx711.CHANNEL_A_GAIN_128, 64: hx711.CHANNEL_A_GAIN_64, 32: hx711.CHANNEL_B_GAIN_32}

// Measures implements Options.
func (o *HX711Opts) Measures() []Measure { return []Measure{{Zeroes: true}} }

// Open implements Options.
func (o *HX711Opts) Open(from Parts) (Device, error) {
	clock, err := from.Pin(o.Clock)
	if err != nil {
		return nil, err
	}
	data, err := from.Pin(o.Data)
	if err != nil {
		return nil, err
	}
	return alone(NewHX711(clock, data, o))
}

// Pace implements Paced.
func (o *HX711Opts) Pace(every time.Duration) { o.every = every }

// Check finds a gain that there is not, and one that would be forgotten.
func (o *HX711Opts) Check() []options.Mistake {
	if mistakes := options.OneOf("gain", o.Gain, 128, 64, 32); mistakes != nil {
		return mistakes
	}
	if _, most, ok := o.Limits("every"); ok && o.every > time.Duration(most) {
		return []options.Mistake{options.Wrong("every", "%v: expected at most %v with a gain of %d: a chip that lost its supply for a moment has forgotten it,"+
			" which only the time since the last reading shows", o.every, time.Duration(most), o.Gain)}
	}
	return nil
}

// Limits are those of the time between two readings, key every: with a gain that the chip forgets it is shorter than the first conversion
// after a moment without supply.
func (o *HX711Opts) Limits(key string) (low, high int64, ok bool) {
	if key != "every" || o.Gain == 128 {
		return 0, 0, false
	}
	return int64(hx711Kind.Least), int64(hx711Often), true
}

// HX711 is a load-cell amplifier and converter of 24 bits on two pins. It measures counts, a pure number from -8,388,607 to 8,388,606; a
// Curve makes kilograms of them. It belongs to one goroutine.
//
// The bits are fetched by the driver of periph's device library. A clock that stays high for 60 µs resets the chip; when the program is
// interrupted for so long within a bit, all bits after it read as ones, and nothing in the chip's answer says so. What acts on a load should not act on
// one reading: encode its rate, or its mean over a window.
//
// With a gain of 64 or 32 it must be read often: a conversion that may be the first after a moment without supply, by the time since the one
// before, is not believed but sets the gain again. So an interval of 0.3 s or more gives no reading; with pin RATE high one of 50 ms or more
// cannot tell.
//
// Source: Avia Semiconductor, HX711 data sheet, "Reset and power-down", and the settling times of "Key electrical characteristics".
type HX711 struct {
	clock gpio.PinOut
	data  gpio.PinIO
	mode  hx711.InputMode

	device *hx711.Dev // nil before the first Sample and after a failure
	armed  bool       // the gain has been set
	fast   bool       // pin RATE is high
	since  time.Duration
}

// NewHX711 makes a converter of its pins, PD_SCK and DOUT, which the first Sample sets up. Nil options stand for DefaultHX711Opts.
func NewHX711(clock gpio.PinOut, data gpio.PinIO, opts *HX711Opts) (*HX711, error) {
	o := options.OrDefaults(opts, DefaultHX711Opts)
	h := &HX711{clock: clock, data: data, mode: hx711Modes[o.Gain]}
	if err := options.Validate(h.String(), &o); err != nil {
		return nil, err
	}
	if clock.Name() == data.Name() {
		return nil, fmt.Errorf("%s: expected two pins", h)
	}
	return h, nil
}

// String names the converter and its pins.
func (h *HX711) String() string {
	return fmt.Sprintf("hx711 on %s and %s", h.clock.Name(), h.data.Name())
}

// Unit is "": counts are a pure number.
func (h *HX711) Unit() string { return "" }

// Range leaves out both ends of the converter: there it may be anything beyond.
func (h *HX711) Range() Range { return Range{-(1<<23 - 1) * 1_000_000, (1<<23 - 2) * 1_000_000} }

// Sample fetches the conversion that is done, in counts; while none is there is ErrNotYet. It fails when there has been none for a second, and
// when the converter is at either end of its range: a wire of the load cell is off, or it bears too much.
func (h *HX711) Sample(at time.Duration) (int64, error) {
	if h.device == nil {
		device, err := hx711.New(h.clock, quiet{h.data})
		if err != nil {
			return 0, fmt.Errorf("%s: set up its pins: %w", h, err)
		}
		h.device, h.armed, h.fast, h.since = device, false, false, at
	}
	if !h.device.IsReady() {
		if at-h.since >= hx711Patience {
			h.device = nil
			return 0, fmt.Errorf("%s: nothing for %v; check its supply and wires", h, hx711Patience)
		}
		return 0, fmt.Errorf("%s: %w", h, ErrNotYet)
	}
	took := at - h.since
	h.since = at
	h.fast = h.fast || h.armed && took < hx711Fast
	if !h.armed || h.forgot(took) { // the pulses after a conversion set the gain of the next
		if err := h.device.SetInputMode(h.mode); err != nil {
			return 0, h.failed(err)
		}
		h.armed = true
		return 0, fmt.Errorf("%s: %w", h, ErrNotYet)
	}
	sample, err := h.device.Read()
	if err != nil {
		return 0, h.failed(err)
	}
	counts := int64(sample.Raw) * 1_000_000
	if err := h.Range().check("at the end of its range", "counts", counts); err != nil {
		return 0, fmt.Errorf("%s: %w: check the wires of the load cell, and whether it bears too much", h, err)
	}
	return counts, nil
}

// forgot says whether a conversion that took so long may be the first one of a chip that has forgotten its gain.
func (h *HX711) forgot(took time.Duration) bool {
	sure := hx711Sure
	if h.fast {
		sure = hx711SureFast
	}
	return h.mode != hx711.CHANNEL_A_GAIN_128 && took >= sure
}

// Halt powers the chip down: its clock stays high.
func (h *HX711) Halt() error {
	h.device = nil
	if err := h.clock.Out(gpio.High); err != nil {
		return fmt.Errorf("%s: power down: %w", h, err)
	}
	return nil
}

func (h *HX711) failed(err error) error {
	h.device = nil
	return fmt.Errorf("%s: read: %w", h, err)
}

// quiet is a pin whose edges nobody wants: each bit is one. Pulled up, an unplugged chip has nothing, instead of zeros.
type quiet struct{ gpio.PinIO }

func (q quiet) In(gpio.Pull, gpio.Edge) error { return q.PinIO.In(gpio.PullUp, gpio.NoEdge) }
