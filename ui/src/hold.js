// A Hold keeps a command or a reading in effect while it is held: it renews the lease, and ends it when it is let go.
import {signal} from './view.js'

export class Hold {
	held = signal(false)
	#send; #refused; #every; #lease
	#value = 0; #timer = 0

	// send sends a value with a lease in milliseconds, and returns a promise. every is when it is renewed.
	constructor({send, refused, every, lease}) {
		this.#send = send
		this.#refused = refused
		this.#every = every
		this.#lease = lease
	}

	// set sends a value, now and again until release. It is the way to change it, too: at most ten values a second are sent.
	set(value) {
		this.#value = value
		if (this.held.value) return this.#soon()
		this.held.value = true
		this.#renew()
	}

	// release ends the lease at once: the actuator goes to failsafe, the sensor reads the world again.
	release() {
		if (!this.held.value) return
		this.#stop()
		this.#send(this.#value, 1).catch(() => {}) // if it is lost, the lease ends by itself
	}

	#sent = 0

	// soon brings the next renewal forward.
	#soon() {
		clearTimeout(this.#timer)
		this.#timer = setTimeout(() => this.#renew(), Math.max(0, this.#sent + 100 - Date.now()))
	}

	#renew() {
		if (!this.held.value) return
		this.#sent = Date.now()
		this.#send(this.#value, this.#lease).catch(error => {
			if (!this.held.value) return
			this.#stop()
			this.#refused(error)
		})
		clearTimeout(this.#timer)
		this.#timer = setTimeout(() => this.#renew(), this.#every)
	}

	#stop() {
		clearTimeout(this.#timer)
		this.held.value = false
	}
}
