package worlds

import (
	"math"
	"strings"
)

// picture implements physics: walls and obstacles #, lines -, lamps *, food o, and the robot as an arrow in its direction. A
// character is twice as high as wide.
func (f *floor) picture(columns, rows int) string {
	width, depth := f.plan.width, f.plan.depth
	columns = int(min(float64(columns), float64(rows)*2*width/depth))
	if columns < 4 || rows < 3 || width == 0 {
		return ""
	}
	grid := make([][]rune, rows)
	for r := range grid {
		grid[r] = []rune(strings.Repeat(" ", columns))
	}
	draw := func(p vector, c rune) {
		column := int(p.x / width * float64(columns-1))
		row := rows - 1 - int(p.y/depth*float64(rows-1))
		grid[min(max(row, 0), rows-1)][min(max(column, 0), columns-1)] = c
	}
	stroke := func(from, to vector, c rune) {
		points := max(200, columns+rows)
		for i := range points + 1 {
			draw(from.plus(to.minus(from).times(float64(i)/float64(points))), c)
		}
	}
	for i := range f.lines.stripes {
		s := &f.lines.stripes[i]
		stroke(s.from, s.from.plus(s.along.times(s.length)), '-')
	}
	for i := range f.food {
		if !f.food[i].eaten {
			draw(f.food[i].at, 'o')
		}
	}
	for i := range f.plan.solids {
		s := &f.plan.solids[i]
		if s.radius == 0 {
			stroke(s.a, s.b, '#')
			continue
		}
		for k := range 64 {
			draw(s.a.plus(direction(float64(k)*(2*math.Pi/64)).times(s.radius)), '#')
		}
	}
	for i := range f.lamps {
		if !f.lamps[i].dark() {
			draw(f.lamps[i].at, '*')
		}
	}
	arrows := []rune{'→', '↗', '↑', '↖', '←', '↙', '↓', '↘'}
	draw(f.at, arrows[int(math.Floor(f.heading/(math.Pi/4)+0.5))&7])
	var text strings.Builder
	for _, row := range grid {
		text.WriteString(strings.TrimRight(string(row), " ") + "\n")
	}
	return text.String()
}

// pathPoints is the most points of the drawn way.
const pathPoints = 4000

// A path is where the robot has been: points that are at least apart from each other. If they become too many, every other one is
// left out.
type path struct {
	points []vector
	apart  float64
}

// add adds a place.
func (p *path) add(at vector) {
	if n := len(p.points); n > 0 && at.distance(p.points[n-1]) < p.apart {
		return
	}
	if p.points = append(p.points, at); len(p.points) < pathPoints {
		return
	}
	for i := range pathPoints / 2 {
		p.points[i] = p.points[2*i]
	}
	p.points, p.apart = p.points[:pathPoints/2], 2*p.apart
}

func pointOf(v vector) Point { return Point{v.x, v.y} }

// lampRadius is that of a lamp in a drawing, in metres.
const lampRadius = 0.04

// draw draws all: see World.Draw.
func (f *floor) draw(d *Drawing) {
	f.scenery(d)
	if !f.Walled {
		for _, p := range append(f.path.points, f.at) { // the robot may be outside
			d.include(p, f.radius)
		}
		d.Shapes[0] = ground(d)
	}
	f.drawLamps(d)
	way := make([]Point, 0, len(f.path.points)+1)
	for _, p := range f.path.points {
		way = append(way, pointOf(p))
	}
	d.Line(StylePath, append(way, pointOf(f.at))...)
	f.drawRobot(d)
}

// ground returns the area of a drawing as ground.
func ground(d *Drawing) Shape {
	var g Drawing
	g.Box(StyleGround, d.Low, d.High)
	return g.Shapes[0]
}

// scenery implements scenic.
func (f *floor) scenery(d *Drawing) {
	d.Low, d.High = Point{}, Point{f.plan.width, f.plan.depth}
	d.Shapes = append(d.Shapes, ground(d))
	for i := range f.lines.stripes {
		s := &f.lines.stripes[i]
		d.Stripe(StyleLine, 2*s.half, pointOf(s.from), pointOf(s.from.plus(s.along.times(s.length))))
	}
	for i := range f.food {
		if p := &f.food[i]; !p.eaten {
			d.Circle(StyleFood, pointOf(p.at), p.radius)
		}
	}
	for i := range f.plan.solids {
		if s := &f.plan.solids[i]; s.radius > 0 {
			d.Circle(StyleWall, pointOf(s.a), s.radius)
		} else {
			d.Line(StyleWall, pointOf(s.a), pointOf(s.b))
		}
	}
	for i := range f.plan.obstacles {
		if o := &f.plan.obstacles[i]; o.radius == 0 {
			c := o.corners()
			d.Polygon(StyleWall, pointOf(c[0]), pointOf(c[1]), pointOf(c[2]), pointOf(c[3]))
		}
	}
}

// figures implements scenic.
func (f *floor) figures(d *Drawing) {
	d.Low, d.High = Point{}, Point{f.plan.width, f.plan.depth}
	if !f.Walled {
		d.include(f.at, f.radius)
	}
	f.drawLamps(d)
	f.drawRobot(d)
}

func (f *floor) drawLamps(d *Drawing) {
	for i := range f.lamps {
		if !f.lamps[i].dark() {
			d.Circle(StyleLamp, pointOf(f.lamps[i].at), lampRadius)
		}
	}
}

func (f *floor) drawRobot(d *Drawing) {
	d.Circle(StyleRobot, pointOf(f.at), f.radius)
	for _, side := range []float64{0.5, -0.5} {
		hub := f.at.plus(vector{0, float64(f.track * side)}.turned(f.facing))
		half := f.facing.times(f.wheel / (2 * math.Pi))
		d.Stripe(StylePart, f.radius/6, pointOf(hub.minus(half)), pointOf(hub.plus(half)))
	}
	d.Line(StylePart, pointOf(f.at), pointOf(f.at.plus(f.facing.times(f.radius))))
}
