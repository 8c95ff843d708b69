//go:build linux

package main

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fluxd/configs"
	"fluxd/core"
)

// A pupil is a robot file of phototaxis that keeps what it learns in a file of the test.
type pupil struct {
	text, learnt string
	network      core.Description
}

// newPupil makes one that saves its weights as often as it says.
func newPupil(t *testing.T, every string) *pupil {
	t.Helper()
	data, err := os.ReadFile("../../configs/robots/phototaxis.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p := &pupil{text: string(data), learnt: filepath.Join(t.TempDir(), "pupil.flux")}
	p.change(t, "learnt: {file: phototaxis.flux, every: 10s}", "learnt: {file: "+p.learnt+", every: "+every+"}")
	p.change(t, "broker: embedded", "broker: none")
	robot, err := configs.Parse("pupil.yaml", []byte(p.text), nil)
	if err != nil {
		t.Fatal(err)
	}
	p.network = robot.Network
	return p
}

// change changes a part of the robot file, which must be there.
func (p *pupil) change(t *testing.T, part, by string) {
	t.Helper()
	if strings.Count(p.text, part) != 1 {
		t.Fatalf("phototaxis.yaml does not have %q once", part)
	}
	p.text = strings.Replace(p.text, part, by, 1)
}

// weights returns those of the file, or nil if there is none yet. Whenever it is read, it must be whole.
func (p *pupil) weights(t *testing.T) map[int]float64 {
	t.Helper()
	data, err := os.ReadFile(p.learnt)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	network, err := core.Build(p.network)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := network.Restore(data); err != nil {
		t.Fatalf("a file of %d bytes: %v", len(data), err)
	}
	return network.Learnt()
}

// learns waits until the saved weights differ from the ones that are given.
func (p *pupil) learns(t *testing.T, from map[int]float64) (to map[int]float64) {
	t.Helper()
	waitFor(t, "the robot to learn, and to save that", func() bool {
		to = p.weights(t)
		return to != nil && !maps.Equal(to, from)
	})
	return to
}

// What a robot has learnt survives kill -9, of the robot or of its parent, at any time, while it is being saved too: the file is
// always whole, and the next run begins with the weights of the last save.
func TestWhatWasLearntSurvivesKill9(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts processes")
	}
	p := newPupil(t, "1ms") // it is killed while it writes
	fresh, err := core.Build(p.network)
	if err != nil {
		t.Fatal(err)
	}
	weights := fresh.Learnt()
	for round, supervise := range []string{"no", "yes", "yes", "no", "no"} {
		robot := startProcess(t, "run", "--supervise", supervise, write(t, p.text))
		weights = p.learns(t, weights)
		weights = p.learns(t, weights)
		time.Sleep(time.Duration(round) * 3 * time.Millisecond)
		victim := robot.Process.Pid
		if round == 1 {
			victim = robot.child(t) // its parent ends then
		}
		if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		select {
		case <-robot.ended: // after round 2 the child saves once more
		case <-time.After(patience):
			t.Fatal("the robot is still alive")
		}
		_ = robot.Wait() // it was killed
		weights = p.weights(t)
		p.keeps(t, weights)
	}
	left, err := filepath.Glob(p.learnt + "*")
	if err != nil || len(left) != 2 || left[1] != p.learnt+".lock" {
		t.Errorf("%v: left behind: %v", err, left)
	}
}

// keeps starts the robot once more, frozen: it saves at its end, and must then have the weights that the file had before.
func (p *pupil) keeps(t *testing.T, want map[int]float64) {
	t.Helper()
	frozen := *p
	frozen.change(t, "network:\n", "network:\n  frozen: true\n")
	frozen.change(t, "every: 1ms", "every: none")
	before, err := os.Stat(p.learnt)
	if err != nil {
		t.Fatal(err)
	}
	robot := startProcess(t, "run", "--supervise", "no", write(t, frozen.text))
	if err := robot.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := robot.Wait(); err != nil || strings.Contains(robot.logged(), "cannot use") {
		t.Fatalf("%v\n%s", err, robot.logged())
	}
	if after, err := os.Stat(p.learnt); err != nil || os.SameFile(before, after) {
		t.Fatalf("%v: the robot has not saved its weights at its end", err)
	}
	if got := p.weights(t); !maps.Equal(got, want) {
		t.Errorf("the next run has the weights %v; saved were %v", got, want)
	}
}
