package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// drawn is a robot whose network is drawn at random, for a Raspberry Pi.
const drawn = `robot: drawn
board: {kind: raspberrypi}
sensors:
  left_eye: {device: bh1750, bus: I2C1, address: 0x23, every: 20ms, encode: {kind: rate, range: [0 lx, 100 lx], max: 100 Hz, to: eye}}
network:
  seed: 1
  neurons: {eye: {count: 20}, motor: {threshold: 60}, restless: {noise: {rate: 5 Hz}}}
  synapses:
    - {from: eye, to: motor, rule: {kind: fixed-probability, probability: 0.5}, weight: {min: 5, max: 30}}
    - {from: restless, to: motor, weight: 100}
actuators:
  left_wheel: {device: hbridge, pwm: GPIO13, direction: GPIO6, decode: {kind: count, neuron: motor, full: 60 Hz, window: 200ms}}
mqtt: {broker: none}
`

// simulated runs fluxd sim, which must end well, and returns its result.
func simulated(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errs := fluxd(append([]string{"sim"}, args...)...)
	if code != 0 {
		t.Fatalf("%v: exit %d: %s", args, code, errs)
	}
	return out
}

// A robot for a Raspberry Pi is simulated as it is, in the world that the command line names.
func TestSimPutsARobotIntoAWorld(t *testing.T) {
	robot := write(t, drawn)
	code, _, errs := fluxd("sim", robot)
	if code != exitFailure || !strings.Contains(errs, "board raspberrypi: a simulation needs") {
		t.Errorf("without a world: exit %d: %s", code, errs)
	}
	if out := simulated(t, robot, "--world", "arena", "--for", "1s"); !strings.Contains(out, "the lamp") {
		t.Errorf("in the arena: %s", out)
	}
}

// --network-seed is the same as network.seed in the file, or set: it draws the network, and its noise. So is --seed, which also
// changes the world.
func TestSimSeeds(t *testing.T) {
	robot, other := write(t, drawn), write(t, strings.Replace(drawn, "seed: 1", "seed: 77", 1))
	run := func(robot string, args ...string) string {
		return simulated(t, append([]string{robot, "--world", "arena", "--for", "3s"}, args...)...)
	}
	as1, as77 := run(robot), run(other)
	if set := run(robot, "--set", "network.seed=77"); set != as77 || set == as1 {
		t.Errorf("--set network.seed=77: %s\nin the file: %s\nwith seed 1: %s", set, as77, as1)
	}
	if given := run(robot, "--network-seed", "77"); given != as77 {
		t.Errorf("--network-seed 77: %s\nnetwork.seed 77: %s", given, as77)
	}
	if same := run(robot, "--network-seed", "1", "--seed", "1"); same != as1 {
		t.Errorf("with the default seeds: %s, want %s", same, as1)
	}
	type seeds struct {
		Trials []struct {
			Seed    uint64
			Network uint64 `json:"network_seed"`
		}
	}
	for _, c := range []struct {
		args             []string
		seed, seedOfNext uint64 // of the network in two trials of two episodes
	}{
		{nil, 1, 3}, {[]string{"--seed", "5"}, 5, 7}, {[]string{"--network-seed", "9"}, 9, 11},
		{[]string{"--seed", "5", "--network-seed", "9"}, 9, 11}, {[]string{"--set", "network.seed=77"}, 77, 79},
	} {
		var got seeds
		out := run(robot, append(c.args, "--trials", "2", "--episodes", "2", "--for", "1ms", "--json")...)
		if err := json.Unmarshal([]byte(out), &got); err != nil || len(got.Trials) != 2 ||
			got.Trials[0].Network != c.seed || got.Trials[1].Network != c.seedOfNext {
			t.Errorf("%q: %+v, %v", c.args, got, err)
		}
	}
}

// The results go into files, too, and stdout has nothing but JSON with --json.
func TestSimWritesFiles(t *testing.T) {
	folder := t.TempDir()
	table, svg, raster := filepath.Join(folder, "t.csv"), filepath.Join(folder, "%d.svg"), filepath.Join(folder, "one.png")
	trials := []string{"lightseeker", "--trials", "3", "--for", "2s"}
	text := simulated(t, trials...)
	out := simulated(t, append(trials, "--json", "--csv", table, "--picture", svg)...)
	var result struct {
		Robot, World string
		Trials       []struct{ Score map[string]*float64 }
	}
	if err := json.Unmarshal([]byte(out), &result); err != nil || result.Robot != "lightseeker" || result.World != "arena" ||
		len(result.Trials) != 3 || result.Trials[0].Score["lamps"] == nil {
		t.Errorf("%v: %s", err, out)
	}
	data, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll(); err != nil || len(rows) != 4 || rows[3][0] != "3" {
		t.Errorf("%v: %s", err, data)
	}
	for _, name := range []string{"1.svg", "2.svg", "3.svg"} {
		data, err := os.ReadFile(filepath.Join(folder, name))
		var whole any
		if err != nil || xml.Unmarshal(data, &whole) != nil || !strings.Contains(string(data), `class="path"`) {
			t.Errorf("%s: %v: %s", name, err, data)
		}
	}
	if again := simulated(t, append(trials, "--picture", raster, "--csv", table)...); again != text {
		t.Errorf("with files: %s, want %s", again, text)
	}
	data, err = os.ReadFile(raster)
	if err != nil {
		t.Fatal(err)
	}
	if picture, err := png.Decode(bytes.NewReader(data)); err != nil || picture.Bounds().Dx() != 800 {
		t.Errorf("%v", err)
	}
	if files, _ := filepath.Glob(folder + "/*"); len(files) != 5 {
		t.Errorf("wrote %v", files)
	}
}

// Mistakes of the command line are found before anything is simulated.
func TestSimRefuses(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--episodes", "0"}, exitConfig, "--episodes 0: expected at least 1"},
		{[]string{"--jobs", "0"}, exitConfig, "--jobs 0: expected at least 1"},
		{[]string{"--trials", "2000000"}, exitConfig,
			"--trials 2000000 with 1 episodes each: expected at most 1000000 episodes in all"},
		{[]string{"--trials", "2", "--save", "w"}, exitConfig, "expected a name with %d, for a file of each trial, or a single trial"},
		{[]string{"--picture", "a.gif"}, exitConfig, `--picture "a.gif": expected a name that ends with .svg or .png`},
		{[]string{"--world", "table", "--picture", "a.svg"}, exitFailure, "the world table has no picture"},
		{[]string{"--world", "nowhere"}, exitConfig, `"nowhere": expected one of`},
		{[]string{"--set", "network.seed=x"}, exitConfig, `--set network.seed: expected a whole number from 0 to 2^64 - 1, got "x"`},
		{[]string{"--set", "network.seed=1", "--set", "network.seed=1"}, exitConfig, "--set network.seed: given twice, expected once"},
		{[]string{"--set", "motor_l.treshold=1"}, exitConfig, "did you mean network.neurons.motor_l.threshold?"},
		{[]string{"--csv", "/"}, exitFailure, "/: "},
		{[]string{"--train", "-1s"}, exitConfig, "--train -1s: expected a time of whole milliseconds, such as 2m or 30s"},
		{[]string{"--train", "0"}, exitConfig, "--train 0s: expected a time"},
		{[]string{"--train", "1s", "--test", "1us"}, exitConfig, "--test 1µs: expected a time of whole milliseconds"},
		{[]string{"--train", "1s", "--freeze"}, exitConfig, "--train 1s --freeze: a frozen robot learns nothing"},
		{[]string{"--train", "1s", "--episodes", "-1"}, exitConfig, "--episodes -1: expected at least 1"},
		{[]string{"--train", "300h"}, exitConfig, "--trials 1 with 1080000000 episodes each: expected at most 1000000 episodes in all"},
		{[]string{"--train", "1s", "--test-every", "1s"}, exitConfig, "--test-every 1s: expected --train, and --test with the length"},
		{[]string{"--train", "1h", "--test", "1s", "--test-every", "1s", "--for", "1m"}, exitConfig,
			"expected at most 1000 tests in 1h0m0s"},
		{[]string{"--plot", "a.gif"}, exitConfig, `--plot "a.gif": expected a name that ends with .svg or .png`},
		{[]string{"--plot-score", "lamps"}, exitConfig, "--plot-score lamps: expected --plot with a file"},
		{[]string{"--for", "0", "--test", "1s", "--plot", "a.svg"}, exitConfig,
			"--plot a.svg: expected a curve over time: --train, or no --test"},
		{[]string{"--test", "1s", "--episodes", "3"}, exitConfig, "--test 1s --episodes 3: expected --train with the time to learn"},
		{[]string{"--test", "1s"}, exitConfig, "--test 1s --for 1ms: expected --train, whose episodes --for limits"},
		{[]string{"--test", "1s", "--for", "0", "--save", "w"}, exitConfig,
			"--test 1s --save w: a test learns nothing: expected --train"},
	} {
		code, out, errs := fluxd(append([]string{"sim", "lightseeker", "--for", "1ms"}, c.args...)...)
		if code != c.code || !strings.Contains(errs, c.says) || c.code == exitConfig && out != "" {
			t.Errorf("%q: exit %d, %q: %s", c.args, code, out, errs)
		}
	}
}

// A file that cannot be written is refused before the experiment, not after it: this one would take hours. What is checked is
// left as it is.
func TestSimChecksItsFilesFirst(t *testing.T) {
	kept := write(t, "kept")
	for _, flag := range []string{"--csv", "--picture", "--spikes", "--save", "--plot"} {
		code, out, errs := fluxd("sim", "lightseeker", "--for", "10000h", flag, filepath.Join(kept, "x.svg"))
		if code != exitFailure || out != "" || !strings.Contains(errs, "x.svg: not a directory") {
			t.Errorf("%s: exit %d: %s%s", flag, code, out, errs)
		}
	}
	fresh := filepath.Join(t.TempDir(), "fresh.csv")
	code, _, _ := fluxd("sim", "lightseeker", "--set", "motor_l.threshold=-7", "--csv", kept, "--spikes", fresh)
	if text, err := os.ReadFile(kept); code == 0 || err != nil || string(text) != "kept" {
		t.Errorf("exit %d: a robot that could not be made has left %q in the table, %v", code, text, err)
	}
	if _, err := os.Stat(fresh); err == nil {
		t.Error("a robot that could not be made has left an empty file")
	}
}

// ctrl-C in the midst of an experiment loses only the trials that are not done.
func TestSimKeepsWhatIsDone(t *testing.T) {
	for _, format := range []string{"--json", "--json=false"} {
		ctx, cancel := context.WithCancel(context.Background())
		folder := t.TempDir()
		table, fifth := filepath.Join(folder, "t.csv"), filepath.Join(folder, "5")
		go func() { // as soon as the fifth trial begins to write
			for _, err := os.Stat(fifth); err != nil; _, err = os.Stat(fifth) {
				time.Sleep(time.Millisecond)
			}
			cancel()
		}()
		var out, errs bytes.Buffer
		code := execute(ctx, []string{"sim", "lightseeker", "--for", "2s", "--trials", "100000", "--jobs", "1", "--csv", table,
			"--spikes", filepath.Join(folder, "%d"), format}, &out, &errs)
		if code == 0 || !strings.Contains(errs.String(), "interrupted after ") || strings.Contains(errs.String(), "context") {
			t.Errorf("exit %d: %s", code, errs.String())
		}
		text, err := os.ReadFile(table)
		if err != nil {
			t.Fatal(err)
		}
		done := strings.Count(string(text), "\n") - 1
		if done < 4 {
			t.Errorf("the table has %d trials: %s", done, text)
		}
		if format != "--json" {
			if !strings.Contains(out.String(), "over trials") {
				t.Errorf("no summary: %s", out.String())
			}
			continue
		}
		var all struct{ Trials []any }
		if err := json.Unmarshal(out.Bytes(), &all); err != nil || len(all.Trials) != done {
			t.Errorf("%v: %d trials, the table has %d", err, len(all.Trials), done)
		}
	}
}

// What a training has learnt, its table and its plot are in files of their names. ctrl-C in the midst of a trial leaves those of
// the trials before, and never a file of weights that is cut short.
func TestSimTrains(t *testing.T) {
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	args := []string{"phototaxis", "--train", "2s", "--test", "1s", "--test-every", "1s", "--csv", in("t.csv"), "--plot",
		in("p.svg"),
		"--save", in("%d.json"), "--jobs", "1"}
	var result struct {
		Trials []struct {
			Untrained, Trained map[string]*float64
			Tests              []struct {
				After float64 `json:"after_s"`
			}
		}
	}
	out := simulated(t, append(args, "--trials", "2", "--json")...)
	if err := json.Unmarshal([]byte(out), &result); err != nil || len(result.Trials) != 2 {
		t.Fatalf("%v: %s", err, out)
	}
	for _, one := range result.Trials {
		if one.Untrained["reached"] == nil || one.Trained["lamps"] == nil || len(one.Tests) != 3 || one.Tests[1].After != 1 {
			t.Errorf("%+v", one)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { // as soon as the fifth trial is saved
		for _, err := os.Stat(in("5.json")); err != nil; _, err = os.Stat(in("5.json")) {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	var text, errs bytes.Buffer
	if code := execute(ctx, append([]string{"sim"}, append(args, "--trials", "10000")...), &text, &errs); code == 0 ||
		!strings.Contains(errs.String(), "interrupted after ") {
		t.Errorf("exit %d: %s", code, errs.String())
	}
	if !strings.Contains(text.String(), "lamps, untrained") {
		t.Errorf("no summary: %s", text.String())
	}
	table, err := os.ReadFile(in("t.csv"))
	if err != nil || strings.Count(string(table), ",trained,") < 4 {
		t.Errorf("%v: %s", err, table)
	}
	plot, err := os.ReadFile(in("p.svg"))
	var whole any
	if err != nil || xml.Unmarshal(plot, &whole) != nil || !strings.Contains(string(plot), ">weights (units)<") {
		t.Errorf("%v: %.300s", err, plot)
	}
	saved, err := filepath.Glob(in("*.json*"))
	if err != nil || len(saved) < 5 {
		t.Errorf("%v: %v", saved, err)
	}
	for _, name := range saved {
		if text, err := os.ReadFile(name); err != nil || !json.Valid(text) || !strings.HasSuffix(name, ".json") {
			t.Errorf("%s: %v: %s", name, err, text)
		}
	}
}
