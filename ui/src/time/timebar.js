// The buttons of the time axes: pause, zoom, back to the present. They act on all panels over time.

import {html, useEffect, useSignal} from '../view.js'
import {paused, span} from '../cursor.js'
import {texts} from '../texts.js'
import {closer, live, longest, scroll, shortest, toggle, wider} from './control.js'
import {clock, duration} from './ticks.js'

const words = texts.time

export function TimeBar({robot, children}) {
	const still = paused.value !== null
	return html`<div class="time-bar">
		<button type="button" class="time-pause" aria-pressed=${still} title=${words.pauseHint} onClick=${() => toggle(robot)}>
			<span aria-hidden="true">${still ? '▶' : '❚❚'}</span> ${still ? words.resume : words.pause}
		</button>
		<span class="time-zoom" role="group" aria-label=${words.zoom}>
			<button type="button" title=${words.closer} aria-label=${words.closer} disabled=${span.value <= shortest}
				onClick=${closer}>+</button>
			<output aria-label=${words.span} data-span=${span.value}>${duration(span.value)}</output>
			<button type="button" title=${words.wider} aria-label=${words.wider} disabled=${span.value >= longest}
				onClick=${wider}>−</button>
		</span>
		${still && html`<span class="time-scroll" role="group" aria-label=${words.scroll}>
			<button type="button" aria-label=${words.earlier} title=${words.earlier}
				onClick=${() => scroll(robot, -span.value * 500)}>◀</button>
			<output data-paused=${paused.value}>${words.until(clock(paused.value, true))}</output>
			<button type="button" aria-label=${words.later} title=${words.later}
				onClick=${() => scroll(robot, span.value * 500)}>▶</button>
			<button type="button" onClick=${live}>${words.present}</button>
		</span>`}
		${children}
	</div>`
}

// useBeat returns a signal that counts up every so many ms, while the page is visible: for what is written beside the pictures.
export function useBeat(ms) {
	const beat = useSignal(0)
	useEffect(() => {
		const timer = setInterval(() => { if (!document.hidden) beat.value++ }, ms)
		return () => clearInterval(timer)
	}, [ms])
	return beat
}
