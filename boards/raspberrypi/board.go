// Package raspberrypi is the board of a robot on a Raspberry Pi: its GPIO pins and I2C buses, by name.
//
// It is a thin layer over the periph.io host drivers, whose pins and buses it hands out. It adds what a start on real hardware
// needs: drivers that failed are logged, a pin or bus that is not there is an error that says what is there and what to do, and each
// bus is opened once and shared.
//
//	board, err := raspberrypi.New(slog.Default())
//	if err != nil {
//		return err
//	}
//	defer board.Halt()
//	pin, err := board.Pin("GPIO17")  // or by its place on the header, "P1_11"
//	bus, err := board.Bus("I2C1")    // or "1"
//
// The program runs as a user in the groups gpio and i2c. On a Raspberry Pi 5 it must not run as root: periph v3.8.5 would then take
// the registers of an older model for this one's. What periph does not give is PWM without root, and on a Raspberry Pi 5 at all.
//
// The package builds on every system; where there is no hardware, Pin and Bus say so.
package raspberrypi

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"

	"periph.io/x/conn/v3/driver/driverreg"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpioreg"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2creg"
	"periph.io/x/host/v3"
)

const (
	groupRemedy = "add the user to it with 'sudo usermod -aG %s $USER', then log in again"
	i2cRemedy   = "switch I2C on with 'sudo raspi-config nonint do_i2c 0'; /dev/i2c-* must be open to group i2c: " + groupRemedy
	gpioRemedy  = "this needs a Raspberry Pi with Linux 5.10 or newer; /dev/gpiochip* must be open to group gpio: " + groupRemedy
)

// Board is the Raspberry Pi that the program runs on. It is safe for concurrent use.
type Board struct {
	mu    sync.Mutex
	buses map[string]*bus // that are open, by periph's own name
}

// New loads the drivers of the host. A driver that fails is logged as a warning, one that does not apply to this machine at debug level;
// neither is an error, because a robot needs few of them. It fails as root on a Raspberry Pi 5.
func New(log *slog.Logger) (*Board, error) {
	model, _ := os.ReadFile("/proc/device-tree/model") // not there on other machines
	if err := refuseRoot(string(model), os.Geteuid()); err != nil {
		return nil, err
	}
	state, err := host.Init()
	if err != nil {
		return nil, fmt.Errorf("raspberrypi: load the host drivers: %w", err)
	}
	report(log, state)
	return &Board{buses: map[string]*bus{}}, nil
}

// refuseRoot keeps periph v3.8.5 from a Raspberry Pi 5's memory: its register driver maps the base address of an older model, which the
// kernel allows to root alone. For other users it falls back to the kernel's character device.
func refuseRoot(model string, user int) error {
	if user == 0 && (strings.Contains(model, "Raspberry Pi 5") || strings.Contains(model, "Compute Module 5")) {
		return fmt.Errorf("raspberrypi: expected an ordinary user on a %s, got root, for whom the drivers write to wrong addresses; run as a user in the groups gpio and i2c",
			strings.Trim(model, "\x00\n"))
	}
	return nil
}

// report logs what host.Init keeps to itself: its error is nil when a driver fails.
func report(log *slog.Logger, state *driverreg.State) {
	for _, failure := range state.Failed {
		log.Warn("host driver failed", "driver", failure.D.String(), "error", failure.Err)
	}
	for _, failure := range state.Skipped {
		log.Debug("host driver not used", "driver", failure.D.String(), "reason", failure.Err)
	}
}

// String is "raspberrypi".
func (b *Board) String() string { return "raspberrypi" }

// Pin gives a GPIO pin by its name, "GPIO17", its number, "17", or its place on the header, "P1_11".
func (b *Board) Pin(name string) (gpio.PinIO, error) {
	if pin := gpioreg.ByName(name); name != "" && pin != nil {
		return pin, nil
	}
	var names []string
	for _, pin := range gpioreg.All() {
		names = append(names, pin.Name())
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("raspberrypi: pin %q: this machine shows no GPIO pins; "+gpioRemedy, name, "gpio")
	}
	return nil, fmt.Errorf("raspberrypi: pin %q: expected one of %s", name, strings.Join(names, ", "))
}

// Bus gives an I2C bus by its name, "I2C1", or its number, "1". It is opened once and shared by all who ask: closing it does nothing,
// Halt closes it.
func (b *Board) Bus(name string) (i2c.BusCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	refs := i2creg.All()
	at := slices.IndexFunc(refs, func(ref *i2creg.Ref) bool {
		number := fmt.Sprint(ref.Number)
		return ref.Name == name || ref.Number >= 0 && (name == number || name == "I2C"+number) || slices.Contains(ref.Aliases, name)
	})
	if at < 0 {
		if len(refs) == 0 {
			return nil, fmt.Errorf("raspberrypi: bus %q: this machine shows no I2C buses; "+i2cRemedy, name, "i2c")
		}
		var names []string
		for _, ref := range refs {
			names = append(names, strings.Join(append([]string{ref.Name}, ref.Aliases...), " = "))
		}
		return nil, fmt.Errorf("raspberrypi: bus %q: expected one of %s", name, strings.Join(names, ", "))
	}
	ref := refs[at]
	if open, ok := b.buses[ref.Name]; ok {
		return open, nil
	}
	opened, err := ref.Open()
	if err != nil {
		return nil, fmt.Errorf("raspberrypi: bus %q: open %s: %w; "+i2cRemedy, name, ref.Name, err, "i2c")
	}
	b.buses[ref.Name] = &bus{opened}
	return b.buses[ref.Name], nil
}

// Buses names the I2C buses.
func (b *Board) Buses() []string { return nil }

// Halt closes the buses. Pins keep what they were last told: letting go of one would let an output float, so their devices are
// brought to rest before.
func (b *Board) Halt() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var failed []error
	for name, open := range b.buses {
		if err := open.BusCloser.Close(); err != nil {
			failed = append(failed, fmt.Errorf("raspberrypi: close bus %s: %w", name, err))
		}
	}
	clear(b.buses)
	return errors.Join(failed...)
}

// bus is shared: one who closes it must not take it from the others.
type bus struct{ i2c.BusCloser }

func (*bus) Close() error { return nil }
