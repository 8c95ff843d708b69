import {equal} from './testing.js'
import {Leases, mostNeurons} from './lease.js'

test('nothing is asked for when nobody looks', () => {
	const leases = new Leases()
	equal(leases.sum(), null)
	leases.hold({spikes: true})()
	equal(leases.sum(), null)
	leases.hold({})
	equal(leases.sum(), null)
})

test('what several panels want adds up', () => {
	const leases = new Leases()
	const raster = leases.hold({spikes: true}), circuit = leases.hold({spikes: true, neurons: ['b', 'a']})
	leases.hold({learning: true})
	leases.hold({world: true, neurons: ['a', 'c']})
	equal(leases.sum(), {world: true, learning: true, spikes: true, neurons: ['a', 'b', 'c']})
	circuit()
	equal(leases.sum(), {world: true, learning: true, spikes: true, neurons: ['a', 'c']})
	raster()
	raster()
	equal(leases.sum(), {world: true, learning: true, neurons: ['a', 'c']})
})

test('of too many neurons those that were asked for last count', () => {
	const leases = new Leases()
	leases.hold({neurons: Array.from({length: mostNeurons}, (_, i) => `old${i}`)})
	leases.hold({neurons: ['new']})
	const {neurons} = leases.sum()
	equal(neurons.length, mostNeurons)
	equal(neurons.includes('new'), true)
})
