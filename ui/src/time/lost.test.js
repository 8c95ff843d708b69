import {equal} from '../testing.js'
import {SpikeRing} from './ring.js'
import {LostSpikes} from './lost.js'

// robot makes 100 spikes a second. send(ms) sends those until then; lose(ms) loses them; report(ms) is its health.
function setUp() {
	const ring = new SpikeRing(), lost = new LostSpikes()
	let at = 0
	const spikes = (until, use) => {
		const times = []
		for (; at < until; at += 10) times.push(at)
		use(times)
	}
	return {
		lost,
		send: until => spikes(until, times => ring.append(times, times.map(() => 0))),
		lose: until => spikes(until, () => {}),
		report: ts => lost.check({ts, spikes: ts / 10}, ring),
	}
}

test('nothing is lost that comes', () => {
	const {lost, send, report} = setUp()
	for (let ms = 1000; ms < 10000; ms += 1000) {
		send(ms + 100)
		report(ms)
		equal(lost.count, 0)
	}
})

test('what comes late is not lost', () => {
	const {lost, send, report} = setUp()
	send(1100)
	for (let ms = 1000; ms < 8000; ms += 1000) report(ms)
	equal(lost.count, 0)
	send(8100)
	report(8000)
	equal(lost.count, 0)
})

test('what never comes is lost, and stays so', () => {
	const {lost, send, lose, report} = setUp()
	for (let ms = 1000; ms < 10000; ms += 1000) {
		if (ms === 4000) lose(ms)
		else send(ms + 100)
		report(ms)
	}
	equal(lost.count, 90)
	lost.pause()
	send(10100)
	report(10000)
	equal(lost.count, 90)
	lost.forget()
	equal(lost.count, 0)
})

test('what is lost at the end is noticed too', () => {
	const {lost, send, report} = setUp()
	send(1100)
	for (let ms = 1000; ms <= 16000; ms += 1000) report(ms)
	equal(lost.count > 400, true)
})
