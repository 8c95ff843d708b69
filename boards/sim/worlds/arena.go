package worlds

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/splitmix64"
)

var arenaKind = Kind{
	Name: "arena", About: "a room with a lamp, for a robot with two eyes, two wheels and a bumper",
	Events: []string{lampReached}, New: func() Options { return &ArenaOpts{} },
}

// lampReached is the code of the event that the robot has reached a lamp.
const lampReached = "lamp_reached"

// The robot and its world, in metres, seconds, radians and lux. The robot has the size of a hobbyist's two-wheeler.
const (
	arenaWidth   = 4.0
	arenaHeight  = 3.0
	bodyRadius   = 0.08
	wheelBase    = 0.12
	topSpeed     = 0.5  // of a wheel at full command
	motorLag     = 0.05 // time constant of a wheel
	eyeAngle     = 40 * math.Pi / 180
	lampStrength = 400.0 // lux at one metre
	ambientLight = 15.0
	reachRadius  = 0.25 // from the lamp to the robot's centre
	contactGap   = 0.002
	sightRange   = 5.0
	arenaStep    = time.Millisecond
	stepSeconds  = 0.001
)

// ArenaOpts are the options of an Arena.
type ArenaOpts struct {
	Relight bool `yaml:"relight" default:"true" doc:"when the robot has reached the lamp, the lamp moves elsewhere"`
}

func (o *ArenaOpts) open(b *builder) (World, error) {
	a, err := NewArena(b.board, *o, b.seed)
	if err != nil {
		return nil, &Mistake{-1, err}
	}
	return a, nil
}

// Arena is a room of 4 by 3 metres with a shorter wall inside and a lamp, in which a round robot with two driven wheels moves. It
// connects its devices to the board: light sensors BH1750 on I2C1 at 0x23 (left) and 0x5c (right), a bumper switch to ground on
// GPIO17, wheels on GPIO13 and GPIO6 (left: PWM, direction) and GPIO12 and GPIO5 (right).
//
// The robot moves in fixed steps of a millisecond. Each wheel follows its command with a lag of 50 ms, up to 0.5 m/s. A step into
// a wall is not carried out, and stops the wheels. The eyes look 40 degrees to either side. Their light decreases with the cosine
// of the angle and the square of the distance; walls cast shadows, and there are 15 lx everywhere. The eyes see the world as of
// the last Advance.
//
// An Arena may be used from any goroutine.
type Arena struct {
	walls   []segment
	bumper  *sim.Pin
	wheels  [2]wheel
	relight bool

	mutex    sync.Mutex
	steps    int64
	random   splitmix64.Random
	at       vector
	heading  float64
	facing   vector // the direction of heading
	lamp     vector
	bump     bool
	reached  int
	reported int   // by events, of the reached lamps
	first    int64 // step in which the first lamp was reached
	touched  bool  // touch was called: the bumper has its level
}

type wheel struct {
	pwm, direction *sim.Pin
	speed          float64
}

// ArenaState is the state of an arena at one moment.
type ArenaState struct {
	X, Y, Heading float64 // metres; radians counterclockwise from the x axis
	Left, Right   float64 // speed of the wheels, metres per second
	LampX, LampY  float64 // metres
	ToLamp        float64 // metres from the robot's centre to the lamp
	LeftLight     float64 // lux
	RightLight    float64 // lux
	Ahead         float64 // metres from the robot's centre to the next wall ahead, at most 5
	Bump          bool
	Reached       int           // lamps so far
	First         time.Duration // when the first one was reached
}

// NewArena returns an arena, and connects its devices to a new board. The seed determines the starting pose and the positions of
// the lamp. It fails if one of the addresses is in use.
func NewArena(b *sim.Board, opts ArenaOpts, seed uint64) (*Arena, error) {
	corners := []vector{{0, 0}, {arenaWidth, 0}, {arenaWidth, arenaHeight}, {0, arenaHeight}}
	a := &Arena{random: splitmix64.Random(seed), relight: opts.Relight}
	for i := range corners {
		a.walls = append(a.walls, segment{corners[i], corners[(i+1)%len(corners)]})
	}
	a.walls = append(a.walls, segment{vector{1.5, 0}, vector{1.5, 0.5}})
	for name, line := range map[string]**sim.Pin{
		bumperPin: &a.bumper,
		leftPWM:   &a.wheels[0].pwm, leftDirection: &a.wheels[0].direction,
		rightPWM: &a.wheels[1].pwm, rightDirection: &a.wheels[1].direction,
	} {
		var err error
		if *line, err = b.Line(name); err != nil {
			return nil, err
		}
	}
	for _, eye := range []struct {
		address uint16
		side    float64
	}{{leftEye, eyeAngle}, {rightEye, -eyeAngle}} {
		sensor := chips.NewBH1750(func(time.Duration) int64 { return int64(float64(a.light(eye.side) * 1e6)) })
		if err := b.Attach(arenaBus, eye.address, sensor); err != nil {
			return nil, err
		}
	}
	a.lamp = a.randomPoint(0.5)
	for a.at = a.randomPoint(0.3); a.at.distance(a.lamp) < 1; {
		a.at = a.randomPoint(0.3)
	}
	a.heading = a.random.Between(0, 2*math.Pi)
	a.facing = direction(a.heading)
	a.touch()
	return a, nil
}

// randomPoint returns a random point with a clearance to every wall.
func (a *Arena) randomPoint(clearance float64) vector {
	for {
		p := vector{a.random.Between(0, arenaWidth), a.random.Between(0, arenaHeight)}
		if gap, _ := a.nearestWall(p); gap >= clearance {
			return p
		}
	}
}

func (a *Arena) nearestWall(p vector) (gap float64, at vector) {
	gap = math.Inf(1)
	for _, w := range a.walls {
		if q := w.nearest(p); p.distance(q) < gap {
			gap, at = p.distance(q), q
		}
	}
	return gap, at
}

// Advance implements World.
func (a *Arena) Advance(at time.Duration) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	for until := int64(at / arenaStep); a.steps < until; a.steps++ {
		a.step()
	}
}

func (a *Arena) step() {
	for i := range a.wheels {
		w := &a.wheels[i]
		w.speed += float64((w.command() - w.speed) * (stepSeconds / motorLag))
	}
	left, right := a.wheels[0].speed, a.wheels[1].speed
	a.heading += float64((right - left) / wheelBase * stepSeconds)
	if a.heading < 0 {
		a.heading += 2 * math.Pi
	} else if a.heading >= 2*math.Pi {
		a.heading -= 2 * math.Pi
	}
	a.facing = direction(a.heading)
	to := a.at.plus(a.facing.times((left + right) / 2 * stepSeconds))
	if gap, wall := a.nearestWall(to); gap < bodyRadius && wall.distance(to) < wall.distance(a.at) {
		a.wheels[0].speed, a.wheels[1].speed = 0, 0
	} else {
		a.at = to
	}
	a.touch()
	if a.at.distance(a.lamp) > reachRadius {
		return
	}
	if a.reached == 0 {
		a.first = a.steps + 1
	}
	if a.relight || a.reached == 0 {
		a.reached++
	}
	for a.relight && a.at.distance(a.lamp) < 1 {
		a.lamp = a.randomPoint(0.5)
	}
}

// command returns the speed that the pins of a wheel command, in metres per second.
func (w *wheel) command() float64 {
	duty, _ := w.pwm.Power()
	speed := float64(float64(duty) / float64(gpio.DutyMax) * topSpeed)
	if _, level := w.direction.Power(); level == gpio.High {
		return -speed
	}
	return speed
}

// touch presses and releases the bumper, which is at the front.
func (a *Arena) touch() {
	gap, wall := a.nearestWall(a.at)
	bump := gap < bodyRadius+contactGap && wall.minus(a.at).dot(a.facing) > 0
	if bump == a.bump && a.touched {
		return
	}
	a.bump, a.touched = bump, true
	if bump {
		a.bumper.Drive(gpio.Low)
	} else {
		a.bumper.Release()
	}
}

// light returns the light on an eye that looks to a side, in lux.
func (a *Arena) light(side float64) float64 {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return a.illuminance(side)
}

func (a *Arena) illuminance(side float64) float64 {
	look := a.facing.turned(direction(side))
	eye := a.at.plus(look.times(bodyRadius))
	to := a.lamp.minus(eye)
	distance := max(to.length(), 0.05)
	cosine := to.dot(look) / distance
	if cosine <= 0 {
		return ambientLight
	}
	for _, w := range a.walls {
		if t, hit := w.hit(eye, to); hit && t < 1 {
			return ambientLight
		}
	}
	return ambientLight + float64(lampStrength*cosine/float64(distance*distance))
}

// Distance returns the distance of the next wall from the robot's centre, in metres, at an angle to its heading in radians,
// positive to the left. It is at most 5.
func (a *Arena) Distance(angle float64) float64 {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return a.distance(angle)
}

func (a *Arena) distance(angle float64) float64 {
	ray := a.facing.turned(direction(angle))
	nearest := sightRange
	for _, w := range a.walls {
		if t, hit := w.hit(a.at, ray); hit {
			nearest = min(nearest, t)
		}
	}
	return nearest
}

// State returns the present state.
func (a *Arena) State() ArenaState {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return ArenaState{
		X: a.at.x, Y: a.at.y, Heading: a.heading, Left: a.wheels[0].speed, Right: a.wheels[1].speed,
		LampX: a.lamp.x, LampY: a.lamp.y, ToLamp: a.at.distance(a.lamp),
		LeftLight: a.illuminance(eyeAngle), RightLight: a.illuminance(-eyeAngle), Ahead: a.distance(0),
		Bump: a.bump, Reached: a.reached, First: time.Duration(a.first) * arenaStep,
	}
}

// Score implements World: the goal is a lamp.
func (a *Arena) Score() Score {
	s, goal := a.State(), "reached the lamp"
	if s.Reached == 0 {
		return Score{Goal: goal, Text: fmt.Sprintf("did not reach the lamp, %.2f m away", s.ToLamp)}
	}
	text := fmt.Sprintf("%s after %.3f s", goal, s.First.Seconds())
	if a.relight {
		lamps := "lamps"
		if s.Reached == 1 {
			lamps = "lamp"
		}
		text += fmt.Sprintf(", %d %s in all, %.2f m to the next", s.Reached, lamps, s.ToLamp)
	}
	return Score{Goal: goal, Reached: true, Text: text}
}

// Events implements World: one event for all lamps that were reached.
func (a *Arena) Events() []Event {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.reached == a.reported {
		return nil
	}
	a.reported = a.reached
	return []Event{{Code: lampReached, Text: fmt.Sprintf("%d so far", a.reached)}}
}

// Picture implements World: walls #, lamp *, and the robot as an arrow in its direction. A character is twice as high as wide.
func (a *Arena) Picture(columns, rows int) string {
	columns = min(columns, int(float64(rows)*2*arenaWidth/arenaHeight))
	if columns < 4 || rows < 3 {
		return ""
	}
	s := a.State()
	grid := make([][]rune, rows)
	for r := range grid {
		grid[r] = []rune(strings.Repeat(" ", columns))
	}
	draw := func(x, y float64, c rune) {
		column := int(x / arenaWidth * float64(columns-1))
		row := rows - 1 - int(y/arenaHeight*float64(rows-1))
		grid[min(max(row, 0), rows-1)][min(max(column, 0), columns-1)] = c
	}
	for _, w := range a.walls {
		for i := range 201 {
			p := w.a.plus(w.b.minus(w.a).times(float64(i) / 200))
			draw(p.x, p.y, '#')
		}
	}
	draw(s.LampX, s.LampY, '*')
	arrows := []rune{'→', '↗', '↑', '↖', '←', '↙', '↓', '↘'}
	draw(s.X, s.Y, arrows[int(math.Floor(s.Heading/(math.Pi/4)+0.5))&7])
	var text strings.Builder
	for _, row := range grid {
		text.WriteString(strings.TrimRight(string(row), " ") + "\n")
	}
	return text.String()
}
