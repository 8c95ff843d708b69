package linux

import (
	"errors"
	"fmt"
	"os"
)

// errClaimed is a resource that another process of ours commands.
var errClaimed = errors.New("another fluxd commands it: end that one first (ctrl-C, or 'sudo systemctl stop fluxd')")

// Exclusive makes this board the only one of its kind that commands what it is asked for: from now on a PWM channel, or a chip on a bus that
// Claim names, is refused when another process has it by an exclusive board. The kernel does that for GPIO lines, and for nothing else: of two
// robots that command one motor, an emergency stop stops one. What is claimed is free again when its process has ended, in whatever way.
//
// A board that is not exclusive commands whatever there is: for whoever finds a robot that moves and should not.
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
	f := b.claims[number] // a second file of the bus: the driver keeps its own to itself
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
