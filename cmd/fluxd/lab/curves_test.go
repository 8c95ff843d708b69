package lab

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"fluxd/cmd/fluxd/draw"
)

// A knob is a number of phototaxis that docs/teach-a-robot.md explains: what becomes of the robots with other values of it.
type knob struct {
	name, unit string
	old        string // in the robot file
	new        string // the same with %v for the value
	values     []float64
	ours       float64 // the value of the file, or its default
}

const (
	learns  = "plastic: &learn {max: 45}"
	usual   = "baseline: {}"
	onJoy   = "kind: modulator, weight: 10}"
	onWoe   = "kind: modulator, weight: -10}"
	tries   = "noise: {rate: 0.5 Hz,"
	pushes  = "motor_l, weight: 20}"
	pushesR = "motor_r, weight: 20}"
)

// knobs are in the order of the page. Several changes in a file are separated by a line.
var knobs = []knob{
	{"lateness", "ms, added to the way of each reward", onJoy + "\n" + onWoe,
		strings.TrimSuffix(onJoy, "}") + ", delay: %vms}\n" + strings.TrimSuffix(onWoe, "}") + ", delay: %vms}",
		[]float64{1, 50, 100, 150, 200, 300, 400, 600, 800}, 1},
	{"window", "ms, the window of the reward", "window: 200ms, gain", "window: %vms, gain",
		[]float64{40, 100, 150, 200, 300, 400, 600, 800, 1200}, 200},
	{"gain", "spikes for each unit of the eye", "gain: 1,", "gain: %v,", []float64{0.1, 0.25, 0.5, 1, 1.5, 2, 3, 4}, 1},
	{"baseline", "s, over which a reward comes back, in five parts; 0: no baseline", usual, "baseline: {over: %vs}",
		[]float64{0, 0.5, 1, 2, 5, 10, 20}, 5},
	{"noise", "Hz, the rate of the attempts", tries, "noise: {rate: %v Hz,", []float64{0.01, 0.1, 0.25, 0.5, 1, 1.5, 2}, 0.5},
	{"push", "units, the weight of the attempts", pushes + "\n" + pushesR, "motor_l, weight: %v}\nmotor_r, weight: %v}",
		[]float64{1, 5, 10, 20, 30, 40, 60}, 20},
	{"competition", "units, by which the motors inhibit each other", "weight: -60}", "weight: -%v}",
		[]float64{1, 20, 40, 60, 80, 120, 200}, 60},
	{"unpaired", "units", learns, "plastic: &learn {max: 45, stp: {unpaired: %v}}", []float64{0, 0.25, 0.5, 1, 1.5, 2, 3}, 1},
	{"recovery", "units/s", learns, "plastic: &learn {max: 45, stp: {recovery: %v}}", []float64{1, 2, 4, 8, 16, 32, 64}, 8},
	{"consolidation", "units", learns, "plastic: &learn {max: 45, ltp: {consolidation: %v}}",
		[]float64{0, 0.002, 0.005, 0.01, 0.02, 0.04, 0.07, 0.1}, 0.02},
	{"pair", "ms, the window of a pair", learns, "plastic: &learn {max: 45, window: %vms}", []float64{2, 5, 10, 20, 40, 60, 80}, 20},
	{"max", "units, the largest weight", "{max: 45}", "{max: %v}", []float64{30, 35, 45, 60, 80, 100}, 45},
}

// turn returns the robot file with another value.
func (k *knob) turn(t *testing.T, file string, value float64) string {
	t.Helper()
	olds, news := strings.Split(k.old, "\n"), strings.Split(k.new, "\n")
	for i, old := range olds {
		if !strings.Contains(file, old) {
			t.Fatalf("%s: the robot has no %q", k.name, old)
		}
		text := strings.ReplaceAll(news[i], "%v", strconv.FormatFloat(value, 'f', -1, 64))
		if k.name == "baseline" && value == 0 {
			old, text = ", "+old, ""
		}
		file = strings.ReplaceAll(file, old, text)
	}
	return file
}

// How the curves of phototaxis are measured: on seeds with which its numbers were chosen, since they show what a number does, and
// claim nothing.
const (
	curveSeed   = 1
	curveTrials = 20
)

// taught trains robots of a file, and tests them frozen.
func taught(t *testing.T, file string, train, every time.Duration) []*Trial {
	t.Helper()
	seed := uint64(curveSeed)
	e := &Experiment{Config: parse(t, file, nil), Fresh: true, Seed: seed, Network: &seed, Trials: curveTrials, Jobs: 2,
		Train: train,
		Test:  30 * time.Second, TestEvery: every, Log: slog.New(slog.DiscardHandler)}
	return e.trialsOf(t)
}

// What each number does to what robots have learnt after two minutes: the curves of docs/teach-a-robot.md.
func TestClaimsOfCurves(t *testing.T) {
	data, err := os.ReadFile("../../../configs/robots/phototaxis.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := string(data)
	rows := make([][][]string, len(knobs))
	t.Run("knobs", func(t *testing.T) {
		for i := range knobs {
			t.Run(knobs[i].name, func(t *testing.T) {
				t.Parallel() // in virtual time
				rows[i] = knobs[i].curve(t, file)
			})
		}
	})
	var out bytes.Buffer
	table := csv.NewWriter(&out)
	if err := table.Write([]string{"number", "value", "reached_of_20", "lamps"}); err != nil {
		t.Fatal(err)
	}
	for _, some := range rows {
		if err := table.WriteAll(some); err != nil {
			t.Fatal(err)
		}
	}
	if !t.Failed() {
		drawn(t, "phototaxis.csv", out.Bytes())
	}
}

// curve measures and draws the curve of a number.
func (k *knob) curve(t *testing.T, file string) (rows [][]string) {
	reach := draw.Curve{Name: "trained", Dots: true}
	found := draw.Curve{Name: "trained", Dots: true}
	for _, value := range k.values {
		all := taught(t, k.turn(t, file, value), 2*time.Minute, 0)
		n := count(all, func(one *Trial) bool { return reached(one.Trained) })
		lamps := 0.0
		for _, one := range all {
			lamps += one.Trained.value("lamps")
		}
		lamps /= float64(len(all))
		reach.X, reach.Y = append(reach.X, value), append(reach.Y, float64(n))
		found.X, found.Y = append(found.X, value), append(found.Y, lamps)
		rows = append(rows, []string{k.name, number(value), strconv.Itoa(n), number(lamps)})
	}
	chart := draw.Chart{
		Title: k.name,
		Note:  fmt.Sprintf("phototaxis after two minutes of training, 20 robots; it has %s", number(k.ours)),
		Axis:  fmt.Sprintf("%s (%s)", k.name, k.unit),
		Most:  k.values[len(k.values)-1],
		Panels: []draw.Panel{{Title: "reach the lamp, of 20", Curves: []draw.Curve{reach}},
			{Title: "lamps in 30 s", Curves: []draw.Curve{found}}},
	}
	var picture bytes.Buffer
	if err := chart.SVG(&picture); err != nil {
		t.Fatal(err)
	}
	drawn(t, "phototaxis-"+k.name+".svg", picture.Bytes())
	return rows
}

// Without a baseline robots learn at first, and then forget.
func TestClaimsOfTheBaseline(t *testing.T) {
	t.Parallel() // in virtual time
	data, err := os.ReadFile("../../../configs/robots/phototaxis.yaml")
	if err != nil {
		t.Fatal(err)
	}
	panel := draw.Panel{Title: "reach the lamp, of 20"}
	for _, c := range []struct{ name, file string }{
		{"baseline", string(data)}, {"no baseline", strings.ReplaceAll(string(data), ", "+usual, "")},
	} {
		all := taught(t, c.file, 10*time.Minute, time.Minute)
		curve := draw.Curve{Name: c.name, Dots: true}
		for k := range all[0].Tests {
			curve.X = append(curve.X, all[0].Tests[k].After.Minutes())
			curve.Y = append(curve.Y, float64(count(all, func(one *Trial) bool { return reached(&one.Tests[k].Episode) })))
		}
		t.Logf("%s: %v", c.name, curve.Y)
		panel.Curves = append(panel.Curves, curve)
	}
	chart := draw.Chart{Title: "with and without a baseline",
		Note: "phototaxis, 20 robots: frozen tests during ten minutes of training",
		Axis: "simulated time (min)", Most: 10, Panels: []draw.Panel{panel}}
	var picture bytes.Buffer
	if err := chart.SVG(&picture); err != nil {
		t.Fatal(err)
	}
	drawn(t, "phototaxis-minutes.svg", picture.Bytes())
}

// The course of the training at the head of docs/teach-a-robot.md.
func TestClaimsOfTheCourse(t *testing.T) {
	t.Parallel() // in virtual time
	l := lesson{robot: "phototaxis", seed: 101, trials: 20, train: 2 * time.Minute, test: 30 * time.Second}
	e := l.experiment(t)
	e.TestEvery, e.Plot, e.PlotScore = 20*time.Second, true, "lamps"
	drawn(t, "phototaxis.svg", []byte(plotOf(t, e, "phototaxis.svg")))
}
