// The latest spikes, in order of time, in a ring of typed arrays. It begins small and doubles until it holds `most` spikes; then
// each new spike takes the place of the oldest.
//
//     const ring = new SpikeRing(1 << 20);
//     ring.append(times, neurons);                       // ms since 1970, indices of neurons
//     for (const [a, b] of ring.slices(from, to)) for (let i = a; i < b; i++) use(ring.times[i], ring.neurons[i]);

// backwards is by how much a batch may begin before the newest spike, in ms. The robot's start is known to some milliseconds
// only, so two batches may overlap. If one begins earlier than that, the robot's clock was set back: clear the ring.
export const backwards = 1000

export class SpikeRing {
	constructor(most = 1 << 20, first = 1 << 14) {
		this.most = most
		this.first = Math.min(first, most)
		this.clear()
	}

	clear() {
		this.times = new Float64Array(this.first)
		this.neurons = new Uint32Array(this.first)
		this.start = 0; // where the oldest is
		this.length = 0
		this.received = 0; // spikes since clear
		this.overwritten = 0; // that have made room for newer ones
		this.refused = 0; // that had no room because older ones are to be kept
	}

	get oldest() { return this.length ? this.times[this.start] : NaN }
	get newest() { return this.length ? this.times[this.place(this.length - 1)] : NaN }

	// place returns where the spike number i is in the arrays, counted from the oldest.
	place(i) { return (this.start + i) & (this.times.length - 1) }

	// append adds a batch in order of time. With keep, spikes at that time (ms) and later are not overwritten: new ones are
	// refused instead.
	append(times, neurons, keep = Infinity) {
		for (let n = 0; n < times.length; n++) this.add(times[n], neurons[n], keep)
	}

	add(time, neuron, keep) {
		this.received++
		if (this.length === this.times.length && this.length < this.most) this.grow()
		if (this.length === this.times.length) {
			if (this.times[this.start] >= keep) {
				this.refused++
				return
			}
			this.start = this.place(1)
			this.length--
			this.overwritten++
		}
		let i = this.length++
		for (; i > 0; i--) { // later ones of the batch before move up by one
			const before = this.place(i - 1)
			if (this.times[before] <= time) break
			const at = this.place(i)
			this.times[at] = this.times[before]
			this.neurons[at] = this.neurons[before]
		}
		const at = this.place(i)
		this.times[at] = time
		this.neurons[at] = neuron
	}

	grow() {
		const times = new Float64Array(this.times.length * 2), neurons = new Uint32Array(times.length)
		const tail = this.times.length - this.start
		times.set(this.times.subarray(this.start))
		times.set(this.times.subarray(0, this.start), tail)
		neurons.set(this.neurons.subarray(this.start))
		neurons.set(this.neurons.subarray(0, this.start), tail)
		this.times = times
		this.neurons = neurons
		this.start = 0
	}

	// find returns the number of the first spike at the time or later, counted from the oldest; length if there is none.
	find(time) {
		let low = 0, high = this.length
		while (low < high) {
			const middle = (low + high) >> 1
			if (this.times[this.place(middle)] < time) low = middle + 1
			else high = middle
		}
		return low
	}

	count(from, to) { return Math.max(0, this.find(to) - this.find(from)) }

	// slices returns the parts of the arrays that hold the spikes from a time on and before another, in order: none, one or two
	// pairs of first and behind the last.
	slices(from, to) {
		const first = this.find(from), last = this.find(to)
		if (first >= last) return []
		const a = this.place(first), b = this.place(last - 1) + 1
		return a < b ? [[a, b]] : [[a, this.times.length], [0, b]]
	}
}
