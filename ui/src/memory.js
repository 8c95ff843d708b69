// What this browser remembers of the page. A browser may refuse it: then the page starts as new each time.
const before = 'fluxd.'

export function recall(key, otherwise) {
	try {
		return JSON.parse(localStorage.getItem(before + key)) ?? otherwise
	} catch {
		return otherwise
	}
}

export function remember(key, value) {
	try {
		localStorage.setItem(before + key, JSON.stringify(value))
	} catch {
		// full, or switched off
	}
}
