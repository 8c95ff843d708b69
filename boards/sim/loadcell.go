package sim

import (
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
)

const (
	loadCellFirst = 400 * time.Millisecond // from power-up to the first conversion
	loadCellNext  = 100 * time.Millisecond // between two
)

// LoadCell simulates an HX711 at the level of its two wires: the data line goes low when a conversion is done, 24 pulses of the clock shift it
// out, highest bit first, one to three more choose the gain, and the next takes 100 ms. Gains are not told apart, and the clock may stay high.
//
// Source: Avia Semiconductor, HX711 data sheet, "Serial interface".
type LoadCell struct {
	data   *Pin
	counts func(at time.Duration) int64

	mutex  sync.Mutex
	done   time.Duration // when the conversion is
	bits   uint32
	pulses int // since then
}

// NewLoadCell connects a converter to two pins; it measures counts from -8,388,608 to 8,388,607.
func NewLoadCell(clock, data *Pin, counts func(at time.Duration) int64) *LoadCell {
	c := &LoadCell{data: data, counts: counts, done: loadCellFirst}
	data.Drive(gpio.High)
	data.DriveAt(c.done, gpio.Low)
	clock.Watch(c.pulse)
	return c
}

func (c *LoadCell) pulse(at time.Duration, level gpio.Level) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if level == gpio.Low || at < c.done {
		return
	}
	switch c.pulses++; {
	case c.pulses == 1:
		c.bits = uint32(max(-1<<23, min(c.counts(at), 1<<23-1)))
		fallthrough
	case c.pulses <= 24:
		c.data.Drive(gpio.Level(c.bits>>(24-c.pulses)&1 == 1))
	default:
		c.data.Drive(gpio.High)
		c.done, c.pulses = at+loadCellNext, 0
		c.data.DriveAt(c.done, gpio.Low)
	}
}
