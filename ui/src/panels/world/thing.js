// A thing in the world that can be put elsewhere: a ring around it to drag, and a knob to turn it.
import {html, useRef} from '../../view.js'
import {texts} from '../../texts.js'
import {wrapped} from './geometry.js'

const t = texts.world
const leastReach = 14 // pixels: a finger must hit it

// Thing is one of them. bare says that nothing else draws it, upright that its heading is counted from upright to the right.
export function Thing({thing, view, allowed, bare, upright, held, put, release, onKeyDown}) {
	const grip = useRef(null) // where in the thing it was taken
	const x = view.x(thing.x)
	const y = view.y(thing.y)
	const reach = Math.max(leastReach, (thing.radius ?? 0) * view.scale + 3)
	const turns = thing.turns ?? thing.heading !== undefined
	const at = event => {
		const r = event.currentTarget.ownerSVGElement.getBoundingClientRect()
		return {px: event.clientX - r.left, py: event.clientY - r.top}
	}
	const take = (event, turning) => {
		if (!allowed || event.button > 0) return
		event.stopPropagation()
		const {px, py} = at(event)
		grip.current = {turning, dx: px - x, dy: py - y}
		event.currentTarget.setPointerCapture(event.pointerId)
	}
	const move = event => {
		const g = grip.current
		if (!g) return
		const {px, py} = at(event)
		if (g.turning) put({heading: upright ? Math.atan2(px - x, y - py) : wrapped(Math.atan2(y - py, px - x))}, true)
		else put({x: view.wx(px - g.dx), y: view.wy(py - g.dy)}, true)
	}
	const drop = () => {
		if (!grip.current) return
		grip.current = null
		release()
	}
	const pointer = turning => ({onPointerDown: e => take(e, turning), onPointerMove: move, onPointerUp: drop,
		onPointerCancel: drop})
	const heading = upright ? Math.PI / 2 - (thing.heading ?? 0) : thing.heading ?? 0
	const knob = {x: Math.cos(heading) * (reach + 13), y: -Math.sin(heading) * (reach + 13)}
	return html`<g class=${`thing ${thing.kind}${held ? ' held' : ''}${allowed ? '' : ' fixed'}`}
		transform=${`translate(${x.toFixed(1)} ${y.toFixed(1)})`}
		tabindex="0" role="button" aria-disabled=${!allowed} aria-label=${t.thing(thing)} data-thing=${thing.name} data-x=${thing.x}
			data-y=${thing.y}
		data-heading=${thing.heading} onKeyDown=${e => allowed && onKeyDown(e)}>
		<title>${t.thing(thing)}</title>
		${bare && thing.kind === 'robot' && html`<path class="shape robot" d="M12 0L-8 8L-4 0L-8 -8Z"
			transform=${`rotate(${(-heading * 180) / Math.PI})`}/>`}
		${bare && thing.kind !== 'robot' && html`<circle class=${`shape ${thing.kind === 'obstacle' ? 'wall' : thing.kind}`} r="5"/>`}
		<circle class="ring" r=${reach} ...${pointer(false)} />
		${turns && allowed && html`<g class="turn" ...${pointer(true)}><path d=${`M0 0L${knob.x.toFixed(1)} ${knob.y.toFixed(1)}`} />
			<circle class="knob" cx=${knob.x.toFixed(1)} cy=${knob.y.toFixed(1)} r="6" />
			<circle class="hit" cx=${knob.x.toFixed(1)} cy=${knob.y.toFixed(1)} r="13" /></g>`}
	</g>`
}
