// The raster: when each neuron spikes, over the rate of the network and of its groups.

import './raster.css'
import '../time/time.css'
import {html, useEffect, useRef, useSignal} from '../view.js'
import {span} from '../cursor.js'
import {texts} from '../texts.js'
import {Axis, useWidth} from '../time/axis.js'
import {key} from '../time/control.js'
import {RasterPlot} from '../time/rasterplot.js'
import {roles} from '../time/rows.js'
import {spikesOf} from '../time/spikestore.js'
import {clock, duration, number} from '../time/ticks.js'
import {TimeBar, useBeat} from '../time/timebar.js'

const words = texts.raster

// readable is the least height of a row, in units, at which its neuron's name can be read beside it.
const readable = 11

// listed is how many neurons the table for screen readers has at most; of a larger network it has the populations.
const listed = 64

function View({robot, large}) {
	const field = useRef(), dots = useRef(), over = useRef(), strip = useRef(), plot = useRef()
	const width = useWidth(field)
	const said = useSignal('') // for screen readers: what the keys have moved to
	const layout = useSignal(0), filter = useSignal(''), collapsed = useSignal(new Set()), under = useSignal(null)
	const say = () => { under.value = plot.current?.under() ?? null }
	useEffect(() => {
		const elements = {field: field.current, dots: dots.current, over: over.current, strip: strip.current}
		plot.current = new RasterPlot(elements, robot, large, () => { layout.value++ })
		plot.current.show(filter.value, collapsed.value)
		return () => {
			plot.current.end()
			plot.current = null
		}
	}, [robot, large])
	useEffect(() => { plot.current?.show(filter.value, collapsed.value) }, [filter.value, collapsed.value])
	const fold = name => {
		const next = new Set(collapsed.value)
		if (!next.delete(name)) next.add(name)
		collapsed.value = next
	}
	const press = event => {
		if (key(event, robot)) return
		const far = event.shiftKey ? 1 : 8
		const move = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -far], ArrowRight: [0, far]}[event.key]
		if (move) plot.current.step(...move)
		else if (event.key === 'Enter' && under.value?.row?.population) fold(under.value.row.population)
		else return
		event.preventDefault()
		say()
		if (under.value) said.value = meaning(robot, under.value).join(' ')
	}
	const hover = event => {
		const box = field.current.getBoundingClientRect()
		plot.current.hover(event.clientX - box.left, event.clientY - box.top)
		say()
	}
	const leave = () => {
		plot.current?.leave()
		under.value = null
	}
	const populations = (robot.describe.value?.neurons ?? []).filter(({count}) => count > 1).map(({name}) => name)
	return html`<div class="raster" data-large=${large ? '' : null}>
		<${TimeBar} robot=${robot}>
			<input type="search" class="time-filter" aria-label=${words.filter} placeholder=${words.filter} value=${filter.value}
				onInput=${event => { filter.value = event.target.value }}/>
			${populations.length > 0 && html`<button type="button"
				onClick=${() => { collapsed.value = new Set(collapsed.value.size ? [] : populations) }}>
				${collapsed.value.size ? words.expandAll : words.collapseAll}</button>`}
		</>
		<div class="time-rows">
			<${Names} plot=${plot.current} layout=${layout.value} collapsed=${collapsed.value} fold=${fold}/>
			<div class="raster-field" ref=${field} tabindex="0" role="application" aria-label=${words.field} title=${words.hint}
				aria-describedby="raster-keys" onKeyDown=${press} onPointerMove=${hover} onPointerLeave=${leave} onBlur=${leave}>
				<canvas ref=${dots}></canvas><canvas ref=${over}></canvas>
			</div>
			<${Scale} plot=${plot}/>
			<canvas class="raster-strip" ref=${strip}></canvas>
			<span class="time-unit">${words.axis}</span>
			<${Axis} width=${width}/>
		</div>
		<p id="raster-keys" class="hidden">${words.keys}</p>
		<p class="hidden" role="status">${said.value}</p>
		<${Under} robot=${robot} under=${under} say=${say}/>
		<${Summary} robot=${robot} plot=${plot}/>
	</div>`
}

// Names writes the names of rows, populations and groups beside the field, where there is room.
function Names({plot, collapsed, fold}) {
	if (!plot?.placed) return html`<div class="raster-names"></div>`
	const {arranged: {rows}, placed: {top, size, areas}, unit} = plot, shown = [], least = readable * unit
	let free = 0 // the first line on which nothing is written yet
	let population = ''
	rows.forEach((row, i) => {
		const first = row.population && row.population !== population
		population = row.population
		if (first && top[i] >= free - 1) {
			const folded = collapsed.has(row.population)
			const tall = Math.max(least + 1, Math.min(size, 18 * unit))
			shown.push(html`<button type="button" key=${`p ${row.population}`} class="raster-fold" aria-expanded=${!folded}
				title=${folded ? words.expand(row.population) : words.collapse(row.population)}
				ref=${at(top[i], tall)} onClick=${() => fold(row.population)}>
				<span aria-hidden="true">${folded ? '▸' : '▾'}</span> ${row.population}</button>`)
			free = top[i] + tall
		} else if (size >= least && top[i] >= free - 1) {
			shown.push(html`<span key=${`n ${row.label}`} class="raster-name" title=${row.label} ref=${at(top[i], size)}>
				${row.label}</span>`)
			free = top[i] + size
		} else if (size < least && !row.population && size * 3 >= least && top[i] >= free) {
			shown.push(html`<span key=${`n ${row.label}`} class="raster-name" title=${row.label} ref=${at(top[i], least)}>
				${row.label}</span>`)
			free = top[i] + least
		}
	})
	return html`<div class="raster-names">
		${areas.map(({role, rows: count, top: y}) => html`<span key=${`g ${role}`} class=${`raster-group time-${role || 'inner'}`}
			ref=${at(y - 14 * unit, 13 * unit)}>${words.groups[role]} <span class="raster-count">${count}</span></span>`)}
		${shown}
	</div>`
}

// at returns a function that puts an element at a height. The page's policy allows no style in its text.
const at = (top, height) => element => {
	if (!element) return
	element.style.top = `${top}px`
	element.style.height = element.style.lineHeight = `${height}px`
}

function Scale({plot}) {
	useBeat(250).value
	return html`<div class="raster-scale">
		<span>${number(plot.current?.strip.most ?? 0)}</span><span>${words.rateUnit}</span><span>0</span></div>`
}

// Under says what the cursor means.
function Under({robot, under, say}) {
	const beat = useBeat(250)
	useEffect(() => { if (under.value) say() }, [beat.value])
	const what = under.value
	if (!what) return html`<p class="time-under muted">${words.pointAt}</p>`
	const [name, when, rate] = meaning(robot, what)
	return html`<p class="time-under" data-neuron=${name} data-time=${what.time} data-rate=${what.rate} data-exact=${what.exact}>
		<b>${name}</b> ${when} ${rate}</p>`
}

// meaning returns the neuron, the time and the rate of what is under the cursor, in words.
function meaning(robot, {neurons, row, time, exact, rate}) {
	const name = neurons.length === 1 ? robot.neuronName(neurons[0]) : row?.label
	const when = (exact ? words.spikeAt : words.cursorAt)(clock(time, true))
	return name ? [name, when, words.rateOf(number(rate))] : [words.noNeuron, when, '']
}

// Summary has the present rates, what is missing, and the table for screen readers.
function Summary({robot, plot}) {
	useBeat(500).value
	const store = spikesOf(robot), {names, roles: rolesOf} = robot.names.value
	const shown = plot.current?.right ?? NaN, end = isFinite(shown) ? shown : robot.time(), second = end - 1000
	const each = new Uint32Array(names.length), group = new Uint32Array(roles.length), of = plot.current?.arranged?.groupOf
	let all = 0
	for (const [a, b] of store.ring.slices(second, end)) {
		for (let i = a; i < b; i++) {
			const neuron = store.ring.neurons[i]
			all++
			if (neuron >= each.length) continue
			each[neuron]++
			if (of) group[of[neuron]]++
		}
	}
	const present = plot.current?.arranged?.groups ?? []
	return html`<div class="raster-summary" data-rate=${all} data-received=${store.ring.received} data-kept=${store.ring.length}
			data-overwritten=${store.ring.overwritten} data-refused=${store.ring.refused} data-lost=${store.lost}>
		<ul class="time-legend">
			<li><span class="time-key time-whole"></span>${words.whole}${' '}
				<b data-group="all" data-rate=${all}>${number(all)}</b> ${words.rateUnit}</li>
			${present.length > 1 && present.map(({role, group: g}) => html`<li key=${role}>
				<span class=${`time-key time-${role || 'inner'}`}></span>${words.groups[role]}${' '}
				<b data-group=${role || 'inner'} data-rate=${group[g]}>${number(group[g])}</b> ${words.rateUnit}</li>`)}
			${plot.current?.strip.width > 0 && html`<li>${words.bins(duration(plot.current.strip.width / 1000))}</li>`}
		</ul>
		<${Missing} robot=${robot} store=${store} end=${end} names=${names} rows=${plot.current?.arranged?.rows.length ?? 0}/>
		<${Table} robot=${robot} names=${names} rolesOf=${rolesOf} each=${each} store=${store}/>
	</div>`
}

// Missing says what is not shown, and why.
function Missing({robot, store, end, names, rows}) {
	const {ring} = store, length = span.value * 1000, notes = []
	if (!names.length) notes.push(words.noNeurons)
	else if (!rows) notes.push(words.noMatch)
	if (robot.watchRefused?.value) notes.push(words.refused(robot.watchRefused.value))
	else if (!store.watched) notes.push(words.notWatched)
	const unknown = store.unknown(end - length, end)
	if (names.length && !ring.count(end - length, end)) {
		const whole = unknown.some(({from, to}) => from <= end - length && to >= end)
		if (!whole) notes.push(words.silent(duration(span.value)))
	}
	if (unknown.length) {
		const seconds = unknown.reduce((sum, {from, to}) => sum + to - from, 0) / 1000
		notes.push(ring.overwritten && unknown[0].to === ring.oldest
			? words.notKept(duration(seconds), number(ring.most, 7), duration((end - ring.oldest) / 1000))
			: words.unknown(duration(seconds)))
	}
	if (ring.refused) notes.push(words.pausedFull(number(ring.refused, 7)))
	if (store.lost) notes.push(words.lost(number(store.lost, 7)))
	return html`<ul class="time-notes">${notes.map(note => html`<li key=${note}>${note}</li>`)}</ul>`
}

// Table has the present values for screen readers and tests: of each neuron, or of each population of a large network.
function Table({robot, names, rolesOf, each, store}) {
	const rows = []
	if (names.length <= listed) {
		names.forEach((name, i) => rows.push({name, role: rolesOf[i], rate: each[i], count: store.counts[i] ?? 0,
			latest: store.latest[i] ?? 0}))
	} else {
		let begin = 0
		for (const {name, count} of robot.describe.value?.neurons ?? []) {
			const row = {name, role: rolesOf[begin], rate: 0, count: 0, latest: 0}
			for (const end = begin + Math.max(1, count); begin < end; begin++) {
				row.rate += each[begin]
				row.count += store.counts[begin] ?? 0
				row.latest = Math.max(row.latest, store.latest[begin] ?? 0)
			}
			rows.push(row)
		}
	}
	return html`<div class="hidden"><table><caption>${words.table}</caption>
		<thead><tr><th>${words.neuron}</th><th>${words.group}</th><th>${words.rate}</th><th>${words.count}</th></tr></thead>
		<tbody>${rows.map(({name, role, rate, count, latest}) => html`<tr key=${name} data-neuron=${name} data-rate=${rate}
			data-count=${count} data-latest=${latest}>
			<th scope="row">${name}</th><td>${words.groups[role || '']}</td><td>${rate}</td><td>${count}</td></tr>`)}
		</tbody></table></div>`
}

export const panel = {id: 'raster', title: words.title, available: () => true, View}
