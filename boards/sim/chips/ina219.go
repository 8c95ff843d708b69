package chips

import (
	"encoding/binary"
	"sync"
	"time"

	"fluxd/boards/sim"
)

// INA219 simulates Texas Instruments' current and power monitor register by register: modes, ranges, conversion times by
// resolution and averaging, calibration, the flags for a new measurement and for an overflow, and reset.
//
// Source: Texas Instruments, INA219 data sheet, SBOS448G. Details that it leaves open, as simulated here: conversions take their
// typical time, have the resolution of the register whatever is configured, and show voltage and current at the end of the last;
// power is a magnitude; an overflow leaves the lowest 16 bits; a register that is written in half is not changed; those that do
// not exist read 0; reading beyond the second byte repeats both.
type INA219 struct {
	shunt            int64 // µohm
	current, voltage func(at time.Duration) int64

	mutex      sync.Mutex
	pointer    byte
	registers  [6]uint16 // the bus register without its flags
	ready      bool      // CNVR
	overflow   bool      // OVF
	converting bool
	since      time.Duration
}

// The registers.
const (
	ina219Config      = 0
	ina219Shunt       = 1
	ina219Bus         = 2
	ina219Power       = 3
	ina219Current     = 4
	ina219Calibration = 5
)

// ina219Times are the durations of a conversion, by the value of an ADC's field: 9 to 12 bits, the same again, and 12 bits
// averaged over 1 to 128 samples.
var ina219Times = [16]time.Duration{
	84 * time.Microsecond, 148 * time.Microsecond, 276 * time.Microsecond, 532 * time.Microsecond,
	84 * time.Microsecond, 148 * time.Microsecond, 276 * time.Microsecond, 532 * time.Microsecond,
	532 * time.Microsecond, 1060 * time.Microsecond, 2130 * time.Microsecond, 4260 * time.Microsecond,
	8510 * time.Microsecond, 17020 * time.Microsecond, 34050 * time.Microsecond, 68100 * time.Microsecond,
}

// NewINA219 returns a chip as after power-up, measuring since time 0. The functions return the current through the shunt, in
// millionths of an ampere, and the voltage behind it, in millionths of a volt; the shunt is in millionths of an ohm.
func NewINA219(current, voltage func(at time.Duration) int64, shunt int64) *INA219 {
	s := &INA219{current: current, voltage: voltage, shunt: shunt}
	s.reset(0)
	return s
}

// senseINA219 measures 0.2 A at 7.4 V at rest, with a shunt of 0.1 ohm unless the robot file says another. Voltage and current
// count. Where no current is sensed, it follows from the voltage across the shunt, or else from the power.
func senseINA219(sense Sense, settings Settings) sim.Device {
	resistance := max(1, int64(settings.numberOr("shunt", 100_000_000))/1000) // the setting is in nohm
	voltage, current := sense.or("voltage", 7_400_000), sense.of("current")
	across, power := sense.of("shunt"), sense.of("power")
	switch {
	case current != nil:
	case across != nil:
		current = func(at time.Duration) int64 {
			return toNearest(bounded(across(at), 1_000_000_000)*1_000_000, resistance)
		}
	case power != nil:
		current = func(at time.Duration) int64 {
			return toNearest(bounded(power(at), 1_000_000_000_000)*1_000_000, max(voltage(at), 1))
		}
	default:
		current = still(200_000)
	}
	return NewINA219(current, voltage, resistance)
}

// Reset is a supply that was lost for a moment, when the last measurement was over.
func (s *INA219) Reset() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.pointer = 0
	s.reset(s.since)
}

// Tx implements sim.Device: the first byte written is the number of a register, two more are its value. A read returns the
// register of the last number.
func (s *INA219) Tx(at time.Duration, w, r []byte) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.measure(at)
	if len(w) > 0 {
		s.pointer = w[0]
	}
	if len(w) > 2 {
		s.write(at, binary.BigEndian.Uint16(w[1:]))
	}
	if len(r) == 0 {
		return nil
	}
	value := uint16(0)
	if int(s.pointer) < len(s.registers) {
		value = s.registers[s.pointer]
	}
	switch s.pointer {
	case ina219Bus:
		if s.ready {
			value |= 2
		}
		if s.overflow {
			value |= 1
		}
	case ina219Power:
		s.ready = false
	}
	answer(r, value)
	return nil
}

func (s *INA219) write(at time.Duration, value uint16) {
	switch s.pointer {
	case ina219Config:
		if value&0x8000 != 0 {
			s.reset(at)
			return
		}
		s.configure(at, value&0x3fff)
	case ina219Calibration:
		s.registers[ina219Calibration] = value &^ 1 // the lowest bit is always 0
	}
}

func (s *INA219) reset(at time.Duration) {
	s.registers, s.overflow = [6]uint16{}, false
	s.configure(at, 0x399f)
}

func (s *INA219) configure(at time.Duration, value uint16) {
	s.registers[ina219Config] = value
	s.converting, s.since = value&3 != 0, at // 0: power down, 4: converters off
	if s.converting {
		s.ready = false
	}
}

// measure updates the registers by the last measurement that is over.
func (s *INA219) measure(at time.Duration) {
	if !s.converting {
		return
	}
	config := s.registers[ina219Config]
	takes := time.Duration(0)
	if config&1 != 0 {
		takes += ina219Times[config>>3&15]
	}
	if config&2 != 0 {
		takes += ina219Times[config>>7&15]
	}
	count := (at - s.since) / takes
	if count < 1 {
		return
	}
	if s.converting = config&4 != 0; !s.converting {
		count = 1
	}
	s.since += count * takes
	s.ready = true
	if config&1 != 0 {
		// Currents end far beyond every range, so that their product with the resistance fits.
		most, largest := 1_000_000_000_000_000_000/s.shunt, int64(4000)<<(config>>11&3)
		steps := toNearest(max(-most, min(s.current(s.since), most))*s.shunt, 10_000_000) // of 10 µV
		s.registers[ina219Shunt] = uint16(max(-largest, min(steps, largest)))
	}
	if config&2 != 0 {
		most := int64(16_000_000) << (config >> 13 & 1)
		s.registers[ina219Bus] = uint16(toNearest(max(0, min(s.voltage(s.since), most)), 4000)) << 3
	}
	s.calculate()
}

// calculate computes current and power from the voltages, like the chip.
func (s *INA219) calculate() {
	current := int64(int16(s.registers[ina219Shunt])) * int64(s.registers[ina219Calibration]) / 4096
	power := max(current, -current) * int64(s.registers[ina219Bus]>>3) / 5000
	s.registers[ina219Current], s.registers[ina219Power] = uint16(current), uint16(power)
	s.overflow = current != int64(int16(current)) // if the current fits, the power does: 32767 * 8000 / 5000
}
