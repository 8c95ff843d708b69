package trial

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fluxd/configs"
)

// memory is a disk without a machine. It can fail, or lose its power, at one step.
type memory struct {
	files   map[string]string
	steps   int    // changes so far
	fail    int    // the change that fails without an effect: 1 is the first; 0: none
	cut     int    // the change at which the power is lost
	happens bool   // the change at which the power is lost happens before
	full    bool   // no change succeeds
	used    string // the file that another process has
}

// power is what a loss of power panics with.
type power struct{}

func (m *memory) change(do func()) error {
	m.steps++
	if m.steps == m.cut {
		if m.happens {
			do()
		}
		panic(power{})
	}
	if m.full || m.steps == m.fail {
		return errors.New("no space left on device")
	}
	do()
	return nil
}

func (m *memory) read(name string, most int64) ([]byte, error) {
	text, there := m.files[name]
	if !there {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return []byte(text), nil
}

func (m *memory) write(name string, data []byte) error {
	return m.change(func() { m.files[name] = string(data) })
}

func (m *memory) remove(name string) error { return m.change(func() { delete(m.files, name) }) }
func (m *memory) folder(string) error      { return m.change(func() {}) }

func (m *memory) list(folder string) (names []string, err error) {
	for name := range m.files {
		if filepath.Dir(name) == folder {
			names = append(names, filepath.Base(name))
		}
	}
	slices.Sort(names)
	return names, nil
}

func (m *memory) lock(name string) (release func(), err error) {
	if name == m.used {
		return nil, errors.New("another fluxd uses this file")
	}
	return func() {}, nil
}

const ownName, tunedName, learntName = "/etc/fluxd/robot.yaml", "/state/tuned.yaml", "/state/robot.learnt"

var ownFile = configs.File{Source: ownName, Text: []byte("robot: own")}

// opened opens the store of the tests, whose record must be readable.
func opened(t *testing.T, m *memory) *Store {
	t.Helper()
	s, err := open("/state", ownName, m)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sends keeps a file for the next start.
func sends(t *testing.T, m *memory, text string) {
	t.Helper()
	if err := opened(t, m).Keep([]byte(text), ownFile.Text, "ann", time.Unix(1e9, 0), []string{tunedName, learntName}); err != nil {
		t.Fatal(err)
	}
}

// starts starts the robot, and compares the file that it runs.
func starts(t *testing.T, m *memory, own configs.File, want string, onTrial bool, news ...string) *Store {
	t.Helper()
	s := opened(t, m)
	c := s.Start(own)
	if string(c.Text) != want || c.OnTrial != onTrial {
		t.Fatalf("runs %q, on trial %v; expected %q, %v; news: %v", c.Text, c.OnTrial, want, onTrial, c.News)
	}
	var texts []string
	for _, n := range c.News {
		texts = append(texts, n.Code+" "+n.Text)
	}
	all := strings.Join(texts, "\n")
	for _, part := range news {
		if !strings.Contains(all, part) {
			t.Errorf("news %q: expected %q in them", all, part)
		}
	}
	if len(news) == 0 && len(texts) > 0 {
		t.Errorf("news: %q", texts)
	}
	if again, known := opened(t, m).Running(own, Sum(c.Text)); !known || !bytes.Equal(again.Text, c.Text) ||
		again.OnTrial != c.OnTrial {
		t.Errorf("the robot's process runs %q, %v, on trial %v; its parent chose %q", again.Text, known, again.OnTrial, c.Text)
	}
	return s
}

func TestAFileIsTriedConfirmedAndLeft(t *testing.T) {
	m := &memory{files: map[string]string{tunedName: "old"}}
	starts(t, m, ownFile, "robot: own", false)
	if len(m.files) != 1 {
		t.Errorf("a robot that was never sent a file keeps %v", slices.Collect(maps.Keys(m.files)))
	}
	sends(t, m, "robot: A")
	if word := opened(t, m).Word(ownFile.Text); !strings.Contains(word, "is tried at the next start") {
		t.Errorf("fluxd check says %q", word)
	}
	s := starts(t, m, ownFile, "robot: A", true)
	if err := s.Confirm(); err != nil {
		t.Fatal(err)
	}
	m.files[tunedName], m.files[learntName] = "new", "learnt by A"
	s = starts(t, m, ownFile, "robot: A", false)
	if word := s.Word(ownFile.Text); !strings.Contains(word, "runs instead") {
		t.Errorf("fluxd check says %q", word)
	}

	sends(t, m, "robot: B")
	s = starts(t, m, ownFile, "robot: B", true)
	m.files[tunedName] = "of B"
	if err := s.Confirm(); err != nil {
		t.Fatal(err)
	}
	s = starts(t, m, ownFile, "robot: B", false)
	if err := s.Return("ann went back"); err != nil {
		t.Fatal(err)
	}
	s = starts(t, m, ownFile, "robot: A", false, "rolled_back", "ann went back")
	if m.files[tunedName] != "new" || m.files[learntName] != "learnt by A" {
		t.Errorf("after the return to A: %q", m.files)
	}
	if err := s.Return("ann went back"); err != nil {
		t.Fatal(err)
	}
	starts(t, m, ownFile, "robot: own", false, "rolled_back")
	for name := range m.files {
		if strings.Contains(name, fileMark) || strings.Contains(name, copyMark) {
			t.Errorf("%s is left behind", name)
		}
	}
}

// A trial that was not confirmed ends at the next start, for whatever reason it was not. What the robot kept before is there
// again, and what it did not keep is gone.
func TestATrialWithoutAConfirmationIsRolledBack(t *testing.T) {
	m := &memory{files: map[string]string{tunedName: "old"}}
	sends(t, m, "robot: A")
	starts(t, m, ownFile, "robot: A", true)
	m.files[tunedName], m.files[learntName] = "of A", "learnt by A"
	starts(t, m, ownFile, "robot: own", false, "rolled_back", "crashed, was ended, or lost its power")
	if _, there := m.files[learntName]; there || m.files[tunedName] != "old" {
		t.Errorf("after the trial: %q", m.files)
	}
	starts(t, m, ownFile, "robot: own", false)

	sends(t, m, "robot: B")
	s := starts(t, m, ownFile, "robot: B", true)
	if err := errors.Join(s.Over("it panicked\nat once"), s.Over("later")); err != nil {
		t.Fatal(err)
	}
	starts(t, m, ownFile, "robot: own", false, "it panicked")
}

// The robot's own file wins when somebody has edited it since: a file that waits, and one that was confirmed.
func TestAnEditedFileWins(t *testing.T) {
	edited := configs.File{Source: ownName, Text: []byte("robot: edited")}
	for _, confirmed := range []bool{false, true} {
		m := &memory{files: map[string]string{}}
		sends(t, m, "robot: A")
		if confirmed {
			if err := starts(t, m, ownFile, "robot: A", true).Confirm(); err != nil {
				t.Fatal(err)
			}
		}
		starts(t, m, edited, "robot: edited", false, "robot_file_edited")
		starts(t, m, edited, "robot: edited", false)
		starts(t, m, ownFile, "robot: own", false) // it does not come back by itself
	}
	m := &memory{files: map[string]string{}}
	sends(t, m, "robot: A")
	starts(t, m, ownFile, "robot: A", true)
	starts(t, m, edited, "robot: edited", false, "rolled_back")
}

// Wherever the power is lost, the next start runs a whole file: the one from before, or the new one on trial. Without a
// confirmation the robot has its own file and what it kept after one start more at the latest.
func TestPowerIsLostBetweenAnyTwoSteps(t *testing.T) {
	life := func(m *memory, confirm bool) {
		s, err := open("/state", ownName, m)
		if err != nil {
			panic(err)
		}
		if s.Keep([]byte("robot: A"), ownFile.Text, "ann", time.Unix(1e9, 0), []string{tunedName, learntName}) != nil {
			return
		}
		for range 3 {
			c := s.Start(ownFile)
			if c.OnTrial {
				m.files[tunedName], m.files[learntName] = "of A", "learnt by A" // not a step of the store
			}
			if c.OnTrial && confirm {
				_ = s.Confirm()
			}
			if s, err = open("/state", ownName, m); err != nil {
				panic(err)
			}
		}
	}
	for _, confirm := range []bool{false, true} {
		whole := &memory{files: map[string]string{tunedName: "old"}}
		life(whole, confirm)
		if whole.steps < 6 {
			t.Fatalf("only %d steps: %q", whole.steps, whole.files)
		}
		for step := 1; step <= whole.steps; step++ {
			for _, how := range []string{"before", "after", "fails"} {
				name := fmt.Sprintf("confirm %v, step %d of %d, %s", confirm, step, whole.steps, how)
				m := &memory{files: map[string]string{tunedName: "old"}, happens: how == "after"}
				if how == "fails" {
					m.fail = step
				} else {
					m.cut = step
				}
				func() {
					defer func() {
						if p := recover(); p != nil && p != (power{}) {
							panic(p)
						}
					}()
					life(m, confirm)
				}()
				m.cut, m.fail = 0, 0
				settle(t, m, confirm, name)
			}
		}
	}
}

// settle starts the robot until nothing changes any more.
func settle(t *testing.T, m *memory, confirm bool, name string) {
	t.Helper()
	var c Choice
	tried := false
	for range 3 {
		s := opened(t, m)
		before := s.record
		c = s.Start(ownFile)
		if text := string(c.Text); text != "robot: own" && text != "robot: A" {
			t.Fatalf("%s: runs %q", name, text)
		}
		if c.OnTrial {
			if on := opened(t, m).record; !on.Trial || tried || before.Trial {
				t.Fatalf("%s: on trial for a second time, or without a record: %+v", name, on)
			}
			tried = true
			m.files[tunedName], m.files[learntName] = "of A", "learnt by A"
		} else if string(c.Text) == "robot: A" && !confirm {
			t.Fatalf("%s: runs for good, and nobody has confirmed it", name)
		}
	}
	if string(c.Text) == "robot: A" {
		return // confirmed before the power was lost
	}
	if _, there := m.files[learntName]; there || m.files[tunedName] != "old" {
		t.Fatalf("%s: the robot keeps %q", name, m.files)
	}
}

// A disk that is full never keeps the robot from starting, and never starts a trial that it could not end.
func TestAFullDisk(t *testing.T) {
	m := &memory{files: map[string]string{tunedName: "old"}}
	sends(t, m, "robot: A")
	m.full = true
	starts(t, m, ownFile, "robot: own", false, "save_failed", "no space left")
	m.full = false
	starts(t, m, ownFile, "robot: A", true)
	m.files[tunedName] = "of A"
	m.full = true
	starts(t, m, ownFile, "robot: own", false, "rolled_back", "could not all be restored")
	m.full = false
	starts(t, m, ownFile, "robot: own", false, "rolled_back")
	if m.files[tunedName] != "old" {
		t.Errorf("the robot keeps %q", m.files)
	}

	m.full = true
	if err := opened(t, m).Keep([]byte("robot: B"), ownFile.Text, "ann", time.Now(), nil); err == nil {
		t.Error("a file was kept on a full disk")
	}
	m.full = false
	starts(t, m, ownFile, "robot: own", false)
}

// A robot whose parent was killed may still be ending, and save what it has learnt: nothing is restored below its feet.
func TestARobotThatIsStillEnding(t *testing.T) {
	m := &memory{files: map[string]string{tunedName: "old"}}
	sends(t, m, "robot: A")
	m.used = tunedName
	starts(t, m, ownFile, "robot: own", false, "save_failed", "another fluxd uses this file")
	m.used = ""
	starts(t, m, ownFile, "robot: A", true)
	m.files[tunedName], m.used = "of A", tunedName
	starts(t, m, ownFile, "robot: own", false, "another fluxd uses this file")
	m.files[tunedName], m.used = "of A, saved at the end", ""
	starts(t, m, ownFile, "robot: own", false, "rolled_back")
	if m.files[tunedName] != "old" {
		t.Errorf("the robot keeps %q", m.files)
	}
}

// What is damaged on the disk is not used: a sent file, a record. The robot runs its own file then.
func TestADamagedDisk(t *testing.T) {
	for _, confirmed := range []bool{false, true} {
		m := &memory{files: map[string]string{}}
		sends(t, m, "robot: A")
		if confirmed {
			if err := starts(t, m, ownFile, "robot: A", true).Confirm(); err != nil {
				t.Fatal(err)
			}
		}
		for name := range m.files {
			if strings.Contains(name, fileMark) {
				m.files[name] = "robot: Z"
			}
		}
		starts(t, m, ownFile, "robot: own", false, "rolled_back", "not what was sent")
	}
	for _, text := range []string{"", "{", "[]", `{"format":1,"trial":true}`, `{"format":2}`, `{"format":1,"path":"/x","new":1}`,
		`{"format":1,"path":"` + ownName + `","own_sha256":"","runs":{"sha256":"ab"}}`} {
		m := &memory{files: map[string]string{"/state/robot.yaml.loaded/record.json": text}}
		s, err := open("/state", ownName, m)
		if err == nil {
			t.Errorf("%s: accepted", text)
		}
		if c := s.Start(ownFile); string(c.Text) != "robot: own" || c.OnTrial {
			t.Errorf("%s: runs %q", text, c.Text)
		}
		if err := s.Keep([]byte("robot: A"), ownFile.Text, "ann", time.Now(), nil); err == nil {
			t.Errorf("%s: replaced", text)
		}
	}
}

// Two robot files of one name may share a state directory: the first that is sent a file has it.
func TestAnotherRobotFileOfThatName(t *testing.T) {
	m := &memory{files: map[string]string{}}
	sends(t, m, "robot: A")
	s, err := open("/state", "/home/ann/robot.yaml", m)
	if err != nil {
		t.Fatal(err)
	}
	if c := s.Start(ownFile); c.OnTrial || string(c.Text) != "robot: own" {
		t.Errorf("runs %q", c.Text)
	}
	if err := s.Keep([]byte("robot: B"), ownFile.Text, "ann", time.Now(), nil); err == nil ||
		!strings.Contains(err.Error(), "--state") {
		t.Errorf("kept: %v", err)
	}
	starts(t, m, ownFile, "robot: A", true)
}

// On a real disk: nothing is created until a file is sent, and only this user may read what is kept.
func TestOnARealDisk(t *testing.T) {
	state := t.TempDir()
	own := filepath.Join(t.TempDir(), "robot.yaml")
	s, err := Open(state, own)
	if err != nil {
		t.Fatal(err)
	}
	file := configs.File{Source: own, Text: []byte("robot: own")}
	if err := s.Lock(); err != nil {
		t.Fatal(err)
	}
	s.Start(file)
	if entries, _ := os.ReadDir(state); len(entries) > 0 {
		t.Errorf("it has created %v", entries)
	}
	tuned := filepath.Join(state, "tuned.yaml")
	if err := os.WriteFile(tuned, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	keeps := []string{tuned, filepath.Join(state, "learnt")}
	if err := s.Keep([]byte("robot: A"), file.Text, "ann", time.Now(), keeps); err != nil {
		t.Fatal(err)
	}
	again, err := Open(state, own)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Lock(); err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if c := again.Start(file); !c.OnTrial || len(c.Ran) != 1 || string(c.Ran[0].Text) != "robot: own" {
		t.Errorf("%+v", c)
	}
	if all := again.Last(file); len(all) != 2 {
		t.Errorf("during a trial %d files may have run last, expected both", len(all))
	}
	if err := os.WriteFile(tuned, []byte("of A"), 0o600); err != nil {
		t.Fatal(err)
	}
	third, err := Open(state, own)
	if err != nil {
		t.Fatal(err)
	}
	if !third.Tried() {
		t.Error("no trial in the record")
	}
	if c := third.Start(file); c.OnTrial || string(c.Text) != "robot: own" {
		t.Errorf("%+v", c)
	}
	if text, err := os.ReadFile(tuned); err != nil || string(text) != "old" {
		t.Errorf("%q, %v", text, err)
	}
	names, err := os.ReadDir(again.Folder())
	if err != nil || len(names) == 0 {
		t.Fatal(err)
	}
	for _, e := range names {
		if info, err := e.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v", e.Name(), info.Mode())
		}
		if strings.HasPrefix(e.Name(), fileMark) || strings.HasPrefix(e.Name(), copyMark) {
			t.Errorf("%s is left behind", e.Name())
		}
	}
}
