package daemon

import (
	"context"
	"errors"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/tuning"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fluxd/boards/sim"
	"fluxd/configs"

	"periph.io/x/conn/v3/gpio"
)

// A tunable is a robot in virtual time with a tuner.
type tunable struct {
	*Simulation
	tuner *tuning.Tuner
}

func newTunable(t interface {
	Helper()
	Fatal(...any)
}, config *configs.Robot) *tunable {
	t.Helper()
	s, err := NewSimulation(config, 1, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return &tunable{s, tuning.New(config, s.network, s.Robot)}
}

// paths returns the parameters. Each has its own path, because no population of these robots is large.
func (x *tunable) paths(t interface{ Fatalf(string, ...any) }) []protocol.Parameter {
	all := x.tuner.Parameters()
	for _, p := range all {
		if p.Count > 1 {
			t.Fatalf("%s stands for %d", p.Path, p.Count)
		}
	}
	return all
}

// value returns the value of a parameter.
func (x *tunable) value(t interface{ Fatal(...any) }, path string) protocol.Reading {
	values, _, err := x.tuner.Get([]string{path})
	if err != nil {
		t.Fatal(err)
	}
	return values[path]
}

func (x *tunable) pass(t *testing.T, d time.Duration) {
	t.Helper()
	if err := x.Advance(context.Background(), x.now+d, func(time.Duration) {}); err != nil {
		t.Fatal(err)
	}
}

// share returns the duty cycle of a pin, from 0 to 1.
func (x *tunable) share(t *testing.T, pin string) float64 {
	t.Helper()
	p, err := x.body.Board.Pin(pin)
	if err != nil {
		t.Fatal(err)
	}
	duty, _ := p.(*sim.Pin).PWMState()
	return float64(duty) / float64(gpio.DutyMax)
}

// Every parameter takes effect at once: the robot acts differently from then on.
func TestTunedValuesTakeEffect(t *testing.T) {
	const text = `robot: r
board: {kind: sim, world: table}
sensors:
  eye: {device: bh1750, bus: I2C1, address: 0x23, every: 10ms, encode: {kind: rate, range: [0 lx, 800 lx], max: 50 Hz, to: a}}
  dark: {device: bh1750, bus: I2C1, address: 0x5c, every: 10ms, encode: {kind: rate, range: [800 lx, 0 lx], max: 100 Hz, to: d}}
  warm: {device: tmp102, bus: I2C1, address: 0x48, every: 100ms, curve: [[0 °C, 0 °C], [100 °C, 100 °C]],
         encode: {kind: threshold, above: 30 °C, repeat: true, weight: 60, to: b}}
  shake: {device: adxl345, bus: I2C1, address: 0x53, measure: accel_z, every: 50ms,
          encode: {kind: latency, range: [0 m/s², 20 m/s²], window: 10ms, to: c}}
network: {neurons: {a: {}, b: {threshold: 100}, c: {}, d: {}, good: {}, bad: {}}}
actuators:
  wheel: {device: hbridge, pwm: GPIO12, direction: GPIO5, slew: none, timeout: none,
          decode: {kind: count, neuron: a, full: 100 Hz, window: 1s}}
  rudder: {device: servo, pwm: GPIO13, slew: none, needs: [], decode: {kind: winner-take-all, window: 100ms, choices: {a: 0.5}}}
rewards: {praise: {sensor: eye, on: level, window: 100ms, gain: 0.01, to: good, against: bad}}
mqtt: {broker: none}
`
	x := newTunable(t, parse(t, text, nil))
	wheel := func() float64 { return x.share(t, "GPIO12") }
	rudder := func() float64 { return x.share(t, "GPIO13") * 20 } // ms
	spikes := func(name string) func() float64 {
		return func() float64 {
			n := 0
			for end := x.now + time.Second; x.now < end; {
				next, ok := x.nextEvent()
				if !ok || next >= end {
					x.now = end
					break
				}
				x.now = next
				x.step()
				for _, s := range x.spiked {
					if s.Neuron == x.neurons[name][0] {
						n++
					}
				}
			}
			return float64(n)
		}
	}
	light := float64(300) // on the table
	x.pass(t, 3*time.Second)
	for _, c := range []struct {
		what        string
		set         map[string]float64
		observe     func() float64
		before, now float64
	}{
		{"a rate", map[string]float64{"sensors.eye.encode.max": 100}, spikes("a"), 50 * light / 800, 100 * light / 800},
		{"a range", map[string]float64{"sensors.eye.encode.range[1]": 1000}, spikes("a"), 100 * light / 800, 100 * light / 1000},
		{"a falling range", map[string]float64{"sensors.dark.encode.range[0]": 400},
			spikes("d"), 100 * (800 - light) / 800, 100 * (400 - light) / 400},
		{"both ends at once", map[string]float64{"sensors.dark.encode.range[0]": 2000, "sensors.dark.encode.range[1]": 1000},
			spikes("d"), 100 * (400 - light) / 400, 100},
		{"another interval leaves the rate", map[string]float64{"sensors.eye.every": 20_000}, spikes("a"), 30, 30},
		{"full scale", map[string]float64{"actuators.wheel.decode.full": 200}, wheel, 0.3, 0.15},
		{"a range of commands", map[string]float64{"actuators.wheel.range[1]": 0.125}, wheel, 0.15, 0.125},
		{"trim", map[string]float64{"actuators.rudder.trim": 100}, rudder, 1.75, 1.85},
		{"pulses", map[string]float64{"actuators.rudder.max_pulse": 2400, "actuators.rudder.min_pulse": 1000}, rudder, 1.85, 2.15},
		{"a choice", map[string]float64{"actuators.rudder.decode.choices.a": -1}, rudder, 2.15, 1.1},
		{"a threshold and a weight", map[string]float64{"sensors.warm.encode.above": 20, "sensors.warm.encode.weight": 150},
			spikes("b"), 0, 10},
		{"a calibration", map[string]float64{"sensors.warm.curve[1][1]": 50}, spikes("b"), 10, 0},
		{"gain", map[string]float64{"rewards.praise.gain": 0.004}, spikes("good"), 30, 10},
		{"window", map[string]float64{"rewards.praise.window": 200_000}, spikes("good"), 10, 5},
		{"punishment", map[string]float64{"rewards.praise.gain": -0.004}, spikes("bad"), 0, 5},
	} {
		if got := c.observe(); math.Abs(got-c.before) > 0.02*c.before+0.0001 {
			t.Errorf("%s: %v before, want %v", c.what, got, c.before)
		}
		if err := x.tuner.Set(tuning.Request{Values: c.set}); err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		x.pass(t, 1100*time.Millisecond)
		if got := c.observe(); math.Abs(got-c.now) > 0.02*c.now+0.0001 {
			t.Errorf("%s: %v, want %v", c.what, got, c.now)
		}
	}
	// The sensor is missing: what needs it goes to failsafe after the tuned time.
	if err := x.tuner.Set(tuning.Request{Values: map[string]float64{"sensors.eye.stale": 40_000}}); err != nil {
		t.Fatal(err)
	}
	if err := x.body.Board.(*sim.Board).Detach("I2C1", 0x23); err != nil {
		t.Fatal(err)
	}
	x.pass(t, 200*time.Millisecond)
	if wheel() != 0 {
		t.Error("the eye is stale after the tuned time, but the wheel turns")
	}
}

// Values that keep the robot safe, and those that take effect at the start only, are refused with the reason. Limits that depend
// on other values are checked after the whole change.
func TestRefusedValues(t *testing.T) {
	x := newTunable(t, parse(t, tableRobot(t), nil))
	for _, c := range []struct {
		path string
		v    float64
		code protocol.Code
		min  float64
	}{
		{"actuators.left.failsafe", 1, protocol.NotLive, 0},
		{"safety.stall", 1, protocol.NotLive, 0},
		{"actuators.left.range", 1, protocol.UnknownParameter, 0}, // it has two ends
		{"safety.stal", 1, protocol.UnknownParameter, 0},
		{"sensors.near.frozen", 1, protocol.NotLive, 0}, // not configured
		{"actuators.left.pwm", 1, protocol.NotLive, 0},
		{"actuators.left.range[0]", 0.1, protocol.OutOfRange, -1}, // the failsafe command is 0
		{"actuators.left.timeout", 0, protocol.OutOfRange, 1000},  // cannot be switched off
		{"sensors.warm.stale", 1_999_999, protocol.OutOfRange, 2e6},
		{"sensors.warm.every", 999, protocol.OutOfRange, 1000},
		{"sensors.air.every", 49_000, protocol.OutOfRange, 50_000},
		{"actuators.arm.max_pulse", 600, protocol.OutOfRange, 601},
		{"actuators.arm.trim", -300, protocol.OutOfRange, -200},
		{"actuators.arm.trim", 0.5, protocol.OutOfRange, -200},
		{"actuators.horn.on", 0.4, protocol.OutOfRange, 0.400001},
		{"sensors.ir.curve[1][0]", 0.4, protocol.OutOfRange, 0.400001},
		{"sensors.turn.encode.range[0]", 200, protocol.OutOfRange, -float64(1<<41) / 1e6},
		{"sensors.air.encode.range[0]", 90_000, protocol.OutOfRange, 90_000.000001}, // a falling range: the second end is the smaller
		{"sensors.air.encode.range[1]", 110_000, protocol.OutOfRange, -float64(1<<41) / 1e6},
		{"sensors.turn.encode.max", 1e9, protocol.OutOfRange, 1e-6},
		{"sensors.turn.encode.max", math.NaN(), protocol.OutOfRange, 1e-6},
		{"sensors.turn.encode.max", math.Inf(1), protocol.OutOfRange, 1e-6},
	} {
		var refused *protocol.Error
		err := x.tuner.Set(tuning.Request{Values: map[string]float64{c.path: c.v}})
		if !errors.As(err, &refused) || refused.Code != c.code || refused.Path != c.path {
			t.Errorf("%s = %g: %v, want %s", c.path, c.v, err, c.code)
		} else if c.code == protocol.OutOfRange && (refused.Min == nil || *refused.Min != c.min) {
			t.Errorf("%s = %g: %+v, want min %g", c.path, c.v, refused, c.min)
		}
	}
	if left := x.tuner.Tuned(); len(left) != 0 {
		t.Errorf("refused, but tuned: %v", left)
	}
	// Each alone would be out of range.
	both := map[string]float64{"sensors.warm.every": 3e6, "sensors.warm.stale": 6e6}
	if err := x.tuner.Set(tuning.Request{Values: both}); err != nil {
		t.Error(err)
	}
}

// Announced ranges are exact: each end is accepted, and anything beyond is refused with that end; also after other values have
// changed.
func TestAnnouncedRangesHold(t *testing.T) {
	t.Parallel() // in virtual time
	robots := []string{tableRobot(t), strings.Replace(pupil, "FILE", filepath.Join(t.TempDir(), "pupil.learnt"), 1), `
robot: rich
board: {kind: sim}
mqtt: {broker: none}
network:
  neurons:
    a: {threshold: 100, leak: 1000, floor: -3, habituation: {rate: 1, max: 40, recovery: 2},
        adaptation: {rate: 0.5, max: 20, recovery: 1, tolerance: 2}, burst: {overshoot: 7, interval: 2ms, max: 4},
        pacemaker: 9ms, modulation: {leak: 3},
        receptors: {threshold: 0.2, habituation: 0.1, adaptation: 0.3, stp: 0.4, ltp: 0.01, pacemaker: 20}}
    b: {leak: 0, threshold: 3}
  synapses:
    - {from: b, to: a, weight: 60, plastic: {window: 20ms, min: 2, max: 90,
        stp: {rate: 1, depression: 0.5, unpaired: 0.25, recovery: 5, max: 30},
        ltp: {rate: 0.1, depression: 0.1, consolidation: 0.5, share: 0.01}}}
    - {from: a, to: b, weight: -2, plastic: {window: 1ms, max: 5, ltp: {rate: 0.1}}}
    - {from: a, to: a, kind: modulator, weight: 2}
`}
	tried := 0
	for _, text := range robots {
		config := parse(t, text, nil)
		rapid.Check(t, func(t *rapid.T) {
			x := newTunable(t, config)
			all := x.paths(t)
			for range rapid.IntRange(0, 3).Draw(t, "changes") { // the ranges may depend on them
				p := rapid.SampledFrom(all).Draw(t, "changed")
				now := x.value(t, p.Path)
				v := now.Min + (now.Max-now.Min)*rapid.SampledFrom([]float64{0, 0.25, 0.5, 1}).Draw(t, "where")
				if p.Type == "int" {
					v = math.Round(v)
				}
				_ = x.tuner.Set(tuning.Request{Values: map[string]float64{p.Path: v}})
			}
			p := rapid.SampledFrom(all).Draw(t, "parameter")
			v := x.value(t, p.Path)
			step := func(end float64, up bool) float64 {
				if p.Type == "int" {
					return end + map[bool]float64{true: 1, false: -1}[up]
				}
				return end + map[bool]float64{true: 1, false: -1}[up]*max(math.Abs(end)*1e-3, 2e-6)
			}
			for _, beyond := range []float64{step(v.Min, false), step(v.Max, true)} {
				var refused *protocol.Error
				err := x.tuner.Set(tuning.Request{Values: map[string]float64{p.Path: beyond}})
				if !errors.As(err, &refused) || refused.Min == nil || *refused.Min != v.Min || *refused.Max != v.Max {
					t.Fatalf("%s: %g to %g are announced, but %g gets %v", p.Path, v.Min, v.Max, beyond, err)
				}
			}
			end := rapid.SampledFrom([]float64{v.Min, v.Max}).Draw(t, "end")
			if p.Type == "int" && end != math.Trunc(end) {
				t.Fatalf("%s: %g to %g are announced, but only whole numbers are accepted", p.Path, v.Min, v.Max)
			}
			if err := x.tuner.Set(tuning.Request{Values: map[string]float64{p.Path: end}}); err != nil {
				t.Fatalf("%s: %g to %g are announced, but %g gets %v", p.Path, v.Min, v.Max, end, err)
			}
			tried++
			_ = x.halt()
		})
	}
	if tried < len(robots)*checks(t) {
		t.Errorf("%d ends were tried", tried)
	}
}

// Any sequence of changes, with every device: a change is in effect as answered, or refused with nothing changed. The robot
// runs on, and a reset restores the configured values.
func TestAnySequenceOfSets(t *testing.T) {
	config := parse(t, tableRobot(t), nil)
	accepted, refusals := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		x := newTunable(t, config)
		all := x.paths(t)
		for range rapid.IntRange(1, 6).Draw(t, "sets") {
			values := map[string]float64{}
			for range rapid.IntRange(1, 3).Draw(t, "values") {
				p := rapid.SampledFrom(all).Draw(t, "parameter")
				now := x.value(t, p.Path)
				choices := []float64{now.Min, now.Max, p.Default, math.Round((now.Min + now.Max) / 2), p.Default * 1.1,
					math.Round(p.Default / 2), now.Min - 1, now.Max + 1, 0, -1, 1e18, -1e18, math.NaN(), math.Inf(-1), 0.5}
				values[p.Path] = rapid.SampledFrom(choices).Draw(t, p.Path)
			}
			before, rev, _ := x.tuner.Get(nil)
			err := x.tuner.Set(tuning.Request{Values: values, Source: "mqtt"})
			after, now, _ := x.tuner.Get(nil)
			if err != nil {
				refusals++
				if fmt.Sprint(before) != fmt.Sprint(after) || rev != now {
					t.Fatalf("%v was refused (%v), but changed something", values, err)
				}
			} else {
				accepted++
				for path, v := range values {
					if got := after[path]; math.Abs(got.V-v) > 1e-6 || got.Rev != now || now != rev+1 {
						t.Fatalf("%s: set to %v, got %v of revision %d", path, v, got, now)
					}
				}
			}
			if err := x.Advance(context.Background(), x.now+30*time.Millisecond, func(time.Duration) {}); err != nil {
				t.Fatal(err)
			}
		}
		presets, err := x.tuner.Presets(nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(presets) > 0 {
			if err := x.tuner.Set(tuning.Request{Values: presets}); err != nil {
				t.Fatalf("reset of %v: %v", presets, err)
			}
		}
		if left := x.tuner.Tuned(); len(left) > 0 {
			t.Fatalf("after the reset: %v", left)
		}
		if err := x.halt(); err != nil {
			t.Fatal(err)
		}
	})
	if n := checks(t); accepted < n/10 || refusals < n/10 {
		t.Errorf("%d accepted, %d refused: the property was hardly checked", accepted, refusals)
	}
}

// The end of a range that is found by bisection has few digits.
func TestAnnouncedRangesAreShort(t *testing.T) {
	x := newTunable(t, parse(t, strings.Replace(pupil, "FILE", filepath.Join(t.TempDir(), "pupil.learnt"), 1), nil))
	values, _, err := x.tuner.Get([]string{"network.synapses.a.b.plastic.min"})
	if v := values["network.synapses.a.b.plastic.min"]; err != nil || v.Min != 0 || v.Max != 100 {
		t.Errorf("%v: %g to %g are announced, expected 0 to the weight of 100", err, v.Min, v.Max)
	}
	if err := x.halt(); err != nil {
		t.Error(err)
	}
}

// A motor may induce pulses in the wire of a bumper. With a glitch time, which can be tuned, they make no spikes. A real bump
// acts when it has lasted so long, with the time of its edge.
func TestSparkOnTheWireOfASwitch(t *testing.T) {
	x := newTunable(t, parse(t, `robot: r
board: {kind: sim}
sensors:
  bumper: {device: button, pin: GPIO17, encode: {kind: edge, to: bump}}
network: {neurons: {bump: {}}}
actuators: {word: {device: label, decode: {kind: winner-take-all, window: 50ms, choices: {bump: ouch}}}}
mqtt: {broker: none}
`, nil))
	wire, err := x.body.Board.Pin("GPIO17")
	if err != nil {
		t.Fatal(err)
	}
	pin := wire.(*sim.Pin)
	pin.Drive(gpio.High)
	pulse := func(length time.Duration) (spikes int) {
		x.pass(t, 100*time.Millisecond)
		at := x.now + 10*time.Millisecond
		pin.DriveAt(at, gpio.Low)
		pin.DriveAt(at+length, gpio.High)
		before := x.network.Counters().Spikes
		x.pass(t, 100*time.Millisecond)
		value, when, seen := x.sensors[0].Latest()
		spikes = int(x.network.Counters().Spikes - before)
		if spikes > 0 && (!seen || value != 0 || when != at+max(length, 5*time.Millisecond)) {
			t.Errorf("a pulse of %v at %v: last read %d at %v", length, at, value, when)
		}
		return spikes
	}
	if n := pulse(time.Millisecond); n != 1 {
		t.Errorf("without a glitch time a spark makes %d spikes, want 1", n)
	}
	if err := x.tuner.Set(tuning.Request{Values: map[string]float64{"sensors.bumper.glitch": 2000}}); err != nil {
		t.Fatal(err)
	}
	if n := pulse(time.Millisecond); n != 0 {
		t.Errorf("a spark makes %d spikes", n)
	}
	if n := pulse(20 * time.Millisecond); n != 1 {
		t.Errorf("a bump makes %d spikes, want 1", n)
	}
}
