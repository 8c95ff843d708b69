// Sensors and actuators over time: a chart for each unit, lanes for texts and for what is stale or held.

import './series.css'
import '../time/time.css'
import {html, useComputed, useEffect, useRef, useSignal} from '../view.js'
import {cursor} from '../cursor.js'
import {texts} from '../texts.js'
import {Axis, useWidth} from '../time/axis.js'
import {bandsOf} from '../time/bands.js'
import {Chart, dashes} from '../time/chart.js'
import {edge, key, pointers, shift} from '../time/control.js'
import {groups, limits} from '../time/groups.js'
import {Lanes, tall} from '../time/lanes.js'
import {onFrame} from '../time/loop.js'
import {readingsOf} from '../time/readings.js'
import {clock, duration, number} from '../time/ticks.js'
import {TimeBar, useBeat} from '../time/timebar.js'
import {unit} from '../time/unit.js'

const words = texts.series

// many is from how many devices on a filter is offered. low and high are the heights of a chart in units, the latter of a large
// panel.
const many = 8, low = 92, high = 150

function View({robot, large}) {
	const readings = readingsOf(robot), root = useRef(), filter = useSignal(''), hidden = useSignal(new Set())
	const fitted = useSignal(false), beat = useBeat(1000)
	const described = robot.describe.value
	beat.value // texts and spans come by and by
	const fits = ({name}) => filter.value.toLowerCase().split(/[\s,]+/).some(part => name.toLowerCase().includes(part))
	const sensors = (described?.sensors ?? []).filter(fits), actuators = (described?.actuators ?? []).filter(fits)
	const written = ({name, kind}) => kind === 'label' || readings.actuators.get(name)?.text
	const labels = new Set(actuators.filter(written).map(({name}) => name))
	const charts = [...groups('sensors', sensors, labels), ...groups('actuators', actuators, labels)]
	const all = (described?.sensors?.length ?? 0) + (described?.actuators?.length ?? 0)
	const toggle = name => {
		const next = new Set(hidden.value)
		if (!next.delete(name)) next.add(name)
		hidden.value = next
	}
	const press = event => {
		if (key(event, robot)) return
		const by = {ArrowLeft: -1, ArrowRight: 1}[event.key]
		if (!by) return
		event.preventDefault()
		shift(by * (event.shiftKey ? 0.002 : 0.02), edge(robot, performance.now()))
	}
	const width = useWidth(root)
	const one = unit(), gutter = Math.round(Math.min(136 * one, Math.max(67 * one, width * 0.17)))
	const room = Math.min(2.5 * high * one, innerHeight * 0.6 / charts.length) // of a chart in a large panel
	const height = Math.round(large ? Math.max(high * one, room) : low * one)
	return html`<div class="series" ref=${root}>
		<${TimeBar} robot=${robot}>
			${all > many && html`<input type="search" class="time-filter" aria-label=${words.filter} placeholder=${words.filter}
				value=${filter.value} onInput=${event => { filter.value = event.target.value }}/>`}
			<button type="button" class="series-fit" aria-pressed=${fitted.value} title=${words.fitHint}
				onClick=${() => { fitted.value = !fitted.value }}>${words.fit}</button>
		<//>
		<div class="series-all" tabindex="0" role="application" aria-label=${words.field} aria-describedby="series-keys"
			onKeyDown=${press} onBlur=${() => { cursor.value = null }}>
			${width > 0 && charts.map(chart => html`<${ChartBox} key=${chart.key}
				...${{chart, robot, readings, hidden, toggle, gutter, width, fitted, height}}/>`)}
			<${LaneBox} title=${words.texts} robot=${robot} lanes=${[...labels].map(name => label(readings, name))}/>
			<${LaneBox} title=${words.troubles} robot=${robot} lanes=${troubles(readings, fits)}/>
			<div class="time-rows"><span class="time-unit">${words.axis}</span><${Axis} width=${width - gutter}/></div>
		</div>
		<p id="series-keys" class="hidden">${words.keys}</p>
		<${At}/>
		<ul class="time-notes">${missing(robot, described, sensors, actuators, filter.value)
			.map(note => html`<li key=${note}>${note}</li>`)}</ul>
		<${Table} robot=${robot} readings=${readings} described=${described}/>
	</div>`
}

// label returns the lane of an actuator with texts.
function label(readings, name) {
	const device = () => readings.actuators.get(name)
	return {name, bands: (from, to) => (device() ? bandsOf(device())(from, to) : []), now: () => device()?.value}
}

// troubles returns lanes for the sensors that were stale and the actuators that were held.
function troubles(readings, fits) {
	const lanes = []
	for (const [spans, word] of [[readings.stale, words.staleLane], [readings.held, words.heldLane]]) {
		for (const [name, {list}] of spans) {
			if (!list.length || !fits({name})) continue
			const bands = (from, to) => (spans.get(name)?.between(from, to) ?? [])
				.map(span => ({...span, text: word(span.text), kind: 'warning'}))
			lanes.push({name, bands, now: () => spans.get(name)?.now ?? ''})
		}
	}
	return lanes
}

function missing(robot, described, sensors, actuators, filter) {
	const notes = []
	if (!described) return [words.noDescription]
	if (!described.sensors?.length) notes.push(words.noSensors)
	if (!described.actuators?.length) notes.push(words.noActuators)
	if (filter && !sensors.length && !actuators.length) notes.push(words.noMatch)
	const readings = readingsOf(robot), late = (robot.time() - readings.heard) / 1000
	const silent = sensors.filter(({name}) => !readings.sensors.has(name)).map(({name}) => name)
	if (isNaN(readings.heard)) notes.push(words.nothing)
	else if (late > 3) notes.push(words.late(duration(late)))
	else if (silent.length) notes.push(words.noReading(silent.join(', ')))
	return notes
}

function ChartBox({chart, robot, readings, hidden, toggle, gutter, width, fitted, height}) {
	const element = useRef(), plot = useRef()
	const names = chart.names.join('\n')
	const lines = useComputed(() => { // follows the parameters
		const paths = [...robot.parameters.value.keys()]
		return Object.fromEntries(chart.names.map(name => [name, limits(chart.kind, name, paths)
			.map(({path, limit}) => ({value: robot.parameter(path).value?.v, limit, name}))
			.filter(({value}) => typeof value === 'number')]))
	})
	useEffect(() => {
		plot.current = new Chart(element.current, {
			unit: chart.unit, height, gutter, fitted: () => fitted.peek(),
			unknown: (from, to) => readings.unknown(from, to, robot.time()),
			lines: chart.names.map(name => ({
				device: () => readings[chart.kind].get(name), limits: () => lines.peek()[name] ?? [],
				shown: () => !hidden.peek().has(name),
			})),
		})
		const x = event => event.clientX - element.current.getBoundingClientRect().left - gutter
		const move = event => { cursor.value = plot.current.timeAt(x(event)) }
		const leave = () => { cursor.value = null }
		element.current.addEventListener('pointermove', move)
		element.current.addEventListener('pointerleave', leave)
		const ends = [
			pointers(element.current, robot, {timeAt: at => plot.current.timeAt(at - gutter), width: () => width - gutter}),
			onFrame(element.current, now => {
				const time = edge(robot, now)
				if (isFinite(time)) plot.current.draw(now, time)
			}),
		]
		return () => {
			ends.forEach(end => end())
			plot.current.destroy()
		}
	}, [robot, names, chart.unit, gutter, height])
	useEffect(() => { plot.current.resize(width, height) }, [width, height])
	plot.current && (plot.current.dirty = true) // what is hidden or fitted may have changed
	hidden.value; fitted.value; lines.value
	return html`<div class="series-chart" data-chart=${chart.key} data-unit=${chart.unit}>
		<${Legend} ...${{chart, readings, hidden, toggle, robot}}/>
		<div class="series-field" ref=${element}></div>
	</div>`
}

// Legend has the present values, and those at the time of the cursor. Its buttons hide lines.
function Legend({chart, readings, hidden, toggle, robot}) {
	useBeat(250).value
	const safety = robot.health.value?.safety
	return html`<ul class="series-legend">${chart.names.map((name, i) => {
		const device = readings[chart.kind].get(name), unit = chart.unit
		const stale = chart.kind === 'sensors' && safety?.stale?.includes(name), held = safety?.held?.[name]
		const age = device ? Math.max(0, (robot.time() - device.ts) / 1000) : NaN
		const then = cursor.value === null || !device ? NaN : device.history.at(cursor.value)
		return html`<li key=${name} data-device=${name} data-kind=${chart.kind} data-value=${device?.value} data-unit=${unit}
			data-ts=${device?.ts} data-stale=${Boolean(stale)} data-held=${held?.join(', ') ?? ''}>
			<button type="button" aria-pressed=${!hidden.value.has(name)} title=${words.toggle(name)} onClick=${() => toggle(name)}>
				<${Sample} index=${i}/>${name} <b class=${stale ? 'series-stale' : ''}>${number(device?.value)}</b>
				${unit && html`<span class="series-unit"> ${unit}</span>`}
				${!isNaN(then) && html`<span class="series-at"> ${words.then(number(then))}</span>`}
				${stale && html`<span class="series-stale"> ${words.stale(duration(age))}</span>`}
				${held && html`<span class="series-held"> ${words.held(held.join(', '))}</span>`}
			</button></li>`
	})}</ul>`
}

function Sample({index}) {
	return html`<svg viewBox="0 0 30 10" aria-hidden="true"><line x1="0" y1="5" x2="30" y2="5" stroke=${`var(--series-${index + 1})`}
		stroke-width="3" stroke-dasharray=${dashes[index].join(' ') || null}/></svg>`
}

// LaneBox draws lanes with their names.
function LaneBox({title, lanes, robot}) {
	const canvas = useRef(), latest = useRef(lanes), drawn = useRef({})
	latest.current = lanes
	const some = lanes.length > 0
	useEffect(() => {
		if (!some) return
		const painter = new Lanes(canvas.current), readings = readingsOf(robot)
		const axis = {timeAt: x => drawn.current.time - (1 - x / canvas.current.clientWidth) * drawn.current.length,
			width: () => canvas.current.clientWidth}
		const move = event => { cursor.value = axis.timeAt(event.clientX - canvas.current.getBoundingClientRect().left) }
		const leave = () => { cursor.value = null }
		canvas.current.addEventListener('pointermove', move)
		canvas.current.addEventListener('pointerleave', leave)
		const ends = [pointers(canvas.current, robot, axis), onFrame(canvas.current, now => {
			drawn.current = painter.follow(now, edge(robot, now), latest.current.map(({bands}) => bands),
				(from, to) => readings.unknown(from, to, robot.time()))
		})]
		return () => ends.forEach(end => end())
	}, [robot, some])
	if (!some) return null
	return html`<div class="series-lanes"><h3>${title}</h3><div class="time-rows">
		<div class="series-names">${lanes.map(({name, now}) => html`<div key=${name} title=${name}
			data-lane=${name} data-value=${now()}>${name}</div>`)}</div>
		<canvas ref=${element => {
			canvas.current = element
			if (element) element.style.height = `${lanes.length * tall * unit()}px`
		}}></canvas>
	</div></div>`
}

function At() {
	return html`<p class="time-under">${cursor.value === null ? html`<span class="muted">${words.pointAt}</span>`
		: html`<span data-cursor=${cursor.value}>${words.at(clock(cursor.value, true))}</span>`}</p>`
}

// Table has the present values for screen readers.
function Table({robot, readings, described}) {
	useBeat(1000).value
	const safety = robot.health.value?.safety
	const row = (kind, {name}) => {
		const device = readings[kind].get(name), stale = kind === 'sensors' && safety?.stale?.includes(name)
		const held = safety?.held?.[name]?.join(', ')
		return html`<tr key=${`${kind} ${name}`}><th scope="row">${name}</th>
			<td>${device ? (device.text ? device.value : `${number(device.value)} ${device.unit ?? ''}`) : words.none}</td>
			<td>${stale ? words.staleLane() : ''} ${held ? words.held(held) : ''}</td></tr>`
	}
	return html`<div class="hidden"><table><caption>${words.table}</caption>
		<thead><tr><th>${words.name}</th><th>${words.value}</th><th>${words.state}</th></tr></thead>
		<tbody>${(described?.sensors ?? []).map(one => row('sensors', one))}
			${(described?.actuators ?? []).map(one => row('actuators', one))}</tbody></table></div>`
}

export const panel = {id: 'series', title: words.title, available: () => true, View}
