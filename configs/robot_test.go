package configs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/actuators"
	"fluxd/boards/sim/worlds"
	"fluxd/configs/links"
	"fluxd/encoders"
	"fluxd/sensors"
)

func ExampleLoad() {
	robot, err := Load("lightseeker")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range robot.Sensors {
		fmt.Println(s.Name, s.Value.Device, "feeds", s.Value.Encode.To)
	}
	// Output:
	// left_eye bh1750 feeds eye_l
	// right_eye bh1750 feeds eye_r
	// bumper button feeds pain
}

func ExampleParse() {
	_, err := Parse("robot.yaml", []byte(`robot: walker
board: {kind: sim}
network:
  neurons:
    eye: {habituation: {rate: 1, recovry: 20}}
    leg: {refractory: 5}
`), nil)
	fmt.Println(err)
	// Output:
	// robot.yaml:5:34: network.neurons.eye.habituation.recovry: unknown key (did you mean recovery?); known are rate, max, recovery
	// robot.yaml:6:23: network.neurons.leg.refractory: "5": expected a time with its unit, such as 5ms, 250us or 1.5s
}

// Every example is valid, and its first line says what it is about.
func TestExamples(t *testing.T) {
	var names []string
	for _, e := range Examples() {
		names = append(names, e.Name)
		robot, err := Load(e.Name)
		if err != nil {
			t.Errorf("%s: %v", e.Name, err)
			continue
		}
		if e.About == "" || strings.ContainsAny(e.About, "#\r\n") {
			t.Errorf("%s: about %q: expected one line of text", e.Name, e.About)
		}
		if robot.Source != e.Name || robot.Files == nil {
			t.Errorf("%s: source %q, files %v", e.Name, robot.Source, robot.Files)
		}
	}
	for _, name := range []string{"lightseeker", "wallfollow", "hexapod", "cartpole", "cartpole48", "balancer"} {
		if !slices.Contains(names, name) {
			t.Errorf("no example %s among %v", name, names)
		}
	}
}

// The values of a file arrive in the types that the daemon reads, in their units.
func TestValuesArrive(t *testing.T) {
	data, err := os.ReadFile("testdata/good/everything.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Parse("everything.yaml", data, recordings)
	if err != nil {
		t.Fatal(err)
	}
	weight := 30.0
	eye := Sensor{Device: "bh1750", Every: 180 * time.Millisecond,
		Options: &sensors.BH1750Opts{OnBus: sensors.OnBus{Bus: "I2C1", Address: 0x23}, Resolution: "high2"},
		Encode: Encode{Kind: "rate", To: Targets{"a"}, Weight: &weight, Options: &encoders.RateOpts{
			Range: [2]encoders.Amount{{Micro: 0, Unit: "lx"}, {Micro: 2_000_000_000, Unit: "lx"}},
			Max:   200 * physic.Hertz, Every: 180 * time.Millisecond}}}
	slew := actuators.Slew(4_000_000)
	eye.Stale = 900 * time.Millisecond // five readings
	wheel := Actuator{Device: "hbridge",
		Options: &actuators.HBridgeOpts{
			PWM: "GPIO12", Direction: "GPIO5", Frequency: physic.KiloHertz, Inverted: true, Stop: "coast"},
		CommonOpts: actuators.CommonOpts{Slew: &slew, Range: &[2]actuators.Command{-500_000, 1_000_000}, Failsafe: 250_000,
			Timeout: time.Second, Lowest: -actuators.Full},
		Decode: Decode{Kind: "push-pull", Options: &encoders.PushPullOpts{
			Window: 200 * time.Millisecond, Forward: "a", Backward: "b", Full: 60 * physic.Hertz}}}
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"name", r.Name, "every-thing_9"},
		{"board", r.Board.World, "arena"},
		{"world", r.Board.Options.(*worlds.FloorOpts).Collision, "stop"},
		{"sensor", r.Sensors[0], Named[Sensor]{Name: "eye", Line: 5, Value: eye}},
		{"address in decimal", r.Sensors[1].Value.Options.(*sensors.BH1750Opts).Address, uint16(0x5c)},
		{"debounce", r.Sensors[2].Value.Options.(*sensors.ButtonOpts).Debounce, 1500 * time.Microsecond},
		{"glitch", r.Sensors[2].Value.Options.(*sensors.ButtonOpts).Glitch, 200 * time.Microsecond},
		{"button", r.Sensors[2].Value.Encode, Encode{Kind: "edge", To: Targets{"b"}, Options: &encoders.EdgeOpts{On: "both"}}},
		{"rate becomes every", r.Sensors[3].Value.Every, 111_111 * time.Microsecond},
		{"range in the sensor's unit", r.Sensors[3].Value.Encode.Options.(*encoders.LatencyOpts).Range,
			[2]encoders.Amount{{Micro: 5_000, Unit: "m"}, {Micro: 5_000_000, Unit: "m"}}},
		{"below in the recording's unit", *r.Sensors[4].Value.Encode.Options.(*encoders.ThresholdOpts).Below,
			encoders.Amount{Micro: 90_000_000, Unit: "cm"}},
		{"loop", r.Sensors[3].Value.Options.(*sensors.LogOpts).Loop, true},
		{"wheel", r.Actuators[0].Value, wheel},
		{"rudder", r.Actuators[1].Value.Options.(*actuators.ServoOpts).Max, 2500 * time.Microsecond},
		{"choices", r.Actuators[2].Value.Decode.Options.(*encoders.WinnerTakeAllOpts).Choices, []encoders.Named[encoders.Choice]{
			{Name: "a", Line: 23, Value: encoders.Choice{Word: "go"}}, {Name: "b", Line: 23, Value: encoders.Choice{Word: "stay"}}}},
		{"mqtt", r.MQTT, links.MQTT{Broker: "ssl://host:8883", Listen: "127.0.0.1:1883", Clients: 64, User: "me",
			PasswordFile: "/run/secrets/mqtt", Telemetry: 10_000_000}},
		{"compare", *r.Compare, Compare{Actuator: "command", File: "run.csv", Column: "OUTPUT", Every: 100 * time.Millisecond}},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: got %+v, expected %+v", c.what, c.got, c.want)
		}
	}
	neurons := r.Written.Neurons
	if got := []string{neurons[0].Name, neurons[1].Name, neurons[2].Name}; !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("neurons %v: expected the file's order", got)
	}
	if b := neurons[1].Value; b.Threshold != 50 || b.Leak != 0 || b.Floor != -20 || b.Refractory != 5*time.Millisecond {
		t.Errorf("merged neuron %+v: expected its own leak and the rest of the anchor", b)
	}
	if c := neurons[2].Value; c.Threshold != 100 || c.Leak != 1000 || c.Floor != 0 || c.Refractory != time.Millisecond {
		t.Errorf("neuron %+v: expected the defaults", c)
	}
	synapses := r.Written.Synapses
	if s := synapses[0]; s.Line != 16 || s.From != "a" || s.To != "b" || s.Kind != "direct" || s.Weight.Low != -3.5 ||
		s.Weight.High != -3.5 || s.Delay.Low != 250*time.Microsecond {
		t.Errorf("synapse %+v", s)
	}
	if s := synapses[1]; s.Line != 17 || s.Kind != "electric" || s.Weight.Low != 0 || s.Delay.Low != time.Millisecond {
		t.Errorf("synapse %+v", s)
	}
}

func TestDefaults(t *testing.T) {
	r, err := Parse("test", []byte("robot: r\nboard: {kind: sim}\nnetwork: {neurons: {a: }}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Board.World != "none" || r.MQTT.Broker != "embedded" || r.MQTT.Listen != "127.0.0.1:1883" || r.Compare != nil {
		t.Errorf("board %+v, mqtt %+v, compare %v", r.Board, r.MQTT, r.Compare)
	}
}

// A robot file finds the data files in its own folder. A name that cannot be loaded is refused with suggestions.
func TestLoadFile(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("run.csv", "S1\n1\n")
	log := "robot: r\nboard: {kind: sim}\nsensors: {s: {device: log, file: run.csv, column: S1, rate: 9 Hz, " +
		"encode: {kind: latency, range: [0, 5], window: 9ms, to: a}}}\nnetwork: {neurons: {a: {}}}\n"
	if _, err := Load(write("robot.yaml", log)); err != nil {
		t.Error(err)
	}
	for _, c := range []struct{ name, want string }{
		{filepath.Join(folder, "none.yaml"), "lightseeker"},
		{"lightsekr", "did you mean lightseeker?"},
		{folder, "directory"},
		{write("latin1.yaml", "robot: r\xe9\n"), "not YAML"},
		{write("large.yaml", strings.Repeat("#", MaxSize+1)), fmt.Sprintf("at most %d MiB", MaxSize>>20)},
	} {
		_, err := Load(c.name)
		var all Errors
		if !errors.As(err, &all) || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(c.want)) {
			t.Errorf("%s: %v: expected Errors that name %q", c.name, err, c.want)
		}
	}
}

func TestErrorsCanBeTakenApart(t *testing.T) {
	_, err := Parse("test", []byte("robot: r\nboard: {kind: sim}\nnetwork: {neurons: {a: {leak: x}}}\n"), nil)
	var one *Error
	if !errors.As(err, &one) || one.Source != "test" || one.Line != 3 || one.Column != 31 || one.Path != "network.neurons.a.leak" {
		t.Errorf("%+v", one)
	}
}

// A small file that expands to a large one, and a large file full of mistakes, are refused quickly.
func TestHostileFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("many files")
	}
	const head = "robot: r\nboard: {kind: sim}\n"
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for _, c := range []struct{ name, text, want string }{
		{"merges of merges", head + "x: &x {" + many(3000, "k%d: 1, ") + "}\nnetwork: {neurons: {<<: [" + strings.Repeat("*x, ", 3000) +
			"]}}\n", "expected fewer values"},
		{"aliases of aliases", head + "network: {neurons: {a: {}}}\nactuators:\n" +
			"  a0: &a {device: label, decode: &d {kind: winner-take-all, window: 9ms, choices: {" + many(3000, "k%d: w, ") + "}}}\n" +
			many(3000, "  b%d: *a\n"),
			"expected fewer values"},
		{"an anchor within itself", head + "network: &n {neurons: &m {a: {<<: [*n, *m]}, <<: [*m, *m, *m]}}\n", "levels"},
		{"deep", head + "network: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "\n", "expected a mapping"},
		{"deeper than the library goes", strings.Repeat("[", 100_000), "not YAML"},
		{"wrong throughout", head + "network:\n  neurons: {" + many(20_000, "n%d: {}, ") + "}\n  synapses:\n" +
			many(20_000, "  - {from: nn%d, to: n1, weight: 1}\n"), "more than 100 mistakes"},
		{"unknown keys throughout", head + "network: {neurons: {a: {}}}\n" + many(20_000, "key%d: 1\n"), "more than 100 mistakes"},
		{"too many devices", head + "network: {neurons: {a: {}}}\nactuators: {" +
			many(maxDevices+1, "l%d: {device: label, decode: {kind: winner-take-all, window: 9ms, choices: {a: go}}}, ") + "}\n",
			"actuators: 10001: expected at most 10000"},
		{"no files at all", head + "network: {neurons: {a: {}}}\ncompare: {actuator: x, file: x, column: x, rate: 9 Hz}\n",
			"does not exist"},
	} {
		robot, err := Parse("test", []byte(c.text), nil)
		if robot != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %.300v: expected an error that says %q", c.name, err, c.want)
		}
	}
}

// A large network is accepted.
func TestLargeNetwork(t *testing.T) {
	var b strings.Builder
	b.WriteString("robot: r\nboard: {kind: sim}\nnetwork:\n  neurons:\n")
	for i := range 2_000 {
		fmt.Fprintf(&b, "    n%d: {}\n", i)
	}
	b.WriteString("  synapses:\n")
	for i := range 20_000 {
		fmt.Fprintf(&b, "    - {from: n%d, to: n%d, weight: 1}\n", i%2000, i*7%2000)
	}
	r, err := Parse("test", []byte(b.String()), fstest.MapFS{})
	if err != nil || len(r.Written.Synapses) != 20_000 {
		t.Fatal(err)
	}
}
