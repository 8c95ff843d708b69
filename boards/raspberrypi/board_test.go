package raspberrypi_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"fluxd/boards/raspberrypi"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpioreg"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2creg"
	"periph.io/x/conn/v3/i2c/i2ctest"
)

// The tests put pins and buses of their own into periph's registries, beside whatever this machine has.

type pin struct {
	gpio.PinIO
	name string
}

func (p *pin) Name() string { return p.name }

// wires is a bus that counts how often it was closed.
type wires struct {
	i2ctest.Playback
	closed int
}

func (w *wires) Close() error { w.closed++; return nil }

func newBoard(t *testing.T) *raspberrypi.Board {
	t.Helper()
	board, err := raspberrypi.New(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return board
}

func register(t *testing.T, number int, open i2creg.Opener) {
	t.Helper()
	name := fmt.Sprintf("/dev/test-i2c-%d", number)
	if err := i2creg.Register(name, []string{fmt.Sprintf("I2C%d", number)}, number, open); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := i2creg.Unregister(name); err != nil {
			t.Error(err)
		}
	})
}

func TestPinByName(t *testing.T) {
	board := newBoard(t)
	_, err := board.Pin("TEST9")
	if err == nil || !strings.HasPrefix(err.Error(), `raspberrypi: pin "TEST9": `) {
		t.Errorf("no such pin: got %v", err)
	}

	want := &pin{gpio.INVALID, "TEST1"}
	if err := gpioreg.Register(want); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := gpioreg.Unregister("TEST1"); err != nil {
			t.Error(err)
		}
	})
	if got, err := board.Pin("TEST1"); err != nil || got != gpio.PinIO(want) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, name := range []string{"TEST9", ""} {
		if _, err := board.Pin(name); err == nil || !strings.Contains(err.Error(), "TEST1") {
			t.Errorf("pin %q: expected an error that lists the pins, got %v", name, err)
		}
	}
}

func TestBusIsSharedUntilHalt(t *testing.T) {
	board := newBoard(t)
	w, opened := &wires{}, 0
	register(t, 7701, func() (i2c.BusCloser, error) { opened++; return w, nil })

	first, err := board.Bus("I2C7701")
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"7701", "/dev/test-i2c-7701", "I2C7701"} {
		if again, err := board.Bus(name); err != nil || again != first {
			t.Errorf("bus %q: got %v, %v, want the one that is open", name, again, err)
		}
	}
	if opened != 1 || w.closed != 0 {
		t.Errorf("opened %d times, closed %d times before the halt", opened, w.closed)
	}
	for range 2 {
		if err := board.Halt(); err != nil {
			t.Error(err)
		}
	}
	if w.closed != 1 {
		t.Errorf("closed %d times by the halt", w.closed)
	}
}

func TestBusErrorsSayWhatToDo(t *testing.T) {
	board := newBoard(t)
	register(t, 7702, func() (i2c.BusCloser, error) { return nil, io.ErrClosedPipe })
	_, err := board.Bus("7702")
	if !errors.Is(err, io.ErrClosedPipe) || !strings.Contains(err.Error(), "usermod -aG i2c $USER") {
		t.Errorf("a bus that does not open: got %v", err)
	}
	for _, name := range []string{"I2C9999", "-1", ""} {
		if _, err := board.Bus(name); err == nil || !strings.Contains(err.Error(), "/dev/test-i2c-7702 = I2C7702") {
			t.Errorf("bus %q: expected an error that lists the buses, got %v", name, err)
		}
	}
}

func ExampleNew() {
	board, err := raspberrypi.New(slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer board.Halt()
	fmt.Println(board)
	if _, err := board.Pin("GPIO99"); err != nil { // no model has it
		fmt.Println("there is no such pin")
	}
	// Output:
	// raspberrypi
	// there is no such pin
}
