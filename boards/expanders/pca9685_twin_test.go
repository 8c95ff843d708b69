package expanders_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"fluxd/actuators"
	"fluxd/boards/expanders"
	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"
	"pgregory.net/rapid"
)

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
