package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fluxd/actuators"
	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/bridge/protocol"
	"fluxd/sensors"
)

// explosive is a sensor whose driver panics in the methods that a test names.
type explosive struct{ sample, next, halt bool }

func (e *explosive) String() string    { return "explosive" }
func (e *explosive) Unit() string      { return "" }
func (e *explosive) LostEdges() uint64 { return 0 }

func (e *explosive) Halt() error {
	explode(e.halt)
	return nil
}

func (e *explosive) Sample(time.Duration) (int64, error) {
	explode(e.sample)
	return 7, nil
}

func (e *explosive) Next(now, timeout time.Duration) (sensors.Reading, bool) {
	explode(e.next)
	return sensors.Reading{}, false
}

func explode(now bool) {
	if now {
		panic("driver on fire")
	}
}

// A simulation goes on when a sensor's driver panics. Package sense tests the same in real time.
func TestSimulationGoesOnWhenCodePanics(t *testing.T) {
	s, err := NewSimulation(parse(t, guardedOnTable, nil), 1, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var events []string
	s.event = func(kind protocol.EventKind, _ string) { events = append(events, kind.Code()) }
	e := &explosive{}
	s.sensors[0].Sensor.Sensor.Sensor, s.sensors[0].Edges = e, e
	run := func(until time.Duration) {
		t.Helper()
		if err := s.Advance(context.Background(), until, func(time.Duration) {}); err != nil {
			t.Fatal(err)
		}
	}
	run(time.Second)
	e.sample = true
	e.halt = true
	run(3 * time.Second)
	e.sample = false
	e.halt = false
	run(5 * time.Second)
	e.next = true
	run(7 * time.Second)
	e.next = false
	run(9 * time.Second)
	want := []string{"sensor_fault", "sensor_stale", "sensor_recovered", "sensor_fresh", "sensor_fault", "sensor_recovered"}
	if !slices.Equal(events, want) {
		t.Errorf("events %q, want %q", events, want)
	}
	e.halt = true
	if err := s.halt(); err == nil || !strings.Contains(err.Error(), "sensor eye: its driver panicked") {
		t.Errorf("halt: %v", err)
	}
}

const guardedOnTable = `robot: r
board: {kind: sim, world: table}
sensors:
  eye: {device: bh1750, bus: I2C1, address: 0x23, every: 10ms, encode: {kind: rate, range: [0 lx, 100 lx], max: 500 Hz, to: a}}
network: {neurons: {a: {}}}
actuators:
  wheel: {device: hbridge, pwm: GPIO12, direction: GPIO5, slew: none,
          decode: {kind: count, neuron: a, full: 100 Hz, window: 100ms}}
  other: {device: hbridge, pwm: GPIO13, direction: GPIO6, slew: none,
          decode: {kind: count, neuron: a, full: 100 Hz, window: 100ms}}
mqtt: {broker: none}
`

// bomb is an actuator whose driver panics while armed.
type bomb struct {
	actuators.Device
	armed bool
}

func (b *bomb) Drive(c actuators.Command) error {
	if b.armed {
		panic("bridge on fire")
	}
	return b.Device.Drive(c)
}

func (b *bomb) Halt() error {
	if b.armed {
		panic("bridge on fire")
	}
	return b.Device.Halt()
}

// An actuator whose driver panics fails alone: the other one goes on, and to failsafe at the end.
func TestActuatorWhoseCodePanics(t *testing.T) {
	s, err := NewSimulation(parse(t, guardedOnTable, nil), 1, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	b := &bomb{Device: s.outputs[0].Device}
	if s.outputs[0].Guard, err = actuators.NewGuard(b, s.outputs[0].GuardOpts(s.config.Actuators[0].Value)); err == nil {
		err = s.outputs[0].Guard.Start(0)
	}
	if err != nil {
		t.Fatal(err)
	}
	b.armed = true
	if err := s.Advance(context.Background(), time.Second, func(time.Duration) {}); err != nil {
		t.Fatal(err)
	}
	if _, last, failing := s.outputs[0].Guard.Faults(); !failing || !strings.Contains(fmt.Sprint(last), "panic: bridge on fire") {
		t.Errorf("failing %v, last %v", failing, last)
	}
	pin, err := s.body.Board.Pin("GPIO13")
	if err != nil {
		t.Fatal(err)
	}
	if duty, _ := pin.(*sim.Pin).PWMState(); duty == 0 {
		t.Error("the other wheel rests")
	}
	if err := s.halt(); err == nil || !strings.Contains(err.Error(), "actuator wheel: failsafe: ") ||
		strings.Contains(err.Error(), "other") {
		t.Errorf("halt: %v", err)
	}
	if duty, _ := pin.(*sim.Pin).PWMState(); duty != 0 {
		t.Error("the other wheel goes on")
	}
	b.armed = false
	if err := s.body.Failsafe(); err != nil {
		t.Error(err)
	}
}

// onFire is a chip whose transfers panic while it burns.
type onFire struct {
	sim.Device
	burns atomic.Bool
}

func (o *onFire) Tx(at time.Duration, w, r []byte) error {
	if o.burns.Load() {
		panic("chip on fire")
	}
	return o.Device.Tx(at, w, r)
}

// A transfer that panics in the goroutine of its bus does not end the daemon. What needs the sensor goes to failsafe, one event
// says why, and everything recovers.
func TestDaemonGoesOnWhenATransferPanics(t *testing.T) {
	t.Parallel() // it waits
	w := watch(t, guarded(", stale: 1s", "", ""))
	eye := &onFire{Device: chips.NewBH1750(func(time.Duration) int64 { return w.light.Load() })}
	if err := w.board.Attach("I2C1", 0x23, eye); err != nil {
		t.Fatal(err)
	}
	w.arm(t)
	w.awaitTurning(t)
	eye.burns.Store(true)
	w.awaitEvent(t, "sensor_stale")
	w.awaitRest(t)
	eye.burns.Store(false)
	w.awaitEvent(t, "sensor_fresh")
	w.awaitTurning(t)
}
