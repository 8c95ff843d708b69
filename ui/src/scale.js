// The scale of a slider. Many parameters may be anything up to two thousand millions: a slider shows the part that matters.

// steps is how many positions a slider has.
export const steps = 1000

// What counts as an ordinary value of a parameter that is 0, by unit.
const ordinary = {units: 100, 'units/s': 1000, us: 10_000, Hz: 100}

// A range is shown as a whole if it is not much larger than the value.
const whole = 30

// scaleOf returns the scale for a parameter and its value: {low, high, log}. A log scale keeps its leftmost position for 0, if that is
// allowed.
export function scaleOf({min, max, default: usual = 0, unit, type}, value = usual) {
	const size = Math.max(Math.abs(usual), Math.abs(value)) || Math.min(ordinary[unit] ?? 1, Math.max(Math.abs(min), Math.abs(max)))
	if (max - min <= whole * size || max - min <= 2 || type === 'int' && max - min <= steps) return {low: min, high: max, log: false}
	if (min < 0) { // both signs, or negative alone: linear around 0
		const most = nice(3 * size)
		return {low: Math.max(min, -most), high: Math.min(max, most), log: false}
	}
	const low = min > 0 && max / min <= 1e5 ? min : Math.max(min, size / 100)
	const high = min > 0 && max / min <= 1e5 ? max : Math.min(max, size * 100)
	return {low, high, log: true, zero: min === 0}
}

// position returns where a value stands: 0 to steps.
export function position(scale, value) {
	const {low, high, log, zero} = scale
	const at = log ? value <= 0 ? 0 : (zero ? 1 / steps : 0) + Math.log(value / low) / Math.log(high / low) * (zero ? 1 - 1 / steps : 1)
		: (value - low) / (high - low)
	return Math.round(Math.max(0, Math.min(1, at)) * steps)
}

// valueAt returns the value at a position, rounded to what a step of the slider can tell apart.
export function valueAt(scale, at, type) {
	const {low, high, log, zero} = scale
	if (at <= 0) return zero ? 0 : low
	if (at >= steps) return high
	let value
	if (log) {
		const part = zero ? (at - 1) / (steps - 1) : at / steps
		value = Number((low * (high / low) ** part).toPrecision(3))
	} else {
		const step = 10 ** Math.floor(Math.log10((high - low) / steps) + 1e-9)
		value = Number((Math.round((low + (high - low) * at / steps) / step) * step).toPrecision(12))
	}
	value = Math.max(low, Math.min(high, value))
	return type === 'int' ? Math.round(value) : value
}

// nice rounds up to 1, 2 or 5 times a power of ten.
function nice(x) {
	const power = 10 ** Math.floor(Math.log10(x))
	return [1, 2, 5, 10].map(n => n * power).find(n => n >= x * 0.999)
}
