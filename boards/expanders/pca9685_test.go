package expanders_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fluxd/actuators"
	"fluxd/boards/expanders"
	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2ctest"
	"periph.io/x/conn/v3/physic"
	"pgregory.net/rapid"
)

var errRemoteIO = errors.New("remote I/O error")

// flaky is a bus on which nothing answers while it is dead. One transfer, counted from 1, fails too, although it may reach the
// chip.
type flaky struct {
	i2c.Bus
	dead    bool
	fails   int
	reaches bool
}

func (f *flaky) Tx(address uint16, w, r []byte) error {
	f.fails--
	if f.fails == 0 && f.reaches {
		f.Bus.Tx(address, w, r)
	}
	if f.dead || f.fails == 0 {
		return errRemoteIO
	}
	return f.Bus.Tx(address, w, r)
}

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

// pca9685SetUp returns the transfers that set up a chip at 0x40, with all outputs off except the given ones.
func pca9685SetUp(mode2, prescale byte, outputs map[int][4]byte) []i2ctest.IO {
	all := []byte{0x06}
	for number := range 16 {
		output, given := outputs[number]
		if !given {
			output = [4]byte{3: 0x10}
		}
		all = append(all, output[:]...)
	}
	return []i2ctest.IO{
		{Addr: 0x40, W: []byte{0x01, mode2}},
		{Addr: 0x40, W: []byte{0xfd, 0x10}},
		{Addr: 0x40, W: []byte{0x00, 0x30}},
		{Addr: 0x40, W: []byte{0xfe, prescale}},
		{Addr: 0x40, W: []byte{0x00, 0x20}},
		{Addr: 0x40, W: []byte{0x00}, R: []byte{0x20, mode2}},
		{Addr: 0x40, W: []byte{0xfe}, R: []byte{prescale}},
		{Addr: 0x40, W: all},
	}
}

// pca9685Modes is the reading of the modes that follows each write.
func pca9685Modes(mode1, mode2 byte) i2ctest.IO {
	return i2ctest.IO{Addr: 0x40, W: []byte{0x00}, R: []byte{mode1, mode2}}
}

func newPCA9685(t *testing.T, bus i2c.Bus, opts *expanders.PCA9685Opts) *expanders.PCA9685 {
	t.Helper()
	chip, err := expanders.NewPCA9685(bus, 0x40, opts)
	if err != nil {
		t.Fatal(err)
	}
	return chip
}

type chip interface {
	Pin(name string) (gpio.PinIO, error)
}

func newPin(t *testing.T, of chip, name string) gpio.PinIO {
	t.Helper()
	pin, err := of.Pin(name)
	if err != nil {
		t.Fatal(err)
	}
	return pin
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// expectError expects an error that contains all the parts.
func expectError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("expected an error with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("expected %q in %q", part, err)
		}
	}
}

func TestPCA9685Duties(t *testing.T) {
	cases := []struct {
		duty gpio.Duty
		want [4]byte
	}{
		{0, [4]byte{3: 0x10}},
		{2047, [4]byte{3: 0x10}},
		{2048, [4]byte{2: 1}},
		{4096, [4]byte{2: 1}},
		{gpio.DutyMax / 4, [4]byte{3: 0x04}},
		{gpio.DutyHalf, [4]byte{3: 0x08}},
		{gpio.DutyMax * 3 / 40, [4]byte{2: 0x33, 3: 0x01}}, // 1.5 ms of 20 ms: 307.2 steps
		{gpio.DutyMax - 2049, [4]byte{2: 0xff, 3: 0x0f}},
		{gpio.DutyMax - 2048, [4]byte{1: 0x10}},
		{gpio.DutyMax, [4]byte{1: 0x10}},
	}
	ops := pca9685SetUp(0x04, 121, nil)
	for _, c := range cases {
		ops = append(ops, i2ctest.IO{Addr: 0x40, W: append([]byte{0x06 + 4*15}, c.want[:]...)}, pca9685Modes(0x20, 0x04))
	}
	pin := newPin(t, newPCA9685(t, playback(t, ops...), nil), "15")
	must(t, pin.Out(gpio.Low))
	for _, c := range cases {
		if err := pin.PWM(c.duty, 50*physic.Hertz); err != nil {
			t.Errorf("duty %d: %v", c.duty, err)
		}
		between := c.want[1] != 0x10 && c.want[3] != 0x10
		if pin.Function() != map[bool]string{true: "PWM", false: "OUT"}[between] || pin.Read() != (c.want[1] == 0x10) {
			t.Errorf("duty %d: %s, %v", c.duty, pin.Function(), pin.Read())
		}
	}
}

func TestPCA9685FrequenciesAndModes(t *testing.T) {
	for _, c := range []struct {
		name            string
		opts            expanders.PCA9685Opts
		mode2, prescale byte
		frequency       physic.Frequency
	}{
		{"by default", expanders.PCA9685Opts{}, 0x04, 121, 50 * physic.Hertz},
		{"lowest", expanders.PCA9685Opts{Frequency: 24 * physic.Hertz}, 0x04, 253, 24 * physic.Hertz},
		{"highest", expanders.PCA9685Opts{Frequency: 1526 * physic.Hertz}, 0x04, 3, 1526 * physic.Hertz},
		{"the data sheet's example", expanders.PCA9685Opts{Frequency: 200 * physic.Hertz}, 0x04, 30, 200 * physic.Hertz},
		{"a fast oscillator", expanders.PCA9685Opts{Oscillator: 27 * physic.MegaHertz}, 0x04, 131, 50 * physic.Hertz},
		{"open drain", expanders.PCA9685Opts{OpenDrain: true}, 0x00, 121, 50 * physic.Hertz},
		{"inverted", expanders.PCA9685Opts{Inverted: true}, 0x14, 121, 50 * physic.Hertz},
		{"both", expanders.PCA9685Opts{Inverted: true, OpenDrain: true}, 0x10, 121, 50 * physic.Hertz},
	} {
		t.Run(c.name, func(t *testing.T) {
			chip := newPCA9685(t, playback(t, pca9685SetUp(c.mode2, c.prescale, map[int][4]byte{0: {1: 0x10}})...), &c.opts)
			if chip.Frequency() != c.frequency {
				t.Errorf("frequency: got %s", chip.Frequency())
			}
			must(t, newPin(t, chip, "0").PWM(gpio.DutyMax, 0))
		})
	}
}

func TestPCA9685RefusesWhatTheChipDoesNotHave(t *testing.T) {
	for _, address := range []uint16{0, 0x3f, 0x70, 0x80} {
		if _, err := expanders.NewPCA9685(playback(t), address, nil); err == nil {
			t.Errorf("address %#02x: expected an error", address)
		}
	}
	for _, c := range []struct {
		opts expanders.PCA9685Opts
		part string
	}{
		{expanders.PCA9685Opts{Frequency: 23 * physic.Hertz}, "24 Hz"},
		{expanders.PCA9685Opts{Frequency: 1527 * physic.Hertz}, "1526 Hz"},
		{expanders.PCA9685Opts{Frequency: -50 * physic.Hertz}, "24 Hz"},
		{expanders.PCA9685Opts{Oscillator: 22 * physic.MegaHertz}, "23 MHz"},
		{expanders.PCA9685Opts{Oscillator: 28 * physic.MegaHertz}, "27 MHz"},
		{expanders.PCA9685Opts{Frequency: 24 * physic.Hertz, Oscillator: 27 * physic.MegaHertz}, "cannot be made of"},
	} {
		_, err := expanders.NewPCA9685(playback(t), 0x40, &c.opts)
		expectError(t, err, "pca9685 at 0x40 on playback: ", c.part)
	}
	chip := newPCA9685(t, playback(t), nil)
	for _, name := range []string{"", "16", "-1", "00", "A0"} {
		_, err := chip.Pin(name)
		expectError(t, err, strconv.Quote(name), "0 to 15")
	}
	pin := newPin(t, chip, "7")
	if pin.Name() != "output 7 of pca9685 at 0x40 on playback" || pin.String() != pin.Name() || pin.Number() != 7 {
		t.Errorf("name: got %q, %d", pin.Name(), pin.Number())
	}
	expectError(t, pin.PWM(gpio.DutyHalf, 20*physic.KiloHertz), "50Hz", "share", "20kHz")
	expectError(t, pin.PWM(gpio.DutyMax+1, 0), "duty")
	expectError(t, pin.PWM(-1, 0), "duty")
	expectError(t, pin.In(gpio.PullUp, gpio.NoEdge), "cannot be an input")
	if pin.WaitForEdge(time.Hour) || pin.Pull() != gpio.Float || pin.DefaultPull() != gpio.Float {
		t.Error("an output has edges or pulls")
	}
	must(t, chip.Check()) // nothing to check yet
}

func TestPCA9685NoAnswer(t *testing.T) {
	chip := newPCA9685(t, &flaky{Bus: playback(t), dead: true}, nil)
	err := newPin(t, chip, "0").Out(gpio.High)
	expectError(t, err, "pca9685 at 0x40 on ", "set the output mode", "VCC", "0x40")
	if !errors.Is(err, errRemoteIO) {
		t.Errorf("expected the bus's error, got %v", err)
	}
	if err := chip.Halt(); !errors.Is(err, errRemoteIO) {
		t.Errorf("halt: expected the bus's error, got %v", err)
	}
}

// After a transfer that failed, the chip may have other outputs. So the next one writes all outputs as last requested, also by
// calls that failed.
func TestPCA9685NoAnswerForAWhile(t *testing.T) {
	ops := pca9685SetUp(0x04, 121, map[int][4]byte{0: {1: 0x10}})
	again := pca9685SetUp(0x04, 121, map[int][4]byte{0: {3: 0x10}, 1: {3: 8}})
	ops = append(ops, again[len(again)-1], pca9685Modes(0x20, 0x04))
	bus := &flaky{Bus: playback(t, ops...)}
	chip := newPCA9685(t, bus, nil)
	must(t, newPin(t, chip, "0").Out(gpio.High))
	bus.dead = true
	if err := newPin(t, chip, "0").Out(gpio.Low); !errors.Is(err, errRemoteIO) {
		t.Errorf("expected the bus's error, got %v", err)
	}
	if err := chip.Check(); !errors.Is(err, errRemoteIO) {
		t.Errorf("check: expected the bus's error, got %v", err)
	}
	bus.dead = false
	must(t, newPin(t, chip, "1").PWM(gpio.DutyHalf, 0))
}

// A chip that does not keep what is written to it is not driven.
func TestPCA9685GarbageAtTheAddress(t *testing.T) {
	ops := pca9685SetUp(0x04, 121, nil)
	for _, c := range []struct {
		name  string
		spoil func(ops []i2ctest.IO)
	}{
		{"the first mode", func(ops []i2ctest.IO) { ops[5].R = []byte{0x39, 0x04} }},
		{"the second mode", func(ops []i2ctest.IO) { ops[5].R = []byte{0x20, 0x9f} }},
		{"the prescaler", func(ops []i2ctest.IO) { ops[6].R = []byte{0x1e} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			spoilt := append([]i2ctest.IO{}, ops[:7]...)
			c.spoil(spoilt)
			chip := newPCA9685(t, playback(t, append(spoilt, ops...)...), nil)
			expectError(t, newPin(t, chip, "0").Out(gpio.Low), "expected the modes 20 04 and the prescaler 0x79", "INA219")
			must(t, newPin(t, chip, "0").Out(gpio.Low))
		})
	}
}

// world is a simulated chip on a simulated bus.
type world struct {
	now    time.Duration
	chip   *chips.PCA9685
	bus    i2c.Bus
	faults *sim.Faults
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{chip: chips.NewPCA9685()}
	board := sim.New(func() time.Duration { return w.now })
	must(t, board.Attach("I2C1", 0x40, w.chip))
	var err error
	w.bus, err = board.Bus("I2C1")
	must(t, err)
	w.faults, err = board.Faults("I2C1")
	must(t, err)
	return w
}

// expect waits until the oscillator runs.
func (w *world) expect(t *testing.T, output int, want gpio.Duty) {
	t.Helper()
	w.now += time.Millisecond
	if got := w.chip.Duty(w.now, output); got != want {
		t.Errorf("at %v: output %d: duty %d, want %d", w.now, output, got, want)
	}
}

func TestPCA9685OnTheSimulatedChip(t *testing.T) {
	w := newWorld(t)
	chip := newPCA9685(t, w.bus, nil)
	for number := range 16 {
		pin := newPin(t, chip, strconv.Itoa(number))
		must(t, pin.PWM(gpio.Duty(number+1)*gpio.DutyMax/16, 50*physic.Hertz))
		for output := range 16 {
			want := gpio.Duty(output+1) * gpio.DutyMax / 16
			if output > number {
				want = 0
			}
			w.expect(t, output, want)
		}
	}
	if w.chip.Prescale() != 121 {
		t.Errorf("prescaler: got %d", w.chip.Prescale())
	}
	must(t, newPin(t, chip, "3").Halt())
	w.expect(t, 3, 0)
	w.expect(t, 4, 5*gpio.DutyMax/16)
	must(t, chip.Halt())
	for output := range 16 {
		w.expect(t, output, 0)
	}
	must(t, newPin(t, chip, "9").Out(gpio.High))
	w.expect(t, 9, gpio.DutyMax)
	w.expect(t, 8, 0)
}

func TestPCA9685LosesItsSupply(t *testing.T) {
	for _, c := range []struct {
		name string
		use  func(chip *expanders.PCA9685, other gpio.PinIO) error
	}{
		{"and another output is used", func(_ *expanders.PCA9685, other gpio.PinIO) error { return other.Out(gpio.High) }},
		{"and Check is called", func(chip *expanders.PCA9685, _ gpio.PinIO) error { return chip.Check() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			chip := newPCA9685(t, w.bus, nil)
			must(t, newPin(t, chip, "1").PWM(gpio.DutyHalf, 0))
			w.expect(t, 1, gpio.DutyHalf)
			w.chip.Reset()
			w.expect(t, 1, 0)
			must(t, c.use(chip, newPin(t, chip, "2")))
			w.expect(t, 1, gpio.DutyHalf)
			if w.chip.Prescale() != 121 {
				t.Errorf("prescaler: got %d", w.chip.Prescale())
			}
		})
	}
}

// An output that is stopped while the chip is away stays stopped when it is back.
func TestPCA9685HaltedWhileAway(t *testing.T) {
	w := newWorld(t)
	bus := &flaky{Bus: w.bus}
	chip := newPCA9685(t, bus, nil)
	must(t, newPin(t, chip, "1").Out(gpio.High))
	bus.dead = true
	if err := chip.Halt(); !errors.Is(err, errRemoteIO) {
		t.Errorf("halt: expected the bus's error, got %v", err)
	}
	bus.dead = false
	w.expect(t, 1, gpio.DutyMax) // it could not be reached
	must(t, chip.Check())
	w.expect(t, 1, 0)
}

// A program that died has left the chip running; the next one stops it, and so does one that only halts it.
func TestPCA9685LeftRunning(t *testing.T) {
	w := newWorld(t)
	must(t, newPin(t, newPCA9685(t, w.bus, nil), "1").Out(gpio.High))
	w.expect(t, 1, gpio.DutyMax)
	must(t, newPin(t, newPCA9685(t, w.bus, &expanders.PCA9685Opts{Frequency: 100 * physic.Hertz}), "2").Out(gpio.High))
	w.expect(t, 1, 0)
	w.expect(t, 2, gpio.DutyMax)
	if w.chip.Prescale() != 60 {
		t.Errorf("prescaler: got %d", w.chip.Prescale())
	}
	must(t, newPCA9685(t, w.bus, nil).Halt())
	w.expect(t, 2, 0)
}

// Whatever another program has left in the registers: at the start and after each loss of the supply, the outputs are as
// requested.
func TestPCA9685WithAnotherProgramsSettings(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		w := newWorld(t)
		spoil := func() {
			asleep := byte(0x10) // or its prescaler would be locked
			must(t, w.bus.Tx(0x40, []byte{0x00, asleep}, nil))
			must(t, w.bus.Tx(0x40, []byte{0xfe, byte(random.IntN(256))}, nil))
			for register := byte(0x01); register <= 0x45; register++ {
				must(t, w.bus.Tx(0x40, []byte{register, byte(random.IntN(256))}, nil))
			}
			must(t, w.bus.Tx(0x40, []byte{0x00, byte(random.IntN(64)) &^ asleep}, nil)) // awake for a moment, so that RESTART can come
			w.now += time.Millisecond
			must(t, w.bus.Tx(0x40, []byte{0x00, byte(random.IntN(256)) &^ 0x40}, nil))
		}
		opts := expanders.PCA9685Opts{Frequency: 200 * physic.Hertz, Inverted: seed&1 == 1}
		off := gpio.Duty(0)
		if opts.Inverted {
			off = gpio.DutyMax
		}
		spoil()
		chip := newPCA9685(t, w.bus, &opts)
		must(t, newPin(t, chip, "4").PWM(gpio.DutyHalf, 0))
		for loss := range 3 {
			for output := range 16 {
				want := off
				if output == 4 {
					want = gpio.DutyHalf
				}
				w.expect(t, output, want)
			}
			if w.chip.Prescale() != 30 || t.Failed() {
				t.Fatalf("seed %d, loss %d: prescaler %d", seed, loss, w.chip.Prescale())
			}
			w.chip.Reset()
			if loss == 1 {
				spoil() // and another program writes before we read
				must(t, w.bus.Tx(0x40, []byte{0x00, 0x11}, nil))
			}
			must(t, chip.Check())
		}
	}
}

// An external clock is permanent: a chip that was switched to one cannot drive. It returns an error, and is left asleep with its
// outputs off. After its supply was off for a moment, it works.
func TestPCA9685SwitchedToAnExternalClock(t *testing.T) {
	w := newWorld(t)
	must(t, w.bus.Tx(0x40, []byte{0x00, 0x10}, nil))
	must(t, w.bus.Tx(0x40, []byte{0x00, 0x50}, nil))
	chip := newPCA9685(t, w.bus, nil)
	pin := newPin(t, chip, "4")
	for range 2 {
		expectError(t, pin.Out(gpio.High), "pca9685 at 0x40 on I2C1", "external clock", "VCC", "w1@0x00 0x06")
		var modes [1]byte
		must(t, w.bus.Tx(0x40, []byte{0x00}, modes[:]))
		if modes[0]&0x10 == 0 {
			t.Errorf("MODE1 %#02x: it is awake", modes[0])
		}
		w.expect(t, 4, 0)
	}
	w.chip.Reset()
	must(t, chip.Check())
	w.expect(t, 4, gpio.DutyMax)
}

func TestPCA9685Garbled(t *testing.T) {
	w := newWorld(t)
	chip := newPCA9685(t, w.bus, nil)
	pin := newPin(t, chip, "1")
	w.faults.Garbage(0x40, 1, 1)
	expectError(t, pin.Out(gpio.High), "expected the modes")
	w.expect(t, 1, 0)
	must(t, chip.Check())
	w.expect(t, 1, gpio.DutyMax)
	w.faults.Garbage(0x40, 1, 2) // a question about its modes
	must(t, pin.PWM(gpio.DutyHalf, 0))
	w.expect(t, 1, gpio.DutyHalf)
}

func TestPCA9685Inverted(t *testing.T) {
	w := newWorld(t)
	chip := newPCA9685(t, w.bus, &expanders.PCA9685Opts{Inverted: true})
	must(t, chip.Halt()) // on a chip that was never set up
	if got := w.chip.Duty(w.now, 5); got != gpio.DutyMax {
		t.Errorf("halted: got %v, want always high", got)
	}
	must(t, newPin(t, chip, "4").PWM(gpio.DutyMax/4, 0))
	w.expect(t, 4, gpio.DutyMax/4*3)
	w.expect(t, 5, gpio.DutyMax)
}

// For most frequencies the chip makes a period that differs from the configured one: 5.08 ms instead of 5 ms for 200 Hz. A pulse
// still has its length in microseconds, to half a step of the chip.
func TestPCA9685DrivesServos(t *testing.T) {
	type pulse struct {
		command actuators.Command
		steps   gpio.Duty
	}
	for _, c := range []struct {
		name     string
		chip     expanders.PCA9685Opts
		servo    actuators.ServoOpts
		prescale byte
		pulses   []pulse
	}{
		{"50 Hz, steps of 4.88 us", expanders.PCA9685Opts{}, actuators.ServoOpts{}, 121, []pulse{{0, 307}, {actuators.Full, 409},
			{-actuators.Full, 205}}},
		{"200 Hz, steps of 1.24 us", expanders.PCA9685Opts{Frequency: 200 * physic.Hertz}, actuators.ServoOpts{}, 30,
			[]pulse{{0, 1210}, {actuators.Full, 1612}, {-actuators.Full, 807}}},
		{"333 Hz, steps of 0.72 us", expanders.PCA9685Opts{Frequency: 333 * physic.Hertz}, actuators.ServoOpts{}, 17,
			[]pulse{{0, 2083}, {actuators.Full, 2777}, {-actuators.Full, 1389}}},
		{"an oscillator of 27 MHz", expanders.PCA9685Opts{Oscillator: 27 * physic.MegaHertz}, actuators.ServoOpts{}, 131,
			[]pulse{{0, 307}, {actuators.Full, 409}, {-actuators.Full, 205}}},
		{"with a trim", expanders.PCA9685Opts{Frequency: 200 * physic.Hertz}, actuators.ServoOpts{Trim: -20 * time.Microsecond}, 30,
			[]pulse{{0, 1194}, {actuators.Full, 1596}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			chip := newPCA9685(t, w.bus, &c.chip)
			c.servo.Frequency = chip.Frequency()
			servo, err := actuators.NewServo(newPin(t, chip, "0"), &c.servo)
			must(t, err)
			for _, p := range c.pulses {
				must(t, servo.Drive(p.command))
				w.expect(t, 0, p.steps*(gpio.DutyMax/4096))
			}
			if w.chip.Prescale() != c.prescale {
				t.Errorf("prescaler: got %d, want %d", w.chip.Prescale(), c.prescale)
			}
			must(t, servo.Halt())
			w.expect(t, 0, 0)
		})
	}
}

// Whatever the frequency and the oscillator, the pulse on the output is as long as requested, to a step of the chip, and never
// longer than the longest, at which gears break.
func TestPCA9685PulsesAreAsLongAsRequested(t *testing.T) {
	drawn := func(t *rapid.T, name string, low, high time.Duration) time.Duration {
		microseconds := rapid.Int64Range(int64(low/time.Microsecond), int64(high/time.Microsecond)).Draw(t, name)
		return time.Duration(microseconds) * time.Microsecond
	}
	rapid.Check(t, func(t *rapid.T) {
		esc := rapid.Bool().Draw(t, "esc")
		most := int64(333_000_000)
		if esc {
			most = 490_000_000
		}
		frequency := physic.Frequency(rapid.Int64Range(40_000_000, most).Draw(t, "frequency in uHz")) * physic.MicroHertz
		oscillator := physic.Frequency(rapid.Int64Range(23_000_000, 27_000_000).Draw(t, "oscillator in Hz")) * physic.Hertz
		shortest := drawn(t, "shortest", actuators.ShortestPulse, actuators.LongestPulse-100*time.Microsecond)
		longest := drawn(t, "longest", shortest+100*time.Microsecond, actuators.LongestPulse)
		command := actuators.Command(rapid.Int64Range(0, int64(actuators.Full)).Draw(t, "command"))

		now, twin := time.Duration(0), chips.NewPCA9685()
		board := sim.New(func() time.Duration { return now })
		if err := board.Attach("I2C1", 0x40, twin); err != nil {
			t.Fatal(err)
		}
		bus, err := board.Bus("I2C1")
		if err != nil {
			t.Fatal(err)
		}
		chip, err := expanders.NewPCA9685(bus, 0x40, &expanders.PCA9685Opts{Frequency: frequency, Oscillator: oscillator})
		if err != nil {
			t.Fatal(err)
		}
		pin, err := chip.Pin("5")
		if err != nil {
			t.Fatal(err)
		}
		var device actuators.Device
		asked := int64(longest-shortest)*int64(command)/int64(actuators.Full) + int64(shortest)
		if esc {
			device, err = actuators.NewESC(pin, &actuators.ESCOpts{Min: shortest, Max: longest, Frequency: frequency})
		} else {
			device, err = actuators.NewServo(pin, &actuators.ServoOpts{Min: shortest, Max: longest, Frequency: frequency})
			asked = int64(longest-shortest)*int64(command+actuators.Full)/int64(2*actuators.Full) + int64(shortest)
		}
		divider := (int64(oscillator) + 2048*int64(frequency)) / (4096 * int64(frequency))
		period := float64(divider*4096) / float64(oscillator/physic.Hertz) * 1e9
		if float64(longest) >= period {
			if err == nil {
				t.Fatalf("a pulse of %v was accepted in a period of %v ns", longest, period)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := device.Drive(command); err != nil {
			t.Fatal(err)
		}
		now += time.Millisecond
		if int64(twin.Prescale()) != divider-1 {
			t.Fatalf("prescaler %d, want %d", twin.Prescale(), divider-1)
		}
		step, steps := period/4096, int64(twin.Duty(now, 5)/(gpio.DutyMax/4096))
		pulse := float64(steps) * step
		// a period is known to a nanosecond
		if steps*divider*1e9 > int64(longest)*int64(oscillator/physic.Hertz) || pulse < float64(shortest)-1 ||
			math.Abs(pulse-float64(asked)) > step+1 {
			t.Errorf("%v with %v: a pulse of %.0f ns, expected %d ns within %v and %v, to a step of %.0f ns", frequency, oscillator, pulse,
				asked, shortest, longest, step)
		}
	})
}

func TestPCA9685FromManyGoroutines(t *testing.T) {
	w := newWorld(t)
	chip := newPCA9685(t, w.bus, nil)
	var group sync.WaitGroup
	for number := range 16 {
		pin := newPin(t, chip, strconv.Itoa(number))
		group.Go(func() {
			for k := range gpio.Duty(20) {
				pin.PWM(k<<16, 0)
				pin.Read()
			}
			pin.Out(number&1 == 1)
		})
	}
	group.Go(func() {
		for range 20 {
			w.chip.Reset()
			chip.Check()
		}
	})
	group.Wait()
	must(t, chip.Check())
	for number := range 16 {
		w.expect(t, number, gpio.Duty(number&1)*gpio.DutyMax)
	}
}

// Whatever is requested of the outputs, whenever the supply is lost and whichever transfers fail: after a call that succeeds, all
// outputs are as last requested.
func TestPCA9685AgainstAModel(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 0))
		w := newWorld(t)
		bus := &flaky{Bus: w.bus}
		chip := newPCA9685(t, bus, nil)
		var model [16]gpio.Duty
		for range 20 {
			if random.IntN(4) == 0 {
				w.chip.Reset()
			}
			bus.fails, bus.reaches = random.IntN(12), random.IntN(2) == 0
			output := random.IntN(16)
			pin := newPin(t, chip, strconv.Itoa(output))
			var err error
			switch random.IntN(5) {
			case 0:
				model[output] = gpio.DutyMax
				err = pin.Out(gpio.High)
			case 1:
				model[output] = 0
				err = pin.Halt()
			case 2:
				clear(model[:])
				err = chip.Halt()
			case 3:
				model[output] = gpio.Duty(random.IntN(4097)) * (gpio.DutyMax / 4096)
				err = pin.PWM(model[output], 0)
			default:
				err = errors.Join(pin.PWM(model[output], 0), chip.Check())
			}
			if err != nil {
				continue
			}
			for output, want := range model {
				w.expect(t, output, want)
			}
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
	}
}

func ExamplePCA9685() {
	// On a robot the bus comes from the board; this one is simulated.
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now })
	simulated := chips.NewPCA9685()
	board.Attach("I2C1", 0x40, simulated)
	bus, err := board.Bus("I2C1")
	if err != nil {
		fmt.Println(err)
		return
	}
	chip, err := expanders.NewPCA9685(bus, 0x40, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	led, err := chip.Pin("3")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(led, led.PWM(gpio.DutyHalf, chip.Frequency()))
	now += time.Millisecond
	fmt.Println(simulated.Duty(now, 3))
	fmt.Println(chip.Halt(), simulated.Duty(now, 3))
	// Output:
	// output 3 of pca9685 at 0x40 on I2C1 <nil>
	// 50%
	// <nil> 0%
}
