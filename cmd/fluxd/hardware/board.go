package hardware

import (
	"fmt"
	"slices"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"

	"fluxd/boards/linux"
	"fluxd/boards/raspberrypi"
	"fluxd/boards/sim"
	"fluxd/boards/sim/worlds"
)

// A Board is where pins and buses come from; a driver cannot tell the simulated one from a Raspberry Pi.
type Board interface {
	String() string
	Pin(name string) (gpio.PinIO, error)
	Bus(name string) (i2c.BusCloser, error)
	Buses() []string
	Halt() error
}

// OpenBoard makes the board that the configuration names, with its world if it is simulated.
func (b *Body) OpenBoard() error { return Attempt(b.openBoard) }

func (b *Body) openBoard() error {
	switch b.config.Board.Kind {
	case "sim":
		board := sim.New(b.clock)
		b.Board = board
		t, err := newTable(board, b)
		if err != nil {
			return err
		}
		switch b.config.Board.World {
		case "bench":
			return t.layOut()
		case "arena":
			b.Arena = worlds.NewArena(board, worlds.ArenaOpts{Seed: b.opts.Seed, Relight: b.config.Board.Relight})
		}
	case "raspberrypi", "linux", "auto":
		return b.openMachine()
	default:
		return fmt.Errorf("board %q: expected sim, raspberrypi, linux or auto", b.config.Board.Kind)
	}
	return nil
}

// openMachine makes the board of this machine.
func (b *Body) openMachine() error {
	root := b.opts.Root
	if root == "" {
		root = "/"
	}
	kind := b.config.Board.Kind
	if kind == "auto" {
		model, err := raspberrypi.Model(root)
		if err != nil {
			return err
		}
		if kind = "linux"; model != "" {
			kind = "raspberrypi"
		}
	}
	board := linux.New(b.opts.Log, b.clock, &linux.Opts{Root: root})
	if kind == "raspberrypi" {
		var err error
		if board, err = raspberrypi.New(b.opts.Log, b.clock, root); err != nil {
			return err
		}
	}
	if b.opts.Exclusive {
		board.Exclusive()
	}
	b.Board = board
	return nil
}

// OpenPaper makes a board on which devices can be tried: the robot's own where it is simulated, one like it for a Raspberry Pi. It reports
// false where only the board itself knows its pins and buses.
func (b *Body) OpenPaper() (bool, error) {
	board := sim.New(b.clock)
	switch b.config.Board.Kind {
	case "sim":
		return true, b.openBoard()
	case "raspberrypi":
		b.Board = board
		for _, c := range b.config.Wiring() {
			if c.Bus != "" && !slices.Contains(board.Buses(), c.Bus) {
				return false, nil // it has more buses than that one
			}
		}
		t, err := newTable(board, b)
		if err != nil {
			return true, err
		}
		return true, t.layOut()
	}
	b.Board = board
	return false, nil
}
