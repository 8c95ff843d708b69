// bandsOf returns the bands of a history whose values are numbers of labels.
export function bandsOf({history, labels}) {
	return (from, to) => {
		const [a, b] = history.range(from, to), bands = []
		for (let i = a; i < b; i++) {
			const last = bands.at(-1), kind = history.values[i]
			if (last?.kind === kind) continue
			if (last) last.to = history.times[i]
			bands.push({from: history.times[i], to: Infinity, text: labels[kind], kind})
		}
		return bands
	}
}
