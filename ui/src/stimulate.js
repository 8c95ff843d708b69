// Spikes into one neuron.
import {html, useId, useSignal} from './view.js'
import {amount, read} from './amounts.js'
import {refusal} from './notices.js'
import {WhyNot} from './drive.js'
import {texts} from './texts.js'

const t = texts.hand

// The most that a list for a choice has: beyond, the browser is slow, and nobody looks for a name in it.
const longest = 500

const microseconds = {unit: 'ms', factor: 1000}

export function Stimulate({robot}) {
	const list = useId()
	const {names} = robot.names.value
	const neuron = useSignal(''), count = useSignal('5'), interval = useSignal('2'), said = useSignal('')
	const may = robot.may('stimulate') && robot.live
	const send = event => {
		event.preventDefault()
		said.value = ''
		const every = read(interval.value, 'us', microseconds)
		if (every === null) {
			said.value = t.notAmount(interval.value)
			return
		}
		robot.request('stimulate', {stimulate: {[neuron.value.trim()]: {count: Number(count.value), every_us: Math.round(every)}}})
			.then(answer => { said.value = answer.warning ?? t.sent(answer.spikes ?? 0, neuron.value, amount(every, 'us')) }, refusal)
	}
	return html`<section class="hand" aria-label=${t.stimulate}><h3>${t.stimulate}</h3>
		<form class="row" onSubmit=${send}>
			<label>${t.neuron} <input list=${list} required value=${neuron.value} autocomplete="off" spellcheck=${false}
				onInput=${e => { neuron.value = e.currentTarget.value }}/></label>
			<datalist id=${list}>${names.slice(0, longest).map(name => html`<option value=${name}/>`)}</datalist>
			<label>${t.count} <input type="number" min="1" max="1000" required value=${count.value}
				onInput=${e => { count.value = e.currentTarget.value }}/></label>
			<label>${t.interval} <input type="text" inputmode="decimal" size="6" required value=${interval.value}
				onInput=${e => { interval.value = e.currentTarget.value }}/> ms</label>
			<button disabled=${!may}>${t.stimulateIt}</button>
			<${WhyNot} robot=${robot} verb="stimulate"/>
		</form>
		<p role="status">${said.value}</p></section>`
}
