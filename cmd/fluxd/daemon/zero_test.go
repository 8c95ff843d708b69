package daemon

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/tap"
)

// weighing is a robot with a scale, whose changes become spikes and rewards; an arm, whose position becomes a rate; and an eye.
const weighing = `robot: r
board: {kind: sim, world: table}
sensors:
  scale: {device: hx711, clock: GPIO5, data: GPIO6, every: 100ms, curve: [[-8000000, -80 kg], [8000000, 80 kg]],
          encode: {kind: delta, step: 10 g, change: both, to: a}}
  arm:   {device: quadrature, a: GPIO23, b: GPIO24, counts: 400, measure: position, every: 10ms,
          encode: {kind: rate, range: [0 rev, 10 rev], max: 100 Hz, to: b}}
  speed: {device: quadrature, a: GPIO23, b: GPIO24, counts: 400, measure: speed, every: 10ms,
          encode: {kind: rate, range: [0 rev/s, 10 rev/s], max: 100 Hz, to: b}}
  eye:   {device: bh1750, bus: I2C1, address: 0x23, every: 50ms, encode: {kind: rate, range: [0 lx, 1000 lx], max: 100 Hz, to: c}}
  wheel: {device: as5600, bus: I2C1, address: 0x36, measure: position, every: 20ms, encode: {kind: delta, step: 0.1 rev, to: c}}
network: {neurons: {a: {refractory: 0s}, b: {refractory: 0s}, c: {}, joy: {refractory: 0s}}}
rewards: {heavier: {sensor: scale, "on": change, gain: 10, to: joy, against: joy}}
mqtt: {broker: none}
`

// Setting the zero of a sensor is no movement for encoders of changes and for rewards, nor is a reading that was on its way to
// the loop. Later movements count. An encoder of levels gets readings counted from the new zero.
func TestZeroIsNoMovement(t *testing.T) {
	s := newTunable(t, parse(t, weighing, nil)).Simulation
	follows := s.tap.Follow()
	pass := func(d time.Duration) map[string]int {
		t.Helper()
		if err := s.Advance(context.Background(), s.now+d, func(time.Duration) {}); err != nil {
			t.Fatal(err)
		}
		records, lost := follows.Read(nil)
		if lost > 0 {
			t.Fatalf("%d records lost", lost)
		}
		count := map[string]int{}
		for _, r := range records {
			switch r.Kind {
			case tap.Spike:
				count[s.config.Network.Neurons[r.Index].Name]++
			case tap.Reward:
				count["reward"]++
			}
		}
		return count
	}
	line := func(name string) *sensorLine {
		for _, one := range s.sensors {
			if one.Name == name {
				return one
			}
		}
		t.Fatal(name)
		return nil
	}
	latest := func(name string) float64 {
		value, _, _ := line(name).Latest()
		return float64(value) / 1e6
	}
	sense := func(name string, value float64) {
		t.Helper()
		if err := s.Sense(t.Context(), name, value, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	zero := func(name string) {
		value, _, _ := line(name).Latest()
		line(name).moveZero(value)
	}
	sense("scale", 2)
	sense("arm", 8)
	pass(time.Second)
	before := pass(time.Second)
	if before["a"] != 0 || before["reward"] != 0 || before["b"] < 75 || before["b"] > 85 {
		t.Fatalf("at rest: %v", before)
	}
	zero("scale")
	zero("arm")
	s.feed(line("scale"), s.network.Now(), 2_000_000) // a reading from before, which comes late
	if after := pass(time.Second); after["a"] != 0 || after["reward"] != 0 || after["b"] > 1 {
		t.Errorf("after the zero: %v", after)
	}
	if latest("scale") != 0 || latest("arm") != 0 {
		t.Errorf("the scale reads %g, the arm %g", latest("scale"), latest("arm"))
	}
	if health := s.Sensors()["scale"]; health.Value != 0.0 || health.Zero != 2 || s.Sensors()["eye"].Zero != 0 {
		t.Errorf("telemetry: %+v", s.Sensors())
	}
	sense("scale", 0.5)
	if moved := pass(time.Second); moved["a"] != 1 || moved["reward"] != 1 || latest("scale") != 0.5 {
		t.Errorf("half a kilogram more: %v, reads %g", moved, latest("scale"))
	}
	zero("scale") // a second time
	sense("scale", -0.5)
	moved, scale := pass(time.Second), line("scale")
	if moved["a"] != 1 || moved["reward"] != 1 || scale.Zero() != 2_500_000 || latest("scale") != -0.5 {
		t.Errorf("half a kilogram less: %v, zero at %d, reads %g", moved, scale.Zero(), latest("scale"))
	}
	if err := s.Sense(t.Context(), "scale", 78, time.Hour); err == nil { // the device reads 80 at most
		t.Error("more than the scale can read was accepted")
	}
	sense("arm", 1)
	if moved := pass(time.Second); moved["b"] < 8 || moved["b"] > 11 || latest("arm") != 1 {
		t.Errorf("a turn from the new zero: %v, reads %g", moved, latest("arm"))
	}
	if err := s.halt(); err != nil {
		t.Error(err)
	}
}

// Readings counted from a zero do not overflow.
func TestZeroAtTheEnds(t *testing.T) {
	line := newTunable(t, parse(t, weighing, nil)).sensors[0]
	for _, c := range []struct{ zero, reading, want int64 }{
		{0, math.MaxInt64, math.MaxInt64}, {-1, math.MaxInt64, math.MaxInt64}, {1, math.MinInt64, math.MinInt64}, {5, 3, -2},
		{-5, -3, 2},
		{math.MaxInt64, math.MaxInt64, 0}, {math.MinInt64, 0, math.MaxInt64}, {math.MinInt64, -1, math.MaxInt64},
	} {
		line.SetZero(c.zero)
		if got := line.FromZero(c.reading); got != c.want {
			t.Errorf("%d from %d: %d, want %d", c.reading, c.zero, got, c.want)
		}
	}
}

// An event names the user who set a zero. Sensors without a zero to set, and without a good reading, are refused.
func TestZeroOnRequest(t *testing.T) {
	t.Parallel() // it waits
	inRealTime(t)
	robot, _ := start(t, parse(t, weighing, nil))
	var mutex sync.Mutex
	var events []string
	if a := robot.ask(t.Context(), func() answer {
		robot.event = func(kind protocol.EventKind, text string) {
			mutex.Lock()
			defer mutex.Unlock()
			events = append(events, kind.Code()+" "+text)
		}
		return answer{}
	}); a.err != nil {
		t.Fatal(a.err)
	}
	for name, want := range map[string]string{
		"eye":   "not_allowed sensors.eye: the zero of bh1750 is fixed; it can be set of as5600 position, hx711, quadrature position",
		"speed": "not_allowed sensors.speed: the zero of quadrature speed is fixed",
		"scal":  "unknown_sensor sensors.scal: no such sensor, did you mean scale?",
	} {
		var refused *protocol.Error
		_, err := robot.Zero(t.Context(), "ann", name)
		if !errors.As(err, &refused) || !strings.HasPrefix(string(refused.Code)+" "+err.Error(), want) {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
	if err := robot.Sense(t.Context(), "arm", 2.5, time.Minute); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the arm to read 2.5", func() bool { return robot.Sensors()["arm"].Value == 2.5 })
	if was, err := robot.Zero(t.Context(), "ann", "arm"); err != nil || was != 2.5 {
		t.Errorf("was %g, %v", was, err)
	}
	if now := robot.Sensors()["arm"]; now.Value != 0.0 || now.Zero != 2.5 {
		t.Errorf("reads %+v", now)
	}
	mutex.Lock()
	if want := "sensor_zeroed by ann: arm: 2.5 rev is 0 from now on"; len(events) != 1 || events[0] != want {
		t.Errorf("events %q, want %q", events, want)
	}
	mutex.Unlock()
	// A sensor that fails has no good reading now.
	eventually(t, "the wheel to read", func() bool { _, seen := robot.Sensors()["wheel"]; return seen })
	if err := robot.Simulated().Detach("I2C1", 0x36); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the wheel to fail", func() bool {
		_, err := robot.Zero(t.Context(), "ann", "wheel")
		return err != nil && strings.Contains(err.Error(), "sensors.wheel: it has no good reading now")
	})
}
