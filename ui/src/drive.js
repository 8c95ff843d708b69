// Actuators, driven by hand while somebody holds the control.
import {html, useEffect, useMemo, useRef, useSignal} from './view.js'
import {measure, number, short} from './amounts.js'
import {Hold} from './hold.js'
import {refusal} from './notices.js'
import {steps} from './scale.js'
import {texts} from './texts.js'

const t = texts.hand

// Milliseconds for which a command holds, and after which it is renewed. A motor runs on for no longer than the lease if the page dies.
const lease = 700, every = 200

export function Actuators({robot}) {
	const all = (robot.describe.value?.actuators ?? []).filter(a => a.kind !== 'label')
	if (all.length === 0) return null
	const safety = robot.health.value?.safety ?? {}
	const may = robot.may('drive')
	const armed = safety.state === 'armed', byHand = armed && safety.by_hand
	const arm = body => robot.request('arm', body).catch(refusal)
	return html`<section class="hand" aria-label=${t.actuators}><h3>${t.actuators}</h3>
		<p class="muted">${t.aboutDriving}</p>
		<div class="row">
			<button onClick=${() => arm({by_hand: true})} disabled=${!may || !robot.may('arm') || byHand}>${t.armByHand}</button>
			<button onClick=${() => arm({})} disabled=${!byHand || !robot.may('arm')}>${t.giveBack}</button>
			<span role="status" class="badge ${byHand ? 'byhand' : ''}" hidden=${!byHand}>${byHand ? t.byHand : ''}</span>
			<${WhyNot} robot=${robot} verb="drive" also=${armed ? '' : t.notArmed}/>
		</div>
		${all.map(a => html`<${Actuator} key=${a.name} ...${{robot, actuator: a, enabled: may && armed && robot.live, safety}}/>`)}
	</section>`
}

// WhyNot says why the controls are disabled.
export function WhyNot({robot, verb, also = ''}) {
	const why = !robot.live ? texts.header.staleSince : !robot.may(verb) ? texts.requests.mayNot(verb, robot.user) : also
	return html`<span class="muted" role="status">${why}</span>`
}

function Actuator({robot, actuator: {name, kind}, enabled, safety}) {
	const bound = i => robot.parameter(`actuators.${name}.range[${i}]`).value?.v
	const low = bound(0) ?? 0, high = bound(1) ?? 1
	const wanted = useSignal(null), kept = useSignal(false), wrong = useSignal('')
	const pointed = useRef(false)
	const hold = useMemo(() => new Hold({lease, every,
		send: (value, ms) => robot.request('drive', {actuator: name, value, lease_ms: ms}),
		refused: error => {
			kept.value = false
			wrong.value = error.message
		}}), [robot, name])
	const release = () => {
		kept.value = false
		hold.release()
	}
	useRelease(release, hold)
	const value = Math.max(low, Math.min(high, wanted.value ?? Math.max(low, Math.min(high, 0))))
	const at = Math.round((value - low) / (high - low) * steps)
	const drive = v => {
		wanted.value = v
		wrong.value = ''
		if (enabled) hold.set(v)
	}
	const moved = event => {
		const at = Number(event.currentTarget.value), step = (high - low) / 200
		const v = Number((Math.round((low + (high - low) * at / steps) / step) * step).toFixed(6))
		if (pointed.current || hold.held.value) drive(v)
		else wanted.value = v // the arrows choose, and Enter drives
	}
	const letGo = () => { if (!kept.value) hold.release() }
	// The slider springs back when the pointer lets go, so that the next touch does not begin with the command of the last one.
	const point = event => {
		if (event.button !== 0 || !enabled) return
		pointed.current = true
		const up = () => {
			removeEventListener('pointerup', up)
			removeEventListener('pointercancel', up)
			pointed.current = false
			if (kept.value) return
			hold.release()
			wanted.value = null
		}
		addEventListener('pointerup', up)
		addEventListener('pointercancel', up)
	}
	const keyDown = event => {
		if (event.key !== 'Enter' || event.repeat) return
		event.preventDefault()
		drive(value)
	}
	const keyUp = event => { if (event.key === 'Enter') letGo() }
	const now = robot.actuators.value?.[name]
	const held = safety.held?.[name]
	return html`<div class="device" data-actuator=${name} data-held=${hold.held.value}>
		<span class="name">${name} <span class="muted">${kind}</span></span>
		<output>${now ? measure(now.value, now.unit) : '-'}</output>
		<input type="range" min="0" max=${steps} value=${at} disabled=${!enabled} aria-label=${t.drive(name)} aria-valuetext=${number(value)}
			title=${t.driveHint} onPointerDown=${point} onInput=${moved} onKeyDown=${keyDown} onKeyUp=${keyUp} onBlur=${letGo}/>
		<span class="value">${short(value, 3)}</span>
		<button class="quiet" disabled=${!enabled} aria-label=${t.centre(name)} title=${t.centre(name)}
			onClick=${() => { hold.held.value ? drive(Math.max(low, Math.min(high, 0))) : wanted.value = 0 }}>0</button>
		<button aria-pressed=${kept.value} class="switch" disabled=${!enabled} title=${t.keepHint}
			onClick=${() => { if (kept.value) release(); else { kept.value = true; drive(value) } }}>${t.keep}</button>
		<p class="muted">${[t.range(number(low), number(high)), hold.held.value ? t.driving : '',
			held ? t.failsafe(held.join(', ')) : ''].filter(Boolean).join(' · ')}</p>
		${wrong.value && html`<p class="refusal" role="alert">${wrong.value}</p>`}
	</div>`
}

// useRelease lets go when nobody can see or touch the control any more.
export function useRelease(release, hold) {
	useEffect(() => {
		const away = () => { if (document.hidden) release() }
		document.addEventListener('visibilitychange', away)
		addEventListener('pagehide', release)
		return () => {
			document.removeEventListener('visibilitychange', away)
			removeEventListener('pagehide', release)
			release()
		}
	}, [hold])
}
