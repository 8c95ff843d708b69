import {check, equal} from './testing.js'
import {position, scaleOf, steps, valueAt} from './scale.js'

const parameters = {
	threshold: [{min: 0, max: 2147483.647, default: 100, unit: 'units', type: 'float'}, 100],
	weight: [{min: -2147483.647, max: 2147483.647, default: -200, unit: 'units', type: 'float'}, -200],
	floor: [{min: -2147483.647, max: 0, default: 0, unit: 'units', type: 'float'}, 0],
	refractory: [{min: 0, max: 3.6e9, default: 0, unit: 'us', type: 'int'}, 0],
	every: [{min: 1000, max: 250_000, default: 20_000, unit: 'us', type: 'int'}, 20_000],
	power: [{min: 0, max: 0.999999, default: 0, unit: '', type: 'float'}, 0],
	frozen: [{min: 0, max: 1, default: 0, unit: '', type: 'int'}, 1],
	slew: [{min: 0.000001, max: 1000, default: 8, unit: '1/s', type: 'float'}, 8],
	light: [{min: 0.000001, max: 2199023, default: 400, unit: 'lx', type: 'float'}, 400],
}

test('a slider stays within what is allowed, and moves one way', () => {
	for (const [name, [p, value]] of Object.entries(parameters)) {
		const scale = scaleOf(p, value)
		let before = -Infinity
		for (let at = 0; at <= steps; at++) {
			const v = valueAt(scale, at, p.type)
			check(v >= p.min && v <= p.max, `${name}: ${v} at ${at} is not allowed`)
			check(v >= before, `${name}: ${v} at ${at} is less than ${before}`)
			check(p.type !== 'int' || Number.isInteger(v), `${name}: ${v} is not whole`)
			before = v
		}
	}
})

test('a value stands where the slider makes it', () => {
	for (const [name, [p, value]] of Object.entries(parameters)) {
		const scale = scaleOf(p, value), at = position(scale, value)
		check(at >= 0 && at <= steps, `${name}: position ${at}`)
		const back = valueAt(scale, at, p.type)
		check(Math.abs(back - value) <= Math.max(Math.abs(value) * 0.02, (scale.high - scale.low) / steps), `${name}: ${value} became ${back}`)
	}
})

test('the part that matters is shown of a large range', () => {
	equal(scaleOf(...parameters.threshold), {low: 1, high: 10_000, log: true, zero: true})
	equal(scaleOf(...parameters.weight), {low: -1000, high: 1000, log: false})
	equal(scaleOf(...parameters.power), {low: 0, high: 0.999999, log: false})
	equal(scaleOf(...parameters.every), {low: 1000, high: 250_000, log: false})
	equal(valueAt(scaleOf(...parameters.threshold), 0), 0, 'the leftmost position of a log scale')
	equal(valueAt(scaleOf(...parameters.floor), steps), 0)
})

test('a slider follows a value that the field has taken far away', () => {
	const [p] = parameters.threshold
	const scale = scaleOf(p, 1e6)
	check(scale.low <= 1e6 && scale.high >= 1e6, `1e6 is not within ${JSON.stringify(scale)}`)
})
