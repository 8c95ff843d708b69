// The level and the spikes of a neuron in the last minute.

const longest = 60_000 // ms that are kept
const most = 3600 // and points: a minute at 60 Hz
const mostSpikes = 20_000

// Samples keeps the level, the threshold and the spikes of the last minute.
export class Samples {
	points = [] // {ts, level, threshold}
	spikes = [] // ms

	add(ts, {level, threshold}) {
		const last = this.points[this.points.length - 1]
		if (last && ts < last.ts) this.points = []
		this.points.push({ts, level, threshold})
		if (this.points.length > most || ts - this.points[0].ts > longest + 5000) {
			this.points = this.points.filter(p => ts - p.ts <= longest).slice(-most)
		}
	}

	spike(ts) {
		if (ts < this.spikes[this.spikes.length - 1]) this.spikes = []
		this.spikes.push(ts)
		if (this.spikes.length > mostSpikes || ts - this.spikes[0] > longest + 5000) {
			this.spikes = this.spikes.filter(s => ts - s <= longest).slice(-mostSpikes)
		}
	}

	// range returns the levels to show: all levels and thresholds of a time, and 0.
	range(from, to) {
		let low = 0
		let high = 1e-9
		for (const p of this.points) {
			if (p.ts < from || p.ts > to) continue
			low = Math.min(low, p.level)
			high = Math.max(high, p.threshold, p.level)
		}
		const room = (high - low) * 0.08
		return {low: low - (low < 0 ? room : 0), high: high + room}
	}
}
