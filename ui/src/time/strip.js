// The strip below the raster: spikes a second of the whole network and of each group, in bins, on a 2D canvas.

import {Rates} from './rates.js'
import {step} from './ticks.js'

// bins is how many bins fit into the width, about. margin is how much more is counted on either side, in widths.
const bins = 150, margin = 3

// dashes tell the groups apart without colour, in CSS pixels.
export const dashes = [[], [6, 3], [2, 2], [8, 2, 2, 2]]

export class Strip {
	constructor(canvas, groups) {
		this.canvas = canvas
		this.context = canvas.getContext('2d')
		this.rates = new Rates(groups)
		this.most = 0 // spikes a second at the top
		this.forget()
	}

	// forget makes the next draw count again.
	forget() { this.width = this.drawn = NaN }

	// add counts a batch, if the strip shows the present.
	add(times, neurons) { if (this.to === Infinity) this.rates.add(times, neurons, 0, times.length) }

	// ensure counts the bins around time (ms), if they are not counted yet. span is in ms.
	ensure(ring, time, span, live, groupOf) {
		const width = step(span / bins), {rates} = this
		const from = Math.max(this.from, (rates.last - rates.bins + 1) * rates.width || -Infinity)
		if (width === this.width && time - span - width >= from && (live ? this.to === Infinity : time <= this.to)) return
		this.width = width
		this.from = time - span * (1 + margin)
		this.to = live ? Infinity : time + span * margin
		rates.reset(width, groupOf)
		for (const [a, b] of ring.slices(this.from, this.to)) rates.add(ring.times, ring.neurons, a, b)
	}

	// draw shows the bins up to a time (ms) at the right edge. groups are the indices of those to show, ratio the device pixels of
	// a CSS pixel, colours those of the groups, and whole the two of the network.
	draw({time, span, groups, ratio, colours, whole}) {
		const {context, canvas: {width, height}, rates} = this, size = rates.width
		const first = rates.bin(time - span) - 1, last = rates.bin(time) - 1 // the bin at the edge is not complete
		let most = 0
		for (let bin = first; bin <= last; bin++) most = Math.max(most, rates.rate(bin))
		this.most = step(Math.max(most, 1))
		const y = rate => height - ratio - rate / this.most * (height - 3 * ratio)
		const x = bin => width - (time - (bin + 0.5) * size) / span * width
		context.clearRect(0, 0, width, height)
		context.beginPath()
		context.moveTo(x(first), height)
		for (let bin = first; bin <= last; bin++) context.lineTo(x(bin), y(rates.rate(bin)))
		context.lineTo(x(last), height)
		context.fillStyle = whole.area
		context.fill()
		this.line(first, last, x, y, undefined, whole.line, 1.5 * ratio, [])
		if (groups.length < 2) return
		for (const group of groups) {
			this.line(first, last, x, y, group, colours[group], 1.5 * ratio, dashes[group].map(d => d * ratio))
		}
	}

	line(first, last, x, y, group, colour, wide, dash) {
		const {context, rates} = this
		context.beginPath()
		for (let bin = first; bin <= last; bin++) context.lineTo(x(bin), y(rates.rate(bin, group)))
		context.strokeStyle = colour
		context.lineWidth = wide
		context.setLineDash(dash)
		context.stroke()
	}
}
