package encoders_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"periph.io/x/conn/v3/physic"
	"pgregory.net/rapid"

	"fluxd/core"
	"fluxd/encoders"
)

func population(t *testing.T, opts encoders.PopulationOpts) *encoders.Population {
	t.Helper()
	opts.Every = 20 * ms
	if opts.Places == "" {
		opts.Places = "linear"
	}
	p, err := encoders.NewPopulation(&opts)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// perNeuron counts the spikes of each neuron.
func perNeuron(arrivals []encoders.Arrival, neurons int) []int {
	all := make([]int, neurons)
	for _, a := range arrivals {
		all[a.Input]++
	}
	return all
}

// Rates of five neurons at 0, 25, 50, 75 and 100, over a second.
func TestPopulationRates(t *testing.T) {
	for _, c := range []struct {
		story   string
		of      [2]encoders.Amount
		reading int64
		want    []int
	}{
		{"at a place, its neuron has the whole rate", lx(0, 100), 50, []int{0, 0, 100, 0, 0}},
		{"half-way, two share it", lx(0, 100), 0 + 25/2, []int{52, 48, 0, 0, 0}}, // 12 is 0.48 of the way
		{"near a place, its neighbour has little", lx(0, 100), 74, []int{0, 0, 4, 96, 0}},
		{"at the first end", lx(0, 100), 0, []int{100, 0, 0, 0, 0}},
		{"below it", lx(0, 100), -9999, []int{100, 0, 0, 0, 0}},
		{"at the last end", lx(0, 100), 100, []int{0, 0, 0, 0, 100}},
		{"beyond it", lx(0, 100), math.MaxInt64, []int{0, 0, 0, 0, 100}},
		{"reversed: the first neuron is for the most", lx(100, 0), 74, []int{0, 96, 4, 0, 0}},
	} {
		p := population(t, encoders.PopulationOpts{Range: c.of, Strength: "rate", Max: 100 * physic.Hertz, Inputs: 5})
		var all []encoders.Arrival
		for i := range core.Tick(50) {
			for _, a := range p.Encode(i*20_000, c.reading, nil) {
				all = append(all, a)
				if a.At < i*20_000 || a.At >= (i+1)*20_000 {
					t.Errorf("%s: spike at %d for a reading at %d", c.story, a.At, i*20_000)
				}
			}
		}
		got := perNeuron(all, 5)
		for i := range got {
			if got[i] < c.want[i]-1 || got[i] > c.want[i] { // a part of a spike is still to come
				t.Errorf("%s: %d spikes, want %d", c.story, got, c.want)
				break
			}
		}
	}
}

func TestPopulationLatencies(t *testing.T) {
	p := population(t, encoders.PopulationOpts{Range: lx(0, 100), Strength: "latency", Window: 10 * ms, Inputs: 3})
	for reading, want := range map[int64][]encoders.Arrival{
		50: {{At: 7, Input: 1}}, // the others are silent
		60: {{At: 7 + 2000, Input: 1}, {At: 7 + 8000, Input: 2}},
		25: {{At: 7 + 5000, Input: 0}, {At: 7 + 5000, Input: 1}},
		-5: {{At: 7, Input: 0}},
	} {
		if got := p.Encode(7, reading, nil); !slices.Equal(got, want) {
			t.Errorf("%d: %v, want %v", reading, got, want)
		}
	}
}

// With a least field of 0.25, bins overlap: of three neurons there are five combinations. From 0.5 on, each reading has one.
func TestPopulationBins(t *testing.T) {
	p := population(t, encoders.PopulationOpts{Range: lx(0, 200), Strength: "spike", Least: 250_000, Inputs: 3})
	for reading, want := range map[int64][]int{0: {1, 0, 0}, 24: {1, 0, 0}, 25: {1, 1, 0}, 75: {1, 1, 0}, 76: {0, 1, 0},
		124: {0, 1, 0},
		125: {0, 1, 1}, 175: {0, 1, 1}, 176: {0, 0, 1}, 500: {0, 0, 1}} {
		if got := perNeuron(p.Encode(0, reading, nil), 3); !slices.Equal(got, want) {
			t.Errorf("%d: %d, want %d", reading, got, want)
		}
	}
	single := population(t, encoders.PopulationOpts{Range: lx(0, 200), Strength: "spike", Least: 500_001, Inputs: 3})
	for reading := range int64(201) {
		if got := len(single.Encode(0, reading, nil)); got > 1 || got == 0 && reading%100 != 50 {
			t.Errorf("%d: %d spikes", reading, got)
		}
	}
}

// Logarithmic places have even ratios: here each is ten times the one before.
func TestPopulationPlaces(t *testing.T) {
	for _, c := range []struct {
		of     [2]encoders.Amount
		places string
		want   []int64
	}{
		{lx(10, 100_000), "logarithmic", []int64{10, 100, 1000, 10_000, 100_000}},
		{lx(100_000, 10), "logarithmic", []int64{100_000, 10_000, 1000, 100, 10}},
		{lx(10, 100_000), "linear", []int64{10, 25_007, 50_005, 75_002, 100_000}},
		{lx(-8, 8), "linear", []int64{-8, -4, 0, 4, 8}},
	} {
		p := population(t, encoders.PopulationOpts{Range: c.of, Places: c.places, Strength: "latency", Window: ms, Inputs: 5})
		for i, place := range c.want {
			if got := p.Encode(0, place, nil); !slices.Equal(got, []encoders.Arrival{{At: 0, Input: i}}) {
				t.Errorf("%s over %v: %d: %v, want a spike of neuron %d at once", c.places, c.of, place, got, i)
			}
		}
	}
}

// Whatever the places, the fields of two neighbours sum to 1: the total rate is that of one neuron at its place.
func TestPopulationFieldsSumToOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		opts := encoders.PopulationOpts{Range: lx(rapid.Int64Range(1000, 2000).Draw(t, "low"),
			rapid.Int64Range(3000, 1e9).Draw(t, "high")),
			Strength: "rate", Max: 500 * physic.Hertz, Every: 20 * ms, Inputs: rapid.IntRange(2, 50).Draw(t, "neurons"),
			Places: rapid.SampledFrom([]string{"linear", "logarithmic"}).Draw(t, "places")}
		if rapid.Bool().Draw(t, "reversed") {
			opts.Range[0], opts.Range[1] = opts.Range[1], opts.Range[0]
		}
		p, err := encoders.NewPopulation(&opts)
		if err != nil {
			t.Fatal(err)
		}
		reading, count := rapid.Int64Range(-10, 2e9).Draw(t, "reading"), 0
		seen := map[int]bool{}
		for i := range core.Tick(100) {
			for _, a := range p.Encode(i*20_000, reading, nil) {
				seen[a.Input] = true
				count++
			}
		}
		if count < 998 || count > 1000 || len(seen) > 2 {
			t.Errorf("%d spikes of %d neurons in 2 s, want 1000 of at most 2", count, len(seen))
		}
	})
}

func TestPopulationIsChecked(t *testing.T) {
	good := encoders.PopulationOpts{Range: lx(5, 100), Places: "linear", Strength: "rate", Max: physic.Hertz, Every: ms, Inputs: 3}
	for story, c := range map[string]struct {
		wrong func(*encoders.PopulationOpts)
		want  string
	}{
		"good":       {func(*encoders.PopulationOpts) {}, ""},
		"one neuron": {func(o *encoders.PopulationOpts) { o.Inputs = 1 }, "to: expected 2 to 1000 neurons, got 1"},
		"a rate of a sensor without every": {func(o *encoders.PopulationOpts) { o.Every = 0 },
			"max: expected a sensor with every: a rate spreads its spikes over the time to the next reading"},
		"latencies of a sensor without every": {func(o *encoders.PopulationOpts) {
			o.Every, o.Strength, o.Window = 0, "latency",
				ms
		}, ""},
		"no window": {func(o *encoders.PopulationOpts) { o.Strength = "latency" },
			"window: 0s: expected at least 1µs"},
		"ratios from 0": {func(o *encoders.PopulationOpts) { o.Places, o.Range = "logarithmic", lx(0, 100) },
			"range: logarithmic places have even ratios: expected both ends above 0"},
		"a range of nothing": {func(o *encoders.PopulationOpts) { o.Range = lx(5, 5) }, "range: expected two different readings"},
	} {
		opts := good
		c.wrong(&opts)
		got := ""
		for _, m := range opts.Check() {
			got += m.Key + ": " + m.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", story, got, c.want)
		}
		if _, err := opts.Open(opts.Every); (err == nil) != (c.want == "") {
			t.Errorf("%s: opened with %v", story, err)
		}
	}
	for story, wrong := range map[string]func(*encoders.PopulationOpts){
		"an unknown number of neurons": func(o *encoders.PopulationOpts) { o.Inputs = 0 },
		"an unknown strength":          func(o *encoders.PopulationOpts) { o.Strength = "colour" },
		"an interval not known":        func(o *encoders.PopulationOpts) { o.Every = -1 },
		"no least field":               func(o *encoders.PopulationOpts) { o.Strength, o.Least = "spike", 0 },
		"more places than readings":    func(o *encoders.PopulationOpts) { o.Inputs = 200 },
	} {
		opts := good
		wrong(&opts)
		if _, err := encoders.NewPopulation(&opts); err == nil {
			t.Errorf("%s: opened", story)
		}
	}
	logarithmic := good
	logarithmic.Places = "logarithmic"
	for _, c := range []struct {
		opts      *encoders.PopulationOpts
		key       string
		low, high int64
	}{{&good, "range[0]", -most, 99}, {&logarithmic, "range[0]", 1, 99}, {&good, "max", 1, int64(physic.MegaHertz)},
		{&good, "least", 1, 1_000_000}, {&good, "window", int64(us), int64(time.Minute)}} {
		if low, high, ok := c.opts.Limits(c.key); !ok || low != c.low || high != c.high {
			t.Errorf("%s from %d to %d (%v), want %d to %d", c.key, low, high, ok, c.low, c.high)
		}
	}
	latency := encoders.PopulationOpts{Strength: "latency"}
	if good.LongestEvery() != 10_000*time.Second || latency.LongestEvery() < time.Hour {
		t.Errorf("readings %v and %v apart at most", good.LongestEvery(), latency.LongestEvery())
	}
}

// A change of the rate loses no part of a spike.
func TestPopulationResumes(t *testing.T) {
	made := func(max physic.Frequency) *encoders.Population {
		return population(t, encoders.PopulationOpts{Range: lx(0, 100), Strength: "rate", Max: max, Inputs: 2})
	}
	before, after := made(25*physic.Hertz), made(50*physic.Hertz)
	if got := before.Encode(0, 0, nil); len(got) != 0 { // half a spike
		t.Errorf("%v", got)
	}
	after.Resume(before)
	if got := after.Encode(20_000, 50, nil); !slices.Equal(got, []encoders.Arrival{{At: 20_000, Input: 0}}) {
		t.Errorf("%v: expected the second half of neuron 0, and half a spike of neuron 1 to be kept", got)
	}
}

func ExamplePopulation() {
	// Three neurons at 0, 50 and 100 lx.
	eye, err := encoders.NewPopulation(&encoders.PopulationOpts{Range: [2]encoders.Amount{{0, "lx"}, {100e6, "lx"}},
		Places:   "linear",
		Strength: "latency", Window: 10 * time.Millisecond, Inputs: 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, spike := range eye.Encode(0, 60e6, nil) {
		fmt.Println("neuron", spike.Input, "after", spike.At, "us")
	}
	// Output:
	// neuron 1 after 2000 us
	// neuron 2 after 8000 us
}
