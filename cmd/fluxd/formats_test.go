package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fluxd/bridge/users"
	"fluxd/configs"
	"fluxd/core"
)

// formats has a folder for each state of the formats that were released: what fluxd of that time wrote. The files are never
// changed. A change of a format adds a folder, and every later fluxd reads them all: an upgrade must not cost a robot what it has
// learnt.
const formats = "testdata/formats"

// inFormats copies a folder of files and makes it the current one, for tests that run commands.
func inFormats(t *testing.T, folder string) {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(filepath.Join(formats, folder))); err != nil {
		t.Fatal(err)
	}
	t.Chdir(to)
}

// both is written to by a command and by its log, which has a goroutine for that.
type both struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (b *both) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.Write(p)
}

// fluxdRuns runs a command that has to succeed, and returns what it prints.
func fluxdRuns(t *testing.T, args ...string) (out, problems string) {
	t.Helper()
	var o bytes.Buffer
	var p both
	if code := execute(context.Background(), args, &o, &p); code != 0 {
		t.Fatalf("fluxd %s: exit code %d\n%s%s", strings.Join(args, " "), code, o.String(), p.text.String())
	}
	return o.String(), p.text.String()
}

func contents(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Every kind of file that the first version kept is read, and means what it meant.
func TestFilesOfTheFirstFormats(t *testing.T) {
	inFormats(t, "0")
	robot, err := configs.Load("robot.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if robot.Name != "pupil" || len(robot.Sensors) != 2 || len(robot.Network.Neurons) < 4 || len(robot.Actuators) != 1 ||
		robot.Learnt.File != "learnt" || !robot.Tuning.Persist || robot.Safety.Arm != "explicit" {
		t.Errorf("robot.yaml is read as %+v", robot)
	}
	for file, number := range map[string]uint64{"learnt-1": 0, "learnt-2": 1} { // version 1 has no number
		network, err := core.Build(robot.Network)
		if err != nil {
			t.Fatal(err)
		}
		done, err := network.Restore(contents(t, file))
		if want := map[int]float64{0: 1000}; err != nil || done.Number != number || done.Clamped != 0 ||
			!maps.Equal(network.Learnt(), want) {
			t.Errorf("%s: %+v, %v, weights %v, want %v", file, done, err, network.Learnt(), want)
		}
	}
	tuned, err := configs.LoadOverlay("tuned")
	if err != nil {
		t.Fatal(err)
	}
	const weight = "network.synapses.a.b.weight"
	if tuned.Robot != "pupil" || tuned.Revision != 1 || tuned.Since[weight] != 1 ||
		!maps.Equal(tuned.Values, map[string]float64{weight: 140, "network.neurons.b.threshold": 120}) {
		t.Errorf("tuned is read as %+v", tuned)
	}
	all, err := users.Load("passwords")
	if err != nil {
		t.Fatal(err)
	}
	if ann, ok, err := all.Check("ann", "secret of ann", "here"); !ok || err != nil || ann.Role != users.Operator {
		t.Errorf("ann logs in as %+v, %t, %v", ann, ok, err)
	}
	fluxdRuns(t, "play", "network.json", "--input", "spikes.csv", "--until", "50ms", "--output", "now.csv")
	if now, before := contents(t, "now.csv"), contents(t, "out.csv"); !bytes.Equal(now, before) {
		t.Errorf("network.json spikes as\n%s\nand spiked as\n%s", now, before)
	}
	fluxdRuns(t, "sim", "robot.yaml", "--for", "1ms", "--weights", "weights.json", "--save", "now.json")
	if now := contents(t, "now.json"); !bytes.Contains(now, []byte(`"weight": 339`)) {
		t.Errorf("weights.json becomes\n%s", now)
	}
}

// The daemon begins with what an earlier version has kept, puts nothing aside, and complains of nothing.
func TestRunWithTheFilesOfEachVersion(t *testing.T) {
	for _, learnt := range []string{"learnt-1", "learnt-2"} {
		t.Run(learnt, func(t *testing.T) {
			inFormats(t, "0")
			if err := os.Rename(learnt, "learnt"); err != nil {
				t.Fatal(err)
			}
			_, log := fluxdRuns(t, "run", "robot.yaml", "--plain", "--for", "20ms")
			if strings.Contains(log, "cannot use") || strings.Contains(log, "level=ERROR") {
				t.Errorf("it says:\n%s", log)
			}
			if aside, err := filepath.Glob("*.bad*"); err != nil || aside != nil {
				t.Errorf("it has put aside %v, %v", aside, err)
			}
		})
	}
}

// A file of a later version, after a roll-back, is refused by an error that says so, and it is kept.
func TestFilesOfALaterVersion(t *testing.T) {
	inFormats(t, "0")
	data := contents(t, "learnt-2")
	binary.LittleEndian.PutUint32(data[8:], 3)
	body := data[:len(data)-sha256.Size]
	sum := sha256.Sum256(body)
	later := append(body, sum[:]...)
	network := bytes.Replace(contents(t, "network.json"), []byte("flux-network/1"), []byte("flux-network/2"), 1)
	network = bytes.Replace(network, []byte(`"seed"`), []byte(`"colour": "red", "seed"`), 1)
	tuned := append(contents(t, "tuned"), "steps: {a: 1}\n"...)
	tuned = append([]byte("robot"), bytes.SplitN(tuned, []byte("robot"), 2)[1]...) // without the checksum
	if err := errors.Join(os.WriteFile("learnt", later, 0o600), os.WriteFile("net.json", network, 0o600),
		os.WriteFile("tuned", tuned, 0o600)); err != nil {
		t.Fatal(err)
	}
	var out, problems bytes.Buffer
	if code := execute(context.Background(), []string{"play", "net.json", "--until", "1ms"}, &out, &problems); code == 0 ||
		!strings.Contains(problems.String(), "of a later version of fluxd") {
		t.Errorf("network.json: exit code %d, %s", code, problems.String())
	}
	_, log := fluxdRuns(t, "run", "robot.yaml", "--plain", "--for", "20ms")
	for _, want := range []string{"version 3 of this format is of a later version of fluxd", "learnt.bad", "tuned.bad",
		"steps: expected", "or it is of a later version of fluxd"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %q:\n%s", want, log)
		}
	}
	if !bytes.Equal(contents(t, "learnt.bad"), later) || !bytes.Equal(contents(t, "tuned.bad"), tuned) {
		t.Error("what the later version has kept is lost")
	}
}
