import {equal} from '../testing.js'
import {Trend} from './trend.js'

test('a trend keeps the latest values, and draws them up to the right edge', () => {
	const trend = new Trend(3)
	equal(trend.line(10, 12, 0), '')
	for (const value of [9, 0, NaN, 10]) trend.add(value)
	equal([trend.at(0), trend.at(2), trend.length], [10, 0, 3])
	equal(trend.line(10, 12, 0), '0.0,11.0 10.0,1.0')
})
