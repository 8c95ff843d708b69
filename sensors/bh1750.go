package sensors

import (
	"fmt"
	"time"

	"periph.io/x/conn/v3/i2c"

	"fluxd/options"
)

// bh1750Modes are the measurement modes by resolution: the opcode that starts continuous measurement, the longest time
// that a measurement takes, and the millionths of lux that three counts stand for (1 lx is 1.2 counts, or 2.4 in
// high2).
var bh1750Modes = map[string]struct {
	opcode      byte
	slowest     time.Duration
	threeCounts int64
}{
	"low":   {0x13, 24 * time.Millisecond, 2_500_000},
	"high":  {0x10, 180 * time.Millisecond, 2_500_000},
	"high2": {0x11, 180 * time.Millisecond, 1_250_000},
}

const (
	bh1750PowerDown = 0x00
	bh1750PowerOn   = 0x01

	// The measurement time register scales the light that a count stands for. It keeps the value that another program
	// wrote until the supply is removed. This is its value after power-up, 69, in two parts.
	bh1750TimeHigh = 0x40 | 69>>5
	bh1750TimeLow  = 0x60 | 69&0x1f
)

// bh1750Addresses are the addresses for pin ADDR low and high.
var bh1750Addresses = []uint16{0x23, 0x5c}

// BH1750Opts are the options of a BH1750. NewBH1750 uses the default of an option that is not set.
type BH1750Opts struct {
	OnBus
	// Resolution is a measurement mode:
	//
	//	low    resolves 4 lx in 16 ms (24 ms at most), up to 54,612 lx
	//	high   resolves 1 lx in 120 ms (180 ms at most), up to 54,612 lx
	//	high2  resolves 0.5 lx in 120 ms (180 ms at most), up to 27,306 lx
	//
	// The data sheet recommends high: its long measurement averages the flicker of 50 and 60 Hz lamps, and below 10 lx
	// only high and high2 are usable. The default is low all the same, because this light steers a robot: at 0.5 m/s it
	// moves 9 cm while high measures once, and 1.2 cm with low. In a lit room, from 100 lx on, a step of 4 lx is 4 % or
	// less.
	Resolution string `yaml:"resolution" default:"low" enum:"low,high,high2" doc:"low: 4 lx in 24 ms; high: 1 lx in 180 ms, no lamp flicker; high2: 0.5 lx in 180 ms"`
}

// DefaultBH1750Opts are used when the options are nil.
var DefaultBH1750Opts = options.Defaults[BH1750Opts]()

var bh1750Kind = Kind{Name: "bh1750", About: "light", New: func() Options { return new(BH1750Opts) },
	Addresses: bh1750Addresses, Calibrates: true, Freezes: true}

// Measures implements Options.
func (o *BH1750Opts) Measures() []Measure { return measuresIn("lx", "") }

// Open implements Options.
func (o *BH1750Opts) Open(from Parts) (Device, error) {
	bus, err := from.Bus(o.Bus)
	if err != nil {
		return nil, err
	}
	return deviceOf(NewBH1750(bus, o.Address, o))
}

// BH1750 is an ambient light sensor on I2C, measuring continuously. It belongs to one goroutine.
//
// Source: ROHM, BH1750FVI technical note, 2009.04 Rev. B. The driver in periph's device library is not used: it sleeps
// 36 to 140 ms in each reading, truncates to whole lux, and never sends the power-on opcode.
type BH1750 struct {
	chip
	resolution string

	fresh bool // there was no reading since the last start
	dark  bool // the last reading was zero, and was confirmed after a start
}

// NewBH1750 makes a sensor from a chip, which the first Sample powers on. The address is 0x23 (pin ADDR low) or 0x5c
// (ADDR high). With nil options it uses DefaultBH1750Opts.
func NewBH1750(bus i2c.Bus, address uint16, opts *BH1750Opts) (*BH1750, error) {
	o := options.OrDefaults(opts, DefaultBH1750Opts)
	b := &BH1750{resolution: o.Resolution,
		chip: newChip("bh1750", bus, address,
			"its supply, the wires to SDA and SCL, and that pin ADDR is low for 0x23 or high for 0x5c")}
	if err := b.checkAddress(bh1750Addresses, "0x23 (pin ADDR low) or 0x5c (ADDR high)"); err != nil {
		return nil, err
	}
	return b, options.Validate(b.String(), &o)
}

// Unit is "lx".
func (b *BH1750) Unit() string { return "lx" }

// Range is 0 to 54,612.5 lx, or half of that with resolution high2.
func (b *BH1750) Range() Range { return Range{0, bh1750Lux(b.resolution, 0xffff)} }

// bh1750Lux converts counts into millionths of a lux, to the nearest.
func bh1750Lux(resolution string, count int64) int64 {
	return (count*bh1750Modes[resolution].threeCounts + 1) / 3
}

// Sample returns the last finished measurement, in millionths of a lux. It returns the same measurement again when it
// is called more often than the chip measures. A reading at the upper end of the range means that much light or more.
//
// The first call starts the chip. So does a call after a failed transfer, and so does a reading of zero. Sample fails
// with ErrNotYet until the chip has had time for a whole measurement.
func (b *BH1750) Sample(at time.Duration) (int64, error) {
	if b.needsStart {
		if err := b.start(at); err != nil {
			return 0, err
		}
		b.needsStart, b.dark = false, false
	}
	if err := b.checkReady(at); err != nil {
		if b.dark {
			return 0, nil // the last measurement
		}
		return 0, err
	}
	var raw [2]byte
	if err := b.transfer("read", nil, raw[:]); err != nil {
		return 0, err
	}
	count := int64(raw[0])<<8 | int64(raw[1])
	if count == 0 {
		return 0, b.confirmDark(at)
	}
	b.fresh, b.dark = false, false
	return bh1750Lux(b.resolution, count), nil
}

// Halt powers the chip down; the next Sample starts it again.
func (b *BH1750) Halt() error {
	b.needsStart = true
	return b.write("power down", bh1750PowerDown)
}

// confirmDark handles a reading of exactly zero. A chip that lost its supply for a moment is powered down and answers
// zero forever, and its mode cannot be read back. So the first zero is not accepted, and the chip is started again.
// When the next measurement is zero too, it is dark. Then the chip is started again for every further measurement, so
// that it sees light again even if it lost its supply in the dark.
func (b *BH1750) confirmDark(at time.Duration) error {
	b.dark = b.fresh
	if err := b.start(at); err != nil {
		return err
	}
	if b.dark {
		return nil
	}
	return fmt.Errorf("%s: %w: zero; started again, in case it lost its supply for a moment", b, ErrNotYet)
}

// start stops the chip, powers it on, sets its measurement time and starts continuous measurement. Each opcode has a
// separate transfer, because the chip accepts one opcode between start and stop.
func (b *BH1750) start(at time.Duration) error {
	for _, step := range []struct {
		doing  string
		opcode byte
	}{
		{"power down", bh1750PowerDown}, {"power on", bh1750PowerOn},
		{"set the measurement time", bh1750TimeHigh}, {"set the measurement time", bh1750TimeLow},
		{"start measuring", bh1750Modes[b.resolution].opcode},
	} {
		if err := b.write(step.doing, step.opcode); err != nil {
			return err
		}
	}
	b.fresh, b.readyAt = true, at+bh1750Modes[b.resolution].slowest
	return nil
}
