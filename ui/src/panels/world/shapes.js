// The shapes of a world as SVG.
import {html} from '../../view.js'

const styles = new Set(['ground', 'wall', 'line', 'lamp', 'heat', 'food', 'goal', 'path', 'robot', 'part', 'ray', 'note'])

const n = x => Math.round(x * 10) / 10

// Shapes draws what protocol.Shape describes: a text, a circle, a line or a polygon.
export function Shapes({shapes, view}) {
	return shapes.map((s, i) => {
		const style = styles.has(s.style) ? s.style : 'note'
		const points = s.points ?? []
		if (!points.length) return null
		const [x, y] = points[0]
		if (s.text) return html`<text key=${i} class=${`shape ${style}`} x=${n(view.x(x))} y=${n(view.y(y))}>${s.text}</text>`
		if (s.radius > 0) return html`<circle key=${i} class=${`shape ${style}`} cx=${n(view.x(x))} cy=${n(view.y(y))}
			r=${Math.max(2, n(s.radius * view.scale))}/>`
		const d = `M${points.map(([px, py]) => `${n(view.x(px))} ${n(view.y(py))}`).join('L')}${s.closed ? 'Z' : ''}`
		return html`<path key=${i} class=${`shape ${style}${s.closed ? '' : ' open'}`} d=${d}
			style=${s.width > 0 && !s.closed ? {strokeWidth: `${Math.max(1, n(s.width * view.scale))}px`} : null}/>`
	})
}

// TrailLines draws where the robot has been; the older, the fainter.
export function TrailLines({lines, view}) {
	return lines.map((line, i) => html`<polyline key=${i} class="trail"
		points=${line.points.map(p => `${n(view.x(p.x))},${n(view.y(p.y))}`).join(' ')}
		opacity=${(1 - 0.85 * line.age).toFixed(2)}/>`)
}
