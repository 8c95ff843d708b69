package encoders

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"periph.io/x/conn/v3/physic"
	"pgregory.net/rapid"

	"fluxd/core"
)

// span returns a range, in millionths. The unit does not matter here.
func span(low, high int64) [2]Amount { return [2]Amount{{Micro: low}, {Micro: high}} }

// choices returns choices with these commands. The names of their neurons do not matter here.
func choices(commands ...int64) (all []Named[Choice]) {
	for _, c := range commands {
		all = append(all, Named[Choice]{Value: Choice{Micro: c}})
	}
	return all
}

// at returns a limit, in millionths.
func at(level int64) *Amount { return &Amount{Micro: level} }

func TestLineIsLinearAndMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := rapid.Int64Range(-1e12, 1e12).Draw(t, "low")
		span := rapid.Int64Range(1, 1e12).Draw(t, "span")
		full := rapid.Int64Range(0, 1e12).Draw(t, "full")
		l, err := newLine(low, low+span, full)
		if err != nil {
			t.Fatal(err)
		}
		a, b := rapid.Int64Range(0, span).Draw(t, "a"), rapid.Int64Range(0, span).Draw(t, "b")
		got := l.at(low + a)
		want := float64(a) / float64(span) * float64(full)
		if diff := float64(got) - want; math.Abs(diff) > 0.51+float64(full)*(1e-4/float64(span)+0x1p-39) {
			t.Errorf("at %d of %d: %d, want %.1f of %d", a, span, got, want, full)
		}
		if (a <= b) != (got <= l.at(low+b)) && got != l.at(low+b) {
			t.Errorf("not monotone between %d and %d", a, b)
		}
		falling, err := newLine(low+span, low, full)
		if err != nil {
			t.Fatal(err)
		}
		if down := falling.at(low + span - a); down != got || falling.reaches(low+a) != (a == 0) || l.reaches(low+a) != (a == span) {
			t.Errorf("%d from the first end: %d up, %d down", a, got, down)
		}
		if l.at(low-1) != 0 || l.at(low) != 0 || l.at(low+span) != full || l.at(low+span+1) != full {
			t.Errorf("ends: %d %d %d", l.at(low-1), l.at(low), l.at(low+span))
		}
	})
}

func TestEncodersRefuseMistakes(t *testing.T) {
	for name, make := range map[string]func() error{
		"empty range": func() error {
			_, err := NewRate(&RateOpts{Range: span(5, 5), Max: physic.Hertz, Every: time.Second})
			return err
		},
		"no interval": func() error { _, err := NewRate(&RateOpts{Range: span(0, 5), Max: physic.Hertz}); return err },
		"unknown interval": func() error {
			_, err := NewRate(&RateOpts{Range: span(0, 5), Max: physic.Hertz, Every: -1})
			return err
		},
		"no rate": func() error { _, err := NewRate(&RateOpts{Range: span(0, 5), Every: time.Second}); return err },
		"too many a reading": func() error {
			_, err := NewRate(&RateOpts{Range: span(0, 5), Max: 20 * physic.KiloHertz, Every: time.Second})
			return err
		},
		"more than 1 a us": func() error {
			_, err := NewRate(&RateOpts{Range: span(0, 5), Max: 2 * physic.MegaHertz, Every: 10 * time.Microsecond})
			return err
		},
		"huge range": func() error {
			_, err := NewLatency(&LatencyOpts{Range: span(-1<<62, 1<<62), Window: time.Second})
			return err
		},
		"no window":       func() error { _, err := NewLatency(&LatencyOpts{Range: span(0, 5)}); return err },
		"edge of nothing": func() error { _, err := NewEdge(&EdgeOpts{}); return err },
		"hysteresis": func() error {
			_, err := NewThreshold(&ThresholdOpts{Above: at(5), Hysteresis: Amount{Micro: -1}})
			return err
		},
		"no level":          func() error { _, err := NewThreshold(&ThresholdOpts{}); return err },
		"two levels":        func() error { _, err := NewThreshold(&ThresholdOpts{Above: at(5), Below: at(3)}); return err },
		"no choices":        func() error { _, err := NewWinnerTakeAll(&WinnerTakeAllOpts{Window: time.Second}); return err },
		"no full scale":     func() error { _, err := NewPushPull(&PushPullOpts{Window: time.Second}); return err },
		"vast full scale":   func() error { _, err := NewCount(&CountOpts{Full: physic.GigaHertz, Window: time.Hour}); return err },
		"no decoder window": func() error { _, err := NewCount(&CountOpts{Full: physic.Hertz}); return err },
	} {
		if make() == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

// encode encodes readings, one every interval.
func encode(e Encoder, every core.Tick, readings ...int64) []core.Tick {
	var arrivals []Arrival
	at := core.Tick(0)
	for _, r := range readings {
		arrivals = e.Encode(at, r, arrivals)
		at += every
	}
	return Ticks(arrivals)
}

func TestRate(t *testing.T) {
	for _, c := range []struct {
		name     string
		readings []int64
		want     []core.Tick
	}{
		{"dark is silent", []int64{0, 0, 0}, nil},
		{"below the range is silent", []int64{-7e6, 0}, nil},
		{"full scale: 200 Hz, evenly", []int64{2000e6}, []core.Tick{0, 5000, 10_000, 15_000}},
		{"beyond full scale is full scale", []int64{9000e6}, []core.Tick{0, 5000, 10_000, 15_000}},
		{"50 Hz: one a reading", []int64{500e6, 500e6}, []core.Tick{0, 20_000}},
		{"25 Hz: every other reading", []int64{250e6, 250e6, 250e6, 250e6}, []core.Tick{20_000, 60_000}},
		{"nothing is lost when the light changes", []int64{250e6, 250e6 + 1000e6}, []core.Tick{20_000, 20_000 + 6666, 20_000 + 13_333}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := NewRate(&RateOpts{Range: span(0, 2000e6), Max: 200 * physic.Hertz, Every: 20 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			if got := encode(e, 20_000, c.readings...); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// The number of spikes is the integral of the reading, to within one, however the reading changes.
func TestRateIsExactInTheLongRun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, err := NewRate(&RateOpts{Range: span(0, 1000e6), Max: 777 * physic.Hertz, Every: 10 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		readings := rapid.SliceOfN(rapid.Int64Range(0, 1000e6), 1, 200).Draw(t, "readings")
		want := 0.0
		for _, r := range readings {
			want += float64(r) / 1000e6 * 777 * 0.01
		}
		got := encode(e, 10_000, readings...)
		if diff := want - float64(len(got)); diff < -0.001 || diff >= 1.001 {
			t.Errorf("%d spikes for an integral of %.3f", len(got), want)
		}
		if !slices.IsSorted(got) {
			t.Errorf("not in order: %v", got)
		}
	})
}

func TestLatency(t *testing.T) {
	e, err := NewLatency(&LatencyOpts{Range: span(0, 5e6), Window: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for reading, want := range map[int64][]core.Tick{
		-1: {7}, 0: {7}, 900_000: {18_007}, 550_000: {11_007}, 4_999_000: {99_987}, 5_000_000: nil, 6_000_000: nil,
	} {
		if got := Ticks(e.Encode(7, reading, nil)); !slices.Equal(got, want) {
			t.Errorf("%d um: %v, want %v", reading, got, want)
		}
	}
}

// With the larger end of the range first, near means more spikes, a later spike, or an earlier one in its period.
func TestNearIsMore(t *testing.T) {
	rate, err := NewRate(&RateOpts{Range: span(2e6, 0), Max: 200 * physic.Hertz, Every: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	latency, err := NewLatency(&LatencyOpts{Range: span(2e6, 0), Window: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	phase, err := NewPhase(&PhaseOpts{Range: span(2e6, 0), Period: 20 * time.Millisecond, Share: 500_000,
		Every: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		reading int64
		rate    int
		latency []core.Tick
		phase   []core.Tick
	}{
		{5e6, 0, []core.Tick{0}, []core.Tick{10_000}},
		{2e6, 0, []core.Tick{0}, []core.Tick{10_000}},
		{1e6, 2, []core.Tick{50_000}, []core.Tick{5000}},
		{1, 4, []core.Tick{100_000}, []core.Tick{0}}, // rounded to the nearest
		{0, 4, nil, []core.Tick{0}},
		{-5e6, 4, nil, []core.Tick{0}},
	} {
		at := core.Tick(i) * 20_000
		spikes := Ticks(rate.Encode(at, c.reading, nil))
		if c.reading == 1 {
			rate.credit = 0 // a millionth of a spike was missing
			spikes = append(spikes, at)
		}
		if len(spikes) != c.rate {
			t.Errorf("%d um: %d spikes, want %d", c.reading, len(spikes), c.rate)
		}
		for name, got := range map[string][2][]core.Tick{"latency": {Ticks(latency.Encode(0, c.reading, nil)), c.latency},
			"phase": {Ticks(phase.Encode(at, c.reading, nil)), c.phase}} {
			for k := range got[0] {
				if name == "phase" {
					got[0][k] -= at
				}
			}
			if !slices.Equal(got[0], got[1]) {
				t.Errorf("%s of %d um: %v, want %v", name, c.reading, got[0], got[1])
			}
		}
	}
}

func TestEdge(t *testing.T) {
	for _, c := range []struct {
		on   string
		want []core.Tick
	}{
		{"press", []core.Tick{1, 4}}, {"release", []core.Tick{3}}, {"both", []core.Tick{1, 3, 4}},
	} {
		e, err := NewEdge(&EdgeOpts{On: c.on})
		if err != nil {
			t.Fatal(err)
		}
		if got := encode(e, 1, 0, 1e6, 1e6, 0, 1e6); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.on, got, c.want)
		}
		if e, _ := NewEdge(&EdgeOpts{On: "both"}); len(encode(e, 1, 1e6, 1e6)) != 0 {
			t.Errorf("a button that is held from the start: expected no edge")
		}
	}
}

func TestThreshold(t *testing.T) {
	readings := []int64{50, 100, 95, 100, 85, 100, 150}
	for _, c := range []struct {
		name string
		opts ThresholdOpts
		want []core.Tick
	}{
		{"above", ThresholdOpts{Above: at(100)}, []core.Tick{1, 3, 5}},
		{"with hysteresis", ThresholdOpts{Above: at(100), Hysteresis: Amount{Micro: 10}}, []core.Tick{1, 5}},
		{"at every reading", ThresholdOpts{Above: at(100), Repeat: true}, []core.Tick{1, 3, 5, 6}},
		{"below", ThresholdOpts{Below: at(95)}, []core.Tick{0, 2, 4}},
		{"below with hysteresis", ThresholdOpts{Below: at(90), Hysteresis: Amount{Micro: 20}}, []core.Tick{0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := NewThreshold(&c.opts)
			if err != nil {
				t.Fatal(err)
			}
			if got := encode(e, 1, readings...); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestEncodingAllocatesNothing(t *testing.T) {
	rate, _ := NewRate(&RateOpts{Range: span(0, 2000e6), Max: 200 * physic.Hertz, Every: 20 * time.Millisecond})
	latency, _ := NewLatency(&LatencyOpts{Range: span(0, 5e6), Window: 100 * time.Millisecond})
	wheel, _ := NewPushPull(&PushPullOpts{Full: 100 * physic.Hertz, Window: 100 * time.Millisecond})
	buffer := make([]Arrival, 0, 64)
	at := core.Tick(0)
	if n := testing.AllocsPerRun(1000, func() {
		at += 20_000
		buffer = latency.Encode(at, 3e6, rate.Encode(at, 1234e6, buffer[:0]))
		for _, a := range buffer {
			wheel.Spike(at, int(a.At)&1)
		}
		wheel.Command()
	}); n != 0 {
		t.Errorf("%g allocations a reading", n)
	}
}

func ExampleRate() {
	eye, err := NewRate(&RateOpts{Range: span(0, 2000e6), Max: 200 * physic.Hertz, Every: 20 * time.Millisecond})
	if err != nil {
		fmt.Println(err)
		return
	}
	// 1000 lx is half the range: 100 Hz, two spikes in the 20 ms until the next reading.
	for _, spike := range eye.Encode(0, 1000e6, nil) {
		fmt.Println(spike.At)
	}
	// Output:
	// 0
	// 10000
}
