// The spikes of a robot, kept for as long as a panel shows them. It holds the lease, and knows from when to when spikes were not
// watched, and how many were lost on the way.

import {effect, untracked} from '../view.js'
import {paused, span} from '../cursor.js'
import {headOf} from './control.js'
import {timed} from './loop.js'
import {LostSpikes} from './lost.js'
import {backwards, SpikeRing} from './ring.js'

// mostGaps bounds the list of gaps.
const mostGaps = 200

const stores = new WeakMap()

// spikesOf returns the store of a robot.
export function spikesOf(robot) {
	if (!stores.has(robot)) stores.set(robot, new SpikeStore(robot))
	return stores.get(robot)
}

class SpikeStore {
	constructor(robot) {
		this.robot = robot
		this.ring = new SpikeRing()
		this.gaps = [] // {from, to} in ms: spikes were not watched
		this.since = NaN // spikes are watched from this time on
		this.stopped = NaN // when watching ended; NaN while it goes on
		this.losses = new LostSpikes()
		this.refused = 0
		this.counts = new Uint32Array(0) // by neuron, since the first
		this.latest = new Float64Array(0) // by neuron: the time of its latest spike, in ms; 0 without one
		this.users = 0
		this.listeners = new Set()
	}

	// use begins to watch, until the function that it returns is called.
	use() {
		if (this.users++ === 0) this.begin()
		return () => { if (--this.users === 0) this.end() }
	}

	// onBatch calls f(times, neurons) for each batch, after it is in the ring; f(null) when everything was forgotten.
	onBatch(f) {
		this.listeners.add(f)
		return () => { this.listeners.delete(f) }
	}

	begin() {
		const {robot} = this
		const there = () => robot.link.value === 'online' && robot.status.value?.state === 'online' && !document.hidden
		const seen = () => this.watch(untracked(there))
		document.addEventListener('visibilitychange', seen) // a hidden page gets no spikes
		this.ends = [
			robot.watch({spikes: true}),
			robot.on('spikes', batch => timed(() => this.add(batch))),
			robot.on('restart', () => this.forget(robot.time())),
			effect(() => this.watch(there())),
			effect(() => this.check(robot.health.value)),
			() => document.removeEventListener('visibilitychange', seen),
		]
	}

	end() {
		for (const end of this.ends) end()
		this.watch(false)
	}

	watch(on) {
		if (on === this.watched) return
		this.watched = on
		if (on) this.resume()
		else this.suspend()
	}

	resume() {
		const now = this.robot.time()
		this.streaming = NaN // since when batches come
		if (!isFinite(this.since)) this.since = now
		else if (now > this.stopped) this.gaps.push({from: this.stopped, to: now})
		if (this.gaps.length > mostGaps) this.gaps.shift()
		this.stopped = NaN
	}

	// suspend begins a gap: at the last sign of life, if the connection is lost.
	suspend() {
		const now = this.robot.time(), last = Math.max(this.ring.newest || 0, this.robot.health.peek()?.ts ?? 0, this.since)
		const lost = this.robot.link.peek() !== 'online'
		this.stopped = lost && last < now ? last : now
		this.losses.pause()
	}

	add({times, neurons}) {
		if (!times.length) return
		headOf(this.robot).arrived(times[0])
		if (!isFinite(this.streaming)) this.streaming = this.robot.time()
		const keep = paused.peek() === null ? Infinity : paused.peek() - span.peek() * 1000
		if (times[0] < this.ring.newest - backwards) this.forget(times[0])
		this.ring.append(times, neurons, keep)
		for (let i = 0; i < neurons.length; i++) {
			if (neurons[i] >= this.counts.length) this.widen(neurons[i])
			this.counts[neurons[i]]++
			this.latest[neurons[i]] = times[i]
		}
		for (const f of this.listeners) f(times, neurons)
	}

	// forget begins again: the robot has started again, or its clock was set back.
	forget(now) {
		this.ring.clear()
		this.gaps = []
		this.since = now
		this.losses.forget()
		this.counts.fill(0)
		this.latest.fill(0)
		for (const f of this.listeners) f(null)
	}

	widen(neuron) {
		const known = this.robot.describe.peek()?.neurons.reduce((sum, {count}) => sum + Math.max(1, count), 0) ?? 0
		const counts = new Uint32Array(Math.max(neuron + 1, known)), latest = new Float64Array(counts.length)
		counts.set(this.counts)
		latest.set(this.latest)
		this.counts = counts
		this.latest = latest
	}

	// lost is how many spikes the robot counted that did not come.
	get lost() { return this.losses.count }

	check(health) {
		if (!health || !this.watched || !(health.ts > this.streaming)) return
		if (this.ring.refused !== this.refused) this.losses.pause() // there was no room for some
		this.refused = this.ring.refused
		this.losses.check(health, this.ring)
	}

	// unknown returns the parts of from..to (ms) for which spikes are not known, as [{from, to}].
	unknown(from, to) {
		const parts = []
		const add = (a, b) => { if (b > from && a < to) parts.push({from: Math.max(from, a), to: Math.min(to, b)}) }
		if (!isFinite(this.since)) return [{from, to}]
		add(-Infinity, this.ring.overwritten ? Math.max(this.ring.oldest, this.since) : this.since)
		for (const gap of this.gaps) add(gap.from, gap.to)
		if (isFinite(this.stopped)) add(this.stopped, Infinity)
		return parts
	}
}
