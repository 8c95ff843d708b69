// unit returns how many CSS pixels a length has that has one on a usual screen: large screens have a larger type, and canvases
// follow it.
export function unit() { return parseFloat(getComputedStyle(document.documentElement).fontSize) / 16 || 1 }
