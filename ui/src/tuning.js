// What this page changes of a robot's parameters: what waits for an answer, what was refused, and what can be undone.
import {batch, computed, signal} from './view.js'

// Milliseconds between two requests of one slider, until everything is read again after a change, and between two readings of
// what is learnt.
const pace = 100, reread = 600

// How many steps can be undone.
const mostSteps = 200

export class Tuning {
	pending = signal(new Map()) // path -> the value that is on its way
	refused = signal(new Map()) // path -> the Refusal of the last change
	ranges = signal(new Map()) // path -> {min, max, learnt, learnt_to}, as they are now
	done = signal([]) // steps that can be undone: {before, after}, values by path
	undone = signal([]) // steps that can be done again

	canUndo = computed(() => this.done.value.length > 0)
	canRedo = computed(() => this.undone.value.length > 0)

	#robot
	#sliders = new Map() // path -> {next, timer, busy}
	#timer = 0
	#again = false // the robot has started again: its revisions begin with 0

	constructor(robot) { this.#robot = robot }

	// set changes parameters in one transaction. Changes of one gesture, such as dragging a slider, are one step to undo.
	async set(changes, {gesture = null, ifRevision = null, step = true} = {}) {
		const before = this.#values(Object.keys(changes))
		this.#mark(changes)
		try {
			const answer = await this.#robot.request('set', {set: changes, ...(ifRevision === null ? {} : {if_rev: ifRevision})})
			this.#accept(answer)
			if (step) this.#record(before, {...changes, ...answer.applied}, gesture)
			return answer
		} catch (refusal) {
			this.#refuse(changes, refusal)
			throw refusal
		} finally {
			this.#unmark(changes)
		}
	}

	// slide changes one parameter as a slider moves: at most ten times a second, one at a time, and always the last value.
	slide(path, value, gesture) {
		let slider = this.#sliders.get(path)
		if (!slider) this.#sliders.set(path, slider = {next: null, busy: false})
		slider.next = {value, gesture}
		if (!slider.busy) this.#slide(path, slider)
	}

	async #slide(path, slider) {
		slider.busy = true
		while (slider.next) {
			const {value, gesture} = slider.next
			slider.next = null
			const pause = new Promise(resolve => setTimeout(resolve, pace))
			await this.set({[path]: value}, {gesture}).catch(() => {}) // shown beside the slider
			await pause
		}
		slider.busy = false
	}

	// reset sets parameters to the values of the robot file: all that were tuned without paths.
	async reset(paths = null) {
		const all = paths ?? this.tuned()
		const before = this.#values(all)
		const marks = Object.fromEntries(all.map(path => [path, this.#robot.parameters.value.get(path)?.default]))
		this.#mark(marks)
		try {
			const answer = await this.#robot.request('reset', paths ? {paths} : {})
			this.#accept(answer)
			this.#record(before, answer.applied ?? {}, null)
			return answer
		} catch (refusal) {
			this.#refuse(marks, refusal)
			throw refusal
		} finally {
			this.#unmark(marks)
		}
	}

	// tuned returns the paths of all parameters that are not as the robot file has them.
	tuned() {
		return [...this.#robot.parameters.value.keys()].filter(path => {
			const src = this.#robot.parameter(path).value?.src
			return src !== undefined && src !== 'config'
		})
	}

	undo() { return this.#step(this.done, this.undone, 'before', 'after') }

	redo() { return this.#step(this.undone, this.done, 'after', 'before') }

	// step goes back or forth, unless somebody else has changed one of the values since. Then it returns their paths and forgets the step.
	async #step(from, to, target, expected) {
		const step = from.value.at(-1)
		if (!step) return []
		for (let attempt = 0; ; attempt++) {
			const foreign = Object.keys(step[expected]).filter(path => !same(this.#robot.parameter(path).value?.v, step[expected][path]))
			if (foreign.length > 0) {
				from.value = from.value.filter(s => s !== step)
				return foreign
			}
			try {
				await this.set(step[target], {ifRevision: this.#robot.revision.value, step: false})
				break
			} catch (refusal) {
				if (refusal.code !== 'revision_conflict' || attempt === 3) throw refusal
				this.#forgive(step[target])
				await this.load()
			}
		}
		from.value = from.value.filter(s => s !== step)
		to.value = [...to.value, step]
		return []
	}

	// load reads everything again: values, the ranges that are allowed now, and what is learnt.
	async load() {
		clearTimeout(this.#timer)
		this.#timer = 0
		let answer
		try {
			answer = await this.#robot.request('get')
		} catch {
			if (this.#again) this.#timer = setTimeout(() => this.load(), reread) // nothing is known of this start yet
			return // shown as stale
		}
		batch(() => {
			const ranges = new Map()
			for (const [path, {min, max, learnt, learnt_to: learntTo, ...value}] of Object.entries(answer.values ?? {})) {
				ranges.set(path, {min, max, learnt, learntTo})
				const known = this.#robot.parameter(path)
				if (!known.value || this.#again || value.rev >= known.value.rev) known.value = value
			}
			this.ranges.value = ranges
			this.#again = false
		})
	}

	// loadLearnt reads again what synapses have learnt.
	async loadLearnt() {
		const paths = [...this.ranges.value].filter(([, range]) => range.learnt !== undefined).map(([path]) => path)
		if (paths.length === 0) return
		let answer
		try {
			answer = await this.#robot.request('get', {paths})
		} catch {
			return // shown as stale
		}
		const ranges = new Map(this.ranges.value)
		for (const [path, {min, max, learnt, learnt_to: learntTo}] of Object.entries(answer.values ?? {})) {
			ranges.set(path, {min, max, learnt, learntTo})
		}
		this.ranges.value = ranges
	}

	// changed reads the ranges again soon: some follow other values.
	changed() { if (!this.#timer) this.#timer = setTimeout(() => this.load(), reread) }

	restarted() {
		this.#again = true
		batch(() => {
			for (const one of [this.pending, this.refused, this.ranges]) one.value = new Map()
			this.done.value = []
			this.undone.value = []
		})
	}

	#values(paths) {
		return Object.fromEntries(paths.flatMap(path => {
			const value = this.#robot.parameter(path).value
			return value && value.to === undefined ? [[path, value.v]] : []
		}))
	}

	#accept({applied = {}, rev}) {
		batch(() => {
			for (const [path, v] of Object.entries(applied)) {
				const known = this.#robot.parameter(path)
				if (this.#robot.parameters.value.has(path) && (known.value?.rev ?? -1) < rev) {
					known.value = {v, rev, src: this.#robot.user || 'mqtt'}
				}
			}
		})
		this.changed()
	}

	#record(before, after, gesture) {
		// A population with different values has no one value to go back to.
		after = Object.fromEntries(Object.entries(after).filter(([path]) => path in before))
		if (Object.keys(after).length === 0) return
		const last = this.done.value.at(-1)
		batch(() => {
			if (gesture !== null && last?.gesture === gesture) {
				this.done.value = [...this.done.value.slice(0, -1), {...last, after}]
			} else {
				before = Object.fromEntries(Object.keys(after).map(path => [path, before[path]]))
				this.done.value = [...this.done.value, {before, after, gesture}].slice(-mostSteps)
			}
			this.undone.value = []
		})
	}

	#mark(changes) {
		batch(() => {
			this.#forgive(changes)
			this.pending.value = new Map([...this.pending.value, ...Object.entries(changes)])
		})
	}

	#unmark(changes) {
		const pending = new Map(this.pending.value)
		for (const path in changes) if (pending.get(path) === changes[path]) pending.delete(path)
		this.pending.value = pending
	}

	#refuse(changes, refusal) {
		const refused = new Map(this.refused.value)
		const at = refusal.path in changes ? [refusal.path] : Object.keys(changes)
		for (const path of at) refused.set(path, refusal)
		this.refused.value = refused
	}

	#forgive(changes) {
		const refused = new Map(this.refused.value)
		for (const path in changes) refused.delete(path)
		this.refused.value = refused
	}
}

// same compares a value with what was asked for: the robot may round.
const same = (a, b) => a === b || Math.abs(a - b) <= 1e-6 * Math.max(Math.abs(a), Math.abs(b))
