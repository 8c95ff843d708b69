package play

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"fluxd/core"
)

// crowd is a random network with delays of 1 ms and more.
func crowd(neurons, fanOut int, seed uint64) core.Description {
	random := rand.New(rand.NewPCG(seed, 0))
	var d core.Description
	for i := range neurons {
		leak, refractory := float64(i%3*1000), core.Tick(i%2*1000)
		d.Neurons = append(d.Neurons, core.Neuron{Threshold: 60, Floor: -60, Leak: leak, Refractory: refractory})
	}
	for i := range neurons {
		for range fanOut {
			weight := float64(1 + random.IntN(12))
			if i%5 == 0 {
				weight = -10
			}
			s := core.Synapse{From: i, To: random.IntN(neurons), Weight: weight, Delay: core.Tick(1000 + random.IntN(9)*500)}
			switch random.IntN(20) {
			case 0:
				s.Plastic = &core.Plastic{Window: 5000, LongTerm: core.LongTerm{Rate: 0.1, Depression: 0.1}, Max: 30}
			case 1:
				s.Kind, s.Weight = core.Modulator, 2
			}
			d.Synapses = append(d.Synapses, s)
		}
	}
	return d
}

type driven interface {
	Pour(at core.Tick, neuron int, water int32) error
	Next() (core.Tick, bool)
	Advance(until core.Tick, spikes []core.Spike) []core.Spike
	Counters() core.Counters
}

// drive stimulates a network for 150 ms, then waits as long, in steps of random length.
func drive(t *testing.T, n driven, neurons int, pourWater func(int, float64) (int32, error)) []core.Spike {
	random := rand.New(rand.NewPCG(7, 7))
	var spikes []core.Spike
	for at := core.Tick(0); at < 300_000; {
		if at < 150_000 {
			for range 5 {
				neuron := random.IntN(neurons)
				water, err := pourWater(neuron, 70)
				if err != nil {
					t.Fatal(err)
				}
				if err := n.Pour(at+core.Tick(random.IntN(3000)), neuron, water); err != nil {
					t.Fatal(err)
				}
			}
		}
		at += core.Tick(1 + random.IntN(2500))
		spikes = n.Advance(at, spikes)
	}
	return spikes
}

// Any number of workers comes to the same spikes as one.
func TestCrewFiresAsOne(t *testing.T) {
	const neurons = 120
	d := crowd(neurons, 15, 3)
	network, err := core.Build(d)
	if err != nil {
		t.Fatal(err)
	}
	want := drive(t, network, neurons, network.PourWater)
	if len(want) < 500 {
		t.Fatalf("%d spikes: too few for a comparison", len(want))
	}
	for workers := 1; workers <= 5; workers++ {
		crew, err := NewCrew(d, workers)
		if err != nil {
			t.Fatal(err)
		}
		if crew.Workers() != workers {
			t.Errorf("%d workers, want %d", crew.Workers(), workers)
		}
		if got := drive(t, crew, neurons, crew.PourWater); !slices.Equal(got, want) {
			t.Errorf("%d workers: %d spikes, want %d, or they differ", workers, len(got), len(want))
		}
		if got := crew.Counters(); got != network.Counters() {
			t.Errorf("%d workers: %+v, want %+v", workers, got, network.Counters())
		}
		_, busy := network.Next()
		if _, waiting := crew.Next(); waiting != busy {
			t.Errorf("%d workers: something is due: %v, want %v", workers, waiting, busy)
		}
		crew.Close()
	}
}

func TestCrewRefuses(t *testing.T) {
	if _, err := NewCrew(core.Description{Neurons: []core.Neuron{{Threshold: -1}}}, 2); !errors.Is(err, core.ErrRange) {
		t.Errorf("a threshold below 0: %v", err)
	}
	crew, err := NewCrew(crowd(3, 1, 1), 9)
	if err != nil {
		t.Fatal(err)
	}
	defer crew.Close()
	if crew.Workers() != 3 {
		t.Errorf("%d workers for 3 neurons", crew.Workers())
	}
	if err := crew.Excite(0, 3); !errors.Is(err, core.ErrUnknown) {
		t.Errorf("neuron 3 of 3: %v", err)
	}
	if err := crew.Pour(0, -1, 1); !errors.Is(err, core.ErrUnknown) {
		t.Errorf("neuron -1: %v", err)
	}
	if err := crew.Excite(0, 2); err != nil {
		t.Error(err)
	}
	if got := crew.Advance(1, nil); !slices.Equal(got, []core.Spike{{At: 0, Neuron: 2}}) {
		t.Errorf("fired %v", got)
	}
	if err := crew.Excite(0, 2); !errors.Is(err, core.ErrPast) {
		t.Errorf("the past: %v", err)
	}
}
