// Amounts as people read and write them. In messages an amount is a plain number in the unit of its parameter: 5 ms is 5000 (us).

// The units that a field shows and understands for each unit of messages: what one of them is in the unit of messages.
const families = {
	us: {us: 1, µs: 1, ms: 1e3, s: 1e6, min: 60e6, h: 3600e6},
	Hz: {mHz: 1e-3, Hz: 1, kHz: 1e3, MHz: 1e6},
	m: {um: 1e-6, µm: 1e-6, mm: 1e-3, cm: 1e-2, m: 1, km: 1e3},
	lx: {lx: 1, klx: 1e3},
	V: {mV: 1e-3, V: 1}, A: {mA: 1e-3, A: 1}, W: {mW: 1e-3, W: 1},
	ohm: {mohm: 1e-3, mΩ: 1e-3, ohm: 1, Ω: 1, kohm: 1e3, kΩ: 1e3},
	Pa: {Pa: 1, hPa: 100, kPa: 1e3},
	kg: {g: 1e-3, kg: 1},
	'1/s': {'/s': 1, '1/s': 1},
}

// What a field shows of a family, from the largest down.
const shown = {us: ['s', 'ms', 'us'], Hz: ['kHz', 'Hz'], m: ['m', 'cm', 'mm'], kg: ['kg', 'g'], '1/s': ['/s']}

// unitFor returns the unit in which a value reads best, as {unit, factor}: 200 ms rather than 200000 us.
export function unitFor(value, unit) {
	const family = families[unit]
	for (const one of shown[unit] ?? []) {
		const factor = family[one]
		if (Math.abs(value) >= factor * 0.9999999 || value === 0 && one === unit) return {unit: one, factor}
	}
	const last = shown[unit]?.at(-1)
	return last ? {unit: last, factor: family[last]} : {unit, factor: 1}
}

// number writes a number without an exponent and without the noise of binary fractions.
export function number(x) {
	if (!Number.isFinite(x)) return String(x)
	const text = String(Number(x.toPrecision(14)))
	return /e/.test(text) ? x.toFixed(Math.abs(x) < 1 ? 12 : 0).replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '') : text
}

// short writes a number of at most a few digits, for what changes while one reads it.
export function short(x, digits = 4) {
	if (typeof x !== 'number' || !Number.isFinite(x)) return String(x)
	if (x !== 0 && (Math.abs(x) >= 1e7 || Math.abs(x) < 1e-5)) return x.toExponential(2).replace('e+', 'e')
	return String(Number(x.toPrecision(digits)))
}

const joined = (text, unit) => unit === '' ? text : unit.startsWith('/') ? text + unit : `${text} ${unit}`

// amount writes a value with its unit: "200 ms", "8/s".
export function amount(value, unit) {
	const {unit: as, factor} = unitFor(value, unit)
	return joined(number(value / factor), as)
}

// measure writes a reading with its unit, in a few digits. A label is written as it is.
export function measure(value, unit = '') {
	if (typeof value !== 'number') return String(value)
	const {unit: as, factor} = unitFor(value, unit)
	return joined(short(value / factor), as)
}

// read returns the value of what a user has typed, in the unit of messages, or null if it is no amount. A number without a unit is in
// the unit that stands beside the field.
export function read(text, unit, beside) {
	const parts = /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(.*?)\s*$/i.exec(text.replace('−', '-'))
	if (!parts) return null
	const typed = parts[2]
	const factor = typed === '' || typed === beside.unit ? beside.factor : typed === unit ? 1 : families[unit]?.[typed]
	if (factor === undefined) return null
	return Number((Number(parts[1]) * factor).toPrecision(15))
}

// unitsOf names the units that read understands, for a message.
export const unitsOf = unit => Object.keys(families[unit] ?? {[unit]: 1}).filter(Boolean)
