// All robots of the broker, as far as a list of them shows.
import {batch, computed, effect, signal} from './view.js'
import {Estop} from './estop.js'
import {Requests} from './requests.js'
import {afterEvent} from './safety.js'
import {texts} from './texts.js'

// Milliseconds without tele/health after which a robot is silent, for how long a lease of watch holds, and when it is renewed.
const stale = 3000, lease = 6000, renew = 2500

// How often the score in the list changes, in milliseconds.
const pace = 500

const decoder = new TextDecoder()

class Seen {
	status = signal(null)
	health = signal(null)
	fresh = signal(false)
	score = signal(null) // of tele/world: {text, goal, reached, values}
	healthAt = 0; scoreAt = 0; offset = 0
	hasWorld = true // until the robot says otherwise

	constructor(client, name) {
		this.name = name
		this.link = client.link
		this.estop = new Estop(client, name)
		this.requests = new Requests({client, robot: name, time: () => Date.now() + this.offset, texts: texts.requests,
			named: () => client.user !== ''})
	}
}

export class Fleet {
	robots = signal(new Map()) // name -> Seen

	sorted = computed(() => [...this.robots.value.values()].sort((a, b) => a.name.localeCompare(b.name, 'en', {numeric: true})))

	#client; #ends = []

	constructor(client) {
		this.#client = client
		this.link = client.link
		for (const topic of ['status', 'tele/health', 'tele/world', 'event/+', 'res/estop', 'res/watch']) {
			this.#ends.push(client.subscribe(`flux/+/${topic}`))
		}
		this.#ends.push(effect(() => { if (client.since.value > 0) queueMicrotask(() => this.#watch()) }))
		const timers = [setInterval(() => this.#tick(), 500), setInterval(() => this.#watch(), renew)]
		this.#ends.push(() => timers.forEach(clearInterval))
	}

	get user() { return this.#client.user }

	// stopAll stops every robot that has ever been seen here: one that seems to be away may still move.
	stopAll() { for (const robot of this.robots.value.values()) robot.estop.press() }

	end() {
		for (const robot of this.robots.value.values()) {
			robot.estop.end()
			robot.requests.end()
		}
		for (const end of this.#ends) end()
	}

	receive(topic, payload, retained) {
		const [, name, kind, below] = topic.split('/')
		if (kind === 'status' && payload.length === 0) return this.#forget(name)
		let body
		try {
			body = JSON.parse(decoder.decode(payload))
		} catch {
			return
		}
		let robot = this.robots.value.get(name)
		if (!robot) {
			if (kind !== 'status') return // what is no robot has no status
			robot = new Seen(this.#client, name)
			this.robots.value = new Map([...this.robots.value, [name, robot]])
		}
		if (kind === 'status') {
			if (body.boot !== robot.status.value?.boot) robot.hasWorld = true
			robot.status.value = body
		} else if (kind === 'event') this.#event(robot, body)
		else if (kind === 'res' && below === 'estop') robot.estop.answer(body)
		else if (kind === 'res') robot.requests.answer(body)
		else if (below === 'health') this.#health(robot, body, retained)
		else if (below === 'world' && Date.now() - robot.scoreAt > pace) {
			robot.scoreAt = Date.now()
			robot.score.value = {...body.score, episode: body.episode}
		}
	}

	#health(robot, body, retained) {
		if (retained) {
			robot.health.value ??= body
			return
		}
		robot.offset = body.ts - Date.now()
		robot.healthAt = Date.now()
		batch(() => {
			robot.health.value = body
			robot.fresh.value = true
		})
		if (body.safety?.state === 'stopped') robot.estop.stopped()
	}

	#event(robot, event) {
		robot.health.value = afterEvent(robot.health.peek(), event)
		if (event.code === 'emergency_stop') robot.estop.stopped()
	}

	#forget(name) {
		const robots = new Map(this.robots.value)
		robots.get(name)?.estop.end()
		robots.delete(name)
		this.robots.value = robots
	}

	#tick() {
		for (const robot of this.robots.value.values()) {
			if (robot.fresh.value && Date.now() - robot.healthAt > stale) robot.fresh.value = false
		}
	}

	// watch asks each robot for its world's score. One without a world is not asked again.
	#watch() {
		if (document.hidden || this.link.value !== 'online') return
		for (const robot of this.robots.value.values()) {
			if (!robot.hasWorld || robot.status.value?.state !== 'online') continue
			robot.requests.send('watch', {lease_ms: lease, world: true})
				.catch(error => { if (error.code === 'not_allowed') robot.hasWorld = false })
		}
	}
}
