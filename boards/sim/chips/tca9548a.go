package chips

import (
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"fluxd/boards/sim"
)

// TCA9548A simulates Texas Instruments' multiplexer: a register of one byte, of which each bit joins a bus to the chip's bus, and
// RESET.
//
// Source: Texas Instruments, TCA9548A data sheet, SCPS207F, sections 8.3 and 8.5.4.
type TCA9548A struct {
	mutex   sync.Mutex
	buses   [8]*sim.Bus
	control byte
	inReset bool
}

// NewTCA9548A returns a chip as after power-up: no bus is joined.
func NewTCA9548A(buses [8]*sim.Bus) *TCA9548A { return &TCA9548A{buses: buses} }

func senseTCA9548A(Sense, Settings) sim.Device { return NewTCA9548A([8]*sim.Bus{}) }

// Connect connects a bus to a channel, 0 to 7.
func (s *TCA9548A) Connect(channel int, bus *sim.Bus) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.buses[channel] = bus
}

// ResetBy connects RESET to a pin. A resistor pulls it up.
func (s *TCA9548A) ResetBy(reset *sim.Pin) {
	reset.Drive(gpio.High)
	s.mutex.Lock()
	s.inReset = reset.Read() == gpio.Low // an output may be low already
	s.mutex.Unlock()
	reset.Watch(func(_ time.Duration, level gpio.Level) {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.control, s.inReset = 0, level == gpio.Low
	})
}

// Reset resets the chip, as after a lost supply.
func (s *TCA9548A) Reset() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.control = 0
}

// Joined implements sim.Multiplexer.
func (s *TCA9548A) Joined() (joined []*sim.Bus) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for channel, bus := range s.buses {
		if bus != nil && s.control>>channel&1 != 0 {
			joined = append(joined, bus)
		}
	}
	return joined
}

// Tx implements sim.Device: of several bytes the last one counts.
func (s *TCA9548A) Tx(_ time.Duration, w, r []byte) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.inReset {
		return sim.ErrNoAnswer
	}
	if len(w) > 0 {
		s.control = w[len(w)-1]
	}
	for i := range r {
		r[i] = s.control
	}
	return nil
}
