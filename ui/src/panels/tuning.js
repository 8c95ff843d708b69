// Everything that can be tuned, in groups as in the robot file.
import {html, signal, useEffect, useMemo, useSignal} from '../view.js'
import {group} from '../groups.js'
import {notify, refusal} from '../notices.js'
import {Parameter} from '../parameter.js'
import {texts} from '../texts.js'
import './tuning.css'

const t = texts.tuning

// Milliseconds between two readings of what synapses have learnt.
const every = 2000

// Which things are open. It outlives the panel's being hidden.
const open = signal(new Set())

function View({robot}) {
	const filter = useSignal(''), changedOnly = useSignal(false)
	const groups = useMemo(() => group(robot.describe.value ?? {}), [robot.describe.value])
	useKeys(robot)
	useLearnt(robot)
	if (!robot.describe.value) return html`<p class="muted" role="status">${t.waiting}</p>`
	const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean)
	const tuned = changedOnly.value ? new Set(robot.tuning.tuned()) : null
	const matches = ({path}) => words.every(w => path.toLowerCase().includes(w)) && (!tuned || tuned.has(path))
	const narrow = words.length > 0 || changedOnly.value
	const shown = groups.map(g => ({...g, things: g.things.map(thing => ({...thing, rows: thing.rows.filter(matches)}))
		.filter(thing => thing.rows.length > 0)})).filter(g => g.things.length > 0)
	const count = shown.reduce((n, g) => n + g.things.reduce((m, thing) => m + thing.rows.length, 0), 0)
	return html`<${Tools} robot=${robot}/>
		<div class="filter">
			<label>${t.filter} <input type="search" value=${filter.value} placeholder=${t.example}
				onInput=${e => { filter.value = e.currentTarget.value }}/></label>
			<label><input type="checkbox" checked=${changedOnly.value}
				onChange=${e => { changedOnly.value = e.currentTarget.checked }}/> ${t.changedOnly}</label>
			<span class="muted" role="status">${narrow ? t.found(count) : ''}</span>
		</div>
		${shown.length === 0 && html`<p>${changedOnly.value && words.length === 0 ? t.nothingTuned : t.nothingFound}</p>`}
		${shown.map(g => html`<${Group} key=${g.id} ...${{robot, group: g, all: narrow && count <= 60}}/>`)}`
}

function Group({robot, group: {id, things}, all}) {
	return html`<div class="group" role="group" aria-label=${t.groups[id]}><h3>${t.groups[id]}</h3>
		${things.map(thing => html`<${Thing} key=${thing.id} ...${{robot, thing, all}}/>`)}</div>`
}

function Thing({robot, thing: {id, name, title, rows}, all}) {
	const isOpen = all || open.value.has(id) || name === ''
	const toggle = event => {
		if (all || event.currentTarget.open === open.value.has(id)) return
		const next = new Set(open.value)
		if (!next.delete(id)) next.add(id)
		open.value = next
	}
	const tuned = rows.filter(({path}) => ![undefined, 'config'].includes(robot.parameter(path).value?.src)).length
	const content = isOpen && rows.map(row => html`<${Parameter} key=${row.path} robot=${robot} path=${row.path} label=${row.label}/>
		${robot.parameters.value.get(row.path)?.count > 0 && html`<${Member} key=${`${row.path}!`} robot=${robot} path=${row.path}/>`}`)
	if (name === '') return html`<div>${content}</div>`
	return html`<details open=${isOpen} onToggle=${toggle}><summary>${title}
		${tuned > 0 && html` <span class="source">${t.tuned(tuned)}</span>`}</summary>${content}</details>`
}

// Member is one member of a large population, whose other members share a parameter.
function Member({robot, path}) {
	const numbers = useSignal('')
	const places = path.split('[*]').length - 1
	const parts = numbers.value.split(',').map(n => n.trim()).filter(Boolean)
	const complete = parts.length === places && parts.every(n => /^\d+$/.test(n))
	const member = complete ? parts.reduce((p, n) => p.replace('[*]', `[${n}]`), path) : ''
	const revision = robot.parameter(path).value?.rev
	const wrong = useSignal('')
	useEffect(() => {
		wrong.value = ''
		if (!member) return
		robot.request('get', {paths: [member]}).then(({values}) => { robot.parameter(member).value = values[member] },
			error => { wrong.value = error.message })
	}, [member, revision])
	return html`<div class="member"><label>${t.member(places)} <input type="text" inputmode="numeric" value=${numbers.value}
			onChange=${e => { numbers.value = e.currentTarget.value }}/></label>
		${wrong.value && html`<p class="refusal" role="alert">${wrong.value}</p>`}
		${member && !wrong.value && html`<${Parameter} key=${member} robot=${robot} path=${member} of=${path} label=${member}/>`}</div>`
}

function Tools({robot}) {
	const {tuning} = robot
	const save = () => robot.request('save').then(answer => notify(answer.warning ?? t.saved, answer.warning ? 'error' : 'info'), refusal)
	const tuned = tuning.tuned().length
	return html`<div class="tools" role="group" aria-label=${t.tools}>
		<button onClick=${() => step(robot, 'undo')} disabled=${!tuning.canUndo.value || !robot.may('set')} aria-keyshortcuts="Control+Z">
			${t.undo(tuning.done.value.length)}</button>
		<button onClick=${() => step(robot, 'redo')} disabled=${!tuning.canRedo.value || !robot.may('set')}
			aria-keyshortcuts="Control+Shift+Z">${t.redo(tuning.undone.value.length)}</button>
		<button onClick=${() => tuning.reset().catch(refusal)} disabled=${tuned === 0 || !robot.may('reset')}>${t.resetAll(tuned)}</button>
		<button onClick=${save} disabled=${!robot.may('save')}>${t.save}</button>
		<span class="muted">${t.revision(robot.revision.value)}</span>
		${!robot.may('set') && html`<span class="refusal">${texts.header.readOnlyHint(robot.user)}</span>`}
	</div>`
}

async function step(robot, which) {
	try {
		const foreign = await robot.tuning[which]()
		if (foreign.length > 0) notify(t.foreign(foreign.join(', '), robot.parameter(foreign[0]).value?.src ?? '?'), 'error')
	} catch (error) {
		refusal(error)
	}
}

// useKeys undoes by Control+Z, as everywhere, but not within a field: there it undoes what was typed.
function useKeys(robot) {
	useEffect(() => {
		const keys = event => {
			if (!(event.ctrlKey || event.metaKey) || event.altKey || event.target.matches?.('input:not([type=range], [type=checkbox]), textarea')) return
			const key = event.key.toLowerCase()
			if (key !== 'z' && key !== 'y') return
			event.preventDefault()
			if (robot.may('set')) step(robot, key === 'y' || event.shiftKey ? 'redo' : 'undo')
		}
		addEventListener('keydown', keys)
		return () => removeEventListener('keydown', keys)
	}, [robot])
}

// useLearnt keeps what synapses have learnt up to date while the panel is there.
function useLearnt(robot) {
	useEffect(() => {
		const timer = setInterval(() => { if (!document.hidden && robot.live) robot.tuning.loadLearnt() }, every)
		return () => clearInterval(timer)
	}, [robot])
}

export const panel = {id: 'tuning', title: t.title, available: () => true, View}
