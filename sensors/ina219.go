package sensors

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"
)

// The registers of the INA219 that are used here, and its CONFIG.
const (
	ina219Config = 0x00
	ina219Shunt  = 0x01 // 10 µV a count
	ina219Bus    = 0x02 // 4 mV a count, from bit 3 on

	ina219Reset      = 0x8000
	ina219Continuous = 0x2000 | 3<<7 | 3<<3 | 7 // 32 V; 12 bits for either voltage; both, continuously
	ina219BusUnused  = 0x0004                   // bit 2 of the bus voltage is always 0

	// ina219Settle is how long after a start the first conversion of both voltages takes: 586 µs each at most.
	ina219Settle = 2 * time.Millisecond
	// ina219Period is how long a pair of conversions is shared by all measures.
	ina219Period = time.Millisecond
)

// ina219MostVolts is the highest voltage that the chip bears.
const ina219MostVolts = 32_000_000

// INA219Opts are the options of an INA219. A field that is 0 stands for its default.
type INA219Opts struct {
	// Shunt is the resistor that the current flows through; 0.1 ohm (R100 on most modules) unless set. 1 mohm to 100 ohm.
	Shunt physic.ElectricResistance
	// MaxCurrent is the largest current to be measured, in either direction; 3.2 A unless set. Times Shunt it must be at most 320 mV, which
	// is all that the chip can tell.
	MaxCurrent physic.ElectricCurrent
}

// DefaultINA219Opts are the options that stand for nil: the usual module.
var DefaultINA219Opts = INA219Opts{Shunt: 100 * physic.MilliOhm, MaxCurrent: 3200 * physic.MilliAmpere}

// INA219 is a current and voltage monitor on I2C. It measures:
//
//	current   through the shunt, in A; negative from IN- to IN+. A motor that stalls draws several times what it draws when it turns
//	voltage   of the supply, at IN-, in V: 0 to 32 V
//	power     the product of both, in W
//	shunt     the voltage across the shunt, in V
//
// A current at either end of the range means that much or more. All measures come from one pair of conversions, which is shared for a
// millisecond. It may be used from several goroutines.
//
// The chip could multiply by itself; the driver does it, exactly, so no calibration register can be lost with the supply. The
// configuration is read with each reading: a chip that has another lost its supply for a moment, and is started again.
//
// Source: Texas Instruments, INA219 data sheet SBOS448G, sections 8.5.1 and 8.6. The driver in periph's device library averages over 136 ms, which
// is slow for a stall, drops the bus's error, and does not see a lost supply.
type INA219 struct {
	bus     i2c.Bus
	address uint16
	shunt   int64 // µohm
	config  uint16

	mutex   sync.Mutex
	lost    bool
	settled time.Duration
	taken   time.Duration
	valid   bool
	volts   [2]int64 // shunt and bus, in µV
}

// NewINA219 checks the options and leaves the chip alone. The address is 0x40 to 0x4f, by the pins A0 and A1; nil options stand for
// DefaultINA219Opts.
func NewINA219(bus i2c.Bus, address uint16, opts *INA219Opts) (*INA219, error) {
	if opts == nil {
		opts = &DefaultINA219Opts
	}
	n := &INA219{bus: bus, address: address, lost: true}
	if address < 0x40 || address > 0x4f {
		return nil, fmt.Errorf("%s: address: expected 0x40 to 0x4f (pins A0 and A1)", n)
	}
	shunt, most := cmp.Or(opts.Shunt, DefaultINA219Opts.Shunt), cmp.Or(opts.MaxCurrent, DefaultINA219Opts.MaxCurrent)
	if shunt < physic.MilliOhm || shunt > 100*physic.Ohm {
		return nil, fmt.Errorf("%s: shunt: expected 1mohm to 100ohm, got %s", n, shunt)
	}
	n.shunt = int64(shunt / physic.MicroOhm)
	// nA times µohm is fV, and 320 mV are 3.2e14 of them.
	drop := int64(most/physic.NanoAmpere) / 1000 * n.shunt / 1_000_000 // µA times µohm, in µV
	if most <= 0 || most > 400*physic.Ampere || drop > 320_000 {
		return nil, fmt.Errorf("%s: expected more than 0 A, and at most 320 mV across the shunt of %s, got %s, which makes %d mV", n, shunt, most, drop/1000)
	}
	gain := uint16(0) // 40 mV, doubled by each step
	for range 3 {
		if drop > 40_000<<gain {
			gain++
		}
	}
	n.config = ina219Continuous | gain<<11
	return n, nil
}

// String names the chip, its address and its bus.
func (n *INA219) String() string { return fmt.Sprintf("ina219 at %#02x on %s", n.address, n.bus) }

// Measure gives one of the measures: current, voltage, power or shunt.
func (n *INA219) Measure(name string) (Sensor, error) {
	measures := []struct {
		name, unit string
		of         func() int64
	}{
		{"current", "A", n.current},
		{"voltage", "V", func() int64 { return n.volts[1] }},
		{"power", "W", func() int64 { return nearest(n.current()*(n.volts[1]/1000), 1000) }}, // volts are whole millivolts
		{"shunt", "V", func() int64 { return n.volts[0] }},
	}
	for _, m := range measures {
		if m.name == name {
			return &chipMeasure{chip: n, name: name, unit: m.unit, sample: func(at time.Duration) (int64, error) {
				n.mutex.Lock()
				defer n.mutex.Unlock()
				if err := n.refresh(at); err != nil {
					return 0, err
				}
				return m.of(), nil
			}}, nil
		}
	}
	var names []string
	for _, m := range measures {
		names = append(names, m.name)
	}
	return nil, fmt.Errorf("%s: measure: expected one of %s, got %q", n, strings.Join(slices.Sorted(slices.Values(names)), ", "), name)
}

// Halt powers the chip down.
func (n *INA219) Halt() error {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.lost = true
	return n.write("power down", n.config&^7)
}

// current is that through the shunt, in µA: µV over µohm are A.
func (n *INA219) current() int64 { return nearest(n.volts[0]*1_000_000, n.shunt) }

// refresh reads both voltages when the last ones are older than a period.
func (n *INA219) refresh(at time.Duration) error {
	if n.lost {
		if err := n.write("reset", ina219Reset); err != nil {
			return err
		}
		if err := n.write("start", n.config); err != nil {
			return err
		}
		n.lost, n.valid, n.settled = false, false, at+ina219Settle
	}
	if at < n.settled {
		return fmt.Errorf("%s: %w: started, the first is over at %v", n, ErrNotYet, n.settled)
	}
	if n.valid && at-n.taken < ina219Period {
		return nil
	}
	var registers [3]uint16
	for i := range registers {
		var raw [2]byte
		if err := n.bus.Tx(n.address, []byte{byte(ina219Config + i)}, raw[:]); err != nil {
			return n.failed("read", err)
		}
		registers[i] = uint16(raw[0])<<8 | uint16(raw[1])
	}
	volts := int64(registers[ina219Bus]>>3) * 4000
	switch {
	case registers[ina219Config] != n.config:
		return n.failed("read", fmt.Errorf("configuration: expected %#04x, got %#04x: it has lost its supply for a moment, or is another chip", n.config, registers[ina219Config]))
	case registers[ina219Bus]&ina219BusUnused != 0 || volts > ina219MostVolts:
		return n.failed("read", errors.New("voltage: expected at most 32 V and bit 2 clear, got something else"))
	}
	n.volts = [2]int64{int64(int16(registers[ina219Shunt])) * 10, volts}
	n.valid, n.taken = true, at
	return nil
}

func (n *INA219) write(doing string, config uint16) error {
	if err := n.bus.Tx(n.address, []byte{ina219Config, byte(config >> 8), byte(config)}, nil); err != nil {
		return n.failed(doing, err)
	}
	return nil
}

// failed makes the next Sample start the chip again.
func (n *INA219) failed(doing string, err error) error {
	n.lost = true
	return fmt.Errorf("%s: %s: %w; check its supply, the wires to SDA and SCL, and the pins A0 and A1 (0x40: both to ground)", n, doing, err)
}
