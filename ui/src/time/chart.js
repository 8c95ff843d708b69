// A chart of some sensors or actuators with one unit, by uPlot. The lines are steps: a value holds until the next one. uPlot
// draws axes and lines; the paths of the lines come straight from the histories, so that nothing is copied while time passes.

import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import {effect, untracked} from '../view.js'
import {cursor, span} from '../cursor.js'
import {texts} from '../texts.js'
import {colour, dark} from '../theme.js'
import {hatch} from './hatch.js'
import {ago, number, step} from './ticks.js'
import {unit as unitNow} from './unit.js'

// dashes tell the lines of a chart apart without colour, in CSS pixels. There are as many as lines in a chart.
export const dashes = [[], [7, 3], [2, 2], [9, 2, 2, 2], [12, 5], [4, 2, 1, 2]]

// unitWidth is the room for the unit beside an axis; slowest the least time between two pictures, in ms.
const unitWidth = 16, slowest = 30

export class Chart {
	// lines are [{device: () => its record in the readings, limits: () => [{value, limit, name}], shown: () => whether}], at most
	// six. unknown(from, to) returns the times for which nothing is known; fitted() whether the lines fill the chart.
	constructor(element, {unit, lines, height, gutter, unknown, fitted}) {
		Object.assign(this, {element, lines, unknown, fitted, drawn: 0})
		this.end = effect(() => {
			dark.value
			untracked(() => this.make(unit, height, gutter))
		})
	}

	make(name, height, gutter) {
		this.plot?.destroy()
		this.colours = this.lines.map((_, i) => colour(`series-${i + 1}`))
		this.grid = colour('grid')
		this.marks = {cursor: colour('accent'), unknown: colour('line'), text: colour('muted')}
		const muted = colour('muted'), {lines, grid} = this
		const one = this.one = unitNow(), font = `${11 * one}px ${getComputedStyle(this.element).fontFamily}`
		const series = lines.map((line, i) => ({
			stroke: this.colours[i], width: 1.5 * one, dash: dashes[i].map(d => d * one), points: {show: false}, auto: false,
			paths: plot => this.path(plot, line),
		}))
		this.plot = new uPlot({
			width: this.element.clientWidth, height, padding: [6 * one, 1, 6 * one, 0],
			legend: {show: false}, cursor: {show: false},
			scales: {x: {time: false, auto: false}, y: {auto: true, range: plot => this.range(plot)}},
			axes: [{show: false}, {
				stroke: muted, font, labelFont: font, label: name || undefined, labelSize: name ? unitWidth * one : 0, labelGap: 0,
				size: gutter - (name ? unitWidth * one : 0), gap: 4, space: 22 * one, grid: {stroke: grid, width: 1}, ticks: {show: false},
				values: (_, marks) => marks.map(mark => number(mark)),
			}],
			series: [{}, ...series],
			hooks: {drawClear: [plot => this.below(plot)], draw: [plot => this.above(plot)]},
		}, [[0, 1], ...lines.map(() => [null, null])], this.element)
		this.plot.root.setAttribute('aria-hidden', 'true') // the legend has the values
	}

	resize(width, height) {
		if (this.plot.width !== width || this.plot.height !== height) this.plot.setSize({width, height})
	}

	// draw shows the lines up to a time (ms) at the right edge.
	draw(now, time) {
		const length = span.value * 1000, shift = (time - this.time) / length * this.plot.bbox.width
		const same = length === this.length && Math.abs(shift) < 1 && cursor.value === this.cursor && !this.dirty
		if (same || now - this.drawn < slowest && !this.dirty) return
		Object.assign(this, {drawn: now, time, length, cursor: cursor.value, dirty: false})
		this.plot.setScale('x', {min: time - length, max: time})
	}

	timeAt(x) { return this.plot.posToVal(x, 'x') }

	// range returns the ends of the y axis: all values in view, and the limits unless the lines are to fill the chart.
	range() {
		let low = Infinity, high = -Infinity
		const add = value => {
			low = Math.min(low, value)
			high = Math.max(high, value)
		}
		for (const line of this.lines) {
			const history = line.device()?.history
			if (!history || !line.shown()) continue
			const [a, b] = history.range(this.time - this.length, this.time)
			for (let i = a; i < b; i++) add(history.values[i])
			if (!this.fitted()) for (const {value} of line.limits()) add(value)
		}
		if (!(low <= high)) return [0, 1]
		if (low === 0 && high === 0) return [-0.1, 1.1]
		if (low === high) return [low - (Math.abs(low) * 0.1 || 1), high + (Math.abs(high) * 0.1 || 1)]
		const part = step((high - low) / 50) // so that the axis does not move with each value
		return [Math.floor(low / part - 0.5) * part, Math.ceil(high / part + 0.5) * part]
	}

	// path returns a line in steps. Values that share a column of pixels are one upright stroke.
	path(plot, line) {
		const history = line.device()?.history
		if (!history?.length || !line.shown()) return null
		const [a, b] = history.range(this.time - this.length, this.time), stroke = new Path2D()
		let column = NaN, before = NaN, low = 0, high = 0
		for (let i = a; i < b; i++) {
			const x = Math.round(plot.valToPos(history.times[i], 'x', true)), y = plot.valToPos(history.values[i], 'y', true)
			if (x === column) {
				low = Math.min(low, y)
				high = Math.max(high, y)
				before = y
				continue
			}
			if (low < high) this.upright(stroke, column, low, high, before)
			if (i === a) stroke.moveTo(x, y)
			else {
				stroke.lineTo(x, before)
				stroke.lineTo(x, y)
			}
			column = x
			before = low = high = y
		}
		if (low < high) this.upright(stroke, column, low, high, before)
		if (a < b) stroke.lineTo(plot.valToPos(this.time, 'x', true), before) // it holds until now
		return {stroke, fill: null, clip: null, band: null, gaps: null, flags: 0}
	}

	upright(stroke, x, low, high, last) {
		stroke.lineTo(x, low)
		stroke.lineTo(x, high)
		stroke.lineTo(x, last)
	}

	// below draws the marks of the time axis, and what is not known.
	below(plot) {
		const {ctx: context, bbox: {left, top, width, height}} = plot, ratio = uPlot.pxRatio
		context.save()
		context.fillStyle = this.grid
		for (const {seconds} of ago(span.value, width / ratio / this.one)) {
			context.fillRect(Math.round(left + width * (1 - seconds / span.value)) - ratio, top, ratio, height)
		}
		const from = this.time - this.length
		for (const part of this.unknown(from, this.time)) {
			const a = plot.valToPos(Math.max(from, part.from), 'x', true)
			const b = plot.valToPos(Math.min(this.time, part.to), 'x', true)
			hatch(context, {left: a, top, width: b - a, height}, this.marks.unknown, 8 * ratio)
		}
		context.restore()
	}

	// above draws limits and the cursor.
	above(plot) {
		const {ctx: context, bbox: {left, top, width, height}} = plot, ratio = uPlot.pxRatio
		context.save()
		context.beginPath()
		context.rect(left, top, width, height)
		context.clip()
		const size = ratio * this.one
		context.font = `${10 * size}px ${getComputedStyle(this.element).fontFamily}`
		context.textAlign = 'left'
		context.textBaseline = 'alphabetic'
		context.setLineDash([4 * size, 4 * size])
		context.lineWidth = ratio
		context.globalAlpha = 0.8
		let written = Infinity // where the text before stands
		for (const {value, text, colours} of this.limits().sort((a, b) => a.value - b.value)) {
			context.fillStyle = context.strokeStyle = colours.size === 1 ? [...colours][0] : this.marks.text
			const y = Math.round(plot.valToPos(value, 'y', true)) + 0.5
			context.beginPath()
			context.moveTo(left, y)
			context.lineTo(left + width, y)
			context.stroke()
			const line = y - top < 14 * size ? y + 11 * size : y - 3 * size
			if (Math.abs(written - line) < 11 * size) continue
			context.fillText(text, left + 4 * size, line)
			written = line
		}
		context.globalAlpha = 1
		if (cursor.value !== null) {
			context.fillStyle = this.marks.cursor
			context.fillRect(Math.round(plot.valToPos(cursor.value, 'x', true)), top, ratio, height)
		}
		context.restore()
	}

	// limits returns the limits of the lines that are shown. Those with one value are one.
	limits() {
		const all = new Map()
		this.lines.forEach((line, i) => {
			if (!line.shown()) return
			for (const {value, limit, name} of line.limits()) {
				const one = all.get(value) ?? {value, limit, names: new Set(), colours: new Set()}
				one.names.add(name)
				one.colours.add(this.colours[i])
				all.set(value, one)
			}
		})
		return [...all.values()].map(({value, limit, names, colours}) => (
			{value, colours, text: texts.series.limits[limit]([...names].join(', '))}))
	}

	destroy() {
		this.end()
		this.plot.destroy()
	}
}
