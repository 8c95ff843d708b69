package core

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A change that another one has overtaken does nothing, and can be prepared again.
func TestCommitOfAChangeThatAnotherOvertook(t *testing.T) {
	n := mustBuild(t, Description{
		Neurons:  []Neuron{{Threshold: 100, Leak: 1000}, {Threshold: 100, Leak: 1000}},
		Synapses: []Synapse{{From: 0, To: 1, Weight: 60, Delay: 10, Plastic: &Plastic{Window: 10}}},
	})
	prepare := func(change Tuning) *Change {
		t.Helper()
		c, err := n.Prepare(change)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	late := prepare(edit(n, func(d *Description) { d.Synapses[0].Weight = 70 }))
	weights := prepare(Tuning{Learnt: map[int]float64{0: 65}})
	if !n.Commit(prepare(edit(n, func(d *Description) { d.Neurons[1].Leak = 500 }))) {
		t.Fatal("the first change was not committed")
	}
	if n.Commit(late) || n.Commit(weights) {
		t.Error("an overtaken change was committed")
	}
	if d := n.Description(); d.Synapses[0].Weight != 60 || d.Neurons[1].Leak != 500 || n.Learnt()[0] != 60 {
		t.Errorf("%+v, learnt %v", d, n.Learnt())
	}
	if !n.Commit(prepare(Tuning{Learnt: map[int]float64{0: 65}})) || n.Learnt()[0] != 65 ||
		n.Description().Synapses[0].Weight != 60 {
		t.Errorf("learnt %v, configured %v", n.Learnt(), n.Description().Synapses)
	}
}

// A change that was committed cannot be committed again, and one that is refused leaves everything as it was.
func TestCommitOnceAndRefusedChanges(t *testing.T) {
	n := mustBuild(t, Description{
		Neurons:  []Neuron{{Threshold: 100, Leak: 1000}, {Threshold: 100, Leak: 1000}},
		Synapses: []Synapse{{From: 0, To: 1, Weight: 60, Delay: 10, Plastic: &Plastic{Window: 10, Max: 80}}},
	})
	c, err := n.Prepare(Tuning{Learnt: map[int]float64{0: 65}})
	if err != nil || !n.Commit(c) {
		t.Fatal(err)
	}
	if err := n.Learn(map[int]float64{0: 70}); err != nil {
		t.Fatal(err)
	}
	if n.Commit(c) || n.Learnt()[0] != 70 {
		t.Errorf("a change was committed twice: learnt %v", n.Learnt())
	}
	other := mustBuild(t, n.Description())
	if err := other.Learn(n.Learnt()); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]Tuning{
		"no such neuron":             {Neurons: map[int]Neuron{0: {Threshold: 7}, 2: {}}},
		"synapse to another neuron":  {Synapses: map[int]Synapse{0: {From: 1, To: 0, Weight: 1, Delay: 1}}},
		"threshold that is too high": {Neurons: map[int]Neuron{1: {Threshold: 1e30}}},
		"rule":                       edit(n, func(d *Description) { d.Neurons[0].Leak = 7; d.Synapses[0].Plastic.Min = 90 }),
		"learnt weight":              {Neurons: map[int]Neuron{0: {Threshold: 7}}, Learnt: map[int]float64{0: 81}},
		"learnt weight of nothing":   {Neurons: map[int]Neuron{0: {Threshold: 7}}, Learnt: map[int]float64{1: 1}},
	} {
		if _, err := n.Prepare(change); err == nil {
			t.Errorf("%s: prepared", name)
		}
		if err := n.Tune(change); err == nil {
			t.Errorf("%s: tuned", name)
		}
		if !sameMemory(n, other) {
			t.Errorf("%s: a refused change has changed the network", name)
		}
	}
}

// populationTuning changes all weights and leaks of a population, or delays and rules.
func populationTuning(t *rapid.T, now Description) Tuning {
	change := Tuning{Neurons: map[int]Neuron{}, Synapses: map[int]Synapse{}}
	factor, leak := pick(t, "factor", 1, 1, 2, 0.5, -1), pick(t, "leak", -1.0, -1, -1, 0, 700, 2000)
	every, threshold := rapid.IntRange(1, 5).Draw(t, "every"), pick(t, "threshold", 0.0, 3)
	delay, floor := pick(t, "delay", Tick(0), 0, 0, 0, 0, 7), pick(t, "floor", 1.0, 1, -3)
	ltp, stp := pick(t, "ltp", -1.0, -1, 2), pick(t, "stp", -1.0, -1, 0, 4)
	for i := rapid.IntRange(0, every-1).Draw(t, "first neuron"); i < len(now.Neurons); i += every {
		n := now.Neurons[i]
		if n.Threshold += threshold; leak >= 0 {
			n.Leak = leak
		}
		if floor <= 0 {
			n.Floor = floor
		}
		change.Neurons[i], now.Neurons[i] = n, n
	}
	for i := rapid.IntRange(0, every-1).Draw(t, "first synapse"); i < len(now.Synapses); i += every {
		s := now.Synapses[i]
		if s.Kind == Direct && (s.Plastic == nil || factor > 0) {
			s.Weight *= factor
		}
		if delay > 0 {
			s.Delay = max(1, s.Delay-delay)
		}
		if s.Plastic != nil {
			rule := *s.Plastic
			if ltp >= 0 {
				rule.LongTerm.Rate = ltp
			}
			if stp >= 0 {
				rule.ShortTerm.Rate, rule.ShortTerm.Unpaired, rule.ShortTerm.Recovery = stp, 0, 20_000*stp
			}
			s.Plastic = &rule
		}
		change.Synapses[i], now.Synapses[i] = s, s
	}
	if rapid.IntRange(0, 3).Draw(t, "freeze") == 0 {
		frozen := !now.Frozen
		change.Frozen = &frozen
	}
	return change
}

// Changes of populations are prepared, and committed later, while spikes are in flight and weights are learnt. The result is that
// of the naive model on every route, and so are the counters. All of the memory is that of a network that was tuned in one step.
func TestTuningARunningNetworkPopulations(t *testing.T) {
	spikes, tuned, stale, refilled, moved, prepared, deferred := 0, 0, 0, 0, 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		d, in := busyNetwork(t)
		if rapid.Bool().Draw(t, "pieces") { // plastic synapses that share their source, delay and rule
			for i := range d.Synapses {
				if s := &d.Synapses[i]; s.Plastic != nil {
					s.From, s.Weight, s.Delay = s.From%3, 7, 20
					s.Plastic = &Plastic{Window: 50, Max: 60, ShortTerm: ShortTerm{Rate: 3, Max: 5, Recovery: 50_000},
						LongTerm: LongTerm{Rate: 1}}
				}
			}
		}
		type moment struct {
			prepared, at Tick
			change       Tuning
		}
		var moments []moment
		at := Tick(0)
		now := Description{Neurons: slices.Clone(d.Neurons), Synapses: slices.Clone(d.Synapses)}
		for range rapid.IntRange(1, 4).Draw(t, "changes") {
			m := moment{prepared: at + Tick(rapid.IntRange(0, 60).Draw(t, "prepared")), change: populationTuning(t, now)}
			if m.change.Frozen != nil {
				now.Frozen = *m.change.Frozen
			}
			m.at = m.prepared + Tick(pick(t, "later", 0, 1, 30, 200))
			at = m.at
			moments = append(moments, m)
		}
		model := newNaive(d)
		model.input(in)
		var want []Spike
		accepted := make([]bool, len(moments))
		reference, err := Build(d)
		if err != nil {
			t.Fatal(err)
		}
		stimulate(t, reference, in)
		for k, m := range moments {
			want = append(want, model.run(int64(m.at))...)
			reference.Advance(m.at, nil)
			if accepted[k] = reference.Tune(m.change) == nil; accepted[k] {
				model.tune(m.change)
				tuned++
			}
		}
		want = append(want, model.run(horizon)...)
		var counters *Counters
		for name, force := range routes {
			n, err := Build(d)
			if err != nil {
				t.Fatal(err)
			}
			once, _ := Build(d)
			both := []*Network{n, once}
			for _, one := range both {
				force(one)
				stimulate(t, one, in)
			}
			var got []Spike
			for k, m := range moments {
				got = n.Advance(m.prepared, got)
				learnt := n.Learnt()
				c, err := n.Prepare(m.change)
				if (err == nil) != accepted[k] {
					t.Fatal(name, err)
				}
				late, _ := n.Prepare(m.change)
				got = n.Advance(m.at, got)
				if len(learnt) > 0 && !maps.Equal(learnt, n.Learnt()) {
					prepared++
				}
				once.Advance(m.at, nil)
				if err != nil {
					continue
				}
				before := n.Counters()
				if !n.Commit(c) || n.Commit(late) && late.after != late.before {
					t.Fatalf("%s: not committed, or one that was overtaken", name)
				}
				if err := once.Tune(m.change); err != nil {
					t.Fatal(err)
				}
				if after := n.Counters(); after != before {
					t.Fatalf("%s: a change counts: %+v, before %+v", name, after, before)
				}
				stale += len(n.stale.ticks)
				if n.stale.refills {
					refilled++
				}
				if c.moved != nil && c.layout != anotherLayout {
					moved++
				}
				for _, one := range both {
					force(one)
				}
				if !sameMemory(n, once) {
					t.Fatalf("%s: not the memory of a network that was tuned in one step", name)
				}
				if n.deferred != nil {
					n.deferred.ahead = 0 // so that pieces are converted when they are needed
					deferred++
				}
			}
			got = n.Advance(horizon, got)
			if !slices.Equal(got, want) {
				t.Fatalf("%s: engine %v\nmodel  %v", name, got, want)
			}
			if wrong := model.differs(n); wrong != nil {
				t.Fatalf("%s: long-term weights of synapses %v differ", name, wrong)
			}
			if c := n.Counters(); counters == nil {
				counters = &c
			} else if c != *counters {
				t.Fatalf("%s: counters %+v, on another route %+v", name, c, *counters)
			}
		}
		spikes += len(want)
	})
	t.Logf("%d spikes, %d changes, %d while weights were learnt, %d stale ticks, %d calendars refilled, pieces moved %d times, %d "+
		"conversions deferred", spikes, tuned, prepared, stale, refilled, moved, deferred)
	if spikes == 0 || tuned == 0 || stale == 0 ||
		!testing.Short() && (prepared == 0 || refilled == 0 || moved == 0 || deferred == 0) {
		t.Fatal("the property was not tested")
	}
}

// A network may be reset between preparing a change and committing it.
func TestResetBetweenPrepareAndCommit(t *testing.T) {
	committed := 0
	rapid.Check(t, func(t *rapid.T) {
		draw := rapid.SampledFrom([]func(*rapid.T) (Description, []stimulus){randomNetwork, busyNetwork}).Draw(t, "kind")
		d, in := draw(t)
		prepared, err := Build(d)
		if err != nil {
			t.Fatal(err)
		}
		once, _ := Build(d)
		change := populationTuning(t, prepared.Description())
		at := Tick(rapid.IntRange(0, 300).Draw(t, "at"))
		for _, n := range []*Network{prepared, once} {
			stimulate(t, n, in)
			n.Advance(at, nil)
		}
		c, err := prepared.Prepare(change)
		if err != nil {
			return
		}
		for _, n := range []*Network{prepared, once} {
			n.Advance(at+20, nil)
			n.Reset()
		}
		if err := once.Tune(change); err != nil || !prepared.Commit(c) {
			t.Fatal(err)
		}
		if !sameMemory(prepared, once) {
			t.Fatal("not the memory of a network that was tuned after the reset")
		}
		for i := range in {
			in[i].at += at + 20
		}
		for _, n := range []*Network{prepared, once} {
			stimulate(t, n, in)
		}
		if got, want := prepared.Advance(at+horizon, nil), once.Advance(at+horizon, nil); !slices.Equal(got, want) {
			t.Fatalf("%v, tuned after the reset %v", got, want)
		}
		committed++
	})
	if committed == 0 {
		t.Fatal("no change was ever accepted")
	}
}

// large returns a network in which neurons have 100 synapses each, as the networks that fluxd is measured with.
func large(neurons int, plastic bool) Description {
	random := rand.New(rand.NewPCG(1, 2))
	var d Description
	for i := range neurons {
		d.Neurons = append(d.Neurons, Neuron{Name: fmt.Sprintf("n[%d]", i), Threshold: 60, Floor: -60, Leak: 100})
	}
	var rule *Plastic
	if plastic {
		rule = &Plastic{Window: 20_000, ShortTerm: ShortTerm{Rate: 1, Recovery: 5, Max: 3}, LongTerm: LongTerm{Rate: 0.01}, Max: 12}
	}
	for from := range neurons {
		for range 100 {
			s := Synapse{From: from, To: random.IntN(neurons), Weight: -10, Delay: Tick(1+random.IntN(10)) * 1000}
			if from < neurons*8/10 {
				s.Weight, s.Plastic = float64(1+random.IntN(4)), rule
			}
			d.Synapses = append(d.Synapses, s)
		}
	}
	return d
}

// drive lets a network run for some ms, with kicks to 2 % of its neurons each.
func drive(n *Network, random *rand.Rand, ms int, spikes []Spike) []Spike {
	for range ms {
		for range n.Neurons() / 50 {
			neuron := random.IntN(n.Neurons())
			water, _ := n.PourWater(neuron, 30)
			_ = n.Pour(n.Now(), neuron, water)
		}
		spikes = n.Advance(n.Now()+1000, spikes)
	}
	return spikes
}

// Changes and snapshots are prepared and encoded in other goroutines while the network runs. The race detector watches.
func TestPreparingBesideTheRunningNetwork(t *testing.T) {
	for _, plastic := range []bool{false, true} {
		d := large(100, plastic)
		n := mustBuild(t, d)
		changes, committed := make(chan *Change), make(chan *WeightCopy)
		go func() {
			defer close(changes)
			for k := range 20 {
				change := Tuning{Neurons: map[int]Neuron{}, Synapses: map[int]Synapse{}}
				now := n.plans.Load().Description()
				for i := range now.Synapses {
					now.Synapses[i].Weight *= 1.01
					change.Synapses[i] = now.Synapses[i]
				}
				for i := range now.Neurons {
					now.Neurons[i].Leak = float64(100 + k)
					change.Neurons[i] = now.Neurons[i]
				}
				c, err := n.Prepare(change)
				if err != nil {
					t.Error(err)
					return
				}
				changes <- c
				(<-committed).Snapshot(1)
			}
		}()
		random := rand.New(rand.NewPCG(1, 2))
		for open := true; open; {
			drive(n, random, 1, nil)
			select {
			case c, more := <-changes:
				if open = more; !more {
					break
				}
				if !n.Commit(c) {
					t.Error("an only change was overtaken")
				}
				weights := n.NewWeightCopy()
				n.CopyWeights(weights)
				committed <- weights
			default:
			}
		}
	}
}

// BenchmarkHeld measures for how long a change, or a copy of the weights, holds the goroutine that owns the network: the median
// and the longest of all rounds. Between two of them, the network runs for 20 ms or more.
func BenchmarkHeld(b *testing.B) {
	for _, c := range []struct {
		name    string
		neurons int
		plastic bool
		change  func(d *Description)
	}{
		{"threshold of 1000", 1000, false, func(d *Description) { eachNeuron(d, func(n *Neuron) { n.Threshold++ }) }},
		{"one weight of 100000", 1000, false, func(d *Description) { d.Synapses[7].Weight++ }},
		{"20000 weights", 200, false, func(d *Description) { eachSynapse(d, func(s *Synapse) { s.Weight *= 1.001 }) }},
		{"100000 weights", 1000, false, func(d *Description) { eachSynapse(d, func(s *Synapse) { s.Weight *= 1.001 }) }},
		{"1000000 weights", 10_000, false, func(d *Description) { eachSynapse(d, func(s *Synapse) { s.Weight *= 1.001 }) }},
		{"leaks of 1000", 1000, false, func(d *Description) { eachNeuron(d, func(n *Neuron) { n.Leak++ }) }},
		{"leaks of 10000", 10_000, false, func(d *Description) { eachNeuron(d, func(n *Neuron) { n.Leak++ }) }},
		{"delays of 100000", 1000, false, func(d *Description) {
			eachSynapse(d, func(s *Synapse) { s.Delay = s.Delay%10_000 + 1000 })
		}},
		{"80000 plastic weights", 1000, true, func(d *Description) { eachSynapse(d, func(s *Synapse) { s.Weight *= 1.001 }) }},
		{"rules of 80000 plastic", 1000, true, func(d *Description) {
			eachSynapse(d, func(s *Synapse) {
				if s.Plastic != nil {
					s.Plastic.LongTerm.Rate *= 1.001
				}
			})
		}},
		{"leaks of 1000 with plastic", 1000, true, func(d *Description) { eachNeuron(d, func(n *Neuron) { n.Leak++ }) }},
		{"threshold of 1000 with plastic", 1000, true, func(d *Description) { eachNeuron(d, func(n *Neuron) { n.Threshold++ }) }},
		{"snapshot of 80000", 1000, true, nil},
		{"snapshot of 800000", 10_000, true, nil},
	} {
		b.Run(c.name, func(b *testing.B) {
			n, err := Build(large(c.neurons, c.plastic))
			if err != nil {
				b.Fatal(err)
			}
			random := rand.New(rand.NewPCG(3, 4))
			spikes := drive(n, random, 200, nil)
			var held []time.Duration
			for b.Loop() {
				spikes = drive(n, random, 20, spikes[:0])
				for n.deferred != nil { // until the change before is complete
					spikes = drive(n, random, 20, spikes[:0])
				}
				if c.change == nil {
					held = append(held, heldBySnapshot(n))
					continue
				}
				d := n.Description()
				c.change(&d)
				change := Tuning{Neurons: map[int]Neuron{}, Synapses: map[int]Synapse{}}
				before := n.Description()
				for i := range d.Synapses {
					if d.Synapses[i].Weight != before.Synapses[i].Weight || d.Synapses[i].Delay != before.Synapses[i].Delay ||
						d.Synapses[i].Plastic != nil && *d.Synapses[i].Plastic != *before.Synapses[i].Plastic {
						change.Synapses[i] = d.Synapses[i]
					}
				}
				for i := range d.Neurons {
					if d.Neurons[i].Leak != before.Neurons[i].Leak || d.Neurons[i].Threshold != before.Neurons[i].Threshold {
						change.Neurons[i] = d.Neurons[i]
					}
				}
				held = append(held, heldByTuning(b, n, change))
			}
			slices.Sort(held)
			b.ReportMetric(float64(held[len(held)/2].Nanoseconds())/1e3, "held-us")
			b.ReportMetric(float64(held[len(held)-1].Nanoseconds())/1e3, "longest-us")
		})
	}
}

func heldByTuning(b *testing.B, n *Network, change Tuning) time.Duration {
	c, err := n.Prepare(change)
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	n.Commit(c)
	return time.Since(start)
}

func heldBySnapshot(n *Network) time.Duration {
	c := n.NewWeightCopy()
	start := time.Now()
	n.CopyWeights(c)
	held := time.Since(start)
	c.Snapshot(1)
	return held
}

func eachNeuron(d *Description, change func(*Neuron)) {
	for i := range d.Neurons {
		change(&d.Neurons[i])
	}
}

func eachSynapse(d *Description, change func(*Synapse)) {
	for i := range d.Synapses {
		change(&d.Synapses[i])
	}
}
