// All robots of the broker.
import {html, signal} from './view.js'
import {texts} from './texts.js'

export function Robots() { return html`<main class="alone"><h1>${texts.robots.title}</h1></main>` }

Robots.Store = class {
	receive() {}
}
