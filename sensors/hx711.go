package sensors

import (
	"fmt"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/devices/v3/hx711"

	"fluxd/options"
)

const (
	// hx711Patience is how long the chip may have no conversion ready: a conversion takes 100 ms, the first after power-up
	// 400 ms.
	hx711Patience = time.Second

	// A chip that lost its supply for a moment is at input A with a gain of 128, and its gain cannot be read back. But its
	// first conversion takes 400 ms, or 50 ms when pin RATE makes the others 12.5 ms. So a conversion that comes within
	// hx711GainKept after the one before has the gain that was set.
	hx711GainKept     = 300 * time.Millisecond
	hx711GainKeptFast = 50 * time.Millisecond
	// hx711LongestInterval is the longest time between two readings with a gain of 64 or 32: well within hx711GainKept.
	hx711LongestInterval = 250 * time.Millisecond
	// hx711OnlyFast is a time within which only a chip with the fast rate has a conversion ready.
	hx711OnlyFast = 80 * time.Millisecond
)

// HX711Opts are the options of an HX711. NewHX711 uses the default of an option that is not set.
type HX711Opts struct {
	Clock string `yaml:"clock" pin:"out" pulse:"short" required:"true" doc:"pin PD_SCK"`
	Data  string `yaml:"data" pin:"in" edges:"timed" required:"true" doc:"pin DOUT"`
	Gain  int    `yaml:"gain" default:"128" doc:"128 or 64 for input A, 32 for input B"`

	every time.Duration // between two readings
}

// DefaultHX711Opts are used when the options are nil. They suit a load cell.
var DefaultHX711Opts = options.Defaults[HX711Opts]()

// With pin RATE high a conversion takes slightly less than 12.5 ms.
var hx711Kind = Kind{Name: "hx711", About: "load cell", New: func() Options { return new(HX711Opts) },
	MinInterval: 12 * time.Millisecond, Calibrates: true, Freezes: true}

// hx711Modes are the gains, all of input A except the last.
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
	return deviceOf(NewHX711(clock, data, o))
}

// Pace implements Paced.
func (o *HX711Opts) Pace(every time.Duration) { o.every = every }

// Check rejects a gain that the chip does not have, and an interval after which a lost gain could not be detected.
func (o *HX711Opts) Check() []options.Mistake {
	if mistakes := options.OneOf("gain", o.Gain, 128, 64, 32); mistakes != nil {
		return mistakes
	}
	if _, most, ok := o.Limits("every"); ok && o.every > time.Duration(most) {
		return []options.Mistake{options.Wrong("every",
			"%v: expected at most %v with a gain of %d: a chip that lost its supply for a moment "+
				"has another gain, which shows only in the time since the last reading", o.every, time.Duration(most), o.Gain)}
	}
	return nil
}

// Limits implements Options, for the key every: with a gain that the chip can lose, the interval must be shorter than
// the first conversion after a moment without supply.
func (o *HX711Opts) Limits(key string) (low, high int64, ok bool) {
	if key != "every" || o.Gain == 128 {
		return 0, 0, false
	}
	return int64(hx711Kind.MinInterval), int64(hx711LongestInterval), true
}

// HX711 is a load-cell amplifier and converter of 24 bits on two pins. It measures counts, a pure number from
// -8,388,607 to 8,388,606; a Curve converts them into kilograms. It belongs to one goroutine.
//
// The driver of periph's device library reads the bits. A clock that stays high for 60 µs resets the chip. When the
// program is interrupted for that long within a bit, all later bits read as ones, and nothing in the answer of the chip
// shows it. So a robot should not act on a single reading of a load: encode its rate, or its mean over a window.
//
// With a gain of 64 or 32 the chip must be read often. When the time since the last conversion shows that this one may
// be the first after a moment without supply, it is dropped, and the gain is set again. So an interval of 0.3 s or more
// gives no reading. With pin RATE high, a lost gain cannot be detected at intervals of 50 ms or more.
//
// Source: Avia Semiconductor, HX711 data sheet, "Reset and power-down", and the settling times of "Key electrical
// characteristics".
type HX711 struct {
	clock gpio.PinOut
	data  gpio.PinIO
	mode  hx711.InputMode

	device  *hx711.Dev    // nil before the first Sample and after a failure
	gainSet bool          // the gain was set since the pins were set up
	fast    bool          // pin RATE is high
	since   time.Duration // time of the last conversion
}

// NewHX711 makes a converter from its pins, PD_SCK and DOUT, which the first Sample sets up. With nil options it uses
// DefaultHX711Opts.
func NewHX711(clock gpio.PinOut, data gpio.PinIO, opts *HX711Opts) (*HX711, error) {
	o := options.OrDefaults(opts, DefaultHX711Opts)
	h := &HX711{clock: clock, data: data, mode: hx711Modes[o.Gain]}
	if err := options.Validate(h.String(), &o); err != nil {
		return nil, err
	}
	if clock.Name() == data.Name() {
		return nil, fmt.Errorf("%s: expected two pins, got %s twice", h, data.Name())
	}
	return h, nil
}

// String names the converter and its pins.
func (h *HX711) String() string {
	return fmt.Sprintf("hx711 on %s and %s", h.clock.Name(), h.data.Name())
}

// Unit is "": counts are a pure number.
func (h *HX711) Unit() string { return "" }

// Range excludes both ends of the converter, where the load may be anything beyond.
func (h *HX711) Range() Range { return Range{-(1<<23 - 1) * 1_000_000, (1<<23 - 2) * 1_000_000} }

// Sample reads the finished conversion, in counts, or returns ErrNotYet when there is none. It fails when there was
// none for a second, and when the converter is at either end of its range: a wire of the load cell is off, or its load
// is too heavy.
func (h *HX711) Sample(at time.Duration) (int64, error) {
	if h.device == nil {
		device, err := hx711.New(h.clock, withoutEdges{h.data})
		if err != nil {
			return 0, fmt.Errorf("%s: set up its pins: %w", h, err)
		}
		h.device, h.gainSet, h.fast, h.since = device, false, false, at
	}
	if !h.device.IsReady() {
		if at-h.since >= hx711Patience {
			h.device = nil
			return 0, fmt.Errorf("%s: no conversion for %v; check its supply and wires", h, hx711Patience)
		}
		return 0, fmt.Errorf("%s: %w", h, ErrNotYet)
	}
	elapsed := at - h.since
	h.since = at
	h.fast = h.fast || h.gainSet && elapsed < hx711OnlyFast
	if !h.gainSet || h.mayHaveLostGain(elapsed) { // the pulses after a conversion set the gain of the next
		if err := h.device.SetInputMode(h.mode); err != nil {
			return 0, h.failed(err)
		}
		h.gainSet = true
		return 0, fmt.Errorf("%s: %w", h, ErrNotYet)
	}
	sample, err := h.device.Read()
	if err != nil {
		return 0, h.failed(err)
	}
	counts := int64(sample.Raw) * 1_000_000
	if err := h.Range().check("conversion", "counts", counts); err != nil {
		return 0, fmt.Errorf("%s: %w: check the wires of the load cell, and whether its load is too heavy", h, err)
	}
	return counts, nil
}

// mayHaveLostGain reports whether a conversion may be the first after a moment without supply, by the time since the
// one before.
func (h *HX711) mayHaveLostGain(elapsed time.Duration) bool {
	kept := hx711GainKept
	if h.fast {
		kept = hx711GainKeptFast
	}
	return h.mode != hx711.CHANNEL_A_GAIN_128 && elapsed >= kept
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

// withoutEdges is the data pin without edge detection, because each bit is an edge. The pull-up makes an unplugged chip
// look as if it had no conversion, instead of zeros.
type withoutEdges struct{ gpio.PinIO }

func (q withoutEdges) In(gpio.Pull, gpio.Edge) error { return q.PinIO.In(gpio.PullUp, gpio.NoEdge) }
