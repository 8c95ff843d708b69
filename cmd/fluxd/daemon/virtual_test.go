package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"fluxd/configs"
)

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

// simulate returns a robot after some time in a world with seed 1.
func simulate(t testing.TB, robot *configs.Robot, length time.Duration) *Simulation {
	t.Helper()
	s, err := NewSimulation(robot, 1, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Advance(context.Background(), length, func(time.Duration) {}), s.Halt()); err != nil {
		t.Fatal(err)
	}
	return s
}

// labeller is a robot that answers each number of a recording with a word.
const labeller = `
robot: labeller
board: {kind: sim}
sensors:
  distance: {device: log, file: run.csv, column: d, unit: m, rate: 10 Hz,
             encode: {kind: threshold, below: 1 m, repeat: true, to: near}}
network: {neurons: {near: {}}}
actuators:
  command: {device: label, decode: {kind: winner-take-all, window: 50ms, choices: {near: stop}}}
compare: {actuator: command, file: run.csv, column: c, rate: 10 Hz}
mqtt: {broker: none}
`

func TestComparisonCountsWhatItSees(t *testing.T) {
	files := fstest.MapFS{"run.csv": {Data: []byte("d,c\n0.5,stop\n2,go\n0.4,go\n0.3,stop\n")}}
	// The label is compared at the end of each row; by then the spike has left the window of 50 ms.
	if s := simulate(t, parse(t, labeller, files), 400*time.Millisecond); s.Comparison.Accuracy() != 0 {
		t.Errorf("%g: a spike that has left the window still commands", s.Comparison.Accuracy())
	}
	s := simulate(t, parse(t, strings.Replace(labeller, "50ms", "100ms", 1), files), 400*time.Millisecond)
	if s.Comparison.Accuracy() != 0.5 { // 2 of 4, one of them unanswered
		t.Errorf("accuracy %g, want 0.5", s.Comparison.Accuracy())
	}
}

// Rows with a column of times are played at these times, and compared just before the next row.
func TestARecordingWithTimes(t *testing.T) {
	timed := strings.NewReplacer("unit: m, rate: 10 Hz", "unit: m, time: {column: t, unit: ms}, every: 10ms",
		"column: c, rate: 10 Hz", "column: c, time: {column: t, unit: ms}").Replace(labeller)
	files := fstest.MapFS{"run.csv": {Data: []byte("t,d,c\n5000,0.5,stop\n5100,2,(none)\n5400,0.4,go\n5500,0.3,stop\n")}}
	// The sensor is read every 10 ms, so the window of 50 ms is never empty below a metre. The last row lasts as long as the
	// average: 166 ms.
	s := simulate(t, parse(t, timed, files), 666_666*time.Microsecond)
	if s.Comparison.Accuracy() != 0.75 || s.Recorded() != 666_666*time.Microsecond {
		t.Errorf("accuracy %g over %v, want 3 of 4 in 666.666 ms", s.Comparison.Accuracy(), s.Recorded())
	}
}

// A recording is as long as its longest column; one that begins again at its end has no length.
func TestHowLongARecordingIs(t *testing.T) {
	const text = `
robot: player
board: {kind: sim}
sensors:
  slow: {device: log, file: run.csv, column: d, unit: m, rate: %s, loop: %t, encode: {kind: delta, step: 1 m, to: a}}
  fast: {device: log, file: run.csv, column: d, unit: m, rate: 10 Hz, encode: {kind: delta, step: 1 m, to: a}}
network: {neurons: {a: {}}}
mqtt: {broker: none}
`
	files := fstest.MapFS{"run.csv": {Data: []byte("d\n1\n2\n3\n4\n")}}
	for _, c := range []struct {
		rate string
		loop bool
		want time.Duration
	}{{"1 Hz", false, 4 * time.Second}, {"100 Hz", false, 400 * time.Millisecond}, {"1 Hz", true, 400 * time.Millisecond}} {
		s := simulate(t, parse(t, fmt.Sprintf(text, c.rate, c.loop), files), 0)
		if s.Recorded() != c.want {
			t.Errorf("%+v: %v", c, s.Recorded())
		}
	}
}

func TestSimulationNeedsASimulatedBoard(t *testing.T) {
	robot := load(t, "lightseeker")
	robot.Board.Kind = "raspberrypi"
	if _, err := NewSimulation(robot, 1, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "kind: sim") {
		t.Errorf("got %v", err)
	}
}

func TestSimulationEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s, err := NewSimulation(load(t, "lightseeker"), 1, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	err = s.Advance(ctx, time.Hour, func(time.Duration) {
		if calls++; calls == 2 {
			cancel()
		}
	})
	if err != context.Canceled || s.Now() > time.Minute {
		t.Errorf("got %v after %v", err, s.Now())
	}
}

func lightseekerText(t testing.TB) string {
	t.Helper()
	f, err := load(t, "lightseeker").Files.Open("lightseeker.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(f); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func BenchmarkSimulateLightseeker(b *testing.B) {
	robot := load(b, "lightseeker")
	for b.Loop() {
		simulate(b, robot, time.Minute)
	}
}
