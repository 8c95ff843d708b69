package core

// This file holds that the ways on which arrivals travel make no difference: see "How arrivals are stored" in doc.go.

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// routes force a network to use one way for its arrivals. It would choose the cheapest; the result must not depend on it.
var routes = map[string]func(n *Network){
	"as the network chooses": func(*Network) {},
	"queue":                  onlyQueue,
	"marked by bundle":       func(n *Network) { n.denseFrom, n.sparseFrom, n.shortBundles = math.MaxInt, 0, false },
	"marked one by one":      func(n *Network) { n.denseFrom, n.sparseFrom, n.shortBundles = math.MaxInt, 0, true },
	"dense accumulators":     func(n *Network) { n.denseFrom, n.sparseFrom = 0, math.MaxInt },
	"dense, else marked":     func(n *Network) { n.denseFrom, n.sparseFrom = 0, 0 },
	"plastic pieces cut": func(n *Network) {
		n.denseFrom, n.sparseFrom = 0, 0
		cutToPairs(n)
	},
	"shared accumulators": func(n *Network) { n.denseFrom, n.sparseFrom, n.accumulators.permanent = 2, 1, false },
}

// cutToPairs cuts the plastic pieces of a network that is just built, or that has been cut before.
func cutToPairs(n *Network) {
	if len(n.plastics) == 0 {
		return
	}
	before := len(n.pieces)
	n.piecesFrom = slices.Clone(n.piecesFrom)
	n.cutPieces(1)
	if len(n.pieces) > before {
		n.stamps = nil
		for _, rule := range n.described.rules {
			n.stamps = append(n.stamps, uint64(rule))
		}
	}
	p := *n.plans.Load()
	p.pieces, p.piecesFrom, p.afferents, p.afferent, p.offsetBits = n.pieces, n.piecesFrom, n.afferents, n.afferent, n.offsetBits
	p.described.rules = n.described.rules
	n.plans.Store(&p)
}

// onlyQueue makes a network use the queue alone. It must have nothing in its calendar.
func onlyQueue(n *Network) {
	n.denseFrom, n.sparseFrom = math.MaxInt, math.MaxInt
	if n.calendar != nil {
		n.calendar.ends = nil
	}
}

// busyNetwork has fewer mechanisms and more spikes than randomNetwork. Most synapses are direct, and many arrivals meet in one
// tick.
func busyNetwork(t *rapid.T) (Description, []stimulus) {
	var d Description
	count := rapid.IntRange(2, 80).Draw(t, "neurons")
	simple := rapid.Bool().Draw(t, "simple")
	learns := rapid.IntRange(0, 2).Draw(t, "learns") == 0 // within limits that fit in sums
	for i := range count {
		if simple || rapid.IntRange(0, 4).Draw(t, "plain") > 0 {
			d.Neurons = append(d.Neurons, Neuron{Name: fmt.Sprintf("n%d", i), Threshold: pick(t, "threshold", 20.0, 20, 20, 0),
				Leak:  pick(t, "leak", 0.0, 1000, 50_000),
				Floor: pick(t, "floor", 0.0, -15), Refractory: pick[Tick](t, "refractory", 0, 1, 25)})
		} else {
			d.Neurons = append(d.Neurons, randomNeuron(t, i))
		}
	}
	delays := []Tick{10, 20, 30, 50}
	switch pick(t, "delays", "few", "odd", "scattered") {
	case "odd":
		delays = []Tick{1, 3, 20, 64, 65, 700, 90_000}
	case "scattered":
		delays = nil
		for delay := range pick(t, "longest", Tick(70), 150, 400) {
			delays = append(delays, 1+delay)
		}
		delays = append(delays, 90_000, 400_000)
	}
	for range rapid.IntRange(count, 6*count).Draw(t, "synapses") {
		s := Synapse{From: rapid.IntRange(0, count-1).Draw(t, "from"), To: rapid.IntRange(0, count-1).Draw(t, "to"),
			Weight: pick(t, "weight", 5.0, 7, 9, -6, 22, 0.5), Delay: rapid.SampledFrom(delays).Draw(t, "delay")}
		if !simple && rapid.IntRange(0, 9).Draw(t, "other") == 0 {
			delay := s.Delay
			s = randomSynapse(t, count)
			s.Delay = delay
		}
		if learns && s.Kind == Direct && rapid.Bool().Draw(t, "plastic") {
			s.Weight = pick(t, "weight", 5.0, 7, -6, 22)
			s.Plastic = &Plastic{Window: pick[Tick](t, "window", 1, 20, 500), Max: 60,
				ShortTerm: ShortTerm{Rate: pick(t, "stp", 0.0, 3), Unpaired: pick(t, "unpaired", 0.0, 1), Max: 5,
					Recovery: pick(t, "recovery", 0.0, 50_000)},
				LongTerm: LongTerm{Rate: pick(t, "ltp", 0.0, 1), Depression: pick(t, "ltd", 0.0, 2)}}
			if rapid.Bool().Draw(t, "long-term part only") {
				s.Plastic.ShortTerm = ShortTerm{}
			}
		}
		d.Synapses = append(d.Synapses, orNone(t, d, s))
	}
	var in []stimulus
	for range rapid.IntRange(1, 60).Draw(t, "inputs") {
		in = append(in, stimulus{at: Tick(10 * rapid.IntRange(0, 40).Draw(t, "at")), neuron: rapid.IntRange(0, count-1).Draw(t,
			"neuron"),
			units: float64(rapid.IntRange(-20, 40).Draw(t, "units")), electric: rapid.IntRange(0, 3).Draw(t, "electric") == 0})
	}
	if rapid.IntRange(0, 3).Draw(t, "wide") == 0 {
		d = wide(d)
	}
	return d, in
}

// The engine agrees with the naive model on every route.
func TestRoutesAgreeWithTheNaiveModel(t *testing.T) {
	spikes, summed := map[string]int{}, 0
	rapid.Check(t, func(t *rapid.T) {
		d, in := busyNetwork(t)
		model := newNaive(d)
		model.input(in)
		want := model.run(horizon)
		var reference *Counters
		for name, force := range routes {
			engine, err := Build(d)
			if err != nil {
				t.Fatal(err)
			}
			force(engine)
			if engine.sumsPlastics {
				summed++
			}
			stimulate(t, engine, in)
			got := engine.Advance(horizon, nil)
			if !slices.Equal(got, want) {
				t.Fatalf("%s: engine %v\nmodel  %v", name, got, want)
			}
			if wrong := model.differs(engine); wrong != nil {
				t.Fatalf("%s: long-term weights of synapses %v differ", name, wrong)
			}
			if c := engine.Counters(); reference == nil {
				reference = &c
			} else if c != *reference {
				t.Fatalf("%s: counters %+v, on another route %+v", name, c, *reference)
			}
			spikes[name] += len(got)
		}
	})
	if summed == 0 && !testing.Short() {
		t.Error("no network sums what plastic synapses bring")
	}
	for name := range routes {
		if spikes[name] == 0 {
			t.Errorf("%s: all networks were silent: the property was not tested", name)
		}
	}
}

// wide adds two neurons and a synapse between them whose weight does not fit in a sum. The network then uses no accumulators.
func wide(d Description) Description {
	d.Neurons = append(slices.Clone(d.Neurons), Neuron{Threshold: 1}, Neuron{Threshold: 2_000_000})
	d.Synapses = append(slices.Clone(d.Synapses), Synapse{From: len(d.Neurons) - 2, To: len(d.Neurons) - 1, Weight: 1_900_000,
		Delay: 7})
	return d
}

// Arrivals in flight obey tuned parameters on every route.
func TestTuningARunningNetworkIsTheSameOnAllRoutes(t *testing.T) {
	tuned := 0
	rapid.Check(t, func(t *rapid.T) {
		d, in := busyNetwork(t)
		slices.SortStableFunc(in, func(a, b stimulus) int { return int(a.at - b.at) })
		type moment struct {
			at     Tick
			change Tuning
		}
		var moments []moment
		at := Tick(0)
		for range rapid.IntRange(1, 4).Draw(t, "changes") {
			at += Tick(rapid.IntRange(1, 150).Draw(t, "at"))
			change := Tuning{Neurons: map[int]Neuron{}, Synapses: map[int]Synapse{}}
			i := rapid.IntRange(0, len(d.Neurons)-1).Draw(t, "neuron")
			n := d.Neurons[i]
			n.Threshold = pick(t, "threshold", 12.0, 20, 35, 0)
			n.Leak = pick(t, "leak", n.Leak, 0, 2000)
			n.Floor = pick(t, "floor", n.Floor, 0, -15, -4)
			change.Neurons[i] = n
			for range rapid.IntRange(0, 3).Draw(t, "synapses") {
				k := rapid.IntRange(0, len(d.Synapses)-1).Draw(t, "synapse")
				s := d.Synapses[k]
				if s.Kind == Direct && s.Plastic == nil {
					s.Weight = pick(t, "weight", 5.0, 25, -3)
				}
				s.Delay = pick(t, "delay", s.Delay, 10, 33)
				change.Synapses[k] = s
			}
			moments = append(moments, moment{at, change})
		}
		run := func(name string, d Description, force func(*Network)) []Spike {
			n, err := Build(d)
			if err != nil {
				t.Fatal(err)
			}
			force(n)
			var spikes []Spike
			rest := in
			for _, m := range moments {
				for len(rest) > 0 && rest[0].at < m.at+40 { // some inputs are ahead of the change
					stimulate(t, n, rest[:1])
					rest = rest[1:]
				}
				spikes = n.Advance(m.at, spikes)
				if err := n.Tune(m.change); err != nil {
					return nil // it is refused, on all routes
				}
				force(n)
			}
			stimulate(t, n, rest)
			return n.Advance(horizon, spikes)
		}
		want := run("queue", d, routes["queue"])
		for name, force := range routes {
			if got := run(name, d, force); !slices.Equal(got, want) {
				t.Fatalf("%s: %v\nqueue: %v", name, got, want)
			}
		}
		if got := run("without accumulators", wide(d), func(*Network) {}); !slices.Equal(got, want) {
			t.Fatalf("without accumulators: %v\nqueue: %v", got, want)
		}
		if got := run("neither", wide(d), onlyQueue); !slices.Equal(got, want) {
			t.Fatalf("with neither accumulators nor calendar: %v\nqueue: %v", got, want)
		}
		if want != nil {
			tuned++
		}
	})
	if tuned == 0 {
		t.Fatal("no change was ever accepted")
	}
}

// Description returns what the network was built from, whatever its layout.
func TestDescriptionSurvivesTheLayout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, _ := busyNetwork(t)
		for i := range d.Synapses {
			if d.Synapses[i].Kind == Electric {
				d.Synapses[i].Weight = 0 // it has none
			}
			if s := &d.Synapses[i]; s.Kind == Direct && rapid.IntRange(0, 9).Draw(t, "odd weight") == 0 && s.Plastic == nil {
				s.Weight = rapid.Float64Range(1, 50).Draw(t, "weight")
			}
		}
		if rapid.Bool().Draw(t, "by source") {
			slices.SortStableFunc(d.Synapses, func(a, b Synapse) int { return a.From - b.From })
		}
		if rapid.Bool().Draw(t, "wide") {
			d = wide(d)
		}
		n, err := Build(d)
		if err != nil {
			t.Fatal(err)
		}
		got := n.Description()
		for i := range d.Neurons {
			if fmt.Sprintf("%+v", flat(got.Neurons[i])) != fmt.Sprintf("%+v", flat(d.Neurons[i])) {
				t.Fatalf("neuron %d: %+v, was %+v", i, got.Neurons[i], d.Neurons[i])
			}
		}
		for i, s := range d.Synapses {
			was, is := s, got.Synapses[i]
			was.Plastic, is.Plastic = nil, nil
			if was != is || (s.Plastic == nil) != (got.Synapses[i].Plastic == nil) || s.Plastic != nil &&
				*s.Plastic != *got.Synapses[i].Plastic {
				t.Fatalf("synapse %d: %+v, was %+v", i, got.Synapses[i], s)
			}
		}
	})
}

// flat returns the fields of a neuron without pointers.
func flat(n Neuron) []any {
	all := []any{n.Name, n.Threshold, n.Leak, n.Floor, n.Refractory, n.Pacemaker, n.ModulationLeak, n.Receptors}
	if n.Adaptation != nil {
		all = append(all, *n.Adaptation)
	}
	if n.Habituation != nil {
		all = append(all, *n.Habituation)
	}
	if n.Burst != nil {
		all = append(all, *n.Burst)
	}
	return all
}
