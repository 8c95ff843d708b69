package sim

import (
	"fmt"
	"sync"
	"time"
)

// INA219 simulates Texas Instruments' current monitor register by register: shunt and bus voltage, the product registers with their
// calibration, the conversion-ready and overflow flags, reset and power-down.
//
// Source: INA219 data sheet SBOS448G, section 8.6. Both voltages are taken when the longer of their conversions is over.
type INA219 struct {
	current func(at time.Duration) int64
	voltage func(at time.Duration) int64
	shunt   int64

	mutex     sync.Mutex
	pointer   byte
	registers [6]uint16
	since     time.Duration
	ready     bool
}

// NewINA219 makes a monitor as after power-up. The world is the current in µA through a shunt in µohm, and the voltage of the supply in
// µV.
func NewINA219(current, voltage func(at time.Duration) int64, shunt int64) *INA219 {
	n := &INA219{current: current, voltage: voltage, shunt: shunt}
	n.reset(0)
	return n
}

// Reset is a power-up: a lost supply that came back.
func (n *INA219) Reset() {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.reset(n.since)
}

func (n *INA219) reset(at time.Duration) {
	n.registers, n.pointer, n.since, n.ready = [6]uint16{0x399f}, 0, at, false
}

// Tx implements Device.
func (n *INA219) Tx(at time.Duration, w, r []byte) error {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.convert(at)
	switch {
	case len(w) > 0 && w[0] > 5:
		return fmt.Errorf("INA219: %w: no register 0x%02x", ErrNoAnswer, w[0])
	case len(w) == 2 || len(w) > 3:
		return fmt.Errorf("INA219: %w: expected a register and two bytes, got %d", ErrNoAnswer, len(w)-1)
	case len(w) > 0:
		n.pointer = w[0]
	}
	if len(w) == 3 {
		n.set(at, uint16(w[1])<<8|uint16(w[2]))
	}
	value := n.registers[n.pointer]
	if len(r) > 0 && n.pointer == 3 {
		n.ready = false // reading the power clears the flag
	}
	if n.pointer == 2 && n.ready {
		value |= 2
	}
	for i := range r {
		r[i] = byte(value >> (8 * (1 - i&1)))
	}
	return nil
}

func (n *INA219) set(at time.Duration, value uint16) {
	switch n.pointer {
	case 0:
		if value&0x8000 != 0 {
			n.reset(at)
			return
		}
		n.registers[0], n.since, n.ready = value, at, false
	case 5:
		n.registers[5] = value &^ 1 // the lowest bit cannot be set
	} // the others are read only
}

// convert takes both voltages when a conversion is over.
func (n *INA219) convert(at time.Duration) {
	config := n.registers[0]
	if config&7 < 5 { // powered down, or triggered, which is not simulated
		return
	}
	takes := max(ina219Takes(config>>3&15), ina219Takes(config>>7&15))
	if at-n.since < takes {
		return
	}
	n.since += (at - n.since) / takes * takes
	n.ready = true
	most := int64(4000) << (config >> 11 & 3) // counts of 10 µV
	shunt := max(-most, min(toNearest(n.current(n.since)*n.shunt, 10_000_000), most))
	volts := int64(8000) // counts of 4 mV: 32 V
	if config&0x2000 == 0 {
		volts = 4000
	}
	volts = max(0, min(toNearest(n.voltage(n.since), 4000), volts))
	n.registers[1], n.registers[2] = uint16(int16(shunt)), uint16(volts)<<3
	current := shunt * int64(n.registers[5]) / 4096
	power := current * volts / 5000
	if current > 32767 || current < -32768 || power > 65535 {
		n.registers[2] |= 1
	}
	n.registers[4], n.registers[3] = uint16(int16(current)), uint16(max(power, -power))
}

// ina219Takes is how long a conversion of one voltage takes, by its setting.
func ina219Takes(setting uint16) time.Duration {
	if setting < 8 {
		return []time.Duration{84, 148, 276, 532}[setting&3] * time.Microsecond
	}
	return 532 * time.Microsecond << (setting & 7)
}
