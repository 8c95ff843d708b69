package core

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// This file holds docs/exact-model.md, one section after the other. Each test is named after the section that it holds. Two
// sections have files too: tune_test.go (Tuning a running network) and property_test.go (Order at equal times).

// Section "Time and water".

func TestTimeAndWater(t *testing.T) {
	for _, c := range []struct {
		units, leak float64
		want        int32
	}{
		{100, 1000, 100_000}, // 100 units leak out in 100 ms
		{-100, 1000, -100_000},
		{1, 3e6, 0}, // a third of a tick
		{1.5, 1e6, 2},
		{-1.5, 1e6, -2},
		{2.5, 1e6, 3}, // halves away from zero
		{1, 0, 1000},
		{0.0015, 0, 2},
		{0, 1000, 0},
	} {
		got, err := Water(c.units, c.leak)
		if refused := c.want == 0 && c.units != 0; got != c.want || errors.Is(err, ErrRange) != refused {
			t.Errorf("%g units at %g units/s: water %d, %v; want %d", c.units, c.leak, got, err, c.want)
		}
	}
}

// The leak that an error names works, and it is the nearest: a little beyond it the amount is refused again.
func TestTimeAndWaterNearestLeakWorks(t *testing.T) {
	for _, c := range []struct{ units, leak, nearest, beyond float64 }{
		{1e-9, 1000, 0.002, 0.0021},
		{100, 0.001, 0.0465666, 0.0465656},
	} {
		if _, err := Water(c.units, c.leak); err == nil {
			t.Errorf("%g units at %g: accepted", c.units, c.leak)
		}
		if w, err := Water(c.units, c.nearest); err != nil {
			t.Errorf("%g units at %g: %d, %v", c.units, c.nearest, w, err)
		}
		if _, err := Water(c.units, c.beyond); err == nil {
			t.Errorf("%g units at %g: accepted", c.units, c.beyond)
		}
	}
}

// Whatever the amount, the leak that an error names works, and is hardly farther away than it must be.
func TestTimeAndWaterEveryNearestLeakWorks(t *testing.T) {
	for _, units := range []float64{0.0001, 0.0001234567, -0.00033333333, 1e-7, 1e9, -123456789.123, 2147.483648, 7e11,
		5e-300, 1e300} {
		for _, border := range []float64{math.Abs(units) * 2e6, math.Abs(units) * 1e6 / MaxWater} {
			var leak float64
			if _, err := fmt.Sscanf(workingLeak(units, border), "the nearest leak that works is %g", &leak); err != nil {
				t.Errorf("%g units: %s", units, workingLeak(units, border))
				continue
			}
			if w := math.Abs(rawWater(units, leak)); w < 1 || w > MaxWater || math.Abs(leak/border-1) > 2e-5 {
				t.Errorf("%g units: leak %g, border %g, water %g", units, leak, border, w)
			}
		}
	}
}

// Section "Staircases".

func TestStaircases(t *testing.T) {
	r := recovery{step: 3, interval: 50}
	s := staircase{}
	s.set(100, 10, r)
	expect := func(at, want int64) {
		t.Helper()
		if s.settle(at, r); s.value != want {
			t.Errorf("at %d: %d, want %d", at, s.value, want)
		}
	}
	expect(149, 10) // the first step comes one interval after the value left 0
	expect(150, 7)
	s.set(190, 8, r)
	expect(200, 5) // an addition does not restart the interval
	s.set(210, -4, r)
	expect(249, -4)
	expect(250, -1) // nor does one that changes the sign
	expect(300, 0)  // the last step stops at 0
	s.set(320, 2, r)
	expect(369, 2) // after 0 the interval begins again
	expect(370, 0)
	s.set(400, MaxWater, recovery{step: 1, interval: 1})
	s.settle(400+MaxWater-1, recovery{step: 1, interval: 1})
	if s.value != 1 {
		t.Errorf("after a long time %d, want 1", s.value)
	}
	s = staircase{}
	s.set(0, 5, recovery{})
	if s.settle(math.MaxInt64/2, recovery{}); s.value != 5 {
		t.Errorf("without a recovery: %d, want 5", s.value)
	}
}

// Section "One neuron, one tick".

// One neuron with a threshold of 100. Each case pours units into it and says at which ticks it fires.
func TestOneNeuronOneTick(t *testing.T) {
	type drop struct {
		at     Tick
		amount float64
	}
	for _, story := range []struct {
		name   string
		neuron Neuron
		drops  []drop
		fires  []Tick
	}{
		{"reaching the threshold fires", Neuron{Leak: 1000}, []drop{{10, 100}}, []Tick{10}},
		{"a little less does not", Neuron{Leak: 1000}, []drop{{10, 99.999}}, nil},
		{"two halves in one tick are summed", Neuron{Leak: 1000}, []drop{{10, 50}, {10, 50}}, []Tick{10}},
		{"a tick apart, the leak has taken its share", Neuron{Leak: 1000}, []drop{{10, 50}, {11, 50}}, nil},
		{"a later pour fills up what has leaked", Neuron{Leak: 1000}, []drop{{10, 50}, {20_010, 70}}, []Tick{20_010}},
		{"a tick later it is too little", Neuron{Leak: 1000}, []drop{{10, 50}, {20_011, 70}}, nil},
		{"a barrel without a leak keeps its water", Neuron{Leak: 0}, []drop{{0, 50}, {3_000_000_000, 50}}, []Tick{3_000_000_000}},
		{"inhibition stops at 0", Neuron{Leak: 1000}, []drop{{10, -500}, {11, 100}}, []Tick{11}},
		{"or at the floor", Neuron{Leak: 1000, Floor: -50}, []drop{{10, -500}, {10_010, 139.999}, {20_010, 140.001}}, []Tick{20_010}},
		{"below 0 the level rises at the rate of the leak", Neuron{Leak: 1000, Floor: -50}, []drop{{10, -500}, {40_010, 110}},
			[]Tick{40_010}},
		{"excitation and inhibition of one tick cancel", Neuron{Leak: 1000}, []drop{{10, 150}, {10, -51}}, nil},
		{"water above the threshold is lost", Neuron{Leak: 1000}, []drop{{10, 190}, {1_010, 10}}, []Tick{10}},
		{"arrivals in the refractory period are ignored", Neuron{Leak: 1000, Refractory: 1000},
			[]drop{{10, 100}, {1_009, 100}, {1_010, 100}},
			[]Tick{10, 1_010}},
		{"without one it can fire at every tick", Neuron{Leak: 1000}, []drop{{10, 100}, {11, 100}}, []Tick{10, 11}},
		{"but once a tick", Neuron{Leak: 1000}, []drop{{10, 100}, {10, 100}}, []Tick{10}},
	} {
		t.Run(story.name, func(t *testing.T) {
			story.neuron.Threshold = 100
			n := mustBuild(t, Description{Neurons: []Neuron{story.neuron}})
			for _, d := range story.drops {
				pour(t, n, d.at, 0, d.amount)
			}
			if got := times(n.Advance(4_000_000_000, nil)); !slices.Equal(got, story.fires) {
				t.Errorf("fired at %v, want %v", got, story.fires)
			}
		})
	}
}

// A threshold of 0 is reached by every direct arrival that does not leave the level below 0, also by one of weight 0.
func TestOneNeuronOneTickAtThreshold0(t *testing.T) {
	d := Description{
		Neurons: []Neuron{{Name: "eye", Threshold: 1}, {Name: "zero", Floor: -5},
			{Name: "shy", Floor: -5, Receptors: Receptors{Threshold: 1}}},
		Synapses: []Synapse{{From: 0, To: 1, Delay: 10}, {From: 0, To: 1, Weight: -3, Delay: 20}, {From: 0, To: 1, Delay: 30},
			{From: 0, To: 1, Weight: 3, Delay: 40}},
	}
	t.Run("in accumulators", func(t *testing.T) { threshold0(t, mustBuild(t, d)) })
	t.Run("without accumulators", func(t *testing.T) { threshold0(t, mustBuild(t, wide(d))) })
}

func threshold0(t *testing.T, n *Network) {
	n.Excite(0, 0)
	if got := n.Advance(100, nil); !slices.Equal(got, []Spike{{0, 0}, {10, 1}, {40, 1}}) {
		t.Errorf("got %v: want no spike at 20 and 30, where the level is -3", got)
	}
	for neuron := 1; neuron <= 2; neuron++ {
		if theta, err := n.Threshold(neuron); theta != 0 || err != nil {
			t.Errorf("neuron %d: threshold %g, %v", neuron, theta, err)
		}
	}
	// With another threshold a weight of 0 does nothing: such a synapse is refused, whichever of the two is tuned.
	err := n.Tune(edit(n, func(d *Description) { d.Neurons[1].Threshold = 4 }))
	if !errors.Is(err, ErrRange) || !strings.Contains(err.Error(), "synapse 0: eye -> zero: weight: 0 does nothing") {
		t.Errorf("threshold 4: %v", err)
	}
	if err := n.Tune(edit(n, func(d *Description) {
		d.Neurons[1].Threshold = 4
		d.Synapses[0].Weight, d.Synapses[2].Weight = 1, 2
	})); err != nil {
		t.Error(err)
	}
}

// Modulators count in the tick in which they arrive, before the neuron is judged. Alone they fire nothing, and they count also
// while the neuron is refractory.
func TestOneNeuronOneTickModulatorsFirst(t *testing.T) {
	for _, c := range []struct {
		name      string
		modulator Tick
		amounts   map[Tick]float64
		want      []Tick
	}{
		{"in one tick", 10, map[Tick]float64{11: 60}, []Tick{11}},
		{"a tick too late", 11, map[Tick]float64{11: 60}, nil},
		{"alone, although the threshold falls below the level", 10, map[Tick]float64{1: 90}, nil},
		{"until something arrives", 10, map[Tick]float64{1: 90, 20: 0.001}, []Tick{20}},
		{"during the refractory period", 10, map[Tick]float64{9: 100, 120: 60}, []Tick{9, 120}},
	} {
		n := mustBuild(t, Description{
			Neurons:  []Neuron{{Threshold: 100, Refractory: 100, Receptors: Receptors{Threshold: 10}}, {Threshold: 1}},
			Synapses: []Synapse{{From: 1, To: 0, Kind: Modulator, Weight: 4, Delay: 1}},
		})
		n.Excite(c.modulator, 1)
		for at, amount := range c.amounts {
			pour(t, n, at, 0, amount)
		}
		if got := times(of(0, n.Advance(1000, nil))); !slices.Equal(got, c.want) {
			t.Errorf("%s: fires at %v, want %v", c.name, got, c.want)
		}
	}
}

// of returns the spikes of one neuron.
func of(neuron int, spikes []Spike) (own []Spike) {
	for _, s := range spikes {
		if s.Neuron == neuron {
			own = append(own, s)
		}
	}
	return own
}

// Section "Firing".

func TestFiringLeavesOnEveryEfferentSynapse(t *testing.T) {
	n := mustBuild(t, Description{
		Neurons: []Neuron{{Threshold: 100}, {Threshold: 10}, {Threshold: 10}, {Threshold: 10}},
		Synapses: []Synapse{{From: 0, To: 1, Weight: 10, Delay: 5}, {From: 0, To: 2, Weight: 10, Delay: 7},
			{From: 0, To: 1, Weight: 10, Delay: 9}, {From: 2, To: 3, Weight: 10, Delay: 1}},
	})
	pour(t, n, 10, 0, 150)
	if got := n.Advance(1000, nil); !slices.Equal(got, []Spike{{10, 0}, {15, 1}, {17, 2}, {18, 3}, {19, 1}}) {
		t.Errorf("got %v", got)
	}
	if level, _ := n.Level(0); level != 0 {
		t.Errorf("level %g after a spike, want 0", level)
	}
}

// A spike ends the count of ignored arrivals, which adaptation tolerates up to a number.
func TestFiringForgetsIgnoredArrivals(t *testing.T) {
	n := mustBuild(t, Description{Neurons: []Neuron{{Threshold: 100, Refractory: 10, Adaptation: &Adaptation{Rate: 7, Tolerance: 2,
		Max: 20}}}})
	expect := func(want float64) {
		t.Helper()
		if got, _ := n.Threshold(0); got != want {
			t.Errorf("at %d: threshold %g, want %g", n.Now(), got, want)
		}
	}
	for _, at := range []Tick{0, 1, 2, 10, 11, 12} { // two are ignored after each spike
		n.Excite(at, 0)
	}
	n.Advance(19, nil)
	expect(100)
	n.Excite(19, 0)
	n.Advance(20, nil)
	expect(107)
	for range 3 {
		n.Excite(20, 0) // the first of them fires the neuron, as all arrivals of a tick do together
	}
	for range 7 {
		n.Excite(21, 0)
	}
	n.Advance(30, nil)
	expect(120) // the limit
}

// Section "Burst".

func TestBurst(t *testing.T) {
	for _, c := range []struct {
		name     string
		amount   float64
		electric bool
		max      int
		want     []Tick
	}{
		{"no overshoot", 100, false, 0, []Tick{0}},
		{"a little less than one", 129.999, false, 0, []Tick{0}},
		{"exactly one", 130, false, 0, []Tick{0, 5}},
		{"three", 199, false, 0, []Tick{0, 5, 10, 15}},
		{"a limit", 1e6, false, 2, []Tick{0, 5, 10}},
		{"an electric arrival with it", 199, true, 0, []Tick{0}},
	} {
		n := mustBuild(t, Description{Neurons: []Neuron{{Threshold: 100, Refractory: 20, Burst: &Burst{Overshoot: 30, Interval: 5,
			Max: c.max}}}})
		pour(t, n, 0, 0, c.amount)
		if c.electric {
			n.Excite(0, 0)
		}
		last := c.want[len(c.want)-1]
		if last > 0 {
			n.Excite(3, 0) // ignored during the burst
		}
		n.Excite(last+19, 0) // ignored: the refractory period begins with the last spike
		n.Excite(last+20, 0)
		if got := times(n.Advance(1000, nil)); !slices.Equal(got, append(c.want, last+20)) {
			t.Errorf("%s: fires at %v, want %v and %d", c.name, got, c.want, last+20)
		}
	}
}

// Section "Refractory period".

func TestRefractoryPeriod(t *testing.T) {
	for _, refractory := range []Tick{0, 1, 2, 1000} {
		n := mustBuild(t, Description{Neurons: []Neuron{{Threshold: 100, Refractory: refractory}}})
		want := []Tick{50}
		for _, at := range []Tick{50, 50, 50 + refractory - 1, 50 + refractory, 50 + refractory} {
			if at >= 50 {
				n.Excite(at, 0)
			}
		}
		if refractory > 0 {
			want = append(want, 50+refractory) // half-open: an arrival at its end counts
		}
		if got := times(n.Advance(5000, nil)); !slices.Equal(got, want) {
			t.Errorf("%d: fires at %v, want %v", refractory, got, want)
		}
	}
}

// Section "Pacemaker".

func TestPacemakerCountsFromTheLastSpike(t *testing.T) {
	n := mustBuild(t, Description{Neurons: []Neuron{{Threshold: 100, Refractory: 10, Pacemaker: 100,
		Burst: &Burst{Overshoot: 50, Interval: 20}}}})
	n.Excite(130, 0)
	pour(t, n, 250, 0, 200) // two more spikes
	if got := times(n.Advance(500, nil)); !slices.Equal(got, []Tick{100, 130, 230, 250, 270, 290, 390, 490}) {
		t.Errorf("fires at %v", got)
	}
}

// A pacemaker as short as the refractory period fires exactly at its end. A shorter one waits for it.
func TestPacemakerAsShortAsTheRefractoryPeriod(t *testing.T) {
	for _, c := range []struct {
		refractory, pacemaker Tick
		shift                 float64
		every                 Tick
	}{{1000, 1000, 0, 1000}, {1000, 1001, 0, 1001}, {1000, 400, 0, 1000}, {1000, 5000, 100, 1000}, {0, 1, 0, 1}, {0, 1, 5, 1},
		{0, 7, 0, 7}, {1, 1, 0, 1}} {
		n := mustBuild(t, Description{Neurons: []Neuron{{Threshold: 1, Refractory: c.refractory, Pacemaker: c.pacemaker,
			Receptors: Receptors{Pacemaker: c.shift}}, {Threshold: 1}},
			Synapses: []Synapse{{From: 1, To: 0, Kind: Modulator, Weight: 100, Delay: 1}}})
		n.Excite(0, 1)
		var beats []Tick
		for _, s := range n.Advance(20*c.every, nil) {
			if s.Neuron == 0 {
				beats = append(beats, s.At)
			}
		}
		if c.shift != 0 { // the first interval began before the modulator came
			beats = beats[1:]
		}
		if len(beats) < 10 {
			t.Errorf("%+v: beats at %v", c, beats)
		}
		for i := range beats[1:] {
			if beats[i+1]-beats[i] != c.every {
				t.Errorf("%+v: beats at %v", c, beats)
				break
			}
		}
	}
}

// Section "Synapses".

func TestSynapsesElectricFiresAtAnyLevelUnlessRefractory(t *testing.T) {
	n := mustBuild(t, Description{
		Neurons:  []Neuron{{Threshold: 100, Leak: 1}, {Threshold: 1e3, Leak: 1, Floor: -1e3, Refractory: 100}},
		Synapses: []Synapse{{From: 0, To: 1, Kind: Electric, Delay: 7}},
	})
	pour(t, n, 0, 1, -1e3)
	for _, at := range []Tick{10, 60, 110} {
		if err := n.Excite(at, 0); err != nil {
			t.Fatal(err)
		}
	}
	want := []Spike{{10, 0}, {17, 1}, {60, 0}, {110, 0}, {117, 1}}
	if got := n.Advance(1000, nil); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if c := n.Counters(); c.Ignored != 1 || c.Spikes != 5 || c.Deliveries != 3 || c.Inputs != 4 {
		t.Errorf("counters %+v: want 1 ignored, 5 spikes, 3 deliveries, 4 inputs", c)
	}
}

// Section "Receptors".

func TestReceptors(t *testing.T) {
	for _, c := range []struct {
		weight, threshold, adaptation, habituation float64
		pacemaker                                  Tick
	}{{4, 60, 12, 16, 80}, {-4, 140, 0, 4, 120}, {127, 0.001, 258, 262, 10}} {
		n := mustBuild(t, Description{
			Neurons: []Neuron{
				{Threshold: 100, Refractory: 10, Pacemaker: 100, Adaptation: &Adaptation{Rate: 4}, Habituation: &Habituation{Rate: 10},
					Receptors: Receptors{Threshold: 10, Adaptation: 2, Habituation: 1.5, Pacemaker: 5}},
				{Threshold: 1},
			},
			Synapses: []Synapse{{From: 1, To: 0, Kind: Modulator, Weight: c.weight, Delay: 1}},
		})
		at := func(until Tick, what string, want float64) {
			t.Helper()
			n.Advance(until, nil)
			if got, _ := n.Threshold(0); got != want {
				t.Errorf("modulation %g, %s: threshold %g, want %g", c.weight, what, got, want)
			}
		}
		n.Excite(0, 1)
		at(2, "threshold", c.threshold)
		base := 100 - 10*c.weight // what the threshold would be without its least value
		n.Excite(5, 0)
		at(6, "a spike", max(0.001, base+c.habituation))
		n.Excite(7, 0)
		at(8, "an ignored arrival", max(0.001, base+c.habituation+c.adaptation))
		if next, _ := n.Next(); next != 5+c.pacemaker {
			t.Errorf("modulation %g: the pacemaker is due at %d, want %d", c.weight, next, 5+c.pacemaker)
		}
	}
}

// Section "Plasticity". The target of the plastic synapse 0 is neuron 1, without a leak: a unit is a unit at all times. An
// arrival takes one tick. The weight is 50, or -50: then the units of the cases below are still magnitudes.
func plasticity(t *testing.T, p Plastic, reward float64, play func(n *Network), longTerm, shortTerm float64) {
	t.Helper()
	for _, sign := range []float64{1, -1} {
		n := mustBuild(t, Description{
			Neurons: []Neuron{{Threshold: 1}, {Threshold: 100}, {Threshold: 1}},
			Synapses: []Synapse{{From: 0, To: 1, Weight: 50 * sign, Delay: 1, Plastic: &p},
				{From: 2, To: 1, Kind: Modulator, Weight: reward, Delay: 1}},
		})
		play(n)
		n.Advance(100_000, nil)
		long, short, err := n.Weight(0)
		if err != nil || long != longTerm*sign || short != shortTerm*sign {
			t.Errorf("weight %g: long-term %g, short-term %g, %v; want %g and %g", 50*sign, long, short, err, longTerm*sign,
				shortTerm*sign)
		}
	}
}

func TestPotentiation(t *testing.T) {
	p := Plastic{Window: 10, ShortTerm: ShortTerm{Rate: 3, Max: 5}, LongTerm: LongTerm{Rate: 2}, Max: 53}
	pair := func(apart ...Tick) func(n *Network) {
		return func(n *Network) {
			for i, d := range apart {
				arrival := Tick(1000 * (i + 1))
				n.Excite(arrival-1, 0)
				n.Excite(arrival+d, 1)
			}
		}
	}
	plasticity(t, p, 1, pair(0), 52, 3) // the arrival of the same tick
	plasticity(t, p, 1, pair(10), 52, 3)
	plasticity(t, p, 1, pair(11), 50, 0)
	plasticity(t, p, 1, pair(0, 5), 53, 5) // limits
}

func TestDepression(t *testing.T) {
	p := Plastic{Window: 10, ShortTerm: ShortTerm{Depression: 3}, LongTerm: LongTerm{Depression: 2}, Min: 49}
	pair := func(apart Tick, times int) func(n *Network) {
		return func(n *Network) {
			for i := range times {
				n.Excite(Tick(1000*(i+1)), 1)
				n.Excite(Tick(1000*(i+1))+apart-1, 0)
			}
		}
	}
	p.Min = 0
	plasticity(t, p, 1, pair(1, 1), 48, -3)
	plasticity(t, p, 1, pair(10, 1), 48, -3)
	plasticity(t, p, 1, pair(11, 1), 50, 0)
	plasticity(t, p, 1, pair(0, 1), 50, 0) // strictly before
	p.Min = 47
	plasticity(t, p, 1, pair(1, 2), 47, -6)
}

func TestUnpairedArrival(t *testing.T) {
	p := Plastic{Window: 10, ShortTerm: ShortTerm{Rate: 5, Unpaired: 2}}
	plasticity(t, p, 1, func(n *Network) { n.Excite(0, 0) }, 50, -2)
	plasticity(t, p, 1, func(n *Network) { n.Excite(0, 0); n.Excite(5, 1) }, 50, 3) // answered
}

func TestConsolidation(t *testing.T) {
	p := Plastic{Window: 10, ShortTerm: ShortTerm{Rate: 10}, LongTerm: LongTerm{Consolidation: 3}}
	// the short-term part is 10, then comes the reward
	learn := func(n *Network) { n.Excite(0, 0); n.Excite(1, 1); n.Excite(500, 2) }
	plasticity(t, p, 1, learn, 53, 7)
	plasticity(t, p, 2, learn, 56, 4)
	plasticity(t, p, 100, learn, 60, 0) // no more than there is
	plasticity(t, p, -2, learn, 44, 4)
	plasticity(t, p, 1, func(n *Network) { n.Excite(0, 2) }, 50, 0)
	p.ShortTerm = ShortTerm{Unpaired: 8}
	plasticity(t, p, 2, learn, 44, -2) // what has not worked gets weaker
	plasticity(t, p, -2, learn, 56, -2)
}

func TestConsolidationOfAShare(t *testing.T) {
	p := Plastic{Window: 10, ShortTerm: ShortTerm{Rate: 10}, LongTerm: LongTerm{Share: 0.01}}
	// the short-term part is 10, then comes the reward
	learn := func(n *Network) { n.Excite(0, 0); n.Excite(1, 1); n.Excite(500, 2) }
	plasticity(t, p, 1, learn, 50.1, 9.9)
	plasticity(t, p, 20, learn, 52, 8)
	plasticity(t, p, 100, learn, 60, 0)
	plasticity(t, p, 127, learn, 60, 0) // no more than there is
	plasticity(t, p, -20, learn, 48, 8)
	plasticity(t, p, 1, func(n *Network) { n.Excite(0, 2) }, 50, 0)
	p.ShortTerm.Rate = 20 // twice the short-term part, twice the change
	plasticity(t, p, 20, learn, 54, 16)
	p.ShortTerm = ShortTerm{Unpaired: 8}
	plasticity(t, p, 25, learn, 48, -6) // what has not worked gets weaker
	plasticity(t, p, -25, learn, 52, -6)
	p.LongTerm.Consolidation = 0.1 // both add up
	plasticity(t, p, 25, learn, 45.5, -3.5)
	p.LongTerm.Consolidation, p.ShortTerm = 0, ShortTerm{Rate: 0.003} // 3 of water
	plasticity(t, p, 49, learn, 50.001, 0.002)
	plasticity(t, p, 50, learn, 50.002, 0.001) // halves are rounded up
}

// An arrival delivers the weight as the tick begins, and then changes it. Consolidation comes before potentiation.
func TestPlasticityOrderWithinATick(t *testing.T) {
	p := Plastic{Window: 10, ShortTerm: ShortTerm{Rate: 4, Unpaired: 50}, LongTerm: LongTerm{Consolidation: 1}}
	n := mustBuild(t, Description{
		Neurons: []Neuron{{Threshold: 1}, {Threshold: 50}, {Threshold: 1}},
		Synapses: []Synapse{{From: 0, To: 1, Weight: 50, Delay: 1, Plastic: &p}, {From: 2, To: 1, Kind: Modulator, Weight: 100,
			Delay: 1}},
	})
	n.Excite(0, 0)
	n.Excite(0, 2)
	if got := of(1, n.Advance(10, nil)); len(got) != 1 {
		t.Errorf("fires at %v, want once: the arrival delivers 50", got)
	}
	// unpaired: -50; consolidation moves -50; potentiation: 4
	if long, short, err := n.Weight(0); long != 0 || short != 4 || err != nil {
		t.Errorf("long-term %g, short-term %g, %v; want 0 and 4", long, short, err)
	}
}
