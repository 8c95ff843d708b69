// The page of one robot: the header, the switches of the panels, and the panels in a grid.
import {html, useEffect, useMemo, useRef, useSignal} from './view.js'
import {Header, Theme} from './header.js'
import {stateOf} from './safety.js'
import {Layout} from './layout.js'
import {Notices} from './notices.js'
import {panels} from './panels/index.js'
import {texts} from './texts.js'

const t = texts.app

export function Frame({robot, views, page, onLogout}) {
	const here = panels.filter(panel => panel.available(robot))
	const known = panels.map(p => p.id)
	const wrong = views.filter(v => !known.includes(v))
	const only = views.filter(v => known.includes(v))
	const layout = useMemo(() => new Layout(panels, views.length > 0 ? only : null), [])
	const said = useSignal('')
	const state = robot.live ? texts.header[stateOf(robot.health.value)] : texts.header.stale
	useEffect(() => { document.title = t.title(robot.name, state) }, [robot, state])
	const shown = layout.shown.value.map(id => here.find(p => p.id === id)).filter(Boolean)
	const large = views.length > 0
	return html`
		<a class="skip" href="#panels">${t.skip}</a>
		<${Header} robot=${robot} onLogout=${onLogout}/>
		<${Switches} layout=${layout} here=${here} large=${large}/>
		<${Notices}/>
		<p class="hidden" role="status">${said.value}</p>
		<main id="panels" tabindex="-1" class="panels ${large ? 'large' : ''}" data-count=${shown.length} data-stale=${!robot.live}>
			<${Remarks} robot=${robot} page=${page}/>
			${wrong.map(name => html`<p class="refusal" role="alert">${t.unknownView(name, known.join(', '))}</p>`)}
			${shown.length === 0 && html`<p>${t.nothing}</p>`}
			${shown.map(panel => html`<${Panel} key=${panel.id} ...${{panel, robot, layout, large, said, count: shown.length}}/>`)}
		</main>
		<footer><span>${t.version(robot.status.value?.version ?? page.version)}</span>
			<a href=${address({view: 'robots', robot: null})}>${t.robots}</a> <a href="licences.txt">${t.licences}</a> <${Theme}/>
			<${Keys}/></footer>`
}

function Switches({layout, here, large}) {
	if (large) return html`<nav class="switches"><a href=${address({view: null})}>${t.allPanels}</a></nav>`
	return html`<nav class="switches" aria-label=${t.panels}>${here.map(panel => html`<button class="switch" key=${panel.id}
		aria-pressed=${!layout.hidden.value.has(panel.id)} onClick=${() => layout.toggle(panel.id)}>${panel.title}</button>`)}</nav>`
}

// Remarks says what makes the page useless: no such robot, or a robot of another version.
function Remarks({robot, page}) {
	const {version} = robot.status.value ?? {}
	if (robot.link.value === 'online' && robot.status.value === null) {
		return html`<p class="remark" role="status">${t.noRobot(robot.name)} <a href=${address({view: 'robots', robot: null})}>${t.robots}</a></p>`
	}
	if (!version || version === page.version || robot.name !== page.robot) return null
	return html`<p class="remark" role="status">${t.newVersion(version, page.version)}
		<button onClick=${() => location.reload()}>${t.reload}</button></p>`
}

// Keys lists what the keyboard does.
function Keys() {
	return html`<details class="keys"><summary>${t.keys}</summary>
		<dl>${t.keyList.map(([key, does]) => html`<div><dt>${key}</dt><dd>${does}</dd></div>`)}</dl></details>`
}

// address returns the address of this page with other parameters.
export function address(changes) {
	const query = new URLSearchParams(location.search)
	for (const [key, value] of Object.entries(changes)) value === null ? query.delete(key) : query.set(key, value)
	const text = query.toString().replaceAll('%2C', ',')
	return location.pathname + (text ? `?${text}` : '')
}

// The height of a row of the grid, in pixels: a panel takes as many as it needs, so that the next one stands close below it.
const row = 8

function usePacked(section, large) {
	useEffect(() => {
		const {current} = section
		if (large) return
		const gap = parseFloat(getComputedStyle(current.parentElement).columnGap) || 0
		const observer = new ResizeObserver(() => {
			current.style.gridRowEnd = `span ${Math.ceil((current.offsetHeight + gap) / row)}`
		})
		observer.observe(current)
		return () => observer.disconnect()
	}, [large])
}

function Panel({panel, robot, layout, large, said, count}) {
	const section = useRef(null)
	usePacked(section, large)
	const {id, title, View} = panel
	const wide = layout.wide.value.has(id)
	const move = by => {
		const place = layout.move(id, by)
		said.value = t.moved(title, place + 1, count)
		queueMicrotask(() => section.current?.querySelector('.grip').focus()) // the element moves, and may lose the focus
	}
	const keys = event => {
		const by = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns(section.current), ArrowDown: columns(section.current),
			Home: -count, End: count}[event.key]
		if (by === undefined || event.ctrlKey || event.altKey || event.metaKey) return
		event.preventDefault()
		move(by)
	}
	return html`<section ref=${section} class="panel ${wide && !large ? 'wide' : ''}" data-panel=${id} aria-labelledby="title-${id}">
		<div class="title">
			${!large && html`<button class="grip" aria-label=${t.move(title)} title=${t.move(title)} onKeyDown=${keys}
				onPointerDown=${event => drag(event, id, layout)}>⠿</button>`}
			<h2 id="title-${id}">${title}</h2>
			${!robot.live && html`<span class="badge stale">${texts.header.stale}</span>`}
			${!large && html`
				<a class="quiet" href=${address({view: id})} aria-label=${t.large(title)} title=${t.large(title)}>⤢</a>
				<button class="quiet" aria-pressed=${wide} aria-label=${t.widen(title)} title=${t.widen(title)}
					onClick=${() => layout.widen(id)}>↔</button>
				<button class="quiet" aria-label=${t.hide(title)} title=${t.hide(title)} onClick=${() => layout.toggle(id)}>×</button>`}
		</div>
		<div class="content"><${View} robot=${robot} large=${large}/></div>
	</section>`
}

// columns returns how many panels stand beside each other.
function columns(section) {
	const list = getComputedStyle(section.parentElement).gridTemplateColumns
	return Math.max(1, list.split(' ').length)
}

// drag moves a panel to where the pointer is let go.
function drag(event, id, layout) {
	if (event.button !== 0) return
	const grip = event.currentTarget
	grip.setPointerCapture(event.pointerId)
	const section = grip.closest('.panel')
	section.classList.add('dragged')
	const over = e => document.elementsFromPoint(e.clientX, e.clientY).map(one => one.closest('[data-panel]')).find(Boolean)
	const moved = e => {
		const target = over(e)?.dataset.panel
		document.querySelectorAll('.panel.target').forEach(one => one.classList.remove('target'))
		if (target && target !== id) over(e).classList.add('target')
	}
	const end = e => {
		grip.removeEventListener('pointermove', moved)
		grip.removeEventListener('pointerup', end)
		grip.removeEventListener('pointercancel', end)
		section.classList.remove('dragged')
		document.querySelectorAll('.panel.target').forEach(one => one.classList.remove('target'))
		const target = e.type === 'pointerup' ? over(e)?.dataset.panel : null
		if (target) layout.put(id, target)
	}
	grip.addEventListener('pointermove', moved)
	grip.addEventListener('pointerup', end)
	grip.addEventListener('pointercancel', end)
}
