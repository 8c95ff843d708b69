package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"fluxd/configs"

	"pgregory.net/rapid"
)

// training is an experiment with a robot that learns: two trials, each of 12 s of training and 3 s of test.
func training(t *testing.T) *Experiment {
	e := one(load(t, "testdata/learner.yaml"), 5*time.Second)
	e.Seed, e.Trials, e.Episodes, e.Train, e.Test = 101, 2, 0, 12*time.Second, 3*time.Second
	e.Network, e.Keep = &e.Seed, true
	return e
}

// trialsOf runs an experiment that must not fail.
func trialsOf(t testing.TB, e *Experiment) []*Trial {
	t.Helper()
	report, _, err := e.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return report.trials
}

// The results of a training have every digit in common on every machine, and however many trials run at the same time.
func TestTrainingGolden(t *testing.T) {
	e := training(t)
	e.TestEvery, e.Plot = 4*time.Second, true
	text, json, csv := e.all(t)
	golden(t, "training.svg", plotOf(t, e, "a.svg"))
	golden(t, "training.golden", text)
	golden(t, "training.json", json)
	golden(t, "training.csv", csv)
	e.Jobs = 2
	if x, j, c := e.all(t); x != text || j != json || c != csv {
		t.Errorf("two at a time:\n%s\n%s\n%s", x, j, c)
	}
}

// plotOf returns the plot of an experiment.
func plotOf(t *testing.T, e *Experiment, name string) string {
	t.Helper()
	report, _, err := e.run(context.Background())
	var plot strings.Builder
	if err = errors.Join(err, report.Plot(&plot, name)); err != nil {
		t.Fatal(err)
	}
	return plot.String()
}

// The learning curve in the documentation is that of the robot there: make plots draws it again.
func TestTheLearningCurveOfTheDocumentation(t *testing.T) {
	if testing.Short() {
		t.Skip("trains ten robots")
	}
	t.Parallel() // in virtual time
	e := one(load(t, "testdata/learner.yaml"), 0)
	e.Seed, e.Trials, e.Episodes, e.Jobs = 101, 10, 0, 2
	e.Train, e.Test, e.TestEvery, e.Network = 2*time.Minute, 30*time.Second, 20*time.Second, &e.Seed
	e.Plot, e.PlotScore = true, "lamps"
	golden(t, "../../../../docs/learning.svg", plotOf(t, e, "learning.svg"))
}

// A plot can be made of everything that has a score: a single episode, episodes that end when they like, thousands of weights,
// other weights in each trial, no reward.
func TestPlots(t *testing.T) {
	folder := fstest.MapFS{"track.yaml": {Data: []byte(strings.Replace(track, "2s", "430ms", 1))}}
	short := parse(t, runner, folder)
	for name, c := range map[string]struct {
		robot *configs.Robot
		set   func(*Experiment)
		has   []string
	}{
		"one episode": {load(t, "lightseeker"), func(e *Experiment) {}, []string{">lightseeker in the world arena<", ">goal_s<",
			">one trial<"}},
		"other number": {load(t, "explorer"), func(e *Experiment) { e.PlotScore = "metres" }, []string{">metres<"}},
		"early ends": {short, func(e *Experiment) { e.Train, e.For, e.Episodes = 9*time.Second, 0, 0 },
			[]string{">weights (units)<", ">go.motor<"}},
		"many episodes": {short, func(e *Experiment) { e.For, e.Episodes = 10*time.Millisecond, 300 }, []string{">learning, 10ms<"}},
		"several": {short, func(e *Experiment) { e.Trials, e.Episodes = 5, 3 },
			[]string{">median of 5 trials; bands and bars: quartiles<"}},
		"frozen": {short, func(e *Experiment) { e.Freeze, e.Episodes = true, 2 }, []string{">frozen, 2s<"}},
		"tests, no curve": {short, func(e *Experiment) { e.Train, e.For, e.Test, e.Episodes = 9*time.Second, 0, time.Second, 0 },
			[]string{">frozen, 1s<"}},
	} {
		e := one(c.robot, 2*time.Second)
		e.Plot = true
		c.set(e)
		plot := plotOf(t, e, "a.svg")
		for _, want := range c.has {
			if !strings.Contains(plot, want) {
				t.Errorf("%s: no %s:\n%.2000s", name, want, plot)
			}
		}
		if strings.Contains(plot, "NaN") || strings.Contains(plot, "Inf") {
			t.Errorf("%s: %s", name, plot)
		}
		if raster := plotOf(t, e, "A.PNG"); !strings.HasPrefix(raster, "\x89PNG") {
			t.Errorf("%s: %q", name, raster[:20])
		}
	}
	for _, c := range []struct{ robot, number, want string }{
		{"lightseeker", "lumps", "--plot-score lumps: expected one of goal_s, lamps, first_s, to_lamp_m, metres, bumps, x_m, y_m"},
		{"testdata/learner.yaml", "", ""}, {"wallfollow", "", ""}, {"wallfollow", "accuracy", ""},
	} {
		e := one(load(t, c.robot), time.Second)
		e.Plot, e.PlotScore = true, c.number
		if _, _, err := e.run(context.Background()); (err == nil) != (c.want == "") || err != nil && err.Error() != c.want {
			t.Errorf("%s %s: %v", c.robot, c.number, err)
		}
	}
	e := one(parse(t, apprentice, nil), time.Second)
	e.Plot = true
	if _, _, err := e.run(context.Background()); err == nil || err.Error() != "--plot: the world none has no score" {
		t.Error(err)
	}
}

// Of many weights a plot shows the quartiles.
func TestAPlotOfManyWeights(t *testing.T) {
	const many = `robot: many
board: {kind: sim, world: arena}
network:
  neurons: {a: {count: 5, pacemaker: 50ms}, b: {count: 5}}
  synapses: [{from: a, to: b, RULE weight: {min: 10, max: 40}, plastic: {}}]
mqtt: {broker: none}
`
	for _, rule := range []string{"", "rule: {kind: fixed-probability, probability: 0.4},"} { // 25 synapses, or about 10
		e := one(parse(t, strings.Replace(many, "RULE", rule, 1), nil), time.Second)
		e.Plot, e.Trials = true, 4
		if plot := plotOf(t, e, "a.svg"); !strings.Contains(plot, ">all weights (units)<") {
			t.Errorf("%s: %.200s", rule, plot)
		}
	}
}

// A training takes its time, in episodes of at most the length that is asked for, and of at most so many.
func TestHowLongATrainingIs(t *testing.T) {
	for _, c := range []struct {
		length   time.Duration
		episodes int
		want     []time.Duration
	}{
		{0, 0, []time.Duration{12e9}}, {5e9, 0, []time.Duration{5e9, 5e9, 2e9}}, {5e9, 2, []time.Duration{5e9, 5e9}},
		{20e9, 0, []time.Duration{12e9}}, {4e9, 9, []time.Duration{4e9, 4e9, 4e9}},
	} {
		e := training(t)
		e.Trials, e.For, e.Episodes = 1, c.length, c.episodes
		var got []time.Duration
		for _, one := range trialsOf(t, e)[0].Episodes {
			got = append(got, one.Length)
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("--for %v --episodes %d: episodes of %v, want %v", c.length, c.episodes, got, c.want)
		}
	}
	// Where the world ends an episode early, others follow until the time is over.
	e := one(runnerOn(t, strings.Replace(track, "2s", "300ms", 1)), 0)
	e.Train, e.Episodes = time.Second, 0
	if all := trialsOf(t, e)[0].Episodes; len(all) != 4 || all[3].Length != 100*time.Millisecond || all[3].Seed != 4 {
		t.Errorf("%+v", all)
	}
}

// Tests, and looks for the plot, do not disturb the training: it is the same without them, to the last bit.
func TestTestsDoNotDisturbTheTraining(t *testing.T) {
	for _, name := range []string{"testdata/learner.yaml", "explorer", "testdata/surveyor.yaml"} {
		e := training(t)
		e.Config = load(t, name)
		e.TestEvery, e.Plot = 1700*time.Millisecond, true
		tested := trialsOf(t, e)
		e.TestEvery, e.Test, e.Plot = 0, 0, false
		for i, alone := range trialsOf(t, e) {
			if !reflect.DeepEqual(alone.Episodes, tested[i].Episodes) {
				t.Errorf("%s: trial %d: %+v\nwithout tests: %+v", name, 1+i, tested[i].Episodes, alone.Episodes)
			}
			if n := len(tested[i].Tests); n != 9 || tested[i].Tests[1].After != e.Train/12*1700/1000 {
				t.Errorf("%s: %d tests", name, n)
			}
		}
	}
}

// The test after the training is a frozen trial with the weights that were saved; that before it a frozen trial of a fresh robot.
// Both change no weight.
func TestATestIsAFrozenTrial(t *testing.T) {
	e := training(t)
	e.Save = filepath.Join(t.TempDir(), "%d.flux")
	frozen := func(trial int, weights string) Episode {
		seed := e.Seed + uint64(trial)*3
		f := one(e.Config, e.Test)
		f.Seed, f.Network, f.Freeze, f.Keep, f.Weights = seed+testSeed, &seed, true, true, weights
		return trialsOf(t, f)[0].Episodes[0]
	}
	for i, got := range trialsOf(t, e) {
		if want := frozen(i, ""); !reflect.DeepEqual(*got.Untrained, want) {
			t.Errorf("trial %d, untrained: %+v\na fresh robot: %+v", 1+i, *got.Untrained, want)
		}
		if want := frozen(i, each(1+i, e.Save)); !reflect.DeepEqual(*got.Trained, want) {
			t.Errorf("trial %d, trained: %+v\nwith its weights: %+v", 1+i, *got.Trained, want)
		}
		learnt := got.Episodes[len(got.Episodes)-1].Weights
		if !reflect.DeepEqual(got.Trained.Weights, learnt) || reflect.DeepEqual(got.Untrained.Weights, learnt) || len(learnt) != 4 {
			t.Errorf("trial %d: weights %v, after the training %v, after the test %v", 1+i, got.Untrained.Weights, learnt,
				got.Trained.Weights)
		}
	}
}

// No training, of any trial, has the world of a test.
func TestTheWorldOfATestIsFresh(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := Experiment{Seed: rapid.Uint64().Draw(t, "seed"), Trials: rapid.IntRange(1, 1000).Draw(t, "trials"),
			Train: time.Hour, For: rapid.SampledFrom([]time.Duration{0, time.Second, time.Hour}).Draw(t, "for")}
		e.Episodes = rapid.IntRange(0, MostEpisodes/e.Trials).Draw(t, "episodes")
		trained := e.seed(rapid.IntRange(1, e.Trials).Draw(t, "trial"), rapid.IntRange(1, MostEpisodes).Draw(t, "episode"))
		if tested := e.seed(rapid.IntRange(1, e.Trials).Draw(t, "tested"), 1) + testSeed; tested == trained {
			t.Errorf("seed %d", tested)
		}
	})
}

// Without a training, a test is that of the weights that are given, and of those of the robot file.
func TestATestWithoutATraining(t *testing.T) {
	e := training(t)
	e.Save = filepath.Join(t.TempDir(), "%d.json")
	trained := trialsOf(t, e)
	e.Train, e.Save, e.Episodes = 0, "", 1
	for i, got := range trialsOf(t, e) {
		if got.Trained != nil || got.Episodes != nil || got.Untrained.Seed != e.Seed+uint64(i)+testSeed {
			t.Errorf("trial %d: %+v", 1+i, got)
		}
	}
	e.Trials = 1
	alone := trialsOf(t, e)[0]
	if !reflect.DeepEqual(alone.Untrained, trained[0].Untrained) {
		t.Errorf("%+v\nwant %+v", alone.Untrained, trained[0].Untrained)
	}
	e.Weights = filepath.Join(filepath.Dir(e.Save), "1.json")
	e.Weights = each(1, filepath.Join(t.TempDir(), "none.json"))
	if _, _, err := e.run(context.Background()); err == nil {
		t.Error("a file that is not there was read")
	}
}

// A robot that goes on learning is compared with what it was before.
func TestATrainingGoesOn(t *testing.T) {
	e := training(t)
	e.Save = filepath.Join(t.TempDir(), "%d.json")
	first := trialsOf(t, e)
	e.Weights, e.Save = e.Save, ""
	for i, again := range trialsOf(t, e) {
		if !reflect.DeepEqual(again.Untrained, first[i].Trained) {
			t.Errorf("trial %d: %+v\nwant %+v", 1+i, again.Untrained, first[i].Trained)
		}
	}
	e.Train, e.Episodes = 0, 1
	e.Seed, e.Trials = 101, 1
	only := trialsOf(t, e)[0]
	if !reflect.DeepEqual(only.Trained, first[0].Trained) || !reflect.DeepEqual(only.Untrained, first[0].Untrained) {
		t.Errorf("%+v and %+v\nwant %+v and %+v", only.Untrained, only.Trained, first[0].Untrained, first[0].Trained)
	}
}

// parrot gives recorded labels. It learns nothing: what matters is what it plays.
const parrot = `robot: parrot
board: {kind: sim}
sensors: {s: {device: log, file: run.csv, column: d, unit: m, rate: 10 Hz, encode: {kind: threshold, above: 2.5 m, to: high}}}
network: {neurons: {high: {}}}
recordings: {split: {train: 60%}}
actuators: {l: {device: label, decode: {kind: winner-take-all, window: 100ms, choices: {high: high}}}}
compare: {actuator: l, file: run.csv, column: what, rate: 10 Hz}
mqtt: {broker: none}
`

// A training plays the rows for training again and again; a test plays the others once, however long it may be.
func TestATrainingWithRecordings(t *testing.T) {
	robot := parse(t, parrot, fstest.MapFS{"run.csv": {Data: []byte("d,what\n1,low\n2,low\n3,high\n4,high\n5,low\n")}})
	e := one(robot, 0)
	e.Train, e.Test, e.Episodes = 2*time.Second, time.Minute, 0
	trial := trialsOf(t, e)[0]
	if got := trial.Trained.Length; got != 200*time.Millisecond {
		t.Errorf("a test of two rows at 10 Hz takes %v", got)
	}
	if got := trial.Episodes[0].Length; got != e.Train {
		t.Errorf("the training takes %v", got)
	}
	var text strings.Builder
	if err := trial.Episodes[0].Comparison.Report(&text); err != nil || !strings.Contains(text.String(), "of 20 recorded commands") {
		t.Errorf("%v: %s", err, text.String())
	}
}

// A robot with more plastic synapses than a table should have columns has their span instead.
func TestManyWeights(t *testing.T) {
	const many = `robot: many
board: {kind: sim, world: none}
network:
  neurons: {a: {count: 40, pacemaker: 50ms}, b: {count: 40}}
  synapses: [{from: a, to: b, weight: {min: 10, max: 40}, plastic: {}}]
mqtt: {broker: none}
`
	e := one(parse(t, many, nil), time.Second)
	e.Keep = true
	_, _, csv := e.all(t)
	if header, _, _ := strings.Cut(csv, "\n"); !strings.HasSuffix(header, ",reached,weights.least,weights.mean,weights.most") {
		t.Error(header)
	}
	// Trials whose plastic synapses are not the same have no columns in common.
	e = one(parse(t, strings.Replace(strings.ReplaceAll(many, "count: 40", "count: 4"), "weight:",
		"rule: {kind: fixed-probability, probability: 0.5}, weight:", 1),
		nil), time.Second)
	e.Keep, e.Trials = true, 5
	if _, _, csv := e.all(t); !strings.Contains(csv, ",weights.mean,") {
		t.Error(csv)
	}
}

// The end of the context ends a training in the midst of a test, too. Its trial is not reported.
func TestATrainingIsInterrupted(t *testing.T) {
	e := training(t)
	e.Test, e.Trials = 1000*time.Hour, 1
	ctx, cancel := context.WithCancel(context.Background())
	e.Progress = func(done, total time.Duration) {
		if total != 2000*time.Hour+12*time.Second {
			t.Errorf("%v in all", total)
		}
		if done > 10*time.Second {
			cancel()
		}
	}
	report, _, err := e.run(ctx)
	if !errors.Is(err, context.Canceled) || len(report.trials) != 0 {
		t.Errorf("%v: %d trials", err, len(report.trials))
	}
	var text bytes.Buffer
	if err := report.JSON(&text); err != nil || !json.Valid(text.Bytes()) {
		t.Errorf("%v: %s", err, text.String())
	}
}
