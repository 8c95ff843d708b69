package sim

import (
	"sync"
	"time"
)

// The registers of the PCA9685 that do something, and their bits.
const (
	pcaMode1    = 0x00
	pcaMode2    = 0x01
	pcaLED0     = 0x06 // 16 channels of ON_L, ON_H, OFF_L, OFF_H
	pcaAll      = 0xfa // the same, of all channels at once
	pcaPrescale = 0xfe

	pcaRestart       = 0x80 // MODE1
	pcaAutoIncrement = 0x20
	pcaSleep         = 0x10
	pcaInvert        = 0x10 // MODE2
	pcaFull          = 0x10 // of ON_H or OFF_H
)

// PCA9685 simulates NXP's chip of sixteen PWM outputs register by register: sleep and wake, the prescaler that can be set asleep
// alone, auto-increment, full on and full off, all outputs at once. Outputs that were put to sleep while they were on stay off
// after waking until RESTART or an output is written.
//
// Source: PCA9685 data sheet, rev. 4, section 7.3. Sub-addresses keep what is written; external clocks are not simulated, and the
// oscillator needs no time.
type PCA9685 struct {
	mutex     sync.Mutex
	registers [256]byte
	pointer   byte
	stopped   bool // put to sleep while outputs were on, and not restarted since
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
	p.registers = [256]byte{pcaMode1: 0x11, pcaMode2: 0x04, 2: 0xe2, 3: 0xe4, 4: 0xe8, 5: 0xe0, pcaPrescale: 0x1e}
	for i := range 16 {
		p.channel(i)[3] = pcaFull
	}
	p.pointer, p.stopped = 0, false
}

func (p *PCA9685) channel(i int) []byte { return p.registers[pcaLED0+4*i:][:4] }

// Tx implements Device.
func (p *PCA9685) Tx(_ time.Duration, w, r []byte) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	next := p.registers[pcaMode1]&pcaAutoIncrement != 0 // as of the start: whether a change counts within a transfer is not told
	if len(w) > 0 {
		p.pointer = w[0]
		for _, value := range w[1:] {
			p.set(p.pointer, value)
			p.increment(next)
		}
	}
	for i := range r {
		r[i] = p.registers[p.pointer]
		if p.pointer == pcaMode1 && p.stopped {
			r[i] |= pcaRestart
		}
		p.increment(next)
	}
	return nil
}

// increment goes on to the next register where that was asked for; else the same is written or read again.
func (p *PCA9685) increment(next bool) {
	if next {
		p.pointer++
	}
}

func (p *PCA9685) set(register, value byte) {
	switch {
	case register == pcaMode1:
		before := p.registers[pcaMode1]
		p.registers[pcaMode1] = value &^ pcaRestart
		switch {
		case before&pcaSleep == 0 && value&pcaSleep != 0:
			p.stopped = p.on()
		case before&pcaSleep == 0 && value&pcaRestart != 0:
			p.stopped = false
		}
	case register == pcaPrescale:
		if p.registers[pcaMode1]&pcaSleep != 0 { // else it is blocked
			p.registers[register] = max(value, 3)
		}
	case register >= pcaAll && register < pcaPrescale:
		for i := range 16 {
			p.channel(i)[register-pcaAll] = value
		}
		p.stopped = false
	case register < pcaLED0+4*16:
		p.registers[register] = value
		if register >= pcaLED0 {
			p.stopped = false
		}
	}
}

// on reports whether any output is not switched off.
func (p *PCA9685) on() bool {
	for i := range 16 {
		if p.channel(i)[3]&pcaFull == 0 {
			return true
		}
	}
	return false
}

// Output is what a channel puts out: the share of time for which it is high, in 4,096ths, and how often a second, in µHz; nothing
// while the chip sleeps.
func (p *PCA9685) Output(channel int) (high int, frequency int64) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.registers[pcaMode1]&pcaSleep != 0 || p.stopped {
		return 0, 0
	}
	frequency = toNearest(25_000_000_000_000, 4096*(int64(p.registers[pcaPrescale])+1))
	of := p.channel(channel)
	on, off := int(of[0])|int(of[1]&0x0f)<<8, int(of[2])|int(of[3]&0x0f)<<8
	switch {
	case of[3]&pcaFull != 0:
		high = 0
	case of[1]&pcaFull != 0:
		high = 4096
	default:
		high = (off - on + 4096) % 4096
	}
	if p.registers[pcaMode2]&pcaInvert != 0 {
		high = 4096 - high
	}
	return high, frequency
}
