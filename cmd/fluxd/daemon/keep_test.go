package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fluxd/bridge/protocol"
	"fluxd/configs"
	"fluxd/core"
)

// pupil is a robot whose only synapse gains a unit of weight with each spike.
const pupil = `
robot: pupil
board: {kind: sim}
network:
  neurons: {a: {pacemaker: 5ms}, b: {}}
  synapses: [{from: a, to: b, weight: 100, plastic: {window: 5ms, ltp: {rate: 1}, max: 1000000}}]
learnt: {file: FILE, every: 20ms}
mqtt: {broker: none}
`

func weight(t *testing.T, file string) float64 {
	t.Helper()
	config := parse(t, pupil, nil)
	network, err := core.Build(config.Network)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return 100
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := network.Restore(data); err != nil {
		t.Fatal(err)
	}
	return network.Learnt()[0]
}

// The interval between saves can be tuned.
func TestSaveIntervalCanBeTuned(t *testing.T) {
	t.Parallel() // it waits
	file := filepath.Join(t.TempDir(), "pupil.learnt")
	robot, _ := start(t, parse(t, strings.Replace(pupil, "FILE, every: 20ms", file+", every: 1h", 1), nil))
	if _, _, err := robot.Set(context.Background(), "ann", map[string]float64{"learnt.every": 20_000}, nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a periodic save", func() bool { return weight(t, file) > 101 })
}

// Learnt weights are saved while the robot runs and at its end, and the next run continues from there.
func TestLearntWeightsSurviveARestart(t *testing.T) {
	t.Parallel() // it waits
	file := filepath.Join(t.TempDir(), "pupil.learnt")
	config := parse(t, strings.Replace(pupil, "FILE", file, 1), nil)
	_, stop := start(t, config)
	eventually(t, "a periodic save", func() bool { return weight(t, file) > 101 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	first := weight(t, file)
	robot, stop := start(t, config)
	eventually(t, "the second run to spike", func() bool { return robot.Health().Spikes >= 4 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if second := weight(t, file); second <= first {
		t.Errorf("%g units after the second run, %g after the first: it did not continue", second, first)
	}
	if left, _ := filepath.Glob(file + ".*"); len(left) != 1 || left[0] != file+".lock" {
		t.Errorf("left behind: %v", left)
	}
}

// A client can ask for a save over MQTT. A robot without a file refuses.
func TestSaveOnRequest(t *testing.T) {
	t.Parallel() // it waits
	file := filepath.Join(t.TempDir(), "pupil.learnt")
	text := strings.Replace(strings.Replace(pupil, "FILE, every: 20ms", file+", every: none", 1), "broker: none",
		"broker: embedded, listen: '127.0.0.1:0'", 1)
	running, _ := start(t, parse(t, text, nil))
	connect(t, running.Broker(), "flux/pupil/status").awaitOnline(t)
	c := connect(t, running.Broker(), "flux/pupil/res/#")
	ask := func(id string) []byte {
		request, err := json.Marshal(protocol.Request{ID: id, Time: time.Now().UnixMilli(), TTL: 10_000})
		if err != nil {
			t.Fatal(err)
		}
		c.Publish("flux/pupil/req/save", 1, false, request)
		return c.await(t, "the answer", says("res/save", id))
	}
	if answer := ask("one"); !strings.Contains(string(answer), `"ok"`) {
		t.Errorf("save: %s", answer)
	}
	if weight(t, file) < 100 {
		t.Error("nothing was saved")
	}
	var refused *protocol.Error
	nothing := &Robot{config: &configs.Robot{}}
	if err := nothing.Save(context.Background()); !errors.As(err, &refused) || refused.Code != protocol.NotAllowed {
		t.Errorf("saved without a file: %v", err)
	}
}

// A file that is truncated, corrupted, of another robot, too large or unreadable is logged and kept under another name. The robot
// starts with its configured weights.
func TestUnusableFileIsKeptAside(t *testing.T) {
	network, err := core.Build(parse(t, pupil, nil).Network)
	if err != nil {
		t.Fatal(err)
	}
	other, err := core.Build(core.Description{Neurons: []core.Neuron{{Name: "other", Threshold: 1, Leak: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	good := network.Snapshot(0)
	bad := append([]byte(nil), good...)
	bad[len(bad)/2] ^= 0x10
	for name, put := range map[string]func(file string) error{
		"truncated": func(file string) error { return os.WriteFile(file, good[:len(good)-5], 0o600) },
		"corrupted": func(file string) error { return os.WriteFile(file, bad, 0o600) },
		"foreign":   func(file string) error { return os.WriteFile(file, other.Snapshot(0), 0o600) },
		"empty":     func(file string) error { return os.WriteFile(file, nil, 0o600) },
		"too large": func(file string) error {
			return errors.Join(os.WriteFile(file, good, 0o600), os.Truncate(file, core.MaxSnapshot+1))
		},
		"a loop": func(file string) error { return os.Symlink(file, file) },
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "pupil.learnt")
			for _, aside := range []string{".bad", ".bad-2"} { // the second must not replace the first
				if err := put(file); err != nil {
					t.Fatal(err)
				}
				before, err := os.Lstat(file)
				if err != nil {
					t.Fatal(err)
				}
				var log bytes.Buffer
				ctx, cancel := context.WithCancel(context.Background())
				err = Run(ctx, parse(t, strings.Replace(pupil, "FILE", file, 1), nil),
					RunOptions{Log: slog.New(slog.NewTextHandler(&log, nil)), Started: func(*Robot) { cancel() }})
				if err != nil || !strings.Contains(log.String(), "cannot use the weights that were learnt before") ||
					!strings.Contains(log.String(), "kept as "+file+aside) {
					t.Errorf("%v\n%s", err, log.String())
				}
				if kept, err := os.Lstat(file + aside); err != nil || !os.SameFile(kept, before) {
					t.Errorf("the file is not kept as %s: %v", aside, err)
				}
				if err := os.Remove(file); err != nil {
					t.Errorf("no file was written at the end: %v", err)
				}
			}
		})
	}
}

// When an unusable file cannot be renamed either, it stays, and nothing is saved.
func TestUnusableFileThatCannotBeRenamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pupil.learnt")
	if err := os.WriteFile(file, []byte("not ours"), 0o600); err != nil {
		t.Fatal(err)
	}
	for k := range 999 { // all names are taken
		name := file + ".bad"
		if k > 0 {
			name = fmt.Sprintf("%s-%d", name, k+1)
		}
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	ctx, cancel := context.WithCancel(context.Background())
	err := Run(ctx, parse(t, strings.Replace(pupil, "FILE", file, 1), nil), RunOptions{Log: slog.New(slog.NewTextHandler(&log, nil)),
		Started: func(*Robot) { cancel() }})
	if err == nil || !strings.Contains(err.Error(), "is not written") || !strings.Contains(log.String(), "nothing is saved there") {
		t.Errorf("%v\n%s", err, log.String())
	}
	if data, _ := os.ReadFile(file); string(data) != "not ours" {
		t.Errorf("the file says %q", data)
	}
}

// Two robots with the same file would overwrite each other's weights: the second does not start.
func TestAFileBelongsToOneRobot(t *testing.T) {
	t.Parallel() // it waits
	file := filepath.Join(t.TempDir(), "pupil.learnt")
	config := parse(t, strings.Replace(pupil, "FILE", file, 1), nil)
	_, stop := start(t, config)
	err := Run(context.Background(), config, RunOptions{})
	if err == nil || !strings.Contains(err.Error(), "another fluxd uses this file") {
		t.Errorf("a second robot with the file: %v", err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	_, stop = start(t, config)
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// Learning continues from a weight that is set. After a restart, the later of the set and the learnt weight holds, within the
// tuned limits.
func TestTheLaterOfTunedAndLearntWeightsHolds(t *testing.T) {
	t.Parallel() // it waits
	folder := t.TempDir()
	file := filepath.Join(folder, "pupil.learnt")
	text := strings.Replace(strings.Replace(pupil, "FILE, every: 20ms", file+", every: 1h", 1), "max: 1000000", "max: 200", 1)
	text += "tuning: {file: '" + filepath.Join(folder, "tuned.yaml") + "', persist: true}\n"
	ctx := context.Background()
	const path = "network.synapses.a.b.weight"
	learnt := func(r *Robot) float64 {
		t.Helper()
		values, _, err := r.Get([]string{path})
		if err == nil {
			err = r.AddLearnt(ctx, values)
		}
		if err != nil {
			t.Fatal(err)
		}
		return *values[path].Learnt
	}
	robot, stop := start(t, parse(t, text, nil))
	set := map[string]float64{"network.synapses.a.b.plastic.max": 500, path: 400}
	if _, rev, err := robot.Set(ctx, "ann", set, nil); err != nil || robot.Keep(rev) != nil {
		t.Fatal(err)
	}
	eventually(t, "the synapse to learn", func() bool { return learnt(robot) > 402 })
	before := learnt(robot)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	// The next run continues from the learnt weight, beyond the limit of the robot file.
	robot, stop = start(t, parse(t, text, nil))
	if now := learnt(robot); now < before {
		t.Errorf("after a restart the weight is %g, before it was %g", now, before)
	}
	values, _, err := robot.Get([]string{path})
	if err != nil || values[path].V != 400 {
		t.Errorf("the set weight is %+v, %v", values[path], err)
	}
	// A weight that is set after the last save of learnt weights is later than those.
	saved, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, rev, err := robot.Set(ctx, "ann", map[string]float64{path: 150}, nil); err != nil || robot.Keep(rev) != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, saved, 0o600); err != nil { // a power failure before the next save
		t.Fatal(err)
	}
	robot, stop = start(t, parse(t, text, nil))
	if now := learnt(robot); now < 150 || now > 350 {
		t.Errorf("the weight was set to 150, and is %g", now)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// Setting a weight to the same value again undoes what it has learnt since.
func TestSettingTheSameWeightAgain(t *testing.T) {
	t.Parallel() // it waits
	text := strings.Replace(pupil, "learnt: {file: FILE, every: 20ms}\n", "", 1)
	config := parse(t, strings.Replace(text, "pacemaker: 5ms", "", 1), nil)
	robot, _ := start(t, config)
	learn := func(w float64) {
		robot.ask(context.Background(), func() answer { return answer{err: robot.network.Learn(map[int]float64{0: w})} })
	}
	const path = "network.synapses.a.b.weight"
	for name, change := range map[string]func() error{
		"set": func() error {
			_, _, err := robot.Set(context.Background(), "ann", map[string]float64{path: 100}, nil)
			return err
		},
		"reset": func() error {
			_, _, err := robot.Reset(context.Background(), "ann", []string{path}, nil)
			return err
		},
	} {
		learn(140)
		values, _, err := robot.Get([]string{path})
		if err := errors.Join(err, robot.AddLearnt(context.Background(), values)); err != nil || *values[path].Learnt != 140 {
			t.Fatalf("%s: %+v, %v", name, values[path], err)
		}
		if err := change(); err != nil {
			t.Fatal(name, err)
		}
		if err := robot.AddLearnt(context.Background(), values); err != nil || *values[path].Learnt != 100 {
			t.Errorf("%s: it is %g, %v", name, *values[path].Learnt, err)
		}
	}
}

// A simulation neither reads nor writes learnt weights by itself: package lab reads them.
func TestSimulationLeavesTheFileAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pupil.learnt")
	config := parse(t, strings.Replace(pupil, "FILE", file, 1), nil)
	simulate(t, config, time.Second)
	if _, err := os.Stat(file); err == nil {
		t.Error("the simulation wrote the file")
	}
}

// Check and Run refuse to keep a file in place of a folder, a socket or a device, and leave that as it is. A daemon that runs as
// root would otherwise rename /dev/null for the whole machine.
func TestKeptFileMustBeARegularFile(t *testing.T) {
	for name, put := range map[string]func(file string) error{
		"a directory":           func(file string) error { return os.Mkdir(file, 0o700) },
		"a link to a directory": func(file string) error { return os.Symlink(filepath.Dir(file), file) },
		"a socket": func(file string) error {
			listener, err := net.Listen("unix", file)
			if err == nil {
				t.Cleanup(func() { listener.Close() })
			}
			return err
		},
	} {
		for _, section := range []string{"learnt", "tuning"} {
			t.Run(section+" in "+name, func(t *testing.T) {
				folder, err := os.MkdirTemp("", "k") // short: the name of a socket is at most 104 bytes long
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { os.RemoveAll(folder) })
				file := filepath.Join(folder, "kept")
				if err := put(file); err != nil {
					t.Fatal(err)
				}
				before, err := os.Lstat(file)
				if err != nil {
					t.Fatal(err)
				}
				config := parse(t, strings.Replace(pupil, "learnt: {file: FILE, every: 20ms}", section+": {file: "+file+"}", 1), nil)
				want := fmt.Sprintf("test.yaml:7:%d: %s.file: replace %s: %s: expected a regular file", len(section)+10, section, file,
					strings.TrimPrefix(name, "a link to "))
				if _, err := Check(config); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("checked: %v, expected %q", err, want)
				}
				err = Run(context.Background(), config, RunOptions{Log: slog.New(slog.DiscardHandler),
					Started: func(*Robot) { t.Error("the robot has started") }})
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("run: %v, expected %q", err, want)
				}
				after, err := os.Lstat(file)
				if err != nil || !os.SameFile(before, after) {
					t.Errorf("it was replaced: %v", err)
				}
				if all, err := os.ReadDir(folder); err != nil || len(all) != 1 {
					t.Errorf("there are new files: %v %v", all, err)
				}
			})
		}
	}
}

// Learnt weights, tuned values and the robot file must be different files.
func TestKeptFilesAreDifferentFiles(t *testing.T) {
	folder := t.TempDir()
	source, link := filepath.Join(folder, "robot.yaml"), filepath.Join(folder, "link")
	if err := os.Symlink(source, link); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ sections, want string }{
		{"learnt: {file: " + source + "}", ":7:16: learnt.file: " + source + " is this robot file"},
		{"tuning: {file: " + link + "}", ":7:16: tuning.file: " + link + " is this robot file"},
		{"learnt: {file: " + folder + "/x}\ntuning: {file: " + folder + "/./x, persist: true}",
			":8:16: tuning.file: " + folder + "/./x is learnt.file, too"},
		{"learnt: {file: " + folder + "/x}\ntuning: {file: " + folder + "/y, persist: true}", ""},
	} {
		text := strings.Replace(pupil, "learnt: {file: FILE, every: 20ms}", c.sections, 1)
		if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		config, err := configs.Load(source)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Check(config); (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, expected %q", c.sections, err, c.want)
		}
	}
}
