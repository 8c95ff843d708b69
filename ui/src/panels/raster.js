import {html} from '../view.js'
import {texts} from '../texts.js'

function View() { return html`<p class="muted">...</p>` }

export const panel = {id: 'raster', title: texts.raster.title, available: () => true, View}
