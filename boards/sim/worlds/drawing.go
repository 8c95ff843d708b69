package worlds

import "math"

// A Drawing is a picture of a world as plain data, seen from above or from the side. Package draw of fluxd makes an SVG or a PNG
// of it.
//
//	d := worlds.Drawing{High: worlds.Point{X: 4, Y: 3}}
//	d.Line(worlds.StyleWall, worlds.Point{X: 1.5}, worlds.Point{X: 1.5, Y: 0.5})
//	d.Circle(worlds.StyleLamp, worlds.Point{X: 3, Y: 2}, 0.05)
type Drawing struct {
	Low, High Point   // the lower left and the upper right corner of what is shown
	Shapes    []Shape // each covers those before it
}

// Point is a place, in metres to the right and up.
type Point struct{ X, Y float64 }

// A Style says what a shape shows. Package draw gives it a colour.
type Style string

// The styles of shapes.
const (
	StyleGround Style = "ground" // what the robot stands on
	StyleWall   Style = "wall"   // and every other obstacle
	StyleLine   Style = "line"   // on the floor, to follow
	StyleLamp   Style = "lamp"   // a source of light
	StyleHeat   Style = "heat"   // a source of heat
	StyleFood   Style = "food"   // what is to be found
	StyleGoal   Style = "goal"   // where the robot should be
	StylePath   Style = "path"   // where the robot has been
	StyleRobot  Style = "robot"  // its body
	StylePart   Style = "part"   // a part of the robot: a wheel, a leg, a pole
	StyleRay    Style = "ray"    // what a sensor looks at
	StyleNote   Style = "note"   // text
)

// Styles lists all styles.
var Styles = []Style{
	StyleGround, StyleWall, StyleLine, StyleLamp, StyleHeat, StyleFood, StyleGoal, StylePath, StyleRobot, StylePart, StyleRay,
	StyleNote,
}

// A Shape is a part of a drawing. With Text it is a text, with Radius a circle, otherwise the line through its points or, if it
// is closed, the polygon that has them as its corners.
type Shape struct {
	Style  Style
	Points []Point // of a circle its middle, of a text the left end of its base line
	Closed bool    // the last point is joined to the first, and what is within is filled
	Radius float64 // metres
	Width  float64 // of a line, in metres; 0: a thin line
	Text   string
}

// Line adds the line through some points.
func (d *Drawing) Line(style Style, points ...Point) { d.Stripe(style, 0, points...) }

// Stripe adds a line of a given width, in metres.
func (d *Drawing) Stripe(style Style, width float64, points ...Point) {
	d.Shapes = append(d.Shapes, Shape{Style: style, Points: points, Width: width})
}

// Polygon adds an area with these corners.
func (d *Drawing) Polygon(style Style, corners ...Point) {
	d.Shapes = append(d.Shapes, Shape{Style: style, Points: corners, Closed: true})
}

// Box adds an area whose sides are along the axes.
func (d *Drawing) Box(style Style, low, high Point) {
	d.Polygon(style, low, Point{high.X, low.Y}, high, Point{low.X, high.Y})
}

// Circle adds a round area.
func (d *Drawing) Circle(style Style, middle Point, radius float64) {
	d.Shapes = append(d.Shapes, Shape{Style: style, Points: []Point{middle}, Radius: radius})
}

// Label adds a text; at is the left end of its base line.
func (d *Drawing) Label(at Point, text string) {
	d.Shapes = append(d.Shapes, Shape{Style: StyleNote, Points: []Point{at}, Text: text})
}

// include extends the area of the drawing by a circle.
func (d *Drawing) include(middle vector, radius float64) {
	d.Low = Point{min(d.Low.X, middle.x-radius), min(d.Low.Y, middle.y-radius)}
	d.High = Point{max(d.High.X, middle.x+radius), max(d.High.Y, middle.y+radius)}
}

// ring adds a circle that is not filled, as a polygon with so many corners.
func (d *Drawing) ring(style Style, middle vector, radius float64, corners int) {
	var rim []Point
	for n := range corners + 1 {
		rim = append(rim, pointOf(middle.plus(direction(float64(n)*(2*math.Pi/float64(corners))).times(radius))))
	}
	d.Line(style, rim...)
}
