package expanders

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"fluxd/options"
)

// TCA9548AOpts are the options of a TCA9548A.
type TCA9548AOpts struct {
	Bus     string `yaml:"bus" required:"true" doc:"I2C bus, such as I2C1"`
	Address uint16 `yaml:"address" required:"true" doc:"I2C address: 0x70 plus the pins A0 to A2"`
	// Reset releases a channel that a device holds low, so that the other channels go on.
	Reset string `yaml:"reset" pin:"out" doc:"pin of the board at its RESET; without it a device that holds its channel low stops the whole bus"`
}

var tca9548aKind = Kind{Name: "tca9548a", About: "8 buses, 0 to 7, of which devices may have the same addresses",
	New: func() Options { return new(TCA9548AOpts) }, Addresses: addresses(0x70, 0x77), Buses: tca9548aBuses()}

func tca9548aBuses() (names []string) {
	for channel := range 8 {
		names = append(names, strconv.Itoa(channel))
	}
	return names
}

// Open implements Options.
func (o *TCA9548AOpts) Open(from Parts) (Chip, error) {
	bus, err := from.Bus(o.Bus, o.Address)
	if err != nil {
		return nil, err
	}
	var reset gpio.PinOut
	if o.Reset != "" {
		if reset, err = from.Pin(o.Reset); err != nil {
			return nil, err
		}
	}
	chip, err := NewTCA9548A(bus, o.Address, reset)
	if err != nil {
		return nil, err
	}
	return chip, nil
}

// Shared implements Options: there is no PWM.
func (o *TCA9548AOpts) Shared() (configured physic.Frequency, period time.Duration) { return 0, 0 }

// Check finds an address that the chip cannot have, and a pin that may be behind the chip.
func (o *TCA9548AOpts) Check() []options.Mistake {
	mistakes := checkAddress(o.Address, tca9548aKind.Addresses)
	if strings.Contains(o.Reset, "/") {
		mistakes = append(mistakes, options.Wrong("reset", "%s: expected a pin of the board, which works when no bus does", o.Reset))
	}
	return mistakes
}

// TCA9548A is a multiplexer: eight channels, "0" to "7", of which it joins one at a time to its own bus. So eight devices with
// the same address can be used. (The TCA9548, PCA9548 and PCA9548A use the same protocol.)
//
// Before each transfer its channel is selected, whatever another program or a lost supply has left selected. The channel stays
// selected until the next transfer to another one. So devices behind the chip must have other addresses than those on its own
// bus: they receive the transfers of that bus too.
//
// A device that holds its wires low stops the bus, and all channels with it, as long as its channel is selected. After each
// failed transfer all channels are deselected. If that fails, a pulse at RESET does it, if a pin is joined to it. Then the next
// transfer to another channel succeeds.
//
// It may be used from any goroutine: only one transfer runs at a time.
//
// Source: Texas Instruments, TCA9548A data sheet, SCPS207F, sections 8.3 (RESET), 8.5.4 (control register) and 6.7 (the pulse at
// RESET: 6 ns).
type TCA9548A struct {
	bus     i2c.Bus
	address uint16
	reset   gpio.PinOut // may be nil

	mutex sync.Mutex // held during a selection and its transfer
}

// NewTCA9548A returns a multiplexer. It uses neither the bus nor the reset pin, which may be nil. The address is 0x70 plus the
// pins A0 to A2.
func NewTCA9548A(bus i2c.Bus, address uint16, reset gpio.PinOut) (*TCA9548A, error) {
	m := &TCA9548A{bus: bus, address: address, reset: reset}
	for _, mistake := range checkAddress(address, tca9548aKind.Addresses) {
		return nil, fmt.Errorf("%s: %s: %w", m, mistake.Key, mistake)
	}
	return m, nil
}

// String returns the name of the chip, its address and its bus.
func (m *TCA9548A) String() string { return fmt.Sprintf("tca9548a at %#02x on %s", m.address, m.bus) }

// Pin fails: a multiplexer has no pins.
func (m *TCA9548A) Pin(name string) (gpio.PinIO, error) {
	return nil, fmt.Errorf("%s: no pin %q: it has the buses 0 to 7, and no pins", m, name)
}

// Bus returns a channel by its name, "0" to "7".
func (m *TCA9548A) Bus(name string) (i2c.Bus, error) {
	channel := slices.Index(tca9548aKind.Buses, name)
	if channel < 0 {
		return nil, fmt.Errorf("%s: no bus %q: expected 0 to 7", m, name)
	}
	return &tca9548aChannel{m, channel}, nil
}

// Check checks that the chip answers. It has no settings to lose.
func (m *TCA9548A) Check() error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if err := m.bus.Tx(m.address, nil, make([]byte, 1)); err != nil {
		return m.failed("read", err)
	}
	return nil
}

// Halt deselects all channels.
func (m *TCA9548A) Halt() error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.deselect()
}

// selectChannels writes the control register, in which each bit is a channel. If that fails, it tries again after a reset.
func (m *TCA9548A) selectChannels(doing string, channels byte) error {
	err := m.bus.Tx(m.address, []byte{channels}, nil)
	if err == nil {
		return nil
	}
	if m.reset == nil {
		return m.failed(doing, err)
	}
	if wrong := errors.Join(m.reset.Out(gpio.Low), m.reset.Out(gpio.High)); wrong != nil {
		return m.failed("reset", wrong)
	}
	if err := m.bus.Tx(m.address, []byte{channels}, nil); err != nil {
		return m.failed(doing, err)
	}
	return nil
}

// deselect deselects all channels.
func (m *TCA9548A) deselect() error { return m.selectChannels("deselect", 0) }

func (m *TCA9548A) failed(doing string, err error) error {
	remedy := "its supply, the wires to SDA and SCL, the address pins, and that no device behind it holds its wires low"
	if m.reset == nil {
		remedy += "; with a pin joined to RESET (reset) the others would go on"
	}
	return fmt.Errorf("%s: %s: %w; check %s", m, doing, err, remedy)
}

// tca9548aChannel is one of the buses.
type tca9548aChannel struct {
	mux    *TCA9548A
	number int
}

// String returns the names of the channel and the chip.
func (c *tca9548aChannel) String() string { return fmt.Sprintf("channel %d of %s", c.number, c.mux) }

// Tx implements i2c.Bus.
func (c *tca9548aChannel) Tx(address uint16, w, r []byte) error {
	m := c.mux
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if err := m.selectChannels(fmt.Sprintf("select channel %d", c.number), 1<<c.number); err != nil {
		return err
	}
	err := m.bus.Tx(address, w, r)
	if err == nil {
		return nil
	}
	if stuck := m.deselect(); stuck != nil {
		return fmt.Errorf("%w; %w", err, stuck)
	}
	return err
}

// SetSpeed implements i2c.Bus: all channels have the speed of the chip's bus.
func (c *tca9548aChannel) SetSpeed(f physic.Frequency) error { return c.mux.bus.SetSpeed(f) }
