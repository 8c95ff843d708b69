package play

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fluxd/configs"
)

var update = flag.Bool("update", false, "write the pictures in docs/mechanisms anew")

// The pictures in docs/model.md are what fluxd draws.
func TestPicturesOfTheMechanisms(t *testing.T) {
	files, err := filepath.Glob("../../../docs/mechanisms/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d configurations, %v", len(files), err)
	}
	page, err := os.ReadFile("../../../docs/model.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		base := strings.TrimSuffix(file, ".yaml")
		t.Run(filepath.Base(base), func(t *testing.T) {
			robot, err := configs.Load(file)
			if err != nil {
				t.Fatal(err)
			}
			input, err := os.Open(base + ".csv")
			if err != nil {
				t.Fatal(err)
			}
			defer input.Close()
			var drawn bytes.Buffer
			opts := PlotOptions{Source: base + ".csv", Input: input, Until: 200 * time.Millisecond, Neurons: []string{"neuron"}, Out: &drawn}
			if err := Plot(context.Background(), robot.Network, opts); err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(base+".svg", drawn.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			shown, err := os.ReadFile(base + ".svg")
			if err != nil || !bytes.Equal(shown, drawn.Bytes()) {
				t.Errorf("the picture is not what is drawn now (%v): make plots", err)
			}
			if !bytes.Contains(page, []byte(filepath.Base(base)+".svg")) {
				t.Error("docs/model.md does not show it")
			}
			if spikes := strings.Count(drawn.String(), `stroke="#111"`); spikes == 0 {
				t.Error("nothing fires in it")
			}
			for xmlReader := xml.NewDecoder(&drawn); ; {
				if _, err := xmlReader.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestPlotRefuses(t *testing.T) {
	robot, err := configs.Load("wallfollow")
	if err != nil {
		t.Fatal(err)
	}
	for says, neurons := range map[string][]string{"no neuron is named": {"nobody"}, "name them": nil} {
		err := Plot(context.Background(), robot.Network, PlotOptions{Until: time.Second, Neurons: neurons, Out: io.Discard})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v", neurons, err)
		}
	}
}
