package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"fluxd/cmd/fluxd/play"
	"fluxd/configs"
)

// runner drives straight on, until a world that ends with the time ends. Its synapse learns with each spike.
const runner = `robot: runner
board: {kind: sim, world: ./track.yaml}
network:
  neurons: {go: {pacemaker: 20ms}, motor: {threshold: 5}, restless: {noise: {rate: 40 Hz}}}
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
			if one.Length != 2*time.Second || one.value("metres") != report.trials[0].Episodes[0].value("metres") {
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
	if len(both) != 2 || both[1].Length != e.For || both[1].value("metres") != both[0].value("metres") {
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
		sum += report.trials[0].Episodes[i].value("metres")
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
	if mean := one.Score["metres"]; mean == nil || *mean != sum/3 || one.Seconds != 9 || len(one.Episodes) != 3 {
		t.Errorf("a sum of %g: %s", sum, text.String())
	}
}

// An episode is the same as a separate trial that begins with what was learnt in the episodes before.
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
		e.Seed, e.Save = 1+k, learnt
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

// Nothing goes from one episode to the next but what was learnt: not the reading that a sensor was taking, nor the state of a
// motor.
func TestAnEpisodeOfARobotWithSensorsIsATrial(t *testing.T) {
	t.Parallel() // in virtual time
	for _, name := range []string{"lightseeker", "explorer", "linefollower"} {
		e := one(load(t, name), 7300*time.Millisecond)
		e.Episodes = 3
		together, _, err := e.run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for k := range uint64(3) {
			e := one(e.Config, e.For)
			network := e.Config.Network.Seed + k
			e.Seed, e.Network = 1+k, &network
			report, _, err := e.run(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			alone, with := report.trials[0].Episodes[0], together.trials[0].Episodes[k]
			with.Number = 1
			if !reflect.DeepEqual(alone, with) {
				t.Errorf("%s, episode %d: %+v\nalone %+v", name, k+1, with, alone)
			}
		}
	}
}

// A program that is the world may take long to start: it is started once for all episodes of a trial.
func TestAProgramIsStartedOnceForAllEpisodes(t *testing.T) {
	folder := t.TempDir()
	starts := filepath.Join(folder, "starts")
	world := "world: exec\nstep: 100ms\ncommand: [sh, -c, 'echo >> " + starts +
		"; while read -r line; do echo \"{\\\"over\\\": false}\"; done']\n"
	robot := parse(t, fmt.Sprintf(idle, "./p.yaml"), fstest.MapFS{"p.yaml": {Data: []byte(world)}})
	e := one(robot, time.Second)
	e.Trials, e.Episodes = 2, 3
	if _, _, err := e.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(starts); err != nil || string(got) != "\n\n" {
		t.Errorf("%v: started %d times for two trials of three episodes", err, len(got))
	}
}

// A training in a program that is the world has one program, and each test another one: a test never disturbs the training.
func TestAProgramIsStartedForEachTest(t *testing.T) {
	folder := t.TempDir()
	starts := filepath.Join(folder, "starts")
	world := "world: exec\nstep: 100ms\ncommand: [sh, -c, 'echo >> " + starts +
		"; while read -r line; do echo \"{\\\"over\\\": false}\"; done']\n"
	robot := parse(t, fmt.Sprintf(idle, "./p.yaml"), fstest.MapFS{"p.yaml": {Data: []byte(world)}})
	e := one(robot, time.Second)
	e.Train, e.Test, e.TestEvery, e.Episodes = 3*time.Second, time.Second, 1500*time.Millisecond, 0
	report, _, err := e.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	trial := report.trials[0]
	if got, err := os.ReadFile(starts); err != nil || string(got) != "\n\n\n\n" {
		t.Errorf("%v: started %d times for a training and three tests", err, len(got))
	}
	if len(trial.Episodes) != 3 || trial.Episodes[2].Length != time.Second || len(trial.Tests) != 3 {
		t.Errorf("%+v", trial)
	}
}

// The spikes of an episode have the form and the times of fluxd play, whichever episode it is.
func TestSpikes(t *testing.T) {
	folder := t.TempDir()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	robot := parse(t, runner, fstest.MapFS{"track.yaml": {Data: []byte(track)}})
	e := one(robot, time.Second)
	e.Spikes = filepath.Join(folder, "spikes-%d.csv")
	e.Trials, e.Episodes = 2, 2 // the last episode of the first trial has the seed 2
	if _, _, err := e.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	d := robot.Network
	d.Seed = 2
	var played bytes.Buffer
	if err := play.Run(context.Background(), d, play.Options{Until: time.Second, Output: &played}); err != nil {
		t.Fatal(err)
	}
	if got := read("spikes-1.csv"); got != played.String() || strings.Count(got, "restless") < 20 {
		t.Errorf("%s\nwant\n%s", got, played.String())
	}
	if read("spikes-1.csv") == read("spikes-2.csv") {
		t.Error("two trials have the same noise")
	}
}
