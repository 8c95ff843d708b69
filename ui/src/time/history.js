// What one sensor or actuator has read or done: times and values in typed arrays, the latest `most` of them. A value holds until
// the next one. Of a value that stays the same only the first and the latest time are kept.
//
//     const history = new History(6000)
//     history.add(ms, 0.25)
//     history.at(ms)                           // the value then, NaN before the first
//     const [a, b] = history.range(from, to)   // use history.times[i], history.values[i] for a <= i < b

// backwards is by how much, in ms, a time may lie before the latest without meaning that the robot's clock was set back.
const backwards = 1000

export class History {
	constructor(most = 6000) {
		this.most = most
		this.clear()
	}

	clear() {
		this.times = new Float64Array(64)
		this.values = new Float64Array(64)
		this.first = this.end = 0 // those in use
	}

	get length() { return this.end - this.first }
	get latest() { return this.length ? this.times[this.end - 1] : NaN }
	get value() { return this.length ? this.values[this.end - 1] : NaN }

	// add takes a value at a time in ms. It ignores one that it has already.
	add(time, value) {
		if (time < this.latest - backwards) this.clear()
		if (time <= this.latest) return
		const same = this.length > 1 && this.values[this.end - 1] === value && this.values[this.end - 2] === value
		if (same) {
			this.times[this.end - 1] = time
			return
		}
		if (this.length === this.most) this.first++
		if (this.end === this.times.length) this.room()
		this.times[this.end] = time
		this.values[this.end++] = value
	}

	// room makes the arrays longer, or moves what is in use to their begin.
	room() {
		const size = Math.min(2 * this.most, this.times.length * 2)
		if (size > this.times.length) {
			const times = new Float64Array(size), values = new Float64Array(size)
			times.set(this.times)
			values.set(this.values)
			this.times = times
			this.values = values
			return
		}
		this.times.copyWithin(0, this.first, this.end)
		this.values.copyWithin(0, this.first, this.end)
		this.end -= this.first
		this.first = 0
	}

	// find returns the index of the first value at that time or later.
	find(time) {
		let low = this.first, high = this.end
		while (low < high) {
			const middle = (low + high) >> 1
			if (this.times[middle] < time) low = middle + 1
			else high = middle
		}
		return low
	}

	// range returns the indices of the values that hold between two times: from the one that holds at the first.
	range(from, to) {
		const a = this.find(from)
		return [a > this.first && !(this.times[a] === from) ? a - 1 : a, this.find(to)]
	}

	// at returns the value that holds at a time.
	at(time) {
		const i = this.find(time)
		if (i < this.end && this.times[i] === time) return this.values[i]
		return i > this.first ? this.values[i - 1] : NaN
	}
}

// Spans is a bounded list of times from..to with a text each, such as when an actuator was held and why. The last may be open.
export class Spans {
	constructor(most = 500) {
		this.most = most
		this.list = []
	}

	// set says what holds from a time on (ms): a text, or nothing.
	set(time, text) {
		const last = this.list.at(-1), open = last && last.to === Infinity ? last : null
		if (open && open.text === text) return
		if (open) open.to = time
		if (!text) return
		this.list.push({from: time, to: Infinity, text})
		if (this.list.length > this.most) this.list.shift()
	}

	// now is what holds at present: a text, or nothing.
	get now() { return this.list.at(-1)?.to === Infinity ? this.list.at(-1).text : '' }

	at(time) { return this.list.findLast(({from, to}) => from <= time && time < to)?.text ?? '' }

	between(from, to) { return this.list.filter(span => span.from < to && span.to > from) }
}
