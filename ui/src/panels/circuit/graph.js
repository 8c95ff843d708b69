// The circuit as nodes and edges, from the answer to the verb network. A population is one node until it is unfolded.

// most is how many nodes the page draws. A population that would make it more stays folded.
export const most = 60

const kinds = ['excitatory', 'inhibitory', 'modulator', 'electric']

// populationOf returns the name of the population of a neuron, or '' if it is alone: wall for wall[3].
const populationOf = neuron => neuron.population && neuron.population !== neuron.name ? neuron.population : ''

// kindOf returns what an edge shows for a synapse: excitatory, inhibitory, modulator or electric.
export const kindOf = synapse => (kinds.includes(synapse.kind) ? synapse.kind : 'excitatory')

// populations returns the populations of a network, as a Map from the name to the number of members, in the network's order.
export function populations(network) {
	const counts = new Map()
	for (const n of network.neurons ?? []) {
		const population = network.grouped ? '' : populationOf(n)
		if (population) counts.set(population, (counts.get(population) ?? 0) + 1)
	}
	for (const [name, count] of counts) if (count < 2) counts.delete(name)
	return counts
}

// size returns how many nodes the graph has with these populations unfolded.
export function size(network, unfolded) {
	const counts = populations(network)
	let nodes = devices(network).length + (network.neurons ?? []).length
	for (const [name, count] of counts) if (!unfolded.has(name)) nodes -= count - 1;
	return nodes
}

// unfoldedAtFirst returns the populations that are unfolded when the page opens: small ones, while there is room.
export function unfoldedAtFirst(network, room = 24) {
	const unfolded = new Set()
	for (const [name, count] of [...populations(network)].sort((a, b) => a[1] - b[1])) {
		if (count > 4) break
		unfolded.add(name)
		if (size(network, unfolded) > room) {
			unfolded.delete(name)
			break
		}
	}
	return unfolded
}

// devices returns what is before and behind the neurons, each once, in the network's order.
function devices(network) {
	const seen = new Map()
	const put = (type, name) => name && seen.set(`${type}:${name}`, {id: `${type}:${name}`, type, label: name, members: [name],
		count: 1})
	for (const input of network.inputs ?? []) put('sensor', input.sensor)
	for (const reward of network.rewards ?? []) put('reward', reward.reward)
	for (const output of network.outputs ?? []) put('actuator', output.actuator)
	return [...seen.values()]
}

// build returns {nodes, edges, nodeOf}. A node is {id, type, label, role, members, count, population, folded}; its type is
// neuron, sensor, reward or actuator. An edge is {id, from, to, kind, type, synapses, count, low, high, plastic}: the indices of
// its synapses, their number, and their smallest and largest weight. nodeOf is a Map from the name of a neuron to the id of its
// node.
export function build(network, unfolded = new Set()) {
	const nodes = new Map()
	const nodeOf = new Map()
	const counts = populations(network)
	for (const device of devices(network)) nodes.set(device.id, device)
	for (const n of network.neurons ?? []) {
		const population = populationOf(n)
		const folds = counts.has(population) && !unfolded.has(population)
		const label = folds ? population : n.name
		const id = `neuron:${label}`
		nodeOf.set(n.name, id)
		const before = nodes.get(id)
		if (before) {
			before.members.push(n.name)
			before.count++
			before.role ||= n.role ?? ''
			continue
		}
		nodes.set(id, {id, type: 'neuron', label, role: n.role ?? '', 
			members: n.count > 1 ? Array.from({length: n.count}, (_, i) => `${n.name}[${i}]`) : [n.name], count: n.count ?? 1,
			population: network.grouped ? '' : population, folded: folds || n.count > 1})
	}
	const edges = new Map()
	const join = (from, to, kind, type, low, high, count, index, plastic) => {
		if (!nodes.has(from) || !nodes.has(to)) return
		const id = `${from}>${to}>${kind}`
		let e = edges.get(id)
		if (!e) {
			e = {id, from, to, kind, type, synapses: [], count: 0, low, high, plastic: false}
			edges.set(id, e)
		}
		if (index >= 0) e.synapses.push(index)
		e.count += count
		e.low = Math.min(e.low, low)
		e.high = Math.max(e.high, high)
		e.plastic ||= plastic
	}
	(network.synapses ?? []).forEach((s, i) => {
		join(nodeOf.get(s.from), nodeOf.get(s.to), kindOf(s), 'synapse', s.weight, s.weight_to ?? s.weight, s.count ?? 1, i,
			!!s.plastic)
	})
	for (const i of network.inputs ?? []) join(`sensor:${i.sensor}`, nodeOf.get(i.neuron), 'wire', 'input', 0, 0, 1, -1, false)
	for (const o of network.outputs ?? []) join(nodeOf.get(o.neuron), `actuator:${o.actuator}`, 'wire', 'output', 0, 0, 1, -1, false)
	for (const r of network.rewards ?? []) {
		join(`reward:${r.reward}`, nodeOf.get(r.neuron), r.sign < 0 ? 'against' : 'for', 'reward', 0, 0, 1, -1, false)
	}
	return {nodes: [...nodes.values()], edges: [...edges.values()], nodeOf}
}

// next returns the node that an arrow key leads to from a node: along the synapses to the right and the left, and to the
// neighbours above and below in the same layer. It returns undefined if there is none. A place is {x, y, layer, order}.
export function next(graph, places, id, key) {
	const here = places.get(id)
	if (!here) return graph.nodes[0]?.id
	const score = other => {
		const p = places.get(other)
		return Math.abs(p.y - here.y) + Math.abs(p.x - here.x) / 4
	}
	const nearest = ids => ids.filter(i => i !== id && places.has(i)).sort((a, b) => score(a) - score(b) || (a < b ? -1 : 1))[0]
	if (key === 'ArrowUp' || key === 'ArrowDown') {
		const step = key === 'ArrowUp' ? -1 : 1
		const same = graph.nodes.filter(n => places.get(n.id)?.layer === here.layer)
			.sort((a, b) => places.get(a.id).order - places.get(b.id).order).map(n => n.id)
		return same[same.indexOf(id) + step]
	}
	const right = key === 'ArrowRight'
	const joined = graph.edges.filter(e => (right ? e.from : e.to) === id).map(e => (right ? e.to : e.from))
	const ahead = joined.filter(i => (right ? places.get(i)?.x > here.x : places.get(i)?.x < here.x))
	return nearest(ahead) ?? nearest(joined)
}

// found returns the ids of the nodes whose name, or whose member's name, contains a text.
export function found(graph, text) {
	const wanted = text.trim().toLowerCase()
	if (!wanted) return []
	return graph.nodes.filter(n => n.label.toLowerCase().includes(wanted) ||
		n.members.some(m => m.toLowerCase().includes(wanted))).map(n => n.id)
}
