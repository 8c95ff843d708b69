package daemon

import (
	"context"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/cmd/fluxd/hardware"

	"periph.io/x/conn/v3/gpio"
)

// Faults of hardware, injected on the simulated board. Each time, the reading goes stale, one event reports it, what needs the
// sensor goes to failsafe, everything recovers, and other parts are not affected.

func (w *watched) faults(t *testing.T) *sim.Faults {
	t.Helper()
	f, err := w.board.Faults("I2C1")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestStuckBus(t *testing.T) {
	// A second eye on the other bus drives a second wheel.
	text := guarded(", stale: 1s", "", "")
	text = strings.Replace(text, "network: {neurons: {a: {}}}",
		`  other_eye: {device: bh1750, bus: I2C0, address: 0x23, every: 10ms, stale: 1s,
              encode: {kind: rate, range: [0 lx, 100 lx], max: 500 Hz, to: b}}
network: {neurons: {a: {}, b: {}}}`, 1)
	text = strings.Replace(text, "safety:", `  other_wheel: {device: hbridge, pwm: GPIO13, direction: GPIO6, slew: none,
                decode: {kind: count, neuron: b, full: 100 Hz, window: 100ms}}
safety:`, 1)
	w := watch(t, text)
	if err := w.board.Attach("I2C0", 0x23, chips.NewBH1750(func(time.Duration) int64 { return w.light.Load() })); err != nil {
		t.Fatal(err)
	}
	w.plug(t)
	w.arm(t)
	other := func() bool { duty, _ := w.pin(t, "GPIO13").PWMState(); return duty > 0 }
	eventually(t, "the other wheel to turn", other)

	goroutines := runtime.NumGoroutine()
	w.faults(t).Stick()
	w.awaitEvent(t, "sensor_stale")
	w.awaitRest(t)
	if !other() {
		t.Error("the other bus's wheel rests too")
	}
	spikes := w.Health().Spikes
	eventually(t, "the other half of the robot to go on", func() bool { return w.Health().Spikes > spikes+200 })
	if n := runtime.NumGoroutine(); n > goroutines+2 { // nothing piles up during the fault
		t.Errorf("%d goroutines, %d before", n, goroutines)
	}
	w.faults(t).Release()
	w.awaitEvent(t, "sensor_fresh")
	w.awaitTurning(t)
}

// When a bus hangs while the robot ends, the end does not hang, and does not report the sensor's fault again.
func TestEndOfARobotWithAStuckBus(t *testing.T) {
	t.Parallel() // it waits
	w := ready(t, guarded("", "", ""))
	w.faults(t).Stick()
	defer w.faults(t).Release()
	w.awaitEvent(t, "sensor_stale")
	eventually(t, "the eye to fail", w.sensors[0].Failing)
	if err := w.stop(); err != nil {
		t.Errorf("the end reports again: %v", err)
	}
	if w.duty(t) != 0 {
		t.Errorf("the wheel is left at %v", w.duty(t))
	}
}

// When a bus hangs just before the end, the end takes no longer than one transfer may take, and its error names the sensor.
func TestEndOfARobotWhoseBusSticksUnnoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options := hardware.Options{Log: slog.New(slog.DiscardHandler), BusWait: busWait}
		r, err := assemble(parse(t, guardedOnTable, nil), options, func() time.Duration { return 0 })
		if err != nil {
			t.Fatal(err)
		}
		faults, err := r.body.Board.(*sim.Board).Faults("I2C1")
		if err != nil {
			t.Fatal(err)
		}
		faults.Stick()
		defer faults.Release()
		begun := time.Now()
		err = r.halt()
		length := time.Since(begun)
		if err == nil || !strings.Contains(err.Error(), "sensor eye: ") ||
			!strings.Contains(err.Error(), "SDA or SCL may be held low") ||
			length != busWait {
			t.Errorf("after %v: %v", length, err)
		}
	})
}

func TestDeviceThatRefusesNowAndThen(t *testing.T) {
	t.Parallel() // it waits
	w := ready(t, guarded(", stale: 10s", "", ""))
	w.faults(t).Refuse(0x23, 1)
	w.awaitEvent(t, "sensor_fault") // what comes before it may be from when the sensor was plugged in
	if after := w.awaitEvent(t, "sensor_recovered"); after["sensor_fault"] != 0 || after["sensor_stale"] != 0 {
		t.Errorf("after one refusal: %v", after)
	}
	if held := w.Health().Safety.Held["wheel"]; held != nil {
		t.Errorf("one refusal stops the robot: %q", held)
	}
}

// Garbage instead of readings is refused, reported once, and over when the device recovers.
func TestDeviceThatAnswersGarbage(t *testing.T) {
	t.Parallel() // it waits
	text := strings.Replace(guarded("", "", ""), "network: {neurons: {a: {}}}",
		`  current: {device: ina219, bus: I2C1, address: 0x40,
            measure: current, max_current: 1 A, every: 10ms, stale: 1s, encode: {kind: threshold, above: 800 mA, to: a}}
network: {neurons: {a: {}}}`, 1)
	w := watch(t, text)
	w.plug(t)
	ina219, _ := chips.Find("ina219")
	if err := w.board.Attach("I2C1", 0x40, ina219.OnBus(nil, nil)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a current", func() bool { return w.Sensors()["current"].Value == 0.2 })
	w.arm(t)
	w.faults(t).Garbage(0x40, 1<<30, 1)
	w.awaitEvent(t, "sensor_stale")
	w.awaitRest(t) // spikes of the current's sensor reach its neuron, so the wheel needs it
	if got := w.Sensors()["current"].Value; got != 0.2 {
		t.Errorf("garbage was accepted as a reading: %v A", got)
	}
	w.faults(t).Garbage(0x40, 0, 1)
	w.awaitEvent(t, "sensor_fresh")
	w.awaitTurning(t)
}

// The readings of this sensor always vary a little, and suddenly do not.
func TestFrozenSensor(t *testing.T) {
	t.Parallel() // it waits
	w := watch(t, guarded(", frozen: 200ms, stale: 1s", "", ""))
	w.plug(t)
	vary := func(around int64) (freeze func()) { // in real time, until freeze
		enough, ended := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(ended)
			for i := int64(0); ; i++ {
				select {
				case <-enough:
					return
				case <-time.After(20 * time.Millisecond):
					w.light.Store(around + i%2*10_000_000)
				}
			}
		}()
		return func() {
			close(enough)
			<-ended
		}
	}
	freeze := vary(100_000_000)
	w.arm(t)
	freeze()
	w.awaitEvent(t, "sensor_stale")
	w.awaitRest(t)
	freeze = vary(50_000_000)
	w.awaitEvent(t, "sensor_fresh")
	w.awaitTurning(t)
	freeze()
}

// A starting motor robs a PCA9685 of its supply: the servo's position is written again without a new command.
func TestBrownOutOfAnExpander(t *testing.T) {
	text := `robot: r
board: {kind: sim, world: table}
expanders: {servos: {device: pca9685, bus: I2C1, address: 0x40}}
network: {neurons: {a: {}}}
actuators: {arm: {device: servo, pwm: servos/3, decode: {kind: count, neuron: a, window: 100ms}}}
mqtt: {broker: none}
`
	s, err := NewSimulation(parse(t, text, nil), 1, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	board := s.body.Board.(*sim.Board)
	run := func(until time.Duration) {
		t.Helper()
		if err := s.Advance(context.Background(), until, func(time.Duration) {}); err != nil {
			t.Fatal(err)
		}
	}
	bus, err := board.Bus("I2C1")
	if err != nil {
		t.Fatal(err)
	}
	off := func() bool { // the channel's highest bit is set when it is off for the whole period
		t.Helper()
		var of [1]byte
		if err := bus.Tx(0x40, []byte{0x06 + 4*3 + 3}, of[:]); err != nil {
			t.Fatal(err)
		}
		return of[0]&0x10 != 0
	}
	run(time.Second)
	if off() {
		t.Fatal("the servo has no pulses")
	}
	if err := board.Replug("I2C1", 0x40); err != nil {
		t.Fatal(err)
	}
	if !off() {
		t.Fatal("a chip that lost its supply goes on")
	}
	run(2 * time.Second)
	if off() {
		t.Error("the servo has no pulses after the brown-out")
	}
}

// A million edges on one pin are dropped and counted, and reported once. Meanwhile, the other sensor's reflex works.
func TestEdgeStorm(t *testing.T) {
	t.Parallel() // it waits
	text := strings.Replace(guarded(", stale: 5s", "", ", stall: 5s"), "network: {neurons: {a: {}}}",
		`  noise: {device: button, pin: GPIO17, debounce: 0s, encode: {kind: edge, on: both, to: c}}
  bumper: {device: button, pin: GPIO27, debounce: 0s, encode: {kind: edge, on: both, to: b}}
network: {neurons: {a: {}, b: {}, c: {}}}`, 1)
	text = strings.Replace(text, "safety:", `  leg: {device: relay, pin: GPIO23, needs: [bumper],
        decode: {kind: count, neuron: b, full: 10 Hz, window: 100ms}}
safety:`, 1)
	w := ready(t, text)
	noise, bumper, leg := w.pin(t, "GPIO17"), w.pin(t, "GPIO27"), w.pin(t, "GPIO23")
	storm := make(chan struct{})
	go func() {
		defer close(storm)
		for i := range 1_000_000 {
			noise.Drive(i&1 == 0)
		}
	}()
	reflexes := 0
	var answered atomic.Bool // a look from time to time could miss the tenth of a second in which the leg is on
	leg.Watch(func(_ time.Duration, level gpio.Level) {
		if level == gpio.High {
			answered.Store(true)
		}
	})
	// On a machine that pauses the loop for longer than its tenth of a second, the leg has nothing left to answer: then the bumper
	// is pressed again.
	level, looks := gpio.High, 0
	for raging := true; raging || reflexes < 3; {
		select {
		case <-storm:
			raging = false
		default:
		}
		answered.Store(false)
		looks = 0
		eventually(t, "the leg to answer the bumper", func() bool {
			if looks%50 == 0 && !answered.Load() {
				level = !level
				bumper.Drive(level)
			}
			looks++
			return answered.Load()
		})
		eventually(t, "the leg to rest", func() bool { return leg.Read() == gpio.Low })
		reflexes++
	}
	before := w.awaitEvent(t, "edges_lost")
	if before["loop_stalled"] != 0 || before["sensor_stale"] != 0 {
		t.Errorf("events %v", before)
	}
	if h := w.Health(); h.Drops < 100_000 || h.Safety.State != "armed" || h.Safety.Held["wheel"] != nil {
		t.Errorf("%d drops of a million edges, safety %+v", h.Drops, h.Safety)
	}
	eventually(t, "the wheel to turn", func() bool { return w.duty(t) != 0 }) // on a busy machine its neuron's spikes may be late
	t.Logf("%d reflexes during the storm", reflexes)
}
