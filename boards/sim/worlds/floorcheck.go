package worlds

import (
	"fmt"
	"math"

	"periph.io/x/conn/v3/physic"

	"fluxd/options"
)

// The most things of a kind on a floor. A file cannot hang the simulator.
const (
	mostWalls  = 1000 // each piece counts, and each side of an obstacle
	mostLines  = 20
	mostPoints = 200 // of a line
	mostThings = 200
)

// floorCheck collects mistakes.
type floorCheck struct {
	*FloorOpts
	plan   *floorPlan
	wrong  []options.Mistake
	solids int
}

// Check implements Options.
func (o *FloorOpts) Check() []options.Mistake {
	c := &floorCheck{FloorOpts: o}
	c.walls()
	c.obstacles()
	if c.solids > mostWalls {
		c.add("walls", "expected at most %d pieces of walls and sides of obstacles, got %d", mostWalls, c.solids)
	}
	c.maze()
	for i := range o.Lines {
		c.line(fmt.Sprintf("lines[%d]", i), &o.Lines[i])
	}
	if len(o.Lines) > mostLines {
		c.add("lines", "expected at most %d, got %d", mostLines, len(o.Lines))
	}
	if o.Battery.Empty > o.Battery.Full {
		c.add("battery.empty", "%s: expected at most battery.full, %s", o.Battery.Empty, o.Battery.Full)
	}
	if c.wrong == nil { // what stands there is whole
		c.plan = c.fixed()
	}
	c.things()
	c.goal()
	return c.wrong
}

func (c *floorCheck) add(key, format string, args ...any) {
	c.wrong = append(c.wrong, options.Wrong(key, format, args...))
}

// fixed returns the plan with the obstacles that do not have random places.
func (c *floorCheck) fixed() *floorPlan {
	o := *c.FloorOpts
	o.Obstacles, o.Maze = nil, nil
	for _, b := range c.Obstacles {
		if b.At != nil {
			o.Obstacles = append(o.Obstacles, b)
		}
	}
	return newFloorPlan(&o, nil, 0)
}

// inRoom refuses a place outside the room.
func (c *floorCheck) inRoom(key string, p FloorPlace) bool {
	if p[0] >= 0 && p[0] <= c.Width && p[1] >= 0 && p[1] <= c.Depth {
		return true
	}
	c.add(key, "%s: expected a place in the room, from [0 m, 0 m] to %s", placeText(p), placeText(FloorPlace{c.Width, c.Depth}))
	return false
}

// placeText writes a place as files have it.
func placeText(p FloorPlace) string { return fmt.Sprintf("[%v m, %v m]", metres(p[0]), metres(p[1])) }

// way refuses places that make no way.
func (c *floorCheck) way(key string, places []FloorPlace, least int) {
	if len(places) < least {
		c.add(key, "expected at least %d places, got %d", least, len(places))
	}
	for i, p := range places {
		at := fmt.Sprintf("%s[%d]", key, i)
		if c.inRoom(at, p) && i > 0 && placed(p).distance(placed(places[i-1])) < 0.001 {
			c.add(at, "%s: expected at least 1 mm from the place before", placeText(p))
		}
	}
}

func (c *floorCheck) walls() {
	for i, w := range c.Walls {
		c.way(fmt.Sprintf("walls[%d]", i), w, 2)
		c.solids += len(w) - 1
	}
}

func (c *floorCheck) obstacles() {
	for i := range c.Obstacles {
		b := &c.Obstacles[i]
		key := fmt.Sprintf("obstacles[%d]", i)
		sides := 4
		switch {
		case b.Size != nil && b.Radius != 0:
			c.add(key+".radius", "expected radius for a round obstacle, or size for a rectangular one, got both")
		case b.Size != nil && (b.Size[0] < physic.MilliMetre || b.Size[1] < physic.MilliMetre ||
			b.Size[0] > 100*physic.Metre || b.Size[1] > 100*physic.Metre):
			c.add(key+".size", "%s: expected 1 mm to 100 m for each side", placeText(*b.Size))
		case b.Size == nil && b.Radius < physic.MilliMetre:
			c.add(key, "expected radius for a round obstacle, at least 1 mm, or size for a rectangular one")
		case b.Size == nil:
			sides = 1
			if b.Turned != 0 {
				c.add(key+".turned", "a round obstacle cannot be turned: expected size")
			}
		}
		c.single(key, b.At, b.Number)
		c.solids += sides * kindred(b.At, b.Number)
	}
}

// single refuses a place for several things.
func (c *floorCheck) single(key string, at *FloorPlace, number int) {
	if at == nil {
		return
	}
	c.inRoom(key+".at", *at)
	if number > 1 {
		c.add(key+".number", "%d: only one can be at %s: expected a random place, without at", number, placeText(*at))
	}
}

func (c *floorCheck) maze() {
	m := c.Maze
	if m == nil {
		return
	}
	if cells := m.Columns * m.Rows; cells > mostWalls {
		c.add("maze", "%d cells: expected at most %d", cells, mostWalls)
	}
	width, depth := metres(c.Width)/float64(max(m.Columns, 1)), metres(c.Depth)/float64(max(m.Rows, 1))
	if width < 0.03 || depth < 0.03 {
		c.add("maze", "cells of %.3g by %.3g m: expected at least 3 cm: fewer columns and rows, or a larger width and depth",
			width, depth)
	}
}

func (c *floorCheck) line(key string, l *FloorLine) {
	if len(l.Points) > mostPoints {
		c.add(key+".points", "expected at most %d places, got %d", mostPoints, len(l.Points))
		return
	}
	least := 2
	if l.Closed {
		least = 3
	}
	before := len(c.wrong)
	c.way(key+".points", l.Points, least)
	if n := len(l.Points); l.Closed && n >= least && placed(l.Points[0]).distance(placed(l.Points[n-1])) < 0.001 {
		c.add(fmt.Sprintf("%s.points[%d]", key, n-1), "the first place again: a closed line does not repeat it")
	}
	if len(l.Gaps) > mostPoints {
		c.add(key+".gaps", "expected at most %d, got %d", mostPoints, len(l.Gaps))
	}
	if len(c.wrong) > before {
		return
	}
	length := lineOf(l).length
	for i, g := range l.Gaps {
		at := fmt.Sprintf("%s.gaps[%d]", key, i)
		end := metres(g.At) + metres(g.Length)
		switch {
		case metres(g.At) >= length:
			c.add(at+".at", "%.3f m: the line is %.3f m long", metres(g.At), length)
		case metres(g.Length) >= length, !l.Closed && end > length+1e-9:
			c.add(at+".length", "the gap ends at %.3f m: the line is %.3f m long", end, length)
		}
	}
}

// things checks what stands in the room, or starts there.
func (c *floorCheck) things() {
	lamps, food := 0, 0
	for i := range c.Lamps {
		l, key := &c.Lamps[i], fmt.Sprintf("lamps[%d]", i)
		lamps += kindred(l.At, l.Number)
		c.single(key, l.At, l.Number)
		c.free(key+".at", l.At, "the lamp")
		if l.At != nil && c.Start.At != nil && placed(*l.At).distance(placed(*c.Start.At)) <= metres(l.Reach) {
			c.add(key+".at", "%s: the robot starts within its reach, %.3g m", placeText(*l.At), metres(l.Reach))
		}
	}
	for i := range c.Food {
		p, key := &c.Food[i], fmt.Sprintf("food[%d]", i)
		food += kindred(p.At, p.Number)
		c.single(key, p.At, p.Number)
		c.free(key+".at", p.At, "the food")
	}
	if most := 64; lamps > most {
		c.add("lamps", "expected at most %d, got %d", most, lamps)
	}
	if food > mostThings {
		c.add("food", "expected at most %d, got %d", mostThings, food)
	}
	if c.Start.OnLine {
		switch {
		case len(c.Lines) == 0:
			c.add("start.on_line", "expected lines")
		case c.Start.At != nil || c.Start.Heading != nil:
			c.add("start.on_line", "expected either on_line, or a place and a heading")
		}
	}
	if c.Start.At != nil && c.inRoom("start.at", *c.Start.At) {
		c.free("start.at", c.Start.At, "the robot")
	}
}

// free refuses a place within something solid.
func (c *floorCheck) free(key string, at *FloorPlace, what string) {
	if at == nil || c.plan == nil {
		return
	}
	if gap := c.plan.gap(placed(*at), math.Inf(1)); gap <= 0 {
		c.add(key, "%s: %s would be in a wall or an obstacle", placeText(*at), what)
	}
}

func (c *floorCheck) goal() {
	needs := map[string]int{"lamp": len(c.Lamps), "food": len(c.Food), "laps": len(c.Lines)}
	keys := map[string]string{"lamp": "lamps", "food": "food", "laps": "lines"}
	if n, needy := needs[c.Goal]; needy && n == 0 {
		c.add("goal", "%s: expected some %s", c.Goal, keys[c.Goal])
	}
	for i, end := range c.Ends {
		switch {
		case end == "goal" && c.Goal == "none":
			c.add(fmt.Sprintf("ends[%d]", i), "expected a goal: one of lamp, food, laps, distance")
		case end == "off_line" && len(c.Lines) == 0:
			c.add(fmt.Sprintf("ends[%d]", i), "expected lines")
		}
	}
	if most := c.most(); most > 0 && share(c.Target) > most {
		c.add("target", "%g: there can only be %g", share(c.Target), most)
	}
}

// most returns how much of the goal can be reached at most; 0 if that is not limited.
func (c *floorCheck) most() (most float64) {
	switch c.Goal {
	case "lamp":
		for _, l := range c.Lamps {
			if l.Reached == "moves" {
				return 0
			}
			most += float64(kindred(l.At, l.Number))
		}
	case "food":
		for _, p := range c.Food {
			if p.Returns {
				return 0
			}
			most += float64(kindred(p.At, p.Number))
		}
	case "laps":
		if len(c.Lines) > 0 && !c.Lines[0].Closed {
			return 1
		}
	}
	return most
}
