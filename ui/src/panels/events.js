// The events of the last hour: level, time and text, the latest first. It is a log for screen readers, too.

import {eventKinds} from '../eventkinds.js'
import {html, useSignal} from '../view.js'
import {texts} from '../texts.js'
import {clock} from '../time/ticks.js'

const words = texts.events

// levels in the order of their weight, with a shape each. first is how many events are shown at first.
const levels = {error: '■', warning: '▲', info: '●'}
const first = 100

export function Events({robot}) {
	const hidden = useSignal(new Set()), all = useSignal(false)
	const events = robot.events.value, count = {error: 0, warning: 0, info: 0}
	for (const {level} of events) count[level] = (count[level] ?? 0) + 1
	const fits = events.filter(({level}) => !hidden.value.has(level))
	const shown = (all.value ? fits : fits.slice(-first)).toReversed()
	const toggle = level => {
		const next = new Set(hidden.value)
		if (!next.delete(level)) next.add(level)
		hidden.value = next
	}
	return html`<section class="events"><h3 id="events-title">${words.title}</h3>
		<fieldset class="events-filter"><legend class="hidden">${words.filter}</legend>
			${Object.entries(levels).map(([level, icon]) => html`<label key=${level} class=${`event-level ${level}`}>
				<input type="checkbox" checked=${!hidden.value.has(level)} onChange=${() => toggle(level)}/>
				<span aria-hidden="true">${icon}</span> ${words.levels[level]} <span data-count=${level}>${count[level]}</span></label>`)}
		</fieldset>
		${!shown.length && html`<p class="muted">${events.length ? words.filtered : words.none}</p>`}
		<ol class="events-log" aria-labelledby="events-title" aria-live="polite" tabindex="0">
			${shown.map(({ts, level, code, text}) => html`<li key=${`${ts} ${code} ${text}`}
				data-event=${code} data-level=${level} data-ts=${ts}>
				<time datetime=${new Date(ts).toISOString()}>${clock(ts)}</time>
				<span class=${`event-level ${level}`}><span aria-hidden="true">${levels[level]}</span> ${words.levels[level]}</span>
				<span class="event-text" title=${eventKinds[code]?.meaning}><b>${code.replaceAll('_', ' ')}</b>
					${' '}<span data-text>${text}</span>
					${eventKinds[code]?.remedy && html`<span class="event-remedy">${words.remedy(eventKinds[code].remedy)}</span>`}
				</span></li>`)}
		</ol>
		${fits.length > shown.length && html`<button type="button" onClick=${() => { all.value = true }}>
			${words.more(fits.length - shown.length)}</button>`}</section>`
}
