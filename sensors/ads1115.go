package sensors

import (
	"fluxd/options"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"
)

// The registers of the ADS1115 that are used here.
const (
	ads1115Conversion = 0x00
	ads1115Config     = 0x01
)

// The configuration register. Its upper half is, from the top: OS, three bits of multiplexer, three of range, MODE.
const (
	ads1115Start  = 0x8000 // OS written: begin a single conversion, if none is under way; read: none is under way
	ads1115Single = 0x0100 // MODE: power down after each conversion

	// ads1115Mark is the lowest byte's rest: the comparator is off (COMP_QUE), and latching (COMP_LAT), which then means nothing. A
	// chip that has lost its supply comes back with 0x8583; with the latching bit none of our configurations is that one.
	ads1115Mark = 0x0007
)

// ads1115Addresses are by what pin ADDR is connected to: ground, supply, SDA, SCL.
var ads1115Addresses = []uint16{0x48, 0x49, 0x4a, 0x4b}

// ads1115Grounded is the first input that is measured against ground.
const ads1115Grounded = 4

// ads1115Patience is how long things may take beyond the time that the chip needs: for a conversion to end before the chip is held to
// hang, and for a reading to be repeated. A Sample may wait that long for another one's transfer.
const ads1115Patience = 200 * time.Millisecond

var (
	// ads1115Inputs are the measures, by the value of the multiplexer field: four differences, and four against ground.
	ads1115Inputs = []string{"a0-a1", "a0-a3", "a1-a3", "a2-a3", "a0", "a1", "a2", "a3"}
	// ads1115Measures have those against ground first, which most robots use.
	ads1115Measures = all("V", slices.Concat(ads1115Inputs[ads1115Grounded:], ads1115Inputs[:ads1115Grounded])...)
	// ads1115Ranges are the full-scale voltages, by the value of the field.
	ads1115Ranges = []physic.ElectricPotential{6144 * physic.MilliVolt, 4096 * physic.MilliVolt, 2048 * physic.MilliVolt,
		1024 * physic.MilliVolt, 512 * physic.MilliVolt, 256 * physic.MilliVolt}
	// ads1115Rates are the conversions a second, by the value of the field.
	ads1115Rates = []physic.Frequency{8 * physic.Hertz, 16 * physic.Hertz, 32 * physic.Hertz, 64 * physic.Hertz,
		128 * physic.Hertz, 250 * physic.Hertz, 475 * physic.Hertz, 860 * physic.Hertz}
)

// ADS1115Opts are the options of an ADS1115. NewADS1115 takes the default of each that is not set.
type ADS1115Opts struct {
	OnBus
	// FullScale is the largest voltage, of either sign. A step is 1/32768 of it. Whatever it is, no pin may be above the chip's supply or
	// below ground by more than 0.3 V.
	FullScale physic.ElectricPotential `yaml:"full_scale" default:"4.096 V" doc:"largest voltage: 0.256 V, 0.512 V, 1.024 V, 2.048 V, 4.096 V or 6.144 V"`
	// Rate is how many conversions the chip makes a second: 8, 16, 32, 64, 128, 250, 475 or 860 Hz, less up to a tenth. Slower ones have
	// less noise.
	Rate physic.Frequency `yaml:"-" default:"860 Hz"`
}

// DefaultADS1115Opts are the options that stand for nil: for a chip on 3.3 V that several measures share.
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
	return several(NewADS1115(bus, o.Address, o))
}

// Check finds a full scale that the chip does not have.
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
// A reading at the upper end of the range (32767 steps: 4.095875 V) means that much or more, at the lower end that much or less. An
// input against ground may read a few steps below zero. It may be used from several goroutines.
//
// There is one converter. As long as a single measure is read, it converts all the time, and a reading is that of the last conversion.
// As soon as there are several they take turns: each Sample takes over the conversion that is finished and begins one for the measure
// whose turn was the longest ago. So with n measures a reading may be as old as n+1 Samples of its measure, or 200 ms and eight
// conversions if that is more; it is repeated until there is a newer one, and there is ErrNotYet when even that is too old.
//
// The configuration is read back with each Sample. When it is not what was written, the chip has lost its supply for a moment, or
// somebody else writes to it; it is started again.
//
// Source: Texas Instruments, ADS111x data sheet, SBAS444D. The driver in periph's device library is not used: it sleeps through each
// conversion, takes for granted that it is finished then, and does not look at the configuration.
type ADS1115 struct {
	chip
	settings   uint16        // of the configuration: range, rate, mark
	fullScale  int64         // µV
	conversion time.Duration // at the most

	mutex  sync.Mutex
	config uint16        // as written last, without OS
	since  time.Duration // when it was
	input  int           // what is being converted since; -1: nothing that anybody wants to know
	turns  int64         // single conversions begun
	inputs [8]ads1115Input
}

// ads1115Input is one of the measures.
type ads1115Input struct {
	asked     int64 // Samples of it
	turn      int64 // the number of its last turn, from 1 on,
	askedThen int64 // after so many Samples

	measured bool          // there is a reading since the last start:
	volts    int64         // µV
	begun    time.Duration // its conversion began then,
	askedBy  int64         // after so many Samples
}

// NewADS1115 checks the options and leaves the chip alone: the first Sample starts it. The address is 0x48 (pin ADDR to ground), 0x49
// (to the supply), 0x4a (to SDA) or 0x4b (to SCL); nil options stand for DefaultADS1115Opts.
func NewADS1115(bus i2c.Bus, address uint16, opts *ADS1115Opts) (*ADS1115, error) {
	o := options.OrDefaults(opts, DefaultADS1115Opts)
	a := &ADS1115{chip: newChip("ads1115", bus, address, "its supply, the wires to SDA and SCL, and that pin ADDR is at ground for 0x48, at the supply"+
		" for 0x49, at SDA for 0x4a or at SCL for 0x4b")}
	if err := a.among(ads1115Addresses, "0x48 (pin ADDR to ground), 0x49 (supply), 0x4a (SDA) or 0x4b (SCL)"); err != nil {
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
	a.conversion = time.Second * 10 / 9 / time.Duration(o.Rate/physic.Hertz) // a tenth slower than it says
	return a, nil
}

// Measure gives one of the measures: a0, a1, a2, a3, a0-a1, a0-a3, a1-a3 or a2-a3. Halting one stops the chip, for all of them;
// whichever is sampled next starts it again.
func (a *ADS1115) Measure(name string) (Sensor, error) {
	if _, err := find(a, ads1115Measures, name); err != nil {
		return nil, err
	}
	input := slices.Index(ads1115Inputs, name)
	return &chipMeasure{chip: a, name: name, unit: "V", within: a.within(input), sample: func(at time.Duration) (int64, error) {
		a.mutex.Lock()
		defer a.mutex.Unlock()
		return a.sample(at, input)
	}}, nil
}

// within is what an input can measure: what the range resolves, and what the chip bears. No pin may be more than 0.3 V below ground, or above
// a supply of at most 5.5 V.
func (a *ADS1115) within(input int) Range {
	low, high := -a.fullScale, nearest((1<<15-1)*a.fullScale, 1<<15)
	lowest, highest := int64(-6_100_000), int64(6_100_000)
	if input >= ads1115Grounded {
		lowest, highest = -300_000, 5_800_000
	}
	return Range{max(low, lowest), min(high, highest)}
}

// Halt stops conversions: the chip powers down when the one under way is over.
func (a *ADS1115) Halt() error {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.lost = true
	return a.configure("stop", a.settings|ads1115Single)
}

func (a *ADS1115) sample(at time.Duration, input int) (int64, error) {
	in := &a.inputs[input]
	in.asked++
	if a.lost {
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
	if !in.measured || in.asked-in.askedBy > a.shared()+1 && at-in.begun > ads1115Patience+8*a.conversion {
		return 0, fmt.Errorf("%s: %s: %w", a, ads1115Inputs[input], ErrNotYet)
	}
	// Of this input alone: the others may be well.
	if err := a.within(input).check(ads1115Inputs[input], "V", in.volts); err != nil {
		return 0, fmt.Errorf("%s: %w; check the wires and the ground of what is measured", a, err)
	}
	return in.volts, nil
}

// shared is how many measures have been sampled.
func (a *ADS1115) shared() int64 {
	count := int64(0)
	for i := range a.inputs {
		if a.inputs[i].asked > 0 {
			count++
		}
	}
	return count
}

// start stops what the chip may be doing. An earlier process may have left it converting all the time, and what it converts is then
// of that one's input until the conversion under way is over.
func (a *ADS1115) start(at time.Duration) error {
	if err := a.configure("start", a.settings|ads1115Single); err != nil {
		return err
	}
	a.lost, a.input, a.since = false, -1, at
	for i := range a.inputs {
		a.inputs[i].measured = false
	}
	return nil
}

// collect checks the configuration and takes over the conversion that is finished. The converter is free when it need not be waited
// for.
func (a *ADS1115) collect(at time.Duration) (free bool, err error) {
	config, err := a.readWord("read the configuration", ads1115Config)
	if err != nil {
		return false, err
	}
	if config&^ads1115Start != a.config {
		return false, a.failed("check the configuration", fmt.Errorf("expected %#04x as written, got %#04x: has it lost its supply?",
			a.config, config&^ads1115Start))
	}
	single := config&ads1115Single != 0
	if single && config&ads1115Start == 0 {
		if at-a.since > 2*a.conversion+ads1115Patience {
			return false, a.failed("convert", fmt.Errorf("expected an end of what began at %v, now %v", a.since, at))
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
		in.begun, in.askedBy, a.input = a.since, in.askedThen, -1
	} else {
		in.begun, in.askedBy = at, in.asked
	}
	return true, nil
}

// proceed gives the converter something to do.
func (a *ADS1115) proceed(at time.Duration) error {
	next := -1
	for i := range a.inputs {
		if a.inputs[i].asked > 0 && (next < 0 || a.inputs[i].turn < a.inputs[next].turn) {
			next = i
		}
	}
	in := &a.inputs[next]
	config, alone, continuous := a.settings|uint16(next)<<12, a.shared() == 1, a.config&ads1115Single == 0
	switch {
	case continuous && alone:
		return nil
	case continuous: // no longer alone: what is under way has to end before another conversion can begin
		a.input, a.since = -1, at
		return a.configure("stop", a.settings|ads1115Single)
	case alone && in.measured: // the last conversion was of this input, so whatever is read from now on is
		a.input, a.since = next, at
		return a.configure("convert", config)
	}
	a.turns++
	a.input, a.since = next, at
	in.turn, in.askedThen = a.turns, in.asked
	return a.configure("convert", config|ads1115Single|ads1115Start)
}

func (a *ADS1115) configure(doing string, config uint16) error {
	err := a.writeWord(doing, ads1115Config, config)
	if err == nil {
		a.config = config &^ ads1115Start
	}
	return err
}
