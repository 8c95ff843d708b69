package chips

import (
	"fmt"
	"sync"
	"time"

	"fluxd/boards/sim"
)

// BMP280 simulates Bosch's barometer, or its relative the BME280: the identity, the calibration and, in air at rest, the counts
// of the worked example in its data sheet, 25.08 °C and 100,653 Pa. It measures once or continuously, by its mode. Before the
// first measurement is over, it shows the counts of power-up, which look like a warm day at a high altitude.
//
// Sources: Bosch, BMP280 data sheet BST-BMP280-DS001, sections 3.11, 3.12 and 4.3; BME280 data sheet BST-BME280-DS002, sections
// 4.2.3, 5.4 and 9.1 (times). The filter and the time between measurements keep what is written, and have no effect.
type BMP280 struct {
	humid bool
	// pressure in µPa, temperature in millionths of °C, humidity in millionths of %; nil: at rest
	air [3]func(at time.Duration) int64

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

func senseBME280(sense Sense, _ Settings) sim.Device {
	b := NewBME280()
	b.air = [3]func(time.Duration) int64{sense.of("pressure"), sense.of("temperature"), sense.of("humidity")}
	return b
}

// The calibration, in the order of the registers: T1 to T3 and P1 to P9; H1 to H6.
var (
	bmp280Trim = [...]int64{27504, 26435, -1000, 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000}
	bme280Trim = [...]int64{75, 370, 0, 313, 50, 30}
)

// bmp280Resting are the counts of pressure, temperature and humidity at rest.
var bmp280Resting = [3]int64{415_148, 519_888, 0x7000}

func newBMP280(identity byte) *BMP280 {
	b := &BMP280{humid: identity == 0x60}
	b.registers[0xd0] = identity
	for i, v := range bmp280Trim {
		b.registers[0x88+2*i], b.registers[0x89+2*i] = byte(v), byte(v>>8)
	}
	if b.humid {
		b.registers[0xa1] = byte(bme280Trim[0])
		copy(b.registers[0xe1:], []byte{0x72, 0x01, 0, 0x13, 0x29, 0x03, 0x1e}) // the others, of which two share a byte
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
	counts := b.counts(b.since + (at-b.since)/b.takes()*b.takes())
	for i, count := range counts[:2] { // pressure, temperature: 20 bits each, the highest first
		if b.registers[0xf4]>>[2]int{2, 5}[i]&7 == 0 {
			count = 0x80000 // not measured
		}
		b.registers[0xf7+3*i], b.registers[0xf8+3*i], b.registers[0xf9+3*i] = byte(count>>12), byte(count>>4), byte(count<<4)
	}
	if b.humid {
		b.registers[0xfd], b.registers[0xfe] = 0x80, 0 // not measured
		if b.humidity&7 != 0 {
			b.registers[0xfd], b.registers[0xfe] = byte(counts[2]>>8), byte(counts[2])
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

// counts returns the results of a measurement at a time: those which the formulas of the data sheet convert to what is sensed.
// The formulas have no inverse that is as exact, so a bisection finds them.
func (b *BMP280) counts(at time.Duration) [3]int64 {
	counts := bmp280Resting
	if b.air[1] != nil {
		degrees := b.air[1](at)
		counts[1] = bisect(20, func(count int64) bool { return bmp280Fine(count)*5*10_000/256 >= degrees })
	}
	fine := bmp280Fine(counts[1])
	if b.air[0] != nil {
		pascals := b.air[0](at)
		counts[0] = bisect(20, func(count int64) bool { return bmp280Pressure(count, fine) <= pascals })
	}
	if b.air[2] != nil {
		percent := b.air[2](at)
		counts[2] = bisect(16, func(count int64) bool { return bme280Humidity(count, fine) >= percent })
	}
	return counts
}

// bisect returns the smallest number of so many bits from which on a condition holds; the largest if it never does.
func bisect(bits int, from func(int64) bool) int64 {
	low, high := int64(0), int64(1)<<bits-1
	for low < high {
		if middle := (low + high) / 2; from(middle) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}

// bmp280Fine returns the temperature that the other formulas need, in units of 1/5120 °C.
func bmp280Fine(count int64) int64 {
	t := bmp280Trim
	first := (count>>3 - t[0]<<1) * t[1] >> 11
	second := (count>>4 - t[0]) * (count>>4 - t[0]) >> 12 * t[2] >> 14
	return first + second
}

// bmp280Pressure returns the pressure of a count, in µPa. More counts are less pressure.
func bmp280Pressure(count, fine int64) int64 {
	p := bmp280Trim[2:] // p[1] is P1
	x := fine - 128_000
	offset := x*x*p[6] + x*p[5]<<17 + p[4]<<35
	scale := (1<<47 + x*x*p[3]>>8 + x*p[2]<<12) * p[1] >> 33
	pressure := ((1_048_576-count)<<31 - offset) * 3125 / scale
	pressure += p[9]*(pressure>>13)*(pressure>>13)>>25 + p[8]*pressure>>19
	return toNearest((pressure>>8+p[7]<<4)*1_000_000, 256)
}

// bme280Humidity returns the humidity of a count, in millionths of per cent.
func bme280Humidity(count, fine int64) int64 {
	h := bme280Trim // h[0] is H1
	x := fine - 76_800
	offset := (count<<14 - h[3]<<20 - h[4]*x + 16_384) >> 15
	slope := ((x*h[5]>>10*(x*h[2]>>11+32_768)>>10+2_097_152)*h[1] + 8192) >> 14
	humidity := offset * slope
	humidity -= (humidity >> 15) * (humidity >> 15) >> 7 * h[0] >> 4
	return max(0, min(humidity, 419_430_400)) >> 12 * 1_000_000 / 1024
}
