import {check, equal} from './testing.js'
import {chosen, perSecond, scoreNames, settled} from './panels/learning/choose.js'
import {History} from './panels/learning/history.js'

test('weights of hours reach back to their beginning in a fixed amount of memory', () => {
	const history = new History(3, 64)
	const memory = history.values.length
	for (let i = 0; i < 20_000; i++) history.add(i * 500, [i, -i, 0.5])
	equal(history.values.length, memory)
	const times = history.allTimes()
	check(times.length > 32 && times.length <= 65, `${times.length} samples`)
	equal([times[0], times.at(-1)], [0, 19_999 * 500])
	equal(times, [...times].sort((a, b) => a - b))
	equal(history.line(0), times.map(ts => ts / 500))
	equal(history.line(1).at(-1), -19_999)
})

test('a network with thousands of plastic synapses has fewer samples', () => {
	check(new History(3000).values.length <= 600_000, 'too much memory')
	check(new History(1_000_000, undefined).capacity >= 32, 'no samples')
	const none = new History(0)
	none.add(1, [])
	equal(none.allTimes(), [1])
})

const synapses = [['eye_l', 'motor_l'], ['eye_l', 'motor_r'], ['eye_r', 'motor_l'], ['box[3]', 'danger']]
	.map(([from, to]) => ({from, to, weight: 10}))

test('of many weights the most changed are drawn, and a filter takes words of both neurons', () => {
	equal(chosen(synapses, [10, 13, 4, 12], '', 2), [2, 1])
	equal(chosen(synapses, [10, 13, 4, 12], 'eye_l motor'), [1, 0])
	equal(chosen(synapses, [10, 13, 4, 12], 'BOX > danger'), [3])
	equal(chosen(synapses, undefined), [0, 1, 2, 3])
})

test('a line keeps its colour while it is drawn', () => {
	equal(settled([], [5, 2, 9]), [5, 2, 9])
	equal(settled([5, 2, 9], [9, 5, 7]), [5, 7, 9])
	equal(settled([5, 2, 9], [9]), [9])
	equal(settled([1], [1, 2, 3]), [1, 2, 3])
})

test('rewards a second are the difference of two messages, but not over a restart', () => {
	const message = (ts, f, against) => ({ts, rewards: {lamp: {for: f, against}}})
	equal(perSecond(null, message(0, 1, 1)), null)
	equal(perSecond(message(1000, 10, 2), message(1500, 13, 2)), {lamp: {for: 6, against: 0}})
	equal(perSecond(message(1000, 10, 2), message(1500, 1, 0)), null)
	equal(perSecond(message(1000, 10, 2), message(1000, 10, 2)), null)
})

test('the scores of episodes are those that any of them has', () => {
	equal(scoreNames([{score: {values: {steps: 1}}}, {}, {score: {values: {first_s: 2, steps: 3}}}]), ['first_s', 'steps'])
})
