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
	vl53l0xHome    = 0x29 // the address of every VL53L0X after its boot
	vl53l0xAddress = 0x8a // I2C_SLAVE_DEVICE_ADDRESS

	// vl53l0xBoot is how long a chip boots after XSHUT has gone high, at most (data sheet, section 2.9.1: tBOOT).
	vl53l0xBoot = 1200 * time.Microsecond
)

// VL53L0XGroup is all VL53L0X on one bus. All of them boot at address 0x29, so each has a pin that holds its XSHUT low, and they
// are let go one after the other: each boots, is given an address, and only then the next one follows.
//
// Two at one address would answer at once, and a distance would be what is low in either. So one that lost its supply, and with
// it its address, is looked for at both ends of a start. Before a chip is let go nobody may be at 0x29; after it has been given
// its address, all others must be at theirs, else one of them may have been at 0x29 and have taken the same. Who is not where it
// belongs is put back into reset, and starts again after that. The others go on measuring.
//
// Any of those that wait takes the start of the group a step further when it is sampled, so that one that is read seldom does not
// hold up the others. A group may be used from several goroutines.
//
// Source: ST, VL53L0X data sheet, DocID029104 rev. 2, section 2.9, power-up and boot, and section 3, which calls the address 0x52
// with its lowest bit; the register is that of ST's programming interface (STSW-IMG005).
type VL53L0XGroup struct {
	bus i2c.Bus

	mutex   sync.Mutex
	members []*vl53l0xMember
	cleared bool           // all were in reset: nobody has an address of another program
	booting *vl53l0xMember // the only one that may answer at 0x29
	since   time.Duration  // when it was let go
}

// A vl53l0xMember is one chip of a group.
type vl53l0xMember struct {
	group   *VL53L0XGroup
	xshut   gpio.PinOut
	address uint16
	stage   vl53l0xStage
	failed  error // why it is back in reset
}

type vl53l0xStage uint8

const (
	vl53l0xInReset vl53l0xStage = iota
	vl53l0xWaiting              // in reset, for its turn
	vl53l0xBooting
	vl53l0xAddressed
)

// NewVL53L0XGroup makes a group without members.
func NewVL53L0XGroup(bus i2c.Bus) *VL53L0XGroup { return &VL53L0XGroup{bus: bus} }

// NewVL53L0X makes a sensor of the group, with the pin that is joined to its XSHUT, and the address that it is given. See the
// function of that name.
func (g *VL53L0XGroup) NewVL53L0X(xshut gpio.PinOut, address uint16, opts *VL53L0XOpts) (*VL53L0X, error) {
	remedy := "its supply, the wires to SDA and SCL, and that its pin XSHUT is joined to " + xshut.Name()
	v, err := newVL53L0X(g.bus, address, opts, remedy)
	if err != nil {
		return nil, err
	}
	g.mutex.Lock()
	defer g.mutex.Unlock()
	for _, m := range g.members {
		if m.address == address || m.xshut.Name() == xshut.Name() {
			return nil, fmt.Errorf("%s: expected an address and a pin for itself, got %s and those of another one", v, xshut.Name())
		}
	}
	v.member = &vl53l0xMember{group: g, xshut: xshut, address: address}
	g.members = append(g.members, v.member)
	return v, nil
}

// restart puts the chip into reset; it is let go when it is its turn.
func (m *vl53l0xMember) restart() error { return m.reset(vl53l0xWaiting) }

// halt puts the chip into reset and leaves it there.
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

// addressed reports whether the chip has its address, and nobody has put it into reset since.
func (m *vl53l0xMember) addressed() bool {
	m.group.mutex.Lock()
	defer m.group.mutex.Unlock()
	return m.stage == vl53l0xAddressed
}

// advance takes the start of the group as far as it goes by now, and reports whether the chip has its address.
func (m *vl53l0xMember) advance(at time.Duration) (bool, error) {
	m.group.mutex.Lock()
	defer m.group.mutex.Unlock()
	if m.failed == nil && m.stage == vl53l0xInReset { // it was a stray before it was known to be addressed
		m.stage = vl53l0xWaiting
	}
	for m.failed == nil && m.group.step(at) {
	}
	return m.stage == vl53l0xAddressed, m.failed
}

// step lets the next chip go, or gives the one that boots its address. It reports whether there is more to do.
func (g *VL53L0XGroup) step(at time.Duration) bool {
	if m := g.booting; m != nil {
		return at >= g.since+vl53l0xBoot && g.give(m, at)
	}
	i := slices.IndexFunc(g.members, func(m *vl53l0xMember) bool { return m.stage == vl53l0xWaiting })
	if i < 0 {
		return false
	}
	m := g.members[i]
	if err := g.free(); err != nil {
		m.fail(err)
	} else if err := m.xshut.Out(gpio.High); err != nil {
		m.fail(err)
	} else {
		m.stage, g.booting, g.since = vl53l0xBooting, m, at
	}
	return true
}

// free makes sure that nobody is at the address where chips boot.
func (g *VL53L0XGroup) free() error {
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
	if !g.answers(vl53l0xHome) {
		return nil
	}
	if _, err := g.resetStrays(); err != nil {
		return err
	}
	if g.answers(vl53l0xHome) {
		return fmt.Errorf("expected nobody at %#02x before it is let go: another device has that address, "+
			"or the XSHUT of another vl53l0x is not joined to its pin", vl53l0xHome)
	}
	return nil
}

// resetStrays puts back into reset who does not answer at the address that it was given, and reports whether there was one.
func (g *VL53L0XGroup) resetStrays() (found bool, err error) {
	var errs []error
	for _, m := range g.members {
		if m.stage == vl53l0xAddressed && !g.answers(m.address) {
			m.stage, found = vl53l0xInReset, true
			errs = append(errs, m.xshut.Out(gpio.Low))
		}
	}
	return found, errors.Join(errs...)
}

// give gives the chip that has booted its address. It reports whether that is over.
func (g *VL53L0XGroup) give(m *vl53l0xMember, at time.Duration) bool {
	err := g.bus.Tx(vl53l0xHome, []byte{vl53l0xAddress, byte(m.address)}, nil)
	if err == nil && !g.answers(m.address) {
		err = fmt.Errorf("expected an answer at %#02x, which it was given", m.address)
	}
	if err != nil && at-g.since < vl53l0xDeadline {
		return false
	}
	g.booting = nil
	stray, wrong := g.resetStrays()
	switch err = errors.Join(err, wrong); {
	case err != nil:
		m.fail(errors.Join(err, m.xshut.Out(gpio.Low)))
	case !stray:
		m.stage = vl53l0xAddressed
	default: // it may have heard that, too, and have the same address now
		if m.stage, err = vl53l0xWaiting, m.xshut.Out(gpio.Low); err != nil {
			m.fail(err)
		}
	}
	return true
}

// fail has the driver of a chip start it again.
func (m *vl53l0xMember) fail(err error) { m.stage, m.failed = vl53l0xInReset, err }

// answers reports whether somebody is at an address.
func (g *VL53L0XGroup) answers(address uint16) bool {
	return g.bus.Tx(address, []byte{vl53l0xModel}, make([]byte, 1)) == nil
}
