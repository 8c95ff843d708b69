package core

import (
	"crypto/sha256"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

// Restore brings back exactly what was learnt, to the last tick of water.
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
		if done, err := fresh.Restore(n.Snapshot(7)); err != nil || done != (Restored{Number: 7}) {
			t.Fatal(done, err)
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

func TestRestoreRefusesForeignSnapshots(t *testing.T) {
	n := mustBuild(t, learner(60))
	good := n.Snapshot(0)
	flip := func(at int) []byte {
		bad := append([]byte(nil), good...)
		bad[at] ^= 1
		return bad
	}
	for at := range good {
		if _, err := n.Restore(flip(at)); err == nil {
			t.Fatalf("a flipped bit in byte %d: expected an error", at)
		}
		if _, err := n.Restore(good[:at]); !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrForeign) {
			t.Fatalf("cut to %d bytes: %v", at, err)
		}
	}
	if _, err := n.Restore(append(append([]byte(nil), good...), 0)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a byte too many: %v", err)
	}
	if _, err := n.Restore(flip(8)); !errors.Is(err, ErrForeign) {
		t.Errorf("another version: %v", err)
	}
	if _, err := mustBuild(t, learner(-60)).Restore(good); !errors.Is(err, ErrForeign) {
		t.Errorf("another sign: %v", err)
	}
	other := learner(60)
	other.Neurons[1].Name = "c"
	if _, err := mustBuild(t, other).Restore(good); !errors.Is(err, ErrForeign) {
		t.Errorf("another name: %v", err)
	}
}

// If a limit was changed since the snapshot, only weights beyond it change.
func TestRestoreBringsWeightsWithinTheirLimits(t *testing.T) {
	d := func(weight, least, most float64) Description {
		d := learner(weight)
		d.Synapses[0].Plastic.Min, d.Synapses[0].Plastic.Max = least, most
		d.Synapses = append(d.Synapses, Synapse{From: 1, To: 0, Weight: -weight, Delay: 5, Plastic: &Plastic{Min: least, Max: most}})
		return d
	}
	learnt := mustBuild(t, d(60, 0, 90)).Snapshot(3)
	for _, test := range []struct{ least, most, want float64 }{{0, 50, 50}, {0, 60, 60}, {70, 80, 70}} {
		n := mustBuild(t, d(test.most, test.least, test.most))
		done, err := n.Restore(learnt)
		if clamped := map[bool]int{true: 0, false: 2}[test.want == 60]; err != nil || done != (Restored{Number: 3, Clamped: clamped}) {
			t.Errorf("limits %g to %g: %+v, %v", test.least, test.most, done, err)
		}
		if got := n.Learnt(); got[0] != test.want || got[1] != -test.want {
			t.Errorf("limits %g to %g: %v", test.least, test.most, got)
		}
	}
}

// Restore reads the format that had no number.
func TestRestoreReadsVersion1(t *testing.T) {
	n := mustBuild(t, learner(60))
	now := n.Snapshot(9)
	old := append([]byte(nil), now[:len(now)-sha256.Size]...)
	old[8] = 1
	old = append(old[:snapshotHeader], old[snapshotHeader+8:]...)
	sum := sha256.Sum256(old)
	fresh := mustBuild(t, learner(20))
	if done, err := fresh.Restore(append(old, sum[:]...)); err != nil || done != (Restored{}) || fresh.Learnt()[0] != 60 {
		t.Errorf("%+v, %v, weight %g", done, err, fresh.Learnt()[0])
	}
}

func FuzzRestore(f *testing.F) {
	n, err := Build(learner(60))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(n.Snapshot(0))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := n.Restore(data); err == nil && n.Learnt()[0] != 60 {
			t.Error("restored what was never saved")
		}
	})
}
