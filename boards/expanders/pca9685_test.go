package expanders_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"fluxd/boards/expanders"
	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2ctest"
	"periph.io/x/conn/v3/physic"
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
