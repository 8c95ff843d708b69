// Package bench measures this machine for fluxd bench: what an arrival over a synapse costs, what silence costs, how much memory
// a network takes, how long it takes to build, and how fast a reflex is.
//
//	report, err := bench.Measure(ctx, bench.Options{Only: []string{"a", "idle"}})
//	// ...
//	err = report.WriteTable(os.Stdout)
//
// The networks and their inputs are the ones that other engines were measured with, drawn again from the same random numbers. It
// is known how many spikes they fire. If fluxd fires one more or one less, it has not done the work, and Measure fails.
//
// An event is an arrival over a synapse. Inputs from outside are not counted as events, but their cost is part of the time. A
// figure is the median of many timed stretches of one run.
package bench
