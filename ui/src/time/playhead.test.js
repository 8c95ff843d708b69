import {check} from '../testing.js'
import {Playhead} from './playhead.js'

// run lets frames pass, and returns the smallest and the largest step of the head in ms.
function run(head, clock, frames, each = () => {}) {
	let least = Infinity, most = -Infinity, before = head.at(clock.now)
	for (let i = 0; i < frames; i++) {
		clock.now += 16
		clock.robot += 16
		each(i)
		const at = head.at(clock.now)
		least = Math.min(least, at - before)
		most = Math.max(most, at - before)
		before = at
	}
	return {least, most, behind: clock.robot - before}
}

const start = () => {
	const clock = {now: 1000, robot: 1e12}
	return [new Playhead(() => clock.robot + (clock.wrong ?? 0)), clock]
}

test('the head moves as time does, a little behind', () => {
	const [head, clock] = start()
	const {least, most, behind} = run(head, clock, 500)
	check(least === 16 && most === 16, `steps of ${least} to ${most}`)
	check(behind > 100 && behind < 300, `${behind} ms behind`)
})

test('a slow network makes it wait longer, smoothly, and a fast one less again', () => {
	const [head, clock] = start()
	run(head, clock, 10)
	const slow = run(head, clock, 1000, i => { if (i % 5 === 0) head.arrived(clock.robot - 600) })
	check(slow.behind > 600 && slow.behind < 700, `${slow.behind} ms behind`)
	check(slow.least > 15 && slow.most < 17, `steps of ${slow.least} to ${slow.most}`)
	const fast = run(head, clock, 2000, i => { if (i % 5 === 0) head.arrived(clock.robot - 50) })
	check(fast.behind < 300 && fast.most < 17, `${fast.behind} ms behind, steps of up to ${fast.most}`)
})

test('one message that is very late does not stop the head', () => {
	const [head, clock] = start()
	run(head, clock, 10)
	head.arrived(clock.robot - 60000)
	const {least, behind} = run(head, clock, 3000)
	check(least > 0 && behind < 300, `steps of ${least} at least, ${behind} ms behind`)
})

test('it follows a clock that is set, and ignores one that trembles', () => {
	const [head, clock] = start()
	run(head, clock, 10)
	const trembling = run(head, clock, 100, i => { clock.wrong = i % 2 ? 10 : -10 })
	check(trembling.least > 15 && trembling.most < 17, `steps of ${trembling.least} to ${trembling.most}`)
	clock.robot -= 3.6e6
	check(Math.abs(run(head, clock, 2).behind) < 300, 'the head did not follow the clock')
})
