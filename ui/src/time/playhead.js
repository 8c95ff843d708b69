// The time at the right edge of all panels over time. It moves smoothly, a little behind the robot's clock, so that what is at
// the edge has already arrived.

// Delays in ms. least holds a batch of spikes (every 50 ms), a reading (every 100 ms) and the way here. A slow network makes the
// delay as long as its latest messages were late in the last ten seconds.
const least = 200, longest = 1000, remember = 10000

// slew is by how much the head may be faster or slower than time, and jump the error in ms from which it jumps instead.
const slew = 0.05, jump = 1500

export class Playhead {
	// time returns the robot's clock in ms since 1970.
	constructor(time) {
		this.time = time
		this.position = NaN
		this.late = []; // [when, by how much]
	}

	// arrived is called for each message with the time of the oldest thing in it, in ms since 1970.
	arrived(oldest) {
		const now = this.time(), by = Math.min(longest, now - oldest + 20)
		if (!(by > least)) return
		while (this.late.length && (this.late[0][0] < now - remember || this.late[0][0] > now)) this.late.shift()
		while (this.late.length && this.late[this.late.length - 1][1] <= by) this.late.pop()
		this.late.push([now, by])
	}

	// delay returns how far the head is behind the robot's clock.
	delay() {
		const now = this.time()
		while (this.late.length && (this.late[0][0] < now - remember || this.late[0][0] > now)) this.late.shift()
		return this.late.length ? this.late[0][1] : least
	}

	// at returns the time at the edge. now is a clock in ms that never jumps: that of requestAnimationFrame.
	at(now) {
		const target = this.time() - this.delay()
		const passed = now - this.last
		this.last = now
		if (passed === 0) return this.position
		const ahead = this.position + passed
		if (!(Math.abs(target - ahead) < jump)) this.position = target
		else this.position = ahead + Math.max(-slew * passed, Math.min(slew * passed, target - ahead))
		return this.position
	}
}
