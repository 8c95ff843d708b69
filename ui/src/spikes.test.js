import {equal, throws} from './testing.js'
import {decode} from './spikes.js'

test('a batch is decoded as docs/mqtt.md describes it', () => {
	// 300 us: neuron 1; 300 us: neuron 200; 428 us: neuron 0
	const {times, neurons} = decode(new Uint8Array([1, 172, 2, 3, 0, 1, 0, 200, 1, 128, 1, 0]), 1000)
	equal(times, [1000.3, 1000.3, 1000.428])
	equal(neurons, [1, 200, 0])
})

test('times stay exact after days', () => {
	const us = 30 * 86400e6 + 7, bytes = [1]
	for (let rest = us; ; rest = Math.floor(rest / 128)) {
		bytes.push(rest % 128 + (rest > 127 ? 128 : 0))
		if (rest < 128) break
	}
	equal(Math.round((decode(new Uint8Array([...bytes, 1, 0, 5]), 0).times[0]) * 1000), us)
})

test('an empty batch has no spikes', () => equal(decode(new Uint8Array([1, 0, 0]), 0).times.length, 0))

test('a batch that is cut short or malformed is refused', () => {
	const whole = [1, 172, 2, 3, 0, 1, 0, 200, 1, 128, 1, 0]
	for (let size = 0; size < whole.length; size++) throws(() => decode(new Uint8Array(whole.slice(0, size)), 0), 'spikes: ')
	throws(() => decode(new Uint8Array([2, 0, 0]), 0), 'different versions')
	throws(() => decode(new Uint8Array([1, 0, 255, 255, 255, 255, 7]), 0), 'cut short')
})
