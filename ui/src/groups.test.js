import {equal} from './testing.js'
import {group} from './groups.js'

const description = {
	neurons: [{name: 'eye', count: 1}, {name: 'ahead.lean', count: 1}, {name: 'wall', count: 100}, {name: 'eye.left', count: 1}],
	synapses: [{from: 'eye', to: 'ahead.lean'}, {from: 'wall', to: 'eye'}, {from: 'eye', to: 'eye'}],
	sensors: [{name: 'left'}], actuators: [{name: 'wheel'}], rewards: ['lamp'],
	parameters: ['network.neurons.eye.threshold', 'network.neurons.ahead.lean.noise.rate', 'network.neurons.wall[*].threshold',
		'network.neurons.eye.left.leak', 'network.synapses.eye.ahead.lean.weight', 'network.synapses.wall[*].eye.plastic.rate',
		'network.synapses.eye.eye[1].delay', 'sensors.left.curve[0][1]', 'sensors.left.encode.range[0]', 'actuators.wheel.range[1]',
		'rewards.lamp.gain', 'network.seed', 'mqtt.telemetry'].map(path => ({path})),
}

test('parameters stand with the thing that has them', () => {
	const got = group(description).map(g => [g.id, g.things.map(t => [t.title, ...t.rows.map(r => r.label)])])
	equal(got, [
		['network.neurons.', [['eye', 'threshold'], ['ahead.lean', 'noise.rate'], ['wall[*]', 'threshold'], ['eye.left', 'leak']]],
		['network.synapses.', [['eye → ahead.lean', 'weight'], ['wall[*] → eye', 'plastic.rate'], ['eye → eye[1]', 'delay']]],
		['sensors.', [['left', 'curve[0][1]', 'encode.range[0]']]],
		['actuators.', [['wheel', 'range[1]']]],
		['rewards.', [['lamp', 'gain']]],
		['', [['', 'network.seed', 'mqtt.telemetry']]],
	])
})

test('a robot with nothing to tune has no groups', () => equal(group({}), []))

test('a thing that the description does not have ends at the first dot', () => {
	equal(group({parameters: [{path: 'sensors.new.every'}]})[0].things[0].title, 'new')
})
