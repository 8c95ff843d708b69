package daemon

import (
	"context"
	"math"
	"testing"

	"fluxd/bridge/protocol"
	"fluxd/core"
)

// A robot that sleeps shows what its network is like now: the water leaks out although nothing happens. To look at it makes no
// spike, and keeps none away.
func TestNeuronsOfASleepingRobot(t *testing.T) {
	t.Parallel() // it waits
	inRealTime(t)
	robot, _ := start(t, parse(t, `
robot: sleeper
board: {kind: sim}
network:
  neurons: {slow: {threshold: 100, leak: 10}, other: {}}
  synapses: [{from: slow, to: other, weight: 30, plastic: {}}]
mqtt: {broker: none}
`, nil))
	ctx := context.Background()
	pour := func(water int32) {
		t.Helper()
		a := robot.ask(ctx, func() answer {
			return answer{err: robot.network.Pour(core.Tick(robot.clock().Microseconds()), 0, water)}
		})
		if a.err != nil {
			t.Fatal(a.err)
		}
	}
	look := func() (int64, protocol.NeuronState) {
		t.Helper()
		n, err := robot.Neurons(ctx, []string{"slow"})
		if err != nil {
			t.Fatal(err)
		}
		return n.At, n.Neurons["slow"]
	}
	pour(9_000_000) // 90 units
	var at int64
	var before protocol.NeuronState
	eventually(t, "the water to arrive", func() bool { at, before = look(); return before.Level > 0 })
	later, after := at, before
	eventually(t, "time to pass", func() bool { later, after = look(); return later > at+1000 })
	if leaked := min(before.Level, float64(later-at)/1e6*10); math.Abs(before.Level-after.Level-leaked) > 1e-9 {
		t.Errorf("%g units at %d us, %g at %d us: expected %g less", before.Level, at, after.Level, later, leaked)
	}
	if before.Threshold != 100 || before.Spikes != 0 || before.Refractory {
		t.Errorf("%+v", before)
	}
	pour(10_100_000) // enough, however much has leaked
	eventually(t, "the neuron to fire", func() bool { _, n := look(); return n.Spikes == 1 })
	n, err := robot.Network(ctx)
	if err != nil || len(n.Neurons) != 2 || len(n.Synapses) != 1 || *n.Synapses[0].Learnt != 30 {
		t.Errorf("%+v, %v", n, err)
	}
	eventually(t, "the arrival to count", func() bool {
		l, err := robot.Learning(ctx)
		if err != nil || len(l.Weights) != 1 || l.Weights[0] != 30 {
			t.Fatalf("%+v, %v", l, err)
		}
		return l.ShortTerm[0] == -1 || l.ShortTerm[0] == 0 && robot.Health().Spikes > 0
	})
}
