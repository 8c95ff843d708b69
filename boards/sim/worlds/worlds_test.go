package worlds

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
	"pgregory.net/rapid"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/options"
	"fluxd/splitmix64"
)

// railOpts are the options of a world for tests: a cart on a rail, ten steps a second.
type railOpts struct{ end float64 }

func (*railOpts) Check() []options.Mistake   { return nil }
func (o *railOpts) physics(r *Robot) physics { return &rail{end: o.end} }

type rail struct{ at, end, command float64 }

func (*rail) step() time.Duration { return 100 * time.Millisecond }
func (*rail) parts() []part {
	return []part{{Name: "cart", Needed: true}, {Name: "brake"}}
}

func (*rail) quantities() []quantity {
	return []quantity{{Name: "place", Unit: "m"}, {Name: "place", Unit: "rev"}, {Name: "contact"}, {Name: "light", Unit: "lx"}}
}

func (p *rail) sense(s *Sensor, m *Mount, what string) (func() float64, error) {
	if what == "light" && m.Facing != 0 {
		return nil, errors.New("facing: the lamp is straight ahead")
	}
	if what == "contact" {
		return func() float64 { return map[bool]float64{true: 1}[p.over()] }, nil
	}
	return func() float64 { return p.at }, nil
}

func (p *rail) reset(random *splitmix64.Random) { p.at = float64(random.Below(3)) }

func (p *rail) advance(commands []float64) {
	p.command = commands[0]
	p.at += commands[0]
}

func (p *rail) over() bool { return p.at >= p.end }

func (p *rail) score(steps int64) Score {
	return Score{Text: fmt.Sprintf("at %g after %d steps", p.at, steps), Reached: p.over(), Values: []Value{{"place_m", p.at}}}
}

func (p *rail) events() []Event         { return nil }
func (p *rail) picture(int, int) string { return "" }
func (p *rail) draw(d *Drawing)         { d.Line(StyleWall, Point{}, Point{X: p.end}) }
func (p *rail) state() map[string]float64 {
	return map[string]float64{"at": p.at, "command": p.command}
}

// cart is a robot for the rail.
func cart() *Robot {
	return &Robot{
		Wiring: []Connection{
			{Path: "sensors.eye.address", Name: "eye", Device: "bh1750", Role: "address", Bus: "I2C1", Address: 0x23},
			{Path: "sensors.end.pin", Name: "end", Device: "button", Role: "pin", Pin: "GPIO17", Input: true, ActiveLow: true},
			{Path: "actuators.motor.pwm", Name: "motor", Device: "hbridge", Role: "pwm", Pin: "GPIO13"},
			{Path: "actuators.motor.direction", Name: "motor", Device: "hbridge", Role: "direction", Pin: "GPIO6"},
		},
		Sensors: []Sensor{
			{Name: "eye", Device: "bh1750", Unit: "lx"}, {Name: "end", Device: "button"},
			{Name: "place", Device: "simulated", Measure: "place", Unit: "m"},
		},
		Actuators: []Device{{Name: "motor", Device: "hbridge"}},
		Body:      Body{Actuators: []Named[string]{{Name: "motor", Value: "cart"}}},
	}
}

// on changes a robot.
func on(r *Robot, change func(*Robot)) *Robot {
	change(r)
	return r
}

func mounted(name string, m Mount) func(*Robot) {
	return func(r *Robot) { r.Body.Sensors = append(r.Body.Sensors, Named[Mount]{Name: name, Value: m}) }
}

// openRail opens the rail with a robot, and returns a function that moves time.
func openRail(t testing.TB, end float64, robot *Robot, seed uint64) (World, *sim.Board, func(time.Duration)) {
	t.Helper()
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now })
	w, err := Open(&railOpts{end}, board, robot, seed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w, board, func(by time.Duration) { now += by; w.Advance(now) }
}

func drive(t testing.TB, board *sim.Board, pin string, duty gpio.Duty) {
	t.Helper()
	line, err := board.Pin(pin)
	if err == nil {
		err = line.PWM(duty, 20*physic.KiloHertz)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A world takes the robot at its own pins: what it commands moves it, and its sensors sense the result.
func TestAWorldTakesTheRobotFromItsFile(t *testing.T) {
	w, board, advance := openRail(t, 100, cart(), 1)
	start := w.State()["at"]
	drive(t, board, "GPIO13", gpio.DutyMax)
	advance(time.Second)
	if got := w.State()["at"]; got != start+10 {
		t.Errorf("after a second at full power: at %g, want %g", got, start+10)
	}
	read, ok := w.Quantity("place")
	if !ok || read(0) != int64((start+10)*1e6) {
		t.Errorf("simulated place: %v, %d", ok, read(0))
	}
	bus, _ := board.Bus("I2C1")
	if err := bus.Tx(0x23, []byte{0x13}, nil); err != nil {
		t.Errorf("the eye: %v", err)
	}
	if _, ok := w.Quantity("weight"); ok {
		t.Error("a quantity that is not there")
	}
}

// A contact closes its switch when the world says so.
func TestContactsCloseSwitches(t *testing.T) {
	_, board, advance := openRail(t, 5, cart(), 1)
	end, _ := board.Pin("GPIO17")
	if end.Read() != gpio.High {
		t.Error("pressed at the start")
	}
	drive(t, board, "GPIO13", gpio.DutyMax)
	advance(time.Second)
	if end.Read() != gpio.Low {
		t.Error("not pressed at the end")
	}
}

// An episode ends; then the world stands still, and its score does not change, until it is restarted.
func TestEpisodes(t *testing.T) {
	w, board, advance := openRail(t, 5, cart(), 7)
	first := w.State()["at"]
	drive(t, board, "GPIO13", gpio.DutyMax)
	advance(200 * time.Millisecond)
	if w.Over() {
		t.Fatalf("over at %v", w.State())
	}
	advance(time.Minute)
	score := w.Score()
	if !w.Over() || !score.Reached || score.Values[0].Number < 5 {
		t.Errorf("over %v, %+v", w.Over(), score)
	}
	advance(time.Minute)
	if later := w.Score(); !reflect.DeepEqual(later, score) {
		t.Errorf("a score that changes after the end: %+v, %+v", later, score)
	}
	w.Restart(7)
	if w.Over() || w.State()["at"] != first || !strings.HasSuffix(w.Score().Text, "after 0 steps") {
		t.Errorf("restarted: over %v, %v, %+v", w.Over(), w.State(), w.Score())
	}
	advance(100 * time.Millisecond)
	if w.State()["at"] != first+1 {
		t.Errorf("after a step of the second episode: %v, started at %g", w.State(), first)
	}
}

// The same seed and commands give the same states, in one large step of time or in many small ones.
func TestAdvancingInPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		whole, pieces := &stepped{}, &stepped{}
		for _, w := range []*stepped{whole, pieces} {
			p := &rail{end: 1e9}
			*w = stepped{physics: p, length: p.step(), commands: make([]float64, 2),
				parts: []func() float64{func() float64 { return 0.25 }, nil}}
			w.begin(seed)
		}
		end := time.Duration(rapid.Int64Range(0, int64(10*time.Second)).Draw(t, "end"))
		whole.Advance(end)
		for now := time.Duration(0); now < end; {
			now = min(end, now+time.Duration(rapid.Int64Range(1, int64(time.Second)).Draw(t, "piece")))
			pieces.Advance(now)
		}
		if !reflect.DeepEqual(whole.State(), pieces.State()) || whole.steps != pieces.steps {
			t.Errorf("%v and %v", whole.State(), pieces.State())
		}
	})
}

// A delayed sensor senses what was a while ago, and noise has its deviation, the same with the same seed.
func TestDelayAndNoise(t *testing.T) {
	robot := on(cart(), mounted("place", Mount{Delay: 300 * time.Millisecond}))
	p := &rail{end: 1e9}
	w := &stepped{physics: p, length: p.step(), commands: make([]float64, 2),
		parts: []func() float64{func() float64 { return 1 }, nil}}
	w.begin(1)
	place := &robot.Sensors[2]
	late := w.sensed(place, &robot.Body.Sensors[0].Value, func() float64 { return p.at })
	noisy := w.sensed(place, &Mount{Noise: Amount{Micro: 500_000, Unit: "m"}}, func() float64 { return p.at })
	w.record()
	var sum, square float64
	for step := 1; step <= 10_000; step++ {
		before := p.at
		w.Advance(time.Duration(step) * p.step())
		if want := max(before-2, before-float64(step-1)); late(0) != int64(want*1e6) {
			t.Fatalf("step %d: at %g, delayed %d", step, p.at, late(0))
		}
		off := float64(noisy(0))/1e6 - p.at
		if again := float64(noisy(0))/1e6 - p.at; again != off {
			t.Fatal("two readings of one step differ")
		}
		sum, square = sum+off, square+off*off
	}
	if mean, variance := sum/1e4, square/1e4; mean*mean > 0.02*0.02 || variance < 0.24 || variance > 0.26 {
		t.Errorf("noise of mean %g and variance %g, want 0 and 0.25", mean, variance)
	}
}

// Check refuses what the world has nothing for, with the place in the robot file, and says what it has.
func TestCheck(t *testing.T) {
	mount := func(name string, m Mount) *Robot { return on(cart(), mounted(name, m)) }
	sensor := func(s Sensor) *Robot { return on(cart(), func(r *Robot) { r.Sensors = append(r.Sensors, s) }) }
	actuator := func(role string) *Robot { return on(cart(), func(r *Robot) { r.Body.Actuators[0].Value = role }) }
	for _, c := range []struct {
		story            string
		robot            *Robot
		refused, unknown string // path and the start of the message; "" for none
	}{
		{"as it is", cart(), "", ""},
		{"a sensor of something else", sensor(Sensor{Name: "t", Device: "tmp102", Unit: "°C"}),
			"sensors.t: the world has no temperature for the device tmp102 to sense: it has contact, light, place; " +
				"body.sensors.t.senses: nothing", ""},
		{"the same at rest", on(sensor(Sensor{Name: "t", Device: "tmp102", Unit: "°C"}),
			mounted("t", Mount{Senses: "nothing"})), "", ""},
		{"a device that may sense various things", sensor(Sensor{Name: "v", Device: "ads1115", Measure: "a0", Unit: "V"}),
			"sensors.v: the device ads1115 may sense various things: body.sensors.v.senses says what: contact, light, place, or " +
				"nothing", ""},
		{"in another unit", on(sensor(Sensor{Name: "v", Device: "ads1115", Measure: "a0", Unit: "V"}),
			mounted("v", Mount{Senses: "place"})),
			"body.sensors.v: the world has the place in m, rev, the sensor measures in V: a curve converts them", ""},
		{"by the unit of its readings", sensor(Sensor{Name: "v", Device: "ads1115", Measure: "a0", Unit: "V", Meaning: "lx"}), "", ""},
		{"one of two units", sensor(Sensor{Name: "v", Device: "simulated", Measure: "place", Unit: "rev"}), "", ""},
		{"a curve that bends back", sensor(Sensor{Name: "v", Device: "ads1115", Measure: "a0", Unit: "V", Meaning: "lx",
			Bent: "it bends"}),
			"sensors.v.curve: it bends: the world cannot find", ""},
		{"a mount that the world refuses", mount("eye", Mount{Facing: physic.Radian}),
			"body.sensors.eye: facing: the lamp is straight ahead", ""},
		{"noise in another unit", mount("eye", Mount{Noise: Amount{1, "m"}}), "body.sensors.eye.noise: m: expected lx", ""},
		{"negative noise", mount("eye", Mount{Noise: Amount{-1, "lx"}}), "body.sensors.eye.noise: expected at least 0", ""},
		{"a mount of no sensor", mount("ear", Mount{}), "body.sensors.ear: no sensor has this name", ""},
		{"a recording", sensor(Sensor{Name: "l", Device: "log", Unit: "Pa"}), "", ""},
		{"a part that is not there", actuator("rudder"),
			`body.actuators.motor: "rudder": expected cart, brake, which the world has, or nothing`,
			": no actuator moves the cart"},
		{"a part with a wrong letter", actuator("brale"),
			`body.actuators.motor: "brale": expected cart, brake, which the world has, or nothing (did you mean brake?)`,
			": no actuator moves the cart"},
		{"a quantity with a wrong letter", mount("eye", Mount{Senses: "lihgt"}),
			"body.sensors.eye: the world has no lihgt for the device bh1750 to sense (did you mean light?): it has contact", ""},
		{"a mount with a wrong letter", mount("eyf", Mount{}), "body.sensors.eyf: no sensor has this name, did you mean eye?", ""},
		{"nothing that moves", actuator("nothing"), "", ": no actuator moves the cart: body.actuators names the one that does"},
		{"an actuator that is not there", on(cart(), func(r *Robot) {
			r.Body.Actuators = append(r.Body.Actuators, Named[string]{Name: "arm", Value: "brake"})
		}), "body.actuators.arm: no actuator has this name", ""},
		{"an actuator of which the body says nothing", on(cart(), func(r *Robot) {
			r.Actuators = append(r.Actuators, Device{Name: "arm", Device: "servo"}, Device{Name: "word", Device: "label"})
		}), "", "actuators.arm: it moves nothing in the world: body.actuators.arm says what it moves: cart, brake, or nothing"},
		{"an actuator with the name of a part", on(cart(), func(r *Robot) {
			r.Actuators = append(r.Actuators, Device{Name: "brake", Device: "servo"})
		}), "", ""},
	} {
		refused, unknown := Check(&railOpts{5}, c.robot)
		for _, one := range []struct {
			what, want string
			got        []*Mistake
		}{{"refuses", c.refused, refused}, {"does not know", c.unknown, unknown}} {
			text := ""
			for _, m := range one.got {
				text += m.Path + ": " + m.Error()
			}
			if !strings.HasPrefix(text, one.want) || one.want == "" && text != "" {
				t.Errorf("%s: it %s %q, want %q", c.story, one.what, text, one.want)
			}
		}
		_, err := Open(&railOpts{5}, sim.New(func() time.Duration { return 0 }), c.robot, 1)
		if m := (*Mistake)(nil); (c.refused != "") != errors.As(err, &m) {
			t.Errorf("%s: Open: %v", c.story, err)
		}
	}
}

// In the worlds without physics.
func TestCheckOfNoneAndTable(t *testing.T) {
	_, unknown := Check(&NoneOpts{}, cart())
	if len(unknown) != 1 || unknown[0].Path != "sensors.eye.address" ||
		!strings.Contains(unknown[0].Error(), "nothing answers at I2C1 0x23") {
		t.Errorf("none: %v", unknown)
	}
	for _, o := range []Options{&NoneOpts{}, &TableOpts{}} {
		refused, _ := Check(o, cart())
		if len(refused) != 1 || refused[0].Path != "sensors.place" {
			t.Errorf("%T: it refuses %v, want the simulated sensor", o, refused)
		}
	}
}

// rover is a robot with a device of each kind.
func rover() *Robot {
	return &Robot{Wiring: []Connection{
		{Path: "expanders.more.address", Name: "more", Device: "mcp23017", Role: "address", Bus: "I2C1", Address: 0x20},
		{Path: "expanders.servos.address", Name: "servos", Device: "pca9685", Role: "address", Bus: "I2C1", Address: 0x40},
		{Path: "sensors.roll.address", Name: "roll", Device: "mpu6050", Role: "address", Bus: "I2C1", Address: 0x68},
		{Path: "sensors.range.echo", Name: "range", Device: "hcsr04", Role: "echo", Pin: "GPIO24", Input: true},
		{Path: "sensors.range.trigger", Name: "range", Device: "hcsr04", Role: "trigger", Pin: "more/B1"},
		{Path: "sensors.pitch.address", Name: "pitch", Device: "mpu6050", Role: "address", Bus: "I2C1", Address: 0x68},
		{Path: "sensors.bump.pin", Name: "bump", Device: "button", Role: "pin", Pin: "more/A0", Input: true, ActiveLow: true},
		{Path: "sensors.motion.pin", Name: "motion", Device: "pir", Role: "pin", Pin: "GPIO22", Input: true},
		{Path: "actuators.horn.pin", Name: "horn", Device: "relay", Role: "pin", Pin: "GPIO23"},
		{Path: "safety.emergency_stop.pin", Name: "emergency stop", Device: "switch", Role: "pin", Pin: "GPIO26", Input: true,
			ActiveLow: true},
	}, Sensors: []Sensor{{Name: "motion", Device: "pir", Settings: chips.Settings{"pull": "down"}}},
		Body: Body{Sensors: []Named[Mount]{{Name: "motion", Value: Mount{Senses: "nothing"}}}}}
}

// Every world without a program opens with its options, and has the robot's expanders and its switches at rest; all but none have
// its devices.
func TestEveryWorldHasTheRobot(t *testing.T) {
	for _, kind := range Kinds {
		if kind.Name == execKind.Name {
			continue
		}
		board := sim.New(func() time.Duration { return 0 })
		if _, err := Open(kind.New(), board, rover(), 1); err != nil {
			t.Errorf("%s: %v", kind.Name, err)
			continue
		}
		bus, _ := board.Bus("I2C1")
		for address, there := range map[uint16]bool{0x20: true, 0x40: true, 0x68: kind.Name != "none"} {
			if err := bus.Tx(address, []byte{0}, nil); (err == nil) != there {
				t.Errorf("%s: address 0x%02x: %v", kind.Name, address, err)
			}
		}
		level := make([]byte, 1)
		if err := bus.Tx(0x20, []byte{0x12}, level); err != nil || level[0]&1 != 1 {
			t.Errorf("%s: the switch of the expander: %#02x, %v, want high", kind.Name, level[0], err)
		}
		for pin, want := range map[string]gpio.Level{"GPIO22": gpio.Low, "GPIO26": gpio.High} {
			if line, _ := board.Line(pin); line.Read() != want {
				t.Errorf("%s: %s is %v, want %v", kind.Name, pin, line.Read(), want)
			}
		}
	}
}

// A wire that cannot be connected is a mistake with its key.
func TestOpenRefuses(t *testing.T) {
	with := func(c Connection) *Robot {
		return on(rover(), func(r *Robot) { c.Path = "sensors.new.address"; r.Wiring = append(r.Wiring, c) })
	}
	bus := func(device, bus string) *Robot {
		return with(Connection{Name: "new", Device: device, Role: "address", Bus: bus, Address: 0x50})
	}
	for _, c := range []struct {
		story   string
		options Options
		robot   *Robot
		want    string
	}{
		{"no such bus", &TableOpts{}, bus("bh1750", "I2C7"), "expected I2C0 or I2C1"},
		{"no twin", &TableOpts{}, bus("toaster", "I2C1"), `no simulated "toaster"`},
		{"an expander on no bus", &NoneOpts{}, bus("mcp23017", "I2C7"), "expected I2C0 or I2C1"},
		{"two devices at an address", &TableOpts{},
			with(Connection{Name: "new", Device: "bh1750", Role: "address", Bus: "I2C1", Address: 0x40}), "0x40 is taken"},
		{"no such pin", &NoneOpts{}, with(Connection{Name: "new", Device: "button", Role: "pin", Pin: "more/C1", Input: true}),
			"no line"},
		{"a device without a pin", &TableOpts{}, with(Connection{Name: "new", Device: "hcsr04", Role: "trigger", Pin: "GPIO5"}),
			"needs its pin echo"},
	} {
		_, err := Open(c.options, sim.New(func() time.Duration { return 0 }), c.robot, 1)
		var m *Mistake
		if !errors.As(err, &m) || m.Path != "sensors.new.address" || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.story, err)
		}
	}
}

// A kind is found by its name, has a phrase about it, and options whose fields have the tags of a robot file.
func TestKinds(t *testing.T) {
	for _, kind := range Kinds {
		if found, ok := Find(kind.Name); !ok || found.About != kind.About || kind.About == "" {
			t.Errorf("%s: %+v", kind.Name, found)
		}
		options := reflect.TypeOf(kind.New()).Elem()
		for i := range options.NumField() {
			if f := options.Field(i); f.Tag.Get("yaml") != "-" && (f.Tag.Get("yaml") == "" || f.Tag.Get("doc") == "") {
				t.Errorf("%s: option %s: expected tags yaml and doc", kind.Name, f.Name)
			}
		}
	}
	if _, ok := Find("moon"); ok {
		t.Error("a world that is not there")
	}
	names := Names()
	slices.Sort(names)
	if len(slices.Compact(names)) != len(Names()) {
		t.Errorf("two worlds of one name: %v", Names())
	}
}

// refuses checks options with one change each: all that check finds is a mistake at the key that the change stands under. The
// defaults have none.
func refuses[T any](t *testing.T, check func(*T) []options.Mistake, changes map[string]func(*T)) {
	t.Helper()
	for key, change := range changes {
		o := options.Defaults[T]()
		if change(&o); len(check(&o)) != 1 || check(&o)[0].Key != key {
			t.Errorf("%s: %v", key, check(&o))
		}
	}
	if o := options.Defaults[T](); check(&o) != nil {
		t.Errorf("the defaults: %v", check(&o))
	}
}
