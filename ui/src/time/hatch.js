// hatch draws oblique lines over a part of a canvas, in its present unit of length: something is not known, or does not hold.
export function hatch(context, {left, top, width, height}, colour, gap = 8) {
	if (!(width > 0)) return
	context.save()
	context.beginPath()
	context.rect(left, top, width, height)
	context.clip()
	context.strokeStyle = colour
	context.lineWidth = gap / 8
	context.setLineDash([])
	context.beginPath()
	const first = Math.floor((left - height) / gap) * gap
	for (let x = first; x < left + width; x += gap) {
		context.moveTo(x, top + height)
		context.lineTo(x + height, top)
	}
	context.stroke()
	context.restore()
}
