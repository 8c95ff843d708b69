// Weights over time, in a fixed amount of memory.

const cells = 600_000 // numbers of each kind that are kept
const mostSamples = 600

// History keeps samples of n numbers each. When it is full, every other sample is left out, and from then on only every other
// one is kept: so it always reaches back to its beginning, and its memory does not grow.
export class History {
	constructor(n, samples = Math.max(32, Math.min(mostSamples, Math.floor(cells / Math.max(1, n))))) {
		this.n = n
		this.capacity = samples - (samples % 2)
		this.times = new Float64Array(this.capacity)
		this.values = new Float32Array(this.capacity * n)
		this.length = 0
		this.every = 1 // of how many samples one is kept
		this.seen = 0
		this.latest = null // the last sample, kept or not
	}

	// add takes a sample: its time and n numbers.
	add(ts, numbers) {
		this.latest = {ts, numbers}
		if (this.seen++ % this.every) return
		if (this.length === this.capacity) {
			for (let i = 0; i < this.capacity / 2; i++) {
				this.times[i] = this.times[2 * i]
				this.values.copyWithin(i * this.n, 2 * i * this.n, (2 * i + 1) * this.n)
			}
			this.length = this.capacity / 2
			this.every *= 2
			this.seen = 1
		}
		this.times[this.length] = ts
		this.values.set(numbers, this.length * this.n)
		this.length++
	}

	// times returns the times of all samples, the last one included.
	allTimes() {
		const times = Array.from(this.times.subarray(0, this.length))
		if (this.#beyond()) times.push(this.latest.ts)
		return times
	}

	// line returns the values of one number over all samples, the last one included.
	line(k) {
		const line = new Array(this.length)
		for (let i = 0; i < this.length; i++) line[i] = this.values[i * this.n + k];
		if (this.#beyond()) line.push(this.latest.numbers[k])
		return line
	}

	#beyond() {
		return this.latest !== null && this.length > 0 && this.latest.ts > this.times[this.length - 1]
	}
}
