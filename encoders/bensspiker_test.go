package encoders_test

import (
	"math"
	"slices"
	"testing"

	"fluxd/core"
	"fluxd/encoders"
)

func bensSpiker(t *testing.T, length int, filter string, threshold encoders.Share) *encoders.BensSpiker {
	t.Helper()
	b, err := encoders.NewBensSpiker(&encoders.BensSpikerOpts{Range: lx(0, 1_000_000), Readings: length, Filter: filter,
		Threshold: threshold, Every: 10 * ms})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// filtered adds the impulse response of a filter for each spike, and returns the shares that a receiver makes of readings. The
// response begins with the first reading that the spike stands for.
func filtered(spikes []core.Tick, weights []float64, readings int) []float64 {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	made := make([]float64, readings+len(weights))
	for _, at := range spikes {
		for j, w := range weights {
			made[int(at/10_000)-len(weights)+1+j] += w / sum
		}
	}
	return made[:readings]
}

// A receiver with the filter makes the readings again, with an error of some percent of the range.
func TestBensSpikerIsReconstructed(t *testing.T) {
	const count = 3000
	slow := func(i int) float64 { return 0.5 + 0.4*math.Sin(2*math.Pi*float64(i)/250) }
	step := func(i int) float64 { return 0.2 + 0.6*float64(i/300%2) }
	for _, c := range []struct {
		story   string
		filter  string
		weights func(i int) float64
		signal  func(i int) float64
		most    float64 // RMS of the error
	}{
		{"a sine with a triangle", "triangle", func(i int) float64 { return float64(min(i+1, 16-i)) }, slow, 0.02},
		{"a sine with a box", "box", func(int) float64 { return 1 }, slow, 0.03},
		{"steps with a triangle", "triangle", func(i int) float64 { return float64(min(i+1, 16-i)) }, step, 0.06},
		{"a tenth with a triangle", "triangle", func(i int) float64 { return float64(min(i+1, 16-i)) },
			func(int) float64 { return 0.1 }, 0.01},
	} {
		b := bensSpiker(t, 16, c.filter, 900_000)
		var spikes []encoders.Arrival
		weights := make([]float64, 16)
		for i := range weights {
			weights[i] = c.weights(i)
		}
		for i := range count {
			spikes = b.Encode(core.Tick(i)*10_000, int64(c.signal(i)*1e6), spikes)
		}
		square := 0.0
		for i, got := range filtered(encoders.Ticks(spikes), weights, count)[50 : count-50] {
			square += (got - c.signal(i+50)) * (got - c.signal(i+50)) / (count - 100)
		}
		if rms := math.Sqrt(square); rms > c.most {
			t.Errorf("%s: error %.4f, want at most %.4f", c.story, rms, c.most)
		}
	}
}

func TestBensSpiker(t *testing.T) {
	for _, c := range []struct {
		story    string
		length   int
		readings []int64
		want     []string
	}{
		{"it begins when the filter is full", 3, []int64{1e6, 1e6, 1e6, 1e6}, []string{"", "", "*", "*"}},
		{"all of the range is a spike a reading", 1, []int64{1e6, 1e6, 1e6}, []string{"*", "*", "*"}},
		{"a box of two: half is every other reading", 2, []int64{500_000, 500_000, 500_000, 500_000, 500_000},
			[]string{"", "*", "", "*", ""}},
		{"nothing is silent", 2, []int64{0, -9, 0}, []string{"", "", ""}},
		{"a reading beyond the range counts as its end", 1, []int64{9e6}, []string{"*"}},
	} {
		if got := signs(bensSpiker(t, c.length, "box", 900_000), c.readings...); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.story, got, c.want)
		}
	}
}

// With the larger end first, near is more.
func TestBensSpikerOfAReversedRange(t *testing.T) {
	b, err := encoders.NewBensSpiker(&encoders.BensSpikerOpts{Range: lx(100, 0), Readings: 1, Filter: "box", Threshold: 900_000,
		Every: ms})
	if err != nil {
		t.Fatal(err)
	}
	if got := signs(b, 100, 0, 500, -5); !slices.Equal(got, []string{"", "*", "", "*"}) {
		t.Errorf("%q", got)
	}
}

// Tuning does not encode again what spikes stand for already.
func TestBensSpikerResumes(t *testing.T) {
	before, after := bensSpiker(t, 2, "box", 900_000), bensSpiker(t, 2, "box", 950_000)
	signs(before, 500_000, 500_000) // a spike for both
	after.Resume(before)
	if got := signs(after, 500_000, 500_000); !slices.Equal(got, []string{"", "*"}) {
		t.Errorf("%q", got)
	}
	longer := bensSpiker(t, 3, "box", 900_000)
	longer.Resume(before) // another filter has nothing to go on from
	if got := signs(longer, 1e6, 1e6, 1e6); !slices.Equal(got, []string{"", "", "*"}) {
		t.Errorf("%q", got)
	}
}

func TestBensSpikerIsChecked(t *testing.T) {
	good := encoders.BensSpikerOpts{Range: lx(0, 9), Readings: 16, Filter: "triangle", Threshold: 900_000, Every: ms}
	for story, c := range map[string]struct {
		wrong func(*encoders.BensSpikerOpts)
		opens bool
		want  string
	}{
		"good": {func(*encoders.BensSpikerOpts) {}, true, ""},
		"no interval": {func(o *encoders.BensSpikerOpts) { o.Every = 0 }, false,
			"readings: expected a sensor with every: a filter is for readings at even times"},
		"a range of nothing": {func(o *encoders.BensSpikerOpts) { o.Range = lx(5, 5) }, false,
			"range: expected two different readings"},
		"no filter":    {func(o *encoders.BensSpikerOpts) { o.Filter = "paper" }, false, ""},
		"no readings":  {func(o *encoders.BensSpikerOpts) { o.Readings = 0 }, false, ""},
		"too many":     {func(o *encoders.BensSpikerOpts) { o.Readings = 1025 }, false, ""},
		"no threshold": {func(o *encoders.BensSpikerOpts) { o.Threshold = 0 }, false, ""},
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
		if _, err := opts.Open(opts.Every); (err == nil) != c.opens {
			t.Errorf("%s: opened with %v", story, err)
		}
	}
	for key, want := range map[string][2]int64{"readings": {1, 1024}, "threshold": {1, 1_000_000}, "range[1]": {1, most}} {
		if low, high, ok := good.Limits(key); !ok || low != want[0] || high != want[1] {
			t.Errorf("%s from %d to %d (%v), want %d", key, low, high, ok, want)
		}
	}
}
