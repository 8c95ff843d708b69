package configs

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fluxd/boards/sim/worlds"
	"fluxd/configs/strict"
	"fluxd/core"
	"fluxd/encoders"
)

// For any text Parse returns: a robot with everything set, or Errors, each with its place in the text.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"robots/lightseeker.yaml", "testdata/*/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lines := strict.Lines(data)
		robot, err := Parse("fuzz", data, recordings)
		var all Errors
		if err != nil {
			if robot != nil || !errors.As(err, &all) || len(all) == 0 || strings.TrimSpace(err.Error()) == "" {
				t.Fatalf("%v, %v: expected no robot and Errors", robot, err)
			}
			for i, e := range all {
				if e.Message == "" || e.Line < 0 || e.Line > lines || e.Column < min(e.Line, 1) || i > strict.MaxErrors {
					t.Errorf("error %d: %+v: expected a message and a place in the %d lines", i, e, lines)
				}
			}
			return
		}
		neurons := map[string]bool{}
		for _, n := range robot.Network.Neurons {
			if neurons[n.Name] || n.Threshold < 0 || n.Leak < 0 || n.Floor > 0 || n.Refractory < 0 {
				t.Errorf("neuron %+v", n)
			}
			neurons[n.Name] = true
		}
		count := len(robot.Network.Neurons)
		for _, s := range robot.Network.Synapses {
			if s.From < 0 || s.From >= count || s.To < 0 || s.To >= count || s.Delay < 1 || s.Kind == core.Electric && s.Weight != 0 {
				t.Errorf("synapse %+v", s)
			}
		}
		for _, s := range robot.Sensors {
			edges := slices.Contains([]string{"button", "pir", "quadrature"}, s.Value.Device)
			if len(s.Value.Encode.To.Neurons(robot.Index)) == 0 || !edges && s.Value.Every < time.Microsecond || s.Value.Stale <= 0 {
				t.Errorf("sensor %+v", s)
			}
			if o, is := s.Value.Encode.Options.(*encoders.RateOpts); is {
				if low, high := o.Range[0], o.Range[1]; low.Micro == high.Micro || low.Unit != high.Unit {
					t.Errorf("sensor %+v", s)
				}
			}
			if _, err := s.Value.Encode.Options.Open(s.Value.Every); err != nil {
				t.Errorf("sensor %+v: %v", s, err)
			}
		}
		for _, a := range robot.Actuators {
			c := a.Value
			complete := c.Range != nil && c.Slew != nil && c.Range[0] <= c.Failsafe && c.Failsafe <= c.Range[1]
			if c.Device != "label" && !complete {
				t.Errorf("actuator %+v", a)
			}
			if _, err := a.Value.Decode.Options.Open(); err != nil {
				t.Errorf("actuator %+v: %v", a, err)
			}
		}
	})
}

// For any text ParseWorld returns a world that can be checked with a robot, or Errors, each with its place in the text.
func FuzzWorld(f *testing.F) {
	for _, name := range worlds.Names() {
		data, err := worlds.Files.ReadFile(name + ".yaml")
		if err != nil {
			data = []byte("world: " + name)
		}
		f.Add(data)
	}
	for _, text := range []string{
		"world: floor\nmaze: {columns: 5, rows: 5, loops: 0.5, seed: 1}\nstart: {at: [1 m, 1 m], heading: 90 °}\nends: [goal]",
		"world: floor\nobstacles: [{at: [1 m, 1 m], size: [10 cm, 1 m], turned: 30 °}, {radius: 1 m, number: 9}]\nfood: [{}]",
		"world: floor\nlines: [{points: [[1 m, 1 m], [2 m, 2 m]], rounded: 1 m, gaps: [{at: 1 m}]}]\n" +
			"start: {on_line: true}\ngoal: laps",
		"world: exec\ncommand: [no-such-program]\nstep: 1ms",
		"world: gait\nmass: [1 cm, 1 cm]\nbumps: 3 cm", "world: balance\nmass: 1 kg",
	} {
		f.Add([]byte(text))
	}
	robot, err := Load("robots/lightseeker.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lines := strict.Lines(data)
		world, err := ParseWorld("fuzz", data)
		if err == nil {
			refused, unknown := worlds.Check(world, robot.Simulated())
			for _, m := range append(refused, unknown...) {
				if m.Error() == "" {
					t.Errorf("%s: a mistake without a message", m.Path)
				}
			}
			return
		}
		var all Errors
		if !errors.As(err, &all) || len(all) == 0 || strings.TrimSpace(err.Error()) == "" {
			t.Fatalf("%v: expected Errors", err)
		}
		for _, e := range all {
			if e.Message == "" || e.Line < 0 || e.Line > lines || e.Column < min(e.Line, 1) {
				t.Errorf("%+v: expected a message and a place in the %d lines", e, lines)
			}
		}
	})
}
