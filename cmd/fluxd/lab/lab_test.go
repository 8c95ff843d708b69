package lab

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"fluxd/configs"
)

var update = flag.Bool("update", false, "write the golden files")

func load(t testing.TB, name string) *configs.Robot {
	t.Helper()
	robot, err := configs.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return robot
}

func parse(t testing.TB, text string, files fstest.MapFS) *configs.Robot {
	t.Helper()
	robot, err := configs.Parse("test.yaml", []byte(text), files)
	if err != nil {
		t.Fatal(err)
	}
	return robot
}

// one is an experiment with one trial of one episode, in the world of seed 1.
func one(robot *configs.Robot, length time.Duration) *Experiment {
	return &Experiment{Config: robot, For: length, Seed: 1, Trials: 1, Episodes: 1, Jobs: 1, Log: slog.New(slog.DiscardHandler)}
}

// run runs an experiment, and returns its results and its text.
func (e *Experiment) run(ctx context.Context) (*Report, string, error) {
	var out bytes.Buffer
	report := NewReport(e)
	err := e.Run(ctx, func(t *Trial) error { return report.Add(&out, t) })
	if err == nil {
		err = report.Summary(&out)
	}
	return report, out.String(), err
}

// text returns the text of an experiment that must not fail.
func (e *Experiment) text(t testing.TB) string {
	t.Helper()
	_, text, err := e.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// all returns the results of an experiment as text, JSON and CSV.
func (e *Experiment) all(t testing.TB) (text, json, csv string) {
	t.Helper()
	report, text, err := e.run(context.Background())
	var j, c bytes.Buffer
	if err := errors.Join(err, report.JSON(&j), report.CSV(&c)); err != nil {
		t.Fatal(err)
	}
	return text, j.String(), c.String()
}

// golden compares a text with the one that is kept in testdata.
func golden(t *testing.T, name, text string) {
	t.Helper()
	file := "testdata/" + name
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(file); err != nil || string(want) != text {
		t.Errorf("%s: %v\n%s\nwant\n%s", file, err, text, want)
	}
}

// README promises that the light seeker reaches the lamp from at least 18 of 20 starting poses.
func TestLightseekerReachesTheLamp(t *testing.T) {
	t.Parallel() // in virtual time
	e := one(load(t, "lightseeker"), 20*time.Second)
	e.Trials, e.Jobs = 20, 2
	out := e.text(t)
	if reached := strings.Count(out, ": reached the lamp after"); reached < 18 {
		t.Errorf("reached the lamp in %d of 20 trials:\n%s", reached, out)
	}
	if !strings.Contains(out, "reached the lamp in ") {
		t.Errorf("no summary:\n%s", out)
	}
}

// A blind robot stays where it is: the robot reaches the lamp because of its eyes, not by luck.
func TestBlindLightseekerDoesNot(t *testing.T) {
	t.Parallel() // in virtual time
	robot := load(t, "lightseeker")
	for i := range robot.Network.Synapses {
		if s := &robot.Network.Synapses[i]; strings.HasPrefix(robot.Network.Neurons[s.From].Name, "eye") {
			s.Weight = 1
		}
	}
	e := one(robot, 20*time.Second)
	e.Trials = 5
	if out := e.text(t); !strings.Contains(out, "reached the lamp in 0 of 5 trials") {
		t.Errorf("a blind robot reached the lamp:\n%s", out)
	}
}

// The results are the same on every processor, from one version to the next, and however many trials run at the same time:
// scores, spikes, and the state of the world at the end with all digits. make emulated compares them on other processors. Each
// example is among them; so are the robots of users, and one that senses all that a floor has, through most codes.
func TestSameSeedSameBytes(t *testing.T) {
	type run struct{ robot, world string }
	runs := []run{{"testdata/surveyor.yaml", ""}, {"testdata/rover.yaml", "yard"}, {"testdata/linebot.yaml", "line"}}
	for _, example := range configs.Examples() {
		runs = append(runs, run{example.Name, ""})
	}
	for _, r := range runs {
		robot, err := configs.LoadWith(r.robot, configs.Changes{World: r.world})
		if err != nil {
			t.Fatal(err)
		}
		t.Run(robot.Name, func(t *testing.T) {
			t.Parallel() // in virtual time
			e := one(robot, 10*time.Second)
			e.Seed, e.Trials, e.Jobs = 7, 3, 1
			text, json, csv := e.all(t)
			golden(t, robot.Name+".golden", text)
			golden(t, robot.Name+".json", json)
			golden(t, robot.Name+".csv", csv)
			e.Jobs = 3
			if x, j, c := e.all(t); x != text || j != json || c != csv {
				t.Errorf("with three at a time:\n%s\n%s\n%s\nwant\n%s\n%s\n%s", x, j, c, text, json, csv)
			}
		})
	}
}

// Another seed is another world.
func TestAnotherSeed(t *testing.T) {
	e := one(load(t, "lightseeker"), 5*time.Second)
	first := e.text(t)
	if e.Seed = 2; e.text(t) == first {
		t.Errorf("another seed changes nothing: %s", first)
	}
}

// README promises an accuracy of at least 85 % over the recorded commands of the real robot.
func TestWallfollowAgreesWithTheRecordedRobot(t *testing.T) {
	t.Parallel() // in virtual time
	out := one(load(t, "wallfollow"), 0).text(t)
	m := regexp.MustCompile(`(?m)^accuracy (\d+\.\d) % \((\d+) of (\d+) recorded commands\)$`).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("no accuracy line:\n%s", out)
	}
	var percent float64
	fmt.Sscan(m[1], &percent)
	if percent < 85 || m[3] != "5456" {
		t.Errorf("accuracy %s %% of %s: want at least 85 %% of 5456", m[1], m[3])
	}
	for _, command := range []string{"Move-Forward", "Sharp-Right-Turn", "Slight-Right-Turn", "Slight-Left-Turn"} {
		if strings.Count(out, command) != 2 {
			t.Errorf("%s is not a row and a column of the confusion table:\n%s", command, out)
		}
	}
}

// idle is a robot in a world without a score.
const idle = "robot: idle\nboard: {kind: sim, world: %s}\nnetwork: {neurons: {a: {pacemaker: 100ms}}}\nmqtt: {broker: none}\n"

// A world without a score says so once, however many trials there are. A comparison with a recording is a score.
func TestAWorldWithoutAScore(t *testing.T) {
	for _, world := range []string{"none", "table"} {
		for trials := range 3 {
			e := one(parse(t, fmt.Sprintf(idle, world), nil), time.Second)
			e.Trials = 1 + trials
			out := e.text(t)
			if strings.Count(out, "\nthe world "+world+" has no score: nothing moves there\n") != 1 {
				t.Errorf("%d trials: %q", 1+trials, out)
			}
		}
	}
	for _, name := range []string{"lightseeker", "wallfollow"} {
		if out := one(load(t, name), time.Second).text(t); strings.Contains(out, "no score") {
			t.Errorf("%s: %q", name, out)
		}
	}
	_, json, csv := one(parse(t, fmt.Sprintf(idle, "none"), nil), time.Second).all(t)
	golden(t, "idle.json", json)
	golden(t, "idle.csv", csv)
}

// A recording plays to its end unless the experiment has a length; without a recording, a robot lives for a minute.
func TestHowLongASimulationLasts(t *testing.T) {
	const player = `robot: player
board: {kind: sim}
sensors: {s: {device: log, file: run.csv, column: d, unit: m, rate: 10 Hz, encode: {kind: delta, step: 1 m, to: a}}}
network: {neurons: {a: {}}}
mqtt: {broker: none}
`
	robot := parse(t, player, fstest.MapFS{"run.csv": {Data: []byte("d\n1\n2\n3\n4\n")}})
	for _, c := range []struct {
		robot *configs.Robot
		asked time.Duration
		want  string
	}{
		{robot, 0, "400ms simulated"}, {robot, time.Second, "1s simulated"}, {robot, 100 * time.Millisecond, "100ms simulated"},
		{parse(t, fmt.Sprintf(idle, "none"), nil), 0, "1m0s simulated"},
	} {
		if out := one(c.robot, c.asked).text(t); !strings.HasPrefix(out, c.want) {
			t.Errorf("%v: %s, want %s", c.asked, out, c.want)
		}
	}
}

// Values that were tuned on a robot can be tried on a desktop: a simulation applies overlays, and refuses values that are out
// of range.
func TestSimulationWithAnOverlay(t *testing.T) {
	robot := load(t, "lightseeker")
	overlay := func(v float64) []*configs.Overlay {
		return []*configs.Overlay{{Robot: "lightseeker", Source: "tuned.yaml", Values: map[string]float64{"actuators.*.range[1]": v}}}
	}
	e := one(robot, 3*time.Second)
	fast := e.text(t)
	e.Overlays = overlay(0.05)
	if slow := e.text(t); slow == fast || strings.Contains(slow, "reached the lamp after") {
		t.Errorf("with wheels that hardly turn: %s", slow)
	}
	e.Overlays = overlay(7)
	const want = "tuned.yaml: actuators.*.range[1]: actuators.left_wheel.range[1]: 7 is out of range: expected 0 to 1"
	if _, _, err := e.run(context.Background()); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%v", err)
	}
}

// The end of the context ends all trials, and the error says how many were done.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	e := one(load(t, "lightseeker"), time.Second)
	e.Trials, e.Jobs = 1000, 4
	report := NewReport(e)
	err := e.Run(ctx, func(trial *Trial) error {
		if trial.Number == 3 {
			cancel()
		}
		return report.Add(new(bytes.Buffer), trial)
	})
	if !errors.Is(err, context.Canceled) || !regexp.MustCompile(`^interrupted after \d+ of 1000 trials$`).MatchString(err.Error()) {
		t.Errorf("got %v", err)
	}
	if n := len(report.trials); n < 3 || n > 3+ahead*4+4 {
		t.Errorf("%d trials were reported after the third had ended the experiment", n)
	}
}

// A panic in a trial is its error. All trials before it are reported, the others end.
func TestAPanicNamesItsTrial(t *testing.T) {
	for _, jobs := range []int{1, 4} {
		var log bytes.Buffer
		e := one(load(t, "lightseeker"), 10*time.Second)
		e.Trials, e.Jobs, e.Log = 100, jobs, slog.New(slog.NewTextHandler(&log, nil))
		// No part of a healthy robot panics, so something that is called in the midst of a trial has to.
		var mutex sync.Mutex
		calls := 0
		e.Progress = func(time.Duration, time.Duration) {
			mutex.Lock()
			defer mutex.Unlock()
			if calls++; calls > 500 {
				panic("a wheel came off")
			}
		}
		report, _, err := e.run(context.Background())
		m := regexp.MustCompile(`^trial (\d+) \(seed \d+\): panic: a wheel came off$`).FindStringSubmatch(fmt.Sprint(err))
		if m == nil || fmt.Sprint(len(report.trials)+1) != m[1] {
			t.Errorf("%d jobs: %v after %d trials", jobs, err, len(report.trials))
		}
		if !strings.Contains(log.String(), "lab_test.go") {
			t.Errorf("the log does not say where:\n%s", log.String())
		}
	}
}

// An error of who receives the trials ends the experiment.
func TestAReportThatFails(t *testing.T) {
	e := one(load(t, "lightseeker"), time.Second)
	e.Trials, e.Jobs = 50, 2
	full := errors.New("the disk is full")
	if err := e.Run(context.Background(), func(*Trial) error { return full }); err != full {
		t.Errorf("%v", err)
	}
}
