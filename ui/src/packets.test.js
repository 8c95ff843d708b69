import {check, equal, throws} from './testing.js'
import * as mqtt from './packets.js'

// stream returns packets as one sequence of bytes.
function stream(...packets) {
	const all = new Uint8Array(packets.reduce((n, p) => n + p.length, 0))
	let at = 0
	for (const p of packets) {
		all.set(p, at)
		at += p.length
	}
	return all
}

const topics = packets => packets.map(p => mqtt.message(p).topic)

test('CONNECT has the bytes of section 3.1', () => {
	equal(mqtt.connect({id: 'a', keepAlive: 60}), [0x10, 13, 0, 4, 77, 81, 84, 84, 4, 2, 0, 60, 0, 1, 97])
	equal(mqtt.connect({id: 'a', user: 'u', password: 'pw', keepAlive: 300}),
		[0x10, 20, 0, 4, 77, 81, 84, 84, 4, 2 | 128 | 64, 1, 44, 0, 1, 97, 0, 1, 117, 0, 2, 112, 119])
})

test('SUBSCRIBE, UNSUBSCRIBE, PINGREQ, DISCONNECT', () => {
	equal(mqtt.subscribe(258, ['a', 'b/#']), [0x82, 12, 1, 2, 0, 1, 97, 0, 0, 3, 98, 47, 35, 0])
	equal(mqtt.unsubscribe(1, ['a']), [0xA2, 5, 0, 1, 0, 1, 97])
	equal(mqtt.ping(), [0xC0, 0])
	equal(mqtt.disconnect(), [0xE0, 0])
	equal(mqtt.granted({body: new Uint8Array([1, 2, 0, 0x80, 1])}), {number: 258, filters: [true, false, true]})
})

test('a message survives the way, in any text', () => {
	const [packet] = new mqtt.Splitter().push(mqtt.publish('flux/käfer/req/set', '{"a": "µ"}'))
	equal(packet.type, mqtt.PUBLISH)
	const {topic, payload, retained} = mqtt.message(packet)
	equal([topic, new TextDecoder().decode(payload), retained], ['flux/käfer/req/set', '{"a": "µ"}', false])
	check(mqtt.message({flags: 1, body: packet.body}).retained, 'the retain flag is lost')
})

test('packets are found wherever the frames are split', () => {
	const bytes = stream(mqtt.publish('a', 'x'), mqtt.publish('bb', 'y'.repeat(200)), mqtt.ping(), mqtt.publish('c', ''))
	for (let cut = 0; cut <= bytes.length; cut++) {
		for (const second of [0, 1, 7]) {
			const splitter = new mqtt.Splitter(), got = []
			for (const [from, to] of [[0, cut], [cut, cut + second], [cut + second, bytes.length]]) got.push(...splitter.push(bytes.slice(from, to)))
			equal(got.map(p => p.type), [3, 3, 12, 3], `cut at ${cut} and ${cut + second}`)
			equal(topics(got.filter(p => p.type === 3)), ['a', 'bb', 'c'])
			equal(got[1].body.length, 4 + 200)
		}
	}
})

test('packets are found byte by byte', () => {
	const bytes = stream(mqtt.publish('a', 'y'.repeat(300)), mqtt.publish('b', 'z'))
	const splitter = new mqtt.Splitter(), got = []
	for (const b of bytes) got.push(...splitter.push(new Uint8Array([b])))
	equal(topics(got), ['a', 'b'])
})

test('the length of a packet has one to four bytes', () => {
	for (const size of [0, 121, 122, 127, 128, 16_000, 16_383, 16_384, 2_097_151, 2_097_152]) {
		const bytes = mqtt.publish('abc', new Uint8Array(size))
		const [packet] = new mqtt.Splitter().push(bytes)
		equal(mqtt.message(packet).payload.length, size)
	}
})

test('a message at QoS 1 has a number before the payload', () => {
	equal(mqtt.message({flags: 2, body: new Uint8Array([0, 1, 97, 9, 9, 120])}).payload, [120])
})

test('bytes that are no MQTT are refused', () => {
	throws(() => new mqtt.Splitter().push(new Uint8Array([0x30, 255, 255, 255, 255, 255])), 'expected a packet')
	throws(() => mqtt.message({flags: 0, body: new Uint8Array([0])}), 'without a topic')
	throws(() => mqtt.message({flags: 0, body: new Uint8Array([0, 9, 97])}), 'cut short')
})

test('a text that is too long for MQTT is refused', () => throws(() => mqtt.publish('a'.repeat(65_536), ''), 'at most 65535'))
