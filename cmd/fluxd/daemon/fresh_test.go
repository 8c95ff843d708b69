package daemon

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"fluxd/bridge/protocol"
	"fluxd/core"
)

// excited is a robot whose network keeps exciting itself after the first spike, and so turns a wheel.
const excited = `
robot: excited
board: {kind: sim}
sensors: {bump: {device: button, pin: GPIO17, encode: {kind: edge, to: a}}}
network:
  neurons: {a: {threshold: 100}, b: {threshold: 100}}
  synapses:
    - {from: a, to: b, weight: 110, delay: 1ms}
    - {from: b, to: a, weight: 110, delay: 1ms, plastic: {window: 10ms, max: 150, ltp: {}}}
rewards: {praise: {window: 1s, credit: [{actor: a, to: b}]}}
actuators:
  wheel: {device: hbridge, pwm: GPIO12, direction: GPIO5,
          decode: {kind: count, neuron: b, full: 100 Hz, window: 20s}, failsafe: 0, needs: [], timeout: 30s}
mqtt: {broker: none}
`

// A network that excites itself goes on when the robot is disarmed and armed again. Armed fresh, it starts again without
// activity, but with its learnt weights and tuned values, and the wheel rests.
func TestArmFresh(t *testing.T) {
	t.Parallel() // it waits
	robot, _ := start(t, parse(t, excited, nil))
	var mutex sync.Mutex
	var events []string
	ask := func(do func()) {
		t.Helper()
		if a := robot.ask(t.Context(), func() answer { do(); return answer{} }); a.err != nil {
			t.Fatal(a.err)
		}
	}
	ask(func() {
		robot.event = func(kind protocol.EventKind, text string) {
			mutex.Lock()
			defer mutex.Unlock()
			events = append(events, kind.Code()+" "+text)
		}
	})
	goesOn := func() bool {
		var begun, now core.Tick
		var before, after uint64
		ask(func() { begun, before = robot.network.Now(), robot.network.Counters().Spikes })
		eventually(t, "20 ms of the network's time", func() bool {
			ask(func() { now, after = robot.network.Now(), robot.network.Counters().Spikes })
			return now >= begun+20_000
		})
		return after > before
	}
	if _, err := robot.Stimulate(t.Context(), map[string]protocol.Train{"a": {Count: 1}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the wheel to turn", func() bool { return robot.Actuators()["wheel"].Value.(float64) > 0 })
	if _, _, err := robot.Set(t.Context(), "ann", map[string]float64{"network.neurons.a.threshold": 105}, nil); err != nil {
		t.Fatal(err)
	}
	ask(func() {
		if err := robot.network.Learn(map[int]float64{1: 120}); err != nil {
			t.Error(err)
		}
	})

	var refused *protocol.Error
	if err := robot.Arm("ann", true); !errors.As(err, &refused) || refused.Code != protocol.NotAllowed ||
		!strings.Contains(err.Error(), "disarm it first") || !goesOn() {
		t.Errorf("fresh while it is armed: %v", err)
	}
	robot.Disarm("bob")
	if err := robot.Arm("ann", false); err != nil || !goesOn() {
		t.Fatalf("armed as it was: %v", err)
	}
	robot.EmergencyStop("tom")
	if err := robot.Arm("ann", true); err == nil || !strings.Contains(err.Error(), "stopped by tom") || !goesOn() {
		t.Errorf("fresh while it is stopped: %v", err)
	}
	robot.Disarm("bob")
	if err := robot.Arm("ann", true); err != nil {
		t.Fatal(err)
	}
	if goesOn() {
		t.Error("the network goes on after it was armed fresh")
	}
	ask(func() {
		if due, waiting := robot.outputs[0].decoder.Next(); waiting {
			t.Errorf("spikes from before leave the wheel's window at %d", due)
		}
		if n := robot.rewards[0].Histories()[0].Count(); n != 0 {
			t.Errorf("%d spikes from before are recorded", n)
		}
		if w := robot.network.Learnt()[1]; w != 120 {
			t.Errorf("learnt weight %g, want 120", w)
		}
	})
	if v := robot.Actuators()["wheel"].Value; v != 0.0 {
		t.Errorf("the wheel is at %v", v)
	}
	values, _, err := robot.Get([]string{"network.neurons.a.threshold"})
	if v := values["network.neurons.a.threshold"]; err != nil || v.V != 105 || v.Src != "ann" {
		t.Errorf("tuned: %+v, %v", values, err)
	}
	mutex.Lock()
	defer mutex.Unlock()
	want := []string{
		"disarmed by bob: the actuators are at failsafe", "armed by ann: actuators obey the network", "emergency_stop by tom",
		"disarmed by bob: the actuators are at failsafe", "armed by ann, with a fresh network: actuators obey the network"}
	if strings.Join(events, "\n") != strings.Join(want, "\n") {
		t.Errorf("events\n%s\nwant\n%s", strings.Join(events, "\n"), strings.Join(want, "\n"))
	}
}
