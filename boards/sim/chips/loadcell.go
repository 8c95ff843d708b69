package chips

import (
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"fluxd/boards/sim"
)

const (
	loadCellFirst = 400 * time.Millisecond // from power-up to the first conversion
	loadCellNext  = 100 * time.Millisecond // between two
)

// LoadCell simulates an HX711 at the level of its two wires: the data line goes low when a conversion is done, 24 pulses of the clock shift it
// out, highest bit first, one to three more choose the gain of the next, which takes 100 ms. The cell is on both inputs. The clock may stay
// high for long.
//
// Source: Avia Semiconductor, HX711 data sheet, "Serial interface" and "Reset and power-down".
type LoadCell struct {
	data   *sim.Pin
	counts func(at time.Duration) int64

	mutex  sync.Mutex
	done   time.Duration // when the conversion is
	bits   uint32
	pulses int   // since then
	gain   int64 // of the conversion
}

// NewLoadCell connects a converter to two pins; it measures counts from -8,388,608 to 8,388,607 with a gain of 128, as after power-up, and
// half or a quarter of them with 64 or 32.
func NewLoadCell(clock, data *sim.Pin, counts func(at time.Duration) int64) *LoadCell {
	c := &LoadCell{data: data, counts: counts}
	c.convert(0, loadCellFirst, 128)
	clock.Watch(c.pulse)
	return c
}

// restingLoadCell has a kilogram on a cell of 430,000 counts a kilogram.
func restingLoadCell(pins []*sim.Pin) { NewLoadCell(pins[0], pins[1], still(430_000)) }

// Reset is a supply that was lost for a moment.
func (c *LoadCell) Reset() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.convert(c.data.Now(), loadCellFirst, 128)
}

func (c *LoadCell) convert(at, takes time.Duration, gain int64) {
	c.data.CancelScheduled()
	c.done, c.pulses, c.gain = at+takes, 0, gain
	c.data.Drive(gpio.High)
	c.data.DriveAt(c.done, gpio.Low)
}

func (c *LoadCell) pulse(at time.Duration, level gpio.Level) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	// The pulses behind the bits: they choose while the next conversion is under way.
	if gains := [...]int64{25: 128, 26: 32, 27: 64}; level == gpio.High && c.pulses >= 25 && c.pulses < 27 && at < c.done {
		c.pulses++
		c.gain = gains[c.pulses]
		return
	}
	if level == gpio.Low || at < c.done {
		return
	}
	if c.pulses >= 25 {
		c.pulses = 0
	}
	switch c.pulses++; {
	case c.pulses == 1:
		c.bits = uint32(max(-1<<23, min(c.counts(at)*c.gain/128, 1<<23-1)))
		fallthrough
	case c.pulses <= 24:
		c.data.Drive(gpio.Level(c.bits>>(24-c.pulses)&1 == 1))
	default:
		c.convert(at, loadCellNext, 128)
		c.pulses = 25
	}
}
