package core

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"fluxd/lagged"
)

// Section "Generators" of docs/exact-model.md. naive_generators_test.go has a second implementation of it, and property_test.go
// compares both in random networks.

// source is a neuron that fires by itself only.
func source(name string, n Noise) Neuron {
	return Neuron{Name: name, Threshold: 100, Leak: 1000, Refractory: 1000, Noise: &n}
}

// timesOf returns when a neuron spikes.
func timesOf(neuron int, spikes []Spike) (times []Tick) {
	for _, s := range of(neuron, spikes) {
		times = append(times, s.At)
	}
	return times
}

// alone runs one neuron until a time and returns its spikes.
func alone(t testing.TB, seed uint64, n Neuron, until Tick) []Tick {
	t.Helper()
	return timesOf(0, mustBuild(t, Description{Neurons: []Neuron{n}, Seed: seed}).Advance(until, nil))
}

// A draw from a range gives each of its numbers equally often, and a range of one number draws nothing.
func TestDrawsFromARange(t *testing.T) {
	r := noiseState{random: lagged.New(1, "")}
	before := r
	if r.between(7, 7) != 7 || r != before {
		t.Error("a range of one number has drawn")
	}
	const draws = 100_000
	for _, width := range []int64{1, 2, 3, 4, 20, 21, 31, 32} {
		counts := map[int64]int{}
		for range draws {
			counts[r.between(-5, -5+width)]++
		}
		chi := 0.0
		expected := draws / float64(width+1)
		for i := range width + 1 {
			chi += math.Pow(float64(counts[i-5])-expected, 2) / expected
		}
		if len(counts) != int(width)+1 || chi > float64(width)+5*math.Sqrt(2*float64(width)) {
			t.Errorf("-5 to %d: %v, chi square %.1f of %d degrees", width-5, counts, chi, width)
		}
	}
	for range draws { // the widest range: the intervals up to MaxDelay
		if x := r.between(1, int64(MaxDelay)); x < 1 || x > int64(MaxDelay) {
			t.Fatalf("%d is outside the range", x)
		}
	}
}

// The table of chances gives a waiting time whose mean and variance are those of the geometric distribution: the mean to 1 in
// 10^8, the variance to 2 in 10^7.
func TestWaitingTimesHaveTheirDistribution(t *testing.T) {
	for _, quarters := range []uint64{1, 2, 3, 4, 5, 7, 13, 40, 399, 4000, 40_001, 400_000, 4_000_000, 4 * uint64(MaxDelay)} {
		want := float64(quarters) / 4
		chances := digits(quarters)
		mean, variance := 0.0, 0.0
		for k, chance := range chances {
			p := float64(chance) / (1 << 32)
			mean += math.Ldexp(p, k)
			variance += math.Ldexp(p*(1-p), 2*k)
		}
		if off := math.Abs(mean/want - 1); off > 1e-8 {
			t.Errorf("mean %g: off by %.2g", want, off)
		}
		if off := math.Abs(variance/(want*(1+want)) - 1); off > 2e-7 {
			t.Errorf("mean %g: the variance is off by %.2g", want, off)
		}
		if len(chances) > 37 {
			t.Errorf("mean %g: %d digits", want, len(chances))
		}
	}
	if digits(0) != nil {
		t.Error("a mean of 0 has digits")
	}
	page := []uint32{2146409369, 2145335090, 2143186537, 2138889461, 2130295550, 2113109654, 2078753270, 2010163553, 1873961866,
		1609172957, 1134512963, 490274677, 70153182, 1183912, 326}
	if got := digits(4 * 999); !slices.Equal(got, page) {
		t.Errorf("for a mean of 999: %d, docs/exact-model.md gives %d", got, page)
	}
}

// Spikes of a Poisson process: mean and variance of the intervals, no correlation of neighbours, and counts whose variance is
// their mean. The refractory period is part of the mean interval.
func TestPoissonNoise(t *testing.T) {
	const count = 200_000
	for _, c := range []struct {
		rate       float64
		refractory Tick
	}{{10, 1000}, {100, 0}, {800, 1000}, {0.01, 50_000}, {200_000, 0}, {999, 1000}} {
		n := source("n", Noise{Rate: c.rate})
		n.Refractory = c.refractory
		mean := math.Round(1e6 / c.rate)
		spikes := alone(t, 5, n, Tick(count*mean))
		least := float64(max(c.refractory, 1))
		waits := mean - least
		sd := math.Sqrt(waits * (1 + waits))
		if off := (float64(len(spikes)) - count) * mean / sd / math.Sqrt(count); math.Abs(off) > 4 {
			t.Errorf("%+v: %d spikes, want %d: %.1f standard deviations", c, len(spikes), count, off)
		}
		var sum, squares, neighbours, before float64
		for i := 1; i < len(spikes); i++ {
			interval := float64(spikes[i] - spikes[i-1])
			if interval < least {
				t.Fatalf("%+v: an interval of %g us", c, interval)
			}
			x := (interval - mean) / sd
			sum += x
			squares += x * x
			neighbours += x * before
			before = x
		}
		if sum, off, r := sum/math.Sqrt(count), (squares/count-1)/math.Sqrt(8.0/count),
			neighbours/math.Sqrt(count); math.Abs(sum) > 4 ||
			math.Abs(off) > 4.5 || math.Abs(r) > 4 {
			t.Errorf("%+v: in standard deviations: mean %.1f, variance %.1f, correlation %.1f", c, sum, off, r)
		}
		if c.refractory > 1000 || float64(c.refractory)*c.rate > 0.02e6 {
			continue // what follows is for a Poisson process without a refractory period to speak of
		}
		window, counts := 50*mean, make([]float64, count/50)
		for _, at := range spikes {
			if k := int(float64(at) / window); k < len(counts) {
				counts[k]++
			}
		}
		variance := 0.0
		for _, k := range counts {
			variance += (k - 50) * (k - 50)
		}
		shorter := 1 - 2*least*c.rate/1e6 + 1/(1+waits) // what a refractory period takes away, and whole ticks add
		if fano := variance / 50 / float64(len(counts)); math.Abs(fano/shorter-1) > 5*math.Sqrt(2/float64(len(counts))) {
			t.Errorf("%+v: the variance of the counts is %.3f of their mean, want %.3f", c, fano, shorter)
		}
	}
}

// Bursts of 20 to 40 spikes, 10 ms apart, last 190 to 390 ms. They begin at the rate, and each number of spikes is as likely as
// any other.
func TestBabble(t *testing.T) {
	n := source("n", Noise{Rate: 0.5, SpikesMin: 20, SpikesMax: 40, IntervalMin: 8000, IntervalMax: 12_000})
	const bursts = 20_000
	spikes := alone(t, 3, n, bursts*2_000_000)
	counts, intervals, began := map[int]int{}, map[Tick]int{}, 0
	for i := 0; i < len(spikes); {
		interval, last := Tick(0), i
		for last+1 < len(spikes) && (interval == 0 && spikes[last+1]-spikes[last] <= 12_000 ||
			spikes[last+1]-spikes[last] == interval) {
			interval = spikes[last+1] - spikes[last]
			last++
		}
		began++
		counts[last-i+1]++
		intervals[interval]++
		i = last + 1
	}
	if began < bursts-4*141 || began > bursts+4*141 {
		t.Errorf("%d bursts, want %d", began, bursts)
	}
	odd := 0 // a burst that begins just after another looks like a part of it
	for spikes, times := range counts {
		if spikes < 20 || spikes > 40 {
			odd += times
		} else if times < bursts/21-5*31 || times > bursts/21+5*31 {
			t.Errorf("%d bursts of %d spikes, want about %d", times, spikes, bursts/21)
		}
	}
	if odd > bursts/50 || len(intervals) < 3900 {
		t.Errorf("%d bursts of other lengths, %d different intervals", odd, len(intervals))
	}
}

// Each neuron has a stream of random numbers that depends on the seed and its name alone.
func TestStreamsAreIndependent(t *testing.T) {
	a, b := source("a", Noise{Rate: 100}), source("b", Noise{Rate: 100})
	nameless := source("", Noise{Rate: 100})
	run := func(seed uint64, neurons ...Neuron) [][]Tick {
		spikes := mustBuild(t, Description{Neurons: neurons, Seed: seed}).Advance(10_000_000, nil)
		var all [][]Tick
		for i := range neurons {
			all = append(all, timesOf(i, spikes))
		}
		return all
	}
	first, more := run(1, a), run(1, b, Neuron{Threshold: 1, Leak: 1}, a)
	if !slices.Equal(first[0], more[2]) {
		t.Error("other neurons change the spikes of a neuron")
	}
	if other := run(2, a)[0]; slices.Equal(first[0], other) {
		t.Error("another seed gives the same spikes")
	}
	if two := run(1, nameless, nameless); slices.Equal(two[0], two[1]) {
		t.Error("two neurons without names have the same spikes")
	}
	whole := Description{Neurons: []Neuron{nameless, a, nameless, nameless}, Seed: 1}
	parts, _, err := Split(whole, 4)
	if err != nil || len(parts) != 4 {
		t.Fatalf("%d parts, %v", len(parts), err)
	}
	var split [][]Spike
	for _, p := range parts {
		split = append(split, p.Advance(10_000_000, nil))
	}
	if got, want := Merge(nil, split...), mustBuild(t, whole).Advance(10_000_000, nil); !slices.Equal(got, want) {
		t.Error("the parts of a network have other streams than the whole")
	}
	at, both := map[Tick]bool{}, 0
	for _, t := range more[0] {
		at[t/1000] = true
	}
	for _, t := range more[2] {
		if at[t/1000] {
			both++
		}
	}
	if both < 50 || both > 150 { // of 1000 spikes in 10,000 ms
		t.Errorf("the streams of two neurons coincide %d times, want about 100", both)
	}
}

// The spikes of a seed are the same on every machine and in every version.
func TestNoiseIsTheSameEverywhere(t *testing.T) {
	for _, c := range []struct {
		neuron Neuron
		want   string
	}{
		{source("try", Noise{Rate: 20}), "[25066 134521 140451 145751 187015 217197 232641]"},
		{source("try", Noise{Rate: 8, SpikesMin: 2, SpikesMax: 4, IntervalMin: 3000, IntervalMax: 9000}),
			"[90602 96210 143534 150712 157890 165068 186113 193584 362665 370455]"},
	} {
		got := alone(t, 1, c.neuron, 1_000_000)
		if text := fmt.Sprint(got[:min(len(got), strings.Count(c.want, " ")+1)]); text != c.want {
			t.Errorf("%+v: %s, want %s", *c.neuron.Noise, text, c.want)
		}
	}
}

// Neither excitation nor inhibition changes a generator, as for the pacemaker: it fires at any level.
func TestGeneratorsFireAtAnyLevel(t *testing.T) {
	for name, n := range map[string]Neuron{
		"pacemaker": {Pacemaker: 7000},
		"noise":     {Noise: &Noise{Rate: 50}},
		"babble":    {Noise: &Noise{Rate: 5, SpikesMin: 3, SpikesMax: 6, IntervalMin: 2000, IntervalMax: 4000}},
		"pattern":   {Pattern: &Pattern{Period: 50_000, Times: []Tick{0, 3000, 20_000}}},
	} {
		n.Threshold, n.Leak, n.Floor, n.Refractory = 100, 1000, -1000, 1000
		left := mustBuild(t, Description{Neurons: []Neuron{n}})
		disturbed := mustBuild(t, Description{Neurons: []Neuron{n}})
		for at := Tick(500); at < 1_000_000; at += 700 {
			units := -50.0
			if at%1400 < 700 {
				units = 30
			}
			water, _ := disturbed.PourWater(0, units)
			if err := disturbed.Pour(at, 0, water); err != nil {
				t.Fatal(err)
			}
		}
		want, got := left.Advance(1_000_000, nil), disturbed.Advance(1_000_000, nil)
		if !slices.Equal(got, want) || len(got) < 10 {
			t.Errorf("%s: %d spikes with arrivals that do not fire it, %d without", name, len(got), len(want))
		}
	}
}

// A pattern begins with the network and repeats its period. Its times fall where they fall, whatever else fires the neuron; one
// in a refractory period or a burst is left out.
func TestPattern(t *testing.T) {
	n := Neuron{Threshold: 100, Leak: 1000, Refractory: 2000, Burst: &Burst{Overshoot: 10, Interval: 3000, Max: 2},
		Pattern: &Pattern{Period: 20_000, Times: []Tick{0, 5000, 7000}}}
	network := mustBuild(t, Description{Neurons: []Neuron{n}})
	if err := network.Excite(44_000, 0); err != nil { // its refractory period ends at 46 ms
		t.Fatal(err)
	}
	water, _ := network.PourWater(0, 130)
	if err := network.Pour(64_500, 0, water); err != nil { // a burst at 64.5, 67.5 and 70.5 ms
		t.Fatal(err)
	}
	got := timesOf(0, network.Advance(81_000, nil))
	want := []Tick{0, 5000, 7000, 20_000, 25_000, 27_000, 40_000, 44_000, 47_000, 60_000, 64_500, 67_500, 70_500, 80_000}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	network.Reset() // at 81 ms: the pattern begins there
	if got, want := timesOf(0, network.Advance(102_000, nil)), []Tick{81_000, 86_000, 88_000, 101_000}; !slices.Equal(got, want) {
		t.Errorf("after Reset %v, want %v", got, want)
	}
}

// Generators work at any time that a clock will show: 2^42 us are 51 days, 2^61 us are 73,000 years.
func TestGeneratorsAtLateTimes(t *testing.T) {
	for _, late := range []Tick{1<<42 - 3, 1<<53 + 1, 1 << 61} {
		pattern := Neuron{Name: "p", Threshold: 1, Leak: 1, Pattern: &Pattern{Period: 7, Times: []Tick{2, 3, 6}}}
		noise := source("n", Noise{Rate: 1000, SpikesMin: 1, SpikesMax: 3, IntervalMin: 10, IntervalMax: 20})
		noise.Refractory = 5
		rare := source("r", Noise{Rate: 0.0003})
		network := mustBuild(t, Description{Neurons: []Neuron{pattern, noise, rare}})
		// Nothing steps there: the timers are moved, as after a long rest.
		network.now = int64(late)
		for i := range network.barrels {
			m := network.mechanisms[network.mechanismsOf[i]]
			network.timers.set(network.mechanismsOf[i], uint32(i), m.spontaneous(int64(late)-1, 0, 0))
		}
		spikes := network.Advance(late+100_000, nil)
		for i, at := range timesOf(0, spikes) {
			cycle := int64(late) / 7 * 7
			var times []Tick
			for k := range Tick(20) {
				times = append(times, Tick(cycle)+7*k+2, Tick(cycle)+7*k+3, Tick(cycle)+7*k+6)
			}
			times = slices.DeleteFunc(times, func(t Tick) bool { return t < late })
			if i < 30 && at != times[i] {
				t.Fatalf("pattern at %d: spike %d at %d, want %d", late, i, at, times[i])
			}
		}
		if count := len(timesOf(1, spikes)); count < 150 || count > 250 {
			t.Errorf("noise at %d: %d spikes, want about 200", late, count)
		}
		if next, _ := network.Next(); next < late {
			t.Errorf("at %d the next spike is at %d", late, next)
		}
	}
}

// A run allocates nothing, whatever generates.
func TestGeneratorsDoNotAllocate(t *testing.T) {
	network := mustBuild(t, Description{Neurons: []Neuron{source("a", Noise{Rate: 500}),
		source("b", Noise{Rate: 20, SpikesMin: 2, SpikesMax: 9, IntervalMin: 1000, IntervalMax: 2000}),
		{Threshold: 1, Leak: 1, Pattern: &Pattern{Period: 1000, Times: []Tick{0, 500}}}}})
	until := Tick(1_000_000)
	spikes := network.Advance(until, make([]Spike, 0, 100_000))
	if got := testing.AllocsPerRun(100, func() {
		until += 10_000
		spikes = network.Advance(until, spikes[:0])
	}); got != 0 {
		t.Errorf("%g allocations in 10 ms", got)
	}
}

// A change of other properties leaves the next spike of the noise where it is. One that is refused leaves everything as it is. A
// change of the noise or of the seed draws again.
func TestTuningNoise(t *testing.T) {
	n := source("n", Noise{Rate: 20, SpikesMin: 1, SpikesMax: 5, IntervalMin: 3000, IntervalMax: 5000})
	late := 2_000_000
	run := func(change func(network *Network) error) []Tick {
		network := mustBuild(t, Description{Neurons: []Neuron{n}, Seed: 9})
		spikes := network.Advance(777_777, nil)
		if err := change(network); err != nil {
			t.Fatal(err)
		}
		return timesOf(0, network.Advance(Tick(late), spikes))
	}
	to := func(edit func(*Neuron)) func(*Network) error {
		return func(network *Network) error {
			neuron := network.Description().Neurons[0]
			edit(&neuron)
			return network.Tune(Tuning{Neurons: map[int]Neuron{0: neuron}})
		}
	}
	seed := func(s uint64) func(*Network) error {
		return func(network *Network) error { return network.Tune(Tuning{Seed: &s}) }
	}
	want := run(func(*Network) error { return nil })
	for name, change := range map[string]func(*Network) error{
		"threshold": to(func(n *Neuron) { n.Threshold = 50; n.Habituation = &Habituation{Rate: 1} }),
		"same noise": to(func(n *Neuron) {
			n.Noise = &Noise{Rate: 20, SpikesMin: 1, SpikesMax: 5, IntervalMin: 3000, IntervalMax: 5000}
		}),
		"same seed":  seed(9),
		"a snapshot": func(network *Network) error { _, err := network.Restore(network.Snapshot(1)); return err },
		"a refused change": func(network *Network) error {
			neuron := network.Description().Neurons[0]
			neuron.Noise.Rate, neuron.Leak = 1, -1
			other := uint64(3)
			if err := network.Tune(Tuning{Neurons: map[int]Neuron{0: neuron}, Seed: &other}); !errors.Is(err, ErrRange) {
				return fmt.Errorf("expected a refusal, got %w", err)
			}
			return nil
		},
	} {
		if got := run(change); !slices.Equal(got, want) {
			t.Errorf("%s: %v\nwant %v", name, got, want)
		}
	}
	for name, change := range map[string]func(*Network) error{
		"rate": to(func(n *Neuron) { n.Noise.Rate = 21 }), "seed": seed(10),
	} {
		got := run(change)
		same := 0
		for same < len(got) && same < len(want) && got[same] == want[same] {
			same++
		}
		if same < 10 || same == len(want) || want[same] < 777_777 {
			t.Errorf("%s: %d spikes are the same, up to %d us", name, same, want[min(same, len(want)-1)])
		}
	}
	late = 100_000_000
	if got := len(run(to(func(n *Neuron) { n.Noise = &Noise{Rate: 200} }))); got < 19_000 || got > 21_000 {
		t.Errorf("%d spikes at 200 a second, want about 20,000", got)
	}
	if got := run(to(func(n *Neuron) { n.Noise = nil })); len(got) > 100 {
		t.Errorf("%d spikes though the noise was taken away", len(got))
	}
}

// The seed is that of the description, and Reset begins the streams again.
func TestSeed(t *testing.T) {
	network := mustBuild(t, Description{Neurons: []Neuron{source("n", Noise{Rate: 50})}, Seed: 7})
	first := timesOf(0, network.Advance(1_000_000, nil))
	network.Reset()
	again := timesOf(0, network.Advance(2_000_000, nil))
	for i := range again {
		again[i] -= 1_000_000
	}
	if !slices.Equal(again, first) {
		t.Errorf("after Reset %v\nbefore %v", again, first)
	}
	seed := uint64(8)
	if err := network.Tune(Tuning{Seed: &seed}); err != nil || network.Description().Seed != 8 {
		t.Errorf("seed %d, %v; want 8", network.Description().Seed, err)
	}
	network.Reset()
	fresh := mustBuild(t, network.Description())
	got, want := timesOf(0, network.Advance(3_000_000, nil)), timesOf(0, fresh.Advance(1_000_000, nil))
	for i := range got {
		got[i] -= 2_000_000
	}
	if !slices.Equal(got, want) {
		t.Errorf("after a new seed and Reset %v\nwant %v", got, want)
	}
}

func TestGeneratorsThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		change func(*Neuron)
		want   string // the property and the reason; empty: accepted
	}{
		{func(n *Neuron) { n.Noise = &Noise{Rate: 1000} }, ""},
		{func(n *Neuron) { n.Noise = &Noise{Rate: 1001} },
			"noise.rate: 1001 per second: expected at most 1000: the refractory period is 1000 us"},
		{func(n *Neuron) { n.Noise = &Noise{Rate: 1e6}; n.Refractory = 0 }, ""},
		{func(n *Neuron) { n.Noise = &Noise{} }, "noise.rate: 0 per second: expected 0.000278 to 1e6"},
		{func(n *Neuron) { n.Noise = &Noise{Rate: math.NaN()} }, "noise.rate: NaN per second"},
		{func(n *Neuron) { n.Noise = &Noise{Rate: math.Inf(1)} }, "noise.rate: +Inf per second"},
		{func(n *Neuron) { n.Noise = &Noise{Rate: 2.7e-4} }, "noise.rate: 0.00027 per second"},
		{func(n *Neuron) { n.Noise = &Noise{Rate: 2.8e-4} }, ""},
		{func(n *Neuron) {
			n.Noise = &Noise{Rate: 4, SpikesMin: 20, SpikesMax: 40, IntervalMin: 10_000, IntervalMax: 10_000}
		},
			"noise.rate: 4 per second: expected at most 3.436: on average a burst has 30 spikes 10000 us apart, and a refractory " +
				"period of " +
				"1000 us"},
		{func(n *Neuron) {
			n.Noise = &Noise{Rate: 3.436, SpikesMin: 20, SpikesMax: 40, IntervalMin: 10_000, IntervalMax: 10_000}
		}, ""},
		{func(n *Neuron) { n.Noise = &Noise{Rate: 1, SpikesMin: 3, SpikesMax: 2} }, "noise.spikes: 3 to 2: expected at least 1"},
		{func(n *Neuron) { n.Noise = &Noise{Rate: 1, SpikesMin: -1, SpikesMax: -1} }, "noise.spikes: -1 to -1: expected at least 1"},
		{func(n *Neuron) { n.Noise = &Noise{Rate: 1, SpikesMin: 2, SpikesMax: 2} },
			"noise.interval: 0 us to 0 us: expected at least 1 us, at most 3600000000 us"},
		{func(n *Neuron) { n.Noise = &Noise{Rate: 1, SpikesMin: 2, SpikesMax: 2, IntervalMin: 5, IntervalMax: 4} },
			"noise.interval: 5 us"},
		{func(n *Neuron) {
			n.Noise = &Noise{Rate: 1, SpikesMin: math.MaxInt32, SpikesMax: math.MaxInt32, IntervalMin: MaxDelay, IntervalMax: MaxDelay}
		}, "noise.rate: 1 per second: expected at most 1.293e-13"},
		{func(n *Neuron) { n.Noise = &Noise{Rate: 1}; n.Pacemaker = 5 }, "noise: the neuron has a pacemaker: expected one of"},
		{func(n *Neuron) { n.Noise, n.Pattern = &Noise{Rate: 1}, &Pattern{Period: 2000, Times: []Tick{0}} },
			"pattern: the neuron has noise: expected one of"},
		{func(n *Neuron) { n.Pattern = &Pattern{Period: 1000, Times: []Tick{0}} }, ""},
		{func(n *Neuron) { n.Pattern = &Pattern{Period: 999, Times: []Tick{0}} },
			"pattern.period: 999 us: expected at least 1000 us: from the last time to the first one of the next period"},
		{func(n *Neuron) { n.Pattern = &Pattern{Period: 5000} }, "pattern.times: 0 times: expected 1 to 1024"},
		{func(n *Neuron) { n.Pattern = &Pattern{Period: 5000, Times: make([]Tick, 1025)} }, "pattern.times: 1025 times"},
		{func(n *Neuron) { n.Pattern = &Pattern{Times: []Tick{0}} }, "pattern.period: 0 us: expected 1 to 3600000000"},
		{func(n *Neuron) { n.Pattern = &Pattern{Period: MaxDelay + 1, Times: []Tick{0}} }, "pattern.period: 3600000001 us"},
		{func(n *Neuron) { n.Pattern = &Pattern{Period: 5000, Times: []Tick{5000}} }, "pattern.times[0]: 5000 us: expected 0 to 4999"},
		{func(n *Neuron) { n.Pattern = &Pattern{Period: 5000, Times: []Tick{-1}} }, "pattern.times[0]: -1 us"},
		{func(n *Neuron) { n.Pattern = &Pattern{Period: 5000, Times: []Tick{0, 2000, 2999}} },
			"pattern.times[2]: 2999 us: expected at least 3000 us: rising times, a refractory period apart"},
		{func(n *Neuron) { n.Pattern = &Pattern{Period: 5000, Times: []Tick{2000, 2000}}; n.Refractory = 0 },
			"pattern.times[1]: 2000 us"},
		{func(n *Neuron) { n.Noise, n.Leak = &Noise{Rate: -1}, -1 }, "leak: -1"},
		{func(n *Neuron) { n.Noise, n.Refractory = &Noise{Rate: 1}, 1<<62 }, "refractory: 4611686018427387904 us"},
		{func(n *Neuron) { n.Pattern, n.Refractory = &Pattern{Period: 10, Times: []Tick{0, 1}}, math.MaxInt64 }, "refractory: "},
	} {
		n := Neuron{Name: "n", Threshold: 100, Leak: 1000, Refractory: 1000}
		c.change(&n)
		network, err := Build(Description{Neurons: []Neuron{n}})
		switch {
		case c.want == "" && err != nil:
			t.Errorf("refused: %v", err)
		case c.want == "":
			network.Advance(20_000, nil)
		case err == nil || !strings.HasPrefix(err.Error(), "n: "+c.want):
			t.Errorf("got %v\nwant %s", err, c.want)
		case !strings.HasPrefix(n.Mistakes()[0].Error(), c.want):
			t.Errorf("Mistakes: %v, want %s", n.Mistakes(), c.want)
		}
	}
}

// BenchmarkNoise measures a spike of a neuron with noise.
func BenchmarkNoise(b *testing.B) {
	for _, rate := range []float64{1000, 1} {
		b.Run(fmt.Sprintf("rate=%g", rate), func(b *testing.B) {
			n := source("n", Noise{Rate: rate})
			n.Refractory = 0
			network := mustBuild(b, Description{Neurons: []Neuron{n}})
			spikes := make([]Spike, 0, 10_000)
			count := 0
			for b.Loop() {
				spikes = network.Advance(network.Now()+Tick(1000*1e6/rate), spikes[:0])
				count += len(spikes)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(count), "ns/spike")
		})
	}
}
