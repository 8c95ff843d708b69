package sensors

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"fluxd/options"
)

// The registers of the ADXL345 that the driver uses.
const (
	adxl345Identity        = 0x00
	adxl345Offsets         = 0x1e // three, one per axis
	adxl345Rate            = 0x2c // followed by POWER_CTL and INT_ENABLE
	adxl345Power           = 0x2d
	adxl345InterruptSource = 0x30 // followed by DATA_FORMAT and the three axes, low byte first
	adxl345Format          = 0x31
	adxl345Buffer          = 0x38
)

const (
	adxl345Measure        = 0x08 // POWER_CTL
	adxl345DataReady      = 0x80 // INT_SOURCE: set whether the interrupt is enabled or not
	adxl345FullResolution = 0x08 // DATA_FORMAT: 256 counts per multiple of gravity, in all ranges
	adxl345Counts         = 256

	// adxl345Patience is how long, on top of two sample periods, the last sample is repeated while the chip has no new
	// one.
	adxl345Patience = 50 * time.Millisecond
)

// adxl345Addresses are the addresses for pin ALT ADDRESS high and low.
var adxl345Addresses = []uint16{0x1d, 0x53}

// The values of the range field, and of the rate field from 6 on.
var (
	adxl345Ranges = []int{2, 4, 8, 16}
	adxl345Rates  = []physic.Frequency{6250 * physic.MilliHertz, 12500 * physic.MilliHertz, 25 * physic.Hertz, 50 * physic.Hertz,
		100 * physic.Hertz, 200 * physic.Hertz, 400 * physic.Hertz, 800 * physic.Hertz}
)

const adxl345SlowestRate = 6

// ADXL345Opts are the options of an ADXL345. NewADXL345 uses the default of an option that is not set.
type ADXL345Opts struct {
	OnBus
	// Range is the largest acceleration, in multiples of standard gravity: 2, 4, 8 or 16. The resolution is the same in
	// all ranges.
	Range int `yaml:"-" default:"16"`
	// SampleRate is the measurements per second: 6.25, 12.5, 25, 50, 100, 200, 400 or 800 Hz. The bandwidth is half of it.
	// Above 200 Hz the bus should run at 400 kHz. Measures that are read within one sample period come from the same
	// sample.
	SampleRate physic.Frequency `yaml:"-" default:"100 Hz"`
}

// DefaultADXL345Opts are used when the options are nil.
var DefaultADXL345Opts = options.Defaults[ADXL345Opts]()

var adxl345Kind = Kind{Name: "adxl345", About: "acceleration", New: func() Options { return new(ADXL345Opts) },
	Addresses: adxl345Addresses, Calibrates: true, Freezes: true}

// adxl345Measures are in the order of the registers.
var adxl345Measures = measuresIn("m/s²", "accel_x", "accel_y", "accel_z")

// Measures implements Options.
func (o *ADXL345Opts) Measures() []Measure { return adxl345Measures }

// Open implements Options.
func (o *ADXL345Opts) Open(from Parts) (Device, error) {
	bus, err := from.Bus(o.Bus)
	if err != nil {
		return nil, err
	}
	return asDevice(NewADXL345(bus, o.Address, o))
}

// ADXL345 is an accelerometer on I2C. It measures:
//
//	accel_x, accel_y, accel_z   acceleration, gravity included, in m/s²: an axis that points up reads +9.8 at rest
//
// One transfer reads all three, so they belong to the same moment. All measures that are read within a sample period
// share it. An ADXL345 may be used from several goroutines.
//
// A reading at either end of the range means that much or more. When the chip has no new sample, the last one is
// repeated for at most two sample periods and 50 ms. After that, the chip counts as hanging, and is started again. A
// chip that lost its supply for a moment has another data format. The format is read with each sample, and such a chip
// is started again immediately.
//
// Source: Analog Devices, ADXL345 data sheet, rev. E. The driver in periph's device library is not used: its
// constructor touches the bus, it reads each byte in a separate transfer, so that the two halves of a number may belong
// to different samples, it returns zero for a failed read, and it has no unit.
type ADXL345 struct {
	chip
	scale  int64 // multiples of gravity at the end of the range
	format byte
	rate   byte
	period time.Duration

	mutex    sync.Mutex
	lastRead time.Duration // when the chip was last read
	lastNew  time.Duration // when it last had a new sample, or should have its first
	measured bool          // there is a sample since the last start
	sample   [3]int64      // in counts
}

// NewADXL345 checks the options and leaves the chip alone: the first Sample starts it. The address is 0x53 (pin ALT
// ADDRESS low) or 0x1d (high). With nil options it uses DefaultADXL345Opts.
func NewADXL345(bus i2c.Bus, address uint16, opts *ADXL345Opts) (*ADXL345, error) {
	o := options.OrDefaults(opts, DefaultADXL345Opts)
	a := &ADXL345{chip: newChip("adxl345", bus, address,
		"its supply, the wires to SDA and SCL, that CS is high, and ALT ADDRESS low for 0x53 or high for 0x1d")}
	if err := a.checkAddress(adxl345Addresses, "0x53 (pin ALT ADDRESS low) or 0x1d (ALT ADDRESS high)"); err != nil {
		return nil, err
	}
	scale := slices.Index(adxl345Ranges, o.Range)
	if scale < 0 {
		return nil, fmt.Errorf("%s: range: expected 2, 4, 8 or 16 (times gravity), got %d", a, o.Range)
	}
	rate := slices.Index(adxl345Rates, o.SampleRate)
	if rate < 0 {
		return nil, fmt.Errorf("%s: sample rate: expected 6.25, 12.5, 25, 50, 100, 200, 400 or 800 Hz, got %s", a, o.SampleRate)
	}
	a.scale, a.format = int64(adxl345Ranges[scale]), adxl345FullResolution|byte(scale)
	a.rate, a.period = byte(rate)+adxl345SlowestRate, o.SampleRate.Period()
	return a, nil
}

// Measure returns one of the measures: accel_x, accel_y or accel_z. Halting one of them puts the chip in standby for
// all; the next Sample of any measure starts it again.
func (a *ADXL345) Measure(name string) (Sensor, error) {
	axis, err := findMeasure(a, adxl345Measures, name)
	if err != nil {
		return nil, err
	}
	limits := Range{-a.scale * standardGravity, nearest((a.scale*adxl345Counts-1)*standardGravity, adxl345Counts)}
	return &chipMeasure{chip: a, name: name, unit: adxl345Measures[axis].Unit, limits: limits,
		sample: func(at time.Duration) (int64, error) {
			a.mutex.Lock()
			defer a.mutex.Unlock()
			if err := a.refresh(at); err != nil {
				return 0, err
			}
			return nearest(a.sample[axis]*standardGravity, adxl345Counts), nil
		}}, nil
}

// Halt puts the chip in standby.
func (a *ADXL345) Halt() error {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.needsStart = true
	return a.write("stand by", adxl345Power, 0)
}

// refresh reads a new sample from the chip when the last one is older than a sample period.
func (a *ADXL345) refresh(at time.Duration) error {
	if a.needsStart {
		if err := a.start(); err != nil {
			return err
		}
		a.needsStart, a.measured = false, false
		a.readyAt = at + 2*a.period + 2*time.Millisecond // the chip needs 1.1 ms and a sample period to start
		a.lastNew = a.readyAt
	}
	if err := a.checkReady(at); err != nil {
		return err
	}
	if a.measured && at-a.lastRead < a.period {
		return nil
	}
	var raw [8]byte
	if err := a.read("read", adxl345InterruptSource, raw[:]); err != nil {
		return err
	}
	a.lastRead = at
	switch {
	case raw[1] != a.format:
		return a.failed("read", fmt.Errorf("data format: expected %#02x, got %#02x: it lost its supply for a moment", a.format, raw[1]))
	case raw[0]&adxl345DataReady != 0:
		a.lastNew = at
		return a.accept(raw[2:])
	case at-a.lastNew >= 2*a.period+adxl345Patience:
		return a.failed("read", fmt.Errorf("no new sample since %v, now %v: the chip hangs", a.lastNew, at))
	case !a.measured:
		return fmt.Errorf("%s: %w", a, ErrNotYet)
	}
	return nil
}

// accept stores a sample, unless it is outside the range, in which the upper bits repeat the sign.
func (a *ADXL345) accept(raw []byte) error {
	var sample [3]int64
	for i := range sample {
		sample[i] = int64(int16(uint16(raw[2*i+1])<<8 | uint16(raw[2*i])))
		if most := a.scale * adxl345Counts; sample[i] < -most || sample[i] >= most {
			return a.failed("read", fmt.Errorf("expected %d to %d counts, got %d", -most, most-1, sample[i]))
		}
	}
	a.sample, a.measured = sample, true
	return nil
}

// start identifies the chip and writes all settings that readings depend on, in standby, as the data sheet recommends.
func (a *ADXL345) start() error {
	a.needsStart = true
	if err := a.identify(adxl345Identity, 0xe5); err != nil {
		return err
	}
	if err := a.write("set the rate", adxl345Rate, a.rate, 0, 0); err != nil { // standby, no interrupts
		return err
	}
	if err := a.write("clear the offsets", adxl345Offsets, 0, 0, 0); err != nil {
		return err
	}
	if err := a.write("set the range", adxl345Format, a.format); err != nil {
		return err
	}
	if err := a.write("switch off the buffer", adxl345Buffer, 0); err != nil {
		return err
	}
	return a.write("start measuring", adxl345Power, adxl345Measure)
}
