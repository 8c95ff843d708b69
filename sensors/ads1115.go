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

// The registers of the ADS1115, and the fields of CONFIG.
const (
	ads1115Conversion = 0x00
	ads1115Config     = 0x01

	ads1115Start  = 0x8000 // written: start a conversion; read: none is under way
	ads1115Single = 0x0100 // one conversion at a time
	ads1115NoComp = 0x0003 // the comparator is off
)

const (
	// ads1115Polls bounds how often the chip is asked within a Sample whether a conversion is over. The slowest bus takes 0.5 ms for
	// it, so at the fastest rates a conversion is waited for, and at slower ones the next Sample finds it done.
	ads1115Polls = 16
	// ads1115Patience is how long a conversion may take: the slowest, and as long again.
	ads1115Patience = 250 * time.Millisecond
)

// ads1115Measures are the inputs by the value of the MUX field.
var ads1115Measures = []string{"a0-a1", "a0-a3", "a1-a3", "a2-a3", "a0", "a1", "a2", "a3"}

// The values of the PGA and DR fields.
var (
	ads1115Scales = []physic.ElectricPotential{6144 * physic.MilliVolt, 4096 * physic.MilliVolt, 2048 * physic.MilliVolt,
		1024 * physic.MilliVolt, 512 * physic.MilliVolt, 256 * physic.MilliVolt}
	ads1115Rates = []physic.Frequency{8 * physic.Hertz, 16 * physic.Hertz, 32 * physic.Hertz, 64 * physic.Hertz,
		128 * physic.Hertz, 250 * physic.Hertz, 475 * physic.Hertz, 860 * physic.Hertz}
)

// ADS1115Opts are the options of an ADS1115. A field that is 0 stands for its default.
type ADS1115Opts struct {
	// FullScale is the largest voltage that can be told: 6.144, 4.096, 2.048, 1.024, 0.512 or 0.256 V; 4.096 V unless set. No input may
	// exceed the chip's supply by more than 0.3 V, whatever the full scale.
	FullScale physic.ElectricPotential
	// Rate is how many conversions a second the chip makes: 8, 16, 32, 64, 128, 250, 475 or 860; 860 unless set. Slower is quieter.
	Rate physic.Frequency
}

// DefaultADS1115Opts are the options that stand for nil.
var DefaultADS1115Opts = ADS1115Opts{FullScale: 4096 * physic.MilliVolt, Rate: 860 * physic.Hertz}

// ADS1115 is an analogue-to-digital converter on I2C with 16 bits and four inputs. It measures voltages, in V: "a0" to "a3" against
// ground, or the differences "a0-a1", "a0-a3", "a1-a3" and "a2-a3". It may be used from several goroutines.
//
// The chip has one converter. Whoever samples has one conversion made of its input, after those that others wait for: what is under way when
// the bus has been asked 16 times is fetched by the next Sample, which fails with ErrNotYet until then. A reading at either end of the scale
// means that much or more.
//
// Each time the configuration is read back: a chip that lost its supply for a moment has another, and its conversion is thrown away.
//
// Source: Texas Instruments, ADS1113, ADS1114, ADS1115 data sheet SBAS444E, sections 8.1 (registers) and 7.5 (accuracy of the rate: 10 %). The
// driver in periph's device library sleeps for each conversion, which on a simulated board in virtual time would never end.
type ADS1115 struct {
	bus     i2c.Bus
	address uint16
	scale   int64 // µV
	fields  uint16

	mutex   sync.Mutex
	busy    int // the input that is being converted, -1 for none
	since   time.Duration
	waiting []int    // inputs that want a conversion, longest first
	fresh   [8]bool  // there is a conversion that nobody has taken,
	results [8]int64 // in µV
}

// NewADS1115 checks the options and leaves the chip alone. The address is 0x48 (pin ADDR to ground), 0x49 (to VDD), 0x4a (to SDA) or 0x4b (to
// SCL); nil options stand for DefaultADS1115Opts.
func NewADS1115(bus i2c.Bus, address uint16, opts *ADS1115Opts) (*ADS1115, error) {
	if opts == nil {
		opts = &DefaultADS1115Opts
	}
	a := &ADS1115{bus: bus, address: address, busy: -1}
	if address < 0x48 || address > 0x4b {
		return nil, fmt.Errorf("%s: address: expected 0x48 to 0x4b (pin ADDR to ground, VDD, SDA or SCL)", a)
	}
	full := cmp.Or(opts.FullScale, DefaultADS1115Opts.FullScale)
	gain := slices.Index(ads1115Scales, full)
	if gain < 0 {
		return nil, fmt.Errorf("%s: full scale: expected 6.144, 4.096, 2.048, 1.024, 0.512 or 0.256 V, got %s", a, full)
	}
	rate := slices.Index(ads1115Rates, cmp.Or(opts.Rate, DefaultADS1115Opts.Rate))
	if rate < 0 {
		return nil, fmt.Errorf("%s: rate: expected 8, 16, 32, 64, 128, 250, 475 or 860 Hz, got %s", a, opts.Rate)
	}
	a.scale = int64(full / physic.MicroVolt)
	a.fields = uint16(gain)<<9 | uint16(rate)<<5 | ads1115Single | ads1115NoComp
	return a, nil
}

// String names the chip, its address and its bus.
func (a *ADS1115) String() string { return fmt.Sprintf("ads1115 at %#02x on %s", a.address, a.bus) }

// Measure gives the voltage of an input, or the difference of two.
func (a *ADS1115) Measure(name string) (Sensor, error) {
	input := slices.Index(ads1115Measures, name)
	if input < 0 {
		return nil, fmt.Errorf("%s: measure: expected one of %s, got %q", a, strings.Join(ads1115Measures, ", "), name)
	}
	return &chipMeasure{chip: a, name: name, unit: "V", sample: func(at time.Duration) (int64, error) { return a.sample(at, input) }}, nil
}

// Halt does nothing: between conversions the chip sleeps by itself.
func (a *ADS1115) Halt() error { return nil }

func (a *ADS1115) sample(at time.Duration, input int) (int64, error) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if !slices.Contains(a.waiting, input) {
		a.waiting = append(a.waiting, input)
	}
	for {
		if a.busy >= 0 {
			if err := a.finish(at); err != nil {
				return 0, err
			}
		}
		if a.busy >= 0 || a.fresh[input] {
			break
		}
		if err := a.start(at, a.waiting[0]); err != nil {
			return 0, err
		}
	}
	if !a.fresh[input] {
		return 0, fmt.Errorf("%s, %s: %w", a, ads1115Measures[input], ErrNotYet)
	}
	a.fresh[input] = false
	if a.busy < 0 && len(a.waiting) > 0 { // somebody else's turn meanwhile
		if err := a.start(at, a.waiting[0]); err != nil {
			return 0, err
		}
	}
	return a.results[input], nil
}

// start has an input converted, and takes it off the list.
func (a *ADS1115) start(at time.Duration, input int) error {
	config := ads1115Start | a.config(input)
	if err := a.bus.Tx(a.address, []byte{ads1115Config, byte(config >> 8), byte(config)}, nil); err != nil {
		return a.failed("start a conversion", err)
	}
	a.waiting = slices.DeleteFunc(a.waiting, func(i int) bool { return i == input })
	a.busy, a.since, a.fresh[input] = input, at, false
	return nil
}

func (a *ADS1115) config(input int) uint16 { return uint16(input)<<12 | a.fields }

// finish asks the chip whether its conversion is over, more than once, and takes the result.
func (a *ADS1115) finish(at time.Duration) error {
	for range ads1115Polls {
		config, err := a.read("ask for the end of a conversion", ads1115Config)
		if err != nil {
			return err
		}
		if want := a.config(a.busy); config&^ads1115Start != want {
			return a.failed("ask for the end of a conversion", fmt.Errorf("configuration: expected %#04x, got %#04x: it has lost its supply for a moment, or is another chip", want, config))
		}
		if config&ads1115Start == 0 {
			continue
		}
		raw, err := a.read("read a conversion", ads1115Conversion)
		if err != nil {
			return err
		}
		a.results[a.busy] = nearest(int64(int16(raw))*a.scale, 1<<15)
		a.fresh[a.busy], a.busy = true, -1
		return nil
	}
	if at-a.since >= ads1115Patience {
		return a.failed("ask for the end of a conversion", errors.New("it has been under way for longer than any takes: it hangs"))
	}
	return nil
}

func (a *ADS1115) read(doing string, register byte) (uint16, error) {
	var raw [2]byte
	if err := a.bus.Tx(a.address, []byte{register}, raw[:]); err != nil {
		return 0, a.failed(doing, err)
	}
	return uint16(raw[0])<<8 | uint16(raw[1]), nil
}

// failed forgets what was under way: the next Sample starts anew.
func (a *ADS1115) failed(doing string, err error) error {
	a.busy, a.fresh = -1, [8]bool{}
	return fmt.Errorf("%s: %s: %w; check its supply, the wires to SDA and SCL, and where pin ADDR goes (0x48: ground)", a, doing, err)
}
