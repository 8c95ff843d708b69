// The simulated robot's sensors beside its world: switches to press, and readings to hold by hand.
import {html, useState} from '../../view.js'
import {WhyNot} from '../../drive.js'
import {Sensor, switches} from '../../pretend.js'
import {texts} from '../../texts.js'
import '../hand.css'

const t = texts.world

// Senses has a button for each switch, and the other sensors when they are asked for.
export function Senses({robot}) {
	const [open, setOpen] = useState(false)
	const all = robot.describe.value?.sensors ?? []
	const enabled = robot.may('sense') && robot.live
	const pressed = all.filter(s => switches.has(s.kind))
	const held = all.filter(s => !switches.has(s.kind))
	if (!all.length) return null
	const row = s => html`<${Sensor} key=${s.name} robot=${robot} sensor=${s} enabled=${enabled}/>`
	return html`<div class="hand senses">
		<${WhyNot} robot=${robot} verb="sense"/>
		${pressed.map(row)}
		${held.length > 0 && html`<details open=${open} onToggle=${e => setOpen(e.currentTarget.open)}><summary>${t.byHand}</summary>
			${open && held.map(row)}</details>`}
	</div>`
}
