// The circuit as a table: the same as the graph, for those who read rather than look.
import {html, useState} from '../../view.js'
import {texts} from '../../texts.js'
import {amount} from '../neuron/numbers.js'
import {kindOf} from './graph.js'

const t = texts.circuit
const rows = 100 // that are shown at once

// List shows the synapses with their weights as configured and as they are now.
export function List({network, now, choose}) {
	const [from, setFrom] = useState(0)
	const all = network.synapses
	const page = all.slice(from, from + rows)
	return html`<div class="list" tabindex="0" role="region" aria-label=${t.table}><table>
		<thead><tr><th scope="col">${t.from}</th><th scope="col">${t.to}</th><th scope="col">${t.kind}</th>
			<th scope="col" class="number">${t.weight}</th><th scope="col" class="number">${t.now}</th>
			<th scope="col" class="number">${t.delay}</th></tr></thead>
		<tbody>${page.map((s, i) => html`<tr key=${from + i} data-synapse=${s.path}>
			<td><button type="button" class="goto" onClick=${() => choose(s.from)}>${s.from}</button></td>
			<td><button type="button" class="goto" onClick=${() => choose(s.to)}>${s.to}</button></td>
			<td>${t.kinds[kindOf(s)]}${s.plastic ? ` · ${t.learns}` : ''}${s.count > 1 ? ` ×${s.count}` : ''}</td>
			<td class="number">${s.kind === 'electric' ? '' : s.weight_to === undefined ? amount(s.weight)
				: `${amount(s.weight)} … ${amount(s.weight_to)}`}</td>
			<td class="number">${s.plastic ? amount(now[from + i]) : ''}</td>
			<td class="number">${s.delay_us === undefined ? '' : t.ms(s.delay_us / 1000)}</td></tr>`)}</tbody>
	</table>
	${all.length > rows && html`<p><button type="button" disabled=${from === 0}
		onClick=${() => setFrom(from - rows)}>${t.before}</button>
		${' '}${t.page(from + 1, Math.min(from + rows, all.length), all.length)}${' '}
		<button type="button" disabled=${from + rows >= all.length} onClick=${() => setFrom(from + rows)}>${t.behind}</button></p>`}
	</div>`
}
