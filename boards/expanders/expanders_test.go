package expanders

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"fluxd/boards/sim"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2ctest"
	"periph.io/x/conn/v3/physic"
)

// with is a bus with one simulated chip, which a test can break.
func with(t testing.TB, address uint16, device sim.Device) (i2c.Bus, *sim.Faults) {
	t.Helper()
	board := sim.New(func() time.Duration { return 0 })
	if err := board.Attach("I2C1", address, device); err != nil {
		t.Fatal(err)
	}
	bus, err := board.Bus("I2C1")
	if err != nil {
		t.Fatal(err)
	}
	faults, err := board.Faults("I2C1")
	if err != nil {
		t.Fatal(err)
	}
	return bus, faults
}

func newPCA9685(t testing.TB, bus i2c.Bus, opts *PCA9685Opts) *PCA9685 {
	t.Helper()
	p, err := NewPCA9685(bus, 0x40, opts)
	if err != nil {
		t.Fatal(err)
	}
	p.rest = func(d time.Duration) {
		if d < pcaWake {
			t.Errorf("the oscillator was given %v", d)
		}
	}
	return p
}

type pinner interface {
	Pin(name string) (gpio.PinIO, error)
}

func pinOf(t testing.TB, of pinner, name string) gpio.PinIO {
	t.Helper()
	p, err := of.Pin(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPCA9685OnTheWire(t *testing.T) {
	all := make([]byte, 65)
	all[0] = 0x06
	for i := range 16 {
		all[4+4*i] = 0x10
	}
	all[1+4*3+2], all[1+4*3+3] = 0x33, 0x01 // 307 of 4,096 steps: 1.5 ms of 20
	bus := &i2ctest.Playback{DontPanic: true, Ops: []i2ctest.IO{
		{Addr: 0x40, W: []byte{0xfd, 0x10}},
		{Addr: 0x40, W: []byte{0x00, 0x30}},
		{Addr: 0x40, W: []byte{0x01, 0x04}},
		{Addr: 0x40, W: []byte{0xfe, 121}}, // 25 MHz / (4,096 * 50 Hz) - 1
		{Addr: 0x40, W: []byte{0x00, 0x20}},
		{Addr: 0x40, W: []byte{0xfe}, R: []byte{121}},
		{Addr: 0x40, W: all},
		{Addr: 0x40, W: []byte{0x00}, R: []byte{0x20, 0x04}},
		{Addr: 0x40, W: []byte{0x12, 0, 0x10, 0, 0}}, // output 3 full on
	}}
	arm := pinOf(t, newPCA9685(t, bus, nil), "3")
	if err := arm.PWM(gpio.DutyMax*3/40, 50*physic.Hertz); err != nil {
		t.Fatal(err)
	}
	if err := arm.PWM(gpio.DutyMax, 50*physic.Hertz); err != nil {
		t.Fatal(err)
	}
	if err := bus.Close(); err != nil {
		t.Error(err)
	}
}

func TestPCA9685Outputs(t *testing.T) {
	chip := sim.NewPCA9685()
	bus, _ := with(t, 0x40, chip)
	p := newPCA9685(t, bus, &PCA9685Opts{Frequency: 200 * physic.Hertz})
	for i, c := range []struct {
		do   func(gpio.PinIO) error
		high int
	}{
		{func(p gpio.PinIO) error { return p.PWM(gpio.DutyHalf, 200*physic.Hertz) }, 2048},
		{func(p gpio.PinIO) error { return p.PWM(1, 200*physic.Hertz) }, 0},
		{func(p gpio.PinIO) error { return p.PWM(gpio.DutyMax/4096, 200*physic.Hertz) }, 1},
		{func(p gpio.PinIO) error { return p.PWM(gpio.DutyMax-1, 200*physic.Hertz) }, 4096},
		{func(p gpio.PinIO) error { return p.Out(gpio.High) }, 4096},
		{func(p gpio.PinIO) error { return p.Out(gpio.Low) }, 0},
	} {
		pin := pinOf(t, p, fmt.Sprint(i))
		if err := c.do(pin); err != nil {
			t.Fatal(err)
		}
		if high, frequency := chip.Output(i); high != c.high || frequency < 196_000_000 || frequency > 204_000_000 {
			t.Errorf("output %d: %d at %d µHz, want %d at 200 Hz", i, high, frequency, c.high)
		}
	}
	if high, _ := chip.Output(0); high != 2048 {
		t.Error("the first output has changed with the others")
	}
	pin := pinOf(t, p, "15")
	for what, err := range map[string]error{
		"another frequency": pin.PWM(0, 50*physic.Hertz),
		"a duty beyond all": pin.PWM(gpio.DutyMax+1, 200*physic.Hertz),
		"an input":          pin.In(gpio.PullUp, gpio.NoEdge),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "pca9685 at 0x40 on I2C1 output 15: ") {
			t.Errorf("%s: got %v", what, err)
		}
	}
	if pin.Number() != 15 || pin.Function() != "PWM" || pin.Halt() != nil {
		t.Errorf("%d, %s", pin.Number(), pin.Function())
	}
	if err := p.Halt(); err != nil {
		t.Fatal(err)
	}
	if high, _ := chip.Output(0); high != 0 {
		t.Errorf("halted, and output 0 is at %d", high)
	}
}

func TestPCA9685RefusesWhatItDoesNotHave(t *testing.T) {
	bus := &i2ctest.Playback{}
	for _, address := range []uint16{0x3f, 0x70, 0x80} {
		if _, err := NewPCA9685(bus, address, nil); err == nil {
			t.Errorf("address %#02x: expected an error", address)
		}
	}
	for _, f := range []physic.Frequency{23 * physic.Hertz, 1527 * physic.Hertz, -1} {
		if _, err := NewPCA9685(bus, 0x40, &PCA9685Opts{Frequency: f}); err == nil {
			t.Errorf("%s: expected an error", f)
		}
	}
	for _, name := range []string{"16", "-1", "A0", ""} {
		if _, err := newPCA9685(t, bus, nil).Pin(name); err == nil {
			t.Errorf("output %q: expected an error", name)
		}
	}
}

// A motor starts, the supply dips, the chip forgets everything: with the next write all outputs are as they were last told.
func TestPCA9685AfterABrownOut(t *testing.T) {
	for _, opts := range []*PCA9685Opts{nil, {Inverted: true}, {OpenDrain: true, Frequency: 1500 * physic.Hertz}} {
		chip := sim.NewPCA9685()
		bus, faults := with(t, 0x40, chip)
		p := newPCA9685(t, bus, opts)
		want := 4096 / 4
		if opts != nil && opts.Inverted {
			want = 4096 - want
		}
		one, two := pinOf(t, p, "1"), pinOf(t, p, "2")
		if err := one.PWM(gpio.DutyMax/4, p.frequency); err != nil {
			t.Fatal(err)
		}
		chip.Reset()
		if err := two.Out(gpio.High); err != nil {
			t.Fatal(err)
		}
		if high, _ := chip.Output(1); high != want {
			t.Errorf("output 1 at %d, want %d", high, want)
		}
		faults.Refuse(0x40, 1)
		if err := two.Out(gpio.Low); !errors.Is(err, sim.ErrNoAnswer) || !strings.Contains(err.Error(), "pca9685 at 0x40 on I2C1: read its mode: ") {
			t.Errorf("no answer: %v", err)
		}
		faults.Garbage(0x40, 1, 1)
		if err := two.Out(gpio.Low); err == nil || !strings.Contains(err.Error(), "another chip") {
			t.Errorf("garbage: %v", err)
		}
		if err := two.Out(gpio.Low); err != nil {
			t.Error(err)
		}
		if high, _ := chip.Output(1); high != want {
			t.Errorf("output 1 at %d after it all, want %d", high, want)
		}
	}
}

func newMCP23017(t testing.TB, bus i2c.Bus) *MCP23017 {
	t.Helper()
	m, err := NewMCP23017(bus, 0x20)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

type levelReader interface {
	ReadLevel() (gpio.Level, error)
}

func TestMCP23017OnTheWire(t *testing.T) {
	bus := &i2ctest.Playback{DontPanic: true, Ops: []i2ctest.IO{
		{Addr: 0x20, W: []byte{0x0a, 0, 0}},
		{Addr: 0x20, W: []byte{0x02, 0, 0}},
		{Addr: 0x20, W: []byte{0x14, 0xff, 0xff}}, // the latch before the direction
		{Addr: 0x20, W: []byte{0x0c, 0, 0}},
		{Addr: 0x20, W: []byte{0x00, 0xff, 0xfe}},
		{Addr: 0x20, W: []byte{0x00}, R: []byte{0xff, 0xfe}},
		{Addr: 0x20, W: []byte{0x00}, R: []byte{0xff, 0xfe}},
		{Addr: 0x20, W: []byte{0x14, 0xff, 0xfe}}, // a level alone
		{Addr: 0x20, W: []byte{0x12}, R: []byte{0x08, 0x00, 0xff, 0xfe}},
	}}
	m := newMCP23017(t, bus)
	horn, knob := pinOf(t, m, "B0"), pinOf(t, m, "A3")
	if err := errors.Join(horn.Out(gpio.High), horn.Out(gpio.Low)); err != nil {
		t.Fatal(err)
	}
	if level, err := knob.(levelReader).ReadLevel(); err != nil || level != gpio.High {
		t.Errorf("%v, %v", level, err)
	}
	if err := bus.Close(); err != nil {
		t.Error(err)
	}
}

func TestMCP23017Pins(t *testing.T) {
	chip := sim.NewMCP23017()
	bus, faults := with(t, 0x20, chip)
	m := newMCP23017(t, bus)
	horn, knob, open := pinOf(t, m, "B0"), pinOf(t, m, "A3"), pinOf(t, m, "A4")
	if err := errors.Join(horn.Out(gpio.High), knob.In(gpio.PullUp, gpio.NoEdge), open.In(gpio.Float, gpio.NoEdge)); err != nil {
		t.Fatal(err)
	}
	if chip.Level(8) != gpio.High || knob.Read() != gpio.High || open.Read() != gpio.Low {
		t.Error("levels")
	}
	if knob.Pull() != gpio.PullUp || horn.Function() != "OUT" || knob.Function() != "IN" {
		t.Error("pulls or functions")
	}
	chip.Drive(3, gpio.Low)
	if knob.Read() != gpio.Low {
		t.Error("a knob that is pressed reads high")
	}
	chip.Drive(3, gpio.High)

	chip.Reset() // its supply was gone for a moment: seen by whoever reads, and by whoever writes
	if knob.Read() != gpio.High || chip.Level(8) != gpio.High {
		t.Error("after a brown-out the horn is off")
	}
	chip.Reset()
	if err := horn.Out(gpio.High); err != nil || chip.Level(8) != gpio.High {
		t.Errorf("after a brown-out: %v", err)
	}

	faults.Refuse(0x20, 1)
	if _, err := knob.(levelReader).ReadLevel(); !errors.Is(err, sim.ErrNoAnswer) || !strings.Contains(err.Error(), "RESET") {
		t.Errorf("no answer: %v", err)
	}
	faults.Garbage(0x20, 3, 1)
	if _, err := knob.(levelReader).ReadLevel(); err == nil || !strings.Contains(err.Error(), "another chip") {
		t.Errorf("garbage: %v", err)
	}
	faults.Garbage(0x20, 0, 1)
	if level, err := knob.(levelReader).ReadLevel(); err != nil || level != gpio.High {
		t.Errorf("%v, %v", level, err)
	}
	for what, err := range map[string]error{
		"edges":       knob.In(gpio.PullUp, gpio.BothEdges),
		"a pull-down": knob.In(gpio.PullDown, gpio.NoEdge),
		"PWM":         horn.PWM(0, physic.Hertz),
	} {
		if err == nil {
			t.Errorf("%s: expected an error", what)
		}
	}
	if err := m.Halt(); err != nil || horn.Function() != "IN" || horn.Halt() != nil {
		t.Errorf("halt: %v, %s", err, horn.Function())
	}
	if _, err := NewMCP23017(bus, 0x28); err == nil {
		t.Error("address 0x28: expected an error")
	}
	for _, name := range []string{"A8", "C0", "", "A"} {
		if _, err := m.Pin(name); err == nil {
			t.Errorf("pin %q: expected an error", name)
		}
	}
}

// failOnce is a bus on which one transfer fails, after so many others.
type failOnce struct {
	i2c.Bus
	transfers int
}

func (f *failOnce) Tx(address uint16, w, r []byte) error {
	if f.transfers--; f.transfers == -1 {
		return sim.ErrNoAnswer
	}
	return f.Bus.Tx(address, w, r)
}

// Whichever transfer fails, of a set-up or of a write: the error says so, and who tries again has all outputs as they were last told.
func TestExpandersNoAnswerToOneTransfer(t *testing.T) {
	for n := range 13 {
		servos, more := sim.NewPCA9685(), sim.NewMCP23017()
		bus, _ := with(t, 0x40, servos)
		other, _ := with(t, 0x20, more)
		p, m := newPCA9685(t, &failOnce{bus, n}, nil), newMCP23017(t, &failOnce{other, n})
		for chip, steps := range map[string][]func() error{
			"pca9685": {
				func() error { return pinOf(t, p, "1").PWM(gpio.DutyHalf, 50*physic.Hertz) },
				func() error { return pinOf(t, p, "2").Out(gpio.High) },
				func() error { return pinOf(t, p, "3").PWM(gpio.DutyMax/4, 50*physic.Hertz) },
				func() error { return pinOf(t, p, "2").Out(gpio.Low) },
			},
			"mcp23017": {
				func() error { return pinOf(t, m, "A1").Out(gpio.High) },
				func() error { return pinOf(t, m, "B2").In(gpio.PullUp, gpio.NoEdge) },
				func() error { _, err := pinOf(t, m, "B2").(levelReader).ReadLevel(); return err },
				func() error { return pinOf(t, m, "A3").Out(gpio.Low) },
			},
		} {
			failures := 0
			for _, step := range steps {
				for err := step(); err != nil; err = step() {
					if failures++; !errors.Is(err, sim.ErrNoAnswer) || !strings.HasPrefix(err.Error(), chip) || failures > 1 {
						t.Fatalf("transfer %d: %v", n, err)
					}
				}
			}
			if failures != 1 {
				t.Errorf("transfer %d of the %s: %d failures", n, chip, failures)
			}
		}
		for channel, want := range []int{0, 2048, 0, 1024, 0} {
			if high, _ := servos.Output(channel); high != want {
				t.Errorf("transfer %d: output %d at %d, want %d", n, channel, high, want)
			}
		}
		for line, want := range map[int]gpio.Level{0: gpio.Low, 1: gpio.High, 3: gpio.Low, 10: gpio.High} {
			if more.Level(line) != want {
				t.Errorf("transfer %d: line %d is %v", n, line, !want)
			}
		}
	}
}

// The race detector judges; whatever the order, each output ends as it was last told.
func TestExpandersFromManyGoroutines(t *testing.T) {
	servos, more := sim.NewPCA9685(), sim.NewMCP23017()
	bus, _ := with(t, 0x40, servos)
	other, _ := with(t, 0x20, more)
	p, m := newPCA9685(t, bus, nil), newMCP23017(t, other)
	var group sync.WaitGroup
	for i := range 8 {
		out, level := pinOf(t, p, fmt.Sprint(i)), pinOf(t, m, fmt.Sprintf("A%d", i))
		group.Go(func() {
			for k := range 50 {
				if err := errors.Join(out.PWM(gpio.Duty(k)*gpio.DutyMax/64, 50*physic.Hertz), level.Out(k&1 == 0)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	for i := range 8 {
		if high, _ := servos.Output(i); high != 49*64 || more.Level(i) != gpio.Low {
			t.Errorf("output %d: %d, %v", i, high, more.Level(i))
		}
	}
}

func ExamplePCA9685() {
	board := sim.New(func() time.Duration { return 0 }) // on a robot: its board
	chip := sim.NewPCA9685()
	if err := board.Attach("I2C1", 0x40, chip); err != nil {
		fmt.Println(err)
		return
	}
	bus, err := board.Bus("I2C1")
	if err != nil {
		fmt.Println(err)
		return
	}
	servos, err := NewPCA9685(bus, 0x40, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	arm, err := servos.Pin("0")
	if err != nil {
		fmt.Println(err)
		return
	}
	err = arm.PWM(gpio.DutyMax*3/40, 50*physic.Hertz) // the middle: 1.5 ms of 20
	high, _ := chip.Output(0)
	fmt.Println(high, "of 4096", err)
	// Output: 307 of 4096 <nil>
}

func ExampleMCP23017() {
	board := sim.New(func() time.Duration { return 0 }) // on a robot: its board
	chip := sim.NewMCP23017()
	if err := board.Attach("I2C1", 0x20, chip); err != nil {
		fmt.Println(err)
		return
	}
	bus, err := board.Bus("I2C1")
	if err != nil {
		fmt.Println(err)
		return
	}
	more, err := NewMCP23017(bus, 0x20)
	if err != nil {
		fmt.Println(err)
		return
	}
	bumper, err := more.Pin("A3")
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := bumper.In(gpio.PullUp, gpio.NoEdge); err != nil {
		fmt.Println(err)
		return
	}
	chip.Drive(3, gpio.Low) // it touches something
	level, err := bumper.(interface{ ReadLevel() (gpio.Level, error) }).ReadLevel()
	fmt.Println(bumper, level, err)
	// Output: mcp23017 at 0x20 on I2C1 pin A3 Low <nil>
}
