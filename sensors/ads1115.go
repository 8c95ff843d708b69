package sensors

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"fluxd/options"
)

// The registers of the ADS1115 that the driver uses.
const (
	ads1115Conversion = 0x00
	ads1115Config     = 0x01
)

// The configuration register. Its upper byte has, from the top: OS, three bits of multiplexer, three bits of range,
// MODE.
const (
	ads1115Start  = 0x8000 // OS: written, begins a single conversion unless one is running; read, no conversion is running
	ads1115Single = 0x0100 // MODE: power down after each conversion

	// ads1115Mark is the rest of the lower byte: it switches the comparator off (COMP_QUE) and makes it latching
	// (COMP_LAT), which has no effect while it is off. A chip that lost its supply has the configuration 0x8583. The
	// latching bit makes all of ours differ from that.
	ads1115Mark = 0x0007
)

// ads1115Addresses are the addresses by the connection of pin ADDR: ground, supply, SDA, SCL.
var ads1115Addresses = []uint16{0x48, 0x49, 0x4a, 0x4b}

// ads1115Grounded is the first input that is measured against ground.
const ads1115Grounded = 4

// ads1115Patience is how long things may take on top of the time that the chip needs: a conversion, before the chip
// counts as hanging, and a new reading, while the last one is repeated. A Sample may have to wait that long for the
// transfer of another measure.
const ads1115Patience = 200 * time.Millisecond

var (
	// ads1115Inputs are the measures, by the value of the multiplexer field: four differences, then four inputs against
	// ground.
	ads1115Inputs = []string{"a0-a1", "a0-a3", "a1-a3", "a2-a3", "a0", "a1", "a2", "a3"}
	// ads1115Measures begin with the inputs against ground, which most robots use.
	ads1115Measures = measuresIn("V", slices.Concat(ads1115Inputs[ads1115Grounded:], ads1115Inputs[:ads1115Grounded])...)
	// ads1115Ranges are the full-scale voltages, by the value of the range field.
	ads1115Ranges = []physic.ElectricPotential{6144 * physic.MilliVolt, 4096 * physic.MilliVolt, 2048 * physic.MilliVolt,
		1024 * physic.MilliVolt, 512 * physic.MilliVolt, 256 * physic.MilliVolt}
	// ads1115Rates are the conversions per second, by the value of the rate field.
	ads1115Rates = []physic.Frequency{8 * physic.Hertz, 16 * physic.Hertz, 32 * physic.Hertz, 64 * physic.Hertz,
		128 * physic.Hertz, 250 * physic.Hertz, 475 * physic.Hertz, 860 * physic.Hertz}
)

// ADS1115Opts are the options of an ADS1115. NewADS1115 uses the default of an option that is not set.
type ADS1115Opts struct {
	OnBus
	// FullScale is the largest voltage of either sign. The resolution is 1/32768 of it. With any full scale, no pin may be
	// more than 0.3 V above the supply of the chip, or below ground.
	FullScale physic.ElectricPotential `yaml:"full_scale" default:"4.096 V" doc:"largest voltage: 0.256 V, 0.512 V, 1.024 V, 2.048 V, 4.096 V or 6.144 V"`
	// Rate is the conversions per second: 8, 16, 32, 64, 128, 250, 475 or 860 Hz. The chip may be a tenth slower. Lower
	// rates have less noise.
	Rate physic.Frequency `yaml:"-" default:"860 Hz"`
}

// DefaultADS1115Opts are used when the options are nil. They suit a chip on 3.3 V that several measures share.
var DefaultADS1115Opts = options.Defaults[ADS1115Opts]()

var ads1115Kind = Kind{Name: "ads1115", About: "four analogue inputs", New: func() Options { return new(ADS1115Opts) },
	Addresses: ads1115Addresses, Calibrates: true, Freezes: true}

// Measures implements Options.
func (o *ADS1115Opts) Measures() []Measure { return ads1115Measures }

// Open implements Options.
func (o *ADS1115Opts) Open(from Parts) (Device, error) {
	bus, err := from.Bus(o.Bus)
	if err != nil {
		return nil, err
	}
	return asDevice(NewADS1115(bus, o.Address, o))
}

// Check rejects a full scale that the chip does not have.
func (o *ADS1115Opts) Check() []options.Mistake {
	if slices.Contains(ads1115Ranges, o.FullScale) {
		return nil
	}
	var volts []string
	for _, r := range slices.Backward(ads1115Ranges) {
		volts = append(volts, decimal(int64(r/physic.MicroVolt))+" V")
	}
	last := len(volts) - 1
	return []options.Mistake{options.Wrong("full_scale", "expected %s or %s", strings.Join(volts[:last], ", "), volts[last])}
}

// ADS1115 is an analogue-to-digital converter of 16 bits on I2C with four inputs. It measures, in V:
//
//	a0, a1, a2, a3               an input against ground
//	a0-a1, a0-a3, a1-a3, a2-a3   the difference of two inputs
//
// A reading at the upper end of the range (32767 steps: 4.095875 V) means that much or more, at the lower end that much
// or less. An input against ground may read a few steps below zero. An ADS1115 may be used from several goroutines.
//
// The chip has one converter. While a single measure is read, the chip converts continuously, and a reading is the last
// conversion. With several measures, each Sample collects the finished conversion and starts one for the measure that
// has waited longest. So with n measures, a reading can be as old as n+1 Samples of its measure, or 200 ms and eight
// conversions if that is more. It is repeated until there is a newer one. When it gets older than that, Sample fails
// with ErrNotYet.
//
// Each Sample reads the configuration back. When it differs from what was written, the chip lost its supply for a
// moment, or another program writes to it, and it is started again.
//
// Source: Texas Instruments, ADS111x data sheet, SBAS444D. The driver in periph's device library is not used: it sleeps
// through each conversion, assumes that the conversion is finished then, and ignores the configuration.
type ADS1115 struct {
	chip
	settings   uint16        // configuration without the input: range, rate, mark
	fullScale  int64         // µV
	conversion time.Duration // longest

	mutex   sync.Mutex
	config  uint16        // last written, without OS
	since   time.Duration // when it was written
	input   int           // being converted since then; -1: the result is not needed
	singles int64         // single conversions started
	inputs  [8]ads1115Input
}

// ads1115Input is one of the measures.
type ads1115Input struct {
	samples        int64 // calls of Sample
	lastSingle     int64 // number of its last single conversion, from 1 on,
	samplesAtStart int64 // value of samples when that was started

	measured         bool          // there is a reading since the last start
	volts            int64         // µV
	begun            time.Duration // when its conversion began
	samplesAtReading int64         // value of samples when its conversion began
}

// NewADS1115 checks the options and leaves the chip alone: the first Sample starts it. The address is 0x48 (pin ADDR to
// ground), 0x49 (to the supply), 0x4a (to SDA) or 0x4b (to SCL). With nil options it uses DefaultADS1115Opts.
func NewADS1115(bus i2c.Bus, address uint16, opts *ADS1115Opts) (*ADS1115, error) {
	o := options.OrDefaults(opts, DefaultADS1115Opts)
	a := &ADS1115{chip: newChip("ads1115", bus, address,
		"its supply, the wires to SDA and SCL, and that pin ADDR is at ground for 0x48, at the supply"+
			" for 0x49, at SDA for 0x4a or at SCL for 0x4b")}
	if err := a.checkAddress(ads1115Addresses, "0x48 (pin ADDR to ground), 0x49 (supply), 0x4a (SDA) or 0x4b (SCL)"); err != nil {
		return nil, err
	}
	if err := options.Validate(a.String(), &o); err != nil {
		return nil, err
	}
	scale, rate := slices.Index(ads1115Ranges, o.FullScale), slices.Index(ads1115Rates, o.Rate)
	if rate < 0 {
		return nil, fmt.Errorf("%s: rate: expected 8, 16, 32, 64, 128, 250, 475 or 860 Hz, got %s", a, o.Rate)
	}
	a.settings = uint16(scale)<<9 | uint16(rate)<<5 | ads1115Mark
	a.fullScale = int64(o.FullScale / physic.MicroVolt)
	a.conversion = time.Second * 10 / 9 / time.Duration(o.Rate/physic.Hertz) // the chip may be a tenth slower
	return a, nil
}

// Measure returns one of the measures: a0, a1, a2, a3, a0-a1, a0-a3, a1-a3 or a2-a3. Halting one of them stops the chip
// for all; the next Sample of any measure starts it again.
func (a *ADS1115) Measure(name string) (Sensor, error) {
	if _, err := findMeasure(a, ads1115Measures, name); err != nil {
		return nil, err
	}
	input := slices.Index(ads1115Inputs, name)
	return &chipMeasure{chip: a, name: name, unit: "V", limits: a.limits(input), sample: func(at time.Duration) (int64, error) {
		a.mutex.Lock()
		defer a.mutex.Unlock()
		return a.sample(at, input)
	}}, nil
}

// limits is the range of an input: the full scale, within what the chip withstands. No pin may be more than 0.3 V below
// ground, or above a supply of at most 5.5 V.
func (a *ADS1115) limits(input int) Range {
	low, high := -a.fullScale, nearest((1<<15-1)*a.fullScale, 1<<15)
	lowest, highest := int64(-6_100_000), int64(6_100_000)
	if input >= ads1115Grounded {
		lowest, highest = -300_000, 5_800_000
	}
	return Range{max(low, lowest), min(high, highest)}
}

// Halt stops conversions: the chip powers down when the running one is over.
func (a *ADS1115) Halt() error {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.needsStart = true
	return a.configure("stop", a.settings|ads1115Single)
}

func (a *ADS1115) sample(at time.Duration, input int) (int64, error) {
	in := &a.inputs[input]
	in.samples++
	if a.needsStart {
		if err := a.start(at); err != nil {
			return 0, err
		}
	}
	free, err := a.collect(at)
	if err != nil {
		return 0, err
	}
	if free {
		if err := a.proceed(at); err != nil {
			return 0, err
		}
	}
	if !in.measured || in.samples-in.samplesAtReading > a.shared()+1 && at-in.begun > ads1115Patience+8*a.conversion {
		return 0, fmt.Errorf("%s: %s: %w", a, ads1115Inputs[input], ErrNotYet)
	}
	// This is a fault of one input. The chip and the other inputs may be fine.
	if err := a.limits(input).check(ads1115Inputs[input], "V", in.volts); err != nil {
		return 0, fmt.Errorf("%s: %w; check the wires and the ground of what is measured", a, err)
	}
	return in.volts, nil
}

// shared is how many measures have been sampled.
func (a *ADS1115) shared() int64 {
	count := int64(0)
	for i := range a.inputs {
		if a.inputs[i].samples > 0 {
			count++
		}
	}
	return count
}

// start stops the chip. Another program may have left it converting continuously, so the running conversion may be of
// any input.
func (a *ADS1115) start(at time.Duration) error {
	if err := a.configure("start", a.settings|ads1115Single); err != nil {
		return err
	}
	a.needsStart, a.input, a.since = false, -1, at
	for i := range a.inputs {
		a.inputs[i].measured = false
	}
	return nil
}

// collect checks the configuration and stores the result of the finished conversion. It reports whether the converter
// is free for another one.
func (a *ADS1115) collect(at time.Duration) (free bool, err error) {
	config, err := a.readWord("read the configuration", ads1115Config)
	if err != nil {
		return false, err
	}
	if config&^ads1115Start != a.config {
		return false, a.failed("check the configuration", fmt.Errorf("expected %#04x as written, got %#04x: did it lose its supply?",
			a.config, config&^ads1115Start))
	}
	single := config&ads1115Single != 0
	if single && config&ads1115Start == 0 {
		if at-a.since > 2*a.conversion+ads1115Patience {
			return false, a.failed("convert", fmt.Errorf("expected the conversion that began at %v to have ended, now %v: the chip hangs",
				a.since, at))
		}
		return false, nil
	}
	if a.input < 0 {
		return true, nil
	}
	count, err := a.readWord("read the conversion", ads1115Conversion)
	if err != nil {
		return false, err
	}
	in := &a.inputs[a.input]
	in.measured, in.volts = true, nearest(int64(int16(count))*a.fullScale, 1<<15)
	if single {
		in.begun, in.samplesAtReading, a.input = a.since, in.samplesAtStart, -1
	} else {
		in.begun, in.samplesAtReading = at, in.samples
	}
	return true, nil
}

// proceed starts the next conversion.
func (a *ADS1115) proceed(at time.Duration) error {
	next := -1
	for i := range a.inputs {
		if a.inputs[i].samples > 0 && (next < 0 || a.inputs[i].lastSingle < a.inputs[next].lastSingle) {
			next = i
		}
	}
	in := &a.inputs[next]
	config, alone, continuous := a.settings|uint16(next)<<12, a.shared() == 1, a.config&ads1115Single == 0
	switch {
	case continuous && alone:
		return nil
	case continuous: // no longer alone: the running conversion must end before another one can begin
		a.input, a.since = -1, at
		return a.configure("stop", a.settings|ads1115Single)
	case alone && in.measured: // the last conversion was of this input, so all results from now on are
		a.input, a.since = next, at
		return a.configure("convert", config)
	}
	a.singles++
	a.input, a.since = next, at
	in.lastSingle, in.samplesAtStart = a.singles, in.samples
	return a.configure("convert", config|ads1115Single|ads1115Start)
}

func (a *ADS1115) configure(doing string, config uint16) error {
	err := a.writeWord(doing, ads1115Config, config)
	if err == nil {
		a.config = config &^ ads1115Start
	}
	return err
}
