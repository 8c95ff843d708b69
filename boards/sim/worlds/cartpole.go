package worlds

import (
	"errors"
	"fmt"
	"math"
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/options"
	"fluxd/splitmix64"
)

var cartPoleKind = Kind{
	Name: "cartpole", About: "a pole that is hinged on a cart, to be kept upright by pushing the cart (CartPole of Gymnasium)",
	Events: []string{poleFell}, New: func() Options { return &CartPoleOpts{} },
}

// poleFell is the code of the event that the pole has fallen or the cart has left its track.
const poleFell = "pole_fell"

// The cart and its pole, in SI units. Constants in Go are exact; as float64 they are the same numbers as Gymnasium's.
const (
	poleMass       = 0.1
	poleHalf       = 0.5 // half of its length
	cartTotal      = 1.1 // mass of cart and pole
	cartForce      = 10.0
	cartStep       = 0.02 // seconds of the physics in a step, whatever CartPoleOpts.Every is
	cartWheelTurns = 5    // of a wheel that rolls along the track, a metre
)

// CartPoleOpts are the options of the world cartpole.
type CartPoleOpts struct {
	Every   time.Duration   `yaml:"every" default:"20ms" min:"1ms" max:"1s" doc:"the robot's time for a step; the physics moves on by 20 ms in each, whatever this is"`
	Steps   int             `yaml:"steps" default:"500" min:"1" max:"1000000000" doc:"steps of a whole episode"`
	Track   physic.Distance `yaml:"track" default:"2.4 m" min:"10 mm" max:"1000 m" doc:"how far the cart may be from the middle"`
	Tilt    physic.Angle    `yaml:"tilt" default:"12 °" min:"0.1 °" max:"89 °" doc:"how far the pole may lean"`
	Gravity float64         `yaml:"gravity" default:"9.8" min:"0" max:"100" doc:"in m/s²; the published runs of TENNLab's networks have 9.81"`
	Start   float64         `yaml:"start" default:"0.05" min:"0" max:"1" doc:"at the start position, angle and both velocities are at random up to this, in m and rad and per s"`
	Force   string          `yaml:"force" default:"bang-bang" enum:"bang-bang,proportional" doc:"bang-bang: 10 N to the right for a command above 0, otherwise to the left; proportional: 10 N times the command"`
	Rest    time.Duration   `yaml:"rest" default:"0s" min:"0s" max:"1m" doc:"time from a fall to the end of the episode, in which nothing moves: for robots that learn from falls"`
}

// Check implements Options.
func (*CartPoleOpts) Check() []options.Mistake { return nil }

func (o *CartPoleOpts) physics(*Robot) physics {
	// Gymnasium's limit is 12 degrees in float64. An angle counts nanoradians, which is not as fine.
	degrees := math.Floor(radians(o.Tilt)/(math.Pi/180)*1e6+0.5) / 1e6
	return &cartPole{opts: *o, track: metres(o.Track), tilt: float64(degrees*2) * math.Pi / 360}
}

// cartPole is the pole of Barto, Sutton and Anderson, "Neuronlike adaptive elements that can solve difficult learning control
// problems", IEEE Transactions on Systems, Man, and Cybernetics 13 (1983), without friction, as Gymnasium has it in CartPole-v1:
// the same equations and order of integration (explicit Euler), the same limits, and the same starts for the same seeds.
// The equations are from Florian, "Correct equations for the dynamics of the cart-pole system" (2007).
//
// Positive is to the right, and so is the lean of the pole.
type cartPole struct {
	opts        CartPoleOpts
	track, tilt float64 // limits

	position, speed float64 // m, m/s
	angle, rate     float64 // rad from upright, rad/s
	steps           int64
	fell            bool
	rested          time.Duration // since it fell
	reported        bool
	farthest, most  float64 // the largest distance from the middle and angle so far
}

func (c *cartPole) step() time.Duration { return c.opts.Every }

func (c *cartPole) parts() []part {
	return []part{{"cart", "pushes the cart, to the right if above 0", true}}
}

func (c *cartPole) quantities() []quantity {
	return []quantity{
		{"cart_position", "m", "to the right of the middle"},
		{"cart_velocity", "m/s", "to the right"},
		{"pole_angle", "rad", "from upright, to the right"},
		{"pole_angle", "°", "from upright, to the right"},
		{"pole_angle", "rev", "from upright, to the right"},
		{"pole_velocity", "rad/s", "to the right"},
		{"pole_velocity", "°/s", "to the right"},
		{"wheel", "m", "that rolls along the track"},
		{"wheel", "m/s", "that rolls along the track"},
		{"wheel", "rev", fmt.Sprintf("that rolls along the track, %d revolutions a metre", cartWheelTurns)},
		{"wheel", "rev/s", fmt.Sprintf("that rolls along the track, %d revolutions a metre", cartWheelTurns)},
	}
}

// sense implements physics. Where a sensor is mounted does not matter.
func (c *cartPole) sense(s *Sensor, _ *Mount, what string) (func() float64, error) {
	value, factor := (*float64)(nil), 1.0
	switch what + " " + s.Unit {
	case "cart_position m", "wheel m":
		value = &c.position
	case "wheel rev":
		value, factor = &c.position, cartWheelTurns
	case "cart_velocity m/s", "wheel m/s":
		value = &c.speed
	case "wheel rev/s":
		value, factor = &c.speed, cartWheelTurns
	case "pole_angle rad":
		value = &c.angle
	case "pole_angle °":
		value, factor = &c.angle, 180/math.Pi
	case "pole_angle rev":
		value, factor = &c.angle, 1/(2*math.Pi)
	case "pole_velocity rad/s":
		value = &c.rate
	case "pole_velocity °/s":
		value, factor = &c.rate, 180/math.Pi
	default:
		return nil, errors.New("the world has no " + what + " in " + unitName(s.Unit))
	}
	return func() float64 { return float64(*value * factor) }, nil
}

// reset implements physics. A generator that has not been used yet is its seed; Gymnasium draws from another generator with it.
func (c *cartPole) reset(random *splitmix64.Random) {
	*c = cartPole{opts: c.opts, track: c.track, tilt: c.tilt}
	draw := newPCG64(uint64(*random))
	for _, value := range []*float64{&c.position, &c.speed, &c.angle, &c.rate} {
		*value = draw.between(-c.opts.Start, c.opts.Start)
	}
	c.farthest, c.most = math.Abs(c.position), math.Abs(c.angle)
}

// advance implements physics. It follows Gymnasium's expressions factor by factor, so that all roundings are the same.
func (c *cartPole) advance(commands []float64) {
	if c.fell {
		c.rested += c.opts.Every
		return
	}
	force := float64(cartForce * commands[0])
	if c.opts.Force != "proportional" {
		force = -cartForce
		if commands[0] > 0 {
			force = cartForce
		}
	}
	lean := direction(c.angle)
	cosine, sine := lean.x, lean.y
	push := (force + float64(float64(poleMass*poleHalf*float64(c.rate*c.rate))*sine)) / cartTotal
	turn := (float64(c.opts.Gravity*sine) - float64(cosine*push)) /
		float64(poleHalf*(4.0/3.0-float64(float64(poleMass*float64(cosine*cosine))/cartTotal)))
	pull := push - float64(float64(float64(poleMass*poleHalf*turn)*cosine)/cartTotal)
	c.position += float64(cartStep * c.speed)
	c.speed += float64(cartStep * pull)
	c.angle += float64(cartStep * c.rate)
	c.rate += float64(cartStep * turn)
	c.steps++
	c.farthest, c.most = max(c.farthest, math.Abs(c.position)), max(c.most, math.Abs(c.angle))
	c.fell = math.Abs(c.position) > c.track || math.Abs(c.angle) > c.tilt
}

func (c *cartPole) over() bool {
	return c.fell && c.rested >= c.opts.Rest || c.steps >= int64(c.opts.Steps)
}

func (c *cartPole) score(int64) Score {
	s := Score{Goal: fmt.Sprintf("balanced for %d steps", c.opts.Steps), Reached: !c.fell && c.steps >= int64(c.opts.Steps),
		Values: []Value{{"steps", float64(c.steps)}, {"farthest_m", c.farthest}, {"most_rad", c.most}}}
	switch {
	case s.Reached:
		s.Text = s.Goal
	case math.Abs(c.angle) > c.tilt:
		s.Text = fmt.Sprintf("fell in step %d", c.steps)
	case c.fell:
		s.Text = fmt.Sprintf("left the track in step %d", c.steps)
	default:
		s.Text = fmt.Sprintf("stands in step %d", c.steps)
	}
	s.Text += fmt.Sprintf(", at most %.2f m from the middle and %.1f° from upright", c.farthest, c.most*180/math.Pi)
	return s
}

func (c *cartPole) events() []Event {
	if !c.fell || c.reported {
		return nil
	}
	c.reported = true
	return []Event{{Code: poleFell, Text: fmt.Sprintf("in step %d", c.steps)}}
}

func (c *cartPole) state() map[string]float64 {
	return map[string]float64{"cart_position_m": c.position, "cart_velocity_m_s": c.speed, "pole_angle_rad": c.angle,
		"pole_velocity_rad_s": c.rate, "steps": float64(c.steps)}
}

// draw draws all: see World.Draw. It draws the track, the cart and the pole from the side.
func (c *cartPole) draw(d *Drawing) {
	c.scenery(d)
	c.figures(d)
}

// scenery implements scenic.
func (c *cartPole) scenery(d *Drawing) {
	d.Low, d.High = Point{-c.track - 0.3, -0.2}, Point{c.track + 0.3, 2*poleHalf + 0.4}
	d.Line(StyleGround, Point{-c.track, 0}, Point{c.track, 0})
	d.Line(StyleWall, Point{-c.track, -0.1}, Point{-c.track, 0.1})
	d.Line(StyleWall, Point{c.track, -0.1}, Point{c.track, 0.1})
}

// figures implements scenic.
func (c *cartPole) figures(d *Drawing) {
	d.Low, d.High = Point{-c.track - 0.3, -0.2}, Point{c.track + 0.3, 2*poleHalf + 0.4}
	const high = 0.2 // of the cart
	lean := direction(c.angle)
	hinge := Point{c.position, high}
	d.Box(StyleRobot, Point{c.position - cartHalf, 0}, Point{c.position + cartHalf, high})
	d.Stripe(StylePart, 0.06, hinge, Point{hinge.X + float64(2*poleHalf*lean.y), hinge.Y + float64(2*poleHalf*lean.x)})
}

// cartHalf is half of the width of the cart in a drawing, in metres.
const cartHalf = 0.25

// things implements furnished: the cart, along its track.
func (c *cartPole) things() []Thing {
	return []Thing{{Name: "robot", Kind: ThingRobot, At: Point{c.position, 0}, Heading: c.angle, Turns: true, Radius: cartHalf,
		Moves: true, Low: Point{-c.track, 0}, High: Point{c.track, 0}}}
}

// put implements furnished. The heading is the angle of the pole. Cart and pole go on as they were moving.
func (c *cartPole) put(_ int, at vector, heading float64) error {
	switch {
	case c.fell:
		return errors.New("the pole has fallen: try again when the next episode has begun")
	case math.Abs(heading) > c.tilt:
		return fmt.Errorf("the pole would have fallen: expected a heading of -%.4g to %.4g rad", c.tilt, c.tilt)
	}
	c.position, c.angle = at.x, heading
	return nil
}

// picture implements physics.
func (c *cartPole) picture(columns, rows int) string {
	var d Drawing
	c.draw(&d)
	return sketch(d, columns, rows)
}
