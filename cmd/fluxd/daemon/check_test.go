package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"fluxd/configs"
)

// tables are recordings with everything that may be wrong with a column.
var tables = fstest.MapFS{
	"run.csv":    {Data: []byte("t,d,word,bad,twice,twice,late\n0,0.5,go,1,1,1,0\n0.02,2,stay,x,1,1,5\n0.05,1,go,3,1,1,4\n")},
	"ragged.csv": {Data: []byte("t,d\n0,0.5\n1,2,3\n")},
	"bare.csv":   {Data: []byte("0,0.5\n1,2\n")},
	"empty.csv":  {Data: nil},
}

// Check gives the place in the robot file, and the place in the data file if the mistake is there.
func TestCheckFindsWhatOnlyTheFilesShow(t *testing.T) {
	const head = "robot: r\nboard: {kind: BOARD}\nmqtt: {broker: none}\nnetwork: {neurons: {a: {}}}\n"
	const log = head + "sensors:\n  s: {device: log, encode: {kind: latency, range: [0, 5], window: 9ms, to: a}, rate: 9 Hz, "
	const label = head + "actuators:\n  l: {device: label, decode: {kind: winner-take-all, window: 9ms, choices: {a: go}}}\n" +
		"compare: {actuator: l, "
	for _, c := range []struct{ story, text, want string }{
		{"a missing column", log + "file: run.csv, column: e}",
			"test.yaml:6:115: sensors.s.column: log: run.csv:1: expected one of the columns t, d, word, bad, " +
				"twice, twice, late, got \"e\""},
		{"a bad cell", log + "file: run.csv, column: bad}", "sensors.s.column: log: run.csv:3: column bad: expected a decimal number"},
		{"a doubled name", log + "file: run.csv, column: twice}", "sensors.s.column: log: run.csv:1: columns 5 and 6"},
		{"a ragged row", log + "file: ragged.csv, column: d}", "test.yaml:6:98: sensors.s.file: ragged.csv:3: expected 2 columns"},
		{"no header", log + "file: bare.csv, column: d}", "sensors.s.file: bare.csv:1: expected a header line"},
		{"an empty file", log + "file: empty.csv, column: d}", "sensors.s.file: empty.csv:1: "},
		{"times that go back", log + "file: run.csv, column: d, time: {column: late, unit: s}}",
			"sensors.s.time: run.csv:4: column late: "},
		{"times of another kind", log + "file: run.csv, column: d, time: {column: t, unit: iso8601}}",
			"sensors.s.time: run.csv:2: column t: expected a date"},
		{"compared with a missing column", label + "file: run.csv, column: e, rate: 9 Hz}",
			"test.yaml:7:47: compare.column: run.csv:1: "},
		{"compared at invalid times", label + "file: run.csv, column: word, time: {column: word, unit: s}}",
			"compare.time: run.csv:2: column word: "},
		{"compared with a ragged file", label + "file: ragged.csv, column: d, rate: 9 Hz}", "compare.file: ragged.csv:3: "},
	} {
		for _, board := range []string{"sim", "raspberrypi", "linux", "auto"} {
			config := parse(t, strings.Replace(c.text, "BOARD", board, 1), tables)
			_, err := Check(config)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s, board %s: %v, expected %q", c.story, board, err, c.want)
			}
			if board != "sim" {
				continue
			}
			if _, err := NewSimulation(config, 1, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, simulated: %v, expected %q", c.story, err, c.want)
			}
		}
	}
}

// Which buses a real board has is known only there.
func TestCheckDoesNotCheckTheBusesOfARealBoard(t *testing.T) {
	const text = "robot: r\nboard: {kind: %s}\nmqtt: {broker: none}\nnetwork: {neurons: {a: {}}}\nsensors:\n" +
		"  s: {device: bh1750, bus: I2C7, address: 0x23, every: 40ms, encode: {kind: delta, step: 1 lx, to: a}}\n"
	for _, board := range []string{"raspberrypi", "linux"} {
		if _, err := Check(parse(t, fmt.Sprintf(text, board), nil)); err != nil {
			t.Errorf("%s: %v", board, err)
		}
	}
}

// A world takes the robot at its pins, whichever they are. An actuator that moves nothing there is a warning.
func TestCheckWarnsOfWhatMovesNothing(t *testing.T) {
	seeker := func(world string, swap ...string) *configs.Robot {
		text := strings.NewReplacer(append([]string{"WORLD", world}, swap...)...).Replace(`robot: r
board: {kind: sim, world: WORLD}
sensors:
  eye: {device: bh1750, bus: I2C1, address: 0x23, every: 40ms, encode: {kind: delta, step: 1 lx, to: a}}
  bumper: {device: button, pin: GPIO17, encode: {kind: edge, to: a}}
network: {neurons: {a: {}}}
actuators:
  left_wheel: {device: hbridge, pwm: GPIO13, direction: GPIO6, decode: {kind: count, neuron: a, window: 20ms}}
  right: {device: hbridge, pwm: GPIO12, direction: GPIO5, decode: {kind: count, neuron: a, window: 20ms}}
body: {actuators: {right: right_wheel}}
safety: {emergency_stop: {pin: GPIO26}}
mqtt: {broker: none}
`)
		return parse(t, text, nil)
	}
	for _, c := range []struct {
		story  string
		config *configs.Robot
		want   []string
	}{
		{"as it is", seeker("arena"), nil},
		{"other pins and buses", seeker("arena", "0x23", "0x5c", "I2C1", "I2C0", "GPIO17", "GPIO27", "GPIO13", "GPIO19"), nil},
		{"a wheel of which the body says nothing", seeker("arena", "left_wheel: {", "left: {"), []string{
			"test.yaml:8:9: actuators.left: it moves nothing in the world: body.actuators.left says what it moves: " +
				"left_wheel, right_wheel, or nothing"}},
		{"a wheel that is not there", seeker("arena", "  left_wheel: {", "  # left_wheel: {"), []string{
			"test.yaml:2:27: board.world: no actuator moves the left_wheel: body.actuators names the one that does"}},
		{"no world", seeker("none"), []string{"test.yaml:4:45: sensors.eye.address: nothing answers at I2C1 0x23", "world: table"}},
		{"a range sensor without a world", seeker("none", "bh1750, bus: I2C1, address: 0x23", "hcsr04, trigger: GPIO23, echo: GPIO24",
			"1 lx", "1 m"), []string{"sensors.eye.trigger: nothing answers at GPIO23"}},
		{"a table has everything", seeker("table", "I2C1", "I2C0"), nil},
	} {
		warnings, err := Check(c.config)
		if err != nil || (len(warnings) == 0) != (c.want == nil) {
			t.Errorf("%s: %v, %v", c.story, warnings, err)
		}
		for _, want := range c.want {
			if !strings.Contains(warnings.Error(), want) {
				t.Errorf("%s: %v, expected %q", c.story, warnings, want)
			}
		}
	}
}

// someRobot draws a robot from fragments, many of which do not go together.
func someRobot() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		of := func(label string, choices ...string) string { return rapid.SampledFrom(choices).Draw(t, label) }
		list := func(label string, most int, one func(i int) string) string {
			text := ""
			for i := range rapid.IntRange(0, most).Draw(t, label) {
				text += one(i)
			}
			return text
		}
		every := func() string { return of("every", "1ms", "2ms", "20ms", "40ms", "60ms", "1s") }
		pin := func() string {
			return of("pin", "GPIO2", "GPIO4", "GPIO5", "GPIO6", "GPIO12", "GPIO13", "GPIO17", "GPIO18", "GPIO19", "GPIO22", "GPIO27",
				"P1_40", "e/0", "e/15", "m/A0", "m/B7")
		}
		bus := func() string { return of("bus", "I2C1", "I2C1", "I2C0", "1", "I2C7") }
		unit := ""
		code := func() string {
			weight := of("weight", "", "weight: 5, ", "weight: -1e-3, ", "weight: 1e6, ")
			return "encode: {" + weight + "to: a, " + of("code",
				"kind: rate, range: [0 UNIT, 5 UNIT], max: "+of("max", "50 Hz", "20 kHz", "1 MHz", "0.001 Hz", "1000 MHz"),
				"kind: phase, range: [5 UNIT, 0 UNIT], share: 1, period: "+of("period", "1us", "9ms", "1h"),
				"kind: latency, range: [-1 UNIT, 5 UNIT], window: "+of("window", "1us", "9ms", "1h"),
				"kind: edge, on: "+of("on", "press", "both"),
				"kind: delta, step: 0.000001 UNIT",
				"kind: threshold, above: 1000000 UNIT, hysteresis: 2 UNIT",
				"kind: threshold, below: 1 UNIT, repeat: true") + "}"
		}
		sensor := func(i int) string {
			device := of("sensor",
				"lx|device: bh1750, bus: BUS, address: 0x23, every: EVERY",
				"m|device: hcsr04, trigger: PIN, echo: PIN, every: EVERY"+of("echo", "", ", no_echo: fault"),
				"V|device: ads1115, bus: BUS, address: 0x48, measure: a0, full_scale: 6.144 V, every: EVERY",
				"A|device: ina219, bus: BUS, address: 0x41, measure: current, shunt: "+of("shunt", "0.001 ohm", "0.1 ohm", "100 ohm")+
					", max_current: "+of("amperes", "0.001 A", "3.2 A", "400 A")+", every: EVERY",
				"m/s²|device: mpu6050, bus: BUS, address: 0x68, measure: accel_x, every: EVERY",
				"°C|device: bme280, bus: BUS, address: 0x76, measure: temperature, every: EVERY",
				"|device: button, pin: PIN"+of("asked", "", ", every: EVERY"),
				"|device: pir, pin: PIN, glitch: "+of("glitch", "0s", "3ms", "1h"),
				"m|device: quadrature, a: PIN, b: PIN, unit: m, counts: "+of("counts", "1", "0.5", "20000", "1e9")+
					", measure: "+of("measure", "position", "speed")+of("asked", "", ", every: EVERY"),
				"|device: linearray, pins: [PIN, PIN], measure: position, every: EVERY",
				"|device: hx711, clock: PIN, data: PIN, every: EVERY",
				"m|device: vl53l0x, bus: BUS, every: EVERY",
				"m|device: log, file: "+of("file", "run.csv", "run.csv", "ragged.csv", "bare.csv", "none.csv")+
					", column: "+of("column", "d", "d", "word", "bad", "twice")+", unit: m"+
					of("times", ", rate: 9 Hz", ", every: EVERY", ", every: EVERY, time: {column: t, unit: s}",
						", every: 1ms, time: {column: t, unit: ms}", ", time: {column: late, unit: s}, rate: 50 Hz")+
					of("loop", "", ", loop: true"))
			unit, device, _ = strings.Cut(device, "|")
			device += of("curve", "", "", ", curve: [[0 UNIT, 0 UNIT], [1 UNIT, 5 UNIT]]") + of("median", "", "", ", median: 5")
			text := fmt.Sprintf("  s%d: {%s, %s}\n", i, device, code())
			for strings.Contains(text, "PIN") {
				text = strings.Replace(text, "PIN", pin(), 1)
			}
			return strings.NewReplacer("BUS", bus(), "EVERY", every(), " UNIT", strings.TrimRight(" "+unit, " ")).Replace(text)
		}
		actuator := func(i int) string {
			text := of("actuator", "device: hbridge, pwm: PIN, direction: PIN",
				"device: hbridge, pwm: PIN, in1: PIN, in2: PIN, stop: brake",
				"device: servo, pwm: PIN, min_pulse: 1ms, max_pulse: 2ms",
				"device: continuous, pwm: PIN, dead_band: 0.1",
				"device: esc, pwm: PIN",
				"device: dimmer, pwm: PIN, frequency: "+of("frequency", "1 Hz", "1 kHz", "1 MHz"),
				"device: relay, pin: PIN",
				"device: stepper, step: PIN, direction: PIN, max_rate: "+of("rate", "1 Hz", "200 kHz"),
				"device: label")
			decode := of("decode", "kind: count, neuron: a, full: "+of("full", "1 Hz", "60 Hz", "1 MHz"),
				"kind: push-pull, forward: a, backward: b", "kind: winner-take-all, choices: {a: 1, b: -0.5}")
			if text == "device: label" {
				decode = "kind: winner-take-all, choices: {a: go, b: stay}"
			}
			for strings.Contains(text, "PIN") {
				text = strings.Replace(text, "PIN", pin(), 1)
			}
			return fmt.Sprintf("  m%d: {%s, decode: {%s, window: %s}}\n", i, text, decode, of("window", "1us", "20ms", "1h"))
		}
		return "robot: r\nboard: {kind: sim, world: " + of("world", "none", "table", "table", "arena") + "}\nmqtt: {broker: none}\n" +
			"network: {neurons: {a: {}, b: {leak: 0}}, synapses: [{from: a, to: b, weight: 60}]}\n" +
			"expanders:\n" +
			"  e: {device: pca9685, bus: " + bus() + ", address: 0x40, " +
			"frequency: " + of("frequency", "24 Hz", "50 Hz", "350 Hz", "1526 Hz") + "}\n" +
			"  m: {device: mcp23017, bus: I2C1, address: 0x20}\n" +
			"sensors:\n" + list("sensors", 3, sensor) + "actuators:\n" + list("actuators", 3, actuator) +
			of("compare", "", "", "", "compare: {actuator: m0, file: run.csv, column: word, rate: 9 Hz}\n",
				"compare: {actuator: m0, file: run.csv, column: d, time: {column: t, unit: s}}\n") +
			of("stop", "", "", "safety: {emergency_stop: {pin: GPIO26}}\n")
	})
}

// A simulation starts and runs every robot that Check accepts.
func TestRobotsThatCheckAcceptsRun(t *testing.T) {
	t.Parallel() // in virtual time
	if testing.Short() {
		t.Skip("hundreds of robots")
	}
	robots := 30 * checks(t) // few of those that are drawn are valid
	valid, accepted := 0, 0
	for seed := range robots {
		text := someRobot().Example(seed)
		config, err := configs.Parse("test.yaml", []byte(text), tables)
		if err != nil {
			continue
		}
		valid++
		if _, err := Check(config); err != nil {
			for line := range strings.Lines(err.Error()) {
				if !strings.HasPrefix(line, "test.yaml:") {
					t.Errorf("robot %d: a mistake without its line: %s\n%s", seed, line, text)
				}
			}
			continue
		}
		accepted++
		s, err := NewSimulation(config, 1, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Errorf("robot %d: check accepts it, but it does not start: %v\n%s", seed, err, text)
			continue
		}
		if err := s.Advance(context.Background(), 100*time.Millisecond, func(time.Duration) {}); err != nil {
			t.Errorf("robot %d: check accepts it, but it does not run: %v\n%s", seed, err, text)
		}
		_ = s.halt() // its error: the sensors that did not answer
	}
	if valid < robots/20 || accepted < robots/40 {
		t.Errorf("%d of %d robots valid, %d accepted: too few to find anything", valid, robots, accepted)
	}
	t.Logf("%d of %d robots valid, %d accepted", valid, robots, accepted)
}
