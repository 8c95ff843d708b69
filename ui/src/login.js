// The login form. The password stays in this tab: sessionStorage ends with it.
import {html, useEffect, useRef, useSignal} from './view.js'
import {texts} from './texts.js'

const key = 'fluxd.login'

export function recalled() {
	try {
		return JSON.parse(sessionStorage.getItem(key))
	} catch {
		return null
	}
}

export function keep(login) {
	try {
		sessionStorage.setItem(key, JSON.stringify(login))
	} catch {
		// switched off: the user logs in again after each load
	}
}

export function forget() {
	try {
		sessionStorage.removeItem(key)
	} catch {
		// it was never kept
	}
}

export function Login({robot, wrong, entering, onLogin}) {
	const t = texts.login
	const first = useRef(null)
	useEffect(() => { first.current?.focus() }, [wrong])
	const submit = event => {
		event.preventDefault()
		const form = new FormData(event.currentTarget)
		onLogin({user: form.get('user').trim(), password: form.get('password')})
	}
	return html`<main class="alone"><form class="login" onSubmit=${submit}>
		<h1>${robot}</h1>
		<p>${t.about}</p>
		<label>${t.user}<input ref=${first} name="user" autocomplete="username" autocapitalize="none" spellcheck=${false} required/></label>
		<label>${t.password}<input name="password" type="password" autocomplete="current-password" required/></label>
		<p class="refusal" role="alert">${wrong ? t.wrong : ''}</p>
		<button class="primary" disabled=${entering}>${entering ? t.entering : t.submit}</button>
	</form></main>`
}
