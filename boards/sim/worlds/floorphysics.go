package worlds

import (
	"fmt"
	"math"
	"time"

	"fluxd/splitmix64"
)

// floor is the physics of the world floor: a round robot on two driven wheels, as hobbyists build it.
//
// The robot moves in fixed steps of a millisecond. Each wheel follows its command with the lag of its motor. The robot turns in
// any place; a step into something solid is not carried out, or only as far as the robot slides along it. Then the wheels spin
// for a moment, until their motors have no more speed than the robot's way allows; at a wall ahead they stand still, and draw the
// most current.
type floor struct {
	*FloorOpts
	plan   *floorPlan
	lines  *floorLines
	radius float64
	track  float64
	top    float64 // m/s
	lag    float64 // seconds
	wheel  float64 // circumference
	wobble float64 // standard deviation of what a wheel's noise changes by in a step
	random *splitmix64.Random

	steps    int64
	at       vector
	heading  float64
	facing   vector // the direction of heading
	wheels   [2]floorWheel
	moved    vector  // velocity, m/s
	pulled   vector  // acceleration, m/s²
	turning  float64 // rad/s
	twisting float64 // rad/s²
	used     float64 // charge, As
	drained  bool    // an event has said that the battery is empty
	lamps    []floorLamp
	food     []floorFood
	progress progress
	touching bool
	wedged   bool // its wheels turned in the last step, and it did not move
	bumps    int
	distance float64
	path     path
	onLine   int64 // steps
	reached  int   // lamps
	reported int   // by events, of the reached lamps
	first    int64 // step in which the first lamp was reached
	eaten    int
	fed      int64 // step in which the first food was eaten
	done     int64 // step in which the goal was reached
}

// floorWheel is a driven wheel and its motor.
type floorWheel struct {
	command float64 // behind the dead band
	noise   float64 // of its speed, as a share of the top speed
	speed   float64 // m/s, on the ground
	turned  float64 // m
}

// floorLamp is a lamp.
type floorLamp struct {
	*FloorLamp
	at       vector
	strength float64 // lux at a metre
	reach    float64
	reached  bool
}

// dark reports whether a lamp has gone out.
func (l *floorLamp) dark() bool { return l.reached && l.Reached == "goes_out" }

// floorFood is a piece of food.
type floorFood struct {
	*FloorFood
	at     vector
	radius float64
	eaten  bool // and gone
}

const (
	floorStep   = time.Millisecond
	stepSeconds = 0.001
	contactGap  = 0.002 // metres: the robot touches what is so near
	releaseGap  = 0.01  // and has left it when it is so far away
	wobbleTime  = 0.2   // seconds: the time constant of the noise of a wheel
)

func newFloor(o *FloorOpts, body *Body) *floor {
	const least = 0.001 // of lengths, for a body that comes from no file
	f := &floor{FloorOpts: o, lines: newFloorLines(o), radius: max(metres(body.Radius), least),
		track: max(metres(body.Track), least),
		top:   max(float64(body.TopSpeed)/1e9, least), lag: max(o.Motors.Lag.Seconds(), stepSeconds),
		wheel: max(metres(body.Wheel), least) * math.Pi, facing: vector{1, 0}}
	f.wobble = share(o.Motors.Noise) * math.Sqrt(2*stepSeconds/wobbleTime)
	for i := range o.Lamps {
		l := &o.Lamps[i]
		for range kindred(l.At, l.Number) {
			f.lamps = append(f.lamps, floorLamp{FloorLamp: l, strength: share(l.Strength), reach: metres(l.Reach)})
		}
	}
	for i := range o.Food {
		for range kindred(o.Food[i].At, o.Food[i].Number) {
			f.food = append(f.food, floorFood{FloorFood: &o.Food[i], radius: metres(o.Food[i].Radius)})
		}
	}
	var none splitmix64.Random
	f.plan = newFloorPlan(o, &none, f.radius) // what is random there comes with reset
	return f
}

// share returns a number that is counted in millionths.
func share(micro int64) float64 { return float64(micro) / 1e6 }

func (f *floor) step() time.Duration { return floorStep }

func (f *floor) parts() []part {
	return []part{
		{Name: "left_wheel", Doc: "the left driven wheel", Needed: true},
		{Name: "right_wheel", Doc: "the right driven wheel", Needed: true},
	}
}

func (f *floor) reset(random *splitmix64.Random) {
	*f = floor{FloorOpts: f.FloorOpts, plan: f.plan, lines: f.lines, radius: f.radius, track: f.track, top: f.top, lag: f.lag,
		wheel: f.wheel, wobble: f.wobble, lamps: f.lamps, food: f.food, random: random,
		path: path{points: f.path.points[:0], apart: 0.01}}
	if f.Maze != nil || len(f.Obstacles) > 0 {
		f.plan = newFloorPlan(f.FloorOpts, random, f.radius)
	}
	for i := range f.lamps {
		l := &f.lamps[i]
		l.reached = false
		if l.At != nil {
			l.at = placed(*l.At)
		} else {
			l.at = f.plan.find(random, metres(l.Clearance), 0, func(vector) bool { return true })
		}
	}
	f.start()
	for i := range f.food {
		if p := &f.food[i]; p.At != nil {
			p.at, p.eaten = placed(*p.At), false
		} else {
			f.grow(p)
		}
	}
	if len(f.lines.lines) > 0 {
		f.progress = newProgress(&f.lines.lines[0], f.at)
	}
	f.touch()
	f.path.add(f.at)
}

// start puts the robot where it starts.
func (f *floor) start() {
	if f.Start.OnLine && len(f.lines.lines) > 0 {
		at, along := f.lines.random(f.random)
		f.at, f.heading = at, withinTurn(angleOf(along))
		f.facing = direction(f.heading)
		return
	}
	if f.Start.At != nil {
		f.at = placed(*f.Start.At)
	} else {
		f.at = f.plan.find(f.random, max(metres(f.Start.Clearance), f.radius), f.radius, func(p vector) bool {
			for i := range f.lamps {
				if p.distance(f.lamps[i].at) < metres(f.lamps[i].Apart) {
					return false
				}
			}
			return true
		})
	}
	if f.Start.Heading != nil {
		f.heading = withinTurn(radians(*f.Start.Heading))
	} else {
		f.heading = f.random.Between(0, 2*math.Pi)
	}
	f.facing = direction(f.heading)
}

// beyond reports that a place is so far from the robot that a sensor there is probably mounted by mistake: in other units, say.
func (f *floor) beyond(at vector) error {
	if far := at.length(); far > 3*f.radius {
		return fmt.Errorf("it is %.3g m from the middle of a robot with a radius of %.3g m, and may be behind a wall", far, f.radius)
	}
	return nil
}

// fits reports why a robot has no room.
func (f *floor) fits() error {
	var random splitmix64.Random
	if f.Start.OnLine {
		return nil
	}
	if f.Start.At != nil {
		if gap := f.plan.gap(placed(*f.Start.At), f.radius); gap < f.radius {
			return fmt.Errorf("the robot's radius is %.3g m, and where it starts something solid is %.3g m away", f.radius, max(gap, 0))
		}
		return nil
	}
	for range findTries {
		at := vector{random.Between(0, f.plan.width), random.Between(0, f.plan.depth)}
		if f.plan.gap(at, f.radius) >= f.radius {
			return nil
		}
	}
	return fmt.Errorf("the world has no room for a robot with a radius of %.3g m: body.radius", f.radius)
}

// withinTurn returns the same direction as an angle from 0 to less than a turn, for one that is at most a turn away.
func withinTurn(angle float64) float64 {
	if angle < 0 {
		return angle + 2*math.Pi
	} else if angle >= 2*math.Pi {
		return angle - 2*math.Pi
	}
	return angle
}

func (f *floor) advance(commands []float64) {
	f.steps++
	for i := range f.wheels {
		f.command(&f.wheels[i], commands[i])
	}
	free := f.free()
	for i := range f.wheels {
		f.motor(&f.wheels[i], free)
	}
	f.drive()
	f.touch()
	for i := range f.lamps {
		f.reach(&f.lamps[i])
	}
	for i := range f.food {
		f.eat(&f.food[i])
	}
	if f.progress.line != nil {
		if f.progress.follow(f.at, f.radius); !f.progress.lost {
			f.onLine++
		}
	}
	f.used += float64(f.current() * stepSeconds)
	if f.done == 0 && f.Goal != "none" && f.achieved() >= share(f.Target) {
		f.done = f.steps
	}
}

// command gives a command to a motor.
func (f *floor) command(w *floorWheel, command float64) {
	if !(command >= -1 && command <= 1) { // which NaN is not
		command = min(max(command, -1), 1)
		if command != command {
			command = 0
		}
	}
	if f.empty() {
		command = 0
	}
	if dead := share(f.Motors.DeadBand); dead > 0 {
		command = math.Copysign(max(math.Abs(command)-dead, 0)/(1-dead), command)
	}
	w.command = command
}

// motor lets a wheel follow its command, for a share of its speed.
func (f *floor) motor(w *floorWheel, free float64) {
	target := float64(w.command * f.top)
	if f.Motors.Noise > 0 {
		w.noise += float64(f.wobble*normal(f.random.Next())) - float64(w.noise*(stepSeconds/wobbleTime))
		if w.command != 0 { // a motor without power does not turn
			target += float64(w.noise * f.top)
		}
	}
	w.speed += float64((float64(target*free) - w.speed) * (stepSeconds / f.lag))
}

// free returns the share of the commanded way, in the direction ahead, that what the robot touches leaves to it.
func (f *floor) free() float64 {
	if !f.touching || f.Collision == "stop" {
		return 1
	}
	free, way := 1.0, f.wheels[0].command+f.wheels[1].command
	reach := f.radius + 1e-4
	for _, i := range f.plan.about(f.at, reach) {
		q, gap := f.plan.solids[i].nearest(f.at)
		if gap >= reach || gap == 0 {
			continue
		}
		against := q.minus(f.at).dot(f.facing) / gap
		if float64(against*way) > 0 {
			free = min(free, 1-float64(against*against))
		}
	}
	if free < 1 && f.wedged {
		return 0
	}
	return max(free, 0)
}

// drive moves the robot by a step.
func (f *floor) drive() {
	left, right := f.wheels[0].speed, f.wheels[1].speed
	if slip := share(f.Motors.Slip); slip > 0 {
		left -= float64(left * slip * 2 * f.random.Share())
		right -= float64(right * slip * 2 * f.random.Share())
	}
	turning := (right - left) / f.track
	f.heading = withinTurn(f.heading + float64(turning*stepSeconds))
	f.facing = direction(f.heading)
	ahead := float64((left + right) / 2 * stepSeconds)
	before, pieces := f.at, 1+int(math.Abs(ahead)/(f.radius/2))
	way := f.facing.times(ahead)
	if pieces > 1 {
		way = way.times(1 / float64(pieces))
	}
	for range pieces { // each too short to pass something
		if !f.pass(way) {
			break
		}
	}
	moved := f.at.minus(before)
	f.wedged = moved == vector{} && math.Abs(ahead) > 1e-9
	for i := range f.wheels {
		f.wheels[i].turned += float64(f.wheels[i].speed * stepSeconds)
	}
	f.distance += moved.length()
	f.path.add(f.at)
	velocity := moved.times(1 / stepSeconds)
	f.pulled, f.moved = velocity.minus(f.moved).times(1/stepSeconds), velocity
	f.twisting, f.turning = (turning-f.turning)/stepSeconds, turning
}

// pass moves the robot by a piece of its way. It reports false if something stops it.
func (f *floor) pass(way vector) bool {
	to := f.at.plus(way)
	gap, wall := f.plan.nearest(to, f.radius)
	if gap >= f.radius {
		f.at = to
		return true
	}
	if f.Collision == "stop" {
		if wall.distance(to) < wall.distance(f.at) {
			f.wheels[0].speed, f.wheels[1].speed = 0, 0
			return false
		}
		f.at = to
		return true
	}
	// Slide: what is too near pushes the robot away, as far as it must.
	for range 4 {
		if gap == 0 {
			return false
		}
		to = wall.plus(to.minus(wall).times(f.radius / gap))
		if gap, wall = f.plan.nearest(to, f.radius-1e-12); math.IsInf(gap, 1) {
			if to.distance(f.at) >= f.radius { // farther than to the next wall
				return false
			}
			f.at = to
			return true
		}
	}
	return false // it is wedged in
}

// touch counts bumps.
func (f *floor) touch() {
	reach := f.radius + contactGap
	if f.touching {
		reach = f.radius + releaseGap
	}
	gap, _ := f.plan.nearest(f.at, reach)
	touching := gap < reach
	if touching && !f.touching {
		f.bumps++
	}
	f.touching = touching
}

// reach lets a lamp move if the robot has reached it.
func (f *floor) reach(l *floorLamp) {
	if l.Reached != "moves" && l.reached || f.at.distance(l.at) > l.reach {
		return
	}
	if f.reached == 0 {
		f.first = f.steps
	}
	f.reached++
	l.reached = true
	if l.Reached == "moves" {
		l.at = f.plan.find(f.random, metres(l.Clearance), 0,
			func(p vector) bool { return f.at.distance(p) >= max(metres(l.Apart), l.reach) })
	}
}

// eat lets food disappear, or come back elsewhere, if the robot touches it.
func (f *floor) eat(p *floorFood) {
	if p.eaten {
		return
	}
	near := f.radius + p.radius
	if math.Abs(f.at.x-p.at.x) > near || f.at.distance(p.at) > near {
		return
	}
	if f.eaten == 0 {
		f.fed = f.steps
	}
	f.eaten++
	if p.Returns {
		f.grow(p)
	} else {
		p.eaten = true
	}
}

// grow puts food at a random place.
func (f *floor) grow(p *floorFood) {
	apart := max(metres(p.Apart), f.radius+p.radius)
	p.eaten = false
	p.at = f.plan.find(f.random, metres(p.Clearance), 0, func(at vector) bool { return f.at.distance(at) >= apart })
}

// empty reports whether the battery is empty.
func (f *floor) empty() bool { return f.used >= float64(share(f.Battery.Capacity)*3600) }

// motorCurrent returns the current of a motor, in amperes: what it needs to turn, and what it needs to push.
func (f *floor) motorCurrent(w *floorWheel) float64 {
	speed := w.speed / f.top
	push := math.Abs(w.command - speed)
	return float64(push*amperes(f.Motors.Stall)) + float64(math.Abs(speed)*amperes(f.Motors.Free))
}

// current returns the current of the battery. A motor takes its current for the share of time in which it is switched on.
func (f *floor) current() float64 {
	sum := amperes(f.Battery.Board)
	for i := range f.wheels {
		w := &f.wheels[i]
		sum += float64(math.Abs(w.command) * f.motorCurrent(w))
	}
	return sum
}

// voltage returns the voltage of the battery.
func (f *floor) voltage() float64 {
	b := &f.Battery
	full, empty := float64(b.Full)/1e9, float64(b.Empty)/1e9
	left := 0.0
	if !f.empty() {
		left = 1 - f.used/float64(share(b.Capacity)*3600)
	}
	open := empty + float64((full-empty)*left)
	return max(open-float64(float64(b.Resistance)/1e9*f.current()), 0)
}

func (f *floor) over() bool {
	if f.TimeLimit > 0 && time.Duration(f.steps)*floorStep >= f.TimeLimit {
		return true
	}
	for _, end := range f.Ends {
		if end == "goal" && f.done > 0 || end == "bump" && f.bumps > 0 || end == "off_line" && f.progress.lost {
			return true
		}
	}
	return false
}
