// Places the nodes of a circuit in layers, from sensors at the left to actuators at the right (after Sugiyama, Tagawa and Toda,
// IEEE Trans. SMC 11:2, 1981). The same graph always gets the same picture.

const least = 76 // pixels between two layers
const most = 190
// A wire between a sensor, a reward or an actuator and its neuron counts as so many synapses, so that these wires are straight
// and it is the synapses that are seen to cross.
const wires = 3
const ways = ['right', 'left', 'both', 'both'] // to which neighbours a pass looks
const sweeps = 16 // passes that look for fewer crossings

// layout returns {places, routes, width, height}. places is a Map from the id of a node to {x, y, layer, order}; routes is a Map
// from the id of an edge to the points that it passes, or {loop: true} or {arc: true} for edges within a layer. width is that of
// the frame in pixels: the layers stand close together in a narrow one. gapY is the distance between the nodes of a layer.
export function layout(graph, {width = 0, gapY = 60, marginX = 64, marginY = 36} = {}) {
	const layers = layerOf(graph)
	const last = Math.max(0, ...layers.values())
	const gapX = Math.max(least, Math.min(most, (width - 2 * marginX) / Math.max(1, last)))
	const rows = Array.from({length: last + 1}, () => [])
	for (const n of graph.nodes) rows[layers.get(n.id)].push({id: n.id, bends: false, before: [], behind: []})
	const cells = new Map(rows.flat().map(c => [c.id, c]))

	const routes = new Map()
	const chains = new Map()
	for (const e of graph.edges) {
		const from = layers.get(e.from)
		const to = layers.get(e.to)
		if (e.from === e.to) routes.set(e.id, {loop: true})
		else if (from === to) routes.set(e.id, {arc: true})
		else chains.set(e.id, chain(e, from, to, rows, cells))
	}
	order(rows)
	const ys = heights(rows, gapY)

	const places = new Map()
	const tallest = Math.max(...ys.values(), 0)
	rows.forEach((row, layer) => row.forEach((c, i) => {
		const at = {x: marginX + layer * gapX, y: marginY + ys.get(c), layer, order: i}
		if (!c.bends) places.set(c.id, at)
		c.at = at
	}))
	for (const [id, cellsOnWay] of chains) routes.set(id, {points: cellsOnWay.map(c => ({x: c.at.x, y: c.at.y}))})
	return {places, routes, width: 2 * marginX + last * gapX, height: 2 * marginY + 10 + tallest}
}

// layerOf returns the layer of each node: sensors and rewards 0, actuators the last, neurons by the longest way from the
// sensors, motors in the last layer of neurons. Edges that close a cycle do not count.
function layerOf(graph) {
	const type = new Map(graph.nodes.map(n => [n.id, n.role === 'motor' ? 'motor' : n.type]))
	const out = new Map(graph.nodes.filter(n => n.type === 'neuron').map(n => [n.id, []]))
	for (const e of graph.edges) {
		const among = type.get(e.from) === 'motor' && type.get(e.to) === 'motor' // motors stand beside each other
		if (out.has(e.from) && type.get(e.to) !== 'actuator' && e.from !== e.to && !among) out.get(e.from).push(e.to)
	}
	const fed = new Set(graph.edges.filter(e => e.type === 'input' || e.type === 'reward').map(e => e.to))
	const neurons = graph.nodes.filter(n => n.type === 'neuron')
	const first = neurons.filter(n => fed.has(n.id))
	const reached = new Set(neurons.flatMap(n => out.get(n.id)))
	const starts = [...first, ...neurons.filter(n => !reached.has(n.id) && !fed.has(n.id)), ...neurons]

	// Depth first, without recursion: the order in which nodes are finished, backwards, has every edge but those that close a cycle
	// lead ahead.
	const state = new Map()
	const finished = []
	for (const start of starts) {
		const stack = state.has(start.id) ? [] : [{id: start.id, i: 0}]
		if (stack.length) state.set(start.id, 'open')
		while (stack.length) {
			const top = stack[stack.length - 1]
			const to = out.get(top.id)[top.i++]
			if (to === undefined) {
				state.set(top.id, 'done')
				finished.push(top.id)
				stack.pop()
			} else if (!state.has(to)) {
				state.set(to, 'open')
				stack.push({id: to, i: 0})
			}
		}
	}
	const rank = new Map(finished.reverse().map((id, i) => [id, i]))
	const layer = new Map(graph.nodes.map(n => [n.id, n.type === 'neuron' ? 1 : 0]))
	for (const id of rank.keys()) {
		for (const to of out.get(id)) {
			if (rank.get(to) > rank.get(id)) layer.set(to, Math.max(layer.get(to), layer.get(id) + 1))
		}
	}
	let deepest = Math.max(1, ...neurons.map(n => layer.get(n.id)))
	const motors = neurons.filter(n => n.role === 'motor')
	// A motor stands in the last layer of neurons. Neurons that only a motor reaches would stand behind it: they stand beside.
	if (motors.length) {
		const inner = neurons.filter(n => n.role !== 'motor').map(n => layer.get(n.id))
		const needed = Math.max(...motors.map(n => layer.get(n.id)))
		deepest = Math.max(needed, ...inner.filter(l => l <= needed), 1)
		for (const n of neurons) layer.set(n.id, n.role === 'motor' ? deepest : Math.min(layer.get(n.id), deepest))
	}
	// What nothing reaches, a pacemaker or a source of noise, stands right before what it reaches.
	for (const n of neurons) {
		if (fed.has(n.id) || reached.has(n.id) || n.role === 'motor' || !out.get(n.id).length) continue
		layer.set(n.id, Math.max(1, Math.min(...out.get(n.id).map(to => layer.get(to))) - 1))
	}
	for (const n of graph.nodes) {
		if (n.type === 'actuator') layer.set(n.id, deepest + 1)
		// A reward stands before its neurons, or at the left.
		if (n.type === 'reward') layer.set(n.id, 0)
	}
	return layer
}

// chain puts bends where an edge passes a layer, so that it counts when crossings are counted. It returns its cells from the
// beginning to the end of the edge.
function chain(e, from, to, rows, cells) {
	const step = from < to ? 1 : -1
	const way = [cells.get(e.from)]
	for (let layer = from + step; layer !== to; layer += step) {
		const bend = {id: `${e.id}@${layer}`, bends: true, before: [], behind: []}
		rows[layer].push(bend)
		way.push(bend)
	}
	way.push(cells.get(e.to))
	const counts = e.type === 'synapse' ? 1 : wires
	for (let i = 1; i < way.length; i++) {
		const [left, right] = step > 0 ? [way[i - 1], way[i]] : [way[i], way[i - 1]]
		for (let k = 0; k < counts; k++) {
			left.behind.push(right)
			right.before.push(left)
		}
	}
	return way
}

// order sorts each layer by the mean place of the neighbours, to and fro, and keeps the order with the fewest crossings. Sensors
// and actuators keep the order of the robot file: left is above right at both ends, so wires that cross are seen to cross.
function order(rows) {
	let best = rows.map(r => [...r])
	let fewest = crossings(rows)
	for (let sweep = 0; sweep < sweeps && fewest > 0; sweep++) {
		const way = ways[sweep % ways.length]
		const at = new Map(rows.flatMap(row => row.map((c, i) => [c, (i + 0.5) / row.length])))
		for (let k = 1; k < rows.length - 1; k++) {
			const row = rows[way === 'left' ? rows.length - 1 - k : k]
			const mean = new Map(row.map(c => {
				const beside = way === 'right' ? c.before : way === 'left' ? c.behind : [...c.before, ...c.behind]
				return [c, beside.length ? beside.reduce((sum, n) => sum + at.get(n), 0) / beside.length : at.get(c)]
			}))
			row.sort((a, b) => mean.get(a) - mean.get(b) || at.get(a) - at.get(b))
			row.forEach((c, i) => at.set(c, (i + 0.5) / row.length))
		}
		const n = crossings(rows)
		if (n < fewest) {
			fewest = n
			best = rows.map(r => [...r])
		}
	}
	best.forEach((r, i) => rows[i].splice(0, Infinity, ...r))
}

// crossings counts the pairs of edges between neighbouring layers that cross.
export function crossings(rows) {
	let n = 0
	for (let k = 1; k < rows.length; k++) {
		const at = new Map(rows[k].map((c, i) => [c, i]))
		// Edges by the place where they begin: one that begins later and ends higher crosses.
		const tree = new Int32Array(rows[k].length + 1)
		let seen = 0
		for (const cell of rows[k - 1]) {
			const ends = cell.behind.map(c => at.get(c))
			for (const end of ends) {
				let notAfter = 0
				for (let i = end + 1; i > 0; i -= i & -i) notAfter += tree[i];
				n += seen - notAfter
			}
			for (const end of ends) {
				for (let i = end + 1; i < tree.length; i += i & -i) tree[i]++;
				seen++
			}
		}
	}
	return n
}

// heights returns how far down each cell is: near the mean of its neighbours, at least a gap below the one above. A bend needs
// less room than a node.
function heights(rows, gap) {
	const y = new Map()
	const room = (a, b) => (a.bends && b.bends ? gap * 0.3 : a.bends || b.bends ? gap * 0.55 : gap)
	for (const row of rows) {
		let at = 0
		row.forEach((c, i) => y.set(c, (at += i ? room(row[i - 1], c) : 0)))
	}
	const tall = Math.max(...rows.map(r => (r.length ? y.get(r[r.length - 1]) : 0)))
	for (const row of rows) {
		const shift = row.length ? (tall - y.get(row[row.length - 1])) / 2 : 0
		for (const c of row) y.set(c, y.get(c) + shift)
	}
	for (let pass = 0; pass < 16; pass++) {
		for (const row of pass % 2 ? [...rows].reverse() : rows) settle(row, y, room)
	}
	const top = Math.min(...y.values())
	for (const [c, at] of y) y.set(c, at - top)
	return y
}

// settle moves the cells of a layer towards the mean of their neighbours as far as the room between them allows: the places that
// are nearest to what each one wants (pool adjacent violators).
function settle(row, y, room) {
	const blocks = []
	let offset = 0
	row.forEach((c, i) => {
		if (i) offset += room(row[i - 1], c)
		const near = [...c.before, ...c.behind]
		const wish = near.length ? near.reduce((s, n) => s + y.get(n), 0) / near.length : y.get(c)
		let block = {sum: wish - offset, n: 1, cells: [[c, offset]]}
		while (blocks.length && blocks[blocks.length - 1].sum / blocks[blocks.length - 1].n > block.sum / block.n) {
			const above = blocks.pop()
			block = {sum: above.sum + block.sum, n: above.n + block.n, cells: [...above.cells, ...block.cells]}
		}
		blocks.push(block)
	})
	for (const b of blocks) for (const [c, o] of b.cells) y.set(c, b.sum / b.n + o)
}
