// Places in the world and on the page: metres to the right and up, pixels to the right and down.

// fit returns how a world from low to high is shown within width times height pixels, all of it and upright: {scale, left, top},
// with x, y from metres to pixels and wx, wy back. margin is in pixels.
export function fit({x0, y0, x1, y1}, width, height, margin = 12) {
	const wide = Math.max(x1 - x0, 1e-6)
	const tall = Math.max(y1 - y0, 1e-6)
	const scale = Math.max(1e-6, Math.min((width - 2 * margin) / wide, (height - 2 * margin) / tall))
	const left = (width - wide * scale) / 2
	const top = (height - tall * scale) / 2
	return {
		scale, left, top, width, height,
		x: wx => left + (wx - x0) * scale,
		y: wy => top + (y1 - wy) * scale,
		wx: x => (x - left) / scale + x0,
		wy: y => y1 - (y - top) / scale,
	}
}

// heightFor returns how high a picture of a world that is width pixels wide should be, within limits.
export function heightFor({x0, y0, x1, y1}, width, {least = 180, most = 640} = {}) {
	const shape = (y1 - y0) / Math.max(x1 - x0, 1e-6)
	return Math.round(Math.max(least, Math.min(most, width * shape)))
}

// scaleBar returns a length for a scale bar of 1, 2 or 5 times a power of ten, at most longest pixels: {metres, pixels, text}.
export function scaleBar(scale, longest = 120) {
	const power = 10 ** Math.floor(Math.log10(longest / scale))
	const metres = [5, 2, 1].map(f => f * power).find(m => m * scale <= longest) ?? power
	return {metres, pixels: metres * scale, text: lengthText(metres)}
}

// lengthText writes a length in the unit that suits it.
export function lengthText(metres) {
	const trim = (x, digits) => String(Number(x.toFixed(digits)))
	if (Math.abs(metres) >= 1) return `${trim(metres, 2)} m`
	if (Math.abs(metres) >= 0.01 || metres === 0) return `${trim(metres * 100, 1)} cm`
	return `${trim(metres * 1000, 2)} mm`
}

// degrees returns an angle in whole degrees from -180 to 180.
export function degrees(radians) {
	const d = Math.round((radians * 180) / Math.PI) % 360
	return d > 180 ? d - 360 : d <= -180 ? d + 360 : d
}

// clamp keeps a place within a world.
export const clamp = ({x0, y0, x1, y1}, at) => ({...at, x: Math.max(x0, Math.min(x1, at.x)), y: Math.max(y0, Math.min(y1, at.y))})

const steps = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]}

// moved returns where a key moves something, or null if the key moves nothing. Arrows move it by step metres, with shift by five
// times as much; page up and page down turn it by 15 degrees.
export function moved(at, key, shift, bounds, step) {
	const turn = {PageUp: 1, PageDown: -1}[key]
	if (turn && at.heading !== undefined) return {...at, heading: wrapped(at.heading + (turn * Math.PI) / 12)}
	const way = steps[key]
	if (!way) return null
	const by = shift ? 5 * step : step
	return clamp(bounds, {...at, x: at.x + way[0] * by, y: at.y + way[1] * by})
}

// wrapped returns an angle between -pi and pi.
export const wrapped = a => Math.atan2(Math.sin(a), Math.cos(a))

// stepFor returns how far an arrow key moves things in a world of this size: about a fortieth of it, in a round number.
export function stepFor({x0, y0, x1, y1}) {
	const size = Math.max(x1 - x0, y1 - y0) / 40
	const power = 10 ** Math.floor(Math.log10(Math.max(size, 1e-9)))
	return [5, 2, 1].map(f => f * power).find(s => s <= size) ?? power
}

// bounds returns {x0, y0, x1, y1} of a world.
export function boundsOf(world) {
	const b = world.bounds ?? world
	return {x0: b.x0 ?? 0, y0: b.y0 ?? 0, x1: b.x1 ?? b.width ?? 1, y1: b.y1 ?? b.height ?? 1}
}
