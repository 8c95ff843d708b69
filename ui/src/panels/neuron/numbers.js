// How amounts of water, weights and times of a neuron are written.
import {number} from '../../time/ticks.js'

// amount writes an amount of water or a weight.
export const amount = x => number(x)

// change writes a difference with its sign.
export const change = x => (x > 0 ? `+${amount(x)}` : amount(x))

// time writes microseconds in the unit that suits them.
export function time(us) {
	if (!Number.isFinite(us)) return '–'
	if (Math.abs(us) >= 1e6) return `${amount(us / 1e6)} s`
	if (Math.abs(us) >= 1000) return `${amount(us / 1000)} ms`
	return `${amount(us)} µs`
}
