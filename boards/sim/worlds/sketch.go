package worlds

import (
	"math"
	"strings"
)

// sketches are the characters of shapes in a picture of text. Shapes of other styles are left out.
var sketches = map[Style]rune{
	StyleGround: '_', StyleWall: '#', StyleLine: '-', StyleLamp: '*', StyleHeat: '~', StyleFood: '+', StyleGoal: 'x',
	StyleRobot: 'o', StylePart: '|',
}

// sketch draws the outlines of a drawing with so many characters, which are twice as high as wide; "" if these are too few.
func sketch(d Drawing, columns, rows int) string {
	width, height := d.High.X-d.Low.X, d.High.Y-d.Low.Y
	// Compared as floats: a share of a large number of columns may be beyond an int.
	columns = int(min(float64(columns), float64(rows)*2*width/height))
	rows = int(min(float64(rows), math.Ceil(float64(columns)/2*height/width)))
	if columns < 4 || rows < 3 {
		return ""
	}
	grid := make([][]rune, rows)
	for r := range grid {
		grid[r] = []rune(strings.Repeat(" ", columns))
	}
	dot := func(x, y float64, character rune) {
		column := int(math.Floor((x - d.Low.X) / width * float64(columns)))
		row := rows - 1 - int(math.Floor((y-d.Low.Y)/height*float64(rows)))
		if column >= 0 && column < columns && row >= 0 && row < rows {
			grid[row][column] = character
		}
	}
	line := func(from, to Point, character rune) {
		const dots = 200
		for i := range dots + 1 {
			share := float64(i) / dots
			dot(from.X+float64((to.X-from.X)*share), from.Y+float64((to.Y-from.Y)*share), character)
		}
	}
	for _, s := range d.Shapes {
		character, drawn := sketches[s.Style]
		if !drawn || len(s.Points) == 0 {
			continue
		}
		points := s.Points
		if s.Closed {
			points = append(points[:len(points):len(points)], points[0])
		}
		if s.Radius > 0 {
			const corners = 24
			points = nil
			for i := range corners + 1 {
				way := direction(2 * math.Pi / corners * float64(i))
				points = append(points, Point{s.Points[0].X + float64(s.Radius*way.x), s.Points[0].Y + float64(s.Radius*way.y)})
			}
		}
		for i := 1; i < len(points); i++ {
			line(points[i-1], points[i], character)
		}
	}
	var text strings.Builder
	for _, row := range grid {
		text.WriteString(strings.TrimRight(string(row), " ") + "\n")
	}
	return text.String()
}
