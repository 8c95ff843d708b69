package sensors

import (
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/i2c"
)

// The registers of the AS5600 that the driver uses. It writes to CONF alone: the register BURN, 0xff, would change the chip for
// good.
const (
	as5600Conf     = 0x07 // two bytes; two that do not exist follow, which read zero, and then STATUS
	as5600RawAngle = 0x0c // two bytes
)

const (
	// as5600Settings are always on, no hysteresis, no watchdog (which would slow the chip down when it rests), the slowest filter,
	// for the least noise, and no filter for a change of more than 6 counts. After power-up all of it is zero: so a lost supply
	// shows.
	as5600Settings = 0x0400
	// as5600Ours are the bits of CONF that readings depend on. The others belong to the analogue output or to the factory, and stay.
	as5600Ours = 0x3f0f

	as5600Detected = 0x20 // STATUS: there is a magnet
	as5600Weak     = 0x10 // STATUS
	as5600Strong   = 0x08 // STATUS

	as5600Counts = 4096 // a turn

	// as5600Settle is how long an angle is not believed after a start: a chip that another program has left in its slowest power
	// mode looks at the magnet every 100 ms. It is longer than a power-up (10 ms) and the filter (2.2 ms).
	as5600Settle = 110 * time.Millisecond
)

// as5600Addresses is the only one.
var as5600Addresses = []uint16{0x36}

// AS5600Opts are the options of an AS5600.
type AS5600Opts struct {
	Bus     string `yaml:"bus" required:"true" doc:"I2C bus, such as I2C1"`
	Address uint16 `yaml:"address" default:"0x36" doc:"I2C address, such as 0x23"`
	// Inverted counts the other way round.
	Inverted bool `yaml:"inverted" default:"false" doc:"the wheel turns the other way round"`
}

var as5600Kind = Kind{Name: "as5600", About: "angle of a magnet on a shaft", New: func() Options { return new(AS5600Opts) },
	Addresses: as5600Addresses, Calibrates: true}

var as5600Measures = []Measure{{Name: "angle", Unit: "°"}, {Name: "position", Unit: "rev", Zeroes: true}}

// Measures implements Options.
func (o *AS5600Opts) Measures() []Measure { return as5600Measures }

// Open implements Options.
func (o *AS5600Opts) Open(from Parts) (Device, error) {
	bus, err := from.Bus(o.Bus)
	if err != nil {
		return nil, err
	}
	return several(NewAS5600(bus, o.Address, o))
}

// AS5600 is a magnetic encoder on I2C: it sees a magnet at the end of a shaft turn, 4096 counts a revolution. It measures:
//
//	angle      0 up to 360°, in ° from the chip's own zero
//	position   revolutions: at the start the angle, from then on the turns are counted, for as long as the robot runs
//
// Both grow when the shaft turns clockwise, seen from the magnet's side, with pin DIR at ground; the option Inverted turns that
// round.
//
// The chip does not count turns; the driver does, from one reading to the next of either measure. The shaft must turn by less
// than half a revolution in between: with a reading every 5 ms that are 6,000 a minute. While there are no readings (the chip is
// unplugged, the magnet is gone) nobody counts: the position goes on with the nearest one that has the new angle.
//
// A missing magnet, one that is too weak and one that is too strong are faults. With each reading the settings are read back: a
// chip that has others lost its supply for a moment, or another program has written to it, and is started again, which takes 110
// ms. The angle is the one before the chip's scaling, so no zero position or range matters that was written or burnt into it. It
// may be used from several goroutines.
//
// Source: ams, AS5600 data sheet, v1-06, figures 6 (times), 21 to 23 (registers, CONF, STATUS), and "I²C modes".
type AS5600 struct {
	chip
	inverted bool

	mutex sync.Mutex
	seen  bool  // there was a reading
	count int64 // of the last reading, 0 to 4095
	turns int64 // whole ones
}

// NewAS5600 leaves the chip alone: the first Sample starts it. The address is 0x36; nil options stand for a shaft that is not
// inverted.
func NewAS5600(bus i2c.Bus, address uint16, opts *AS5600Opts) (*AS5600, error) {
	a := &AS5600{inverted: opts != nil && opts.Inverted,
		chip: newChip("as5600", bus, address, "its supply, and the wires to SDA and SCL")}
	if err := a.among(as5600Addresses, "0x36: the chip has no other"); err != nil {
		return nil, err
	}
	return a, nil
}

// Measure gives "angle" or "position".
func (a *AS5600) Measure(name string) (Sensor, error) {
	i, err := find(a, as5600Measures, name)
	if err != nil {
		return nil, err
	}
	m := &chipMeasure{chip: a, name: name, unit: as5600Measures[i].Unit, sample: a.position}
	if name == "angle" {
		m.sample, m.within = a.angle, Range{0, as5600Millionths(as5600Counts-1, 360)}
	}
	return m, nil
}

// Halt does nothing to the chip, which has no sleep. The position is kept.
func (a *AS5600) Halt() error {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.lost = true
	return nil
}

func (a *AS5600) angle(at time.Duration) (int64, error) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if err := a.refresh(at); err != nil {
		return 0, err
	}
	return as5600Millionths(a.count, 360), nil
}

func (a *AS5600) position(at time.Duration) (int64, error) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if err := a.refresh(at); err != nil {
		return 0, err
	}
	return a.turns*1_000_000 + as5600Millionths(a.count, 1), nil
}

// as5600Millionths is what counts are, of so many units a turn.
func as5600Millionths(count, perTurn int64) int64 {
	return nearest(count*perTurn*1_000_000, as5600Counts)
}

// refresh reads the angle, and after it what shows that it can be believed.
func (a *AS5600) refresh(at time.Duration) error {
	if a.lost {
		if err := a.start(); err != nil {
			return err
		}
		a.lost, a.settled = false, at+as5600Settle
	}
	if err := a.waiting(at); err != nil {
		return err
	}
	raw, err := a.readWord("read the angle", as5600RawAngle)
	if err != nil {
		return err
	}
	if raw >= as5600Counts {
		return a.failed("read the angle", fmt.Errorf("expected 0 to %d, got %d", as5600Counts-1, raw))
	}
	var state [5]byte
	if err := a.read("read the settings", as5600Conf, state[:]); err != nil {
		return err
	}
	if is := uint16(state[0])<<8 | uint16(state[1]); is&as5600Ours != as5600Settings {
		return a.failed("read the settings", fmt.Errorf("expected %#04x, got %#04x: it has lost its supply for a moment, "+
			"or is another chip", as5600Settings, is&as5600Ours))
	}
	if err := a.magnet(state[4]); err != nil {
		return err
	}
	a.follow(int64(raw))
	return nil
}

// start writes the settings.
func (a *AS5600) start() error {
	is, err := a.readWord("read the settings", as5600Conf)
	if err != nil {
		return err
	}
	return a.writeWord("start", as5600Conf, is&^as5600Ours|as5600Settings)
}

// magnet is an error where the chip says that its magnet is not right. The chip itself is: it goes on.
func (a *AS5600) magnet(status byte) error {
	what, remedy := "", ""
	switch {
	case status&as5600Detected == 0:
		what, remedy = "no magnet", "its magnet is there, magnetised across the shaft, 0.5 to 3 mm above the middle of the chip"
	case status&as5600Weak != 0:
		what, remedy = "too weak", "nothing is between magnet and chip, and move the magnet nearer"
	case status&as5600Strong != 0:
		what, remedy = "too strong", "no other magnet is near, and move the magnet away"
	default:
		return nil
	}
	return fmt.Errorf("%s: magnet: expected one of the right strength, got %s; check that %s", a, what, remedy)
}

// follow takes the shortest way from the last angle to this one.
func (a *AS5600) follow(raw int64) {
	if a.inverted {
		raw = (as5600Counts - raw) % as5600Counts
	}
	switch moved := raw - a.count; {
	case !a.seen:
		a.seen = true
	case moved >= as5600Counts/2:
		a.turns--
	case moved < -as5600Counts/2:
		a.turns++
	}
	a.count = raw
}
