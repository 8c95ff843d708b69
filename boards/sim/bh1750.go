package sim

import (
	"fmt"
	"sync"
	"time"
)

// BH1750 simulates ROHM's light sensor opcode by opcode (datasheet BH1750FVI, technical note 2009.11): power, reset, the three
// resolutions one-shot and continuous, and the measurement time register. A result appears only when its measurement time has
// passed, at the maximum that the datasheet gives, and stays until the next.
type BH1750 struct {
	light func(at time.Duration) int64

	mutex      sync.Mutex
	powered    bool
	mode       byte // opcode of the measurement; 0: none
	since      time.Duration
	latched    time.Duration // when the result now in the register was finished
	sensitive  int64         // measurement time register, 31 to 254
	highBits   byte
	result     uint16
	continuous bool
}

// NewBH1750 makes a sensor that is off, as after power-up. Light is what falls on it, in millionths of a lux.
func NewBH1750(light func(at time.Duration) int64) *BH1750 {
	return &BH1750{light: light, sensitive: 69}
}

// Opcodes, page 5 of the datasheet.
const (
	bh1750PowerDown = 0x00
	bh1750PowerOn   = 0x01
	bh1750Reset     = 0x07
)

// Tx implements Device.
func (s *BH1750) Tx(at time.Duration, w, r []byte) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, opcode := range w {
		if err := s.command(at, opcode); err != nil {
			return err
		}
	}
	if len(r) > 0 {
		s.finish(at)
	}
	for i := range r {
		r[i] = [2]byte{byte(s.result >> 8), byte(s.result)}[i&1]
	}
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
		if s.powered { // the datasheet: not accepted in power down mode
			s.result = 0
		}
	case opcode>>2 == 0x10>>2 && opcode != 0x12, opcode>>2 == 0x20>>2 && opcode != 0x22:
		// A measurement command powers the sensor by itself; the one under way is given up.
		if s.mode != opcode || !s.continuous {
			s.powered, s.mode, s.since, s.continuous = true, opcode, at, opcode < 0x20
		}
	case opcode>>3 == 0x40>>3:
		s.highBits = opcode & 0x07
	case opcode>>5 == 0x60>>5:
		if t := int64(s.highBits)<<5 | int64(opcode&0x1f); t >= 31 && t <= 254 {
			s.sensitive = t
		}
	default:
		return fmt.Errorf("BH1750: %w: no opcode 0x%02x", ErrNoAnswer, opcode)
	}
	return nil
}

// measurementTime is the maximum of the datasheet, page 2, scaled by the measurement time register.
func (s *BH1750) measurementTime() time.Duration {
	most := 180 * time.Millisecond
	if s.mode&0x03 == 3 {
		most = 24 * time.Millisecond
	}
	return most * time.Duration(s.sensitive) / 69
}

// finish latches the last measurement that is over by now.
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
	if done > s.latched || s.latched == 0 {
		s.latched = done
		s.result = s.raw(done)
	}
	if s.continuous {
		s.since = done
	} else {
		s.powered, s.mode = false, 0
	}
}

// raw is what the register shows: 1.2 counts a lux, twice that in the finest mode, more with a longer measurement time; coarse
// in the low resolution.
func (s *BH1750) raw(at time.Duration) uint16 {
	counts := s.light(at) * 6 / 5 * s.sensitive / 69 / 1_000_000
	switch s.mode & 0x03 {
	case 1:
		counts = s.light(at) * 12 / 5 * s.sensitive / 69 / 1_000_000
	case 3:
		counts -= counts % 5 // 4 lx
	}
	return uint16(max(0, min(counts, 0xffff)))
}
