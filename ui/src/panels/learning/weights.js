// The weights over time, and a table of them that is the chart's legend.
import {html} from '../../view.js'
import {texts} from '../../texts.js'
import {amount, change} from '../neuron/numbers.js'
import {Chart, Swatch, dashOf} from './chart.js'

const t = texts.learning

// Weights draws the lines that record.lines chooses.
export function Weights({record, synapses, learning, filter, setFilter, large, grouped}) {
	const times = record.weights.allTimes()
	const data = [times.map(ts => ts / 1000), ...record.lines.map(i => record.weights.line(i))]
	const series = record.lines.map((i, k) => ({label: `${synapses[i].from} → ${synapses[i].to}`, hue: k, dash: dashOf(k)}))
	const hidden = synapses.length - record.lines.length
	return html`<div class="weights">
		<label>${t.filter} <input type="search" value=${filter} placeholder=${t.filterHint}
			onInput=${e => setFilter(e.currentTarget.value)} /></label>
		<span class="note" role="status">${hidden > 0 ? t.shown(record.lines.length, synapses.length) : ''}${grouped ? ` ${t.means}`
			: ''}</span>
		${times.length < 2 ? html`<p class="muted">${t.collecting}</p>`
			: record.lines.length === 0 ? html`<p class="muted">${t.noneFits}</p>`
			: html`<${Chart} data=${data} series=${series} stamp=${learning?.ts} height=${large ? 420 : 200} unit=${t.units}
				label=${t.weights}/>`}
		<div class="scroll" tabindex="0" role="region" aria-label=${t.weights}><table>
			<thead><tr><th scope="col">${t.synapse}</th><th scope="col" class="number">${t.configured}</th>
				<th scope="col" class="number">${t.now}</th><th scope="col" class="number">${t.change}</th>
				<th scope="col" class="number"><abbr title=${t.shortTermWhy}>${t.shortTerm}</abbr></th></tr></thead>
			<tbody>${record.lines.map((i, k) => {
				const s = synapses[i]
				const now = learning?.weights?.[i] ?? s.learnt
				const short = learning?.short_term?.[i]
				return html`<tr key=${i} data-synapse=${s.path} data-weight=${now} data-short=${short}>
					<th scope="row"><${Swatch} index=${k} />${s.from} → ${s.to}</th>
					<td class="number">${amount(s.weight)}</td><td class="number">${amount(now)}</td>
					<td class="number">${now === undefined ? '' : change(now - s.weight)}</td>
					<td class="number">${amount(short)}</td></tr>`
			})}</tbody></table></div>
	</div>`
}
