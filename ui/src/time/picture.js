// The dots of the raster on a 2D canvas. Each frame moves the picture to the left by whole pixels and draws only what is new at
// its right edge; a change of zoom, size or rows draws it again. All lengths are in device pixels.

import {none} from './rows.js'

// bulk is from how many spikes on a picture is written pixel by pixel, which costs less a spike but more a picture.
const bulk = 20000

export class Picture {
	constructor(canvas) {
		this.canvas = canvas
		this.context = canvas.getContext('2d')
		this.right = NaN; // the column behind the last one that is drawn, counted from 1970
		this.scale = 0; // columns a millisecond
	}

	// arrange sets what is drawn where: rowOf[neuron], groupOf[neuron], the top of each row and its height, a colour for each
	// group, and how wide a dot is.
	arrange({rowOf, groupOf, top, size, colours, dot}) {
		Object.assign(this, {rowOf, groupOf, top, size, colours, dot})
		this.tall = Math.max(1, size > 4 ? Math.floor(size * 0.8) : Math.floor(size))
		this.right = NaN
	}

	resize(width, height) {
		if (this.canvas.width === width && this.canvas.height === height) return
		this.canvas.width = width
		this.canvas.height = height
		this.right = NaN
	}

	// draw shows the spikes of a ring up to a time (ms) at the right edge. span is the width of the picture in ms.
	draw(ring, time, span) {
		const {width, height} = this.canvas
		if (!this.rowOf || !width || !height) return
		const scale = width / span, right = Math.floor(time * scale), move = right - this.right
		if (move === 0 && scale === this.scale) return
		const again = !(move > 0 && move < width) || scale !== this.scale
		this.right = right
		this.scale = scale
		if (again) {
			this.context.clearRect(0, 0, width, height)
			this.paint(ring, right - width, right)
			return
		}
		this.context.globalCompositeOperation = 'copy'; // moves, and clears what is left behind
		this.context.drawImage(this.canvas, -move, 0)
		this.context.globalCompositeOperation = 'source-over'
		this.paint(ring, right - move, right)
	}

	// late draws the spikes of a batch that came when their place in the picture was drawn already.
	late(times, neurons) {
		if (!this.rowOf || !(times[0] * this.scale < this.right)) return
		this.rects(times, neurons, [[0, times.length]], this.right - this.canvas.width, this.right)
	}

	// paint draws the spikes of the columns from..to (excluded). In bulk, the picture must be empty.
	paint(ring, from, to) {
		const slices = ring.slices((from - 1) / this.scale, (to + 1) / this.scale); // one more on either side, for rounding
		const count = slices.reduce((sum, [a, b]) => sum + b - a, 0)
		if (count > bulk && to - from === this.canvas.width) this.pixels(ring.times, ring.neurons, slices, from, to)
		else this.rects(ring.times, ring.neurons, slices, from, to)
	}

	rects(times, neurons, slices, from, to) {
		const {context, scale, rowOf, groupOf, top, dot, tall, colours} = this, left = this.right - this.canvas.width
		for (let group = 0; group < colours.length; group++) { // to change the colour costs more than to look at a spike again
			context.fillStyle = colours[group]
			for (const [a, b] of slices) {
				for (let i = a; i < b; i++) {
					const neuron = neurons[i], row = rowOf[neuron]
					if (groupOf[neuron] !== group || !(row > none)) continue
					const column = Math.floor(times[i] * scale)
					if (column < from || column >= to) continue
					context.fillRect(column - left - dot + 1, Math.floor(top[row]), dot, tall)
				}
			}
		}
	}

	pixels(times, neurons, slices, from, to) {
		const {context, canvas: {width, height}, scale, rowOf, groupOf, top, dot, tall} = this
		const left = this.right - width
		const image = context.createImageData(width, height), words = new Uint32Array(image.data.buffer)
		const colours = this.colours.map(colour => word(context, colour))
		for (const [a, b] of slices) {
			for (let i = a; i < b; i++) {
				const neuron = neurons[i], row = rowOf[neuron]
				if (!(row > none)) continue
				const column = Math.floor(times[i] * scale)
				if (column < from || column >= to) continue
				const x = column - left, y = Math.floor(top[row]), end = Math.min(height, y + tall), colour = colours[groupOf[neuron]]
				for (let line = y; line < end; line++) words.fill(colour, line * width + Math.max(0, x - dot + 1), line * width + x + 1)
			}
		}
		context.putImageData(image, 0, 0)
	}
}

// word returns an opaque CSS colour as the four bytes of a pixel, in the machine's order. A canvas gives colours back as #rrggbb.
function word(context, colour) {
	context.fillStyle = colour
	const number = parseInt(context.fillStyle.slice(1, 7), 16)
	const bytes = Uint8Array.of(number >> 16, number >> 8 & 255, number & 255, 255)
	return new Uint32Array(bytes.buffer)[0]
}
