package worlds

import (
	"math"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/physic"
	"pgregory.net/rapid"
)

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
		{"turn in place to the left", -0.1, 0.1, 2, 1.5, 2 * 0.0475 / 0.12, 1e-9, 0.01},
		{"turn in place to the right", 0.1, -0.1, 2, 1.5, 2*math.Pi - 2*0.0475/0.12, 1e-9, 0.01},
		{"at rest", 0, 0, 2, 1.5, 0, 0, 0},
		{"beyond full speed", 7, 1e300, 2.475, 1.5, 0, 0.002, 1e-9},
		{"no number", math.NaN(), math.NaN(), 2, 1.5, 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDriven(arenaOf(t), hobbyist, 1)
			d.put(2, 1.5, 0)
			d.drive(c.left, c.right, time.Second)
			if !near(d.at.x, c.x, c.metres) || !near(d.at.y, c.y, c.metres) || !near(d.heading, c.turned, c.radiansOK) {
				t.Errorf("at %.4f, %.4f heading %.4f; want %.4f, %.4f heading %.4f", d.at.x, d.at.y, d.heading, c.x, c.y, c.turned)
			}
		})
	}
}

// A wall stops the robot and presses the bumper; backing off releases it.
func TestWallStopsAndPresses(t *testing.T) {
	for _, rule := range []string{"stop", "slide"} {
		o := arenaOf(t)
		o.Collision = rule
		d := newDriven(o, hobbyist, 1)
		bumper, behind := d.senses("contact", Mount{}), d.senses("contact", facing(180))
		d.put(3.5, 1.5, 0)
		d.drive(1, 1, 2*time.Second)
		if bumper() != 1 || behind() != 0 || d.at.x > 4-0.08 || d.at.x < 4-0.08-0.01 || d.wheels[0].speed > 0.02 {
			t.Errorf("%s: at the wall: %v, bumper %v, %g m/s", rule, d.at, bumper(), d.wheels[0].speed)
		}
		d.drive(-1, -1, 500*time.Millisecond)
		if bumper() != 0 || d.at.x > 3.8 {
			t.Errorf("%s: after backing off: %v, bumper %v", rule, d.at, bumper())
		}
		// The bumper is at the front: backing into a wall does not press it.
		d.put(0.2, 1.5, 0)
		d.drive(-1, -1, time.Second)
		if bumper() != 0 || behind() != 1 || d.at.x < 0.08-1e-9 {
			t.Errorf("%s: backed into a wall: %v, bumper %v, behind %v", rule, d.at, bumper(), behind())
		}
		if d.bumps != 2 {
			t.Errorf("%s: %d bumps, want 2", rule, d.bumps)
		}
	}
}

// At a slant a robot slides along a wall, and its wheels turn as far as it gets. With the other rule it stays where it is.
func TestSlidingAlongAWall(t *testing.T) {
	run := func(rule string) *driven {
		o := arenaOf(t)
		o.Collision = rule
		d := newDriven(o, hobbyist, 1)
		d.put(2, 2.9, 30)
		d.drive(0.5, 0.5, 2*time.Second)
		return d
	}
	d := run("slide")
	// 0.25 m/s at half power. The wall lets three quarters of it (the square of the cosine of 30°) go ahead, and the cosine of
	// that goes along the wall.
	if gone := d.at.x - 2; !near(gone, 2*0.25*0.75*math.Cos(math.Pi/6), 0.02) || d.at.y > 3-0.08+1e-9 || d.bumps != 1 {
		t.Errorf("slid to %v with %d bumps", d.at, d.bumps)
	}
	if speed := d.wheels[0].speed; !near(speed, 0.25*0.75, 1e-3) {
		t.Errorf("the wheels turn at %g m/s", speed)
	}
	if s := run("stop"); s.at.x-2 > 0.04 {
		t.Errorf("stuck at %v", s.at)
	}
}

// A robot that rests at a wall can slide away along it, and out of a corner.
func TestLeavingACorner(t *testing.T) {
	d := newDriven(floorOf(t, "world: floor"), hobbyist, 1)
	d.put(3.8, 2.8, 45)
	d.drive(1, 1, 2*time.Second)
	if corner := (vector{3.92, 2.92}); d.at.distance(corner) > 1e-3 || d.wheels[0].speed > 0.01 {
		t.Errorf("in the corner: %v, %g m/s", d.at, d.wheels[0].speed)
	}
	d.drive(0, 0, time.Second)
	d.put(d.at.x, d.at.y, 120) // up and to the left: the wall above is in the way
	d.drive(0.5, 0.5, time.Second)
	if d.at.x > 3.9 || d.at.y > 2.92+1e-9 {
		t.Errorf("along the wall above: %v", d.at)
	}
}

// Whatever the commands, the speeds, the sizes and the obstacles, the robot does not pass through anything solid, and every
// number of the world is finite and within its bounds.
func TestRobotStaysInside(t *testing.T) {
	for _, rule := range []string{"stop", "slide"} {
		rapid.Check(t, func(r *rapid.T) {
			length := func(low, high float64, name string) physic.Distance {
				return physic.Distance(rapid.Float64Range(low, high).Draw(r, name) * float64(physic.Metre))
			}
			o := floorOf(t, "world: floor\nfood: [{number: 3}]\nlamps: [{}]\nends: []\nmotors: {slip: 0.1, noise: 0.2, lag: 5ms}")
			o.Collision = rule
			for range rapid.IntRange(0, 3).Draw(r, "round") {
				o.Obstacles = append(o.Obstacles, FloorObstacle{Radius: length(0.01, 0.3, "radius"), Number: 1,
					Clearance: 300 * physic.MilliMetre})
			}
			for range rapid.IntRange(0, 3).Draw(r, "boxes") {
				size := FloorPlace{length(0.01, 0.5, "width"), length(0.01, 0.5, "depth")}
				o.Obstacles = append(o.Obstacles, FloorObstacle{Size: &size, Number: 1, Clearance: 300 * physic.MilliMetre,
					Turned: physic.Angle(rapid.Int64Range(-6e9, 6e9).Draw(r, "turned"))})
			}
			if rapid.Bool().Draw(r, "maze") {
				o.Maze, o.Obstacles = &FloorMaze{Columns: rapid.IntRange(1, 6).Draw(r, "columns"), Rows: 4}, nil
			}
			body := hobbyist
			body.Radius, body.TopSpeed = length(0.01, 0.15, "body"), physic.Speed(rapid.Int64Range(1e7, 2e10).Draw(r, "speed"))
			d := newDriven(o, body, rapid.Uint64().Draw(r, "seed"))
			solids, before := d.plan.solids, d.at
			if gap, _ := d.plan.nearest(d.at, 9); gap < d.radius {
				r.Skip("no room")
			}
			ranges := d.senses("range", Mount{Cone: physic.Angle(rapid.Int64Range(0, 3.1e9).Draw(r, "cone"))})
			charge, fast := 0.0, d.top*stepSeconds*1.3+1e-9
			for range 12 {
				left, right := rapid.Float64Range(-1, 1).Draw(r, "left"), rapid.Float64Range(-1, 1).Draw(r, "right")
				for range 40 {
					d.advance([]float64{left, right})
					if gap, _ := d.plan.nearest(d.at, 9); gap < d.radius-1e-9 {
						r.Fatalf("%.6f m from a wall, radius %.6f", gap, d.radius)
					}
					for i := range solids {
						if s := &solids[i]; s.radius == 0 && crosses(before, d.at, s.a, s.b) {
							r.Fatalf("from %v to %v through the wall %v", before, d.at, s.segment)
						}
					}
					if d.at.distance(before) > 2*fast {
						r.Fatalf("moved from %v to %v", before, d.at)
					}
					before = d.at
				}
				if d.at.x < 0 || d.at.x > 4 || d.at.y < 0 || d.at.y > 3 {
					r.Fatalf("outside: %v", d.at)
				}
				if far := ranges(); !(far >= 0 && far <= 5) {
					r.Fatalf("range %g", far)
				}
				if d.used < charge || d.voltage() < 0 || d.current() < 0 {
					r.Fatalf("charge from %g to %g, %g V, %g A", charge, d.used, d.voltage(), d.current())
				}
				charge = d.used
				for name, x := range d.state() {
					if math.IsNaN(x) || math.IsInf(x, 0) {
						r.Fatalf("%s is %g", name, x)
					}
				}
			}
		})
	}
}

// crosses reports whether two stretches cross.
func crosses(a, b, c, d vector) bool {
	side := func(p, q, r vector) float64 { return q.minus(p).cross(r.minus(p)) }
	return side(a, b, c)*side(a, b, d) < 0 && side(c, d, a)*side(c, d, b) < 0
}

// Wheels that push a wall stand still, and their motors draw the current of a motor that is held.
func TestStall(t *testing.T) {
	for _, rule := range []string{"stop", "slide"} {
		d := newDriven(floorOf(t, "world: floor\ncollision: "+rule), hobbyist, 1)
		left := d.senses("current", Mount{Wheel: "left"})
		battery, power, voltage := d.senses("current", Mount{}), d.senses("power", Mount{}), d.senses("voltage", Mount{})
		d.put(1, 1.5, 0)
		if !near(battery(), 0.3, 1e-9) || !near(voltage(), 8.4-0.03, 1e-3) {
			t.Errorf("at rest %g A, %g V", battery(), voltage())
		}
		d.drive(1, 1, time.Second)
		if !near(left(), 0.1, 1e-6) || !near(battery(), 0.3+0.2, 1e-6) {
			t.Errorf("driving: motor %g A, battery %g A", left(), battery())
		}
		d.put(3.9, 1.5, 0)
		d.drive(1, 1, time.Second)
		turned := d.wheels[0].turned
		d.drive(1, 1, time.Second)
		if !near(left(), 1, 0.03) || !near(battery(), 2.3, 0.1) || d.wheels[0].turned-turned > 0.01 {
			t.Errorf("%s: pushing: motor %g A, battery %g A, wheels turned by %g m", rule, left(), battery(), d.wheels[0].turned-turned)
		}
		if !near(power(), battery()*voltage(), 1e-9) || !near(voltage(), 8.4-0.1*battery(), 0.01) {
			t.Errorf("%g W, %g V", power(), voltage())
		}
		// Half the power: half the push, for half of the time.
		d.drive(0.5, 0.5, time.Second)
		if !near(left(), 0.5, 0.03) || !near(battery(), 0.3+0.5, 0.05) {
			t.Errorf("%s: pushing with half the power: motor %g A, battery %g A", rule, left(), battery())
		}
	}
}

// An empty battery moves nothing.
func TestBatteryRunsOut(t *testing.T) {
	d := newDriven(floorOf(t, "world: floor\nwidth: 40 m\nbattery: {capacity: 0.001 Ah, full: 4.2 V, empty: 3 V, resistance: 0 "+
		"ohm, board: 0 A}"),
		hobbyist, 1)
	d.put(2, 1.5, 0)
	d.drive(1, 1, 9*time.Second) // 0.2 A for 9 s are half of the charge
	if d.empty() || !near(d.voltage(), 3.6, 0.1) {
		t.Errorf("half empty: %g V", d.voltage())
	}
	d.drive(1, 1, 20*time.Second)
	if !d.empty() || !near(d.voltage(), 3, 1e-3) || d.wheels[0].speed > 1e-3 {
		t.Errorf("empty: %g V, %g m/s", d.voltage(), d.wheels[0].speed)
	}
}

func TestMotors(t *testing.T) {
	speedAt := func(motors string, command float64) float64 {
		d := newDriven(floorOf(t, "world: floor\nwidth: 40 m\ndepth: 40 m\nmotors: {"+motors+"}"), hobbyist, 1)
		d.put(1, 20, 0)
		d.drive(command, command, 20*time.Second)
		if motors == "slip: 0.2" && !near(d.wheels[0].turned, 0.5*19.95, 0.01) {
			t.Errorf("wheels that slip turned by %g m", d.wheels[0].turned)
		}
		if strings.HasPrefix(motors, "noise") { // it does not drive straight on
			return d.wheels[0].turned / 19.95
		}
		return (d.at.x - 1) / 19.95
	}
	for _, c := range []struct {
		motors              string
		command, want, near float64
	}{
		{"lag: 50ms", 0.5, 0.25, 1e-3},
		{"dead_band: 0.2", 0.2, 0, 1e-9},
		{"dead_band: 0.2", -0.15, 0, 1e-9},
		{"dead_band: 0.2", 0.6, 0.25, 1e-3},
		{"dead_band: 0.2", 1, 0.5, 1e-3},
		{"slip: 0.2", 1, 0.4, 2e-3},
		{"noise: 0.1", 1, 0.5, 0.03},
		{"noise: 0.1", 0, 0, 1e-9},
	} {
		if got := speedAt(c.motors, c.command); !near(got, c.want, c.near) {
			t.Errorf("%s, command %g: %g m/s, want %g", c.motors, c.command, got, c.want)
		}
	}
	// The standard deviation of a wheel's speed, over many of its time constants.
	d := newDriven(floorOf(t, "world: floor\nwidth: 100 m\nmotors: {noise: 0.1, lag: 1ms}"), hobbyist, 1)
	d.put(1, 1.5, 0)
	sum, squares, n := 0.0, 0.0, 0.0
	for range 100_000 {
		d.advance([]float64{1, 1})
		d.at = vector{1, 1.5}
		x := d.wheels[0].noise
		sum, squares, n = sum+x, squares+x*x, n+1
	}
	if deviation := math.Sqrt(squares/n - sum*sum/n/n); !near(deviation, 0.1, 0.01) || !near(sum/n, 0, 0.02) {
		t.Errorf("noise of %g around %g, want 0.1 around 0", deviation, sum/n)
	}
}

// A gyroscope senses how fast the robot turns, an accelerometer how its place on the robot is accelerated, and gravity.
func TestInertialSensors(t *testing.T) {
	d := newDriven(floorOf(t, "world: floor"), hobbyist, 1)
	d.put(2, 1.5, 0)
	gyro := d.senses("rotation z", Mount{})
	x, y, z := d.senses("acceleration x", Mount{}), d.senses("acceleration y", Mount{}), d.senses("acceleration z", Mount{})
	left := d.senses("acceleration x", facing(90))
	if x() != 0 || y() != 0 || gyro() != 0 || z() != 9.80665 || d.senses("rotation x", Mount{})() != 0 {
		t.Error("at rest, and yet it senses something")
	}
	d.drive(1, 1, time.Millisecond)
	if !near(x(), 0.5/0.05, 1e-6) || !near(y(), 0, 1e-9) || !near(left(), y(), 1e-9) {
		t.Errorf("starting: %g, %g, %g m/s²", x(), y(), left())
	}
	// In a circle: the rate by the wheels' difference, and the acceleration towards the middle.
	d.put(2, 1.5, 0)
	d.drive(0.2, 0.4, time.Second)
	rate, speed := 0.1/0.12, 0.15
	if !near(gyro(), rate*180/math.Pi, 1e-3) || !near(y(), rate*speed, 1e-4) || !near(x(), 0, 1e-4) ||
		!near(left(), rate*speed, 1e-4) {
		t.Errorf("in a circle: %g °/s, %g and %g m/s²", gyro(), x(), y())
	}
	// On the spot, what is at the rim is drawn to the middle; when the robot begins to turn, it is pushed aside.
	front := FloorPlace{80 * physic.MilliMetre, 0}
	atFront, aside := d.senses("acceleration x", Mount{At: &front}), d.senses("acceleration y", Mount{At: &front})
	d.put(2, 1.5, 0)
	d.turning = 0
	d.drive(-0.2, 0.2, time.Millisecond)
	if want := 2 * 0.1 / 0.05 / 0.12 * 0.08; !near(aside(), want, 1e-6) {
		t.Errorf("beginning to turn: %g m/s², want %g", aside(), want)
	}
	d.drive(-0.2, 0.2, time.Second)
	if rate := 0.2 / 0.12; !near(atFront(), -rate*rate*0.08, 1e-4) {
		t.Errorf("turning: %g m/s², want %g", atFront(), -rate*rate*0.08)
	}
}
