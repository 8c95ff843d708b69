// Lanes on a 2D canvas: one a thing, with a band for each time in which something holds, and its text. Texts of actuators are
// such bands, and so are the times in which an actuator is held or a sensor is stale.

import {computed} from '../view.js'
import {cursor, span} from '../cursor.js'
import {colour} from '../theme.js'
import {hatch} from './hatch.js'
import {unit} from './unit.js'

// tall is the height of a lane in units.
export const tall = 18

// slowest is after how many ms lanes are drawn again although time stands still: what they show may have changed.
const slowest = 250

const names = ['line', 'accent', 'warning', 'panel', 'text', 1, 2, 3, 4, 5, 6]
const tones = computed(() => Object.fromEntries(names.map(name => (
	[name, colour(typeof name === 'number' ? `series-${name}` : name)]))))

export class Lanes {
	constructor(canvas) {
		this.canvas = canvas
		this.context = canvas.getContext('2d')
		this.drawn = 0
	}

	// follow draws lanes up to a time, if that makes a difference, and returns this, with the time at the right edge and the length
	// of the axis.
	follow(now, time, lanes, unknown) {
		const length = span.value * 1000, shift = (time - this.time) / length * this.canvas.clientWidth
		const same = length === this.length && Math.abs(shift) < 1 && cursor.value === this.cursor &&
			lanes.length === this.count
		if (isFinite(time) && !(same && now - this.drawn < slowest)) {
			Object.assign(this, {time, length, cursor: cursor.value, count: lanes.length, drawn: now})
			this.draw({lanes, time, length, unknown: unknown(time - length, time)})
		}
		return this
	}

	// draw shows lanes up to a time (ms) at the right edge. Each is a function that returns bands [{from, to, text, kind}] between
	// two times: kind is a number for a text among several, or 'warning'. length is in ms; unknown are the times of which nothing
	// is known.
	draw({lanes, time, length, unknown}) {
		const {canvas, context} = this, ratio = window.devicePixelRatio || 1
		const one = unit(), high = tall * one, width = canvas.clientWidth, height = lanes.length * high
		const pixels = [Math.round(width * ratio), Math.round(height * ratio)]
		if (canvas.width !== pixels[0]) canvas.width = pixels[0]
		if (canvas.height !== pixels[1]) canvas.height = pixels[1]
		context.setTransform(ratio, 0, 0, ratio, 0, 0)
		context.clearRect(0, 0, width, height)
		context.font = `${11 * one}px ${getComputedStyle(canvas).fontFamily}`
		context.textBaseline = 'middle'
		const from = time - length, x = t => width - (time - t) / length * width
		for (const part of unknown) {
			hatch(context, {left: x(part.from), top: 0, width: x(part.to) - x(part.from), height}, tones.value.line)
		}
		lanes.forEach((bands, lane) => {
			for (const band of bands(from, time)) {
				const left = Math.max(0, x(band.from)), right = Math.min(width, x(Math.min(time, band.to)))
				this.band({left, right, top: lane * high + 1, height: high - 2}, band)
			}
		})
		if (cursor.value === null) return
		context.fillStyle = tones.value.accent
		context.fillRect(Math.round(x(cursor.value)), 0, 1, height)
	}

	band({left, right, top, height}, {text, kind}) {
		const {context} = this, tone = tones.value[kind === 'warning' ? kind : kind % 6 + 1]
		context.globalAlpha = kind === 'warning' ? 0.15 : 0.3
		context.fillStyle = tone
		context.fillRect(left, top, Math.max(1, right - left), height)
		context.globalAlpha = 1
		if (kind === 'warning') hatch(context, {left, top, width: right - left, height}, tone, 6)
		context.fillStyle = tone
		context.fillRect(left, top, 1, height)
		if (right - left < 24) return
		context.save()
		context.beginPath()
		context.rect(left, top, right - left - 2, height)
		context.clip()
		if (kind === 'warning') {
			context.fillStyle = tones.value.panel
			context.fillRect(left + 2, top + 1, context.measureText(text).width + 6, height - 2)
		}
		context.fillStyle = tones.value.text
		context.fillText(text, left + 5, top + height / 2 + 0.5)
		context.restore()
	}
}
