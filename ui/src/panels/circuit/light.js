// The light of the neurons in the graph: a spike lights a node, and the light fades.
import {useEffect, useMemo} from '../../view.js'
import {onFrame} from '../../time/loop.js'
import {Activity} from './activity.js'

const frameMs = 1000 / 30 // the light changes at most so often
const ratesMs = 500 // and the rates

const still = matchMedia('(prefers-reduced-motion: reduce)')

// useLight returns {keep}: parts of the graph give it their elements. It changes attributes of these only, and only while the
// graph can be seen; shown says that there is one. With reduced motion nothing flashes: a bar under each neuron shows its rate.
export function useLight(robot, graph, elements, frame, shown) {
	const parts = useMemo(() => new Map(), [graph])
	const keep = (id, what, el) => {
		const key = `${id} ${what}`
		if (el) parts.set(key, el)
		else parts.delete(key)
	}
	useEffect(() => {
		const index = new Map(graph.nodes.map((n, i) => [n.id, i]))
		const nodeOf = []
		const count = robot.roles?.length ?? 0
		for (let i = 0; i < count; i++) {
			const name = robot.neuronName(i)
			nodeOf[i] = index.get(graph.nodeOf.get(name) ?? graph.nodeOf.get(name?.replace(/\[\d+\]$/, ''))) ?? -1
		}
		const activity = new Activity(nodeOf, graph.nodes.map(n => n.count))
		const end = robot.on('spikes', batch => activity.add(batch))
		const lit = new Float32Array(graph.nodes.length)
		if (!frame.current) return end // the table is shown
		let last = performance.now()
		let rated = 0
		const draw = time => {
			if (time - last < frameMs - 2) return
			activity.step(Math.min(1, (time - last) / 1000))
			last = time
			if (!still.matches) {
				graph.nodes.forEach((n, i) => {
					if (activity.light[i] === lit[i]) return
					lit[i] = activity.light[i]
					const glow = parts.get(`${n.id} glow`)
					if (glow) glow.style.opacity = lit[i].toFixed(2)
				})
			}
			if (time - rated < ratesMs) return
			rated = time
			graph.nodes.forEach((n, i) => {
				const el = elements.current.get(n.id)
				if (!el || n.type !== 'neuron') return
				const rate = activity.rate[i]
				el.dataset.spikes = activity.spikes[i]
				el.dataset.rate = rate.toFixed(1)
				// 30 pixels are 100 spikes a second of each member; the root shows slow neurons too.
				parts.get(`${n.id} rate`)?.setAttribute('width', Math.min(30, 3 * Math.sqrt(rate / n.count)).toFixed(1))
			})
		}
		const leave = onFrame(frame.current, draw)
		return () => {
			leave()
			end()
		}
	}, [robot, graph, parts, shown])
	return {keep}
}
