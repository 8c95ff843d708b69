// A neuron as its barrel: how full it is now, what shifts its threshold, its synapses, and fields to change all of it.
import {html, useEffect, useMemo, useState} from '../view.js'
import {texts} from '../texts.js'
import {Parameter} from '../parameter.js'
import {Barrel} from './neuron/picture.js'
import {Samples} from './neuron/samples.js'
import {Trace} from './neuron/trace.js'
import {Synapses} from './neuron/synapses.js'
import {time} from './neuron/numbers.js'
import {keyOf, pathsOf, shared} from './neuron/parameters.js'

const t = texts.neuron
const mostSpikes = 1000 // that one request may send

// Neuron shows one neuron of the robot, live.
export function Neuron({robot, name, close, choose}) {
	const samples = useMemo(() => new Samples(), [robot, name])
	const index = useMemo(() => robot.roles.findIndex((_, i) => robot.neuronName(i) === name), [robot.describe.value, name])
	useEffect(() => {
		const ends = [
			robot.watch({neurons: [name], spikes: true}),
			robot.on('neurons', message => { if (message.neurons?.[name]) samples.add(message.ts, message.neurons[name]) }),
			robot.on('spikes', ({times, neurons}) => {
				for (let i = 0; i < neurons.length; i++) if (neurons[i] === index) samples.spike(times[i])
			}),
		]
		return () => ends.forEach(end => end())
	}, [robot, name, index])

	const state = robot.neurons.value?.neurons?.[name]
	const paths = pathsOf(robot.parameters.value, `network.neurons.${name}`)
	const value = key => robot.parameter(paths.find(p => p.endsWith(`.${key}`)) ?? '')?.value?.v
	const siblings = useMemo(() => members(robot, name), [robot.describe.value, name])
	const configured = value('threshold')
	return html`<section class="neuron" aria-label=${t.title(name)} data-neuron=${name} data-level=${state?.level}
		data-threshold=${state?.threshold} data-floor=${state?.floor} data-refractory=${state?.refractory} data-spikes=${state?.spikes}>
		<header><h3>${t.title(name)}</h3>
			${siblings.length > 1 && html`<label>${t.member} <select value=${name} onChange=${e => choose(e.currentTarget.value)}>
				${siblings.map(s => html`<option key=${s} value=${s}>${s}</option>`)}</select></label>`}
			<button type="button" class="close" onClick=${close} aria-label=${t.close}>×</button></header>
		${robot.watchRefused.value && !state && html`<p class="refusal" role="alert">${robot.watchRefused.value}</p>`}
		<div class="now">
			<${Barrel} state=${state} configured=${configured} leak=${value('leak')} name=${name} />
			<${Numbers} state=${state} configured=${configured} />
		</div>
		<${Trace} robot=${robot} samples=${samples} label=${name} />
		<${Stimulate} robot=${robot} name=${name} />
		<div class="fields" role="group" aria-label=${t.parameters}>
			<h4>${t.parameters}</h4>
			${paths.some(shared) && html`<p class="note">${t.shared}</p>`}
			${paths.length ? paths.map(path => html`<${Parameter} key=${path} robot=${robot} path=${path}
				label=${keyOf(path, `network.neurons.${name}`)}/>`) : html`<p>${t.noParameters}</p>`}
		</div>
		<${Synapses} robot=${robot} name=${name} choose=${choose} />
	</section>`
}

// members returns the names of the population of a neuron.
function members(robot, name) {
	const population = name.replace(/\[\d+\]$/, '')
	if (population === name) return [name]
	return robot.roles.map((_, i) => robot.neuronName(i)).filter(n => n.replace(/\[\d+\]$/, '') === population)
}

// Numbers are the barrel in figures, with bars for what shifts the threshold.
function Numbers({state, configured}) {
	if (!state) return html`<p class="muted">${t.waiting}</p>`
	const raised = [['adaptation', state.adaptation], ['habituation', state.habituation]].filter(([, v]) => v !== undefined)
	return html`<dl class="numbers">
		<dt>${t.level}</dt><dd>${t.units(state.level)}</dd>
		<dt>${t.threshold}</dt><dd>${t.units(state.threshold)}${configured !== undefined
			&& Math.abs(configured - state.threshold) > 1e-6
			? html` <small>${t.instead(configured)}</small>` : ''}</dd>
		<dt>${t.floor}</dt><dd>${t.units(state.floor)}</dd>
		<dt>${t.baseline}</dt><dd>${t.units(state.baseline)}</dd>
		<dt>${t.lid}</dt><dd>${state.refractory ? t.lidOn : t.lidOff}</dd>
		<dt>${t.spikes}</dt><dd>${state.spikes}</dd>
		${raised.map(([key, v]) => html`<dt key=${key}>${t[key]}</dt>
			<dd><${Bar} value=${v} most=${Math.max(configured ?? 1, v)} label=${t[key]} text=${t.units(v, true)} /></dd>`)}
		${state.modulation !== undefined && html`<dt>${t.modulation}</dt>
			<dd><${Bar} value=${state.modulation} most=${127} label=${t.modulation} text=${t.steps(state.modulation)} /></dd>`}
		${Object.entries(state.receptors ?? {}).map(([key, v]) => html`<dt key=${key}>${t.receptor(key)}</dt>
			<dd>${t.shift(key, key === 'pacemaker' ? time(Math.abs(v)) : t.units(Math.abs(v)), v)}</dd>`)}
		${state.burst !== undefined && html`<dt>${t.burst}</dt><dd>${t.toCome(state.burst)}</dd>`}
		${state.fires_us !== undefined && html`<dt>${t.fires}</dt><dd>${t.inTime(time(state.fires_us))}</dd>`}
	</dl>`
}

// Bar shows a number from -most to most, or from 0 to most if it is never below 0.
function Bar({value, most, label, text}) {
	const share = Math.max(-1, Math.min(1, value / most))
	return html`<span class="bar" data-bar=${label} data-value=${value}><span class="track" aria-hidden="true">
		<i class=${value < 0 ? 'below' : ''} style=${{width: `${Math.abs(share) * 50}%`, left: value < 0 ? `${50 + share * 50}%`
			: '50%'}}></i>
		</span> ${text}</span>`
}

// Stimulate sends spikes into the neuron.
function Stimulate({robot, name}) {
	const [count, setCount] = useState('1')
	const [every, setEvery] = useState('10')
	const [answer, setAnswer] = useState({})
	const allowed = robot.may('stimulate')
	const send = event => {
		event.preventDefault()
		const n = Number(count)
		robot.request('stimulate', {stimulate: {[name]: n > 1 ? {count: n, every_us: Math.round(Number(every) * 1000)} : {count: n}}})
			.then(r => setAnswer({text: r.warning || t.sent(r.spikes ?? 0)}), error => setAnswer({text: error.message, refused: true}))
	}
	return html`<form class="stimulate" onSubmit=${send} aria-label=${t.stimulate}>
		<button type="submit" disabled=${!allowed} title=${allowed ? '' : t.mayNot}>${t.stimulate}</button>
		<label>${t.count} <input type="number" min="1" max=${mostSpikes} step="1" required value=${count}
			onInput=${e => setCount(e.currentTarget.value)} /></label>
		<label>${t.every} <input type="number" min="0.001" max="1000" step="any" required value=${every} disabled=${Number(count) <= 1}
			onInput=${e => setEvery(e.currentTarget.value)} /> ms</label>
		<span role="status" class=${answer.refused ? 'refusal' : ''}>${allowed ? answer.text : t.mayNot}</span>
	</form>`
}
