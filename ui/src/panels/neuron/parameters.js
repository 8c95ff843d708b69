// Which parameters belong to a neuron and to a synapse.

// populationPath returns the path that stands for all members of a population: network.neurons.wall[*].leak.
export const populationPath = path => path.replace(/(\[\d+\])+/g, '[*]')

// pathsOf returns the paths of the parameters under a prefix, such as network.neurons.wall[3]: its own, or those that it shares
// with its population, where the robot lists only these.
export function pathsOf(parameters, prefix) {
	const below = start => [...parameters.keys()].filter(path => path.startsWith(`${start}.`))
	const own = below(prefix)
	return own.length ? own : below(populationPath(prefix))
}

// keyOf returns what a path has behind its prefix: leak of network.neurons.wall[3].leak, adaptation.rate.
export const keyOf = (path, prefix) => path.slice((path.startsWith(`${prefix}.`) ? prefix : populationPath(prefix)).length + 1)

// shared says whether a path stands for all members of a population.
export const shared = path => path.includes('[*]')

// synapsesOf returns the synapses of a neuron, {into, from}, each as {index, synapse}, with those over which it excites itself
// in both. In a grouped network a neuron has the synapses of its population.
export function synapsesOf(network, name) {
	const population = name.replace(/\[\d+\]$/, '')
	const is = other => other === name || network.grouped && other === population
	const all = network.synapses.map((synapse, index) => ({index, synapse}))
	return {into: all.filter(s => is(s.synapse.to)), from: all.filter(s => is(s.synapse.from))}
}

// learningIndex returns for each synapse its index in the arrays of tele/learning, or -1.
export function learningIndex(network) {
	let k = 0
	return network.synapses.map(s => (s.plastic ? k++ : -1))
}
