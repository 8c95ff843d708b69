import {html} from '../view.js'
import {texts} from '../texts.js'

function View() { return html`<p class="muted">...</p>` }

export const panel = {id: 'circuit', title: texts.circuit.title, available: () => true, View}
