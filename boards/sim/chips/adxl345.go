package chips

import (
	"encoding/binary"
	"sync"
	"time"

	"fluxd/boards/sim"
)

// ADXL345 simulates Analog Devices' accelerometer register by register: standby, rates, ranges, both resolutions, the data-ready
// bit, offsets, the self-test, justification, and a buffer that keeps its oldest sample. Taps, activity and low power are
// missing: their registers keep what is written.
//
// Source: Analog Devices, ADXL345 data sheet, rev. E. Details that it leaves open, as simulated here: samples start again when
// their rate changes.
type ADXL345 struct {
	acceleration [3]func(at time.Duration) int64

	mutex     sync.Mutex
	registers [64]byte
	since     time.Duration // when samples began
	samples   time.Duration // their number so far
}

// The registers that are simulated.
const (
	adxl345Offsets         = 0x1e // 3 bytes
	adxl345Rate            = 0x2c
	adxl345Power           = 0x2d
	adxl345InterruptSource = 0x30
	adxl345Format          = 0x31
	adxl345Data            = 0x32 // 6 bytes
	adxl345Buffer          = 0x38
)

// adxl345TurnOn passes, in addition to a sample period, until the first sample.
const adxl345TurnOn = 1100 * time.Microsecond

// NewADXL345 returns a chip as after power-up: in standby, at 100 Hz. The functions return the acceleration along the axes x, y
// and z, gravity included, in millionths of m/s²; nil stands for zero.
func NewADXL345(acceleration [3]func(at time.Duration) int64) *ADXL345 {
	s := &ADXL345{acceleration: acceleration}
	s.Reset()
	return s
}

// senseADXL345 lies flat at rest.
func senseADXL345(sense Sense, _ Settings) sim.Device { return NewADXL345(senseAcceleration(sense)) }

// senseAcceleration returns what the three axes of an accelerometer sense. At rest it lies flat.
func senseAcceleration(sense Sense) [3]func(time.Duration) int64 {
	return [3]func(time.Duration) int64{sense.or("accel_x", 0), sense.or("accel_y", 0), sense.or("accel_z", restingGravity)}
}

// Reset resets the chip, as after a lost supply.
func (s *ADXL345) Reset() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.registers = [64]byte{0: 0xe5, adxl345Rate: 0x0a, adxl345InterruptSource: 0x02}
}

// Tx implements sim.Device; see transfer.
func (s *ADXL345) Tx(at time.Duration, w, r []byte) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.measure(at)
	transfer(w, r, func(register, value byte) { s.write(at, register&0x3f, value) }, func(register byte) byte {
		register &= 0x3f
		value := s.registers[register]
		if register >= adxl345Data && register < adxl345Data+6 {
			s.registers[adxl345InterruptSource] &^= 0x80
		}
		return value
	})
	return nil
}

func (s *ADXL345) write(at time.Duration, register, value byte) {
	if register < 0x1d || register == adxl345InterruptSource || register >= adxl345Data && register < adxl345Data+6 {
		return // read only
	}
	changed := s.registers[register] ^ value
	s.registers[register] = value
	if register == adxl345Rate && changed != 0 || register == adxl345Power && changed&value&0x08 != 0 {
		s.since, s.samples = at+adxl345TurnOn, 0
	}
}

// measure updates the data registers by the last sample that is due.
func (s *ADXL345) measure(at time.Duration) {
	if s.registers[adxl345Power]&0x08 == 0 || at < s.since {
		return
	}
	period := time.Second / 3200 << (15 - s.registers[adxl345Rate]&0x0f)
	count := (at - s.since) / period
	unread := s.registers[adxl345InterruptSource]&0x80 != 0
	if buffered := s.registers[adxl345Buffer]>>6 != 0; count <= s.samples || buffered && unread {
		return
	}
	s.samples = count
	s.registers[adxl345InterruptSource] |= 0x80
	scale := s.registers[adxl345Format] & 3
	counts, most := int64(256), int64(512)<<scale
	if s.registers[adxl345Format]&0x08 == 0 { // ten bits in all ranges
		counts, most = 256>>scale, 512
	}
	for axis, sense := range s.acceleration {
		value := int64(0)
		if sense != nil {
			value = bounded(sense(s.since+count*period), 1_000_000_000_000)
		}
		value += int64(int8(s.registers[adxl345Offsets+axis])) * 9_806_650 / 64 // 15.6 mg per step
		if s.registers[adxl345Format]&0x80 != 0 {
			value += 9_806_650 / 2 // the self-test: 0.2 to 2.1 g along x
		}
		value = max(-most, min(toNearest(value*counts, 9_806_650), most-1))
		if s.registers[adxl345Format]&0x04 != 0 { // the highest bit first
			value <<= 15 - min(15, 9+int64(scale)*int64(s.registers[adxl345Format]>>3&1))
		}
		binary.LittleEndian.PutUint16(s.registers[adxl345Data+2*axis:], uint16(value))
	}
}
