package chips

import (
	"fmt"
	"math/bits"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"fluxd/boards/sim"
)

// VL53L0X simulates ST's laser distance sensor: its boot, the pages of its registers, its fixed memory, the two calibrations, and
// measurements, single and back to back, that take as long as the registers say. Like the chip it depends on the right order of a
// start: a measurement
//
//   - does not end unless the stop variable has its value after the boot,
//   - fails with status 1 if the enabled reference diodes are not those of the fixed memory,
//   - fails with status 2 if the tuning settings are missing,
//   - fails with status 3 if one of the calibrations is missing, or the phase was calibrated before the voltage,
//
// and announces its end only if the interrupt is configured for that. The other registers keep what is written.
//
// Sources: ST, VL53L0X data sheet, DocID029104 rev. 2, and the programming interface STSW-IMG005. What they leave open is decided
// here: a calibration takes 1.5 ms, the fixed memory 0.5 ms; nothing is seen beyond 2 m; in reset everything reads zero.
type VL53L0X struct {
	distance func(at time.Duration) int64

	mutex   sync.Mutex
	standby bool // XSHUT is low
	pages   [8][256]byte
	page    byte
	reset   bool
	booted  time.Duration // from this time on the chip answers
	memory  time.Duration // from this time on the fixed memory answers; 0: no request
	task    vl53l0xTask
	endless bool          // measurements follow one another
	since   time.Duration // start of the task, or of its last measurement
	voltage bool          // calibrated
	phase   bool          // calibrated
	now     time.Duration // of the last transfer
}

type vl53l0xTask uint8

const (
	vl53l0xIdle vl53l0xTask = iota
	vl53l0xCalibrateVoltage
	vl53l0xCalibratePhase
	vl53l0xMeasure
)

// The registers that are simulated, and what they hold after the boot.
const (
	vl53l0xStart           = 0x00
	vl53l0xSequence        = 0x01
	vl53l0xInterruptConfig = 0x0a
	vl53l0xInterruptClear  = 0x0b
	vl53l0xInterruptStatus = 0x13
	vl53l0xResult          = 0x14 // 12 bytes
	vl53l0xAddress         = 0x8a
	vl53l0xSpadMap         = 0xb0 // 6 bytes
	vl53l0xReset           = 0xbf
	vl53l0xModel           = 0xc0
	vl53l0xPage            = 0xff

	vl53l0xStopVariable = 0x91 // on page 1
	vl53l0xMemoryStrobe = 0x83 // on page 7
	vl53l0xMemoryData   = 0x92 // on page 7

	vl53l0xStopValue = 0x3c
	vl53l0xSpads     = 0x80 | 5 // five, with an aperture
)

const (
	vl53l0xBoot        = 1200 * time.Microsecond
	vl53l0xMemoryTime  = 500 * time.Microsecond
	vl53l0xCalibration = 1500 * time.Microsecond
)

// NewVL53L0X returns a sensor that has booted. The distance to the obstacle is in millionths of a metre.
func NewVL53L0X(distance func(at time.Duration) int64) *VL53L0X {
	s := &VL53L0X{distance: distance}
	s.boot(-vl53l0xBoot)
	return s
}

func senseVL53L0X(sense Sense, _ Settings) sim.Device {
	return NewVL53L0X(sense.or("", restingDistance))
}

// ResetBy connects XSHUT to a pin: low is standby, in which it answers nowhere, and high lets it boot. A resistor on the module
// pulls it up.
func (s *VL53L0X) ResetBy(xshut *sim.Pin) {
	xshut.Drive(gpio.High)
	s.mutex.Lock()
	s.standby = xshut.Read() == gpio.Low // an output may be low already
	s.mutex.Unlock()
	xshut.Watch(func(at time.Duration, level gpio.Level) {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		if s.standby = level == gpio.Low; !s.standby {
			s.boot(at)
		}
	})
}

// Address implements sim.Mover: it is 0x29 after each boot.
func (s *VL53L0X) Address() (uint16, bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return uint16(s.pages[0][vl53l0xAddress] & 0x7f), !s.standby
}

// Tx implements sim.Device; see transfer.
func (s *VL53L0X) Tx(at time.Duration, w, r []byte) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.now = at
	if at < s.booted {
		return fmt.Errorf("VL53L0X: %w: it boots", sim.ErrNoAnswer)
	}
	s.work(at)
	transfer(w, r, func(register, value byte) { s.write(at, register, value) },
		func(register byte) byte { return s.read(at, register) })
	return nil
}

// Reset resets the chip, as after a lost supply at the time of the last transfer.
func (s *VL53L0X) Reset() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.boot(s.now)
}

func (s *VL53L0X) boot(at time.Duration) {
	s.pages = [8][256]byte{}
	s.page, s.reset, s.booted, s.memory, s.task = 0, false, at+vl53l0xBoot, 0, vl53l0xIdle
	s.voltage, s.phase = false, false
	s.pages[0][vl53l0xSequence], s.pages[0][vl53l0xAddress] = 0xff, 0x29
	copy(s.pages[0][vl53l0xModel:], []byte{0xee, 0xaa, 0x10})
	copy(s.pages[0][vl53l0xSpadMap:], []byte{0xff, 0xbf, 0xfd, 0xff, 0xff, 0x0f})
	s.pages[1][vl53l0xStopVariable] = vl53l0xStopValue
}

// private reports whether the stop variable can be reached.
func (s *VL53L0X) private() bool { return s.pages[0][0x80] == 1 && s.pages[1][0x00] == 0 }

func (s *VL53L0X) read(at time.Duration, register byte) byte {
	switch {
	case s.reset:
		return 0
	case register == vl53l0xPage:
		return s.page
	case s.page == 1 && register == vl53l0xStopVariable && !s.private():
		return 0
	case s.page == 7 && register == vl53l0xMemoryStrobe && s.memory != 0 && at >= s.memory:
		return 1
	}
	return s.pages[s.page][register]
}

func (s *VL53L0X) write(at time.Duration, register, value byte) {
	page := &s.pages[s.page]
	switch {
	case s.reset:
		if register == vl53l0xReset && value&1 != 0 {
			s.boot(at)
		}
	case register == vl53l0xPage:
		s.page = value & 7
	case s.page == 1 && register == vl53l0xStopVariable && !s.private():
	case s.page == 7 && register == vl53l0xMemoryStrobe:
		s.strobe(at, value)
	case s.page != 0:
		page[register] = value
	case register == vl53l0xStart:
		s.start(at, value)
	case register == vl53l0xReset:
		s.reset, s.page, s.task = value&1 == 0, 0, vl53l0xIdle
	case register == vl53l0xInterruptClear:
		page[vl53l0xInterruptStatus] &^= 0x07
	case register >= vl53l0xInterruptStatus && register < vl53l0xResult+12: // read only
	case register >= vl53l0xModel && register < vl53l0xModel+3: // read only
	default:
		page[register] = value
	}
}

// strobe requests a value of the fixed memory, which must have been opened, or reads the answer.
func (s *VL53L0X) strobe(at time.Duration, value byte) {
	opened := s.pages[0][0x80] == 1 && s.pages[6][0x83]&0x04 != 0 && s.pages[7][0x81] == 1 && s.pages[7][0x94] == 0x6b
	switch {
	case value == 0 && opened:
		s.memory = at + vl53l0xMemoryTime
	case value == 1 && s.memory != 0 && at >= s.memory:
		s.pages[7][vl53l0xMemoryData] = vl53l0xSpads
		s.memory = 0
	}
}

func (s *VL53L0X) start(at time.Duration, value byte) {
	running := s.task == vl53l0xMeasure && s.endless
	s.task, s.endless, s.since = vl53l0xIdle, value&0x02 != 0, at
	switch sequence := s.pages[0][vl53l0xSequence]; {
	case value&0x03 == 0, running && !s.endless: // stopped
	case sequence == 0x01 && value&0x40 != 0:
		s.task = vl53l0xCalibrateVoltage
	case sequence == 0x02:
		s.task = vl53l0xCalibratePhase
	case s.pages[1][vl53l0xStopVariable] == vl53l0xStopValue:
		s.task = vl53l0xMeasure
	}
}

// work ends the task that is due.
func (s *VL53L0X) work(at time.Duration) {
	takes := vl53l0xCalibration
	if s.task == vl53l0xMeasure {
		takes = s.measurementTime()
	}
	count := (at - s.since) / takes
	if s.task == vl53l0xIdle || count < 1 {
		return
	}
	switch s.task {
	case vl53l0xCalibrateVoltage:
		s.voltage = true
	case vl53l0xCalibratePhase:
		s.phase = s.voltage
	case vl53l0xMeasure:
		if !s.endless {
			count = 1
		}
		s.since += count * takes
		s.measure(s.since)
	}
	if !s.endless {
		s.task = vl53l0xIdle
	}
	if s.pages[0][vl53l0xInterruptConfig]&0x07 == 4 {
		s.pages[0][vl53l0xInterruptStatus] = 4
	}
}

// measure writes the result of a measurement.
func (s *VL53L0X) measure(at time.Duration) {
	millimetres := max(0, toNearest(bounded(s.distance(at), 1_000_000_000_000), 1000))
	status := byte(11)
	switch {
	case !s.spadsEnabled():
		status = 1
	case s.pages[1][0x8e] != 1 || s.pages[0][0x25] != 0xff:
		status = 2
	case !s.voltage || !s.phase:
		status = 3
	case millimetres >= 2000:
		status, millimetres = 4, 8190
	}
	result := s.pages[0][vl53l0xResult : vl53l0xResult+12]
	result[0] = status<<3 | 1
	result[10], result[11] = byte(millimetres>>8), byte(millimetres)
}

// spadsEnabled reports whether the right number of reference diodes is enabled, as in the fixed memory, all with an aperture.
func (s *VL53L0X) spadsEnabled() bool {
	enabled := s.pages[0][vl53l0xSpadMap : vl53l0xSpadMap+6]
	count := 0
	for _, part := range enabled {
		count += bits.OnesCount8(part)
	}
	return enabled[0] == 0 && enabled[1]&0x0f == 0 && count == vl53l0xSpads&0x7f
}

// measurementTime returns the sum of the enabled steps, as ST's interface computes it.
func (s *VL53L0X) measurementTime() time.Duration {
	page := &s.pages[0]
	macroPeriod := func(register byte) int64 { return 2304 * 1655 * 2 * (1 + int64(page[register])) } // ps
	timeout := func(register byte) int64 { return int64(page[register+1])<<(page[register]&0x0f) + 1 }
	selection := (1 + int64(page[0x46])) * macroPeriod(0x50)
	preRange := timeout(0x51)
	final := max(0, timeout(0x71)-preRange) * macroPeriod(0x70)
	sum := int64(1910 + 960) // µs
	for _, step := range []struct {
		bit                    int
		takes, overhead, times int64
	}{{2, selection, 660, 1}, {3, selection, 690, 2}, {4, selection, 590, 1}, {6, preRange * macroPeriod(0x50), 660, 1},
		{7, final, 550, 1}} {
		if page[vl53l0xSequence]>>step.bit&1 != 0 {
			sum += step.times * (step.takes/1_000_000 + step.overhead)
		}
	}
	return time.Duration(sum) * time.Microsecond
}
