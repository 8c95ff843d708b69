// A value of the last minutes, once a second: the latest `most` of them, for a small picture beside it.

export class Trend {
	constructor(most = 300) {
		this.values = new Float64Array(most)
		this.length = 0
		this.next = 0
	}

	add(value) {
		this.values[this.next] = value
		this.next = (this.next + 1) % this.values.length
		this.length = Math.min(this.values.length, this.length + 1)
	}

	// at returns a value, 0 for the latest, 1 for the one before.
	at(back) { return this.values[(this.next - 1 - back + 2 * this.values.length) % this.values.length] }

	// line returns the points of an SVG polyline in a box, the latest at the right edge. Values that are unknown are left out. The
	// lowest value lies at the bottom, and 0 if no value is negative and least is 0.
	line(width, height, least = Infinity) {
		let low = least, high = -Infinity
		for (let i = 0; i < this.length; i++) {
			const value = this.at(i)
			if (!isFinite(value)) continue
			low = Math.min(low, value)
			high = Math.max(high, value)
		}
		const points = [], unit = width / (this.values.length - 1)
		for (let i = this.length - 1; i >= 0; i--) {
			const value = this.at(i)
			if (!isFinite(value)) continue
			const part = high > low ? (value - low) / (high - low) : 0
			points.push(`${(width - i * unit).toFixed(1)},${(height - 1 - part * (height - 2)).toFixed(1)}`)
		}
		return points.join(' ')
	}
}
