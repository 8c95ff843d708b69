package hardware

import (
	"fmt"
	"strings"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"fluxd/actuators"
	"fluxd/boards/expanders"
	"fluxd/boards/header"
	"fluxd/configs"
	"fluxd/sensors"
)

// pin returns a pin of the board, or of an expander (name/pin).
func (b *Body) pin(name string) (gpio.PinIO, error) {
	if e := b.expanderOf(name); e != nil {
		return b.expanderPin(*e, strings.TrimPrefix(name, e.Name+"/"))
	}
	return b.Board.Pin(header.CanonicalPin(name))
}

// edgePin returns a pin that reports the times of its edges.
func (b *Body) edgePin(name string) (sensors.EdgePin, error) {
	pin, err := b.pin(name)
	if err != nil {
		return nil, err
	}
	edges, ok := pin.(sensors.EdgePin)
	if !ok {
		return nil, fmt.Errorf("pin %s reports no times of its edges: use a GPIO pin of the board", name)
	}
	return edges, nil
}

// expanderPin returns a pin of an expander.
func (b *Body) expanderPin(e configs.Named[configs.Expander], pin string) (gpio.PinIO, error) {
	chip, err := b.expander(e)
	if err != nil {
		return nil, err
	}
	return chip.Pin(pin)
}

// expanderBus returns a bus of an expander.
func (b *Body) expanderBus(e configs.Named[configs.Expander], bus string) (i2c.Bus, error) {
	chip, err := b.expander(e)
	if err != nil {
		return nil, err
	}
	mux, is := chip.(expanders.Multiplexer)
	if !is {
		return nil, fmt.Errorf("expander %s: a %s has pins but no buses", e.Name, e.Value.Device)
	}
	return mux.Bus(bus)
}

// expander returns an expander, and opens it at the first call.
func (b *Body) expander(e configs.Named[configs.Expander]) (expanders.Chip, error) {
	place := "expander " + e.Name
	if b.chips[place] == nil {
		made, err := e.Value.Options.Open(claims{b})
		if err != nil {
			return nil, fmt.Errorf("expander %s: %w", e.Name, err)
		}
		b.chips[place] = made
	}
	return b.chips[place].(expanders.Chip), nil
}

// claims gives expanders their bus, and claims their address: no kernel driver may have it.
type claims struct{ *Body }

// Pin implements expanders.Parts.
func (c claims) Pin(name string) (gpio.PinIO, error) { return c.pin(name) }

// Bus implements expanders.Parts.
func (c claims) Bus(name string, address uint16) (i2c.Bus, error) {
	bus, err := c.bus(name)
	if err != nil {
		return nil, err
	}
	board, real := c.Board.(interface{ Claim(string, uint16) error })
	if real && c.expanderOf(name) == nil { // behind a multiplexer, the address belongs to the owner of the multiplexer
		return bus, board.Claim(header.CanonicalBus(name), address)
	}
	return bus, nil
}

// expanderOf returns the expander of a pin or bus; nil for a pin or bus of the board.
func (b *Body) expanderOf(pin string) *configs.Named[configs.Expander] {
	if !strings.Contains(pin, "/") {
		return nil
	}
	for i := range b.config.Expanders {
		if e := &b.config.Expanders[i]; strings.HasPrefix(pin, e.Name+"/") {
			return e
		}
	}
	return nil
}

// parts gives devices their pins and buses.
type parts struct{ *Body }

// Pin implements actuators.Parts and sensors.Parts.
func (p parts) Pin(name string) (gpio.PinIO, error) { return p.pin(name) }

// EdgePin implements sensors.Parts.
func (p parts) EdgePin(name string) (sensors.EdgePin, error) { return p.edgePin(name) }

// Bus implements sensors.Parts. A bus that a simulated board does not have is a mistake of the robot file; on a real board it may
// appear later.
func (p parts) Bus(name string) (i2c.Bus, error) {
	bus, err := p.bus(name)
	if err != nil && p.config.Board.Kind == "sim" {
		err = At("bus", err)
	}
	return bus, err
}

// Quantity implements sensors.Parts. Where no world is open, as on paper, the quantity is 0.
func (p parts) Quantity(name string) (func(at time.Duration) int64, error) {
	if p.World == nil {
		return func(time.Duration) int64 { return 0 }, nil
	}
	read, ok := p.World.Quantity(name)
	if !ok {
		return nil, fmt.Errorf("the world has no %q", name)
	}
	return read, nil
}

// Shared implements sensors.Parts.
func (p parts) Shared(place string, create func() any) any {
	if p.chips["shared "+place] == nil {
		p.chips["shared "+place] = create()
	}
	return p.chips["shared "+place]
}

// Frequency implements actuators.Parts.
func (p parts) Frequency(pin string) physic.Frequency {
	if e := p.expanderOf(pin); e != nil {
		frequency, _ := e.Value.Options.Shared()
		return frequency
	}
	return 0
}

// Standby implements actuators.Parts.
func (p parts) Standby(name string) (gpio.PinOut, error) {
	pin, err := p.pin(name)
	if err != nil {
		return nil, err
	}
	place := "standby " + pin.Name()
	if p.chips[place] == nil {
		p.chips[place] = actuators.NewSharedStandby(pin)
	}
	return p.chips[place].(*actuators.SharedStandby).Share(), nil
}
