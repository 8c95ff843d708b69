// The store of one robot: all that the panels show, and all that they ask of it. docs/mqtt.md documents the topics and requests.
import {batch, computed, effect, signal} from './view.js'
import {Estop} from './estop.js'
import {Leases} from './lease.js'
import {Requests} from './requests.js'
import {afterEvent} from './safety.js'
import {decode} from './spikes.js'
import {Tuning} from './tuning.js'
import {texts} from './texts.js'

// The verbs whose permission the broker is asked for.
const verbs = ['get', 'set', 'reset', 'reward', 'stimulate', 'watch', 'save', 'load', 'arm', 'drive', 'sense', 'zero', 'disarm',
	'network', 'world', 'place']

// Milliseconds without tele/health after which what is shown is stale, for how long a lease of watch holds, and when it is renewed.
const stale = 3000, lease = 6000, renew = 2000

// Milliseconds after which a retained message that has not come is asked for, and how often after a connection.
const missing = 3000, mostLooks = 4

// How long events are kept, in milliseconds, and how many.
const hour = 3_600_000, mostEvents = 2000

const decoder = new TextDecoder()

export class Robot {
	status = signal(null)
	describe = signal(null)
	health = signal(null)
	sensors = signal({})
	actuators = signal({})
	network = signal(null)
	world = signal(null)
	pose = signal(null)
	neurons = signal(null)
	learning = signal(null)
	episodes = signal([])
	events = signal([])
	networkRefused = signal('') // why it has no circuit, in the robot's words
	worldRefused = signal('') // and why no world
	watchRefused = signal('') // the robot's words, if it does not grant what panels want to see
	fresh = signal(false) // health came within the last three seconds: what is shown is live
	revision = signal(0)

	#client; #requests; #leases = new Leases()
	#values = new Map() // path -> signal of {v, to, rev, src}
	#may = new Map() // verb or verb/user -> signal of true, false or null: not known yet
	#listeners = new Map()
	#ends = []
	#optional = {} // name of a topic -> function that ends the subscription
	#asked = '' // what the last request watch asked for
	#offset = 0; #offsets = []
	#start = 0 // milliseconds since 1970 at which the robot's microseconds began
	#boot = ''
	#healthAt = 0
	#statusEnd
	#came = new Set() // of status and describe, those that have come since the connection
	#looks = 0; #lookTimer = 0

	constructor(client, name) {
		this.#client = client
		this.name = name
		this.link = client.link
		this.estop = new Estop(client, name)
		this.#requests = new Requests({client, robot: name, time: () => this.#stamp(), texts: texts.requests,
			named: verb => client.user !== '' && this.#permission(`${verb}/${client.user}`).peek() !== false})
		this.parameters = computed(() => new Map((this.describe.value?.parameters ?? []).map(p => [p.path, p])))
		this.names = computed(() => neuronNames(this.describe.value))
		this.tuning = new Tuning(this)
		this.#statusEnd = client.subscribe(this.#topic('status'))
		this.#ends.push(() => this.#statusEnd())
		for (const topic of ['describe', 'param/#', 'tele/health', 'tele/sensors', 'tele/actuators', 'tele/episode',
			'event/+', 'res/+']) this.#ends.push(client.subscribe(this.#topic(topic)))
		for (const verb of verbs) {
			this.#permission(verb)
			if (client.user) this.#permission(`${verb}/${client.user}`)
		}
		this.#ends.push(effect(() => {
			if (client.since.value === 0) return
			this.#came.clear()
			this.#looks = 0
			queueMicrotask(() => this.#begin())
		}))
		this.#ends.push(() => clearTimeout(this.#lookTimer))
		const timer = setInterval(() => this.#tick(), 500)
		this.#ends.push(() => clearInterval(timer))
		const seen = () => { if (!document.hidden) this.#renew(true) }
		globalThis.document?.addEventListener('visibilitychange', seen)
		this.#ends.push(() => globalThis.document?.removeEventListener('visibilitychange', seen))
	}

	get user() { return this.#client.user }

	// live says whether what is shown is true now: the broker is there, and the robot is, and speaks.
	get live() { return this.link.value === 'online' && this.status.value?.state === 'online' && this.fresh.value }

	// roles are the roles of the neurons, by index: 'sensor', 'motor', 'reward' or ''.
	get roles() { return this.names.value.roles }

	neuronName(i) { return this.names.value.names[i] ?? `#${i}` }

	// time returns the robot's time, in milliseconds since 1970.
	time() { return Date.now() + this.#offset }

	// stamp returns the time for a request: that of this machine, if it agrees with the robot's. What is known of the robot's clock is
	// late by a message's way, and an arm that seems older than a disarm is refused.
	#stamp() { return Math.abs(this.#offset) < 1000 ? Date.now() : this.time() }

	// may says whether the broker lets this user send a verb. It is true until the broker says otherwise.
	may(verb) { return this.#permission(verb).value !== false }

	parameter(path) {
		let value = this.#values.get(path)
		if (!value) this.#values.set(path, value = signal(null))
		return value
	}

	// request returns a promise of the answer. It rejects with a Refusal: code, path, min, max, and the robot's own words as message.
	request(verb, body) { return this.#requests.send(verb, body) }

	// set changes parameters, so that the page can undo it.
	set(changes, options) { return this.tuning.set(changes, options) }

	// on calls f with each message of a kind, until the function that it returns is called.
	on(kind, f) {
		if (!this.#listeners.has(kind)) this.#listeners.set(kind, new Set())
		this.#listeners.get(kind).add(f)
		return () => { this.#listeners.get(kind).delete(f) }
	}

	// watch asks for more than the usual while somebody looks, until the function that it returns is called.
	watch(want) {
		const release = this.#leases.hold(want)
		this.#renew()
		return () => {
			release()
			this.#renew()
		}
	}

	loadNetwork() { return this.#ask('network', this.networkRefused) }

	loadWorld() { return this.#ask('world', this.worldRefused) }

	// end gives back everything: for another robot.
	end() {
		this.estop.end()
		this.#requests.end()
		for (const end of [...this.#ends, ...Object.values(this.#optional)]) end()
	}

	// receive takes a message of the broker, if it is this robot's.
	receive(topic, payload, retained) {
		const before = this.#topic('')
		if (!topic.startsWith(before)) return
		const rest = topic.slice(before.length)
		if (rest === 'spikes') return this.#spikes(payload)
		let body = null
		if (payload.length > 0) {
			try {
				body = JSON.parse(decoder.decode(payload))
			} catch {
				console.warn(`${topic}: not JSON`)
				return
			}
		}
		const [kind, ...below] = rest.split('/')
		switch (kind) {
		case 'status':
			this.#came.add(kind)
			return body && this.#status(body)
		case 'describe':
			this.#came.add(kind)
			this.describe.value = body
			return
		case 'param': this.#param(below.join('/'), body); return
		case 'tele': return body && this.#tele(below[0], body, retained)
		case 'event': return body && this.#event({...body, level: below[0]})
		case 'res':
			if (!body) return
			if (body.rev > this.revision.value) this.revision.value = body.rev
			if (below[0] === 'estop') this.estop.answer(body)
			return this.#requests.answer(body)
		}
	}

	#topic(rest) { return `flux/${this.name}/${rest}` }

	#permission(verb) {
		let permission = this.#may.get(verb)
		if (!permission) {
			this.#may.set(verb, permission = signal(null))
			this.#ends.push(this.#client.subscribe(this.#topic(`may/${verb}`), may => { permission.value = may }))
		}
		return permission
	}

	// begin asks for what is not retained: after each connection, and after each start of the robot.
	#begin() {
		this.#asked = ''
		this.#renew()
		this.tuning.load()
		this.loadNetwork()
		this.loadWorld()
		this.#look()
	}

	#look() {
		clearTimeout(this.#lookTimer)
		this.#lookTimer = setTimeout(() => this.#missed(), missing)
	}

	// missed asks for retained messages that have not come since the connection: a broker may miss a client that subscribes while it
	// stores them. What came on an earlier connection may be of an earlier start of the robot.
	async #missed() {
		if (this.link.peek() !== 'online' || this.#came.size === 2 || this.#looks === mostLooks) return
		this.#look()
		if (!this.fresh.peek()) return // nor is the robot there
		this.#looks++
		if (!this.#came.has('status')) {
			this.#statusEnd()
			this.#statusEnd = this.#client.subscribe(this.#topic('status'))
		}
		if (this.#came.has('describe')) return
		const description = await this.request('describe').then(answer => answer.description, () => null)
		if (description && !this.#came.has('describe')) {
			this.#came.add('describe')
			this.describe.value = description
		}
	}

	// ask asks for what a robot may have. If the robot refuses it, it has none, and its words say why. If it is only busy or does not
	// answer, what was known stays.
	async #ask(verb, refused) {
		try {
			const answer = await this.request(verb)
			batch(() => {
				this[verb].value = answer[verb] ?? null
				refused.value = ''
			})
		} catch (refusal) {
			if (!['not_allowed', 'unknown_verb', 'forbidden'].includes(refusal.code)) return
			batch(() => {
				this[verb].value = null
				refused.value = refusal.message
			})
		}
	}

	#status(status) {
		batch(() => {
			this.status.value = status
			if (status.state === 'online' && status.boot !== this.#boot) {
				const again = this.#boot !== ''
				this.#boot = status.boot
				if (again) this.#restarted()
			}
		})
	}

	// restarted forgets what the last start of the robot has said.
	#restarted() {
		this.#offsets = []
		this.#start = 0
		this.revision.value = 0
		for (const value of this.#values.values()) value.value = null // what comes is true, also with a lower revision
		for (const one of [this.health, this.pose, this.neurons, this.learning]) one.value = null
		this.sensors.value = {}
		this.actuators.value = {}
		this.fresh.value = false
		this.tuning.restarted()
		this.#call('restart', null)
		setTimeout(() => this.#begin(), 300) // retained messages come first
	}

	#param(path, value) {
		if (value) {
			this.parameter(path).value = value
			if (value.rev > this.revision.value) this.revision.value = value.rev
			this.tuning.changed()
		} else if (this.#values.has(path)) this.#values.get(path).value = null
	}

	#tele(kind, body, retained) {
		switch (kind) {
		case 'health': {
			if (retained) { // may be as old as it likes
				if (!this.health.value) this.health.value = body
				return
			}
			this.#clock(body)
			batch(() => {
				this.health.value = body
				this.#healthAt = Date.now()
				this.fresh.value = true
			})
			if (body.safety?.state === 'stopped') this.estop.stopped()
			return
		}
		case 'sensors': this.sensors.value = body; break
		case 'actuators': this.actuators.value = body; break
		case 'neurons': this.neurons.value = body; break
		case 'learning': this.learning.value = body; break
		case 'world': this.pose.value = body; break
		case 'episode': this.episodes.value = [...this.episodes.value.slice(-999), body]; break
		default: return
		}
		this.#call(kind, body)
	}

	// clock follows the robot's clock: of the last messages the one that took the shortest way says how far it differs from ours.
	#clock({ts, uptime_s: uptime}) {
		this.#offsets = [...this.#offsets.slice(-9), ts - Date.now()]
		this.#offset = Math.max(...this.#offsets)
		const start = ts - uptime * 1000
		if (Math.abs(start - this.#start) > 20) this.#start = start // a smaller step is the message's own unsteadiness
	}

	// event also says at once what tele/health would say within a second.
	#event(event) {
		this.health.value = afterEvent(this.health.peek(), event)
		if (event.code === 'emergency_stop') this.estop.stopped()
		const from = this.time() - hour
		this.events.value = [...this.events.value.filter(e => e.ts > from), event].slice(-mostEvents)
		this.#call('event', event)
	}

	#spikes(payload) {
		if (!this.#listeners.get('spikes')?.size || !this.#start) return
		try {
			this.#call('spikes', decode(payload, this.#start))
		} catch (error) {
			console.warn(String(error))
		}
	}

	#call(kind, message) { this.#listeners.get(kind)?.forEach(f => f(message)) }

	#tick() {
		if (this.fresh.value && Date.now() - this.#healthAt > stale) this.fresh.value = false
		this.#renew(false)
	}

	#renewed = 0

	// renew asks for what panels want to see, if that has changed or the lease will end. A hidden page wants nothing.
	#renew(now = false) {
		let sum = globalThis.document?.hidden ? null : this.#leases.sum()
		// A robot without a world refuses the whole request.
		if (sum?.world && !this.world.peek()) {
			const {world, ...rest} = sum
			sum = Object.keys(rest).length > 0 ? rest : null
		}
		for (const [topic, key] of [['spikes', 'spikes'], ['tele/neurons', 'neurons'], ['tele/learning', 'learning'],
			['tele/world', 'world']]) this.#want(topic, sum?.[key])
		const asked = JSON.stringify(sum)
		if (!sum || this.link.peek() !== 'online' || !now && asked === this.#asked && Date.now() - this.#renewed < renew) return
		this.#asked = asked
		this.#renewed = Date.now()
		this.request('watch', {lease_ms: lease, ...sum}).then(() => { this.watchRefused.value = '' },
			refusal => { if (refusal.code !== 'offline') this.watchRefused.value = refusal.message })
	}

	#want(topic, wanted) {
		if (wanted && !this.#optional[topic]) this.#optional[topic] = this.#client.subscribe(this.#topic(topic))
		if (!wanted && this.#optional[topic]) {
			this.#optional[topic]()
			delete this.#optional[topic]
		}
	}
}

function neuronNames(description) {
	const names = [], roles = []
	for (const {name, count, role = ''} of description?.neurons ?? []) {
		for (let i = 0; i < Math.max(1, count); i++) {
			names.push(count > 1 ? `${name}[${i}]` : name)
			roles.push(role)
		}
	}
	return {names, roles}
}
