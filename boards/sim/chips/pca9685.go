package chips

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"

	"fluxd/boards/sim"
)

// PCA9685 simulates NXP's 16 channels of PWM register by register: sleep and the start of the oscillator, restart,
// auto-increment, the prescaler that is locked while the chip is awake, full on and full off, inversion. The chip's other
// addresses (all call, subaddresses, software reset) are missing: their registers keep what is written. An external clock is
// missing too: a chip that is set to use one stands still.
//
// Source: NXP, PCA9685 data sheet, rev. 4, 2015. Details that it leaves open, as simulated here: outputs are off while the
// oscillator does not run; registers that are written while it starts are kept; RESTART is set at once and not at the end of a
// period; channels that wait for RESTART go on when it is written, or one by one when their own registers are.
type PCA9685 struct {
	mutex     sync.Mutex
	registers [256]byte
	pointer   byte          // the register that is read next
	running   time.Duration // while the chip is awake: since when the oscillator runs, or will
	waiting   uint16        // channels that were active when the chip was put to sleep, a bit each

	lines      [16]*sim.Pin
	now        atomic.Int64 // their clock: the time of the last transfer
	oscillator physic.Frequency
	inverted   bool // the lines are behind drivers that invert
}

// The registers and bits that are simulated.
const (
	pca9685Mode1    = 0x00
	pca9685Mode2    = 0x01
	pca9685First    = 0x06 // four for each channel: on, low and high; off, low and high
	pca9685Last     = 0x45
	pca9685All      = 0xfa // the same four for all channels
	pca9685Prescale = 0xfe

	pca9685Restart   = 0x80 // MODE1
	pca9685External  = 0x40
	pca9685Increment = 0x20
	pca9685Sleep     = 0x10
	pca9685Inverted  = 0x10 // MODE2
	pca9685Full      = 0x10 // of a channel's two high bytes
)

// pca9685StartUp is the time that the oscillator takes to start.
const pca9685StartUp = 500 * time.Microsecond

// NewPCA9685 returns a chip as after power-up: asleep, with all outputs off.
func NewPCA9685() *PCA9685 {
	s := &PCA9685{oscillator: 25 * physic.MegaHertz}
	clock := func() time.Duration { return time.Duration(s.now.Load()) }
	for i := range s.lines {
		s.lines[i] = sim.NewPin(strconv.Itoa(i), i, clock)
	}
	s.Reset()
	return s
}

// sensePCA9685 has an oscillator of the frequency that the robot file says, and lines behind drivers that invert if it says so.
func sensePCA9685(_ Sense, settings Settings) sim.Device {
	s := NewPCA9685()
	s.oscillator = physic.Frequency(settings.numberOr("oscillator", float64(s.oscillator)))
	s.inverted = settings.on("inverted")
	s.connect()
	return s
}

// Line returns the line that is connected to an output, "0" to "15": what a device on the output sees. A level is a level, and
// not PWM. The clock of the line is the time of the last transfer, and an output that waits for the oscillator to start is on
// already.
func (s *PCA9685) Line(name string) (*sim.Pin, error) {
	for _, line := range s.lines {
		if line.Name() == name {
			return line, nil
		}
	}
	return nil, fmt.Errorf("simulated PCA9685: no line %q: expected 0 to 15", name)
}

// connect sets the lines up as the registers say.
func (s *PCA9685) connect() {
	period := int64(s.registers[pca9685Prescale]) + 1
	frequency := (s.oscillator + 2048*physic.Frequency(period)) / (4096 * physic.Frequency(period))
	for i, line := range s.lines {
		duty := s.duty(s.running, i)
		if s.inverted {
			duty = gpio.DutyMax - duty
		}
		switch {
		case duty > 0 && duty < gpio.DutyMax && frequency > 0:
			if before, at := line.PWMState(); before != duty || at != frequency {
				line.PWM(duty, frequency)
			}
		case line.Func() != gpio.OUT || line.Read() != (duty > 0):
			line.Out(duty > 0)
		}
	}
}

// Reset resets all registers, as after a lost supply.
func (s *PCA9685) Reset() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.registers = [256]byte{pca9685Mode1: 0x11, pca9685Mode2: 0x04, 0x02: 0xe2, 0x03: 0xe4, 0x04: 0xe8, 0x05: 0xe0,
		pca9685Prescale: 0x1e}
	for channel := range 16 {
		s.registers[pca9685First+4*channel+3] = pca9685Full
	}
	s.pointer, s.waiting = 0, 0
	s.connect()
}

// Duty returns the share of time for which an output, 0 to 15, is high. A floating open-drain output counts as high; a number
// that does not exist is always low.
func (s *PCA9685) Duty(at time.Duration, output int) gpio.Duty {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if output < 0 || output > 15 {
		return 0
	}
	return s.duty(at, output)
}

func (s *PCA9685) duty(at time.Duration, output int) gpio.Duty {
	duty := gpio.Duty(0)
	if s.runs(at) && s.waiting>>output&1 == 0 {
		duty = s.on(output) * (gpio.DutyMax / 4096)
	}
	if s.registers[pca9685Mode2]&pca9685Inverted != 0 {
		return gpio.DutyMax - duty
	}
	return duty
}

// Prescale returns the prescaler: the frequency of all outputs is 25 MHz / 4096 / (prescaler + 1).
func (s *PCA9685) Prescale() byte {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.registers[pca9685Prescale]
}

// Tx implements sim.Device: the first byte written is the number of a register. The others are written to it, or from there on if
// auto-increment is set, and reading continues from there.
func (s *PCA9685) Tx(at time.Duration, w, r []byte) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.now.Store(int64(at))
	if len(w) > 0 {
		if register := w[0]; register > pca9685Last && register < pca9685All {
			return fmt.Errorf("PCA9685: %w: register 0x%02x is reserved", sim.ErrNoAnswer, register)
		}
		s.pointer = w[0]
		for _, value := range w[1:] {
			s.write(at, s.pointer, value)
			s.advance()
		}
	}
	if len(w) > 1 {
		s.connect()
	}
	for i := range r {
		r[i] = s.registers[s.pointer] // the registers for all channels read as zero: writes to them are not stored there
		s.advance()
	}
	return nil
}

// advance moves on to the next register: after the last of the channels, and after the prescaler, comes the first of all.
func (s *PCA9685) advance() {
	switch {
	case s.registers[pca9685Mode1]&pca9685Increment == 0:
	case s.pointer == pca9685Last, s.pointer >= pca9685Prescale:
		s.pointer = 0
	default:
		s.pointer++
	}
}

func (s *PCA9685) write(at time.Duration, register, value byte) {
	switch {
	case register == pca9685Mode1:
		s.setMode(at, value)
	case register == pca9685Mode2:
		s.registers[register] = value & 0x1f
	case register < pca9685First:
		s.registers[register] = value &^ 1
	case register <= pca9685Last:
		s.setChannel(int(register-pca9685First)/4, register&1 != 0, register, value)
	case register < pca9685Prescale:
		offset := register - pca9685All
		for channel := range 16 {
			s.setChannel(channel, offset&1 != 0, pca9685First+4*byte(channel)+offset, value)
		}
	case register == pca9685Prescale && s.registers[pca9685Mode1]&pca9685Sleep != 0:
		s.registers[register] = max(value, 3)
	}
}

// setChannel writes one of the four registers of a channel. High bytes have five bits.
func (s *PCA9685) setChannel(channel int, high bool, register, value byte) {
	if high {
		value &= 0x1f
	}
	s.registers[register] = value
	s.registers[pca9685Mode1] &^= pca9685Restart
	s.waiting &^= 1 << channel
}

// setMode writes MODE1. RESTART is cleared by writing 1 to it while the oscillator runs. EXTCLK can be set in sleep only, and
// never cleared.
func (s *PCA9685) setMode(at time.Duration, value byte) {
	before := s.registers[pca9685Mode1]
	restart := before & pca9685Restart
	if restart&value != 0 && value&pca9685Sleep == 0 && s.runs(at) {
		restart, s.waiting = 0, 0
	}
	switch {
	case before&pca9685Sleep == 0 && value&pca9685Sleep != 0:
		for channel := range 16 {
			if s.on(channel) > 0 {
				s.waiting |= 1 << channel
				restart = pca9685Restart
			}
		}
	case before&pca9685Sleep != 0 && value&pca9685Sleep == 0:
		s.running = at + pca9685StartUp
	}
	external := before & pca9685External
	if before&value&pca9685Sleep != 0 {
		external |= value & pca9685External
	}
	s.registers[pca9685Mode1] = restart | external | value&0x3f
}

// runs reports whether the oscillator runs.
func (s *PCA9685) runs(at time.Duration) bool {
	return s.registers[pca9685Mode1]&(pca9685Sleep|pca9685External) == 0 && at >= s.running
}

// on returns for how many of the 4,096 steps of a period a channel is on. A channel whose off time is before its on time is on
// across the end of the period.
func (s *PCA9685) on(channel int) gpio.Duty {
	r := s.registers[pca9685First+4*channel:][:4]
	switch {
	case r[3]&pca9685Full != 0:
		return 0
	case r[1]&pca9685Full != 0:
		return 4096
	}
	on, off := gpio.Duty(r[1])<<8|gpio.Duty(r[0]), gpio.Duty(r[3])<<8|gpio.Duty(r[2])
	return (off - on + 4096) % 4096
}
