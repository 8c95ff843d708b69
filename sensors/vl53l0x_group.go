package sensors

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
)

const (
	vl53l0xBootAddress     = 0x29 // the address of every VL53L0X after its boot
	vl53l0xAddressRegister = 0x8a // I2C_SLAVE_DEVICE_ADDRESS

	// vl53l0xBoot is how long a chip takes to boot after XSHUT went high, at most (data sheet, section 2.9.1: tBOOT).
	vl53l0xBoot = 1200 * time.Microsecond
)

// VL53L0XGroup is all VL53L0X on one bus. All of them boot at address 0x29. So each has a pin that holds its XSHUT low,
// and they are started one after the other: a chip boots, gets its address, and only then the next one boots.
//
// If two chips had one address, both would answer at the same time, and each bit of a distance would be low if it is
// low in either answer. A chip that lost its supply is back at 0x29 and can cause that, so the group looks for such
// chips before and after it starts one. Before a chip is released from reset, no chip may be at 0x29. After it got its
// address, all other chips must be at theirs; otherwise one of them may have been at 0x29 and have got the same
// address. A chip that is not at its address is put back into reset, and starts again later. The other chips continue
// to measure.
//
// A Sample of any waiting member takes the next step of the start, so that a member that is rarely read does not delay
// the others. A group may be used from several goroutines.
//
// Source: ST, VL53L0X data sheet, DocID029104 rev. 2, section 2.9, power-up and boot, and section 3, which calls the
// address 0x52, with its lowest bit; the register is from ST's programming interface (STSW-IMG005).
type VL53L0XGroup struct {
	bus i2c.Bus

	mutex   sync.Mutex
	members []*vl53l0xMember
	cleared bool           // all members were in reset, so none has an address from another program
	booting *vl53l0xMember // the only chip that may be at 0x29
	since   time.Duration  // when it was released from reset
}

// A vl53l0xMember is one chip of a group.
type vl53l0xMember struct {
	group   *VL53L0XGroup
	xshut   gpio.PinOut
	address uint16
	stage   vl53l0xStage
	failed  error // why it is back in reset; nil: it did not fail
}

type vl53l0xStage uint8

const (
	vl53l0xInReset vl53l0xStage = iota
	vl53l0xWaiting              // in reset, to be started
	vl53l0xBooting
	vl53l0xAddressed
)

// NewVL53L0XGroup makes a group without members.
func NewVL53L0XGroup(bus i2c.Bus) *VL53L0XGroup { return &VL53L0XGroup{bus: bus} }

// NewVL53L0X makes a sensor of the group, from the pin that is connected to its XSHUT and the address that it gets. See
// the function NewVL53L0X for the options.
func (g *VL53L0XGroup) NewVL53L0X(xshut gpio.PinOut, address uint16, opts *VL53L0XOpts) (*VL53L0X, error) {
	remedy := "its supply, the wires to SDA and SCL, and that its pin XSHUT is connected to " + xshut.Name()
	v, err := newVL53L0X(g.bus, address, opts, remedy)
	if err != nil {
		return nil, err
	}
	g.mutex.Lock()
	defer g.mutex.Unlock()
	for _, m := range g.members {
		if m.address == address || m.xshut.Name() == xshut.Name() {
			return nil, fmt.Errorf("%s: expected an address and a pin that no other vl53l0x has, got %s", v, xshut.Name())
		}
	}
	v.member = &vl53l0xMember{group: g, xshut: xshut, address: address}
	g.members = append(g.members, v.member)
	return v, nil
}

// restart puts the chip into reset, from which it is started when no other chip boots.
func (m *vl53l0xMember) restart() error { return m.reset(vl53l0xWaiting) }

// halt puts the chip into reset and keeps it there.
func (m *vl53l0xMember) halt() error { return m.reset(vl53l0xInReset) }

func (m *vl53l0xMember) reset(next vl53l0xStage) error {
	m.group.mutex.Lock()
	defer m.group.mutex.Unlock()
	if m.group.booting == m {
		m.group.booting = nil
	}
	m.stage, m.failed = vl53l0xInReset, nil
	if err := m.xshut.Out(gpio.Low); err != nil {
		return err
	}
	m.stage = next
	return nil
}

// addressed reports whether the chip has its address, and was not put into reset since.
func (m *vl53l0xMember) addressed() bool {
	m.group.mutex.Lock()
	defer m.group.mutex.Unlock()
	return m.stage == vl53l0xAddressed
}

// advance takes the start of the group as far as possible at this time, and reports whether the chip has its address.
func (m *vl53l0xMember) advance(at time.Duration) (bool, error) {
	m.group.mutex.Lock()
	defer m.group.mutex.Unlock()
	// The chip was reset for not being at its address, before its driver saw that it was addressed.
	if m.failed == nil && m.stage == vl53l0xInReset {
		m.stage = vl53l0xWaiting
	}
	for m.failed == nil && m.group.step(at) {
	}
	return m.stage == vl53l0xAddressed, m.failed
}

// step releases the next chip from reset, or gives the booting chip its address. It reports whether there is more to
// do.
func (g *VL53L0XGroup) step(at time.Duration) bool {
	if m := g.booting; m != nil {
		return at >= g.since+vl53l0xBoot && g.assign(m, at)
	}
	i := slices.IndexFunc(g.members, func(m *vl53l0xMember) bool { return m.stage == vl53l0xWaiting })
	if i < 0 {
		return false
	}
	m := g.members[i]
	if err := g.clearBootAddress(); err != nil {
		m.fail(err)
	} else if err := m.xshut.Out(gpio.High); err != nil {
		m.fail(err)
	} else {
		m.stage, g.booting, g.since = vl53l0xBooting, m, at
	}
	return true
}

// clearBootAddress makes sure that no chip is at the address where chips boot.
func (g *VL53L0XGroup) clearBootAddress() error {
	if !g.cleared {
		var errs []error
		for _, m := range g.members {
			errs = append(errs, m.xshut.Out(gpio.Low))
		}
		if err := errors.Join(errs...); err != nil {
			return err
		}
		g.cleared = true
	}
	if !g.answers(vl53l0xBootAddress) {
		return nil
	}
	if _, err := g.resetMisplaced(); err != nil {
		return err
	}
	if g.answers(vl53l0xBootAddress) {
		return fmt.Errorf("expected no device at %#02x before this one is started: another device has that address, "+
			"or the XSHUT of another vl53l0x is not connected to its pin", vl53l0xBootAddress)
	}
	return nil
}

// resetMisplaced puts members back into reset that do not answer at their address. It reports whether there was one.
func (g *VL53L0XGroup) resetMisplaced() (found bool, err error) {
	var errs []error
	for _, m := range g.members {
		if m.stage == vl53l0xAddressed && !g.answers(m.address) {
			m.stage, found = vl53l0xInReset, true
			errs = append(errs, m.xshut.Out(gpio.Low))
		}
	}
	return found, errors.Join(errs...)
}

// assign gives the booted chip its address. It reports whether that has ended, successfully or not.
func (g *VL53L0XGroup) assign(m *vl53l0xMember, at time.Duration) bool {
	err := g.bus.Tx(vl53l0xBootAddress, []byte{vl53l0xAddressRegister, byte(m.address)}, nil)
	if err == nil && !g.answers(m.address) {
		err = fmt.Errorf("expected an answer at %#02x, its new address", m.address)
	}
	if err != nil && at-g.since < vl53l0xDeadline {
		return false
	}
	g.booting = nil
	misplaced, resetErr := g.resetMisplaced()
	switch err = errors.Join(err, resetErr); {
	case err != nil:
		m.fail(errors.Join(err, m.xshut.Out(gpio.Low)))
	case !misplaced:
		m.stage = vl53l0xAddressed
	default: // the misplaced chip may have received the address too, and have the same one now
		if m.stage, err = vl53l0xWaiting, m.xshut.Out(gpio.Low); err != nil {
			m.fail(err)
		}
	}
	return true
}

// fail makes the driver of a chip start it again.
func (m *vl53l0xMember) fail(err error) { m.stage, m.failed = vl53l0xInReset, err }

// answers reports whether a device is at an address.
func (g *VL53L0XGroup) answers(address uint16) bool {
	return g.bus.Tx(address, []byte{vl53l0xModel}, make([]byte, 1)) == nil
}
