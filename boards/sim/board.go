package sim

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"fluxd/boards/header"
)

// Board is a simulated board with the pins GPIO0 to GPIO27 and the buses I2C0 and I2C1. It may be used from any goroutine.
type Board struct {
	clock    func() time.Duration
	pins     []*Pin
	buses    []*Bus
	branches []*Bus // behind multiplexers
}

// New returns a board. Its devices use the clock, which is the time since the start.
func New(clock func() time.Duration) *Board {
	b := &Board{clock: clock}
	for i := range header.GPIOs {
		b.pins = append(b.pins, NewPin(fmt.Sprintf("GPIO%d", i), i, clock))
	}
	for _, name := range slices.Sorted(maps.Keys(header.BusPins)) {
		b.buses = append(b.buses, newBus(name, clock))
	}
	return b
}

func newBus(name string, clock func() time.Duration) *Bus {
	return &Bus{name: name, clock: clock, devices: map[uint16]Device{}, unplugged: map[uint16]Device{}}
}

// Branch adds a bus behind a multiplexer. Devices are attached to it by its name, such as mux/0; drivers reach them through the
// multiplexer.
func (b *Board) Branch(name string) *Bus {
	branch := newBus(name, b.clock)
	b.branches = append(b.branches, branch)
	return branch
}

// String returns "simulated board".
func (b *Board) String() string { return "simulated board" }

// Pin returns a pin by its name ("GPIO17"), its number ("17"), or its position on the header ("P1_11"). The same name always
// gives the same pin.
func (b *Board) Pin(name string) (gpio.PinIO, error) { return b.pin(name) }

// Line is like Pin, but its result also has the methods for the outside of the pin, such as Drive.
func (b *Board) Line(name string) (*Pin, error) { return b.pin(name) }

func (b *Board) pin(name string) (*Pin, error) {
	canonical := header.CanonicalPin(name)
	for _, p := range b.pins {
		if p.name == canonical {
			return p, nil
		}
	}
	return nil, fmt.Errorf("simulated board: no pin %q: expected GPIO0 to GPIO%d, or its position on the header, such as P1_11",
		name, header.GPIOs-1)
}

// Bus returns an I2C bus by its name ("I2C1") or its number ("1"). Closing it does nothing: it is shared.
func (b *Board) Bus(name string) (i2c.BusCloser, error) { return b.bus(name) }

// Buses returns the names of the I2C buses.
func (b *Board) Buses() []string {
	names := make([]string, len(b.buses))
	for i, bus := range b.buses {
		names[i] = bus.name
	}
	return names
}

func (b *Board) bus(name string) (*Bus, error) {
	canonical := header.CanonicalBus(name)
	i := slices.IndexFunc(b.buses, func(bus *Bus) bool { return bus.name == canonical })
	if i < 0 {
		return nil, fmt.Errorf("simulated board: no bus %q: expected %s", name, strings.Join(b.Buses(), " or "))
	}
	return b.buses[i], nil
}

// anyBus returns a bus of the board, or one behind a multiplexer.
func (b *Board) anyBus(name string) (*Bus, error) {
	for _, branch := range b.branches {
		if branch.name == name {
			return branch, nil
		}
	}
	return b.bus(name)
}

// Attach connects a device to a bus. It fails if the bus does not exist or the address is taken.
func (b *Board) Attach(bus string, address uint16, device Device) error {
	to, err := b.anyBus(bus)
	if err != nil {
		return err
	}
	to.plug.Lock()
	defer to.plug.Unlock()
	if to.devices[address] != nil {
		return fmt.Errorf("simulated board: %s address 0x%02x is taken", bus, address)
	}
	to.devices[address] = device
	_, moves := device.(Mover)
	_, joins := device.(Multiplexer)
	to.mustSearch = to.mustSearch || moves || joins
	return nil
}

// Faults returns the faults of a bus, by which a test breaks it. It fails if the bus does not exist.
func (b *Board) Faults(bus string) (*Faults, error) {
	of, err := b.bus(bus)
	if err != nil {
		return nil, err
	}
	return &of.faults, nil
}

// Detach unplugs a device: from now on nothing answers at the address, until another device is attached or Replug plugs this one
// in again.
func (b *Board) Detach(bus string, address uint16) error {
	to, err := b.anyBus(bus)
	if err != nil {
		return err
	}
	to.plug.Lock()
	defer to.plug.Unlock()
	if device := to.devices[address]; device != nil {
		to.unplugged[address] = device
		delete(to.devices, address)
	}
	return nil
}

// Replug plugs in a device that Detach has unplugged, or interrupts the supply of an attached one for a moment. Either way the
// device is as after power-up: its method Reset is called, if it has one. Replug fails if no device was ever attached there.
func (b *Board) Replug(bus string, address uint16) error {
	to, err := b.anyBus(bus)
	if err != nil {
		return err
	}
	to.plug.Lock()
	defer to.plug.Unlock()
	device := cmp.Or(to.devices[address], to.unplugged[address])
	if device == nil {
		return fmt.Errorf("simulated board: %s address 0x%02x: no device was there", bus, address)
	}
	if r, ok := device.(interface{ Reset() }); ok {
		r.Reset()
	}
	to.devices[address] = device
	return nil
}

// Halt implements conn.Resource; it does nothing.
func (b *Board) Halt() error { return nil }

// Device is a device that answers at an address of an I2C bus.
type Device interface {
	// Tx carries out one transaction: the device receives w, then fills r. An error means that it does not acknowledge. Calls do not
	// overlap.
	Tx(at time.Duration, w, r []byte) error
}

// A Mover is a device whose address changes while it runs. For Detach and Replug it keeps the address at which it was attached.
type Mover interface {
	Device
	// Address returns the address at which it answers now; false while it answers nowhere.
	Address() (uint16, bool)
}

// A Multiplexer is a device that joins other buses to its own.
type Multiplexer interface {
	Device
	// Joined returns the buses that are joined now.
	Joined() []*Bus
}

// Bus is an I2C bus. Like a bus of the kernel it carries out one transaction at a time.
type Bus struct {
	name       string
	clock      func() time.Duration
	mutex      sync.Mutex // held during a transfer
	plug       sync.Mutex // guards what follows; not held during a transfer, so that a hanging device can be unplugged
	devices    map[uint16]Device
	mustSearch bool              // there are movers or multiplexers
	heldLow    bool              // a device holds the wires low
	unplugged  map[uint16]Device // by Detach, by the address
	faults     Faults
}

// ErrNoAnswer is the error of a transaction that no device acknowledges, with the text of Linux.
var ErrNoAnswer = errors.New("remote I/O error")

// ErrTimeout is the error of a transaction while the wires are held low, with the text of Linux.
var ErrTimeout = errors.New("connection timed out")

// String returns the name of the bus.
func (b *Bus) String() string { return b.name }

// Tx implements i2c.Bus.
func (b *Bus) Tx(address uint16, w, r []byte) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if err := b.faults.before(address); err != nil {
		return fmt.Errorf("%s address 0x%02x: %w", b.name, address, err)
	}
	all, err := b.find(address)
	if err == nil {
		err = b.exchange(all, w, r)
	}
	if err != nil {
		return fmt.Errorf("%s address 0x%02x: %w", b.name, address, err)
	}
	b.faults.after(address, r)
	return nil
}

// HoldLow holds the wires of a bus low, like a broken device, or releases them. While they are low each transfer fails, also on a
// bus that a multiplexer joins to this one. (Faults.Stick is for a bus whose controller does not notice.)
func (b *Bus) HoldLow(low bool) {
	b.plug.Lock()
	defer b.plug.Unlock()
	b.heldLow = low
}

// find returns the devices that answer at an address: at most one, unless there are movers or multiplexers.
func (b *Bus) find(address uint16) (all []Device, err error) {
	b.plug.Lock()
	defer b.plug.Unlock()
	if b.heldLow {
		return nil, fmt.Errorf("%w: the wires of %s are held low", ErrTimeout, b.name)
	}
	if device := b.devices[address]; !b.mustSearch && device != nil {
		return []Device{device}, nil
	}
	for _, attachedAt := range slices.Sorted(maps.Keys(b.devices)) {
		device := b.devices[attachedAt]
		current, answers := attachedAt, true
		if m, moves := device.(Mover); moves {
			current, answers = m.Address()
		}
		if answers && current == address {
			all = append(all, device)
		}
		if m, joins := device.(Multiplexer); joins {
			for _, joined := range m.Joined() {
				behind, err := joined.find(address)
				if err != nil {
					return nil, err
				}
				all = append(all, behind...)
			}
		}
	}
	return all, nil
}

// exchange carries out a transaction with all devices that answer. All receive w; a bit of r is low if any device holds it low.
func (b *Bus) exchange(with []Device, w, r []byte) error {
	switch len(with) {
	case 0:
		return fmt.Errorf("%w: no device is there", ErrNoAnswer)
	case 1:
		return with[0].Tx(b.clock(), w, r)
	}
	var errs []error
	wires := bytes.Repeat([]byte{0xff}, len(r))
	for _, device := range with {
		if err := device.Tx(b.clock(), w, r); err != nil {
			errs = append(errs, err)
			continue
		}
		for i := range wires {
			wires[i] &= r[i]
		}
	}
	copy(r, wires)
	if len(errs) < len(with) {
		return nil
	}
	return errors.Join(errs...)
}

// SetSpeed implements i2c.Bus; it accepts any speed.
func (b *Bus) SetSpeed(physic.Frequency) error { return nil }

// Close implements io.Closer; the bus is shared and stays open.
func (b *Bus) Close() error { return nil }
