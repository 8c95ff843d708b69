package worlds

import (
	"fmt"
	"math"
	"strings"
)

// picture implements physics: the robot from above with its front upwards, the feet on the ground filled, those in the air hollow,
// and + the centre of mass. A character is twice as high as wide.
func (g *gait) picture(columns, rows int) string {
	const lines = 2 // of text
	reach := g.reach()
	columns = min(columns, int(float64(2*(rows-lines))*reach.y/reach.x)+1)
	rows = min(rows, lines+int(float64(columns)*reach.x/reach.y/2)+1)
	if columns < 12 || rows < lines+5 {
		return ""
	}
	grid := make([][]rune, rows-lines)
	for r := range grid {
		grid[r] = []rune(strings.Repeat(" ", columns))
	}
	draw := func(p vector, c rune) {
		column := int(math.Round((1 - p.y/reach.y) / 2 * float64(columns-1)))
		row := int(math.Round((1 - p.x/reach.x) / 2 * float64(len(grid)-1)))
		grid[min(max(row, 0), len(grid)-1)][min(max(column, 0), columns-1)] = c
	}
	line := func(a, b vector, c rune) {
		for i := range 101 {
			draw(a.plus(b.minus(a).times(float64(i)/100)), c)
		}
	}
	for i := range g.legs {
		line(g.legs[i].hip.plus(g.mass), g.contact[i].at.plus(g.mass), '·')
	}
	corner := vector{metres(g.o.Front), metres(g.o.Side)}
	line(vector{corner.x, corner.y}, vector{corner.x, -corner.y}, '-')
	line(vector{-corner.x, corner.y}, vector{-corner.x, -corner.y}, '-')
	line(vector{corner.x, corner.y}, vector{-corner.x, corner.y}, '|')
	line(vector{corner.x, -corner.y}, vector{-corner.x, -corner.y}, '|')
	draw(g.mass, '+')
	for i, down := range g.down {
		foot := '○'
		if down {
			foot = '●'
		}
		draw(g.contact[i].at.plus(g.mass), foot)
	}
	var text strings.Builder
	for _, row := range grid {
		text.WriteString(strings.TrimRight(string(row), " ") + "\n")
	}
	const degree = math.Pi / 180
	fmt.Fprintf(&text, "%.2f m from the start, turned %.0f°, belly %.1f cm high\n", g.distance(), g.heading/degree, g.belly()*100)
	fmt.Fprintf(&text, "roll %.1f°, pitch %.1f°, margin %.1f cm\n", g.roll/degree, g.pitch/degree, g.margin()*100)
	return text.String()
}

// reach returns how far the feet reach ahead and to the side, with some room.
func (g *gait) reach() vector {
	long, high := metres(g.o.Leg), metres(g.o.Height)
	out := math.Sqrt(float64(long*long)+float64(high*high)) + 0.01
	ahead := float64(out * direction(radians(g.o.Swing)).y)
	return vector{metres(g.o.Front) + ahead, max(metres(g.o.Side), metres(g.o.Middle)) + out}
}
