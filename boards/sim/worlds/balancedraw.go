package worlds

import "math"

// tall is the height of the robot.
func (b *balance) tall() float64 { return max(metres(b.opts.Length), b.height) + b.wheel }

// draw draws all: see World.Draw. It draws the robot from the side, and its way from above in the upper half, ahead being to the
// right.
func (b *balance) draw(d *Drawing) {
	ground := b.view(d)
	b.drawGround(d, ground)
	d.Line(StylePath, b.path...)
	b.drawSide(d, ground)
	b.drawStart(d)
	b.drawAbove(d)
}

// view sets the corners of a drawing, and returns the height of the ground in it.
func (b *balance) view(d *Drawing) (ground float64) {
	tall := b.tall()
	wide := max(1.5*tall, b.farthest+float64(0.5*tall))
	ground = b.start.y - float64(1.2*tall)
	d.Low = Point{b.start.x - wide, ground - float64(0.1*tall)}
	d.High = Point{b.start.x + wide, b.start.y + wide + float64(0.2*tall)}
	return ground
}

// scenery implements scenic.
func (b *balance) scenery(d *Drawing) {
	b.view(d)
	b.drawStart(d)
}

// figures implements scenic.
func (b *balance) figures(d *Drawing) {
	ground := b.view(d)
	b.drawGround(d, ground)
	b.drawSide(d, ground)
	b.drawAbove(d)
}

func (b *balance) drawGround(d *Drawing, ground float64) {
	d.Line(StyleGround, Point{d.Low.X, ground}, Point{d.High.X, ground})
}

func (b *balance) drawSide(d *Drawing, ground float64) {
	lean, length := direction(b.lean), metres(b.opts.Length)
	axle := Point{b.at.x, ground + b.wheel}
	d.Circle(StylePart, axle, b.wheel)
	d.Stripe(StyleRobot, float64(0.2*b.tall()), axle, Point{axle.X + float64(length*lean.y), axle.Y + float64(length*lean.x)})
}

func (b *balance) drawStart(d *Drawing) {
	d.Circle(StyleGoal, pointOf(b.start), float64(0.05*b.tall()))
}

func (b *balance) drawAbove(d *Drawing) {
	ahead := direction(b.heading).times(float64(0.2 * b.tall()))
	d.Line(StyleRobot, pointOf(b.at), pointOf(b.at.plus(ahead)))
}

// balanceArea is how far from where a world begins its robot can be put, in metres.
const balanceArea = 10

// things implements furnished: the robot, where it is seen from above.
func (b *balance) things() []Thing {
	return []Thing{{Name: "robot", Kind: ThingRobot, At: pointOf(b.at), Heading: aTurn(b.heading), Turns: true,
		Radius: float64(0.2 * b.tall()), Moves: true, Low: Point{-balanceArea, -balanceArea}, High: Point{balanceArea, balanceArea}}}
}

// put implements furnished. The robot goes on as it was moving, and the place where it started moves with it.
func (b *balance) put(_ int, at vector, heading float64) error {
	b.start = b.start.plus(at.minus(b.at))
	b.at, b.heading = at, nearTurn(heading, b.heading)
	b.path = []Point{pointOf(at)}
	return nil
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
