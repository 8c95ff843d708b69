package daemon

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
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

func simulate(t testing.TB, robot *configs.Robot, opts SimulateOptions) string {
	t.Helper()
	var out bytes.Buffer
	opts.Out, opts.Log = &out, slog.New(slog.DiscardHandler)
	if err := Simulate(context.Background(), robot, opts); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// README promises that the light seeker reaches the lamp from at least 18 of 20 starting poses.
func TestLightseekerReachesTheLamp(t *testing.T) {
	t.Parallel() // in virtual time
	out := simulate(t, load(t, "lightseeker"), SimulateOptions{For: 20 * time.Second, Seed: 1, Trials: 20})
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
	out := simulate(t, robot, SimulateOptions{For: 20 * time.Second, Seed: 1, Trials: 5})
	if !strings.Contains(out, "reached the lamp in 0 of 5 trials") {
		t.Errorf("a blind robot reached the lamp:\n%s", out)
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	t.Parallel() // in virtual time
	for _, name := range []string{"lightseeker", "wallfollow"} {
		opts := SimulateOptions{For: 20 * time.Second, Seed: 7, Trials: 2}
		first := simulate(t, load(t, name), opts)
		golden := "testdata/" + name + ".golden"
		if *update {
			if err := os.WriteFile(golden, []byte(first), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		// The same on every processor, and from one version to the next.
		if want, err := os.ReadFile(golden); err != nil || string(want) != first {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, first, want)
		}
		if second := simulate(t, load(t, name), opts); second != first {
			t.Errorf("%s: two runs differ:\n%s\n%s", name, first, second)
		}
	}
	a := simulate(t, load(t, "lightseeker"), SimulateOptions{Seed: 1, Trials: 1})
	if b := simulate(t, load(t, "lightseeker"), SimulateOptions{Seed: 2, Trials: 1}); a == b {
		t.Errorf("another seed changes nothing: %s", a)
	}
}

// README promises at least 85 % agreement with the recorded commands of the real robot.
func TestWallfollowAgreesWithTheRecordedRobot(t *testing.T) {
	t.Parallel() // in virtual time
	out := simulate(t, load(t, "wallfollow"), SimulateOptions{Seed: 1, Trials: 1})
	m := regexp.MustCompile(`(?m)^agreement (\d+\.\d) % \((\d+) of (\d+) recorded commands\)$`).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("no agreement line:\n%s", out)
	}
	var percent float64
	fmt.Sscan(m[1], &percent)
	if percent < 85 || m[3] != "5456" {
		t.Errorf("agreement %s %% of %s: want at least 85 %% of 5456", m[1], m[3])
	}
	for _, command := range []string{"Move-Forward", "Sharp-Right-Turn", "Slight-Right-Turn", "Slight-Left-Turn"} {
		if strings.Count(out, command) != 2 {
			t.Errorf("%s is not a row and a column of the confusion table:\n%s", command, out)
		}
	}
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
	out := simulate(t, parse(t, labeller, files), SimulateOptions{Seed: 1, Trials: 1})
	if !strings.Contains(out, "agreement 0.0 % (0 of 4") {
		t.Errorf("a spike that has left the window still commands:\n%s", out)
	}
	robot := parse(t, strings.Replace(labeller, "50ms", "100ms", 1), files)
	out = simulate(t, robot, SimulateOptions{Seed: 1, Trials: 1})
	if !strings.Contains(out, "agreement 50.0 % (2 of 4 recorded commands)") || !strings.Contains(out, "(none)") {
		t.Errorf("want 2 of 4, one of them unanswered:\n%s", out)
	}
}

// Rows with a column of times are played at these times, and compared just before the next row.
func TestARecordingWithTimes(t *testing.T) {
	timed := strings.NewReplacer("unit: m, rate: 10 Hz", "unit: m, time: {column: t, unit: ms}, every: 10ms",
		"column: c, rate: 10 Hz", "column: c, time: {column: t, unit: ms}").Replace(labeller)
	files := fstest.MapFS{"run.csv": {Data: []byte("t,d,c\n5000,0.5,stop\n5100,2,(none)\n5400,0.4,go\n5500,0.3,stop\n")}}
	out := simulate(t, parse(t, timed, files), SimulateOptions{Seed: 1, Trials: 1})
	// The sensor is read every 10 ms, so the window of 50 ms is never empty below a metre. The last row lasts as long as the
	// average: 166 ms.
	if !strings.Contains(out, "agreement 75.0 % (3 of 4 recorded commands)") || !strings.Contains(out, "666.666ms simulated") {
		t.Errorf("want 3 of 4 in 666.666 ms:\n%s", out)
	}
}

// A world without a score says so once, however many trials there are. A comparison with a recording is a score.
func TestSimulationSaysThatAWorldHasNoScore(t *testing.T) {
	for _, world := range []string{"none", "table"} {
		robot := parse(t, "robot: r\nboard: {kind: sim, world: "+world+"}\nnetwork: {neurons: {a: {}}}\n", nil)
		want := "\nthe world " + world + " has no score: nothing moves there\n"
		for trials := range 3 {
			out := simulate(t, robot, SimulateOptions{For: time.Second, Trials: 1 + trials})
			if !strings.HasSuffix(out, want) || strings.Count(out, "no score") != 1 {
				t.Errorf("%d trials: %q", 1+trials, out)
			}
		}
	}
	for _, name := range []string{"lightseeker", "wallfollow"} {
		if out := simulate(t, load(t, name), SimulateOptions{For: time.Second, Trials: 1}); strings.Contains(out, "no score") {
			t.Errorf("%s: %q", name, out)
		}
	}
}

func TestSimulationNeedsASimulatedBoard(t *testing.T) {
	robot := load(t, "lightseeker")
	robot.Board.Kind = "raspberrypi"
	err := Simulate(context.Background(), robot, SimulateOptions{Trials: 1, Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "kind: sim") {
		t.Errorf("got %v", err)
	}
}

func TestSimulationEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	calls := 0
	err := Simulate(ctx, load(t, "lightseeker"), SimulateOptions{For: time.Hour, Trials: 1,
		Log: slog.New(slog.DiscardHandler), Out: new(bytes.Buffer),
		Progress: func(done, total time.Duration) {
			if calls++; calls == 2 {
				cancel()
			}
		}})
	if err != context.Canceled {
		t.Errorf("got %v", err)
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
		simulate(b, robot, SimulateOptions{For: time.Minute, Seed: 1, Trials: 1})
	}
}

// Values that were tuned on a robot can be tried on a desktop: a simulation applies overlays, and refuses values that are out
// of range.
func TestSimulationWithAnOverlay(t *testing.T) {
	robot := load(t, "lightseeker")
	overlay := func(v float64) []*configs.Overlay {
		return []*configs.Overlay{{Robot: "lightseeker", Source: "tuned.yaml", Values: map[string]float64{"actuators.*.range[1]": v}}}
	}
	opts := SimulateOptions{For: 3 * time.Second, Trials: 1, Seed: 1}
	fast := simulate(t, robot, opts)
	opts.Overlays = overlay(0.05)
	if slow := simulate(t, robot, opts); slow == fast || strings.Contains(slow, "reached the lamp") {
		t.Errorf("with wheels that hardly turn: %s", slow)
	}
	opts.Overlays, opts.Out, opts.Log = overlay(7), &bytes.Buffer{}, slog.New(slog.DiscardHandler)
	const want = "tuned.yaml: actuators.*.range[1]: actuators.left_wheel.range[1]: 7 is out of range: expected 0 to 1"
	if err := Simulate(context.Background(), robot, opts); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v", err)
	}
}
