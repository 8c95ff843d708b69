package worlds

import (
	"math"

	"fluxd/splitmix64"
)

// gait is a robot with six legs on the ground. Upright it is a stiff body on springs: each foot and each corner of the belly is
// pushed up by the ground as far as it has sunk in, 2 mm under a third of the weight. So which feet carry it, how it tips
// when its centre of mass is not above them, and how long that takes, follow from the forces. In the plane the feet on the ground
// drag the body along by friction. The friction of a foot is at most proportional to its load (Coulomb); feet that disagree slip.
//
// Both are solved implicitly in each step, so they stay stable however stiff they are. Forces are those on a kilogram, since no
// motion depends on the mass.
//
// The body's axes are x ahead, y left, z up; places are relative to the centre of mass. Roll and pitch are small angles.
type gait struct {
	o          *GaitOpts
	mass       vector // from the middle of the body
	massHeight float64
	friction   float64
	inertia    [3]float64 // about x, y and z: squared radii of gyration
	salt       uint64     // of the bumps

	legs    [gaitFeet]gaitLeg
	contact [gaitContacts]gaitContact
	load    [gaitContacts]float64 // force of the ground on a kilogram of the robot, upwards
	down    [gaitFeet]bool

	z, roll, pitch float64    // height of the centre of mass; angles
	rate           [3]float64 // of z, roll and pitch
	bounce         float64    // acceleration upwards

	at      vector // in the world: the middle of the body
	start   vector // where that was at the start; it moves with a robot that is put elsewhere
	heading float64
	facing  vector // the direction of heading
	speed   vector // of the centre of mass, in the world
	spin    float64
	push    vector // acceleration in the plane, in the body's axes

	path        trail
	steps       int64
	reached     int64 // the step in which the goal was reached; 0: not yet
	forward     float64
	slipped     float64
	falls       int
	reported    int // by events, of the falls
	stumbles    int
	fallen      bool // it has not risen since
	risen       int  // steps since the belly was on the ground
	leans       bool
	toppled     bool
	feetDown    int64 // summed over all steps
	fewest      int
	leastMargin float64
}

// gaitServo turns towards its command: the slower the nearer it is, and with a limited speed.
type gaitServo struct {
	angle, reach float64 // reach is the angle at command 1
	turn         float64 // most in a step
	share        float64 // of the rest, in a step
	at           vector  // direction of the angle
	turns        bool
}

// follow moves the servo by one step. A command that is no number leaves it where it is.
func (s *gaitServo) follow(command float64) {
	const near = 1e-5 // rad: it is there
	before := s.angle
	if command == command {
		target := float64(min(max(command, -1), 1) * s.reach)
		rest := target - s.angle
		if s.angle += min(max(float64(rest*s.share), -s.turn), s.turn); max(rest, -rest) < near {
			s.angle = target
		}
	}
	s.turns = s.angle != before
	if s.turns {
		s.at = direction(s.angle)
	}
}

// gaitLeg is a leg with its hip, relative to the centre of mass.
type gaitLeg struct {
	hip         vector
	side        float64 // 1 on the left, -1 on the right
	swing, lift gaitServo
}

// gaitContact is a place of the robot that can touch the ground.
type gaitContact struct {
	at      vector  // from the centre of mass, in the body's axes
	height  float64 // over the centre of mass
	moves   vector  // speed in the body's axes
	sunk    float64 // depth in the ground
	gripped bool
	grip    float64 // of the friction: force over the speed of slipping
}

// The springs of the feet: a third of the weight sinks in by 2 mm, and nothing bounces.
const (
	stiffness = standardGravity / 3 / 0.002
	damping   = 50.0
	touching  = 0.0005 // m: a foot that is nearer to the ground than this is on it
	creep     = 0.001  // m/s: below this speed of slipping, friction is proportional to it
)

func newGait(o *GaitOpts) *gait {
	front, side, middle := metres(o.Front), metres(o.Side), metres(o.Middle)
	g := &gait{
		o: o, mass: vector{metres(o.Mass[0]), metres(o.Mass[1])}, massHeight: metres(o.MassHeight), friction: o.Friction,
		facing: vector{1, 0}, fewest: gaitFeet, leastMargin: math.Inf(1),
	}
	turn := float64(math.Pi / 3 * gaitSeconds / o.Servo.Seconds())
	share := gaitSeconds / o.Lag.Seconds()
	for i := range g.legs {
		hip := []vector{{front, side}, {0, middle}, {-front, side}}[i%3]
		l := &g.legs[i]
		l.side = 1
		if i >= 3 {
			l.side, hip.y = -1, -hip.y
		}
		l.hip = hip.minus(g.mass)
		l.swing = gaitServo{reach: radians(o.Swing), turn: turn, share: share, at: vector{1, 0}}
		l.lift = gaitServo{reach: radians(o.Lift), turn: turn, share: share, at: vector{1, 0}}
		// Half of the mass is a plate as large as the belly, the other half is in the legs, halfway to the feet.
		reach := vector{hip.x, float64(l.side*hip.y) + float64(metres(o.Leg)/2)}
		roll, pitch := float64(reach.y*reach.y)/12, float64(reach.x*reach.x)/12
		g.inertia[0] += roll
		g.inertia[1] += pitch
		g.inertia[2] += roll + pitch
	}
	roll, pitch := float64(side*side)/6, float64(front*front)/6
	g.inertia = [3]float64{g.inertia[0] + roll, g.inertia[1] + pitch, g.inertia[2] + roll + pitch}
	for i, corner := range []vector{{front, side}, {-front, side}, {front, -side}, {-front, -side}} {
		g.contact[gaitFeet+i] = gaitContact{at: corner.minus(g.mass), height: -g.massHeight}
	}
	g.z = metres(o.Height) + g.massHeight - 0.001 // the weight on six feet
	g.place()
	g.leastMargin = g.margin()
	return g
}

// foot returns where a leg has its foot, relative to the centre of mass. The lift servo turns the leg in an upright plane, and
// the swing servo turns that plane.
func (g *gait) foot(l *gaitLeg) (at vector, height float64) {
	long, high := metres(g.o.Leg), metres(g.o.Height)
	out := float64(long*l.lift.at.x) + float64(high*l.lift.at.y)
	height = float64(long*l.lift.at.y) - float64(high*l.lift.at.x)
	return l.hip.plus(vector{float64(out * l.swing.at.y), float64(out * l.swing.at.x * l.side)}), height - g.massHeight
}

// place computes where the contacts are, and how deep they have sunk.
func (g *gait) place() {
	for i := range g.legs {
		c := &g.contact[i]
		at, height := g.foot(&g.legs[i])
		c.moves = at.minus(c.at).times(1 / gaitSeconds)
		c.at, c.height = at, height
	}
	g.sink()
}

// sink computes how deep the contacts have sunk.
func (g *gait) sink() {
	middle := g.at.plus(g.mass.turned(g.facing))
	for i := range g.contact {
		c := &g.contact[i]
		c.sunk = g.ground(middle.plus(c.at.turned(g.facing))) - g.heightOf(c.at, c.height)
		if i < gaitFeet {
			g.down[i] = c.sunk > -touching
		}
	}
}

// heightOf returns the height of a place of the body in the world.
func (g *gait) heightOf(at vector, height float64) float64 {
	return g.z + height - float64(g.pitch*at.x) + float64(g.roll*at.y)
}

// lever returns how a force upwards at a contact acts on z, roll and pitch: by tilting, the contacts move sideways below the
// centre of mass.
func (g *gait) lever(c *gaitContact) [3]float64 {
	return [3]float64{1, c.at.y - float64(c.height*g.roll), -c.at.x - float64(c.height*g.pitch)}
}

// advance implements physics.
func (g *gait) advance(commands []float64) {
	if g.toppled {
		return
	}
	for i := range g.legs {
		g.legs[i].swing.follow(commands[2*i])
		g.legs[i].lift.follow(commands[2*i+1])
	}
	g.place()
	g.carry()
	g.drag()
	g.steps++
	g.count()
}

// carry moves the body up, down and about its tilt: with J the lever of a contact and v the new rates,
//
//	M (v - v0) = dt (gravity + sum of J F),  F = stiffness (sunk - dt J v) - damping J v
//
// The speed at which a servo presses a foot down has no part in the damping: the servo gives way. Contacts that would pull are
// left out, and the rest is solved again.
func (g *gait) carry() {
	const grip = float64(gaitSeconds * (damping + stiffness*gaitSeconds))
	var pushes [gaitContacts]bool
	for i := range g.contact {
		pushes[i] = g.contact[i].sunk > 0
	}
	before, high := g.rate, g.z-g.ground(g.at)
	for range gaitContacts {
		a := symmetric{{1}, {0, g.inertia[0]}, {0, 0, g.inertia[1]}}
		b := [3]float64{
			before[0] - float64(gaitSeconds*standardGravity),
			// The push of friction at the feet acts below the centre of mass.
			float64(g.inertia[0]*before[1]) + float64(gaitSeconds*high*g.push.y),
			float64(g.inertia[1]*before[2]) - float64(gaitSeconds*high*g.push.x),
		}
		for i := range g.contact {
			if c := &g.contact[i]; pushes[i] {
				j := g.lever(c)
				a.add(j, grip)
				force := float64(gaitSeconds * stiffness * c.sunk)
				for n := range b {
					b[n] += float64(j[n] * force)
				}
			}
		}
		g.rate = a.solve(b)
		pulls := false
		for i := range g.contact {
			c := &g.contact[i]
			g.load[i] = 0
			if !pushes[i] {
				continue
			}
			j := g.lever(c)
			sinks := -float64(j[0]*g.rate[0]) - float64(j[1]*g.rate[1]) - float64(j[2]*g.rate[2])
			g.load[i] = float64(stiffness*c.sunk) + float64((damping+stiffness*gaitSeconds)*sinks)
			if g.load[i] < 0 {
				g.load[i], pushes[i], pulls = 0, false, true
			}
		}
		if !pulls {
			break
		}
	}
	g.bounce = (g.rate[0] - before[0]) / gaitSeconds
	g.z += float64(gaitSeconds * g.rate[0])
	g.roll += float64(gaitSeconds * g.rate[1])
	g.pitch += float64(gaitSeconds * g.rate[2])
	if max(g.roll, -g.roll, g.pitch, -g.pitch) > overturned {
		g.toppled = true
	}
}

// drag moves the body in the plane: with s the speed of slipping of a contact,
//
//	M (v - v0) = dt sum of J F,  F = -friction load s / |s|
//
// which is solved a few times for the speeds of the last solution.
func (g *gait) drag() {
	back := vector{g.facing.x, -g.facing.y}
	before := g.speed.turned(back)
	for i := range g.contact {
		c := &g.contact[i]
		c.grip = float64(gaitSeconds * g.friction * g.load[i] / g.slip(c, before, g.spin).limited())
	}
	speed, spin := before, g.spin
	for range 4 {
		a := symmetric{{1}, {0, 1}, {0, 0, g.inertia[2]}}
		b := [3]float64{before.x, before.y, float64(g.inertia[2] * g.spin)}
		for i := range g.contact {
			c := &g.contact[i]
			if c.grip == 0 {
				continue
			}
			for _, row := range []struct {
				j     [3]float64
				moves float64
			}{{[3]float64{1, 0, -c.at.y}, c.moves.x}, {[3]float64{0, 1, c.at.x}, c.moves.y}} {
				a.add(row.j, c.grip)
				for n := range b {
					b[n] -= float64(row.j[n] * c.grip * row.moves)
				}
			}
		}
		v := a.solve(b)
		speed, spin = vector{v[0], v[1]}, v[2]
		for i := range g.contact {
			c := &g.contact[i]
			c.grip = float64(gaitSeconds * g.friction * g.load[i] / g.slip(c, speed, spin).limited())
		}
	}
	for i := range g.contact {
		c := &g.contact[i]
		g.slipped += float64(g.load[i] / standardGravity * g.slip(c, speed, spin).length() * gaitSeconds)
	}
	g.push = speed.minus(before).times(1 / gaitSeconds)
	g.spin = spin
	g.forward += float64(speed.x * gaitSeconds)
	g.speed = speed.turned(g.facing)
	middle := g.at.plus(g.mass.turned(g.facing)).plus(g.speed.times(gaitSeconds))
	if g.spin != 0 {
		g.heading += float64(g.spin * gaitSeconds)
		g.facing = direction(g.heading)
	}
	g.at = middle.minus(g.mass.turned(g.facing))
}

// slip returns how fast a contact slips over the ground, in the body's axes.
func (g *gait) slip(c *gaitContact, speed vector, spin float64) vector {
	return vector{speed.x + c.moves.x - float64(spin*c.at.y), speed.y + c.moves.y + float64(spin*c.at.x)}
}

// limited returns the length of a speed, but at least that of creeping.
func (v vector) limited() float64 { return max(v.length(), creep) }

// count keeps what the score needs.
func (g *gait) count() {
	feet := 0
	for _, down := range g.down {
		if down {
			feet++
		}
	}
	g.feetDown += int64(feet)
	g.fewest = min(g.fewest, feet)
	g.leastMargin = min(g.leastMargin, g.margin())
	switch {
	case g.bellyDown():
		if !g.fallen {
			g.falls++
		}
		g.fallen, g.risen = true, 0
	case g.fallen:
		g.risen++
		g.fallen = g.risen < riseSteps
	}
	switch tilt := max(g.roll, -g.roll, g.pitch, -g.pitch); {
	case tilt > stumbleTilt:
		if !g.leans {
			g.stumbles++
		}
		g.leans = true
	case tilt < upright:
		g.leans = false
	}
	if g.steps%pathSteps == 0 {
		g.path.add(g.at)
	}
	if g.reached == 0 && g.falls == 0 && g.distance() >= metres(g.o.Goal) {
		g.reached = g.steps
	}
}

// bellyDown reports whether the ground carries a part of the belly.
func (g *gait) bellyDown() bool {
	for _, load := range g.load[gaitFeet:] {
		if load > 0 {
			return true
		}
	}
	return false
}

// margin returns the distance from the centre of mass to the edge of the support polygon, the convex hull of the feet on the
// ground, as seen from above. It is negative outside, and -1 without a foot on the ground.
//
// Source: McGhee and Frank, "On the stability properties of quadruped creeping gaits", Mathematical Biosciences 3, 1968.
func (g *gait) margin() float64 {
	inside, outside, edges := math.Inf(1), 1.0, 0
	for i, down := range g.down {
		if down {
			outside = min(outside, g.support(i).length())
		}
	}
	g.edges(func(from, to vector) {
		edges++
		along := to.minus(from)
		inside = min(inside, along.cross(from.times(-1))/along.length())
		outside = min(outside, segment{from, to}.nearest(vector{}).length())
	})
	if edges > 2 && inside >= 0 {
		return inside
	}
	return -outside
}

// support returns where a foot is as seen from above, ahead and to the left of the centre of mass.
func (g *gait) support(foot int) vector {
	j := g.lever(&g.contact[foot])
	return vector{-j[2], j[1]}
}

// edges calls a function with each edge of the support polygon, which has the centre of mass on its left if that is inside. Two
// feet have the edge between them twice, in both directions.
func (g *gait) edges(each func(from, to vector)) {
	var feet [gaitFeet]vector
	n := 0
	for i, down := range g.down {
		if down {
			feet[n] = g.support(i)
			n++
		}
	}
	for i := range n {
		for k := range n {
			if along := feet[k].minus(feet[i]); along != (vector{}) && leftOf(along, feet[i], feet[:n]) {
				each(feet[i], feet[k])
			}
		}
	}
}

// leftOf reports whether no foot is to the right of a line.
func leftOf(along, from vector, feet []vector) bool {
	for _, f := range feet {
		if along.cross(f.minus(from)) < -1e-12 {
			return false
		}
	}
	return true
}

// bumpSize is the distance between two neighbouring bumps, in metres.
const bumpSize = 0.05

// ground returns the height of the ground: random heights in a grid, and between them what joins them.
func (g *gait) ground(at vector) float64 {
	if g.o.Bumps == 0 {
		return 0
	}
	column, row := math.Floor(at.x/bumpSize), math.Floor(at.y/bumpSize)
	u, v := at.x/bumpSize-column, at.y/bumpSize-row
	height := func(right, up int64) float64 {
		random := splitmix64.Random(g.salt ^ uint64(int64(column)+right)*0x9E3779B97F4A7C15 ^ uint64(int64(row)+up)<<32)
		return random.Share()
	}
	low := float64(height(0, 0)*(1-u)) + float64(height(1, 0)*u)
	high := float64(height(0, 1)*(1-u)) + float64(height(1, 1)*u)
	return metres(g.o.Bumps) * (float64(low*(1-v)) + float64(high*v))
}

// symmetric is a symmetric, positive definite matrix: its lower half.
type symmetric [3][3]float64

// add adds j times its transpose, scaled.
func (a *symmetric) add(j [3]float64, scale float64) {
	for r := range a {
		for c := range r + 1 {
			a[r][c] += float64(j[r] * j[c] * scale)
		}
	}
}

// solve returns x with a x = b, by Cholesky's decomposition without roots.
func (a *symmetric) solve(b [3]float64) (x [3]float64) {
	d0 := a[0][0]
	l10, l20 := a[1][0]/d0, a[2][0]/d0
	d1 := a[1][1] - float64(l10*a[1][0])
	m21 := a[2][1] - float64(l20*a[1][0])
	l21 := m21 / d1
	d2 := a[2][2] - float64(l20*a[2][0]) - float64(l21*m21)
	y1 := b[1] - float64(l10*b[0])
	y2 := b[2] - float64(l20*b[0]) - float64(l21*y1)
	x[2] = y2 / d2
	x[1] = y1/d1 - float64(l21*x[2])
	x[0] = b[0]/d0 - float64(l10*x[1]) - float64(l20*x[2])
	return x
}
