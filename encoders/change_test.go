package encoders_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"fluxd/core"
	"fluxd/encoders"
)

// signs encodes readings and returns for each: + for a rise and - for a fall, as often as it spikes.
func signs(e encoders.Encoder, readings ...int64) (all []string) {
	for i, reading := range readings {
		text := ""
		for _, a := range e.Encode(core.Tick(i), reading, nil) {
			if a.At != core.Tick(i) {
				text += "?"
			}
			text += map[int]string{encoders.Up: "+", encoders.Down: "-", encoders.All: "*"}[a.Input]
		}
		all = append(all, text)
	}
	return all
}

func TestStepForward(t *testing.T) {
	for _, c := range []struct {
		story    string
		change   string
		readings []int64
		want     []string
	}{
		{"the first reading is the base", "split", []int64{500, 500}, []string{"", ""}},
		{"exactly a step is none", "split", []int64{0, 10, 11}, []string{"", "", "+"}},
		{"a jump is a spike a reading, until the base is there", "split", []int64{0, 35, 35, 35, 35}, []string{"", "+", "+", "+", ""}},
		{"down", "split", []int64{0, -11, -21, -15}, []string{"", "-", "-", ""}},
		{"rises only: the base falls all the same", "rise", []int64{0, -15, 5}, []string{"", "", "*"}},
		{"falls only", "fall", []int64{0, 15, -5}, []string{"", "", "*"}},
		{"both at all neurons", "both", []int64{0, 15, -5}, []string{"", "*", "*"}},
		{"from end to end", "split", []int64{math.MinInt64, math.MaxInt64, math.MinInt64 + 1, 0}, []string{"", "+", "", "+"}},
	} {
		s, err := encoders.NewStepForward(&encoders.StepForwardOpts{Step: *level(10), Change: c.change})
		if err != nil {
			t.Fatal(err)
		}
		if got := signs(s, c.readings...); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.story, got, c.want)
		}
	}
}

// A receiver that adds a step for a rise and subtracts one for a fall is never further from the reading than a step, if readings
// change by less than a step.
func TestStepForwardIsFollowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, err := encoders.NewStepForward(&encoders.StepForwardOpts{Step: *level(100), Change: "split"})
		if err != nil {
			t.Fatal(err)
		}
		reading := rapid.Int64Range(-1e9, 1e9).Draw(t, "first")
		base := reading
		for at := range core.Tick(rapid.IntRange(1, 200).Draw(t, "readings")) {
			for _, a := range s.Encode(at, reading, nil) {
				base += map[int]int64{encoders.Up: 100, encoders.Down: -100}[a.Input]
			}
			if far := reading - base; far > 100 || far < -100 {
				t.Fatalf("reading %d, receiver at %d", reading, base)
			}
			reading += rapid.Int64Range(-99, 99).Draw(t, "change")
		}
	})
}

func TestMovingWindow(t *testing.T) {
	for _, c := range []struct {
		story    string
		length   int
		change   string
		readings []int64
		want     []string
	}{
		{"the first reading has nothing before it", 4, "split", []int64{500}, []string{""}},
		{"exactly a step is none", 4, "split", []int64{0, 10, 16}, []string{"", "", "+"}}, // mean 0, then 5
		{"a jump spikes until the mean is near", 4, "split", []int64{0, 0, 0, 0, 20, 20, 20, 20},
			[]string{"", "", "", "", "+", "+", "", ""}}, // means 0, 5, 10, 15
		{"a step up and down", 2, "split", []int64{0, 20, 0, 0}, []string{"", "+", "", ""}},
		{"down", 2, "split", []int64{0, -20, -20}, []string{"", "-", ""}},
		{"rises only", 2, "rise", []int64{0, -20, 20}, []string{"", "", "*"}},
		{"noise is silent", 8, "both", []int64{0, 4, -4, 4, -4, 4, -4, 4}, make([]string, 8)},
		{"a window of one is the reading before", 1, "split", []int64{0, 11, 22, 10}, []string{"", "+", "+", "-"}},
		{"from end to end", 1, "split", []int64{math.MinInt64, math.MaxInt64, math.MinInt64}, []string{"", "+", "-"}},
	} {
		m, err := encoders.NewMovingWindow(&encoders.MovingWindowOpts{Step: *level(10), Readings: c.length, Change: c.change})
		if err != nil {
			t.Fatal(err)
		}
		if got := signs(m, c.readings...); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.story, got, c.want)
		}
	}
}

// It agrees with the mean itself, computed for each reading.
func TestMovingWindowComparesWithTheMean(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length, step := rapid.IntRange(1, 20).Draw(t, "length"), rapid.Int64Range(1, 50).Draw(t, "step")
		m, err := encoders.NewMovingWindow(&encoders.MovingWindowOpts{Step: *level(step), Readings: length, Change: "split"})
		if err != nil {
			t.Fatal(err)
		}
		readings := rapid.SliceOfN(rapid.Int64Range(-100, 100), 1, 60).Draw(t, "readings")
		got := signs(m, readings...)
		for i, reading := range readings {
			sum, before := int64(0), readings[max(0, i-length):i]
			for _, r := range before {
				sum += r
			}
			want, n := "", int64(len(before))
			if n > 0 && reading*n > sum+step*n {
				want = "+"
			} else if n > 0 && reading*n < sum-step*n {
				want = "-"
			}
			if got[i] != want {
				t.Fatalf("reading %d of %v: %q, want %q", i, readings, got[i], want)
			}
		}
	})
}

// With two neurons, delta separates rises from falls, each with all its steps.
func TestDeltaSplit(t *testing.T) {
	d, err := encoders.NewDelta(&encoders.DeltaOpts{Step: *level(10), Change: "split"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := signs(d, 0, 25, 20, 5), []string{"", "++", "", "-"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// Moving the zero of the sensor is no change.
func TestChangesShift(t *testing.T) {
	stepForward, err := encoders.NewStepForward(&encoders.StepForwardOpts{Step: *level(10), Change: "split"})
	if err != nil {
		t.Fatal(err)
	}
	movingWindow, err := encoders.NewMovingWindow(&encoders.MovingWindowOpts{Step: *level(10), Readings: 3, Change: "split"})
	if err != nil {
		t.Fatal(err)
	}
	for name, e := range map[string]encoders.Relative{"step-forward": stepForward, "moving-window": movingWindow} {
		e.Shift(-100) // before the first reading
		got := signs(e, 0, 5)
		e.Shift(1000)
		if got = append(got, signs(e, 1005, 1020)...); !slices.Equal(got, []string{"", "", "", "+"}) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestChangesResume(t *testing.T) {
	stepForward := func(step int64) encoders.Encoder {
		s, err := encoders.NewStepForward(&encoders.StepForwardOpts{Step: *level(step), Change: "split"})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	movingWindow := func(step int64, length int) encoders.Encoder {
		m, err := encoders.NewMovingWindow(&encoders.MovingWindowOpts{Step: *level(step), Readings: length, Change: "split"})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for _, c := range []struct {
		story         string
		before, after encoders.Encoder
		readings      []int64 // the last one after the change
		want          string
	}{
		{"the base stays", stepForward(10), stepForward(20), []int64{0, 15, 30}, ""}, // base 10
		{"the base stays, and a larger change counts", stepForward(10), stepForward(20), []int64{0, 15, 31}, "+"},
		{"the window stays", movingWindow(10, 3), movingWindow(20, 3), []int64{90, 0, 30, 60, 51}, "+"},
		// mean 45
		{"a shorter window has the latest readings", movingWindow(1000, 3), movingWindow(20, 2), []int64{90, 0, 30, 60, 66}, "+"},
		{"in their order", movingWindow(1000, 3), movingWindow(20, 1), []int64{90, 0, 30, 60, 79}, ""}, // 60
		// mean 45
		{"a longer one too", movingWindow(1000, 2), movingWindow(20, 4), []int64{90, 30, 60, 66}, "+"},
		{"another kind is ignored", movingWindow(10, 2), stepForward(10), []int64{0, 0, 100}, ""},
		{"and the other way", stepForward(10), movingWindow(10, 2), []int64{0, 0, 100}, ""},
	} {
		last := len(c.readings) - 1
		signs(c.before, c.readings[:last]...)
		c.after.Resume(c.before)
		if got := signs(c.after, c.readings[last]); got[0] != c.want {
			t.Errorf("%s: %q, want %q", c.story, got[0], c.want)
		}
	}
}

func TestChangesAreChecked(t *testing.T) {
	for story, c := range map[string]struct {
		step   int64
		change string
		inputs int
		want   string
	}{
		"one direction, any number of neurons": {1, "rise", 7, ""},
		"two directions":                       {1, "split", 2, ""},
		"of an unknown number of neurons":      {1, "split", 0, ""},
		"of three neurons": {1, "split", 3,
			"to: change: split has a neuron for rises and one for falls: expected two, such as [up, down], got 3"},
		"no step": {0, "both", 1, "step: expected more than 0"},
	} {
		for _, o := range []encoders.EncoderOptions{&encoders.DeltaOpts{Step: *level(c.step), Change: c.change},
			&encoders.StepForwardOpts{Step: *level(c.step), Change: c.change},
			&encoders.MovingWindowOpts{Step: *level(c.step), Change: c.change, Readings: 1}} {
			o.(encoders.Spreading).Spread(c.inputs)
			got := ""
			for _, m := range o.Check() {
				got += m.Key + ": " + m.Error()
			}
			if got != c.want {
				t.Errorf("%T, %s: %q, want %q", o, story, got, c.want)
			}
			if _, err := o.Open(0); (err == nil) != (c.want == "") {
				t.Errorf("%T, %s: opened with %v", o, story, err)
			}
			if low, high, ok := o.Limits("step"); !ok || low != 1 || high != 1e15 {
				t.Errorf("%T: step from %d to %d (%v)", o, low, high, ok)
			}
			if o.(encoders.Stepping).LargestStep() != *level(c.step) {
				t.Errorf("%T: another step", o)
			}
		}
	}
	for _, o := range []encoders.EncoderOptions{&encoders.DeltaOpts{Step: *level(1)}, &encoders.StepForwardOpts{Step: *level(1)},
		&encoders.MovingWindowOpts{Step: *level(1), Readings: 1}, &encoders.MovingWindowOpts{Step: *level(1), Change: "rise"},
		&encoders.MovingWindowOpts{Step: *level(1), Readings: 1025, Change: "rise"}} {
		if _, err := o.Open(0); err == nil {
			t.Errorf("%+v: opened", o)
		}
	}
}
