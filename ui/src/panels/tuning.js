import {html} from '../view.js'
import {texts} from '../texts.js'

function View() { return html`<p class="muted">...</p>` }

export const panel = {id: 'tuning', title: texts.tuning.title, available: () => true, View}
