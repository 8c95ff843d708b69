// One parameter: a slider, a field, what is allowed, who has set it, and the robot's words if it refuses a value.
import {html, useEffect, useId, useRef, useSignal} from './view.js'
import {amount, number, read, unitFor, unitsOf} from './amounts.js'
import {position, scaleOf, steps, valueAt} from './scale.js'
import {texts} from './texts.js'
import './parameter.css'

const t = texts.parameter

// Milliseconds for which a change by somebody else is marked.
const marked = 3000

let gestures = 0

// Parameter shows and sets one parameter. path is a key of robot.parameters, or a member of a population that is one.
export function Parameter({robot, path, label, of = path}) {
	const description = robot.parameters.value.get(of)
	const value = robot.parameter(path).value
	if (!description || !value) return null
	return html`<${Row} ...${{robot, path, label, description: of === path ? description : {...description, count: 0}, value}}/>`
}

function Row({robot, path, label, description, value}) {
	const id = useId()
	const {tuning} = robot
	const pending = tuning.pending.value.get(path), refused = tuning.refused.value.get(path)
	const range = tuning.ranges.value.get(path)
	const allowed = {...description, min: range?.min ?? description.min, max: range?.max ?? description.max}
	const may = robot.may('set')
	const {unit, default: usual} = description
	const changed = value.v !== usual || value.to !== undefined
	const mark = useForeignMark(robot, value)
	const about = `about-${id}`
	return html`<div class="parameter ${pending !== undefined ? 'pending' : ''} ${mark ? 'marked' : ''}" data-parameter=${path}
			data-value=${value.v}>
		<label for="field-${id}" class="name">${label}${description.count > 0 && html` <span class="muted">×${description.count}</span>`}</label>
		<${Slider} ...${{robot, path, label, allowed, value, may, about}}/>
		<${Field} ...${{robot, path, label, id: `field-${id}`, unit, value, usual, may, about, refused}}/>
		<button class="quiet" disabled=${!may || !changed} aria-label=${t.reset(label)} title=${t.reset(label)}
			onClick=${() => tuning.reset([path]).catch(() => {})}>↺</button>
		<p class="about" id=${about}>
			${pending !== undefined && html`<strong class="waiting" role="status">${t.pending} </strong>`}
			${value.to !== undefined && html`<span>${t.spread(amount(value.v, unit), amount(value.to, unit))} </span>`}
			${range?.learnt !== undefined && html`<span class="learnt">${t.learnt(span(range.learnt, range.learntTo, unit))} </span>`}
			<span>${t.range(amount(allowed.min, unit), amount(allowed.max, unit), amount(usual, unit))}</span>
			${value.src !== 'config' && html` <span class="source">${t.source(value.src, value.rev)}</span>`}
		</p>
		${refused && html`<p class="refusal" role="alert">${words(refused, unit)}</p>`}
	</div>`
}

const span = (low, high, unit) => high === undefined ? amount(low, unit) : t.spread(amount(low, unit), amount(high, unit))

// words are the robot's own, with the range that it allows.
function words({message, min, max}, unit) {
	return min === undefined || max === undefined ? message : `${message}: ${t.allowed(amount(min, unit), amount(max, unit))}`
}

// useForeignMark says for a while that somebody else has changed the value.
function useForeignMark(robot, value) {
	const mark = useSignal(false), before = useRef(value.rev)
	useEffect(() => {
		if (before.current === value.rev) return
		before.current = value.rev
		if (value.src === (robot.user || 'mqtt')) return
		mark.value = true
		const timer = setTimeout(() => { mark.value = false }, marked)
		return () => clearTimeout(timer)
	}, [value.rev])
	return mark.value
}

function Slider({robot, path, label, allowed, value, may, about}) {
	const gesture = useRef(null) // {scale, number} while the slider is moved
	const drawn = useSignal(null) // its value while it is moved
	const waiting = robot.tuning.pending.value.get(path)
	const now = drawn.value ?? waiting ?? value.v
	const scale = gesture.current?.scale ?? scaleOf(allowed, now)
	const begin = () => { gesture.current ??= {scale: scaleOf(allowed, value.v), number: ++gestures} }
	const end = () => {
		gesture.current = null
		drawn.value = null
	}
	const move = event => {
		begin()
		drawn.value = valueAt(gesture.current.scale, Number(event.currentTarget.value), allowed.type)
		robot.tuning.slide(path, drawn.value, gesture.current.number)
	}
	return html`<input type="range" min="0" max=${steps} step="1" value=${position(scale, now)} disabled=${!may}
		aria-label=${label} aria-valuetext=${amount(now, allowed.unit)} aria-describedby=${about}
		title=${t.slider(amount(scale.low, allowed.unit), amount(scale.high, allowed.unit))}
		onPointerDown=${begin} onKeyDown=${begin} onInput=${move} onChange=${end} onBlur=${end} onPointerUp=${end} onPointerCancel=${end}/>`
}

function Field({robot, path, label, id, unit, value, usual, may, about, refused}) {
	const draft = useSignal(null) // what the user types, until it is sent
	const wrong = useSignal('')
	const begun = useRef(null) // the value when the user began to type
	const beside = unitFor(value.v || usual, unit)
	const waiting = robot.tuning.pending.value.get(path)
	const text = draft.value ?? number((waiting ?? value.v) / beside.factor)
	const send = () => {
		if (draft.value === null) return
		const typed = read(draft.value, unit, beside)
		if (typed === null) {
			wrong.value = t.notAmount(draft.value, unitsOf(unit).join(', '))
			return
		}
		draft.value = null
		wrong.value = ''
		if (typed !== value.v || value.to !== undefined) robot.set({[path]: typed}).catch(() => {}) // the refusal is shown
	}
	const keys = event => {
		if (event.key === 'Enter') send()
		if (event.key === 'Escape') {
			draft.value = null
			wrong.value = ''
		}
	}
	const meanwhile = draft.value !== null && begun.current !== null && begun.current !== value.v
	return html`<span class="field"><input id=${id} type="text" inputmode="decimal" autocomplete="off" spellcheck=${false} value=${text}
			disabled=${!may} aria-invalid=${Boolean(wrong.value || refused)} aria-describedby=${about}
			onFocus=${e => { begun.current = value.v; e.currentTarget.select() }}
			onInput=${e => { draft.value = e.currentTarget.value }} onKeyDown=${keys} onChange=${send} onBlur=${send}/>
		<span class="unit">${beside.unit}</span></span>
		${(wrong.value || meanwhile) && html`<p class="refusal" role="alert">${wrong.value || t.meanwhile(value.src, amount(value.v, unit))}</p>`}`
}
