package daemon

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"fluxd/cmd/fluxd/tuning"
	"fluxd/core"
)

// decoding is a robot with one actuator, whose decoder is left open.
const decoding = `
robot: decoding
board: {kind: sim}
network: {neurons: {a: {refractory: 0s}, b: {refractory: 0s}, place: {count: 5, refractory: 0s}}}
actuators:
  it: {device: servo, pwm: GPIO12, failsafe: -0.123, slew: none, decode: {%s}}
mqtt: {broker: none}
`

// Each decoder commands an actuator at the time at which its command changes, with spikes or without.
func TestDecodersOfARobot(t *testing.T) {
	const ms = core.Tick(1000)
	type spike struct {
		at     core.Tick
		neuron string
	}
	type command struct {
		at   time.Duration // in ms
		want int64
	}
	const failsafe = -123_000
	for _, c := range []struct {
		decode string
		spikes []spike
		want   []command
	}{
		{"kind: count, neuron: place, full: 100 Hz, window: 100ms",
			[]spike{{0, "place[1]"}, {10 * ms, "place[3]"}}, []command{{5, 100_000}, {15, 200_000}, {105, 100_000}, {115, 0}}},
		{"kind: push-pull, forward: a, backward: b, full: 100 Hz, window: 100ms",
			[]spike{{0, "a"}, {10 * ms, "b"}}, []command{{5, 100_000}, {15, 0}, {105, -100_000}, {115, 0}}},
		{"kind: trace, forward: a, backward: b, step: 0.5, decay: 100ms",
			[]spike{{0, "a"}, {20 * ms, "b"}},
			[]command{{0, 500_000}, {1, 490_000}, {19, 310_000}, {20, -200_000}, {39, -10_000}, {40, 0}}},
		{"kind: isi, neuron: a, intervals: [50ms, 10ms], silence: 60ms",
			[]spike{{0, "a"}, {20 * ms, "a"}, {70 * ms, "a"}},
			[]command{{19, failsafe}, {20, 750_000}, {70, 0}, {129, 0}, {130, failsafe}}},
		{"kind: first-spike, start: a, neuron: place, window: 20ms",
			[]spike{{0, "a"}, {5 * ms, "place[3]"}, {6 * ms, "place[1]"}, {50 * ms, "a"}},
			[]command{{4, failsafe}, {5, 750_000}, {69, 750_000}, {70, 0}}},
		{"kind: winner-take-all, choices: {a: 1, b: -1}, window: 100ms, margin: 2",
			[]spike{{0, "a"}, {10 * ms, "b"}, {20 * ms, "b"}, {30 * ms, "b"}},
			[]command{{25, 1_000_000}, {30, -1_000_000}, {129, -1_000_000}, {130, failsafe}}},
		{"kind: population-vector, population: place, commands: [-1, 1], window: 100ms",
			[]spike{{0, "place[2]"}, {10 * ms, "place[4]"}, {10 * ms, "place[3]"}},
			[]command{{0, 0}, {10, 500_000}, {100, 750_000}, {110, failsafe}}},
		{"kind: population-vector, values: {place: 0.5, a: -1}, window: 100ms",
			[]spike{{0, "place[2]"}, {0, "place[4]"}, {10 * ms, "a"}}, []command{{0, 500_000}, {10, 0}, {100, -1_000_000}}},
	} {
		s, err := NewSimulation(parse(t, fmt.Sprintf(decoding, c.decode), nil), 1, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range c.spikes {
			if err := s.network.Excite(one.at, s.neurons[one.neuron][0]); err != nil {
				t.Fatal(err)
			}
		}
		for _, one := range c.want {
			if err := s.Advance(t.Context(), one.at*time.Millisecond+time.Microsecond*2, func(time.Duration) {}); err != nil {
				t.Fatal(err)
			}
			if got := s.outputs[0].Guard.Applied(); int64(got) != one.want {
				t.Errorf("%s: at %d ms: %d, want %d", c.decode, one.at, got, one.want)
			}
		}
		if err := s.halt(); err != nil {
			t.Error(err)
		}
	}
}

// A decoder that is tuned goes on with what it remembers.
func TestTunedDecodersGoOn(t *testing.T) {
	for _, c := range []struct {
		decode, key   string
		value         float64
		before, after int64
	}{
		{"kind: count, neuron: a, window: 1s, full: 10 Hz", "full", 20, 200_000, 100_000},
		{"kind: trace, forward: a, step: 0.5, decay: 10s", "decay", 5e6, 998_000, 998_000},
		{"kind: isi, neuron: a, intervals: [50ms, 0s]", "intervals[0]", 100e3, 600_000, 800_000},
		{"kind: first-spike, start: b, neuron: a, window: 20ms", "commands[0]", 0.5, 1_000_000, 500_000},
		{"kind: population-vector, values: {a: 0.5, b: 0}, window: 1s", "values.a", 1, 333_333, 666_667},
		{"kind: winner-take-all, choices: {b: 0.5, a: 0}, window: 1s", "choices.a", -1, 0, -1_000_000},
	} {
		config := parse(t, fmt.Sprintf(decoding, c.decode), nil)
		s, err := NewSimulation(config, 1, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		for _, neuron := range []string{"a", "b"} { // both at once, then a again
			err = errors.Join(err, s.network.Excite(0, s.neurons[neuron][0]))
		}
		err = errors.Join(err, s.network.Excite(20_000, s.neurons["a"][0]),
			s.Advance(t.Context(), 25*time.Millisecond, func(time.Duration) {}))
		if err != nil {
			t.Fatal(err)
		}
		before, _ := s.outputs[0].decoder.Command()
		err = tuning.New(config, s.network, s.Robot).Set(tuning.Request{Values: map[string]float64{
			"actuators.it.decode." + c.key: c.value}})
		if err != nil {
			t.Fatal(err)
		}
		after, known := s.outputs[0].decoder.Command()
		if before != c.before || after != c.after || !known {
			t.Errorf("%s: %s=%g: %d to %d %v, want %d to %d", c.decode, c.key, c.value, before, after, known, c.before, c.after)
		}
		if err := s.halt(); err != nil {
			t.Error(err)
		}
	}
}
