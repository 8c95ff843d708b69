// What a person does with the time axes: pause, zoom, scroll back. All panels over time share one span and one pause.

import {cursor, paused, span} from '../cursor.js'
import {Playhead} from './playhead.js'

// shortest and longest are the limits of the span in seconds; stops are those that keys and buttons stop at.
export const shortest = 0.1, longest = 60
const stops = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60]

// back is how far one can scroll back, in ms. It is also how long readings are kept.
export const back = 600000

const heads = new WeakMap()

// headOf returns the playhead that all panels of a robot share.
export function headOf(robot) {
	if (!heads.has(robot)) heads.set(robot, new Playhead(() => robot.time()))
	return heads.get(robot)
}

// edge returns the time at the right edge of the axes in ms since 1970. now is that of requestAnimationFrame.
export const edge = (robot, now) => (paused.value === null ? headOf(robot).at(now) : paused.value)

export function pause(robot) {
	if (paused.value === null) paused.value = headOf(robot).at(performance.now())
}

export function live() { paused.value = null }

export function toggle(robot) {
	if (paused.value === null) pause(robot)
	else live()
}

// zoom multiplies the span. While the axes stand still, the time at the anchor (ms) stays where it is.
export function zoom(factor, anchor = cursor.value) {
	const before = span.value, after = Math.min(longest, Math.max(shortest, before * factor))
	if (after === before) return
	if (paused.value !== null && anchor !== null) paused.value = anchor + (paused.value - anchor) * after / before
	span.value = after
}

// closer and wider zoom to the next stop.
export function closer() { zoom((stops.findLast(s => s < span.value * 0.999) ?? shortest) / span.value) }
export function wider() { zoom((stops.find(s => s > span.value * 1.001) ?? longest) / span.value) }

// scroll moves the axes by some ms, backwards if negative. It pauses them.
export function scroll(robot, ms) {
	const head = headOf(robot).at(performance.now())
	paused.value = Math.min(head, Math.max(head - back, (paused.value ?? head) + ms))
}

// shift moves the cursor by a part of the span, for the keyboard. It begins at the right edge, whose time is given.
export function shift(part, right) {
	const length = span.value * 1000, at = (cursor.value ?? right) + (cursor.value === null ? 0 : part * length)
	cursor.value = Math.min(right, Math.max(right - length, at))
}

// key does what a key means in every panel over time, and reports whether it means something. Space is not among them: the page
// stops the robot with it.
export function key(event, robot) {
	if (event.ctrlKey || event.metaKey || event.altKey) return false
	switch (event.key) {
	case '+': case '=': closer(); break
	case '-': case '_': wider(); break
	case 'p': case 'P': toggle(robot); break
	case 'PageUp': scroll(robot, -span.value * 500); break
	case 'PageDown': scroll(robot, span.value * 500); break
	case 'Home': scroll(robot, -back); break
	case 'End': live(); break
	default: return false
	}
	event.preventDefault()
	return true
}

// Pointers makes an element zoom and scroll by wheel, drag and pinch. timeAt(x) returns the time (ms) at a distance from the
// element's left edge, and width() the width of the axis in px. A plain wheel scrolls the page unless the element has the focus:
// else a page could not be scrolled past it. It returns a function that ends that.
export function pointers(element, robot, {timeAt, width}) {
	const down = new Map() // pointer -> x
	const x = event => event.clientX - element.getBoundingClientRect().left
	const wheel = event => {
		const focused = element.contains(document.activeElement) || element.closest(':focus') !== null
		if (!event.ctrlKey && !event.metaKey && !focused) return
		event.preventDefault()
		if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
			scroll(robot, (event.deltaX || event.deltaY) / width() * span.value * 1000)
			return
		}
		const lines = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY / 100 : event.deltaY / 3
		zoom(Math.pow(1.25, Math.max(-3, Math.min(3, event.ctrlKey ? lines * 4 : lines))), timeAt(x(event)))
	}
	const press = event => {
		down.set(event.pointerId, x(event))
	}
	const move = event => {
		if (!down.has(event.pointerId)) return
		const before = [...down.values()], at = x(event), was = down.get(event.pointerId)
		if (down.size === 2) {
			down.set(event.pointerId, at)
			const after = [...down.values()], apart = ([a, b]) => Math.max(20, Math.abs(a - b))
			zoom(apart(before) / apart(after), timeAt((after[0] + after[1]) / 2))
		} else if (down.size === 1 && (paused.value !== null || Math.abs(at - was) > 8)) { // a click does not move
			down.set(event.pointerId, at)
			scroll(robot, (was - at) / width() * span.value * 1000)
			if (!element.hasPointerCapture(event.pointerId)) element.setPointerCapture(event.pointerId)
		}
	}
	const lift = event => { down.delete(event.pointerId) }
	const listeners = {wheel, pointerdown: press, pointermove: move, pointerup: lift, pointercancel: lift}
	for (const [name, f] of Object.entries(listeners)) element.addEventListener(name, f, {passive: false})
	return () => { for (const [name, f] of Object.entries(listeners)) element.removeEventListener(name, f) }
}
