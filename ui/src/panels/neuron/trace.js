// The level of a neuron over the shared span of time.
import {html, useEffect, useRef} from '../../view.js'
import {cursor, span} from '../../cursor.js'
import {edge} from '../../time/control.js'
import {onFrame} from '../../time/loop.js'
import {colour, dark} from '../../theme.js'
import {texts} from '../../texts.js'

const t = texts.neuron
const spikesHeight = 8 // pixels at the top

// Trace draws the samples while it can be seen.
export function Trace({robot, samples, label}) {
	const canvas = useRef(null)
	useEffect(() => {
		const el = canvas.current
		let drawn = ''
		return onFrame(el, now => {
			const ratio = devicePixelRatio || 1
			const width = el.clientWidth
			const height = el.clientHeight
			if (!width || !height) return
			const to = edge(robot, now)
			const from = to - span.value * 1000
			// A pixel of time or a new sample is worth a picture.
			const step = (span.value * 1000) / width
			const state = [Math.floor(to / Math.max(step, 33)), samples.points.length, samples.points.at(-1)?.ts, samples.spikes.length,
				width,
				height, ratio, cursor.value, span.value, dark.value].join()
			if (state === drawn) return
			drawn = state
			if (el.width !== Math.round(width * ratio)) el.width = Math.round(width * ratio)
			if (el.height !== Math.round(height * ratio)) el.height = Math.round(height * ratio)
			const g = el.getContext('2d')
			g.setTransform(ratio, 0, 0, ratio, 0, 0)
			picture(g, {width, height, from, to, samples, ink: colour('text')})
		})
	}, [robot, samples])
	const point = event => {
		const r = canvas.current.getBoundingClientRect()
		const to = edge(robot, performance.now())
		cursor.value = to - span.value * 1000 * (1 - (event.clientX - r.left) / r.width)
	}
	return html`<canvas class="trace" ref=${canvas} role="img" aria-label=${`${t.trace}: ${label}`}
		onPointerMove=${point} onPointerLeave=${() => { cursor.value = null }}></canvas>`
}

function picture(g, {width, height, from, to, samples, ink}) {
	g.clearRect(0, 0, width, height)
	const {low, high} = samples.range(from, to)
	const x = ts => ((ts - from) / (to - from)) * width
	const y = level => spikesHeight + 2 + (1 - (level - low) / (high - low)) * (height - spikesHeight - 4)
	const points = samples.points
	let first = points.findIndex(p => p.ts >= from)
	if (first < 0) first = points.length
	const shown = points.slice(Math.max(0, first - 1)).filter(p => p.ts <= to)
	const line = (key, stroke, dash) => {
		g.beginPath()
		shown.forEach((p, i) => {
			// A gap of more than a second is not bridged.
			if (i && p.ts - shown[i - 1].ts < 1000) g.lineTo(x(p.ts), y(p[key]))
			else g.moveTo(x(p.ts), y(p[key]))
		})
		g.strokeStyle = stroke
		g.lineWidth = 1.5
		g.setLineDash(dash)
		g.stroke()
		g.setLineDash([])
	}
	g.strokeStyle = ink
	g.globalAlpha = 0.3
	g.beginPath()
	g.moveTo(0, y(0))
	g.lineTo(width, y(0))
	g.stroke()
	g.globalAlpha = 1
	line('level', colour('water'), [])
	line('threshold', colour('threshold'), [6, 4])
	g.fillStyle = ink
	for (const s of samples.spikes) if (s >= from && s <= to) g.fillRect(x(s) - 0.5, 0, 1, spikesHeight)
	if (cursor.value !== null && cursor.value >= from && cursor.value <= to) {
		g.globalAlpha = 0.6
		g.fillRect(x(cursor.value) - 0.5, 0, 1, height)
		g.globalAlpha = 1
		const at = shown.reduce((best, p) => (!best || Math.abs(p.ts - cursor.value) < Math.abs(best.ts - cursor.value) ? p : best),
			null)
		if (at) {
			g.font = '12px system-ui, sans-serif'
			const text = t.at(at.level, at.threshold)
			const left = x(cursor.value) + 6
			const wide = g.measureText(text).width
			g.fillText(text, left + wide > width ? left - wide - 12 : left, spikesHeight + 14)
		}
	}
}
