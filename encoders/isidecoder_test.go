package encoders

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fluxd/core"
)

func TestISI(t *testing.T) {
	d, err := NewISIDecoder(&ISIDecoderOpts{Intervals: [2]time.Duration{50 * time.Millisecond, 10 * time.Millisecond},
		Commands: [2]Command{-FullScale, FullScale}})
	if err != nil {
		t.Fatal(err)
	}
	expect := expecting(t, d)
	expect("nothing yet", 0, false)
	d.Spike(0, 0)
	expect("one spike is no interval", 0, false)
	d.Spike(30_000, 0)
	expect("in the middle", 0, true)
	d.Spike(45_000, 0)
	expect("15 ms", 750_000, true)
	d.Spike(50_000, 0)
	expect("shorter than the shorter one", FullScale, true)
	d.Spike(50_000, 0)
	expect("in the same tick", FullScale, true)
	d.Spike(130_000, 0)
	expect("longer than the longer one", -FullScale, true)
	d.Advance(230_000)
	expect("as long as the silence", -FullScale, true)
	if next, waiting := d.Next(); !waiting || next != 230_001 {
		t.Errorf("it waits for %d, %v", next, waiting)
	}
	d.Advance(230_001)
	expect("a silence", 0, false)
	d.Spike(231_000, 0)
	expect("the first spike after a silence", 0, false)
	d.Spike(241_000, 0)
	expect("the second one", FullScale, true)
}

// The command is that of the latest two spikes, unless there was a silence before or after the last one.
func TestISIIsTheNaiveOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.IntRange(0, 5000).Draw(t, "from")
		to := rapid.IntRange(0, 5000).Filter(func(to int) bool { return to != from }).Draw(t, "to")
		opts := &ISIDecoderOpts{}
		opts.Intervals = [2]time.Duration{time.Duration(from) * time.Microsecond, time.Duration(to) * time.Microsecond}
		for i := range opts.Commands {
			opts.Commands[i] = Command(rapid.IntRange(-FullScale, FullScale).Draw(t, "command"))
		}
		silence := core.Tick(max(from, to) + rapid.IntRange(0, 5000).Draw(t, "silence"))
		opts.Silence = time.Duration(silence) * time.Microsecond
		d, err := NewISIDecoder(opts)
		if err != nil {
			t.Fatal(err)
		}
		spikes, end := anySpikes(t, 1)
		for _, s := range spikes {
			d.Spike(s.at, 0)
		}
		d.Advance(end)
		got, ok := d.Command()
		last := len(spikes) - 1
		if last < 1 || spikes[last].at-spikes[last-1].at > silence || end-spikes[last].at > silence {
			if ok {
				t.Errorf("command %d after a silence", got)
			}
			return
		}
		along := (float64(spikes[last].at-spikes[last-1].at) - float64(from)) / float64(to-from)
		want := float64(opts.Commands[0]) + min(1, max(0, along))*float64(opts.Commands[1]-opts.Commands[0])
		if !ok || math.Abs(float64(got)-want) > 1+math.Abs(float64(opts.Commands[1]-opts.Commands[0])/float64(to-from))/1e4 {
			t.Errorf("command %d %v, want %g", got, ok, want)
		}
	})
}

// The latest interval has another command with other parameters, and the spikes before a change count after it.
func TestISIResumes(t *testing.T) {
	made := func(longer time.Duration) *ISIDecoder {
		d, err := NewISIDecoder(&ISIDecoderOpts{Intervals: [2]time.Duration{longer, 0}, Commands: [2]Command{0, FullScale}})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	before := made(100 * time.Millisecond)
	before.Spike(0, 0)
	before.Spike(50_000, 0)
	after := made(200 * time.Millisecond)
	after.Resume(before)
	if c, ok := after.Command(); c != 750_000 || !ok {
		t.Errorf("resumed %d %v, want 750000", c, ok)
	}
	after.Spike(150_000, 0)
	if c, ok := after.Command(); c != 500_000 || !ok {
		t.Errorf("the interval over the change: %d %v, want 500000", c, ok)
	}
}

func ExampleISIDecoder() {
	// spikes 50 ms apart are a standstill, 10 ms apart full speed
	wheel, err := NewISIDecoder(&ISIDecoderOpts{Intervals: [2]time.Duration{50 * time.Millisecond, 10 * time.Millisecond},
		Commands: [2]Command{0, FullScale}})
	if err != nil {
		fmt.Println(err)
		return
	}
	wheel.Spike(0, 0)
	wheel.Spike(20_000, 0)
	command, _ := wheel.Command()
	fmt.Println(command)
	silence, _ := wheel.Next()
	wheel.Advance(silence)
	_, known := wheel.Command()
	fmt.Println(silence, known)
	// Output:
	// 750000
	// 120001 false
}
