// The packets of MQTT 3.1.1, as far as a client needs them that publishes and subscribes at QoS 0.
// http://docs.oasis-open.org/mqtt/mqtt/v3.1.1/mqtt-v3.1.1.html

export const CONNACK = 2, PUBLISH = 3, SUBACK = 9, PINGRESP = 13

// What a broker may send at most, in bytes: more is no packet of a robot.
const largest = 64 << 20

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const word = n => [n >> 8 & 255, n & 255]

function text(s) {
	const bytes = encoder.encode(s)
	if (bytes.length > 65535) throw new Error(`mqtt: expected a text of at most 65535 bytes, got ${bytes.length}`)
	return [...word(bytes.length), ...bytes]
}

function packet(first, head, payload = []) {
	const size = []
	let rest = head.length + payload.length
	do {
		size.push(rest % 128 | (rest > 127 ? 128 : 0))
		rest = Math.floor(rest / 128)
	} while (rest > 0)
	const all = new Uint8Array(1 + size.length + head.length + payload.length)
	all.set([first, ...size, ...head])
	all.set(payload, 1 + size.length + head.length)
	return all
}

// connect returns the first packet of a connection. A session is always clean: nothing of it outlives the page.
export function connect({id, user = '', password = '', keepAlive}) {
	const flags = 2 | (user ? 128 : 0) | (user && password ? 64 : 0)
	return packet(0x10, [...text('MQTT'), 4, flags, ...word(keepAlive), ...text(id),
		...(user ? text(user) : []), ...(user && password ? text(password) : [])])
}

export const subscribe = (number, filters) => packet(0x82, [...word(number), ...filters.flatMap(f => [...text(f), 0])])

export const unsubscribe = (number, filters) => packet(0xA2, [...word(number), ...filters.flatMap(f => text(f))])

export const publish = (topic, payload) =>
	packet(0x30, text(topic), typeof payload === 'string' ? encoder.encode(payload) : payload)

export const ping = () => packet(0xC0, [])

export const disconnect = () => packet(0xE0, [])

// A Splitter makes packets of the bytes of a connection. A frame of the WebSocket may hold a part of a packet, or several.
export class Splitter {
	#rest = new Uint8Array(0)

	// push returns the packets that are complete with these bytes, as {type, flags, body}. It throws if the bytes are no MQTT.
	push(bytes) {
		let all = bytes
		if (this.#rest.length > 0) {
			all = new Uint8Array(this.#rest.length + bytes.length)
			all.set(this.#rest)
			all.set(bytes, this.#rest.length)
		}
		const packets = []
		let from = 0
		for (;;) {
			let size = 0, at = from + 1, shift = 0
			for (; at < all.length && shift < 28; at++, shift += 7) {
				size += (all[at] & 127) << shift
				if (all[at] < 128) break
			}
			if (shift === 28 || size > largest) throw new Error('mqtt: expected a packet, got other bytes')
			if (at >= all.length || at + 1 + size > all.length) break
			packets.push({type: all[from] >> 4, flags: all[from] & 15, body: all.subarray(at + 1, at + 1 + size)})
			from = at + 1 + size
		}
		this.#rest = all.slice(from)
		return packets
	}
}

// message returns a PUBLISH as {topic, payload, retained}.
export function message({flags, body}) {
	if (body.length < 2) throw new Error('mqtt: a message without a topic')
	const end = 2 + (body[0] << 8 | body[1]), start = flags & 6 ? end + 2 : end
	if (start > body.length) throw new Error('mqtt: a message that is cut short')
	return {topic: decoder.decode(body.subarray(2, end)), payload: body.subarray(start), retained: (flags & 1) === 1}
}

// granted returns a SUBACK as its number and, for each filter, whether the broker has accepted it.
export const granted = ({body}) => ({number: body[0] << 8 | body[1], filters: Array.from(body.subarray(2), code => code < 128)})
