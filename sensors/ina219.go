package sensors

import (
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"fluxd/options"
)

// The registers of the INA219 that the driver uses.
const (
	ina219Config      = 0x00
	ina219Shunt       = 0x01 // in 10 µV
	ina219Bus         = 0x02 // in 4 mV from bit 3 on; CNVR, OVF
	ina219Power       = 0x03
	ina219Calibration = 0x05
)

const (
	// ina219Continuous is the configuration without the range of the shunt: bus up to 32 V, 12 bits, shunt and bus
	// measured continuously.
	ina219Continuous = 0x2000 | 0x3<<7 | 0x3<<3 | 0x7
	ina219PowerDown  = 0x2000 | 0x3<<7 | 0x3<<3

	ina219Ready    = 0x2 // CNVR: there is a new measurement; reading the power clears it
	ina219Overflow = 0x1 // OVF: the current or the power does not fit in its register

	ina219MaxBus = 26_000_000 // µV

	// ina219Period is the longest time between two measurements: 586 µs for the shunt, then 586 µs for the bus.
	ina219Period = 1172 * time.Microsecond
	// ina219Patience is how long the last measurement is repeated while the chip has no new one.
	ina219Patience = 100 * time.Millisecond
)

// ina219Addresses are the addresses by the connection of pins A0 and A1: ground, supply, SDA or SCL each.
var ina219Addresses = []uint16{0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f}

// ina219MaxShunt is the largest shunt voltage that any range measures, in nV.
const ina219MaxShunt = 320_000_000

// INA219Opts are the options of an INA219. NewINA219 uses the default of an option that is not set.
type INA219Opts struct {
	OnBus
	// Shunt is the resistor that the current flows through: 0.1 ohm on the usual modules.
	Shunt physic.ElectricResistance `yaml:"shunt" default:"0.1 ohm" min:"0.001 ohm" max:"100 ohm" doc:"resistor that the current flows through"`
	// MaxCurrent is the largest current to measure, of either sign. It selects the range: it may cause at most 320 mV
	// across the shunt. With 160, 80 or 40 mV the chip resolves smaller currents.
	MaxCurrent physic.ElectricCurrent `yaml:"max_current" default:"3.2 A" min:"0.001 A" max:"400 A" doc:"largest current to measure"`
}

// DefaultINA219Opts are used when the options are nil. They suit the usual module, at its full range.
var DefaultINA219Opts = options.Defaults[INA219Opts]()

var ina219Kind = Kind{Name: "ina219", About: "current", New: func() Options { return new(INA219Opts) },
	Addresses: ina219Addresses, Calibrates: true, Freezes: true}

var ina219Measures = []Measure{
	{Name: "current", Unit: "A"}, {Name: "voltage", Unit: "V"}, {Name: "power", Unit: "W"}, {Name: "shunt", Unit: "V"},
}

// Measures implements Options.
func (o *INA219Opts) Measures() []Measure { return ina219Measures }

// Open implements Options.
func (o *INA219Opts) Open(from Parts) (Device, error) {
	bus, err := from.Bus(o.Bus)
	if err != nil {
		return nil, err
	}
	return asDevice(NewINA219(bus, o.Address, o))
}

// Check rejects a current that no range covers.
func (o *INA219Opts) Check() []options.Mistake {
	if o.Shunt <= 0 {
		return nil // the limits of the tag report it
	}
	most := ina219MaxShunt * 1_000_000_000 / int64(o.Shunt) // nA
	if int64(o.MaxCurrent) <= most {
		return nil
	}
	amperes := func(nano int64) string { return decimal(nano/1000) + " A" }
	return []options.Mistake{options.Wrong("max_current", "%s: expected at most %s, which are 320 mV across the shunt of %s ohm",
		amperes(int64(o.MaxCurrent)), amperes(most), decimal(int64(o.Shunt/physic.MicroOhm)))}
}

// INA219 is a current and power monitor on I2C. It measures:
//
//	current   through the shunt, from IN+ to IN-, in A; negative in the other direction
//	voltage   of the bus: between IN- and ground, in V, 0 to 26
//	power     voltage times current, in W; negative when the current is
//	shunt     voltage across the shunt, in V
//
// All of them come from one measurement, of half a millisecond for the current and then as long for the voltage. All
// measures that are read within that time share it. A shunt voltage at either end of its range (40, 80, 160 or 320 mV)
// means that much or more. Current and power fail while the chip reports an overflow: the current is beyond MaxCurrent.
// An INA219 may be used from several goroutines.
//
// When the chip has no new measurement, the last one is repeated for at most 100 ms. After that, the chip counts as
// hanging, and is started again. It is also started again when its calibration register differs from what was written:
// the chip lost its supply for a moment.
//
// The driver computes current and power from both voltages. The registers of the chip round the same numbers to its
// steps (98 µA and 2 mW with the default options), and their power has no sign. The calibration is written for the
// overflow flag, and to detect a lost supply.
//
// Source: Texas Instruments, INA219 data sheet, SBOS448G. The driver in periph's device library (v3.7.4) is not used:
// its constructor uses the bus, it discards the errors of the bus, reads zero for current and power after a lost
// supply, clips the bus at 16 V, and panics with a maximum current below 33 µA.
type INA219 struct {
	chip
	shunt       int64  // nohm
	scale       uint16 // value of the range field
	maxShunt    int64  // end of the range, in µV
	calibration uint16
	maxCurrent  int64 // µA

	mutex    sync.Mutex
	lastRead time.Duration // when the chip was last read
	lastNew  time.Duration // when it last had a new measurement, or was started
	measured bool          // there is a measurement since the last start
	across   int64         // voltage across the shunt, in µV
	voltage  int64         // voltage of the bus, in µV
	overflow bool          // the current is beyond MaxCurrent
}

// NewINA219 checks the options and leaves the chip alone: the first Sample starts it. The address is 0x40 to 0x4f, by
// the connection of pins A0 and A1. With nil options it uses DefaultINA219Opts.
func NewINA219(bus i2c.Bus, address uint16, opts *INA219Opts) (*INA219, error) {
	o := options.OrDefaults(opts, DefaultINA219Opts)
	m := &INA219{chip: newChip("ina219", bus, address,
		"its supply, the wires to SDA and SCL, and pins A0 and A1 (both at ground: 0x40)")}
	if err := m.checkAddress(ina219Addresses, "0x40 (pins A0 and A1 to ground) to 0x4f"); err != nil {
		return nil, err
	}
	if err := options.Validate(m.String(), &o); err != nil {
		return nil, err
	}
	shunt, current := o.Shunt, o.MaxCurrent
	across := (int64(current)*int64(shunt) + 999_999_999) / 1_000_000_000 // nV, rounded up
	m.shunt, m.maxShunt, m.maxCurrent = int64(shunt), 40_000, int64(current/physic.MicroAmpere)
	for m.maxShunt*1000 < across {
		m.maxShunt *= 2
		m.scale++
	}
	// Data sheet: 0.04096 / (step * shunt), with a step of the maximum current / 2^15. The lowest bit is always zero.
	m.calibration = uint16(min(40_960_000<<15/across, 0xffff)) &^ 1
	return m, nil
}

// Measure returns one of the measures: current, voltage, power or shunt. Halting one of them powers the chip down for
// all; the next Sample of any measure starts it again.
func (m *INA219) Measure(name string) (Sensor, error) {
	i, err := findMeasure(m, ina219Measures, name)
	if err != nil {
		return nil, err
	}
	most := []int64{m.maxCurrent, ina219MaxBus, m.maxCurrent * (ina219MaxBus / 1_000_000), m.maxShunt}[i]
	limits := Range{-most, most}
	if name == "voltage" {
		limits.Low = 0
	}
	return &chipMeasure{chip: m, name: name, unit: ina219Measures[i].Unit, limits: limits,
		sample: func(at time.Duration) (int64, error) {
			m.mutex.Lock()
			defer m.mutex.Unlock()
			if err := m.refresh(at); err != nil {
				return 0, err
			}
			return m.value(name)
		}}, nil
}

// Halt powers the chip down.
func (m *INA219) Halt() error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.needsStart = true
	return m.writeWord("power down", ina219Config, ina219PowerDown|m.scale<<11)
}

// value returns a measure of the last measurement.
func (m *INA219) value(name string) (int64, error) {
	switch name {
	case "voltage":
		return m.voltage, nil
	case "shunt":
		return m.across, nil
	}
	if m.overflow {
		return 0, fmt.Errorf("%s: %s: overflow: the current is beyond the maximum (%d µV are across the shunt); "+
			"check for a short circuit, or set a larger maximum current", m, name, m.across)
	}
	if name == "current" {
		return nearest(m.across*1_000_000_000, m.shunt), nil
	}
	return nearest(m.across*m.voltage*1000, m.shunt), nil // at most 320 mV times 32 V: 10^16
}

// refresh reads a new measurement from the chip when the last one is older than the time between two.
func (m *INA219) refresh(at time.Duration) error {
	if m.needsStart {
		if err := m.start(); err != nil {
			return err
		}
		m.needsStart, m.measured, m.lastNew = false, false, at
	}
	if m.measured && at-m.lastRead < ina219Period {
		return nil
	}
	calibration, err := m.readWord("read the calibration", ina219Calibration)
	if err != nil {
		return err
	}
	if calibration != m.calibration {
		return m.failed("check the calibration", fmt.Errorf("expected %#04x as written, got %#04x: did it lose its supply?",
			m.calibration, calibration))
	}
	bus, err := m.readWord("read the voltage", ina219Bus)
	if err != nil {
		return err
	}
	m.lastRead = at
	switch {
	case bus&ina219Ready != 0:
		m.lastNew = at
		return m.accept(bus)
	case at-m.lastNew >= ina219Patience:
		return m.failed("measure", fmt.Errorf("no new measurement since %v, now %v: the chip hangs", m.lastNew, at))
	case !m.measured:
		return fmt.Errorf("%s: %w", m, ErrNotYet)
	}
	return nil
}

// accept reads and stores a measurement, unless it is out of range. Reading the power clears the flag of a new
// measurement.
func (m *INA219) accept(bus uint16) error {
	count, err := m.readWord("read the shunt voltage", ina219Shunt)
	if err != nil {
		return err
	}
	if _, err := m.readWord("read the power", ina219Power); err != nil {
		return err
	}
	across, voltage := int64(int16(count))*10, int64(bus>>3)*4000
	if across < -m.maxShunt || across > m.maxShunt {
		return m.failed("measure", fmt.Errorf("shunt voltage: expected -%d to %d µV, got %d", m.maxShunt, m.maxShunt, across))
	}
	if voltage > ina219MaxBus {
		return m.failed("measure", fmt.Errorf("voltage: expected %s V, which the chip withstands, got %s",
			Range{0, ina219MaxBus}, decimal(voltage)))
	}
	m.across, m.voltage, m.overflow, m.measured = across, voltage, bus&ina219Overflow != 0, true
	return nil
}

// start writes the calibration before the configuration, because writing the configuration begins a measurement and
// clears the flag of the last one.
func (m *INA219) start() error {
	if err := m.writeWord("calibrate", ina219Calibration, m.calibration); err != nil {
		return err
	}
	return m.writeWord("start", ina219Config, ina219Continuous|m.scale<<11)
}
