// Package core is the spiking engine: leaky linear neurons that exchange spikes over delayed synapses, exact to the microsecond.
//
// A neuron is a barrel that leaks. Direct synapses pour water in (they excite) or take it out (they inhibit), and the barrel
// leaks at a constant rate. When an arrival fills it to its threshold, the neuron fires: a spike leaves on every efferent
// synapse, the barrel is empty, and the neuron ignores arrivals for its refractory period. Electric synapses fire their target at
// any level. Modulator synapses change how their target responds. The stories in testdata show each mechanism at work, and
// docs/exact-model.md defines it.
//
// # The contract
//
// The engine is a pure machine. It starts no goroutine, reads no clock and does no I/O. The caller owns the time: it hands in
// what arrives from outside, and advances the network to a time. The same input gives the same spikes on every processor, in real
// time or as fast as possible, in one call of Advance or in many.
//
//	network, err := core.Build(core.Description{ // Threshold and Weight in units, Leak in units a second, Delay in ticks (us)
//		Neurons:  []core.Neuron{{Name: "eye", Threshold: 100, Leak: 1000}, {Name: "motor", Threshold: 100, Leak: 1000}},
//		Synapses: []core.Synapse{{From: 0, To: 1, Weight: 120, Delay: 1000}},
//	})
//	...
//	var spikes []core.Spike
//	for {
//		for _, stimulus := range read() {
//			network.Excite(stimulus.At, stimulus.Neuron) // or Pour; not before network.Now()
//		}
//		spikes = network.Advance(now(), spikes[:0]) // all that is due before this time
//		act(spikes)                                 // sorted by time, then by neuron
//		due, waiting := network.Next()
//		sleep(due, waiting) // until then, or until something arrives; a silent network has nothing due
//	}
//
// A Network is not safe for concurrent use: one goroutine owns it. Split builds a large one in parts for several goroutines. Tune
// changes parameters between two calls of Advance, Snapshot and Restore keep what was learnt, and Reset begins again. In a large
// network they take long. So the long part of each may be done in another goroutine while the network runs: see Prepare,
// PrepareRestore and WeightCopy.
//
// # How it computes
//
// Time is counted in ticks of a microsecond. All that reaches a neuron in one tick is summed first, and then the neuron is judged
// once: the order of arrivals makes no difference.
//
// Water is measured by the time that it takes to leak out. So the state of a barrel is the time at which it will be empty, and
//
//	level(t) = max(0, empty - t)
//
// Filling the barrel moves that time. The leak costs nothing: it is the passing of time. Nothing steps through the neurons as
// time passes. A neuron is judged only when something reaches it; where a tick reaches many neurons, the sums of all neurons are
// looked through. A silent network needs no processor at all.
//
// While a network runs, its state changes by addition, subtraction, negation, comparison, table look-up and copying. Shifts and
// masks find places and unpack numbers. Multiplication, division and floating point are left for building and tuning.
//
// # How arrivals are stored
//
// The synapses of one neuron that have the same kind and delay form a bundle. A spike sends each of its bundles on one of three
// ways:
//
//   - Into an accumulator. There is one for each tick at which something will arrive, with one sum for each neuron. The spike
//     adds its weights to the sums when it leaves, and when the tick comes every sum is ready. Direct synapses that do not learn
//     go this way if the network has few enough different weights and delays.
//   - Into the calendar, arrival by arrival. This is for direct synapses that do not learn in a network with many more
//     delays than that. The calendar has a page for each 64 ticks. Arrivals are sorted when their page is opened, and most of
//     them are added to their barrels at once: an arrival that fires nobody need not wait for the others of its tick.
//   - Into the queue, as one entry that is looked up and delivered when its tick comes. All other synapses go this way, and so do
//     the spikes of a nearly silent network, where an accumulator would cost more than it saves.
//
// The weight of a plastic synapse may change until a spike arrives. So its arrivals always take the queue. Those of a busy tick
// are then added to the tick's accumulator, so that all neurons can be judged in a row.
//
// The result is the same on all ways, and tests compare them.
//
// # Reading the source
//
// Follow a spike: Advance in advance.go takes what is due at a tick, judges the neurons that it reaches, and sends their
// spikes on. accumulators.go, calendar.go and queue.go are the three ways, and plasticity.go has that of plastic synapses and
// how they learn; fill.go judges many neurons at once, with vector instructions where the processor has them. barrel.go is the
// neuron, mechanisms.go is what only some neurons have (adaptation, habituation, bursts, pacemaker, modulation). generators.go
// and spontaneous.go have the neurons that fire at random or in a pattern. network.go, layout.go and, for plastic synapses,
// pieces.go build all of it. prepare.go, tune.go and stale.go change it while it runs. state.go shows what it does at the
// moment.
package core
