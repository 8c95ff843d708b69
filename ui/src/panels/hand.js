import {html} from '../view.js'
import {texts} from '../texts.js'

function View() { return html`<p class="muted">...</p>` }

export const panel = {id: 'hand', title: texts.hand.title, available: () => true, View}
