package daemon

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fluxd/configs"
)

var update = flag.Bool("update", false, "write golden files and the pictures in docs/mechanisms anew")

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
			if err := Plot(context.Background(), robot.Flat, opts); err != nil {
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
	flat := load(t, "wallfollow").Flat
	for says, neurons := range map[string][]string{"no neuron is named": {"nobody"}, "name them": nil} {
		err := Plot(context.Background(), flat, PlotOptions{Until: time.Second, Neurons: neurons, Out: io.Discard})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v", neurons, err)
		}
	}
}

const relay = `
robot: relay
board: {kind: sim}
network:
  neurons: {a: {}, b: {count: 2}}
  synapses: [{from: a, to: b, weight: [100, 60], delay: 5ms}]
mqtt: {broker: none}
`

// play plays the relay on one processor and on two: the result is the same.
func play(t *testing.T, input string, until time.Duration) (string, error) {
	t.Helper()
	var alone, shared bytes.Buffer
	opts := PlayOptions{Source: "spikes.csv", Input: strings.NewReader(input), Until: until, Output: &alone}
	err := Play(context.Background(), parse(t, relay, nil).Flat, opts)
	opts.Input, opts.Output, opts.Workers = strings.NewReader(input), &shared, 2
	if err2 := Play(context.Background(), parse(t, relay, nil).Flat, opts); fmt.Sprint(err2) != fmt.Sprint(err) || shared.String() != alone.String() {
		t.Errorf("on two processors: %v, %q; on one: %v, %q", err2, shared.String(), err, alone.String())
	}
	return alone.String(), err
}

// An input line fires its neuron; with a weight it pours; the spikes at the end of the time are not written.
func TestPlay(t *testing.T) {
	out, err := play(t, "time_us,neuron,weight\n0,a,\n3000,b[1],60\n7000,a,100\n20000,b,\n95000,a,\n", 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"time_us,neuron", "0,a", "5000,b[0]", "5000,b[1]", "7000,a", "12000,b[0]", "20000,b[0]", "20000,b[1]", "95000,a", ""}
	if got := strings.Split(out, "\n"); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if at100, err := play(t, "time_us,neuron\n95000,a\n", 100*time.Millisecond+time.Microsecond); err != nil || !strings.HasSuffix(at100, "100000,b[0]\n") {
		t.Errorf("a microsecond longer: %q, %v", at100, err)
	}
}

func TestPlayRefusesBadInputByLine(t *testing.T) {
	for input, says := range map[string]string{
		"":                                 "spikes.csv:1:1: expected the header line",
		"a,b\n":                            "spikes.csv:1:1: expected the header line",
		"time_us,neuron\n0,a\n1,c\n":       `spikes.csv:3:1: no neuron is named "c"`,
		"time_us,neuron\n-1,a\n":           `spikes.csv:2:1: time_us "-1"`,
		"time_us,neuron\n1.5,a\n":          `spikes.csv:2:1: time_us "1.5"`,
		"time_us,neuron\n1\n":              "spikes.csv:2:1: 1 columns",
		"time_us,neuron,weight\n1,a,x\n":   `spikes.csv:2:1: neuron a: weight "x"`,
		"time_us,neuron,weight\n1,a,1e9\n": "spikes.csv:2:1: neuron a: weight: 1e+09 units need more than 2^31 microseconds",
		"time_us,neuron\n1,\"a\n":          "spikes.csv:2:1: ",
	} {
		out, err := play(t, input, time.Second)
		var all configs.Errors
		if !errors.As(err, &all) || !strings.HasPrefix(err.Error(), says) || out != "" {
			t.Errorf("%q: wrote %q, %v; want %q", input, out, err, says)
		}
	}
}

func TestPlayWritesLearntWeights(t *testing.T) {
	text := strings.Replace(relay, "delay: 5ms}", "delay: 5ms, plastic: {window: 1ms, ltp: {rate: 2}}}", 1)
	var weights bytes.Buffer
	err := Play(context.Background(), parse(t, text, nil).Flat, PlayOptions{Input: strings.NewReader("time_us,neuron\n0,a\n"), Until: time.Second, Weights: &weights})
	want := "[\n {\n  \"synapse\": 0,\n  \"from\": \"a\",\n  \"to\": \"b[0]\",\n  \"weight\": 102\n },\n {\n  \"synapse\": 1,\n  \"from\": \"a\",\n  \"to\": \"b[1]\",\n  \"weight\": 60\n }\n]\n"
	if err != nil || weights.String() != want {
		t.Errorf("%s %v", weights.String(), err)
	}
}
