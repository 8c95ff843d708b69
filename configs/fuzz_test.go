package configs

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fluxd/configs/strict"
	"fluxd/core"
)

// Whatever the text, Parse ends: with a robot that keeps its promises, or with Errors, each at a place in the text.
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
			if robot.Index[s.Value.Encode.To] == nil || !slices.Contains([]string{"button", "pir", "quadrature"}, s.Value.Device) && s.Value.Every < time.Microsecond || s.Value.Stale <= 0 {
				t.Errorf("sensor %+v", s)
			}
			if r := s.Value.Encode.Range; s.Value.Encode.Kind == "rate" && (r[0].Micro >= r[1].Micro || r[0].Unit != r[1].Unit) {
				t.Errorf("sensor %+v", s)
			}
		}
		for _, a := range robot.Actuators {
			if c := a.Value; c.Device != "label" && !(c.Range != nil && c.Slew != nil && c.Range[0] <= c.Failsafe && c.Failsafe <= c.Range[1]) || c.Decode.Window < time.Microsecond {
				t.Errorf("actuator %+v", a)
			}
		}
	})
}
