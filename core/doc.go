// Package core is the spiking engine: leaky linear neurons that exchange spikes over delayed synapses, exact to the microsecond.
//
// A neuron is a leaky barrel of water. Direct synapses pour water in or take it out, it leaks at a constant rate, and when an
// arrival finds it filled to its threshold it fires: the spike leaves on every efferent synapse, the barrel falls empty and is
// deaf for its refractory period. Electric synapses fire the target outright.
//
// The engine is a pure machine. It owns no goroutine, reads no clock and does no I/O: the caller hands it input and a time, and
// it advances to that time. The same input therefore gives the same spikes on every machine, in real time or as fast as the
// processor goes, in one call or in many:
//
//	network, err := core.Build(core.Description{
//		Neurons:  []core.Neuron{{Name: "eye", Threshold: 100, Leak: 1000}, {Name: "motor", Threshold: 100, Leak: 1000}},
//		Synapses: []core.Synapse{{From: 0, To: 1, Weight: 60, Delay: 1000}},
//	})
//	// ...
//	network.Excite(5000, 0)                     // an electric arrival from outside: "eye" fires at 5 ms
//	spikes := network.Advance(10_000, nil)      // every spike before 10 ms
//	due, waiting := network.Next()              // when it wants to be advanced again: sleep until then
//
// Water is measured by the time it needs to leak out, so the state of a barrel is the moment at which it will be empty. Filling
// it moves that moment; the leak itself is the passing of time and costs nothing. At run time state changes by addition,
// subtraction, comparison and copying alone; multiplication and division happen when a network is built or tuned. Nothing
// steps through the neurons as time passes: a neuron is judged when something reaches it, or along with the others when a tick
// reaches a good part of all; a silent network needs no processor at all.
//
// The way of a spike, to read: Advance in advance.go takes what is due at a tick, judges whom it reaches and sends the spikes on
// their way; accumulator.go is how most of them travel, queue.go how the others do; plasticity.go is what they leave behind.
//
// A Network is not safe for concurrent use: one goroutine owns it. A large one can be built in parts for several; see Split.
package core
