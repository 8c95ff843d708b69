// Lines over time or over episodes, by uPlot.
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import {html, useEffect, useRef} from '../../view.js'
import {colour, dark} from '../../theme.js'
import {clock} from '../../time/ticks.js'

const hues = 6 // colours --series-1 to --series-6 of the style sheet
const dashes = [[], [8, 3], [2, 3], [9, 3, 2, 3]]

// dashOf returns the dash of the k-th line: colours come again after six lines, with another dash.
export const dashOf = k => dashes[Math.floor(k / hues) % dashes.length]

// Swatch is a piece of the k-th line, for tables and legends.
export function Swatch({index, dash = dashOf(index)}) {
	return html`<svg class="swatch" width="22" height="10" aria-hidden="true"><path d="M0 5H22"
		class=${`series-${(index % hues) + 1}`}
		stroke-dasharray=${dash.join(' ') || 'none'} /></svg>`
}

// once leaves out labels that repeat the one before: marks within one second.
const once = labels => labels.map((label, i) => (label === labels[i - 1] ? '' : label))

// Chart draws data, the first row of which is x. It is made again when its lines change, and is given only numbers otherwise.
export function Chart({data, series, stamp, height, unit, label, count = false}) {
	const place = useRef(null)
	const plot = useRef(null)
	const what = JSON.stringify([series, count, height])
	useEffect(() => {
		const el = place.current
		const ink = colour('muted')
		const grid = {stroke: colour('grid'), width: 1}
		const font = '12px system-ui, sans-serif'
		plot.current = new uPlot({
			width: el.clientWidth || 300, height, cursor: {y: false, drag: {x: false, y: false}}, legend: {show: false},
			scales: {x: {time: !count}},
			axes: [
				{stroke: ink, grid, ticks: grid, font, space: 70, values: (_, marks) => once(marks.map(m => (count
					? (Number.isInteger(m) ? m : '') : clock(m * 1000))))},
				{stroke: ink, grid, ticks: grid, font, size: 56, space: 22, label: unit || undefined, labelSize: 16, labelFont: font},
			],
			series: [{}, ...series.map(s => ({
				label: s.label, stroke: colour(`series-${(s.hue % hues) + 1}`), width: 1.5, dash: s.dash,
				points: {show: !!s.points, size: 6}, spanGaps: true, paths: s.steps ? uPlot.paths.stepped({align: 1}) : undefined,
			}))],
		}, data, el)
		const observer = new ResizeObserver(() => {
			const width = el.clientWidth
			if (width && width !== plot.current?.width) plot.current?.setSize({width, height})
		})
		observer.observe(el)
		return () => {
			observer.disconnect()
			plot.current.destroy()
			plot.current = null
		}
	}, [what, dark.value])
	useEffect(() => { plot.current?.setData(data) }, [stamp, what])
	return html`<div class="chart" role="img" aria-label=${label} ref=${place}></div>`
}
