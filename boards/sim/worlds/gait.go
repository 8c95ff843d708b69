package worlds

import (
	"fmt"
	"math"
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/options"
	"fluxd/splitmix64"
)

var gaitKind = Kind{
	Name: "gait", About: "flat or bumpy ground for a robot with six legs of two servos each",
	Events: []string{robotFell}, New: func() Options { return &GaitOpts{} },
}

// robotFell is the code of the event that the robot has fallen on its belly, or over in the world balance.
const robotFell = "robot_fell"

// GaitOpts are the options of the world gait: the robot's measures and its ground.
//
// A leg has two servos at the hip, which is at the height of the belly. The swing servo turns the leg about an upright axis,
// ahead at command 1; the lift servo raises it at command 1. At 0 the leg points to the side, and its foot is Height below the
// belly.
type GaitOpts struct {
	Front  physic.Distance `yaml:"front" default:"10 cm" min:"1 cm" max:"1 m" doc:"how far the front hips are ahead of the middle, and the rear hips behind it"`
	Side   physic.Distance `yaml:"side" default:"5 cm" min:"1 cm" max:"1 m" doc:"how far the front and rear hips are to the side of the middle; the belly ends there"`
	Middle physic.Distance `yaml:"middle" default:"7 cm" min:"1 cm" max:"1 m" doc:"the same for the middle hips"`
	Leg    physic.Distance `yaml:"leg" default:"8 cm" min:"1 cm" max:"1 m" doc:"from the hip to the foot, as seen from above: the radius of a stride"`
	Height physic.Distance `yaml:"height" default:"6 cm" min:"5 mm" max:"1 m" doc:"height of the belly over the feet while all lift servos are at 0"`
	Swing  physic.Angle    `yaml:"swing" default:"30 °" min:"1 °" max:"60 °" doc:"angle of a swing servo at command 1, ahead; at -1 as far behind"`
	Lift   physic.Angle    `yaml:"lift" default:"30 °" min:"1 °" max:"60 °" doc:"angle of a lift servo at command 1, up; at -1 as far down"`
	Servo  time.Duration   `yaml:"servo" default:"150ms" min:"5ms" max:"10s" doc:"time in which a servo turns by 60 °, as data sheets give it"`
	Lag    time.Duration   `yaml:"lag" default:"20ms" min:"1ms" max:"1s" doc:"time constant with which a servo approaches its command"`

	Mass       [2]physic.Distance `yaml:"mass" doc:"the centre of mass: how far ahead and how far to the left of the middle; absent: in the middle"`
	MassHeight physic.Distance    `yaml:"mass_height" default:"2 cm" min:"0 mm" max:"1 m" doc:"height of the centre of mass over the belly"`

	Friction float64         `yaml:"friction" default:"0.8" min:"0.01" max:"2" doc:"coefficient of friction of feet and belly: 0.8 is rubber on wood, 0.05 is ice"`
	Bumps    physic.Distance `yaml:"bumps" default:"0 mm" min:"0 mm" max:"3 cm" doc:"height of the highest bumps of the ground, which the seed places; 0: flat"`

	Goal     physic.Distance `yaml:"goal" default:"1 m" min:"1 cm" max:"10 km" doc:"distance from the start that counts as success, if the robot has not fallen"`
	FallEnds bool            `yaml:"fall_ends" default:"false" doc:"an episode ends when the robot falls; else it may stand up again"`
}

// Check finds a centre of mass that is not above the belly: the robot could not even lie.
func (o *GaitOpts) Check() (mistakes []options.Mistake) {
	for i, limit := range []physic.Distance{o.Front, o.Side} {
		if at := o.Mass[i]; 2*max(at, -at) > limit {
			mistakes = append(mistakes, options.Wrong("mass", "%s is too far from the middle: expected at most half of %s, %s", at,
				[]string{"front", "side"}[i], limit/2))
		}
	}
	if half := min(o.Front, o.Side); o.MassHeight > 2*half {
		mistakes = append(mistakes, options.Wrong("mass_height", "%s is too high for so small a belly: expected at most %s",
			o.MassHeight,
			2*half))
	}
	return mistakes
}

func (o *GaitOpts) physics(*Robot) physics { return newGait(o) }

// gaitLegs are the legs, in the order of parts, contacts and quantities.
var gaitLegs = [...]string{"left_front", "left_middle", "left_rear", "right_front", "right_middle", "right_rear"}

const (
	gaitFeet     = len(gaitLegs)
	gaitContacts = gaitFeet + 4 // and the corners of the belly
	gaitStep     = time.Millisecond
	gaitSeconds  = 0.001

	standardGravity = 9.80665 // m/s²

	stumbleTilt = 5 * math.Pi / 180 // a robot that leans so far has stumbled
	upright     = 2 * math.Pi / 180 // it stands again below this tilt
	overturned  = 1.0               // rad: it lies on its side, which ends the episode
	riseSteps   = 100               // without the belly on the ground: the robot has stood up
)

// step implements physics.
func (g *gait) step() time.Duration { return gaitStep }

// parts implements physics: two servos a leg.
func (g *gait) parts() (all []part) {
	for _, leg := range gaitLegs {
		all = append(all,
			part{Name: leg + "_swing", Doc: "turns the leg: ahead at 1", Needed: true},
			part{Name: leg + "_lift", Doc: "raises the leg: up at 1", Needed: true})
	}
	return all
}

// quantities implements physics.
func (g *gait) quantities() (all []quantity) {
	for _, leg := range gaitLegs {
		all = append(all, quantity{"contact " + leg, "", "1 while the foot is on the ground, else 0"})
	}
	all = append(all, quantity{"contact belly", "", "1 while the belly is on the ground, else 0"})
	for _, leg := range gaitLegs {
		all = append(all, quantity{"load " + leg, "", "share of the weight that the foot carries"})
	}
	for _, axis := range []string{"x", "y", "z"} {
		all = append(all, quantity{"acceleration " + axis, "m/s²", "as an accelerometer measures it: x ahead, y left, z up"},
			quantity{"rotation " + axis, "°/s", "about an axis: x ahead, y left, z up"})
	}
	return append(all,
		quantity{"roll", "°", "about the axis ahead: positive with the left side up"},
		quantity{"pitch", "°", "about the axis to the left: positive with the front down"},
		quantity{"heading", "°", "since the start, to the left, all turns counted"},
		quantity{"distance", "m", "from the start, in a straight line"},
		quantity{"height", "m", "of the belly over the ground"},
		quantity{"margin", "m", "distance from the centre of mass to the edge of the support polygon; negative outside"},
		quantity{"voltage", "V", "of the servos' supply: a battery of 6 V and 0.1 ohm"},
		quantity{"current", "A", "of all servos"},
		quantity{"power", "W", "of all servos"})
}

// sense implements physics.
func (g *gait) sense(_ *Sensor, _ *Mount, what string) (func() float64, error) {
	for i, leg := range gaitLegs {
		switch what {
		case "contact " + leg:
			return func() float64 { return oneIf(g.down[i]) }, nil
		case "load " + leg:
			return func() float64 { return g.load[i] / standardGravity }, nil
		}
	}
	const degree = math.Pi / 180
	if read := map[string]func() float64{
		"contact belly":  func() float64 { return oneIf(g.bellyDown()) },
		"acceleration x": func() float64 { return g.felt()[0] },
		"acceleration y": func() float64 { return g.felt()[1] },
		"acceleration z": func() float64 { return g.felt()[2] },
		"rotation x":     func() float64 { return g.rate[1] / degree },
		"rotation y":     func() float64 { return g.rate[2] / degree },
		"rotation z":     func() float64 { return g.spin / degree },
		"roll":           func() float64 { return g.roll / degree },
		"pitch":          func() float64 { return g.pitch / degree },
		"heading":        func() float64 { return g.heading / degree },
		"distance":       func() float64 { return g.distance() },
		"height":         func() float64 { return g.belly() },
		"margin":         func() float64 { return g.margin() },
		"voltage":        func() float64 { return supplyVolts - float64(supplyOhms*g.current()) },
		"current":        func() float64 { return g.current() },
		"power":          func() float64 { i := g.current(); return (supplyVolts - float64(supplyOhms*i)) * i },
	}[what]; read != nil {
		return read, nil
	}
	return nil, fmt.Errorf("the world has no %s", what)
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// The servos' supply. A small servo (Tower Pro MG90S) draws 10 mA at rest and about 200 mA while it turns; a lift servo draws
// more in proportion to the load at its foot, here 30 mA for each newton.
const (
	supplyVolts    = 6.0
	supplyOhms     = 0.1
	idleAmperes    = 0.01
	turningAmperes = 0.2
	holdingAmperes = 0.03 // for each newton
	gaitMass       = 1.5  // kg. Nothing but the current depends on it
)

// current returns the current of all servos, in amperes.
func (g *gait) current() float64 {
	sum := 0.0
	for i := range g.legs {
		sum += float64(holdingAmperes * gaitMass * g.load[i])
		for _, s := range []*gaitServo{&g.legs[i].swing, &g.legs[i].lift} {
			sum += idleAmperes
			if s.turns {
				sum += turningAmperes
			}
		}
	}
	return sum
}

// felt returns the acceleration that an accelerometer in the centre of mass measures: that of the body, and 1 g upwards. The
// angles of tilt are small.
func (g *gait) felt() [3]float64 {
	return [3]float64{
		g.push.x - float64(standardGravity*g.pitch),
		g.push.y + float64(standardGravity*g.roll),
		g.bounce + standardGravity,
	}
}

// distance returns the way from the start, in a straight line.
func (g *gait) distance() float64 { return g.at.minus(g.start).length() }

// belly returns the height of the middle of the belly.
func (g *gait) belly() float64 { return g.heightOf(g.mass.times(-1), -g.massHeight) - g.ground(g.at) }

// over implements physics.
func (g *gait) over() bool { return g.toppled || g.o.FallEnds && g.falls > 0 }

// score implements physics.
func (g *gait) score(steps int64) Score {
	metres := metres(g.o.Goal)
	s := Score{Goal: fmt.Sprintf("came %g m far without a fall", metres), Reached: g.reached > 0}
	feet, least := float64(gaitFeet), g.fewest
	if steps > 0 {
		feet = float64(g.feetDown) / float64(steps)
	}
	first := -1.0
	if s.Reached {
		first = float64(g.reached) / 1000
	}
	s.Values = []Value{
		{"metres", g.distance()}, {"forward_m", g.forward}, {"turned_deg", g.heading / (math.Pi / 180)}, {"first_s", first},
		{"falls", float64(g.falls)}, {"stumbles", float64(g.stumbles)}, {"slip_m", g.slipped},
		{"feet", feet}, {"least_feet", float64(least)}, {"margin_m", g.leastMargin},
	}
	s.Text = fmt.Sprintf("%.2f m in %.3f s, %s, %s, %.2f feet down on average and at least %d, slipped by %.3f m",
		g.distance(), float64(steps)/1000, counted(g.falls, "fall"), counted(g.stumbles, "stumble"), feet, least, g.slipped)
	if g.toppled {
		s.Text += ", and lies on its side"
	}
	return s
}

func counted(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// events implements physics: one event for all falls since the last call.
func (g *gait) events() []Event {
	if g.falls == g.reported {
		return nil
	}
	g.reported = g.falls
	return []Event{{Code: robotFell, Text: fmt.Sprintf("%d so far", g.falls)}}
}

// state implements physics.
func (g *gait) state() map[string]float64 {
	state := map[string]float64{
		"x": g.at.x, "y": g.at.y, "heading": g.heading, "height": g.belly(), "roll": g.roll, "pitch": g.pitch, "margin": g.margin(),
		"speed": g.speed.length(), "forward": g.forward,
	}
	for i, name := range gaitLegs {
		state[name+"_swing"], state[name+"_lift"] = g.legs[i].swing.angle, g.legs[i].lift.angle
		state[name+"_down"], state[name+"_load"] = oneIf(g.down[i]), g.load[i]/standardGravity
	}
	return state
}

// reset implements physics: the robot stands on six feet, with all servos at 0.
func (g *gait) reset(random *splitmix64.Random) {
	o := g.o
	*g = *newGait(o)
	g.salt = random.Next()
	g.place()
	deepest := 0.0
	for _, c := range g.contact {
		deepest = max(deepest, c.sunk)
	}
	g.z += deepest
	g.place()
	g.leastMargin = g.margin()
}
