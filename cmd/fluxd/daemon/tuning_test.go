package daemon

import (
	"context"
	"errors"
	"fluxd/bridge/protocol"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fluxd/configs"
	"fluxd/core"
)

const walled = `
robot: walled
board: {kind: sim}
sensors: {bump: {device: button, pin: GPIO17, encode: {kind: edge, to: a}}}
network:
  neurons: {wall: {count: 3, threshold: 100, leak: 1000}, a: {}}
rewards: {praise: {to: a}}
safety: {stall: 250ms}
mqtt: {broker: none}
`

// A path with a wildcard sets all parameters that match, in one transaction, and can be reset. Keys that are not live are
// refused.
func TestSetAndResetByWildcard(t *testing.T) {
	t.Parallel() // it waits
	robot, _ := start(t, parse(t, walled, nil))
	ctx := context.Background()
	applied, rev, err := robot.Set(ctx, "ann", map[string]float64{"network.neurons.wall[*].threshold": 120}, nil)
	if err != nil || rev != 1 || len(applied) != 3 || applied["network.neurons.wall[2].threshold"] != 120 {
		t.Fatalf("%v, revision %d, %v", applied, rev, err)
	}
	values, _, err := robot.Get([]string{"network.neurons.wall[*].threshold"})
	want := protocol.Value{V: 120, Rev: 1, Src: "ann"}
	if err != nil || len(values) != 3 || values["network.neurons.wall[0].threshold"].Value != want {
		t.Errorf("%v, %v", values, err)
	}
	applied, _, err = robot.Set(ctx, "ann", map[string]float64{"rewards.praise.gain": 3}, nil)
	if err != nil || applied["rewards.praise.gain"] != 3 {
		t.Errorf("the gain of a reward: %v, %v", applied, err)
	}
	if n, err := robot.Reward(ctx, "praise", 1); n != 3 || err != nil {
		t.Errorf("a reward of 1 with a gain of 3: %d spikes, %v", n, err)
	}
	applied, rev, err = robot.Reset(ctx, "ann", []string{"network.neurons.wall[1].*"}, nil)
	if err != nil || rev != 3 || applied["network.neurons.wall[1].threshold"] != 100 {
		t.Errorf("reset of one: %v, revision %d, %v", applied, rev, err)
	}
	if applied, _, err = robot.Reset(ctx, "ann", nil, nil); err != nil || len(applied) != 3 {
		t.Errorf("reset of the rest: %v, %v", applied, err)
	}
	for path, want := range map[string]protocol.Code{
		"sensors.bump.pin":                   protocol.NotLive,
		"safety.stall":                       protocol.NotLive,
		"board.kind":                         protocol.NotLive,
		"sensors.bumper.pin":                 protocol.UnknownParameter,
		"network.neurons.walls[*].threshold": protocol.UnknownParameter,
		"network.neurons.wall[*].pin":        protocol.UnknownParameter,
	} {
		var refused *protocol.Error
		if _, _, err := robot.Set(ctx, "ann", map[string]float64{path: 1}, nil); !errors.As(err, &refused) || refused.Code != want {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
	twice := map[string]float64{"network.neurons.wall[*].threshold": 90, "network.neurons.wall[1].threshold": 95}
	if _, _, err := robot.Set(ctx, "ann", twice, nil); err == nil {
		t.Error("two values for one parameter are accepted")
	}
	many := map[string]float64{}
	for i := range 17 {
		many[fmt.Sprintf("network.neurons.wall[%d*].threshold", i)] = 100
	}
	_, _, err = robot.Set(ctx, "ann", many, nil)
	if err == nil || !strings.Contains(err.Error(), "17 paths with wildcards: expected at most 16") {
		t.Errorf("many wildcards: %v", err)
	}
	trains := map[string]protocol.Train{"wall": {Count: 1000, Every: 1}, "wall[0]": {Count: 1000, Every: 1}}
	if _, err := robot.Stimulate(ctx, trains); err != nil {
		t.Errorf("4,000 spikes: %v", err)
	}
	n, err := robot.Stimulate(ctx, map[string]protocol.Train{"wall": {Count: mostStimuli/3 + 1, Every: 1}})
	if n != 0 || err == nil || !strings.Contains(err.Error(), "expected at most 10000") {
		t.Errorf("more spikes than a request may bring in: %d of them, %v", n, err)
	}
	if _, again, err := robot.Reset(ctx, "ann", nil, nil); err != nil || again != 4 {
		t.Errorf("a reset of nothing: revision %d, %v", again, err)
	}
	// The limits of each depend on the other; together they are valid, in any order.
	both := map[string]float64{"network.neurons.a.leak": 0.01, "network.neurons.a.threshold": 10}
	if _, _, err := robot.Set(ctx, "ann", both, nil); err != nil {
		t.Errorf("a leak with the threshold that it needs: %v", err)
	}
}

// Tuned values return after a restart if they persist, and after a start with the saved file as an overlay.
func TestTunedValuesSurviveARestart(t *testing.T) {
	t.Parallel() // it waits
	file := filepath.Join(t.TempDir(), "tuned.yaml")
	text := walled + "tuning: {file: '" + file + "', persist: true}\n"
	ctx := context.Background()
	robot, stop := start(t, parse(t, text, nil))
	values := map[string]float64{"network.neurons.a.threshold": 77, "rewards.praise.gain": 2.5}
	if _, _, err := robot.Set(ctx, "ann", values, nil); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	tuned := func(r *Robot) string {
		values, rev, err := r.Get([]string{"network.neurons.a.threshold", "rewards.praise.gain"})
		return fmt.Sprint(values["network.neurons.a.threshold"].V, values["rewards.praise.gain"].V, rev, err)
	}
	robot, stop = start(t, parse(t, text, nil))
	// revisions continue, so that a client that has read revision 1 can still name it
	if got := tuned(robot); got != "77 2.5 1 <nil>" {
		t.Errorf("after a restart: %s", got)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	overlay, err := configs.LoadOverlay(file)
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan string, 1)
	ctx, cancel := context.WithCancel(ctx)
	if err := Run(ctx, parse(t, walled, nil), RunOptions{Overlays: []*configs.Overlay{overlay}, Started: func(r *Robot) {
		go func() { started <- tuned(r); cancel() }()
	}}); err != nil {
		t.Fatal(err)
	}
	if got := <-started; got != "77 2.5 1 <nil>" {
		t.Errorf("with the overlay: %s", got)
	}
	overlay.Robot = "other"
	err = Run(context.Background(), parse(t, walled, nil), RunOptions{Overlays: []*configs.Overlay{overlay}})
	if err == nil || !strings.Contains(err.Error(), `robot "other"`) {
		t.Errorf("the overlay of another robot: %v", err)
	}
}

// When the disk fails, a change stays in effect, and the client is warned.
func TestChangeThatCannotBeSaved(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	started := make(chan *Robot, 1)
	config := parse(t, walled+"tuning: {file: '"+filepath.Join(folder, "tuned.yaml")+"', persist: true}\n", nil)
	go func() { ended <- Run(ctx, config, RunOptions{Started: func(r *Robot) { started <- r }}) }()
	robot := <-started
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	applied, rev, err := robot.Set(ctx, "ann", map[string]float64{"network.neurons.a.threshold": 77}, nil)
	if err != nil || rev != 1 || applied["network.neurons.a.threshold"] != 77 {
		t.Errorf("%v at revision %d, %v", applied, rev, err)
	}
	var warning protocol.Warning
	if err := robot.Keep(rev); !errors.As(err, &warning) || !strings.Contains(err.Error(), "is in effect, but will be lost") {
		t.Errorf("saved: %v", err)
	}
	cancel()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "save tuned values") {
		t.Errorf("in the end: %v", err)
	}
}

// Values that are no longer valid, because a neuron was renamed or a limit lowered, are left out, and the others restored. The
// old file is kept under another name.
func TestInvalidTunedValuesAreLeftOut(t *testing.T) {
	t.Parallel() // it waits
	file := filepath.Join(t.TempDir(), "tuned.yaml")
	text := []byte("robot: walled\nrevision: 9\ntuned:\n" +
		"  network.neurons.gone.threshold: 5\n" +
		"  network.neurons.a.threshold: 77\n" +
		"  rewards.praise.every: -1\n" +
		"  network.neurons.wall[1].leak: 900\n")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	config := parse(t, walled+"tuning: {file: '"+file+"', persist: true}\n", nil)
	robot, stop := start(t, config)
	values, rev, err := robot.Get([]string{"network.neurons.a.threshold", "network.neurons.wall[1].leak", "rewards.praise.every"})
	if err != nil || rev != 9 || values["network.neurons.a.threshold"].V != 77 || values["network.neurons.wall[1].leak"].V != 900 ||
		values["rewards.praise.every"].V != 2000 {
		t.Errorf("revision %d, %v, %v", rev, values, err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if kept, err := os.ReadFile(file + ".bad"); err != nil || string(kept) != string(text) {
		t.Errorf("the old file: %q, %v", kept, err)
	}
	if o, err := configs.LoadOverlay(file); err != nil || len(o.Values) != 2 || o.Revision != 9 {
		t.Errorf("the file now holds %+v, %v", o, err)
	}
}

// A range may depend on other values; get returns the present one.
func TestRangesFollowTunedValues(t *testing.T) {
	t.Parallel() // it waits
	robot, _ := start(t, parse(t, walled, nil))
	const path = "network.neurons.a.threshold"
	if _, _, err := robot.Set(context.Background(), "ann", map[string]float64{"network.neurons.a.leak": 2000}, nil); err != nil {
		t.Fatal(err)
	}
	values, _, err := robot.Get([]string{path})
	if v := values[path]; err != nil || v.Min != 0 || v.Max != 2*core.MaxWater/1000.0 {
		t.Errorf("%+v, %v", v, err)
	}
}

// A file of tuned values that cannot be used is kept under another name, and the robot starts as configured.
func TestUnusableTuningIsKeptAside(t *testing.T) {
	t.Parallel() // it waits
	file := filepath.Join(t.TempDir(), "tuned.yaml")
	if err := os.WriteFile(file, []byte("robot: other\ntuned:\n  network.neurons.a.threshold: 5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	robot, _ := start(t, parse(t, walled+"tuning: {file: '"+file+"', persist: true}\n", nil))
	if _, rev, err := robot.Get(nil); err != nil || rev != 0 {
		t.Errorf("revision %d, %v", rev, err)
	}
	if _, err := os.Stat(file + ".bad"); err != nil {
		t.Error(err)
	}
}

// Load restores the saved weights.
func TestLoadRestoresSavedWeights(t *testing.T) {
	t.Parallel() // it waits
	file := filepath.Join(t.TempDir(), "pupil.learnt")
	robot, _ := start(t, parse(t, strings.Replace(pupil, "FILE, every: 20ms", file+", every: none", 1), nil))
	ctx := context.Background()
	if err := robot.Load(ctx); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("nothing was saved yet: %v", err)
	}
	if err := robot.Save(ctx); err != nil {
		t.Fatal(err)
	}
	saved := weight(t, file)
	learnt := func() (w float64) {
		a := robot.ask(ctx, func() answer { w = robot.network.Learnt()[0]; return answer{} })
		if a.err != nil {
			t.Fatal(a.err)
		}
		return w
	}
	eventually(t, "something to learn", func() bool { return learnt() > saved+20 })
	if err := robot.Load(ctx); err != nil {
		t.Fatal(err)
	}
	if w := learnt(); w > saved+20 {
		t.Errorf("%g units after load, saved were %g", w, saved)
	}
}

// The error for an overlay has its place in the file.
func TestOverlaysAreRefusedWithTheirPlace(t *testing.T) {
	const tuned = "robot: pupil\ntuned:\n  "
	for _, c := range []struct{ text, want string }{
		{tuned + "network.neurons.b.threshold: 5\n  network.neurons.c.threshold: 5\n",
			"t.yaml:4:32: network.neurons.c.threshold: no such parameter"},
		{tuned + "network.neurons.b.threshold: -5\n",
			"t.yaml:3:32: network.neurons.b.threshold: -5 units is out of range: expected 0 to 2147483.647"},
		{tuned + "\"network.neurons.*.threshold\": -5\n",
			"t.yaml:3:34: network.neurons.*.threshold: network.neurons.a.threshold: -5 units is out of range"},
		{tuned + "safety.arm: 1\n", "t.yaml:3:15: safety.arm: it keeps the robot safe"},
		{"tuned:\n  network.neurons.b.threshold: 5\nrobot: other\n",
			`t.yaml:3:8: robot: it is for robot "other", this one is "pupil"`},
		{"robot: pupil\ntuned: {network.neurons.b.threshold: 5, 'network.neurons.*.threshold': 6}\n", "t.yaml:2:"},
		{tuned + "network.neurons.b.threshold: 5\n  network.neurons.b.leak: 3000000000000\n",
			"t.yaml:4:27: network.neurons.b.leak: "},
	} {
		o, err := configs.ParseOverlay("t.yaml", []byte(c.text))
		if err != nil {
			t.Fatal(err)
		}
		x := newTunable(t, parse(t, strings.Replace(pupil, "FILE", filepath.Join(t.TempDir(), "pupil.learnt"), 1), nil))
		var placed configs.Errors
		if err := x.tuner.Apply([]*configs.Overlay{o}); !errors.As(err, &placed) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s\n%v, expected %q", c.text, err, c.want)
		}
		if err := x.halt(); err != nil {
			t.Error(err)
		}
	}
}
