package chips

import (
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"fluxd/boards/sim"
)

// AS5600Magnet is what the chip's STATUS says of its magnet.
type AS5600Magnet byte

const (
	MagnetRight   AS5600Magnet = 0x20
	MagnetMissing AS5600Magnet = 0x00
	MagnetWeak    AS5600Magnet = 0x30
	MagnetStrong  AS5600Magnet = 0x28
)

// AS5600 simulates ams' magnetic encoder register by register: the angle before and after scaling to a zero position and a range,
// power modes that look at the magnet now and then, hysteresis, the delay of the slow filter, the fast filter, and what is burnt
// into it for good.
//
// Source: ams, AS5600 data sheet, v1-06. What it leaves open is decided here: a power mode holds from when the one before would
// have looked next; the slow filter is a delay of its settling time, which a change beyond the threshold of the fast filter ends.
// The watchdog, the gain and the output pin are not simulated.
type AS5600 struct {
	angle func(at time.Duration) int64

	mutex     sync.Mutex
	magnet    AS5600Magnet
	pointer   byte
	registers [as5600End]byte // 0x00 to 0x08 can be written, but for the first
	burnt     [as5600End]byte // what they hold after power-up
	since     time.Duration   // when the power mode began
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
	as5600Looks      = [4]time.Duration{150 * time.Microsecond, 5 * time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond}
	as5600Filters    = [4]time.Duration{2200_000, 1100_000, 550_000, 286_000} // ns
	as5600Thresholds = [8]int64{1 << 12, 6, 7, 9, 18, 21, 24, 10}             // 0: slow filter only
)

// NewAS5600 makes an encoder with a magnet as it should be. The angle is in millionths of a degree, clockwise; it may go round
// and round.
func NewAS5600(angle func(at time.Duration) int64) *AS5600 {
	s := &AS5600{angle: angle, magnet: MagnetRight}
	s.Reset()
	return s
}

func restingAS5600() sim.Device { return NewAS5600(still(45_000_000)) }

// SetMagnet takes the magnet away, puts it too far or too near, or back.
func (s *AS5600) SetMagnet(magnet AS5600Magnet) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.magnet = magnet
}

// Burnt says whether something was burnt into the chip.
func (s *AS5600) Burnt() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.burnt != [as5600End]byte{}
}

// Reset is a supply that was lost for a moment, at the time of the last transfer.
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
	s.look(at)
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

// counts is the angle of the magnet.
func (s *AS5600) counts(at time.Duration) int64 {
	if s.angle == nil {
		return 0
	}
	return toNearest(s.angle(max(0, at))%360_000_000*4096, 360_000_000) & 4095
}

// apart is how far one angle is from another.
func apart(a, b int64) int64 {
	d := (a - b) & 4095
	return min(d, 4096-d)
}

// look takes the last angle that is due by now.
func (s *AS5600) look(at time.Duration) {
	every := as5600Looks[s.registers[as5600Conf+1]&3]
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
		s.since += as5600Looks[s.registers[register]&3] - as5600Looks[value&3] // the next look comes when it would have come
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

// scaled is the angle from the start position on, as a share of the range, in 4096 steps. It is as wide as MANG, or to MPOS, or a
// turn.
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
