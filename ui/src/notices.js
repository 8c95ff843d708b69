// What the page says to the user: shown for a while, and read out by a screen reader.
import {html, signal} from './view.js'
import {texts} from './texts.js'

const shown = signal([])
let count = 0

// Milliseconds for which a notice stays.
const stay = 8000

// notify says something. level is 'info' or 'error'.
export function notify(text, level = 'info') {
	const one = {id: ++count, text, level}
	shown.value = [...shown.value.filter(n => n.text !== text), one].slice(-4)
	setTimeout(() => dismiss(one.id), stay)
}

// refusal says why the robot has refused something, in its words.
export const refusal = error => notify(error.path ? `${error.path}: ${error.message}` : error.message, 'error')

const dismiss = id => { shown.value = shown.value.filter(n => n.id !== id) }

export function Notices() {
	const part = level => shown.value.filter(n => n.level === level).map(n => html`<div class="notice ${level}" key=${n.id}>
		<span>${n.text}</span><button class="quiet" aria-label=${texts.header.close} onClick=${() => dismiss(n.id)}>×</button></div>`)
	return html`<div class="notices"><div role="status">${part('info')}</div><div role="alert">${part('error')}</div></div>`
}
