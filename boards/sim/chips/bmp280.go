package chips

import (
	"fmt"
	"sync"
	"time"

	"fluxd/boards/sim"
)

// BMP280 simulates Bosch's barometer, or its relative the BME280, in air that never changes: the identity, the calibration and
// the counts of the worked example in its data sheet, 25.08 °C and 100,653 Pa. It measures once or continuously, by its mode.
// Before the first measurement is over, it shows the counts of power-up, which look like a warm day at a high altitude.
//
// Sources: Bosch, BMP280 data sheet BST-BMP280-DS001, sections 3.12 and 4.3; BME280 data sheet BST-BME280-DS002, sections 5.4 and
// 9.1 (times). The filter and the time between measurements keep what is written, and have no effect.
type BMP280 struct {
	humid bool

	mutex     sync.Mutex
	pointer   byte
	registers [256]byte
	humidity  byte          // 0xf2 as it was when 0xf4 was written: before that it has no effect
	since     time.Duration // start of the measurement
}

// NewBMP280 returns a barometer as after power-up: asleep.
func NewBMP280() *BMP280 { return newBMP280(0x58) }

// NewBME280 returns a barometer that measures humidity too: 48.7 %, with a calibration as in real chips.
func NewBME280() *BMP280 { return newBMP280(0x60) }

func restingBME280() sim.Device { return NewBME280() }

func newBMP280(identity byte) *BMP280 {
	b := &BMP280{humid: identity == 0x60}
	b.registers[0xd0] = identity
	for i, v := range []int{27504, 26435, -1000, 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000} {
		b.registers[0x88+2*i], b.registers[0x89+2*i] = byte(v), byte(v>>8)
	}
	if b.humid {
		b.registers[0xa1] = 75
		copy(b.registers[0xe1:], []byte{0x72, 0x01, 0, 0x13, 0x29, 0x03, 0x1e}) // 370, 0, 313, 50, 30
	}
	b.Reset()
	return b
}

// Reset resets the chip, as after a lost supply.
func (b *BMP280) Reset() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.reset()
}

func (b *BMP280) reset() {
	b.pointer = 0
	b.registers[0xf2], b.registers[0xf4], b.registers[0xf5] = 0, 0, 0
	copy(b.registers[0xf7:], []byte{0x80, 0, 0, 0x80, 0, 0})
	if b.humid {
		b.registers[0xfd] = 0x80
	}
}

// Tx implements sim.Device.
func (b *BMP280) Tx(at time.Duration, w, r []byte) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.finish(at)
	if len(w) > 0 {
		b.pointer = w[0]
	}
	for register, value := range pairs(w) {
		if err := b.set(at, register, value); err != nil {
			return err
		}
	}
	for i := range r {
		r[i] = b.registers[b.pointer+byte(i)]
	}
	return nil
}

func (b *BMP280) set(at time.Duration, register, value byte) error {
	switch {
	case register == 0xf4:
		b.registers[register], b.since, b.humidity = value, at, b.registers[0xf2]
	case register == 0xf2 && b.humid:
		b.registers[register] = value
	case register == 0xf5:
		if b.registers[0xf4]&3 != 3 { // it may be ignored while the chip measures
			b.registers[register] = value
		}
	case register == 0xe0:
		if value == 0xb6 {
			b.reset()
		}
	default:
		return fmt.Errorf("BMP280: %w: register 0x%02x cannot be written", sim.ErrNoAnswer, register)
	}
	return nil
}

// finish updates the results when the first measurement since the mode was set is over.
func (b *BMP280) finish(at time.Duration) {
	mode := b.registers[0xf4] & 3
	if mode == 0 || at-b.since < b.takes() {
		return
	}
	for i, count := range []int{415_148, 519_888} { // pressure, temperature: 20 bits each, the highest first
		if b.registers[0xf4]>>[2]int{2, 5}[i]&7 == 0 {
			count = 0x80000 // not measured
		}
		b.registers[0xf7+3*i], b.registers[0xf8+3*i], b.registers[0xf9+3*i] = byte(count>>12), byte(count>>4), byte(count<<4)
	}
	if b.humid {
		b.registers[0xfd], b.registers[0xfe] = 0x80, 0 // not measured
		if b.humidity&7 != 0 {
			b.registers[0xfd] = 0x70
		}
	}
	if mode != 3 { // a single measurement
		b.registers[0xf4] &^= 3
	}
}

// takes returns the longest duration of a measurement, by the number of samples of each quantity.
func (b *BMP280) takes() time.Duration {
	times := func(bits byte) time.Duration { return time.Duration(1) << min(bits&7, 5) >> 1 }
	takes := 1250*time.Microsecond + 2300*time.Microsecond*times(b.registers[0xf4]>>5)
	for _, n := range []time.Duration{times(b.registers[0xf4] >> 2), times(b.humidity)} {
		if n > 0 {
			takes += 575*time.Microsecond + 2300*time.Microsecond*n
		}
	}
	return takes
}
