package sim

import (
	"fmt"
	"sync"
	"time"
)

// PCA9685 simulates NXP's chip of sixteen PWM outputs register by register: sleep and wake, the prescaler that can be set asleep alone,
// auto-increment, full on and full off, all outputs at once.
//
// Source: PCA9685 data sheet, rev. 4, section 7.3. Sub-addresses keep what is written; RESTART and external clocks are not simulated.
type PCA9685 struct {
	mutex     sync.Mutex
	registers [256]byte
	pointer   byte
	awake     time.Duration // when it was woken
}

// NewPCA9685 makes a chip as after power-up: asleep, its outputs off.
func NewPCA9685() *PCA9685 {
	p := &PCA9685{}
	p.Reset()
	return p
}

// Reset is a power-up: a lost supply that came back.
func (p *PCA9685) Reset() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.registers = [256]byte{0: 0x11, 1: 0x04, 2: 0xe2, 3: 0xe4, 4: 0xe8, 5: 0xe0, 0xfe: 0x1e}
	for i := range 16 {
		p.registers[9+4*i] = 0x10
	}
	p.pointer = 0
}

// Tx implements Device.
func (p *PCA9685) Tx(at time.Duration, w, r []byte) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if len(w) > 0 {
		p.pointer = w[0]
		for i, value := range w[1:] {
			if i > 0 && p.registers[0]&0x20 == 0 {
				return fmt.Errorf("PCA9685: %w: a second byte without auto-increment", ErrNoAnswer)
			}
			p.set(at, p.pointer+byte(i), value)
		}
	}
	for i := range r {
		r[i] = p.registers[p.pointer]
		if p.registers[0]&0x20 != 0 {
			p.pointer++
		}
	}
	return nil
}

func (p *PCA9685) set(at time.Duration, register, value byte) {
	switch {
	case register == 0:
		if p.registers[0]&0x10 != 0 && value&0x10 == 0 {
			p.awake = at
		}
		p.registers[0] = value &^ 0x80
	case register == 0xfe:
		if p.registers[0]&0x10 != 0 { // else it is blocked
			p.registers[register] = max(value, 3)
		}
	case register >= 0xfa && register <= 0xfd: // of all outputs
		for i := range 16 {
			p.registers[6+4*i+int(register-0xfa)] = value
		}
	case register < 70:
		p.registers[register] = value
	}
}

// Output is what a channel puts out: the share of time for which it is high, in 4,096ths, and how often a second, in µHz; nothing
// while the chip sleeps.
func (p *PCA9685) Output(channel int) (high int, frequency int64) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.registers[0]&0x10 != 0 {
		return 0, 0
	}
	frequency = toNearest(25_000_000_000_000, 4096*(int64(p.registers[0xfe])+1))
	of := p.registers[6+4*channel:]
	on, off := int(of[0])|int(of[1]&0x0f)<<8, int(of[2])|int(of[3]&0x0f)<<8
	switch {
	case of[3]&0x10 != 0:
		high = 0
	case of[1]&0x10 != 0:
		high = 4096
	default:
		high = (off - on + 4096) % 4096
	}
	if p.registers[1]&0x10 != 0 {
		high = 4096 - high
	}
	return high, frequency
}
