import {equal} from './testing.js'
import {Layout} from './layout.js'

const panels = ['a', 'b', 'c', 'd'].map(id => ({id, wide: id === 'b'}))
const fresh = () => { localStorage.kept = {} }

test('panels stand in their order, and are remembered where they are put', () => {
	fresh()
	const layout = new Layout(panels)
	equal(layout.shown.value, ['a', 'b', 'c', 'd'])
	equal([...layout.wide.value], ['b'])
	equal(layout.move('d', -2), 1)
	layout.toggle('a')
	layout.widen('b')
	equal(layout.shown.value, ['d', 'b', 'c'])
	const again = new Layout(panels)
	equal([again.shown.value, [...again.wide.value]], [['d', 'b', 'c'], []])
})

test('a panel moves over hidden ones, and not beyond the ends', () => {
	fresh()
	const layout = new Layout(panels)
	layout.toggle('b')
	equal(layout.move('a', 1), 1)
	equal(layout.shown.value, ['c', 'a', 'd'])
	equal(layout.move('a', 9), 2)
	equal(layout.move('a', -9), 0)
	equal(layout.shown.value, ['a', 'c', 'd'])
})

test('a panel that is new comes where it stands by default, one that is gone is forgotten', () => {
	fresh()
	new Layout([{id: 'old'}, ...panels.slice(2)]).move('d', -2)
	equal(new Layout(panels).shown.value, ['a', 'b', 'd', 'c'])
})

test('a view shows just its panels, and remembers nothing', () => {
	fresh()
	const layout = new Layout(panels, ['c', 'a'])
	equal(layout.shown.value, ['c', 'a'])
	layout.move('a', -1)
	equal(localStorage.kept, {})
})

test('what is remembered and makes no sense is forgotten', () => {
	for (const text of ['no JSON', '{"version":99,"order":"x"}', 'null', '[]']) {
		fresh()
		localStorage.setItem('fluxd.layout', text)
		equal(new Layout(panels).shown.value, ['a', 'b', 'c', 'd'])
	}
})
