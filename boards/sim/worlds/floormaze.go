package worlds

import "fluxd/splitmix64"

// maze adds the walls of a maze. It is carved by a walk through the cells that goes to a random neighbour which it has not seen,
// and back where there is none (depth-first search): its corridors are long and wind. Then some walls are left out.
//
// Source: J. Buck, Mazes for Programmers, Pragmatic Bookshelf 2015, chapter 5, "recursive backtracker".
func (p *floorPlan) maze(o *FloorMaze, random *splitmix64.Random) {
	if o.Seed != nil {
		seeded := splitmix64.Random(*o.Seed)
		random = &seeded
	}
	columns, rows := max(o.Columns, 1), max(o.Rows, 1)
	right := make([]bool, columns*rows) // there is no wall to the right of the cell
	above := make([]bool, columns*rows) // nor above it
	seen := make([]bool, columns*rows)
	cell := int(random.Below(uint64(columns * rows)))
	seen[cell] = true
	for way := []int{cell}; len(way) > 0; {
		cell = way[len(way)-1]
		var next [4]int
		n := 0
		for _, step := range [4][2]int{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
			column, row := cell%columns+step[0], cell/columns+step[1]
			if to := row*columns + column; column >= 0 && column < columns && row >= 0 && row < rows && !seen[to] {
				next[n] = to
				n++
			}
		}
		if n == 0 {
			way = way[:len(way)-1]
			continue
		}
		to := next[random.Below(uint64(n))]
		if to/columns == cell/columns {
			right[min(cell, to)] = true
		} else {
			above[min(cell, to)] = true
		}
		seen[to] = true
		way = append(way, to)
	}
	if loops := float64(o.Loops) / 1e6; loops > 0 {
		for i := range right {
			right[i] = right[i] || random.Share() < loops
			above[i] = above[i] || random.Share() < loops
		}
	}
	// Walls in a row are one wall.
	corner := func(column, row int) vector {
		return vector{p.width * float64(column) / float64(columns), p.depth * float64(row) / float64(rows)}
	}
	for column := range columns - 1 {
		for row := 0; row < rows; row++ {
			from := row
			for row < rows && !right[row*columns+column] {
				row++
			}
			if row > from {
				p.add(wallOf(corner(column+1, from), corner(column+1, row)))
			}
		}
	}
	for row := range rows - 1 {
		for column := 0; column < columns; column++ {
			from := column
			for column < columns && !above[row*columns+column] {
				column++
			}
			if column > from {
				p.add(wallOf(corner(from, row+1), corner(column, row+1)))
			}
		}
	}
}
