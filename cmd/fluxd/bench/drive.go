package bench

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"fluxd/cmd/fluxd/play"
	"fluxd/core"
	"fluxd/splitmix64"
)

// engine is what a load needs of a network. core.Network and play.Crew are engines.
type engine interface {
	PourWater(neuron int, units float64) (int32, error)
	Pour(at core.Tick, neuron int, water int32) error
	Advance(until core.Tick, spikes []core.Spike) []core.Spike
	Next() (core.Tick, bool)
	Counters() core.Counters
}

// maker builds an engine from a description.
type maker func(core.Description) (engine, error)

// singleCore runs a network as the daemon does.
func singleCore(d core.Description) (engine, error) { return core.Build(d) }

// crew runs a network on several processors.
func crew(workers int) maker {
	return func(d core.Description) (engine, error) { return play.NewCrew(d, workers) }
}

// close ends the workers of an engine that has workers.
func (l *load) close() {
	if e, ok := l.engine.(interface{ Close() }); ok {
		e.Close()
	}
}

// A load is an engine with the inputs that keep it busy: in each step some inputs to random neurons.
type load struct {
	engine  engine
	neurons uint64
	inputs  int
	water   int32             // of an input
	random  splitmix64.Random // the same sequence as for every other engine
	at      core.Tick
	spikes  []core.Spike // of the last step
}

// newLoad builds a network. The caller may drop the network's synapses afterwards.
func newLoad(n *Network, build maker) (*load, error) {
	e, err := build(n.Description())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.Name, err)
	}
	l := &load{engine: e, neurons: uint64(n.Neurons), inputs: n.Inputs, random: 1}
	if n.Neurons > 0 {
		l.water, err = e.PourWater(0, float64(n.Input)) // all neurons leak alike: it is the same water for all
	}
	return l, err
}

// run runs steps. Drawing the inputs is part of the cost of a step, as it is for the other engines.
func (l *load) run(steps int) error {
	for range steps {
		for range l.inputs {
			if err := l.engine.Pour(l.at, int(l.random.Next()%l.neurons), l.water); err != nil {
				return err
			}
		}
		l.at += step
		l.spikes = l.engine.Advance(l.at, l.spikes[:0])
	}
	return nil
}

// plan says how a load is timed.
type plan struct {
	warmup int           // steps before the timing begins
	steps  int           // steps whose spikes are counted, at least 1
	spikes uint64        // the known number of spikes; 0: not known
	budget time.Duration // keep timing further steps until this time has passed
}

// chunks is the number of pieces that the steps are cut into. Their median hardly changes when a busy machine disturbs one of
// them.
const chunks = 20

// timing is the result of timing a load.
type timing struct {
	spikes, events uint64 // of the counted steps
	perEvent       spread // ns; 0 without events
	perStep        spread // ns
	allocations    float64
}

// spread is the median and the 10th and 90th percentile of repeated measurements.
type spread struct{ low, median, high float64 }

func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	slices.Sort(values)
	at := func(tenths int) float64 { return values[(len(values)-1)*tenths/10] }
	return spread{low: at(1), median: at(5), high: at(9)}
}

// time runs a load by a plan. It fails if the number of spikes is not the known one: then the engine has not done the work.
func (l *load) time(ctx context.Context, p plan, progress func(share float64)) (timing, error) {
	var t timing
	report := func(done int) { progress(float64(done) / float64(p.warmup+p.steps)) }
	if err := l.inChunks(ctx, p.warmup, report, nil); err != nil {
		return t, err
	}
	runtime.GC() // so that it does not run while the steps are timed
	var perEvent, perStep []float64
	record := func(steps int, took time.Duration, events uint64) {
		perStep = append(perStep, float64(took)/float64(steps))
		if events > 0 {
			perEvent = append(perEvent, float64(took)/float64(events))
		}
	}
	start, before := time.Now(), l.engine.Counters()
	if err := l.inChunks(ctx, p.steps, func(done int) { report(p.warmup + done) }, record); err != nil {
		return t, err
	}
	after := l.engine.Counters()
	t.spikes, t.events = after.Spikes-before.Spikes, after.Deliveries-before.Deliveries
	if p.spikes != 0 && t.spikes != p.spikes {
		const wrong = "%d spikes in %d steps: expected exactly %d: this engine does not compute the model"
		return t, fmt.Errorf(wrong, t.spikes, p.steps, p.spikes)
	}
	for time.Since(start) < p.budget {
		if err := l.inChunks(ctx, p.steps, func(int) {}, record); err != nil {
			return t, err
		}
	}
	t.perEvent, t.perStep = spreadOf(perEvent), spreadOf(perStep)
	var err error
	t.allocations, err = l.allocations(max(1, p.steps/chunks))
	return t, err
}

// A recorder receives each chunk: its steps, the time that it took, and its events.
type recorder func(steps int, took time.Duration, events uint64)

// inChunks runs steps in chunks. It reports how many steps are done after each chunk, and records each chunk if record is not
// nil.
func (l *load) inChunks(ctx context.Context, steps int, progress func(done int), record recorder) error {
	for k := range chunks {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := steps*(k+1)/chunks - steps*k/chunks
		if n == 0 {
			continue
		}
		before := l.engine.Counters().Deliveries
		start := time.Now()
		err := l.run(n)
		took := time.Since(start)
		if err != nil {
			return err
		}
		if record != nil {
			record(n, took, l.engine.Counters().Deliveries-before)
		}
		progress(steps * (k + 1) / chunks)
	}
	return nil
}

// allocations returns how often a step allocates memory, on average.
func (l *load) allocations(steps int) (float64, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := l.run(steps)
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(steps), err
}

// heap returns the bytes in use, without garbage.
func heap() uint64 {
	runtime.GC()
	runtime.GC() // frees what the first one only finalised
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
