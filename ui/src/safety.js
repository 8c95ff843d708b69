// Whether a robot may move.

// What an event says of it: tele/health says the same within a second.
const states = {armed: 'armed', disarmed: 'disarmed', emergency_stop: 'stopped'}

// stateOf returns 'armed', 'disarmed' or 'stopped', or 'unknown'.
export function stateOf(health) {
	const state = health?.safety?.state
	return ['armed', 'disarmed', 'stopped'].includes(state) ? state : 'unknown'
}

// afterEvent returns the health of a robot after an event.
export function afterEvent(health, {code, text = ''}) {
	const state = states[code]
	if (!state || !health?.safety || health.safety.state === state) return health
	return {...health, safety: {...health.safety, state, by: state === 'stopped' ? text.replace(/^by /, '') : undefined}}
}
