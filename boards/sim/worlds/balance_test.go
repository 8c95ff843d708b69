package worlds

import (
	"math"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/physic"
	"pgregory.net/rapid"

	"fluxd/options"
	"fluxd/splitmix64"
)

func balanceOpts(change func(*BalanceOpts)) *BalanceOpts {
	o := options.Defaults[BalanceOpts]()
	if change != nil {
		change(&o)
	}
	return &o
}

// newBalance is a world with a small robot, which is not held.
func newBalance(t fatal, seed uint64, change func(*BalanceOpts)) *balance {
	o := balanceOpts(func(o *BalanceOpts) {
		o.Held = 0
		if change != nil {
			change(o)
		}
	})
	if mistakes := o.Check(); mistakes != nil {
		t.Fatal(mistakes)
	}
	robot := Robot{Body: Body{Radius: 50 * physic.MilliMetre, Track: 120 * physic.MilliMetre, Wheel: 65 * physic.MilliMetre,
		TopSpeed: 500 * physic.MilliMetrePerSecond}}
	b := o.physics(&robot).(*balance)
	random := splitmix64.Random(seed)
	b.reset(&random)
	return b
}

type fatal interface{ Fatal(...any) }

// energy is the kinetic and potential energy: what no force inside a frictionless robot changes.
func (b *balance) energy() float64 {
	sine, cosine := math.Sincos(b.lean)
	along := b.speed + b.height*b.rate*cosine
	aside, down := b.height*b.turn*sine, b.height*b.rate*sine
	e := b.body/2*(along*along+aside*aside+down*down) + b.body*balanceGravity*b.height*cosine
	e += b.pitching/2*(b.rate*b.rate+b.turn*b.turn*sine*sine) + b.yawing/2*b.turn*b.turn*cosine*cosine
	return e + b.rolling*b.speed*b.speed + b.turning/2*b.turn*b.turn
}

// A robot without motors and friction that falls while it spins keeps its energy: all terms of the equations fit together. What
// is off comes from the steps: with steps that are a tenth as long, it is a tenth.
func TestFallKeepsEnergy(t *testing.T) {
	for _, c := range []struct{ lean, speed, rate, turn float64 }{
		{0.02, 0, 0, 0}, {0.02, 0.5, 0, 0}, {-0.3, 1, 2, 0}, {0.1, 0.3, 0, 6}, {0.3, -1, -3, -12}, {-0.2, 0.8, 1, 20},
	} {
		b := newBalance(t, 1, nil)
		b.stall, b.friction = 0, 0
		b.lean, b.speed, b.rate, b.turn = c.lean, c.speed, c.rate, c.turn
		before, kinetic, exchanged := b.energy(), 0.0, 0.0
		for range 400 {
			potential := b.body * balanceGravity * b.height * math.Cos(b.lean)
			b.advance([]float64{0, 0})
			exchanged += math.Abs(b.body*balanceGravity*b.height*math.Cos(b.lean) - potential)
			kinetic = max(kinetic, b.energy()-b.body*balanceGravity*b.height*math.Cos(b.lean))
			if b.over() {
				break
			}
		}
		if off := math.Abs(b.energy() - before); off > 0.03*(kinetic+exchanged) {
			t.Errorf("%+v: energy from %.5f J to %.5f J, kinetic at most %.5f J", c, before, b.energy(), kinetic)
		}
	}
}

// An inverted pendulum on free wheels falls with the rate that the linearized equations give.
func TestFallIsExponential(t *testing.T) {
	b := newBalance(t, 1, nil)
	b.stall, b.friction, b.lean = 0, 0, 1e-4
	arm, moving := b.body*b.height, b.body+2*b.rolling
	across := arm*b.height + b.pitching
	growth := math.Sqrt(moving * arm * balanceGravity / (moving*across - arm*arm))
	for range 300 {
		b.advance([]float64{0, 0})
	}
	if want := 1e-4 * math.Cosh(0.3*growth); math.Abs(b.lean-want) > 0.01*want {
		t.Errorf("after 0.3 s it leans by %v rad, want %v (%.2f /s)", b.lean, want, growth)
	}
}

// Motors turn the wheels forward and the body backward; opposite commands turn the robot; the top speed is the body's.
func TestMotorsOfTheBalance(t *testing.T) {
	b := newBalance(t, 1, nil)
	b.lean = 0
	b.advance([]float64{0.5, 0.5})
	if b.speed <= 0 || b.rate >= 0 || b.turn != 0 {
		t.Errorf("forward: %v", b.state())
	}
	b = newBalance(t, 1, nil)
	b.lean = 0
	for range 300 {
		b.advance([]float64{-0.3, 0.3})
	}
	// At the rim 0.3 of 0.5 m/s, less what friction takes: 0.01 of 0.25 N m.
	if want := (0.3 - 0.01/0.25) * 0.5 / 0.06; math.Abs(b.turn-want) > 0.01 || b.speed != 0 || b.lean != 0 || b.heading <= 0 {
		t.Errorf("turning at %v rad/s, want %v: %v", b.turn, want, b.state())
	}
	// 0.03 of 0.25 N m is less than the friction: the wheels creep, at up to 0.5 rad/s.
	b = newBalance(t, 1, nil)
	b.lean = 0
	for range 50 {
		b.advance([]float64{0.03, -0.03})
	}
	if rim := b.rims[0] / b.wheel; rim <= 0 || rim >= balanceCreeping || b.rims[1] != -b.rims[0] {
		t.Errorf("the rims turn at %v rad/s", rim)
	}
}

// The accelerometer senses how its place moves, as seen from outside, and gravity.
func TestAccelerometerFeelsItsPlaceMove(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBalance(t, 1, func(o *BalanceOpts) { o.Falls = physic.Angle(1.5 * float64(physic.Radian)) })
		b.stall, b.friction = 0, 0 // smooth: accelerations hardly change from step to step
		b.lean = rapid.Float64Range(-0.6, 0.6).Draw(t, "lean")
		b.speed, b.rate = rapid.Float64Range(-1, 1).Draw(t, "speed"), rapid.Float64Range(-2, 2).Draw(t, "rate")
		b.turn, b.heading = rapid.Float64Range(-5, 5).Draw(t, "turn"), rapid.Float64Range(-3, 3).Draw(t, "heading")
		ahead, left := rapid.Float64Range(-0.1, 0.1).Draw(t, "ahead"), rapid.Float64Range(-0.1, 0.1).Draw(t, "left")
		place := func() [3]float64 {
			sine, cosine := math.Sincos(b.lean)
			out := b.inertial*sine + ahead*cosine
			s, c := math.Sincos(b.heading)
			return [3]float64{b.at.x + out*c - left*s, b.at.y + out*s + left*c, b.inertial*cosine - ahead*sine}
		}
		const around = 10 // steps: a wider difference has smaller errors of the steps
		var places [2*around + 1][3]float64
		var felt [3]float64
		var lean, heading float64
		for i := range places {
			b.advance([]float64{0, 0})
			places[i] = place()
			if i == around {
				felt, lean, heading = b.acceleration(ahead, left), b.lean, b.heading
			}
		}
		var a [3]float64
		for i := range a {
			a[i] = (places[0][i] - 2*places[around][i] + places[2*around][i]) / math.Pow(around*balanceSeconds, 2)
		}
		s, c := math.Sincos(heading)
		along, aside, up := a[0]*c+a[1]*s, a[1]*c-a[0]*s, a[2]+balanceGravity
		s, c = math.Sincos(lean)
		want := [3]float64{along*c - up*s, aside, along*s + up*c}
		for i := range want {
			if math.Abs(felt[i]-want[i]) > 0.15+0.03*math.Abs(want[i]) {
				t.Fatalf("axis %c: felt %.3f m/s², moves with %.3f", 'x'+i, felt[i], want[i])
			}
		}
	})
}

func TestBalanceIsHeldAtFirst(t *testing.T) {
	b := newBalance(t, 3, func(o *BalanceOpts) { o.Held = 500 * time.Millisecond })
	lean := b.lean
	if lean == 0 || math.Abs(lean) > b.tilt {
		t.Errorf("leans by %v", lean)
	}
	for range 500 {
		b.advance([]float64{1, -1})
	}
	if a := b.acceleration(0.1, 0.1); b.lean != lean || b.wheels != [2]float64{} ||
		math.Abs(a[0]+balanceGravity*math.Sin(lean)) > 1e-12 ||
		a[1] != 0 || math.Abs(a[2]-balanceGravity*math.Cos(lean)) > 1e-12 {
		t.Errorf("%v, acceleration %v", b.state(), a)
	}
	for !b.over() {
		b.advance([]float64{0, 0})
	}
	s := b.score(0)
	if s.Reached || !strings.HasPrefix(s.Text, "fell after 1.") || len(b.events()) != 1 || b.events() != nil {
		t.Errorf("%+v", s)
	}
}

// balanced is a state feedback that keeps the robot upright, for tests.
func balanced(b *balance) []float64 {
	u := float64(12*b.lean) + float64(0.8*b.rate) + float64(5*b.speed) + float64(2*b.way)
	return []float64{u, u}
}

func TestPushes(t *testing.T) {
	b := newBalance(t, 1, func(o *BalanceOpts) { o.Push, o.PushGap, o.Duration = 100_000, 2*time.Second, 20*time.Second })
	impulse, ahead := 0.0, 0
	for !b.over() {
		before := b.force
		b.advance(balanced(b))
		impulse += math.Abs(b.force) * balanceSeconds
		if b.force > 0 && before == 0 {
			ahead++
		}
	}
	if s := b.score(0); !s.Reached || b.pushes < 7 || b.pushes > 14 || ahead == 0 || ahead == b.pushes ||
		math.Abs(impulse-0.1*float64(b.pushes)) > 0.1 || s.Values[3].Number != float64(b.pushes) {
		t.Errorf("%s; %.3f N s, %d ahead", s.Text, impulse, ahead)
	}
}

func TestQuantitiesOfTheBalance(t *testing.T) {
	b := newBalance(t, 1, nil)
	b.lean, b.rate, b.turn, b.way, b.speed = 0.1, 0.2, 0.4, 0.3, -0.5
	b.wheels, b.rims = [2]float64{1, 2}, [2]float64{3, 4}
	turn := math.Pi * 0.065
	want := map[string]float64{"lean °": 5.729578, "lean rad": 0.1, "lean_rate °/s": 11.459156, "lean_rate rad/s": 0.2,
		"distance m": 0.3,
		"speed m/s":  -0.5, "wheel m": 2, "wheel m/s": 4, "wheel rev": 2 / turn, "wheel rev/s": 4 / turn,
		"acceleration x m/s²": b.acceleration(0, 0)[0], "acceleration y m/s²": b.acceleration(0, 0)[1],
		"acceleration z m/s²": b.acceleration(0, 0)[2], "rotation x °/s": -0.4 * math.Sin(0.1) * 180 / math.Pi,
		"rotation y °/s": 11.459156, "rotation z °/s": 0.4 * math.Cos(0.1) * 180 / math.Pi}
	for _, q := range b.quantities() {
		now, err := b.sense(&Sensor{Unit: q.Unit}, &Mount{Wheel: "right"}, q.Name)
		if err != nil {
			t.Errorf("%s in %s: %v", q.Name, q.Unit, err)
		} else if got := now(); math.Abs(got-want[q.Name+" "+q.Unit]) > 1e-5 {
			t.Errorf("%s in %s: %v", q.Name, q.Unit, got)
		}
		delete(want, q.Name+" "+q.Unit)
	}
	if len(want) > 0 {
		t.Errorf("not listed: %v", want)
	}
	if _, err := b.sense(&Sensor{Name: "turns", Unit: "m"}, &Mount{}, "wheel"); err == nil ||
		!strings.Contains(err.Error(), "wheel: left or wheel: right in body.sensors.turns") {
		t.Errorf("a wheel without a side: %v", err)
	}
	if now, err := b.sense(&Sensor{Name: "turns_r", Unit: "m"}, &Mount{}, "wheel"); err != nil || now() != 2 {
		t.Errorf("a wheel with its side in its name: %v", err)
	}
}

// balanceBits is the hash of half a minute.
const balanceBits = 0x8a6fbb5554578a67

func TestBalanceIsTheSameEverywhere(t *testing.T) {
	h, random := newDigest(), splitmix64.Random(3)
	b := newBalance(t, 1, func(o *BalanceOpts) { o.Push, o.PushGap = 100_000, time.Second })
	b.turn = 1
	for k := range uint64(30_000) {
		u := balanced(b)
		u[0] += random.Between(-0.2, 0.2)
		u[1] += random.Between(-0.2, 0.2)
		b.advance(u)
		a, r := b.acceleration(0.01, 0.02), b.rotation()
		h.add(b.at.x, b.at.y, b.lean, b.heading, b.wheels[0], b.wheels[1], a[0], a[1], a[2], r[0], r[2])
		if b.over() {
			again := splitmix64.Random(k)
			b.reset(&again)
		}
	}
	h.expect(t, "balance", balanceBits)
}

// Whatever the robot is like and does, nothing becomes infinite.
func TestBalanceStaysFinite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := func(name string, low, high float64) int64 {
			return int64(1e6 * rapid.Float64Range(low, high).Draw(t, name))
		}
		b := newBalance(t, rapid.Uint64().Draw(t, "seed"), func(o *BalanceOpts) {
			o.Mass, o.WheelMass = amount("mass", 0.01, 1000), amount("wheel mass", 0.001, 100)
			o.Torque, o.Friction = amount("torque", 0.001, 1000), amount("friction", 0, 100)
			o.Push, o.PushGap = amount("push", 0, 1000), 200*time.Millisecond
		})
		for _, command := range rapid.SliceOfN(rapid.Float64Range(-1, 1), 1, 300).Draw(t, "commands") {
			b.advance([]float64{command, -command / 3})
			for name, x := range b.state() {
				if math.IsNaN(x) || math.IsInf(x, 0) {
					t.Fatalf("%s is %v", name, x)
				}
			}
			if b.over() {
				break
			}
		}
	})
}

func TestMistakesInABalance(t *testing.T) {
	for _, c := range []struct {
		change func(*BalanceOpts)
		key    string
	}{
		{func(o *BalanceOpts) { o.Tilt = o.Falls }, "tilt"},
		{func(o *BalanceOpts) { o.Held = o.Duration }, "held"},
	} {
		if m := balanceOpts(c.change).Check(); len(m) != 1 || m[0].Key != c.key {
			t.Errorf("%s: %v", c.key, m)
		}
	}
}

func TestPictureOfTheBalance(t *testing.T) {
	b := newBalance(t, 1, nil)
	b.lean, b.at.x = 0.3, 0.1
	want := `
                            |
                            |
                           |
                          ||
                        oooo
                        o||o
________________________oooo____________
`
	if got := b.picture(40, 12); got != want {
		t.Errorf("got\n%s", got)
	}
	var d Drawing
	b.draw(&d)
	if len(d.Shapes) < 5 || d.High.X <= d.Low.X || d.High.Y <= d.Low.Y {
		t.Errorf("%+v", d)
	}
}
