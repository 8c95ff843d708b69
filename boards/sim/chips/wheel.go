package chips

import (
	"math"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"fluxd/boards/sim"
)

// Wheel simulates a wheel encoder with two channels a quarter of a period apart. When it turns forward, A leads B. At the start
// both are low.
type Wheel struct {
	a, b *sim.Pin

	mutex  sync.Mutex
	counts int64
}

// NewWheel connects an encoder to two pins.
func NewWheel(a, b *sim.Pin) *Wheel {
	w := &Wheel{a: a, b: b}
	a.Drive(gpio.Low)
	b.Drive(gpio.Low)
	return w
}

// senseWheel has as many counts as the robot file says. It stands still at rest. The position counts, or else the speed.
func senseWheel(pins []*sim.Pin, sense Sense, settings Settings) Follower {
	f := &followingWheel{wheel: NewWheel(pins[0], pins[1]), position: sense.of("position"), speed: sense.of("speed"),
		perUnit: settings.numberOr("counts", 1)}
	if settings.on("inverted") {
		f.perUnit = -f.perUnit
	}
	return f
}

// Turn turns the wheel by a number of counts, backward if negative, evenly between two times of the board's clock: the first
// count comes one step after from, the last one at to. The times must follow those of the last call.
func (w *Wheel) Turn(counts int64, from, to time.Duration) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for i, n := int64(1), max(counts, -counts); i <= n; i++ {
		w.step(counts > 0, from+time.Duration(int64(to-from)*i/n))
	}
}

// step turns the wheel by one count.
func (w *Wheel) step(forward bool, at time.Duration) {
	before := w.counts
	if w.counts--; forward {
		w.counts += 2
	}
	// The levels by count: 0 neither, 1 A, 2 both, 3 B.
	if level := gpio.Level(w.counts&3 == 1 || w.counts&3 == 2); level != gpio.Level(before&3 == 1 || before&3 == 2) {
		w.a.DriveAt(at, level)
	}
	if level := gpio.Level(w.counts&3 >= 2); level != gpio.Level(before&3 >= 2) {
		w.b.DriveAt(at, level)
	}
}

// wheelFastest is the largest number of counts between two calls of Follow. A pin keeps as many unread edges as the kernel,
// 1,024, so a driver loses edges long before.
const wheelFastest = 1 << 14

// followingWheel is a wheel that turns as a world says.
type followingWheel struct {
	wheel           *Wheel
	position, speed func(at time.Duration) int64 // in millionths of a unit, and of a unit per second; nil if it is not sensed
	perUnit         float64                      // counts

	mutex   sync.Mutex
	settled bool
	place   int64   // position at the last call
	exact   float64 // where it is, in counts; at the start it is in the middle of one
	counts  int64   // that the wheel has made
}

// Settle implements Follower.
func (f *followingWheel) Settle(at time.Duration) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.settle(at)
}

func (f *followingWheel) settle(at time.Duration) {
	f.settled = true
	if f.position != nil {
		f.place = f.position(at)
	}
}

// Follow implements Follower. Each edge has the time at which the wheel, turning evenly, passes the end of a count.
func (f *followingWheel) Follow(from, to time.Duration) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if !f.settled {
		f.settle(from)
	}
	units := 0.0 // millionths by which it turns
	switch {
	case f.position != nil:
		place := f.position(to)
		units, f.place = float64(place)-float64(f.place), place
	case f.speed != nil:
		units = float64(f.speed(to)) * float64(to-from) / 1e9
	}
	turn := units * f.perUnit / 1e6
	if !(math.Abs(turn) <= wheelFastest) { // it is faster than anything can count
		turn = math.Copysign(wheelFastest, turn)
	}
	f.turn(turn, from, to)
}

// turn makes the counts of a turn, the last of them where the wheel is at the end.
func (f *followingWheel) turn(counts float64, from, to time.Duration) {
	begin := f.exact
	f.exact += counts
	f.wheel.mutex.Lock()
	defer f.wheel.mutex.Unlock()
	for {
		edge, way := float64(f.counts)+0.5, int64(1)
		if counts < 0 {
			edge, way = float64(f.counts)-0.5, -1
		}
		if counts >= 0 && f.exact <= edge || counts < 0 && f.exact >= edge {
			return
		}
		share := max(0, min((edge-begin)/counts, 1))
		f.wheel.step(way > 0, from+time.Duration(share*float64(to-from)))
		f.counts += way
	}
}
