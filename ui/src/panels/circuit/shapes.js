// The shapes of a circuit's synapses: lines, their width and colour, and the mark at their end, which says the kind.

export const radius = 15 // of a neuron

// halfWidth returns how far a node reaches to the left and the right of its middle.
export function halfWidth(node) {
	return node.type === 'neuron' ? radius + (node.folded ? 5 : 0) : Math.max(22, Math.min(60, node.label.length * 3.6 + 8))
}

// lanes returns for each edge how far it is shifted, so that edges between the same two nodes do not cover each other.
export function lanes(edges, apart = 10) {
	const groups = new Map()
	for (const e of edges) {
		const pair = e.from < e.to ? `${e.from}|${e.to}` : `${e.to}|${e.from}`
		groups.set(pair, [...(groups.get(pair) ?? []), e.id])
	}
	const shifts = new Map()
	for (const ids of groups.values()) ids.forEach((id, i) => shifts.set(id, (i - (ids.length - 1) / 2) * apart))
	return shifts
}

const n = x => Math.round(x * 10) / 10

// path returns {d, x, y, angle, mid}: the line of an edge for SVG, where its mark stands and in which direction (degrees), and
// its middle. from and to are the nodes, a and b their places.
export function path(route, from, to, a, b, shift = 0, mark = 8) {
	if (route.loop) {
		const r = radius
		const top = a.y - r
		const over = n(top - 34)
		return {d: `M${n(a.x - 6)} ${n(top + 1)}C${n(a.x - 26)} ${over} ${n(a.x + 26)} ${over} ${n(a.x + 7)} ${n(top - mark + 3)}`,
			x: n(a.x + 6), y: n(top + 1), angle: 108, mid: {x: a.x, y: top - 22}}
	}
	if (route.arc) {
		// Within a layer: up on the left side, down on the right side, so that two neurons that inhibit each other have two lines.
		const side = a.y < b.y ? 1 : -1
		const x1 = a.x + side * (halfWidth(from) - 3)
		const x2 = b.x + side * (halfWidth(to) - 1)
		const out = side * (18 + Math.min(30, Math.abs(a.y - b.y) / 5)) + shift
		const y2 = b.y - side * 5
		return {d: `M${n(x1)} ${n(a.y)}C${n(x1 + out)} ${n(a.y)} ${n(x2 + out)} ${n(y2)} ${n(x2 + side * mark)} ${n(y2)}`,
			x: n(x2), y: n(y2), angle: side > 0 ? 180 : 0, mid: {x: x1 + out * 0.75, y: (a.y + y2) / 2}}
	}
	const points = route.points.map((p, i, all) => {
		const end = i === 0 || i === all.length - 1
		return {x: p.x, y: p.y + (end ? shift * 0.7 : shift)}
	})
	const ahead = points[points.length - 1].x > points[0].x ? 1 : -1
	points[0].x += ahead * halfWidth(from)
	const last = points[points.length - 1]
	last.x -= ahead * halfWidth(to)
	const tip = {...last}
	last.x -= ahead * mark
	let d = `M${n(points[0].x)} ${n(points[0].y)}`
	for (let i = 1; i < points.length; i++) {
		const p = points[i - 1]
		const q = points[i]
		const half = (q.x - p.x) / 2
		d += `C${n(p.x + half)} ${n(p.y)} ${n(q.x - half)} ${n(q.y)} ${n(q.x)} ${n(q.y)}`
	}
	const k = Math.floor((points.length - 1) / 2)
	const mid = {x: (points[k].x + points[k + 1].x) / 2, y: (points[k].y + points[k + 1].y) / 2}
	return {d, x: n(tip.x), y: n(tip.y), angle: ahead > 0 ? 0 : 180, mid}
}

// marks are the ends of edges by kind, drawn to the left of 0, 0, which touches the target.
export const marks = {
	excitatory: 'M-10 -5.5L0 0L-10 5.5Z',
	inhibitory: 'M-3.5 -8H-0.5V8H-3.5ZM-8 -1H-3V1H-8Z',
	modulator: 'M-12 0L-6 -5L0 0L-6 5Z',
	electric: 'M-11 -5.5L-5.5 0L-11 5.5ZM-5.5 -5.5L0 0L-5.5 5.5Z',
	wire: 'M-7 0a3.5 3.5 0 1 1 7 0a3.5 3.5 0 1 1 -7 0Z',
	for: 'M-9 -1.5H-6.5V-4H-3.5V-1.5H-1V1.5H-3.5V4H-6.5V1.5H-9Z',
	against: 'M-9 -1.5H-1V1.5H-9Z',
}

// dashes tell the kinds apart without colour; '' is a solid line. An electric synapse has a double line.
export const dashes = {excitatory: '', inhibitory: '', modulator: '7 4', electric: '', wire: '2 3', for: '2 3', against: '2 3'}

// widthOf returns the width of a line for a weight, of which the largest magnitude in the network is most: its area grows with
// the weight, so small weights are still seen.
export function widthOf(weight, most) {
	if (!Number.isFinite(weight) || !(most > 0)) return 1.5
	return 1 + 5 * Math.sqrt(Math.min(1, Math.abs(weight) / most))
}

// changeScale returns the change that has the full colour: that of the most changed weight, but at least a twentieth of the
// heaviest, so that next to nothing has no colour. synapses are {plastic, weight}, now their weights now.
export function changeScale(synapses, now) {
	let most = 0
	let heaviest = 0
	synapses.forEach((s, i) => {
		if (!s.plastic || !Number.isFinite(now[i])) return
		most = Math.max(most, Math.abs(Math.abs(now[i]) - Math.abs(s.weight)))
		heaviest = Math.max(heaviest, Math.abs(s.weight))
	})
	return Math.max(most, heaviest / 20, 1e-6)
}

// changeOf returns how much stronger (more than 0, up to 1) or weaker (down to -1) a weight has become. Stronger is by
// magnitude: an inhibitory synapse that inhibits more has become stronger. scale is the change that has the full colour.
export function changeOf(configured, now, scale) {
	if (!Number.isFinite(configured) || !Number.isFinite(now)) return 0
	return Math.max(-1, Math.min(1, (Math.abs(now) - Math.abs(configured)) / scale))
}

// changeClass returns a class for a change, in five steps, so that colours stay in the style sheet: less2 less1 same more1
// more2.
export function changeClass(change) {
	if (Math.abs(change) < 0.05) return 'same'
	return `${change < 0 ? 'less' : 'more'}${Math.abs(change) < 0.5 ? 1 : 2}`
}
