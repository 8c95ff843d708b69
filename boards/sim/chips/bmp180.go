package chips

import (
	"fmt"
	"sync"
	"time"

	"fluxd/boards/sim"
)

// BMP180 simulates Bosch's older barometer, in air that never changes: the calibration and the counts of the worked example in
// its data sheet, 15.0 °C and 69,964 Pa. On request it converts one quantity at a time.
//
// Source: Bosch, BMP180 data sheet BST-BMP180-DS000, sections 3.3 to 3.5 and 4. Details that it leaves open, as simulated here: a
// conversion takes the longest time of the data sheet, and a request during a conversion replaces it.
type BMP180 struct {
	// Counts are the results for temperature and pressure; a test may change them between two transfers.
	Counts [2]uint16

	mutex   sync.Mutex
	control byte
	data    uint16
	since   time.Duration
	pointer byte
}

// bmp180Trim is the calibration of the example.
var bmp180Trim = [...]uint16{408, 65536 - 72, 65536 - 14383, 32741, 32757, 23153, 6190, 4, 32768, 65536 - 8711, 2868}

// NewBMP180 returns a barometer as after power-up.
func NewBMP180() *BMP180 {
	b := &BMP180{Counts: [2]uint16{27898, 23843}}
	b.Reset()
	return b
}

// Reset resets the chip, as after a lost supply.
func (b *BMP180) Reset() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.control, b.data, b.pointer = 0, 0x8000, 0
}

// Tx implements sim.Device.
func (b *BMP180) Tx(at time.Duration, w, r []byte) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.finish(at)
	if len(w) > 0 {
		b.pointer = w[0]
	}
	for register, value := range pairs(w) {
		switch register {
		case 0xf4:
			b.control, b.since = value, at
		case 0xe0:
			if value == 0xb6 {
				b.control, b.data = 0, 0x8000
			}
		default:
			return fmt.Errorf("BMP180: %w: register 0x%02x cannot be written", sim.ErrNoAnswer, register)
		}
	}
	for i := range r {
		r[i] = b.register(b.pointer + byte(i))
	}
	return nil
}

// finish ends a conversion that is over.
func (b *BMP180) finish(at time.Duration) {
	takes := 4500 * time.Microsecond // by how often the pressure is sampled: 1, 2, 4 or 8 times
	what := 0
	if b.control&0x1f == 0x14 {
		what = 1
		takes = [...]time.Duration{4500, 7500, 13_500, 25_500}[b.control>>6] * time.Microsecond
	}
	if b.control&0x20 != 0 && at-b.since >= takes {
		b.control &^= 0x20
		b.data = b.Counts[what]
	}
}

func (b *BMP180) register(number byte) byte {
	switch {
	case number >= 0xaa && int(number-0xaa) < 2*len(bmp180Trim):
		word := bmp180Trim[(number-0xaa)/2]
		return byte(word >> (8 * (1 - (number-0xaa)%2)))
	case number == 0xd0:
		return 0x55
	case number == 0xf4:
		return b.control
	case number == 0xf6:
		return byte(b.data >> 8)
	case number == 0xf7:
		return byte(b.data)
	}
	return 0
}
