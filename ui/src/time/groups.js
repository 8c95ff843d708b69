// Which sensors and actuators share a chart, and the limits that their parameters give.

// most is how many lines a chart has at most.
const most = 6

// groups returns the charts for devices as the description has them: those with the same unit share one. Those whose names
// are in texts have none.
//
//     [{key: 'sensors lx 0', kind: 'sensors', unit: 'lx', names: ['left_eye', 'right_eye']}, ...]
export function groups(kind, devices, texts) {
	const units = new Map(), charts = []
	for (const {name, unit = ''} of devices) {
		if (texts.has(name)) continue
		if (!units.has(unit)) units.set(unit, [])
		units.get(unit).push(name)
	}
	for (const [unit, names] of units) {
		const parts = Math.ceil(names.length / most), each = Math.ceil(names.length / parts)
		for (let i = 0; i < parts; i++) {
			charts.push({key: `${kind} ${unit} ${i}`, kind, unit, names: names.slice(i * each, (i + 1) * each)})
		}
	}
	return charts
}

const ofSensor = /^encode(?:\[\d+\])?\.(range\[0\]|range\[1\]|above|below)$/
const ofActuator = /^(range\[0\]|range\[1\])$/

// limits returns the limits of a device by the paths of its parameters: [{path, limit}]. limit is 'low', 'high', 'above' or
// 'below'.
export function limits(kind, name, paths) {
	const found = []
	for (const path of paths) {
		const rest = path.startsWith(`${kind}.${name}.`) ? path.slice(kind.length + name.length + 2) : ''
		const match = (kind === 'sensors' ? ofSensor : ofActuator).exec(rest)
		if (match) found.push({path, limit: {'range[0]': 'low', 'range[1]': 'high'}[match[1]] ?? match[1]})
	}
	return found
}
