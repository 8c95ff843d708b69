// What part of a drawing is shown: its scale and where its origin is, in pixels.

export const least = 0.2
export const greatest = 4

// fit returns the view that shows all of a drawing, not larger than its natural size times largest, and readable: not below
// smallest, where one has to move it instead.
export function fit(width, height, box, {smallest = 0.55, largest = 1.8} = {}) {
	const whole = Math.min(box.width / width, box.height / height)
	const scale = Math.max(smallest, Math.min(largest, whole))
	const left = (box.width - width * scale) / 2
	const top = (box.height - height * scale) / 2
	return {scale, x: Math.max(left, whole < smallest ? 0 : left), y: Math.max(top, whole < smallest ? 0 : top)}
}

// zoom returns the view scaled by a factor about a point, in pixels, that stays where it is.
export function zoom(view, factor, x, y) {
	const scale = Math.max(least, Math.min(greatest, view.scale * factor))
	const f = scale / view.scale
	return {scale, x: x - (x - view.x) * f, y: y - (y - view.y) * f}
}

// reveal returns the view moved as little as needed for a point of the drawing to be seen, margin pixels from the edge.
export function reveal(view, point, box, margin = 60) {
	const mx = Math.min(margin, box.width / 3)
	const my = Math.min(margin, box.height / 3)
	const x = view.x + point.x * view.scale
	const y = view.y + point.y * view.scale
	return {...view,
		x: view.x + Math.max(0, mx - x) - Math.max(0, x - (box.width - mx)),
		y: view.y + Math.max(0, my - y) - Math.max(0, y - (box.height - my))}
}
