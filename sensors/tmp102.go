package sensors

import (
	"fmt"
	"time"

	"periph.io/x/conn/v3/i2c"
)

// TMP102Chip is one of the relatives.
type TMP102Chip uint8

const (
	// TMP102 measures 8 times a second, with 12 bits, -40 to 125 °C.
	TMP102 TMP102Chip = iota
	// TMP105 is told to use 12 bits, which take up to 300 ms. The TMP75 and LM75 speak like it, the LM75 with 9 bits.
	TMP105
)

// The registers of both.
const (
	tmp102Temperature = 0x00
	tmp102Config      = 0x01

	tmp102Settings  = 0x60e0 // 12 bits; continuous; not in extended mode; 8 Hz, where power-up has 4: so a lost supply shows
	tmp102Alert     = 0x0020 // shows the alert, and changes by itself
	tmp102Shutdown  = 0x0100
	tmp105TwelveBit = 0x60 // one byte: 12 bits, continuous
	tmp105Shutdown  = 0x01
)

// tmp102Chips are the times of a conversion, from a start until there is a reading: at most 35 ms (TMP102) and 300 ms (TMP105),
// and the first is over a period after the start.
var tmp102Chips = [...]struct {
	name  string
	first time.Duration
}{TMP102: {"tmp102", 300 * time.Millisecond}, TMP105: {"tmp105", 300 * time.Millisecond}}

// TMP102Opts are the options of a TMP102Sensor.
type TMP102Opts struct {
	// Chip is TMP102 unless set.
	Chip TMP102Chip
}

// TMP102Sensor is a thermometer on I2C: a TMP102, a TMP105 or one that speaks like them. Its unit is °C; it resolves 0.0625 °C.
//
// With each reading the configuration is read: a chip that has another lost its supply for a moment, and is started again.
//
// Sources: Texas Instruments, TMP102 data sheet SBOS397H, section 6.5; TMP105 data sheet SBOS648B, section 7.5. The driver in
// periph's device library takes a failed read of the configuration for zeros and writes them back, and does not shut the chip
// down.
type TMP102Sensor struct {
	bus     i2c.Bus
	address uint16
	chip    TMP102Chip
	lost    bool
	settled time.Duration
}

// NewTMP102 makes a thermometer of a chip, which the first Sample starts. The address is 0x48 to 0x4b, by pin ADD0 (TMP105: 0x48
// to 0x4f by three pins); nil options stand for a TMP102.
func NewTMP102(bus i2c.Bus, address uint16, opts *TMP102Opts) (*TMP102Sensor, error) {
	if opts == nil {
		opts = &TMP102Opts{}
	}
	t := &TMP102Sensor{bus: bus, address: address, chip: opts.Chip, lost: true}
	if int(opts.Chip) >= len(tmp102Chips) {
		return nil, fmt.Errorf("thermometer at %#02x on %s: chip: expected TMP102 or TMP105, got %d", address, bus, opts.Chip)
	}
	if most := uint16(0x4b) + 4*uint16(opts.Chip); address < 0x48 || address > most {
		return nil, fmt.Errorf("%s: address: expected 0x48 to %#02x", t, most)
	}
	return t, nil
}

// String names the chip, its address and its bus.
func (t *TMP102Sensor) String() string {
	return fmt.Sprintf("%s at %#02x on %s", tmp102Chips[t.chip].name, t.address, t.bus)
}

// Unit is "°C".
func (t *TMP102Sensor) Unit() string { return "°C" }

// Range is -40 to 125 °C, for which both chips are specified (TMP102 data sheet, section 1).
func (t *TMP102Sensor) Range() Range { return Range{-40_000_000, 125_000_000} }

// Sample reads the last finished measurement, in millionths of a degree Celsius. Until the first one after a start is over there is
// ErrNotYet.
func (t *TMP102Sensor) Sample(at time.Duration) (int64, error) {
	if t.lost {
		if err := t.configure("start", 0); err != nil {
			return 0, err
		}
		t.lost, t.settled = false, at+tmp102Chips[t.chip].first
	}
	if at < t.settled {
		return 0, fmt.Errorf("%s: %w: started, the first is over at %v", t, ErrNotYet, t.settled)
	}
	if err := t.verify(); err != nil {
		return 0, err
	}
	var raw [2]byte
	if err := t.bus.Tx(t.address, []byte{tmp102Temperature}, raw[:]); err != nil {
		return 0, t.failed("read", err)
	}
	if raw[1]&0x0f != 0 {
		return 0, t.failed("read", fmt.Errorf("expected the lowest 4 bits clear, got %#02x", raw[1]))
	}
	degrees := int64(int16(uint16(raw[0])<<8|uint16(raw[1]))) / 16 * 62_500
	if err := t.Range().check("temperature", "°C", degrees); err != nil {
		return 0, t.failed("read", err)
	}
	return degrees, nil
}

// Halt shuts the chip down.
func (t *TMP102Sensor) Halt() error {
	t.lost = true
	if t.chip == TMP105 {
		return t.configure("shut down", tmp105Shutdown)
	}
	return t.configure("shut down", tmp102Shutdown)
}

// configure writes the configuration with some further bits.
func (t *TMP102Sensor) configure(doing string, further uint16) error {
	w := []byte{tmp102Config, byte((tmp102Settings | further) >> 8), tmp102Settings & 0xff}
	if t.chip == TMP105 {
		w = []byte{tmp102Config, tmp105TwelveBit | byte(further)}
	}
	if err := t.bus.Tx(t.address, w, nil); err != nil {
		return t.failed(doing, err)
	}
	return nil
}

// verify reads the configuration back.
func (t *TMP102Sensor) verify() error {
	var raw [2]byte
	r, want := raw[:], uint16(tmp102Settings)
	if t.chip == TMP105 {
		r, want = raw[:1], tmp105TwelveBit<<8
	}
	if err := t.bus.Tx(t.address, []byte{tmp102Config}, r); err != nil {
		return t.failed("read the configuration", err)
	}
	if is := uint16(raw[0])<<8 | uint16(raw[1]); is|tmp102Alert != want|tmp102Alert {
		return t.failed("read the configuration", fmt.Errorf("expected %#04x, got %#04x: it has lost its supply for a moment, or is another chip",
			want, is))
	}
	return nil
}

// failed makes the next Sample start the chip again.
func (t *TMP102Sensor) failed(doing string, err error) error {
	t.lost = true
	return fmt.Errorf("%s: %s: %w; check its supply, the wires to SDA and SCL, and the address pins (0x48: to ground)", t, doing, err)
}
