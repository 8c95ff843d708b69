package sensors

import (
	"fmt"
	"slices"
	"time"

	"periph.io/x/conn/v3/i2c"
)

// A chip is what all drivers of I2C chips share: access to registers that are named by one byte, and the flag that the
// chip needs a start. It is not safe for concurrent use.
type chip struct {
	name    string // "ads1115"
	bus     i2c.Bus
	address uint16
	remedy  string // what to check when something is wrong

	// needsStart: the chip was not started yet, or something failed since. It may have lost its settings.
	needsStart bool
	// readyAt is when the first measurement after a start is valid.
	readyAt time.Duration
}

// newChip returns a chip that was not started. The remedy is the end of its errors, after "check".
func newChip(name string, bus i2c.Bus, address uint16, remedy string) chip {
	return chip{name: name, bus: bus, address: address, remedy: remedy, needsStart: true}
}

// String names the chip, its address and its bus.
func (c *chip) String() string {
	return fmt.Sprintf("%s at %#02x on %s", c.name, c.address, c.bus)
}

// checkAddress fails unless the chip's address is one of these. Expected explains them: "0x23 (pin ADDR low) or ...".
func (c *chip) checkAddress(addresses []uint16, expected string) error {
	if slices.Contains(addresses, c.address) {
		return nil
	}
	return fmt.Errorf("%s: address: expected %s", c, expected)
}

// write writes to a register and to those that follow it. Doing says in errors what the transfer is for.
func (c *chip) write(doing string, register byte, values ...byte) error {
	return c.transfer(doing, append([]byte{register}, values...), nil)
}

// writeWord writes 16 bits, the upper byte first.
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

// readWord reads 16 bits, the upper byte first.
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

// identify fails unless the identity register has the expected value.
func (c *chip) identify(register, expected byte) error {
	got, err := c.readByte("identify", register)
	if err == nil && got != expected {
		err = c.failed("identify", fmt.Errorf("expected %#02x, got %#02x", expected, got))
	}
	return err
}

// failed makes the next Sample start the chip again, and returns the error to report.
func (c *chip) failed(doing string, err error) error {
	c.needsStart = true
	return fmt.Errorf("%s: %s: %w; check %s", c, doing, err, c.remedy)
}

// checkReady returns ErrNotYet until the first measurement after a start is valid.
func (c *chip) checkReady(at time.Duration) error {
	if at >= c.readyAt {
		return nil
	}
	return fmt.Errorf("%s: %w: started, ready at %v, now %v", c, ErrNotYet, c.readyAt, at)
}

// A chipMeasure is one of several measures of a chip.
type chipMeasure struct {
	chip interface {
		fmt.Stringer
		Halt() error
	}
	name, unit string
	limits     Range
	sample     func(at time.Duration) (int64, error)
}

func (c *chipMeasure) String() string                         { return c.chip.String() + ", " + c.name }
func (c *chipMeasure) Unit() string                           { return c.unit }
func (c *chipMeasure) Range() Range                           { return c.limits }
func (c *chipMeasure) Sample(at time.Duration) (int64, error) { return c.sample(at) }
func (c *chipMeasure) Halt() error                            { return c.chip.Halt() }

// nearest divides and rounds to the nearest whole number, halves away from zero. The denominator is positive.
func nearest(numerator, denominator int64) int64 {
	if numerator < 0 {
		return (numerator - denominator/2) / denominator
	}
	return (numerator + denominator/2) / denominator
}
