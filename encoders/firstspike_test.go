package encoders

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fluxd/core"
)

func TestFirstSpike(t *testing.T) {
	// 2 ms on the way; then at once is 1, 20 ms later 0
	d, err := NewFirstSpike(&FirstSpikeOpts{Window: 20 * time.Millisecond, Delay: 2 * time.Millisecond, Start: "s", Neuron: "n",
		Commands: [2]Command{FullScale, 0}})
	if err != nil {
		t.Fatal(err)
	}
	expect := expecting(t, d)
	d.Spike(500, FrameSpike)
	expect("no frame has begun", 0, false)
	d.Spike(1000, FrameStart)
	expect("the first frame has no spike yet", 0, false)
	d.Spike(8000, FrameSpike)
	expect("5 of 20 ms", 750_000, true)
	d.Spike(9000, FrameSpike)
	expect("only the first one counts", 750_000, true)
	d.Spike(101_000, FrameStart)
	expect("until it is known", 750_000, true)
	if next, waiting := d.Next(); !waiting || next != 123_000 {
		t.Errorf("it waits for %d, %v", next, waiting)
	}
	d.Advance(123_000)
	expect("no spike is like a late one", 0, true)
	d.Spike(123_500, FrameSpike)
	expect("too late", 0, true)
	d.Spike(201_000, FrameStart)
	d.Spike(201_001, FrameSpike)
	expect("earlier than the way allows", FullScale, true)
	d.Spike(301_000, FrameStart)
	d.Spike(310_000, FrameStart)
	expect("a frame that the next one ended without a spike", 0, true)
	d.Spike(312_000, FrameSpike)
	expect("the next one", FullScale, true)
	d.Spike(401_000, FrameStart)
	d.Spike(423_000, FrameSpike)
	expect("at the very end", 0, true)
	d.Spike(501_000, FrameSpike)
	d.Spike(501_000, FrameStart)
	expect("a spike in the tick of the start, given first", FullScale, true)
	d.Spike(601_000, FrameStart)
	d.Spike(601_000, FrameStart)
	expect("two starts in a tick begin one frame", FullScale, true)
}

// naiveFirst looks at every tick.
func naiveFirst(spikes []windowSpike, until core.Tick, opts *FirstSpikeOpts) (command float64, known bool) {
	delay, window := ticks(opts.Delay), ticks(opts.Window)
	start, open := core.Tick(-1), false
	for i, t := 0, core.Tick(0); t <= until; t++ {
		decide := func(way core.Tick) {
			along := min(1, max(0, float64(way-delay)/float64(window)))
			command = float64(opts.Commands[0]) + along*float64(opts.Commands[1]-opts.Commands[0])
			known, open = true, false
		}
		var starts, spike bool
		for ; i < len(spikes) && spikes[i].at == t; i++ {
			starts = starts || spikes[i].input == FrameStart
			spike = spike || spikes[i].input == FrameSpike
		}
		if open && (starts || t == start+delay+window) {
			decide(delay + window)
		}
		if starts {
			start, open = t, true
		}
		if open && spike {
			decide(t - start)
		}
	}
	return command, known
}

func TestFirstSpikeIsTheNaiveOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		opts := &FirstSpikeOpts{Window: time.Duration(rapid.IntRange(1, 900).Draw(t, "window")) * time.Microsecond,
			Delay: time.Duration(rapid.IntRange(0, 200).Draw(t, "delay")) * time.Microsecond}
		for i := range opts.Commands {
			opts.Commands[i] = Command(rapid.IntRange(-FullScale, FullScale).Draw(t, "command"))
		}
		d, err := NewFirstSpike(opts)
		if err != nil {
			t.Fatal(err)
		}
		var spikes []windowSpike
		at := core.Tick(0)
		for range rapid.IntRange(1, 15).Draw(t, "spikes") {
			at += core.Tick(rapid.OneOf(rapid.IntRange(0, 2), rapid.IntRange(0, 400), rapid.IntRange(900, 1100)).Draw(t, "gap"))
			s := windowSpike{at: at, input: int32(rapid.IntRange(0, 1).Draw(t, "input"))}
			d.Spike(at, int(s.input))
			spikes = append(spikes, s)
		}
		at += core.Tick(rapid.IntRange(0, 1200).Draw(t, "silence"))
		d.Advance(at)
		want, known := naiveFirst(spikes, at, opts)
		step := math.Abs(float64(opts.Commands[1]-opts.Commands[0])) / float64(ticks(opts.Window))
		if got, ok := d.Command(); ok != known || math.Abs(float64(got)-want) > 1+step/1e4 {
			t.Errorf("%d %v, want %g %v", got, ok, want, known)
		}
	})
}

// A latency encoder and a first-spike decoder are a pair: the command is the reading, to a tick of the window.
func TestFirstSpikeDecodesLatencies(t *testing.T) {
	const window = 20 * time.Millisecond
	eye, err := NewLatency(&LatencyOpts{Range: span(2000, 0), Window: window}) // bright is early
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewFirstSpike(&FirstSpikeOpts{Window: window, Commands: [2]Command{FullScale, 0}})
	if err != nil {
		t.Fatal(err)
	}
	at := core.Tick(0)
	for reading := int64(-100); reading <= 2100; reading += 7 {
		d.Spike(at, FrameStart)
		for _, spike := range eye.Encode(at, reading, nil) {
			d.Spike(spike.At, FrameSpike)
		}
		d.Advance(at + ticks(window))
		want := min(2000, max(0, reading)) * FullScale / 2000
		if got, ok := d.Command(); !ok || got < want-50 || got > want+50 {
			t.Errorf("%d: %d %v, want %d", reading, got, ok, want)
		}
		at += 30_000
	}
}

// With another window the frame goes on, and a frame that had no spike still has none.
func TestFirstSpikeResumes(t *testing.T) {
	made := func(window time.Duration) *FirstSpike {
		d, err := NewFirstSpike(&FirstSpikeOpts{Window: window, Commands: [2]Command{FullScale, 0}})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	expect := func(d Decoder, want int64) {
		t.Helper()
		if c, ok := d.Command(); c != want || !ok {
			t.Errorf("%d %v, want %d", c, ok, want)
		}
	}
	d := made(10 * time.Millisecond)
	d.Spike(0, FrameStart)
	d.Spike(5000, FrameSpike)
	longer := made(20 * time.Millisecond)
	longer.Resume(d)
	expect(longer, 750_000)
	longer.Spike(100_000, FrameStart)
	shorter := made(8 * time.Millisecond)
	shorter.Resume(longer)
	shorter.Spike(102_000, FrameSpike)
	expect(shorter, 750_000)
	shorter.Spike(200_000, FrameStart)
	shorter.Advance(250_000)
	longer = made(20 * time.Millisecond)
	longer.Resume(shorter)
	expect(longer, 0)
	longer.Spike(300_000, FrameStart)
	longer.Spike(325_000, FrameSpike)
	longest := made(100 * time.Millisecond)
	longest.Resume(longer)
	expect(longest, 0)
}

func ExampleFirstSpike() {
	// a spike 5 ms after the start of a window of 20 ms
	wheel, err := NewFirstSpike(&FirstSpikeOpts{Window: 20 * time.Millisecond, Commands: [2]Command{FullScale, 0}})
	if err != nil {
		fmt.Println(err)
		return
	}
	wheel.Spike(0, FrameStart)
	wheel.Spike(5000, FrameSpike)
	command, _ := wheel.Command()
	fmt.Println(command)
	wheel.Spike(100_000, FrameStart) // and then none
	end, _ := wheel.Next()
	wheel.Advance(end)
	command, _ = wheel.Command()
	fmt.Println(end, command)
	// Output:
	// 750000
	// 120000 0
}
