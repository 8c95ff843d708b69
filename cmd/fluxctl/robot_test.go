package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"fluxd/bridge"
	"fluxd/bridge/protocol"
)

// patience bounds every wait of these tests. None should take that long.
const patience = 2 * time.Minute

// robot is a fake with the parameters eye/threshold and eye/leak, of 1 to 500 mV, and some whose paths look like real ones.
type robot struct {
	mu     sync.Mutex
	values map[string]protocol.Value
	rev    protocol.Revision
	saves  int

	disarmed atomic.Bool
	spiked   atomic.Int64
}

func newRobot() *robot {
	r := &robot{values: map[string]protocol.Value{}}
	for _, p := range r.Describe().Parameters {
		r.values[p.Path] = protocol.Value{V: p.Default, Src: "config"}
	}
	return r
}

func (r *robot) parts() bridge.Robot {
	return bridge.Robot{Telemetry: r, Safety: r, Tuner: r, Teacher: r, ByHand: r, Spikes: r, Inspector: r, World: r}
}

func (r *robot) Describe() protocol.Description {
	return protocol.Description{Parameters: []protocol.Parameter{
		{Path: "eye/threshold", Unit: "mV", Min: 1, Max: 500, Default: 100},
		{Path: "eye/leak", Unit: "mV/s", Min: 1, Max: 500, Default: 2.5},
		{Path: "net.motor_l.threshold", Unit: "units", Min: 1, Max: 500, Default: 100},
		{Path: "net.motor_l.refractory", Unit: "us", Min: 0, Max: 2e6, Default: 1000},
		{Path: "net.motor_r.threshold", Unit: "units", Min: 1, Max: 500, Default: 100},
		{Path: "sensors.sonar.every", Unit: "us", Min: 1000, Max: 2e6, Default: 40000},
	},
		Neurons:   []protocol.NeuronGroup{{Name: "eye", Count: 1}, {Name: "motor", Count: 1}},
		Rewards:   []string{"praise"},
		Actuators: []protocol.Device{{Name: "wheel"}},
		Sensors:   []protocol.Device{{Name: "sonar", Unit: "m"}, {Name: "bumper"}},
	}
}

func (r *robot) parameter(path string) protocol.Parameter {
	all := r.Describe().Parameters
	return all[slices.IndexFunc(all, func(p protocol.Parameter) bool { return p.Path == path })]
}

func (r *robot) Get(paths []string) (map[string]protocol.Reading, protocol.Revision, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(paths) == 0 {
		paths = slices.Sorted(maps.Keys(r.values))
	}
	got := map[string]protocol.Reading{}
	for _, path := range paths {
		v, ok := r.values[path]
		if !ok {
			return nil, r.rev, &protocol.Error{Code: protocol.UnknownParameter, Path: path, Message: "no such parameter"}
		}
		got[path] = protocol.Reading{Value: v, Min: r.parameter(path).Min, Max: r.parameter(path).Max}
	}
	return got, r.rev, nil
}

func (r *robot) Revision() protocol.Revision {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rev
}

func (r *robot) Set(
	_ context.Context, who string, changes map[string]float64, revision *protocol.Revision,
) (map[string]float64, protocol.Revision, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if revision != nil && *revision != r.rev {
		return nil, r.rev, &protocol.Error{Code: protocol.RevisionConflict, Message: "read again"}
	}
	for _, path := range slices.Sorted(maps.Keys(changes)) {
		if v, p := changes[path], r.parameter(path); v < p.Min || v > p.Max {
			return nil, r.rev, protocol.Refuse(path, p.Min, p.Max, "out of range")
		}
	}
	r.rev++
	for path, v := range changes {
		r.values[path] = protocol.Value{V: v, Rev: r.rev, Src: who}
	}
	return changes, r.rev, nil
}

// Arm succeeds after Disarm.
func (r *robot) Arm(_ string, fresh bool) error {
	if fresh && !r.disarmed.Load() {
		return &protocol.Error{Code: protocol.NotAllowed, Path: "fresh", Message: "the robot is armed"}
	}
	if !r.disarmed.Load() {
		return &protocol.Error{Code: protocol.NotAllowed, Message: "cannot arm: emergency_stop: stopped by mqtt: disarm first"}
	}
	return nil
}

func (r *robot) ArmByHand(who string) error {
	if err := r.Arm(who, false); err != nil {
		return err
	}
	return &protocol.Error{Code: protocol.NotAllowed, Message: "by hand"}
}

func (r *robot) Disarm(string)        { r.disarmed.Store(true) }
func (r *robot) EmergencyStop(string) { r.disarmed.Store(false) }

func (r *robot) Drive(_ context.Context, who, actuator string, value float64, length time.Duration) error {
	if actuator != "wheel" || value != -0.3 || length != 1500*time.Millisecond {
		const unknown = "no such actuator, did you mean wheel?"
		return &protocol.Error{Code: protocol.UnknownActuator, Path: "actuators." + actuator, Message: unknown}
	}
	return nil
}

func (r *robot) Sense(_ context.Context, sensor string, value float64, length time.Duration) error {
	if sensor != "sonar" || value != 0.12 || length != 5*time.Second {
		got := fmt.Sprintf("%g for %v", value, length)
		return &protocol.Error{Code: protocol.UnknownSensor, Path: "sensors." + sensor, Message: got}
	}
	return nil
}

func (r *robot) Zero(_ context.Context, _, sensor string) (float64, error) {
	if sensor != "sonar" {
		return 0, &protocol.Error{Code: protocol.NotAllowed, Path: "sensors." + sensor, Message: "a switch has no zero"}
	}
	return 0.25, nil
}

func (r *robot) Keep(protocol.Revision) error { return nil }

func (r *robot) AddLearnt(context.Context, map[string]protocol.Reading) error { return nil }

// Save succeeds once.
func (r *robot) Save(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.saves++; r.saves > 1 {
		return &protocol.Error{Code: protocol.NotAllowed, Message: "nothing to keep"}
	}
	return nil
}

// Load fails: there is no file.
func (r *robot) Load(context.Context) error { return fmt.Errorf("open weights.flux: no such file") }

func (r *robot) Reset(
	ctx context.Context, who string, paths []string, _ *protocol.Revision,
) (map[string]float64, protocol.Revision, error) {
	return r.Set(ctx, who, map[string]float64{"eye/threshold": 100}, nil)
}

func (r *robot) Reward(_ context.Context, name string, value float64) (int, error) {
	if name != "praise" {
		return 0, &protocol.Error{Code: protocol.UnknownReward, Path: "rewards." + name, Message: "no such reward"}
	}
	return int(2 * value), nil
}

func (r *robot) Stimulate(_ context.Context, trains map[string]protocol.Train) (n int, _ error) {
	for _, t := range trains {
		n += t.Count
	}
	return n, nil
}

func (r *robot) FollowSpikes() bridge.SpikeReader { return r }

func (r *robot) Leave() {}

func (r *robot) Read(to []protocol.Spike) ([]protocol.Spike, uint64) {
	return append(to, protocol.Spike{At: r.spiked.Add(1500), Neuron: 1}), 0
}

func (r *robot) Health() protocol.Health {
	return protocol.Health{
		Safety:  protocol.Safety{State: "armed", Held: map[string][]string{"wheel": {"sensor stale"}}, Stale: []string{"eye"}},
		Uptime:  protocol.Seconds(time.Minute),
		Latency: protocol.Latency{P50: 12, P99: 40, Max: 90},
	}
}

func (r *robot) Sensors() map[string]protocol.Measure {
	return map[string]protocol.Measure{"left_eye": {Value: 412.5, Unit: "lx"}}
}

func (r *robot) TelemetryEvery() time.Duration { return 100 * time.Millisecond }

func (r *robot) Actuators() map[string]protocol.Measure { return nil }

// online runs a robot at the given broker, or at a new one if that is "", and returns when fluxctl can reach it.
func online(t *testing.T, name, broker string) *bridge.Bridge {
	t.Helper()
	if broker == "" {
		broker, _ = openBroker(t)
	}
	b, err := bridge.Start(t.Context(), newRobot().parts(), bridge.Options{
		Robot: name, Broker: broker, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	untilOnline(t, "--broker", b.URL(), "--robot", name, "get")
	return b
}

// patiently makes fluxctl wait as long as these tests do.
const patiently = "--timeout=2m"

// fluxctl runs a command line. It waits patiently unless the line says otherwise.
func fluxctl(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	if args[0] != cobra.ShellCompRequestCmd { // which must be the first argument
		args = append([]string{patiently}, args...)
	}
	var out, problems bytes.Buffer
	code = run(t.Context(), args, &out, &problems)
	return code, out.String(), problems.String()
}

// again runs a command line until the condition holds, with twice the timeout each time. One long wait would not do: a request to
// a robot that has just left, or is not online yet, is lost.
func again(t *testing.T, condition func(code int, problems string) bool, args ...string) (stdout string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for wait := time.Second; ; wait = min(2*wait, patience) {
		code, out, problems := fluxctl(t, append([]string{"--timeout", wait.String()}, args...)...)
		if condition(code, problems) {
			return out
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v ended with %d and printed %q in the end", args, code, problems)
		}
	}
}
