// The picture of the barrel.
import {html, useId} from '../../view.js'
import {texts} from '../../texts.js'
import {amount} from './numbers.js'
import {bottom, box, drops, fill, heights, rim, shape, well} from './barrel.js'

const t = texts.neuron

// Barrel draws a neuron as docs/model.md does: water, threshold, floor, the leak as a tap, the refractory period as a lid.
export function Barrel({state, configured, leak, name}) {
	const id = useId()
	if (!state) return html`<svg class="barrel" viewBox=${`${box.left} 0 ${box.width} ${box.height}`} role="img"
		aria-label=${t.noLevel(name)}>
		<path class="wood" d=${shape} /></svg>`
	const at = heights(state, configured ?? state.threshold)
	const share = fill(state.level, state.threshold)
	const drip = drops(leak, state.threshold)
	const shifted = configured !== undefined && Math.abs(at.threshold - at.configured) > 1
	return html`<svg class=${`barrel${state.refractory ? ' closed' : ''}`} viewBox=${`${box.left} 0 ${box.width} ${box.height}`}
		role="img"
		aria-label=${t.barrel(name, state, Math.round(100 * share))}>
		<defs><clipPath id=${id}><path d=${`${shape}Z`} /></clipPath></defs>
		<g clip-path=${`url(#${id})`}>
			${state.level > 0 && html`<rect class="water" x="30" width="200" y=${at.water} height=${bottom - at.water} />
				<path class="surface" d=${`M30 ${at.water}H230`}/>`}
		</g>
		${state.floor < 0 && html`<rect class="well" x="70" y=${bottom} width="120" height=${well - bottom} />
			${state.level < 0 && html`<rect class="debt" x="70" y=${bottom} width="120" height=${at.water - bottom}/>`}
			<path class="line floor" d=${`M62 ${well}H198`} />
			<text x="228" y=${well + 4}>${amount(state.floor)} <tspan class="small">${t.floor}</tspan></text>`}
		<path class="wood" d=${shape} />
		${shifted && html`<path class="line configured" d=${`M40 ${at.configured}H220`}/>`}
		<path class="line threshold" d=${`M36 ${at.threshold}H224`} />
		<text class="threshold" x="228" y=${at.threshold + 4}>${amount(state.threshold)}
			<tspan class="small" x="228" dy="15">${t.threshold}</tspan></text>
		<text class="level" x="130" y=${Math.max(rim + 16, Math.min(bottom - 6, at.water + (share > 0.25 ? 18 : -8)))}
			text-anchor="middle">${amount(state.level)}</text>
		<text class="small" x="228" y=${bottom + 4}>0</text>
		<path class="lid" d=${state.refractory ? `M62 ${rim - 3}H198M130 ${rim - 3}v-8M122 ${rim - 11}h16`
			: `M198 ${rim - 3}L246 ${rim - 30}`} />
		<text class="small" x="130" y="18" text-anchor="middle">${state.refractory ? t.lidOn : ''}</text>
		<path class="tap" d=${`M186 ${bottom - 12}h18v6`} />
		${drip > 0 && html`<path class="drop" style=${{animationDuration: `${(1 / drip).toFixed(2)}s`}}
			d=${`M204 ${bottom - 2}q-5 8 0 11q5 -3 0 -11Z`}/>`}
		${leak !== undefined && html`<text class="small" x="130" y=${box.height - 8} text-anchor="middle">${t.leaks(leak)}</text>`}
	</svg>`
}
