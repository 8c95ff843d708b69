// The top of the page, always there: which robot, whether it may move, the link, and what stops it.
import {html, useComputed, useEffect, useSignal} from './view.js'
import {useStopKeys} from './stopkeys.js'
import {notify, refusal} from './notices.js'
import {stateOf} from './safety.js'
import {texts} from './texts.js'
import {theme, themes} from './theme.js'

const t = texts.header

// linkOf returns the word for the link to a robot.
export function linkOf(robot) {
	const link = robot.link.value
	if (link !== 'online') return {word: t.links[link], good: false}
	if (robot.status.value?.state !== 'online') return {word: t.offline, good: false}
	if (robot.estop.late) return {word: t.noAnswer, good: false}
	if (!robot.fresh.value) return {word: t.silent, good: false}
	return {word: t.links.online, good: true}
}

export function Header({robot, onLogout}) {
	const reasons = useSignal(null)
	const health = robot.health.value
	const state = stateOf(health), link = linkOf(robot)
	useStopKeys(() => robot.estop.press())
	useEffect(() => { if (state === 'armed') reasons.value = null }, [state])
	useEffect(() => { if (robot.estop.state.value === 'sent') reasons.value = null }, [robot.estop.state.value]) // they are of an earlier arm
	const tuned = useComputed(() => robot.tuning.tuned().length).value

	const arm = async body => {
		reasons.value = null
		try {
			await robot.request('arm', body)
		} catch (error) {
			reasons.value = error.message
		}
	}
	const disarm = () => robot.request('disarm').catch(refusal)
	const why = verb => robot.may(verb) ? '' : texts.requests.mayNot(verb, robot.user)
	const mayArm = robot.may('arm'), live = robot.live
	return html`<header class="top ${state}" data-stale=${!live}>
		<div class="bar">
			<${StopButton} press=${() => robot.estop.press()}>${t.estop}<//>
			<h1>${robot.name}</h1>
			<p class="state" role="status">
				<span class="badge ${live ? state : 'unknown'}" data-state=${state}>${t[state]}</span>
				${!live && html` <span class="badge stale">${t.stale}</span>`}
				${health?.safety?.by_hand && html` <span class="badge byhand">${t.byHand}</span>`}
				${state === 'stopped' && health.safety.by && html` <span class="by">${t.stoppedBy(health.safety.by)}</span>`}
				${state === 'stopped' && live && html` <span class="muted">${t.stoppedHint}</span>`}
				${tuned > 0 && html` <span class="muted" data-tuned=${tuned}>${t.tuned(tuned)}</span>`}
			</p>
			<p class="link ${link.good ? 'good' : 'bad'}" role="status" data-link=${robot.link.value}>${link.word}</p>
			<div class="acts">
				<button onClick=${disarm} disabled=${!robot.may('disarm')} title=${why('disarm')}>${t.disarm}</button>
				<button onClick=${() => arm()} disabled=${!mayArm || !live || state === 'armed' && !health.safety.by_hand} title=${why('arm')}>${t.arm}</button>
				<button onClick=${() => arm({fresh: true})} disabled=${!mayArm || !live || state === 'armed'} title=${why('arm') || t.armFreshHint}>
					${t.armFresh}</button>
				${robot.may('set') && !mayArm && html`<span class="muted">${why('arm')}</span>`}
				${!robot.may('set') && html`<span class="badge readonly" title=${t.readOnlyHint(robot.user)}>${t.readOnly}</span>`}
				${onLogout && html`<button class="quiet" onClick=${onLogout}>${texts.login.logout(robot.user)}</button>`}
			</div>
		</div>
		<${EstopState} robot=${robot}/>
		<div role="alert">${reasons.value && html`<div class="reasons"><ul>${split(reasons.value).map(r => html`<li>${r}</li>`)}</ul>
			<button onClick=${() => { reasons.value = null }}>${t.close}</button></div>`}</div>
	</header>`
}

// StopButton does not wait for the pointer to be let go. A click without a pointer comes from the keyboard or a screen reader.
export function StopButton({press, children}) {
	return html`<button class="estop" title=${t.estopKeys} aria-keyshortcuts="Escape" onPointerDown=${e => { if (e.button === 0) press() }}
		onClick=${e => { if (e.detail === 0) press() }}>${children}</button>`
}

// split makes a list of the reasons that a robot gives in one text.
const split = text => text.split(/\n|; /).map(r => r.trim()).filter(Boolean)

function EstopState({robot}) {
	const {state, tries, waited} = robot.estop
	const seconds = (waited.value / 1000).toFixed(1)
	useEffect(() => { if (state.value === 'acknowledged') notify(t.estopDone(seconds)) }, [state.value])
	if (state.value !== 'sent') return html`<div role="alert"></div>`
	const away = tries.value === 0 || robot.link.value !== 'online'
	return html`<div role="alert" class="stopping">${away ? t.estopNotSent(seconds) : t.estopSent(tries.value, seconds)}
		${(away || robot.estop.late) && ` ${t.useSwitch}`}</div>`
}

export function Theme() {
	return html`<label class="theme"><span class="hidden">${texts.app.theme}</span>
		<select value=${theme.value} onChange=${e => { theme.value = e.currentTarget.value }}>
			${themes.map(name => html`<option value=${name}>${texts.app.themes[name]}</option>`)}</select></label>`
}
