// Sensors of the simulated board: a reading held by hand, a button pressed, a zero set.
import {html, useMemo, useRef, useSignal} from './view.js'
import {measure, number, read, unitFor} from './amounts.js'
import {useRelease, WhyNot} from './drive.js'
import {Hold} from './hold.js'
import {notify, refusal} from './notices.js'
import {steps} from './scale.js'
import {texts} from './texts.js'

const t = texts.hand

// Milliseconds for which a reading holds, and after which it is renewed.
const lease = 2000, every = 600

// Kinds with two states: they are pressed.
export const switches = new Set(['button', 'pir'])

// Kinds whose zero can be set.
const zeroed = new Set(['hx711', 'quadrature', 'as5600'])

// How long a start button is pressed, in milliseconds.
const press = 300

export function Sensors({robot}) {
	const all = robot.describe.value?.sensors ?? []
	const absent = useSignal(new Set()) // the safety section does not have these
	const safety = ['emergency_stop', 'start'].filter(name => !all.some(s => s.name === name) && !absent.value.has(name))
	const enabled = robot.may('sense') && robot.live
	const missing = name => { absent.value = new Set([...absent.value, name]) }
	return html`<section class="hand" aria-label=${t.sensors}><h3>${t.sensors}</h3>
		<p class="muted">${t.aboutSensing}</p>
		<${WhyNot} robot=${robot} verb="sense"/>
		${all.map(s => html`<${Sensor} key=${s.name} ...${{robot, sensor: s, enabled}}/>`)}
		${safety.map(name => html`<${Press} key=${name} ...${{robot, name, label: t.safety[name], enabled,
			short: name === 'start', missing: () => missing(name)}}/>`)}
	</section>`
}

// Sensor is one sensor: a button for a switch, a slider for a reading.
export function Sensor({robot, sensor, enabled}) {
	const {name, kind, unit} = sensor
	const now = robot.sensors.value?.[name]
	const stale = robot.health.value?.safety?.stale?.includes(name)
	const reading = html`<output class=${stale ? 'stale' : ''}>${now ? measure(now.value, now.unit) : '-'}${stale && ` ${t.stale}`}</output>`
	if (switches.has(kind)) return html`<${Press} ...${{robot, name, label: name, kind, enabled, reading}}/>`
	return html`<${Reading} ...${{robot, name, kind, unit, now, enabled, reading}}/>`
}

// Press is a button that is pressed while somebody holds it, or stays pressed.
function Press({robot, name, label, kind = '', enabled, reading = null, short = false, missing = null}) {
	const wrong = useSignal(''), kept = useSignal(false)
	const refused = error => {
		kept.value = false
		if (error.code === 'unknown_sensor' && missing) missing()
		else wrong.value = error.message
	}
	const hold = useMemo(() => new Hold({lease, every, refused,
		// What ends a press is the value 0: a press with a short lease would still be one.
		send: (value, ms) => robot.request('sense', {sensor: name, value: ms === 1 ? 0 : 1, lease_ms: ms})}), [robot, name])
	const release = () => {
		kept.value = false
		hold.release()
	}
	useRelease(release, hold)
	const down = () => {
		wrong.value = ''
		if (short) robot.request('sense', {sensor: name, value: 1, lease_ms: press}).catch(refused)
		else hold.set(1)
	}
	const letGo = () => { if (!kept.value) hold.release() }
	const key = (event, f) => { if (event.key === 'Enter' && !event.repeat) { event.preventDefault(); f() } }
	return html`<div class="device" data-sensor=${name} data-held=${hold.held.value}>
		<span class="name">${label} <span class="muted">${kind}</span></span>${reading}
		<button class="press" disabled=${!enabled} aria-label=${t.press(label)} title=${t.pressHint}
			onPointerDown=${down} onPointerUp=${letGo} onPointerLeave=${letGo} onPointerCancel=${letGo}
			onKeyDown=${e => key(e, down)} onKeyUp=${letGo} onBlur=${letGo}>${hold.held.value ? t.pressed : t.press('')}</button>
		${!short && html`<button class="switch" aria-pressed=${kept.value} disabled=${!enabled}
			onClick=${() => { if (kept.value) release(); else { kept.value = true; wrong.value = ''; hold.set(1) } }}>${t.keepPressed}</button>`}
		${wrong.value && html`<p class="refusal" role="alert">${wrong.value}</p>`}
	</div>`
}

function Reading({robot, name, kind, unit, now, enabled, reading}) {
	const wanted = useSignal(null), draft = useSignal(null), wrong = useSignal(''), own = useRef(0)
	const [low, high] = useRange(robot, name, now)
	const value = wanted.value ?? (typeof now?.value === 'number' ? now.value : low)
	const hold = useMemo(() => new Hold({lease, every, refused: error => { wrong.value = error.message },
		send: (v, ms) => robot.request('sense', {sensor: name, value: v, lease_ms: ms})}), [robot, name])
	const release = () => {
		hold.release()
		wanted.value = null
	}
	useRelease(release, hold)
	const set = v => {
		wrong.value = ''
		wanted.value = v
		hold.set(v)
	}
	if (hold.held.value) own.current = Date.now()
	const elsewhere = now?.held && Date.now() - own.current > lease + 500 // the last lease of this page is over
	const beside = unitFor(Math.max(Math.abs(low), Math.abs(high)), unit)
	const begun = useRef('') // what the field had when it got the focus: from then on it does not follow the sensor
	const begin = event => {
		begun.current = draft.value = event.currentTarget.value
		event.currentTarget.select()
	}
	const leave = () => {
		if (draft.value === begun.current) draft.value = null
		else typed()
	}
	const typed = () => {
		if (draft.value === null) return
		const v = read(draft.value, unit, beside)
		if (v === null) wrong.value = t.notAmount(draft.value)
		else set(v)
		draft.value = null
	}
	const zero = () => robot.request('zero', {sensor: name})
		.then(({was}) => notify(t.zeroed(name, measure(was, unit))), refusal)
	const slider = event => set(Number((low + (high - low) * Number(event.currentTarget.value) / steps).toPrecision(4)))
	return html`<div class="device" data-sensor=${name} data-held=${hold.held.value}>
		<span class="name">${name} <span class="muted">${kind}</span></span>${reading}
		${elsewhere && html`<span class="elsewhere">${t.heldElsewhere}</span>`}
		<input type="range" min="0" max=${steps} disabled=${!enabled} aria-label=${t.hold(name)} aria-valuetext=${measure(value, unit)}
			value=${Math.round((value - low) / (high - low || 1) * steps)} onInput=${slider}/>
		<span class="field"><input type="text" inputmode="decimal" size="6" autocomplete="off" disabled=${!enabled} aria-label=${t.hold(name)}
			value=${draft.value ?? number(Number((value / beside.factor).toPrecision(4)))}
			onFocus=${begin} onInput=${e => { draft.value = e.currentTarget.value }} onBlur=${leave}
			onKeyDown=${e => { if (e.key === 'Enter') typed() }}/> <span class="unit">${beside.unit}</span></span>
		<button class="switch" aria-pressed=${hold.held.value} disabled=${!enabled}
			onClick=${() => hold.held.value ? release() : set(value)}>${hold.held.value ? t.letGo : t.holdIt}</button>
		${zeroed.has(kind) && html`<button disabled=${!robot.may('zero') || !robot.live} title=${t.zeroHint} onClick=${zero}>${t.zero}</button>`}
		${wrong.value && html`<p class="refusal" role="alert">${wrong.value}</p>`}
	</div>`
}

// useRange returns the ends of a sensor's slider: the range of its code if it has one, and all that was read.
function useRange(robot, name, now) {
	const seen = useMemo(() => ({low: Infinity, high: -Infinity}), [robot, name])
	if (typeof now?.value === 'number') {
		seen.low = Math.min(seen.low, now.value)
		seen.high = Math.max(seen.high, now.value)
	}
	const ends = [0, 1].map(i => robot.parameter(`sensors.${name}.encode.range[${i}]`).value?.v).filter(v => v !== undefined)
	const all = [...ends, seen.low, seen.high].filter(Number.isFinite)
	if (all.length === 0) return [0, 1]
	const low = Math.min(...all), high = Math.max(...all)
	return high - low > 1e-9 ? [low, high] : [low - Math.max(1, Math.abs(low)), high + Math.max(1, Math.abs(high))]
}
