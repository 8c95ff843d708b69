// A connection to the robot's broker over a WebSocket, which comes back by itself.
import {signal} from './view.js'
import * as mqtt from './packets.js'

// Seconds without a packet of ours after which the broker may end the connection. A browser calls the timers of a hidden page once a
// minute.
const keepAlive = 60

// Milliseconds of silence after which the broker is asked for a sign of life, and how long it has for that.
const silence = 5000, patience = 10_000

// Milliseconds of silence after which somebody who is in a hurry does not believe in the connection.
const doubt = 1000

// Milliseconds before the first and the last attempt to connect again, and until an attempt has failed.
const firstPause = 100, longestPause = 5000, attempt = 10_000

// Codes of CONNACK that another attempt with the same user and password does not change.
const refusals = new Set([4, 5])

// A Client subscribes and publishes at QoS 0. It keeps its subscriptions over reconnections.
//
// link is 'connecting', 'online', 'lost' or 'refused', which means: wrong user or password, and no further attempt.
export class Client {
	link = signal('connecting')
	since = signal(0) // counts the connections: an effect that reads it runs again after each

	#url; #login; #open
	#socket = null
	#filters = new Map() // filter -> {uses, heard: function or null}
	#numbers = new Map() // number of a SUBSCRIBE -> its filters
	#next = 1
	#failed = 0
	#timer = 0; #pings = 0; #pinged = 0
	#doubted = 0
	#heard = 0 // when the last packet came
	#ended = false

	// login is {user, password} or null. open makes the WebSocket; tests hand in another one.
	constructor({url, login = null, open = url => new WebSocket(url, 'mqtt'), onMessage}) {
		this.#url = url
		this.#login = login
		this.#open = open
		this.onMessage = onMessage
		this.#connect()
		if (globalThis.addEventListener) {
			addEventListener('online', this.hurry)
			document.addEventListener('visibilitychange', this.#seen)
		}
	}

	get user() { return this.#login?.user ?? '' }

	// subscribe subscribes to a filter, now and after each reconnection. answered is called with true or false each time the broker
	// accepts or refuses it. The function that it returns ends the subscription.
	subscribe(filter, answered = null) {
		const known = this.#filters.get(filter)
		if (known) known.uses++
		else {
			this.#filters.set(filter, {uses: 1, answered})
			this.#sendSubscribe([filter])
		}
		let ended = false
		return () => {
			const held = this.#filters.get(filter)
			if (ended || !held) return
			ended = true
			if (--held.uses > 0) return
			this.#filters.delete(filter)
			this.#send(mqtt.unsubscribe(this.#number(), [filter]))
		}
	}

	// publish returns whether the message was sent: without a connection it is not, and not later either.
	publish(topic, payload) { return this.#send(mqtt.publish(topic, payload)) }

	// hurry connects at once if the connection is lost. If it only seems to be there, the broker has two seconds to show that it is.
	hurry = () => {
		if (this.#ended) return
		if (this.link.value === 'lost' && !this.#socket) {
			this.#failed = 0
			this.#connect()
		} else if (this.link.value === 'online' && Date.now() - this.#heard > doubt && !this.#doubted) this.#doubt()
	}

	// end closes the connection for good.
	end() {
		this.#ended = true
		this.#send(mqtt.disconnect())
		this.#drop()
		clearTimeout(this.#timer)
		if (globalThis.removeEventListener) {
			removeEventListener('online', this.hurry)
			document.removeEventListener('visibilitychange', this.#seen)
		}
	}

	#seen = () => { if (!document.hidden) this.hurry() }

	#number() {
		const number = this.#next
		this.#next = number % 65535 + 1
		return number
	}

	#send(packet) {
		if (this.link.value !== 'online' || this.#socket?.readyState !== 1) return false
		this.#socket.send(packet)
		return true
	}

	#sendSubscribe(filters) {
		const number = this.#number()
		if (this.#send(mqtt.subscribe(number, filters))) this.#numbers.set(number, filters)
	}

	#connect() {
		clearTimeout(this.#timer)
		let socket
		try {
			socket = this.#open(this.#url)
		} catch {
			return this.#lost()
		}
		this.#socket = socket
		socket.binaryType = 'arraybuffer'
		const splitter = new mqtt.Splitter()
		const mine = f => event => { if (socket === this.#socket) f(event) }
		socket.onopen = mine(() => socket.send(mqtt.connect({id: clientID(), keepAlive, ...this.#login})))
		socket.onclose = mine(() => this.#lost())
		socket.onmessage = mine(event => {
			this.#heard = Date.now()
			try {
				for (const packet of splitter.push(new Uint8Array(event.data))) {
					this.#receive(packet)
					if (socket !== this.#socket) return
				}
			} catch (error) {
				console.warn(String(error))
				this.#lost()
			}
		})
		this.#timer = setTimeout(() => this.#lost(), attempt)
	}

	#receive(packet) {
		switch (packet.type) {
		case mqtt.CONNACK:
			if (packet.body[1] === 0) return this.#online()
			if (!refusals.has(packet.body[1])) return this.#lost()
			this.#drop()
			this.link.value = 'refused'
			return
		case mqtt.PUBLISH: {
			const {topic, payload, retained} = mqtt.message(packet)
			return this.onMessage(topic, payload, retained)
		}
		case mqtt.SUBACK: {
			const {number, filters} = mqtt.granted(packet)
			const asked = this.#numbers.get(number) ?? []
			this.#numbers.delete(number)
			asked.forEach((filter, i) => this.#filters.get(filter)?.answered?.(filters[i]))
			return
		}
		}
	}

	#online() {
		clearTimeout(this.#timer)
		this.#failed = 0
		this.link.value = 'online'
		this.#numbers.clear()
		const all = [...this.#filters.keys()]
		for (let i = 0; i < all.length; i += 32) this.#sendSubscribe(all.slice(i, i + 32))
		this.#pings = setInterval(() => this.#ping(), 2500)
		this.#pinged = Date.now()
		this.since.value++
	}

	#ping() {
		const now = Date.now(), asked = this.#pinged > this.#heard
		if (asked && now - this.#pinged > patience) return this.#lost()
		if (asked || now - this.#heard < silence && now - this.#pinged < keepAlive * 250) return
		this.#pinged = now
		this.#send(mqtt.ping())
	}

	#doubt() {
		const socket = this.#socket
		this.#pinged = Date.now()
		this.#send(mqtt.ping())
		this.#doubted = setTimeout(() => {
			this.#doubted = 0
			if (socket === this.#socket && this.#heard < this.#pinged) this.#lost()
		}, 2000)
	}

	#drop() {
		clearTimeout(this.#doubted)
		this.#doubted = 0
		clearInterval(this.#pings)
		clearTimeout(this.#timer)
		const socket = this.#socket
		this.#socket = null
		if (socket) socket.close()
	}

	#lost() {
		this.#drop()
		if (this.#ended) return
		this.link.value = 'lost'
		const longest = Math.min(longestPause, firstPause * 2 ** this.#failed++)
		this.#timer = setTimeout(() => this.#connect(), longest * (0.5 + Math.random() / 2))
	}
}

// clientID returns a name that no other page has: a broker ends the older of two connections of one name.
function clientID() {
	const bytes = crypto.getRandomValues(new Uint8Array(8))
	return 'page-' + Array.from(bytes, b => b.toString(16).padStart(2, '0')).join('')
}
