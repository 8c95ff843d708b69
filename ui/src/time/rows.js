// The rows of the raster: which neuron is drawn where. A row is a neuron, or a whole population that is collapsed.

// roles are the groups, in the order in which spikes travel. An inner neuron has no role.
export const roles = ['sensor', '', 'motor', 'reward']

// none marks a neuron that the filter hides.
export const none = -1

// arrange returns the rows for neurons in the order of the description:
//
//     populations  [{name, count}], as in the description
//     names        of all neurons
//     rolesOf      the role of each neuron
//     filter       parts of names, separated by spaces or commas; a neuron is shown if one of them fits. None shows all.
//     collapsed    the names of the populations that share one row
//
// The result has rows [{label, population, neurons: [indices], group}], rowOf[neuron], groupOf[neuron] (an index into roles) and
// groups [{role, first, rows}], those that have rows.
export function arrange({populations, names, rolesOf, filter = '', collapsed = new Set()}) {
	const parts = filter.toLowerCase().split(/[\s,]+/).filter(part => part)
	const fits = name => !parts.length || parts.some(part => name.toLowerCase().includes(part))
	const rows = [], groups = []
	const rowOf = new Int32Array(names.length).fill(none)
	const groupOf = new Uint8Array(names.length).map((_, i) => Math.max(0, roles.indexOf(rolesOf[i] || '')))
	roles.forEach((role, group) => {
		const first = rows.length
		let begin = 0
		for (const {name, count} of populations) {
			const end = Math.min(begin + Math.max(1, count), names.length), members = []
			for (let i = begin; i < end; i++) if (groupOf[i] === group && fits(names[i])) members.push(i)
			begin = end
			if (count > 1 && collapsed.has(name) && members.length) {
				members.forEach(i => { rowOf[i] = rows.length })
				rows.push({label: name, population: name, collapsed: true, neurons: members, group})
				continue
			}
			for (const i of members) {
				rowOf[i] = rows.length
				rows.push({label: names[i], population: count > 1 ? name : '', collapsed: false, neurons: [i], group})
			}
		}
		if (rows.length > first) groups.push({role, group, first, rows: rows.length - first})
	})
	return {rows, rowOf, groupOf, groups}
}

// place returns where rows lie in a picture of some height (px): top[row], the height of a row, and of each group its top and
// bottom. Above each group is room for a heading. A row is at most `most` high; with many rows it may be lower than a pixel.
export function place({rows, groups}, height, heading, most) {
	const room = Math.max(0, height - heading * groups.length)
	const size = rows.length ? Math.min(most, room / rows.length) : 0
	const top = new Float64Array(rows.length), areas = []
	let y = 0
	for (const {role, group, first, rows: count} of groups) {
		y += heading
		for (let row = first; row < first + count; row++) top[row] = y + (row - first) * size
		areas.push({role, group, first, rows: count, top: y, bottom: y + count * size})
		y += count * size
	}
	return {top, size, areas, height: y}
}

// rowAt returns the row at y, or none.
export function rowAt({top, size, areas}, y) {
	for (const area of areas) {
		if (y >= area.top && y < area.bottom) return area.first + Math.min(area.rows - 1, Math.floor((y - area.top) / size))
	}
	return none
}
