package actuators

import (
	"fmt"
	"sync"

	"periph.io/x/conn/v3/gpio"
)

// standby is a bridge's standby or sleep input, high while it drives.
type standby struct {
	pin   gpio.PinOut // nil when it is wired to the supply
	level gpio.Level  // what the pin says,
	known bool        // if that is known
}

// set writes the level, unless it is there already. The name is the device's, for errors.
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

// SharedStandby is a standby pin that several bridges have in common, as the two halves of a TB6612FNG or DRV8833 do. It is high as long as
// one of them wants it high. It may be used from any goroutine.
type SharedStandby struct {
	pin   gpio.PinOut
	mutex sync.Mutex
	awake map[*standbyShare]bool
}

// NewSharedStandby shares a pin. It writes nothing.
func NewSharedStandby(pin gpio.PinOut) *SharedStandby {
	return &SharedStandby{pin: pin, awake: map[*standbyShare]bool{}}
}

// Share is the pin for one more bridge, for its HBridgeOpts.
func (s *SharedStandby) Share() gpio.PinOut { return &standbyShare{s.pin, s} }

// standbyShare is the pin as one of the bridges sees it.
type standbyShare struct {
	gpio.PinOut
	of *SharedStandby
}

// Out says what this bridge wants.
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
