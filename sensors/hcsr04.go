package sensors

import (
	"errors"
	"fluxd/options"
	"fmt"
	"sync/atomic"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

const (
	// hcsr04Pulse is how many writes keep the trigger high for at least 10 µs: on the quickest boards a write takes half a microsecond.
	hcsr04Pulse = 25
	// hcsr04Longest is how long an echo may be high: the module ends it after 38 ms when nothing is in sight, copies after up to 200 ms.
	hcsr04Longest = 300 * time.Millisecond
	// hcsr04Farthest is longer than any echo: that from 4 m takes 25 ms, from 5 m in air of -40 °C 32.6 ms. Without one the module ends
	// its pulse after 38 ms.
	hcsr04Farthest = 33 * time.Millisecond
	// hcsr04Nearest is the shortest distance that the module measures, in µm: an echo that is shorter is none, but the burst that is heard
	// through the air between the two capsules, a bounce, or an edge of something else.
	hcsr04Nearest = 20_000
)

// HCSR04Opts are the options of an HCSR04. NewHCSR04 takes the default of each that is not set.
type HCSR04Opts struct {
	Trigger string `yaml:"trigger" pin:"out" pulse:"any" required:"true" doc:"pin that starts a measurement"`
	Echo    string `yaml:"echo" pin:"in" edges:"timed" required:"true" doc:"pin that the echo comes in on"`
	// LevelShifter says that nobody need warn of the 5 V of the echo.
	LevelShifter bool `yaml:"level_shifter" default:"false" doc:"the echo's 5 V are brought down to 3.3 V: no warning"`
	// Temperature of the air, which the speed of sound depends on. 10 °C more are 1.8 % more.
	Temperature physic.Temperature `yaml:"temperature" default:"20 °C" min:"-40 °C" max:"85 °C" live:"true" doc:"of the air, which the speed of sound depends on"`
	// Reach is the reading when nothing is in sight.
	Reach physic.Distance `yaml:"reach" default:"4 m" min:"0.02 m" max:"10 m" doc:"reading when nothing is in sight"`
	// NoEcho is what a pulse stands for that the module ended because no echo came: "reach" for an empty room; "fault" where there is
	// always something within reach, so that only a blind module hears nothing. No pulse at all is a fault in any case.
	NoEcho string `yaml:"no_echo" default:"reach" enum:"reach,fault" doc:"what no echo is: the reading reach, or a fault where something is always in sight"`
}

// DefaultHCSR04Opts are the options that stand for nil.
var DefaultHCSR04Opts = options.Defaults[HCSR04Opts]()

// A module that is asked again before the last echo has died hears that one.
var hcsr04Kind = Kind{Name: "hcsr04", About: "ultrasonic range", New: func() Options { return new(HCSR04Opts) }, Least: 40 * time.Millisecond,
	Calibrates: true}

// Measures implements Options.
func (o *HCSR04Opts) Measures() []Measure { return all("m", "") }

// Check implements Options.
func (o *HCSR04Opts) Check() (mistakes []options.Mistake) {
	if most := 5 * physic.Metre; o.NoEcho == "fault" && o.Reach > most {
		mistakes = append(mistakes, options.Wrong("reach",
			"%v: expected at most %v with no_echo: fault: an echo from farther away may take as long as none", o.Reach, most))
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
	return alone(NewHCSR04(trigger, echo, o))
}

// HCSR04 is an ultrasonic range finder on two pins: an HC-SR04, whose echo is 5 V and needs a divider, or an HC-SR04P or RCWL-1601 on 3.3 V. Its
// unit is m, from 0.02 m to its reach; with nothing in sight it reads that, or fails where its options say so. It belongs to one goroutine.
//
// Sample triggers a measurement; its reading comes from Next, at the time at which the echo ended. The distance is in the time between
// the two edges of the echo as the kernel stamps them, so it does not matter when the program looks. Sound needs 23 ms to 4 m and back, and
// goes on for a while: trigger no more often than every 60 ms.
//
// These pulses are no readings: one that is shorter than the echo from 2 cm, one that is longer than 300 ms, one without a trigger, and a
// second one after the same trigger. When no echo came, the next Sample says so.
//
// Sources: ElecFreaks, HC-SR04 user guide: 2 cm to 4 m, 10 µs trigger, echo of 150 µs to 25 ms, 38 ms without an obstacle, 60 ms between
// measurements;
// speed of sound 331.3 m/s + 0.606 m/s per °C (Kuttruff, Room Acoustics, chapter 1).
type HCSR04 struct {
	name      string
	trigger   gpio.PinOut
	echo      EdgePin
	speed     atomic.Int64 // mm/s
	most      int64        // µm
	needsEcho bool         // no echo is a fault

	ready     bool          // the pins are set up
	triggered bool          // and no echo has ended since
	asked     time.Duration // when that was
	wrong     time.Duration // how long the pulse was that ended since then and was none; 0 without one
	unheard   bool          // the module ended a pulse since then, without an echo
	high      bool          // an echo has begun
	rose      time.Duration
	done      []Reading // that nobody has taken
}

// NewHCSR04 makes a range finder of its pins, which the first Sample sets up. Nil options stand for DefaultHCSR04Opts.
func NewHCSR04(trigger gpio.PinOut, echo EdgePin, opts *HCSR04Opts) (*HCSR04, error) {
	o := options.OrDefaults(opts, DefaultHCSR04Opts)
	h := &HCSR04{name: fmt.Sprintf("hcsr04 on %s and %s", trigger.Name(), echo.Name()), trigger: trigger, echo: echo}
	if trigger.Name() == echo.Name() {
		return nil, fmt.Errorf("%s: expected two pins", h)
	}
	if err := options.Validate(h.String(), &o); err != nil {
		return nil, err
	}
	h.Adjust(&o)
	h.most, h.needsEcho = int64(o.Reach/physic.MicroMetre), o.NoEcho == "fault"
	return h, nil
}

// Adjust takes over the temperature of the air, from the next echo on. It may be called from any goroutine.
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
func (h *HCSR04) Range() Range { return Range{hcsr04Nearest, h.most} }

// Sample triggers a measurement and gives ErrNotYet: readings come from Next. It fails when the one before had no echo, which even
// nothing in sight has, and when the echo does not end.
func (h *HCSR04) Sample(at time.Duration) (int64, error) {
	if !h.ready {
		if err := h.setUp(); err != nil {
			return 0, err
		}
	}
	h.drain()
	if h.high {
		if at-h.rose < hcsr04Longest {
			return 0, fmt.Errorf("%s: the echo has not ended: %w", h, ErrNotYet)
		}
		if h.echo.Read() == gpio.High {
			return 0, fmt.Errorf("%s: the echo does not end; check its supply, and whether the wire is at 3.3 V", h)
		}
		h.high = false // its end was lost
	}
	silent, wrong, unheard := h.triggered, h.wrong, h.unheard
	if err := h.pulse(at); err != nil {
		return 0, err
	}
	if silent && unheard {
		return 0, fmt.Errorf("%s: nothing in sight (no_echo: fault): check whether something covers it, or it is broken", h)
	}
	if silent && wrong > 0 {
		return 0, fmt.Errorf("%s: no echo: expected one of %v to %v, got %v; check the divider at the echo, and whether its wire lies beside another",
			h, h.shortest(), hcsr04Longest, wrong)
	}
	if silent {
		return 0, fmt.Errorf("%s: no echo; check its supply (5 V; an HC-SR04P 3.3 V), the wires, and the divider at the echo", h)
	}
	return 0, fmt.Errorf("%s: triggered: %w", h, ErrNotYet)
}

// Next gives the next distance, at the time at which its echo ended.
func (h *HCSR04) Next(now, timeout time.Duration) (Reading, bool) {
	if !h.ready {
		return Reading{}, false
	}
	for end := now + max(timeout, 0); ; {
		h.drain()
		if len(h.done) > 0 {
			r := h.done[0]
			h.done = h.done[:copy(h.done, h.done[1:])]
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
	h.ready, h.triggered, h.high = true, false, false
	return nil
}

// shortest is how long an echo is at least.
func (h *HCSR04) shortest() time.Duration {
	return time.Duration(2_000_000 * hcsr04Nearest / h.speed.Load()).Round(time.Microsecond)
}

// pulse triggers a measurement: high for at least 10 µs. Writing the same level again takes the time, and reads no clock.
func (h *HCSR04) pulse(at time.Duration) error {
	for range hcsr04Pulse {
		if err := h.trigger.Out(gpio.High); err != nil {
			return fmt.Errorf("%s: trigger: %w", h, err)
		}
	}
	if err := h.trigger.Out(gpio.Low); err != nil {
		return fmt.Errorf("%s: trigger: %w", h, err)
	}
	h.triggered, h.asked, h.wrong, h.unheard = true, at, 0, false
	return nil
}

// drain takes the edges that are there.
func (h *HCSR04) drain() {
	for at, level, ok := h.echo.NextEdge(0); ok; at, level, ok = h.echo.NextEdge(0) {
		h.edge(at, level)
	}
}

// edge takes one edge of the echo. An end without a beginning is of an edge that was lost, and means nothing.
func (h *HCSR04) edge(at time.Duration, level gpio.Level) {
	if level == gpio.High {
		h.high, h.rose = true, at
		return
	}
	if !h.high {
		return
	}
	h.high = false
	if !h.triggered || h.rose < h.asked {
		return // without a trigger
	}
	took := at - h.rose
	if h.needsEcho && took > hcsr04Farthest && took <= hcsr04Longest {
		h.unheard = true
		return
	}
	// mm/s times ns are millionths of µm, there and back.
	if distance := nearest(int64(min(took, hcsr04Longest))*h.speed.Load(), 2_000_000); distance >= hcsr04Nearest && took <= hcsr04Longest {
		h.triggered = false
		h.done = append(h.done, Reading{at, min(distance, h.most)})
	} else {
		h.wrong = max(took, 1)
	}
}
