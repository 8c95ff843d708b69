package chips

import (
	"fmt"
	"sync"
	"time"

	"fluxd/boards/sim"
)

// BH1750 simulates ROHM's light sensor opcode by opcode: power, reset, the three resolutions one-shot and continuous, and the
// measurement time register. A result appears when its measurement time has passed, the maximum of the data sheet, and stays
// until the next. Like the chip it accepts a single opcode between start and stop.
//
// Source: ROHM, BH1750FVI technical note, 2009.04 Rev. B. Details that it leaves open, as simulated here: a measurement time
// outside 31 to 254 does not take effect, and an opcode that is not in its list is not acknowledged.
type BH1750 struct {
	light func(at time.Duration) int64

	mutex      sync.Mutex
	powered    bool
	mode       byte          // opcode of the measurement; 0: none
	since      time.Duration // start of the measurement
	register   byte          // measurement time register as written, in two parts
	sensitive  int64         // its last value within 31 to 254
	result     uint16
	continuous bool
}

// NewBH1750 returns a sensor that is off, as after power-up. Its light is in millionths of a lux.
func NewBH1750(light func(at time.Duration) int64) *BH1750 {
	s := &BH1750{light: light}
	s.Reset()
	return s
}

// senseBH1750 is in a lit room of 300 lx at rest.
func senseBH1750(sense Sense, _ Settings) sim.Device { return NewBH1750(sense.or("", 300_000_000)) }

// Reset resets the chip, as after a lost supply.
func (s *BH1750) Reset() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.powered, s.mode, s.result, s.continuous = false, 0, 0, false
	s.register, s.sensitive = bh1750DefaultTime, bh1750DefaultTime
}

// The opcodes without parameters.
const (
	bh1750PowerDown = 0x00
	bh1750PowerOn   = 0x01
	bh1750Reset     = 0x07
)

// The value of the measurement time register after power-up, and its limits.
const (
	bh1750DefaultTime  = 69
	bh1750ShortestTime = 31
	bh1750LongestTime  = 254
)

// Tx implements sim.Device.
func (s *BH1750) Tx(at time.Duration, w, r []byte) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if len(w) > 1 {
		return fmt.Errorf("BH1750: %w: expected one opcode between start and stop, got %d: send each in its own transaction",
			sim.ErrNoAnswer, len(w))
	}
	for _, opcode := range w {
		if err := s.command(at, opcode); err != nil {
			return err
		}
	}
	if len(r) > 0 {
		s.finish(at)
	}
	answer(r, s.result)
	return nil
}

func (s *BH1750) command(at time.Duration, opcode byte) error {
	s.finish(at)
	switch {
	case opcode == bh1750PowerDown:
		s.powered, s.mode = false, 0
	case opcode == bh1750PowerOn:
		s.powered, s.mode = true, 0
	case opcode == bh1750Reset:
		if s.powered { // data sheet: not accepted in power down mode
			s.result = 0
		}
	case opcode>>2 == 0x10>>2 && opcode != 0x12, opcode>>2 == 0x20>>2 && opcode != 0x22:
		// A measurement command also switches the sensor on; it replaces the measurement in progress.
		if s.mode != opcode || !s.continuous {
			s.powered, s.mode, s.since, s.continuous = true, opcode, at, opcode < 0x20
		}
	case opcode>>3 == 0x40>>3:
		s.setTime(s.register&0x1f | opcode&0x07<<5)
	case opcode>>5 == 0x60>>5:
		s.setTime(s.register&0xe0 | opcode&0x1f)
	default:
		return fmt.Errorf("BH1750: %w: no opcode 0x%02x", sim.ErrNoAnswer, opcode)
	}
	return nil
}

// setTime writes the measurement time register. Between its two halves it may pass through a value that is out of range.
func (s *BH1750) setTime(value byte) {
	s.register = value
	if value >= bh1750ShortestTime && value <= bh1750LongestTime {
		s.sensitive = int64(value)
	}
}

// measurementTime returns the maximum of the data sheet, page 2, scaled by the measurement time register.
func (s *BH1750) measurementTime() time.Duration {
	most := 180 * time.Millisecond
	if s.mode&0x03 == 3 {
		most = 24 * time.Millisecond
	}
	return most * time.Duration(s.sensitive) / bh1750DefaultTime
}

// finish updates the result by the last measurement that is over.
func (s *BH1750) finish(at time.Duration) {
	if s.mode == 0 || !s.powered {
		return
	}
	takes := s.measurementTime()
	count := (at - s.since) / takes
	if count < 1 {
		return
	}
	done := s.since + count*takes
	if !s.continuous {
		done = s.since + takes
	}
	s.result = s.raw(done)
	if s.continuous {
		s.since = done
	} else {
		s.powered, s.mode = false, 0
	}
}

// raw returns the value of the result register: 1.2 counts per lux, twice that in the finest mode, more with a longer measurement
// time, and in coarse steps with the low resolution.
func (s *BH1750) raw(at time.Duration) uint16 {
	light := bounded(s.light(at), 1_000_000_000_000)
	counts := light * 6 / 5 * s.sensitive / bh1750DefaultTime / 1_000_000
	switch s.mode & 0x03 {
	case 1:
		counts = light * 12 / 5 * s.sensitive / bh1750DefaultTime / 1_000_000
	case 3:
		counts -= counts % 5 // 4 lx
	}
	return uint16(max(0, min(counts, 0xffff)))
}
