package encoders_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fluxd/core"
	"fluxd/encoders"
)

// sample is a reading and when it was taken.
type sample struct {
	at    core.Tick
	value int64
}

// ticksOf encodes readings with a code that all neurons receive.
func ticksOf(e encoders.Encoder, samples ...sample) []core.Tick {
	var all []encoders.Arrival
	for _, s := range samples {
		all = e.Encode(s.at, s.value, all)
	}
	return encoders.Ticks(all)
}

func TestISI(t *testing.T) {
	slower := [2]time.Duration{50 * ms, 10 * ms}
	for _, c := range []struct {
		story     string
		of        [2]encoders.Amount
		intervals [2]time.Duration
		samples   []sample
		want      []core.Tick
	}{
		{"the first reading spikes at once, and the interval is its share", lx(0, 100), slower, []sample{{0, 100}},
			[]core.Tick{0, 10_000}},
		{"half of the range", lx(0, 100), slower, []sample{{0, 50}, {20_000, 50}, {40_000, 50}, {60_000, 50}},
			[]core.Tick{0, 30_000, 60_000}},
		{"the first end is not silent", lx(0, 100), slower, []sample{{0, 0}, {20_000, -5}, {40_000, 0}}, []core.Tick{0, 50_000}},
		{"a faster reading does not wait", lx(0, 100), slower, []sample{{0, 0}, {20_000, 100}}, []core.Tick{0, 20_000, 30_000}},
		{"a slower one waits longer", lx(0, 100), slower, []sample{{0, 100}, {20_000, 0}, {40_000, 0}, {60_000, 0}},
			[]core.Tick{0, 10_000, 60_000}},
		{"more may be slower", lx(0, 100), [2]time.Duration{10 * ms, 50 * ms}, []sample{{0, 0}, {20_000, 100}, {40_000, 100},
			{60_000, 100}},
			[]core.Tick{0, 10_000, 60_000}},
		{"near is faster", lx(100, 0), slower, []sample{{0, 0}}, []core.Tick{0, 10_000}},
		{"a late reading continues at once", lx(0, 100), slower, []sample{{0, 100}, {500_000, 100}},
			[]core.Tick{0, 10_000, 500_000, 510_000}},
	} {
		e, err := encoders.NewISI(&encoders.ISIOpts{Range: c.of, Intervals: c.intervals, Every: 20 * ms})
		if err != nil {
			t.Fatal(err)
		}
		if got := ticksOf(e, c.samples...); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.story, got, c.want)
		}
	}
}

// The interval after each spike is that of the reading, while the reading stays, however often the sensor is read.
func TestISIOfASteadyReading(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		every := core.Tick(rapid.IntRange(1, 100_000).Draw(t, "every"))
		share := rapid.Int64Range(0, 1000).Draw(t, "share")
		e, err := encoders.NewISI(&encoders.ISIOpts{Range: lx(0, 1000), Intervals: [2]time.Duration{60 * ms, 10 * ms},
			Every: time.Duration(every) * us})
		if err != nil {
			t.Fatal(err)
		}
		at, before := core.Tick(rapid.Int64Range(0, 1e12).Draw(t, "start")), core.Tick(-1)
		for range 100 {
			for _, a := range e.Encode(at, share, nil) {
				if a.At < at || a.At >= at+every {
					t.Fatalf("a spike at %d for a reading at %d", a.At, at)
				}
				if want := core.Tick(60_000 - 50*share); before >= 0 && a.At-before != want {
					t.Fatalf("interval %d, want %d", a.At-before, want)
				}
				before = a.At
			}
			at += every
		}
	})
}

func TestBurst(t *testing.T) {
	for _, c := range []struct {
		story   string
		of      [2]encoders.Amount
		samples []sample
		want    []core.Tick
	}{
		{"the first end is silent", lx(0, 100), []sample{{0, 0}, {1000, -7}}, nil},
		{"a little is one spike", lx(0, 100), []sample{{0, 1}}, []core.Tick{0}},
		{"half: as many, at the middle interval", lx(0, 100), []sample{{0, 50}}, []core.Tick{0, 7000}},
		{"beyond half there is another", lx(0, 100), []sample{{0, 60}}, []core.Tick{0, 6400, 12_800}},
		{"all", lx(0, 100), []sample{{7, 100}}, []core.Tick{7, 4007, 8007, 12_007}},
		{"beyond counts as the end", lx(0, 100), []sample{{7, 900}}, []core.Tick{7, 4007, 8007, 12_007}},
		{"near is more", lx(100, 0), []sample{{0, 50}}, []core.Tick{0, 7000}},
		{"a burst is not interrupted", lx(0, 100), []sample{{0, 50}, {3000, 100}, {26_499, 100}}, []core.Tick{0, 7000}},
		// 3 * 5.5 ms and 10 ms
		{"the next one comes after a pause", lx(0, 100), []sample{{0, 50}, {26_500, 1}}, []core.Tick{0, 7000, 26_500}},
	} {
		b, err := encoders.NewBurst(&encoders.BurstOpts{Range: c.of, Most: 4, Intervals: [2]time.Duration{10 * ms, 4 * ms}})
		if err != nil {
			t.Fatal(err)
		}
		if got := ticksOf(b, c.samples...); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.story, got, c.want)
		}
	}
}

func TestIntervalsResume(t *testing.T) {
	isi := func(shorter time.Duration) encoders.Encoder {
		e, err := encoders.NewISI(&encoders.ISIOpts{Range: lx(0, 100), Intervals: [2]time.Duration{50 * ms, shorter}, Every: 20 * ms})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	burst := func(count int) encoders.Encoder {
		e, err := encoders.NewBurst(&encoders.BurstOpts{Range: lx(0, 100), Most: count, Intervals: [2]time.Duration{10 * ms, 4 * ms}})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	for _, c := range []struct {
		story         string
		before, after encoders.Encoder
		want          []core.Tick
	}{
		{"the interval goes on", isi(16 * ms), isi(15 * ms), []core.Tick{31_000}}, // spikes at 0 and 16 ms
		{"the burst goes on", burst(5), burst(4), nil},
		{"another kind is ignored", burst(5), isi(16 * ms), []core.Tick{20_000, 36_000}},
		{"and the other way", isi(16 * ms), burst(2), []core.Tick{20_000, 24_000}},
	} {
		ticksOf(c.before, sample{0, 100})
		c.after.Resume(c.before)
		if got := ticksOf(c.after, sample{20_000, 100}); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.story, got, c.want)
		}
	}
}

func TestIntervalsAreChecked(t *testing.T) {
	isi := func(first, second, every time.Duration) *encoders.ISIOpts {
		return &encoders.ISIOpts{Range: lx(0, 100), Intervals: [2]time.Duration{first, second}, Every: every}
	}
	burst := func(count int, second time.Duration) *encoders.BurstOpts {
		return &encoders.BurstOpts{Range: lx(0, 100), Most: count, Intervals: [2]time.Duration{ms, second}}
	}
	const paced = "intervals: expected a sensor with every: a reading makes all spikes until the next reading"
	for _, c := range []struct {
		story string
		opts  encoders.EncoderOptions
		want  string
	}{
		{"isi", isi(50*ms, 2*ms, 20*ms), ""},
		{"10,000 spikes a reading", isi(ms, 2*us, 20*ms), ""},
		{"more", isi(ms, us, 20*ms), "intervals: 1µs: more than 10000 spikes a reading: expected at least 2µs, or a sensor that is " +
			"read more often"},
		{"two equal times", isi(ms, ms, 20*ms), "intervals: expected two different times"},
		{"no time", isi(ms, 0, 20*ms), "intervals: 0s: expected at least 1µs"},
		{"no interval of readings", isi(ms, 2*ms, 0), paced},
		{"a range of nothing", &encoders.ISIOpts{Range: lx(5, 5), Intervals: [2]time.Duration{ms, 2 * ms}, Every: ms},
			"range: expected two different readings"},
		{"burst", burst(5, 2*ms), ""},
		{"always at the same interval", burst(5, ms), ""},
		{"at none", burst(5, 0), "intervals: 0s: expected at least 1µs"},
		{"a burst of nothing", &encoders.BurstOpts{Range: lx(5, 5), Most: 1, Intervals: [2]time.Duration{ms, ms}},
			"range: expected two different readings"},
	} {
		got := ""
		for _, m := range c.opts.Check() {
			got += m.Key + ": " + m.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.story, got, c.want)
		}
		every := time.Duration(0)
		if o, is := c.opts.(*encoders.ISIOpts); is {
			every = o.Every
		}
		if _, err := c.opts.Open(every); (err == nil) != (c.want == "") {
			t.Errorf("%s: opened with %v", c.story, err)
		}
	}
	for key, want := range map[string][2]time.Duration{"intervals[0]": {2 * us, time.Minute}, "intervals[1]": {2 * us, time.Hour}} {
		if low, high, ok := isi(ms, time.Hour, 20*ms).Limits(key); !ok || low != int64(want[0]) || high != int64(want[1]) {
			t.Errorf("%s from %v to %v (%v)", key, time.Duration(low), time.Duration(high), ok)
		}
	}
	if got := isi(ms, 2*us, 20*ms).LongestEvery(); got != 20*ms {
		t.Errorf("readings %v apart at most", got)
	}
	if _, err := encoders.NewISI(isi(ms, 2*ms, -1)); err == nil {
		t.Error("an interval of readings that is not known")
	}
	if low, high, ok := burst(5, ms).Limits("most"); !ok || low != 1 || high != 1000 {
		t.Errorf("%d to %d spikes (%v)", low, high, ok)
	}
	for _, count := range []int{0, 1001} {
		if _, err := encoders.NewBurst(burst(count, ms)); err == nil {
			t.Errorf("a burst of %d", count)
		}
	}
}

func ExampleISI() {
	near, err := encoders.NewISI(&encoders.ISIOpts{Range: [2]encoders.Amount{{2e6, "m"}, {0, "m"}},
		Intervals: [2]time.Duration{50 * time.Millisecond, 10 * time.Millisecond}, Every: 100 * time.Millisecond})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, spike := range near.Encode(0, 1e6, nil) { // 1 m is half the range: 30 ms
		fmt.Println(spike.At)
	}
	// Output:
	// 0
	// 30000
	// 60000
	// 90000
}
