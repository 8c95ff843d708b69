package core

// This file holds that a network in parts does the same as the whole: see "Reproducible" in docs/exact-model.md.

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// together runs parts as goroutines would: each advances by one look-ahead, then they exchange their spikes.
func together(t interface{ Fatal(...any) }, parts []*Part, ahead, until Tick) []Spike {
	var all []Spike
	spikes := make([][]Spike, len(parts))
	for now := Tick(0); now < until; now += ahead {
		for i, p := range parts {
			spikes[i] = p.Advance(min(now+ahead, until), nil)
		}
		for i, p := range parts {
			for j := range parts {
				if i != j {
					if err := p.Receive(spikes[j]); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		all = Merge(all, spikes...)
	}
	return all
}

// The spikes are the same, however many parts a network is split into.
func TestPartsFireAsTheWholeDoes(t *testing.T) {
	split, spikes := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		d, in := busyNetwork(t)
		network, err := Build(d)
		if err != nil {
			t.Fatal(err)
		}
		stimulate(t, network, in)
		want := network.Advance(horizon, nil)
		count := rapid.IntRange(1, 5).Draw(t, "parts")
		parts, ahead, err := Split(d, count)
		if err != nil {
			t.Fatal(err)
		}
		route := rapid.SampledFrom([]string{"as the network chooses", "queue", "marked by bundle",
			"dense, else marked"}).Draw(t, "route")
		for _, p := range parts {
			routes[route](p.network)
			first, last := p.Neurons()
			for _, s := range in {
				if s.neuron < first || s.neuron >= last {
					continue
				}
				if s.electric {
					err = p.Excite(s.at, s.neuron)
				} else {
					w, _ := Water(s.units, d.Neurons[s.neuron].Leak)
					err = p.Pour(s.at, s.neuron, w)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		got := together(t, parts, ahead, horizon)
		if !slices.Equal(got, want) {
			t.Fatalf("%d parts of look-ahead %d: %v\nin one piece: %v", len(parts), ahead, got, want)
		}
		var sum Counters
		for _, p := range parts {
			c := p.Counters()
			sum.Spikes, sum.Deliveries, sum.Inputs, sum.Ignored = sum.Spikes+c.Spikes, sum.Deliveries+c.Deliveries, sum.Inputs+c.Inputs,
				sum.Ignored+c.Ignored
		}
		if sum != network.Counters() {
			t.Fatalf("counters of the parts %+v, of the whole %+v", sum, network.Counters())
		}
		if len(parts) > 1 {
			split++
		}
		spikes += len(got)
	})
	if split == 0 || spikes == 0 {
		t.Fatalf("%d networks were split, %d spikes", split, spikes)
	}
}

func TestSplitRefusesWhatBuildRefuses(t *testing.T) {
	d := Description{Neurons: []Neuron{{Threshold: 1}, {Name: "b", Threshold: 1}, {Name: "c", Threshold: 1}}}
	for name, s := range map[string]Synapse{
		"unknown":       {From: 0, To: 3, Weight: 1, Delay: 1},
		"delay":         {From: 2, To: 1, Weight: 1, Delay: 0},
		"plastic range": {From: 0, To: 2, Weight: 1, Delay: 1, Plastic: &Plastic{Window: -1}},
	} {
		d.Synapses = []Synapse{{From: 0, To: 1, Weight: 1, Delay: 1}, s}
		_, want := Build(d)
		_, _, err := Split(d, 3)
		if err == nil || err.Error() != want.Error() {
			t.Errorf("%s: %v, of the whole: %v", name, err, want)
		}
	}
	if _, _, err := Split(d, 0); !errors.Is(err, ErrRange) {
		t.Errorf("no parts: %v", err)
	}
	parts, ahead, err := Split(Description{Neurons: make([]Neuron, 0)}, 2)
	if err != nil || len(parts) != 1 || ahead != MaxDelay {
		t.Errorf("no neurons: %d parts, look-ahead %d, %v", len(parts), ahead, err)
	}
}

func TestAPartMustReceiveInTime(t *testing.T) {
	d := Description{Neurons: []Neuron{{Threshold: 1}, {Threshold: 1}}, Synapses: []Synapse{{From: 0, To: 1, Weight: 1, Delay: 10},
		{From: 1, To: 0, Weight: 1, Delay: 10}}}
	parts, ahead, err := Split(d, 2)
	if err != nil || len(parts) != 2 || ahead != 10 {
		t.Fatalf("%d parts, look-ahead %d, %v", len(parts), ahead, err)
	}
	parts[1].Advance(100, nil)
	if err := parts[1].Receive([]Spike{{At: 89, Neuron: 0}}); !errors.Is(err, ErrPast) {
		t.Errorf("too late: %v", err)
	}
	if err := parts[1].Receive([]Spike{{At: 100, Neuron: 0}}); !errors.Is(err, ErrRange) {
		t.Errorf("too early: %v", err)
	}
	if err := parts[1].Receive([]Spike{{At: 95, Neuron: 0}}); err != nil {
		t.Error(err)
	}
	if got := parts[1].Advance(200, nil); !slices.Equal(got, []Spike{{105, 1}}) {
		t.Errorf("fired %v", got)
	}
}
