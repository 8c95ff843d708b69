// The readings of a robot's sensors and the commands of its actuators, kept for as long as the page is open, and when they were
// stale or held at failsafe.

import {effect} from '../view.js'
import {headOf} from './control.js'
import {History, Spans} from './history.js'
import {timed} from './loop.js'

// silence is the time without a message, in ms, from which on nothing is known. Panels wait for messages that come more often
// than every `often` ms. mostLabels bounds the texts of an actuator, and mostGaps the list of gaps.
const silence = 3000, often = 500, mostLabels = 256, mostGaps = 200

const stores = new WeakMap()

// readingsOf returns the store of a robot. It begins to keep at the first call.
export function readingsOf(robot) {
	if (!stores.has(robot)) stores.set(robot, new Readings(robot))
	return stores.get(robot)
}

class Readings {
	constructor(robot) {
		this.robot = robot
		this.forget()
		robot.on('sensors', message => timed(() => this.add(this.sensors, message)))
		robot.on('actuators', message => timed(() => this.add(this.actuators, message)))
		robot.on('restart', () => this.forget())
		effect(() => this.states(robot.health.value))
		this.add(this.sensors, robot.sensors.peek())
		this.add(this.actuators, robot.actuators.peek())
	}

	forget() {
		this.sensors = new Map() // name -> {history, labels, unit, value, ts}
		this.actuators = new Map()
		this.stale = new Map() // name of a sensor -> Spans
		this.held = new Map() // name of an actuator -> Spans
		this.gaps = [] // {from, to} in ms: no message came
		this.since = NaN // when the first message was published
		this.heard = NaN // when the latest message was published
	}

	// add takes a message of tele/sensors or tele/actuators. A text is kept as the number of that text in labels.
	add(devices, message) {
		let published = -Infinity
		for (const [name, {value, unit, ts, age_s: age}] of Object.entries(message ?? {})) {
			let device = devices.get(name)
			if (!device) devices.set(name, device = {name, history: new History(), labels: []})
			const text = typeof value === 'string'
			device.history.add(ts, text ? label(device.labels, value) : value)
			Object.assign(device, {unit, value, ts, text})
			published = Math.max(published, ts + age * 1000)
		}
		if (published === -Infinity) return
		const before = this.heard, passed = published - before
		this.heard = published
		if (!(this.since <= published)) this.since = published
		if (passed > silence) this.gaps.push({from: before, to: published})
		if (this.gaps.length > mostGaps) this.gaps.shift()
		if (passed > 0 && passed < often) headOf(this.robot).arrived(before) // the message is about the time since the one before
	}

	states(health) {
		if (!health) return
		const {held = {}, stale = []} = health.safety ?? {}, {ts} = health
		const set = (spans, name, text) => {
			if (!spans.has(name) && text) spans.set(name, new Spans())
			spans.get(name)?.set(ts, text)
		}
		for (const name of new Set([...this.held.keys(), ...Object.keys(held)])) set(this.held, name, (held[name] ?? []).join(', '))
		for (const name of new Set([...this.stale.keys(), ...stale])) set(this.stale, name, stale.includes(name) ? 'stale' : '')
	}

	// unknown returns the parts of from..to (ms) in which nothing is known, as [{from, to}]. now is the robot's time.
	unknown(from, to, now) {
		const parts = this.gaps.filter(gap => gap.from < to && gap.to > from)
		if (!(this.since <= from)) parts.push({from, to: Math.min(to, this.since || to)})
		if (now - this.heard > silence && this.heard < to) parts.push({from: Math.max(this.heard, from), to})
		return parts
	}
}

function label(labels, text) {
	const at = labels.indexOf(text)
	if (at >= 0) return at
	if (labels.length === mostLabels) return mostLabels - 1
	labels.push(text)
	return labels.length - 1
}
