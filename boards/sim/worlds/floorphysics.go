package worlds

import (
	"math"
	"time"

	"fluxd/splitmix64"
)

// floor is the physics of the world floor: a round robot on two driven wheels, as hobbyists build it.
//
// The robot moves in fixed steps of a millisecond. Each wheel follows its command with the lag of its motor. Light decreases with
// the cosine of the angle and the square of the distance, and walls cast shadows.
type floor struct {
	*FloorOpts
	plan   *floorPlan
	radius float64
	track  float64
	top    float64
	lag    float64 // seconds
	random *splitmix64.Random
	lamps  []floorLamp

	steps    int64
	at       vector
	heading  float64
	facing   vector // the direction of heading
	wheels   [2]floorWheel
	reached  int   // lamps
	reported int   // by events, of the reached lamps
	first    int64 // step in which the first lamp was reached
}

// floorWheel is a driven wheel.
type floorWheel struct {
	speed float64 // metres per second, on the ground
}

// floorLamp is a lamp.
type floorLamp struct {
	*FloorLamp
	at       vector
	strength float64 // lux at a metre
	reach    float64
	reached  bool
}

const (
	floorStep   = time.Millisecond
	stepSeconds = 0.001
	contactGap  = 0.002 // the robot touches what is so near
)

func newFloor(o *FloorOpts, body *Body) *floor {
	f := &floor{FloorOpts: o, plan: newFloorPlan(o), radius: metres(body.Radius), track: metres(body.Track),
		top: float64(body.TopSpeed) / 1e9, lag: o.Motors.Lag.Seconds()}
	for i := range o.Lamps {
		l := &o.Lamps[i]
		f.lamps = append(f.lamps, floorLamp{FloorLamp: l, strength: float64(l.Strength) / 1e6, reach: metres(l.Reach)})
	}
	f.facing = vector{1, 0}
	return f
}

func (f *floor) step() time.Duration { return floorStep }

func (f *floor) parts() []part {
	return []part{
		{Name: "left_wheel", Doc: "the left driven wheel", Needed: true},
		{Name: "right_wheel", Doc: "the right driven wheel", Needed: true},
	}
}

func (f *floor) reset(random *splitmix64.Random) {
	f.random = random
	f.steps, f.reached, f.reported, f.first = 0, 0, 0, 0
	f.wheels = [2]floorWheel{}
	for i := range f.lamps {
		l := &f.lamps[i]
		l.reached = false
		if l.At != nil {
			l.at = placed(*l.At)
		} else {
			l.at = f.find(metres(l.Clearance), func(vector) bool { return true })
		}
	}
	if f.Start.At != nil {
		f.at = placed(*f.Start.At)
	} else {
		f.at = f.find(max(metres(f.Start.Clearance), f.radius), func(p vector) bool {
			for i := range f.lamps {
				if p.distance(f.lamps[i].at) < metres(f.lamps[i].Apart) {
					return false
				}
			}
			return true
		})
	}
	if f.Start.Heading != nil {
		f.heading = f.within(radians(*f.Start.Heading))
	} else {
		f.heading = f.random.Between(0, 2*math.Pi)
	}
	f.facing = direction(f.heading)
}

// find returns a random place with a clearance to all walls, at which a condition holds. Where there is none, it is content with
// less.
func (f *floor) find(clearance float64, suits func(vector) bool) vector {
	for tries := 1; ; tries++ {
		p := vector{f.random.Between(0, f.plan.width), f.random.Between(0, f.plan.depth)}
		gap, _ := f.plan.nearest(p, clearance)
		switch {
		case gap >= clearance && suits(p), tries > 20_000:
			return p
		case tries%2000 == 0:
			clearance = max(clearance/2, f.radius)
		}
	}
}

// within returns the same direction as an angle from 0 to less than a turn.
func (f *floor) within(angle float64) float64 {
	if angle < 0 {
		return angle + 2*math.Pi
	} else if angle >= 2*math.Pi {
		return angle - 2*math.Pi
	}
	return angle
}

func (f *floor) advance(commands []float64) {
	f.steps++
	f.drive(commands)
	for i := range f.lamps {
		f.reach(&f.lamps[i])
	}
}

// drive moves the robot by a step.
func (f *floor) drive(commands []float64) {
	for i := range f.wheels {
		w := &f.wheels[i]
		w.speed += float64((float64(commands[i]*f.top) - w.speed) * (stepSeconds / f.lag))
	}
	left, right := f.wheels[0].speed, f.wheels[1].speed
	f.heading = f.within(f.heading + float64((right-left)/f.track*stepSeconds))
	f.facing = direction(f.heading)
	to := f.at.plus(f.facing.times((left + right) / 2 * stepSeconds))
	if gap, wall := f.plan.nearest(to, f.radius); gap < f.radius && wall.distance(to) < wall.distance(f.at) {
		f.wheels[0].speed, f.wheels[1].speed = 0, 0
	} else {
		f.at = to
	}
}

// reach lets a lamp move if the robot has reached it.
func (f *floor) reach(l *floorLamp) {
	if f.at.distance(l.at) > l.reach {
		return
	}
	if f.reached == 0 {
		f.first = f.steps
	}
	if l.Moves || !l.reached {
		f.reached++
	}
	l.reached = true
	if l.Moves {
		l.at = f.find(metres(l.Clearance), func(p vector) bool { return f.at.distance(p) >= metres(l.Apart) })
	}
}

func (f *floor) over() bool { return false }
