package sensors

import (
	"fmt"
	"time"

	"periph.io/x/conn/v3/i2c"
)

// BH1750Resolution is a measurement mode of the BH1750.
type BH1750Resolution uint8

const (
	// BH1750High resolves 1 lx in 120 ms (180 ms at most) up to 54,612 lx, and rejects the flicker of 50 and 60 Hz lamps.
	BH1750High BH1750Resolution = iota
	// BH1750High2 resolves 0.5 lx in 120 ms (180 ms at most) up to 27,306 lx.
	BH1750High2
	// BH1750Low resolves 4 lx in 16 ms (24 ms at most) up to 54,612 lx: for robots that move fast.
	BH1750Low
)

// bh1750Modes are the modes by resolution: the opcode that starts continuous measurement, the longest time that a measurement
// takes, and the millionths of lux of three counts (1 lx is 1.2 counts, in the half-lux mode 2.4).
var bh1750Modes = [...]struct {
	opcode      byte
	slowest     time.Duration
	threeCounts int64
}{
	BH1750High:  {0x10, 180 * time.Millisecond, 2_500_000},
	BH1750High2: {0x11, 180 * time.Millisecond, 1_250_000},
	BH1750Low:   {0x13, 24 * time.Millisecond, 2_500_000},
}

const (
	bh1750PowerDown = 0x00
	bh1750PowerOn   = 0x01

	// bh1750Patience is how long readings of exactly zero are believed before the chip is started again. A chip that has lost its
	// supply for a moment comes back powered down and answers zero for ever; it cannot be asked for its mode. Starting a healthy one
	// in the dark does no harm as long as it is rare: each start begins a measurement anew.
	bh1750Patience = time.Second
)

// BH1750Opts are the options of a BH1750.
type BH1750Opts struct {
	// Resolution is BH1750High unless set.
	Resolution BH1750Resolution
}

// DefaultBH1750Opts are the options that stand for nil: the mode that the datasheet recommends.
var DefaultBH1750Opts = BH1750Opts{Resolution: BH1750High}

// BH1750 is an ambient light sensor on I2C, measuring continuously. It belongs to one goroutine.
//
// Source: ROHM, BH1750FVI technical note, 2009.04 Rev. B. The chip of periph's own device library is not used: its driver sleeps
// 36 to 140 ms in each reading, truncates to whole lux, and never sends the power-on opcode.
type BH1750 struct {
	bus        i2c.Bus
	address    uint16
	resolution BH1750Resolution

	lost      bool          // the last transfer failed, or there was none yet: the chip may have forgotten its mode
	settled   time.Duration // readings before this time are of a measurement that was cut off
	dark      bool          // the last reading was exactly zero,
	darkSince time.Duration // since this time, or since the last start
}

// NewBH1750 makes a sensor of a chip, which the first Sample powers on. The address is 0x23 (pin ADDR low) or 0x5c (ADDR high); nil
// options stand for DefaultBH1750Opts.
func NewBH1750(bus i2c.Bus, address uint16, opts *BH1750Opts) (*BH1750, error) {
	if opts == nil {
		opts = &DefaultBH1750Opts
	}
	b := &BH1750{bus: bus, address: address, resolution: opts.Resolution, lost: true}
	if address != 0x23 && address != 0x5c {
		return nil, fmt.Errorf("%s: address: expected 0x23 (pin ADDR low) or 0x5c (ADDR high)", b)
	}
	if int(opts.Resolution) >= len(bh1750Modes) {
		return nil, fmt.Errorf("%s: resolution: expected BH1750High, BH1750High2 or BH1750Low, got %d", b, opts.Resolution)
	}
	return b, nil
}

// String names the chip, its address and its bus.
func (b *BH1750) String() string {
	return fmt.Sprintf("bh1750 at %#02x on %s", b.address, b.bus)
}

// Unit is "lx".
func (b *BH1750) Unit() string { return "lx" }

// Sample reads the last finished measurement, in millionths of a lux, and the same one again when it is called more often than the chip
// measures. A reading at the upper end of the range means that much or more.
//
// The first call starts the chip, and so does the first one after nobody answered; until the chip has had time for a whole
// measurement there is ErrNotYet.
func (b *BH1750) Sample(at time.Duration) (int64, error) {
	mode := bh1750Modes[b.resolution]
	if b.lost {
		if err := b.start(); err != nil {
			return 0, err
		}
		b.lost, b.dark = false, false
		b.settled = at + mode.slowest
	}
	if at < b.settled {
		return 0, fmt.Errorf("%s: %w: started, the first is over at %v", b, ErrNotYet, b.settled)
	}
	var raw [2]byte
	if err := b.bus.Tx(b.address, nil, raw[:]); err != nil {
		b.lost = true
		return 0, b.unanswered("read", err)
	}
	count := int64(raw[0])<<8 | int64(raw[1])
	if err := b.watchDarkness(at, count); err != nil {
		return 0, err
	}
	return (count*mode.threeCounts + 1) / 3, nil // + 1: to the nearest
}

// Halt powers the chip down; the next Sample starts it again.
func (b *BH1750) Halt() error {
	b.lost = true
	if err := b.bus.Tx(b.address, []byte{bh1750PowerDown}, nil); err != nil {
		return b.unanswered("power down", err)
	}
	return nil
}

// watchDarkness starts a chip again whose readings have been exactly zero for long.
func (b *BH1750) watchDarkness(at time.Duration, count int64) error {
	switch {
	case count != 0:
		b.dark = false
	case !b.dark:
		b.dark, b.darkSince = true, at
	case at-b.darkSince >= bh1750Patience:
		b.darkSince = at
		if err := b.start(); err != nil {
			b.lost = true
			return err
		}
	}
	return nil
}

// start powers the chip on and starts continuous measurement: two transfers, because the chip takes one opcode between start and stop.
func (b *BH1750) start() error {
	if err := b.bus.Tx(b.address, []byte{bh1750PowerOn}, nil); err != nil {
		return b.unanswered("power on", err)
	}
	if err := b.bus.Tx(b.address, []byte{bh1750Modes[b.resolution].opcode}, nil); err != nil {
		return b.unanswered("start measuring", err)
	}
	return nil
}

func (b *BH1750) unanswered(doing string, err error) error {
	return fmt.Errorf("%s: %s: %w; check its supply, the wires to SDA and SCL, and that pin ADDR is low for 0x23 or high for 0x5c", b, doing, err)
}
