package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"fluxd/configs"
)

// draws draws text. It makes sense of most of it.
type draws struct {
	t    *rapid.T
	wild bool   // more often nonsense
	kind string // of the world
}

// of draws one of some texts.
func (d draws) of(label string, choices ...string) string {
	return rapid.SampledFrom(choices).Draw(d.t, label)
}

// some draws a few of the texts, in their order.
func (d draws) some(label string, texts ...string) (all []string) {
	for _, text := range texts {
		if rapid.IntRange(0, 3).Draw(d.t, label) == 3 {
			all = append(all, text)
		}
	}
	return all
}

// long draws a length in metres.
func (d draws) long(label string) string {
	if d.wild {
		return d.of(label, "0 m", "1 mm", "10 m", "-1 m", "1 km")
	}
	return d.of(label, "5 cm", "0.3 m", "50 cm", "1 m", "1.5 m", "2 m", "2.5 m")
}

// place draws a place on the floor.
func (d draws) place() string { return "[" + d.long("x") + ", " + d.long("y") + "]" }

// angle draws an angle.
func (d draws) angle(label string) string {
	return d.of(label, "0 °", "30 °", "90 °", "-45 °", "180 °", "-180 °", "360 °")
}

// count draws a number of things.
func (d draws) count(label string) string { return d.of(label, "1", "2", "3", "5", "30") }

// world draws a world's file.
func (d draws) world() string {
	switch d.kind {
	case "balance":
		return "world: balance\n" + strings.Join(d.some("keys", "mass: "+d.of("mass", "0.01 kg", "1 kg", "1000 kg"),
			"height: "+d.of("height", "1 mm", "80 mm", "10 m"), "length: "+d.of("length", "1 mm", "20 m"),
			"wheel_mass: "+d.of("wheels", "0.001 kg", "100 kg"), "torque: "+d.of("torque", "0.001 N m", "1000 N m"),
			"friction: "+d.of("friction", "0 N m", "100 N m"), "inertial: "+d.of("inertial", "-10 m", "10 m"), "tilt: 80 °",
			"held: 0s", "falls: "+d.of("falls", "1 °", "89 °"), "push: "+d.of("push", "0.1 N s", "1000 N s"), "push_every: 200ms",
			"duration: 1s"), "\n")
	case "gait":
		return "world: gait\n" + strings.Join(d.some("keys", "front: "+d.of("front", "1 cm", "1 m"), "side: "+
			d.of("side", "1 cm", "1 m"),
			"middle: 1 m", "leg: "+d.of("leg", "1 cm", "1 m"), "height: "+d.of("height", "5 mm", "1 m"), "swing: 60 °", "lift: 60 °",
			"servo: "+d.of("servo", "5ms", "10s"), "lag: "+d.of("lag", "1ms", "1s"), "mass: "+d.place(),
			"mass_height: "+d.of("high", "0 mm", "1 m"), "friction: "+d.of("friction", "0.01", "2"), "bumps: 3 cm",
			"fall_ends: true"), "\n")
	case "cartpole":
		return "world: cartpole\n" + strings.Join(d.some("keys", "every: "+d.of("every", "1ms", "1s"), "steps: "+
			d.of("steps", "1", "1000000"),
			"track: "+d.of("track", "10 mm", "1000 m"), "tilt: "+d.of("tilt", "0.1 °", "89 °"), "gravity: "+d.of("gravity", "0", "100"),
			"start: "+d.of("start", "0", "1"), "force: proportional"), "\n")
	}
	obstacle := func() string {
		return "{" + strings.Join(append(d.some("obstacle", "at: "+d.place(), "turned: "+d.angle("turned"), "number: "+
			d.count("number"),
			"clearance: "+d.long("clearance")), d.of("shape", "radius: "+d.long("radius"), "size: "+d.place())), ", ") + "}"
	}
	thing := func(keys ...string) string {
		return "{" + strings.Join(d.some("thing", append(keys, "at: "+d.place(), "number: "+d.count("number"),
			"clearance: "+d.long("clearance"), "apart: "+d.long("apart"))...), ", ") + "}"
	}
	line := func() string {
		return "{points: [" + d.place() + ", " + d.place() + ", " + d.place() + "], " + strings.Join(d.some("line", "closed: true",
			"rounded: "+d.long("rounded"), "width: "+d.of("width", "1 mm", "18 mm", "1 m"), "colour: "+d.of("colour", "white", "red"),
			"gaps: [{at: "+d.long("from")+", length: "+d.of("gap", "1 mm", "10 cm", "10 m")+"}]"), ", ") + "}"
	}
	return "world: floor\n" + strings.Join(d.some("keys",
		"width: "+d.of("width", "3 m", "5 m", "100 m", "30 cm"), "depth: "+d.of("depth", "3 m", "5 m", "100 m", "30 cm"),
		"walled: false", "walls: [["+d.place()+", "+d.place()+", "+d.place()+"]]",
		"maze: {columns: "+d.count("columns")+", rows: "+d.count("rows")+", loops: "+d.of("loops", "0", "0.5", "1")+"}",
		"obstacles: ["+obstacle()+", "+obstacle()+"]",
		"lamps: ["+thing("strength: 1000 klx", "reached: "+d.of("reached", "moves", "stays", "goes_out"), "reach: 10 m")+"]",
		"food: ["+thing("radius: 1 m", "returns: false")+", "+thing()+"]", "lines: ["+line()+", "+line()+"]",
		"ambient: "+d.of("ambient", "0 lx", "100 klx"), "ground: black", "spot: "+d.of("spot", "0.1 mm", "10 cm"),
		"start: {"+strings.Join(d.some("start", "at: "+d.place(), "heading: "+d.angle("heading"), "on_line: true",
			"clearance: "+d.long("clearance")), ", ")+"}",
		"collision: stop", "motors: {lag: 1ms, dead_band: 0.9, slip: 0.5, noise: 1, stall: 100 A, free: 0 A}",
		"battery: {full: 1 V, empty: 0 V, resistance: 100 ohm, capacity: 0.001 Ah, board: 100 A}",
		"goal: "+d.of("goal", "lamp", "food", "laps", "distance"), "target: "+d.of("target", "0.01", "1000000"),
		"ends: [bump]", "time_limit: 500ms"), "\n")
}

// inhabitant draws a robot file that a world may suit, with a body that may be strange.
func (d draws) inhabitant() string {
	var mounts []string
	fits := map[string][]string{
		"floor": {"eye", "sonar", "tof", "sharp", "raw", "row", "seen", "bumper", "far", "turn_l", "speed", "magnet", "push",
			"spin", "amps",
			"red", "exact"},
		"balance": {"turn_l", "speed", "push", "spin", "exact"}, "gait": {"push", "spin", "amps", "bumper"},
		"cartpole": {"turn_l", "speed", "exact"},
	}[d.kind]
	sensors := d.some("sensors",
		"eye: {device: bh1750, bus: I2C1, address: 0x23, every: 20ms, encode: {kind: rate, range: [0 lx, 99 lx], max: 1 kHz, to: a}}",
		"sonar: {device: hcsr04, trigger: GPIO23, echo: GPIO24, every: 40ms, "+
			"encode: {kind: rate, range: [0 m, 4 m], max: 9 Hz, to: a}}",
		"tof: {device: vl53l0x, bus: mux/3, every: 20ms, encode: {kind: rate, range: [2 m, 0 m], max: 50 Hz, to: b}}",
		"sharp: {device: ads1115, bus: I2C1, address: 0x48, measure: a0, every: 20ms, curve: [[0.4 V, 80 cm], [2.8 V, 8 cm]], "+
			"encode: {kind: rate, range: [80 cm, 8 cm], max: 50 Hz, to: a}}",
		"raw: {device: ads1115, bus: I2C1, address: 0x48, measure: a1, every: 20ms, encode: {kind: delta, step: 0.1 V, to: a}}",
		"row: {device: linearray, pins: [GPIO5, GPIO6, m/A0], every: 5ms, measure: position, encode: {kind: delta, step: 0.1, to: b}}",
		"seen: {device: linearray, pins: [GPIO5, GPIO6, m/A0], every: 5ms, measure: count, encode: {kind: delta, step: 1, to: b}}",
		"bumper: {device: button, pin: GPIO16, encode: {kind: edge, to: a}}",
		"far: {device: button, pin: m/B1, every: 5ms, encode: {kind: edge, to: a}}",
		"turn_l: {device: quadrature, a: GPIO17, b: GPIO27, counts: 1000, unit: m, measure: position, encode: {kind: delta, step: 1 "+
			"m, to: b}}",
		"speed: {device: quadrature, a: GPIO20, b: GPIO21, counts: 20, measure: speed, every: 20ms, "+
			"encode: {kind: rate, range: [0 rev/s, 9 rev/s], max: 50 Hz, to: b}}",
		"magnet: {device: as5600, bus: mux/0, measure: angle, every: 5ms, "+
			"encode: {kind: rate, range: [0 °, 360 °], max: 50 Hz, to: b}}",
		"push: {device: mpu6050, bus: I2C1, address: 0x68, measure: accel_x, every: 5ms, encode: {kind: delta, step: 1 m/s², to: b}}",
		"spin: {device: mpu6050, bus: I2C1, address: 0x68, measure: gyro_z, every: 5ms, encode: {kind: delta, step: 1 °/s, to: b}}",
		"amps: {device: ina219, bus: I2C1, address: 0x40, measure: current, every: 20ms, encode: {kind: delta, step: 1 A, to: b}}",
		"red: {device: tcs34725, bus: mux/1, measure: red, every: 60ms, encode: {kind: rate, range: [0, 0.7], max: 50 Hz, to: b}}",
		"exact: {device: simulated, quantity: "+d.of("quantity", "speed, unit: m/s", "clearance, unit: m", "lamp_direction, unit: °",
			"pole_angle, unit: rad", "lean, unit: °", "height, unit: m", "line_offset, unit: m")+", every: 20ms, "+
			"encode: {kind: edge, to: a}}")
	sensors = slices.DeleteFunc(sensors, func(s string) bool {
		name, _, _ := strings.Cut(s, ":")
		return !d.wild && !slices.Contains(fits, name)
	})
	for _, s := range sensors {
		name, _, _ := strings.Cut(s, ":")
		if usual := map[string]string{"raw": "senses: voltage", "magnet": "senses: wheel, wheel: left", "speed": "wheel: right",
			"far": "senses: line"}[name]; usual != "" && !d.wild {
			mounts = append(mounts, name+": {"+usual+", delay: 10ms}")
			continue
		}
		if keys := d.some("mount", "at: ["+d.of("ahead", "0 m", "7 cm", "20 cm", "-10 cm", "3 m", "-1 km")+", "+
			d.of("left", "0 m", "3 cm",
				"-3 cm", "1 m")+"]", "facing: "+d.angle("facing"), "wheel: "+d.of("wheel", "left", "right"), "cone: "+d.angle("cone"),
			"row: "+d.of("row", "1 cm", "2 m"), "delay: "+d.of("delay", "1ms", "100ms", "1s"),
			"senses: "+d.of("senses", "nothing", "line", "reflectance", "range", "wheel", "voltage", "contact belly", "light"),
		); len(keys) > 0 {
			mounts = append(mounts, name+": {"+strings.Join(keys, ", ")+"}")
		}
	}
	parts := func() string {
		if d.wild {
			return d.of("part", "left_wheel", "right_wheel", "cart", "left_front_lift", "nothing", "wing")
		}
		return d.of("part", map[string][]string{"floor": {"left_wheel", "right_wheel"}, "balance": {"left_wheel", "right_wheel",
			"nothing"},
			"gait": {"left_front_lift", "left_front_swing", "right_rear_swing"}, "cartpole": {"cart"}}[d.kind]...)
	}
	decode := func() string {
		return "decode: {window: 100ms, " + d.of("decode", "kind: count, neuron: t", "kind: push-pull, forward: a, backward: t",
			"kind: push-pull, backward: a, forward: t, full: 20 Hz", "kind: winner-take-all, choices: {a: 1, b: -0.5, t: 0.3}") + "}"
	}
	actuators := d.some("actuators", "port: {device: hbridge, pwm: GPIO12, direction: GPIO25, "+decode()+"}",
		"starboard: {device: hbridge, pwm: e/1, pwm2: e/2, "+decode()+"}", "prop: {device: esc, pwm: e/3, reverse: true, "+decode()+"}",
		"left_wheel: {device: continuous, pwm: e/4, "+decode()+"}", "right_wheel: {device: relay, pin: GPIO26, "+decode()+"}",
		"cart: {device: hbridge, pwm: GPIO13, in1: m/A3, in2: m/A4, "+decode()+"}")
	var moved []string
	for _, a := range actuators {
		if name, _, _ := strings.Cut(a, ":"); rapid.Bool().Draw(d.t, "moves") {
			moved = append(moved, name+": "+parts())
		}
	}
	body := d.some("body", "radius: "+d.of("radius", "1 cm", "5 cm", "8 cm", "30 cm", "10 m"), "track: "+
		d.of("track", "1 cm", "10 m"),
		"wheel: "+d.of("diameter", "5 mm", "2 m"), "top_speed: "+d.of("top", "0.01 m/s", "20 m/s"))
	body = append(body, "actuators: {"+strings.Join(moved, ", ")+"}", "sensors: {"+strings.Join(mounts, ", ")+"}")
	list := func(key string, all []string) string { return key + ": {" + strings.Join(all, ",\n  ") + "}\n" }
	return "robot: r\nboard: {kind: sim, world: ./world.yaml}\nmqtt: {broker: none}\n" +
		"network: {neurons: {a: {}, b: {leak: 0}, t: {pacemaker: 10ms}}, synapses: [{from: b, to: a, weight: 60}]}\n" +
		"expanders: {e: {device: pca9685, bus: I2C1, address: 0x41}, m: {device: mcp23017, bus: I2C1, address: 0x20}, " +
		"mux: {device: tca9548a, bus: I2C1, address: 0x71}}\n" +
		list("body", body) + list("sensors", sensors) + list("actuators", actuators)
}

// finite reports the first number that is none.
func finite(all map[string]float64) error {
	for name, v := range all {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%s is %v", name, v)
		}
	}
	return nil
}

// A simulation starts every robot that check accepts in a world, whatever its body and the world's options, and runs it for two
// seconds; all that the world says of itself are numbers.
func TestRobotsRunInAllWorlds(t *testing.T) {
	t.Parallel()            // in virtual time
	pairs := 30 * checks(t) // few of those that are drawn go together
	accepted := map[string]int{}
	for seed := range pairs {
		var robot, world string
		rapid.Custom(func(t *rapid.T) string {
			d := draws{t: t, wild: rapid.IntRange(0, 4).Draw(t, "wild") == 4}
			d.kind = d.of("kind", "floor", "floor", "floor", "balance", "gait", "cartpole")
			robot, world = d.inhabitant(), d.world()
			return robot
		}).Example(seed)
		pair := fmt.Sprintf("pair %d\n%s\n# world.yaml\n%s\n", seed, robot, world)
		config, err := configs.Parse("test.yaml", []byte(robot), fstest.MapFS{"world.yaml": {Data: []byte(world)}})
		if err == nil {
			_, err = Check(config)
		}
		if err != nil {
			for line := range strings.Lines(err.Error()) {
				if !strings.HasPrefix(line, "test.yaml:") && !strings.HasPrefix(line, "./world.yaml:") {
					t.Errorf("a mistake without its line: %s\n%s", line, pair)
				}
			}
			continue
		}
		kind, _, _ := strings.Cut(strings.TrimPrefix(world, "world: "), "\n")
		accepted[kind]++
		if err := inhabits(config); err != nil {
			t.Errorf("check accepts it, but: %v\n%s", err, pair)
		}
	}
	t.Logf("accepted of %d: %v", pairs, accepted)
	for _, kind := range []string{"floor", "balance", "gait", "cartpole"} {
		if accepted[kind] == 0 {
			t.Errorf("no robot in the world %s", kind)
		}
	}
}

// inhabits runs a robot in its world.
func inhabits(config *configs.Robot) error {
	s, err := NewSimulation(config, 1, slog.New(slog.DiscardHandler))
	if err != nil {
		return fmt.Errorf("it does not start: %w", err)
	}
	defer func() { _ = s.halt() }() // its error: the sensors that did not answer
	if err := s.Advance(context.Background(), 2*time.Second, func(time.Duration) {}); err != nil {
		return fmt.Errorf("it does not run: %w", err)
	}
	w := s.World()
	if w == nil {
		return fmt.Errorf("it has no world")
	}
	w.Picture(60, 20)
	numbers := w.State()
	for _, v := range w.Score().Values {
		numbers["score "+v.Name] = v.Number
	}
	for i, shape := range w.Draw().Shapes {
		for _, p := range shape.Points {
			numbers[fmt.Sprintf("shape %d", i)] += p.X + p.Y
		}
	}
	return finite(numbers)
}
