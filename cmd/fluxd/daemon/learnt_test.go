package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fluxd/bridge/protocol"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fluxd/configs"
	"fluxd/core"
)

// pupil is a robot whose only synapse gains a unit of weight with every one of its spikes.
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
	network, err := BuildNetwork(config.Flat)
	if err != nil {
		t.Fatal(err)
	}
	if err := remember(network, file); err != nil {
		t.Fatal(err)
	}
	return network.Learnt()[0]
}

// How often it is saved can be tuned, also from never.
func TestHowOftenWhatWasLearntIsSaved(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pupil.learnt")
	robot, _ := start(t, parse(t, strings.Replace(pupil, "FILE, every: 20ms", file+", every: 1h", 1), nil))
	if _, _, err := robot.Set(context.Background(), map[string]float64{"learnt.every": 20_000}, nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a periodic save", func() bool { return weight(t, file) > 101 })
}

// What a robot has learnt is saved while it runs and at the end, and the next run goes on from there.
func TestLearntWeightsSurviveARestart(t *testing.T) {
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
		t.Errorf("%g units after the second run, %g after the first: it started anew", second, first)
	}
	if left, _ := filepath.Glob(file + ".*"); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

// Whoever asks for it over MQTT has it saved at once; a robot that keeps nothing says so.
func TestSaveOnRequest(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pupil.learnt")
	text := strings.Replace(strings.Replace(pupil, "FILE, every: 20ms", file+", every: none", 1), "broker: none", "broker: embedded, listen: '127.0.0.1:0'", 1)
	running, _ := start(t, parse(t, text, nil))
	connect(t, running.Broker(), "flux/pupil/status").await(t, "the robot to listen", says("status", `"online"`))
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
	nothing := &Robot{robot: &robot{config: &configs.Robot{}}}
	if err := nothing.Save(context.Background()); !errors.As(err, &refused) || refused.Code != protocol.NotAllowed {
		t.Errorf("saved without a file: %v", err)
	}
}

// Truncated, corrupted, foreign: the robot says so, keeps the file aside, and starts from its configured weights.
func TestUnusableFileIsKeptAside(t *testing.T) {
	network, err := BuildNetwork(parse(t, pupil, nil).Flat)
	if err != nil {
		t.Fatal(err)
	}
	other, err := core.Build(core.Description{Neurons: []core.Neuron{{Name: "other", Threshold: 1, Leak: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	good := network.Snapshot()
	bad := append([]byte(nil), good...)
	bad[len(bad)/2] ^= 0x10
	for name, data := range map[string][]byte{"truncated": good[:len(good)-5], "corrupted": bad, "foreign": other.Snapshot(), "empty": nil} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "pupil.learnt")
			for k, aside := range []string{".bad", ".bad-2"} { // the second one does not replace the first
				if err := os.WriteFile(file, data, 0o600); err != nil {
					t.Fatal(err)
				}
				err := remember(network, file)
				if err == nil || !strings.Contains(err.Error(), aside) || !strings.Contains(err.Error(), "configured weights") {
					t.Errorf("%d: %v", k, err)
				}
				if kept, err := os.ReadFile(file + aside); err != nil || !bytes.Equal(kept, data) {
					t.Errorf("%d: kept %d bytes of %d, %v", k, len(kept), len(data), err)
				}
			}
			if network.Learnt()[0] != 100 {
				t.Errorf("the weight is %g", network.Learnt()[0])
			}
			// And the robot starts.
			config := parse(t, strings.Replace(pupil, "FILE", file, 1), nil)
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			ctx, cancel := context.WithCancel(context.Background())
			err := Run(ctx, config, RunOptions{Log: slog.New(slog.NewTextHandler(&log, nil)), Started: func(*Robot) { cancel() }})
			if err != nil || !strings.Contains(log.String(), "cannot use what was learnt before") {
				t.Errorf("%v\n%s", err, log.String())
			}
		})
	}
}

// A save that fails half-way leaves the old file as it was.
func TestFailedSaveKeepsTheOldFile(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "learnt")
	if err := writeAtomically(file, []byte("old")); err != nil {
		t.Fatal(err)
	}
	if err := writeAtomically(filepath.Join(folder, "missing", "learnt"), []byte("new")); err == nil {
		t.Error("wrote into a folder that is not there")
	}
	// The name is taken by a folder: the temporary file cannot take its place, and is cleaned up.
	taken := filepath.Join(folder, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := writeAtomically(taken, []byte("new")); err == nil {
		t.Error("replaced a folder")
	}
	if data, _ := os.ReadFile(file); string(data) != "old" {
		t.Errorf("the old file says %q", data)
	}
	if entries, _ := os.ReadDir(folder); len(entries) != 2 {
		t.Errorf("left behind: %v", entries)
	}
}

// A robot in simulation neither reads nor writes what was learnt: it is the same every time.
func TestSimulationLeavesTheFileAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pupil.learnt")
	config := parse(t, strings.Replace(pupil, "FILE", file, 1), nil)
	simulate(t, config, SimulateOptions{For: time.Second, Trials: 1})
	if _, err := os.Stat(file); err == nil {
		t.Error("the simulation wrote the file")
	}
}
