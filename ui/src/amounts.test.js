import {equal} from './testing.js'
import {amount, measure, number, read, unitFor} from './amounts.js'

test('amounts are written as in a robot file', () => {
	for (const [value, unit, want] of [
		[5000, 'us', '5 ms'], [200_000, 'us', '200 ms'], [1e6, 'us', '1 s'], [1.25e6, 'us', '1.25 s'], [0, 'us', '0 us'], [1, 'us', '1 us'],
		[3.6e9, 'us', '3600 s'], [60, 'Hz', '60 Hz'], [327_680, 'Hz', '327.68 kHz'], [0.000001, 'Hz', '0.000001 Hz'], [8, '1/s', '8/s'],
		[-2147483.647, 'units', '-2147483.647 units'], [0.1 + 0.2, '', '0.3'], [0, '', '0'], [400, 'lx', '400 lx'], [0.12, 'm', '12 cm'],
		[1e-7, '', '0.0000001'], [2199023.255552, 'lx', '2199023.255552 lx'], [-0.5, 'm', '-50 cm'], [36, '°C', '36 °C'],
	]) equal(amount(value, unit), want)
})

test('numbers have no exponent and no noise', () => {
	for (const [x, want] of [[1e20, '100000000000000000000'], [0.1 * 3, '0.3'], [123456789.125, '123456789.125'], [1e-9, '0.000000001'],
		[-0, '0'], [NaN, 'NaN']]) equal(number(x), want)
})

test('readings have a few digits', () => {
	equal(measure(123.456789, 'lx'), '123.5 lx')
	equal(measure('turn left'), 'turn left')
	equal(measure(0, 'm'), '0 m')
	equal(measure(1 / 3), '0.3333')
})

test('what is typed is read with or without a unit', () => {
	const ms = {unit: 'ms', factor: 1000}
	for (const [text, unit, beside, want] of [
		['5', 'us', ms, 5000], ['5ms', 'us', ms, 5000], [' 5 us ', 'us', ms, 5], ['0.25 s', 'us', ms, 250_000], ['1 min', 'us', ms, 60e6],
		['1e3', 'us', ms, 1e6], ['-3.5', 'units', {unit: 'units', factor: 1}, -3.5], ['−3.5', 'units', {unit: 'units', factor: 1}, -3.5],
		['.5', '', {unit: '', factor: 1}, 0.5], ['20 kHz', 'Hz', {unit: 'Hz', factor: 1}, 20_000], ['12cm', 'm', {unit: 'm', factor: 1}, 0.12],
		['8/s', '1/s', {unit: '/s', factor: 1}, 8], ['4 units', 'units', {unit: 'units', factor: 1}, 4],
		['', 'us', ms, null], ['fast', 'us', ms, null], ['5 cm', 'us', ms, null], ['5 5', 'us', ms, null], ['0x10', '', {unit: '', factor: 1}, null],
	]) equal(read(text, unit, beside), want, text)
})

test('what a field shows is read back as the same value', () => {
	for (const unit of ['us', 'Hz', 'm', 'kg', '1/s', 'units', '']) {
		for (const value of [0, 1, -2, 0.5, 33.333, 1999, 123456, 5e9]) {
			const beside = unitFor(value, unit)
			equal(read(number(value / beside.factor), unit, beside), value, `${value} ${unit}`)
		}
	}
})
