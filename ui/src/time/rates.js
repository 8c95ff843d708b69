// Spikes of groups of neurons, counted in bins of equal length. The bins form a ring: the newest push out the oldest.
//
//     const rates = new Rates(4);
//     rates.reset(50, groupOf);                  // bins of 50 ms
//     rates.add(times, neurons, 0, times.length);
//     rates.rate(rates.bin(time), group)         // spikes a second

export class Rates {
	constructor(groups, bins = 2048) {
		this.groups = groups
		this.bins = bins
		this.counts = new Uint32Array(bins * (groups + 1)); // the last of a bin counts all groups
		this.reset(50, null)
	}

	// reset forgets everything. width is the length of a bin in ms; groupOf[neuron] is the neuron's group, 255 for none.
	reset(width, groupOf) {
		this.width = width
		this.groupOf = groupOf
		this.counts.fill(0)
		this.last = NaN; // the newest bin
		this.first = NaN; // the oldest bin in which something was counted
	}

	// bin returns the number of the bin at a time.
	bin(time) { return Math.floor(time / this.width) }

	// add counts the spikes a to b (excluded) of a batch.
	add(times, neurons, a, b) {
		const size = this.groups + 1
		for (let i = a; i < b; i++) {
			const bin = Math.floor(times[i] / this.width)
			if (!(bin <= this.last)) this.open(bin)
			else if (bin <= this.last - this.bins) continue; // too old
			else if (bin < this.first) this.first = bin
			const at = (bin % this.bins) * size, group = this.groupOf ? this.groupOf[neurons[i]] : 0
			if (group < this.groups) this.counts[at + group]++
			this.counts[at + this.groups]++
		}
	}

	// open makes a bin the newest, and empties those between it and the one before.
	open(bin) {
		const size = this.groups + 1
		if (!(bin - this.last < this.bins)) {
			this.counts.fill(0)
			this.first = bin
		} else {
			for (let b = this.last + 1; b <= bin; b++) this.counts.fill(0, (b % this.bins) * size, (b % this.bins + 1) * size)
			this.first = Math.max(this.first, bin - this.bins + 1)
		}
		this.last = bin
	}

	// rate returns the spikes a second of a group in a bin; of the whole network without a group.
	rate(bin, group = this.groups) {
		if (!(bin >= this.first && bin <= this.last)) return 0
		return this.counts[(bin % this.bins) * (this.groups + 1) + group] * 1000 / this.width
	}
}
