// The time axis below the panels over time: how long ago things were. Its end is the present, or the time of the pause.

import {html, useEffect, useSignal} from '../view.js'
import {paused, span} from '../cursor.js'
import {texts} from '../texts.js'
import {ago, clock} from './ticks.js'
import {unit} from './unit.js'

export function Axis({width}) {
	const still = paused.value !== null
	return html`<div class="time-axis" aria-hidden="true">
		${ago(span.value, width / unit()).map(({seconds, label}) => html`<span key=${seconds}
			ref=${element => { if (element) element.style.left = `${100 * (1 - seconds / span.value)}%` }}>
			${seconds === 0 ? (still ? clock(paused.value, true) : texts.time.now) : label}</span>`)}
	</div>`
}

// useWidth returns the width of an element in CSS pixels, 0 at first.
export function useWidth(ref) {
	const width = useSignal(0)
	useEffect(() => {
		const observer = new ResizeObserver(([entry]) => { width.value = Math.floor(entry.contentRect.width) })
		observer.observe(ref.current)
		return () => observer.disconnect()
	}, [])
	return width.value
}
