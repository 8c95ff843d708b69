package daemon

import (
	"context"
	"errors"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/tuning"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fluxd/core"
)

const crowded = `
robot: crowded
board: {kind: sim}
network:
  neurons: {wall: {count: 100, threshold: 100}, few: {count: 3}, one: {}}
  synapses:
    - {from: wall, to: few, weight: 2}
    - {from: one, to: few, weight: 4}
mqtt: {broker: none}
`

// The description lists one parameter for all members of a large population. Each member can still be read and set.
func TestLargePopulationIsDescribedAsOne(t *testing.T) {
	t.Parallel() // it waits
	const whole, third = "network.neurons.wall[*].threshold", "network.neurons.wall[3].threshold"
	robot, _ := start(t, parse(t, crowded, nil))
	ctx := context.Background()

	d := robot.Describe()
	described := map[string]protocol.Parameter{}
	for _, p := range d.Parameters {
		described[p.Path] = p
	}
	want := protocol.Parameter{Path: whole, Count: 100, Type: "float", Unit: "units", Max: core.MaxWater / 1000.0, Default: 100}
	if p := described[whole]; p != want {
		t.Errorf("%+v, want %+v", p, want)
	}
	if p := described["network.synapses.wall[*].few[*].weight"]; p.Count != 300 || p.Default != 2 {
		t.Errorf("synapses between populations: %+v", p)
	}
	if p := described["network.neurons.few[1].threshold"]; p.Count != 0 || p.Default != 100 {
		t.Errorf("one of a small population: %+v", p)
	}
	if _, one := described[third]; one {
		t.Errorf("%s is described separately", third)
	}
	if got := fmt.Sprint(d.Neurons); got != "[{wall 100 } {few 3 } {one 1 }]" {
		t.Errorf("neurons %s", got)
	}
	if names := d.NeuronNames(); len(names) != 104 || names[99] != "wall[99]" || names[101] != "few[1]" || names[103] != "one" {
		t.Errorf("%d names: %v", len(names), names)
	}
	if got := fmt.Sprint(d.Synapses); got != "[{wall few direct 300} {one few direct 3}]" {
		t.Errorf("synapses %s", got)
	}

	read := func(path string) string {
		t.Helper()
		values, _, err := robot.Get([]string{path})
		if err != nil {
			t.Fatal(err)
		}
		v := values[path]
		if v.To == nil {
			return fmt.Sprintf("%d: %g by %s at %d", len(values), v.V, v.Src, v.Rev)
		}
		return fmt.Sprintf("%d: %g to %g by %s at %d", len(values), v.V, *v.To, v.Src, v.Rev)
	}
	change := func(path string, value float64) string {
		t.Helper()
		applied, rev, err := robot.Set(ctx, "ann", map[string]float64{path: value}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(applied, rev)
	}
	for _, step := range []struct{ got, want string }{
		{change(whole, 120), "map[" + whole + ":120] 1"},
		{read(whole), "1: 120 by ann at 1"},
		{change(third, 90), "map[" + third + ":90] 2"},
		{read(third), "1: 90 by ann at 2"},
		{read("network.neurons.wall[4].threshold"), "1: 120 by ann at 1"},
		{read(whole), "1: 90 to 120 by ann at 2"},
		{change("network.neurons.wall[*.threshold", 90), "map[" + whole + ":90] 3"}, // the same neurons by another pattern
		{read(whole), "1: 90 by ann at 3"},
	} {
		if step.got != step.want {
			t.Errorf("got %s, want %s", step.got, step.want)
		}
	}
	values, _, err := robot.Get([]string{"network.neurons.wall*.threshold"})
	if err != nil || len(values) != 100 || values[third].V != 90 {
		t.Errorf("all members: %d, %v", len(values), err)
	}
	if values, _, err := robot.Get(nil); err != nil || len(values) != len(d.Parameters) {
		t.Errorf("everything: %d values of %d parameters, %v", len(values), len(d.Parameters), err)
	}
	var refused *protocol.Error
	if _, _, err := robot.Set(ctx, "ann", map[string]float64{whole: -1}, nil); !errors.As(err, &refused) ||
		refused.Code != protocol.OutOfRange || *refused.Min != 0 {
		t.Errorf("out of range: %v", err)
	}
	if applied, _, err := robot.Reset(ctx, "ann", nil, nil); err != nil || fmt.Sprint(applied) != "map["+whole+":100]" {
		t.Errorf("reset: %v, %v", applied, err)
	}
	many := map[string]float64{}
	for path := range described { // a request may name everything that is described
		many[path] = described[path].Default
	}
	if _, _, err := robot.Set(ctx, "ann", many, nil); err != nil {
		t.Errorf("all of it at once: %v", err)
	}
}

// The file of tuned values has one line for a population with equal values, or else a line for each member that differs.
func TestLargePopulationSurvivesARestart(t *testing.T) {
	t.Parallel() // it waits
	file := filepath.Join(t.TempDir(), "tuned.yaml")
	text := crowded + "tuning: {file: '" + file + "', persist: true}\n"
	tune := func(path string, value float64) string {
		t.Helper()
		robot, stop := start(t, parse(t, text, nil))
		if _, _, err := robot.Set(context.Background(), "ann", map[string]float64{path: value}, nil); err != nil {
			t.Fatal(err)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		saved, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, tuned, _ := strings.Cut(string(saved), "tuned:\n")
		return tuned
	}
	if got, want := tune("network.neurons.wall[*].threshold", 120), "  \"network.neurons.wall[*].threshold\": 120\n"; got != want {
		t.Errorf("all the same: %q, want %q", got, want)
	}
	if got := tune("network.neurons.wall[7].threshold", 100); strings.Count(got, "\n") != 99 || strings.Contains(got, "wall[7]") ||
		!strings.Contains(got, `wall[8].threshold": 120`) {
		t.Errorf("all but one: %s", got)
	}
}

// Names of imported networks are used as they are, even if they look like members of a population.
func TestNeuronGroups(t *testing.T) {
	for names, want := range map[string]string{
		"a b c":            "[{a 1 } {b 1 } {c 1 }]",
		"a[0] a[1] a[2] b": "[{a 3 } {b 1 }]",
		"a[0] b[0] b[1]":   "[{a[0] 1 } {b 2 }]",
		"a[1] a[2]":        "[{a[1] 1 } {a[2] 1 }]",
		"a[0] a[1] a[3]":   "[{a 2 } {a[3] 1 }]",
		"a[0] a[0]":        "[{a[0] 1 } {a[0] 1 }]",
		"x.a[0] x.a[1] x]": "[{x.a 2 } {x] 1 }]",
		"[0] [1]":          "[{[0] 1 } {[1] 1 }]",
	} {
		var neurons []core.Neuron
		for _, name := range strings.Fields(names) {
			neurons = append(neurons, core.Neuron{Name: name})
		}
		groups := tuning.NeuronGroups(neurons)
		if got := fmt.Sprint(groups); got != want {
			t.Errorf("%s: %s, want %s", names, got, want)
		}
		if got := strings.Join(protocol.Description{Neurons: groups}.NeuronNames(), " "); got != names {
			t.Errorf("%s: names %s", names, got)
		}
	}
}
