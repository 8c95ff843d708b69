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

// LoadCell simulates an HX711 at the level of its two wires. The data line goes low when a conversion is done. Then 24 pulses of
// the clock shift it out, highest bit first, and one to three more choose the gain of the next conversion, which takes 100 ms.
// The cell is on both inputs. A clock that stays high for long does not power the chip down.
//
// Source: Avia Semiconductor, HX711 data sheet, "Serial interface" and "Reset and power-down".
type LoadCell struct {
	data   *sim.Pin
	counts func(at time.Duration) int64

	mutex  sync.Mutex
	done   time.Duration // end of the conversion
	bits   uint32
	pulses int   // since done
	gain   int64 // of the conversion
}

// NewLoadCell connects a converter to two pins. It measures counts from -8,388,608 to 8,388,607 with a gain of 128, as after
// power-up, and a half or a quarter of that with 64 or 32.
func NewLoadCell(clock, data *sim.Pin, counts func(at time.Duration) int64) *LoadCell {
	c := &LoadCell{data: data, counts: counts}
	c.convert(0, loadCellFirst, 128)
	clock.Watch(c.pulse)
	return c
}

// senseLoadCell has a kilogram on a cell of 430,000 counts per kilogram at rest. What it senses are counts with the gain that the
// robot file says.
func senseLoadCell(pins []*sim.Pin, sense Sense, settings Settings) Follower {
	counts := still(430_000)
	if sensed := sense.of(""); sensed != nil {
		gain := int64(settings.numberOr("gain", 128))
		counts = func(at time.Duration) int64 {
			return toNearest(bounded(sensed(at), 1<<24*1_000_000)*128, max(gain, 1)*1_000_000)
		}
	}
	NewLoadCell(pins[0], pins[1], counts)
	return nil
}

// Reset resets the chip, as after a lost supply.
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
	// The pulses after the bits choose the gain while the next conversion is in progress.
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
