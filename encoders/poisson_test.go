package encoders_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/core"
	"fluxd/encoders"
)

func poisson(t *testing.T, opts encoders.PoissonOpts) *encoders.Poisson {
	t.Helper()
	if opts.Range == (encoders.RateOpts{}).Range {
		opts.Range = lx(0, 100)
	}
	p, err := encoders.NewPoisson(&opts)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The spikes of a steady reading are a Poisson process: mean, spread of counts and of intervals are those of theory, to within
// four of their standard deviations for so many spikes.
func TestPoissonProcess(t *testing.T) {
	for _, c := range []struct {
		story   string
		max     physic.Frequency
		every   time.Duration
		reading int64
		rate    float64 // spikes a second
	}{
		{"all", 200 * physic.Hertz, 20 * ms, 100, 200},
		{"half", 200 * physic.Hertz, 20 * ms, 50, 100},
		{"a little", 200 * physic.Hertz, 20 * ms, 3, 6},
		{"seldom a spike in a reading", 2 * physic.Hertz, ms, 100, 2},
		{"as fast as can be", 100 * physic.KiloHertz, 5 * ms, 100, 100_000},
		{"beyond the range", 200 * physic.Hertz, 20 * ms, 1000, 200},
	} {
		p := poisson(t, encoders.PoissonOpts{Max: c.max, Every: c.every})
		p.Reseed(1, c.story)
		every, spikes := core.Tick(c.every.Microseconds()), []encoders.Arrival(nil)
		length := core.Tick(20_000 / c.rate * 1e6) // for 20,000 spikes
		at := core.Tick(0)
		for ; at < length; at += every {
			before := len(spikes)
			spikes = p.Encode(at, c.reading, spikes)
			for _, s := range spikes[before:] {
				if s.At < at || s.At >= at+every {
					t.Fatalf("%s: a spike at %d for a reading at %d", c.story, s.At, at)
				}
			}
		}
		ticks := encoders.Ticks(spikes)
		if !slices.IsSorted(ticks) {
			t.Errorf("%s: not in order", c.story)
		}
		want := c.rate * float64(at) / 1e6
		if far := (float64(len(ticks)) - want) / math.Sqrt(want); math.Abs(far) > 4 {
			t.Errorf("%s: %d spikes, want %.0f: %.1f standard deviations", c.story, len(ticks), want, far)
		}
		// The intervals: mean and standard deviation are the same for exponential ones.
		mean, square := 0.0, 0.0
		for i := range ticks[1:] {
			d := float64(ticks[i+1] - ticks[i])
			mean += d
			square += d * d
		}
		n := float64(len(ticks) - 1)
		mean /= n
		if variation := math.Sqrt(square/n-mean*mean) / mean; math.Abs(variation-1) > 4/math.Sqrt(n) && c.rate < 1e5 {
			t.Errorf("%s: coefficient of variation %.3f, want 1", c.story, variation)
		}
		// The counts in pieces that hold ten spikes on average: their variance is their mean.
		piece := core.Tick(10 / c.rate * 1e6)
		counts := make([]float64, at/piece)
		for _, tick := range ticks {
			if i := int(tick / piece); i < len(counts) {
				counts[i]++
			}
		}
		mean, square = 0, 0
		for _, k := range counts {
			mean += k
			square += k * k
		}
		n = float64(len(counts))
		mean /= n
		if fano := (square/n - mean*mean) / mean; math.Abs(fano-1) > 4*math.Sqrt(2/n) {
			t.Errorf("%s: Fano factor %.3f, want 1", c.story, fano)
		}
	}
}

func TestPoissonIsSilentBelowTheRange(t *testing.T) {
	p := poisson(t, encoders.PoissonOpts{Max: physic.KiloHertz, Every: time.Second, Range: lx(100, 0)})
	for at, reading := range []int64{100, 1000} {
		if got := p.Encode(core.Tick(at)*1e6, reading, nil); len(got) != 0 {
			t.Errorf("%d: %d spikes", reading, len(got))
		}
	}
	if got := p.Encode(2e6, 0, nil); len(got) < 800 {
		t.Errorf("near: %d spikes", len(got))
	}
}

// The spikes depend on the seeds and the name of the sensor, and on nothing else.
func TestPoissonSeeds(t *testing.T) {
	spikes := func(seed int, network uint64, name string) []core.Tick {
		var p encoders.Random = poisson(t, encoders.PoissonOpts{Max: physic.KiloHertz, Seed: seed, Every: 100 * ms})
		p.Encode(0, 100, nil)
		p.Reseed(network, name)
		return encoders.Ticks(p.Encode(0, 100, nil))
	}
	first := spikes(0, 1, "eye")
	if !slices.Equal(first, spikes(0, 1, "eye")) {
		t.Error("the same seeds and name have other spikes")
	}
	for story, other := range map[string][]core.Tick{"seed": spikes(1, 1, "eye"), "negative seed": spikes(-1, 1, "eye"),
		"network": spikes(0, 2, "eye"), "name": spikes(0, 1, "ear")} {
		if slices.Equal(first, other) {
			t.Errorf("another %s has the same spikes", story)
		}
	}
	// The same on every machine, and from one version to the next.
	if want := []core.Tick{2416, 2865, 2973, 5045}; !slices.Equal(first[:4], want) {
		t.Errorf("spikes at %v, want %v", first[:4], want)
	}
}

// After a change, the random numbers go on: spikes do not repeat.
func TestPoissonResumes(t *testing.T) {
	before, after := poisson(t, encoders.PoissonOpts{Max: physic.KiloHertz, Every: 100 * ms}),
		poisson(t, encoders.PoissonOpts{Max: physic.KiloHertz, Every: 100 * ms})
	first := encoders.Ticks(before.Encode(0, 100, nil))
	after.Resume(before)
	second := encoders.Ticks(after.Encode(100_000, 100, nil))
	for i := range second {
		second[i] -= 100_000
	}
	if len(second) < 50 || slices.Equal(first, second) {
		t.Errorf("%d spikes, then the same", len(second))
	}
}

func TestPoissonIsChecked(t *testing.T) {
	const paced = "max: expected a sensor with every: a reading makes all spikes until the next reading"
	for _, c := range []struct {
		story string
		opts  encoders.PoissonOpts
		want  string
	}{
		{"good", encoders.PoissonOpts{Range: lx(0, 9), Max: physic.KiloHertz, Every: time.Second}, ""},
		{"5000 spikes a reading", encoders.PoissonOpts{Range: lx(0, 9), Max: 5 * physic.KiloHertz, Every: time.Second}, ""},
		{"more", encoders.PoissonOpts{Range: lx(0, 9), Max: 6 * physic.KiloHertz, Every: time.Second},
			"max: 6kHz: expected at most 100kHz, and 5000 spikes a reading"},
		{"too fast", encoders.PoissonOpts{Range: lx(0, 9), Max: physic.MegaHertz, Every: us},
			"max: 1MHz: expected at most 100kHz, and 5000 spikes a reading"},
		{"no interval", encoders.PoissonOpts{Range: lx(0, 9), Max: physic.Hertz}, paced},
		{"a range of nothing", encoders.PoissonOpts{Range: lx(9, 9), Max: physic.Hertz, Every: ms},
			"range: expected two different readings"},
	} {
		got := ""
		for _, m := range c.opts.Check() {
			got += m.Key + ": " + m.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.story, got, c.want)
		}
		if _, err := c.opts.Open(c.opts.Every); (err == nil) != (c.want == "") {
			t.Errorf("%s: opened with %v", c.story, err)
		}
	}
	for story, opts := range map[string]encoders.PoissonOpts{"no rate": {Range: lx(0, 9), Every: ms},
		"an interval that is not known": {Range: lx(0, 9), Max: physic.Hertz, Every: -1}} {
		if _, err := encoders.NewPoisson(&opts); err == nil {
			t.Errorf("%s: opened", story)
		}
	}
	opts := encoders.PoissonOpts{Range: lx(0, 9), Max: physic.KiloHertz, Every: time.Second}
	if low, high, ok := opts.Limits("max"); !ok || low != 1 || high != int64(5*physic.KiloHertz) {
		t.Errorf("max from %d to %d (%v)", low, high, ok)
	}
	if got := opts.LongestEvery(); got != 5*time.Second {
		t.Errorf("readings %v apart at most", got)
	}
}
