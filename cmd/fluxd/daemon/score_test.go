package daemon

import (
	"log/slog"
	"maps"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"fluxd/cmd/fluxd/tap"
	"fluxd/cmd/fluxd/tuning"
)

// rewarded simulates a robot, and returns when its rewards have brought in how many spikes.
func rewarded(t *testing.T, text string, files fstest.MapFS, length time.Duration) (s *Simulation, paid map[time.Duration]int64) {
	t.Helper()
	s, err := NewSimulation(parse(t, text, files), 1, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Halt(); err != nil {
			t.Error(err)
		}
	})
	return s, paidIn(t, s, length)
}

// paidIn simulates for a time, and returns when rewards have brought in how many spikes.
func paidIn(t *testing.T, s *Simulation, length time.Duration) map[time.Duration]int64 {
	t.Helper()
	reader := s.tap.Follow()
	defer reader.Leave()
	paid := map[time.Duration]int64{}
	for until := s.Now() + length; s.Now() < until; {
		if err := s.Advance(t.Context(), min(until, s.Now()+time.Second), func(time.Duration) {}); err != nil {
			t.Fatal(err)
		}
		records, lost := reader.Read(nil)
		if lost > 0 {
			t.Fatalf("%d records are lost", lost)
		}
		for _, r := range records {
			if r.Kind == tap.Reward {
				paid[time.Duration(r.At)*time.Microsecond] += r.Value
			}
		}
	}
	return paid
}

// A reward for recorded commands is paid when each is due, if the robot gives it, too. The first one is not: there was no command
// before it.
func TestRewardForRecordedCommands(t *testing.T) {
	const obedient = `
robot: obedient
board: {kind: sim}
sensors:
  low:  &s {device: log, file: run.csv, column: S, rate: 10 Hz, encode: {kind: threshold, below: 5, repeat: true, to: low}}
  high: {<<: *s, encode: {kind: threshold, above: 5, repeat: true, to: high}}
network: {neurons: {low: {}, high: {}, joy: {}, woe: {}}}
rewards:
  hit: {from: score, value: right, on: level, gain: 3, to: joy}
  change: {from: score, value: right, on: change, gain: 100, to: joy, against: woe}
actuators: {command: {device: label, decode: {kind: winner-take-all, window: 100ms, choices: {low: left, high: right}}}}
compare: {actuator: command, file: run.csv, column: OUT, rate: 10 Hz}
mqtt: {broker: none}
`
	files := fstest.MapFS{"run.csv": {Data: []byte("S,OUT\n1,left\n9,right\n9,left\n1,left\n1,right\n1,left\n")}}
	_, paid := rewarded(t, obedient, files, 600*time.Millisecond)
	want := map[time.Duration]int64{}
	for row, spikes := range map[int]int64{2: 3, 3: 10, 4: 13, 5: 10, 6: 13} {
		want[time.Duration(row)*100*time.Millisecond-time.Microsecond] = spikes
	}
	if !maps.Equal(paid, want) {
		t.Errorf("paid %v, want %v", paid, want)
	}
}

// In a world with a score, a reward is earned by one of its numbers: when and how much is as for a sensor. Another episode begins
// without what came before.
func TestRewardFromTheScoreOfAWorld(t *testing.T) {
	const seeker = `
robot: seeker
board: {kind: sim, world: arena}
network: {neurons: {drive: {pacemaker: 20ms}, motor: {}, joy: {}}, synapses: [{from: drive, to: motor, weight: 110}]}
rewards:
  way: {from: score, value: metres, on: rise, window: 1s, gain: 100, most: 1000, to: joy}
  time: {from: score, value: goal_s, on: level, window: 3s, threshold: 5, to: joy}
actuators:
  left_wheel:  &wheel {device: hbridge, pwm: GPIO13, direction: GPIO6, decode: {kind: count, neuron: motor, full: 50 Hz, window: 200ms}, slew: none, failsafe: 0}
  right_wheel: {<<: *wheel, pwm: GPIO12, direction: GPIO5}
mqtt: {broker: none}
`
	s, paid := rewarded(t, seeker, nil, 7*time.Second)
	metres := 0.0
	for _, v := range s.World().Score().Values {
		if v.Name == "metres" {
			metres = v.Number
		}
	}
	sum := int64(0)
	for at, spikes := range paid {
		if at%time.Second != 0 {
			t.Errorf("%d spikes at %v, with a window of 1s that began at 0", spikes, at)
		}
		sum += spikes
	}
	if ten := int64(100*metres) + 6; paid[6*time.Second] == 0 || sum > ten+4 || sum < ten-20 {
		t.Errorf("%d spikes for %g m, and 6 for a time of 6 s: %v", sum, metres, paid)
	}
	if err := s.Restart(2, 2); err != nil {
		t.Fatal(err)
	}
	began := s.Now()
	for at, spikes := range paidIn(t, s, 2500*time.Millisecond) {
		if at != began+time.Second && at != began+2*time.Second || spikes > 100 {
			t.Errorf("%d spikes %v after the next episode began", spikes, at-began)
		}
	}
}

// In real time the score is read, too, and the tap shows what it pays.
func TestRewardFromTheScoreInRealTime(t *testing.T) {
	inRealTime(t)
	robot, _ := start(t, parse(t, `
robot: runner
board: {kind: sim, world: arena}
network: {neurons: {go: {pacemaker: 10ms}, joy: {}}}
rewards: {way: {from: score, value: metres, on: rise, window: 100ms, gain: 1000, most: 100, to: joy}}
actuators:
  left_wheel: {device: hbridge, pwm: GPIO13, direction: GPIO6, decode: {kind: count, neuron: go, full: 50 Hz, window: 100ms}}
  right_wheel: {device: hbridge, pwm: GPIO12, direction: GPIO5, decode: {kind: count, neuron: go, full: 50 Hz, window: 100ms}}
mqtt: {broker: none}
`, nil))
	reader := robot.tap.Follow()
	defer reader.Leave()
	eventually(t, "a reward for the way", func() bool {
		records, _ := reader.Read(nil)
		return slices.ContainsFunc(records, func(r tap.Record) bool { return r.Kind == tap.Reward && r.Value > 0 })
	})
}

// The synapses of a baseline have tuning paths, after that of the synapse that they balance, which keeps its own.
func TestPartsOfABaselineAreTuned(t *testing.T) {
	s, err := NewSimulation(parse(t, `
robot: balanced
board: {kind: sim}
network:
  neurons: {cue: {}, joy: {}, woe: {}, motor: {count: 2}}
  synapses:
    - {from: cue, to: motor, weight: 20, plastic: {}}
    - {from: joy, to: motor, kind: modulator, weight: 10}
    - {from: woe, to: motor, kind: modulator, weight: -10}
rewards: {praise: {to: joy, against: woe, baseline: {over: 4s, parts: 2}}}
mqtt: {broker: none}
`, nil), 1, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Halt()
	for path, want := range map[string]float64{
		"network.synapses.joy.motor[1].weight": 10, "network.synapses.joy.motor[1][1].weight": -5,
		"network.synapses.joy.motor[1][2].delay": 4_001_000, "network.synapses.woe.motor[0][2].weight": 5,
	} {
		if got, _, err := s.Tuner().Get([]string{path}); err != nil || got[path].V != want {
			t.Errorf("%s: %v, %v, want %g", path, got[path].V, err, want)
		}
		if err := s.Tuner().Set(tuning.Request{Values: map[string]float64{path: want + 1}, Source: "ann"}); err != nil {
			t.Error(err)
		}
	}
	if got := s.Tuner().Tuned(); len(got) != 4 {
		t.Errorf("tuned: %v", got)
	}
}
