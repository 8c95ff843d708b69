import {check, equal, sleep} from './testing.js'
import {clamp, degrees, fit, heightFor, lengthText, moved, scaleBar, stepFor, wrapped} from './panels/world/geometry.js'
import {Placer} from './panels/world/placer.js'
import {Trail} from './panels/world/trail.js'

const arena = {x0: -1, y0: 0, x1: 3, y1: 3}

test('a world is shown whole and upright, and a place on the page leads back to the same place in the world', () => {
	const view = fit(arena, 420, 300)
	for (const [x, y] of [[-1, 0], [3, 3], [0.3, 2.2]]) {
		const px = view.x(x), py = view.y(y)
		check(px >= 0 && px <= 420 && py >= 0 && py <= 300, `${px}, ${py}`)
		check(Math.abs(view.wx(px) - x) < 1e-9 && Math.abs(view.wy(py) - y) < 1e-9, 'the way back leads elsewhere')
	}
	check(view.y(3) < view.y(0), 'up is down')
	equal(view.scale, 92)
})

test('a world without any size does no harm', () => {
	const view = fit({x0: 1, y0: 1, x1: 1, y1: 1}, 100, 100)
	check(Number.isFinite(view.x(1)) && Number.isFinite(view.y(1)), 'no place')
	equal(heightFor({x0: 0, y0: 0, x1: 0, y1: 0}, 300), 180)
})

test('a scale bar is 1, 2 or 5 times a power of ten, and not longer than it may be', () => {
	for (const scale of [0.3, 7, 92, 1234, 5e4]) {
		const bar = scaleBar(scale, 120)
		check(bar.pixels <= 120 && bar.pixels >= 40, `${scale}: ${bar.pixels} pixels`)
		check(/^[125]0*(\.0+[125])?$|^0\.0*[125]$/.test(String(Number(bar.metres.toPrecision(1)))), `${bar.metres}`)
	}
	equal([1, 0.5, 0.02, 0.005, 0, 12.345].map(lengthText), ['1 m', '50 cm', '2 cm', '5 mm', '0 cm', '12.35 m'])
})

test('arrows move, shift moves farther, page up and down turn, and nothing leaves its area', () => {
	const at = {x: 1, y: 1, heading: 0}
	equal(moved(at, 'ArrowRight', false, arena, 0.1), {x: 1.1, y: 1, heading: 0})
	equal(moved(at, 'ArrowUp', true, arena, 0.1).y, 1.5)
	equal(moved({x: 3, y: 0}, 'ArrowRight', true, arena, 1), {x: 3, y: 0})
	equal(degrees(moved(at, 'PageUp', false, arena, 0.1).heading), 15)
	equal(degrees(moved({...at, heading: -3.1}, 'PageDown', false, arena, 0.1).heading), 167)
	equal([moved({x: 1, y: 1}, 'PageUp', false, arena, 0.1), moved(at, 'a', false, arena, 0.1)], [null, null])
	equal(clamp(arena, {x: -5, y: 9}), {x: -1, y: 3})
	equal([degrees(Math.PI), degrees(-Math.PI), degrees(wrapped(7))], [180, 180, 41])
	equal([stepFor(arena), stepFor({x0: 0, y0: 0, x1: 40, y1: 1})], [0.1, 1])
})

test('the trail is that of the last minute, however often the robot reports, and does not join what it did not drive', () => {
	const trail = new Trail()
	for (let ms = 0; ms < 200_000; ms += 5) trail.add(ms, ms / 1e6, 0)
	check(trail.points.length <= 1201, `${trail.points.length} points`)
	check(trail.points[0].ts >= 200_000 - 60_100, 'it is older than a minute')
	trail.add(200_100, 5, 5) // put elsewhere
	trail.add(200_200, 5.01, 5)
	trail.add(200_300, 5.02, 5, true) // another episode
	trail.add(200_400, 5.03, 5)
	const lines = trail.pieces(200_400)
	const jumps = lines.some(l => l.points.some((p, i) => i > 0 && Math.hypot(p.x - l.points[i - 1].x, p.y - l.points[i - 1].y) >= 1))
	check(!jumps, 'a jump is drawn')
	check(lines[0].age > lines.at(-1).age && lines.every(l => l.age >= 0 && l.age < 1), 'the ages are wrong')
	trail.add(50, 0, 0) // the robot's clock begins again
	equal(trail.points.length, 1)
	trail.add(NaN, 0, 0)
	equal(trail.points.length, 1)
})

// table returns a Placer before a robot that answers after some ms, and what it was sent.
function table(delay, answer = () => null) {
	const sent = [], refused = [], accepted = []
	const placer = new Placer({
		now: () => Date.now(),
		send: async (thing, at) => {
			sent.push({ms: Date.now(), thing, at})
			await sleep(delay)
			const error = answer(at)
			if (error) throw new Error(error)
		},
		refused: (thing, error) => refused.push([thing, error.message]),
		accepted: (thing, at) => accepted.push([thing, at]),
	})
	return {placer, sent, refused, accepted}
}

test('while something is dragged, at most ten places a second are sent, and the last one always', async () => {
	for (const delay of [1, 40, 350]) {
		const {placer, sent, accepted} = table(delay)
		for (let i = 0; i < 100; i++) {
			placer.put('lamp[0]', {x: i})
			await sleep(10)
		}
		await sleep(1000)
		check(sent.every((s, i) => !i || s.ms - sent[i - 1].ms >= 100), `${delay}: two within 100 ms`)
		check(sent.length >= 3 && sent.length <= 12, `${delay}: ${sent.length} were sent`)
		equal(sent.at(-1).at, {x: 99}, `${delay}`)
		equal(accepted.at(-1), ['lamp[0]', {x: 99}])
		check(!placer.moving('lamp[0]'), 'it still waits')
	}
})

test('two things are dragged, and the last place of each is sent', async () => {
	const {placer, sent} = table(20)
	for (let i = 0; i < 10; i++) {
		placer.put('a', i)
		placer.put('b', -i)
	}
	await sleep(2000)
	equal([sent.filter(s => s.thing === 'a').at(-1).at, sent.filter(s => s.thing === 'b').at(-1).at], [9, -9])
})

test('a refusal is said, and does not stop what comes after', async () => {
	const {placer, refused, accepted} = table(5, at => (at.x > 3 ? 'in a wall' : null))
	placer.put('robot', {x: 4})
	await sleep(50)
	placer.put('robot', {x: 2})
	await sleep(500)
	equal([refused, accepted], [[['robot', 'in a wall']], [['robot', {x: 2}]]])
})
