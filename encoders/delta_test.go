package encoders_test

import (
	"math"
	"testing"

	"fluxd/core"
	"fluxd/encoders"
)

func TestDelta(t *testing.T) {
	for _, c := range []struct {
		name     string
		change   string
		readings []int64
		want     []int
	}{
		{"the first reading is no change", "both", []int64{500}, []int{0}},
		{"each step up", "rise", []int64{0, 9, 10, 19, 20, 45}, []int{0, 0, 1, 0, 1, 2}},
		{"with rise, the way down makes no spikes", "rise", []int64{100, 50, 60}, []int{0, 0, 1}},
		{"each step down", "fall", []int64{0, -10, 0, -9, -10}, []int{0, 1, 0, 0, 1}},
		{"both", "both", []int64{0, 10, 0, -25}, []int{0, 1, 1, 2}},
		{"moving back and forth within one step is no change", "both", []int64{0, 9, -9, 9}, []int{0, 0, 0, 0}},
		{"a jump", "both", []int64{0, 1_000_000, 1_000_010}, []int{0, 1024, 1}},
		{"from end to end", "both", []int64{math.MinInt64, math.MaxInt64, math.MinInt64}, []int{0, 1024, 1024}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := encoders.NewDelta(&encoders.DeltaOpts{Step: encoders.Amount{Micro: 10}, Change: c.change})
			if err != nil {
				t.Fatal(err)
			}
			for i, reading := range c.readings {
				at := core.Tick(i * 7)
				arrivals := d.Encode(at, reading, nil)
				if len(arrivals) != c.want[i] {
					t.Errorf("reading %d, %d: %d spikes, want %d", i, reading, len(arrivals), c.want[i])
				}
				for _, a := range arrivals {
					if a.At != at {
						t.Errorf("a spike at %d, want %d", a, at)
					}
				}
			}
		})
	}
	if _, err := encoders.NewDelta(&encoders.DeltaOpts{Change: "both"}); err == nil {
		t.Error("a step of 0: expected an error")
	}
	if _, err := encoders.NewDelta(&encoders.DeltaOpts{Step: encoders.Amount{Micro: 1}}); err == nil {
		t.Error("neither: expected an error")
	}
}

// Moving the zero is no change, and the change since the last spike still counts.
func TestDeltaShift(t *testing.T) {
	d, err := encoders.NewDelta(&encoders.DeltaOpts{Step: encoders.Amount{Micro: 10}, Change: "both"})
	if err != nil {
		t.Fatal(err)
	}
	var moved encoders.Relative = d
	moved.Shift(-100) // before the first reading
	for i, c := range []struct {
		reading, shift int64
		want           int
	}{{107, 0, 0}, {112, 0, 0}, {7, -105, 0}, {11, 0, 0}, {12, 0, 1}, {1012, 1000, 0}, {1002, 0, 1}} {
		d.Shift(c.shift)
		if got := len(d.Encode(core.Tick(i), c.reading, nil)); got != c.want {
			t.Errorf("%d: %d after a shift by %d: %d spikes, want %d", i, c.reading, c.shift, got, c.want)
		}
	}
}
