package core_test

import (
	"fmt"

	"fluxd/core"
)

// build makes a network, or panics.
func build(d core.Description) *core.Network {
	network, err := core.Build(d)
	if err != nil {
		panic(err)
	}
	return network
}

// barrel is a neuron with a threshold of 100 that loses one unit a millisecond, so that its level is easy to follow.
func barrel() core.Neuron { return core.Neuron{Threshold: 100, Leak: 1000} }

// pour adds units of water to neuron 0 at a millisecond.
func pour(network *core.Network, millisecond core.Tick, units float64) {
	water, err := network.PourWater(0, units)
	if err == nil {
		err = network.Pour(millisecond*1000, 0, water)
	}
	if err != nil {
		panic(err)
	}
}

// printSpikes prints when a neuron fires, in milliseconds.
func printSpikes(network *core.Network, until core.Tick, neuron int) {
	for _, s := range network.Advance(until*1000, nil) {
		if s.Neuron == neuron {
			fmt.Print(float64(s.At)/1000, " ")
		}
	}
	fmt.Println()
}

// Water leaks at a constant rate: after 30 ms a level is 30 units lower.
func Example_leak() {
	network := build(core.Description{Neurons: []core.Neuron{barrel()}})
	pour(network, 0, 80)
	pour(network, 30, 50) // 80 - 30 + 50 reaches 100
	pour(network, 40, 80)
	pour(network, 70, 49) // 80 - 30 + 49 does not
	printSpikes(network, 100, 0)
	// Output: 30
}

// A barrel without a leak keeps its water, so it can count.
func Example_leakless() {
	neuron := barrel()
	neuron.Leak = 0
	network := build(core.Description{Neurons: []core.Neuron{neuron}})
	for k := range core.Tick(6) {
		pour(network, 1000*k, 34) // every third pour fills it
	}
	printSpikes(network, 10_000, 0)
	// Output: 2000 5000
}

// Inhibition takes water out, at most down to the floor. Below 0 the level rises at the rate of the leak.
func Example_inhibition() {
	neuron := barrel()
	neuron.Floor = -50
	network := build(core.Description{Neurons: []core.Neuron{neuron}})
	pour(network, 0, -500) // -50
	pour(network, 20, 120) // -30 + 120 is not enough
	pour(network, 90, -500)
	pour(network, 110, 130) // -30 + 130 is
	printSpikes(network, 200, 0)
	// Output: 110
}

// After a spike the neuron ignores arrivals for its refractory period.
func Example_refractoryPeriod() {
	neuron := barrel()
	neuron.Refractory = 5000
	network := build(core.Description{Neurons: []core.Neuron{neuron}})
	for k := range core.Tick(12) {
		pour(network, k, 100)
	}
	printSpikes(network, 100, 0)
	// Output: 0 5 10
}

// An electric synapse fires its target at any level, unless the target is refractory.
func Example_electric() {
	network := build(core.Description{
		Neurons:  []core.Neuron{barrel(), {Threshold: 1e6, Leak: 1000}},
		Synapses: []core.Synapse{{From: 0, To: 1, Kind: core.Electric, Delay: 2500}},
	})
	pour(network, 10, 100)
	printSpikes(network, 100, 1)
	// Output: 12.5
}

// Adaptation: arrivals that the refractory neuron ignores raise its threshold, beyond a tolerance.
func Example_adaptation() {
	neuron := barrel()
	neuron.Refractory = 10_000
	neuron.Adaptation = &core.Adaptation{Rate: 20, Tolerance: 1, Recovery: 100}
	network := build(core.Description{Neurons: []core.Neuron{neuron}})
	for k := range core.Tick(20) {
		pour(network, 4*k, 110) // two arrivals in ten milliseconds are ignored
	}
	printSpikes(network, 80, 0)
	// Output: 0 16 32 48 64
}

// Habituation: each spike raises the threshold, until only every other stimulus fires the neuron. Rest lowers the threshold
// again.
func Example_habituation() {
	neuron := barrel()
	neuron.Habituation = &core.Habituation{Rate: 10, Recovery: 100}
	network := build(core.Description{Neurons: []core.Neuron{neuron}})
	for k := range core.Tick(10) {
		pour(network, 20*k, 115)
	}
	pour(network, 1000, 115)
	printSpikes(network, 2000, 0)
	// Output: 0 20 60 100 140 180 1000
}

// A burst: the neuron fires once more for every 30 units above its threshold.
func Example_burst() {
	neuron := barrel()
	neuron.Burst = &core.Burst{Overshoot: 30, Interval: 2000, Max: 5}
	network := build(core.Description{Neurons: []core.Neuron{neuron}})
	pour(network, 0, 100)
	pour(network, 50, 200) // 100 units above: 30 fits three times
	printSpikes(network, 100, 0)
	// Output: 0 50 52 54 56
}

// A pacemaker fires without an arrival, 20 ms after the last spike, whatever caused that one.
func Example_pacemaker() {
	neuron := barrel()
	neuron.Pacemaker = 20_000
	network := build(core.Description{Neurons: []core.Neuron{neuron}})
	pour(network, 50, 100)
	printSpikes(network, 100, 0)
	// Output: 20 40 50 70 90
}

// Noise fires bursts at random times: here 2 to 4 spikes, 5 ms apart, four times a second on average. The seed of the network and
// the name of the neuron decide when.
func Example_noise() {
	neuron := barrel()
	neuron.Name = "babble"
	neuron.Noise = &core.Noise{Rate: 4, SpikesMin: 2, SpikesMax: 4, IntervalMin: 5000, IntervalMax: 5000}
	network := build(core.Description{Neurons: []core.Neuron{neuron}, Seed: 1})
	printSpikes(network, 700, 0)
	// Output: 153.909 158.909 163.909 168.909 552.348 557.348 562.348 567.348 626.994 631.994
}

// A pattern fires at fixed times of a period, whatever else fires the neuron.
func Example_pattern() {
	neuron := barrel()
	neuron.Pattern = &core.Pattern{Period: 50_000, Times: []core.Tick{0, 10_000, 15_000}}
	network := build(core.Description{Neurons: []core.Neuron{neuron}})
	pour(network, 30, 100)
	printSpikes(network, 120, 0)
	// Output: 0 10 15 30 50 60 65 100 110 115
}

// Modulation: a modulator does not fill the barrel. It lowers the threshold for a while.
func Example_modulation() {
	neuron := barrel()
	neuron.Receptors = core.Receptors{Threshold: 10}
	neuron.ModulationLeak = 100 // a step every 10 ms
	network := build(core.Description{
		Neurons:  []core.Neuron{neuron, {Threshold: 1, Leak: 1000}},
		Synapses: []core.Synapse{{From: 1, To: 0, Kind: core.Modulator, Weight: 4, Delay: 1000}},
	})
	pour(network, 0, 70) // not enough
	if err := network.Excite(99_000, 1); err != nil {
		panic(err)
	}
	pour(network, 105, 70) // the threshold is 60
	pour(network, 145, 70) // it is 100 again
	printSpikes(network, 200, 0)
	// Output: 105
}

// learner is a neuron with one plastic afferent synapse.
func learner(p core.Plastic) *core.Network {
	return build(core.Description{
		Neurons: []core.Neuron{barrel(), {Threshold: 100, Leak: 1000}, {Threshold: 1, Leak: 1000}},
		Synapses: []core.Synapse{
			{From: 0, To: 1, Weight: 100, Delay: 1000, Plastic: &p},
			{From: 2, To: 1, Kind: core.Modulator, Weight: 1, Delay: 1000},
		},
	})
}

// Long-term potentiation: an arrival that a spike follows within the window makes its synapse stronger, up to a limit.
func Example_potentiation() {
	network := learner(core.Plastic{Window: 10_000, LongTerm: core.LongTerm{Rate: 2}, Max: 105})
	for k := range core.Tick(4) {
		pour(network, 100*k, 100)
		network.Advance(100_000*(k+1), nil)
		fmt.Print(network.Learnt()[0], " ")
	}
	fmt.Println()
	// Output: 102 104 105 105
}

// Depression: an arrival that comes shortly after a spike makes its synapse weaker.
func Example_depression() {
	network := learner(core.Plastic{Window: 10_000, LongTerm: core.LongTerm{Depression: 5}})
	pour(network, 0, 100) // arrives at 1 ms and fires the target
	pour(network, 5, 100) // arrives 5 ms after that spike
	network.Advance(100_000, nil)
	fmt.Println(network.Learnt()[0])
	// Output: 95
}

// Reward: the short-term part of a weight remembers what has just worked. A reward half a second later makes it permanent.
func Example_reward() {
	network := learner(core.Plastic{Window: 10_000, ShortTerm: core.ShortTerm{Rate: 8, Recovery: 4},
		LongTerm: core.LongTerm{Consolidation: 5}})
	pour(network, 0, 100) // an action: the short-term part is 8
	network.Advance(500_000, nil)
	fmt.Println("before the reward", network.Learnt()[0])
	if err := network.Excite(500_000, 2); err != nil { // 6 units are left by now; a reward of weight 1 moves 5 of them
		panic(err)
	}
	network.Advance(600_000, nil)
	fmt.Println("after it", network.Learnt()[0])
	// Output:
	// before the reward 100
	// after it 105
}
