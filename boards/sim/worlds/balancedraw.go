package worlds

import "math"

// draw draws the robot from the side, and its way from above in the upper half, ahead being to the right.
func (b *balance) draw(d *Drawing) {
	tall := max(metres(b.opts.Length), b.height) + b.wheel
	wide := max(1.5*tall, b.farthest+float64(0.5*tall))
	ground := -float64(1.2 * tall)
	d.Low, d.High = Point{-wide, ground - float64(0.1*tall)}, Point{wide, wide + float64(0.2*tall)}
	lean := direction(b.lean)
	axle := Point{b.at.x, ground + b.wheel}
	d.Line(StyleGround, Point{-wide, ground}, Point{wide, ground})
	d.Line(StylePath, b.path...)
	d.Circle(StylePart, axle, b.wheel)
	length := metres(b.opts.Length)
	d.Stripe(StyleRobot, float64(0.2*tall), axle, Point{axle.X + float64(length*lean.y), axle.Y + float64(length*lean.x)})
	d.Circle(StyleGoal, Point{}, float64(0.05*tall))
	facing := direction(b.heading)
	d.Line(StyleRobot, Point{b.at.x, b.at.y}, Point{b.at.x + float64(0.2*tall*facing.x), b.at.y + float64(0.2*tall*facing.y)})
}

// picture implements physics: the robot from the side.
func (b *balance) picture(columns, rows int) string {
	length := metres(b.opts.Length)
	tall := length + float64(2*b.wheel)
	middle := math.Floor(b.at.x/tall+0.5) * tall
	d := Drawing{Low: Point{middle - float64(1.5*tall), -float64(0.1 * tall)},
		High: Point{middle + float64(1.5*tall), float64(1.1 * tall)}}
	lean := direction(b.lean)
	axle := Point{b.at.x, b.wheel}
	d.Line(StyleGround, Point{d.Low.X, 0}, Point{d.High.X, 0})
	d.Line(StylePart, axle, Point{axle.X + float64(length*lean.y), axle.Y + float64(length*lean.x)})
	d.Circle(StyleRobot, axle, b.wheel)
	return sketch(d, columns, rows)
}
