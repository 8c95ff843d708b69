import {check, equal} from '../testing.js'
import {arrange, none, place, rowAt} from './rows.js'

const populations = [{name: 'wheel', count: 1}, {name: 'wall', count: 3}, {name: 'eye', count: 2}, {name: 'lamp', count: 1}]
const names = ['wheel', 'wall[0]', 'wall[1]', 'wall[2]', 'eye[0]', 'eye[1]', 'lamp']
const rolesOf = ['motor', '', '', '', 'sensor', 'sensor', 'reward']
const all = {populations, names, rolesOf}

test('groups follow each other as spikes do: sensors, inner, motors, rewards', () => {
	const {rows, rowOf, groups} = arrange(all)
	equal(rows.map(row => row.label), ['eye[0]', 'eye[1]', 'wall[0]', 'wall[1]', 'wall[2]', 'wheel', 'lamp'])
	equal(rowOf, [5, 2, 3, 4, 0, 1, 6])
	const found = groups.map(({role, first, rows: count}) => [role, first, count])
	equal(found, [['sensor', 0, 2], ['', 2, 3], ['motor', 5, 1], ['reward', 6, 1]])
})

test('a collapsed population has one row for all its neurons', () => {
	const {rows, rowOf} = arrange({...all, collapsed: new Set(['wall'])})
	equal(rows.map(row => row.label), ['eye[0]', 'eye[1]', 'wall', 'wheel', 'lamp'])
	equal(rows[2].neurons, [1, 2, 3])
	equal([rowOf[1], rowOf[2], rowOf[3]], [2, 2, 2])
})

test('a filter shows neurons with one of its parts in their names', () => {
	const {rows, rowOf} = arrange({...all, filter: 'WHEEL, [1]'})
	equal(rows.map(row => row.label), ['eye[1]', 'wall[1]', 'wheel'])
	equal(rowOf[0], 2)
	equal(rowOf[1], none)
	equal(arrange({...all, filter: 'nothing'}).rows, [])
})

test('a row is found where it is drawn, from one neuron to thousands', () => {
	for (const count of [1, 7, 50, 1000, 5000]) {
		const many = {populations: [{name: 'n', count}], names: Array.from({length: count}, (_, i) => `n[${i}]`),
			rolesOf: Array.from({length: count}, (_, i) => (i % 3 ? '' : 'motor'))}
		const arranged = arrange(many), placed = place(arranged, 400, 15, 24)
		check(placed.height < 400.001, `${count} rows are ${placed.height} px high`)
		for (let row = 0; row < arranged.rows.length; row++) {
			equal(rowAt(placed, placed.top[row] + placed.size / 2), row, `${count} rows`)
		}
		equal(rowAt(placed, 3), none, 'in a heading')
		equal(rowAt(placed, 9999), none)
	}
})

test('a network without neurons has no rows', () => {
	const placed = place(arrange({populations: [], names: [], rolesOf: []}), 400, 15, 24)
	equal([placed.height, placed.size, rowAt(placed, 10)], [0, 0, none])
})
