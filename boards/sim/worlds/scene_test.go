package worlds

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"periph.io/x/conn/v3/physic"
	"pgregory.net/rapid"

	"fluxd/options"
	"fluxd/splitmix64"
)

// living makes a world of a physics, whose commands are always the same.
func living(p physics, seed uint64, commands ...float64) *stepped {
	w := &stepped{physics: p, length: p.step(), commands: make([]float64, len(p.parts()))}
	for i := range p.parts() {
		w.parts = append(w.parts, nil)
		if i < len(commands) {
			w.parts[i] = func() float64 { return commands[i] }
		}
	}
	w.begin(seed)
	return w
}

// defaultsOf makes a world of a kind with its default options.
func defaultsOf[T any, P interface {
	*T
	Options
}](t testing.TB, change func(P)) *stepped {
	t.Helper()
	o := options.Defaults[T]()
	if change != nil {
		change(&o)
	}
	return living(P(&o).physics(&Robot{Body: hobbyist}), 1)
}

// furnishings is a floor with each kind of thing.
const furnishings = `
world: floor
walls: [[[2 m, 0 m], [2 m, 1 m]]]
obstacles: [{at: [3 m, 0.5 m], radius: 20 cm}, {at: [3 m, 2 m], size: [60 cm, 20 cm]}]
lamps: [{at: [0.5 m, 2.5 m]}, {at: [3.5 m, 2.5 m], reached: goes_out}]
food: [{at: [0.3 m, 0.3 m]}]
start: {at: [1 m, 1.5 m], heading: 0 °}
`

// theWorlds has one of each kind that has something to draw.
func theWorlds(t testing.TB) map[string]*stepped {
	return map[string]*stepped{
		"floor":        living(newFloor(floorOf(t, furnishings), &hobbyist), 1, 0.5, 0.4),
		"everything":   living(newFloor(floorOf(t, everything), &hobbyist), 1, 0.5, 0.45),
		"open floor":   living(newFloor(floorOf(t, "world: floor\nwalled: false\nstart: {heading: 0 °}"), &hobbyist), 1, 1, 1),
		"gait":         defaultsOf(t, func(o *GaitOpts) { o.Bumps = 5 * physic.MilliMetre }),
		"cartpole":     defaultsOf(t, func(o *CartPoleOpts) { o.Rest = time.Minute }),
		"balance":      defaultsOf[BalanceOpts](t, nil),
		"heat":         defaultsOf[HeatOpts](t, nil),
		"conditioning": defaultsOf[ConditioningOpts](t, nil),
	}
}

// The picture of a world is its scene and what moves in it, and nothing else but the way of the robot. While the version of the
// scene is the same, so is the scene.
func TestScenesAndMoments(t *testing.T) {
	for name, w := range theWorlds(t) {
		before := w.Scene()
		for step := range 40 {
			scene, moment := w.Scene(), w.Moment()
			if scene.Version != moment.Version {
				t.Fatalf("%s: scene %d, moment %d", name, scene.Version, moment.Version)
			}
			if scene.Version == before.Version && !reflect.DeepEqual(scene.Drawing.Shapes, before.Drawing.Shapes) {
				t.Fatalf("%s: step %d: another scene with the same version", name, step)
			}
			before = scene
			both := slices.Concat(scene.Shapes, moment.Shapes)
			for _, s := range w.Draw().Shapes {
				has := func(o Shape) bool { return reflect.DeepEqual(o, s) }
				if s.Style != StylePath && s.Style != StyleGround && !slices.ContainsFunc(both, has) {
					t.Errorf("%s: neither the scene nor the moment has %+v", name, s)
				}
			}
			if len(both) == 0 || scene.High.X <= scene.Low.X || moment.High.Y <= moment.Low.Y {
				t.Errorf("%s: %d shapes in %v to %v, %v to %v", name, len(both), scene.Low, scene.High, moment.Low, moment.High)
			}
			for _, p := range moment.Things {
				if p.At.X < moment.Low.X || p.At.X > moment.High.X || p.At.Y > moment.High.Y {
					t.Errorf("%s: %s at %v is not in view: %v to %v", name, p.Name, p.At, moment.Low, moment.High)
				}
			}
			w.Advance(time.Duration(step+1) * 250 * time.Millisecond)
		}
		version := w.Scene().Version
		w.Restart(2)
		if w.Scene().Version == version {
			t.Errorf("%s: another episode has the scene of the last one", name)
		}
	}
}

// What can be put elsewhere, where to, and why not.
func TestThings(t *testing.T) {
	for name, want := range map[string]string{
		"floor":        "robot lamp[0] lamp[1] obstacle[0] obstacle[1] food[0]",
		"open floor":   "robot",
		"gait":         "robot",
		"cartpole":     "robot",
		"balance":      "robot",
		"heat":         "",
		"conditioning": "",
	} {
		w := theWorlds(t)[name]
		if got := strings.Join(namesOf(w.Scene().Things), " "); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		all := w.Moment().Things
		if want != "" && (len(all) == 0 || all[0].Kind != ThingRobot || !all[0].Moves) {
			t.Errorf("%s: a moment does not begin with the robot: %+v", name, all)
		}
	}
}

func TestPlace(t *testing.T) {
	angle := func(a float64) *float64 { return &a }
	for _, c := range []struct {
		world   string
		p       Placement
		refused string // "": it is put there
	}{
		{"floor", Placement{"robot", Point{1.5, 2}, nil}, ""},
		{"floor", Placement{"robot", Point{1.5, 2}, angle(math.Pi / 2)}, ""},
		{"floor", Placement{"robot", Point{0.08, 0.08}, nil}, ""},
		{"floor", Placement{"robot", Point{0.07, 1}, nil}, "x: 0.07 is out of range: expected 0.08 to 3.92"},
		{"floor", Placement{"robot", Point{1, 2.95}, nil}, "y: 2.95 is out of range: expected 0.08 to 2.92"},
		{"floor", Placement{"robot", Point{math.NaN(), 1}, nil}, "x: NaN is out of range: expected 0.08 to 3.92"},
		{"floor", Placement{"robot", Point{1, math.Inf(-1)}, nil}, "y: -Inf is out of range: expected 0.08 to 2.92"},
		{"floor", Placement{"robot", Point{1, 1}, angle(math.NaN())}, "heading: NaN is out of range: expected -6.283 to 6.283"},
		{"floor", Placement{"robot", Point{1, 1}, angle(7)}, "heading: 7 is out of range: expected -6.283 to 6.283"},
		{"floor", Placement{"robot", Point{1.95, 0.5}, nil}, "1.95, 0.5 is too near to a wall or an obstacle: the robot's radius is " +
			"0.08 m, and something solid is 0.05 m away"},
		{"floor", Placement{"robot", Point{3, 0.45}, nil}, "3, 0.45 is too near to a wall or an obstacle: the robot's radius is " +
			"0.08 m, and something solid is 0 m away"},
		{"floor", Placement{"robot", Point{3, 2}, nil}, "3, 2 is too near to a wall or an obstacle: the robot's radius is " +
			"0.08 m, and something solid is 0 m away"},
		{"floor", Placement{"lamp[1]", Point{2, 2}, nil}, ""},
		{"floor", Placement{"lamp[1]", Point{3, 2}, nil}, "3, 2 would be in a wall or an obstacle"},
		{"floor", Placement{"lamp[1]", Point{3, 0.4}, nil}, "3, 0.4 would be in a wall or an obstacle"},
		{"floor", Placement{"lamp[1]", Point{2, 1}, angle(1)}, "it has no heading: leave it out"},
		{"floor", Placement{"lamp[2]", Point{2, 1}, nil}, "the world has no such thing (did you mean lamp[0]?): it has robot, " +
			"lamp[0], lamp[1], obstacle[0], obstacle[1], food[0]"},
		{"floor", Placement{"food[0]", Point{3.5, 0.5}, nil}, ""},
		{"floor", Placement{"food[0]", Point{3, 0.5}, nil}, "3, 0.5 would be in a wall or an obstacle"},
		{"floor", Placement{"obstacle[0]", Point{1, 1}, nil}, ""},
		{"floor", Placement{"obstacle[0]", Point{1, 1}, angle(1)}, "it has no heading: leave it out"},
		{"floor", Placement{"obstacle[1]", Point{0, 3}, angle(-0.5)}, ""},
		{"floor", Placement{"obstacle[0]", Point{1, 1.25}, nil}, "the robot, with a radius of 0.08 m, is in the way: it would be " +
			"0.05 m from the obstacle"},
		{"floor", Placement{"obstacle[1]", Point{1, 1.5}, nil}, "the robot, with a radius of 0.08 m, is in the way: it would be 0 m " +
			"from the obstacle"},
		{"floor", Placement{"obstacle[1]", Point{3.3, 2.45}, nil}, "lamp[1] is in the way: it would be in the obstacle"},
		{"floor", Placement{"obstacle[0]", Point{0.3, 0.4}, nil}, "food[0] is in the way: it would be in the obstacle"},
		{"open floor", Placement{"robot", Point{0, 0}, nil}, ""},
		{"open floor", Placement{"robot", Point{-1, 0}, nil}, "x: -1 is out of range: expected 0 to 4"},
		{"gait", Placement{"robot", Point{-2, 3}, angle(2)}, ""},
		{"gait", Placement{"robot", Point{-11, 3}, nil}, "x: -11 is out of range: expected -10 to 10"},
		{"balance", Placement{"robot", Point{0.5, -0.5}, angle(-1)}, ""},
		{"balance", Placement{"robot", Point{0.5, 99}, nil}, "y: 99 is out of range: expected -10 to 10"},
		{"cartpole", Placement{"robot", Point{-1, 0}, angle(0.1)}, ""},
		{"cartpole", Placement{"robot", Point{-1, 0}, nil}, ""},
		{"cartpole", Placement{"robot", Point{-1, 0.5}, nil}, "y: 0.5 is out of range: expected 0 to 0"},
		{"cartpole", Placement{"robot", Point{2.5, 0}, nil}, "x: 2.5 is out of range: expected -2.4 to 2.4"},
		{"cartpole", Placement{"robot", Point{0, 0}, angle(0.3)}, "the pole would have fallen: expected a heading of -0.2094 to " +
			"0.2094 rad"},
		{"heat", Placement{"robot", Point{}, nil}, "nothing in this world can be put elsewhere"},
		{"conditioning", Placement{"robot", Point{}, nil}, "nothing in this world can be put elsewhere"},
	} {
		w := theWorlds(t)[c.world]
		scene, moment := w.Scene(), w.Moment()
		err := w.Place(c.p)
		if c.refused != "" {
			var m *Misplaced
			if !errors.As(err, &m) || err.Error() != c.refused {
				t.Errorf("%s: %+v: %v, want %s", c.world, c.p, err, c.refused)
			}
			if fmt.Sprint(w.Scene(), w.Moment()) != fmt.Sprint(scene, moment) { // which has numbers that are not known yet
				t.Errorf("%s: %+v: it was refused, and the world has changed", c.world, c.p)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %+v: %v", c.world, c.p, err)
			continue
		}
		after := w.Scene()
		got := after.Things[slices.IndexFunc(after.Things, func(o Thing) bool { return o.Name == c.p.Thing })]
		if got.At != c.p.At || c.p.Heading != nil && math.Abs(direction(got.Heading).cross(direction(*c.p.Heading))) > 1e-12 {
			t.Errorf("%s: %+v: it is at %v, heading %g", c.world, c.p, got.At, got.Heading)
		}
		if after.Version == scene.Version {
			t.Errorf("%s: %+v: the scene has the same version", c.world, c.p)
		}
	}
}

// When an episode is over, nothing can be put elsewhere until the next one, which begins as if nothing had been.
func TestPlacementsEndWithTheEpisode(t *testing.T) {
	w := living(newFloor(floorOf(t, furnishings+"time_limit: 1s\n"), &hobbyist), 1)
	before := w.Scene()
	for i, to := range map[string]Point{"robot": {2, 2}, "lamp[0]": {1, 1}, "obstacle[0]": {1.5, 0.5}, "food[0]": {2.5, 2.5}} {
		if err := w.Place(Placement{Thing: i, At: to}); err != nil {
			t.Fatal(err)
		}
	}
	w.Advance(2 * time.Second)
	if err := w.Place(Placement{Thing: "robot", At: Point{2, 2}}); err == nil || !strings.Contains(err.Error(), "is over") {
		t.Errorf("after the end: %v", err)
	}
	w.Restart(1)
	if after := w.Scene(); !reflect.DeepEqual(after.Things, before.Things) || !reflect.DeepEqual(after.Drawing, before.Drawing) {
		t.Errorf("the next episode: %+v, want %+v", after, before)
	}
}

// What a robot senses follows from where things are: light from a lamp, the distance of an obstacle.
func TestSensesAfterPlacing(t *testing.T) {
	f := newFloor(floorOf(t, furnishings), &hobbyist)
	w := living(f, 1)
	eye := w.sensed(&Sensor{Name: "eye"}, &Mount{}, func() func() float64 {
		now, _ := f.sense(&Sensor{Name: "eye"}, &Mount{}, "light")
		return now
	}())
	sonar := w.sensed(&Sensor{Name: "sonar"}, &Mount{}, func() func() float64 {
		now, _ := f.sense(&Sensor{Name: "sonar"}, &Mount{}, "range")
		return now
	}())
	put := func(thing string, x, y float64) {
		t.Helper()
		if err := w.Place(Placement{Thing: thing, At: Point{x, y}}); err != nil {
			t.Fatal(err)
		}
	}
	dark, far := eye(0), sonar(0)
	put("lamp[0]", 2.08, 1.5) // a metre ahead of the eye
	if lit := eye(0); lit-dark < 399_000_000 || lit-dark > 401_000_000 {
		t.Errorf("%d, and %d with a lamp of 400 lx a metre ahead", dark, lit)
	}
	put("obstacle[1]", 1.68, 1.5) // half a metre away, and half of its width
	if near := sonar(0); near < 299_990 || near > 300_010 || far < 2_800_000 {
		t.Errorf("%d um, and %d behind the obstacle", far, near)
	}
	if shaded := eye(0); shaded != dark {
		t.Errorf("behind an obstacle: %d, want %d", shaded, dark)
	}
	put("robot", 0.5, 0.5)
	if ahead := sonar(0); ahead < 1_419_990 || ahead > 1_420_010 { // to the wall at 2 m
		t.Errorf("elsewhere: %d um", ahead)
	}
}

// A lamp that has gone out shines again when it is put elsewhere, and it counts again.
func TestAPlacedLampShines(t *testing.T) {
	w := living(newFloor(floorOf(t, furnishings), &hobbyist), 1)
	reach := func() {
		t.Helper()
		if err := w.Place(Placement{Thing: "lamp[1]", At: Point{1.1, 1.5}}); err != nil {
			t.Fatal(err)
		}
	}
	reach()
	w.Advance(time.Second)
	if lamp := w.Moment().Things[2]; !lamp.Gone {
		t.Fatalf("the robot is there, and the lamp has not gone out: %+v", lamp)
	}
	reach()
	if w.Moment().Things[2].Gone {
		t.Error("a lamp that is put elsewhere is out")
	}
	w.Advance(2 * time.Second)
	if lamps := w.State()["lamps"]; lamps != 2 {
		t.Errorf("%g lamps reached, want 2", lamps)
	}
}

// A robot that is carried goes on as it was moving, and the way on which it is carried counts as nothing.
func TestACarriedRobotGoesOn(t *testing.T) {
	quarter := math.Pi / 2
	f := newFloor(floorOf(t, "world: floor\nlines: [{points: [[1 m, 0.5 m], [1 m, 2.5 m]]}]\n"+
		"start: {at: [1 m, 1 m], heading: 90 °}"), &hobbyist)
	w := living(f, 1, 0.4, 0.4)
	w.Advance(time.Second)
	speed, score := f.moved.length(), w.Score()
	if err := w.Place(Placement{Thing: "robot", At: Point{3, 1}, Heading: &quarter}); err != nil {
		t.Fatal(err)
	}
	w.Advance(time.Second + floorStep)
	if !near(f.moved.y, speed, 1e-4) || f.pulled.length() > 1 {
		t.Errorf("at %v m/s and %v m/s², before %g m/s", f.moved, f.pulled, speed)
	}
	for i, v := range w.Score().Values {
		if v.Name == "x_m" || v.Name == "y_m" || v.Name == "on_line" {
			continue
		}
		if !near(v.Number, score.Values[i].Number, 0.001) {
			t.Errorf("%s was %g, is %g", v.Name, score.Values[i].Number, v.Number)
		}
	}
	if !f.progress.lost {
		t.Error("it is not on the line, and has not noticed")
	}

	// A walker and a balancing robot, at another place and in another direction, do what they would have done.
	for name, length := range map[string]time.Duration{"gait": 300 * time.Millisecond, "balance": 2200 * time.Millisecond,
		"cartpole": 80 * time.Millisecond} {
		heading := 2.0
		for _, bumpy := range []bool{false, true} {
			stays, goes := theWorlds(t)[name], theWorlds(t)[name]
			for _, w := range []*stepped{stays, goes} {
				if g, is := w.physics.(*gait); is && !bumpy {
					g.o.Bumps = 0
				}
				w.Restart(3)
				for i := range w.parts {
					w.parts[i] = func() float64 { return 0.3 * float64(i%3-1) }
				}
				w.Advance(length)
			}
			p := Placement{Thing: goes.Scene().Things[0].Name, At: Point{1, 0}, Heading: &heading}
			if name == "cartpole" {
				p.Heading = nil
			}
			if err := goes.Place(p); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			stays.Advance(2 * length)
			goes.Advance(2 * length)
			for i, v := range stays.Score().Values {
				got, within := goes.Score().Values[i].Number, 1e-9
				switch v.Name {
				case "turned_deg", "farthest_m":
					continue
				case "metres", "slip_m", "margin_m", "feet", "least_feet", "forward_m", "stumbles", "falls", "first_s":
					if bumpy { // the ground is another one
						within = 0.1 + math.Abs(v.Number)
					}
				}
				if !near(got, v.Number, within) {
					t.Errorf("%s: %s: %g, without the carrying %g", name, v.Name, got, v.Number)
				}
			}
		}
	}
}

// placedBits is the hash of a minute with placements, in the floor that has everything.
const placedBits = 0xe89be54c5e46be30

// A placement is an input at a time: the same ones give the same bits, on every processor. Refused ones change no bit.
func TestPlacementsAreInputs(t *testing.T) {
	run := func(placing, refused bool) (uint64, digest) {
		f := newFloor(floorOf(t, everything), &hobbyist)
		w, h := living(f, 42, 0.5, 0.45), newDigest()
		g := splitmix64.Random(7)
		for k := range 240 {
			if things := w.things(); placing {
				thing := things[g.Below(uint64(len(things)))]
				p := Placement{Thing: thing.Name, At: Point{g.Between(thing.Low.X, thing.High.X), g.Between(thing.Low.Y, thing.High.Y)}}
				if heading := g.Between(-3, 3); thing.Turns {
					p.Heading = &heading
				}
				fmt.Fprint(h, w.Place(p) == nil)
			}
			if refused && w.Place(Placement{Thing: "robot", At: Point{9, 9}}) == nil {
				t.Fatal("out of the room")
			}
			w.Advance(time.Duration(k+1) * 250 * time.Millisecond)
			h.add(f.at.x, f.at.y, f.heading, f.wheels[0].turned, f.nextLamp().x, f.nextFood().y)
		}
		return h.Sum64(), h
	}
	plain, _ := run(false, false)
	if got, _ := run(false, true); got != plain {
		t.Errorf("with placements that are refused: %#x, without %#x", got, plain)
	}
	_, h := run(true, false)
	h.expect(t, "everything, with placements", placedBits)
}

// Whatever is put anywhere, nothing is in something solid, and the plan knows where everything is.
func TestPlacingAnything(t *testing.T) {
	o := floorOf(t, everything)
	rapid.Check(t, func(t *rapid.T) {
		f := newFloor(o, &hobbyist)
		w := living(f, rapid.Uint64().Draw(t, "seed"))
		for range 20 {
			things := w.things()
			thing := rapid.SampledFrom(things).Draw(t, "thing")
			coordinate := rapid.Float64Range(-1, 7)
			p := Placement{Thing: thing.Name, At: Point{coordinate.Draw(t, "x"), coordinate.Draw(t, "y")}}
			if heading := rapid.Float64Range(-7, 7).Draw(t, "heading"); thing.Turns {
				p.Heading = &heading
			}
			if w.Place(p) != nil && !reflect.DeepEqual(things, w.things()) {
				t.Fatalf("%+v was refused, and has changed something", p)
			}
			if gap := f.plan.gap(f.at, math.Inf(1)); gap < f.radius {
				t.Fatalf("after %+v the robot is %g m from something solid", p, gap)
			}
			for i := range f.lamps {
				if f.plan.gap(f.lamps[i].at, math.Inf(1)) <= 0 {
					t.Fatalf("after %+v lamp %d is in something solid", p, i)
				}
			}
			near := newGrid(f.plan.width, f.plan.depth, max(f.radius, 0.1))
			other := *f.plan
			other.near = near
			for i := range other.solids {
				other.spread(i)
			}
			for i := range near.cells {
				if !slices.Equal(near.cells[i], f.plan.near.cells[i]) {
					t.Fatalf("after %+v cell %d has %v, want %v", p, i, f.plan.near.cells[i], near.cells[i])
				}
			}
		}
	})
}

// Readers and placements come from other goroutines than the one that advances the world.
func TestPlacingWhileTheWorldGoesOn(t *testing.T) {
	w := theWorlds(t)["everything"]
	var all sync.WaitGroup
	all.Go(func() {
		for k := range 200 {
			w.Advance(time.Duration(k) * 5 * time.Millisecond)
		}
	})
	all.Go(func() {
		for k := range 200 {
			if err := w.Place(Placement{Thing: "lamp[0]", At: Point{0.5, 1 + float64(k)/200}}); err != nil {
				var m *Misplaced
				if !errors.As(err, &m) {
					t.Error(err)
				}
			}
		}
	})
	all.Go(func() {
		last := int64(0)
		for range 200 {
			scene, moment := w.Scene(), w.Moment()
			if scene.Version < last || moment.Version < scene.Version {
				t.Errorf("versions %d, %d, %d", last, scene.Version, moment.Version)
			}
			last = moment.Version
		}
	})
	all.Wait()
}

// An empty battery is an event, once, and the score says it.
func TestEmptyBattery(t *testing.T) {
	for _, goal := range []string{"none", "lamp"} {
		w := living(newFloor(floorOf(t, "world: floor\nbattery: {capacity: 0.001 Ah}\ngoal: "+goal+
			"\nlamps: [{at: [3 m, 2 m]}]\nstart: {at: [1 m, 1 m]}"), &hobbyist), 1)
		w.Advance(11 * time.Second) // of the twelve for which 0.3 A empty it
		if events := w.Events(); events != nil || strings.Contains(w.Score().Text, "battery") {
			t.Errorf("before: %v, %s", events, w.Score().Text)
		}
		w.Advance(13 * time.Second)
		if events := w.Events(); len(events) != 1 || events[0] != (Event{batteryEmpty, "after 13 s"}) || w.Events() != nil {
			t.Errorf("events %v", events)
		}
		if !strings.HasSuffix(w.Score().Text, ", the battery is empty") {
			t.Errorf("score: %s", w.Score().Text)
		}
		w.Restart(1)
		if w.Events() != nil || strings.Contains(w.Score().Text, "battery") {
			t.Errorf("the next episode: %s", w.Score().Text)
		}
	}
}
