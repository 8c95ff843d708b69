package play

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fluxd/configs"
	"fluxd/configs/circuits"
	"fluxd/core"
)

var update = flag.Bool("update", false, "write the pictures in docs/mechanisms")

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
			opts := PlotOptions{Source: base + ".csv", Input: input, Until: 200 * time.Millisecond, Neurons: []string{"neuron"},
				Out: &drawn}
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
				t.Errorf("the picture is not what fluxd draws now (%v): make plots", err)
			}
			if !bytes.Contains(page, []byte(filepath.Base(base)+".svg")) {
				t.Error("docs/model.md does not show it")
			}
			if !strings.Contains(drawn.String(), `stroke="`+markSpike.colour) {
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

// followed runs a robot file's network and records its neuron "n" until a time in milliseconds.
func followed(t *testing.T, network, input string, until core.Tick) []panel {
	t.Helper()
	d := parse(t, "robot: plotted\nboard: {kind: sim}\nmqtt: {broker: none}\nnetwork:\n"+network)
	built, err := core.Build(d)
	if err != nil {
		t.Fatal(err)
	}
	index := circuits.Index(d)
	drawn, err := choose(d, index, []string{"n"})
	if err != nil {
		t.Fatal(err)
	}
	rec := newRecorder(d, drawn, built)
	if err := feedSpikes(rec, index, Options{Source: "in.csv", Input: strings.NewReader(input)}); err != nil {
		t.Fatal(err)
	}
	if err := rec.run(context.Background(), until*1000); err != nil {
		t.Fatal(err)
	}
	return rec.panels
}

// An arrival that fires lifts the level to the threshold or above, and then the level falls to 0, all at one time. The spikes of
// other neurons count with their weights; arrivals in the refractory period are shown as ignored.
func TestPlotShowsTheArrivalThatFires(t *testing.T) {
	p := followed(t, `
  neurons: {n: {threshold: 100, leak: 1000, floor: -50, refractory: 5ms}, a: {threshold: 1}}
  synapses: [{from: a, to: n, weight: 70, delay: 2ms}]
`, "time_us,neuron,weight\n10000,n,60\n18000,a,\n22000,n,60\n30000,n,-20\n40000,n,\n", 50)[0]

	if want := []core.Tick{20000, 40000}; !slices.Equal(p.spikes, want) {
		t.Fatalf("spikes at %v, want %v", p.spikes, want)
	}
	if len(p.fired) != 1 || p.fired[0].at != 20000 || math.Abs(p.fired[0].value-120) > 1e-9 {
		t.Errorf("fired at %+v, want 50 + 70 units at 20 ms; the electric arrival at 40 ms brings no water", p.fired)
	}
	var there []float64
	for _, s := range p.samples {
		if s.at == 20000 {
			there = append(there, math.Round(s.value))
		}
	}
	if want := []float64{50, 120, 0}; !slices.Equal(slices.Compact(there), want) {
		t.Errorf("levels at the spike %v, want %v", there, want)
	}
	want := []arrival{{at: 10000}, {at: 20000}, {at: 22000, ignored: true}, {at: 30000, inhibits: true}, {at: 40000}}
	if !slices.Equal(p.arrivals, want) {
		t.Errorf("arrivals %+v, want %+v", p.arrivals, want)
	}
}

// An arrival during a burst is ignored, even at the very time of one of its spikes.
func TestPlotShowsWhatABurstIgnores(t *testing.T) {
	p := followed(t, `
  neurons: {n: {threshold: 100, leak: 1000, refractory: 5ms, burst: {overshoot: 30, interval: 5ms}}}
`, "time_us,neuron,weight\n10000,n,165\n15000,n,400\n", 50)[0]
	if want := []core.Tick{10000, 15000, 20000}; !slices.Equal(p.spikes, want) {
		t.Fatalf("spikes at %v, want %v", p.spikes, want)
	}
	if want := []arrival{{at: 10000}, {at: 15000, ignored: true}}; len(p.fired) != 1 || !slices.Equal(p.arrivals, want) {
		t.Errorf("fired at %+v, arrivals %+v, want one that fires and one that is ignored", p.fired, p.arrivals)
	}
}

// A modulator arrival is marked at the neuron and at the plastic synapses that it rewards. A plastic synapse pours what it
// delivers when it arrives, before the spike changes it.
func TestPlotShowsRewards(t *testing.T) {
	panels := followed(t, `
  neurons: {n: {threshold: 100, leak: 0}, a: {threshold: 1}, joy: {threshold: 1}}
  synapses:
    - {from: a, to: n, weight: 100, plastic: {window: 20ms, stp: {rate: 10, unpaired: 0, recovery: 0, max: none}, ltp: {consolidation: 5}}}
    - {from: joy, to: n, kind: modulator, weight: 2}
`, "time_us,neuron\n1000,a\n11000,a\n20000,joy\n", 30)
	neuron, synapse := panels[0], panels[1]
	if len(neuron.fired) != 2 || neuron.fired[0].value != 100 || neuron.fired[1].value != 110 {
		t.Errorf("fired at %+v, want levels of 100 and 110", neuron.fired)
	}
	if want := []core.Tick{21000}; !slices.Equal(neuron.modulators, want) || !slices.Equal(synapse.modulators, want) {
		t.Errorf("modulators at %v and %v, want %v", neuron.modulators, synapse.modulators, want)
	}
	if len(synapse.arrivals) != 2 || len(synapse.spikes) != 0 {
		t.Errorf("at the synapse: arrivals %v, spikes %v", synapse.arrivals, synapse.spikes)
	}
	if end := synapse.samples[len(synapse.samples)-1]; end.line != 110 || end.value != 120 {
		t.Errorf("weights at the end %+v, want 110 lasting, 120 with the short-term part", end)
	}
}

// The legend explains what is drawn and nothing else. No two of its entries but those of arrivals share a colour.
func TestLegend(t *testing.T) {
	if got := legend([]panel{{spikes: []core.Tick{1}}}); strings.Count(got, "<tspan") != 3 || strings.Contains(got, "weight") {
		t.Errorf("legend of a neuron that only spikes: %s", got)
	}
	all := []panel{
		{spikes: []core.Tick{1}, modulators: []core.Tick{1}, arrivals: []arrival{{}, {inhibits: true}, {ignored: true}}},
		{synapse: true},
	}
	colours := map[string]bool{}
	for _, entry := range strings.Split(legend(all), "&#160;") {
		_, colour, _ := strings.Cut(entry, `fill="`)
		if colour = colour[:7]; colours[colour] && colour != markArrival.colour {
			t.Errorf("%s has a second meaning: %s", colour, entry)
		}
		colours[colour] = true
	}
	if len(colours) != 7 {
		t.Errorf("%d colours in %s", len(colours), legend(all))
	}
}

// A line keeps its corners, and of many points in one place those that can be seen.
func TestPathOf(t *testing.T) {
	for _, one := range []struct {
		name string
		in   []point
		want string
	}{
		{"a straight line", []point{{0, 0}, {1, 1}, {2, 2}, {9, 9}}, "M0.0 0.0L9.0 9.0"},
		{"a step", []point{{0, 5}, {4, 5}, {4, 1}, {9, 1}}, "M0.0 5.0L4.0 5.0L4.0 1.0L9.0 1.0"},
		{"up and down in one place", []point{{0, 0}, {4, 0}, {4, 7}, {4, 0}, {9, 0}}, "M0.0 0.0L4.0 0.0L4.0 7.0L4.0 0.0L9.0 0.0"},
	} {
		if got := pathOf(one.in); got != one.want {
			t.Errorf("%s: %s, want %s", one.name, got, one.want)
		}
	}
	crowd := []point{{0, 0}}
	for i := range 1000 {
		crowd = append(crowd, point{4, float64(i % 8)})
	}
	if got, want := pathOf(append(crowd, point{9, 0})), "M0.0 0.0L4.0 0.0L4.0 7.0L9.0 0.0"; got != want {
		t.Errorf("a thousand points in one place: %s, want %s", got, want)
	}
}
