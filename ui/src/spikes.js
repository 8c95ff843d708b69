// Batches of spikes, as docs/mqtt.md describes them.

// decode returns a batch as {times, neurons}. Times are milliseconds since 1970; start is when the robot's microseconds began. It
// throws if the batch is malformed.
export function decode(batch, start) {
	if (batch[0] !== 1) throw new Error(`spikes: expected version 1, got ${batch[0]}: the robot and this page have different versions`)
	let at = 1
	const next = () => {
		let value = 0, factor = 1
		for (;;) {
			const byte = batch[at++]
			if (byte === undefined) throw new Error('spikes: the batch is cut short')
			value += (byte & 127) * factor
			if (byte < 128) return value
			factor *= 128
		}
	}
	let us = next()
	const count = next()
	if (count > (batch.length - at) / 2) throw new Error('spikes: the batch is cut short')
	const times = new Float64Array(count), neurons = new Uint32Array(count)
	for (let i = 0; i < count; i++) {
		us += next()
		times[i] = start + us / 1000
		neurons[i] = next()
	}
	return {times, neurons}
}
