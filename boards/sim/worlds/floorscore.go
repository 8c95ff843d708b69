package worlds

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

func (f *floor) score(int64) Score {
	goal := "reached the lamp"
	s := Score{Goal: goal, Reached: f.reached > 0}
	nearest := math.Inf(1)
	for i := range f.lamps {
		nearest = min(nearest, f.at.distance(f.lamps[i].at))
	}
	if f.reached == 0 {
		s.Text = fmt.Sprintf("did not reach the lamp, %.2f m away", nearest)
	} else {
		s.Text = fmt.Sprintf("%s after %.3f s", goal, (time.Duration(f.first) * floorStep).Seconds())
		lamps := "lamps"
		if f.reached == 1 {
			lamps = "lamp"
		}
		if slices.ContainsFunc(f.lamps, func(l floorLamp) bool { return l.Moves }) {
			s.Text += fmt.Sprintf(", %d %s in all, %.2f m to the next", f.reached, lamps, nearest)
		}
	}
	return s
}

func (f *floor) events() []Event {
	if f.reached == f.reported {
		return nil
	}
	f.reported = f.reached
	return []Event{{Code: lampReached, Text: fmt.Sprintf("%d so far", f.reached)}}
}

func (f *floor) state() map[string]float64 {
	s := map[string]float64{
		"x_m": f.at.x, "y_m": f.at.y, "heading_rad": f.heading, "left_m_s": f.wheels[0].speed, "right_m_s": f.wheels[1].speed,
	}
	for i := range f.lamps {
		s[fmt.Sprintf("lamp%d_x_m", i+1)], s[fmt.Sprintf("lamp%d_y_m", i+1)] = f.lamps[i].at.x, f.lamps[i].at.y
	}
	return s
}

// picture implements physics: walls #, lamp *, and the robot as an arrow in its direction. A character is twice as high as wide.
func (f *floor) picture(columns, rows int) string {
	columns = min(columns, int(float64(rows)*2*f.plan.width/f.plan.depth))
	if columns < 4 || rows < 3 {
		return ""
	}
	grid := make([][]rune, rows)
	for r := range grid {
		grid[r] = []rune(strings.Repeat(" ", columns))
	}
	draw := func(p vector, c rune) {
		column := int(p.x / f.plan.width * float64(columns-1))
		row := rows - 1 - int(p.y/f.plan.depth*float64(rows-1))
		grid[min(max(row, 0), rows-1)][min(max(column, 0), columns-1)] = c
	}
	for _, w := range f.plan.walls {
		for i := range 201 {
			draw(w.a.plus(w.b.minus(w.a).times(float64(i)/200)), '#')
		}
	}
	for i := range f.lamps {
		draw(f.lamps[i].at, '*')
	}
	arrows := []rune{'→', '↗', '↑', '↖', '←', '↙', '↓', '↘'}
	draw(f.at, arrows[int(math.Floor(f.heading/(math.Pi/4)+0.5))&7])
	var text strings.Builder
	for _, row := range grid {
		text.WriteString(strings.TrimRight(string(row), " ") + "\n")
	}
	return text.String()
}
