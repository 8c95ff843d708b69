// The raster's canvases: the dots, what lies over them, and the strip of rates below. It knows sizes, rows and the pointer; what
// is written beside the canvases is the panel's.

import {effect, untracked} from '../view.js'
import {cursor, paused, span} from '../cursor.js'
import {colour, dark} from '../theme.js'
import {edge, pointers} from './control.js'
import {hatch} from './hatch.js'
import {onFrame} from './loop.js'
import {Picture} from './picture.js'
import {arrange, none, place, roles, rowAt} from './rows.js'
import {spikesOf} from './spikestore.js'
import {Strip} from './strip.js'
import {ago} from './ticks.js'
import {unit} from './unit.js'

// Heights in units: of a heading above a group, of a row, of a row at most, and of the field. near is how close to a spike
// the pointer must be to mean it.
const heading = 15, usual = 17, tallest = 26, least = 110, most = 360, near = 7

// colours are those of the roles.
const colours = ['sensor', 'inner', 'motor', 'learnt']

// second is the time over which a neuron's rate is counted, in ms.
const second = 1000

export class RasterPlot {
	// field holds the canvases dots and over; strip is the canvas below. A large field has the height that the page gives it.
	// onLayout is called with the plot after each change of the rows and of where they lie.
	constructor({field, dots, over, strip}, robot, large, onLayout) {
		Object.assign(this, {field, over, robot, large, onLayout})
		this.context = over.getContext('2d')
		this.store = spikesOf(robot)
		this.picture = new Picture(dots)
		this.strip = new Strip(strip, roles.length)
		this.filter = ''
		this.collapsed = new Set()
		this.pointer = null // {x, y} in CSS pixels of the field
		this.right = NaN // the time at the right edge, in ms
		const resize = new ResizeObserver(() => this.layout())
		resize.observe(field)
		resize.observe(strip)
		this.ends = [
			() => resize.disconnect(),
			this.store.use(),
			this.store.onBatch((times, neurons) => this.batch(times, neurons)),
			effect(() => {
				dark.value
				robot.names.value
				untracked(() => this.layout())
			}),
			pointers(field, robot, {timeAt: x => this.timeAt(x), width: () => this.width}),
			onFrame(field, now => this.frame(now)),
		]
	}

	end() {
		this.leave()
		for (const end of this.ends) end()
	}

	// show sets which neurons are shown, and how.
	show(filter, collapsed) {
		this.filter = filter
		this.collapsed = collapsed
		this.layout()
	}

	layout() {
		const {names, roles: rolesOf} = this.robot.names.peek()
		const populations = this.robot.describe.peek()?.neurons ?? []
		const ratio = this.ratio = window.devicePixelRatio || 1
		this.arranged = arrange({populations, names, rolesOf, filter: this.filter, collapsed: this.collapsed})
		const {rows, groups} = this.arranged, one = this.unit = unit()
		const fits = one * Math.min(most, Math.max(least, rows.length * usual + groups.length * heading))
		this.field.style.height = this.large ? '' : `${fits}px`
		const {clientWidth: width, clientHeight: height} = this.field
		this.width = width
		this.placed = place(this.arranged, height, one * heading, one * (this.large ? 4 : 1) * tallest)
		this.colours = colours.map(colour)
		this.whole = {line: colour('text'), area: colour('grid')}
		this.lines = {grid: colour('grid'), cursor: colour('accent'), unknown: colour('line')}
		const wide = Math.round(width * ratio), tall = Math.round(height * ratio)
		this.picture.resize(wide, tall)
		this.over.width = wide
		this.over.height = tall
		const {canvas} = this.strip
		canvas.width = Math.round(canvas.clientWidth * ratio)
		canvas.height = Math.round(canvas.clientHeight * ratio)
		this.picture.arrange({rowOf: this.arranged.rowOf, groupOf: this.arranged.groupOf, size: this.placed.size * ratio,
			top: this.placed.top.map(y => y * ratio), colours: this.colours, dot: Math.max(1, Math.round(1.25 * one * ratio))})
		this.strip.forget()
		this.dirty = true
		this.onLayout?.(this)
	}

	batch(times, neurons) {
		if (!times) {
			this.picture.right = NaN
			this.strip.forget()
			return
		}
		this.picture.late(times, neurons)
		this.strip.add(times, neurons)
	}

	frame(now) {
		const time = edge(this.robot, now), length = span.value * 1000
		if (!isFinite(time) || !this.width) return
		const moved = time !== this.right || length !== this.length
		this.right = time
		this.length = length
		this.picture.draw(this.store.ring, time, length)
		if (this.pointer) this.point()
		if (moved || this.dirty) {
			this.strip.ensure(this.store.ring, time, length, paused.value === null, this.arranged.groupOf)
			const groups = this.arranged.groups.map(({group}) => group)
			this.strip.draw({time, span: length, groups, ratio: this.ratio * this.unit, colours: this.colours, whole: this.whole})
		}
		const unknown = moved || this.dirty ? this.store.unknown(time - length, time) : this.unknown
		const over = unknown.length || this.unknown?.length || cursor.value !== null // moves with the picture
		if (this.dirty || cursor.value !== this.drawnCursor || moved && over) {
			this.unknown = unknown
			this.overlay()
		}
		this.dirty = false
	}

	timeAt(x) { return this.right - (this.width - x) / this.width * this.length }
	xAt(time) { return this.width - (this.right - time) / this.length * this.width }

	// overlay draws what lies over the dots: marks of the time axis, parts that are not known, the cursor and its row.
	overlay() {
		const {context, ratio, width, placed: {areas, size, top}, lines} = this, height = this.over.height / ratio
		context.setTransform(ratio, 0, 0, ratio, 0, 0)
		context.clearRect(0, 0, width, height)
		context.fillStyle = lines.grid
		for (const {seconds} of ago(span.value, width / this.unit)) {
			context.fillRect(Math.round(width * (1 - seconds / span.value)) - 1, 0, 1, height)
		}
		for (const area of areas) context.fillRect(0, area.top - 1, width, 1)
		for (const {from, to} of this.unknown) {
			hatch(context, {left: this.xAt(from), top: 0, width: this.xAt(to) - this.xAt(from), height}, lines.unknown)
		}
		if (this.row > none && this.row < top.length) {
			context.fillStyle = lines.cursor
			context.globalAlpha = 0.15
			context.fillRect(0, top[this.row] - (size < 3 ? 1 : 0), width, Math.max(3, size))
			context.globalAlpha = 1
		}
		this.drawnCursor = cursor.value
		if (cursor.value === null) return
		context.fillStyle = lines.cursor
		context.fillRect(Math.round(this.xAt(cursor.value)), 0, 1, height)
	}

	// point follows the pointer: the time under it, and its row.
	point() {
		const {x, y} = this.pointer
		this.row = rowAt(this.placed, y)
		cursor.value = this.timeAt(Math.min(this.width, Math.max(0, x)))
	}

	hover(x, y) {
		this.pointer = {x, y}
		this.dirty = true
		if (this.length) this.point()
	}

	leave() {
		if (!this.pointer) return
		this.pointer = null
		this.row = none
		this.dirty = true
		cursor.value = null
	}

	// step moves the pointer by rows and pixels, for the keyboard. It begins at the right edge, in the first row.
	step(rows, pixels) {
		const {top, size} = this.placed
		if (!top.length) return
		const row = this.pointer ? Math.min(top.length - 1, Math.max(0, (this.row > none ? this.row : 0) + rows)) : 0
		const x = this.pointer ? Math.min(this.width, Math.max(0, this.pointer.x + pixels)) : this.width
		this.hover(x, top[row] + size / 2)
	}

	// under returns what the pointer means: {time, row, neuron, exact, rate}. If a spike is near, neuron and time are those of the
	// spike and exact is true. rate counts the second before. It returns null without a pointer.
	under() {
		if (!this.pointer || !this.length || cursor.peek() === null) return null
		const row = this.row > none ? this.arranged.rows[this.row] : null
		const spike = this.nearest()
		const time = spike ? spike.time : cursor.peek()
		const neurons = spike ? [spike.neuron] : row ? row.neurons : []
		return {time, row, exact: Boolean(spike), neurons, rate: neurons.length ? this.rate(neurons, time) : NaN}
	}

	// nearest returns the spike that is closest to the pointer, or null if none is near.
	nearest() {
		const {ring} = this.store, {x, y} = this.pointer, {top, size} = this.placed, {rowOf} = this.arranged
		const reach = near * this.unit
		let best = reach * reach, found = null
		for (const [a, b] of ring.slices(this.timeAt(x - reach), Math.min(this.right, this.timeAt(x + reach)))) {
			for (let i = a; i < b; i++) {
				const row = rowOf[ring.neurons[i]]
				if (!(row > none) || size > reach && row !== this.row) continue // only low rows may be missed by a little
				const down = Math.max(0, Math.abs(top[row] + size / 2 - y) - size / 2)
				const across = this.xAt(ring.times[i]) - x
				const far = down * down * 4 + across * across // a row above is farther than it looks
				if (far < best) {
					best = far
					found = {time: ring.times[i], neuron: ring.neurons[i]}
				}
			}
		}
		return found
	}

	// rate returns the spikes a second of some neurons together, over the second before a time.
	rate(neurons, time) {
		const {ring} = this.store, wanted = new Set(neurons)
		let count = 0
		for (const [a, b] of ring.slices(time - second, time + 1e-3)) {
			for (let i = a; i < b; i++) if (wanted.has(ring.neurons[i])) count++
		}
		return count * 1000 / second
	}
}
