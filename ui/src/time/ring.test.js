import {check, equal} from '../testing.js'
import {SpikeRing} from './ring.js'

// random returns numbers from 0 to 1 that are the same in each run.
function random(seed) {
	return () => (seed = seed * 48271 % 2147483647) / 2147483647
}

const between = (ring, from, to) => {
	const found = []
	for (const [a, b] of ring.slices(from, to)) for (let i = a; i < b; i++) found.push([ring.times[i], ring.neurons[i]])
	return found
}

test('a ring gives back the latest spikes in order of time, whatever batches they came in', () => {
	const next = random(7)
	for (let round = 0; round < 40; round++) {
		const ring = new SpikeRing(64, 8)
		let all = [], begin = 1e12
		for (let batch = 0; batch < 20; batch++) {
			begin += next() * 20 - 4 // a batch may begin before the last one ends
			let time = begin
			const times = [], neurons = []
			for (let i = Math.floor(next() * 30); i > 0; i--) {
				times.push(time += next())
				neurons.push(Math.floor(next() * 1000))
			}
			ring.append(times, neurons)
			times.forEach((t, i) => { // the oldest goes before a new one comes
				if (all.length === 64) all.shift()
				all.push([t, neurons[i]])
				all.sort((a, b) => a[0] - b[0])
			})
			const from = begin - next() * 10, to = from + next() * 30
			equal(between(ring, from, to), all.filter(([t]) => t >= from && t < to), `round ${round}, batch ${batch}`)
			equal(ring.count(from, to), between(ring, from, to).length)
		}
		equal(ring.length, all.length)
		equal(ring.received - ring.overwritten, ring.length)
		equal([ring.oldest, ring.newest], [all[0][0], all.at(-1)[0]])
	}
})

test('a full ring keeps what is looked at, and counts what it refuses', () => {
	const ring = new SpikeRing(8, 8)
	ring.append([1, 2, 3, 4, 5, 6, 7, 8], new Uint32Array(8))
	ring.append([9, 10, 11], [1, 1, 1], 3) // from 3 on
	equal(between(ring, 0, 99).map(([t]) => t), [3, 4, 5, 6, 7, 8, 9, 10])
	equal([ring.overwritten, ring.refused, ring.received], [2, 1, 11])
	ring.append([12], [1])
	equal(ring.oldest, 4, 'the oldest when nothing is looked at any more')
})

test('a ring grows to its size and no further', () => {
	const ring = new SpikeRing(1 << 12, 1 << 4)
	for (let i = 0; i < 10000; i++) ring.append([i], [i])
	equal([ring.times.length, ring.neurons.length, ring.length], [4096, 4096, 4096])
	equal(between(ring, 9990, 9993), [[9990, 9990], [9991, 9991], [9992, 9992]])
})

test('an empty ring has no spikes and no times', () => {
	const ring = new SpikeRing(8, 8)
	equal(ring.slices(0, 1e15), [])
	equal(ring.count(0, 1e15), 0)
	check(isNaN(ring.oldest) && isNaN(ring.newest), 'the times of an empty ring are not NaN')
})
