package sensors

import (
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/i2c"
)

// The registers of the AS5600 that the driver uses. It writes to CONF alone: the register BURN, 0xff, would change the
// chip permanently.
const (
	as5600Conf     = 0x07 // two bytes, followed by two that do not exist and read zero, and STATUS
	as5600RawAngle = 0x0c // two bytes
)

const (
	// as5600Settings: always on, no hysteresis, no watchdog (which would slow the chip down while the shaft rests), the
	// slowest filter for the least noise, and no filter for a change of more than 6 counts. After power-up all of them are
	// zero, which shows that the chip lost its supply.
	as5600Settings = 0x0400
	// as5600SettingsMask are the bits of CONF that readings depend on. The others control the analogue output or belong to the
	// factory, and keep their values.
	as5600SettingsMask = 0x3f0f

	as5600Detected = 0x20 // STATUS: there is a magnet
	as5600Weak     = 0x10 // STATUS
	as5600Strong   = 0x08 // STATUS

	as5600Counts = 4096 // per revolution

	// as5600Startup is how long after a start angles are not valid. A chip that another program left in its slowest power
	// mode reads the magnet every 100 ms. The time covers a power-up (10 ms) and the filter (2.2 ms) too.
	as5600Startup = 110 * time.Millisecond
)

// as5600Addresses has the only address of the chip.
var as5600Addresses = []uint16{0x36}

// AS5600Opts are the options of an AS5600.
type AS5600Opts struct {
	Bus     string `yaml:"bus" required:"true" doc:"I2C bus, such as I2C1"`
	Address uint16 `yaml:"address" default:"0x36" doc:"I2C address; the chip has no other"`
	// Inverted reverses the direction.
	Inverted bool `yaml:"inverted" default:"false" doc:"reverses the direction"`
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
	return asDevice(NewAS5600(bus, o.Address, o))
}

// AS5600 is a magnetic encoder on I2C: it reads the angle of a magnet at the end of a shaft, in 4096 counts per
// revolution. It measures:
//
//	angle      0 to 360°, in ° from the zero of the chip
//	position   revolutions: the angle at the start; then the driver counts revolutions for as long as the robot runs
//
// Both grow when the shaft turns clockwise, seen from the side of the magnet, with pin DIR at ground. The option
// Inverted reverses that.
//
// The chip does not count revolutions. The driver does, from one reading of either measure to the next. The shaft must
// turn by less than half a revolution in between: a reading every 5 ms allows 6,000 revolutions a minute. While there
// are no readings (the chip is unplugged, the magnet is gone) nothing is counted: the position continues at the nearest
// one that has the new angle.
//
// A missing magnet, one that is too weak and one that is too strong are faults. Each reading reads the settings back.
// When they differ, the chip lost its supply for a moment, or another program wrote to it, and it is started again,
// which takes 110 ms. The driver uses the angle before the scaling of the chip, so a zero position or a range that was
// written or burnt into the chip has no effect. An AS5600 may be used from several goroutines.
//
// Source: ams, AS5600 data sheet, v1-06, figures 6 (times), 21 to 23 (registers, CONF, STATUS), and "I²C modes".
type AS5600 struct {
	chip
	inverted bool

	mutex sync.Mutex
	seen  bool  // there was a reading
	count int64 // last reading, 0 to 4095
	revs  int64 // whole revolutions
}

// NewAS5600 leaves the chip alone: the first Sample starts it. The address is 0x36. Nil options mean that the shaft is
// not inverted.
func NewAS5600(bus i2c.Bus, address uint16, opts *AS5600Opts) (*AS5600, error) {
	a := &AS5600{inverted: opts != nil && opts.Inverted,
		chip: newChip("as5600", bus, address, "its supply, and the wires to SDA and SCL")}
	if err := a.checkAddress(as5600Addresses, "0x36: the chip has no other"); err != nil {
		return nil, err
	}
	return a, nil
}

// Measure returns "angle" or "position".
func (a *AS5600) Measure(name string) (Sensor, error) {
	i, err := findMeasure(a, as5600Measures, name)
	if err != nil {
		return nil, err
	}
	m := &chipMeasure{chip: a, name: name, unit: as5600Measures[i].Unit, sample: a.position}
	if name == "angle" {
		m.sample, m.limits = a.angle, Range{0, as5600Millionths(as5600Counts-1, 360)}
	}
	return m, nil
}

// Halt does nothing to the chip, which has no sleep. The position is kept.
func (a *AS5600) Halt() error {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.needsStart = true
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
	return a.revs*1_000_000 + as5600Millionths(a.count, 1), nil
}

// as5600Millionths converts counts into millionths of a unit, with so many units per revolution.
func as5600Millionths(count, perRev int64) int64 {
	return nearest(count*perRev*1_000_000, as5600Counts)
}

// refresh reads the angle, then what shows whether it is valid.
func (a *AS5600) refresh(at time.Duration) error {
	if a.needsStart {
		if err := a.start(); err != nil {
			return err
		}
		a.needsStart, a.readyAt = false, at+as5600Startup
	}
	if err := a.checkReady(at); err != nil {
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
	if is := uint16(state[0])<<8 | uint16(state[1]); is&as5600SettingsMask != as5600Settings {
		return a.failed("read the settings", fmt.Errorf("expected %#04x, got %#04x: it lost its supply for a moment, "+
			"or is another chip", as5600Settings, is&as5600SettingsMask))
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
	return a.writeWord("start", as5600Conf, is&^as5600SettingsMask|as5600Settings)
}

// magnet fails when the chip reports that its magnet is not right. The chip works, and is not started again.
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
	return fmt.Errorf("%s: magnet: expected the right strength, got %s; check that %s", a, what, remedy)
}

// follow updates the position, by the shortest way from the last angle to this one.
func (a *AS5600) follow(raw int64) {
	if a.inverted {
		raw = (as5600Counts - raw) % as5600Counts
	}
	switch moved := raw - a.count; {
	case !a.seen:
		a.seen = true
	case moved >= as5600Counts/2:
		a.revs--
	case moved < -as5600Counts/2:
		a.revs++
	}
	a.count = raw
}
