// The nodes and edges of a circuit as SVG, and the legend.
import {html} from '../../view.js'
import {texts} from '../../texts.js'
import {amount} from '../neuron/numbers.js'
import {changeClass, changeOf, dashes, halfWidth, marks, path, radius, widthOf} from './shapes.js'

const t = texts.circuit

// Edge draws the synapses of one kind between two nodes.
export function Edge({edge, network, now, nodes, placed, shift, heaviest, scale, dim, strong}) {
	const from = nodes.get(edge.from)
	const to = nodes.get(edge.to)
	const shape = path(placed.routes.get(edge.id), from, to, placed.places.get(edge.from), placed.places.get(edge.to), shift)
	const weighs = edge.type === 'synapse' && edge.kind !== 'electric'
	// Of several synapses the heaviest gives the width, and the most changed the colour.
	const weights = edge.synapses.map(i => now[i]).filter(Number.isFinite)
	const heavy = edge.count > weights.length ? Math.max(Math.abs(edge.low), Math.abs(edge.high)) : Math.max(0,
		...weights.map(Math.abs))
	const changes = edge.synapses.filter(i => network.synapses[i].plastic).map(i => changeOf(network.synapses[i].weight, now[i],
		scale))
	const change = changes.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0)
	const width = weighs ? widthOf(heavy, heaviest) : 1.5
	const classes = ['edge', edge.kind, edge.plastic && 'plastic', edge.plastic && changeClass(change), dim && 'dim', strong
		&& 'strong']
		.filter(Boolean).join(' ')
	const low = weights.length ? Math.min(...weights) : edge.low
	const high = weights.length ? Math.max(...weights) : edge.high
	const span = low === high ? amount(low) : `${amount(low)} … ${amount(high)}`
	const size = 0.8 + width / 8
	return html`<g class=${classes} data-edge=${edge.id} data-kind=${edge.kind} data-weight=${weighs ? span : undefined}
		data-change=${edge.plastic ? change.toFixed(3) : undefined}>
		<title>${t.edge(from.label, to.label, t.kinds[edge.kind], weighs ? span : '', edge.count, edge.plastic)}</title>
		<path class="wide" d=${shape.d} />
		<path class="line" d=${shape.d} stroke-width=${edge.kind === 'electric' ? 5 : width}
			stroke-dasharray=${dashes[edge.kind] || 'none'} />
		${edge.kind === 'electric' && html`<path class="hollow" d=${shape.d} stroke-width="2"/>`}
		<path class="mark" d=${marks[edge.kind]}
			transform=${`translate(${shape.x} ${shape.y}) rotate(${shape.angle}) scale(${size})`} />
		${strong && weighs && html`<text class="weight" x=${shape.mid.x} y=${shape.mid.y - 5}>${span}</text>`}
	</g>`
}

// Node draws a neuron, a population, a sensor, an actuator or a reward.
export function Node({node, place, lights, current, selected, hit, elements, onKeyDown, onClick, onFocus}) {
	const half = halfWidth(node)
	const keep = el => { if (el) elements.current.set(node.id, el); else elements.current.delete(node.id) }
	const classes = ['node', node.type, node.role && `role-${node.role}`, selected && 'selected', hit && 'hit', node.folded
		&& 'folded']
		.filter(Boolean).join(' ')
	const short = node.label.length > 16 ? `${node.label.slice(0, 15)}…` : node.label
	return html`<g class=${classes} transform=${`translate(${place.x} ${place.y})`} tabindex=${current ? 0 : -1} role="button"
		aria-label=${t.node(node)} aria-pressed=${node.type === 'neuron' ? selected : undefined} data-node=${node.id}
		ref=${keep} onKeyDown=${onKeyDown} onClick=${onClick} onFocus=${onFocus}>
		<title>${t.node(node)}</title>
		${node.type === 'neuron' ? html`
			<circle class="glow" r=${radius + 9} ref=${el => lights.keep(node.id, 'glow', el)} />
			${node.folded && html`<circle class="body behind" cx="5" cy="-4" r=${radius}/>`}
			<circle class="body" r=${radius} />
			<rect class="rate" x=${-radius} y=${radius + 18} width="0" height="3" ref=${el => lights.keep(node.id, 'rate', el)} />
			${node.folded && html`<text class="members" y="4">×${node.count}</text>`}
			<text class="name" y=${radius + 14}>${short}</text>`
		: html`
			${node.type === 'sensor' ? html`<rect class="body" x=${-half} y="-13" width=${2 * half} height="26" rx="13"/>`
				: node.type === 'actuator' ? html`<rect class="body" x=${-half} y="-13" width=${2 * half} height="26"/>`
				: html`<path class="body" d=${`M${-half - 8} 0L${-half} -14H${half}L${half + 8} 0L${half} 14H${-half}Z`}/>`}
			<text class="name inside" y="4">${short}</text>`}
	</g>`
}

// Legend says what the marks, the widths and the colours mean. It shows the kinds that the circuit has.
export function Legend({plastic, kinds}) {
	const shown = ['excitatory', 'inhibitory', 'modulator', 'electric', 'for', 'against', 'wire'].filter(k => kinds.has(k))
	return html`<ul class="legend" aria-label=${t.legend}>
		${shown.map(kind => html`<li key=${kind} class=${`edge ${kind}`}>
			<svg width="46" height="16" aria-hidden="true"><path class="line" d="M2 8H34" stroke-width=${kind === 'electric' ? 5 : 2}
				stroke-dasharray=${dashes[kind] || 'none'} />${kind === 'electric' && html`<path class="hollow" d="M2 8H34"
					stroke-width="2"/>`}
				<path class="mark" d=${marks[kind]} transform="translate(44 8)" /></svg>${t.kinds[kind]}</li>`)}
		<li>${t.widths}</li>
		${plastic && html`<li class="changes"><span aria-hidden="true">${['less2', 'less1', 'same', 'more1', 'more2'].map(c =>
			html`<i key=${c} class=${c}></i>`)}</span>${t.changes}</li>`}
		<li>${t.light}</li>
	</ul>`
}
