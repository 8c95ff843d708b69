package chips

import (
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"fluxd/boards/sim"
)

// MPU6050World are the quantities that an MPU6050 senses. A nil function stands for zero.
type MPU6050World struct {
	// Acceleration along the axes x, y and z, gravity included, in millionths of m/s².
	Acceleration [3]func(at time.Duration) int64
	// Rotation about the axes, in millionths of °/s.
	Rotation [3]func(at time.Duration) int64
	// Temperature of the chip, in millionths of °C.
	Temperature func(at time.Duration) int64
}

// MPU6050 simulates InvenSense's accelerometer and gyroscope register by register: sleep, reset, standby, ranges, sample rate,
// the delay of the low-pass filter, and the data-ready interrupt. With the identity of an MPU-9250 it is awake after power-up and
// has another thermometer; with that of an ICM-20689 a third one. FIFO, motion detection, the auxiliary bus and the DMP are
// missing: their registers keep what is written.
//
// Sources: InvenSense, MPU-6000 and MPU-6050 register map, rev. 4.2, and product specification, rev. 3.4; MPU-9250 register map,
// rev. 1.6. Details that they leave open, as simulated here: samples start 30 ms after waking, the start-up time of the
// gyroscope, and start again when their rate changes; an axis in standby keeps its last value.
type MPU6050 struct {
	world   MPU6050World
	unknown bool // a copy of the MPU-6050 with an identity that no chip of InvenSense has

	mutex     sync.Mutex
	registers [128]byte
	since     time.Duration // when samples began, or will
	samples   time.Duration // their number so far
	now       time.Duration // of the last transfer
}

// The registers that are simulated.
const (
	mpu6050Divider   = 0x19
	mpu6050Config    = 0x1a
	mpu6050Gyro      = 0x1b
	mpu6050Accel     = 0x1c
	mpu6050IntEnable = 0x38
	mpu6050IntStatus = 0x3a
	mpu6050Data      = 0x3b // 14 bytes
	mpu6050Power1    = 0x6b
	mpu6050Power2    = 0x6c
	mpu6050WhoAmI    = 0x75
)

const mpu6050StartUp = 30 * time.Millisecond

// mpu6050Trim are the factory's values for the three axes of the accelerometer.
var mpu6050Trim = [3]int64{1490, 252, -3000}

// mpu6050GyroOffsets is the first of three numbers of two bytes that are added to the rotation.
const mpu6050GyroOffsets = 0x13

// mpu6050Relatives are the identities of the chips that are not like an MPU-6050: MPU-6500, 9250, 9255, 6515 and 6880, two of
// their copies, ICM-20602, MPU-6886, ICM-20689 and ICM-20608.
var mpu6050Relatives = []byte{0x70, 0x71, 0x73, 0x74, 0x78, 0x72, 0x75, 0x12, 0x19, 0x98, 0xaf}

// mpu6050Delays are the delays of accelerometer and gyroscope, in µs, by DLPF_CFG.
var mpu6050Delays = [8][2]time.Duration{
	{0, 980}, {2000, 1900}, {3000, 2800}, {4900, 4800}, {8500, 8300}, {13800, 13400}, {19000, 18600}, {0, 980},
}

// NewMPU6050 returns a chip as after power-up. The identity, the value of WHO_AM_I, is 0x68 for an MPU-6050, 0x71 for an MPU-9250
// and 0x98 for an ICM-20689; others behave like an MPU-9250.
func NewMPU6050(identity byte, world MPU6050World) *MPU6050 {
	s := &MPU6050{world: world}
	s.registers[mpu6050WhoAmI] = identity
	s.reset(0)
	return s
}

// senseMPU6050 lies flat at rest. A robot file that says the identity of an unknown copy has a copy of the MPU-6050.
func senseMPU6050(sense Sense, settings Settings) sim.Device {
	s := NewMPU6050(0x68, MPU6050World{
		Acceleration: senseAcceleration(sense),
		Rotation:     [3]func(time.Duration) int64{sense.of("gyro_x"), sense.of("gyro_y"), sense.of("gyro_z")},
		Temperature:  sense.or("temperature", restingTemperature),
	})
	if identity := byte(settings.numberOr("who_am_i", 0)); identity != 0 {
		known := slices.Contains(mpu6050Relatives, identity)
		s.registers[mpu6050WhoAmI], s.unknown = identity, identity != 0x68 && !known
		s.reset(0)
	}
	return s
}

// Tx implements sim.Device; see transfer.
func (s *MPU6050) Tx(at time.Duration, w, r []byte) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.now = at
	s.measure(at)
	transfer(w, r, func(register, value byte) { s.write(at, register&0x7f, value) }, func(register byte) byte {
		value := s.registers[register&0x7f]
		if register == mpu6050IntStatus {
			s.registers[register] = 0
		}
		return value
	})
	return nil
}

// Reset resets the chip, as after a lost supply at the time of the last transfer.
func (s *MPU6050) Reset() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.reset(s.now)
}

func (s *MPU6050) like9250() bool { return s.registers[mpu6050WhoAmI] != 0x68 && !s.unknown }

// likeICM reports whether the chip has the thermometer of the ICM-20602: that one, MPU-6886, ICM-20689 and ICM-20608.
func (s *MPU6050) likeICM() bool {
	return slices.Contains([]byte{0x12, 0x19, 0x98, 0xaf}, s.registers[mpu6050WhoAmI])
}

func (s *MPU6050) reset(at time.Duration) {
	identity := s.registers[mpu6050WhoAmI]
	s.registers = [128]byte{mpu6050Power1: 0x40, mpu6050WhoAmI: identity}
	if s.like9250() {
		s.registers[mpu6050Power1] = 0x01
	}
	if s.likeICM() {
		s.registers[mpu6050Power1] = 0x41
	}
	for axis, trim := range mpu6050Trim {
		binary.BigEndian.PutUint16(s.registers[s.trimRegister(axis):], uint16(trim))
	}
	s.begin(at)
}

// trimRegister returns the first of the two registers that are added to the acceleration along an axis; the factory has set them.
func (s *MPU6050) trimRegister(axis int) int {
	if s.like9250() {
		return 0x77 + 3*axis
	}
	return 0x06 + 2*axis
}

func (s *MPU6050) number(register int) int64 {
	return int64(int16(binary.BigEndian.Uint16(s.registers[register:])))
}

// moved returns what an axis senses plus its offset registers and its self-test. A step of the accelerometer's offset, beyond the
// trim, is 1/1024 of gravity, one of the gyroscope's 1/32.8 °/s; the self-test adds half of gravity and 50 °/s.
func (s *MPU6050) moved(axis int) (acceleration, rotation func(time.Duration) int64) {
	accelBy := (s.number(s.trimRegister(axis)) - mpu6050Trim[axis]) * 9_806_650 / 1024
	gyroBy := s.number(mpu6050GyroOffsets+2*axis) * 10_000_000 / 328
	if s.registers[mpu6050Accel]>>(7-axis)&1 != 0 {
		accelBy += 9_806_650 / 2
	}
	if s.registers[mpu6050Gyro]>>(7-axis)&1 != 0 {
		gyroBy += 50_000_000
	}
	by := func(sense func(time.Duration) int64, more int64) func(time.Duration) int64 {
		return func(at time.Duration) int64 {
			if sense == nil {
				return more
			}
			return sense(at) + more
		}
	}
	return by(s.world.Acceleration[axis], accelBy), by(s.world.Rotation[axis], gyroBy)
}

func (s *MPU6050) write(at time.Duration, register, value byte) {
	switch {
	case register >= mpu6050IntStatus && register < mpu6050Data+14, register == mpu6050WhoAmI: // read only
	case register == mpu6050Power1 && value&0x80 != 0:
		s.reset(at)
	default:
		before := s.registers[register]
		s.registers[register] = value
		wakes := register == mpu6050Power1 && before&^value&0x40 != 0
		if wakes || before != value && (register == mpu6050Divider || register == mpu6050Config) {
			s.begin(at)
		}
	}
}

func (s *MPU6050) begin(at time.Duration) {
	s.since, s.samples = at+mpu6050StartUp, 0
}

// period returns the time between two samples: the gyroscope's, which is shorter without the filter, times the divider.
func (s *MPU6050) period() time.Duration {
	period := time.Millisecond
	if filter := s.registers[mpu6050Config] & 7; filter == 0 || filter == 7 {
		period /= 8
	}
	return period * (1 + time.Duration(s.registers[mpu6050Divider]))
}

// measure updates the data registers by the last sample that is due.
func (s *MPU6050) measure(at time.Duration) {
	if s.registers[mpu6050Power1]&0x40 != 0 {
		return
	}
	count := (at - s.since) / s.period()
	if at < s.since || count <= s.samples {
		return
	}
	s.samples = count
	moment := s.since + count*s.period()
	if s.registers[mpu6050IntEnable]&1 != 0 {
		s.registers[mpu6050IntStatus] |= 1
	}
	delay := mpu6050Delays[s.registers[mpu6050Config]&7]
	gravities := int64(2) << (s.registers[mpu6050Accel] >> 3 & 3)
	countsOf10Degrees := [4]int64{1310, 655, 328, 164}[s.registers[mpu6050Gyro]>>3&3]
	for axis := range 3 {
		acceleration, rotation := s.moved(axis)
		s.put(5-axis, axis, acceleration, moment-delay[0]*time.Microsecond, 0, 1<<15, gravities*9_806_650)
		s.put(2-axis, axis+4, rotation, moment-delay[1]*time.Microsecond, 0, countsOf10Degrees, 10_000_000)
	}
	switch {
	case s.registers[mpu6050Power1]&0x08 != 0: // the thermometer is off
	case s.likeICM():
		s.put(-1, 3, s.world.Temperature, moment, 25_000_000, 32_680, 100_000_000)
	case s.like9250():
		s.put(-1, 3, s.world.Temperature, moment, 21_000_000, 33_387, 100_000_000)
	default:
		s.put(-1, 3, s.world.Temperature, moment, 36_530_000, 340, 1_000_000)
	}
}

// put writes a value of the world to the n-th data register, unless the standby bit of its axis is set. A count is worth so many
// millionths, above the offset.
func (s *MPU6050) put(standby, n int, sense func(time.Duration) int64, moment time.Duration, offset, counts, millionths int64) {
	if standby >= 0 && s.registers[mpu6050Power2]>>standby&1 != 0 {
		return
	}
	value := int64(0)
	if sense != nil {
		value = sense(max(0, moment))
	}
	value = bounded(value, 10_000_000_000_000)
	count := max(-1<<15, min(toNearest((value-offset)*counts, millionths), 1<<15-1))
	binary.BigEndian.PutUint16(s.registers[mpu6050Data+2*n:], uint16(count))
}
