// What tele/health has said in the last minutes, for the pictures beside its figures.

import {effect} from '../view.js'
import {Trend} from './trend.js'

// figures are the keys whose values have a trend; counters those whose growth has one.
export const figures = ['spikes_per_s', 'queue_depth', 'cpu_percent', 'temperature_c']
export const counters = ['ignored', 'drops', 'late_inputs', 'bridge.dropped', 'bridge.malformed']

// minute is over how many messages, one a second, growth is counted.
const minute = 60

const stores = new WeakMap()

// trendsOf returns the trends of a robot. They begin at the first call.
export function trendsOf(robot) {
	if (!stores.has(robot)) stores.set(robot, new Trends(robot))
	return stores.get(robot)
}

// read returns the value of a key such as 'bridge.dropped'.
export const read = (health, key) => key.split('.').reduce((part, name) => part?.[name], health)

class Trends {
	constructor(robot) {
		this.forget()
		robot.on('restart', () => this.forget())
		effect(() => this.add(robot.health.value))
	}

	forget() {
		this.before = null
		this.trends = new Map([...figures, ...counters].map(key => [key, new Trend()]))
	}

	add(health) {
		if (!health || health.ts === this.before?.ts) return
		for (const key of figures) this.trends.get(key).add(read(health, key) ?? NaN)
		for (const key of counters) {
			this.trends.get(key).add(this.before ? Math.max(0, read(health, key) - read(this.before, key)) : 0)
		}
		this.before = health
	}

	line(key, width, height) { return this.trends.get(key).line(width, height, 0) }

	// grown returns by how much a counter has grown in the last minute.
	grown(key) {
		const trend = this.trends.get(key)
		let sum = 0
		for (let i = 0; i < Math.min(minute, trend.length); i++) sum += trend.at(i)
		return sum
	}
}
