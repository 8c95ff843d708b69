package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"fluxd/cmd/fluxd/play"
	"fluxd/configs"
	"fluxd/core"
)

// apprentice has one plastic synapse of random weight, two that are drawn and do not learn, and noise.
const apprentice = `robot: apprentice
board: {kind: sim, world: none}
network:
  neurons:
    a: {count: 2, pacemaker: 5ms}
    b: {threshold: 5}
    c: {}
    restless: {noise: {rate: 40 Hz}}
  synapses:
    - {from: "a[0]", to: b, weight: {min: 10, max: 40}, plastic: {window: 5ms, ltp: {rate: 1}, min: 5, max: 5000}}
    - {from: a, to: c, weight: {min: 10, max: 40}}
mqtt: {broker: none}
`

// weightsIn reads a file of weights of the robot.
func weightsIn(t *testing.T, robot *configs.Robot, file string) map[int]float64 {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if isJSON(file) {
		learnt, err := play.ParseLearnt(file, data, robot.Network)
		if err != nil {
			t.Fatal(err)
		}
		return learnt
	}
	network, err := core.Build(robot.Network)
	if err == nil {
		_, err = network.Restore(data)
	}
	if err != nil {
		t.Fatal(err)
	}
	return network.Learnt()
}

// Each trial has the random weights of its network seed; so has a single trial with that seed, and a robot whose file has it.
func TestEachTrialDrawsItsNetwork(t *testing.T) {
	folder := t.TempDir()
	e := one(parse(t, apprentice, nil), time.Microsecond)
	e.Trials, e.Jobs, e.Episodes, e.Save = 4, 2, 2, filepath.Join(folder, "%d.flux")
	e.text(t)
	drawn := map[float64]bool{}
	for trial := range uint64(4) {
		got := weightsIn(t, e.Config, filepath.Join(folder, fmt.Sprintf("%d.flux", 1+trial)))
		drawn[got[0]] = true
		seed := 1 + 2*trial // each trial has two episodes
		file := parse(t, strings.Replace(apprentice, "network:", fmt.Sprintf("network:\n  seed: %d", seed), 1), nil)
		network, err := core.Build(file.Network)
		if err != nil {
			t.Fatal(err)
		}
		if want := network.Learnt(); !reflect.DeepEqual(got, want) {
			t.Errorf("trial %d: %v, want %v", 1+trial, got, want)
		}
	}
	if len(drawn) != 4 {
		t.Errorf("four trials have the weights %v", drawn)
	}
}

// What one trial has saved, another begins with: in both forms, and to the last bit.
func TestWeightsAreSavedAndGiven(t *testing.T) {
	folder := t.TempDir()
	for _, form := range []string{"%d.flux", "%d.json"} {
		e := one(parse(t, apprentice, nil), time.Second)
		e.Trials, e.Save = 2, filepath.Join(folder, form)
		e.text(t)
		again := one(parse(t, apprentice, nil), time.Second)
		again.Trials, again.Freeze = 2, true
		again.Weights, again.Save = e.Save, filepath.Join(folder, "frozen-"+form)
		again.text(t)
		for trial := range 2 {
			before, after := each(1+trial, e.Save), each(1+trial, again.Save)
			if was, is := weightsIn(t, e.Config, before), weightsIn(t, e.Config, after); !reflect.DeepEqual(was, is) {
				t.Errorf("%s: %v, after a frozen trial %v", before, was, is)
			}
		}
		if first, second := weightsIn(t, e.Config, each(1, e.Save)), weightsIn(t, e.Config, each(2, e.Save)); first[0] < 100 ||
			first[0] == second[0] {
			t.Errorf("%s: learnt %v and %v", form, first, second)
		}
	}
	snapshot, text := weightsIn(t, parse(t, apprentice, nil), folder+"/1.flux"), weightsIn(t, parse(t, apprentice, nil), folder+
		"/1.json")
	if !reflect.DeepEqual(snapshot, text) {
		t.Errorf("the snapshot has %v, the JSON %v", snapshot, text)
	}
}

// Trials that begin with the same weights have the same network; only worlds and noise differ.
func TestTrialsWithTheSameWeightsHaveTheSameNetwork(t *testing.T) {
	folder := t.TempDir()
	const random = `robot: random
board: {kind: sim, world: none}
network:
  neurons: {a: {count: 20, pacemaker: 5ms}, b: {threshold: 50}}
  synapses: [{from: a, to: b, weight: 10, rule: {kind: fixed-probability, probability: 0.5}, plastic: {ltp: {rate: 1}, max: 90}}]
LEARNT
mqtt: {broker: none}
`
	plain := parse(t, strings.Replace(random, "LEARNT\n", "", 1), nil)
	train := one(plain, time.Second)
	seed := uint64(7)
	train.Network, train.Save = &seed, filepath.Join(folder, "w.flux")
	train.text(t)
	test := one(plain, time.Second)
	test.Trials, test.Network, test.Weights = 3, &seed, train.Save
	test.text(t)
	test.Network = nil
	const advice = "a part of this network is drawn at random: --network-seed must be that of the training"
	if _, _, err := test.run(context.Background()); !errors.Is(err, core.ErrForeign) || !strings.HasSuffix(err.Error(), advice) {
		t.Errorf("another draw: %v", err)
	}
	// A robot that keeps its weights is the same robot in each trial.
	kept := one(parse(t, strings.Replace(random, "LEARNT", "learnt: {file: "+folder+"/kept}", 1), nil), time.Second)
	kept.Save = filepath.Join(folder, "kept")
	kept.text(t)
	kept.Trials, kept.Seed, kept.Network, kept.Save = 3, 5, &kept.Seed, ""
	kept.text(t)
}

// Nothing learns in a frozen trial, and noise is silent.
func TestFrozen(t *testing.T) {
	robot := parse(t, runner, fstest.MapFS{"track.yaml": {Data: []byte(track)}})
	spikes := func(freeze bool) (map[int]float64, int) {
		file := filepath.Join(t.TempDir(), "w.json")
		e := one(robot, time.Minute)
		e.Freeze, e.Save, e.Spikes = freeze, file, filepath.Join(t.TempDir(), "s.csv")
		e.text(t)
		text, err := os.ReadFile(e.Spikes)
		if err != nil {
			t.Fatal(err)
		}
		return weightsIn(t, robot, file), bytes.Count(text, []byte("restless"))
	}
	if learnt, noisy := spikes(false); learnt[0] <= 10 || noisy == 0 {
		t.Errorf("it does not learn: %v, %d spikes of noise", learnt, noisy)
	}
	if learnt, noisy := spikes(true); learnt[0] != 10 || noisy != 0 {
		t.Errorf("frozen: %v, %d spikes of noise", learnt, noisy)
	}
}

// Weights of another network are refused: the error says which synapse differs. Those beyond a limit are brought to it.
func TestWeightsThatDoNotFit(t *testing.T) {
	robot := parse(t, strings.ReplaceAll(apprentice, "{min: 10, max: 40}", "20"), nil)
	file := filepath.Join(t.TempDir(), "w.json")
	give := func(text string) (map[int]float64, string, error) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		e := one(robot, time.Microsecond)
		e.Log, e.Weights, e.Save = slog.New(slog.NewTextHandler(&log, nil)), file, filepath.Join(t.TempDir(), "out.json")
		_, _, err := e.run(context.Background())
		if err != nil {
			return nil, "", err
		}
		return weightsIn(t, robot, e.Save), log.String(), nil
	}
	entry := func(synapse int, from, to string, weight float64) string {
		text, err := json.Marshal(play.LearntWeight{Synapse: synapse, From: from, To: to, Weight: weight})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for given, want := range map[float64]float64{30: 30, 2: 5, 7000: 5000, 0: 5} {
		got, log, err := give("[" + entry(0, "a[0]", "b", given) + "]")
		if err != nil || got[0] != want || strings.Contains(log, "clamped") != (given != want) {
			t.Errorf("%g: %v, %v: %s", given, got, err, log)
		}
	}
	good := entry(0, "a[0]", "b", 30)
	for text, want := range map[string]string{
		"[" + entry(0, "a[1]", "b", 30) + "]": "weight 1, of synapse 0 from a[1] to b: in this network the synapse " +
			"leads from a[0] to b",
		"[" + good + "," + entry(1, "a[0]", "c", 30) +
			"]": "weight 2, of synapse 1 from a[0] to c: in this network the synapse is not plastic",
		"[" + entry(7, "a[0]", "b", 30) + "]": "weight 1, of synapse 7 from a[0] to b: the network has no such " +
			"synapse: it has 3, counted from 0",
		"[" + good + "," + good + "]": "weight 2, of synapse 0 from a[0] to b: given twice, expected once",
		"[]": "it has no weight of synapse 0 from a[0] to b, which is plastic in " +
			"this network",
		"[" + entry(0, "a[0]", "b", -30) + "]":                 "expected a learnt weight of its sign",
		`[{"synapse": 0, "from": "a[0]", "to": "b", "w": 30}]`: `unknown field "w"`,
		`[{"synapse": 0.5}]`:                                   "synapse: got a number 0.5: expected a whole number",
		"[" + good + "] []":                                    "expected the end of the file after the weights",
		"":                                                     "not JSON: it ends too early",
		"FLUXSNAP":                                             "not JSON",
	} {
		if got, _, err := give(text); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v, %v\nwant %s", text, got, err, want)
		}
	}
	for _, name := range []string{"missing.flux", "missing.json"} {
		e := one(robot, time.Second)
		e.Weights = filepath.Join(t.TempDir(), name)
		if _, _, err := e.run(context.Background()); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "--weights: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
