import {check, equal, rejects, sleep} from './testing.js'
import {signal} from './view.js'
import {Robot} from './robot.js'

// A Link is a client whose broker is the test, and whose robot is a table of values.
class Link {
	link = signal('online')
	since = signal(0)
	user = ''
	filters = new Map() // filter -> function
	sent = [] // {topic, verb, body}
	silent = new Set() // verbs that are not answered
	refusals = {} // verb -> error
	values = {a: {v: 1, rev: 0, src: 'config'}, b: {v: 2, rev: 0, src: 'config'}}
	rev = 0

	subscribe(filter, answered) {
		this.filters.set(filter, answered)
		return () => { this.filters.delete(filter) }
	}

	hurry() {}

	publish(topic, text) {
		if (this.link.value !== 'online') return false
		const [, , , verb] = topic.split('/'), body = JSON.parse(text)
		this.sent.push({topic, verb, body, at: Date.now()})
		if (!this.silent.has(verb)) setTimeout(() => this.#obey(verb, body), 5)
		return true
	}

	#obey(verb, body) {
		const answer = {id: body.id, status: 'ok', rev: this.rev}
		const error = this.refusals[verb] ?? (body.if_rev !== undefined && body.if_rev !== this.rev ? {code: 'revision_conflict', message: 'no'} : null)
		if (error) Object.assign(answer, {status: 'error', error})
		else if (verb === 'get') answer.values = Object.fromEntries(Object.entries(this.values).map(([p, v]) => [p, {...v, min: 0, max: 10}]))
		else if (verb === 'set') this.change(body.set, 'mqtt', answer)
		else if (verb === 'reset') this.change(Object.fromEntries((body.paths ?? ['a', 'b']).map(p => [p, {a: 1, b: 2}[p]])), 'config', answer)
		this.tell(`res/${verb}`, answer)
	}

	// change is a change of values: by a request, or by somebody else.
	change(values, src, answer = {}) {
		answer.rev = ++this.rev
		answer.applied = values
		for (const [path, v] of Object.entries(values)) {
			this.values[path] = {v, rev: this.rev, src}
			this.tell(`param/${path}`, this.values[path])
		}
	}

	tell(topic, body, retained = false) {
		this.robot.receive(`flux/rover/${topic}`, body === null ? new Uint8Array(0) : new TextEncoder().encode(JSON.stringify(body)), retained)
	}

	of(verb) { return this.sent.filter(s => s.verb === verb) }
}

const description = {neurons: [{name: 'a', count: 1, role: 'sensor'}, {name: 'p', count: 2}], synapses: [], sensors: [], actuators: [],
	parameters: [{path: 'a', default: 1, min: 0, max: 10, unit: '', type: 'float'}, {path: 'b', default: 2, min: 0, max: 10, unit: '', type: 'float'}]}

async function connect(user = '') {
	const link = new Link()
	link.user = user
	const robot = link.robot = new Robot(link, 'rover')
	link.tell('status', {state: 'online', boot: '1', version: 'v'}, true)
	link.tell('describe', description, true)
	for (const path in link.values) link.tell(`param/${path}`, link.values[path], true)
	link.since.value = 1
	await sleep(50)
	return {link, robot}
}

const health = (link, state = 'armed', more = {}) => link.tell('tele/health', {ts: Date.now() + 7000, uptime_s: 100, safety: {state, ...more}})

test('what the topics say is in the signals', async () => {
	const {link, robot} = await connect()
	equal(robot.parameter('a').value.v, 1)
	equal([robot.neuronName(0), robot.neuronName(2), robot.neuronName(9), robot.roles[0]], ['a', 'p[1]', '#9', 'sensor'])
	equal(robot.tuning.ranges.value.get('a').max, 10)
	link.tell('event/error', {ts: Date.now(), code: 'x', text: 'y'})
	equal(robot.events.value.map(e => [e.level, e.text]), [['error', 'y']])
	link.tell('tele/episode', {episode: 1})
	equal(robot.episodes.value.length, 1)
	robot.receive('flux/other/status', new TextEncoder().encode('{"state":"offline"}'))
	robot.receive('flux/rover/status', new TextEncoder().encode('not JSON'))
	equal(robot.status.value.state, 'online')
	robot.end()
	equal(link.filters.size, 0, 'subscriptions after the end')
})

test('only fresh health makes what is shown live', async () => {
	const {link, robot} = await connect()
	link.tell('tele/health', {ts: 1, uptime_s: 1, safety: {state: 'armed'}}, true)
	equal([robot.live, robot.health.value.safety.state], [false, 'armed'])
	health(link)
	equal(robot.live, true)
	check(Math.abs(robot.time() - Date.now() - 7000) < 5, `the robot's clock is ${robot.time() - Date.now()} ms ahead`)
	await sleep(4000)
	equal(robot.live, false, 'live after four seconds of silence')
	health(link)
	link.link.value = 'lost'
	equal(robot.live, false, 'live without a connection')
	robot.end()
})

test('an event says at once what health would say later', async () => {
	const {link, robot} = await connect()
	health(link)
	link.tell('event/info', {ts: Date.now(), code: 'disarmed', text: ''})
	equal(robot.health.value.safety.state, 'disarmed')
	link.tell('event/error', {ts: Date.now(), code: 'emergency_stop', text: 'by ann'})
	equal([robot.health.value.safety.state, robot.health.value.safety.by], ['stopped', 'ann'])
	robot.end()
})

test('a request that is not answered is sent again under the same id', async () => {
	const {link, robot} = await connect()
	link.silent.add('save')
	await rejects(robot.request('save'), 'has not answered save')
	const sent = link.of('save')
	check(sent.length >= 3, `sent ${sent.length} times`)
	equal(new Set(sent.map(s => s.body.id)).size, 1)
	link.silent.delete('save')
	await robot.request('save')
	equal(new Set(link.of('save').map(s => s.body.id)).size, 2)
	robot.end()
})

test('answers to others are not ours', async () => {
	const {link, robot} = await connect()
	link.silent.add('save')
	const answer = robot.request('save')
	link.tell('res/save', {id: 'somebody', status: 'error', error: {code: 'internal', message: 'disk'}})
	link.tell('res/save', {id: link.of('save')[0].body.id, status: 'ok', rev: 4})
	equal((await answer).rev, 4)
	robot.end()
})

test('a refusal has the robot\'s words and its range', async () => {
	const {link, robot} = await connect()
	link.refusals.set = {code: 'out_of_range', path: 'a', message: 'too large', min: 0, max: 10}
	const error = await rejects(robot.set({a: 11}), 'too large')
	equal([error.code, error.path, error.min, error.max], ['out_of_range', 'a', 0, 10])
	equal(robot.tuning.refused.value.get('a').message, 'too large')
	equal([robot.tuning.pending.value.size, robot.parameter('a').value.v, robot.tuning.canUndo.value], [0, 1, false])
	delete link.refusals.set
	await robot.set({a: 5})
	equal(robot.tuning.refused.value.size, 0)
	robot.end()
})

test('without a connection a request fails at once', async () => {
	const {link, robot} = await connect()
	link.link.value = 'lost'
	const began = Date.now()
	await rejects(robot.request('save'), 'Nothing was sent')
	equal(Date.now(), began)
	robot.end()
})

test('requests go under the user\'s name, if the broker lets them', async () => {
	const {link, robot} = await connect('ann')
	robot.request('save')
	equal(link.of('save')[0].topic, 'flux/rover/req/save/ann')
	link.filters.get('flux/rover/may/save/ann')(false)
	link.sent.length = 0
	await robot.request('save')
	equal(link.of('save')[0].topic, 'flux/rover/req/save')
	equal(robot.may('arm'), true)
	link.filters.get('flux/rover/may/arm')(false)
	equal(robot.may('arm'), false)
	robot.end()
})

test('a slider sends at most ten values a second, and always the last', async () => {
	const {link, robot} = await connect()
	for (let i = 0; i <= 100; i++) {
		robot.tuning.slide('a', i / 10, 1)
		await sleep(10)
	}
	await sleep(500)
	const sent = link.of('set').map(s => s.body.set.a)
	check(sent.length <= 13, `${sent.length} requests in a second`)
	equal([sent.at(-1), link.values.a.v], [10, 10])
	equal(robot.tuning.done.value.length, 1, 'steps to undo of one gesture')
	await robot.tuning.undo()
	equal(link.values.a.v, 1)
	robot.end()
})

test('undo and redo', async () => {
	const {link, robot} = await connect()
	await robot.set({a: 3})
	await robot.set({a: 4, b: 5})
	equal(await robot.tuning.undo(), [])
	equal([link.values.a.v, link.values.b.v], [3, 2])
	await robot.tuning.undo()
	equal(link.values.a.v, 1)
	await robot.tuning.redo()
	await robot.tuning.redo()
	equal([link.values.a.v, link.values.b.v, robot.tuning.canRedo.value], [4, 5, false])
	await robot.tuning.undo()
	await robot.set({b: 7})
	equal(robot.tuning.canRedo.value, false, 'redo after another change')
	robot.end()
})

test('undo does not take back what somebody else has set since', async () => {
	const {link, robot} = await connect()
	await robot.set({a: 3})
	await robot.set({b: 3})
	link.change({a: 9}, 'tom')
	equal(await robot.tuning.undo(), [], 'the change of b is still ours')
	equal(await robot.tuning.undo(), ['a'])
	equal([link.values.a.v, robot.tuning.canUndo.value], [9, false])
	robot.end()
})

test('undo survives a change of something else at the same moment', async () => {
	const {link, robot} = await connect()
	await robot.set({a: 3})
	link.rev += 1 // a change that this page has not heard of
	equal(await robot.tuning.undo(), [])
	equal(link.values.a.v, 1)
	check(link.of('set').length > 2, 'no conflict happened: this test sees nothing')
	equal(robot.tuning.refused.value.size, 0)
	robot.end()
})

test('reset takes the values of the robot file, and can be undone', async () => {
	const {link, robot} = await connect()
	await robot.set({a: 3, b: 4})
	equal(robot.tuning.tuned(), ['a', 'b'])
	await robot.tuning.reset(['a'])
	equal([link.values.a.v, link.values.b.v], [1, 4])
	await robot.tuning.reset()
	equal([link.values.b.v, robot.tuning.tuned()], [2, []])
	await robot.tuning.undo()
	equal(link.values.b.v, 4)
	robot.end()
})

test('one lease for all that panels want, renewed while they want it', async () => {
	const {link, robot} = await connect()
	const raster = robot.watch({spikes: true}), circuit = robot.watch({neurons: ['a']})
	check(link.filters.has('flux/rover/spikes') && link.filters.has('flux/rover/tele/neurons'), 'not subscribed')
	await sleep(10_000)
	const bodies = link.of('watch').map(s => s.body)
	equal(bodies.at(-1).neurons, ['a'])
	check(bodies.length >= 4 && bodies.length <= 8, `${bodies.length} requests in ten seconds`)
	const last = link.of('watch').map(s => s.at)
	check(last.slice(1).every((at, i) => at - last[i] < bodies[i].lease_ms), 'a lease has ended before the next')
	circuit()
	check(!link.filters.has('flux/rover/tele/neurons'), 'still subscribed')
	equal(link.of('watch').at(-1).body.neurons, undefined)
	raster()
	const count = link.of('watch').length
	await sleep(10_000)
	equal(link.of('watch').length, count, 'requests although nobody looks')
	robot.end()
})

test('after a restart of the robot everything is fetched again', async () => {
	const {link, robot} = await connect()
	health(link)
	await robot.set({a: 3})
	link.change({a: 1}, 'config')
	link.rev = 0
	link.values.a.rev = 0
	link.sent.length = 0
	let restarted = 0
	robot.on('restart', () => { restarted++ })
	link.tell('status', {state: 'online', boot: '2', version: 'v'})
	equal([robot.live, robot.health.value, robot.tuning.canUndo.value, restarted], [false, null, false, 1])
	await sleep(1000)
	equal(['get', 'network', 'world'].map(verb => link.of(verb).length), [1, 1, 1])
	link.tell('status', {state: 'offline', boot: '2', version: 'v'})
	link.tell('status', {state: 'online', boot: '2', version: 'v'})
	equal(restarted, 1, 'the same boot is no restart')
	robot.end()
})

test('an emergency stop is sent until it is acknowledged', async () => {
	const {link, robot} = await connect('ann')
	link.silent.add('estop')
	robot.estop.press()
	equal(link.of('estop').map(s => s.topic), ['flux/rover/req/estop/ann', 'flux/rover/req/estop'])
	await sleep(2000)
	check(link.of('estop').length >= 14, `sent ${link.of('estop').length} times`)
	equal([robot.estop.state.value, new Set(link.of('estop').map(s => s.body.id)).size], ['sent', 1])
	link.tell('res/estop', {id: 'another', status: 'ok'})
	equal(robot.estop.state.value, 'sent', 'the answer to somebody else')
	link.tell('res/estop', {id: link.of('estop')[0].body.id, status: 'ok'})
	equal(robot.estop.state.value, 'acknowledged')
	const count = link.of('estop').length
	await sleep(2000)
	equal(link.of('estop').length, count)
	robot.end()
})

test('an emergency stop waits for the connection, and for nothing else', async () => {
	const {link, robot} = await connect()
	link.link.value = 'lost'
	robot.estop.press()
	await sleep(1000)
	equal([robot.estop.state.value, robot.estop.tries.value], ['sent', 0])
	link.link.value = 'online'
	await sleep(300)
	equal(robot.estop.state.value, 'acknowledged')
	robot.estop.press()
	link.silent.add('estop')
	robot.estop.press()
	health(link, 'stopped')
	await sleep(10)
	equal(robot.estop.state.value, 'acknowledged', 'the robot says that it is stopped')
	robot.end()
})

test('a description that the broker has missed is asked for', async () => {
	const link = new Link()
	const robot = link.robot = new Robot(link, 'rover')
	link.since.value = 1
	await sleep(100)
	health(link)
	link.silent.add('describe')
	await sleep(2950)
	health(link)
	equal(link.of('describe').length, 1)
	link.tell('res/describe', {id: link.of('describe')[0].body.id, status: 'ok', description})
	await sleep(1)
	equal(robot.names.value.names.length, 3)
	robot.end()
})

test('a restart is noticed whose status the broker has missed', async () => {
	const {link, robot} = await connect()
	await robot.set({a: 3})
	let asked = 0
	const subscribe = link.subscribe.bind(link)
	link.subscribe = (filter, answered) => {
		if (filter.endsWith('/status')) asked++
		return subscribe(filter, answered)
	}
	link.rev = 0
	link.values = {a: {v: 1, rev: 0, src: 'config'}, b: {v: 2, rev: 0, src: 'config'}}
	link.since.value++
	for (let i = 0; i < 4; i++) {
		await sleep(1000)
		health(link)
	}
	equal(asked, 1)
	link.tell('status', {state: 'online', boot: '2', version: 'v'}, true)
	health(link)
	await sleep(1000)
	equal([robot.parameter('a').value.v, robot.revision.value], [1, 0])
	for (let i = 0; i < 30; i++) {
		await sleep(1000)
		health(link)
	}
	equal([asked, link.of('describe').length], [1, 4], 'it is asked for a few times')
	robot.end()
})

test('after a restart no value of the last start is shown, and values are asked for until the robot answers', async () => {
	const {link, robot} = await connect()
	await robot.set({a: 3})
	link.silent.add('get')
	link.rev = 0
	link.values = {a: {v: 1, rev: 0, src: 'config'}, b: {v: 2, rev: 0, src: 'config'}}
	link.tell('status', {state: 'online', boot: '2', version: 'v'})
	await sleep(1000)
	equal(robot.parameter('a').value, null)
	link.silent.delete('get')
	await sleep(10000)
	equal(robot.parameter('a').value.v, 1)
	robot.end()
})

test('after a restart values with a lower revision count', async () => {
	const {link, robot} = await connect()
	await robot.set({a: 3})
	await robot.set({a: 4})
	link.rev = 0
	link.values = {a: {v: 1, rev: 0, src: 'config'}, b: {v: 2, rev: 0, src: 'config'}}
	link.tell('status', {state: 'online', boot: '2', version: 'v'})
	await sleep(1000)
	equal([robot.parameter('a').value.v, robot.revision.value], [1, 0])
	await robot.set({a: 5})
	equal(robot.parameter('a').value.v, 5)
	robot.end()
})
