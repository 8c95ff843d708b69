package worlds_test

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

	"fluxd/boards/sim"
	"fluxd/boards/sim/worlds"
)

func still() time.Duration { return 0 }

// rover is the wiring of a robot with a device of each kind.
func rover() []worlds.Connection {
	return []worlds.Connection{
		{Name: "more", Device: "mcp23017", Role: "address", Bus: "I2C1", Address: 0x20},
		{Name: "servos", Device: "pca9685", Role: "address", Bus: "I2C1", Address: 0x40},
		{Name: "roll", Device: "mpu6050", Role: "address", Bus: "I2C1", Address: 0x68},
		{Name: "range", Device: "hcsr04", Role: "echo", Pin: "GPIO24", Input: true},
		{Name: "range", Device: "hcsr04", Role: "trigger", Pin: "more/B1"},
		{Name: "pitch", Device: "mpu6050", Role: "address", Bus: "I2C1", Address: 0x68},
		{Name: "bump", Device: "button", Role: "pin", Pin: "more/A0", Input: true, ActiveLow: true},
		{Name: "motion", Device: "pir", Role: "pin", Pin: "GPIO22", Input: true},
		{Name: "horn", Device: "relay", Role: "pin", Pin: "GPIO23"},
		{Name: "emergency stop", Device: "switch", Role: "pin", Pin: "GPIO26", Input: true, ActiveLow: true},
	}
}

// Every world opens with its options, and has the robot's expanders and its switches at rest. Only the table has its devices.
func TestEveryWorldHasExpandersAndSwitches(t *testing.T) {
	for _, kind := range worlds.Kinds {
		board := sim.New(still)
		world, err := worlds.Open(kind.New(), board, rover(), 1)
		if err != nil {
			t.Errorf("%s: %v", kind.Name, err)
			continue
		}
		if world == nil && kind.Events != nil {
			t.Errorf("%s: nothing in it changes, and it sends %v", kind.Name, kind.Events)
		}
		bus, _ := board.Bus("I2C1")
		for address, there := range map[uint16]bool{0x20: true, 0x40: true, 0x68: kind.Name == "table"} {
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

// A device with a pin that keeps it in reset answers at its first address while that is high, and nowhere while it is low.
func TestTableResetsADevice(t *testing.T) {
	board := sim.New(func() time.Duration { return time.Second })
	if _, err := worlds.Open(&worlds.TableOpts{}, board, []worlds.Connection{
		{Name: "left", Device: "vl53l0x", Role: "address", Bus: "I2C1", Address: 0x2a},
		{Name: "left", Device: "vl53l0x", Role: "xshut", Pin: "GPIO5"},
	}, 1); err != nil {
		t.Fatal(err)
	}
	bus, err := board.Bus("I2C1")
	if err != nil {
		t.Fatal(err)
	}
	pin, err := board.Pin("GPIO5")
	if err != nil {
		t.Fatal(err)
	}
	if err := bus.Tx(0x29, []byte{0xc0}, make([]byte, 1)); err != nil {
		t.Error(err)
	}
	if err := pin.Out(gpio.Low); err != nil {
		t.Error(err)
	}
	if err := bus.Tx(0x29, []byte{0xc0}, make([]byte, 1)); err == nil {
		t.Error("it answers while it is in reset")
	}
}

// On a table a range finder, wherever its pins are, sees the wall a metre away: 5.82 ms there and back.
func TestTable(t *testing.T) {
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now })
	if _, err := worlds.Open(&worlds.TableOpts{}, board, []worlds.Connection{
		{Name: "range", Device: "hcsr04", Role: "trigger", Pin: "GPIO23"},
		{Name: "range", Device: "hcsr04", Role: "echo", Pin: "GPIO24", Input: true},
	}, 1); err != nil {
		t.Fatal(err)
	}
	trigger, _ := board.Pin("GPIO23")
	echo, _ := board.Line("GPIO24")
	if err := errors.Join(echo.In(gpio.Float, gpio.BothEdges), trigger.Out(gpio.High), trigger.Out(gpio.Low)); err != nil {
		t.Fatal(err)
	}
	now = time.Second
	rise, _, _ := echo.NextEdge(0)
	fall, _, ok := echo.NextEdge(0)
	if takes := fall - rise; !ok || takes.Round(10*time.Microsecond) != 5820*time.Microsecond {
		t.Errorf("an echo of %v, %v", takes, ok)
	}
}

// A wire that cannot be connected is a mistake with its index in the wiring.
func TestOpenRefuses(t *testing.T) {
	bus := func(device, bus string) []worlds.Connection {
		return append(rover(), worlds.Connection{Name: "new", Device: device, Role: "address", Bus: bus, Address: 0x50})
	}
	taken := bus("bh1750", "I2C1")
	taken[len(taken)-1].Address = 0x40
	lost := worlds.Connection{Name: "new", Device: "button", Role: "pin", Pin: "more/C1", Input: true}
	blind := []worlds.Connection{{Name: "more", Device: "mcp23017", Role: "address", Bus: "I2C1", Address: 0x23}}
	short := []worlds.Connection{{Name: "range", Device: "hcsr04", Role: "trigger", Pin: "GPIO23"}}
	for _, c := range []struct {
		story   string
		options worlds.Options
		wiring  []worlds.Connection
		at      int
		want    string
	}{
		{"no such bus", &worlds.TableOpts{}, bus("bh1750", "I2C7"), 10, "expected I2C0 or I2C1"},
		{"no twin", &worlds.TableOpts{}, bus("toaster", "I2C1"), 10, `no simulated "toaster"`},
		{"an expander on no bus", &worlds.NoneOpts{}, bus("mcp23017", "I2C7"), 10, "expected I2C0 or I2C1"},
		{"two devices at an address", &worlds.TableOpts{}, taken, 10, "0x40 is taken"},
		{"no such pin", &worlds.NoneOpts{}, append(rover(), lost), 10, "no line"},
		{"a device without a pin", &worlds.TableOpts{}, short, 0, "needs its pin echo"},
		{"an eye's address is taken", &worlds.ArenaOpts{}, blind, -1, "0x23 is taken"},
	} {
		_, err := worlds.Open(c.options, sim.New(still), c.wiring, 1)
		var m *worlds.Mistake
		if !errors.As(err, &m) || m.At != c.at || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.story, err)
		}
	}
}

// The wires that a world refuses, and those that it does not know, with their indices.
func TestCheck(t *testing.T) {
	seeker := []worlds.Connection{
		{Name: "eye", Device: "bh1750", Role: "address", Bus: "I2C1", Address: 0x23},
		{Name: "bumper", Device: "button", Role: "pin", Pin: "GPIO17", Input: true},
		{Name: "l", Device: "hbridge", Role: "pwm", Pin: "GPIO13"}, {Name: "l", Device: "hbridge", Role: "direction", Pin: "GPIO6"},
		{Name: "r", Device: "hbridge", Role: "pwm", Pin: "GPIO12"}, {Name: "r", Device: "hbridge", Role: "direction", Pin: "GPIO5"},
		{Name: "emergency stop", Device: "switch", Role: "pin", Pin: "GPIO26", Input: true},
		{Name: "servos", Device: "pca9685", Role: "address", Bus: "I2C1", Address: 0x40},
	}
	change := func(at int, how func(*worlds.Connection)) []worlds.Connection {
		wiring := append([]worlds.Connection(nil), seeker...)
		how(&wiring[at])
		return wiring
	}
	type mistakes map[int]string
	for _, c := range []struct {
		story            string
		options          worlds.Options
		wiring           []worlds.Connection
		refused, unknown mistakes
	}{
		{"the arena's robot", &worlds.ArenaOpts{}, seeker, mistakes{}, mistakes{}},
		{"an eye on another bus", &worlds.ArenaOpts{}, change(0, func(c *worlds.Connection) { c.Bus = "I2C0" }), mistakes{},
			mistakes{0: "the arena has no bh1750 with its address at I2C0 0x23; " +
				"it has left eye: bh1750, address I2C1 0x23; right eye: bh1750, address I2C1 0x5c"}},
		{"something else in its place", &worlds.ArenaOpts{}, change(0, func(c *worlds.Connection) { c.Device = "tmp102" }),
			mistakes{0: "0x23: the arena has a light sensor there, a bh1750: use another address, or bus I2C0"}, mistakes{}},
		{"an expander in its place", &worlds.ArenaOpts{}, change(7, func(c *worlds.Connection) { c.Address = 0x5c }),
			mistakes{7: "0x5c: the arena has a light sensor there"}, mistakes{}},
		{"a wheel that nothing drives", &worlds.ArenaOpts{}, change(2, func(c *worlds.Connection) { c.Pin = "GPIO19" }), mistakes{},
			mistakes{2: "the arena has no hbridge with its pwm at GPIO19",
				-1: "the arena's left wheel is not connected, and does not turn as it should: " +
					"expected left wheel: hbridge, pwm GPIO13, direction GPIO6"}},
		{"a device that it has not", &worlds.ArenaOpts{}, append(slices.Clone(seeker),
			worlds.Connection{Name: "range", Device: "hcsr04", Role: "trigger", Pin: "GPIO23"},
			worlds.Connection{Name: "range", Device: "hcsr04", Role: "echo", Pin: "GPIO24", Input: true}), mistakes{},
			mistakes{len(seeker): "the arena has no hcsr04 with its trigger at GPIO23; it has left eye: bh1750, address I2C1 0x23; " +
				"right eye: bh1750, address I2C1 0x5c; bumper: button, pin GPIO17; left wheel: hbridge, pwm GPIO13, direction GPIO6; " +
				"right wheel: hbridge, pwm GPIO12, direction GPIO5",
				len(seeker) + 1: "the arena has no hcsr04 with its echo at GPIO24"}},
		{"no world", &worlds.NoneOpts{}, seeker, mistakes{},
			mistakes{0: "nothing answers at I2C1 0x23: a simulated board without a world has no devices; " +
				"world: table has all of the robot's"}},
		{"a table", &worlds.TableOpts{}, rover(), mistakes{}, mistakes{}},
	} {
		refused, unknown := c.options.Check(c.wiring)
		if strings.Count(fmt.Sprint(unknown), "bumper: button") > 1 {
			t.Errorf("%s: it lists all parts twice: %v", c.story, unknown)
		}
		for _, one := range []struct {
			what string
			got  []worlds.Mistake
			want mistakes
		}{{"refuses", refused, c.refused}, {"does not know", unknown, c.unknown}} {
			if len(one.got) != len(one.want) {
				t.Errorf("%s: it %s %v, want %v", c.story, one.what, one.got, one.want)
			}
			for _, m := range one.got {
				if want := one.want[m.At]; want == "" || !strings.HasPrefix(m.Error(), want) {
					t.Errorf("%s: at %d it %s %v, want %q", c.story, m.At, one.what, m.Err, want)
				}
			}
		}
	}
}

// A kind is found by its name, has a phrase about it, and options whose fields have the tags of a robot file.
func TestKinds(t *testing.T) {
	for _, kind := range worlds.Kinds {
		if found, ok := worlds.Find(kind.Name); !ok || found.About != kind.About || kind.About == "" {
			t.Errorf("%s: %+v", kind.Name, found)
		}
		options := reflect.TypeOf(kind.New()).Elem()
		for i := range options.NumField() {
			if f := options.Field(i); f.Tag.Get("yaml") == "" || f.Tag.Get("doc") == "" {
				t.Errorf("%s: option %s: expected tags yaml and doc", kind.Name, f.Name)
			}
		}
	}
	if _, ok := worlds.Find("moon"); ok {
		t.Error("a world that is not there")
	}
}

// A robot that is driven to the lamp reaches its goal, and the world reports it once, with a code that its kind lists.
func TestGoal(t *testing.T) {
	kind, _ := worlds.Find("arena")
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now })
	world, err := worlds.Open(kind.New(), board, nil, 5)
	if err != nil {
		t.Fatal(err)
	}
	left, _ := board.Pin("GPIO13")
	right, _ := board.Pin("GPIO12")
	var events []worlds.Event
	for now < 10*time.Minute && !world.Score().Reached {
		// Turn on the spot until the lamp is ahead, then go: the eyes are equally bright.
		s := world.(*worlds.Arena).State()
		l, r := gpio.DutyMax/8, gpio.DutyMax/8
		switch {
		case s.LeftLight > s.RightLight*1.05:
			l = 0
		case s.RightLight > s.LeftLight*1.05:
			r = 0
		case s.LeftLight < 16: // it is behind
			l = 0
		}
		if err := errors.Join(left.PWM(l, 20*physic.KiloHertz), right.PWM(r, 20*physic.KiloHertz)); err != nil {
			t.Fatal(err)
		}
		now += 10 * time.Millisecond
		world.Advance(now)
		events = append(events, world.Events()...)
	}
	if score := world.Score(); !score.Reached || !strings.HasPrefix(score.Text, score.Goal) {
		t.Errorf("after %v: %+v", now, score)
	}
	if want := []worlds.Event{{Code: kind.Events[0], Text: "1 so far"}}; !reflect.DeepEqual(events, want) || world.Events() != nil {
		t.Errorf("events: %v, want %v", events, want)
	}
}

func Example() {
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now })
	kind, _ := worlds.Find("arena")
	world, err := worlds.Open(kind.New(), board, nil, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	now += time.Second // nothing drives the wheels
	world.Advance(now)
	fmt.Println(world.Score().Text)
	fmt.Print(world.Picture(32, 12))
	// Output:
	// did not reach the lamp, 1.41 m away
	// ################################
	// #                              #
	// #                              #
	// #                *             #
	// #                              #
	// #                              #
	// #                          ↑   #
	// #                              #
	// #                              #
	// #                              #
	// #          #                   #
	// ################################
}
