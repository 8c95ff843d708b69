package encoders

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fluxd/core"
)

// With a margin, the winner stays until another one has that many spikes more, or until it has none itself.
func TestWinnerStaysWithinItsMargin(t *testing.T) {
	w, err := NewWinnerTakeAll(&WinnerTakeAllOpts{Choices: choices(10, 20), Window: time.Millisecond, Margin: 2})
	if err != nil {
		t.Fatal(err)
	}
	expect := expecting(t, w)
	w.Spike(0, 0)
	expect("the first winner needs no margin", 10, true)
	w.Spike(100, 1)
	w.Spike(200, 1)
	expect("one spike more is too few", 10, true)
	w.Spike(300, 1)
	expect("two more", 20, true)
	for _, input := range []int{0, 0, 0, 0, 1, 1, 1} { // 5 to 3, then 5 to 6
		w.Spike(400, input)
	}
	expect("what happens in one tick is judged together", 20, true)
	w.Advance(1300)
	expect("the other one has one more", 20, true)
	w.Clear()
	expect("nobody has spiked", 0, false)
	w.Spike(2000, 0)
	w.Spike(2100, 1)
	w.Advance(3000)
	expect("a winner without a spike in the window has lost", 20, true)
	w.Advance(3100)
	expect("all have left", 0, false)
	for _, s := range []windowSpike{{at: 5000, input: 0}, {at: 5101, input: 1}, {at: 5102, input: 1}, {at: 5600, input: 0},
		{at: 5601, input: 1}} {
		w.Spike(s.at, int(s.input))
	}
	expect("2 to 3", 10, true)
	w.Advance(6150) // 1 to 3 at 6000, and 1 to 1 at 6102
	expect("each tick is judged, not only the last one", 20, true)
}

// Another margin takes effect at once. The winner is known over a change of the window.
func TestWinnerTakeAllResumes(t *testing.T) {
	made := func(margin int, window time.Duration) *WinnerTakeAll {
		w, err := NewWinnerTakeAll(&WinnerTakeAllOpts{Choices: choices(10, 20), Window: window, Margin: margin})
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	before := made(3, time.Second)
	before.Spike(0, 0)
	before.Spike(1, 1)
	before.Spike(2, 1)
	longer := made(3, 2*time.Second)
	longer.Resume(before)
	if c, _ := longer.Command(); c != 10 {
		t.Errorf("a longer window: %d, want the winner 10", c)
	}
	none := made(0, time.Second)
	none.Resume(longer)
	if c, _ := none.Command(); c != 20 {
		t.Errorf("without a margin: %d, want 20", c)
	}
}

// naiveWinner keeps all spikes, and judges tick by tick.
func naiveWinner(spikes []windowSpike, until, window core.Tick, inputs, margin int) int {
	winner := -1
	for t := core.Tick(0); t <= until; t++ {
		counts, latest := make([]int, inputs), make([]core.Tick, inputs)
		changed := false
		for _, s := range spikes {
			changed = changed || s.at == t || s.at+window == t
			if s.at <= t {
				latest[s.input] = s.at
			}
			if s.at <= t && t < s.at+window {
				counts[s.input]++
			}
		}
		if !changed {
			continue
		}
		best := 0
		for i := range counts {
			if counts[i] > counts[best] || counts[i] == counts[best] && latest[i] > latest[best] {
				best = i
			}
		}
		if winner < 0 || counts[winner] == 0 || counts[best]-counts[winner] >= margin {
			winner = best
		}
		if counts[winner] == 0 {
			winner = -1
		}
	}
	return winner
}

// The winner is that of a machine that keeps everything and looks at every tick.
func TestWinnerTakeAllIsTheNaiveOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		margin, inputs := rapid.IntRange(0, 3).Draw(t, "margin"), rapid.IntRange(1, 3).Draw(t, "inputs")
		window := core.Tick(rapid.IntRange(1, 40).Draw(t, "window"))
		w, err := NewWinnerTakeAll(&WinnerTakeAllOpts{Choices: choices([]int64{0, 1, 2}[:inputs]...), Margin: margin,
			Window: time.Duration(window) * time.Microsecond})
		if err != nil {
			t.Fatal(err)
		}
		var all []windowSpike
		at := core.Tick(0)
		for range rapid.IntRange(1, 30).Draw(t, "spikes") {
			at += core.Tick(rapid.OneOf(rapid.IntRange(0, 1), rapid.IntRange(0, 15)).Draw(t, "gap"))
			s := windowSpike{at: at, input: int32(rapid.IntRange(0, inputs-1).Draw(t, "input"))}
			w.Spike(s.at, int(s.input))
			all = append(all, s)
		}
		at += core.Tick(rapid.IntRange(0, 50).Draw(t, "silence"))
		w.Advance(at)
		want := naiveWinner(all, at, window, inputs, margin)
		if got, ok := w.Command(); ok != (want >= 0) || ok && got != int64(want) {
			t.Errorf("%d %v, want %d", got, ok, want)
		}
	})
}

func TestTicksAtTheirLimits(t *testing.T) {
	for _, c := range []struct{ earlier, at, want core.Tick }{
		{0, 5, 5}, {5, 5, 0}, {7, 5, 0}, {-5, 5, 10}, {math.MinInt64, math.MaxInt64, math.MaxInt64}, {-1, math.MaxInt64, math.MaxInt64},
		{math.MinInt64, 0, math.MaxInt64}, {math.MinInt64, -1, math.MaxInt64}, {math.MaxInt64, math.MinInt64, 0},
	} {
		if got := since(c.earlier, c.at); got != c.want {
			t.Errorf("from %d to %d: %d, want %d", c.earlier, c.at, got, c.want)
		}
	}
	for _, c := range []struct{ at, by, want core.Tick }{
		{0, 5, 5}, {-7, 5, -2}, {math.MaxInt64, 0, math.MaxInt64}, {math.MaxInt64 - 3, 4, math.MaxInt64},
		{math.MaxInt64, math.MaxInt64, math.MaxInt64}, {math.MinInt64, math.MaxInt64, -1},
	} {
		if got := later(c.at, c.by); got != c.want {
			t.Errorf("%d after %d: %d, want %d", c.by, c.at, got, c.want)
		}
	}
}

func ExampleWinnerTakeAll() {
	// go is 1, stay is 0; the other neuron takes over with two spikes more
	legs, err := NewWinnerTakeAll(&WinnerTakeAllOpts{Window: 100 * time.Millisecond, Margin: 2, Choices: []Named[Choice]{
		{Name: "go", Value: Choice{Micro: FullScale}}, {Name: "stay"}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, known := legs.Command()
	fmt.Println(known)
	for at, input := range []int{0, 1, 1, 1} {
		legs.Spike(core.Tick(at), input)
		command, _ := legs.Command()
		fmt.Println(command)
	}
	// Output:
	// false
	// 1000000
	// 1000000
	// 1000000
	// 0
}
