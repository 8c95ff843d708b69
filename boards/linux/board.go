// Package linux is the board of a robot on any machine with Linux: its GPIO pins, PWM channels and I2C buses, by name.
//
// Pins come from the kernel's character device, which records the time of each edge; PWM comes from /sys/class/pwm; buses come
// from /dev/i2c-*, through periph's driver. Parts of the machine that a robot does not use may fail. If a part that it uses
// fails, the error names the pin or bus and the missing right, and says what to do.
//
//	board := linux.New(slog.Default(), clock, nil)       // clock: the time since the robot started
//	defer board.Halt()
//	bumper, err := board.Pin("gpiochip0:17")             // or by the name of the line, as gpioinfo shows it
//	fan, err := board.Pin("pwmchip0/1")                  // a PWM channel
//	bus, err := board.Bus("I2C1")                        // or "1"
//
// A pin implements periph's gpio.PinIO, and keeps its edges with their times: see Pin. The package builds on every system;
// without Linux, pins and buses return an error.
package linux

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/host/v3/sysfs"

	"fluxd/boards/header"
)

const (
	groupRemedy = "add the user to it with 'sudo usermod -aG %s $USER', then log in again"
	i2cRemedy   = "/dev/i2c-* must be open to group i2c: " + groupRemedy +
		"; on a Raspberry Pi switch I2C on with 'sudo raspi-config nonint do_i2c 0'"
	gpioRemedy = "/dev/gpiochip* must be open to group gpio: " + groupRemedy + "; it needs Linux 5.10 or newer"
	pwmRemedy  = "/sys/class/pwm must be open to group gpio: install the udev rules in deploy/60-fluxd.rules"
	pwmTaken   = "another driver or program has the channel"
	pwmUnknown = "the kernel's log may say why: dmesg"
)

// Opts are the options of a Board.
type Opts struct {
	// Root is the folder with /dev and /sys; "" is /. GPIO and I2C work with / only: they are more than files.
	Root string
	// Header maps the names of a board's pins; nil for a machine without a header.
	Header *Header
}

// Header describes a board with named pins: the GPIO line and the PWM channel of each pin.
type Header struct {
	// Name of the board, for messages.
	Name string
	// Chips are the possible labels of the chip with the pins. Its number does not count: it differs between kernels.
	Chips []string
	// Lines are the offsets of the pins on that chip.
	Lines map[string]int
	// PWM are the channels of the pins that can do PWM.
	PWM map[string]Channel
	// Overlay returns what to do if the PWM chip of a pin is missing.
	Overlay func(pin string) string
}

// Channel is a channel of a PWM chip.
type Channel struct {
	Device string // the end of the name of the chip's device
	Number int
}

// Board is the machine that the program runs on. It is safe for concurrent use.
type Board struct {
	log    *slog.Logger
	clock  func() time.Duration
	root   string
	real   bool
	header Header
	open   func(i2cNumber int) (i2c.BusCloser, error)
	kernel kernel

	mutex    sync.Mutex
	pins     map[string]*Pin
	channels map[string]string // PWM channels in use, by chip and number: the pin
	buses    map[int]*bus

	exclusive bool
	claims    map[int]*os.File // files of buses, by number; a locked byte is the address of a claimed chip
}

// New returns the board. It opens nothing: pins and buses are opened at their first use. The clock is the time since the robot
// started; the times of edges are those of this clock.
func New(log *slog.Logger, clock func() time.Duration, opts *Opts) *Board {
	if opts == nil {
		opts = &Opts{}
	}
	b := &Board{log: log, clock: clock, root: opts.Root, header: Header{Name: "linux"},
		pins: map[string]*Pin{}, channels: map[string]string{}, buses: map[int]*bus{}, claims: map[int]*os.File{}}
	if opts.Header != nil {
		b.header = *opts.Header
	}
	if b.root == "" {
		b.root = "/"
	}
	b.real = b.root == "/"
	b.kernel = newKernel(clock)
	b.open = func(number int) (i2c.BusCloser, error) { return sysfs.NewI2C(number) }
	return b
}

// String returns the name of the board.
func (b *Board) String() string { return b.header.Name }

// Pin returns a pin by the name in the header, by the kernel's name of the line, by chip and offset ("gpiochip0:17"), or as a PWM
// channel ("pwmchip0/1"). The same name always gives the same pin. A pin that does not exist is an error, and so is a second name
// of a line that is in use. Missing rights are an error of the pin's first use.
func (b *Board) Pin(name string) (gpio.PinIO, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if p := b.pins[name]; p != nil {
		return p, nil
	}
	p := newPin(name, b)
	if chip, number, ok := strings.Cut(name, "/"); ok && strings.HasPrefix(chip, "pwmchip") {
		n, err := strconv.ParseUint(number, 10, 8)
		if err != nil {
			return nil, fmt.Errorf("%s: pin %q: expected a PWM channel such as pwmchip0/1", b, name)
		}
		p.pwmChip, p.pwmNumber = chip, int(n)
		if _, err := os.Stat(b.path("sys/class/pwm", chip)); err != nil {
			return nil, fmt.Errorf("%s: pin %q: no such PWM chip; there is %s", b, name, b.pwmChips())
		}
		b.pins[name] = p
		return p, nil
	}
	if channel, ok := b.header.PWM[name]; ok {
		p.channel = &channel
	}
	if err := b.findLine(p); err != nil {
		if p.channel == nil || !errors.Is(err, errNoGPIO) { // a pin may be used for its PWM only
			return nil, err
		}
	}
	for _, other := range b.pins {
		if p.chip != "" && other.chip == p.chip && other.offset == p.offset {
			return nil, fmt.Errorf("%s: pin %q: it is %s line %d, which is in use as %q: give each line one name and one use",
				b, name, p.chip, p.offset, other.name)
		}
	}
	b.pins[name] = p
	return p, nil
}

// errNoGPIO is the error of a machine without GPIO.
var errNoGPIO = errors.New("this machine shows no GPIO chips")

// findLine finds the chip and offset of a pin.
func (b *Board) findLine(p *Pin) error {
	var chips []chip
	if b.real {
		var err error
		if chips, err = b.kernel.chips(); err != nil {
			return fmt.Errorf("%s: pin %q: %w; "+gpioRemedy, b, p.name, err, "gpio")
		}
	}
	if len(chips) == 0 {
		return fmt.Errorf("%s: pin %q: %w; "+gpioRemedy, b, p.name, errNoGPIO, "gpio")
	}
	if offset, ok := b.header.Lines[p.name]; ok {
		for _, c := range chips {
			if slices.Contains(b.header.Chips, c.label) {
				p.chip, p.offset = c.name, offset
				return nil
			}
		}
		return fmt.Errorf("%s: pin %q: expected a GPIO chip with the label %s, got %s",
			b, p.name, strings.Join(b.header.Chips, " or "), labels(chips))
	}
	if name, offset, ok := strings.Cut(p.name, ":"); ok {
		for _, c := range chips {
			if n, err := strconv.ParseUint(offset, 10, 16); c.name == name && err == nil && int(n) < len(c.lines) {
				p.chip, p.offset = name, int(n)
				return nil
			}
		}
	}
	var names []string
	for _, c := range chips {
		for offset, line := range c.lines {
			if line == p.name && line != "" {
				p.chip, p.offset = c.name, offset
				return nil
			}
			if line != "" {
				names = append(names, line)
			}
		}
	}
	for name := range b.header.Lines {
		names = append(names, name)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	const most = 40
	if len(names) > most {
		names = append(names[:most], "and more, see gpioinfo")
	}
	return fmt.Errorf("%s: pin %q: expected chip:offset of %s, or one of %s", b, p.name, labels(chips), strings.Join(names, ", "))
}

func labels(chips []chip) string {
	var all []string
	for _, c := range chips {
		all = append(all, fmt.Sprintf("%s (%s, %d lines)", c.name, c.label, len(c.lines)))
	}
	return strings.Join(all, ", ")
}

// path returns a path below the root.
func (b *Board) path(parts ...string) string {
	return filepath.Join(append([]string{b.root}, parts...)...)
}

// Buses returns the names of the I2C buses.
func (b *Board) Buses() []string {
	var names []string
	for _, n := range b.numbers() {
		names = append(names, fmt.Sprintf("I2C%d", n))
	}
	return names
}

// numbers returns the numbers of the I2C buses.
func (b *Board) numbers() []int {
	files, _ := filepath.Glob(b.path("dev", "i2c-*")) // fails only for a wrong pattern
	var numbers []int
	for _, file := range files {
		if n, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(file), "i2c-")); err == nil {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers
}

// busNumber returns the number of a bus by its name.
func busNumber(name string) (int, error) {
	return strconv.Atoi(strings.TrimPrefix(header.CanonicalBus(name), "I2C"))
}

// Bus returns an I2C bus by its name ("I2C1"), its number ("1") or its file ("/dev/i2c-1"). It is opened once and shared: its
// Close does nothing, Halt closes it.
func (b *Board) Bus(name string) (i2c.BusCloser, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	number, err := busNumber(name)
	if numbers := b.numbers(); err != nil || !slices.Contains(numbers, number) {
		if len(numbers) == 0 {
			return nil, fmt.Errorf("%s: bus %q: this machine shows no I2C buses; "+i2cRemedy, b, name, "i2c")
		}
		var names []string
		for _, n := range numbers {
			names = append(names, fmt.Sprintf("I2C%d", n))
		}
		return nil, fmt.Errorf("%s: bus %q: expected one of %s", b, name, strings.Join(names, ", "))
	}
	if open := b.buses[number]; open != nil {
		return open, nil
	}
	opened, err := b.open(number)
	if err != nil {
		return nil, fmt.Errorf("%s: bus %q: open: %w; "+i2cRemedy, b, name, err, "i2c")
	}
	b.buses[number] = &bus{opened, fmt.Sprintf("I2C%d", number)}
	return b.buses[number], nil
}

// Halt closes buses, PWM channels and lines. The devices must be brought to rest before: an output whose line is closed may
// float, and a PWM channel goes on with its last duty cycle.
func (b *Board) Halt() error {
	b.mutex.Lock()
	buses, pins, claims := b.buses, b.pins, b.claims
	b.buses, b.pins, b.channels, b.claims = map[int]*bus{}, map[string]*Pin{}, map[string]string{}, map[int]*os.File{}
	b.mutex.Unlock() // a pin that is opening its channel needs it
	var failed []error
	close := func(what string, c io.Closer) {
		if err := c.Close(); err != nil {
			failed = append(failed, fmt.Errorf("%s: close %s: %w", b, what, err))
		}
	}
	for _, open := range buses {
		close("bus "+open.name, open.BusCloser)
	}
	for name, p := range pins {
		close("pin "+name, p)
	}
	for number, claim := range claims { // last: until now no other process may command the chips
		close(fmt.Sprintf("claims on bus I2C%d", number), claim)
	}
	return errors.Join(failed...)
}

// bus is a shared bus: closing it does nothing.
type bus struct {
	i2c.BusCloser
	name string
}

func (*bus) Close() error     { return nil }
func (b *bus) String() string { return b.name }
