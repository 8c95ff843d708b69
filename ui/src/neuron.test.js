import {check, equal} from './testing.js'
import {bottom, drops, fill, heights, rim, well} from './panels/neuron/barrel.js'
import {keyOf, learningIndex, pathsOf, synapsesOf} from './panels/neuron/parameters.js'
import {Samples} from './panels/neuron/samples.js'

test('water, threshold and floor stand at their heights in the barrel', () => {
	const at = heights({level: 50, threshold: 100, floor: -200})
	equal([at.full, at.zero, at.floor], [120, bottom, well])
	check(Math.abs(at.threshold - (bottom - (bottom - rim) / 1.2)) < 1e-9, `${at.threshold}`)
	check(Math.abs(at.water - (bottom + at.threshold) / 2) < 1e-9, 'half full is not half way')
	for (const state of [{level: 500, threshold: 100, floor: 0}, {level: -50, threshold: 300, floor: -200},
		{level: 0, threshold: 0, floor: 0}, {level: -1e9, threshold: 100, floor: -1}]) {
		const h = heights(state, 100)
		for (const y of [h.water, h.threshold, h.configured]) {
			check(Number.isFinite(y) && y >= rim - 1e-9 && y <= well, `${JSON.stringify(state)}: ${y}`)
		}
	}
})

test('a threshold that modulation raises stands above the configured one', () => {
	const at = heights({level: 0, threshold: 150, floor: 0}, 100)
	check(at.threshold < at.configured && at.threshold >= rim, `${at.threshold} ${at.configured}`)
	equal(at.floor, bottom)
})

test('how full it is, and how fast it drips', () => {
	equal([fill(50, 100), fill(-5, 100), fill(300, 100), fill(0, 0)], [0.5, 0, 1, 1])
	equal([drops(0, 100), drops(undefined, 100), drops(1e12, 1)], [0, 0, 8])
	check(drops(100, 100) < drops(1000, 100), 'a faster leak does not drip faster')
})

test('a neuron has its own parameters, or those of its population', () => {
	const all = new Map(['network.neurons.a.leak', 'network.neurons.ab.leak', 'network.neurons.wall[*].threshold',
		'network.neurons.a.adaptation.rate'].map(p => [p, {}]))
	equal(pathsOf(all, 'network.neurons.a'), ['network.neurons.a.leak', 'network.neurons.a.adaptation.rate'])
	equal(pathsOf(all, 'network.neurons.wall[3]'), ['network.neurons.wall[*].threshold'])
	equal(keyOf('network.neurons.a.adaptation.rate', 'network.neurons.a'), 'adaptation.rate')
	equal(keyOf('network.neurons.wall[*].threshold', 'network.neurons.wall[3]'), 'threshold')
})

test('its synapses are those into it and from it, with where they are in tele/learning', () => {
	const network = {synapses: [{from: 'a', to: 'b', plastic: true}, {from: 'b', to: 'b'}, {from: 'b', to: 'c', plastic: true}]}
	const {into, from} = synapsesOf(network, 'b')
	equal([into.map(s => s.index), from.map(s => s.index)], [[0, 1], [1, 2]])
	equal(learningIndex(network), [0, -1, 1])
	equal(synapsesOf({grouped: true, synapses: [{from: 'wall', to: 'm'}]}, 'wall[3]').from.length, 1)
})

test('levels and spikes of a minute are kept, and no more', () => {
	const samples = new Samples()
	for (let ms = 0; ms < 300_000; ms += 50) {
		samples.add(ms, {level: ms % 100, threshold: 100})
		samples.spike(ms)
	}
	check(samples.points.length <= 3601 && samples.spikes.length <= 20_001, `${samples.points.length}, ${samples.spikes.length}`)
	check(samples.points.at(-1).ts === 299_950, 'the newest is lost')
	const {low, high} = samples.range(290_000, 299_990)
	check(low === 0 && high > 100 && high < 120, `${low} to ${high}`)
	samples.add(5, {level: -3, threshold: 10}) // the robot has started again
	equal(samples.points.length, 1)
	check(samples.range(0, 10).low < -3, 'a level below 0 is cut off')
})
