import {equal} from '../testing.js'
import {groups, limits} from './groups.js'

test('devices with one unit share a chart, up to six', () => {
	const devices = [{name: 'left', unit: 'lx'}, {name: 'bumper', unit: ''}, {name: 'right', unit: 'lx'}, {name: 'word', unit: ''}]
	const charts = groups('sensors', devices, new Set(['word']))
	equal(charts.map(({unit, names}) => [unit, names]), [['lx', ['left', 'right']], ['', ['bumper']]])
	const legs = Array.from({length: 15}, (_, i) => ({name: `leg${i}`, unit: ''}))
	equal(groups('actuators', legs, new Set()).map(({names}) => names.length), [5, 5, 5])
})

test('limits are the ranges of codes and of commands, and thresholds', () => {
	const paths = ['sensors.eye.encode.range[0]', 'sensors.eye.encode.range[1]', 'sensors.eye.encode.max',
		'sensors.eyes.encode.above', 'sensors.eye.encode[1].above', 'sensors.eye.stale',
		'actuators.eye.range[0]', 'actuators.eye.decode.full']
	equal(limits('sensors', 'eye', paths).map(({limit}) => limit), ['low', 'high', 'above'])
	equal(limits('actuators', 'eye', paths), [{path: 'actuators.eye.range[0]', limit: 'low'}])
})
