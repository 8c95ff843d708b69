package sensors_test

import (
	"errors"
	"fmt"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/sensors"
)

// parts are the pins and buses of a simulated board. The daemon gives those of the robot's board and of its expanders.
type parts struct{ board *sim.Board }

func (p parts) Pin(name string) (gpio.PinIO, error) { return p.board.Pin(name) }
func (p parts) Bus(name string) (i2c.Bus, error)    { return p.board.Bus(name) }

func (p parts) EdgePin(name string) (sensors.EdgePin, error) {
	pin, err := p.board.Pin(name)
	if err != nil {
		return nil, err
	}
	return pin.(sensors.EdgePin), nil
}

func (p parts) Recording(string) (*sensors.Recording, error) {
	return nil, errors.New("there are no recordings")
}

func (p parts) Quantity(string) (func(time.Duration) int64, error) {
	return nil, errors.New("there is no world")
}

func (p parts) Shared(_ string, create func() any) any { return create() }

func ExampleKind() {
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now })
	if err := board.Attach("I2C1", 0x40, chips.NewINA219(constant(1_500_000), constant(12_000_000), 100_000)); err != nil {
		fmt.Println(err)
		return
	}

	kind, _ := sensors.KindOf("ina219")
	opts := kind.New().(*sensors.INA219Opts) // a configuration sets them by their tags
	opts.Bus, opts.Address = "I2C1", kind.Addresses[0]
	device, err := opts.Open(parts{board})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(kind.Name, "measures", kind.About)
	for _, m := range opts.Measures() {
		s, err := device.Measure(m.Name)
		if err != nil {
			fmt.Println(err)
			return
		}
		if _, err := s.Sample(now); errors.Is(err, sensors.ErrNotYet) { // the first one starts the chip
			now += 10 * time.Millisecond
		}
		reading, err := s.Sample(now)
		fmt.Println(s, reading, "millionths of", m.Unit, err)
	}
	// Output:
	// ina219 measures current
	// ina219 at 0x40 on I2C1, current 1500000 millionths of A <nil>
	// ina219 at 0x40 on I2C1, voltage 12000000 millionths of V <nil>
	// ina219 at 0x40 on I2C1, power 18000000 millionths of W <nil>
	// ina219 at 0x40 on I2C1, shunt 150000 millionths of V <nil>
}
