package expanders_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"fluxd/boards/expanders"
	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/sensors"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2ctest"
)

// mcp23017Write writes a pair of registers of a chip at 0x20, port A in the low byte.
func mcp23017Write(register byte, value uint16) i2ctest.IO {
	return i2ctest.IO{Addr: 0x20, W: []byte{register, byte(value), byte(value >> 8)}}
}

// mcp23017Look is the transfer that reads the chip: levels, latches, directions.
func mcp23017Look(levels, latches, inputs uint16) i2ctest.IO {
	var r [6]byte
	for i, value := range []uint16{levels, latches, inputs} {
		binary.LittleEndian.PutUint16(r[2*i:], value)
	}
	return i2ctest.IO{Addr: 0x20, W: []byte{0x12}, R: r[:]}
}

// mcp23017SetUp returns the transfers that set up a chip, with the changes from its state after power-up to the requested
// settings.
func mcp23017SetUp(levels, inputs, pullUps, latches uint16, changes ...i2ctest.IO) []i2ctest.IO {
	r := make([]byte, 22)
	binary.LittleEndian.PutUint16(r[0x00:], inputs)
	binary.LittleEndian.PutUint16(r[0x0c:], pullUps)
	binary.LittleEndian.PutUint16(r[0x12:], levels)
	binary.LittleEndian.PutUint16(r[0x14:], latches)
	ops := []i2ctest.IO{
		{Addr: 0x20, W: []byte{0x05, 0}},
		{Addr: 0x20, W: []byte{0x0a, 0}},
		{Addr: 0x20, W: []byte{0x00, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
		{Addr: 0x20, W: []byte{0x14, 0, 0}},
	}
	return append(append(ops, changes...), i2ctest.IO{Addr: 0x20, W: []byte{0x00}, R: r})
}

func newMCP23017(t *testing.T, bus i2c.Bus) *expanders.MCP23017 {
	t.Helper()
	chip, err := expanders.NewMCP23017(bus, 0x20)
	if err != nil {
		t.Fatal(err)
	}
	return chip
}

// levelReader is the method that the pins have beside gpio.PinIO.
type levelReader interface {
	ReadLevel() (gpio.Level, error)
}

func expectLevel(t *testing.T, pin gpio.PinIO, want gpio.Level) {
	t.Helper()
	if got, err := pin.(levelReader).ReadLevel(); err != nil || got != want {
		t.Errorf("%s: got %v, %v, want %v", pin, got, err, want)
	}
	if got := pin.Read(); got != want {
		t.Errorf("%s: read %v, want %v", pin, got, want)
	}
}

func TestMCP23017Transfers(t *testing.T) {
	pull := mcp23017Write(0x0c, 0x0001)
	high := mcp23017Write(0x14, 0xffff)
	ops := mcp23017SetUp(0x0001, 0xffff, 0x0001, 0xffff, pull, high)
	ops = append(ops,
		mcp23017Look(0x0000, 0xffff, 0xffff), // a reading
		pull,                                 // an output: the latch first, with the pull-ups
		mcp23017Write(0x14, 0xfdff),
		mcp23017Write(0x00, 0xfdff),
		mcp23017Look(0x0001, 0xfdff, 0xfdff),
		pull, // another level
		mcp23017Write(0x14, 0xffff),
		mcp23017Look(0x0201, 0xffff, 0xfdff),
		mcp23017Look(0x0201, 0xffff, 0xfdff), // the same level again
		pull,
		mcp23017Write(0x14, 0xfdff),
		mcp23017Look(0x0001, 0xfdff, 0xfdff),
		mcp23017Write(0x00, 0xffff), // an input again: the direction first
		pull,
		mcp23017Write(0x14, 0xffff),
		mcp23017Look(0x0001, 0xffff, 0xffff),
		mcp23017Write(0x0c, 0x0000),
		mcp23017Look(0x0000, 0xffff, 0xffff),
		mcp23017Write(0x00, 0xffff), // halt
	)
	chip := newMCP23017(t, playback(t, ops...))
	in, out := newPin(t, chip, "A0"), newPin(t, chip, "B1")
	must(t, in.In(gpio.PullUp, gpio.NoEdge))
	if level, err := in.(levelReader).ReadLevel(); level != gpio.Low || err != nil {
		t.Errorf("got %v, %v", level, err)
	}
	for _, level := range []gpio.Level{gpio.Low, gpio.High, gpio.High, gpio.Low} {
		must(t, out.Out(level))
	}
	must(t, out.In(gpio.PullNoChange, gpio.NoEdge))
	must(t, in.In(gpio.Float, gpio.NoEdge))
	must(t, chip.Halt())
}

func TestMCP23017RefusesWhatTheChipDoesNotHave(t *testing.T) {
	for _, address := range []uint16{0, 0x1f, 0x28} {
		_, err := expanders.NewMCP23017(playback(t), address)
		expectError(t, err, "mcp23017 at ", "0x20 to 0x27")
	}
	chip := newMCP23017(t, playback(t))
	for _, name := range []string{"", "A", "A8", "C0", "a0", "A00", "8"} {
		_, err := chip.Pin(name)
		expectError(t, err, strconv.Quote(name), "A0 to A7")
	}
	pin := newPin(t, chip, "B6")
	if pin.Name() != "pin B6 of mcp23017 at 0x20 on playback" || pin.String() != pin.Name() || pin.Number() != 14 ||
		pin.Function() != "IN" {
		t.Errorf("name: got %q, %d, %s", pin.Name(), pin.Number(), pin.Function())
	}
	expectError(t, pin.In(gpio.PullUp, gpio.BothEdges), "pin B6 of mcp23017", "edges")
	expectError(t, pin.In(gpio.PullDown, gpio.NoEdge), "PullDown")
	expectError(t, pin.PWM(gpio.DutyHalf, 0), "PWM")
	for _, name := range []string{"A7", "B7"} {
		expectError(t, newPin(t, chip, name).In(gpio.PullUp, gpio.NoEdge), name, "disturbs the bus")
	}
	if pin.WaitForEdge(time.Hour) || pin.Pull() != gpio.Float || pin.DefaultPull() != gpio.Float || pin.Halt() != nil {
		t.Error("a pin has edges, or pulls by itself")
	}
	must(t, chip.Check()) // nothing to check yet
}

func TestMCP23017NoAnswer(t *testing.T) {
	chip := newMCP23017(t, &flaky{Bus: playback(t), dead: true})
	err := newPin(t, chip, "A0").In(gpio.PullUp, gpio.NoEdge)
	expectError(t, err, "mcp23017 at 0x20 on ", "set up", "RESET")
	if !errors.Is(err, errRemoteIO) {
		t.Errorf("expected the bus's error, got %v", err)
	}
	if err := chip.Halt(); !errors.Is(err, errRemoteIO) {
		t.Errorf("halt: expected the bus's error, got %v", err)
	}
}

// mcp23017World is a simulated chip on a simulated bus that can die.
type mcp23017World struct {
	chip   *chips.MCP23017
	bus    *flaky
	faults *sim.Faults
}

func newMCP23017World(t *testing.T) *mcp23017World {
	t.Helper()
	board := sim.New(func() time.Duration { return 0 })
	w := &mcp23017World{chip: chips.NewMCP23017()}
	must(t, board.Attach("I2C1", 0x20, w.chip))
	bus, err := board.Bus("I2C1")
	must(t, err)
	w.bus = &flaky{Bus: bus}
	w.faults, err = board.Faults("I2C1")
	must(t, err)
	return w
}

func (w *mcp23017World) line(t *testing.T, name string) *sim.Pin {
	t.Helper()
	line, err := w.chip.Line(name)
	must(t, err)
	return line
}

// expect expects the function of a pin, and its level.
func (w *mcp23017World) expect(t *testing.T, name, does string, level gpio.Level) {
	t.Helper()
	if line := w.line(t, name); line.Function() != does || line.Read() != level {
		t.Errorf("%s: %s, %v; want %s, %v", name, line.Function(), line.Read(), does, level)
	}
}

func TestMCP23017OnTheSimulatedChip(t *testing.T) {
	w := newMCP23017World(t)
	chip := newMCP23017(t, w.bus)
	for number := range 16 {
		name := fmt.Sprintf("%c%d", 'A'+number/8, number%8)
		pin := newPin(t, chip, name)
		for _, level := range []gpio.Level{gpio.High, gpio.Low, gpio.High} {
			must(t, pin.Out(level))
			w.expect(t, name, "OUT", level)
			expectLevel(t, pin, level)
		}
		if number%8 == 7 {
			continue
		}
		must(t, pin.In(gpio.PullUp, gpio.NoEdge))
		w.expect(t, name, "IN", gpio.High)
		expectLevel(t, pin, gpio.High)
		w.line(t, name).Drive(gpio.Low)
		expectLevel(t, pin, gpio.Low)
		if pin.Pull() != gpio.PullUp || pin.Function() != "IN" {
			t.Errorf("%s: %v, %s", name, pin.Pull(), pin.Function())
		}
	}
	w.expect(t, "A7", "OUT", gpio.High)
	must(t, chip.Halt())
	w.expect(t, "A7", "IN", gpio.Low)
	must(t, newPin(t, chip, "B7").Out(gpio.Low))
	w.expect(t, "A7", "IN", gpio.Low)
	w.expect(t, "B7", "OUT", gpio.Low)
}

func TestMCP23017LosesItsSupply(t *testing.T) {
	for _, c := range []struct {
		name string
		use  func(chip *expanders.MCP23017, in, out gpio.PinIO) error
	}{
		{"and another pin becomes an output", func(chip *expanders.MCP23017, _, _ gpio.PinIO) error {
			return newPin(t, chip, "B1").Out(gpio.High)
		}},
		{"and an output has another level for a moment", func(_ *expanders.MCP23017, _, out gpio.PinIO) error {
			return errors.Join(out.Out(gpio.Low), out.Out(gpio.High))
		}},
		{"and an input is read", func(_ *expanders.MCP23017, in, _ gpio.PinIO) error {
			if level, err := in.(levelReader).ReadLevel(); level != gpio.High || err != nil {
				return fmt.Errorf("got %v, %v, want High", level, err)
			}
			return nil
		}},
		{"and an output is set to the same level again",
			func(_ *expanders.MCP23017, _, out gpio.PinIO) error { return out.Out(gpio.High) }},
		{"and Check is called", func(chip *expanders.MCP23017, _, _ gpio.PinIO) error { return chip.Check() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newMCP23017World(t)
			chip := newMCP23017(t, w.bus)
			in, out := newPin(t, chip, "A0"), newPin(t, chip, "B0")
			must(t, in.In(gpio.PullUp, gpio.NoEdge))
			must(t, out.Out(gpio.High))
			w.chip.Reset()
			w.expect(t, "A0", "IN", gpio.Low)
			w.expect(t, "B0", "IN", gpio.Low)
			must(t, c.use(chip, in, out))
			w.expect(t, "A0", "IN", gpio.High)
			w.expect(t, "B0", "OUT", gpio.High)
		})
	}
}

// If all pins are low outputs, no latch of an input shows a reset: the directions do.
func TestMCP23017LosesItsSupplyWithOutputsAlone(t *testing.T) {
	w := newMCP23017World(t)
	chip := newMCP23017(t, w.bus)
	for number := range 16 {
		must(t, newPin(t, chip, fmt.Sprintf("%c%d", 'A'+number/8, number%8)).Out(gpio.Low))
	}
	w.chip.Reset()
	must(t, chip.Check())
	w.expect(t, "B3", "OUT", gpio.Low)
}

// While the chip does not answer, Read repeats the last level, and ReadLevel returns an error. Pins that are set meanwhile are
// set in the chip as soon as it answers.
func TestMCP23017NoAnswerForAWhile(t *testing.T) {
	w := newMCP23017World(t)
	chip := newMCP23017(t, w.bus)
	low, high, out := newPin(t, chip, "A0"), newPin(t, chip, "A1"), newPin(t, chip, "B0")
	must(t, low.In(gpio.PullUp, gpio.NoEdge))
	must(t, high.In(gpio.PullUp, gpio.NoEdge))
	must(t, out.Out(gpio.High))
	w.line(t, "A0").Drive(gpio.Low)
	expectLevel(t, low, gpio.Low)

	w.bus.dead = true
	w.line(t, "A0").Release()
	w.line(t, "A1").Drive(gpio.Low)
	for pin, want := range map[gpio.PinIO]gpio.Level{low: gpio.Low, high: gpio.High} {
		if level, err := pin.(levelReader).ReadLevel(); level != want || !errors.Is(err, errRemoteIO) {
			t.Errorf("%s: got %v, %v, want %v and the bus's error", pin, level, err, want)
		}
		if got := pin.Read(); got != want {
			t.Errorf("%s: read %v, want %v", pin, got, want)
		}
	}
	for _, err := range []error{out.Out(gpio.Low), chip.Check()} {
		if !errors.Is(err, errRemoteIO) {
			t.Errorf("expected the bus's error, got %v", err)
		}
	}
	w.expect(t, "B0", "OUT", gpio.High) // it could not be reached

	w.bus.dead = false
	expectLevel(t, low, gpio.High)
	expectLevel(t, high, gpio.Low)
	w.expect(t, "B0", "OUT", gpio.Low)
}

// Before the first reading the level is that of an open contact with a pull-up.
func TestMCP23017NeverAnswered(t *testing.T) {
	w := newMCP23017World(t)
	w.bus.dead = true
	pin := newPin(t, newMCP23017(t, w.bus), "A0")
	if pin.Read() != gpio.High {
		t.Error("low")
	}
}

// A chip that does not keep what is written to it is an error.
func TestMCP23017GarbageAtTheAddress(t *testing.T) {
	for register := range 22 {
		if register >= 0x0e && register < 0x14 {
			continue // interrupts, which there are none of, and levels
		}
		ops := mcp23017SetUp(0x0000, 0xffff, 0x0000, 0xffff, mcp23017Write(0x14, 0xffff))
		r := ops[len(ops)-1].R
		r[register] ^= 0x20
		again := mcp23017SetUp(0x0001, 0xffff, 0x0000, 0xffff, mcp23017Write(0x14, 0xffff))
		pin := newPin(t, newMCP23017(t, playback(t, append(ops, again...)...)), "A0")
		level, err := pin.(levelReader).ReadLevel()
		expectError(t, err, "expected the registers ff ff", "no other chip")
		if level != gpio.High {
			t.Errorf("register %#02x: the level of garbage", register)
		}
		if level, err := pin.(levelReader).ReadLevel(); level != gpio.High || err != nil {
			t.Errorf("register %#02x: afterwards %v, %v", register, level, err)
		}
	}
}

// After one garbled reading the chip is set up again, and the levels are right.
func TestMCP23017Garbled(t *testing.T) {
	w := newMCP23017World(t)
	chip := newMCP23017(t, w.bus)
	pin := newPin(t, chip, "A0")
	must(t, pin.In(gpio.PullUp, gpio.NoEdge))
	for seed := range uint64(20) {
		level := gpio.Level(seed&1 == 0)
		w.line(t, "A0").Drive(level)
		w.faults.Garbage(0x20, 1, seed)
		expectLevel(t, pin, level)
	}
}

// A program that died has left the chip with another layout and other outputs; the next one sets it up again.
func TestMCP23017LeftAsItWas(t *testing.T) {
	for _, control := range []byte{0x00, 0x20, 0x80, 0xa0} {
		w := newMCP23017World(t)
		must(t, newPin(t, newMCP23017(t, w.bus), "A0").Out(gpio.High))
		must(t, w.bus.Tx(0x20, []byte{0x02, 0xff}, nil))
		must(t, w.bus.Tx(0x20, []byte{0x0a, control}, nil))
		w.expect(t, "A0", "OUT", gpio.High)
		must(t, newPin(t, newMCP23017(t, w.bus), "A1").Out(gpio.High))
		w.expect(t, "A0", "IN", gpio.Low)
		w.expect(t, "A1", "OUT", gpio.High)
		w.line(t, "A2").Drive(gpio.High)
		expectLevel(t, newPin(t, newMCP23017(t, w.bus), "A2"), gpio.High)
	}
}

// Whatever another program has left in the registers, and whatever layout they have: at the start and after each loss of the
// supply, the pins are as requested.
func TestMCP23017WithAnotherProgramsSettings(t *testing.T) {
	for seed := range uint64(400) {
		random := rand.New(rand.NewPCG(seed, 2))
		w := newMCP23017World(t)
		spoil := func() { // from the layout after power-up
			for register := byte(0x00); register <= 0x15; register++ {
				if register != 0x0a && register != 0x0b {
					must(t, w.bus.Tx(0x20, []byte{register, byte(random.IntN(256))}, nil))
				}
			}
			must(t, w.bus.Tx(0x20, []byte{0x0a, byte(random.IntN(256))}, nil))
		}
		spoil()
		chip := newMCP23017(t, w.bus)
		low, high, in := newPin(t, chip, "A1"), newPin(t, chip, "B7"), newPin(t, chip, "B2")
		must(t, low.Out(gpio.Low))
		must(t, high.Out(gpio.High))
		must(t, in.In(gpio.PullUp, gpio.NoEdge))
		w.line(t, "A4").Drive(gpio.High)
		for loss := range 3 {
			w.expect(t, "A1", "OUT", gpio.Low)
			w.expect(t, "B7", "OUT", gpio.High)
			w.expect(t, "B2", "IN", gpio.High) // pulled up, and not inverted
			expectLevel(t, in, gpio.High)
			w.line(t, "B2").Drive(gpio.Low)
			expectLevel(t, in, gpio.Low)
			w.line(t, "B2").Release()
			w.expect(t, "A4", "IN", gpio.High)
			w.expect(t, "A5", "IN", gpio.Low) // and no pull-up that was not requested
			if t.Failed() {
				t.Fatalf("seed %d, loss %d", seed, loss)
			}
			w.chip.Reset()
			if loss == 1 {
				spoil()
			}
			must(t, chip.Check())
		}
	}
}

// Halt releases all pins, also of a chip whose registers another program has laid out by port.
func TestMCP23017HaltedAsItWasLeft(t *testing.T) {
	for _, control := range []byte{0x00, 0x20, 0x80, 0xa0} {
		w := newMCP23017World(t)
		for _, name := range []string{"A0", "B0"} {
			must(t, newPin(t, newMCP23017(t, w.bus), name).Out(gpio.High))
			must(t, w.bus.Tx(0x20, []byte{0x0a, control}, nil))
			must(t, newMCP23017(t, w.bus).Halt())
			w.expect(t, name, "IN", gpio.Low)
		}
	}
}

// A pin that changes between input and output makes no pulse with the latch of the input.
func TestMCP23017WithoutGlitches(t *testing.T) {
	w := newMCP23017World(t)
	pin := newPin(t, newMCP23017(t, w.bus), "A3")
	must(t, pin.In(gpio.Float, gpio.NoEdge))
	w.line(t, "A3").Watch(func(_ time.Duration, level gpio.Level) { t.Errorf("a pulse to %v", level) })
	for range 2 {
		must(t, pin.Out(gpio.Low))
		must(t, pin.In(gpio.Float, gpio.NoEdge))
	}
}

// A button on the chip reads right, and fails while the chip does not answer.
func TestMCP23017HasButtons(t *testing.T) {
	w := newMCP23017World(t)
	button, err := sensors.NewButton(newPin(t, newMCP23017(t, w.bus), "B5"), nil)
	must(t, err)
	expect := func(at time.Duration, want int64) {
		t.Helper()
		if got, err := button.Sample(at); err != nil || got != want {
			t.Errorf("at %v: got %d, %v, want %d", at, got, err, want)
		}
	}
	expect(0, 0)
	w.line(t, "B5").Drive(gpio.Low)
	expect(time.Second, 1_000_000)
	w.bus.dead = true
	if _, err := button.Sample(2 * time.Second); !errors.Is(err, errRemoteIO) {
		t.Errorf("expected the bus's error, got %v", err)
	}
	w.bus.dead = false
	w.chip.Reset()
	w.line(t, "B5").Release()
	expect(3*time.Second, 0)
}

func TestMCP23017FromManyGoroutines(t *testing.T) {
	w := newMCP23017World(t)
	chip := newMCP23017(t, w.bus)
	var group sync.WaitGroup
	for number := range 7 {
		in, out := newPin(t, chip, fmt.Sprint("A", number)), newPin(t, chip, fmt.Sprint("B", number))
		group.Go(func() {
			for k := range 20 {
				in.In(gpio.PullUp, gpio.NoEdge)
				out.Out(k&1 == 0)
				in.Read()
				out.Function()
			}
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
	for number := range 7 {
		w.expect(t, fmt.Sprint("A", number), "IN", gpio.High)
		w.expect(t, fmt.Sprint("B", number), "OUT", gpio.Low)
	}
}

// Whatever is requested of the pins, whenever the supply is lost and whichever transfers fail: after a call that succeeds, all
// pins are as last requested.
func TestMCP23017AgainstAModel(t *testing.T) {
	type state struct {
		does  string
		level gpio.Level
	}
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 0))
		w := newMCP23017World(t)
		chip := newMCP23017(t, w.bus)
		model := map[string]state{"A0": {"IN", gpio.Low}, "A6": {"IN", gpio.Low}, "B3": {"IN", gpio.Low}}
		for step := range 30 {
			if random.IntN(4) == 0 {
				w.chip.Reset()
			}
			w.bus.fails, w.bus.reaches = random.IntN(6), random.IntN(2) == 0
			name := []string{"A0", "A6", "B3"}[random.IntN(3)]
			pin := newPin(t, chip, name)
			var err error
			switch level := gpio.Level(random.IntN(2) == 0); random.IntN(6) {
			case 0:
				model[name] = state{"IN", gpio.High}
				err = pin.In(gpio.PullUp, gpio.NoEdge)
			case 1:
				model[name] = state{"IN", gpio.Low}
				err = pin.In(gpio.Float, gpio.NoEdge)
			case 2: // pull-ups stay as they were, and a reset is found out by the next call
				for name := range model {
					model[name] = state{"IN", newPin(t, chip, name).Pull() == gpio.PullUp}
				}
				err = errors.Join(chip.Halt(), chip.Check())
			case 3:
				_, err = pin.(levelReader).ReadLevel()
			default:
				model[name] = state{"OUT", level}
				err = pin.Out(level)
			}
			if err != nil {
				continue
			}
			for name, want := range model {
				if line := w.line(t, name); line.Function() != want.does || line.Read() != want.level {
					t.Fatalf("seed %d, step %d: %s: %s, %v, want %s, %v", seed, step, name, line.Function(), line.Read(), want.does, want.level)
				}
			}
		}
	}
}

func ExampleMCP23017() {
	// On a robot the bus comes from the board; this one is simulated.
	board := sim.New(func() time.Duration { return 0 })
	simulated := chips.NewMCP23017()
	board.Attach("I2C1", 0x20, simulated)
	bus, err := board.Bus("I2C1")
	if err != nil {
		fmt.Println(err)
		return
	}
	chip, err := expanders.NewMCP23017(bus, 0x20)
	if err != nil {
		fmt.Println(err)
		return
	}
	bumper, err := chip.Pin("A3")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(bumper, bumper.In(gpio.PullUp, gpio.NoEdge))
	fmt.Println(bumper.Read())
	if contact, err := simulated.Line("A3"); err == nil {
		contact.Drive(gpio.Low) // closes
	}
	fmt.Println(bumper.Read(), chip.Halt())
	// Output:
	// pin A3 of mcp23017 at 0x20 on I2C1 <nil>
	// High
	// Low <nil>
}
