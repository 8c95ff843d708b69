// One requestAnimationFrame for all panels that draw over time. A panel is drawn only while it can be seen: rAF rests while the
// page is hidden, and an IntersectionObserver knows which panels are on the screen.

// stats is what a test reads: frames that were drawn, and the milliseconds of script that they, and the messages between them,
// took. Both only grow.
export const stats = {frames: 0, scriptMs: 0}
if (typeof window !== 'undefined') window.fluxdStats = stats

const panels = new Map(); // element -> {draw, seen}
let asked = 0, observer = null

// onFrame calls draw(now) before each frame in which the element can be seen. It returns a function that ends that.
export function onFrame(element, draw) {
	observer ||= new IntersectionObserver(entries => {
		for (const entry of entries) {
			const panel = panels.get(entry.target)
			if (panel) panel.seen = entry.isIntersecting
		}
		ask()
	})
	panels.set(element, {draw, seen: false})
	observer.observe(element)
	return () => {
		observer.unobserve(element)
		panels.delete(element)
	}
}

function ask() {
	if (!asked && [...panels.values()].some(panel => panel.seen)) asked = requestAnimationFrame(frame)
}

function frame(now) {
	asked = 0
	const begin = performance.now()
	stats.frames++
	for (const panel of panels.values()) if (panel.seen) panel.draw(now)
	queueMicrotask(() => { stats.scriptMs += performance.now() - begin }) // uPlot draws in a microtask that comes before this one
	ask()
}

// timed counts the script time of f, which handles a message, and returns its result.
export function timed(f) {
	const begin = performance.now(), result = f()
	stats.scriptMs += performance.now() - begin
	return result
}
