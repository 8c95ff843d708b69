// How many spikes were lost on the way: the robot counts its spikes in its health, and what has come is counted here.
//
//     const lost = new LostSpikes()
//     lost.check(health, ring) // with each of the robot's messages about its health, after spikes went into the ring
//     lost.count

// Milliseconds after which the spikes before a message count as lost if no later ones come.
const patience = 10_000

export class LostSpikes {
	constructor() { this.forget() }

	// forget begins again.
	forget() {
		this.earlier = 0
		this.count = 0
		this.pause()
	}

	// pause keeps the count, and leaves out what the robot counts from now until the next message: spikes are not watched then.
	pause() {
		this.earlier = this.count
		this.first = null // {ts, spikes, received}: from where spikes are compared
		this.waiting = [] // messages whose spikes may still be on their way
	}

	// check compares. Batches come in order, so all spikes before the newest have come, or never will. Edges are known to some
	// milliseconds only, so small differences say nothing.
	check(health, ring) {
		this.waiting.push(health)
		while (this.waiting.length && (this.waiting[0].ts <= ring.newest || health.ts - this.waiting[0].ts >= patience)) {
			this.compare(this.waiting.shift(), ring)
		}
	}

	compare({ts, spikes}, ring) {
		const received = ring.received - ring.count(ts, Infinity)
		if (!this.first || spikes < this.first.spikes) {
			this.pause()
			this.first = {ts, spikes, received}
			return
		}
		const missing = spikes - this.first.spikes - (received - this.first.received)
		const second = (spikes - this.first.spikes) * 1000 / Math.max(1000, ts - this.first.ts)
		this.count = this.earlier + (missing > Math.max(50, second * 0.05) ? missing : 0)
	}
}
