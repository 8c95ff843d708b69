// Which panels are shown, in which order and how wide: this browser remembers it.
import {computed, signal} from './view.js'
import {recall, remember} from './memory.js'

// The shape of what is remembered: another one is forgotten.
const version = 1

export class Layout {
	#known
	order = signal([])
	hidden = signal(new Set())
	wide = signal(new Set())

	// only is a list of ids of panels: just these, and nothing is remembered.
	constructor(panels, only = null) {
		this.#known = panels.map(p => p.id)
		this.only = only
		const kept = only ? {} : recall('layout', {})
		const order = kept.version === version ? kept.order.filter(id => this.#known.includes(id)) : []
		// A panel that is new in this version comes where it stands by default.
		this.#known.forEach((id, i) => { if (!order.includes(id)) order.splice(Math.min(i, order.length), 0, id) })
		this.order.value = only ?? order
		if (kept.version === version) {
			this.hidden.value = new Set(kept.hidden)
			this.wide.value = new Set(kept.wide)
		} else if (!only) this.wide.value = new Set(panels.filter(p => p.wide).map(p => p.id))
	}

	shown = computed(() => this.order.value.filter(id => !this.hidden.value.has(id)))

	toggle(id) { this.#flip(this.hidden, id) }

	widen(id) { this.#flip(this.wide, id) }

	// move moves a shown panel by a number of places, and returns its new place from 0.
	move(id, by) {
		const shown = this.shown.value
		const to = Math.max(0, Math.min(shown.length - 1, shown.indexOf(id) + by))
		this.put(id, shown[to])
		return to
	}

	// put moves a panel to the place of another one.
	put(id, where) {
		if (id === where) return
		const order = this.order.value
		const to = order.indexOf(where)
		const rest = order.filter(one => one !== id)
		rest.splice(to, 0, id)
		this.order.value = rest
		this.#keep()
	}

	#flip(set, id) {
		const next = new Set(set.value)
		if (!next.delete(id)) next.add(id)
		set.value = next
		this.#keep()
	}

	#keep() {
		if (this.only) return
		remember('layout', {version, order: this.order.value, hidden: [...this.hidden.value], wide: [...this.wide.value]})
	}
}
