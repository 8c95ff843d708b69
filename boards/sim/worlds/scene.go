package worlds

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"fluxd/configs/spelling"
)

// A Scene is what a viewer draws first, and then only when its version has changed: all that does not move by itself. A Moment is
// drawn over it.
//
//	scene := world.Scene()
//	for moment := world.Moment(); moment.Version == scene.Version; moment = world.Moment() {
//		show(scene.Drawing, moment.Drawing)
//	}
type Scene struct {
	Drawing         // its corners are those of what is worth showing from the start; no shapes if there is nothing to draw
	Version int64   // differs from those before whenever the drawing or the things have changed
	Things  []Thing // all that can be put elsewhere, always in the same order in an episode
}

// A Moment is how a world is now.
type Moment struct {
	Drawing                    // of what moves; its corners are those of what must be in view now
	Version int64              // of the scene that it belongs to
	Things  []Thing            // those that move by themselves; the robot is the first, if it can be put elsewhere
	State   map[string]float64 // numbers in SI units, by name
	Score   Score
}

// A Thing is something in a world that can be put elsewhere.
type Thing struct {
	Name      string  // such as lamp[0]
	Kind      Kindred // what it is
	At        Point   // where its middle is
	Heading   float64 // rad, counterclockwise from the direction to the right; of the pole on a cart, to the right from upright
	Turns     bool    // its heading can be changed
	Radius    float64 // of the smallest circle around it, in metres
	Moves     bool    // by itself, or it may go out: each Moment has it
	Gone      bool    // it is not there at present: a lamp has gone out, food is eaten
	Low, High Point   // its middle can be put into this area, where it is free
}

// Kindred says what a thing is.
type Kindred string

// What things there are.
const (
	ThingRobot    Kindred = "robot"
	ThingLamp     Kindred = "lamp"
	ThingFood     Kindred = "food"
	ThingObstacle Kindred = "obstacle"
)

// A Placement puts a thing elsewhere.
type Placement struct {
	Thing   string // its name
	At      Point
	Heading *float64 // as in Thing; nil: unchanged
}

// A Misplaced is why a thing cannot be put somewhere.
type Misplaced struct {
	Part   string      // of the placement: thing, if there is none with this name; x, y or heading; "" for the place as a whole
	Range  *[2]float64 // of x, y or heading: what is allowed, in metres or radians; nil where that is not a range
	Reason string
}

// Error returns the reason, and the allowed range.
func (m *Misplaced) Error() string {
	if m.Range == nil {
		return m.Reason
	}
	return fmt.Sprintf("%s: %s: expected %.4g to %.4g", m.Part, m.Reason, m.Range[0], m.Range[1])
}

// scenic is a physics that can be drawn in two parts. What does not move is drawn once for each version of the scene.
type scenic interface {
	// scenery draws what does not move by itself.
	scenery(d *Drawing)
	// figures draws what moves.
	figures(d *Drawing)
}

// changing is a physics whose scenery changes by itself. It counts the changes in this episode.
type changing interface{ changes() int64 }

// furnished is a physics with things that can be put elsewhere.
type furnished interface {
	// things returns them: the robot is the first, and nothing changes their order in an episode.
	things() []Thing
	// put puts the thing with an index elsewhere, which is within its area. It changes nothing if it returns why that cannot be.
	put(thing int, at vector, heading float64) error
}

// Scene implements World.
func (w *stepped) Scene() Scene {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	s := Scene{Version: w.version(), Things: w.things()}
	if p, is := w.physics.(scenic); is {
		p.scenery(&s.Drawing)
	}
	return s
}

// Moment implements World.
func (w *stepped) Moment() Moment {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	m := Moment{Version: w.version(), State: w.physics.state(), Score: w.physics.score(w.steps - w.began)}
	for _, t := range w.things() {
		if t.Moves {
			m.Things = append(m.Things, t)
		}
	}
	if p, is := w.physics.(scenic); is {
		p.figures(&m.Drawing)
	}
	return m
}

func (w *stepped) things() []Thing {
	if p, is := w.physics.(furnished); is {
		return p.things()
	}
	return nil
}

// version returns the version of the scene.
func (w *stepped) version() int64 {
	if p, is := w.physics.(changing); is {
		return w.scenes + p.changes()
	}
	return w.scenes
}

// Place implements World.
func (w *stepped) Place(p Placement) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	all := w.things()
	i := slices.IndexFunc(all, func(t Thing) bool { return t.Name == p.Thing })
	switch {
	case all == nil:
		return &Misplaced{Reason: "nothing in this world can be put elsewhere"}
	case i < 0:
		names := namesOf(all)
		return &Misplaced{Part: "thing", Reason: fmt.Sprintf("the world has no such thing%s: it has %s",
			spelling.Hint(p.Thing, names), strings.Join(shortened(names), ", "))}
	case w.finished:
		return &Misplaced{Reason: "the episode is over: try again when the next one has begun"}
	}
	t, heading := all[i], all[i].Heading
	if p.Heading != nil {
		heading = *p.Heading
	}
	if !t.Turns && p.Heading != nil {
		return &Misplaced{Part: "heading", Reason: "it has no heading: leave it out"}
	}
	for _, c := range []struct {
		part           string
		got, low, high float64
	}{{"x", p.At.X, t.Low.X, t.High.X}, {"y", p.At.Y, t.Low.Y, t.High.Y}, {"heading", heading, -2 * math.Pi, 2 * math.Pi}} {
		if !(c.got >= c.low && c.got <= c.high) { // which NaN is not
			return &Misplaced{Part: c.part, Range: &[2]float64{c.low, c.high}, Reason: fmt.Sprintf("%.4g is out of range", c.got)}
		}
	}
	if err := w.physics.(furnished).put(i, vector{p.At.X, p.At.Y}, heading); err != nil {
		return &Misplaced{Reason: err.Error()}
	}
	w.scenes++
	return nil
}

// shortened returns a list of names that a line can hold.
func shortened(names []string) []string {
	const most = 12
	if len(names) <= most {
		return names
	}
	return append(names[:most:most], fmt.Sprintf("and %d others", len(names)-most))
}

func (t Thing) name() string { return t.Name }

// turnOf returns how far a direction is turned to become another, as a direction itself.
func turnOf(from, to vector) vector { return vector{to.dot(from), from.cross(to)} }

// aTurn returns an angle from 0 to less than a turn in the same direction.
func aTurn(angle float64) float64 {
	return withinTurn(angle - float64(2*math.Pi*math.Floor(angle/(2*math.Pi))))
}

// nearTurn returns the angle in the direction of heading that is nearest to another angle, so that turns stay counted.
func nearTurn(heading, angle float64) float64 {
	return angle + angleOf(turnOf(direction(angle), direction(heading)))
}
