// What panels want to see beyond the usual, added up to one lease of the verb watch.

// The most neurons whose levels one request may ask for.
export const mostNeurons = 32

// Leases adds up what panels hold.
export class Leases {
	#held = new Set()

	// hold adds a want, such as {spikes: true, neurons: ['a']}, and returns the function that takes it back.
	hold(want) {
		const one = {...want}
		this.#held.add(one)
		return () => { this.#held.delete(one) }
	}

	// sum returns the keys of one request for all that is held, or null if nothing is. Of more than mostNeurons neurons those that were
	// asked for last count: a panel that was just opened shows something.
	sum() {
		const sum = {}
		const neurons = new Set()
		for (const want of [...this.#held].reverse()) {
			for (const key of ['spikes', 'learning', 'world']) if (want[key]) sum[key] = true
			for (const name of want.neurons ?? []) if (neurons.size < mostNeurons) neurons.add(name)
		}
		if (neurons.size > 0) sum.neurons = [...neurons].sort()
		return Object.keys(sum).length > 0 ? sum : null
	}
}
