// Moves and scales the graph by pointer, wheel and buttons.
import {useEffect, useLayoutEffect, useRef} from '../../view.js'
import {fit, reveal, zoom} from './viewport.js'

// usePanZoom returns {handlers, stage, by, whole, reveal, moved}: handlers for the frame, the ref of the group that is moved,
// and what buttons do. The view changes an attribute only, without drawing the graph again. setWidth is given the width of the
// frame, roughly.
export function usePanZoom(frame, placed, large, setWidth) {
	const stage = useRef(null)
	const view = useRef({scale: 1, x: 0, y: 0})
	const own = useRef(false) // somebody has moved it: it is not fitted any more
	const pointers = useRef(new Map())
	const travelled = useRef(0)

	const box = () => ({width: frame.current?.clientWidth || 1, height: frame.current?.clientHeight || 1})
	const show = v => {
		view.current = v
		stage.current?.setAttribute('transform', `translate(${v.x.toFixed(1)} ${v.y.toFixed(1)}) scale(${v.scale.toFixed(4)})`)
	}
	const whole = () => {
		own.current = false
		show(fit(placed.width, placed.height, box(), {largest: large ? 4 : 1.8}))
	}
	const by = (factor, x = box().width / 2, y = box().height / 2) => {
		own.current = true
		show(zoom(view.current, factor, x, y))
	}
	useLayoutEffect(whole, [placed, large])
	useEffect(() => {
		if (!frame.current) return
		const observer = new ResizeObserver(() => {
			setWidth(Math.round(box().width / 20) * 20)
			if (own.current) show(view.current)
			else whole()
		})
		observer.observe(frame.current)
		// The wheel scrolls the page, and scales the graph with ctrl, as a pinch on a touchpad does.
		const wheel = event => {
			if (!event.ctrlKey && !event.metaKey) return
			event.preventDefault()
			const r = frame.current.getBoundingClientRect()
			by(Math.exp(-event.deltaY / 300), event.clientX - r.left, event.clientY - r.top)
		}
		const el = frame.current
		el.addEventListener('wheel', wheel, {passive: false})
		return () => {
			observer.disconnect()
			el.removeEventListener('wheel', wheel)
		}
	}, [placed, large, frame.current])

	const handlers = {
		onPointerDown: event => {
			if (event.button > 0) return
			if (pointers.current.size === 0) travelled.current = 0
			pointers.current.set(event.pointerId, {x: event.clientX, y: event.clientY})
		},
		onPointerMove: event => {
			const before = pointers.current.get(event.pointerId)
			if (!before) return
			const at = {x: event.clientX, y: event.clientY}
			const dx = at.x - before.x
			const dy = at.y - before.y
			travelled.current += Math.hypot(dx, dy)
			if (travelled.current < 4) return
			if (!frame.current.hasPointerCapture(event.pointerId)) frame.current.setPointerCapture(event.pointerId)
			own.current = true
			const other = [...pointers.current].find(([id]) => id !== event.pointerId)?.[1]
			pointers.current.set(event.pointerId, at)
			if (!other) return show({...view.current, x: view.current.x + dx, y: view.current.y + dy})
			const r = frame.current.getBoundingClientRect()
			const was = Math.hypot(before.x - other.x, before.y - other.y)
			const is = Math.hypot(at.x - other.x, at.y - other.y)
			if (was > 0) by(is / was, (at.x + other.x) / 2 - r.left, (at.y + other.y) / 2 - r.top)
		},
		onPointerUp: event => pointers.current.delete(event.pointerId),
		onPointerCancel: event => pointers.current.delete(event.pointerId),
	}
	return {
		handlers, stage, by, whole,
		reveal: place => { if (place) show(reveal(view.current, place, box())) },
		moved: () => travelled.current >= 4,
	}
}
