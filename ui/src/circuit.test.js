import {check, equal} from './testing.js'
import {Activity} from './panels/circuit/activity.js'
import {build, found, kindOf, next, populations, size, unfoldedAtFirst} from './panels/circuit/graph.js'
import {layout} from './panels/circuit/layout.js'
import {changeClass, changeOf, changeScale, dashes, lanes, marks, path, widthOf} from './panels/circuit/shapes.js'
import {fit, reveal, zoom} from './panels/circuit/viewport.js'

// network returns one from neurons by name, synapses as [from, to, weight], and devices as [sensor, neuron] and
// [neuron, actuator].
function network(neurons, synapses, inputs = [], outputs = [], rewards = []) {
	const motors = new Set(outputs.map(([n]) => n))
	return {
		neurons: neurons.map(name => ({name, role: motors.has(name) ? 'motor' : '', population: name.replace(/\[\d+\]$/, '')})),
		synapses: synapses.map(([from, to, weight = 1, kind]) => ({from, to, weight, path: `network.synapses.${from}.${to}`,
			kind: kind ?? (weight < 0 ? 'inhibitory' : 'excitatory')})),
		inputs: inputs.map(([sensor, neuron]) => ({sensor, neuron})),
		outputs: outputs.map(([neuron, actuator]) => ({neuron, actuator})),
		rewards: rewards.map(([reward, neuron, sign]) => ({reward, neuron, sign})), grouped: false,
	}
}

const crossed = network(['eye_l', 'eye_r', 'motor_l', 'motor_r'], [['eye_l', 'motor_r', 110], ['eye_r', 'motor_l', 110]],
	[['left', 'eye_l'], ['right', 'eye_r']], [['motor_l', 'left_wheel'], ['motor_r', 'right_wheel']])

test('sensors stand at the left and actuators at the right, in the order of the robot file, so that crossed wires cross', () => {
	const {places} = layout(build(crossed))
	const at = id => [places.get(id).layer, places.get(id).order]
	equal([at('sensor:left'), at('sensor:right'), at('actuator:left_wheel'), at('actuator:right_wheel')],
		[[0, 0], [0, 1], [3, 0], [3, 1]])
	equal(['eye_l', 'eye_r', 'motor_l', 'motor_r'].map(n => places.get(`neuron:${n}`).order), [0, 1, 0, 1])
	check(places.get('sensor:left').x < places.get('neuron:eye_l').x, 'a sensor is not left of its neuron')
	check(places.get('neuron:motor_l').x < places.get('actuator:left_wheel').x, 'a motor neuron is not left of its actuator')
})

test('a circuit with cycles has layers too', () => {
	const net = network(['a', 'b', 'c', 'd'], [['a', 'b'], ['b', 'c'], ['c', 'a'], ['c', 'd'], ['d', 'd'], ['b', 'a']], [['s', 'a']])
	const {places, routes} = layout(build(net))
	equal(['a', 'b', 'c', 'd'].map(n => places.get(`neuron:${n}`).layer), [1, 2, 3, 4])
	equal(routes.get('neuron:d>neuron:d>excitatory'), {loop: true})
	const back = routes.get('neuron:c>neuron:a>excitatory').points
	check(back[0].x > back.at(-1).x && back.length === 3, 'the way back does not go from layer to layer')
})

test('neurons without input stand right before what they reach, motors in one layer', () => {
	const net = network(['a', 'b', 'tonic', 'm', 'n'],
		[['a', 'b'], ['b', 'm'], ['tonic', 'm'], ['m', 'n', -1], ['n', 'm', -1], ['a', 'n']], [['s', 'a']], [['m', 'w'], ['n', 'w']])
	const {places, routes} = layout(build(net))
	equal(['a', 'b', 'tonic', 'm', 'n'].map(n => places.get(`neuron:${n}`).layer), [1, 2, 2, 3, 3])
	equal([routes.get('neuron:m>neuron:n>inhibitory'), routes.get('neuron:n>neuron:m>inhibitory')], [{arc: true}, {arc: true}])
})

// random returns a generator of numbers from 0 to 1 that always gives the same.
const random = seed => () => (seed = (seed * 48271) % 2147483647) / 2147483647

test('any circuit: no two nodes overlap, each edge has a way, and the picture is always the same', () => {
	for (let seed = 1; seed <= 10; seed++) {
		const r = random(seed)
		const pick = list => list[Math.floor(r() * list.length)]
		const names = Array.from({length: 1 + Math.floor(r() * 20)}, (_, i) => `n${i}`)
		const net = network(names, Array.from({length: Math.floor(r() * 40)}, () => [pick(names), pick(names), r() - 0.4]),
			Array.from({length: Math.floor(r() * 6)}, (_, i) => [`s${i}`, pick(names)]),
			Array.from({length: Math.floor(r() * 4)}, (_, i) => [pick(names), `a${i}`]))
		const graph = build(net)
		const one = layout(graph, {width: 800})
		equal(layout(graph, {width: 800}), one, `seed ${seed}`)
		const list = [...one.places]
		const wrong = list.filter(([id, p]) => !(p.x > 0 && p.x < one.width && p.y > 0 && p.y < one.height) ||
			list.some(([other, q]) => id !== other && !(Math.max(Math.abs(p.x - q.x), Math.abs(p.y - q.y)) > 55)))
		equal(wrong, [], `seed ${seed}: outside of the picture, or on another node`)
		const shifts = lanes(graph.edges)
		const nodes = new Map(graph.nodes.map(n => [n.id, n]))
		for (const e of graph.edges) {
			const {d, x, y} = path(one.routes.get(e.id), nodes.get(e.from), nodes.get(e.to), one.places.get(e.from), one.places.get(e.to),
				shifts.get(e.id))
			check(!/NaN|undefined|Infinity/.test(`${d} ${x} ${y}`), `seed ${seed}: ${e.id}: ${d}`)
		}
	}
})

test('wires that need not cross do not', () => {
	const names = ['a', 'b', 'c', 'x', 'y', 'z']
	const {places} = layout(build(network(names, [['a', 'z'], ['b', 'x'], ['c', 'y']], [['s', 'a'], ['s', 'b'], ['s', 'c']],
		[['x', 'w'], ['y', 'w'], ['z', 'w']])))
	const order = list => list.sort((p, q) => places.get(`neuron:${p}`).y - places.get(`neuron:${q}`).y).join('')
	const right = {a: 'z', b: 'x', c: 'y'}
	equal([...order(['a', 'b', 'c'])].map(n => right[n]).join(''), order(['x', 'y', 'z']))
})

const wall = network(['wall[0]', 'wall[1]', 'wall[2]', 'm'], [['wall[0]', 'm', 5], ['wall[1]', 'm', 7], ['wall[2]', 'm', -2]],
	[['range', 'wall[0]'], ['range', 'wall[1]']])

test('a population is one node until it is unfolded', () => {
	equal(populations(wall), new Map([['wall', 3]]))
	equal([size(wall, new Set()), size(wall, new Set(['wall']))], [3, 5])
	const folded = build(wall)
	equal(folded.nodes.map(n => [n.id, n.count]), [['sensor:range', 1], ['neuron:wall', 3], ['neuron:m', 1]])
	equal(folded.edges.map(e => [e.kind, e.count, e.low, e.high, e.synapses]),
		[['excitatory', 2, 5, 7, [0, 1]], ['inhibitory', 1, -2, -2, [2]], ['wire', 2, 0, 0, []]])
	equal(folded.nodeOf.get('wall[2]'), 'neuron:wall')
	equal(build(wall, new Set(['wall'])).nodes.length, 5)
	equal(unfoldedAtFirst(wall), new Set(['wall']))
	equal(unfoldedAtFirst(wall, 4), new Set())
})

test('of a network that the robot lists by populations, each node has all members', () => {
	const graph = build({grouped: true, neurons: [{name: 'wall', role: 'sensor', count: 400}, {name: 'm', role: ''}],
		synapses: [{from: 'wall', to: 'm', kind: 'excitatory', weight: 1, weight_to: 9, count: 400, path: 'x'}]})
	equal(graph.nodes.map(n => [n.label, n.count, n.members.length, n.members.at(-1), n.folded]),
		[['wall', 400, 400, 'wall[399]', true], ['m', 1, 1, 'm', false]])
	equal(graph.edges.map(e => [e.count, e.low, e.high]), [[400, 1, 9]])
})

test('arrow keys follow the synapses', () => {
	const graph = build(crossed)
	const {places} = layout(graph)
	const go = (id, ...keys) => keys.reduce((at, key) => next(graph, places, at, `Arrow${key}`) ?? at, id)
	equal(go('sensor:left', 'Right', 'Right', 'Right'), 'actuator:right_wheel')
	equal(go('actuator:right_wheel', 'Left', 'Left', 'Left'), 'sensor:left')
	equal(go('sensor:left', 'Down'), 'sensor:right')
	equal(go('sensor:left', 'Up'), 'sensor:left')
	equal(next(graph, places, 'neuron:gone', 'ArrowUp'), graph.nodes[0].id)
})

test('a search finds neurons, members of folded populations too', () => {
	equal(found(build(crossed), ' MOTOR '), ['neuron:motor_l', 'neuron:motor_r'])
	equal(found(build(wall), '[2]'), ['neuron:wall'])
	equal(found(build(wall), ''), [])
})

test('kinds are told apart by mark and line, not by colour alone', () => {
	const looks = ['excitatory', 'inhibitory', 'modulator', 'electric', 'wire', 'for', 'against'].map(k => marks[k] + dashes[k])
	equal(new Set(looks).size, looks.length)
	check(!looks.some(l => l.includes('undefined')), 'a kind has no look')
	equal(kindOf({kind: 'modulator'}), 'modulator')
})

test('a heavier synapse is wider, and what has changed says how', () => {
	const widths = [0, 1, 10, 50, 100, 1000].map(w => widthOf(w, 100))
	equal(widths, [...widths].sort((a, b) => a - b))
	equal([widths[0], widths[4], widths[5]], [1, 6, 6])
	const changes = [[100, 100], [100, 151], [100, 49], [-100, -151], [-100, -80], [100, 102]]
	equal(changes.map(([a, b]) => changeClass(changeOf(a, b, 50))),
		['same', 'more2', 'less2', 'more2', 'less1', 'same'])
})

test('the most changed weight has the full colour, unless it has hardly changed', () => {
	const synapses = [{plastic: true, weight: 500}, {plastic: true, weight: -500}, {weight: 9000}]
	equal([changeScale(synapses, [540, -480, 0]), changeScale(synapses, [501, -500, 0]), changeScale([], [])], [40, 25, 1e-6])
})

test('a spike lights its node, and the light fades; a population is as bright as the share that fired', () => {
	const a = new Activity([0, 1, 1, 1, 1, -1], [1, 4])
	a.add({neurons: Uint32Array.of(0, 1, 5, 99)})
	check(a.step(0.033), 'nothing is lit')
	check(a.light[0] === 1 && a.light[1] > 0.4 && a.light[1] < 0.5, `${a.light}`)
	equal([...a.spikes], [1, 1])
	let before = a.light[0]
	for (let i = 0; i < 60; i++) {
		a.step(0.033)
		check(a.light[0] <= before, 'it does not fade')
		before = a.light[0]
	}
	equal([...a.light], [0, 0])
})

test('the rate of a node follows its spikes', () => {
	const a = new Activity([0], [1])
	for (let i = 0; i < 300; i++) { // one in every third frame of 33 ms: 10.1 spikes a second
		if (i % 3 === 0) a.add({neurons: Uint32Array.of(0)})
		a.step(0.033)
	}
	check(Math.abs(a.rate[0] - 10.1) < 0.7, `${a.rate[0]} spikes a second`)
})

test('the whole circuit fits, a point stays under the pointer, and the keyboard brings a node into view', () => {
	const box = {width: 400, height: 300}
	const view = fit(500, 500, box)
	check(view.scale * 500 <= 301 && view.x >= 0 && view.y >= 0, JSON.stringify(view))
	const before = {scale: 1, x: 10, y: 20}
	const after = zoom(before, 2, 110, 120)
	equal([(110 - after.x) / after.scale, (120 - after.y) / after.scale], [100, 100])
	equal(zoom(before, 1000, 0, 0).scale, 4)
	const shown = reveal({scale: 1, x: 0, y: 0}, {x: 900, y: -50}, box)
	check(900 + shown.x <= 400 && -50 + shown.y >= 0, JSON.stringify(shown))
	equal(reveal(before, {x: 100, y: 100}, box), before)
})
