// Package bench measures this machine: what a synaptic event costs, what silence costs, how much memory a network takes and how long
// it is built.
//
//	report, err := bench.Measure(ctx, bench.Options{Only: []string{"a", "idle"}})
//	// ...
//	err = report.WriteTable(os.Stdout)
//
// The networks and their drive are the ones that other engines were measured with, drawn anew from the same random numbers. How
// many spikes they fire is known: an engine that fires one more or less has not done the work, and gets no figure.
//
// What is counted are events, the arrivals of spikes over synapses; the kicks from outside are not counted, but their cost is part
// of the time. A figure is the median of many timed stretches of one run.
package bench
