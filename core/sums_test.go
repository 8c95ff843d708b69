package core

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Inputs from outside are added to sums as long as a sum has room for them. However many and however large they are, the result
// is that of the naive model, on every route.
func TestInputsFillSums(t *testing.T) {
	joined := 0
	rapid.Check(t, func(t *rapid.T) {
		var d Description
		count := rapid.IntRange(2, 20).Draw(t, "neurons")
		for range count {
			d.Neurons = append(d.Neurons, Neuron{Threshold: pick(t, "threshold", 0.0, 40, 3000, 2_000_000),
				Leak: pick(t, "leak", 0.0, 1000), Floor: pick(t, "floor", 0.0, -60, -2_000_000),
				Refractory: pick[Tick](t, "refractory", 0, 5)})
		}
		for range rapid.IntRange(count, 6*count).Draw(t, "synapses") {
			d.Synapses = append(d.Synapses, Synapse{From: rapid.IntRange(0, count-1).Draw(t, "from"),
				To: rapid.IntRange(0, count-1).Draw(t, "to"), Weight: pick(t, "weight", 1.0, -1, 30, -60, 3000),
				Delay: pick[Tick](t, "delay", 10, 20, 40)})
		}
		var in []stimulus
		for range rapid.IntRange(1, 20).Draw(t, "inputs") {
			one := stimulus{at: Tick(10 * rapid.IntRange(0, 20).Draw(t, "at")), neuron: rapid.IntRange(0, count-1).Draw(t, "neuron"),
				units: pick(t, "units", 1.0, 40, -40, 5000, -5000, 1_900_000, -1_900_000)}
			for range pick(t, "repeated", 1, 2, 15, 200) {
				in = append(in, one)
			}
		}
		slices.SortStableFunc(in, func(a, b stimulus) int { return int(a.at - b.at) })
		lead := pick[Tick](t, "lead", 0, 7, 10, 30)
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
			var got []Spike
			for i := range in {
				got = engine.Advance(in[i].at-lead, got)
				before := len(engine.inputs)
				stimulate(t, engine, in[i:i+1])
				joined += before + 1 - len(engine.inputs)
			}
			got = engine.Advance(horizon, got)
			if !slices.Equal(got, want) {
				t.Fatalf("%s: engine %v\nmodel  %v", name, got, want)
			}
			if c := engine.Counters(); reference == nil {
				reference = &c
			} else if c != *reference {
				t.Fatalf("%s: counters %+v, on another route %+v", name, c, *reference)
			}
		}
	})
	if joined == 0 {
		t.Error("no input was ever added to a sum")
	}
}

// A floor that is raised above the level of a neuron has no effect on it before its next arrival, on every route. Ticks that
// reach only other neurons leave it as it is.
func TestAFloorAboveTheLevelWaitsForAnArrival(t *testing.T) {
	for name, force := range routes {
		for _, leak := range []float64{0, 1} {
			d := Description{Synapses: []Synapse{{From: 0, To: 1, Weight: 1, Delay: 10}}}
			for range 17 {
				d.Neurons = append(d.Neurons, Neuron{Threshold: 100, Leak: leak, Floor: -60})
			}
			n := mustBuild(t, d)
			force(n)
			stimulate(t, n, []stimulus{{at: 0, neuron: 2, units: -50}})
			n.Advance(5, nil)
			raised := d.Neurons[2]
			raised.Floor = -10
			if err := n.Tune(Tuning{Neurons: map[int]Neuron{2: raised}}); err != nil {
				t.Fatal(err)
			}
			stimulate(t, n, []stimulus{{at: 5, neuron: 0, electric: true}, {at: 20, neuron: 2, units: 5}})
			n.Advance(21, nil)
			if level, err := n.Level(2); err != nil || level < -10.001 || level > -9.999 {
				t.Errorf("%s, leak %v: level %v, want -10; %v", name, leak, level, err)
			}
		}
	}
}
