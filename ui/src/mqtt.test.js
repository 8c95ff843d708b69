import {check, equal, sleep} from './testing.js'
import {Client} from './mqtt.js'
import * as mqtt from './packets.js'

// A Broker is the other end of all WebSockets of a client.
class Broker {
	sockets = []
	code = 0 // of CONNACK; null: no answer
	refusesFilters = []
	up = true
	opened = [] // when

	open = () => {
		const broker = this
		this.opened.push(Date.now())
		const socket = {readyState: 0, splitter: new mqtt.Splitter(), sent: [],
			send(bytes) {
				for (const packet of this.splitter.push(bytes)) broker.#receive(this, packet)
			},
			close() {
				this.readyState = 3
				setTimeout(() => this.onclose?.(), 0)
			}}
		this.sockets.push(socket)
		setTimeout(() => {
			if (!this.up) {
				socket.readyState = 3
				return socket.onclose()
			}
			socket.readyState = 1
			socket.onopen()
		}, 1)
		return socket
	}

	#receive(socket, packet) {
		socket.sent.push(packet)
		if (packet.type === 1 && this.code !== null) this.send(socket, new Uint8Array([0x20, 2, 0, this.code]))
		if (packet.type === 8) {
			const filters = filtersOf(packet)
			this.send(socket, new Uint8Array([0x90, 2 + filters.length, packet.body[0], packet.body[1],
				...filters.map(f => this.refusesFilters.includes(f) ? 0x80 : 0)]))
		}
		if (packet.type === 12 && this.answersPings !== false) this.send(socket, new Uint8Array([0xD0, 0]))
	}

	send(socket, bytes) { setTimeout(() => socket.readyState === 1 && socket.onmessage({data: bytes.slice().buffer}), 1) }

	get last() { return this.sockets.at(-1) }

	drop() {
		this.last.readyState = 3
		this.last.onclose()
	}

	filters() { return this.last.sent.filter(p => p.type === 8).flatMap(filtersOf) }
}

function filtersOf({body}) {
	const all = []
	for (let at = 2; at < body.length;) {
		const size = body[at] << 8 | body[at + 1]
		all.push(new TextDecoder().decode(body.slice(at + 2, at + 2 + size)))
		at += 3 + size
	}
	return all
}

function connect(broker, login = null) {
	const heard = []
	const client = new Client({url: 'ws://robot/mqtt', login, open: broker.open,
		onMessage: (topic, payload, retained) => heard.push([topic, new TextDecoder().decode(payload), retained])})
	return {client, heard}
}

test('a client logs in, subscribes and receives', async () => {
	const broker = new Broker(), {client, heard} = connect(broker, {user: 'ann', password: 'secret'})
	client.subscribe('a/#')
	equal(client.link.value, 'connecting')
	await sleep(10)
	equal(client.link.value, 'online')
	equal(client.user, 'ann')
	equal(broker.filters(), ['a/#'])
	const connectBody = new TextDecoder().decode(broker.last.sent[0].body)
	check(connectBody.includes('ann') && connectBody.includes('secret'), 'the login is not in CONNECT')
	broker.send(broker.last, mqtt.publish('a/b', 'x'))
	await sleep(5)
	equal(heard, [['a/b', 'x', false]])
	client.end()
})

test('what is subscribed stays subscribed over connections, and only once', async () => {
	const broker = new Broker(), {client} = connect(broker)
	await sleep(10)
	const one = client.subscribe('a'), two = client.subscribe('a')
	client.subscribe('b')
	await sleep(5)
	equal(broker.filters(), ['a', 'b'])
	one()
	one()
	await sleep(5)
	equal(broker.last.sent.filter(p => p.type === 10).length, 0, 'unsubscribed while one needs it')
	broker.drop()
	equal(client.link.value, 'lost')
	await sleep(1000)
	equal(client.link.value, 'online')
	equal(broker.filters(), ['a', 'b'])
	equal(client.since.value, 2)
	two()
	await sleep(5)
	equal(broker.last.sent.filter(p => p.type === 10).length, 1)
	client.end()
})

test('the broker says for each filter whether it grants it', async () => {
	const broker = new Broker(), said = {}, {client} = connect(broker)
	broker.refusesFilters = ['may/set']
	client.subscribe('may/set', yes => { said.set = yes })
	client.subscribe('may/get', yes => { said.get = yes })
	await sleep(10)
	equal(said, {set: false, get: true})
	client.end()
})

test('more filters than a packet takes are subscribed in several', async () => {
	const broker = new Broker(), {client} = connect(broker), all = []
	for (let i = 0; i < 100; i++) {
		all.push(`t/${i}`)
		client.subscribe(`t/${i}`)
	}
	await sleep(10)
	equal(broker.filters(), all)
	client.end()
})

test('pauses grow from 0.1 to 5 seconds, and are never the same', async () => {
	const broker = new Broker(), {client} = connect(broker)
	broker.up = false
	await sleep(60_000)
	const pauses = broker.opened.slice(1).map((at, i) => at - broker.opened[i])
	check(pauses[0] >= 50 && pauses[0] <= 110, `the first pause is ${pauses[0]} ms`)
	check(Math.max(...pauses) <= 5010, `the longest pause is ${Math.max(...pauses)} ms`)
	check(Math.min(...pauses.slice(6)) >= 2500, `late pauses: ${pauses.slice(6)}`)
	check(new Set(pauses.slice(6)).size > 3, 'the pauses do not vary')
	broker.up = true
	await sleep(6000)
	equal(client.link.value, 'online')
	broker.drop()
	const before = broker.opened.length
	await sleep(200)
	equal(broker.opened.length, before + 1, 'attempts after a good connection')
	client.end()
})

test('hurry does not wait for the pause', async () => {
	const broker = new Broker(), {client} = connect(broker)
	broker.up = false
	await sleep(30_000)
	broker.up = true
	client.hurry()
	await sleep(10)
	equal(client.link.value, 'online')
	const before = broker.opened.length
	client.hurry()
	await sleep(10)
	equal(broker.opened.length, before, 'it hurried although it was online')
	client.end()
})

test('a wrong password is not tried again', async () => {
	for (const code of [4, 5]) {
		const broker = new Broker()
		broker.code = code
		const {client} = connect(broker, {user: 'ann', password: 'wrong'})
		await sleep(60_000)
		equal(client.link.value, 'refused')
		equal(broker.opened.length, 1)
	}
})

test('a broker that is too busy is tried again', async () => {
	const broker = new Broker()
	broker.code = 3
	const {client} = connect(broker)
	await sleep(2000)
	check(broker.opened.length > 2, 'no further attempt')
	broker.code = 0
	await sleep(6000)
	equal(client.link.value, 'online')
	client.end()
})

test('a broker that does not answer is given up', async () => {
	const broker = new Broker()
	broker.code = null
	const {client} = connect(broker)
	await sleep(9000)
	equal(client.link.value, 'connecting')
	await sleep(2000)
	equal(client.link.value, 'lost')
	check(broker.opened.length >= 2, 'no further attempt')
	client.end()
})

test('a silent broker is asked, and given up without an answer', async () => {
	const broker = new Broker(), {client} = connect(broker)
	await sleep(120_000)
	equal([client.link.value, broker.opened.length], ['online', 1], 'a broker that answers pings')
	broker.answersPings = false
	await sleep(25_000)
	check(broker.opened.length > 1, 'a broker that answers no pings is still believed')
	client.end()
})

test('who is in a hurry notices a dead connection within seconds', async () => {
	const broker = new Broker(), {client} = connect(broker)
	await sleep(3000)
	client.hurry()
	client.hurry()
	await sleep(2500)
	equal([client.link.value, broker.opened.length, broker.last.sent.filter(p => p.type === 12).length], ['online', 1, 1], 'a live one')
	broker.answersPings = false
	await sleep(2000)
	client.hurry()
	await sleep(2500)
	equal([client.link.value, broker.opened.length], ['online', 2], 'a dead one')
	client.end()
})

test('without a connection nothing is sent, and nothing later', async () => {
	const broker = new Broker(), {client} = connect(broker)
	equal(client.publish('a', 'x'), false)
	await sleep(10)
	equal(client.publish('a', 'y'), true)
	await sleep(5)
	equal(broker.last.sent.filter(p => p.type === 3).map(p => new TextDecoder().decode(mqtt.message(p).payload)), ['y'])
	client.end()
	equal(client.publish('a', 'z'), false)
	await sleep(20_000)
	equal(broker.opened.length, 1, 'it connects after its end')
})

test('bytes that are no MQTT end the connection, not the page', async () => {
	const broker = new Broker(), {client} = connect(broker)
	await sleep(10)
	broker.send(broker.last, new Uint8Array([0x30, 255, 255, 255, 255, 255]))
	await sleep(2)
	equal(client.link.value, 'lost')
	await sleep(500)
	equal(client.link.value, 'online')
	client.end()
})
