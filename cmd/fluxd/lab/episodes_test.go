package lab

import (
	"context"
	"encoding/json"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"fluxd/configs"
)

// runner drives straight on, until a world that ends with the time ends. Its synapse learns with each spike.
const runner = `robot: runner
board: {kind: sim, world: ./track.yaml}
network:
  neurons: {go: {pacemaker: 20ms}, motor: {threshold: 5}, restless: {noise: {rate: 40}}}
  synapses: [{from: go, to: motor, weight: 10, plastic: {window: 5ms, ltp: {rate: 1}, max: 1000}}]
actuators:
  left_wheel: {device: hbridge, pwm: GPIO13, direction: GPIO6, slew: 1/s, decode: {kind: count, neuron: motor, full: 50 Hz, window: 100ms}}
  right_wheel: {device: hbridge, pwm: GPIO12, direction: GPIO5, slew: 1/s, decode: {kind: count, neuron: motor, full: 50 Hz, window: 100ms}}
mqtt: {broker: none}
`

const track = `world: floor
width: 20 m
depth: 2 m
start: {at: [1 m, 1 m], heading: 0 °}
time_limit: 2s
`

func runnerOn(t *testing.T, world string) *configs.Robot {
	return parse(t, runner, fstest.MapFS{"track.yaml": {Data: []byte(world)}})
}

// An episode ends when its world says so. In the next one the robot begins at the start again, at rest, with nothing in flight:
// it goes exactly as far.
func TestEpisodes(t *testing.T) {
	e := one(runnerOn(t, track), time.Minute)
	e.Trials, e.Episodes, e.Jobs = 2, 3, 2
	report, text, err := e.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	seeds := []uint64{}
	for _, trial := range report.trials {
		for i := range trial.Episodes {
			one := &trial.Episodes[i]
			seeds = append(seeds, one.Seed)
			if one.Length != 2*time.Second || one.value("distance_m") != report.trials[0].Episodes[0].value("distance_m") {
				t.Errorf("trial %d: %+v", trial.Number, one)
			}
		}
	}
	if len(seeds) != 6 || seeds[0] != 1 || seeds[5] != 6 {
		t.Errorf("seeds %v", seeds)
	}
	// Its noise differs from one episode to the next.
	first := report.trials[0].Episodes
	if first[0].Spikes == first[1].Spikes && first[1].Spikes == first[2].Spikes {
		t.Errorf("three episodes with %d spikes each", first[0].Spikes)
	}
	golden(t, "episodes.golden", text)
	_, json, csv := e.all(t)
	golden(t, "episodes.json", json)
	golden(t, "episodes.csv", csv)
}

// An episode lasts no longer than the experiment says, in a world that does not end, too.
func TestEpisodesOfAWorldThatDoesNotEnd(t *testing.T) {
	e := one(runnerOn(t, strings.Replace(track, "time_limit: 2s", "", 1)), 1500*time.Millisecond)
	e.Episodes = 2
	report, _, err := e.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	both := report.trials[0].Episodes
	if len(both) != 2 || both[1].Length != e.For || both[1].value("distance_m") != both[0].value("distance_m") {
		t.Errorf("%+v", both)
	}
}

// With episodes, a trial counts as their mean.
func TestATrialIsTheMeanOfItsEpisodes(t *testing.T) {
	e := one(load(t, "lightseeker"), 3*time.Second)
	e.Episodes = 3
	report, _, err := e.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i := range report.trials[0].Episodes {
		sum += report.trials[0].Episodes[i].value("distance_m")
	}
	var text strings.Builder
	if err := report.JSON(&text); err != nil {
		t.Fatal(err)
	}
	var got jsonReport
	if err := json.Unmarshal([]byte(text.String()), &got); err != nil {
		t.Fatal(err)
	}
	one := got.Trials[0]
	if mean := one.Score["distance_m"]; mean == nil || *mean != sum/3 || one.Seconds != 9 || len(one.Episodes) != 3 {
		t.Errorf("a sum of %g: %s", sum, text.String())
	}
}

// An episode is the same as a trial of its own that begins with what was learnt in the episodes before.
func TestAnEpisodeIsATrialThatBeginsWithWhatWasLearnt(t *testing.T) {
	learnt := filepath.Join(t.TempDir(), "learnt")
	text := strings.Replace(runner, "mqtt:", "learnt: {file: "+learnt+"}\nmqtt:", 1)
	robot := parse(t, text, fstest.MapFS{"track.yaml": {Data: []byte(track)}})
	e := one(robot, time.Minute)
	e.Episodes = 3
	together, _, err := e.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for k := range uint64(3) {
		e := one(robot, time.Minute)
		e.Seed, e.Learnt = 1+k, learnt
		network := robot.Network.Seed + k
		e.Network = &network
		report, _, err := e.run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		alone, with := report.trials[0].Episodes[0], together.trials[0].Episodes[k]
		with.Number = 1
		if !reflect.DeepEqual(alone, with) {
			t.Errorf("episode %d: %+v\nalone %+v", k+1, with, alone)
		}
	}
}
