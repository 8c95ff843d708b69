package sensors

import (
	"fluxd/options"
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"
)

// The registers of the INA219 that are used here.
const (
	ina219Config      = 0x00
	ina219Shunt       = 0x01 // in 10 µV
	ina219Bus         = 0x02 // in 4 mV from bit 3 on; CNVR, OVF
	ina219Power       = 0x03
	ina219Calibration = 0x05
)

const (
	// ina219Continuous is the configuration without the range: 32 V, 12 bits, shunt and bus all the time.
	ina219Continuous = 0x2000 | 0x3<<7 | 0x3<<3 | 0x7
	ina219PowerDown  = 0x2000 | 0x3<<7 | 0x3<<3

	ina219Ready    = 0x2 // CNVR: there is a measurement that was not read, as told by reading the power
	ina219Overflow = 0x1 // OVF: the current or the power does not fit its register

	ina219MostBus = 26_000_000 // µV

	// ina219Period is the longest time between two measurements, of 586 µs for the shunt and as long for the bus.
	ina219Period = 1172 * time.Microsecond
	// ina219Patience is how long the last measurement is repeated while the chip has no new one.
	ina219Patience = 100 * time.Millisecond
)

// ina219Addresses are by what pins A0 and A1 are connected to: ground, supply, SDA or SCL each.
var ina219Addresses = []uint16{0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f}

// ina219MostShunt is the largest voltage across a shunt that any range measures, in nV.
const ina219MostShunt = 320_000_000

// INA219Opts are the options of an INA219. NewINA219 takes the default of each that is not set.
type INA219Opts struct {
	OnBus
	// Shunt is the resistor that the current flows through: 0.1 ohm on the usual modules.
	Shunt physic.ElectricResistance `yaml:"shunt" default:"0.1 ohm" min:"0.001 ohm" max:"100 ohm" doc:"the resistor that the current flows through"`
	// MaxCurrent is the largest current to be measured, of either sign. It chooses the range: with it at most 320 mV are across the shunt,
	// and the chip resolves smaller currents with 160, 80 or 40 mV.
	MaxCurrent physic.ElectricCurrent `yaml:"max_current" default:"3.2 A" min:"0.001 A" max:"400 A" doc:"largest current to be measured"`
}

// DefaultINA219Opts are the options that stand for nil: the usual module, at its full range.
var DefaultINA219Opts = options.Defaults[INA219Opts]()

var ina219Kind = Kind{Name: "ina219", About: "current", New: func() Options { return new(INA219Opts) },
	Addresses: ina219Addresses, Calibrates: true, Freezes: true}

var ina219Measures = []Measure{{Name: "current", Unit: "A"}, {Name: "voltage", Unit: "V"}, {Name: "power", Unit: "W"}, {Name: "shunt", Unit: "V"}}

// Measures implements Options.
func (o *INA219Opts) Measures() []Measure { return ina219Measures }

// Open implements Options.
func (o *INA219Opts) Open(from Parts) (Device, error) {
	bus, err := from.Bus(o.Bus)
	if err != nil {
		return nil, err
	}
	return several(NewINA219(bus, o.Address, o))
}

// Check finds a current that no range covers.
func (o *INA219Opts) Check() []options.Mistake {
	if o.Shunt <= 0 {
		return nil // which its limits say
	}
	most := ina219MostShunt * 1_000_000_000 / int64(o.Shunt) // nA
	if int64(o.MaxCurrent) <= most {
		return nil
	}
	amperes := func(nano int64) string { return decimal(nano/1000) + " A" }
	return []options.Mistake{options.Wrong("max_current", "%s: expected at most %s, which are 320 mV across the shunt of %s ohm", amperes(int64(o.MaxCurrent)),
		amperes(most), decimal(int64(o.Shunt/physic.MicroOhm)))}
}

// INA219 is a current and power monitor on I2C. It measures:
//
//	current   through the shunt, from IN+ to IN-, in A; negative the other way
//	voltage   of the bus: between IN- and ground, in V, 0 to 26
//	power     voltage times current, in W; negative when the current is
//	shunt     voltage across the shunt, in V
//
// They come from one measurement, of half a millisecond for the current and then as long for the voltage, and whoever asks within the
// time of one shares it. A shunt voltage at either end of its range (40, 80, 160 or 320 mV) means that much or more. Current and power
// fail while the chip says that they overflow: the current is beyond MaxCurrent. It may be used from several goroutines.
//
// When the chip has no new measurement the last one is repeated, for at most 100 ms; then it hangs, and is started again. So it is
// when its calibration register is not as it was written: the chip has lost its supply for a moment.
//
// Current and power are computed here, from both voltages: the chip's own registers round the same numbers to its steps (98 µA and
// 2 mW with the default options), and power has no sign there. The calibration is written for the sake of the overflow flag, and as
// what a lost supply is known by.
//
// Source: Texas Instruments, INA219 data sheet, SBOS448G. The driver in periph's device library (v3.7.4) is not used: it talks to the
// chip when it is made, discards the errors of the bus, reads zero for current and power after a lost supply, clips the bus at 16 V,
// and panics with a maximum current below 33 µA.
type INA219 struct {
	chip
	shunt       int64 // nohm
	scale       uint16
	mostShunt   int64 // µV, by the range
	calibration uint16
	maxCurrent  int64 // µA

	mutex    sync.Mutex
	asked    time.Duration // when the chip was last asked for a measurement,
	renewed  time.Duration // and when it last had a new one, or was started
	measured bool          // there is a measurement since the last start:
	across   int64         // voltage across the shunt, in µV,
	voltage  int64         // and of the bus, in µV
	overflow bool          // beyond MaxCurrent
}

// NewINA219 checks the options and leaves the chip alone: the first Sample starts it. The address is 0x40 to 0x4f, by what pins A0 and
// A1 are connected to; nil options stand for DefaultINA219Opts.
func NewINA219(bus i2c.Bus, address uint16, opts *INA219Opts) (*INA219, error) {
	o := options.OrDefaults(opts, DefaultINA219Opts)
	m := &INA219{chip: newChip("ina219", bus, address, "its supply, the wires to SDA and SCL, and pins A0 and A1 (both at ground: 0x40)")}
	if err := m.among(ina219Addresses, "0x40 (pins A0 and A1 to ground) to 0x4f"); err != nil {
		return nil, err
	}
	if err := options.Validate(m.String(), &o); err != nil {
		return nil, err
	}
	shunt, current := o.Shunt, o.MaxCurrent
	across := (int64(current)*int64(shunt) + 999_999_999) / 1_000_000_000 // nV, rounded up
	m.shunt, m.mostShunt, m.maxCurrent = int64(shunt), 40_000, int64(current/physic.MicroAmpere)
	for m.mostShunt*1000 < across {
		m.mostShunt *= 2
		m.scale++
	}
	// The data sheet's 0.04096 / (step * shunt), where 2^15 steps are the maximum current. The lowest bit is always zero.
	m.calibration = uint16(min(40_960_000<<15/across, 0xffff)) &^ 1
	return m, nil
}

// Measure gives one of the measures: current, voltage, power or shunt. Halting one powers the chip down, for all of them; whichever is
// sampled next starts it again.
func (m *INA219) Measure(name string) (Sensor, error) {
	i, err := find(m, ina219Measures, name)
	if err != nil {
		return nil, err
	}
	most := []int64{m.maxCurrent, ina219MostBus, m.maxCurrent * (ina219MostBus / 1_000_000), m.mostShunt}[i]
	within := Range{-most, most}
	if name == "voltage" {
		within.Low = 0
	}
	return &chipMeasure{chip: m, name: name, unit: ina219Measures[i].Unit, within: within, sample: func(at time.Duration) (int64, error) {
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
	m.lost = true
	return m.writeWord("power down", ina219Config, ina219PowerDown|m.scale<<11)
}

// value is a measure of the last measurement.
func (m *INA219) value(name string) (int64, error) {
	switch name {
	case "voltage":
		return m.voltage, nil
	case "shunt":
		return m.across, nil
	}
	if m.overflow {
		return 0, fmt.Errorf("%s: %s: overflow: the current is beyond the maximum (%d µV are across the shunt); check for a short circuit,"+
			" or set a larger maximum current", m, name, m.across)
	}
	if name == "current" {
		return nearest(m.across*1_000_000_000, m.shunt), nil
	}
	return nearest(m.across*m.voltage*1000, m.shunt), nil // at most 320 mV times 32 V: 10^16
}

// refresh takes a new measurement from the chip when the last one is older than the time between two.
func (m *INA219) refresh(at time.Duration) error {
	if m.lost {
		if err := m.start(); err != nil {
			return err
		}
		m.lost, m.measured, m.renewed = false, false, at
	}
	if m.measured && at-m.asked < ina219Period {
		return nil
	}
	calibration, err := m.readWord("read the calibration", ina219Calibration)
	if err != nil {
		return err
	}
	if calibration != m.calibration {
		return m.failed("check the calibration", fmt.Errorf("expected %#04x as written, got %#04x: has it lost its supply?",
			m.calibration, calibration))
	}
	bus, err := m.readWord("read the voltage", ina219Bus)
	if err != nil {
		return err
	}
	m.asked = at
	switch {
	case bus&ina219Ready != 0:
		m.renewed = at
		return m.accept(bus)
	case at-m.renewed >= ina219Patience:
		return m.failed("measure", fmt.Errorf("no new measurement since %v, now %v: it hangs", m.renewed, at))
	case !m.measured:
		return fmt.Errorf("%s: %w", m, ErrNotYet)
	}
	return nil
}

// accept takes a measurement over, unless it cannot be one. The power is read because that clears the flag that says it is new.
func (m *INA219) accept(bus uint16) error {
	count, err := m.readWord("read the shunt voltage", ina219Shunt)
	if err != nil {
		return err
	}
	if _, err := m.readWord("read the power", ina219Power); err != nil {
		return err
	}
	across, voltage := int64(int16(count))*10, int64(bus>>3)*4000
	if across < -m.mostShunt || across > m.mostShunt {
		return m.failed("measure", fmt.Errorf("shunt voltage: expected -%d to %d µV, got %d", m.mostShunt, m.mostShunt, across))
	}
	if voltage > ina219MostBus {
		return m.failed("measure", fmt.Errorf("voltage: expected %s V, which is what the chip bears, got %s", Range{0, ina219MostBus}, decimal(voltage)))
	}
	m.across, m.voltage, m.overflow, m.measured = across, voltage, bus&ina219Overflow != 0, true
	return nil
}

// start writes the calibration first: writing the configuration begins a measurement, and clears the flag of the last one.
func (m *INA219) start() error {
	if err := m.writeWord("calibrate", ina219Calibration, m.calibration); err != nil {
		return err
	}
	return m.writeWord("start", ina219Config, ina219Continuous|m.scale<<11)
}
