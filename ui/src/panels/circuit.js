// The circuit as a graph, and the barrel of the neuron that was chosen.
import './circuit.css'
import {html, useEffect, useMemo, useRef, useState, signal} from '../view.js'
import {texts} from '../texts.js'
import {build, found, next, populations, size, most, unfoldedAtFirst} from './circuit/graph.js'
import {layout} from './circuit/layout.js'
import {changeScale, lanes} from './circuit/shapes.js'
import {Edge, Node, Legend} from './circuit/parts.js'
import {List} from './circuit/list.js'
import {useLight} from './circuit/light.js'
import {usePanZoom} from './circuit/panzoom.js'
import {Neuron} from './neuron.js'

const t = texts.circuit

// chosen is the name of the neuron whose barrel is shown, by the name of the robot: it outlives a hidden panel.
const chosen = signal({})

const choose = (robot, name) => { chosen.value = {...chosen.value, [robot.name]: name} }

function View({robot, large}) {
	const network = robot.network.value
	if (!network) return html`<p class="muted">${robot.networkRefused.value || (robot.link.value === 'online' ? t.loading
		: t.offline)}</p>`
	if (!(network.neurons ?? []).length) return html`<p class="muted">${t.empty}</p>`
	const name = chosen.value[robot.name]
	return html`<div class=${'circuit' + (name ? ' with-neuron' : '')}>
		<${Graph} robot=${robot} network=${network} large=${large} />
		${name && html`<${Neuron} key=${name} robot=${robot} name=${name} close=${() => choose(robot, '')}
			choose=${other => choose(robot, other)}/>`}
	</div>`
}

// weightsNow returns what each synapse weighs now, by its index: what was learnt, as the latest message says, or else its
// weight.
export function weightsNow(network, learning) {
	const now = network.synapses.map(s => s.learnt ?? s.weight)
	const weights = learning?.weights
	if (!weights) return now
	let k = 0
	network.synapses.forEach((s, i) => { if (s.plastic && k < weights.length) now[i] = weights[k++] })
	return now
}

// heaviestOf returns the largest magnitudes of the weights of direct synapses, in units, and of modulators, in steps.
function heaviestOf(network) {
	let direct = 0
	let modulator = 0
	for (const s of network.synapses) {
		const heavy = Math.max(Math.abs(s.weight), Math.abs(s.weight_to ?? 0))
		if (s.kind === 'modulator') modulator = Math.max(modulator, heavy)
		else direct = Math.max(direct, heavy, Math.abs(s.learnt ?? 0))
	}
	return [direct, modulator]
}

function Graph({robot, network, large}) {
	const [unfolded, setUnfolded] = useState(() => unfoldedAtFirst(network))
	const [wanted, setWanted] = useState('')
	const [at, setAt] = useState('') // the node that the keyboard is at
	const [note, setNote] = useState('')
	const [table, setTable] = useState(false)
	const frame = useRef(null)
	const elements = useRef(new Map())

	const graph = useMemo(() => build(network, unfolded), [network, unfolded])
	const [width, setWidth] = useState(0)
	const placed = useMemo(() => layout(graph, {width}), [graph, width])
	const shifts = useMemo(() => lanes(graph.edges), [graph])
	const nodes = useMemo(() => new Map(graph.nodes.map(n => [n.id, n])), [graph])
	const plastic = useMemo(() => network.synapses.some(s => s.plastic), [network])
	const pan = usePanZoom(frame, placed, large, setWidth)
	const lights = useLight(robot, graph, elements, frame, !table)
	useEffect(() => robot.watch(plastic ? {spikes: true, learning: true} : {spikes: true}), [robot, plastic])

	const now = weightsNow(network, plastic ? robot.learning.value : null)
	const [heaviest, steps] = useMemo(() => heaviestOf(network), [network])
	const scale = changeScale(network.synapses, now)
	const hits = new Set(found(graph, wanted))
	const current = nodes.has(at) ? at : graph.nodes[0].id
	const name = chosen.value[robot.name]
	const selected = name ? graph.nodeOf.get(name) : ''
	const near = new Set(selected ? graph.edges.filter(e => e.from === selected || e.to === selected).map(e => e.id) : [])

	const go = id => {
		if (!id) return
		setAt(id)
		pan.reveal(placed.places.get(id))
		elements.current.get(id)?.focus()
	}
	const open = node => {
		setAt(node.id)
		if (node.type === 'neuron') choose(robot, node.members[0])
	}
	const fold = node => {
		const after = new Set(unfolded)
		if (unfolded.has(node.population)) after.delete(node.population)
		else after.add(node.population)
		if (after.size > unfolded.size && size(network, after) > most) return setNote(t.tooMany(node.population, most))
		setNote('')
		setUnfolded(after)
	}
	const keys = (event, node) => {
		const done = () => { event.preventDefault(); event.stopPropagation() }
		if (event.altKey || event.ctrlKey || event.metaKey) return
		if (event.key.startsWith('Arrow')) { done(); go(next(graph, placed.places, node.id, event.key)) }
		else if (event.key === 'Enter' || event.key === ' ') { done(); open(node) }
		else if (event.key === '+' || event.key === '=') { done(); pan.by(1.25) }
		else if (event.key === '-') { done(); pan.by(0.8) }
		else if (event.key === '0') { done(); pan.whole() }
		else if (event.key === 'f' && node.population) { done(); fold(node) }
	}
	const search = event => {
		event.preventDefault()
		const ids = [...hits]
		if (ids.length) go(ids[(ids.indexOf(current) + 1) % ids.length])
	}
	const many = [...populations(network)]
	return html`<div class="graph">
		<form class="tools" role="search" aria-label=${t.search} onSubmit=${search}>
			<input type="search" value=${wanted} placeholder=${t.search} aria-label=${t.search}
				onInput=${e => setWanted(e.currentTarget.value)} />
			<span class="count" aria-live="polite">${wanted && t.hits(hits.size)}</span>
			<button type="button" onClick=${() => pan.by(0.8)} aria-label=${t.smaller}>−</button>
			<button type="button" onClick=${() => pan.by(1.25)} aria-label=${t.larger}>+</button>
			<button type="button" onClick=${pan.whole}>${t.whole}</button>
			<button type="button" aria-pressed=${table} onClick=${() => setTable(!table)}>${t.table}</button>
			<button type="button" title=${t.reloadWhy} onClick=${() => robot.loadNetwork()}>${t.reload}</button>
		</form>
		${many.length > 0 && html`<div class="populations" role="group" aria-label=${t.populations}>${t.populations}:
			${many.map(([population, count]) => html`<button type="button" key=${population} aria-pressed=${unfolded.has(population)}
				onClick=${() => fold({population})}>${population} ×${count}</button>`)}</div>`}
		${network.grouped && html`<p class="note">${t.grouped}</p>`}
		<p class="note" role="status">${note}</p>
		${table ? html`<${List} network=${network} now=${now} choose=${n => choose(robot, n)}/>`
			: html`<div class="frame" ref=${frame} style=${{aspectRatio: `${placed.width} / ${placed.height}`}} ...${pan.handlers}>
			<svg role="group" aria-label=${t.summary(graph.nodes.length, network.synapses.length)} width="100%" height="100%"
				data-nodes=${graph.nodes.length} data-edges=${graph.edges.length}>
				<g ref=${pan.stage}>
					${graph.edges.map(e => html`<${Edge} key=${e.id} edge=${e} network=${network} now=${now} nodes=${nodes}
						placed=${placed} shift=${shifts.get(e.id)} heaviest=${e.kind === 'modulator' ? steps : heaviest}
						scale=${scale} dim=${selected && !near.has(e.id)} strong=${near.has(e.id)}/>`)}
					${graph.nodes.map(n => html`<${Node} key=${n.id} node=${n} place=${placed.places.get(n.id)} lights=${lights}
						current=${n.id === current} selected=${n.id === selected} hit=${hits.has(n.id)} elements=${elements}
						onKeyDown=${e => keys(e, n)} onClick=${() => !pan.moved() && open(n)} onFocus=${() => setAt(n.id)}/>`)}
				</g>
			</svg>
		</div>
		<p class="hint">${t.keys}</p>`}
		<${Legend} plastic=${plastic} kinds=${new Set(graph.edges.map(e => e.kind))} />
	</div>`
}

export const panel = {id: 'circuit', title: t.title, available: () => true, View}
