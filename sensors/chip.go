package sensors

import (
	"fmt"
	"slices"
	"time"

	"periph.io/x/conn/v3/i2c"
)

// A chip is what the drivers of chips on I2C have in common: registers that a byte names, and a start that is due again after each failure.
// Every driver has one; it is not safe for concurrent use.
type chip struct {
	name    string // "ads1115"
	bus     i2c.Bus
	address uint16
	remedy  string // what to check when something is wrong

	// lost says that the chip is not started, or that something has failed since: it may have forgotten its settings.
	lost bool
	// settled is when the first measurement after a start can be believed.
	settled time.Duration
}

// newChip makes a chip that is not started.
func newChip(name string, bus i2c.Bus, address uint16, remedy string) chip {
	return chip{name: name, bus: bus, address: address, remedy: remedy, lost: true}
}

// String names the chip, its address and its bus.
func (c *chip) String() string {
	return fmt.Sprintf("%s at %#02x on %s", c.name, c.address, c.bus)
}

// among is an error unless the chip's address is one that its kind may have. How says what makes the difference: "0x23 (pin ADDR low) or ...".
func (c *chip) among(addresses []uint16, how string) error {
	if slices.Contains(addresses, c.address) {
		return nil
	}
	return fmt.Errorf("%s: address: expected %s", c, how)
}

// write writes to a register and to those that follow it. Doing says what for, in the error.
func (c *chip) write(doing string, register byte, values ...byte) error {
	return c.transfer(doing, append([]byte{register}, values...), nil)
}

// writeWord writes 16 bits, the upper ones first.
func (c *chip) writeWord(doing string, register byte, value uint16) error {
	return c.write(doing, register, byte(value>>8), byte(value))
}

// read reads a register and those that follow it.
func (c *chip) read(doing string, register byte, into []byte) error {
	return c.transfer(doing, []byte{register}, into)
}

// readByte reads one register.
func (c *chip) readByte(doing string, register byte) (byte, error) {
	var raw [1]byte
	err := c.read(doing, register, raw[:])
	return raw[0], err
}

// readWord reads 16 bits, of which the upper ones come first.
func (c *chip) readWord(doing string, register byte) (uint16, error) {
	var raw [2]byte
	err := c.read(doing, register, raw[:])
	return uint16(raw[0])<<8 | uint16(raw[1]), err
}

// transfer writes and then reads.
func (c *chip) transfer(doing string, w, r []byte) error {
	if err := c.bus.Tx(c.address, w, r); err != nil {
		return c.failed(doing, err)
	}
	return nil
}

// identify reads the register that says what the chip is.
func (c *chip) identify(register, want byte) error {
	is, err := c.readByte("identify", register)
	if err == nil && is != want {
		err = c.failed("identify", fmt.Errorf("expected %#02x, got %#02x", want, is))
	}
	return err
}

// failed makes the next Sample start the chip again, and the error that says so.
func (c *chip) failed(doing string, err error) error {
	c.lost = true
	return fmt.Errorf("%s: %s: %w; check %s", c, doing, err, c.remedy)
}

// waiting is ErrNotYet until the chip has settled after a start.
func (c *chip) waiting(at time.Duration) error {
	if at >= c.settled {
		return nil
	}
	return fmt.Errorf("%s: %w: started, settled at %v, now %v", c, ErrNotYet, c.settled, at)
}

// A chipMeasure is one of several measures of a chip.
type chipMeasure struct {
	chip interface {
		fmt.Stringer
		Halt() error
	}
	name, unit string
	within     Range
	sample     func(at time.Duration) (int64, error)
}

func (c *chipMeasure) String() string                         { return c.chip.String() + ", " + c.name }
func (c *chipMeasure) Unit() string                           { return c.unit }
func (c *chipMeasure) Range() Range                           { return c.within }
func (c *chipMeasure) Sample(at time.Duration) (int64, error) { return c.sample(at) }
func (c *chipMeasure) Halt() error                            { return c.chip.Halt() }

// nearest divides, rounded to the nearest whole number, halves away from zero. The denominator is positive.
func nearest(numerator, denominator int64) int64 {
	if numerator < 0 {
		return (numerator - denominator/2) / denominator
	}
	return (numerator + denominator/2) / denominator
}
