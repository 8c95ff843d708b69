package actuators

import (
	"fmt"
	"sync"

	"periph.io/x/conn/v3/gpio"
)

// standby is a bridge's standby or sleep input, high while it drives.
type standby struct {
	pin   gpio.PinOut // nil when it is wired to the supply
	level gpio.Level  // last written
	known bool        // level is valid
}

// set writes the level, unless the pin has it already. The name is the device's, for errors.
func (s *standby) set(name string, awake bool) error {
	if s.pin == nil || s.known && s.level == gpio.Level(awake) {
		return nil
	}
	s.known = false
	if err := s.pin.Out(gpio.Level(awake)); err != nil {
		return fmt.Errorf("%s: set %s: %w", name, s.pin.Name(), err)
	}
	s.level, s.known = gpio.Level(awake), true
	return nil
}

// SharedStandby is a standby pin that several bridges have in common, such as the two halves of a TB6612FNG or DRV8833. It is
// high as long as one of them sets it high. It may be used from any goroutine.
type SharedStandby struct {
	pin   gpio.PinOut
	mutex sync.Mutex
	awake map[*standbyShare]bool
}

// NewSharedStandby returns a pin to be shared. It writes nothing.
func NewSharedStandby(pin gpio.PinOut) *SharedStandby {
	return &SharedStandby{pin: pin, awake: map[*standbyShare]bool{}}
}

// Share returns the standby pin of one more bridge.
func (s *SharedStandby) Share() gpio.PinOut { return &standbyShare{s.pin, s} }

// standbyShare is the share of one bridge.
type standbyShare struct {
	gpio.PinOut
	of *SharedStandby
}

// Out sets the level that this bridge needs.
func (p *standbyShare) Out(level gpio.Level) error {
	p.of.mutex.Lock()
	defer p.of.mutex.Unlock()
	if level == gpio.High {
		p.of.awake[p] = true
	} else {
		delete(p.of.awake, p)
	}
	return p.of.pin.Out(len(p.of.awake) > 0)
}
