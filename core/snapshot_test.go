package core

import (
	"errors"
	"testing"

	"pgregory.net/rapid"
)

// What was learnt comes back exactly, to the last tick of water.
func TestSnapshotRestoresWhatWasLearnt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, in := randomNetwork(t)
		n, err := Build(d)
		if err != nil {
			t.Fatal(err)
		}
		stimulate(t, n, in)
		n.Advance(horizon, nil)
		fresh, _ := Build(d)
		if err := fresh.Restore(n.Snapshot()); err != nil {
			t.Fatal(err)
		}
		for i := range n.plastics {
			if fresh.plastics[i].magnitude() != n.plastics[i].magnitude() {
				t.Errorf("weight %d: restored %d, was %d", i, fresh.plastics[i].magnitude(), n.plastics[i].magnitude())
			}
		}
	})
}

func learner(weight float64) Description {
	return Description{
		Neurons:  []Neuron{{Name: "a", Threshold: 100, Leak: 1000}, {Name: "b", Threshold: 100, Leak: 1000}},
		Synapses: []Synapse{{From: 0, To: 1, Weight: weight, Delay: 5, Plastic: &Plastic{Max: 90}}},
	}
}

func TestRestoreRefusesWhatIsNotItsOwn(t *testing.T) {
	n := mustBuild(t, learner(60))
	good := n.Snapshot()
	flip := func(at int) []byte {
		bad := append([]byte(nil), good...)
		bad[at] ^= 1
		return bad
	}
	for at := range good {
		if err := n.Restore(flip(at)); err == nil {
			t.Fatalf("a flipped bit in byte %d was not noticed", at)
		}
		if err := n.Restore(good[:at]); !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrForeign) {
			t.Fatalf("cut to %d bytes: %v", at, err)
		}
	}
	if err := n.Restore(append(append([]byte(nil), good...), 0)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a byte too many: %v", err)
	}
	if err := n.Restore(flip(8)); !errors.Is(err, ErrForeign) {
		t.Errorf("another version: %v", err)
	}
	if err := mustBuild(t, learner(-60)).Restore(good); !errors.Is(err, ErrForeign) {
		t.Errorf("another sign: %v", err)
	}
	other := learner(60)
	other.Neurons[1].Name = "c"
	if err := mustBuild(t, other).Restore(good); !errors.Is(err, ErrForeign) {
		t.Errorf("another name: %v", err)
	}
	narrow := learner(20)
	narrow.Synapses[0].Plastic.Max = 50
	n = mustBuild(t, narrow)
	if err := n.Restore(good); !errors.Is(err, ErrRange) {
		t.Errorf("a weight beyond what is allowed now: %v", err)
	}
	if n.Learnt()[0] != 20 {
		t.Errorf("a refused snapshot changed the weight to %g", n.Learnt()[0])
	}
}

func FuzzRestore(f *testing.F) {
	n, err := Build(learner(60))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(n.Snapshot())
	f.Fuzz(func(t *testing.T, data []byte) {
		if n.Restore(data) == nil && n.Learnt()[0] != 60 {
			t.Error("restored what was never saved")
		}
	})
}
