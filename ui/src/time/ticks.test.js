import {check, equal} from '../testing.js'
import {ago, duration, grouped, number, step, ticks} from './ticks.js'

test('steps are 1, 2 and 5 with zeros', () => {
	equal([0.03, 0.1, 0.7, 1, 1.2, 5, 5.1, 999, 1000].map(step), [0.05, 0.1, 1, 1, 2, 5, 10, 1000, 1000])
	equal([0, -1, NaN].map(step), [1, 1, 1])
})

test('ticks are round numbers within the axis, and not too many', () => {
	equal(ticks(-1, 1, 5), [-1, -0.5, 0, 0.5, 1])
	equal(ticks(0, 417, 4), [0, 200, 400])
	equal(ticks(0.1, 0.7, 6), [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
	equal(ticks(3, 3, 4), [])
	for (let span = 1e-4; span < 1e7; span *= 1.37) {
		for (const most of [1, 2, 5, 12]) {
			const marks = ticks(-span / 3, span, most)
			check(marks.length <= most + 1, `${marks.length} ticks for ${span}: expected ${most} and one`)
			check(marks.every(mark => mark >= -span / 3 * 1.001 && mark <= span * 1.001), `${marks} for ${span}`)
		}
	}
})

test('a time axis has as many marks as there is room for', () => {
	equal(ago(10, 1000).map(({label}) => label).slice(0, 3), ['0 s', '−1 s', '−2 s'])
	equal(ago(0.1, 300).map(({label}) => label), ['0 s', '−50 ms', '−100 ms'])
	equal(ago(60, 90).map(({label}) => label), ['0 s'])
	equal(ago(60, 2000).at(-1), {seconds: 60, label: '−60 s'})
})

test('numbers are written with the digits that count', () => {
	const written = {1: '1', 123.4: '123.4', 9.99961: '10', 0.000123449: '0.0001234', '-0.5': '−0.5', 1e-9: '1.000e−9', 0: '0'}
	for (const [value, text] of Object.entries(written)) equal(number(Number(value)), text)
	equal([number(1234567), grouped(-1234567)], ['1\u202f234\u202f567', '−1\u202f234\u202f567'])
	equal([number(NaN), number(undefined), number('x')], ['–', '–', '–'])
	equal([duration(0.2), duration(2.5), duration(180), duration(0)], ['200 ms', '2.5 s', '3 min', '0 s'])
})
