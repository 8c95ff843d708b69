// Where the robot has been in the last minute.

export const length = 60_000 // ms
const most = 1200 // points
const apart = length / most // ms between two points at least
const jump = 0.5 // metres between two points: it was put there, and did not drive

// Trail keeps the points of the last minute: at most 1,200 of them, however often the robot reports.
export class Trail {
	points = [] // {ts, x, y, begins}

	// add takes a place. fresh says that the robot did not drive here from the last one.
	add(ts, x, y, fresh = false) {
		if (!Number.isFinite(ts) || !Number.isFinite(x) || !Number.isFinite(y)) return
		const last = this.points[this.points.length - 1]
		if (last && ts < last.ts) this.points = [] // the robot started again
		const begins = fresh || !last || Math.hypot(x - last.x, y - last.y) > jump
		if (last && !begins && ts - last.ts < apart) return
		this.points.push({ts, x, y, begins})
		const old = this.points.findIndex(p => ts - p.ts <= length)
		if (old > 0) this.points.splice(0, old)
		if (this.points.length > most) this.points.splice(0, this.points.length - most)
	}

	// pieces returns the trail as lines by age, the oldest first: {age, points}, where age goes from 0 (now) to 1 (a minute ago) in
	// so many steps. A line never joins two places between which the robot was carried.
	pieces(now, steps = 6) {
		const lines = []
		let line = null
		let before = null
		for (const p of this.points) {
			const step = Math.max(0, Math.min(steps - 1, Math.floor(((now - p.ts) / length) * steps)))
			if (p.begins || !line) {
				line = {step, points: [p]}
				lines.push(line)
			} else if (step !== line.step) {
				line = {step, points: [before, p]}
				lines.push(line)
			} else line.points.push(p)
			before = p
		}
		return lines.filter(l => l.points.length > 1).map(l => ({age: l.step / steps, points: l.points}))
	}
}
