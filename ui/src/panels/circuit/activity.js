// The light of neurons: each spike lights its node, and the light decays. Also the rate of each node.

const decay = 0.25 // seconds until a light has fallen to 1/e
const rateOver = 1 // seconds over which the rate is smoothed

// Activity counts the spikes of nodes. Its arrays have one entry a node, so its memory is fixed.
export class Activity {
	// nodeOfNeuron has the index of the node for each index of a neuron, or -1.
	constructor(nodeOfNeuron, counts) {
		this.nodeOf = nodeOfNeuron
		this.counts = counts // members of each node
		this.light = new Float32Array(counts.length)
		this.spikes = new Float64Array(counts.length) // since the page looks
		this.rate = new Float32Array(counts.length) // spikes a second, of all members
		this.fresh = new Float32Array(counts.length) // since the last step
	}

	// add takes a batch of spikes.
	add({neurons}) {
		for (let i = 0; i < neurons.length; i++) {
			const node = this.nodeOf[neurons[i]] ?? -1
			if (node < 0) continue
			this.spikes[node]++
			this.fresh[node]++
		}
	}

	// step lets seconds pass. It returns whether any light is on.
	step(seconds) {
		const fades = Math.exp(-seconds / decay)
		const weight = 1 - Math.exp(-seconds / rateOver)
		let lit = false
		for (let i = 0; i < this.light.length; i++) {
			const fresh = this.fresh[i]
			this.fresh[i] = 0
			// A population is as bright as the share of its members that fired.
			const flash = fresh ? 0.25 + 0.75 * Math.min(1, fresh / this.counts[i]) : 0
			this.light[i] = Math.max(this.light[i] * fades, flash)
			if (this.light[i] < 0.02) this.light[i] = 0
			else lit = true
			if (seconds > 0) this.rate[i] += weight * (fresh / seconds - this.rate[i])
			if (this.rate[i] < 0.01) this.rate[i] = 0
		}
		return lit
	}
}
