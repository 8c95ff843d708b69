package linux

import (
	"errors"
	"fmt"
	"os"
)

// errClaimed is the error of a resource that another fluxd has claimed.
var errClaimed = errors.New("another fluxd commands it: end that one first (ctrl-C, or 'sudo systemctl stop fluxd')")

// Exclusive makes the board claim each PWM channel that it opens, and each chip on a bus that Claim names: if another process has
// claimed it, opening it fails. If two robots commanded one motor, an emergency stop would stop only one of them. The kernel
// itself protects GPIO lines like this, and nothing else. When a process ends, in whatever way, its claims end.
//
// A board that is not exclusive commands everything: so that a robot that moves and should not can be stopped by another process.
func (b *Board) Exclusive() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.exclusive = true
}

// Claim claims the chip at an address of a bus, on an exclusive board.
func (b *Board) Claim(bus string, address uint16) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if !b.exclusive {
		return nil
	}
	number, err := busNumber(bus)
	if err != nil {
		return fmt.Errorf("%s: bus %q: %w", b, bus, err)
	}
	f := b.claims[number] // a second file of the bus: that of the driver cannot be reached
	if f == nil {
		if f, err = os.OpenFile(b.path("dev", fmt.Sprintf("i2c-%d", number)), os.O_RDWR, 0); err != nil {
			return fmt.Errorf("%s: bus %q: open: %w; "+i2cRemedy, b, bus, err, "i2c")
		}
		b.claims[number] = f
	}
	if err := lockByte(f, int64(address)); err != nil {
		return fmt.Errorf("%s: bus %q: 0x%02x: %w", b, bus, address, err)
	}
	return nil
}
