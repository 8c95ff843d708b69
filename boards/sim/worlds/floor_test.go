package worlds

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"

	"fluxd/configs/strict"
	"fluxd/splitmix64"
)

// floorFile is the file of a world floor.
type floorFile struct {
	World string `yaml:"world"`
	FloorOpts
}

// floorOf reads the options of a floor, with their defaults.
func floorOf(t testing.TB, text string) *FloorOpts {
	t.Helper()
	d, err := strict.NewDecoder("test", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var file floorFile
	d.Decode(&file, "the world")
	d.Check("", &file.FloorOpts)
	if err := d.Err(); err != nil {
		t.Fatal(err)
	}
	return &file.FloorOpts
}

// arenaOf reads the options of the arena.
func arenaOf(t testing.TB) *FloorOpts {
	t.Helper()
	text, err := Files.ReadFile("arena.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return floorOf(t, string(text))
}

// hobbyist is the usual robot: a hobbyist's two-wheeler of 16 cm.
var hobbyist = Body{Radius: 80 * physic.MilliMetre, Track: 120 * physic.MilliMetre, Wheel: 65 * physic.MilliMetre,
	TopSpeed: 500 * physic.MilliMetrePerSecond}

// driven is a floor with a robot that a test drives.
type driven struct {
	*floor
	random splitmix64.Random
}

func newDriven(o *FloorOpts, body Body, seed uint64) *driven {
	d := &driven{floor: newFloor(o, &body), random: splitmix64.Random(seed)}
	d.reset(&d.random)
	return d
}

// drive advances by some time with the same commands.
func (d *driven) drive(left, right float64, length time.Duration) {
	for range length / floorStep {
		d.advance([]float64{left, right})
	}
}

// put places the robot at rest.
func (d *driven) put(x, y, degrees float64) {
	d.at, d.heading = vector{x, y}, degrees*math.Pi/180
	d.facing = direction(d.heading)
	d.wheels, d.moved, d.turning = [2]floorWheel{}, vector{}, 0
}

// senses returns what a sensor senses.
func (d *driven) senses(what string, m Mount) func() float64 {
	now, err := d.sense(&Sensor{Name: "test"}, &m, what)
	if err != nil {
		panic(err)
	}
	return now
}

// ahead returns the distance of what is ahead of the robot's middle.
func (d *driven) ahead(far float64) float64 {
	ray := newCone(0)
	ray = ray.turned(d.facing)
	return d.plan.distance(d.at, &ray, far)
}

// facing returns the mount at the rim of the body at an angle.
func facing(degrees float64) Mount {
	return Mount{Facing: physic.Angle(math.Round(degrees * math.Pi / 180 * float64(physic.Radian)))}
}

// arenaBits is the hash of a minute of driving in the arena. It is the one of the arena that had its own physics, before floor.
const arenaBits = 0x498aa185aec2ad5c

// The same seed and commands give the same bits on every processor: the tests run on emulated ones too.
func TestArenaBits(t *testing.T) {
	d := newDriven(arenaOf(t), hobbyist, 42)
	left, right := d.senses("light", facing(40)), d.senses("light", facing(-40))
	bumper := d.senses("contact", Mount{})
	g := splitmix64.Random(7)
	h := newDigest()
	duty := func(command float64) float64 { // with the resolution of PWM
		return math.Copysign(float64(gpio.Duty(math.Abs(command)*float64(gpio.DutyMax)))/float64(gpio.DutyMax), command)
	}
	for range 240 { // a minute
		l := g.Between(-0.4, 1)
		d.drive(duty(l), duty(g.Between(-0.4, 1)), 250*time.Millisecond)
		lamp := d.lamps[0].at
		h.add(d.at.x, d.at.y, d.heading, d.wheels[0].speed, d.wheels[1].speed, lamp.x, lamp.y, d.at.distance(lamp), left(), right(),
			d.ahead(5))
		fmt.Fprint(h, bumper() > 0, d.reached, time.Duration(d.first)*floorStep)
	}
	h.expect(t, "arena", arenaBits)
}

func near(a, b, within float64) bool { return math.Abs(a-b) <= within }

func TestArenaStarts(t *testing.T) {
	o := arenaOf(t)
	for seed := range uint64(300) {
		d := newDriven(o, hobbyist, seed)
		lamp := d.lamps[0].at
		if gap, _ := d.plan.nearest(d.at, 9); gap < 0.3 || d.at.distance(lamp) < 1 || d.reached != 0 {
			t.Errorf("seed %d: %.2f m from a wall, %.2f m from the lamp", seed, gap, d.at.distance(lamp))
		}
		if gap, _ := d.plan.nearest(lamp, 9); gap < 0.5 {
			t.Errorf("seed %d: the lamp is %.2f m from a wall", seed, gap)
		}
	}
}

func TestArenaLight(t *testing.T) {
	d := newDriven(arenaOf(t), hobbyist, 1)
	left, right := d.senses("light", facing(40)), d.senses("light", facing(-40))
	d.put(1, 2, 0)
	at := func(x, y float64) (l, r float64) {
		d.lamps[0].at = vector{x, y}
		return left(), right()
	}
	if l, r := at(3, 2); !near(l, r, 1e-9) || l <= 15 {
		t.Errorf("straight ahead: %g and %g lx", l, r)
	}
	if l, r := at(2, 3); l <= r {
		t.Errorf("to the left: %g and %g lx", l, r)
	}
	if l, r := at(0.2, 2); l != 15 || r != 15 {
		t.Errorf("behind: %g and %g lx", l, r)
	}
	// A metre in front of the eye, in the direction in which it looks, the light is the lamp's strength.
	look := direction(40 * math.Pi / 180)
	eye := d.at.plus(look.times(0.08))
	if l, _ := at(eye.plus(look).x, eye.plus(look).y); !near(l, 400+15, 1e-6) {
		t.Errorf("a metre away: %g lx", l)
	}
	if l, _ := at(eye.plus(look.times(0.5)).x, eye.plus(look.times(0.5)).y); !near(l, 4*400+15, 1e-6) {
		t.Errorf("half a metre away: %g lx, want four times as much", l)
	}
	d.put(1.2, 0.25, 0) // the wall inside stands before it
	if l, r := at(2.2, 0.25); l != 15 || r != 15 {
		t.Errorf("in the shadow: %g and %g lx", l, r)
	}
}

func TestReachingTheLamp(t *testing.T) {
	for _, moves := range []bool{false, true} {
		o := arenaOf(t)
		if !moves {
			o.Lamps[0].Reached = "stays"
		}
		d := newDriven(o, hobbyist, 3)
		if s := d.score(0); !strings.HasPrefix(s.Text, "did not reach the lamp, ") || s.Reached || d.events() != nil {
			t.Errorf("at the start: %+v", s)
		}
		d.put(2, 2, 0)
		d.lamps[0].at = vector{2.5, 2}
		d.drive(1, 1, time.Second)
		if d.reached != 1 || d.first < 400 || d.first > 700 {
			t.Errorf("moves %v: %d lamps, the first in step %d", moves, d.reached, d.first)
		}
		lamp := d.lamps[0].at
		if moved := lamp.x != 2.5; moved != moves || moves && d.at.distance(lamp) < 0.5 {
			t.Errorf("moves %v: the lamp is at %v", moves, lamp)
		}
		if s := d.score(1000); !s.Reached || !strings.HasPrefix(s.Text, "reached the lamp after 0.") ||
			strings.Contains(s.Text, ", 1 lamp in all") != moves {
			t.Errorf("moves %v: %+v", moves, s)
		}
		if e := d.events(); len(e) != 1 || e[0] != (Event{lampReached, "1 so far"}) || d.events() != nil {
			t.Errorf("events %v", e)
		}
	}
}

func TestArenaPicture(t *testing.T) {
	d := newDriven(arenaOf(t), hobbyist, 1)
	d.lamps[0].at = vector{3, 2}
	for degrees, arrow := range map[float64]string{0: "→", 90: "↑", 180: "←", 270: "↓", 45: "↗", 350: "→"} {
		d.put(1, 1, degrees)
		m := d.picture(40, 15)
		if strings.Count(m, "\n") != 15 || strings.Count(m, arrow) != 1 || strings.Count(m, "*") != 1 ||
			!strings.HasPrefix(m, strings.Repeat("#", 40)) {
			t.Errorf("heading %g:\n%s", degrees, m)
		}
	}
	if m := d.picture(2, 2); m != "" {
		t.Errorf("too small for a map, and yet:\n%s", m)
	}
}
