package encoders_test

import (
	"errors"
	"fluxd/options"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fluxd/core"
	"fluxd/encoders"
)

// phase makes an encoder of 0 to 100 millionths of a lux over the first half of each period.
func phase(t *testing.T, every, period time.Duration) *encoders.Phase {
	t.Helper()
	p, err := encoders.NewPhase(&encoders.PhaseOpts{Range: lx(0, 100), Period: period, Share: 500_000, Every: every})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPhase(t *testing.T) {
	type reading struct {
		at    core.Tick
		value int64
	}
	for _, c := range []struct {
		story         string
		every, period time.Duration
		readings      []reading
		want          []core.Tick
	}{
		{"more is earlier: the top is the start of the period", 100 * ms, 100 * ms, []reading{{0, 100}, {100_000, 75}, {200_000, 0}},
			[]core.Tick{0, 112_500, 250_000}},
		{"a reading beyond the range counts as its end", 100 * ms, 100 * ms, []reading{{0, 900}, {100_000, -900}},
			[]core.Tick{0, 150_000}},
		{"one spike a period until the next reading, no more", 30 * ms, 10 * ms, []reading{{0, 40}}, []core.Tick{3000, 13_000, 23_000}},
		{"the rhythm began with the robot, not with the reading", 30 * ms, 10 * ms, []reading{{1_004_000, 0}},
			[]core.Tick{1_005_000, 1_015_000, 1_025_000}},
		{"a first reading whose phase is over waits for the next period", 20 * ms, 100 * ms,
			[]reading{{30_000, 80}, {50_000, 80}, {70_000, 80}, {90_000, 80}, {110_000, 80}}, []core.Tick{110_000}},
		{"one reading of several in a period spikes", 20 * ms, 100 * ms, []reading{{0, 40}, {20_000, 40}, {40_000, 40}, {60_000, 40},
			{80_000, 40}}, []core.Tick{30_000}},
		{"a reading that rises past its phase spikes at once", 20 * ms, 100 * ms, []reading{{0, 10}, {20_000, 90}, {40_000, 90},
			{60_000, 0}},
			[]core.Tick{20_000}},
		{"a reading that falls spikes later in the same period", 20 * ms, 100 * ms, []reading{{0, 58}, {20_000, 30}},
			[]core.Tick{35_000}},
		{"a reading that comes a little late, whose phase has just passed", 100 * ms, 100 * ms, []reading{{0, 100}, {100_200, 100}},
			[]core.Tick{0, 100_200, 200_000}},
		{"and one a little early", 100 * ms, 100 * ms, []reading{{0, 100}, {99_800, 100}, {200_000, 100}},
			[]core.Tick{0, 100_000, 200_000}},
		{"a period without a reading is silent", 20 * ms, 100 * ms, []reading{{0, 10}, {80_000, 90}, {100_000, 90}},
			[]core.Tick{105_000}},
		{"two in a millisecond", ms, 500 * us, []reading{{0, 0}}, []core.Tick{250, 750}},
	} {
		t.Run(c.story, func(t *testing.T) {
			p := phase(t, c.every, c.period)
			var spikes []encoders.Arrival
			for _, r := range c.readings {
				spikes = p.Encode(r.at, r.value, spikes)
			}
			got := encoders.Ticks(spikes)
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// With a share of 1, the spike of the lowest reading is still within its period.
func TestPhaseOfTheWholePeriod(t *testing.T) {
	p, err := encoders.NewPhase(&encoders.PhaseOpts{Range: lx(0, 100), Period: 10 * ms, Share: 1_000_000, Every: 20 * ms})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := encoders.Ticks(p.Encode(0, -5, nil)), []core.Tick{9999, 19_999}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Each period has one spike, within its share, whatever the sensor reads. Its phase is that of a valid reading.
func TestPhaseOncePerPeriod(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		period, every := rapid.Int64Range(2, 50_000).Draw(t, "period"), rapid.Int64Range(1, 50_000).Draw(t, "every")
		share := rapid.Int64Range(10_000, 1_000_000).Draw(t, "share")
		if every/period > 1000 {
			period = every
		}
		opts := &encoders.PhaseOpts{Range: lx(0, 1000), Period: time.Duration(period) * us, Share: encoders.Share(share),
			Every: time.Duration(every) * us}
		p, err := encoders.NewPhase(opts)
		if err != nil {
			t.Fatal(err)
		}
		at := rapid.Int64Range(0, 1e12).Draw(t, "start")
		start, steady := at, rapid.Bool().Draw(t, "steady")
		value := rapid.Int64Range(-100, 1100).Draw(t, "first")
		var spikes []core.Tick
		for range rapid.IntRange(1, 200).Draw(t, "readings") {
			if !steady {
				value = rapid.Int64Range(-100, 1100).Draw(t, "reading")
			}
			of := encoders.Ticks(p.Encode(core.Tick(at), value, nil))
			spikes = append(spikes, of...)
			for _, s := range of {
				if int64(s) < at || int64(s) >= at+every {
					t.Fatalf("a reading at %d, the next at %d: spike at %d", at, at+every, s)
				}
			}
			at += every
		}
		width := min((period*share+500_000)/1_000_000, period-1)
		due := (start + period - 1) / period // the first whole period
		for _, s := range spikes {
			number, in := int64(s)/period, int64(s)%period
			if number != due && (number != due-1 || due*period-start >= period) {
				t.Fatalf("period %d of %d us: expected the spike of %d, got one at %d", number, period, due, s)
			}
			due = number + 1
			late := int64(0)
			if !steady {
				late = every // a rise shows only at the next reading
			}
			if in > width+late {
				t.Fatalf("spike at %d is at %d of %d us, of which %d are in use", s, in, period, width)
			}
			if steady {
				if want := float64(1000-min(max(value, 0), 1000)) / 1000 * float64(width); in < int64(want)-1 || in > int64(want)+1 {
					t.Fatalf("%d of 1000: phase %d us, want %.1f", value, in, want)
				}
			}
		}
		if ended := at / period; ended > due {
			t.Fatalf("the period %d has no spike, readings went on until %d", due, at)
		}
	})
}

// No period has two spikes, and no spike comes before its reading, however late readings come.
func TestPhaseOfLateReadings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, err := encoders.NewPhase(&encoders.PhaseOpts{Range: lx(0, 1000), Period: 10 * ms, Share: 500_000, Every: 4 * ms})
		if err != nil {
			t.Fatal(err)
		}
		var at, unfired core.Tick
		for range rapid.IntRange(1, 200).Draw(t, "readings") {
			for _, s := range encoders.Ticks(p.Encode(at, rapid.Int64Range(0, 1000).Draw(t, "reading"), nil)) {
				if s < at || s >= at+4000 || s < unfired || s%10_000 > 5000+6000 {
					t.Fatalf("reading at %d: spike at %d, expected one from %d on", at, s, unfired)
				}
				unfired = s/10_000*10_000 + 10_000
			}
			at += core.Tick(rapid.Int64Range(1, 30_000).Draw(t, "pause"))
		}
	})
}

// The order of the spikes of two sensors with the same period is the order of their readings, whenever each is read.
func TestPhasesShareTheirRhythm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, other := rapid.Int64Range(0, 50).Draw(t, "one"), rapid.Int64Range(51, 100).Draw(t, "other")
		first := func(value int64) core.Tick {
			at := core.Tick(rapid.Int64Range(500, 9_999).Draw(t, "read at"))
			p, err := encoders.NewPhase(&encoders.PhaseOpts{Range: lx(0, 100), Period: 10 * ms, Share: 500_000, Every: 20 * ms})
			if err != nil {
				t.Fatal(err)
			}
			spikes := p.Encode(at, value, nil)
			return spikes[len(spikes)-1].At % 10_000
		}
		if a, b := first(one), first(other); a <= b {
			t.Errorf("%d spikes at %d of the period, %d at %d", one, a, other, b)
		}
	})
}

func TestPhaseResumes(t *testing.T) {
	before, range2, slower := phase(t, 20*ms, 100*ms), phase(t, 20*ms, 100*ms), phase(t, 20*ms, 150*ms)
	spikes := before.Encode(0, 70, nil) // 15 ms
	range2.Resume(before)
	if got := range2.Encode(20_000, 100, nil); len(spikes) != 1 || len(got) != 0 {
		t.Errorf("spikes at %v and %v: expected one in a period, however it is tuned", spikes, got)
	}
	slower.Resume(before)
	for at := core.Tick(20_000); at < 320_000; at += 20_000 {
		spikes = slower.Encode(at, 40, spikes)
	}
	if want := []core.Tick{15_000, 195_000}; !slices.Equal(encoders.Ticks(spikes), want) {
		t.Errorf("spikes at %v, want %v: the new rhythm from its next period on", spikes, want)
	}
	edge, err := encoders.NewEdge(&encoders.EdgeOpts{On: "both"})
	if err != nil {
		t.Fatal(err)
	}
	other := phase(t, 20*ms, 100*ms)
	other.Resume(edge)
	if got := encoders.Ticks(other.Encode(0, 70, nil)); !slices.Equal(got, []core.Tick{15_000}) {
		t.Errorf("got %v after a code of another kind", got)
	}
}

func TestPhaseOptions(t *testing.T) {
	good := encoders.PhaseOpts{Range: lx(0, 100), Period: 100 * ms, Share: 500_000, Every: 20 * ms}
	for _, c := range []struct {
		story string
		wrong func(*encoders.PhaseOpts)
		want  string
	}{
		{"good", func(*encoders.PhaseOpts) {}, ""},
		{"10,000 a reading", func(o *encoders.PhaseOpts) { o.Period = 2 * us }, ""},
		{"more", func(o *encoders.PhaseOpts) { o.Period = us },
			"period: 1µs: more than 10000 spikes a reading: expected at least 2µs, or a sensor that is read more often"},
		{"no period", func(o *encoders.PhaseOpts) { o.Period = 0 }, "period: 0s: expected at least 1µs"},
		{"no interval", func(o *encoders.PhaseOpts) { o.Every = 0 },
			"period: expected a sensor with every: a reading makes the spikes of all periods until the next reading"},
		{"empty range", func(o *encoders.PhaseOpts) { o.Range[1] = o.Range[0] }, "range: expected two different readings"},
	} {
		opts := good
		c.wrong(&opts)
		got := ""
		for _, m := range opts.Check() {
			got += m.Key + ": " + m.Error()
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.story, got, c.want)
		}
		_, err := opts.Open(opts.Every)
		if m := (options.Mistake{}); (err != nil) != (c.want != "") || err != nil && !errors.As(err, &m) {
			t.Errorf("%s: opened with %v", c.story, err)
		}
	}
	for share, valid := range map[encoders.Share]bool{0: false, 9_999: false, 10_000: true, 1_000_000: true, 1_000_001: false} {
		opts := good
		opts.Share = share
		if _, err := encoders.NewPhase(&opts); (err == nil) != valid {
			t.Errorf("a share of %d millionths: %v", share, err)
		}
	}
	unknown := good
	unknown.Every = -1
	if _, err := encoders.NewPhase(&unknown); err == nil || len(unknown.Check()) > 0 {
		t.Errorf("an interval that is not known: %v, %v", err, unknown.Check())
	}
	low, high, _ := good.Limits("period")
	if time.Duration(low) != 2*us || time.Duration(high) != time.Minute || good.LongestEvery() != 1000*time.Second {
		t.Errorf("periods of %v to %v, readings every %v at most", time.Duration(low), time.Duration(high), good.LongestEvery())
	}
	if _, listed := encoders.EncoderKindOf("phase"); !listed {
		t.Error("no robot file can have it")
	}
	long := encoders.PhaseOpts{Range: lx(0, 100), Period: 1000 * time.Hour, Share: 1_000_000, Every: time.Hour}
	if p, err := encoders.NewPhase(&long); err != nil || len(p.Encode(0, 100, nil)) != 1 {
		t.Errorf("a very long period: %v", err)
	}
}

func TestPhaseAllocatesNothing(t *testing.T) {
	p := phase(t, 20*ms, 5*ms)
	buffer, at := make([]encoders.Arrival, 0, 64), core.Tick(0)
	if n := testing.AllocsPerRun(1000, func() {
		buffer = p.Encode(at, 42, buffer[:0])
		at += 20_000
	}); n != 0 {
		t.Errorf("%g allocations a reading", n)
	}
}

func ExamplePhase() {
	eye, err := encoders.NewPhase(&encoders.PhaseOpts{Range: [2]encoders.Amount{{0, "lx"}, {2000e6, "lx"}},
		Period: 10 * time.Millisecond, Share: 500_000, Every: 20 * time.Millisecond})
	if err != nil {
		fmt.Println(err)
		return
	}
	// 1600 lx is a fifth of the range below its top: a fifth into the first half of both periods until the next reading.
	for _, spike := range eye.Encode(0, 1600e6, nil) {
		fmt.Println(spike.At)
	}
	// Output:
	// 1000
	// 11000
}
