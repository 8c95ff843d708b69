package chips

import (
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

func restingWheel(pins []*sim.Pin) { NewWheel(pins[0], pins[1]) }

// Turn turns the wheel by a number of counts, backward if negative, evenly between two times of the board's clock: the first
// count comes one step after from, the last one at to. The times must follow those of the last call.
func (w *Wheel) Turn(counts int64, from, to time.Duration) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	way := int64(1)
	if counts < 0 {
		way = -1
	}
	for i := int64(1); i <= counts*way; i++ {
		before := w.counts
		w.counts += way
		at := from + time.Duration(int64(to-from)*i/(counts*way))
		// The levels by count: 0 neither, 1 A, 2 both, 3 B.
		if level := gpio.Level(w.counts&3 == 1 || w.counts&3 == 2); level != gpio.Level(before&3 == 1 || before&3 == 2) {
			w.a.DriveAt(at, level)
		}
		if level := gpio.Level(w.counts&3 >= 2); level != gpio.Level(before&3 >= 2) {
			w.b.DriveAt(at, level)
		}
	}
}
