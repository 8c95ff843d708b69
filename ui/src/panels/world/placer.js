// Sends where things are put while they are dragged.

// Placer sends at most one request every so many ms for all things, and the last place of each thing always. send(thing, at)
// returns a promise; refused(thing, error) is called when it fails; accepted(thing, at) when it does not. later and now can be
// replaced in tests.
export class Placer {
	constructor({send, refused, accepted = () => {}, every = 100, now = () => performance.now(),
		later = (f, ms) => setTimeout(f, ms)}) {
		Object.assign(this, {send, refused, accepted, every, now, later})
		this.waiting = new Map() // the latest place by thing
		this.last = -Infinity
		this.busy = false // a timer or a request is under way
	}

	// put moves a thing. A later place of the same thing replaces one that has not been sent.
	put(thing, at) {
		this.waiting.delete(thing)
		this.waiting.set(thing, at)
		if (!this.busy) this.next()
	}

	// moving says whether a thing has a place that has not been answered.
	moving(thing) {
		return this.waiting.has(thing) || this.underway === thing
	}

	next() {
		if (!this.waiting.size) {
			this.busy = false
			return
		}
		this.busy = true
		const wait = this.last + this.every - this.now()
		if (wait > 0) {
			this.later(() => this.next(), wait)
			return
		}
		const [thing, at] = this.waiting.entries().next().value
		this.waiting.delete(thing)
		this.last = this.now()
		this.underway = thing
		this.send(thing, at).then(() => this.accepted(thing, at), error => {
			// What was put there meanwhile would be refused too, or be right: it is sent.
			this.refused(thing, error)
		}).finally(() => {
			this.underway = undefined
			this.next()
		})
	}
}
