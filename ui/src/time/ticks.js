// Marks on axes, and numbers and times as people read them.

// step returns the smallest of 1, 2, 5, 10, 20, 50 ... and 0.5, 0.2, 0.1 ... that is not below x.
export function step(x) {
	if (!(x > 0)) return 1
	const power = Math.floor(Math.log10(x) + 1e-9), ten = Math.pow(10, power)
	for (const digit of [1, 2, 5]) if (digit * ten >= x * (1 - 1e-9)) return round(digit * ten, power)
	return round(10 * ten, power + 1)
}

// round keeps 0.1 + 0.2 from being 0.30000000000000004.
const round = (x, power) => (power < 0 ? Number(x.toFixed(-power)) : x)

// ticks returns round numbers from low to high, at most as many as given.
export function ticks(low, high, most) {
	if (!(high > low) || most < 1) return []
	const by = step((high - low) / most), power = Math.floor(Math.log10(by) + 1e-9), marks = []
	for (let n = Math.ceil(low / by - 1e-9); n * by <= high + by * 1e-9; n++) marks.push(round(n * by, power) || 0)
	return marks
}

// ago returns marks for a time axis that ends now: how many seconds before its end each is, and its label.
export function ago(span, width, gap = 70) {
	const most = Math.max(1, Math.floor(width / gap))
	return ticks(0, span, most).map(s => ({seconds: s, label: s === 0 ? '0 s' : '−' + duration(s)}))
}

// duration returns seconds with a unit: 200 ms, 2.5 s, 3 min.
export function duration(s) {
	if (s >= 120) return number(s / 60, 3) + ' min'
	return s < 1 && s > 0 ? number(s * 1000, 3) + ' ms' : number(s, 3) + ' s'
}

// number returns a number with that many digits that count, without zeros at the end.
export function number(x, digits = 4) {
	if (typeof x !== 'number' || !isFinite(x)) return '–'
	if (x === 0) return '0'
	const size = Math.floor(Math.log10(Math.abs(x)))
	if (size >= digits) return grouped(Math.round(x))
	if (size < -6) return x.toExponential(Math.max(0, digits - 1)).replace('-', '−')
	const text = x.toFixed(Math.min(20, digits - 1 - size)); // 9.9996 becomes 10.000
	return (text.includes('.') ? text.replace(/\.?0+$/, '') : text).replace('-', '−')
}

// grouped returns a whole number in groups of three digits, with thin spaces: 12 345.
export function grouped(n) {
	return String(Math.round(n)).replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f').replace('-', '−')
}

// clock returns a time of day, of ms since 1970: 14:03:07, with milliseconds 14:03:07.125.
export function clock(ms, milliseconds = false) {
	if (!isFinite(ms)) return '–'
	const t = new Date(ms), two = n => String(n).padStart(2, '0')
	const text = two(t.getHours()) + ':' + two(t.getMinutes()) + ':' + two(t.getSeconds())
	return milliseconds ? text + '.' + String(t.getMilliseconds()).padStart(3, '0') : text
}
