// The barrel of a neuron: what stands at which height. docs/model.md has the picture.

export const box = {left: 22, width: 300, height: 330}
const rim = 46 // y of the barrel's upper edge
const bottom = 236 // y of its bottom: a level of 0
const well = 292 // y of the floor, below the bottom

// shape is the outline of the barrel, open at the top, with a tap for the leak.
export const shape = `M70 ${rim}Q44 ${(rim + bottom) / 2} 70 ${bottom}H190Q216 ${(rim + bottom) / 2} 190 ${rim}`

// heights returns where levels stand: {full, y(level), water, threshold, configured, floor, zero}; all but full are y. full is
// the level at the rim: a fifth above the threshold, and never below the level or the threshold as it is now.
export function heights({level = 0, threshold = 0, floor = 0}, configured = threshold) {
	const full = Math.max(1.2 * configured, 1.05 * threshold, 1.02 * level, 1e-9)
	const y = l => (l >= 0 ? bottom - (Math.min(l, full) / full) * (bottom - rim)
		: floor < 0 ? bottom + Math.min(1, l / floor) * (well - bottom) : bottom)
	return {full, y, water: y(level), threshold: y(threshold), configured: y(configured), floor: y(floor), zero: bottom}
}

// fill returns the share of the threshold that the level has reached, 0 to 1, for the text beside the picture.
export const fill = (level, threshold) => (threshold > 0 ? Math.max(0, Math.min(1, level / threshold)) : level >= 0 ? 1 : 0)

// drops says how fast the tap drips for a leak, in drops a second, so that a fast leak looks fast: from none to 8.
export function drops(leak, threshold) {
	if (!(leak > 0)) return 0
	const empties = leak / Math.max(threshold, 1e-9) // times a second that a full barrel runs out
	return Math.max(0.3, Math.min(8, 2 * Math.sqrt(empties)))
}

export {rim, bottom, well}
