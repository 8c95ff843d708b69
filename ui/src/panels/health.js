// Health: how late the control loop is, what it drops, the machine, and the events of the last hour.

import './health.css'
import {html} from '../view.js'
import {texts} from '../texts.js'
import {duration, grouped, number} from '../time/ticks.js'
import {counters, figures, read, trendsOf} from '../time/trends.js'
import {Events} from './events.js'

const words = texts.health

// quantiles are the columns of the latencies; latencies the rows, with the key of tele/health.
const quantiles = ['p50', 'p99', 'p99_9', 'max', 'count']
const latencies = ['edge_to_write_us', 'spike_to_write_us', 'latency_us']

// width and height of a trend, in units of its picture.
const width = 120, height = 22

function View({robot}) {
	const health = robot.health.value, trends = trendsOf(robot)
	if (!health) return html`<div class="health"><p class="muted">${words.nothing}</p><${Events} robot=${robot}/></div>`
	return html`<div class="health" data-ts=${health.ts}>
		<${Latencies} health=${health}/>
		<${Figures} health=${health} trends=${trends}/>
		<${Safety} health=${health}/>
		<${Ages} robot=${robot} health=${health}/>
		<${Realtime} realtime=${health.realtime ?? {}}/>
		<${Events} robot=${robot}/>
	</div>`
}

// micros returns microseconds in a unit that can be read.
const micros = us => (us >= 1e6 ? `${number(us / 1e6, 3)} s` : us >= 1000 ? `${number(us / 1000, 3)} ms` : `${number(us, 3)} µs`)

function Latencies({health}) {
	return html`<section><h3 id="health-latency">${words.latency}</h3>
		<div class="health-scroll" role="region" tabindex="0" aria-labelledby="health-latency">
		<table><thead><tr><th scope="col">${words.from}</th>
			${quantiles.map(q => html`<th key=${q} scope="col" title=${words.quantiles[q].about}>
			${words.quantiles[q].name} <span class="health-about">${words.quantiles[q].short}</span></th>`)}</tr></thead>
		<tbody>${latencies.map(key => {
			const one = health[key] ?? {}
			return html`<tr key=${key}><th scope="row">${words.latencies[key].name}</th>
				${quantiles.map(q => html`<td key=${q} data-health=${`${key}.${q}`} data-value=${one[q]}>
					${q === 'count' ? grouped(one[q] ?? 0) : one.count ? micros(one[q]) : '–'}</td>`)}</tr>`
		})}</tbody></table></div>
		<p class="health-about">${words.sinceStart}</p>
		${latencies.map(key => html`<p key=${key} class="health-about"><b>${words.latencies[key].name}</b>:
			${' '}${words.latencies[key].about}</p>`)}</section>`
}

function Figures({health, trends}) {
	const row = (key, value, about, note) => html`<tr key=${key}><th scope="row">${words.figures[key].name}
			<span class="health-about">${about}</span></th>
		<td data-health=${key} data-value=${read(health, key)}>${value}
			${note && html`<br/><span class="health-note">${note}</span>`}</td>
		<td><svg class="health-trend" viewBox=${`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img"
			aria-label=${words.trend(words.figures[key].name)}><polyline points=${trends.line(key, width, height)}/></svg></td></tr>`
	const bad = new Set(['drops', 'late_inputs', 'bridge.dropped', 'bridge.malformed']) // that grow when something is wrong
	return html`<section><h3>${words.figuresTitle}</h3><table>
		<thead class="health-head"><tr><th scope="col">${words.figure}</th><th scope="col">${words.value}</th>
			<th scope="col">${words.minutes}</th></tr></thead>
		<tbody>
		${figures.map(key => {
			const value = read(health, key)
			const text = value === undefined ? words.unknown : `${number(value)} ${words.figures[key].unit}`
			return row(key, text, words.figures[key].about)
		})}
		${counters.map(key => {
			const grown = trends.grown(key)
			const note = bad.has(key) && grown > 0 && words.grown(grouped(grown))
			return row(key, grouped(read(health, key) ?? 0), words.figures[key].about, note)
		})}</tbody></table>
		<dl class="health-pairs">
			<dt>${words.spikes}</dt><dd data-health="spikes" data-value=${health.spikes}>${grouped(health.spikes ?? 0)}</dd>
			<dt>${words.uptime}</dt><dd data-health="uptime_s" data-value=${health.uptime_s}>${uptime(health.uptime_s)}</dd>
		</dl></section>`
}

// uptime returns seconds as days, hours and minutes.
function uptime(seconds) {
	const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60), days = Math.floor(hours / 24)
	if (days) return words.days(days, hours % 24)
	if (hours) return words.hours(hours, minutes % 60)
	return minutes ? words.minutesSeconds(minutes, Math.floor(seconds % 60)) : duration(Math.floor(seconds))
}

function Safety({health: {safety = {}}}) {
	const held = Object.entries(safety.held ?? {}), stale = safety.stale ?? []
	return html`<section><h3>${words.safety}</h3><dl class="health-pairs">
		<dt>${words.state}</dt><dd data-health="safety.state" data-value=${safety.state}>${texts.header[safety.state] ?? safety.state}
			${safety.by && ` (${texts.header.stoppedBy(safety.by)})`}${safety.by_hand && ` (${texts.header.byHand})`}</dd>
		<dt>${words.held}</dt><dd>${held.length === 0 ? words.none : html`<ul class="health-list">
			${held.map(([name, reasons]) => html`<li key=${name} class="health-note"
				data-held=${name} data-value=${reasons.join(', ')}>${name}: ${reasons.join(', ')}</li>`)}</ul>`}</dd>
		<dt>${words.stale}</dt><dd data-health="safety.stale" data-value=${stale.join(',')}>
			${stale.length ? html`<span class="health-note">${stale.join(', ')}</span>` : words.none}</dd>
		${safety.light && html`<dt>${words.light}</dt><dd data-health="safety.light" data-value=${safety.light}>${safety.light}</dd>`}
	</dl></section>`
}

function Ages({robot, health}) {
	const ages = Object.entries(health.sensor_age_s ?? {}), stale = new Set(health.safety?.stale ?? [])
	const known = new Set(ages.map(([name]) => name))
	const never = (robot.describe.value?.sensors ?? []).map(({name}) => name).filter(name => !known.has(name))
	if (!ages.length && !never.length) return null
	return html`<section><h3>${words.ages}</h3><dl class="health-pairs">
		${ages.sort(([a], [b]) => a.localeCompare(b)).map(([name, age]) => html`<dt key=${name}>${name}</dt>
			<dd data-age=${name} data-value=${age}>${duration(age)}
				${stale.has(name) && html` <span class="health-note">${words.isStale}</span>`}</dd>`)}
		${never.map(name => html`<dt key=${name}>${name}</dt><dd>${words.never}</dd>`)}
	</dl></section>`
}

function Realtime({realtime}) {
	const {scheduler, memory_locked: locked, memory_limit_bytes: limit, refused = []} = realtime
	return html`<section><h3>${words.realtime}</h3><dl class="health-pairs">
		<dt>${words.scheduler}</dt><dd data-health="realtime.scheduler" data-value=${scheduler}>
			${scheduler === 'shared' ? words.shared : scheduler}</dd>
		<dt>${words.memory}</dt><dd data-health="realtime.memory_locked" data-value=${locked}>
			${locked ? words.locked : words.notLocked}</dd>
		<dt>${words.memoryLimit}</dt><dd data-health="realtime.memory_limit_bytes" data-value=${limit ?? 0}>
			${limit ? `${number(limit / (1 << 20))} MiB` : words.noLimit}</dd>
		${refused.length > 0 && html`<dt>${words.refused}</dt><dd><ul class="health-list">
			${refused.map(text => html`<li key=${text} class="health-note" data-refused>${text}</li>`)}</ul></dd>`}
	</dl></section>`
}

export const panel = {id: 'health', title: words.title, available: () => true, View}
