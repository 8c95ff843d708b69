// Requests to one robot and their answers, which are told apart by id: answers to all clients come on one topic.
import {newID} from './estop.js'

// Milliseconds until a request is sent again, and until it has failed. The robot executes one id once.
const again = 1000, longest = 5000

// A Refusal is an answer with an error, in the robot's own words, or no answer at all (code 'no_answer' or 'offline').
export class Refusal extends Error {
	constructor({code, path = '', min, max, message}) {
		super(message)
		Object.assign(this, {name: 'Refusal', code, path, min, max})
	}
}

export class Requests {
	#client; #robot; #named; #time; #texts
	#waiting = new Map() // id -> {resolve, reject, timer}

	// named says of a verb whether the broker lets this user send it under their name. time returns the robot's time.
	constructor({client, robot, named, time, texts}) {
		this.#client = client
		this.#robot = robot
		this.#named = named
		this.#time = time
		this.#texts = texts
	}

	// send returns a promise of the answer with status ok.
	send(verb, body = {}) {
		const id = newID()
		const payload = JSON.stringify({id, ts: Math.round(this.#time()), ttl_ms: longest, ...body})
		const topic = `flux/${this.#robot}/req/${verb}`
		return new Promise((resolve, reject) => {
			const first = this.#named(verb) ? `${topic}/${this.#client.user}` : topic
			if (!this.#client.publish(first, payload)) {
				reject(new Refusal({code: 'offline', message: this.#texts.offline}))
				return
			}
			// disarm never waits, as an emergency stop never does.
			if (verb === 'disarm' && first !== topic) this.#client.publish(topic, payload)
			const end = Date.now() + longest
			const wait = () => setTimeout(() => {
				if (Date.now() >= end) {
					this.#waiting.delete(id)
					reject(new Refusal({code: 'no_answer', message: this.#texts.noAnswer(verb)}))
					return
				}
				this.#client.publish(topic, payload)
				this.#waiting.get(id).timer = wait()
			}, again)
			this.#waiting.set(id, {resolve, reject, timer: wait()})
		})
	}

	// answer takes an answer from the robot, to a request of this page or of another client.
	answer(answer) {
		const waiting = this.#waiting.get(answer.id)
		if (!waiting) return
		clearTimeout(waiting.timer)
		this.#waiting.delete(answer.id)
		if (answer.status === 'ok') waiting.resolve(answer)
		else waiting.reject(new Refusal(answer.error ?? {code: 'malformed', message: this.#texts.malformed}))
	}

	// end rejects what waits.
	end() {
		for (const {reject, timer} of this.#waiting.values()) {
			clearTimeout(timer)
			reject(new Refusal({code: 'offline', message: this.#texts.offline}))
		}
		this.#waiting.clear()
	}
}
