// The synapses of a neuron, with their weights as configured, as tuned, and as learnt.
import {html, useEffect, useState} from '../../view.js'
import {texts} from '../../texts.js'
import {Parameter} from '../../parameter.js'
import {kindOf} from '../circuit/graph.js'
import {amount, change, time} from './numbers.js'
import {keyOf, learningIndex, pathsOf, synapsesOf} from './parameters.js'

const t = texts.neuron
const most = 40 // that are shown at first

// Synapses lists those into the neuron, then those from it.
export function Synapses({robot, name, choose}) {
	const network = robot.network.value
	if (!network) return null
	const {into, from} = synapsesOf(network, name)
	const learns = [...into, ...from].some(s => s.synapse.plastic)
	return html`<div class="synapses">
		<${Table} title=${t.into(into.length)} list=${into} other="from" robot=${robot} network=${network} choose=${choose} />
		<${Table} title=${t.outOf(from.length)} list=${from} other="to" robot=${robot} network=${network} choose=${choose} />
		${learns && html`<${Watch} robot=${robot}/>`}
	</div>`
}

// Watch keeps what was learnt live while it is shown.
function Watch({robot}) {
	useEffect(() => robot.watch({learning: true}), [robot])
	return null
}

function Table({title, list, other, robot, network, choose}) {
	const [all, setAll] = useState(false)
	const [open, setOpen] = useState(-1)
	const index = learningIndex(network)
	const learning = robot.learning.value
	if (!list.length) return html`<h4>${title}</h4>`
	const shown = all ? list : list.slice(0, most)
	return html`<h4>${title}</h4><div class="scroll" tabindex="0" role="region" aria-label=${title}><table>
		<thead><tr><th scope="col">${other === 'from' ? t.from : t.to}</th><th scope="col">${t.kind}</th>
			<th scope="col" class="number">${t.configured}</th><th scope="col" class="number">${t.tuned}</th>
			<th scope="col" class="number">${t.learnt}</th><th scope="col" class="number">${t.delay}</th><th></th></tr></thead>
		<tbody>${shown.map(({index: i, synapse: s}) => {
			const paths = pathsOf(robot.parameters.value, s.path)
			const path = paths.find(p => p.endsWith('.weight'))
			const description = robot.parameters.value.get(path)
			const value = path ? robot.parameter(path).value : null
			const k = index[i]
			const long = s.plastic ? learning?.weights?.[k] ?? s.learnt : undefined
			const short = s.plastic ? learning?.short_term?.[k] : undefined
			const electric = s.kind === 'electric'
			const tuned = value?.v ?? s.weight
			return html`<tr key=${i} data-synapse=${s.path} data-configured=${description?.default}
				data-tuned=${electric ? undefined : tuned}
				data-learnt=${long} data-short=${short}>
				<th scope="row"><button type="button" class="goto" onClick=${() => choose(s[other])}>${s[other]}</button></th>
				<td>${texts.circuit.kinds[kindOf(s)]}${s.count > 1 ? ` ×${s.count}` : ''}${s.receptors?.length
					? html` <small>${s.receptors.join(', ')}</small>` : ''}</td>
				<td class="number">${electric ? '' : amount(description?.default ?? s.weight)}</td>
				<td class=${`number${description && tuned !== description.default ? ' changed' : ''}`}>${electric ? '' : amount(tuned)}${
					value?.to !== undefined ? ` … ${amount(value.to)}` : ''}</td>
				<td class="number">${long === undefined ? '' : amount(long)}${short ? html` <small
					title=${t.shortTerm}>${change(short)}</small>` : ''}</td>
				<td class="number">${time(s.delay_us)}</td>
				<td>${paths.length > 0 && html`<button type="button" aria-expanded=${open === i} aria-label=${t.changeOf(s.from, s.to)}
					onClick=${() => setOpen(open === i ? -1 : i)}>${open === i ? t.done : t.change}</button>`}</td></tr>
				${open === i && html`<tr key=${`${i} fields`} class="fields"><td colspan="7">
					${paths.map(p => html`<${Parameter} key=${p} robot=${robot} path=${p} label=${keyOf(p, s.path)}/>`)}</td></tr>`}`
		})}</tbody></table>
		${list.length > most && html`<button type="button" onClick=${() => setAll(!all)}>${all ? t.fewer
			: t.all(list.length)}</button>`}</div>`
}
