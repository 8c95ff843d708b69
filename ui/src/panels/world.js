// The world of a simulated robot: from above, or from the side. Things in it can be put elsewhere.
import './world.css'
import {html, useEffect, useMemo, useRef, useState} from '../view.js'
import {texts} from '../texts.js'
import {boundsOf, clamp, fit, heightFor, lengthText, moved, scaleBar, stepFor} from './world/geometry.js'
import {Placer} from './world/placer.js'
import {Shapes, TrailLines} from './world/shapes.js'
import {Thing} from './world/thing.js'
import {Trail} from './world/trail.js'
import {Senses} from './world/senses.js'

const t = texts.world

function View({robot, large}) {
	const world = robot.world.value
	useEffect(() => robot.watch({world: true}), [robot])
	if (!world) return html`<div class="world"><p class="muted">${robot.worldRefused.value
		|| (robot.link.value === 'online' ? t.waiting : t.offline)}</p></div>`
	const pose = robot.pose.value
	return html`<div class="world">
		<${Score} pose=${pose} world=${world} />
		${world.shapes?.length || pose?.shapes?.length ? html`<${Picture} robot=${robot} world=${world} pose=${pose} large=${large}/>`
			: html`<p class="muted">${t.nothingToDraw}</p>`}
		<${State} pose=${pose} />
		<${Senses} robot=${robot} />
	</div>`
}

// Score is how well the robot does in this episode.
function Score({pose, world}) {
	const score = pose?.score
	return html`<p class="score" data-episode=${pose?.episode} data-score=${score?.text} data-reached=${score?.reached}>
		<strong>${pose ? t.episode(pose.episode) : t.waiting}</strong> <span>${score?.text || world.about}</span>
		${score?.goal && html` <span class=${score.reached ? 'reached' : ''}>${score.reached ? t.reached
			: t.goal(score.goal)}</span>`}</p>`
}

// State lists the numbers of the world, for those who do not see the picture and for those who want digits.
function State({pose}) {
	const state = Object.entries(pose?.state ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
	if (!state.length) return null
	return html`<details class="state"><summary>${t.numbers}</summary><dl>${state.map(([name, v]) => html`
		<dt key=${name}>${name}</dt><dd data-state=${name} data-value=${v}>${t.number(v)}</dd>`)}</dl></details>`
}

function Picture({robot, world, pose, large}) {
	const frame = useRef(null)
	const size = useSize(frame)
	const trail = useMemo(() => new Trail(), [robot])
	const [drag, setDrag] = useState(null) // {name, at}: where a thing is being put
	const [note, setNote] = useState({})
	const episode = useRef(0)
	const allowed = robot.may('place')
	const live = useRef(null)
	live.current = {setDrag, setNote}
	const placer = useMemo(() => new Placer({
		send: (name, at) => robot.request('place', {thing: name, x: at.x, y: at.y, ...(at.heading === undefined ? {}
			: {heading: at.heading})}),
		accepted: name => {
			live.current.setNote({})
			if (!placer.moving(name)) setTimeout(() => live.current.setDrag(d => (d?.name === name && !d.held ? null : d)), 250)
			robot.loadWorld()
		},
		refused: (name, error) => {
			live.current.setNote({text: error.message, refused: true})
			live.current.setDrag(d => (d?.name === name && !placer.moving(name) ? null : d))
		},
	}), [robot])

	useEffect(() => {
		const end = robot.on('world', message => {
			if (!message.robot) return
			trail.add(message.ts, message.robot.x, message.robot.y, message.episode !== episode.current)
			episode.current = message.episode
		})
		return end
	}, [robot, trail])
	// What stands still is drawn again when it has changed.
	useEffect(() => { if (pose?.version !== undefined && world.version !== undefined
		&& pose.version !== world.version) robot.loadWorld() },
		[pose?.version, world.version])

	// A cart with a pole is shown from the side: its heading is that of the pole, from upright to the right.
	const upright = world.kind === 'cartpole'
	const bounds = viewOf(world, pose)
	const height = size.width ? heightFor(bounds, size.width, {most: large ? size.tall : 560}) : 0
	const view = size.width ? fit(bounds, size.width, height) : null
	const scene = useMemo(() => view && html`<${Shapes} shapes=${world.shapes} view=${view}/>`,
		[world, size.width, height, bounds.x0, bounds.y0, bounds.x1, bounds.y1])
	const things = thingsOf(world, pose).map(thing => (drag?.name === thing.name ? {...thing, ...drag.at} : thing))
	const robotThing = things.find(thing => thing.kind === 'robot')
	const step = stepFor(bounds)
	const put = (thing, at, held) => {
		const to = {x: at.x, y: at.y, ...(thing.heading === undefined ? {} : {heading: at.heading ?? thing.heading})}
		setDrag({name: thing.name, at: to, held})
		placer.put(thing.name, to)
	}
	const release = thing => setDrag(d => (d?.name === thing.name ? placer.moving(thing.name) ? {...d, held: false} : null : d))
	const keys = (event, thing) => {
		if (event.altKey || event.ctrlKey || event.metaKey) return
		const to = moved(thing, event.key, event.shiftKey, areaOf(thing, bounds), step)
		if (!to) return
		event.preventDefault()
		event.stopPropagation()
		put(thing, to, false)
	}
	const bar = view && scaleBar(view.scale, Math.min(120, size.width / 3))
	return html`<div class="picture" ref=${frame}>
		${view && html`<svg width=${size.width} height=${height} role="group" aria-label=${t.summary(world, robotThing, things.length)}
			data-robot-x=${robotThing?.x} data-robot-y=${robotThing?.y} data-robot-heading=${robotThing?.heading}>
			${scene}
			${!upright && html`<${TrailLines} lines=${trail.pieces(pose?.ts ?? 0)} view=${view}/>`}
			<${Shapes} shapes=${pose?.shapes ?? []} view=${view} />
			${things.map(thing => html`<${Thing} key=${thing.name} thing=${thing} view=${view} allowed=${allowed}
				bare=${!pose?.shapes?.length} upright=${upright} held=${drag?.name === thing.name} onKeyDown=${event => keys(event, thing)}
				put=${(at, held) => put(thing, clamp(areaOf(thing, bounds), {...thing, ...at}), held)} release=${() => release(thing)}/>`)}
			${things.length > 0 && html`<g class="scale" transform=${`translate(12 ${height - 12})`} aria-hidden="true"
				data-metres=${bar.metres}><path d=${`M0 -5V0H${bar.pixels}V-5`}/>
				<text x=${bar.pixels / 2} y="-6" text-anchor="middle">${bar.text}</text></g>`}
		</svg>`}
		${things.length > 0 && html`<p class="hint">${allowed ? t.keys(lengthText(step)) : t.mayNot}</p>`}
		<p role="status" class=${note.refused ? 'refusal' : ''}>${note.text}</p>
	</div>`
}

// thingsOf returns all things where they are now, but those that are gone.
function thingsOf(world, pose) {
	const now = new Map((pose?.things ?? []).map(thing => [thing.name, thing]))
	const things = (world.things ?? []).map(thing => ({...thing, ...now.get(thing.name)}))
	if (!things.some(thing => thing.kind === 'robot') && world.robot) {
		things.unshift({name: 'robot', kind: 'robot', ...world.robot, ...pose?.robot})
	}
	return things.filter(thing => !thing.gone)
}

// areaOf returns where the middle of a thing can be put.
const areaOf = (thing, bounds) => (thing.x1 === undefined ? bounds : {x0: thing.x0, y0: thing.y0, x1: thing.x1, y1: thing.y1})

// viewOf returns what is shown: the world, and what must be in view now.
function viewOf(world, pose) {
	const b = boundsOf(world)
	if (pose?.x1 === undefined) return b
	return {x0: Math.min(b.x0, pose.x0), y0: Math.min(b.y0, pose.y0), x1: Math.max(b.x1, pose.x1), y1: Math.max(b.y1, pose.y1)}
}

// useSize returns how wide an element is, and how high a picture in it can be for all of it to be seen.
function useSize(ref) {
	const [size, setSize] = useState({width: 0, tall: 0})
	useEffect(() => {
		const measure = () => setSize(before => {
			const width = Math.round(ref.current?.clientWidth ?? 0)
			const tall = Math.max(240, innerHeight - 220)
			return before.width === width && before.tall === tall ? before : {width, tall}
		})
		measure()
		const observer = new ResizeObserver(measure)
		observer.observe(ref.current)
		addEventListener('resize', measure)
		return () => {
			observer.disconnect()
			removeEventListener('resize', measure)
		}
	}, [])
	return size
}

export const panel = {id: 'world', title: t.title, available: () => true, View}
