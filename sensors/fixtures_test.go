package sensors_test

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2ctest"

	"fluxd/boards/sim"
	"fluxd/sensors"
)

const ms = time.Millisecond

// fataler is a *testing.T or a *rapid.T.
type fataler interface {
	Helper()
	Fatal(...any)
}

// simulated returns a bus with one simulated chip, and a clock that the test moves.
func simulated(t *testing.T, address uint16, device sim.Device) (bus i2c.Bus, board *sim.Board, now *time.Duration) {
	t.Helper()
	now = new(time.Duration)
	board = sim.New(func() time.Duration { return *now })
	if err := board.Attach("I2C1", address, device); err != nil {
		t.Fatal(err)
	}
	bus, err := board.Bus("I2C1")
	if err != nil {
		t.Fatal(err)
	}
	return bus, board, now
}

// breakable returns the faults of the simulated bus, which the test sets.
func breakable(t *testing.T, board *sim.Board) *sim.Faults {
	t.Helper()
	faults, err := board.Faults("I2C1")
	if err != nil {
		t.Fatal(err)
	}
	return faults
}

// failOnce is a bus on which one transfer fails, after so many others. With a negative count none fails.
type failOnce struct {
	i2c.Bus
	transfers int
}

func (f *failOnce) Tx(address uint16, w, r []byte) error {
	if f.transfers--; f.transfers == -1 {
		return errRemoteIO
	}
	return f.Bus.Tx(address, w, r)
}

// constant is a quantity that does not change, for a simulated chip.
func constant(value int64) func(time.Duration) int64 {
	return func(time.Duration) int64 { return value }
}

var errRemoteIO = errors.New("remote I/O error")

// flaky is a bus on which no device answers while it is dead.
type flaky struct {
	i2c.Bus
	dead bool
}

func (f *flaky) Tx(address uint16, w, r []byte) error {
	if f.dead {
		return errRemoteIO
	}
	return f.Bus.Tx(address, w, r)
}

// playback is a bus that expects exactly these transfers.
func playback(t *testing.T, ops ...i2ctest.IO) *i2ctest.Playback {
	t.Helper()
	bus := &i2ctest.Playback{Ops: ops, DontPanic: true}
	t.Cleanup(func() {
		if err := bus.Close(); err != nil {
			t.Error(err)
		}
	})
	return bus
}

func expectReading(t *testing.T, s sensors.Sensor, at time.Duration, want int64) {
	t.Helper()
	if got, err := s.Sample(at); err != nil || got != want {
		t.Errorf("at %v: got %d, %v, want %d", at, got, err, want)
	}
}

// expectOneFailure reads a sensor in steps until a time, on a bus on which one transfer fails. It expects exactly one
// failure, and right readings before and after it.
func expectOneFailure(t *testing.T, s sensors.Sensor, now *time.Duration, until, step time.Duration, want int64) {
	t.Helper()
	failures := 0
	for ; *now < until; *now += step {
		value, err := s.Sample(*now)
		switch {
		case err == nil && value != want:
			t.Errorf("at %v: got %d, want %d", *now, value, want)
		case err != nil && !errors.Is(err, sensors.ErrNotYet):
			failures++
			if !errors.Is(err, errRemoteIO) {
				t.Errorf("at %v: %v", *now, err)
			}
		}
	}
	if failures != 1 {
		t.Errorf("%d failures, want 1", failures)
	}
	expectReading(t, s, *now, want)
}

// wire parses transfers in hexadecimal: 2d08 writes 08 to register 2d, 00>e5 reads e5 from register 00.
func wire(t *testing.T, address uint16, lines ...string) []i2ctest.IO {
	t.Helper()
	decode := func(text string) []byte {
		raw, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	var ops []i2ctest.IO
	for _, field := range strings.Fields(strings.Join(lines, " ")) {
		op := i2ctest.IO{Addr: address}
		sent, got, reads := strings.Cut(field, ">")
		op.W = decode(sent)
		if reads {
			op.R = decode(got)
		}
		ops = append(ops, op)
	}
	return ops
}

func expectNotYet(t *testing.T, s sensors.Sensor, at time.Duration) {
	t.Helper()
	if got, err := s.Sample(at); !errors.Is(err, sensors.ErrNotYet) {
		t.Errorf("at %v: expected no measurement yet, got %d, %v", at, got, err)
	}
}

// expectFault expects an error other than ErrNotYet.
func expectFault(t *testing.T, s sensors.Sensor, at time.Duration, parts ...string) {
	t.Helper()
	_, err := s.Sample(at)
	if errors.Is(err, sensors.ErrNotYet) {
		t.Errorf("at %v: expected a fault, got %v", at, err)
	}
	expectError(t, err, parts...)
}

func expectNear(t *testing.T, s sensors.Sensor, at time.Duration, want, within int64) {
	t.Helper()
	if got, err := s.Sample(at); err != nil || got < want-within || got > want+within {
		t.Errorf("%s at %v: got %d, %v, want %d ± %d", s, at, got, err, want, within)
	}
}

func expectError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("expected an error with %q", parts)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("expected %q in %q", part, err)
		}
	}
}

// pins returns two pins of a simulated board, and a clock that the test moves.
func pins(t fataler, one, other string) (a, b *sim.Pin, now *time.Duration) {
	now = new(time.Duration)
	board := sim.New(func() time.Duration { return *now })
	var both [2]*sim.Pin
	for i, name := range []string{one, other} {
		p, err := board.Pin(name)
		if err != nil {
			t.Fatal(err)
		}
		both[i] = p.(*sim.Pin)
	}
	return both[0], both[1], now
}

// contact is an input pin without edges, at the far end of a bus. The embedded gpio.INVALID has the methods that an
// input does not need.
type contact struct {
	gpio.PinIO
	level gpio.Level
	pull  gpio.Pull
	edge  gpio.Edge
	fail  error
}

func newContact() *contact { return &contact{PinIO: gpio.INVALID, level: gpio.High} }

func (c *contact) Name() string { return "GPIO17" }

func (c *contact) Halt() error { return c.fail }

func (c *contact) ReadLevel() (gpio.Level, error) { return c.level, c.fail }

func (c *contact) In(pull gpio.Pull, edge gpio.Edge) error {
	c.pull, c.edge = pull, edge
	return c.fail
}

// line returns a simulated pin, and a clock that the test moves.
func line(t fataler, name string) (pin *sim.Pin, now *time.Duration) {
	now = new(time.Duration)
	p, err := sim.New(func() time.Duration { return *now }).Pin(name)
	if err != nil {
		t.Fatal(err)
	}
	return p.(*sim.Pin), now
}

// measures returns measures of a device, from the results of its constructor.
func measures(t fataler, device sensors.Device, err error, names ...string) (all []sensors.Sensor) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		m, err := device.Measure(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

// measure returns one measure of a device, from the results of its constructor.
func measure(t fataler, device sensors.Device, err error, name string) sensors.Sensor {
	t.Helper()
	return measures(t, device, err, name)[0]
}
