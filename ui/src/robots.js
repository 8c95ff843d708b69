// The page of all robots of the broker: what they do, and what stops them all.
import {html, signal, useEffect, useSignal} from './view.js'
import {address} from './frame.js'
import {StopButton, Theme, linkOf} from './header.js'
import {stateOf} from './safety.js'
import {Notices} from './notices.js'
import {useStopKeys} from './stopkeys.js'
import {texts} from './texts.js'
import './robots.css'

const t = texts.robots

export function Robots({fleet, page, onLogout}) {
	const all = fleet.sorted.value
	useStopKeys(() => fleet.stopAll())
	useEffect(() => { document.title = texts.app.title(t.title) }, [])
	const count = state => all.filter(r => r.fresh.value && stateOf(r.health.value) === state).length
	const link = fleet.link.value, looking = useSignal(true)
	useEffect(() => { // the robots' retained messages take a moment
		looking.value = true
		const timer = setTimeout(() => { looking.value = false }, 3000)
		return () => clearTimeout(timer)
	}, [link])
	return html`<header class="top">
			<div class="bar">
				<${StopButton} press=${() => fleet.stopAll()}>${t.stopAll}<//>
				<h1>${t.title}</h1>
				<p role="status" class="counts">${t.counts(all.length, count('armed'), count('stopped'))}</p>
				<p class="link ${link === 'online' ? 'good' : 'bad'}" role="status" data-link=${link}>${texts.header.links[link]}</p>
				${onLogout && html`<div class="acts"><button class="quiet" onClick=${onLogout}>${texts.login.logout(fleet.user)}</button></div>`}
			</div>
			<${Stopping} all=${all}/>
		</header>
		<${Notices}/>
		<main class="robots">
			${all.length === 0 && html`<p role="status">${looking.value ? t.looking : t.none}</p>`}
			${all.length > 0 && html`<ul>${all.map(robot => html`<${Row} key=${robot.name} robot=${robot}/>`)}</ul>`}
		</main>
		<footer><span>${texts.app.version(page.version)}</span> <a href=${address({view: null, robot: null})}>${t.back(page.robot)}</a>
			<a href="licences.txt">${texts.app.licences}</a> <${Theme}/></footer>`
}

// Stopping names those that have not acknowledged a stop.
function Stopping({all}) {
	const asked = all.filter(r => r.estop.state.value !== 'idle')
	const waiting = asked.filter(r => r.estop.state.value === 'sent').map(r => r.status.value?.state === 'online' ? r.name : t.away(r.name))
	const done = asked.length - waiting.length
	return html`<div role="alert">${asked.length > 0 && html`<p class=${waiting.length > 0 ? 'stopping' : 'stopping done'}>
		${waiting.length > 0 ? t.waiting(done, asked.length, waiting.join(', ')) : t.allStopped(done)}</p>`}</div>`
}

function Row({robot}) {
	const state = stateOf(robot.health.value), link = linkOf(robot), {safety} = robot.health.value ?? {}
	const score = robot.score.value, asked = robot.estop.state.value
	return html`<li class="robot ${robot.fresh.value ? state : 'unknown'}" data-robot=${robot.name} data-state=${state} data-stop=${asked}
			data-stale=${!link.good}>
		<a class="name" href=${address({view: null, robot: robot.name})}>${robot.name}</a>
		<span class="badge ${link.good ? state : 'unknown'}">${texts.header[state]}</span>
		${safety?.by_hand && html`<span class="badge byhand">${texts.header.byHand}</span>`}
		<span class="link ${link.good ? 'good' : 'bad'}">${link.word}</span>
		<span class="score">${score ? t.score(score.text, score.episode) : ''}</span>
		<span class="asked">${asked === 'sent' ? t.sent(robot.estop.tries.value) : asked === 'acknowledged' ? t.acknowledged : ''}
			${state === 'stopped' && safety?.by ? ` · ${texts.header.stoppedBy(safety.by)}` : ''}</span>
		<button class="stop" onClick=${() => robot.estop.press()} aria-label=${t.stop(robot.name)}>${t.stop('')}</button>
	</li>`
}
