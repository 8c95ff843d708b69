// The page: which robot, which user, which panels.
import './app.css'
import {effect, html, render, signal} from './view.js'
import {Client} from './mqtt.js'
import {Frame} from './frame.js'
import {Login, forget, recalled, keep} from './login.js'
import {Robot} from './robot.js'
import {Fleet} from './fleet.js'
import {Robots} from './robots.js'
import {texts} from './texts.js'
import './theme.js'

const asked = new URLSearchParams(location.search)
const views = (asked.get('view') ?? '').split(',').map(v => v.trim()).filter(Boolean)

// page is what /robot.json says: {robot, version, login}.
const page = signal(null)
const session = signal(null) // {client, robot}

async function load() {
	for (let pause = 500; ; pause = Math.min(5000, pause * 2)) {
		try {
			const answer = await fetch('robot.json', {cache: 'no-store'})
			if (answer.ok) {
				page.value = await answer.json()
				break
			}
		} catch {
			// the daemon is away: it comes back
		}
		await new Promise(resolve => setTimeout(resolve, pause))
	}
	if (!page.value.login || recalled()) start(page.value.login ? recalled() : null)
}

function start(login) {
	session.value?.client.end()
	session.value?.robot.end?.()
	const url = new URL('mqtt', location.href.replace(/^http/, 'ws')).href.replace(/\?.*$/, '')
	const client = new Client({url, login, onMessage: (...message) => robot.receive(...message)})
	const robot = views[0] === 'robots' ? new Fleet(client) : new Robot(client, asked.get('robot') || page.value.robot)
	session.value = {client, robot}
	const done = effect(() => {
		if (client.link.value === 'refused') forget()
		if (client.link.value === 'refused' || client.since.value > 0) queueMicrotask(() => done())
	})
}

function login(credentials) {
	keep(credentials)
	start(credentials)
}

function logout() {
	forget()
	session.value?.robot.end?.()
	session.value?.client.end()
	session.value = null
}

function App() {
	if (!page.value) return html`<main class="alone"><p role="status">${texts.app.noPage}</p></main>`
	const refused = session.value?.client.link.value === 'refused'
	const entering = page.value.login && !refused && session.value?.client.since.value === 0 // nobody has answered yet
	if (refused || entering || !session.value) {
		return html`<${Login} robot=${page.value.robot} wrong=${refused} entering=${entering} onLogin=${login}/>`
	}
	const {client, robot} = session.value
	const common = {page: page.value, client, onLogout: client.user ? logout : null}
	if (robot instanceof Fleet) return html`<${Robots} fleet=${robot} ...${common}/>`
	return html`<${Frame} robot=${robot} views=${views} ...${common}/>`
}

render(html`<${App}/>`, document.getElementById('app'))
load()
