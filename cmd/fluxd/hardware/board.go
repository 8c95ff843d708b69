package hardware

import (
	"errors"
	"fmt"
	"slices"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"

	"fluxd/boards/linux"
	"fluxd/boards/raspberrypi"
	"fluxd/boards/sim"
	"fluxd/boards/sim/worlds"
	"fluxd/cmd/fluxd/logs"
)

// A Board has pins and buses. To a driver the simulated board looks like a Raspberry Pi.
type Board interface {
	String() string
	Pin(name string) (gpio.PinIO, error)
	Bus(name string) (i2c.BusCloser, error)
	Buses() []string
	Halt() error
}

// OpenBoard makes the board that the robot file names, with its world if the board is simulated.
func (b *Body) OpenBoard() error { return Attempt(b.openBoard) }

func (b *Body) openBoard() error {
	switch b.config.Board.Kind {
	case "sim":
		options, _ := b.config.World()
		return b.openWorld(sim.New(b.clock), options)
	case "raspberrypi", "linux", "auto":
		return b.openMachine()
	default:
		return fmt.Errorf("board %q: expected sim, raspberrypi, linux or auto", b.config.Board.Kind)
	}
}

// openWorld connects a simulated board to a world.
func (b *Body) openWorld(board *sim.Board, options worlds.Options) (err error) {
	b.Board = board
	b.World, err = worlds.Open(options, board, b.config.Simulated(), b.opts.Seed)
	var wrong *worlds.Mistake
	if errors.As(err, &wrong) && wrong.Path != "" {
		return b.Wrong(wrong.Path, err)
	}
	return err
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
	board := linux.New(logs.Of(b.opts.Log, "board"), b.clock, &linux.Opts{Root: root})
	if kind == "raspberrypi" {
		var err error
		if board, err = raspberrypi.New(logs.Of(b.opts.Log, "board"), b.clock, root); err != nil {
			return err
		}
	}
	if b.opts.Exclusive {
		board.Exclusive()
	}
	b.Board = board
	return nil
}

// OpenPaper makes a simulated board on which drivers can be opened without the real one: the robot's own board if it is
// simulated, or a board like a Raspberry Pi. It reports false if only the real board knows its pins and buses.
func (b *Body) OpenPaper() (bool, error) {
	board := sim.New(b.clock)
	switch b.config.Board.Kind {
	case "sim":
		return true, b.openBoard()
	case "raspberrypi":
		b.Board = board
		for _, c := range b.config.Wiring() {
			if c.Bus != "" && !slices.Contains(board.Buses(), c.Bus) && b.expanderOf(c.Bus) == nil {
				return false, nil // the real board has more buses than the simulated one
			}
		}
		return true, b.openWorld(board, &worlds.TableOpts{})
	}
	b.Board = board
	return false, nil
}
