package core

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// After Reset a network does the same as a new one with the learnt weights, later by Now. This holds whatever the network has
// done before, on every route of its spikes, and if it is tuned before or afterwards.
func TestAResetNetworkIsANewOneThatHasLearnt(t *testing.T) {
	spikes, busy, learnt := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		draw := rapid.SampledFrom([]func(*rapid.T) (Description, []stimulus){randomNetwork, busyNetwork}).Draw(t, "kind")
		d, before := draw(t)
		route := rapid.SampledFrom([]string{"as the network chooses", "queue", "marked by bundle", "dense accumulators",
			"shared accumulators"}).Draw(t, "route")
		after := slices.Clone(before)
		for i := range after {
			after[i].units += float64(rapid.IntRange(-5, 5).Draw(t, "units"))
		}
		lived, err := Build(d)
		if err != nil {
			t.Fatal(err)
		}
		routes[route](lived)
		stimulate(t, lived, before)
		lived.Advance(Tick(rapid.IntRange(0, horizon).Draw(t, "life")), nil)
		tune := func(n *Network) {
			change := rapid.IntRange(0, len(d.Neurons)-1).Draw(t, "tuned")
			neuron := n.Description().Neurons[change]
			neuron.Threshold += 3
			request := Tuning{Neurons: map[int]Neuron{change: neuron}}
			switch {
			case neuron.Noise != nil && rapid.Bool().Draw(t, "noise"):
				neuron.Noise.Rate /= 2
			case neuron.Noise != nil:
				request.Seed = new(uint64)
			case neuron.Pattern != nil:
				neuron.Pattern.Period += 7
			default:
				neuron.Pacemaker = pick(t, "pacemaker", neuron.Pacemaker, 30)
			}
			request.Neurons[change] = neuron
			if err := n.Tune(request); err != nil {
				t.Skip(err)
			}
			routes[route](n)
		}
		if rapid.Bool().Draw(t, "tuned before") {
			tune(lived)
		}
		if lived.Waiting() > 0 {
			busy++
		}
		lived.Reset()
		routes[route](lived)

		fresh, err := Build(lived.Description())
		if err != nil {
			t.Fatal(err)
		}
		weights := lived.Learnt()
		if err := fresh.Learn(weights); err != nil {
			t.Fatal(err)
		}
		routes[route](fresh)
		if lived.Waiting() != fresh.Waiting() {
			t.Fatalf("%d in flight, of a new one %d", lived.Waiting(), fresh.Waiting())
		}
		start, counted := lived.Now(), lived.Counters()
		later := slices.Clone(after)
		for i := range later {
			later[i].at += start
		}
		stimulate(t, lived, later)
		stimulate(t, fresh, after)
		middle := Tick(rapid.IntRange(1, horizon).Draw(t, "middle"))
		got, want := lived.Advance(start+middle, nil), fresh.Advance(middle, nil)
		if rapid.Bool().Draw(t, "tuned after") {
			change := rapid.IntRange(0, len(d.Neurons)-1).Draw(t, "neuron")
			for _, n := range []*Network{lived, fresh} {
				neuron := n.Description().Neurons[change]
				if neuron.Pattern == nil { // its times may have no room for more
					neuron.Refractory += 3
				}
				switch {
				case neuron.Noise != nil:
					neuron.Noise.Rate /= 3
				case neuron.Pattern != nil:
					neuron.Pattern.Period += 11
				case neuron.Pacemaker > 0:
					neuron.Pacemaker += 11
				}
				if err := n.Tune(Tuning{Neurons: map[int]Neuron{change: neuron}}); err != nil {
					t.Skip(err)
				}
				routes[route](n)
			}
		}
		got, want = lived.Advance(start+horizon, got), fresh.Advance(horizon, want)
		for i := range got {
			got[i].At -= start
		}
		if !slices.Equal(got, want) {
			t.Fatalf("reset at %d: %v\na new one:   %v", start, got, want)
		}
		for i, source := range lived.sources() { // tuned delays may have given them other numbers in a new network
			number, _ := fresh.plasticOf(int(source))
			if lived.plastics[i].magnitude() != fresh.plastics[number].magnitude() {
				t.Errorf("weight %d: %d, of a new one %d", i, lived.plastics[i].magnitude(), fresh.plastics[number].magnitude())
			}
			if lived.plastics[i].magnitude() != newNaive(d).synapses[source].w {
				learnt++
			}
		}
		c, of := lived.Counters(), fresh.Counters()
		if more := (Counters{c.Spikes - counted.Spikes, c.Deliveries - counted.Deliveries, c.Inputs - counted.Inputs,
			c.Ignored - counted.Ignored}); more != of {
			t.Fatalf("counters grew by %+v, of a new one by %+v", more, of)
		}
		spikes += len(got)
	})
	if spikes == 0 || busy == 0 || learnt == 0 {
		t.Fatalf("%d spikes, %d networks had something in flight, %d weights learnt: the property was not tested", spikes,
			busy, learnt)
	}
}

// Two neurons that excite each other are active forever. Reset ends it.
func TestResetEndsWhatExcitesItself(t *testing.T) {
	n := mustBuild(t, Description{
		Neurons:  []Neuron{{Name: "a", Threshold: 100}, {Name: "b", Threshold: 100}},
		Synapses: []Synapse{{From: 0, To: 1, Weight: 110, Delay: 1000}, {From: 1, To: 0, Weight: 110, Delay: 1000}},
	})
	if err := n.Excite(0, 0); err != nil {
		t.Fatal(err)
	}
	if spikes := n.Advance(10_000, nil); len(spikes) != 10 {
		t.Fatalf("%d spikes in 10 ms, want 10", len(spikes))
	}
	n.Reset()
	if next, waiting := n.Next(); waiting {
		t.Errorf("something is due at %d", next)
	}
	if spikes := n.Advance(20_000, nil); len(spikes) != 0 {
		t.Errorf("expected silence after Reset, got %v", spikes)
	}
	if c := n.Counters(); c.Deliveries != 9 {
		t.Errorf("%d deliveries, want 9: the tenth did not arrive", c.Deliveries)
	}
}
