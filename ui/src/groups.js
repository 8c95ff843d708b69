// Parameters in groups, as the robot file has them.

// Prefixes of paths, and what stands behind each: the names of the things that have the parameters.
const sections = ['network.neurons.', 'network.synapses.', 'sensors.', 'actuators.', 'rewards.']

const plain = path => path.replace(/\[[^\]]*\]/g, '')

// group returns [{id, things: [{id, name, title, rows: [{path, label}]}]}] for a description. Names may have dots: only the description
// says where a name ends.
export function group(description) {
	const names = new Map(sections.map(s => [s, []]))
	const add = (section, name) => names.get(section).push(name)
	for (const {name} of description.neurons ?? []) add('network.neurons.', name)
	const froms = new Map() // name of a synapse -> of the neuron that it comes from
	for (const {from, to} of description.synapses ?? []) {
		const name = `${plain(from)}.${plain(to)}`
		add('network.synapses.', name)
		froms.set(name, plain(from))
	}
	for (const {name} of description.sensors ?? []) add('sensors.', name)
	for (const {name} of description.actuators ?? []) add('actuators.', name)
	for (const name of description.rewards ?? []) add('rewards.', name)
	for (const [section, list] of names) names.set(section, [...new Set(list.map(plain))].sort((a, b) => b.length - a.length))

	const groups = [...sections, ''].map(id => ({id, things: new Map()}))
	for (const {path} of description.parameters ?? []) {
		const one = groups.find(g => path.startsWith(g.id))
		const rest = path.slice(one.id.length)
		const name = one.id === '' ? '' : ending(rest, names.get(one.id))
		if (!one.things.has(name)) {
			const from = one.id === 'network.synapses.' ? ending(name, [froms.get(plain(name)) ?? name]) : name
			const title = from === name ? name : `${from} → ${name.slice(from.length + 1)}`
			one.things.set(name, {id: one.id + name, name, title, rows: []})
		}
		one.things.get(name).rows.push({path, label: rest.slice(name.length).replace(/^\./, '')})
	}
	return groups.map(g => ({...g, things: [...g.things.values()]})).filter(g => g.things.length > 0)
}

// ending returns the beginning of a path that is the name of a thing, with the numbers of a member or of a population.
function ending(path, names) {
	const bare = plain(path)
	const name = names.find(n => bare === n || bare.startsWith(n + '.')) ?? bare.split('.')[0]
	let end = 0
	for (let bareEnd = 0; bareEnd < name.length || path[end] === '['; end++) {
		if (path[end] === '[') end = path.indexOf(']', end)
		else bareEnd++
	}
	return path.slice(0, end)
}
