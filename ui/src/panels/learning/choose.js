// Which of many weights are drawn, and how the rate of rewards is found.

// chosen returns the indices of at most limit weights: those whose name contains the filter, the most changed first. synapses
// are the plastic ones {from, to, weight}, now the weights as they are.
export function chosen(synapses, now, filter = '', limit = 20) {
	const words = filter.toLowerCase().split(/[\s,>]+/).filter(Boolean)
	const fits = s => words.every(w => `${s.from} ${s.to}`.toLowerCase().includes(w))
	return synapses.map((s, i) => ({i, change: Math.abs((now?.[i] ?? s.weight) - s.weight), fits: fits(s)}))
		.filter(s => s.fits).sort((a, b) => b.change - a.change || a.i - b.i).slice(0, limit).map(s => s.i)
}

// settled returns a choice that keeps what is drawn while it stays among the most changed, so that lines do not jump: those
// drawn before keep their place (and colour), those that are not chosen any more make room for new ones.
export function settled(before, now) {
	const wanted = new Set(now)
	const kept = before.map(i => (wanted.has(i) ? i : -1))
	const fresh = now.filter(i => !before.includes(i))
	const places = kept.map(i => (i >= 0 ? i : fresh.shift())).filter(i => i !== undefined)
	return [...places, ...fresh]
}

// perSecond returns the spikes a second between two messages of tele/learning, by reward: {name: {for, against}}. It returns
// null for the first message, and after a restart, when counters go back.
export function perSecond(before, now) {
	if (!before || !(now.ts > before.ts)) return null
	const seconds = (now.ts - before.ts) / 1000
	const rates = {}
	for (const [name, count] of Object.entries(now.rewards ?? {})) {
		const old = before.rewards?.[name]
		if (!old || count.for < old.for || count.against < old.against) return null
		rates[name] = {for: (count.for - old.for) / seconds, against: (count.against - old.against) / seconds}
	}
	return rates
}

// scoreNames returns the names of the values that the scores of episodes have.
export function scoreNames(episodes) {
	const names = new Set()
	for (const e of episodes) for (const name of Object.keys(e.score?.values ?? {})) names.add(name)
	return [...names].sort()
}
