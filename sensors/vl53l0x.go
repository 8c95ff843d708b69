package sensors

import (
	"fmt"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"fluxd/options"
)

// The registers of the VL53L0X that have a name in ST's programming interface. Other registers have only numbers.
const (
	vl53l0xStart           = 0x00 // SYSRANGE_START
	vl53l0xSequence        = 0x01 // SYSTEM_SEQUENCE_CONFIG: the steps of a measurement
	vl53l0xInterruptConfig = 0x0a // SYSTEM_INTERRUPT_CONFIG_GPIO
	vl53l0xInterruptClear  = 0x0b // SYSTEM_INTERRUPT_CLEAR
	vl53l0xInterruptStatus = 0x13 // RESULT_INTERRUPT_STATUS, followed by the 12 bytes of RESULT_RANGE_STATUS
	vl53l0xFinalTimeout    = 0x71 // FINAL_RANGE_CONFIG_TIMEOUT_MACROP, two bytes
	vl53l0xPinPolarity     = 0x84 // GPIO_HV_MUX_ACTIVE_HIGH
	vl53l0xPads            = 0x89 // VHV_CONFIG_PAD_SCL_SDA__EXTSUP_HV
	vl53l0xStopVariable    = 0x91 // on page 1
	vl53l0xSpadMap         = 0xb0 // GLOBAL_CONFIG_SPAD_ENABLES_REF_0 to 5
	vl53l0xSpadStart       = 0xb6 // GLOBAL_CONFIG_REF_EN_START_SELECT
	vl53l0xReset           = 0xbf // SOFT_RESET_GO2_SOFT_RESET_N
	vl53l0xModel           = 0xc0 // IDENTIFICATION_MODEL_ID, followed by the module type
	vl53l0xPage            = 0xff
)

const (
	vl53l0xSingle     = 0x01 // SYSRANGE_START: one measurement
	vl53l0xBackToBack = 0x02 // continuous measurement
	vl53l0xVHV        = 0x40 // calibration of the VHV, the voltage across the light-sensitive diodes

	vl53l0xRanging = 0xe8 // the steps of a measurement: selection of diodes, pre-range and final range

	// vl53l0xFarthest is the end of the range, in mm: the farthest distance that the chip measures, to a white target,
	// without other light.
	vl53l0xFarthest = 2000

	// vl53l0xDeadline is how long each step of a start may take. The longest step, the boot, takes 1.2 ms.
	vl53l0xDeadline = 200 * time.Millisecond

	// vl53l0xPatience is how long, on top of two measurements, the last distance is repeated while the chip has no new
	// one.
	vl53l0xPatience = 50 * time.Millisecond
)

// vl53l0xAddresses are the address after each boot, and those that a chip may be given when a pin controls its boot.
var vl53l0xAddresses = []uint16{vl53l0xBootAddress, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f, 0x30}

// A vl53l0xWrite is a register and the value to write to it.
type vl53l0xWrite [2]byte

// vl53l0xTuning is ST's table of settings, version 36 of 2015-11-02, which a chip needs after each boot. The meaning of
// most settings is not public. A write to register 0xff selects the page of the registers that follow.
var vl53l0xTuning = []vl53l0xWrite{
	{0xff, 1}, {0x00, 0x00},
	{0xff, 0}, {0x09, 0x00}, {0x10, 0x00}, {0x11, 0x00}, {0x24, 0x01}, {0x25, 0xff}, {0x75, 0x00},
	{0xff, 1}, {0x4e, 0x2c}, {0x48, 0x00}, {0x30, 0x20},
	{0xff, 0}, {0x30, 0x09}, {0x54, 0x00}, {0x31, 0x04}, {0x32, 0x03}, {0x40, 0x83}, {0x46, 0x25}, {0x60, 0x00}, {0x27, 0x00},
	{0x50, 0x06}, {0x51, 0x00}, {0x52, 0x96}, {0x56, 0x08}, {0x57, 0x30},
	{0x61, 0x00}, {0x62, 0x00}, {0x64, 0x00}, {0x65, 0x00}, {0x66, 0xa0},
	{0xff, 1}, {0x22, 0x32}, {0x47, 0x14}, {0x49, 0xff}, {0x4a, 0x00},
	{0xff, 0}, {0x7a, 0x0a}, {0x7b, 0x00}, {0x78, 0x21},
	{0xff, 1}, {0x23, 0x34}, {0x42, 0x00}, {0x44, 0xff}, {0x45, 0x26}, {0x46, 0x05},
	{0x40, 0x40}, {0x0e, 0x06}, {0x20, 0x1a}, {0x43, 0x40},
	{0xff, 0}, {0x34, 0x03}, {0x35, 0x44},
	{0xff, 1}, {0x31, 0x04}, {0x4b, 0x09}, {0x4c, 0x05}, {0x4d, 0x04},
	{0xff, 0}, {0x44, 0x00}, {0x45, 0x20}, {0x47, 0x08}, {0x48, 0x28},
	{0x67, 0x00}, {0x70, 0x04}, {0x71, 0x01}, {0x72, 0xfe}, {0x76, 0x00}, {0x77, 0x00},
	{0xff, 1}, {0x0d, 0x01},
	{0xff, 0}, {0x80, 0x01}, {0x01, 0xf8},
	{0xff, 1}, {0x8e, 0x01}, {0x00, 0x01},
	{0xff, 0}, {0x80, 0x00},
}

// The other tables of a start. Between them, registers are read.
var (
	vl53l0xOpenPrivate  = []vl53l0xWrite{{0x80, 1}, {0xff, 1}, {0x00, 0}}
	vl53l0xClosePrivate = []vl53l0xWrite{{0x00, 1}, {0xff, 0}, {0x80, 0}}

	// The number of reference diodes comes from the fixed memory of the chip. The memory is strobed, and answers some time
	// later.
	vl53l0xOpenMemory  = []vl53l0xWrite{{0x80, 1}, {0xff, 1}, {0x00, 0}, {0xff, 6}}
	vl53l0xAskMemory   = []vl53l0xWrite{{0xff, 7}, {0x81, 1}, {0x80, 1}, {0x94, 0x6b}, {0x83, 0}}
	vl53l0xLeaveMemory = []vl53l0xWrite{{0x81, 0}, {0xff, 6}}
	vl53l0xCloseMemory = []vl53l0xWrite{{0xff, 1}, {0x00, 1}, {0xff, 0}, {0x80, 0}}

	vl53l0xSelectSpads = []vl53l0xWrite{{0xff, 1}, {0x4f, 0x00}, {0x4e, 0x2c}, {0xff, 0}, {vl53l0xSpadStart, 0xb4}}

	vl53l0xCalibrateVHV   = []vl53l0xWrite{{vl53l0xSequence, 0x01}, {vl53l0xStart, vl53l0xSingle | vl53l0xVHV}}
	vl53l0xCalibratePhase = []vl53l0xWrite{{vl53l0xSequence, 0x02}, {vl53l0xStart, vl53l0xSingle}}
	vl53l0xCalibrated     = []vl53l0xWrite{{vl53l0xInterruptClear, 1}, {vl53l0xStart, 0}}
)

// The timing budget of a measurement is spent on its steps. All steps before the last take the time that the tuning
// table sets, in macro periods of so many laser pulses: the selection of diodes takes 38 periods twice, and the
// pre-range 151, of 14 pulses each. The final range, of 10 pulses, gets the rest.
const (
	vl53l0xPrePeriod   = 53_384 // ns: 2304 clocks of 1.655 ns for each of 14 pulses
	vl53l0xFinalPeriod = 38_131 // ns, for each of 10 pulses
	vl53l0xPrePeriods  = 151

	// In µs: start and end, twice the selection with its overhead, pre-range with its overhead, overhead of the final
	// range.
	vl53l0xBeforeFinal = 1910 + 960 + 2*((38*vl53l0xPrePeriod+500)/1000+690) +
		(vl53l0xPrePeriods*vl53l0xPrePeriod+500)/1000 + 660 + 550
)

// vl53l0xSteps are the steps of a start, one per Sample. Each step waits for the result of the step before, and begins
// what the next step waits for.
var vl53l0xSteps = [...]struct {
	name string
	do   func(v *VL53L0X) (done bool, err error)
}{
	{"boot", (*VL53L0X).identify},
	{"read the fixed memory", (*VL53L0X).configure},
	{"calibrate the voltage", (*VL53L0X).calibratePhase},
	{"calibrate the phase", (*VL53L0X).startRanging},
}

// VL53L0XOpts are the options of a VL53L0X. NewVL53L0X uses the default of an option that is not set.
type VL53L0XOpts struct {
	Bus     string `yaml:"bus" required:"true" doc:"I2C bus, such as I2C1"`
	Address uint16 `yaml:"address" default:"0x29" doc:"I2C address, 0x29 to 0x30; any but 0x29 needs xshut"`
	XSHUT   string `yaml:"xshut" pin:"out" doc:"pin to XSHUT, to give several on one bus their addresses"`
	// TimingBudget is the time of a measurement, 20 ms to 1 s. A budget that is four times as long halves the noise.
	TimingBudget time.Duration `yaml:"-" default:"33ms"`
	// IOVoltage is the voltage of SDA and SCL. The setting 2.8 V is for any voltage from there up, and for boards for 3.3
	// and 5 V, which have 2.8 V at the chip. The setting 1.8 V is for a bare chip.
	IOVoltage physic.ElectricPotential `yaml:"-" default:"2.8 V"`
}

// DefaultVL53L0XOpts are used when the options are nil. They are the defaults of ST.
var DefaultVL53L0XOpts = options.Defaults[VL53L0XOpts]()

// A measurement with ST's shortest timing budget takes 20 ms.
var vl53l0xKind = Kind{Name: "vl53l0x", About: "range by light", New: func() Options { return new(VL53L0XOpts) },
	Addresses: vl53l0xAddresses, MinInterval: 20 * time.Millisecond, Calibrates: true, Freezes: true}

// Measures implements Options.
func (o *VL53L0XOpts) Measures() []Measure { return measuresIn("m", "") }

// Open implements Options.
func (o *VL53L0XOpts) Open(from Parts) (Device, error) {
	bus, err := from.Bus(o.Bus)
	if err != nil {
		return nil, err
	}
	if o.XSHUT == "" {
		return deviceOf(NewVL53L0X(bus, o.Address, o))
	}
	xshut, err := from.Pin(o.XSHUT)
	if err != nil {
		return nil, err
	}
	group := from.Shared("vl53l0x on "+bus.String(), func() any { return NewVL53L0XGroup(bus) }).(*VL53L0XGroup)
	return deviceOf(group.NewVL53L0X(xshut, o.Address, o))
}

// Check rejects an address that the chip cannot get.
func (o *VL53L0XOpts) Check() []options.Mistake {
	if o.XSHUT != "" || o.Address == vl53l0xBootAddress {
		return nil
	}
	return []options.Mistake{options.Wrong("address",
		"%#02x: a vl53l0x has 0x29 after each boot; to give it another address, xshut must name the pin that starts it",
		o.Address)}
}

// StartAddress implements Readdressed.
func (o *VL53L0XOpts) StartAddress() uint16 {
	if o.XSHUT == "" {
		return o.Address
	}
	return vl53l0xBootAddress
}

// VL53L0X is a laser distance sensor on I2C. It measures the time of flight of light, in m, up to 2 m, continuously. It
// belongs to one goroutine.
//
// When nothing is in sight, or nothing that reflects enough light, the reading is 2 m: that much or more. When an
// object is nearer than the chip can measure, the reading is the distance that the chip reports, or 0. When the chip
// has no new distance, the last one is repeated for at most two measurements and 50 ms; then the chip is started again.
//
// The chip is not a ruler: its field of view is 25°, it has an offset of a centimetre or two behind a cover, and its
// range is shorter for dark objects and in daylight.
//
// Sources: ST, VL53L0X data sheet, DocID029104 rev. 2; user manual UM2039. ST documents the registers only by its
// programming interface (STSW-IMG005): the driver writes the same numbers. It leaves out the estimate of the noise
// (sigma), which that interface computes on the host.
type VL53L0X struct {
	chip
	budget time.Duration
	io2V8  bool           // SDA and SCL are at 2.8 V or more
	member *vl53l0xMember // of a group whose chips are given addresses; nil for a chip at 0x29

	step         int           // next step of the start; len(vl53l0xSteps): the chip measures
	since        time.Duration // when the step began, or when the last new distance came
	stopVariable byte          // a number that differs from chip to chip, is read after the boot, and starts it
	measured     bool          // there is a distance since the last start
	distance     int64         // in µm
}

// NewVL53L0X checks the options and leaves the chip alone: the first Sample starts it, and the next four Samples
// complete the start. The address is 0x29. With nil options it uses DefaultVL53L0XOpts.
func NewVL53L0X(bus i2c.Bus, address uint16, opts *VL53L0XOpts) (*VL53L0X, error) {
	v, err := newVL53L0X(bus, address, opts, "its supply, the wires to SDA and SCL, and that pin XSHUT is high")
	if err == nil && address != vl53l0xBootAddress {
		return nil, fmt.Errorf("%s: address: expected 0x29, which the chip has after each boot; "+
			"use a VL53L0XGroup to give it another", v)
	}
	return v, err
}

// newVL53L0X makes a sensor, alone or in a group.
func newVL53L0X(bus i2c.Bus, address uint16, opts *VL53L0XOpts, remedy string) (*VL53L0X, error) {
	o := options.OrDefaults(opts, DefaultVL53L0XOpts)
	v := &VL53L0X{chip: newChip("vl53l0x", bus, address, remedy)}
	if err := v.checkAddress(vl53l0xAddresses, "0x29 to 0x30"); err != nil {
		return nil, err
	}
	v.budget = o.TimingBudget
	if v.budget < 20*time.Millisecond || v.budget > time.Second {
		return nil, fmt.Errorf("%s: timing budget: expected 20 ms to 1 s, got %v", v, o.TimingBudget)
	}
	switch o.IOVoltage {
	case 2800 * physic.MilliVolt:
		v.io2V8 = true
	case 1800 * physic.MilliVolt:
	default:
		return nil, fmt.Errorf("%s: voltage of SDA and SCL: expected 2.8 or 1.8 V, got %s", v, o.IOVoltage)
	}
	return v, nil
}

// Unit is "m".
func (v *VL53L0X) Unit() string { return "m" }

// Range is 0 to 2 m.
func (v *VL53L0X) Range() Range { return Range{0, vl53l0xFarthest * 1000} }

// Sample returns the last distance, in µm. During a start it takes the next step, and fails with ErrNotYet.
//
// It fails when no chip answers, when another chip answers, when the laser is defective, and when there was no new
// distance for two measurements and 50 ms. The next call starts the chip again, beginning with a reset.
func (v *VL53L0X) Sample(at time.Duration) (int64, error) {
	switch {
	case v.needsStart || v.step > 0 && v.member != nil && !v.member.addressed():
		if err := v.reset(); err != nil {
			return 0, err
		}
		v.needsStart, v.step, v.since, v.measured = false, 0, at, false
	case v.step < len(vl53l0xSteps):
		if err := v.advance(at); err != nil {
			return 0, err
		}
	default:
		return v.last(at)
	}
	return 0, fmt.Errorf("%s: %w: step %d of %d of its start is done", v, ErrNotYet, v.step+1, len(vl53l0xSteps)+1)
}

// Halt resets the chip: its laser is off, and the next program finds it ready.
func (v *VL53L0X) Halt() error {
	v.needsStart = true
	if v.member != nil {
		if err := v.member.halt(); err != nil {
			return v.failed("put into reset", err)
		}
		return nil
	}
	return v.reset()
}

// reset starts the boot of the chip. Without it, a chip that was stopped once, or that a process left measuring when it
// died, cannot be started: its stop variable is lost until the next boot. A chip that was left in reset may answer
// nothing except its release.
func (v *VL53L0X) reset() error {
	if v.member != nil {
		if err := v.member.restart(); err != nil {
			return v.failed("reset", err)
		}
		return nil
	}
	v.bus.Tx(v.address, []byte{vl53l0xPage, 0}, nil)
	v.bus.Tx(v.address, []byte{vl53l0xReset, 0}, nil)
	v.bus.Tx(v.address, []byte{vl53l0xModel}, make([]byte, 1)) // 0 in reset; this read takes as long as the reset needs
	return v.write("reset", vl53l0xReset, 1)
}

// advance takes the next step of the start, if the chip is ready for it.
func (v *VL53L0X) advance(at time.Duration) error {
	if v.step == 0 && v.member != nil {
		if addressed, err := v.member.advance(at); err != nil {
			return v.failed("assign its address", err)
		} else if !addressed {
			v.since = at
			return fmt.Errorf("%s: %w: waiting for its address", v, ErrNotYet)
		}
	}
	step := vl53l0xSteps[v.step]
	done, err := step.do(v)
	switch {
	case err != nil:
		return err
	case done:
		v.step++
		v.since = at
	case at-v.since >= vl53l0xDeadline:
		return v.failed(step.name, fmt.Errorf("expected to end within %v, still not ended after %v", vl53l0xDeadline, at-v.since))
	default:
		return fmt.Errorf("%s: %s: %w", v, step.name, ErrNotYet)
	}
	return nil
}

// identify identifies the chip after its boot, and begins to read its fixed memory. A chip that is booting does not
// answer.
func (v *VL53L0X) identify() (bool, error) {
	var identity [2]byte
	if err := v.bus.Tx(v.address, []byte{vl53l0xModel}, identity[:]); err != nil || identity == [2]byte{} {
		return false, nil
	}
	if identity != [2]byte{0xee, 0xaa} {
		return false, v.failed("identify", fmt.Errorf("expected 0xeeaa, got %#04x", identity))
	}
	if v.io2V8 {
		if err := v.change("set the voltage of SDA and SCL", vl53l0xPads, 0, 0x01); err != nil {
			return false, err
		}
	}
	if err := v.writeAll("open", []vl53l0xWrite{{0x88, 0}}, vl53l0xOpenPrivate); err != nil { // 0x88: standard I2C
		return false, err
	}
	stop, err := v.readByte("read the stop variable", vl53l0xStopVariable)
	if err != nil {
		return false, err
	}
	v.stopVariable = stop
	if err := v.writeAll("open the fixed memory", vl53l0xClosePrivate, vl53l0xOpenMemory); err != nil {
		return false, err
	}
	if err := v.change("open the fixed memory", 0x83, 0, 0x04); err != nil {
		return false, err
	}
	return true, v.writeAll("ask the fixed memory", vl53l0xAskMemory)
}

// configure reads the reference diodes from the fixed memory, writes all settings and begins the calibration of the
// voltage.
func (v *VL53L0X) configure() (bool, error) {
	if answered, err := v.readByte("wait for the fixed memory", 0x83); err != nil || answered == 0 {
		return false, err
	}
	if err := v.write("read from the fixed memory", 0x83, 1); err != nil {
		return false, err
	}
	spads, err := v.readByte("read the count of reference diodes", 0x92)
	if err != nil {
		return false, err
	}
	if err := v.writeAll("leave the fixed memory", vl53l0xLeaveMemory); err != nil {
		return false, err
	}
	if err := v.change("close the fixed memory", 0x83, 0x04, 0); err != nil {
		return false, err
	}
	if err := v.writeAll("close the fixed memory", vl53l0xCloseMemory); err != nil {
		return false, err
	}
	if err := v.enableSpads(int(spads&0x7f), spads&0x80 != 0); err != nil {
		return false, err
	}
	timeout := vl53l0xTimeout(v.budget)
	announce := []vl53l0xWrite{{vl53l0xInterruptConfig, 0x04}} // a new distance
	if err := v.writeAll("tune", vl53l0xTuning, announce); err != nil {
		return false, err
	}
	if err := v.change("set the level of the interrupt", vl53l0xPinPolarity, 0x10, 0); err != nil {
		return false, err
	}
	return true, v.writeAll("calibrate the voltage", []vl53l0xWrite{
		{vl53l0xInterruptClear, 1}, {vl53l0xSequence, vl53l0xRanging},
		{vl53l0xFinalTimeout, byte(timeout >> 8)}, {vl53l0xFinalTimeout + 1, byte(timeout)},
	}, vl53l0xCalibrateVHV)
}

// enableSpads enables as many good reference diodes as the fixed memory says. They are among the first twelve, or, when
// there was too much light for those, among the others, which have an aperture.
func (v *VL53L0X) enableSpads(count int, aperture bool) error {
	first, last, most := 0, 11, 12
	if aperture {
		first, last, most = 12, 47, 32
	}
	if count == 0 || count > most {
		return v.failed("read the count of reference diodes", fmt.Errorf("expected 1 to %d, got %d", most, count))
	}
	var good, enabled [6]byte
	if err := v.read("read the map of reference diodes", vl53l0xSpadMap, good[:]); err != nil {
		return err
	}
	left := count
	for i := first; i <= last && left > 0; i++ {
		if bit := byte(1) << (i % 8); good[i/8]&bit != 0 {
			enabled[i/8] |= bit
			left--
		}
	}
	if left > 0 {
		err := fmt.Errorf("expected %d good ones from bit %d to %d, got %#x", count, first, last, good)
		return v.failed("read the map of reference diodes", err)
	}
	if err := v.writeAll("select reference diodes", vl53l0xSelectSpads); err != nil {
		return err
	}
	return v.write("enable reference diodes", vl53l0xSpadMap, enabled[:]...)
}

// vl53l0xTimeout converts a budget into the value of the register for the timeout of the final range: the macro periods
// of both ranges, less one, as a mantissa of eight bits and an exponent in the upper byte.
func vl53l0xTimeout(budget time.Duration) uint16 {
	final := nearest((budget.Microseconds()-vl53l0xBeforeFinal)*1000, vl53l0xFinalPeriod)
	mantissa, exponent := final+vl53l0xPrePeriods-1, uint16(0)
	for mantissa > 0xff {
		mantissa >>= 1
		exponent++
	}
	return exponent<<8 | uint16(mantissa)
}

// calibratePhase begins the second calibration after the first one is over.
func (v *VL53L0X) calibratePhase() (bool, error) {
	over, err := v.interrupted()
	if err != nil || !over {
		return false, err
	}
	return true, v.writeAll("calibrate the phase", vl53l0xCalibrated, vl53l0xCalibratePhase)
}

// startRanging begins to measure after the calibrations are over.
func (v *VL53L0X) startRanging() (bool, error) {
	over, err := v.interrupted()
	if err != nil || !over {
		return false, err
	}
	return true, v.writeAll("start measuring", vl53l0xCalibrated, []vl53l0xWrite{{vl53l0xSequence, vl53l0xRanging}},
		vl53l0xOpenPrivate, []vl53l0xWrite{{vl53l0xStopVariable, v.stopVariable}}, vl53l0xClosePrivate,
		[]vl53l0xWrite{{vl53l0xStart, vl53l0xBackToBack}})
}

// interrupted reports whether the chip has finished its task.
func (v *VL53L0X) interrupted() (bool, error) {
	status, err := v.readByte("wait for the calibration", vl53l0xInterruptStatus)
	if err != nil {
		return false, err
	}
	return status&0x07 != 0, v.checkInterrupt(status)
}

func (v *VL53L0X) checkInterrupt(status byte) error {
	if status&^0x07 != 0 { // two of the bits report errors; a wire that no chip drives reads 0xff
		return v.failed("read", fmt.Errorf("interrupt status: expected 0 to 7, got %#02x", status))
	}
	return nil
}

// last reads a new distance from the chip, or repeats the last one.
func (v *VL53L0X) last(at time.Duration) (int64, error) {
	var raw [13]byte
	if err := v.read("read", vl53l0xInterruptStatus, raw[:]); err != nil {
		return 0, err
	}
	if err := v.checkInterrupt(raw[0]); err != nil {
		return 0, err
	}
	if raw[0] != 0 {
		if err := v.write("clear the interrupt", vl53l0xInterruptClear, 1); err != nil {
			return 0, err
		}
		if err := v.accept(at, raw[1]>>3&0x0f, int64(raw[11])<<8|int64(raw[12])); err != nil {
			return 0, err
		}
	}
	switch {
	case at-v.since >= 2*v.budget+vl53l0xPatience:
		return 0, v.failed("read", fmt.Errorf("no new distance since %v, now %v: the chip hangs, or lost its supply for a moment",
			v.since, at))
	case !v.measured:
		return 0, fmt.Errorf("%s: %w", v, ErrNotYet)
	}
	return v.distance, nil
}

// accept stores a distance in millimetres, or rejects it, depending on the status that comes with it.
func (v *VL53L0X) accept(at time.Duration, status byte, millimetres int64) error {
	switch status {
	case 0: // no measurement was finished
		return nil
	case 11, 8, 10: // complete; nearer than the chip can measure
		millimetres = min(millimetres, vl53l0xFarthest) // 8190 and 8191 mean nothing in sight, too
	case 12: // below zero
		millimetres = 0
	case 4, 5, 6, 7, 9, 13, 14: // too little light came back, or its phase is invalid
		millimetres = vl53l0xFarthest
	case 1, 2, 3:
		failures := [...]string{
			1: "the laser failed its continuity test", 2: "the laser failed its watchdog test", 3: "it is not calibrated"}
		return v.failed("measure", fmt.Errorf("status %d: %s", status, failures[status]))
	default:
		return v.failed("measure", fmt.Errorf("expected a status up to 14, got %d", status))
	}
	v.measured, v.since, v.distance = true, at, millimetres*1000
	return nil
}

// change clears and sets bits of a register.
func (v *VL53L0X) change(doing string, register, clear, set byte) error {
	value, err := v.readByte(doing, register)
	if err != nil {
		return err
	}
	return v.write(doing, register, value&^clear|set)
}

func (v *VL53L0X) writeAll(doing string, tables ...[]vl53l0xWrite) error {
	for _, table := range tables {
		for _, w := range table {
			if err := v.write(doing, w[0], w[1]); err != nil {
				return err
			}
		}
	}
	return nil
}
