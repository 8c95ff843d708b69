package chips

import (
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"fluxd/boards/sim"
)

// AS5600Magnet is the state of the magnet in the chip's register STATUS.
type AS5600Magnet byte

const (
	MagnetRight   AS5600Magnet = 0x20
	MagnetMissing AS5600Magnet = 0x00
	MagnetWeak    AS5600Magnet = 0x30
	MagnetStrong  AS5600Magnet = 0x28
)

// AS5600 simulates ams' magnetic encoder register by register: the angle before and after scaling to a zero position and a range,
// power modes with measurements at intervals, hysteresis, the delay of the slow filter, the fast filter, and settings that are
// burnt in permanently.
//
// Source: ams, AS5600 data sheet, v1-06. Details that it leaves open, as simulated here: a power mode starts when the previous
// one would have measured next; the slow filter is a delay of its settling time, which a change beyond the threshold of the fast
// filter ends. The watchdog, the gain and the output pin are not simulated.
type AS5600 struct {
	angle func(at time.Duration) int64

	mutex     sync.Mutex
	magnet    AS5600Magnet
	pointer   byte
	registers [as5600End]byte // 0x01 to 0x08 can be written
	burnt     [as5600End]byte // their values after power-up
	since     time.Duration   // start of the power mode
	raw       int64
	now       time.Duration // of the last transfer
}

const (
	as5600End       = 0x1d // all registers but BURN are below
	as5600Conf      = 0x07
	as5600Status    = 0x0b
	as5600RawAngle  = 0x0c
	as5600Angle     = 0x0e
	as5600Magnitude = 0x1b
	as5600Burn      = 0xff
)

// By the fields PM, SF and FTH of CONF.
var (
	as5600Intervals  = [4]time.Duration{150 * time.Microsecond, 5 * time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond}
	as5600Filters    = [4]time.Duration{2200_000, 1100_000, 550_000, 286_000} // ns
	as5600Thresholds = [8]int64{1 << 12, 6, 7, 9, 18, 21, 24, 10}             // 0: slow filter only
)

// NewAS5600 returns an encoder with a good magnet. The angle is in millionths of a degree, clockwise; it may be more than a turn.
func NewAS5600(angle func(at time.Duration) int64) *AS5600 {
	s := &AS5600{angle: angle, magnet: MagnetRight}
	s.Reset()
	return s
}

// senseAS5600 is at 45° at rest. The angle counts, or else the position, in revolutions.
func senseAS5600(sense Sense, settings Settings) sim.Device {
	angle := sense.of("angle")
	if position := sense.of("position"); angle == nil && position != nil {
		angle = func(at time.Duration) int64 { return position(at) % 1_000_000 * 360 }
	}
	if angle == nil {
		return NewAS5600(still(45_000_000))
	}
	if settings.on("inverted") {
		return NewAS5600(func(at time.Duration) int64 { return -(angle(at) % 360_000_000) })
	}
	return NewAS5600(angle)
}

// SetMagnet removes the magnet, puts it too far or too near, or back in place.
func (s *AS5600) SetMagnet(magnet AS5600Magnet) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.magnet = magnet
}

// Burnt reports whether any setting was burnt into the chip.
func (s *AS5600) Burnt() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.burnt != [as5600End]byte{}
}

// Reset resets the chip, as after a lost supply at the time of the last transfer.
func (s *AS5600) Reset() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.registers, s.pointer, s.since, s.raw = s.burnt, 0, s.now, s.counts(s.now)
}

// Tx implements sim.Device.
func (s *AS5600) Tx(at time.Duration, w, r []byte) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.now = at
	s.measure(at)
	if len(w) > 0 {
		s.pointer = w[0]
		if s.pointer >= as5600End && s.pointer != as5600Burn {
			return fmt.Errorf("AS5600: %w: no register 0x%02x", sim.ErrNoAnswer, s.pointer)
		}
		for _, value := range w[1:] {
			s.write(at, s.pointer, value)
			s.pointer++
		}
	}
	stays := s.pointer == as5600RawAngle || s.pointer == as5600Angle || s.pointer == as5600Magnitude
	for i := range r {
		if stays {
			r[i] = s.read(s.pointer + byte(i%2))
			continue
		}
		r[i] = s.read(s.pointer)
		s.pointer++
	}
	return nil
}

// counts returns the angle of the magnet.
func (s *AS5600) counts(at time.Duration) int64 {
	if s.angle == nil {
		return 0
	}
	return toNearest(s.angle(max(0, at))%360_000_000*4096, 360_000_000) & 4095
}

// apart returns the difference of two angles.
func apart(a, b int64) int64 {
	d := (a - b) & 4095
	return min(d, 4096-d)
}

// measure updates the angle by the last measurement that is due.
func (s *AS5600) measure(at time.Duration) {
	every := as5600Intervals[s.registers[as5600Conf+1]&3]
	if at < s.since+every {
		return
	}
	moment := s.since + (at-s.since)/every*every
	s.since = moment
	is, delayed := s.counts(moment), s.counts(moment-as5600Filters[s.registers[as5600Conf]&3])
	if apart(is, delayed) <= as5600Thresholds[s.registers[as5600Conf]>>2&7] {
		is = delayed
	}
	if apart(is, s.raw) > int64(s.registers[as5600Conf+1]>>2&3) {
		s.raw = is
	}
}

func (s *AS5600) write(at time.Duration, register, value byte) {
	switch {
	case register == as5600Burn && value == 0x80: // start and stop position
		s.burnt[0]++
		copy(s.burnt[1:5], s.registers[1:5])
		s.registers[0] = s.burnt[0]
	case register == as5600Burn && value == 0x40: // range and settings
		copy(s.burnt[5:9], s.registers[5:9])
	case register == as5600Conf+1:
		// the time of the next measurement does not change
		s.since += as5600Intervals[s.registers[register]&3] - as5600Intervals[value&3]
		s.registers[register] = value
	case register == 0 || register > as5600Conf+1: // read only
	case register%2 == 1:
		s.registers[register] = value & 0x3f
	default:
		s.registers[register] = value
	}
}

func (s *AS5600) read(register byte) byte {
	var word [2]byte
	switch {
	case register == as5600Status:
		return byte(s.magnet)
	case register == as5600RawAngle, register == as5600RawAngle+1:
		binary.BigEndian.PutUint16(word[:], uint16(s.raw))
		return word[register-as5600RawAngle]
	case register == as5600Angle, register == as5600Angle+1:
		binary.BigEndian.PutUint16(word[:], uint16(s.scaled()))
		return word[register-as5600Angle]
	case register <= as5600Conf+1:
		return s.registers[register]
	}
	return 0
}

// scaled returns the angle from the start position, as a share of the range, in 4096 steps. The range is MANG, or up to MPOS, or
// a turn.
func (s *AS5600) scaled() int64 {
	word := func(register int) int64 { return int64(binary.BigEndian.Uint16(s.registers[register:])) & 4095 }
	from, wide := word(1), word(5)
	if wide == 0 {
		wide = (word(3) - from) & 4095
	}
	angle := (s.raw - from) & 4095
	switch {
	case wide == 0:
		return angle
	case angle <= wide:
		return angle * 4095 / wide
	case angle < wide+(4096-wide)/2:
		return 4095
	}
	return 0
}
