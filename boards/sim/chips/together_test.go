package chips_test

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"

	"fluxd/actuators"
	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/sensors"
)

// constantly senses one value, for every measure.
func constantly(value int64) chips.Sense {
	return func(string) func(time.Duration) int64 { return func(time.Duration) int64 { return value } }
}

// run reads sensors for a time, and returns their last readings; -1 for one that has none. Faults are counted.
func (b *bench) run(lasts, every time.Duration, all ...sensors.Sensor) (last []int64, faults int) {
	last = slices.Repeat([]int64{-1}, len(all))
	for end := b.now + lasts; b.now < end; b.now += every {
		for i, s := range all {
			reading, err := s.Sample(b.now)
			if edges, is := s.(sensors.EdgeSensor); is {
				for r, more := edges.Next(b.now, 0); more; r, more = edges.Next(b.now, 0) {
					reading, err = r.Value, nil
				}
			}
			if err == nil {
				last[i] = reading
			} else if !isNotYet(err) {
				faults++
			}
		}
	}
	return last, faults
}

// Chips with one address are behind a multiplexer, with another chip of the kind beside it. Each senses what it should.
func TestTwinsBehindAMultiplexer(t *testing.T) {
	b := newBench(t, nil)
	var all []sensors.Sensor
	var want []int64
	for i, bus := range []string{"mux/0", "mux/3", "mux/7", "I2C1"} {
		opts := &sensors.AS5600Opts{Bus: bus}
		if i == 3 {
			opts.Bus = "I2C0" // on the bus of the multiplexer it would answer for all
		}
		want = append(want, int64(i)*90_000_000)
		_, readers := b.connect(t, "as5600", opts, constantly(want[i]))
		all = append(all, readers["angle"])
	}
	if got, faults := b.run(time.Second, 10*ms, all...); !slices.Equal(got, want) || faults != 0 {
		t.Errorf("got %v with %d faults, want %v", got, faults, want)
	}
}

// Three range finders boot at one address and are given others, by pins of the board and of expanders. Each senses its own
// distance, also after all have lost their supply.
func TestRangeFindersWithXSHUT(t *testing.T) {
	b := newBench(t, nil)
	var all []sensors.Sensor
	var want []int64
	var twins []*chips.VL53L0X
	for i, xshut := range []string{"GPIO17", "more/B3", "servos/5", "more/A0"} {
		want = append(want, int64(i+1)*300_000)
		opts := &sensors.VL53L0XOpts{Bus: "I2C1", Address: uint16(0x2a + i), XSHUT: xshut}
		twin, readers := b.connect(t, "vl53l0x", opts, constantly(want[i]))
		all, twins = append(all, readers[""]), append(twins, twin.(*chips.VL53L0X))
	}
	if got, faults := b.run(2*time.Second, 20*ms, all...); !slices.Equal(got, want) || faults != 0 {
		t.Errorf("got %v with %d faults, want %v", got, faults, want)
	}
	for _, twin := range twins {
		twin.Reset()
	}
	if got, faults := b.run(3*time.Second, 20*ms, all...); !slices.Equal(got, want) || faults == 0 {
		t.Errorf("after a lost supply: got %v with %d faults, want %v", got, faults, want)
	}
}

// Two motors share a standby pin: one that is halted does not stop the other, and both read 0 when both are.
func TestMotorsShareStandby(t *testing.T) {
	for _, standby := range []string{"GPIO22", "more/B0", "servos/9"} {
		b := newBench(t, nil)
		left, leftDriver := b.actuate(t, "hbridge", &actuators.HBridgeOpts{PWM: "GPIO12", Direction: "GPIO5", Standby: standby})
		right, rightDriver := b.actuate(t, "hbridge",
			&actuators.HBridgeOpts{PWM: "servos/0", PWM2: "servos/1", Standby: standby, Inverted: true, Stop: "brake"})
		expect := func(when string, l, r int64) {
			t.Helper()
			if got := [2]int64{left.Command(), right.Command()}; max(got[0]-l, l-got[0], got[1]-r, r-got[1]) > 300 {
				t.Errorf("%s, %s: got %v, want %d and %d", standby, when, got, l, r)
			}
		}
		expect("at power-up", 0, 0)
		for _, step := range []struct {
			when        string
			do          func() error
			left, right int64
		}{
			{"both drive", func() error { leftDriver.Drive(500_000); return rightDriver.Drive(-250_000) }, 500_000, -250_000},
			{"left halts", leftDriver.Halt, 0, -250_000},
			{"left drives again", func() error { return leftDriver.Drive(-1_000_000) }, -1_000_000, -250_000},
			{"right brakes", func() error { return rightDriver.Drive(0) }, -1_000_000, 0},
			{"right halts", rightDriver.Halt, -1_000_000, 0},
			{"both halt", leftDriver.Halt, 0, 0},
		} {
			if err := step.do(); err != nil {
				t.Fatal(err)
			}
			expect(step.when, step.left, step.right)
			if brakes := step.when == "right brakes"; right.Limp() == (brakes || step.right != 0) {
				t.Errorf("%s, %s: right is limp: %v", standby, step.when, right.Limp())
			}
		}
	}
}

// A PCA9685 that loses its supply stops everything on it, until its driver notices.
func TestActuatorsOfALostExpander(t *testing.T) {
	b := newBench(t, nil)
	servo, driver := b.actuate(t, "servo", &actuators.ServoOpts{PWM: "servos/2"})
	motor, other := b.actuate(t, "hbridge", &actuators.HBridgeOpts{PWM: "servos/3", Direction: "more/A1"})
	if err := driver.Drive(1_000_000); err != nil {
		t.Fatal(err)
	}
	if err := other.Drive(-1_000_000); err != nil {
		t.Fatal(err)
	}
	if servo.Command() < 990_000 || motor.Command() != -1_000_000 {
		t.Errorf("%d, %d", servo.Command(), motor.Command())
	}
	if err := b.Replug("I2C1", 0x60); err != nil {
		t.Fatal(err)
	}
	if !servo.Limp() || servo.Command() != 0 || motor.Command() != 0 {
		t.Errorf("without supply: %d, limp %v; %d", servo.Command(), servo.Limp(), motor.Command())
	}
	if err := b.servos.Check(); err != nil {
		t.Fatal(err)
	}
	if servo.Limp() || servo.Command() < 990_000 || motor.Command() != -1_000_000 {
		t.Errorf("after the check: %d, limp %v; %d", servo.Command(), servo.Limp(), motor.Command())
	}
}

// Faults of a bus reach the driver, and the reading after them is what the twin senses.
func TestTwinsAfterFaults(t *testing.T) {
	for _, kind := range chips.Kinds {
		if kind.OnBus == nil || kind.Expander {
			continue
		}
		t.Run(kind.Name, func(t *testing.T) {
			b := newBench(t, nil)
			opts := newOptions(kind.Name)
			const sensed = 400_000 // small enough for every chip
			name := opts.Measures()[0].Name
			_, readers := b.connect(t, kind.Name, opts, func(measure string) func(time.Duration) int64 {
				if measure != name {
					return nil // at rest
				}
				return func(time.Duration) int64 { return sensed }
			})
			s := readers[name]
			before, faults := b.run(2*time.Second, 20*ms, s)
			if faults != 0 || before[0] < 0 {
				t.Fatalf("got %d with %d faults", before[0], faults)
			}
			at := uint16(reflect.ValueOf(opts).Elem().FieldByName("Address").Uint())
			broken := must[*sim.Faults](t)(b.Faults("I2C1"))
			for name, inject := range map[string]func(){
				"refused":     func() { broken.Refuse(at, 3) },
				"garbage":     func() { broken.Garbage(at, 3, 7) },
				"lost supply": func() { b.Replug("I2C1", at) },
				"unplugged":   func() { b.Detach("I2C1", at); b.run(200*ms, 20*ms, s); b.Replug("I2C1", at) },
				"held low": func() {
					bus := must[i2c.Bus](t)(b.Bus("I2C1")).(*sim.Bus)
					bus.HoldLow(true)
					b.run(200*ms, 20*ms, s)
					bus.HoldLow(false)
				},
			} {
				inject()
				if after, _ := b.run(3*time.Second, 20*ms, s); after[0] != before[0] {
					t.Errorf("%s: after it got %d, before %d", name, after[0], before[0])
				}
			}
		})
	}
}

// A world may say anything: a driver reads something within its range, or a fault, and nothing overflows.
func TestTwinsOfAMadWorld(t *testing.T) {
	for _, kind := range chips.Kinds {
		if kind.Expander {
			continue
		}
		for _, value := range []int64{math.MinInt64, math.MinInt64 + 1, -1e15, -1e13, -1, 0, 1, 1e13, 1e15, math.MaxInt64} {
			t.Run(fmt.Sprint(kind.Name, " ", value), func(t *testing.T) {
				b := newBench(t, nil)
				twin, readers := b.connect(t, kind.Name, newOptions(kind.Name), constantly(value))
				for range 40 {
					if f, is := twin.(chips.Follower); is && f != nil {
						f.Follow(b.now, b.now+20*ms)
					}
					for name, s := range readers {
						last, _ := b.run(20*ms, 20*ms, s)
						b.now -= 20 * ms
						limits := sensors.RangeOf(s)
						if last[0] != -1 && limits != (sensors.Range{}) && (last[0] < limits.Low || last[0] > limits.High) {
							t.Errorf("%s: read %d, range %v", name, last[0], limits)
						}
						// The ends of a range are the ends of the chip: more than that reads no less.
						if value > 1e12 && last[0] != -1 && last[0] < 0 && limits.High > 0 {
							t.Errorf("%s: read %d of %d", name, last[0], value)
						}
					}
					b.now += 20 * ms
				}
			})
		}
	}
}

// Settings of another kind than expected, or none, make the usual device.
func TestSettingsThatMakeNoSense(t *testing.T) {
	odd := chips.Settings{"counts": "many", "gain": -3, "shunt": nil, "inverted": "yes", "integration": int64(-1),
		"temperature": true,
		"min_pulse":   5.0, "max_pulse": -5.0, "min_power": int64(2_000_000), "max_rate": int64(-1), "oscillator": int64(0),
		"who_am_i": "x"}
	for _, kind := range chips.Kinds {
		if kind.OnBus != nil {
			kind.OnBus(constantly(1), odd).Tx(time.Second, []byte{0}, make([]byte, 2))
			continue
		}
		var pins []*sim.Pin
		for _, key := range kind.Pins {
			pins = append(pins, sim.NewPin(key, len(pins), func() time.Duration { return 0 }))
		}
		if f := kind.OnPins(pins, constantly(1), odd); f != nil {
			f.Settle(0)
			f.Follow(0, time.Second)
		}
	}
	for _, kind := range chips.ActuatorKinds {
		b := newBench(t, nil)
		pins := map[string]*sim.Pin{}
		for i, key := range []string{"pwm", "direction", "pin", "step", "enable"} {
			pins[key] = b.line(t, fmt.Sprintf("GPIO%d", i))
			pins[key].Out(i%2 == 0)
		}
		twin := kind.New(pins, odd)
		if got := twin.Command(); got < -1_000_000 || got > 1_000_000 {
			t.Errorf("%s: %d", kind.Name, got)
		}
	}
}
