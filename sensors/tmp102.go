package sensors

import (
	"fmt"
	"time"

	"periph.io/x/conn/v3/i2c"
)

// TMP102Chip is a model of the family.
type TMP102Chip uint8

const (
	// TMP102 measures 8 times a second, with 12 bits, -40 to 125 °C.
	TMP102 TMP102Chip = iota
	// TMP105 is set to 12 bits, which take up to 300 ms. The TMP75 and the LM75 have the same registers, the LM75 with 9
	// bits.
	TMP105
)

// The registers of both.
const (
	tmp102Temperature = 0x00
	tmp102Config      = 0x01

	tmp102Settings  = 0x60e0 // 12 bits, continuous, no extended mode, 8 Hz; power-up has 4 Hz, which shows a lost supply
	tmp102Alert     = 0x0020 // shows the alert; the chip changes it
	tmp102Shutdown  = 0x0100
	tmp105TwelveBit = 0x60 // one byte: 12 bits, continuous
	tmp105Shutdown  = 0x01
)

// tmp102Chips are the models. First is the time from a start until there is a reading: a conversion takes at most 35 ms
// (TMP102) or 300 ms (TMP105), and the first one ends a period after the start.
var tmp102Chips = [...]struct {
	name  string
	first time.Duration
}{TMP102: {"tmp102", 300 * time.Millisecond}, TMP105: {"tmp105", 300 * time.Millisecond}}

// tmp102Addresses are the addresses by the connection of pin ADD0: ground, supply, SDA, SCL.
var tmp102Addresses = []uint16{0x48, 0x49, 0x4a, 0x4b}

// TMP102Opts are the options of a TMP102Sensor.
type TMP102Opts struct {
	OnBus
	// Chip is TMP102 by default.
	Chip TMP102Chip `yaml:"-"`
}

var (
	tmp102Kind = Kind{Name: "tmp102", About: "temperature", New: func() Options { return new(TMP102Opts) },
		Addresses: tmp102Addresses, Calibrates: true, Freezes: true}
	tmp105Kind = Kind{Name: "tmp105", About: "temperature", New: func() Options { return &TMP102Opts{Chip: TMP105} },
		Addresses: tmp102Addresses, Calibrates: true, Freezes: true}
)

// Measures implements Options.
func (o *TMP102Opts) Measures() []Measure { return measuresIn("°C", "") }

// Open implements Options.
func (o *TMP102Opts) Open(from Parts) (Device, error) {
	bus, err := from.Bus(o.Bus)
	if err != nil {
		return nil, err
	}
	return deviceOf(NewTMP102(bus, o.Address, o))
}

// TMP102Sensor is a thermometer on I2C: a TMP102, a TMP105 or a chip with the same registers. Its unit is °C, its
// resolution 0.0625 °C.
//
// Each reading reads the configuration back. A chip with another configuration lost its supply for a moment, and is
// started again.
//
// Sources: Texas Instruments, TMP102 data sheet SBOS397H, section 6.5; TMP105 data sheet SBOS648B, section 7.5. The
// driver in periph's device library is not used: it takes a failed read of the configuration for zeros and writes them
// back, and does not shut the chip down.
type TMP102Sensor struct {
	chip
	model TMP102Chip
}

// NewTMP102 makes a thermometer from a chip, which the first Sample starts. The address is 0x48 to 0x4b, by the
// connection of pin ADD0. Nil options mean a TMP102.
func NewTMP102(bus i2c.Bus, address uint16, opts *TMP102Opts) (*TMP102Sensor, error) {
	if opts == nil {
		opts = &TMP102Opts{}
	}
	if int(opts.Chip) >= len(tmp102Chips) {
		return nil, fmt.Errorf("thermometer at %#02x on %s: chip: expected TMP102 or TMP105, got %d", address, bus, opts.Chip)
	}
	t := &TMP102Sensor{model: opts.Chip, chip: newChip(tmp102Chips[opts.Chip].name, bus, address,
		"its supply, the wires to SDA and SCL, and the address pins (0x48: to ground)")}
	if err := t.checkAddress(tmp102Addresses, "0x48 to 0x4b"); err != nil {
		return nil, err
	}
	return t, nil
}

// Unit is "°C".
func (t *TMP102Sensor) Unit() string { return "°C" }

// Range is -40 to 125 °C, for which both chips are specified (TMP102 data sheet, section 1).
func (t *TMP102Sensor) Range() Range { return Range{-40_000_000, 125_000_000} }

// Sample returns the last finished measurement, in millionths of a degree Celsius, or ErrNotYet until the first
// measurement after a start is over.
func (t *TMP102Sensor) Sample(at time.Duration) (int64, error) {
	if t.needsStart {
		if err := t.configure("start", 0); err != nil {
			return 0, err
		}
		t.needsStart, t.readyAt = false, at+tmp102Chips[t.model].first
	}
	if err := t.checkReady(at); err != nil {
		return 0, err
	}
	if err := t.verify(); err != nil {
		return 0, err
	}
	count, err := t.readWord("read", tmp102Temperature)
	if err != nil {
		return 0, err
	}
	if count&0x0f != 0 {
		return 0, t.failed("read", fmt.Errorf("expected the lowest 4 bits clear, got %#02x", byte(count)))
	}
	degrees := int64(int16(count)) / 16 * 62_500
	if err := t.Range().check("temperature", "°C", degrees); err != nil {
		return 0, t.failed("read", err)
	}
	return degrees, nil
}

// Halt shuts the chip down.
func (t *TMP102Sensor) Halt() error {
	t.needsStart = true
	if t.model == TMP105 {
		return t.configure("shut down", tmp105Shutdown)
	}
	return t.configure("shut down", tmp102Shutdown)
}

// configure writes the configuration, with additional bits.
func (t *TMP102Sensor) configure(doing string, additional uint16) error {
	if t.model == TMP105 {
		return t.write(doing, tmp102Config, tmp105TwelveBit|byte(additional))
	}
	return t.writeWord(doing, tmp102Config, tmp102Settings|additional)
}

// verify reads the configuration back and checks it.
func (t *TMP102Sensor) verify() error {
	var raw [2]byte
	r, want := raw[:], uint16(tmp102Settings)
	if t.model == TMP105 {
		r, want = raw[:1], tmp105TwelveBit<<8
	}
	if err := t.read("read the configuration", tmp102Config, r); err != nil {
		return err
	}
	if got := uint16(raw[0])<<8 | uint16(raw[1]); got|tmp102Alert != want|tmp102Alert {
		return t.failed("read the configuration",
			fmt.Errorf("expected %#04x, got %#04x: it lost its supply for a moment, or is another chip", want, got))
	}
	return nil
}
