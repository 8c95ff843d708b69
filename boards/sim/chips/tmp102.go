package chips

import (
	"fmt"
	"sync"
	"time"

	"fluxd/boards/sim"
)

// TMP102 simulates Texas Instruments' thermometer, or its relative the TMP105, register by register: temperature, configuration
// and the two limits. Like the chips it measures from power-up on.
//
// Sources: TMP102 data sheet SBOS397H, section 6.5; TMP105 data sheet SBOS648B, section 7.5. One shot is not simulated.
type TMP102 struct {
	temperature func(at time.Duration) int64
	tmp105      bool

	mutex   sync.Mutex
	pointer byte
	config  uint16
	limits  [2]uint16
	since   time.Duration // start of the period
	result  uint16
}

// NewTMP102 returns a TMP102 as after power-up; the temperature is in millionths of a degree Celsius.
func NewTMP102(temperature func(at time.Duration) int64) *TMP102 {
	return newTMP102(temperature, false)
}

// NewTMP105 returns a TMP105.
func NewTMP105(temperature func(at time.Duration) int64) *TMP102 { return newTMP102(temperature, true) }

func senseTMP102(sense Sense, _ Settings) sim.Device {
	return NewTMP102(sense.or("", restingTemperature))
}

func senseTMP105(sense Sense, _ Settings) sim.Device {
	return NewTMP105(sense.or("", restingTemperature))
}

func newTMP102(temperature func(at time.Duration) int64, tmp105 bool) *TMP102 {
	t := &TMP102{temperature: temperature, tmp105: tmp105}
	t.Reset()
	return t
}

// Reset resets the chip, as after a lost supply.
func (t *TMP102) Reset() {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.pointer, t.result, t.config, t.limits = 0, 0, 0x60a0, [2]uint16{0x4b00, 0x5000}
	if t.tmp105 {
		t.config = 0
	}
}

// Tx implements sim.Device.
func (t *TMP102) Tx(at time.Duration, w, r []byte) error {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.measure(at)
	wide := 2
	if len(w) > 0 {
		if w[0] > 3 {
			return fmt.Errorf("TMP102: %w: no register 0x%02x", sim.ErrNoAnswer, w[0])
		}
		t.pointer = w[0]
	}
	if t.tmp105 && t.pointer == 1 {
		wide = 1
	}
	if len(w) > 1 {
		if len(w) != 1+wide || t.pointer == 0 {
			return fmt.Errorf("TMP102: %w: expected %d bytes for register %d, got %d", sim.ErrNoAnswer, wide, t.pointer, len(w)-1)
		}
		value := uint16(w[1]) << 8
		if wide == 2 {
			value |= uint16(w[2])
		}
		if t.pointer == 1 {
			if !t.tmp105 {
				value = value&0x9fd0 | 0x6020 // resolution and alert cannot be written
			}
			t.config, t.since = value, at
		} else {
			t.limits[t.pointer-2] = value
		}
	}
	value := t.result
	if t.pointer == 1 {
		value = t.config
	} else if t.pointer > 1 {
		value = t.limits[t.pointer-2]
	}
	if wide == 1 {
		value |= value >> 8
	}
	answer(r, value)
	return nil
}

// measure updates the temperature register by the last measurement that is over.
func (t *TMP102) measure(at time.Duration) {
	if t.config&0x0100 != 0 {
		return
	}
	period := [4]time.Duration{4 * time.Second, time.Second, 250 * time.Millisecond, 125 * time.Millisecond}[t.config>>6&3]
	resolution := uint16(3)
	if t.tmp105 {
		resolution = t.config >> 13 & 3
		period = 27500 * time.Microsecond << resolution // 220 ms with 12 bits
	}
	if at-t.since < period {
		return
	}
	t.since += (at - t.since) / period * period
	count := toNearest(bounded(t.temperature(t.since), 1_000_000_000_000), 62_500) // of a sixteenth of a degree
	step := int64(1) << (3 - resolution)
	if !t.tmp105 && t.config&0x0010 != 0 { // extended mode: 13 bits, marked by the lowest
		t.result = uint16(int16(max(-4096, min(count, 4095))))<<3 | 1
		return
	}
	count = max(-2048, min(count, 2047)) / step * step
	t.result = uint16(int16(count)) << 4
}
