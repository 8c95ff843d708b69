import {check, equal, sleep} from './testing.js'
import {Hold} from './hold.js'

function make() {
	const sent = [], refused = []
	let fails = false
	const hold = new Hold({lease: 700, every: 200, refused: error => refused.push(error.message),
		send: async (value, lease) => {
			sent.push({value, lease, at: Date.now()})
			if (fails) throw new Error('no')
		}})
	return {hold, sent, refused, fail: () => { fails = true }}
}

test('a command is renewed while it is held, and ends when it is let go', async () => {
	const {hold, sent} = make()
	hold.set(0.5)
	await sleep(2000)
	check(sent.length >= 10, `sent ${sent.length} times`)
	check(sent.slice(1).every((s, i) => s.at - sent[i].at < 700), 'a lease has ended before the next')
	hold.release()
	equal([sent.at(-1).lease, hold.held.value], [1, false])
	const count = sent.length
	await sleep(2000)
	equal(sent.length, count)
	hold.release()
	equal(sent.length, count, 'released twice')
})

test('a new value is sent soon, ten times a second at most, and the last always', async () => {
	const {hold, sent} = make()
	for (let i = 1; i <= 100; i++) {
		hold.set(i)
		await sleep(10)
	}
	check(sent.length <= 12, `sent ${sent.length} times in a second`)
	await sleep(150)
	equal(sent.at(-1).value, 100)
	hold.release()
})

test('a refusal ends it', async () => {
	const {hold, sent, refused, fail} = make()
	hold.set(1)
	await sleep(10)
	fail()
	await sleep(1000)
	equal([hold.held.value, refused, sent.length], [false, ['no'], 2])
})
