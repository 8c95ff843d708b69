package encoders

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fluxd/core"
)

func newTrace(t testing.TB, step float64, decay time.Duration) *Trace {
	t.Helper()
	d, err := NewTrace(&TraceOpts{Forward: "f", Step: Share(step * FullScale), Decay: decay})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTrace(t *testing.T) {
	// a spike adds a quarter of full scale, which is gone after 25 ms
	d := newTrace(t, 0.25, 100*time.Millisecond)
	expect := func(story string, at core.Tick, want int64) {
		t.Helper()
		d.Advance(at)
		if got, ok := d.Command(); got != want || !ok {
			t.Errorf("%s: at %d: %d %v, want %d", story, at, got, ok, want)
		}
	}
	expect("nothing yet", 0, 0)
	d.Spike(1000, Forward)
	expect("a step", 1000, 250_000)
	expect("the command follows the level each millisecond", 1999, 250_000)
	expect("it follows", 2000, 240_000)
	expect("the latest step", 5500, 210_000)
	d.Spike(5500, Forward)
	expect("a spike adds to the level, not to the command", 5500, 455_000)
	for range 9 {
		d.Spike(6000, Forward)
	}
	expect("at most full scale", 6000, FullScale)
	expect("from there it decays", 16_000, 900_000)
	for range 5 {
		d.Spike(16_000, Backward)
	}
	expect("backward", 16_000, -350_000)
	expect("it decays to 0 from there too", 50_999, -10_000)
	expect("0", 51_000, 0)
	if next, waiting := d.Next(); waiting {
		t.Errorf("an empty trace waits for %d", next)
	}
	d.Spike(60_000, Forward)
	expect("it begins again", 60_000, 250_000)
}

// Without decay a trace is the sum of its spikes: that is how a code of change is decoded.
func TestTraceWithoutDecay(t *testing.T) {
	d := newTrace(t, 0.01, 0)
	for i := range 50 {
		d.Spike(core.Tick(i), Forward)
	}
	d.Spike(60, Backward)
	d.Advance(math.MaxInt64)
	if c, _ := d.Command(); c != 490_000 {
		t.Errorf("%d, want 490000", c)
	}
	if next, waiting := d.Next(); waiting {
		t.Errorf("it waits for %d", next)
	}
}

// traceAt is the level of a trace in floating point, and that to which the command has followed it last.
func traceAt(spikes []windowSpike, at core.Tick, opts *TraceOpts) (level, followed float64) {
	decay, last := float64(opts.Decay.Microseconds()), core.Tick(0)
	ebb := func(gone core.Tick) float64 {
		if decay == 0 {
			return level
		}
		return math.Copysign(max(0, math.Abs(level)-float64(gone)/decay), level)
	}
	for _, s := range spikes {
		step := float64(opts.Step) / FullScale
		if s.input == Backward {
			step = -step
		}
		level = ebb(s.at - last)
		level, last = min(1, max(-1, level+step)), s.at
	}
	if decay == 0 {
		return level, level
	}
	refresh := core.Tick(max(1000, math.Ceil(decay/traceSteps)))
	if empty := core.Tick(math.Ceil(math.Abs(level)*decay - 1e-6)); at-last >= empty {
		return 0, 0
	}
	return ebb(at - last), ebb((at - last) / refresh * refresh)
}

// The command is that of the level in floating point, at the time at which it has followed it last.
func TestTraceIsTheNaiveOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		opts := &TraceOpts{Forward: "a", Backward: "b", Step: Share(rapid.IntRange(1000, FullScale).Draw(t, "step"))}
		opts.Decay = rapid.SampledFrom([]time.Duration{0, time.Millisecond, 7777 * time.Microsecond, 100 * time.Millisecond,
			256 * time.Millisecond, 3_333_333 * time.Microsecond, time.Minute, time.Hour}).Draw(t, "decay")
		d, err := NewTrace(opts)
		if err != nil {
			t.Fatal(err)
		}
		spikes, end := anySpikes(t, 2)
		for _, s := range spikes {
			d.Spike(s.at, int(s.input))
		}
		d.Advance(end)
		_, followed := traceAt(spikes, end, opts)
		got, _ := d.Command()
		// a step is rounded to half a unit, and each spike may add that
		if off := math.Abs(float64(got) - followed*FullScale); off > 1+float64(len(spikes)) {
			t.Errorf("%d, want %g", got, followed*FullScale)
		}
	})
}

// Whatever its decay, a trace wakes its caller at most once a millisecond, and at most 257 times from full scale to 0. Its steps
// are at most 1/256 of full scale, or what decays in a millisecond.
func TestTraceWakesSeldom(t *testing.T) {
	for _, decay := range []time.Duration{time.Millisecond, 1500 * time.Microsecond, 100 * time.Millisecond, 256 * time.Millisecond,
		time.Second, time.Hour} {
		d := newTrace(t, 1, decay)
		d.Spike(0, Forward)
		at, command, wakes := core.Tick(0), int64(FullScale), 0
		for next, waiting := d.Next(); waiting; next, waiting = d.Next() {
			wakes++
			d.Advance(next)
			now, _ := d.Command()
			if gone := next - at; gone < 1000 && now != 0 {
				t.Errorf("%v: again after %d us, at %d", decay, gone, now)
			}
			if fell := command - now; fell <= 0 || float64(fell) > max(FullScale/traceSteps,
				1e6*float64(time.Millisecond)/float64(decay))+1 {
				t.Errorf("%v: from %d to %d", decay, command, now)
			}
			at, command = next, now
		}
		if at != ticks(decay) || command != 0 || wakes > traceSteps+1 {
			t.Errorf("%v: %d wakes, at the end at %d %d", decay, wakes, at, command)
		}
	}
}

// Other parameters leave the level where it is, as a part of full scale.
func TestTraceResumes(t *testing.T) {
	d := newTrace(t, 0.5, 100*time.Millisecond)
	d.Spike(0, Forward)
	d.Advance(10_000)
	for _, c := range []struct {
		decay time.Duration
		want  int64 // 10 ms later
	}{{100 * time.Millisecond, 300_000}, {10 * time.Millisecond, 0}, {time.Second, 392_186}, {time.Hour, 400_000}, {0, 400_000}} {
		next := newTrace(t, 0.1, c.decay)
		next.Resume(d)
		if got, _ := next.Command(); got != 400_000 {
			t.Errorf("%v: resumed at %d, want 400000", c.decay, got)
		}
		next.Advance(20_000)
		if got, _ := next.Command(); got != c.want {
			t.Errorf("%v: then %d, want %d", c.decay, got, c.want)
		}
	}
}

func ExampleTrace() {
	// a spike is a push of a fifth of full scale, which is over after 100 ms
	wheel, err := NewTrace(&TraceOpts{Forward: "go", Step: 200_000, Decay: 500 * time.Millisecond})
	if err != nil {
		fmt.Println(err)
		return
	}
	wheel.Spike(0, Forward)
	for _, at := range []core.Tick{0, 50_000, 100_000} {
		wheel.Advance(at)
		command, _ := wheel.Command()
		fmt.Println(at, command)
	}
	// Output:
	// 0 200000
	// 50000 102300
	// 100000 0
}
