package encoders

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fluxd/core"
)

func newPopulationVector(t testing.TB, members int, commands [2]Command, window time.Duration) *PopulationVector {
	t.Helper()
	d, err := NewPopulationVector(&PopulationVectorOpts{Population: "p", Members: make([]string, members), Commands: &commands,
		Window: window})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestPopulationVector(t *testing.T) {
	d := newPopulationVector(t, 5, [2]Command{-FullScale, FullScale}, 10*time.Millisecond) // -1, -0.5, 0, 0.5, 1
	expect := expecting(t, d)
	expect("silence commands nothing", 0, false)
	d.Spike(0, 3)
	expect("what it prefers", 500_000, true)
	d.Spike(1000, 4)
	expect("between the two", 750_000, true)
	d.Spike(2000, 4)
	expect("nearer to the busier one", 833_333, true)
	d.Spike(3000, 0)
	d.Spike(3000, 0)
	expect("the mean of all", 100_000, true)
	d.Advance(11_000)
	expect("the first two have left", -333_333, true)
	d.Advance(13_000)
	expect("all have left", 0, false)
}

// Preferred commands are spread evenly, from either side.
func TestPopulationVectorSpreadsWhatIsPreferred(t *testing.T) {
	for _, c := range []struct {
		members  int
		commands [2]Command
		want     []int64
	}{
		{2, [2]Command{0, FullScale}, []int64{0, FullScale}},
		{4, [2]Command{0, FullScale}, []int64{0, 333_333, 666_667, FullScale}},
		{4, [2]Command{FullScale, 0}, []int64{FullScale, 666_667, 333_333, 0}},
		{3, [2]Command{-100_000, 700_000}, []int64{-100_000, 300_000, 700_000}},
		{3, [2]Command{500_000, 500_000}, []int64{500_000, 500_000, 500_000}},
	} {
		d := newPopulationVector(t, c.members, c.commands, time.Second)
		for i, want := range c.want {
			d.Clear()
			d.Spike(0, i)
			if got, ok := d.Command(); got != want || !ok {
				t.Errorf("%d members, %d: %d prefers %d %v, want %d", c.members, c.commands, i, got, ok, want)
			}
		}
	}
}

// The command is the mean over the spikes in the window, to the nearest millionth.
func TestPopulationVectorIsTheNaiveOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := choices(rapid.SliceOfN(rapid.Int64Range(-FullScale, FullScale), 1, 6).Draw(t, "values")...)
		window := core.Tick(rapid.IntRange(1, 5000).Draw(t, "window"))
		d, err := NewPopulationVector(&PopulationVectorOpts{Values: values, Window: time.Duration(window) * time.Microsecond})
		if err != nil {
			t.Fatal(err)
		}
		spikes, end := anySpikes(t, len(values))
		for _, s := range spikes {
			d.Spike(s.at, int(s.input))
		}
		d.Advance(end)
		sum, count := 0.0, 0.0
		for _, s := range spikes {
			if s.at > end-window {
				sum, count = sum+float64(values[s.input].Value.Micro), count+1
			}
		}
		got, ok := d.Command()
		if ok != (count > 0) || ok && math.Abs(float64(got)-sum/count) > 0.5 {
			t.Errorf("%d %v, want %g", got, ok, sum/count)
		}
	})
}

// The quotient without division is the rounded one, up to a full window.
func TestMean(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.OneOf(rapid.Int64Range(1, 20), rapid.Int64Range(1, WindowSpikes)).Draw(t, "n")
		sum := rapid.Int64Range(-n*FullScale, n*FullScale).Draw(t, "sum")
		if got, want := mean(sum, n), int64(math.Round(float64(sum)/float64(n))); got != want {
			t.Errorf("%d / %d: %d, want %d", sum, n, got, want)
		}
	})
}

// A full window drops its oldest spikes, from the sum too.
func TestPopulationVectorIsBounded(t *testing.T) {
	d := newPopulationVector(t, 2, [2]Command{-FullScale, FullScale}, time.Hour)
	for i := range WindowSpikes {
		d.Spike(core.Tick(i), 0)
	}
	for i := range WindowSpikes / 2 {
		d.Spike(core.Tick(WindowSpikes+i), 1)
	}
	if c, _ := d.Command(); c != 0 || d.Dropped() != WindowSpikes/2 {
		t.Errorf("command %d, dropped %d", c, d.Dropped())
	}
}

// Spikes in the window count with what their neurons prefer now.
func TestPopulationVectorResumes(t *testing.T) {
	before := newPopulationVector(t, 3, [2]Command{0, FullScale}, 10*time.Millisecond)
	before.Spike(0, 1)
	before.Spike(5000, 2)
	after := newPopulationVector(t, 3, [2]Command{0, -FullScale}, 8*time.Millisecond)
	after.Resume(before)
	if c, _ := after.Command(); c != -750_000 {
		t.Errorf("%d, want -750000", c)
	}
	after.Advance(8000)
	if c, _ := after.Command(); c != -FullScale {
		t.Errorf("%d, want -1000000", c)
	}
}

func ExamplePopulationVector() {
	// five neurons prefer -1, -0.5, 0, 0.5 and 1
	steer, err := NewPopulationVector(&PopulationVectorOpts{Window: 100 * time.Millisecond, Population: "place",
		Members: []string{"place[0]", "place[1]", "place[2]", "place[3]", "place[4]"}, Commands: &[2]Command{-FullScale, FullScale}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for at, input := range []int{2, 3, 3, 3} { // most spikes to the right of the middle
		steer.Spike(core.Tick(at), input)
	}
	command, _ := steer.Command()
	fmt.Println(command)
	// Output:
	// 375000
}
