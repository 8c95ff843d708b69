package worlds

import (
	"fmt"
	"math"
	"strings"
)

// picture implements physics: the robot from above with its front upwards, the feet on the ground filled, those in the air
// hollow, and + the centre of mass. A character is twice as high as wide.
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

// draw draws all: see World.Draw. It shows the way of the robot, its legs, and the support polygon. Feet on the ground are
// filled.
func (g *gait) draw(d *Drawing) {
	g.view(d)
	reach := g.reach().length()
	for _, p := range g.path.places {
		d.include(p, reach)
	}
	d.Shapes = append(d.Shapes, ground(d))
	way := make([]Point, 0, len(g.path.places)+1)
	for _, p := range g.path.places {
		way = append(way, Point{p.x, p.y})
	}
	d.Line(StylePath, append(way, Point{g.at.x, g.at.y})...)
	g.drawRobot(d)
}

// view sets the corners of a drawing to those of the robot.
func (g *gait) view(d *Drawing) {
	reach := g.reach().length()
	d.Low, d.High = pointOf(g.at.minus(vector{reach, reach})), pointOf(g.at.plus(vector{reach, reach}))
}

// gaitShown is how far the ground around the start is shown at most, in metres.
const gaitShown = 3

// scenery implements scenic: the ground around the start, as far as the goal, and the goal.
func (g *gait) scenery(d *Drawing) {
	goal := metres(g.o.Goal)
	d.Low, d.High = pointOf(g.start), pointOf(g.start)
	d.include(g.start, min(goal, gaitShown)+g.reach().length())
	d.Shapes = append(d.Shapes, ground(d))
	if goal <= gaitShown {
		d.ring(StyleGoal, g.start, goal, 64)
	}
}

// figures implements scenic.
func (g *gait) figures(d *Drawing) {
	g.view(d)
	g.drawRobot(d)
}

func (g *gait) drawRobot(d *Drawing) {
	place := func(p vector) Point { // from the body's axes
		p = g.at.plus(p.plus(g.mass).turned(g.facing))
		return Point{p.x, p.y}
	}
	corners := g.contact[gaitFeet:]
	d.Polygon(StyleRobot, place(corners[0].at), place(corners[1].at), place(corners[3].at), place(corners[2].at))
	g.edges(func(from, to vector) { d.Line(StyleRay, place(from), place(to)) })
	size := metres(g.o.Leg) / 8
	for i := range g.legs {
		foot := place(g.contact[i].at)
		d.Stripe(StylePart, size/2, place(g.legs[i].hip), foot)
		if g.down[i] {
			d.Circle(StylePart, foot, size)
		} else {
			d.ring(StylePart, vector{foot.X, foot.Y}, size, 16)
		}
	}
	d.Circle(StyleGoal, place(vector{}), size/2)
}

// gaitArea is how far from the middle of the world its robot can be put, in metres.
const gaitArea = 10

// things implements furnished.
func (g *gait) things() []Thing {
	return []Thing{{Name: "robot", Kind: ThingRobot, At: pointOf(g.at), Heading: aTurn(g.heading), Turns: true,
		Radius: g.reach().length(), Moves: true, Low: Point{-gaitArea, -gaitArea}, High: Point{gaitArea, gaitArea}}}
}

// put implements furnished. The robot goes on as it was moving, as high over the ground as before, and the place where it started
// moves with it.
func (g *gait) put(_ int, at vector, heading float64) error {
	deepest := func() float64 {
		sunk := math.Inf(-1)
		for _, c := range g.contact {
			sunk = max(sunk, c.sunk)
		}
		return sunk
	}
	before, facing := deepest(), g.facing
	g.start = g.start.plus(at.minus(g.at))
	g.at, g.heading = at, nearTurn(heading, g.heading)
	g.facing = direction(g.heading)
	g.speed = g.speed.turned(turnOf(facing, g.facing))
	g.sink()
	g.z += deepest() - before
	g.sink()
	g.path = trail{}
	return nil
}

// pathSteps is the number of steps between two places of a path.
const pathSteps = 50

// trail is the way of a robot: places at equal times, half as many in a time whenever there are too many.
type trail struct {
	places []vector
	every  int // of the places that come, this many make one
	next   int
}

func (w *trail) add(at vector) {
	if w.next--; w.next > 0 {
		return
	}
	if len(w.places) == 2000 {
		for i := range 1000 {
			w.places[i] = w.places[2*i]
		}
		w.places, w.every = w.places[:1000], 2*w.every
	}
	w.every = max(w.every, 1)
	w.places, w.next = append(w.places, at), w.every
}
