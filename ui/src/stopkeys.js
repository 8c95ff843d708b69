// The emergency stop by keyboard: Space held for half a second outside of fields, or Escape twice within half a second.
import {useEffect} from './view.js'

const hold = 500 // milliseconds

// typesSpace says whether Space means something else at a place: a letter in a field, a choice in a list.
const typesSpace = target => target instanceof Element &&
	(target.matches('textarea, select') || target.isContentEditable ||
	target.matches('input:not([type=range], [type=checkbox], [type=radio], [type=button])'))

export function useStopKeys(press) {
	useEffect(() => {
		let held = 0, escaped = -Infinity, stopped = false
		const stop = () => {
			stopped = true
			press()
		}
		const down = event => {
			if (event.key === 'Escape' && !event.repeat) {
				if (event.timeStamp - escaped <= hold) press()
				escaped = event.timeStamp
			}
			if (event.key === ' ' && !event.repeat && !typesSpace(event.target)) {
				clearTimeout(held)
				stopped = false
				held = setTimeout(stop, hold)
			}
			// A held Space neither scrolls nor presses the button that has the focus again and again.
			if (event.key === ' ' && event.repeat && !typesSpace(event.target)) event.preventDefault()
		}
		const up = event => {
			if (event.key !== ' ') return
			clearTimeout(held)
			if (stopped) event.preventDefault() // it would press the button that has the focus, which may be Disarm
			stopped = false
		}
		const away = () => clearTimeout(held)
		addEventListener('keydown', down, true)
		addEventListener('keyup', up, true)
		addEventListener('blur', away)
		return () => {
			away()
			removeEventListener('keydown', down, true)
			removeEventListener('keyup', up, true)
			removeEventListener('blur', away)
		}
	}, [])
}
