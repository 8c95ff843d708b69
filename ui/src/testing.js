// What the tests of modules check with. test(name, function) is there from the outside: see page_test.go.

const show = value => {
	if (value instanceof Map) return `Map ${show([...value])}`
	if (value instanceof Set) return `Set ${show([...value])}`
	if (ArrayBuffer.isView(value)) return show([...value])
	return JSON.stringify(value) ?? String(value)
}

export function equal(got, want, what = '') {
	if (show(got) !== show(want)) throw new Error(`${what}${what && ': '}got ${show(got)}, expected ${show(want)}`)
}

export function check(condition, what) { if (!condition) throw new Error(what) }

export function throws(f, words) {
	try {
		f()
	} catch (error) {
		if (!error.message.includes(words)) throw new Error(`"${error.message}": expected "${words}" in it`)
		return
	}
	throw new Error(`no error: expected one with "${words}"`)
}

export async function rejects(promise, words) {
	let error
	try {
		await promise
	} catch (e) {
		error = e
	}
	throws(() => { if (error) throw error }, words)
	return error
}

// sleep lets virtual time pass, in milliseconds.
export const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))
