package worlds

import "slices"

// grid finds what is near a point: for each cell of the floor it lists what may be near.
type grid struct {
	cell          float64
	columns, rows int
	cells         [][]int32
}

// gridCells is the most cells along a side.
const gridCells = 128

// newGrid returns a grid over an area. Its cells have the given side, or a larger one for a large area.
func newGrid(width, depth, cell float64) grid {
	cell = max(cell, width/gridCells, depth/gridCells)
	g := grid{cell: cell, columns: int(width/cell) + 1, rows: int(depth/cell) + 1}
	g.cells = make([][]int32, g.columns*g.rows)
	return g
}

// place returns the column and the row of a point; those at the edge for one outside.
func (g *grid) place(at vector) (column, row int) {
	return int(min(max(at.x/g.cell, 0), float64(g.columns-1))), int(min(max(at.y/g.cell, 0), float64(g.rows-1)))
}

// at returns what may be near a point.
func (g *grid) at(at vector) []int32 {
	column, row := g.place(at)
	return g.cells[row*g.columns+column]
}

// add adds a thing to all cells in which some point is at most margin away from it. The box from low to high contains it;
// distance returns its distance from a point.
func (g *grid) add(index int32, low, high vector, margin float64, distance func(vector) float64) {
	reach := margin + float64(g.cell*0.7072) // from the middle of a cell to its corner
	g.within(low, high, margin, func(column, row int, cell *[]int32) {
		if distance(vector{float64((float64(column) + 0.5) * g.cell), float64((float64(row) + 0.5) * g.cell)}) <= reach {
			at, _ := slices.BinarySearch(*cell, index) // in order, so that it does not matter when it was added
			*cell = slices.Insert(*cell, at, index)
		}
	})
}

// remove takes a thing out that was added with the same box and margin.
func (g *grid) remove(index int32, low, high vector, margin float64) {
	g.within(low, high, margin, func(_, _ int, cell *[]int32) {
		if at, there := slices.BinarySearch(*cell, index); there {
			*cell = slices.Delete(*cell, at, at+1)
		}
	})
}

// within calls a function with each cell that a box touches, with a margin around it.
func (g *grid) within(low, high vector, margin float64, each func(column, row int, cell *[]int32)) {
	edge := vector{margin, margin}
	fromColumn, fromRow := g.place(low.minus(edge))
	toColumn, toRow := g.place(high.plus(edge))
	for row := fromRow; row <= toRow; row++ {
		for column := fromColumn; column <= toColumn; column++ {
			each(column, row, &g.cells[row*g.columns+column])
		}
	}
}
