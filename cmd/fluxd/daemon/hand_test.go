package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"fluxd/actuators"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/hardware"
)

// wheeled has two wheels that the same neuron drives, each at 0.3 of full scale.
const wheeled = `robot: driven
board: {kind: sim, world: table}
sensors:
  eye: {device: bh1750, bus: I2C1, address: 0x23, every: 10ms, stale: 100ms,
        encode: {kind: rate, range: [0 lx, 1000 lx], max: 100 Hz, to: a}}
network: {neurons: {a: {}}}
actuators:
  left:  {device: hbridge, pwm: GPIO12, direction: GPIO5, slew: none, timeout: TIMEOUT, range: [-0.8, 1],
          decode: {kind: count, neuron: a, full: 100 Hz, window: 1s}}
  right: {device: hbridge, pwm: GPIO13, direction: GPIO6, slew: 2/s, decode: {kind: count, neuron: a, full: 100 Hz, window: 1s}}
  name:  {device: label, decode: {kind: winner-take-all, window: 100ms, choices: {a: go}}}
mqtt: {broker: BROKER}
`

// An actuator obeys a command by hand for its time, whether that is longer or shorter than its timeout. All others rest, and the
// network commands nothing until the robot is returned to it.
func TestDrivenByHand(t *testing.T) {
	for _, timeout := range []string{"1s", "20ms", "none"} {
		x := newTunable(t, parse(t, replace(replace(wheeled, "TIMEOUT", timeout), "BROKER", "none"), nil))
		left, right := x.outputs[0], x.outputs[1]
		expect := func(when string, l, r float64) {
			t.Helper()
			if a, b := x.share(t, "GPIO12"), x.share(t, "GPIO13"); math.Abs(a-l) > 0.02 || math.Abs(b-r) > 0.02 {
				t.Errorf("timeout %s, %s: %.3f and %.3f, want %g and %g", timeout, when, a, b, l, r)
			}
		}
		drive := func(o *outputLine, c float64, length time.Duration) {
			t.Helper()
			if err := x.driveByHand(o, hardware.Command(c), x.now, length); err != nil {
				t.Fatal(err)
			}
		}
		network := 0.3
		if timeout == "20ms" { // spikes come every 33 ms
			x.pass(t, 3*time.Second+5*time.Millisecond)
		} else {
			x.pass(t, 3*time.Second)
			expect("the network drives", network, network)
		}
		drive(left, 0.6, 2*time.Second)
		x.pass(t, 500*time.Millisecond)
		expect("by hand", 0.6, 0)
		x.pass(t, 1400*time.Millisecond)
		expect("just before the end", 0.6, 0)
		x.pass(t, 200*time.Millisecond)
		expect("after it", 0, 0)
		x.pass(t, 3*time.Second)
		expect("and for good", 0, 0)

		drive(left, 0.6, time.Second)
		x.pass(t, 900*time.Millisecond)
		drive(left, 0.4, time.Second) // once more, in time
		x.pass(t, 900*time.Millisecond)
		expect("renewed", 0.4, 0)
		drive(right, 0.5, time.Second) // another one: only one at a time
		x.pass(t, 100*time.Millisecond)
		expect("the other one, at its slew rate", 0, 0.2)
		x.pass(t, 300*time.Millisecond)
		expect("there", 0, 0.5)

		// A reason to hold ends the command, even after it is released.
		right.Hold(actuators.EmergencyStop)
		x.pass(t, 10*time.Millisecond)
		expect("stopped", 0, 0)
		if err := x.driveByHand(right, hardware.Command(0.5), x.now, time.Second); err == nil ||
			!strings.Contains(err.Error(), "emergency stop") {
			t.Errorf("while it is held: %v", err)
		}
		right.Release(actuators.EmergencyStop)
		x.pass(t, 300*time.Millisecond)
		expect("the stop is over", 0, 0)

		x.returnToNetwork()
		x.pass(t, time.Second)
		if timeout != "20ms" {
			expect("the network again", network, network)
		}
	}
}

// The verb drive works only while the robot is armed, and within the actuator's limits. A stop ends it, and arming returns the
// robot to the network.
func TestDriveOverMQTT(t *testing.T) {
	t.Parallel() // it waits
	inRealTime(t)
	w := &watched{}
	w.Robot, w.stop = start(t, parse(t, replace(replace(wheeled, "TIMEOUT", "1s"), "BROKER",
		"embedded, listen: '127.0.0.1:0'"), nil))
	w.board = w.Simulated()
	answers := connect(t, w.Broker(), "flux/driven/res/drive")
	drive := func(id, actuator string, value float64, length time.Duration) *protocol.Error {
		t.Helper()
		request := protocol.Request{ID: id, Time: time.Now().UnixMilli(), TTL: 30_000,
			Actuator: actuator, Value: &value, Lease: length.Milliseconds()}
		payload, err := json.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		answers.Publish("flux/driven/req/drive", 1, false, payload)
		var r protocol.Response
		answers.await(t, "the answer to "+id, func(_ string, payload []byte) bool {
			return json.Unmarshal(payload, &r) == nil &&
				r.ID == id
		})
		return r.Error
	}
	connect(t, w.Broker(), "flux/driven/status").awaitOnline(t) // from then on it gets requests
	w.awaitTurning(t)
	var driven time.Time
	eventually(t, "full speed", func() bool {
		if time.Since(driven) > time.Second { // once more: on a slow machine the eye was blind for a while, which ends a command
			if drive("first "+time.Now().String(), "left", 1, protocol.MaxDrive) != nil {
				return false
			}
			driven = time.Now()
		}
		return w.duty(t) > 0 && w.Actuators()["left"].Value == 1.0 && w.Actuators()["right"].Value == 0.0
	})
	if h := w.Health().Safety; h.State != "armed" || !h.ByHand {
		t.Errorf("health: %+v", h)
	}
	for _, c := range []struct {
		id, actuator string
		value        float64
		length       time.Duration
		code         protocol.Code
		says         string
	}{
		{"wrong name", "lefd", 1, time.Second, protocol.UnknownActuator, "did you mean left?"},
		{"a label", "name", 1, time.Second, protocol.NotAllowed, "moves nothing"},
		{"too much", "left", -0.9, time.Second, protocol.OutOfRange, "-0.9 is out of range"},
		{"too long", "left", 1, protocol.MaxDrive + time.Millisecond, protocol.Malformed, "lease_ms of 1 to 10000"},
		{"no time", "left", 1, 0, protocol.Malformed, "lease_ms of 1 to 10000"},
	} {
		tries := 0
		eventually(t, "a refused request that does not end the command", func() bool { // on a slow machine its time does
			tries++
			if drive(fmt.Sprintf("%s, again %d", c.id, tries), "left", 1, protocol.MaxDrive) != nil {
				return false
			}
			if err := drive(fmt.Sprintf("%s, %d", c.id, tries), c.actuator, c.value, c.length); err == nil || err.Code != c.code ||
				!strings.Contains(err.Message, c.says) {
				t.Errorf("%s: %+v, want %s with %q", c.id, err, c.code, c.says)
			}
			return w.Actuators()["left"].Value == 1.0
		})
	}
	w.Disarm("ann")
	w.awaitRest(t)
	if err := drive("disarmed", "left", 1, time.Second); err == nil || err.Code != protocol.NotAllowed ||
		!strings.Contains(err.Message, "arm it first") {
		t.Errorf("while it is disarmed: %+v", err)
	}
	w.EmergencyStop("test")
	if err := drive("stopped", "left", 1, time.Second); err == nil ||
		!strings.Contains(err.Message, "stopped by test: disarm it, then arm it") {
		t.Errorf("while it is stopped: %+v", err)
	}
	w.Disarm("ann")
	eventually(t, "arming", func() bool { return w.Arm("ann", false) == nil })
	eventually(t, "the network to drive both", func() bool {
		l, _ := w.Actuators()["left"].Value.(float64)
		r, _ := w.Actuators()["right"].Value.(float64)
		return l > 0 && l < 0.5 && r > 0
	})
	if w.Health().Safety.ByHand {
		t.Error("it is armed, but still driven by hand")
	}
	// Armed by hand, nothing moves without a command.
	w.Disarm("ann")
	w.awaitRest(t)
	events := connect(t, w.Broker(), "flux/driven/event/info")
	eventually(t, "arming by hand", func() bool { return w.ArmByHand("ann") == nil }) // a busy machine may be late for the eye
	events.await(t, "the event that it is armed by hand", func(_ string, payload []byte) bool {
		return strings.Contains(string(payload), "actuators obey commands by hand alone")
	})
	spikes := w.Health().Spikes
	eventually(t, "the network to be busy", func() bool { return w.Health().Spikes > spikes+20 })
	if duty := w.duty(t); duty != 0 || !w.Health().Safety.ByHand || w.Health().Safety.State != "armed" {
		t.Errorf("armed for driving by hand: %v, %+v", duty, w.Health().Safety)
	}
	driven = time.Time{}
	eventually(t, "the wheel to turn by hand", func() bool {
		if time.Since(driven) > time.Second { // once more, as above
			if drive("by hand "+time.Now().String(), "left", 1, time.Second) != nil {
				return false
			}
			driven = time.Now()
		}
		return w.duty(t) > 0
	})
	w.awaitRest(t)
	var refused *protocol.Error
	if err := w.Drive(t.Context(), "ann", "left", math.NaN(), time.Second); !errors.As(err, &refused) ||
		refused.Code != protocol.OutOfRange {
		t.Errorf("NaN: %v", err)
	}
}
