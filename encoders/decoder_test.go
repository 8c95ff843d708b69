package encoders

import (
	"fmt"
	"testing"
	"time"

	"periph.io/x/conn/v3/physic"
	"pgregory.net/rapid"

	"fluxd/core"
)

func TestPushPull(t *testing.T) {
	// full scale is a difference of 4 spikes
	p, err := NewPushPull(&PushPullOpts{Full: 40 * physic.Hertz, Window: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	expect := func(at core.Tick, want int64) {
		t.Helper()
		p.Advance(at)
		if got, ok := p.Command(); got != want || !ok {
			t.Errorf("at %d: command %d, want %d", at, got, want)
		}
	}
	expect(0, 0)
	p.Spike(10, Forward)
	expect(10, 250_000)
	p.Spike(20, Forward)
	p.Spike(20, Forward)
	p.Spike(30, Backward)
	expect(30, 500_000)
	for range 10 {
		p.Spike(40, Forward)
	}
	expect(40, FullScale)
	for range 20 {
		p.Spike(50, Backward)
	}
	expect(50, -FullScale)
	if next, waiting := p.Next(); !waiting || next != 100_010 {
		t.Errorf("next %d %v, want 100010", next, waiting)
	}
	expect(100_049, -FullScale)
	expect(100_050, 0)
	if _, waiting := p.Next(); waiting {
		t.Error("an empty window says that a spike leaves it")
	}
}

func TestCountRoundsAnUnevenFullScale(t *testing.T) {
	c, err := NewCount(&CountOpts{Full: 25 * physic.Hertz, Window: 100 * time.Millisecond}) // 2.5 spikes
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{0, 400_000, 800_000, FullScale, FullScale} {
		if got, _ := c.Command(); got != want {
			t.Errorf("%d spikes: %d, want %d", i, got, want)
		}
		c.Spike(core.Tick(i), 0)
	}
}

func TestWinnerTakeAll(t *testing.T) {
	w, err := NewWinnerTakeAll(&WinnerTakeAllOpts{Choices: choices(10, 20, 30), Window: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	expect := expecting(t, w)
	expect("silence commands nothing", 0, false)
	w.Spike(0, 2)
	expect("the only one", 30, true)
	w.Spike(5, 1)
	expect("of equals the latest", 20, true)
	w.Spike(6, 2)
	expect("the most spikes", 30, true)
	w.Spike(7, 0)
	w.Spike(7, 1)
	w.Spike(8, 0)
	w.Advance(1006)
	expect("the earlier ones have left", 10, true)
	w.Advance(1008)
	expect("all have left", 0, false)
	w.Spike(2000, 1)
	w.Spike(2000, 0)
	expect("in the same tick the first in the list", 10, true)
}

// After Clear a decoder does the same as a new one: no earlier spike counts, not even to decide between equals.
func TestClearEmptiesTheWindow(t *testing.T) {
	makers := map[string]func() (Decoder, error){
		"push-pull": func() (Decoder, error) {
			return NewPushPull(&PushPullOpts{Full: 40 * physic.Hertz, Window: 100 * time.Millisecond})
		},
		"count": func() (Decoder, error) {
			return NewCount(&CountOpts{Full: 40 * physic.Hertz, Window: 100 * time.Millisecond})
		},
		"winner takes it": func() (Decoder, error) {
			return NewWinnerTakeAll(&WinnerTakeAllOpts{Choices: choices(10, 20), Window: 100 * time.Millisecond})
		},
	}
	for name, make := range makers {
		d, err := make()
		if err != nil {
			t.Fatal(err)
		}
		fresh, _ := make()
		for i := range 100 { // more than the initial size of the ring
			d.Spike(core.Tick(10*i), 0)
		}
		d.Clear()
		if at, waiting := d.Next(); waiting {
			t.Errorf("%s: the empty window says that a spike leaves it at %d", name, at)
		}
		for _, at := range []core.Tick{1000, 1200, 200_000} {
			got, ok := d.Command()
			want, wantOK := fresh.Command()
			if got != want || ok != wantOK {
				t.Errorf("%s: before %d: %d %v, a new one %d %v", name, at, got, ok, want, wantOK)
			}
			d.Spike(at, 0)
			fresh.Spike(at, 0)
		}
	}
}

// The window always holds exactly the spikes of the last length ticks.
func TestWindowCountsItsSpikes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWindow(100*time.Microsecond, 2)
		var all []windowSpike
		at := core.Tick(0)
		for range rapid.IntRange(1, 300).Draw(t, "spikes") {
			at += core.Tick(rapid.IntRange(0, 7).Draw(t, "gap"))
			input := rapid.IntRange(0, 1).Draw(t, "input")
			w.Spike(at, input)
			all = append(all, windowSpike{at: at, input: int32(input)})
		}
		at += core.Tick(rapid.IntRange(0, 120).Draw(t, "silence"))
		w.Advance(at)
		var want [2]int
		for _, s := range all {
			if s.at > at-100 {
				want[s.input]++
			}
		}
		if w.counts[0] != want[0] || w.counts[1] != want[1] {
			t.Errorf("%v, want %v", w.counts, want)
		}
	})
}

func TestWindowIsBoundedAndCountsDroppedSpikes(t *testing.T) {
	c, err := NewCount(&CountOpts{Full: 1 * physic.Hertz, Window: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for i := range WindowSpikes + 5 {
		c.Spike(core.Tick(i), 0)
	}
	if c.Dropped() != 5 || c.counts[0] != WindowSpikes {
		t.Errorf("dropped %d, holds %d", c.Dropped(), c.counts[0])
	}
}

func ExamplePushPull() {
	// 50 spikes a second more on one side than on the other is full speed: 5 in a window of 100 ms.
	wheel, err := NewPushPull(&PushPullOpts{Full: 50 * physic.Hertz, Window: 100 * time.Millisecond})
	if err != nil {
		fmt.Println(err)
		return
	}
	wheel.Spike(1000, Forward)
	wheel.Spike(2000, Forward)
	wheel.Spike(3000, Backward)
	command, _ := wheel.Command()
	fmt.Println(command)
	change, _ := wheel.Next()
	wheel.Advance(change)
	command, _ = wheel.Command()
	fmt.Println(change, command)
	// Output:
	// 200000
	// 101000 0
}
