import {check, equal} from '../testing.js'
import {History, Spans} from './history.js'
import {bandsOf} from './bands.js'

test('a value holds until the next one', () => {
	const history = new History(100)
	for (const [time, value] of [[1000, 1], [1100, 2], [1200, 3]]) history.add(time, value)
	equal([1000, 1099, 1100, 1150, 5000].map(time => history.at(time)), [1, 1, 2, 2, 3])
	check(isNaN(history.at(999)), 'there is a value before the first')
	const shown = (from, to) => {
		const [a, b] = history.range(from, to)
		return [...history.values.subarray(a, b)]
	}
	equal([shown(1050, 1150), shown(1100, 1150), shown(0, 1000)], [[1, 2], [2], []])
	equal([shown(1300, 1400), shown(0, 9999)], [[3], [1, 2, 3]])
})

test('a history is bounded, and keeps the latest', () => {
	const history = new History(100)
	for (let i = 0; i < 1000; i++) history.add(i * 100, i)
	equal([history.length, history.at(99900), history.latest], [100, 999, 99900])
	check(history.times.length <= 200, `${history.times.length} places for 100 values`)
	check(isNaN(history.at(1000)), 'an old value is still there')
})

test('a value that stays takes no room', () => {
	const history = new History(100)
	history.add(0, 1)
	for (let i = 1; i < 1000; i++) history.add(i * 100, 5)
	history.add(100000, 6)
	equal(history.length, 4)
	equal([50, 100, 99900, 100000].map(time => history.at(time)), [1, 5, 5, 6])
})

test('a reading that comes again is one reading, and a clock that was set back begins again', () => {
	const history = new History(100)
	for (const time of [1000, 1000, 1100, 1090]) history.add(time, time)
	equal([history.length, history.value], [2, 1100])
	history.add(50, 7)
	equal([history.length, history.value], [1, 7])
})

test('spans say what held, from when to when', () => {
	const spans = new Spans(2)
	spans.set(10, 'disarmed')
	spans.set(20, 'disarmed')
	spans.set(30, 'eye is stale')
	spans.set(40, '')
	equal([5, 10, 29, 30, 39, 40].map(time => spans.at(time)), ['', 'disarmed', 'disarmed', 'eye is stale', 'eye is stale', ''])
	equal(spans.now, '')
	spans.set(50, 'stopped')
	equal([spans.now, spans.at(10), spans.list.length], ['stopped', '', 2])
	equal(spans.between(35, 45).map(({text}) => text), ['eye is stale'])
})

test('texts become bands', () => {
	const history = new History(100)
	for (const [time, value] of [[0, 0], [10, 0], [20, 1], [30, 1], [40, 0]]) history.add(time, value)
	const bands = bandsOf({history, labels: ['left', 'right']})
	equal(bands(5, 35).map(({from, to, text}) => [from, String(to), text]), [[0, '20', 'left'], [20, 'Infinity', 'right']])
	equal(bands(0, 99).length, 3)
})
