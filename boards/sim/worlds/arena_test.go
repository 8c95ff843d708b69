package worlds

import (
	"fmt"
	"hash/fnv"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
	"pgregory.net/rapid"

	"fluxd/boards/sim"
	"fluxd/splitmix64"
)

// world is an arena on a separate board, with its wheels.
type world struct {
	*Arena
	board *sim.Board
	t     interface{ Fatal(...any) }
	now   time.Duration
}

func newWorld(t interface{ Fatal(...any) }, opts ArenaOpts, seed uint64) *world {
	w := &world{t: t}
	w.board = sim.New(func() time.Duration { return w.now })
	var err error
	if w.Arena, err = NewArena(w.board, opts, seed); err != nil {
		t.Fatal(err)
	}
	return w
}

// drive sets the wheels, from -1 to 1, and advances the time.
func (w *world) drive(left, right float64, length time.Duration) {
	for _, wheel := range []struct {
		pwm, direction string
		speed          float64
	}{{leftPWM, leftDirection, left}, {rightPWM, rightDirection, right}} {
		pwm, err := w.board.Pin(wheel.pwm)
		if err != nil {
			w.t.Fatal(err)
		}
		direction, err := w.board.Pin(wheel.direction)
		if err != nil {
			w.t.Fatal(err)
		}
		if err := direction.Out(wheel.speed < 0); err != nil {
			w.t.Fatal(err)
		}
		if err := pwm.PWM(gpio.Duty(math.Abs(wheel.speed)*float64(gpio.DutyMax)), 20*physic.KiloHertz); err != nil {
			w.t.Fatal(err)
		}
	}
	w.now += length
	w.Advance(w.now)
}

// put places the robot, free of walls, at rest.
func (w *world) put(x, y, degrees float64) {
	w.at, w.heading = vector{x, y}, degrees*math.Pi/180
	w.facing = direction(w.heading)
	w.wheels[0].speed, w.wheels[1].speed = 0, 0
	w.touch()
}

// goldenBits is the hash of a minute of scripted driving.
const goldenBits = 0x498aa185aec2ad5c

func near(a, b, within float64) bool { return math.Abs(a-b) <= within }

func TestStartIsLegal(t *testing.T) {
	for seed := range uint64(300) {
		w := newWorld(t, ArenaOpts{}, seed)
		s := w.State()
		if gap, _ := w.nearestWall(w.at); gap < 0.3 || s.ToLamp < 1 || s.Bump || s.Reached != 0 {
			t.Errorf("seed %d: %.2f m from a wall, %+v", seed, gap, s)
		}
		if gap, _ := w.nearestWall(w.lamp); gap < 0.5 {
			t.Errorf("seed %d: the lamp is %.2f m from a wall", seed, gap)
		}
	}
}

func TestDriving(t *testing.T) {
	for _, c := range []struct {
		name              string
		left, right       float64
		x, y, turned      float64 // after a second from (2, 1.5), heading east
		metres, radiansOK float64
	}{
		{"straight ahead", 1, 1, 2.475, 1.5, 0, 0.002, 1e-9},
		{"half speed", 0.5, 0.5, 2.2375, 1.5, 0, 0.002, 1e-6},
		{"backwards", -1, -1, 1.525, 1.5, 0, 0.002, 1e-9},
		{"turn in place to the left", -0.1, 0.1, 2, 1.5, 2 * 0.0475 / wheelBase, 1e-9, 0.01},
		{"turn in place to the right", 0.1, -0.1, 2, 1.5, 2*math.Pi - 2*0.0475/wheelBase, 1e-9, 0.01},
		{"at rest", 0, 0, 2, 1.5, 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, ArenaOpts{}, 1)
			w.put(2, 1.5, 0)
			w.drive(c.left, c.right, time.Second)
			if s := w.State(); !near(s.X, c.x, c.metres) || !near(s.Y, c.y, c.metres) || !near(s.Heading, c.turned, c.radiansOK) {
				t.Errorf("at %.4f, %.4f heading %.4f; want %.4f, %.4f heading %.4f", s.X, s.Y, s.Heading, c.x, c.y, c.turned)
			}
		})
	}
}

// A wall stops the robot and presses the bumper; backing off releases it.
func TestWallStopsAndPresses(t *testing.T) {
	w := newWorld(t, ArenaOpts{}, 1)
	bumper, _ := w.board.Pin(bumperPin)
	if err := bumper.In(gpio.PullUp, gpio.BothEdges); err != nil {
		t.Fatal(err)
	}
	w.put(3.5, 1.5, 0)
	w.drive(1, 1, 2*time.Second)
	s := w.State()
	if !s.Bump || bumper.Read() != gpio.Low || s.X > arenaWidth-bodyRadius || s.X < arenaWidth-bodyRadius-0.01 || s.Left > 0.02 {
		t.Errorf("at the wall: %+v, bumper %v", s, bumper.Read())
	}
	if !bumper.WaitForEdge(0) {
		t.Error("the bump was no edge")
	}
	w.drive(-1, -1, 500*time.Millisecond)
	if s := w.State(); s.Bump || bumper.Read() != gpio.High || s.X > 3.8 {
		t.Errorf("after backing off: %+v, bumper %v", s, bumper.Read())
	}
	// The bumper is at the front: backing into a wall does not press it.
	w.put(0.2, 1.5, 0)
	w.drive(-1, -1, time.Second)
	if s := w.State(); s.Bump || s.X < bodyRadius {
		t.Errorf("backed into a wall: %+v", s)
	}
}

// Whatever the commands, the robot does not pass through a wall.
func TestRobotStaysInside(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, ArenaOpts{Relight: true}, rapid.Uint64().Draw(t, "seed"))
		for range 20 {
			w.drive(rapid.Float64Range(-1, 1).Draw(t, "left"), rapid.Float64Range(-1, 1).Draw(t, "right"), 500*time.Millisecond)
			if gap, _ := w.nearestWall(w.at); gap < bodyRadius-1e-9 || w.at.x < 0 || w.at.x > arenaWidth || w.at.y < 0 ||
				w.at.y > arenaHeight {
				t.Fatalf("%.4f m from a wall: %+v", gap, w.State())
			}
		}
	})
}

// In one large step of time or in many small ones, the world goes through the same states.
func TestAdvancingInPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		whole, pieces := newWorld(t, ArenaOpts{Relight: true}, seed), newWorld(t, ArenaOpts{Relight: true}, seed)
		whole.drive(0.9, 0.7, 5*time.Second)
		pieces.drive(0.9, 0.7, 0)
		for pieces.now < 5*time.Second {
			pieces.now = min(pieces.now+time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "step")), 5*time.Second)
			pieces.Advance(pieces.now)
		}
		if whole.State() != pieces.State() {
			t.Errorf("%+v\n%+v", whole.State(), pieces.State())
		}
	})
}

// The same seed and commands give the same bits on every processor: the tests run on emulated ones too.
func TestGoldenBits(t *testing.T) {
	w := newWorld(t, ArenaOpts{Relight: true}, 42)
	g := splitmix64.Random(7)
	h := fnv.New64a()
	for range 240 { // a minute
		w.drive(g.Between(-0.4, 1), g.Between(-0.4, 1), 250*time.Millisecond)
		s := w.State()
		for _, x := range []float64{s.X, s.Y, s.Heading, s.Left, s.Right, s.LampX, s.LampY, s.ToLamp, s.LeftLight, s.RightLight,
			s.Ahead} {
			fmt.Fprintf(h, "%016x", math.Float64bits(x))
		}
		fmt.Fprint(h, s.Bump, s.Reached, s.First)
	}
	if got, want := h.Sum64(), uint64(goldenBits); got != want {
		t.Errorf("hash %#x, want %#x", got, want)
	}
}

func TestLight(t *testing.T) {
	w := newWorld(t, ArenaOpts{}, 1)
	w.put(1, 2, 0)
	at := func(x, y float64) (left, right float64) {
		w.lamp = vector{x, y}
		s := w.State()
		return s.LeftLight, s.RightLight
	}
	if l, r := at(3, 2); !near(l, r, 1e-9) || l <= ambientLight {
		t.Errorf("straight ahead: %g and %g lx", l, r)
	}
	if l, r := at(2, 3); l <= r {
		t.Errorf("to the left: %g and %g lx", l, r)
	}
	if l, r := at(0.2, 2); l != ambientLight || r != ambientLight {
		t.Errorf("behind: %g and %g lx", l, r)
	}
	// A metre in front of the eye, in the direction in which it looks, the light is the lamp's strength.
	look := direction(eyeAngle)
	eye := w.at.plus(look.times(bodyRadius))
	if l, _ := at(eye.plus(look).x, eye.plus(look).y); !near(l, lampStrength+ambientLight, 1e-6) {
		t.Errorf("a metre away: %g lx", l)
	}
	if l, _ := at(eye.plus(look.times(0.5)).x, eye.plus(look.times(0.5)).y); !near(l, 4*lampStrength+ambientLight, 1e-6) {
		t.Errorf("half a metre away: %g lx, want four times as much", l)
	}
	// The wall inside stands between (1.2, 0.25) and (2.2, 0.25).
	w.put(1.2, 0.25, 0)
	if l, r := at(2.2, 0.25); l != ambientLight || r != ambientLight {
		t.Errorf("in the shadow: %g and %g lx", l, r)
	}
}

func TestDistance(t *testing.T) {
	w := newWorld(t, ArenaOpts{}, 1)
	w.put(1, 2, 0)
	for _, c := range []struct{ angle, want float64 }{{0, 3}, {math.Pi / 2, 1}, {math.Pi, 1}, {-math.Pi / 2, 2}} {
		if got := w.Distance(c.angle); !near(got, c.want, 1e-9) {
			t.Errorf("at %.2f rad: %g m, want %g", c.angle, got, c.want)
		}
	}
	w.put(1.2, 0.25, 0)
	if got := w.Distance(0); !near(got, 0.3, 1e-9) {
		t.Errorf("the wall inside is %g m away, want 0.3", got)
	}
}

func TestReachingTheLamp(t *testing.T) {
	for _, relight := range []bool{false, true} {
		w := newWorld(t, ArenaOpts{Relight: relight}, 3)
		if r := w.Score().Text; !strings.HasPrefix(r, "did not reach the lamp, ") {
			t.Errorf("at the start: %s", r)
		}
		w.put(2, 2, 0)
		w.lamp = vector{2.5, 2}
		w.drive(1, 1, time.Second)
		s := w.State()
		if s.Reached != 1 || s.First < 400*time.Millisecond || s.First > 700*time.Millisecond {
			t.Errorf("relight %v: %+v", relight, s)
		}
		if moved := s.LampX != 2.5; moved != relight || relight && s.ToLamp < 0.5 {
			t.Errorf("relight %v: the lamp is at %g, %g", relight, s.LampX, s.LampY)
		}
		if r := w.Score().Text; !strings.HasPrefix(r, "reached the lamp after 0.") ||
			strings.Contains(r, ", 1 lamp in all") != relight {
			t.Errorf("relight %v: %s", relight, r)
		}
	}
}

func TestPicture(t *testing.T) {
	w := newWorld(t, ArenaOpts{}, 1)
	w.lamp = vector{3, 2}
	for degrees, arrow := range map[float64]string{0: "→", 90: "↑", 180: "←", 270: "↓", 45: "↗", 350: "→"} {
		w.put(1, 1, degrees)
		m := w.Picture(40, 15)
		if strings.Count(m, "\n") != 15 || strings.Count(m, arrow) != 1 || strings.Count(m, "*") != 1 ||
			!strings.HasPrefix(m, strings.Repeat("#", 40)) {
			t.Errorf("heading %g:\n%s", degrees, m)
		}
	}
	if m := w.Picture(2, 2); m != "" {
		t.Errorf("too small for a map, and yet:\n%s", m)
	}
}

func TestGeometry(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		angle := rapid.Float64Range(-50, 50).Draw(t, "angle")
		sine, cosine := math.Sincos(angle)
		if d := direction(angle); !near(d.x, cosine, 1e-13) || !near(d.y, sine, 1e-13) {
			t.Errorf("%g: %v, want %g %g", angle, d, cosine, sine)
		}
	})
	wall := segment{vector{2, -1}, vector{2, 1}}
	for _, c := range []struct {
		from, ray vector
		at        float64
		hit       bool
	}{
		{vector{0, 0}, vector{1, 0}, 2, true}, {vector{0, 0}, vector{-1, 0}, 0, false}, {vector{0, 2}, vector{1, 0}, 0, false},
		{vector{0, 0}, vector{0, 1}, 0, false}, {vector{0, 0}, vector{2, 1}, 1, true},
	} {
		if at, hit := wall.hit(c.from, c.ray); hit != c.hit || hit && !near(at, c.at, 1e-12) {
			t.Errorf("from %v along %v: %g %v", c.from, c.ray, at, hit)
		}
	}
	for p, want := range map[vector]vector{{0, 0}: {2, 0}, {5, 9}: {2, 1}, {0, -7}: {2, -1}} {
		if got := wall.nearest(p); got != want {
			t.Errorf("nearest to %v: %v, want %v", p, got, want)
		}
	}
}

// Separate goroutines may drive, sense and watch.
func TestArenaFromManyGoroutines(t *testing.T) {
	var now atomic.Int64
	clock := func() time.Duration { return time.Duration(now.Load()) }
	board := sim.New(clock)
	arena, err := NewArena(board, ArenaOpts{Relight: true}, 1)
	if err != nil {
		t.Fatal(err)
	}
	bus, err := board.Bus(arenaBus)
	if err != nil {
		t.Fatal(err)
	}
	pins := map[string]gpio.PinIO{}
	for _, name := range []string{leftPWM, leftDirection, rightPWM, rightDirection, bumperPin} {
		if pins[name], err = board.Pin(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := pins[bumperPin].In(gpio.PullUp, gpio.BothEdges); err != nil {
		t.Fatal(err)
	}
	const turns = 500
	var group sync.WaitGroup
	try := func(what func(k int) error) {
		group.Go(func() {
			for k := range turns {
				if err := what(k); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	try(func(int) error { now.Add(int64(20 * time.Millisecond)); arena.Advance(clock()); return nil })
	for _, eye := range []uint16{leftEye, rightEye} {
		try(func(int) error {
			if err := bus.Tx(eye, []byte{0x13}, nil); err != nil {
				return err
			}
			return bus.Tx(eye, nil, make([]byte, 2))
		})
	}
	for _, wheel := range [][2]string{{leftPWM, leftDirection}, {rightPWM, rightDirection}} {
		try(func(k int) error {
			if err := pins[wheel[1]].Out(k%7 == 0); err != nil {
				return err
			}
			return pins[wheel[0]].PWM(gpio.Duty(k)*(gpio.DutyMax/turns), 20*physic.KiloHertz)
		})
	}
	try(func(int) error { pins[bumperPin].WaitForEdge(0); pins[bumperPin].Read(); return nil })
	try(func(int) error {
		arena.State()
		arena.Score()
		arena.Events()
		arena.Picture(20, 10)
		arena.Distance(1)
		return nil
	})
	group.Wait()
	if gap, _ := arena.nearestWall(arena.at); arena.steps != turns*20 || gap < bodyRadius {
		t.Errorf("after %d steps %.4f m from a wall", arena.steps, gap)
	}
}

// A minute of the world, with both eyes and the bumper read every 20 ms.
func BenchmarkArenaMinute(b *testing.B) {
	w := newWorld(b, ArenaOpts{Relight: true}, 1)
	bus, err := w.board.Bus(arenaBus)
	if err != nil {
		b.Fatal(err)
	}
	bumper, err := w.board.Pin(bumperPin)
	if err != nil {
		b.Fatal(err)
	}
	for _, eye := range []uint16{leftEye, rightEye} {
		if err := bus.Tx(eye, []byte{0x13}, nil); err != nil {
			b.Fatal(err)
		}
	}
	w.drive(0.5, 0.4, 0)
	var r [2]byte
	b.ReportAllocs()
	for b.Loop() {
		for end := w.now + time.Minute; w.now < end; {
			w.now += 20 * time.Millisecond
			w.Advance(w.now)
			for _, eye := range []uint16{leftEye, rightEye} {
				if err := bus.Tx(eye, nil, r[:]); err != nil {
					b.Fatal(err)
				}
			}
			bumper.Read()
		}
	}
}

func ExampleArena() {
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now })
	arena, err := NewArena(board, ArenaOpts{}, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	before := arena.State()

	// Both wheels half ahead, for a second.
	for _, name := range []string{"GPIO13", "GPIO12"} {
		wheel, err := board.Pin(name)
		if err != nil {
			fmt.Println(err)
			return
		}
		wheel.PWM(gpio.DutyHalf, 20*physic.KiloHertz)
	}
	now += time.Second
	arena.Advance(now)
	after := arena.State()
	fmt.Printf("%.2f m/s, %.2f m nearer to the wall ahead\n", after.Left, before.Ahead-after.Ahead)
	// Output: 0.25 m/s, 0.24 m nearer to the wall ahead
}
