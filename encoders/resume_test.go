package encoders

import (
	"slices"
	"testing"
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/core"
)

// Tuning is no edge, no crossing and no change, and loses no spike: an encoder with new parameters knows what the old one has
// seen.
func TestResume(t *testing.T) {
	must := func(e Encoder, err error) Encoder {
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	for _, c := range []struct {
		name          string
		before, after Encoder
		first, then   []int64 // readings, 10 ms apart
		want          []core.Tick
	}{
		{"rate: half a spike is not lost", must(NewRate(&RateOpts{Range: span(0, 100), Max: 50 * physic.Hertz,
			Every: 10 * time.Millisecond})), must(NewRate(&RateOpts{Range: span(0, 50), Max: 50 * physic.Hertz,
			Every: 10 * time.Millisecond})),
			[]int64{100}, []int64{50}, []core.Tick{10_000}},
		{"latency", must(NewLatency(&LatencyOpts{Range: span(0, 100), Window: time.Millisecond})),
			must(NewLatency(&LatencyOpts{Range: span(0, 100), Window: 2 * time.Millisecond})), []int64{50}, []int64{50},
			[]core.Tick{11_000}},
		{"edge: still pressed", must(NewEdge(&EdgeOpts{On: "both"})), must(NewEdge(&EdgeOpts{On: "both"})), []int64{0, 1},
			[]int64{1, 0}, []core.Tick{30_000}},
		{"threshold: beyond both", must(NewThreshold(&ThresholdOpts{Above: at(100)})),
			must(NewThreshold(&ThresholdOpts{Above: at(90)})), []int64{120}, []int64{120}, nil},
		{"threshold: back within the new limit", must(NewThreshold(&ThresholdOpts{Above: at(100)})),
			must(NewThreshold(&ThresholdOpts{Above: at(200)})),
			[]int64{120}, []int64{120, 210}, []core.Tick{20_000}},
		{"threshold: beyond the new one only", must(NewThreshold(&ThresholdOpts{Above: at(100)})),
			must(NewThreshold(&ThresholdOpts{Above: at(50)})),
			[]int64{70}, []int64{70}, []core.Tick{10_000}},
		{"delta: from the same reference", must(NewDelta(&DeltaOpts{Step: Amount{Micro: 10}, Change: "rise"})),
			must(NewDelta(&DeltaOpts{Step: Amount{Micro: 20}, Change: "rise"})), []int64{0, 15}, []int64{25, 30}, []core.Tick{30_000}},
		{"of another kind", must(NewEdge(&EdgeOpts{On: "both"})), must(NewDelta(&DeltaOpts{Step: Amount{Micro: 20}, Change: "rise"})),
			[]int64{1}, []int64{100}, nil},
	} {
		at := core.Tick(0)
		for _, reading := range c.first {
			c.before.Encode(at, reading, nil)
			at += 10_000
		}
		c.after.Resume(c.before)
		var got []Arrival
		for _, reading := range c.then {
			got = c.after.Encode(at, reading, got)
			at += 10_000
		}
		if !slices.Equal(Ticks(got), c.want) {
			t.Errorf("%s: spikes at %v, want %v", c.name, got, c.want)
		}
	}
}

func TestDecodersResume(t *testing.T) {
	before, err := NewPushPull(&PushPullOpts{Full: 100 * physic.Hertz, Window: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		before.Spike(core.Tick(i)*10_000, Forward)
	}
	after, err := NewPushPull(&PushPullOpts{Full: 100 * physic.Hertz, Window: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	after.Resume(before)
	after.Advance(65_000) // those of 20, 30 and 40 ms are in the shorter window
	if c, _ := after.Command(); c != 600_000 {
		t.Errorf("command %d, want 600000", c)
	}
	if next, ok := after.Next(); !ok || next != 70_000 {
		t.Errorf("next %d, %v", next, ok)
	}
	other, err := NewCount(&CountOpts{Full: 100 * physic.Hertz, Window: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	other.Resume(after) // of other neurons: it takes over nothing
	if c, _ := other.Command(); c != 0 {
		t.Errorf("command %d of another kind", c)
	}
}
