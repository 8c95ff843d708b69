package worlds

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/physic"
	"pgregory.net/rapid"

	"fluxd/options"
	"fluxd/splitmix64"
)

// gaitGolden is the hash of a minute on bumpy ground.
const gaitGolden = 0xb690f63f5238741a

// newWalker returns a robot with the default options, after a change.
func newWalker(change func(*GaitOpts)) *gait {
	o := options.Defaults[GaitOpts]()
	if change != nil {
		change(&o)
	}
	g := newGait(&o)
	random := splitmix64.Random(1)
	g.reset(&random)
	return g
}

// hold keeps the commands for some time. lift are those of the lift servos, swing those of the swing servos.
func (g *gait) hold(swing, lift [gaitFeet]float64, length time.Duration) {
	var commands []float64
	for i := range gaitFeet {
		commands = append(commands, swing[i], lift[i])
	}
	for range length / gaitStep {
		g.advance(commands)
	}
}

// walk lets legs step in turn: each leg is at its own phase of the period, in the air for the last part of it. The strides of the
// left and the right legs are shares of full swing.
func (g *gait) walk(length, period time.Duration, phases [gaitFeet]float64, standing float64, left, right float64) {
	for range length / gaitStep {
		var swing, lift [gaitFeet]float64
		for i, phase := range phases {
			stride := left
			if i >= 3 {
				stride = right
			}
			at := phase + float64(g.steps)/float64(period/gaitStep)
			if at -= math.Floor(at); at < standing {
				swing[i] = stride * (1 - 2*at/standing)
			} else {
				way := (at - standing) / (1 - standing)
				swing[i], lift[i] = stride*(2*way-1), min(1, 4*way, 4*(1-way))
			}
		}
		g.hold(swing, lift, gaitStep)
	}
}

var (
	tripod = [gaitFeet]float64{0, 0.5, 0, 0.5, 0, 0.5}
	wave   = [gaitFeet]float64{2. / 6, 1. / 6, 0, 5. / 6, 4. / 6, 3. / 6}
	up     = [gaitFeet]float64{1, 1, 1, 1, 1, 1}
	still  [gaitFeet]float64
)

func (g *gait) onGround() (legs []string) {
	for i, down := range g.down {
		if down {
			legs = append(legs, gaitLegs[i])
		}
	}
	return legs
}

// The centre of mass decides which feet carry the robot. If it is not above them, the robot tips onto others, or onto its belly.
func TestFeetThatCarry(t *testing.T) {
	for _, c := range []struct {
		name             string
		lift             [gaitFeet]float64
		mass             physic.Distance // ahead
		down             string
		stumbles         int
		roll, pitch, gap float64 // degrees; margin in cm
	}{
		{"six feet", still, 0, "left_front left_middle left_rear right_front right_middle right_rear", 0, 0, 0, 10},
		{"a tripod", [gaitFeet]float64{1, 0, 1, 0, 1, 0}, 0, "left_middle right_front right_rear", 0, 0, 0, 5.3},
		{"the other", [gaitFeet]float64{0, 1, 0, 1, 0, 1}, 0, "left_front left_rear right_middle", 0, 0, 0, 5.3},
		{"without the middle", [gaitFeet]float64{0, 1, 0, 0, 1, 0}, 0, "left_front left_rear right_front right_rear", 0, 0, 0, 10},
		{"without the front: rear and middle hold no mass ahead", [gaitFeet]float64{1, 0, 0, 1, 0, 0}, 30 * physic.MilliMetre,
			"left_front left_middle right_front right_middle", 1, 0, 27.6, 5.5},
		{"mass ahead on six", still, 50 * physic.MilliMetre,
			"left_front left_middle left_rear right_front right_middle right_rear", 0, 0, 0, 5},
		{"the left raised: it leans on it", [gaitFeet]float64{1, 1, 1, 0, 0, 0}, 0,
			"left_front left_middle left_rear right_front right_rear", 1, -9.4, 0, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newWalker(func(o *GaitOpts) { o.Mass[0] = c.mass })
			g.hold(still, c.lift, 2*time.Second)
			degree := math.Pi / 180
			if got := strings.Join(g.onGround(), " "); got != c.down || g.stumbles != c.stumbles || g.falls != 0 {
				t.Errorf("on %s, want %s; %s", got, c.down, g.score(g.steps).Text)
			}
			if math.Abs(g.roll/degree-c.roll) > 1 || math.Abs(g.pitch/degree-c.pitch) > 2 || math.Abs(g.margin()*100-c.gap) > 0.5 {
				t.Errorf("roll %.2f, pitch %.2f, margin %.2f cm", g.roll/degree, g.pitch/degree, g.margin()*100)
			}
			sum := 0.0
			for _, load := range g.load {
				sum += load / standardGravity
			}
			if math.Abs(sum-1) > 1e-3 || g.rate[0] > 1e-3 || g.speed.length() > 1e-3 {
				t.Errorf("the ground carries %.4f of the weight; it moves at %v, %v", sum, g.rate, g.speed)
			}
		})
	}
}

// A robot without support falls as fast as gravity makes it, lies on its belly, and may stand up again.
func TestFalling(t *testing.T) {
	g := newWalker(func(o *GaitOpts) { o.Lift, o.Servo = 60*physic.Degree, 50*time.Millisecond })
	g.hold(still, up, 40*time.Millisecond)
	if g.falls != 0 || len(g.onGround()) != 0 || g.felt()[2] > 1 {
		t.Errorf("in the air: %s; feels %.2f", g.score(g.steps).Text, g.felt())
	}
	g.hold(still, up, 160*time.Millisecond)
	if g.falls != 1 || !g.bellyDown() || g.belly() > 0.001 || g.belly() < -0.002 || g.score(g.steps).Reached {
		t.Errorf("on the belly: %s; %.4f m high", g.score(g.steps).Text, g.belly())
	}
	if events := g.events(); len(events) != 1 || events[0] != (Event{"robot_fell", "1 so far"}) {
		t.Errorf("events %+v", events)
	}
	g.hold(still, still, time.Second)
	if g.falls != 1 || g.bellyDown() || g.fallen || g.belly() < 0.058 || g.events() != nil || g.over() {
		t.Errorf("up again: %s; %.4f m high", g.score(g.steps).Text, g.belly())
	}
	g.hold(still, up, time.Second)
	if g.falls != 2 || g.score(g.steps).Values[4] != (Value{"falls", 2}) {
		t.Errorf("a second time: %s", g.score(g.steps).Text)
	}
	g = newWalker(func(o *GaitOpts) { o.Lift, o.FallEnds = 60*physic.Degree, true })
	if g.hold(still, up, time.Second); !g.over() {
		t.Error("fall_ends: the episode goes on")
	}
}

// The robot comes as far as its feet push it: a tripod makes two strides of 8 cm in a period, and its feet scrape sideways a
// little, because they move on arcs.
func TestWalking(t *testing.T) {
	for _, c := range []struct {
		name                  string
		change                func(*GaitOpts)
		period                time.Duration
		phases                [gaitFeet]float64
		standing              float64
		left, right           float64
		forward, turned, feet float64 // in ten seconds: metres, degrees
		near, nearTurned      float64
		least, stumbles       int
		reached               bool
	}{
		{"tripod", nil, time.Second, tripod, 0.55, 1, 1, 1.48, 0, 3.37, 0.03, 4, 2, 0, true},
		{"tripod backwards", nil, time.Second, tripod, 0.55, -1, -1, -1.48, 0, 3.37, 0.03, 4, 2, 0, true},
		{"half the stride", nil, time.Second, tripod, 0.55, 0.5, 0.5, 0.75, 0, 3.37, 0.02, 4, 3, 0, false},
		{"wave", nil, 3 * time.Second, wave, 0.84, 1, 1, 0.32, 0, 5.07, 0.01, 5, 5, 0, false},
		{"to the left", nil, time.Second, tripod, 0.55, 0.3, 1, 0.96, 197, 3.37, 0.03, 10, 3, 0, false},
		{"in place to the right", nil, time.Second, tripod, 0.55, 1, -1, 0, -546, 3.37, 0.02, 20, 3, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newWalker(c.change)
			g.walk(10*time.Second, c.period, c.phases, c.standing, c.left, c.right)
			s := g.score(g.steps)
			turned, feet := s.Values[2].Number, s.Values[7].Number
			if math.Abs(g.forward-c.forward) > c.near || math.Abs(turned-c.turned) > c.nearTurned || math.Abs(feet-c.feet) > 0.1 ||
				g.fewest != c.least || g.stumbles != c.stumbles || g.falls != 0 || s.Reached != c.reached {
				t.Errorf("%s; %v", s.Text, s.Values)
			}
		})
	}
}

// Friction is at most proportional to the load. So on ice the robot gathers speed slowly, and its feet slip meanwhile.
func TestIce(t *testing.T) {
	for _, c := range []struct{ friction, forward, near, slipped float64 }{
		{0.8, 0.136, 0.01, 0.06}, {0.01, 0.042, 0.005, 0.14},
	} {
		g := newWalker(func(o *GaitOpts) { o.Friction = c.friction })
		g.walk(time.Second, time.Second, tripod, 0.55, 1, 1)
		if math.Abs(g.forward-c.forward) > c.near || math.Abs(g.slipped-c.slipped) > 0.01 {
			t.Errorf("friction %v: %s", c.friction, g.score(g.steps).Text)
		}
		g = newWalker(func(o *GaitOpts) { o.Friction = c.friction })
		g.speed = vector{1, 0}
		g.hold(still, still, 100*time.Millisecond)
		// It slides: the speed falls by friction times gravity.
		if want := max(0, 1-float64(c.friction*standardGravity*0.1)); math.Abs(g.speed.length()-want) > 0.02 {
			t.Errorf("friction %v: %.3f m/s after sliding for 0.1 s, want %.3f", c.friction, g.speed.length(), want)
		}
	}
}

// A servo turns by 60 degrees in its time, more slowly near its command, and stays where it is without a number.
func TestServos(t *testing.T) {
	g := newWalker(func(o *GaitOpts) { o.Swing, o.Servo, o.Lag = 60*physic.Degree, 200*time.Millisecond, time.Millisecond })
	ahead := [gaitFeet]float64{1, 1, 1, 1, 1, 1}
	for _, c := range []struct {
		command, degrees float64
	}{{1, 30}, {1, 60}, {1, 60}, {math.NaN(), 60}, {0.5, 30}, {-7, 0}, {-7, -30}, {-7, -60}, {-7, -60}} {
		for i := range ahead {
			ahead[i] = c.command
		}
		g.hold(ahead, up, 100*time.Millisecond)
		if got := g.state()["right_rear_swing"] / (math.Pi / 180); math.Abs(got-c.degrees) > 0.01 {
			t.Errorf("after command %v: %.2f degrees, want %.2f", c.command, got, c.degrees)
		}
	}
	slow := newWalker(func(o *GaitOpts) {
		o.Swing, o.Servo, o.Lag = 10*physic.Degree, time.Millisecond*5, 100*time.Millisecond
	})
	slow.hold([gaitFeet]float64{1}, up, 100*time.Millisecond)
	if got := slow.legs[0].swing.angle / (math.Pi / 180); math.Abs(got-10*(1-1/math.E)) > 0.05 {
		t.Errorf("after the time constant: %.3f degrees", got)
	}
	if slow.hold([gaitFeet]float64{1}, up, 2*time.Second); slow.legs[0].swing.angle != slow.legs[0].swing.reach ||
		slow.legs[0].swing.turns {
		t.Errorf("it does not arrive: %v", slow.legs[0].swing)
	}
	// The foot of a leg that points ahead is ahead, and a raised one is higher and further out.
	at, height := g.foot(&g.legs[0])
	if back := metres(g.o.Front); at.x > back || at.y < metres(g.o.Side) || height < -0.08 {
		t.Errorf("foot at %v, %v", at, height)
	}
}

// What can be sensed, standing, leaning and moving.
func TestGaitSenses(t *testing.T) {
	g := newWalker(nil)
	read := func(what string) float64 {
		f, err := g.sense(&Sensor{}, &Mount{}, what)
		if err != nil {
			t.Fatal(err)
		}
		return f()
	}
	expect := func(state string, values map[string]float64) {
		t.Helper()
		for what, want := range values {
			if got := read(what); math.Abs(got-want) > 0.02+0.01*math.Abs(want) {
				t.Errorf("%s: %s is %.4f, want %.4f", state, what, got, want)
			}
		}
	}
	g.hold(still, still, time.Second)
	expect("standing", map[string]float64{"contact left_front": 1, "contact belly": 0, "load right_rear": 1. / 6,
		"acceleration x": 0,
		"acceleration y": 0, "acceleration z": 9.81, "roll": 0, "pitch": 0, "height": 0.059, "margin": 0.1, "current": 0.56,
		"voltage": 5.94,
		"power":   3.34, "distance": 0, "heading": 0, "rotation x": 0, "rotation y": 0, "rotation z": 0})
	g.hold(still, [gaitFeet]float64{1, 1, 1}, time.Second)
	expect("without the left", map[string]float64{"contact right_middle": 0, "roll": -9.4, "acceleration y": -1.62,
		"acceleration z": 9.81})
	g.hold(still, still, time.Second)
	g.hold(still, [gaitFeet]float64{1, 0, 1, 0, 1, 0}, time.Second)
	g.hold([gaitFeet]float64{0, 0, 0, 1, 0, 1}, [gaitFeet]float64{1, 0, 1, 0, 1, 0}, 20*time.Millisecond)
	// Two feet on the right have moved ahead over the ground: the body goes back and turns to the right.
	if read("rotation z") > -20 || read("heading") > -0.2 || read("contact left_front") != 0 || read("current") < 0.8 {
		t.Errorf("turning: %.1f °/s, %.2f°, %.2f A", read("rotation z"), read("heading"), read("current"))
	}
	for _, q := range g.quantities() {
		read(q.Name)
	}
	if _, err := g.sense(&Sensor{}, &Mount{}, "smell"); err == nil || !strings.Contains(err.Error(), "smell") {
		t.Errorf("smell: %v", err)
	}
}

// Whatever the robot, the ground and the commands, all that is known of it stays within bounds.
func TestGaitStaysSane(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := func(name string, low, high int64) physic.Distance {
			return physic.Distance(rapid.Int64Range(low, high).Draw(t, name)) * physic.MilliMetre
		}
		o := options.Defaults[GaitOpts]()
		o.Front, o.Side, o.Middle = length("front", 10, 1000), length("side", 10, 1000), length("middle", 10, 1000)
		o.Leg, o.Height, o.MassHeight = length("leg", 10, 1000), length("height", 5, 1000), length("mass height", 0, 200)
		o.Mass = [2]physic.Distance{length("mass ahead", -100, 100), length("mass left", -100, 100)}
		o.Swing = physic.Angle(rapid.Int64Range(1, 60).Draw(t, "swing")) * physic.Degree
		o.Lift = physic.Angle(rapid.Int64Range(1, 60).Draw(t, "lift")) * physic.Degree
		o.Servo = time.Duration(rapid.Int64Range(5, 10000).Draw(t, "servo")) * time.Millisecond
		o.Lag = time.Duration(rapid.Int64Range(1, 1000).Draw(t, "lag")) * time.Millisecond
		o.Friction = rapid.Float64Range(0.01, 2).Draw(t, "friction")
		o.Bumps = length("bumps", 0, 30)
		if options.Validate("gait", &o) != nil {
			return
		}
		g := newGait(&o)
		random := splitmix64.Random(rapid.Uint64().Draw(t, "seed"))
		g.reset(&random)
		command := rapid.OneOf(rapid.Float64Range(-1, 1),
			rapid.SampledFrom([]float64{-1, 0, 1, 7, math.NaN(), math.Inf(1), math.Inf(-1)}))
		reach := metres(o.Front) + metres(o.Side) + metres(o.Middle) + 2*metres(o.Leg) + 2*metres(o.Height)
		for range 8 {
			commands := rapid.SliceOfN(command, 2*gaitFeet, 2*gaitFeet).Draw(t, "commands")
			for range rapid.IntRange(1, 200).Draw(t, "steps") {
				g.advance(commands)
			}
			if g.over() {
				return
			}
			for name, x := range g.state() {
				if limit := 20 + 20*reach; !(math.Abs(x) <= limit) {
					t.Fatalf("%s is %v after %d steps", name, x, g.steps)
				}
			}
			// A step goes no further than the feet reach, and a servo needs its time for it.
			if way := reach*3*float64(g.steps)*g.legs[0].swing.turn + reach/2; g.distance() > way {
				t.Fatalf("%.3f m far after %d steps, with servos of %v", g.distance(), g.steps, o.Servo)
			}
			if h := g.belly(); h < -0.1-0.2*reach || h > 3*reach {
				t.Fatalf("the belly is %.3f m high", h)
			}
			if s := g.score(g.steps); strings.Contains(s.Text+g.picture(64, 24), "NaN") {
				t.Fatal(s.Text)
			}
		}
	})
}

// The same seed and commands give the same bits on every processor: the tests run on emulated ones too.
func TestGaitGolden(t *testing.T) {
	h := newDigest()
	g := newWalker(func(o *GaitOpts) { o.Bumps = 10 * physic.MilliMetre })
	random := splitmix64.Random(7)
	for range 240 {
		var swing, lift [gaitFeet]float64
		for i := range gaitFeet {
			swing[i], lift[i] = random.Between(-1, 1), random.Between(-0.2, 1)
		}
		g.hold(swing, lift, 250*time.Millisecond)
		state := g.state()
		for _, name := range slices.Sorted(maps.Keys(state)) {
			h.named(name, state[name])
		}
		for _, q := range g.quantities() {
			now, _ := g.sense(nil, nil, q.Name)
			h.named(q.Name, now())
		}
		for _, v := range g.score(g.steps).Values {
			h.named(v.Name, v.Number)
		}
	}
	h.expect(t, "gait: "+g.score(g.steps).Text, gaitGolden)
}

// Another seed has other bumps; the same seed the same run.
func TestGaitSeeds(t *testing.T) {
	run := func(seed uint64) map[string]float64 {
		g := newWalker(func(o *GaitOpts) { o.Bumps = 10 * physic.MilliMetre })
		random := splitmix64.Random(seed)
		g.reset(&random)
		g.walk(2*time.Second, time.Second, tripod, 0.55, 1, 1)
		return g.state()
	}
	if !maps.Equal(run(1), run(1)) || maps.Equal(run(1), run(2)) {
		t.Error("the seed does not decide the run")
	}
}

// Feet on the ground are filled, feet in the air hollow.
func TestGaitPicture(t *testing.T) {
	g := newWalker(nil)
	g.hold([gaitFeet]float64{1, 0, 0, 0, 0, -1}, [gaitFeet]float64{1, 0, 1, 0, 1, 0}, 500*time.Millisecond)
	want := `
     ○·
      ····
         ·····
             ··|----------|········●
               |          |
               |          |
               |          |
               |          |
               |          |
   ●·········· |     +    | ············○
               |          |
               |          |
               |          |
               |          |
   ○···········|----------|··
                            ·····
                                ··●

0.00 m from the start, turned 0°, belly 5.8 cm high
roll -0.2°, pitch 0.1°, margin 5.0 cm
`
	if got := "\n" + g.picture(64, 20); got != want {
		t.Errorf("%s", got)
	}
	for _, small := range [][2]int{{11, 24}, {64, 6}, {0, 0}, {-1, -1}} {
		if got := g.picture(small[0], small[1]); got != "" {
			t.Errorf("%d by %d: %s", small[0], small[1], got)
		}
	}
	for columns := 12; columns < 80; columns += 7 {
		for rows := 7; rows < 40; rows += 3 {
			lines := strings.Split(strings.TrimSuffix(g.picture(columns, rows), "\n"), "\n")
			if len(lines) > rows {
				t.Errorf("%d lines in %d rows", len(lines), rows)
			}
		}
	}
}

// A drawing has the way of the robot, and the feet where the physics has them.
func TestGaitDrawing(t *testing.T) {
	g := newWalker(nil)
	g.walk(10*time.Second, time.Second, tripod, 0.55, 1, 1)
	var d Drawing
	g.draw(&d)
	circles, lines := map[Style]int{}, map[Style]int{}
	for _, s := range d.Shapes {
		if s.Radius > 0 {
			circles[s.Style]++
		} else {
			lines[s.Style]++
		}
		for _, p := range s.Points {
			if p.X < d.Low.X || p.X > d.High.X || p.Y < d.Low.Y || p.Y > d.High.Y {
				t.Errorf("%s at %v is outside %v to %v", s.Style, p, d.Low, d.High)
			}
		}
		if s.Style == StylePath {
			if first, last := s.Points[0], s.Points[len(s.Points)-1]; len(s.Points) != 201 || last.X-first.X < 1.4 {
				t.Errorf("a way of %d places from %v to %v", len(s.Points), first, last)
			}
		}
	}
	if down := len(g.onGround()); circles[StylePart] != down || lines[StylePart] != gaitFeet+gaitFeet-down || lines[StyleRay] < 3 {
		t.Errorf("%d feet down; circles %v, lines %v", down, circles, lines)
	}
	for range 5 {
		g.walk(time.Minute, time.Second, tripod, 0.55, 1, 1)
		if n := len(g.path.places); n < 1000 || n > 2000 {
			t.Errorf("a way of %d places after %d steps", n, g.steps)
		}
	}
}

// A centre of mass that is not above the belly is a mistake.
func TestGaitMistakes(t *testing.T) {
	for _, c := range []struct {
		change func(*GaitOpts)
		want   string
	}{
		{func(o *GaitOpts) { o.Mass[0] = 60 * physic.MilliMetre },
			"gait: mass: 60mm is too far from the middle: expected at most half of front, 50mm"},
		{func(o *GaitOpts) { o.Mass[1] = -30 * physic.MilliMetre },
			"gait: mass: -30mm is too far from the middle: expected at most half of side, 25mm"},
		{func(o *GaitOpts) { o.MassHeight = 110 * physic.MilliMetre },
			"gait: mass_height: 110mm is too high for so small a belly: expected at most 100mm"},
		{func(o *GaitOpts) { o.Friction = 0 }, "gait: friction: expected 0.01 to 2, got 0"},
	} {
		o := options.Defaults[GaitOpts]()
		c.change(&o)
		if err := options.Validate("gait", &o); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}
