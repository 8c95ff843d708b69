// An emergency stop is sent again and again until the robot has acknowledged it.
import {signal} from './view.js'

const again = 250, late = 1000 // milliseconds

// Estop stops one robot. state is 'idle', 'sent' (not acknowledged yet) or 'acknowledged'.
export class Estop {
	state = signal('idle')
	sent = signal(0) // when it was first sent, in milliseconds since 1970 by this page's clock
	tries = signal(0) // how often it was sent
	waited = signal(0) // for how many milliseconds it has not been acknowledged

	#client; #robot; #id = ''; #timer = 0

	constructor(client, robot) {
		this.#client = client
		this.#robot = robot
	}

	// press sends the stop at once, whatever waits. Without a connection it is sent as soon as there is one.
	press() {
		if (this.state.value !== 'sent') {
			this.#id = newID()
			this.sent.value = Date.now()
			this.tries.value = 0
			this.waited.value = 0
			this.state.value = 'sent'
		}
		this.#send()
	}

	// answer takes an answer to estop. One without an id is for all that were sent in a flood.
	answer({id, status}) {
		if (this.state.value === 'sent' && status === 'ok' && (id === this.#id || id === '')) this.#done()
	}

	// stopped takes the news that the robot is stopped.
	stopped() { if (this.state.value === 'sent') this.#done() }

	// end gives up: for a page that goes away.
	end() {
		clearTimeout(this.#timer)
		this.state.value = 'idle'
	}

	// late says that the robot should have acknowledged the stop by now.
	get late() { return this.state.value === 'sent' && this.waited.value >= late }

	#done() {
		clearTimeout(this.#timer)
		this.waited.value = Date.now() - this.sent.value
		this.state.value = 'acknowledged'
	}

	#send() {
		clearTimeout(this.#timer)
		this.waited.value = Date.now() - this.sent.value
		this.#client.hurry()
		const payload = JSON.stringify({id: this.#id, ts: Date.now(), ttl_ms: 30000})
		const topic = `flux/${this.#robot}/req/estop`
		if (this.#client.user) this.#client.publish(`${topic}/${this.#client.user}`, payload)
		if (this.#client.publish(topic, payload)) this.tries.value++
		this.#timer = setTimeout(() => this.#send(), again)
	}
}

let count = 0
const page = Array.from(crypto.getRandomValues(new Uint8Array(6)), b => b.toString(16).padStart(2, '0')).join('')

// newID returns an id for a request that no other has.
export const newID = () => `${page}-${(++count).toString(36)}`
