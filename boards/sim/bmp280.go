package sim

import (
	"fmt"
	"sync"
	"time"
)

// BMP280 simulates Bosch's barometer in air that never changes: the identity, the calibration and the counts of the worked example in
// its data sheet, 25.08 °C and 100,653 Pa. What is written to its control registers can be read back; the measurements are always
// over.
//
// Source: Bosch, BMP280 data sheet BST-BMP280-DS001, sections 3.12 and 4.3.
type BMP280 struct {
	mutex     sync.Mutex
	pointer   byte
	registers [256]byte
}

// NewBMP280 makes a barometer.
func NewBMP280() *BMP280 {
	b := &BMP280{}
	b.registers[0xd0] = 0x58
	for i, v := range []int{27504, 26435, -1000, 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000} {
		b.registers[0x88+2*i], b.registers[0x89+2*i] = byte(v), byte(v>>8)
	}
	for i, count := range []int{415_148, 519_888} { // pressure, temperature: 20 bits each, the highest first
		b.registers[0xf7+3*i], b.registers[0xf8+3*i], b.registers[0xf9+3*i] = byte(count>>12), byte(count>>4), byte(count<<4)
	}
	return b
}

// Tx implements Device.
func (b *BMP280) Tx(_ time.Duration, w, r []byte) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if len(w) > 0 {
		b.pointer = w[0]
	}
	for rest := w; len(rest) > 1; rest = rest[2:] { // pairs of register and value
		switch rest[0] {
		case 0xf2, 0xf4, 0xf5:
			b.registers[rest[0]] = rest[1]
		case 0xe0: // reset
			b.registers[0xf2], b.registers[0xf4], b.registers[0xf5] = 0, 0, 0
		default:
			return fmt.Errorf("BMP280: %w: register 0x%02x cannot be written", ErrNoAnswer, rest[0])
		}
	}
	for i := range r {
		r[i] = b.registers[b.pointer+byte(i)]
	}
	return nil
}
