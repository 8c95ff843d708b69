package daemon

import (
	"encoding/json"
	"errors"
	"fluxd/boards/sim/chips"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/hardware"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fluxd/boards/sim"

	"periph.io/x/conn/v3/gpio"
)

// guarded is a robot whose eye drives a wheel, with an emergency stop on GPIO26, and further options for its parts.
func guarded(eye, wheel, safety string) string {
	return fmt.Sprintf(`robot: guarded
board: {kind: sim}
sensors:
  eye: {device: bh1750, bus: I2C1, address: 0x23, every: 10ms%s, encode: {kind: rate, range: [0 lx, 100 lx], max: 500 Hz, to: a}}
network: {neurons: {a: {}}}
actuators:
  wheel: {device: hbridge, pwm: GPIO12, direction: GPIO5, slew: none%s,
          decode: {kind: count, neuron: a, full: 100 Hz, window: 100ms}}
safety: {emergency_stop: {pin: GPIO26}%s}
mqtt: {broker: embedded, listen: '127.0.0.1:0'}
`, eye, wheel, safety)
}

// A watched robot is a guarded robot that runs in real time, with a client that receives its events.
type watched struct {
	*Robot
	board  *sim.Board
	light  atomic.Int64
	stop   func() error
	events *client
	last   map[string]protocol.Event // the latest event, by fault and sensor
}

func watch(t *testing.T, text string) *watched {
	t.Helper()
	inRealTime(t)
	w := &watched{last: map[string]protocol.Event{}}
	w.light.Store(100_000_000)
	w.Robot, w.stop = start(t, parse(t, text, nil))
	w.board = w.Robot.body.Board.(*sim.Board)
	w.events = connectInOrder(t, w.Broker(), "flux/guarded/event/+", true)
	return w
}

func (w *watched) pin(t *testing.T, name string) *sim.Pin {
	t.Helper()
	p, err := w.board.Pin(name)
	if err != nil {
		t.Fatal(err)
	}
	return p.(*sim.Pin)
}

func (w *watched) plug(t *testing.T) {
	t.Helper()
	if err := w.board.Attach("I2C1", 0x23, chips.NewBH1750(func(time.Duration) int64 { return w.light.Load() })); err != nil {
		t.Fatal(err)
	}
}

func (w *watched) unplug(t *testing.T) {
	t.Helper()
	if err := w.board.Detach("I2C1", 0x23); err != nil {
		t.Fatal(err)
	}
}

// duty returns the duty cycle at the wheel's pin.
func (w *watched) duty(t *testing.T) gpio.Duty {
	duty, _ := w.pin(t, "GPIO12").PWMState()
	return duty
}

func (w *watched) awaitTurning(t *testing.T) {
	t.Helper()
	eventually(t, "the wheel to turn", func() bool { return w.duty(t) > 0 })
}

func (w *watched) awaitRest(t *testing.T) {
	t.Helper()
	eventually(t, "the wheel to rest", func() bool { return w.duty(t) == 0 })
}

// awaitEvent waits for an event, and counts the events up to it by their codes.
func (w *watched) awaitEvent(t *testing.T, code string) (before map[string]int) {
	t.Helper()
	return w.awaitEventText(t, code, "")
}

// awaitEventText waits for an event whose text begins with begins.
func (w *watched) awaitEventText(t *testing.T, code, begins string) (before map[string]int) {
	t.Helper()
	before = map[string]int{}
	w.events.await(t, "event "+code, func(topic string, payload []byte) bool {
		var e protocol.Event
		if err := json.Unmarshal(payload, &e); err != nil {
			t.Fatalf("%v in %s", err, payload)
		}
		before[e.Code]++
		w.checkOnce(t, e)
		return e.Code == code && strings.HasPrefix(e.Text, begins)
	})
	return before
}

// checkOnce checks that each fault of a sensor is reported once before it recovers, and each recovery once before the next fault.
// On a slow machine there may be more faults than the test makes: a transfer that takes too long is one.
func (w *watched) checkOnce(t *testing.T, e protocol.Event) {
	t.Helper()
	kind := map[string]string{"sensor_fault": "fault", "sensor_recovered": "fault", "sensor_stale": "stale",
		"sensor_fresh": "stale"}[e.Code]
	if kind == "" {
		return
	}
	name, _, _ := strings.Cut(e.Text, ":")
	last := w.last[kind+" "+name]
	if last.Code == e.Code && last != e { // the same event is repeated when the connection is lost before the acknowledgement
		t.Errorf("reported again: %s %s", e.Code, e.Text)
	}
	w.last[kind+" "+name] = e
}

// ready starts a guarded robot with its eye plugged in, and waits until its wheel turns.
func ready(t *testing.T, text string) *watched {
	t.Helper()
	w := watch(t, text)
	w.plug(t)
	w.arm(t)
	return w
}

// arm acknowledges a stop, arms the robot, and waits until the wheel turns. It skips earlier events.
func (w *watched) arm(t *testing.T) {
	t.Helper()
	eventually(t, "light in the eye", func() bool { _, seen := w.Sensors()["eye"]; return seen })
	eventually(t, "the switch to be seen released", func() bool { return !w.safety.Pressed() })
	w.Disarm("ann")
	eventually(t, "the robot to be armed", func() bool { return w.Arm("ann", false) == nil })
	w.awaitEventText(t, "armed", "by ann") // not the event of the start, which may come late
	w.awaitTurning(t)
}

// With arm: explicit, as on a real board, nothing moves until the robot is armed.
func TestNothingMovesBeforeItIsArmed(t *testing.T) {
	t.Parallel() // it waits
	w := watch(t, guarded("", "", ", arm: explicit"))
	w.pin(t, "GPIO26").Release() // the wire of its switch is broken
	err := w.Arm("ann", false)
	var refusal *protocol.Error
	if !errors.As(err, &refusal) || refusal.Code != protocol.NotAllowed {
		t.Fatalf("got %v", err)
	}
	// The refusal lists all reasons, with their remedies.
	for _, part := range []string{"emergency_stop: ", "sensor_stale: eye"} {
		eventually(t, part, func() bool { err := w.Arm("ann", false); return err != nil && strings.Contains(err.Error(), part) })
	}
	w.pin(t, "GPIO26").Drive(gpio.Low)
	w.plug(t)
	eventually(t, "light in the eye", func() bool { _, seen := w.Sensors()["eye"]; return seen })
	eventually(t, "the network to be busy", func() bool { return w.Health().Spikes > 50 })
	if w.duty(t) != 0 {
		t.Error("the wheel turns before the robot is armed")
	}
	if h := w.Health().Safety; h.State != "stopped" || len(h.Held["wheel"]) == 0 {
		t.Errorf("health: %+v", h)
	}
	w.Disarm("ann")
	eventually(t, "arming", func() bool { return w.Arm("ann", false) == nil })
	w.awaitTurning(t)
	if h := w.Health().Safety; h.State != "armed" || h.Held != nil || h.Stale != nil {
		t.Errorf("health: %+v", h)
	}
	w.Disarm("ann")
	w.awaitRest(t)
}

func TestEmergencyStopBySwitch(t *testing.T) {
	t.Parallel() // it waits
	w := ready(t, guarded("", "", ""))
	w.pin(t, "GPIO26").Release() // a broken wire is the same as a press
	w.awaitRest(t)
	w.awaitEventText(t, "emergency_stop", "by the switch on GPIO26")
	w.Disarm("ann")
	if err := w.Arm("ann", false); err == nil || !strings.Contains(err.Error(), "the switch is pressed") {
		t.Errorf("armed while the switch is pressed: %v", err)
	}
	w.pin(t, "GPIO26").Drive(gpio.Low)
	if before := w.awaitEvent(t, "emergency_stop_released"); before["emergency_stop"] != 0 {
		t.Errorf("one press is reported again: %v", before)
	}
	if w.duty(t) != 0 {
		t.Error("the wheel turns when the switch is released")
	}
	w.Disarm("ann")
	if err := w.Arm("ann", false); err != nil {
		t.Fatal(err)
	}
	w.awaitTurning(t)
}

func TestEmergencyStopOverMQTT(t *testing.T) {
	t.Parallel() // it waits
	w := ready(t, guarded("", "", ""))
	answers := connect(t, w.Broker(), "flux/guarded/res/+")
	ask := func(verb, id string) protocol.Response {
		t.Helper()
		text, err := json.Marshal(protocol.Request{ID: id, Time: time.Now().UnixMilli(), TTL: 10_000})
		if err != nil {
			t.Fatal(err)
		}
		answers.Publish("flux/guarded/req/"+verb, 1, false, text)
		var r protocol.Response
		if err := json.Unmarshal(answers.await(t, "the answer", says(verb, id)), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := ask("estop", "stop"); r.Status != protocol.StatusOK {
		t.Errorf("%+v", r)
	}
	w.awaitRest(t)
	w.awaitEvent(t, "emergency_stop")
	if r := ask("arm", "go"); r.Error == nil || !strings.Contains(r.Error.Message, "disarm first") {
		t.Errorf("%+v", r)
	}
	if r := ask("disarm", "seen"); r.Status != protocol.StatusOK {
		t.Errorf("%+v", r)
	}
	if r := ask("arm", "go again"); r.Status != protocol.StatusOK {
		t.Errorf("%+v with %+v", r, r.Error)
	}
	w.awaitTurning(t)
}

// A robot starts without a sensor. A sensor that is unplugged stops what needs it, and is used again when it is plugged in. Each
// is reported once.
func TestUnpluggedSensor(t *testing.T) {
	w := watch(t, guarded(", stale: 1s", "", ""))
	if before := w.awaitEvent(t, "sensor_stale"); before["sensor_fresh"] != 0 || before["sensor_recovered"] != 0 {
		t.Errorf("not plugged in yet, but the events are %v", before)
	}
	w.plug(t)
	w.awaitEvent(t, "sensor_fresh")
	w.arm(t)
	goroutines := runtime.NumGoroutine()
	for range 3 {
		w.unplug(t)
		w.awaitEvent(t, "sensor_stale")
		w.awaitRest(t)
		w.plug(t)
		w.awaitEvent(t, "sensor_fresh")
		w.awaitTurning(t)
	}
	if n := runtime.NumGoroutine(); n > goroutines+2 {
		t.Errorf("%d goroutines, %d before", n, goroutines)
	}
}

// While the loop hangs, the wheel rests. It turns again afterwards.
func TestStalledLoop(t *testing.T) {
	t.Parallel() // it waits
	w := ready(t, guarded("", "", ", stall: 1s"))
	hang := make(chan answer) // without a buffer, so that the loop hangs until the answer is received
	w.requests <- request{do: func() answer { return answer{} }, claimed: &atomic.Bool{}, answer: hang}
	w.awaitRest(t)
	w.awaitEvent(t, "loop_stalled")
	if held := w.Health().Safety.Held["wheel"]; len(held) == 0 || held[0] != "loop stalled" {
		t.Errorf("held by %q", held)
	}
	<-hang
	before := w.awaitEvent(t, "loop_recovered")
	if before["loop_stalled"] != 0 {
		t.Errorf("reported again: %v", before)
	}
	w.awaitTurning(t)
}

// Without spikes, a command in a long window times out.
func TestCommandTimesOut(t *testing.T) {
	t.Parallel() // it waits
	text := strings.Replace(guarded("", ", timeout: 200ms", ""), "window: 100ms", "window: 10s", 1)
	w := ready(t, text)
	w.light.Store(0)
	w.awaitRest(t)
	if held := w.Health().Safety.Held["wheel"]; len(held) != 1 || held[0] != "command timed out" {
		t.Errorf("held by %q", held)
	}
	w.light.Store(100_000_000)
	w.awaitTurning(t)
}

// An actuator needs the sensors that the configuration names, or else all that can reach its neurons.
func TestNeeds(t *testing.T) {
	text := `robot: r
board: {kind: sim}
sensors:
  eye: {device: button, pin: GPIO17, encode: {kind: edge, to: a}}
  ear: {device: button, pin: GPIO27, encode: {kind: edge, to: b}}
  nose: {device: button, pin: GPIO22, encode: {kind: edge, to: c}}
network:
  neurons: {a: {}, b: {}, c: {}, between: {}, motor: {}}
  synapses:
    - {from: a, to: between, weight: 1}
    - {from: between, to: motor, weight: 1}
    - {from: b, to: motor, kind: modulator, weight: 1}
    - {from: motor, to: c, weight: 1}
actuators:
  derived: {device: relay, pin: GPIO5, decode: {kind: count, neuron: motor, window: 100ms}}
  named: {device: relay, pin: GPIO6, needs: [nose], decode: {kind: count, neuron: motor, window: 100ms}}
  none: {device: relay, pin: GPIO7, needs: [], decode: {kind: count, neuron: motor, window: 100ms}}
  word: {device: label, decode: {kind: winner-take-all, window: 50ms, choices: {motor: go}}}
mqtt: {broker: none}
`
	r, err := assemble(parse(t, text, nil), hardware.Options{Seed: 1, Log: slog.New(slog.DiscardHandler)},
		func() time.Duration { return 0 })
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"eye ear", "nose", "", ""}
	for i, o := range r.outputs {
		var names []string
		for _, s := range o.Needs {
			names = append(names, s.Name)
		}
		if got := strings.Join(names, " "); got != want[i] {
			t.Errorf("%s needs %q, want %q", o.Name, got, want[i])
		}
	}
}
