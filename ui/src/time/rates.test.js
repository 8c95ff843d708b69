import {equal} from '../testing.js'
import {Rates} from './rates.js'

test('spikes are counted in bins, for each group and in all', () => {
	const rates = new Rates(2, 16)
	rates.reset(10, [0, 1, 255]) // a neuron of no group counts for the network only
	const times = [5, 12, 19, 31, 31.5], neurons = [0, 1, 0, 1, 2]
	rates.add(times, neurons, 0, times.length)
	const all = [0, 1, 2, 3, 4].map(bin => [rates.rate(bin), rates.rate(bin, 0), rates.rate(bin, 1)])
	equal(all, [[100, 100, 0], [200, 100, 100], [0, 0, 0], [200, 0, 100], [0, 0, 0]])
})

test('old bins make room for new ones, and come back empty', () => {
	const rates = new Rates(1, 4)
	rates.reset(10, null)
	rates.add([5, 15, 25, 35], [0, 0, 0, 0], 0, 4)
	rates.add([65], [0], 0, 1) // bin 6: bins 3 to 6 are kept
	equal([0, 1, 2, 3, 4, 5, 6].map(bin => rates.rate(bin)), [0, 0, 0, 100, 0, 0, 100])
	rates.add([5], [0], 0, 1) // too late
	equal(rates.rate(0), 0)
	rates.add([45], [0], 0, 1) // late, but its bin is there
	equal(rates.rate(4), 100)
	rates.add([1e12], [0], 0, 1)
	equal([rates.rate(6), rates.rate(1e11)], [0, 100])
})

test('a spike that comes late reaches its bin also before the first one', () => {
	const rates = new Rates(1, 8)
	rates.reset(10, null)
	rates.add([45], [0], 0, 1)
	rates.add([25], [0], 0, 1)
	equal([2, 3, 4].map(bin => rates.rate(bin)), [100, 0, 100])
})
