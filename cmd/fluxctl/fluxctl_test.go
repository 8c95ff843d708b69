package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/spf13/cobra"

	"fluxd/bridge"
	"fluxd/bridge/protocol"
)

// patience bounds every wait of these tests. Nothing is expected to take that long.
const patience = 2 * time.Minute

// robot has the parameters eye/threshold and eye/leak, of 1 to 500 mV, and some with paths as those of a real one.
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
	return bridge.Robot{Telemetry: r, Safety: r, Tuner: r, Teacher: r, ByHand: r, Spikes: r}
}

func (r *robot) Describe() protocol.Description {
	return protocol.Description{Parameters: []protocol.Parameter{
		{Path: "eye/threshold", Unit: "mV", Min: 1, Max: 500, Default: 100},
		{Path: "eye/leak", Unit: "mV/s", Min: 1, Max: 500, Default: 2.5},
		{Path: "net.motor_l.threshold", Unit: "units", Min: 1, Max: 500, Default: 100},
		{Path: "net.motor_l.refractory", Unit: "us", Min: 0, Max: 2e6, Default: 1000},
		{Path: "net.motor_r.threshold", Unit: "units", Min: 1, Max: 500, Default: 100},
		{Path: "sensors.sonar.every", Unit: "us", Min: 1000, Max: 2e6, Default: 40000},
	}, Neurons: []protocol.NeuronGroup{{Name: "eye", Count: 1}, {Name: "motor", Count: 1}}, Rewards: []string{"praise"}, Actuators: []protocol.Device{{Name: "wheel"}}, Sensors: []protocol.Device{{Name: "sonar", Unit: "m"}, {Name: "bumper"}}}
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

func (r *robot) Set(_ context.Context, who string, changes map[string]float64, revision *protocol.Revision) (map[string]float64, protocol.Revision, error) {
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
		return &protocol.Error{Code: protocol.UnknownActuator, Path: "actuators." + actuator, Message: "no such actuator, did you mean wheel?"}
	}
	return nil
}

func (r *robot) Sense(_ context.Context, sensor string, value float64, length time.Duration) error {
	if sensor != "sonar" || value != 0.12 || length != 5*time.Second {
		return &protocol.Error{Code: protocol.UnknownSensor, Path: "sensors." + sensor, Message: fmt.Sprintf("%g for %v", value, length)}
	}
	return nil
}

// Save succeeds once.
func (r *robot) Keep(protocol.Revision) error { return nil }

func (r *robot) AddLearnt(context.Context, map[string]protocol.Reading) error { return nil }

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

func (r *robot) Reset(ctx context.Context, who string, paths []string, _ *protocol.Revision) (map[string]float64, protocol.Revision, error) {
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

func (r *robot) Spikes(to []protocol.Spike) ([]protocol.Spike, uint64) {
	return append(to, protocol.Spike{At: r.spiked.Add(1500), Neuron: 1}), 0
}

func (r *robot) Health() protocol.Health {
	return protocol.Health{Safety: protocol.Safety{State: "armed", Held: map[string][]string{"wheel": {"sensor stale"}}, Stale: []string{"eye"}}, Uptime: protocol.Seconds(time.Minute), Latency: protocol.Latency{P50: 12, P99: 40, Max: 90}}
}

func (r *robot) Sensors() map[string]protocol.Measure {
	return map[string]protocol.Measure{"left_eye": {Value: 412.5, Unit: "lx"}}
}

func (r *robot) TelemetryEvery() time.Duration { return 100 * time.Millisecond }

func (r *robot) Actuators() map[string]protocol.Measure { return nil }

// online runs a robot at a broker of this process, or at the given one, and returns when it is there.
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

// patiently has fluxctl wait as long as these tests do, where a machine is busy.
const patiently = "--timeout=2m"

// fluxctl runs a command line. It waits patiently unless the line says otherwise.
func fluxctl(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	if args[0] != cobra.ShellCompRequestCmd { // that has to be the first
		args = append([]string{patiently}, args...)
	}
	var out, problems bytes.Buffer
	code = run(t.Context(), args, &out, &problems)
	return code, out.String(), problems.String()
}

// again runs a command line, with more patience each time, until its end suits. One long wait would not do where the robot may
// have left, or not be there yet: what is asked then is lost.
func again(t *testing.T, suits func(code int, problems string) bool, args ...string) (stdout string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for wait := time.Second; ; wait = min(2*wait, patience) {
		code, out, problems := fluxctl(t, append([]string{"--timeout", wait.String()}, args...)...)
		if suits(code, problems) {
			return out
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v ended with %d and printed %q in the end", args, code, problems)
		}
	}
}

func TestGet(t *testing.T) {
	broker := "--broker=" + online(t, "r1", "").URL()
	code, out, problems := fluxctl(t, broker, "get")
	want := "" +
		"PARAMETER               VALUE      RANGE                 DEFAULT    SET BY\n" +
		"eye/leak                2.5 mV/s   1 mV/s to 500 mV/s    2.5 mV/s   config\n" +
		"eye/threshold           100 mV     1 mV to 500 mV        100 mV     config\n" +
		"net.motor_l.refractory  1 ms       0 us to 2 s           1 ms       config\n" +
		"net.motor_l.threshold   100 units  1 units to 500 units  100 units  config\n" +
		"net.motor_r.threshold   100 units  1 units to 500 units  100 units  config\n" +
		"sensors.sonar.every     40 ms      1 ms to 2 s           40 ms      config\n"
	if code != exitOK || out != want || problems != "" {
		t.Errorf("ended with %d, printed\n%s%s, want\n%s", code, out, problems, want)
	}
	code, out, _ = fluxctl(t, broker, "get", "eye/threshold", "--json")
	var shown shownValues
	if err := json.Unmarshal([]byte(out), &shown); err != nil || code != exitOK {
		t.Fatalf("ended with %d, printed %s: %v", code, out, err)
	}
	if v := shown.Values["eye/threshold"]; len(shown.Values) != 1 || shown.Revision != 0 || v.V != 100 || v.Unit != "mV" || v.Max != 500 {
		t.Errorf("printed %s", out)
	}
}

func TestSet(t *testing.T) {
	broker := "--broker=" + online(t, "r1", "").URL()
	steps := []struct {
		args   []string
		code   int
		stdout string
		stderr string
	}{
		{[]string{"eye/threshold=90mV"}, exitOK, "eye/threshold: 100 mV -> 90 mV\nrevision 1\n", ""},
		{[]string{"eye/threshold", "80 mV"}, exitOK, "eye/threshold: 90 mV -> 80 mV\nrevision 2\n", ""},
		{[]string{"eye/threshold=1e2 mV", "eye/leak=3mV/s"}, exitOK, "eye/leak: 2.5 mV/s -> 3 mV/s\neye/threshold: 80 mV -> 100 mV\nrevision 3\n", ""},
		{[]string{"eye/threshold=7mV", "eye/leak=501mV/s"}, exitRefused, "", "fluxctl: eye/leak: out of range (allowed: 1 mV/s to 500 mV/s)\n"},
		{[]string{"eye/threshold=7mV", "nose=1"}, exitRefused, "", "fluxctl: nose: no such parameter\n"},
		{[]string{"--if-rev=2", "eye/threshold=7mV"}, exitRefused, "", "fluxctl: read again\n"},
		{[]string{"--json", "eye/threshold=501 mV"}, exitRefused, "", "{\n  \"exit\": 1,\n  \"error\": {\n    \"code\": \"out_of_range\",\n    \"path\": \"eye/threshold\",\n    \"min\": 1,\n    \"max\": 500,\n    \"message\": \"out of range\"\n  }\n}\n"},
		{[]string{"--json", "eye/threshold"}, exitUsage, "", "{\n  \"exit\": 2,\n  \"error\": {\n    \"code\": \"usage\",\n    \"message\": \"\\\"eye/threshold\\\": expected path=value\"\n  }\n}\n"},
		{[]string{"--if-rev=3", "--json", "eye/threshold=70mV"}, exitOK, "{\n  \"rev\": 4,\n  \"before\": {\n    \"eye/threshold\": 100\n  },\n  \"applied\": {\n    \"eye/threshold\": 70\n  },\n  \"units\": {\n    \"eye/threshold\": \"mV\"\n  }\n}\n", ""},
		// The first names of a path may be left out, and a value is written as in the robot file.
		{[]string{"refractory=5ms"}, exitOK, "net.motor_l.refractory: 1 ms -> 5 ms\nrevision 5\n", ""},
		{[]string{"motor_r.threshold=90", "sonar.every=0.1 s"}, exitOK, "net.motor_r.threshold: 100 units -> 90 units\nsensors.sonar.every: 40 ms -> 100 ms\nrevision 6\n", ""},
		{[]string{"threshold=90"}, exitUsage, "", "fluxctl: threshold: it may be net.motor_l.threshold or net.motor_r.threshold: type more of it\ntry: fluxctl --help\n"},
		{[]string{"refractory=10"}, exitUsage, "", "fluxctl: net.motor_l.refractory: 10 has no unit: expected a time with its unit, such as 5ms, 250us or 1.5s\ntry: fluxctl --help\n"},
		{[]string{"refractory=10 Hz"}, exitUsage, "", "fluxctl: net.motor_l.refractory: \"10 Hz\": expected a time with its unit, such as 5ms, 250us or 1.5s\ntry: fluxctl --help\n"},
		{[]string{"refractory=3s"}, exitRefused, "", "fluxctl: net.motor_l.refractory: out of range (allowed: 0 us to 2 s)\n"},
		{[]string{"refractory=0"}, exitOK, "net.motor_l.refractory: 5 ms -> 0 us\nrevision 7\n", ""},
		{[]string{"net.motor_l.refractory=1ms", "refractory=2ms"}, exitUsage, "", "fluxctl: net.motor_l.refractory: given twice\ntry: fluxctl --help\n"},
	}
	for _, step := range steps {
		code, out, problems := fluxctl(t, append([]string{broker, "set"}, step.args...)...)
		if code != step.code || out != step.stdout || problems != step.stderr {
			t.Errorf("set %v ended with %d and printed %q and %q, want %d, %q and %q", step.args, code, out, problems, step.code, step.stdout, step.stderr)
		}
	}
}

func TestWrongCalls(t *testing.T) {
	tests := []struct {
		args string
		says string
	}{
		{"dance", "unknown command"},
		{"get --loud", "unknown flag"},
		{"set", "requires at least 1 arg"},
		{"set a", "expected path=value"},
		{"set a=1 b", "expected path=value"},
		{"set =1", "expected path=value"},
		{"set a=high", `expected a number, with its unit as the robot file writes it, such as 5ms, got "high"`},
		{"set a=NaN", "expected a number"},
		{"set a=1e999", "expected a number"},
		{"set a=1 a=2", "given twice"},
		{"watch everything", "unknown command"},
		{"get --broker localhost", "expected a URL with a port"},
		{"get --timeout 0s", "expected more than 0"},
	}
	for _, test := range tests {
		code, out, problems := fluxctl(t, strings.Fields(test.args)...)
		if code != exitUsage || out != "" || !strings.Contains(problems, test.says) {
			t.Errorf("%s ended with %d and printed %q and %q, want %d and something with %q", test.args, code, out, problems, exitUsage, test.says)
		}
	}
}

func TestWhoIsMissing(t *testing.T) {
	url, end := openBroker(t)
	first := online(t, "r1", url)
	broker := "--broker=" + url
	expect := func(says string, args ...string) { // who leaves does not wait until everybody knows
		t.Helper()
		again(t, func(code int, problems string) bool { return code == exitAbsent && strings.Contains(problems, says) }, args...)
	}
	expect(`no robot "r3" at the broker`, broker, "--robot", "r3", "get")

	second := online(t, "r2", url)
	expect("choose with --robot; there are: r1 (online), r2 (online)", broker, "get")
	second.Close()
	expect(`robot "r2" is offline`, broker, "--robot", "r2", "get")
	if code, _, problems := fluxctl(t, broker, "get"); code != exitOK {
		t.Errorf("with one robot online and one offline: ended with %d, %s", code, problems)
	}
	first.Close()
	expect("every robot is offline; there are: r1 (offline), r2 (offline)", broker, "get")
	end()
	expect("is fluxd running?", broker, "get")
}

func TestHelp(t *testing.T) {
	for _, command := range []string{"", "get", "set", "watch"} {
		code, out, _ := fluxctl(t, strings.Fields(command+" --help")...)
		if code != exitOK {
			t.Errorf("%s --help ended with %d", command, code)
		}
		for _, part := range []string{"Examples:", "--broker", "FLUX_BROKER", "--robot", "--timeout", "--json"} {
			if !strings.Contains(out, part) {
				t.Errorf("%s --help does not say %s", command, part)
			}
		}
	}
}

func TestTheBrokerOfTheEnvironment(t *testing.T) {
	t.Setenv("FLUX_BROKER", online(t, "r1", "").URL())
	if code, _, problems := fluxctl(t, "get"); code != exitOK {
		t.Errorf("ended with %d: %s", code, problems)
	}
}

func TestWatchIntoAPipe(t *testing.T) {
	broker := "--broker=" + online(t, "r1", "").URL()
	for _, test := range []struct{ flag, line string }{
		{"--json", `{"topic":"flux/r1/param/eye/threshold","payload":{"v":55,"rev":1,"src":"mqtt"}}`},
		{"--json=false", `param/eye/threshold {"v":55,"rev":1,"src":"mqtt"}`},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		reader, writer := io.Pipe()
		ended := make(chan int, 1)
		go func() {
			ended <- run(ctx, []string{patiently, broker, "watch", test.flag}, writer, io.Discard)
			writer.Close()
		}()
		found, changed := false, false
		for lines := bufio.NewScanner(reader); !found && lines.Scan(); {
			found = lines.Text() == test.line
			if !changed { // it listens
				changed = true
				if code, _, problems := fluxctl(t, broker, "set", "eye/threshold=55mV"); code != exitOK {
					t.Fatal(problems)
				}
			}
		}
		if !found {
			t.Errorf("watch %s did not show the change", test.flag)
		}
		cancel()
		go io.Copy(io.Discard, reader)
		if code := <-ended; code != exitOK {
			t.Errorf("watch ended with %d after ctrl-C", code)
		}
		if test.flag == "--json" { // the same again for the other one
			broker = "--broker=" + online(t, "r1", "").URL()
		}
	}
}

func TestEmergencyStopDisarmAndArm(t *testing.T) {
	broker := "--broker=" + online(t, "r1", "").URL()
	for _, c := range []struct {
		verb string
		code int
		says string
	}{
		{"estop", exitOK, "stopped\n"},
		{"arm", exitRefused, "cannot arm: emergency_stop"},
		{"disarm", exitOK, "disarmed\n"},
		{"arm", exitOK, "armed\n"},
		{"arm --by-hand", exitRefused, "by hand"},
	} {
		code, out, problems := fluxctl(t, append([]string{broker}, strings.Fields(c.verb)...)...)
		if code != c.code || !strings.Contains(out+problems, c.says) {
			t.Errorf("%s: %d, %q, %q", c.verb, code, out, problems)
		}
	}
}

func TestSave(t *testing.T) {
	broker := "--broker=" + online(t, "r1", "").URL()
	if code, out, problems := fluxctl(t, broker, "save"); code != exitOK || out != "saved\n" {
		t.Errorf("ended with %d, printed %s%s", code, out, problems)
	}
	if code, _, problems := fluxctl(t, broker, "save"); code != exitRefused || !strings.Contains(problems, "nothing to keep") {
		t.Errorf("refused, and ended with %d: %s", code, problems)
	}
}

// What makes spikes says how many; a mistake says what is expected.
func TestRewardStimulateResetLoad(t *testing.T) {
	b := online(t, "rover", "")
	for _, c := range []struct {
		args         []string
		code         int
		says, errors string
	}{
		{[]string{"reward", "praise", "3"}, exitOK, "6 spikes\n", ""},
		{[]string{"reward", "prize", "3"}, exitRefused, "", "rewards.prize: no such reward"},
		{[]string{"reward", "praise", "much"}, exitUsage, "", "expected a number"},
		{[]string{"stimulate", "eye=5@2ms", "motor"}, exitOK, "6 spikes\n", ""},
		{[]string{"stimulate", "eye=0"}, exitUsage, "", "count of 1 to 1000"},
		{[]string{"stimulate", "eye=5@2h"}, exitUsage, "", "1us to 1s"},
		{[]string{"reset"}, exitOK, "eye/threshold: 100 mV\nrevision 1\n", ""},
		{[]string{"load"}, exitRefused, "", "no such file"},
		{[]string{"drive", "wheel", "--for", "1.5s", "--", "-0.3"}, exitOK, "wheel at -0.3 for 1.5s; the network commands nothing until fluxctl arm\n", ""},
		{[]string{"sense", "sonar", "12 cm"}, exitOK, "sonar reads 0.12 m for 5s\n", ""},
		{[]string{"sense", "sonar", "12"}, exitUsage, "", "12 has no unit: expected a number with its unit, such as 5 m"},
		{[]string{"sense", "sonar", "12cm", "--for", "2m"}, exitUsage, "", "--for 2m0s: expected 1ms to 1m0s"},
		{[]string{"sense", "bumper", "1", "--for", "1s"}, exitRefused, "", "sensors.bumper: 1 for 1s"},
		{[]string{"sense", "emergency_stop", "1"}, exitRefused, "", "sensors.emergency_stop: 1 for 5s"},
		{[]string{"drive", "weel", "1"}, exitRefused, "", "actuators.weel: no such actuator, did you mean wheel?"},
		{[]string{"drive", "wheel", "1", "--for", "11s"}, exitUsage, "", "--for 11s: expected 1ms to 10s"},
		{[]string{"drive", "wheel", "fast"}, exitUsage, "", `"fast": expected a number`},
		{[]string{"drive", "wheel", "-0.3"}, exitUsage, "", "stands behind --"},
	} {
		code, out, problems := fluxctl(t, append([]string{"--broker", b.URL()}, c.args...)...)
		if code != c.code || out != c.says || !strings.Contains(problems, c.errors) {
			t.Errorf("%v: %d %q %q, want %d %q %q", c.args, code, out, problems, c.code, c.says, c.errors)
		}
	}
}

// The shell completes the names of the robot that is there, and none without one.
func TestCompletion(t *testing.T) {
	b := online(t, "rover", "")
	for typed, want := range map[string]string{"get eye/": "eye/leak\neye/threshold\n", "stimulate m": "motor\n", "reward ": "praise\n", "drive w": "wheel\n", "sense s": "sonar\n", "set net.motor_l": "net.motor_l.refractory\nnet.motor_l.threshold\n", "reset x": ""} {
		verb, prefix, _ := strings.Cut(typed, " ")
		for deadline := time.Now().Add(patience); ; { // a shell is not kept waiting for long: a busy machine may be too late
			_, out, _ := fluxctl(t, cobra.ShellCompRequestCmd, "--broker", b.URL(), verb, prefix)
			names, _, _ := strings.Cut(out, ":")
			if names == want {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: %q, want %q", typed, names, want)
			}
		}
	}
}

// Spikes come as lines of time and neuron while somebody looks.
func TestSpikesAsLines(t *testing.T) {
	b := online(t, "rover", "")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	reader, writer := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{patiently, "--broker", b.URL(), "spikes", "--json"}, writer, io.Discard)
		writer.Close()
	}()
	lines := bufio.NewScanner(reader)
	for range 3 {
		if !lines.Scan() {
			t.Fatal("no spikes")
		}
		var one struct {
			At     int64 `json:"at_us"`
			Neuron string
		}
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil || one.Neuron != "motor" || one.At%1500 != 0 {
			t.Fatalf("%s: %v", lines.Bytes(), err)
		}
	}
	cancel()
	go io.Copy(io.Discard, reader)
	if code := <-ended; code != exitOK {
		t.Errorf("ended with %d", code)
	}
}

// An emergency stop goes out even to a robot that is said to be offline: the broker may be wrong.
func TestAnEmergencyStopIsSentWhateverTheStatusSays(t *testing.T) {
	url, _ := openBroker(t)
	broker := "--broker=" + url
	online(t, "host", url)
	ghost := newStranger(t, url)
	stops := make(chan struct{}, 100)
	ghost.retain("flux/ghost/status", `{"state":"offline"}`)
	ghost.wait(ghost.Subscribe("flux/ghost/req/estop", 1, func(paho.Client, paho.Message) { stops <- struct{}{} }))
	again(t, func(code int, problems string) bool {
		return code == exitAbsent && strings.Contains(problems, "did not answer")
	}, broker, "estop", "--robot", "ghost")
	select {
	case <-stops:
	case <-time.After(patience):
		t.Error("no stop was sent")
	}
}

// What cannot be written is told, since a recording would look complete; who reads no more knows it.
func TestOutputThatCannotBeWritten(t *testing.T) {
	broker := "--broker=" + online(t, "r1", "").URL()
	for failing, want := range map[error]int{syscall.ENOSPC: exitUnsaid, syscall.EPIPE: exitOK} {
		for _, command := range [][]string{{"get"}, {"watch"}} {
			var problems bytes.Buffer
			code := run(t.Context(), append(command, broker, patiently), brokenWriter{failing}, &problems)
			if code != want || failing == syscall.ENOSPC && !strings.Contains(problems.String(), "cannot be written: write /dev/stdout: no space left") {
				t.Errorf("%v, %v: ended with %d: %s", command, failing, code, &problems)
			}
		}
	}
}

// Every command that has something to print says when it cannot, with --json and without, and so does every page of help. A new
// command needs a line here.
func TestNoOutputIsLostWithoutAWord(t *testing.T) {
	broker := "--broker=" + online(t, "r1", "").URL()
	passwords := filepath.Join(t.TempDir(), "passwords")
	lines := map[string]string{
		"get": "get", "set": "set refractory=5ms", "reset": "reset", "reward": "reward praise 1", "stimulate": "stimulate eye", "spikes": "spikes", "load": "load", "save": "save",
		"arm": "arm", "disarm": "disarm", "estop": "estop", "watch": "watch", "drive": "drive wheel --for 1.5s -- -0.3", "sense": "sense sonar 12cm", "passwd": "passwd " + passwords + " ann --json",
		"completion": "completion bash", "help": "help get",
	}
	broken := func(args ...string) (int, string) {
		var problems bytes.Buffer
		code := run(t.Context(), args, brokenWriter{syscall.ENOSPC}, &problems)
		return code, problems.String()
	}
	root := command(io.Discard)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd("get")
	for _, c := range root.Commands() {
		if code, problems := broken(c.Name(), "--help"); code != exitUnsaid || !strings.Contains(problems, "cannot be written: write /dev/stdout: no space left") {
			t.Errorf("%s --help: ended with %d: %s", c.Name(), code, problems)
		}
		line, known := lines[c.Name()]
		if !known {
			t.Errorf("%s: no line in this test", c.Name())
			continue
		}
		switch c.Name() {
		case "load": // which is refused, and that is what counts
			if code, problems := broken(append([]string{broker, patiently}, strings.Fields(line)...)...); code != exitRefused || strings.Contains(problems, "it was done") {
				t.Errorf("%s: ended with %d: %s", line, code, problems)
			}
			continue
		case "arm": // only after a disarm
			if code, _, problems := fluxctl(t, broker, "disarm"); code != exitOK {
				t.Fatal(problems)
			}
		case "passwd":
			file, err := os.Create(filepath.Join(t.TempDir(), "secret"))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			if _, err := file.WriteString("a secret\n"); err != nil {
				t.Fatal(err)
			}
			if _, err := file.Seek(0, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			stdin := os.Stdin
			os.Stdin = file
			defer func() { os.Stdin = stdin }()
		case "help", "completion":
			if code, problems := broken(strings.Fields(line)...); code != exitUnsaid || !strings.Contains(problems, "cannot be written: write /dev/stdout: no space left") {
				t.Errorf("%s: ended with %d: %s", line, code, problems)
			}
			continue
		}
		for _, json := range []string{"--json", "--json=false"} {
			if c.Name() == "passwd" && json != "--json" {
				continue // it prints nothing
			}
			if c.Name() == "save" && json != "--json" {
				continue // the robot of these tests saves once
			}
			if code, problems := broken(append([]string{broker, patiently, json}, strings.Fields(line)...)...); code != exitUnsaid || !strings.Contains(problems, "cannot be written: write /dev/stdout: no space left") {
				t.Errorf("%s %s: ended with %d: %s", json, line, code, problems)
			}
		}
	}
}

// brokenWriter fails like a file: each time with another error of the same kind.
type brokenWriter struct{ error }

func (w brokenWriter) Write([]byte) (int, error) {
	return 0, &fs.PathError{Op: "write", Path: "/dev/stdout", Err: w.error}
}

// With --json errors are JSON, whatever is wrong with the line and wherever the flag stands; a password is in none.
func TestErrorsOfLines(t *testing.T) {
	for _, args := range [][]string{{"get", "--nosuch", "--json"}, {"--json", "nosuch"}, {"nosuch", "--json"}, {"get", "--timeout", "x", "--json"}, {"set", "--if-rev", "-1", "a=1", "--json"},
		{"get", "--json", "--broker", "ssl://pat:se/cret#99%@localhost:8893"}, {"get", "--json", "--broker", "pat:se/cret#99%@localhost:8893"}} {
		code, _, says := fluxctl(t, args...)
		var e shownError
		if code != exitUsage || json.Unmarshal([]byte(says), &e) != nil || e.Error.Code != "usage" || strings.Contains(says, "cret") {
			t.Errorf("%v: %d, %s", args, code, says)
		}
	}
	if _, _, says := fluxctl(t, "reward", "praise", "-1"); !strings.Contains(says, "stands behind --") {
		t.Error(says)
	}
	broker := "--broker=" + online(t, "r1", "").URL()
	if code, _, says := fluxctl(t, append([]string{broker, "get"}, slices.Repeat([]string{"network.neurons.eye_l.threshold"}, 3000)...)...); code != exitUsage || !strings.Contains(says, "expected at most 65536") {
		t.Errorf("a request that is too long: %d, %s", code, says)
	}
}

// What a large population had before a change is shown as a whole, whichever way it was asked for.
func TestWhatPopulationsHadBefore(t *testing.T) {
	three := 3.0
	for _, test := range []struct {
		values map[string]protocol.Reading
		path   string
		want   string
	}{
		{map[string]protocol.Reading{"eye.threshold": {Value: protocol.Value{V: 1}}}, "eye.threshold", "1"},
		{map[string]protocol.Reading{"wall[*].threshold": {Value: protocol.Value{V: 1, To: &three}}}, "wall[*].threshold", "1 to 3"},
		{map[string]protocol.Reading{"wall[0].threshold": {Value: protocol.Value{V: 2}}, "wall[1].threshold": {Value: protocol.Value{V: 2}}}, "wall[*].threshold", "2"},
		{map[string]protocol.Reading{"wall[0].threshold": {Value: protocol.Value{V: 2}}, "wall[1].threshold": {Value: protocol.Value{V: 1}}, "wall[2].threshold": {Value: protocol.Value{V: 2}}}, "wall[*].threshold", "1 to 2"},
		{map[string]protocol.Reading{"wall[0].threshold": {Value: protocol.Value{V: 2}}, "wall[1].threshold": {Value: protocol.Value{V: 1}}}, "wall[0].threshold", "2"},
	} {
		if got := span(previous(test.values)[test.path], ""); got != test.want {
			t.Errorf("%v: %s, want %s", test.values, got, test.want)
		}
	}
}
