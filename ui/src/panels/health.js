import {html} from '../view.js'
import {texts} from '../texts.js'

function View() { return html`<p class="muted">...</p>` }

export const panel = {id: 'health', title: texts.health.title, available: () => true, View}
