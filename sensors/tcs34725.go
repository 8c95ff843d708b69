package sensors

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"periph.io/x/conn/v3/i2c"

	"fluxd/options"
)

// The registers of the TCS34725, each with the command bits that let a transfer continue at the next register.
const (
	tcs34725Enable  = 0xa0 | 0x00
	tcs34725Time    = 0xa0 | 0x01
	tcs34725Control = 0xa0 | 0x0f
	tcs34725ID      = 0xa0 | 0x12
	tcs34725Status  = 0xa0 | 0x13 // followed by clear, red, green and blue, two bytes each, the lower byte first
)

const (
	tcs34725On      = 0x01 // ENABLE: the oscillator runs
	tcs34725Measure = 0x02 // ENABLE: measurements follow one another, without a wait and without interrupts
	tcs34725Valid   = 0x01 // STATUS: a measurement has ended since measuring was enabled; clear after power-up

	// tcs34725Step is the unit of the integration time. tcs34725Longest is the longest time that a unit takes, with the
	// slowest oscillator. The oscillator needs one unit to start, and a measurement begins with another one.
	tcs34725Step    = 2400 * time.Microsecond
	tcs34725Longest = 2560 * time.Microsecond

	// In a step a channel counts to 1024 at most, and to 65,535 in all (DN40, section 3.5). The light of mains lamps has a
	// ripple: with an integration shorter than 150 ms, its peaks saturate a channel whose mean is at three quarters of the
	// end (DN40, section 3.7).
	tcs34725StepCounts = 1024
	tcs34725MaxCounts  = 65_535
	tcs34725Ripple     = 150 * time.Millisecond

	// Device factor, and coefficients of lux (thousandths, for red, green and blue) and colour temperature: DN40, appendix
	// I, for the TCS3472 without a window in front of it.
	tcs34725Factor      = 310
	tcs34725LuxRed      = 136
	tcs34725LuxGreen    = 1000
	tcs34725LuxBlue     = -444
	tcs34725KelvinScale = 3810
	tcs34725KelvinZero  = 1391

	// tcs34725Hottest is the highest colour temperature of daylight in CIE 15, in K.
	tcs34725Hottest = 25_000
)

// tcs34725Addresses has the only address of the chip. The VL53L0X has the same.
var tcs34725Addresses = []uint16{0x29}

// tcs34725Gains are the gains, by the value of the gain field.
var tcs34725Gains = []int{1, 4, 16, 60}

// TCS34725Opts are the options of a TCS34725. NewTCS34725 uses the default of an option that is not set.
type TCS34725Opts struct {
	Bus     string `yaml:"bus" required:"true" doc:"I2C bus, such as I2C1"`
	Address uint16 `yaml:"address" default:"0x29" doc:"I2C address; the chip has no other"`
	// Integration is how long light is measured, rounded to steps of 2.4 ms.
	Integration time.Duration `yaml:"integration" default:"50ms" min:"2.4ms" max:"614.4ms" doc:"how long light is measured; multiples of 50ms average lamp ripple"`
	Gain        int           `yaml:"gain" default:"4" doc:"amplification: 1, 4, 16 or 60"`
}

// DefaultTCS34725Opts are used when the options are nil. They suit a room, up to 24,000 lx.
var DefaultTCS34725Opts = options.Defaults[TCS34725Opts]()

var tcs34725Kind = Kind{Name: "tcs34725", About: "colour", New: func() Options { return new(TCS34725Opts) },
	Addresses: tcs34725Addresses, Calibrates: true, Freezes: true}

// tcs34725Measures are the channels in the order of the registers, then the measures that are computed from them.
var tcs34725Measures = append(measuresIn("", "clear", "red", "green", "blue"),
	Measure{Name: "lux", Unit: "lx"}, Measure{Name: "colour_temperature", Unit: "K"})

// Measures implements Options.
func (o *TCS34725Opts) Measures() []Measure { return tcs34725Measures }

// Open implements Options.
func (o *TCS34725Opts) Open(from Parts) (Device, error) {
	bus, err := from.Bus(o.Bus)
	if err != nil {
		return nil, err
	}
	return asDevice(NewTCS34725(bus, o.Address, o))
}

// Check rejects a gain that the chip does not have.
func (o *TCS34725Opts) Check() []options.Mistake {
	return options.OneOf("gain", o.Gain, tcs34725Gains...)
}

// TCS34725 is a colour sensor on I2C, with a filter against infrared. It measures:
//
//	clear, red, green, blue   light, as a share of the counts that the integration time allows: 0 to 1
//	lux                       illuminance, in lx; 0 when light is so blue that the formula gives less
//	colour_temperature        in K, of light that is nearly white: 1,391 to 25,000
//
// All of them come from one measurement. All measures that are read within the time of a measurement share it. A
// TCS34725 may be used from several goroutines.
//
// Too much light is a fault: a channel at its end, or, with an integration shorter than 150 ms, at three quarters of
// it, because of the ripple of lamps. Then use a smaller gain. Light without red or blue, and darkness, have no colour
// temperature: Sample returns ErrNotYet.
//
// A chip that has no measurement after the time of one lost its supply for a moment, and is started again.
//
// Sources: ams, TCS3472 data sheet, v1-02; ams, application note DN40, Lux and CCT Calculations using ams Color
// Sensors, rev. 1.0, sections 3.1, 3.2, 3.4, 3.5 and 3.7.
type TCS34725 struct {
	chip
	steps, gain, full int64         // full: counts at the end of a channel
	cycle             time.Duration // longest time of a measurement

	mutex    sync.Mutex
	enabled  bool          // the chip measures; before, its oscillator starts
	lastRead time.Duration // when the chip was last read
	measured bool          // there is a measurement since the last start
	counts   [4]int64
}

// NewTCS34725 checks the options and leaves the chip alone: the first Sample starts it. The address is 0x29. With nil
// options it uses DefaultTCS34725Opts.
func NewTCS34725(bus i2c.Bus, address uint16, opts *TCS34725Opts) (*TCS34725, error) {
	o := options.OrDefaults(opts, DefaultTCS34725Opts)
	s := &TCS34725{gain: int64(o.Gain), chip: newChip("tcs34725", bus, address,
		"its supply, the wires to SDA and SCL, and that no VL53L0X is on the bus, which has the same address")}
	if err := s.checkAddress(tcs34725Addresses, "0x29: the chip has no other"); err != nil {
		return nil, err
	}
	if err := options.Validate(s.String(), &o); err != nil {
		return nil, err
	}
	s.steps = int64((o.Integration + tcs34725Step/2) / tcs34725Step)
	s.cycle = time.Duration(s.steps+1) * tcs34725Longest
	s.full = min(s.steps*tcs34725StepCounts, tcs34725MaxCounts)
	return s, nil
}

// Measure returns one of the measures: clear, red, green, blue, lux or colour_temperature. Halting one of them stops
// the chip for all; the next Sample of any measure starts it again.
func (s *TCS34725) Measure(name string) (Sensor, error) {
	i, err := findMeasure(s, tcs34725Measures, name)
	if err != nil {
		return nil, err
	}
	most := s.saturation() - 1
	value := func() (int64, error) { return nearest(s.counts[i]*1_000_000, s.full), nil }
	limits := Range{0, nearest(most*1_000_000, s.full)}
	switch name {
	case "lux":
		value, limits = s.lux, Range{0, s.luxOf(most, most, 0)}
	case "colour_temperature":
		value, limits = s.kelvin, Range{tcs34725KelvinZero * 1_000_000, tcs34725Hottest * 1_000_000}
	}
	sample := func(at time.Duration) (int64, error) {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		if err := s.refresh(at); err != nil {
			return 0, err
		}
		return value()
	}
	return &chipMeasure{chip: s, name: name, unit: tcs34725Measures[i].Unit, limits: limits, sample: sample}, nil
}

// Halt puts the chip to sleep.
func (s *TCS34725) Halt() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.needsStart = true
	return s.write("sleep", tcs34725Enable, 0)
}

// refresh reads the last measurement from the chip, unless it was read within the time of a measurement. It takes the
// next step of a start when one is due.
func (s *TCS34725) refresh(at time.Duration) error {
	switch {
	case s.needsStart:
		if err := s.start(); err != nil {
			return err
		}
		s.needsStart, s.enabled, s.measured, s.readyAt = false, false, false, at+tcs34725Longest
	case !s.enabled && at >= s.readyAt:
		if err := s.write("measure", tcs34725Enable, tcs34725On|tcs34725Measure); err != nil {
			return err
		}
		s.enabled, s.readyAt = true, at+s.cycle
	}
	if err := s.checkReady(at); err != nil {
		return err
	}
	if s.measured && at-s.lastRead < s.cycle {
		return s.checkSaturation()
	}
	var raw [9]byte
	if err := s.read("read", tcs34725Status, raw[:]); err != nil {
		return err
	}
	if status := raw[0]; status == 0xff || status&tcs34725Valid == 0 { // 0xff: no chip drives the wire
		return s.failed("read", fmt.Errorf("status: expected a measurement, 0x01, got %#02x: "+
			"it lost its supply for a moment, or is another chip", status))
	}
	for i := range s.counts {
		s.counts[i] = int64(raw[1+2*i]) | int64(raw[2+2*i])<<8
	}
	s.lastRead, s.measured = at, true
	return s.checkSaturation()
}

// start identifies the chip, stops it, and writes all settings that a measurement depends on.
func (s *TCS34725) start() error {
	identity, err := s.readByte("identify", tcs34725ID)
	if err != nil {
		return err
	}
	if identity != 0x44 && identity != 0x4d {
		return s.failed("identify", fmt.Errorf("expected 0x44 (TCS34725) or 0x4d (TCS34727), got %#02x", identity))
	}
	for _, w := range []struct {
		doing           string
		register, value byte
	}{
		{"stop", tcs34725Enable, 0}, {"set the integration time", tcs34725Time, byte(256 - s.steps)},
		{"set the gain", tcs34725Control, byte(slices.Index(tcs34725Gains, int(s.gain)))}, {"start", tcs34725Enable, tcs34725On},
	} {
		if err := s.write(w.doing, w.register, w.value); err != nil {
			return err
		}
	}
	return nil
}

// saturation is the count from which on a channel counts as saturated.
func (s *TCS34725) saturation() int64 {
	if time.Duration(s.steps)*tcs34725Step < tcs34725Ripple {
		return s.full - s.full/4
	}
	return s.full
}

// checkSaturation fails when there is more light than the chip can measure. The chip is not started again.
func (s *TCS34725) checkSaturation() error {
	most := slices.Max(s.counts[:])
	if most < s.saturation() {
		return nil
	}
	remedy := "use a shorter integration, or less light"
	if s.gain > 1 {
		remedy = fmt.Sprintf("use a smaller gain than %d, or less light", s.gain)
	}
	return fmt.Errorf("%s: too much light: expected less than %d of %d counts, got %d; %s", s, s.saturation(), s.full, most, remedy)
}

// withoutInfrared returns twice the counts of red, green and blue, without the infrared that the filter lets through
// (DN40, section 3.1).
func (s *TCS34725) withoutInfrared() (red, green, blue int64) {
	clear, red, green, blue := s.counts[0], s.counts[1], s.counts[2], s.counts[3]
	twice := max(0, red+green+blue-clear)
	return 2*red - twice, 2*green - twice, 2*blue - twice
}

func (s *TCS34725) lux() (int64, error) {
	red, green, blue := s.withoutInfrared()
	return max(0, nearest(s.luxOf(red, green, blue), 2)), nil
}

// luxOf is the illuminance for counts, in millionths (DN40, section 3.2). The integration time is 2.4 ms per step.
func (s *TCS34725) luxOf(red, green, blue int64) int64 {
	weighed := tcs34725LuxRed*red + tcs34725LuxGreen*green + tcs34725LuxBlue*blue // thousandths
	return nearest(weighed*tcs34725Factor*10_000, 24*s.steps*s.gain)
}

// kelvin is the colour temperature (DN40, section 3.4).
func (s *TCS34725) kelvin() (int64, error) {
	red, _, blue := s.withoutInfrared()
	if red > 0 && blue >= 0 {
		kelvin := nearest(tcs34725KelvinScale*1_000_000*blue, red) + tcs34725KelvinZero*1_000_000
		if kelvin <= tcs34725Hottest*1_000_000 {
			return kelvin, nil
		}
	}
	return 0, fmt.Errorf("%s: %w: this light has no colour temperature: twice the red is %d, the blue %d counts",
		s, ErrNotYet, red, blue)
}
