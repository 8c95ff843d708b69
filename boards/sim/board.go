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

// New makes a board whose devices live by the clock, the time since the start.
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
	return &Bus{name: name, clock: clock, devices: map[uint16]Device{}, pulled: map[uint16]Device{}}
}

// Branch adds a bus behind a multiplexer. Devices are attached to it by its name, such as mux/0; drivers reach them through the multiplexer.
func (b *Board) Branch(name string) *Bus {
	branch := newBus(name, b.clock)
	b.branches = append(b.branches, branch)
	return branch
}

// String returns "simulated board".
func (b *Board) String() string { return "simulated board" }

// Pin returns a pin by its name, "GPIO17", its number, "17", or its place on the header, "P1_11"; always the same for the same
// pin.
func (b *Board) Pin(name string) (gpio.PinIO, error) { return b.pin(name) }

// Line is Pin with the world's side of it.
func (b *Board) Line(name string) (*Pin, error) { return b.pin(name) }

func (b *Board) pin(name string) (*Pin, error) {
	canonical := header.CanonicalPin(name)
	for _, p := range b.pins {
		if p.name == canonical {
			return p, nil
		}
	}
	return nil, fmt.Errorf("simulated board: no pin %q: expected GPIO0 to GPIO%d, or its place on the header, such as P1_11", name, header.GPIOs-1)
}

// Bus returns an I2C bus by its name, "I2C1", or its number, "1". Closing it does nothing: it is shared.
func (b *Board) Bus(name string) (i2c.BusCloser, error) { return b.bus(name) }

// Buses names the I2C buses.
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

// wires is a bus of the board, or one behind a multiplexer.
func (b *Board) wires(name string) (*Bus, error) {
	for _, branch := range b.branches {
		if branch.name == name {
			return branch, nil
		}
	}
	return b.bus(name)
}

// Attach connects a device to a bus. It fails when the bus does not exist or the address is taken.
func (b *Board) Attach(bus string, address uint16, device Device) error {
	to, err := b.wires(bus)
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
	_, leads := device.(Multiplexer)
	to.several = to.several || moves || leads
	return nil
}

// Faults lets a test break a bus. It fails when the bus does not exist.
func (b *Board) Faults(bus string) (*Faults, error) {
	of, err := b.bus(bus)
	if err != nil {
		return nil, err
	}
	return &of.faults, nil
}

// Detach pulls a device off its bus: from now on nobody answers at the address, until another one is attached or Replug puts it
// back.
func (b *Board) Detach(bus string, address uint16) error {
	to, err := b.wires(bus)
	if err != nil {
		return err
	}
	to.plug.Lock()
	defer to.plug.Unlock()
	if device := to.devices[address]; device != nil {
		to.pulled[address] = device
		delete(to.devices, address)
	}
	return nil
}

// Replug puts a device back that Detach pulled off, or takes the supply of one that is there away for a moment. Either way it is
// as after power-up: one that has a method Reset is reset. It fails when no device was ever there.
func (b *Board) Replug(bus string, address uint16) error {
	to, err := b.wires(bus)
	if err != nil {
		return err
	}
	to.plug.Lock()
	defer to.plug.Unlock()
	device := cmp.Or(to.devices[address], to.pulled[address])
	if device == nil {
		return fmt.Errorf("simulated board: %s address 0x%02x: no device was there", bus, address)
	}
	if r, ok := device.(interface{ Reset() }); ok {
		r.Reset()
	}
	to.devices[address] = device
	return nil
}

// Halt implements conn.Resource; there is nothing to let go of.
func (b *Board) Halt() error { return nil }

// Device is what answers at an address of an I2C bus.
type Device interface {
	// Tx is handed one transaction at a time: first w is written to it, then r is filled from it. An error is a device that does
	// not acknowledge.
	Tx(at time.Duration, w, r []byte) error
}

// A Mover is a device whose address changes while it runs. The address at which it is attached is its place, for Detach and Replug.
type Mover interface {
	Device
	// Address is where it answers now; false while it answers nowhere.
	Address() (uint16, bool)
}

// A Multiplexer is a device that joins other buses to its own.
type Multiplexer interface {
	Device
	// Joined are those that are joined to it now.
	Joined() []*Bus
}

// Bus is an I2C bus. Like the kernel's it carries one transaction at a time.
type Bus struct {
	name    string
	clock   func() time.Duration
	mutex   sync.Mutex // held over a transfer
	plug    sync.Mutex // of devices; never held over one: what hangs can be unplugged
	devices map[uint16]Device
	several bool              // there are movers or multiplexers
	held    bool              // a device holds the wires low
	pulled  map[uint16]Device // what Detach took, by the address where it was
	faults  Faults
}

// ErrNoAnswer is what a transaction fails with when nobody acknowledges; Linux calls it so.
var ErrNoAnswer = errors.New("remote I/O error")

// ErrTimeout is what it fails with when the wires are held low; Linux calls it so.
var ErrTimeout = errors.New("connection timed out")

// String returns the bus's name.
func (b *Bus) String() string { return b.name }

// Tx implements i2c.Bus.
func (b *Bus) Tx(address uint16, w, r []byte) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if err := b.faults.before(address); err != nil {
		return fmt.Errorf("%s address 0x%02x: %w", b.name, address, err)
	}
	all, err := b.at(address)
	if err == nil {
		err = b.exchange(all, w, r)
	}
	if err != nil {
		return fmt.Errorf("%s address 0x%02x: %w", b.name, address, err)
	}
	b.faults.after(address, r)
	return nil
}

// Hold holds the wires of a bus low, as a broken device does, or lets them go: each transfer fails, also of the bus that a multiplexer joins
// it to. (Faults.Stick is a bus whose controller does not notice.)
func (b *Bus) Hold(low bool) {
	b.plug.Lock()
	defer b.plug.Unlock()
	b.held = low
}

// at lists who answers at an address: one device, unless there are movers or multiplexers.
func (b *Bus) at(address uint16) (all []Device, err error) {
	b.plug.Lock()
	defer b.plug.Unlock()
	if b.held {
		return nil, fmt.Errorf("%w: the wires of %s are held low", ErrTimeout, b.name)
	}
	if device := b.devices[address]; !b.several && device != nil {
		return []Device{device}, nil
	}
	for _, place := range slices.Sorted(maps.Keys(b.devices)) {
		device := b.devices[place]
		is, answers := place, true
		if m, moves := device.(Mover); moves {
			is, answers = m.Address()
		}
		if answers && is == address {
			all = append(all, device)
		}
		if m, leads := device.(Multiplexer); leads {
			for _, joined := range m.Joined() {
				behind, err := joined.at(address)
				if err != nil {
					return nil, err
				}
				all = append(all, behind...)
			}
		}
	}
	return all, nil
}

// exchange carries out a transaction with all who answer. All hear what is written, and a wire is low where any of them holds it low.
func (b *Bus) exchange(with []Device, w, r []byte) error {
	switch len(with) {
	case 0:
		return fmt.Errorf("%w: nobody is there", ErrNoAnswer)
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

// SetSpeed implements i2c.Bus; any speed will do.
func (b *Bus) SetSpeed(physic.Frequency) error { return nil }

// Close implements io.Closer; the bus is shared and stays open.
func (b *Bus) Close() error { return nil }
