// Rewards and learning: teach the robot, and see what it has learnt.
import './learning.css'
import {html, useEffect, useMemo, useState} from '../view.js'
import {texts} from '../texts.js'
import {History} from './learning/history.js'
import {chosen, perSecond, scoreNames, settled} from './learning/choose.js'
import {Chart, Swatch} from './learning/chart.js'
import {Weights} from './learning/weights.js'
import {Teach, Keep} from './learning/teach.js'

const t = texts.learning

// Records are what was seen of each robot's learning. They outlive a hidden panel.
const records = new WeakMap()

// recordOf returns the record of a robot, a fresh one if the robot has other plastic synapses or rewards than before.
function recordOf(robot, synapses, rewards) {
	const key = JSON.stringify([synapses.map(s => s.path), rewards])
	let record = records.get(robot)
	if (record?.key !== key) {
		record = {key, weights: new History(synapses.length), short: new History(synapses.length),
			rates: new History(2 * rewards.length),
			before: null, lines: []}
		records.set(robot, record)
	}
	return record
}

function View({robot, large}) {
	const network = robot.network.value
	const rewards = robot.describe.value?.rewards ?? []
	const synapses = useMemo(() => (network?.synapses ?? []).filter(s => s.plastic), [network])
	const record = recordOf(robot, synapses, rewards)
	const [filter, setFilter] = useState('')
	useEffect(() => robot.watch({learning: true}), [robot])
	useEffect(() => robot.on('learning', message => {
		const now = recordOf(robot, synapses, rewards)
		if (now.before && message.ts < now.before.ts) { // the robot started again
			records.delete(robot)
			return
		}
		if (message.weights?.length === synapses.length && synapses.length) {
			now.weights.add(message.ts, message.weights)
			now.short.add(message.ts, message.short_term ?? [])
		}
		const rates = perSecond(now.before, message)
		if (rates && rewards.length) now.rates.add(message.ts, rewards.flatMap(r => [rates[r]?.for ?? 0, -(rates[r]?.against ?? 0)]))
		now.before = message
	}), [robot, synapses, rewards.join()])

	const learning = robot.learning.value
	if (!network && robot.link.value !== 'online') return html`<p class="muted">${t.offline}</p>`
	record.lines = settled(record.lines, chosen(synapses, learning?.weights, filter))
	return html`<div class="learning">
		<${Teach} robot=${robot} rewards=${rewards} counts=${learning?.rewards} />
		<${Keep} robot=${robot} learns=${synapses.length > 0} />
		${rewards.length > 0 && html`<h3>${t.rewardRate}</h3>
			<${Rates} record=${record} rewards=${rewards} now=${learning?.ts} large=${large}/>`}
		<h3>${t.weights}</h3>
		${synapses.length === 0 ? html`<p class="muted">${t.nothingLearns}</p>`
			: html`<${Weights} record=${record} synapses=${synapses} learning=${learning} filter=${filter} setFilter=${setFilter}
				large=${large} grouped=${network.grouped}/>`}
		<${Episodes} robot=${robot} large=${large} />
	</div>`
}

// Rates draws the spikes for and against a second of each reward.
function Rates({record, rewards, now, large}) {
	const data = [record.rates.allTimes().map(ts => ts / 1000)]
	rewards.forEach((_, i) => data.push(record.rates.line(2 * i), record.rates.line(2 * i + 1)))
	const series = rewards.flatMap((name, i) => [
		{label: t.forReward(name), hue: i, steps: true}, {label: t.againstReward(name), hue: i, steps: true, dash: [4, 3]}])
	if (data[0].length < 2) return html`<p class="muted">${t.collecting}</p>`
	return html`<${Chart} data=${data} series=${series} stamp=${now} height=${large ? 260 : 130} unit=${t.perSecond}
		label=${t.rewardRate} />
		<ul class="key">${series.map(s => html`<li key=${s.label}><${Swatch} index=${s.hue}
			dash=${s.dash ?? []} />${s.label}</li>`)}</ul>`
}

// Episodes draws a score of each episode, and lists the last ones.
function Episodes({robot, large}) {
	const episodes = robot.episodes.value
	const names = useMemo(() => scoreNames(episodes), [episodes])
	const [wanted, setWanted] = useState('')
	const [more, setMore] = useState(false)
	const name = names.includes(wanted) ? wanted : names[0]
	const values = episodes.map(e => e.score?.values?.[name] ?? null)
	const list = episodes.slice(more ? -100 : -5).reverse()
	return html`<h3>${t.episodes}</h3>
		${episodes.length === 0 ? html`<p class="muted">${t.noEpisodes}</p>` : html`
		<label>${t.score} <select value=${name} onChange=${e => setWanted(e.currentTarget.value)}>
			${names.map(n => html`<option key=${n} value=${n}>${n}</option>`)}</select></label>
		${episodes.length > 1 && name && html`<${Chart} data=${[episodes.map(e => e.episode), values]}
			series=${[{label: name, hue: 0, points: true}]}
			stamp=${episodes.length} height=${large ? 260 : 140} unit="" label=${t.scoreOver(name)} count=${true}/>`}
		<div class="scroll" tabindex="0" role="region" aria-label=${t.episodes}><table class="episodes">
			<thead><tr><th scope="col" class="number">${t.episode}</th><th scope="col">${t.result}</th><th scope="col"
				class="number">${name}</th></tr></thead>
			<tbody>${list.map(e => html`<tr key=${e.episode} data-episode=${e.episode} class=${e.score?.reached ? 'reached' : ''}>
				<td class="number">${e.episode}</td><td>${e.score?.reached ? `✓ ${t.reached} · ` : ''}${e.score?.text}</td>
				<td class="number">${e.score?.values?.[name] === undefined ? ''
					: t.number(e.score.values[name])}</td></tr>`)}</tbody></table></div>
		${episodes.length > 5 && html`<button type="button" onClick=${() => setMore(!more)}>${more ? t.fewer : t.more}</button>`}`}`
}

export const panel = {id: 'learning', title: t.title, available: () => true, View}
