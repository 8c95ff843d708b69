package sim

import (
	"fmt"
	"sync"
	"time"
)

// ADS1115 simulates Texas Instruments' analogue-to-digital converter register by register: single and continuous conversion, all eight
// inputs, full scales and rates. The comparator's registers only keep what is written.
//
// Source: ADS1115 data sheet SBAS444E, section 8.1. A conversion takes exactly the time that its rate says.
type ADS1115 struct {
	inputs [4]func(at time.Duration) int64

	mutex     sync.Mutex
	pointer   byte
	registers [4]uint16
	since     time.Duration // when the conversion under way began
	busy      bool
}

// NewADS1115 makes a converter as after power-up. The inputs are in µV against ground; one that is nil is at 0.
func NewADS1115(inputs [4]func(at time.Duration) int64) *ADS1115 {
	a := &ADS1115{inputs: inputs}
	a.Reset()
	return a
}

// Reset is a power-up: a lost supply that came back.
func (a *ADS1115) Reset() {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.pointer, a.busy = 0, false
	a.registers = [4]uint16{0, 0x8583, 0x8000, 0x7fff}
}

// Tx implements Device.
func (a *ADS1115) Tx(at time.Duration, w, r []byte) error {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if len(w) > 0 {
		if w[0] > 3 {
			return fmt.Errorf("ADS1115: %w: no register 0x%02x", ErrNoAnswer, w[0])
		}
		a.pointer = w[0]
	}
	a.finish(at)
	if len(w) == 3 && a.pointer != 0 { // the conversion register is read only
		a.registers[a.pointer] = uint16(w[1])<<8 | uint16(w[2])
		if a.pointer == 1 {
			single := a.registers[1]&0x0100 != 0
			a.busy = !single || a.registers[1]&0x8000 != 0
			a.since = at
		}
	} else if len(w) == 2 || len(w) > 3 {
		return fmt.Errorf("ADS1115: %w: expected a register and two bytes, got %d", ErrNoAnswer, len(w)-1)
	}
	value := a.registers[a.pointer]
	if a.pointer == 1 {
		value &^= 0x8000
		if !a.busy {
			value |= 0x8000
		}
	}
	for i := range r {
		r[i] = byte(value >> (8 * (1 - i&1)))
	}
	return nil
}

// finish takes over what is converted by now.
func (a *ADS1115) finish(at time.Duration) {
	config := a.registers[1]
	rate := [8]int64{8, 16, 32, 64, 128, 250, 475, 860}[config>>5&7]
	takes := time.Duration(int64(time.Second) / rate)
	if !a.busy || at-a.since < takes {
		return
	}
	count := (at - a.since) / takes
	if config&0x0100 != 0 {
		count, a.busy = 1, false
	}
	a.since += count * takes
	scale := [8]int64{6_144_000, 4_096_000, 2_048_000, 1_024_000, 512_000, 256_000, 256_000, 256_000}[config>>9&7]
	pair := [8][2]int{{0, 1}, {0, 3}, {1, 3}, {2, 3}, {0, -1}, {1, -1}, {2, -1}, {3, -1}}[config>>12&7]
	volts := a.input(pair[0], a.since) - a.input(pair[1], a.since)
	a.registers[0] = uint16(int16(max(-1<<15, min(toNearest(volts*(1<<15), scale), 1<<15-1))))
}

func (a *ADS1115) input(i int, at time.Duration) int64 {
	if i < 0 || a.inputs[i] == nil {
		return 0
	}
	return a.inputs[i](at)
}
