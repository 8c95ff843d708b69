package encoders_test

import (
	"compress/gzip"
	"encoding/csv"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fluxd/core"
	"fluxd/encoders"
)

// radians returns a range in radians, in millionths.
func radians(low, high int64) [2]encoders.Amount {
	return [2]encoders.Amount{{Micro: low, Unit: "rad"}, {Micro: high, Unit: "rad"}}
}

// counts returns the number of spikes of each neuron, after checking that they are an interval apart, from a tick on.
func counts(t *testing.T, arrivals []encoders.Arrival, neurons int, from, interval core.Tick) []int {
	t.Helper()
	all := make([]int, neurons)
	for _, a := range arrivals {
		if want := from + core.Tick(all[a.Input])*interval; a.At != want {
			t.Fatalf("a spike of neuron %d at %d, want %d", a.Input, a.At, want)
		}
		all[a.Input]++
	}
	return all
}

// The published runs of two cart-pole networks have the observations of each step and the spikes that they became. The
// observations were printed with six digits, rounded here to millionths: no row is near enough to the end of a step to become
// ambiguous. The application scales by 2.4, 2, 0.209 and 2.
func TestPublishedRuns(t *testing.T) {
	const interval = 3 * ms
	flipFlop := func(of [2]encoders.Amount) encoders.EncoderOptions {
		return &encoders.FlipFlopOpts{BinnedOpts: encoders.BinnedOpts{Range: of, Most: 8, Interval: interval, Inputs: 2}}
	}
	argyle := func(of [2]encoders.Amount) encoders.EncoderOptions {
		return &encoders.ArgyleOpts{BinnedOpts: encoders.BinnedOpts{Range: of, Most: 8, Interval: interval, Inputs: 4}}
	}
	x, speed, angle := radians(-2_400_000, 2_400_000), radians(-2_000_000, 2_000_000), radians(-209_000, 209_000)
	for _, c := range []struct {
		file    string
		rows    int
		columns []string
		options []encoders.EncoderOptions
	}{
		{"cartpole-42", 1501, []string{"x", "dx", "theta", "dtheta"},
			[]encoders.EncoderOptions{flipFlop(x), flipFlop(speed), flipFlop(angle), flipFlop(speed)}},
		{"cartpole-48", 1510, []string{"x", "theta"}, []encoders.EncoderOptions{argyle(x), argyle(angle)}},
	} {
		t.Run(c.file, func(t *testing.T) {
			rows := readRun(t, c.file)
			neurons := 8 / len(c.columns)
			agree := 0
			for k, row := range rows {
				var got, want []int
				for i, column := range c.columns {
					encoder, err := c.options[i].Open(24 * ms)
					if err != nil {
						t.Fatal(err)
					}
					value, err := strconv.ParseFloat(row[column], 64)
					if err != nil {
						t.Fatal(err)
					}
					at := core.Tick(k) * 24_000
					arrivals := encoder.Encode(at, int64(math.Round(value*1e6)), nil)
					got = append(got, counts(t, arrivals, neurons, at, core.Tick(interval.Microseconds()))...)
				}
				for i := range 8 {
					count, err := strconv.Atoi(row["in"+strconv.Itoa(i)])
					if err != nil {
						t.Fatal(err)
					}
					want = append(want, count)
				}
				if slices.Equal(got, want) {
					agree++
				} else {
					t.Errorf("step %s: %d spikes, published %d", row["step"], got, want)
				}
			}
			if agree != c.rows || len(rows) != c.rows {
				t.Errorf("%d of %d rows agree, want all %d", agree, len(rows), c.rows)
			}
		})
	}
}

// readRun reads a published run, by column.
func readRun(t *testing.T, name string) (rows []map[string]string) {
	t.Helper()
	f, err := os.Open("../cmd/fluxd/play/testdata/tennlab/" + name + ".csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(unzipped).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range all[1:] {
		row := map[string]string{}
		for i, column := range all[0] {
			row[column] = line[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func TestFlipFlop(t *testing.T) {
	for _, c := range []struct {
		story   string
		of      [2]encoders.Amount
		inputs  int
		reading int64
		want    []int
	}{
		{"in the middle of two, both are silent", lx(-80, 80), 2, 0, []int{0, 0}},
		{"just above", lx(-80, 80), 2, 1, []int{0, 1}},
		{"just below", lx(-80, 80), 2, -1, []int{1, 0}},
		{"at the end of a step", lx(-80, 80), 2, 30, []int{0, 3}},
		{"beyond it", lx(-80, 80), 2, 31, []int{0, 4}},
		{"at the end of a step on the other side", lx(-80, 80), 2, -30, []int{3, 0}},
		{"both ends", lx(-80, 80), 2, 80, []int{0, 8}},
		{"and the other", lx(-80, 80), 2, -80, []int{8, 0}},
		{"beyond counts as the end", lx(-80, 80), 2, math.MaxInt64, []int{0, 8}},
		{"beyond the other", lx(-80, 80), 2, math.MinInt64, []int{8, 0}},
		{"a reversed range swaps the neurons", lx(80, -80), 2, 30, []int{3, 0}},
		{"the third bin descends again", lx(0, 240), 3, 161, []int{0, 0, 8}},
		{"to its end", lx(0, 240), 3, 240, []int{0, 0, 0}},
		{"a bin begins after its first end", lx(0, 240), 3, 160, []int{0, 8, 0}},
	} {
		f, err := encoders.NewFlipFlop(&encoders.FlipFlopOpts{BinnedOpts: encoders.BinnedOpts{Range: c.of, Most: 8, Interval: 2 * ms,
			Inputs: c.inputs}})
		if err != nil {
			t.Fatal(err)
		}
		if got := counts(t, f.Encode(7, c.reading, nil), c.inputs, 7, 2000); !slices.Equal(got, c.want) {
			t.Errorf("%s: %d spikes, want %d", c.story, got, c.want)
		}
	}
}

func TestArgyle(t *testing.T) {
	for _, c := range []struct {
		story   string
		of      [2]encoders.Amount
		reading int64
		want    []int
	}{
		{"at a place", lx(0, 240), 80, []int{0, 8, 0, 0}},
		{"just beyond, the neighbour joins", lx(0, 240), 81, []int{0, 8, 1, 0}},
		{"half-way", lx(0, 240), 120, []int{0, 4, 4, 0}},
		{"beside it, there is a spike more", lx(0, 240), 121, []int{0, 4, 5, 0}},
		{"first end", lx(0, 240), 0, []int{8, 0, 0, 0}},
		{"last end", lx(0, 240), 240, []int{0, 0, 0, 8}},
		{"beyond", lx(0, 240), 999, []int{0, 0, 0, 8}},
		{"below", lx(0, 240), -999, []int{8, 0, 0, 0}},
		{"reversed", lx(240, 0), 81, []int{0, 1, 8, 0}},
	} {
		a, err := encoders.NewArgyle(&encoders.ArgyleOpts{BinnedOpts: encoders.BinnedOpts{Range: c.of, Most: 8, Interval: 2 * ms,
			Inputs: 4}})
		if err != nil {
			t.Fatal(err)
		}
		if got := counts(t, a.Encode(7, c.reading, nil), 4, 7, 2000); !slices.Equal(got, c.want) {
			t.Errorf("%s: %d spikes, want %d", c.story, got, c.want)
		}
	}
}

// Both agree with their formulas, computed with whole numbers of any size, wherever the steps end.
func TestBinsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		inputs, most := rapid.IntRange(2, 7).Draw(t, "inputs"), rapid.IntRange(1, 20).Draw(t, "most")
		low, span := rapid.Int64Range(-1e9, 1e9).Draw(t, "low"), rapid.Int64Range(1, 1e9).Draw(t, "span")
		distance := rapid.Int64Range(0, span).Draw(t, "distance")
		of, reading := lx(low, low+span), low+distance
		if rapid.Bool().Draw(t, "reversed") {
			of, reading = lx(low+span, low), low+span-distance
		}
		flipFlop, err := encoders.NewFlipFlop(&encoders.FlipFlopOpts{BinnedOpts: encoders.BinnedOpts{Range: of, Most: most,
			Interval: ms, Inputs: inputs}})
		if err != nil {
			t.Fatal(err)
		}
		argyle, err := encoders.NewArgyle(&encoders.ArgyleOpts{BinnedOpts: encoders.BinnedOpts{Range: of, Most: most, Interval: ms,
			Inputs: inputs}})
		if err != nil {
			t.Fatal(err)
		}
		floor := func(steps int64) int { return int(distance * steps / span) }
		ceil := func(steps int64) int { return int((distance*steps + span - 1) / span) }
		want := make([]int, inputs)
		bin := max(0, (ceil(int64(inputs))*most-1)/most) // distance <= its last end
		if bin%2 == 0 {
			want[bin] = most - (floor(int64(inputs*most)) - bin*most)
		} else {
			want[bin] = ceil(int64(inputs*most)) - bin*most
		}
		bin = max(0, ceil(int64(inputs))-1)
		for i, arrivals := range [][]encoders.Arrival{flipFlop.Encode(0, reading, nil), argyle.Encode(0, reading, nil)} {
			got := make([]int, inputs)
			for _, a := range arrivals {
				got[a.Input]++
			}
			if i == 1 {
				want = make([]int, inputs)
				before := max(0, ceil(int64(inputs-1))-1)
				want[before] = most - (floor(int64((inputs-1)*most)) - before*most)
				want[before+1] = ceil(int64((inputs-1)*most)) - before*most
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d of %d for %d neurons with %d each: got %d, want %d", distance, span, inputs, most, got, want)
			}
		}
	})
}

func TestBinsAreChecked(t *testing.T) {
	good := encoders.FlipFlopOpts{BinnedOpts: encoders.BinnedOpts{Range: lx(-80, 80), Most: 8, Interval: 3 * ms, Every: 24 * ms,
		Inputs: 2}}
	for story, c := range map[string]struct {
		wrong func(*encoders.FlipFlopOpts)
		want  string
	}{
		"good":                 {func(*encoders.FlipFlopOpts) {}, ""},
		"read when it changes": {func(o *encoders.FlipFlopOpts) { o.Every = 0 }, ""},
		"longer than a reading": {func(o *encoders.FlipFlopOpts) { o.Every = 23 * ms },
			"interval: 8 spikes 3ms apart last longer than the 23ms until the next reading"},
		"one neuron":         {func(o *encoders.FlipFlopOpts) { o.Inputs = 1 }, "to: expected 2 to 1000 neurons, got 1"},
		"no spikes":          {func(o *encoders.FlipFlopOpts) { o.Most = 0 }, "most: 0: expected 1 to 1000"},
		"no interval":        {func(o *encoders.FlipFlopOpts) { o.Interval = 0 }, "interval: 0s: expected at least 1µs"},
		"a range of nothing": {func(o *encoders.FlipFlopOpts) { o.Range = lx(5, 5) }, "range: expected two different readings"},
		"more steps than spikes": {func(o *encoders.FlipFlopOpts) { o.Inputs, o.Most, o.Every = 100, 101, 0 },
			"most: 101 steps for each of 100 neurons: expected at most 10000 steps in all"},
	} {
		flipFlop := good
		c.wrong(&flipFlop)
		argyle := encoders.ArgyleOpts{BinnedOpts: encoders.BinnedOpts{Range: flipFlop.Range, Most: flipFlop.Most,
			Interval: flipFlop.Interval, Every: flipFlop.Every,
			Inputs: flipFlop.Inputs}}
		if story == "more steps than spikes" {
			argyle.Inputs++ // it has a bin less
		}
		for name, o := range map[string]encoders.EncoderOptions{"flip-flop": &flipFlop, "argyle": &argyle} {
			got := ""
			for _, m := range o.Check() {
				got += m.Key + ": " + m.Error()
			}
			want := c.want
			if story == "more steps than spikes" && name == "argyle" {
				want = "most: 101 steps for each of 101 neurons: expected at most 10000 steps in all"
			}
			if got != want {
				t.Errorf("%s, %s: got %q, want %q", story, name, got, want)
			}
			if _, err := o.Open(flipFlop.Every); (err == nil) != (want == "") {
				t.Errorf("%s, %s: opened with %v", story, name, err)
			}
		}
	}
	for key, want := range map[string][2]int64{"most": {1, 8}, "interval": {int64(us), int64(3 * ms)}, "range[0]": {-most, 79}} {
		if low, high, ok := good.Limits(key); !ok || low != want[0] || high != want[1] {
			t.Errorf("%s: got %d to %d (%v), want %d", key, low, high, ok, want)
		}
	}
	unknown := good
	unknown.Inputs = 0
	if _, err := encoders.NewFlipFlop(&unknown); err == nil || len(unknown.Check()) > 0 {
		t.Errorf("a number of neurons that is not known: %v, %v", err, unknown.Check())
	}
	if good.LongestEvery() < time.Hour {
		t.Errorf("readings may be %v apart", good.LongestEvery())
	}
}
