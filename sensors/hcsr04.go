package sensors

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"

	"fluxd/options"
)

const (
	// hcsr04TriggerWrites is how many writes keep the trigger high for at least 10 µs: on the fastest boards a write takes
	// half a microsecond.
	hcsr04TriggerWrites = 25
	// hcsr04LongestPulse is how long the echo pin may be high. When nothing is in sight, the module ends its pulse after
	// 38 ms, copies after up to 200 ms.
	hcsr04LongestPulse = 300 * time.Millisecond
	// hcsr04LongestEcho is longer than any echo. An echo from 4 m takes 25 ms, one from 5 m in air of -40 °C 32.6 ms.
	// Without an echo the module ends its pulse after 38 ms.
	hcsr04LongestEcho = 33 * time.Millisecond
	// hcsr04Nearest is the shortest distance that the module measures, in µm. A shorter pulse is not an echo: the burst
	// went through the air from one capsule directly to the other, or the edges are a bounce or interference.
	hcsr04Nearest = 20_000
)

// HCSR04Opts are the options of an HCSR04. NewHCSR04 uses the default of an option that is not set.
type HCSR04Opts struct {
	Trigger string `yaml:"trigger" pin:"out" pulse:"any" required:"true" doc:"pin that starts a measurement"`
	Echo    string `yaml:"echo" pin:"in" edges:"timed" required:"true" doc:"pin that receives the echo"`
	// LevelShifter says that the 5 V of the echo need no warning.
	LevelShifter bool `yaml:"level_shifter" default:"false" doc:"the wiring reduces the echo's 5 V to 3.3 V: no warning"`
	// Temperature is the temperature of the air. The speed of sound depends on it: 10 °C more make it 1.8 % faster.
	Temperature physic.Temperature `yaml:"temperature" default:"20 °C" min:"-40 °C" max:"85 °C" live:"true" doc:"air temperature, for the speed of sound"`
	// Reach is the reading when nothing is in sight.
	Reach physic.Distance `yaml:"reach" default:"4 m" min:"0.02 m" max:"10 m" doc:"reading when nothing is in sight"`
	// NoEcho says what it means when the module ends its pulse because no echo came: "reach" in a room that may be empty;
	// "fault" where something is always within reach, so that only a defective module receives no echo. No pulse at all is
	// always a fault.
	NoEcho string `yaml:"no_echo" default:"reach" enum:"reach,fault" doc:"without an echo: the reading reach, or a fault where something is always in sight"`
}

// DefaultHCSR04Opts are used when the options are nil.
var DefaultHCSR04Opts = options.Defaults[HCSR04Opts]()

// A module that is triggered again before the last echo has died away receives that echo.
var hcsr04Kind = Kind{Name: "hcsr04", About: "ultrasonic range",
	Also: []string{"hcsr04p"},
	New:  func() Options { return new(HCSR04Opts) }, MinInterval: 40 * time.Millisecond, Calibrates: true}

// Measures implements Options.
func (o *HCSR04Opts) Measures() []Measure { return measuresIn("m", "") }

// Check implements Options.
func (o *HCSR04Opts) Check() (mistakes []options.Mistake) {
	if most := 5 * physic.Metre; o.NoEcho == "fault" && o.Reach > most {
		mistakes = append(mistakes, options.Wrong("reach",
			"%v: expected at most %v with no_echo: fault: an echo from farther away may take as long as the pulse without an echo",
			o.Reach, most))
	}
	return mistakes
}

// Open implements Options.
func (o *HCSR04Opts) Open(from Parts) (Device, error) {
	trigger, err := from.Pin(o.Trigger)
	if err != nil {
		return nil, err
	}
	echo, err := from.EdgePin(o.Echo)
	if err != nil {
		return nil, err
	}
	return deviceOf(NewHCSR04(trigger, echo, o))
}

// HCSR04 is an ultrasonic range finder on two pins: an HC-SR04, whose echo is 5 V and needs a divider, or an HC-SR04P
// or RCWL-1601 on 3.3 V. Its unit is m, from 0.02 m to its reach. With nothing in sight it reads its reach, or fails if
// the option NoEcho says so. It belongs to one goroutine.
//
// Sample triggers a measurement. The reading comes from Next, with the time at which the echo ended. The kernel stamps
// both edges of the echo. The distance follows from the time between the stamps, so it does not matter when the program reads
// them. Sound takes 23 ms to 4 m and back, and echoes go on for a while: trigger at most every 60 ms.
//
// These pulses are ignored: one shorter than the echo from 2 cm, one longer than 300 ms, one without a trigger, and a
// second one after the same trigger. When no echo came, the next Sample reports it.
//
// Sources: ElecFreaks, HC-SR04 user guide: 2 cm to 4 m, 10 µs trigger, echo of 150 µs to 25 ms, 38 ms without an
// obstacle, 60 ms between measurements; Kuttruff, Room Acoustics, chapter 1: speed of sound 331.3 m/s + 0.606 m/s per
// °C.
type HCSR04 struct {
	name      string
	trigger   gpio.PinOut
	echo      EdgePin
	speed     atomic.Int64 // mm/s
	reach     int64        // µm
	needsEcho bool         // no echo is a fault

	ready       bool // the pins are set up
	waiting     bool // triggered, and no echo has ended since
	triggeredAt time.Duration
	rejected    time.Duration // length of a pulse since then that was not an echo; 0: there was none
	noEcho      bool          // the module ended its pulse since then without an echo
	high        bool          // a pulse has begun
	roseAt      time.Duration
	readings    []Reading // not yet returned by Next
}

// NewHCSR04 makes a range finder from its pins, which the first Sample sets up. With nil options it uses
// DefaultHCSR04Opts.
func NewHCSR04(trigger gpio.PinOut, echo EdgePin, opts *HCSR04Opts) (*HCSR04, error) {
	o := options.OrDefaults(opts, DefaultHCSR04Opts)
	h := &HCSR04{name: fmt.Sprintf("hcsr04 on %s and %s", trigger.Name(), echo.Name()), trigger: trigger, echo: echo}
	if trigger.Name() == echo.Name() {
		return nil, fmt.Errorf("%s: expected two pins, got %s twice", h, echo.Name())
	}
	if err := options.Validate(h.String(), &o); err != nil {
		return nil, err
	}
	h.Adjust(&o)
	h.reach, h.needsEcho = int64(o.Reach/physic.MicroMetre), o.NoEcho == "fault"
	return h, nil
}

// Adjust applies the temperature of the air, from the next echo on. It may be called from any goroutine.
func (h *HCSR04) Adjust(opts Options) {
	if o, ok := opts.(*HCSR04Opts); ok {
		air := int64((o.Temperature - physic.ZeroCelsius) / physic.MicroKelvin)
		h.speed.Store(331_300 + nearest(air*606, 1_000_000))
	}
}

// String names the module and its pins.
func (h *HCSR04) String() string { return h.name }

// Unit is "m".
func (h *HCSR04) Unit() string { return "m" }

// Range is 0.02 m to the reach.
func (h *HCSR04) Range() Range { return Range{hcsr04Nearest, h.reach} }

// Sample triggers a measurement and returns ErrNotYet: readings come from Next. It fails when the trigger before had no
// pulse, because even an empty room gives one, and when a pulse does not end.
func (h *HCSR04) Sample(at time.Duration) (int64, error) {
	if !h.ready {
		if err := h.setUp(); err != nil {
			return 0, err
		}
	}
	h.drain()
	if h.high {
		if at-h.roseAt < hcsr04LongestPulse {
			return 0, fmt.Errorf("%s: the echo has not ended: %w", h, ErrNotYet)
		}
		if h.echo.Read() == gpio.High {
			return 0, fmt.Errorf("%s: the echo does not end; check its supply, and whether its wire is connected to 3.3 V", h)
		}
		h.high = false // its end was lost
	}
	silent, rejected, noEcho := h.waiting, h.rejected, h.noEcho
	if err := h.startMeasurement(at); err != nil {
		return 0, err
	}
	if silent && noEcho {
		return 0, fmt.Errorf("%s: nothing in sight (no_echo: fault): check whether something covers it, or it is defective", h)
	}
	if silent && rejected > 0 {
		return 0, fmt.Errorf("%s: no echo: expected a pulse of %v to %v, got %v; "+
			"check the divider at the echo, and whether its wire runs beside another",
			h, h.shortestEcho(), hcsr04LongestPulse, rejected)
	}
	if silent {
		return 0, fmt.Errorf("%s: no echo; check its supply (5 V; an HC-SR04P 3.3 V), the wires, and the divider at the echo", h)
	}
	return 0, fmt.Errorf("%s: triggered: %w", h, ErrNotYet)
}

// Next returns the next distance, at the time at which its echo ended.
func (h *HCSR04) Next(now, timeout time.Duration) (Reading, bool) {
	if !h.ready {
		return Reading{}, false
	}
	for end := now + max(timeout, 0); ; {
		h.drain()
		if len(h.readings) > 0 {
			r := h.readings[0]
			h.readings = h.readings[:copy(h.readings, h.readings[1:])]
			return r, true
		}
		at, level, ok := h.echo.NextEdge(end - now)
		if !ok {
			return Reading{}, false
		}
		h.edge(at, level)
		now = max(now, at)
	}
}

// LostEdges counts the edges that the echo's pin had no room for.
func (h *HCSR04) LostEdges() uint64 { return h.echo.LostEdges() }

// Halt ends edge detection.
func (h *HCSR04) Halt() error {
	h.ready = false
	if err := h.echo.Halt(); err != nil {
		return fmt.Errorf("%s: halt: %w", h, err)
	}
	return nil
}

func (h *HCSR04) setUp() error {
	err := errors.Join(h.trigger.Out(gpio.Low), h.echo.In(gpio.PullDown, gpio.BothEdges))
	if err != nil {
		return fmt.Errorf("%s: set up its pins: %w", h, err)
	}
	h.ready, h.waiting, h.high = true, false, false
	return nil
}

// shortestEcho is the length of the echo from hcsr04Nearest.
func (h *HCSR04) shortestEcho() time.Duration {
	return time.Duration(2_000_000 * hcsr04Nearest / h.speed.Load()).Round(time.Microsecond)
}

// startMeasurement triggers the module: it keeps the trigger high for at least 10 µs. Writing the same level again takes the
// time without reading a clock.
func (h *HCSR04) startMeasurement(at time.Duration) error {
	for range hcsr04TriggerWrites {
		if err := h.trigger.Out(gpio.High); err != nil {
			return fmt.Errorf("%s: trigger: %w", h, err)
		}
	}
	if err := h.trigger.Out(gpio.Low); err != nil {
		return fmt.Errorf("%s: trigger: %w", h, err)
	}
	h.waiting, h.triggeredAt, h.rejected, h.noEcho = true, at, 0, false
	return nil
}

// drain handles all edges that the pin has.
func (h *HCSR04) drain() {
	for at, level, ok := h.echo.NextEdge(0); ok; at, level, ok = h.echo.NextEdge(0) {
		h.edge(at, level)
	}
}

// edge handles one edge of the echo. It ignores an end without a beginning, whose edge was lost.
func (h *HCSR04) edge(at time.Duration, level gpio.Level) {
	if level == gpio.High {
		h.high, h.roseAt = true, at
		return
	}
	if !h.high {
		return
	}
	h.high = false
	if !h.waiting || h.roseAt < h.triggeredAt {
		return // without a trigger
	}
	length := at - h.roseAt
	if h.needsEcho && length > hcsr04LongestEcho && length <= hcsr04LongestPulse {
		h.noEcho = true
		return
	}
	// mm/s times ns are millionths of µm, there and back.
	distance := nearest(int64(min(length, hcsr04LongestPulse))*h.speed.Load(), 2_000_000)
	if distance >= hcsr04Nearest && length <= hcsr04LongestPulse {
		h.waiting = false
		h.readings = append(h.readings, Reading{at, min(distance, h.reach)})
	} else {
		h.rejected = max(length, 1)
	}
}
