package worlds

import (
	"math"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/physic"
	"pgregory.net/rapid"
)

func TestRange(t *testing.T) {
	d := newDriven(floorOf(t, `
world: floor
walls: [[[1.5 m, 0 m], [1.5 m, 0.5 m]]]
obstacles: [{at: [3 m, 2 m], radius: 20 cm}, {at: [2 m, 1 m], size: [40 cm, 20 cm], turned: 90 °}]
`), hobbyist, 1)
	for _, c := range []struct {
		x, y, heading, cone float64 // metres, degrees
		want                float64 // from the rim
	}{
		{1, 2, 90, 0, 1}, {1, 2, 180, 0, 1}, {1, 1.5, 270, 0, 1.5}, // walls
		// the round obstacle ahead; in the wide cone a corner of the box
		{1, 2, 0, 0, 1.8}, {1, 2, 0, 15, 1.8}, {1, 2, 0, 90, math.Hypot(0.9, 0.8)},
		{1.2, 0.25, 0, 0, 0.3}, {1.2, 0.25, 0, 25, 0.3}, // the wall inside
		{1, 1, 0, 0, 0.9}, {2, 2, 270, 0, 0.8}, // the turned box, from the left and from above
		{1, 0.7, 0, 0, 3}, {1, 0.7, 0, 60, math.Hypot(0.5, 0.2)}, // past the end of the wall inside, and with the end in the cone
	} {
		d.put(c.x, c.y, c.heading)
		d.at = d.at.minus(d.facing.times(0.08))
		m := Mount{Cone: facing(c.cone).Facing}
		if got := d.senses("range", m)(); !near(got, c.want, 1e-6) {
			t.Errorf("from %g, %g to %g° with a cone of %g°: %g m, want %g", c.x, c.y, c.heading, c.cone, got, c.want)
		}
	}
	// A sensor that stands out of the body is pressed against the wall.
	out := FloorPlace{200 * physic.MilliMetre, 0}
	d.put(3.85, 1, 0)
	if got := d.senses("range", Mount{At: &out})(); got != 0 {
		t.Errorf("pressed against the wall: %g m", got)
	}
	open := newDriven(floorOf(t, "world: floor\nwalled: false"), hobbyist, 1)
	if got := open.senses("range", Mount{})(); got != farAway {
		t.Errorf("nothing around: %g m", got)
	}
	if _, err := open.sense(&Sensor{Name: "eye"}, &Mount{Cone: 4e9}, "range"); err == nil ||
		!strings.Contains(err.Error(), "at most 180°") {
		t.Errorf("too wide a cone: %v", err)
	}
}

// Devices have the cones of their data sheets: the end of a wall 10° to the side is seen by a VL53L0X only.
func TestConesOfDevices(t *testing.T) {
	d := newDriven(floorOf(t, "world: floor\nwalls: [[[2.08 m, 2 m], [2.08 m, 2.9 m]]]"), hobbyist, 1)
	aside := math.Tan(10 * math.Pi / 180)
	d.put(1, 2-aside, 0)
	for device, want := range map[string]float64{"hcsr04": 2.92, "vl53l0x": math.Hypot(1, aside), "ads1115": 2.92} {
		now, err := d.sense(&Sensor{Name: "eye", Device: device}, &Mount{}, "range")
		if err != nil || !near(now(), want, 1e-6) {
			t.Errorf("%s: %g m, want %g, %v", device, now(), want, err)
		}
	}
}

// What a cone sees is the nearest of all points within it.
func TestConeSeesTheNearestPoint(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		d := newDriven(floorOf(t, `
world: floor
maze: {columns: 4, rows: 3}
obstacles: [{radius: 6 cm, number: 3, clearance: 0 m}, {size: [20 cm, 10 cm], turned: 20 °, clearance: 0 m}]
`), hobbyist, rapid.Uint64().Draw(r, "seed"))
		width := rapid.Float64Range(0.05, 3).Draw(r, "width")
		c := newCone(width)
		c = c.turned(d.facing)
		got := d.plan.distance(d.at, &c, farAway)
		// Points every millimetre. One that the cone just misses counts as seen, but not as one that it must see.
		wider := newCone(min(width+0.004/got, math.Pi))
		wider = wider.turned(d.facing)
		inside, nearly := farAway, farAway
		for i := range d.plan.solids {
			s := &d.plan.solids[i]
			length := max(s.b.minus(s.a).length(), 2*math.Pi*s.radius)
			for k := range int(length*1000) + 2 {
				share := min(float64(k)*0.001/length, 1)
				at := s.a.plus(s.b.minus(s.a).times(share))
				if s.radius > 0 {
					at = s.a.plus(direction(share * 2 * math.Pi).times(s.radius))
				}
				to := at.minus(d.at)
				if c.has(to) {
					inside = min(inside, to.length())
				}
				if wider.has(to) {
					nearly = min(nearly, to.length())
				}
			}
		}
		if got > inside+1e-9 || got < nearly-0.003 {
			r.Errorf("a cone of %g sees %g m, the points within it are %g m away, those nearly within it %g m", width, got, inside, nearly)
		}
	})
}

// The grid finds the same as a look at everything.
func TestNearestByGrid(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		o := floorOf(t, "world: floor\nmaze: {columns: 6, rows: 5}\nobstacles: [{radius: 5 cm, number: 3, clearance: 0 m}]")
		o.Walled = rapid.Bool().Draw(r, "walled")
		d := newDriven(o, hobbyist, rapid.Uint64().Draw(r, "seed"))
		for range 50 {
			at := vector{rapid.Float64Range(-0.2, 4.2).Draw(r, "x"), rapid.Float64Range(-0.2, 3.2).Draw(r, "y")}
			gap, q := d.plan.nearest(at, d.plan.margin)
			want, from := math.Inf(1), vector{}
			for i := range d.plan.solids {
				if p, far := d.plan.solids[i].nearest(at); far < min(want, d.plan.margin) {
					want, from = far, p
				}
			}
			if gap != want || q != from {
				r.Fatalf("from %v: %g at %v, want %g at %v", at, gap, q, want, from)
			}
		}
	})
}

func TestContactHasASide(t *testing.T) {
	d := newDriven(floorOf(t, "world: floor"), hobbyist, 1)
	narrow := func(degrees, cone float64) Mount {
		m := facing(degrees)
		m.Cone = facing(cone).Facing
		return m
	}
	d.put(3.919, 1.5, 60) // the wall is 60° to the right
	for _, c := range []struct {
		m    Mount
		want float64
	}{
		{facing(0), 1}, {facing(-90), 1}, {facing(90), 0}, {facing(180), 0},
		{narrow(0, 90), 0}, {narrow(-45, 90), 1}, {narrow(45, 90), 0}, {narrow(0, 130), 1}, {narrow(180, 360), 1},
	} {
		if got := d.senses("contact", c.m)(); got != c.want {
			t.Errorf("%v, cone %v: %g, want %g", c.m.Facing, c.m.Cone, got, c.want)
		}
	}
	d.put(3.919, 2.919, 45) // in the corner it touches two walls: the one to the left, and the one to the right
	if l, r := d.senses("contact", narrow(45, 20))(), d.senses("contact", narrow(-45, 20))(); l != 1 || r != 1 {
		t.Errorf("in the corner: left %g, right %g", l, r)
	}
}

func TestSeveralLamps(t *testing.T) {
	d := newDriven(floorOf(t, `
world: floor
ambient: 0 lx
lamps: [{at: [3 m, 1.5 m], strength: 100 lx}, {at: [1 m, 2.5 m], strength: 400 lx}]
obstacles: [{at: [2.5 m, 0.5 m], radius: 10 cm}]
start: {at: [1 m, 1.5 m], heading: 0 °}
`), hobbyist, 1)
	eye := Mount{At: &FloorPlace{}}
	d.lamps[0].Reached, d.lamps[0].reached = "goes_out", true
	if got := d.senses("light", eye)(); got != 0 {
		t.Errorf("the lamp ahead is out, and yet %g lx", got)
	}
	if got := d.senses("lamp_distance", Mount{})(); got != 1 {
		t.Errorf("the lamp that shines is a metre away, not %g", got)
	}
	d.lamps[0].reached = false
	if got := d.senses("light", eye)(); !near(got, 25, 1e-9) {
		t.Errorf("ahead %g lx, want 25", got)
	}
	eye.Facing = facing(45).Facing
	if got, want := d.senses("light", eye)(), (25+400)*math.Sqrt2/2; !near(got, want, 1e-4) {
		t.Errorf("between both %g lx, want %g", got, want)
	}
	eye.Cone = facing(60).Facing
	if got := d.senses("light", eye)(); got != 0 {
		t.Errorf("both beside its cone, and yet %g lx", got)
	}
	d.put(2, 0, 0)
	d.lamps[0].at = vector{3, 1}
	d.lamps[1].strength = 0
	if got := d.senses("light", Mount{At: &FloorPlace{}})(); got != 0 {
		t.Errorf("behind the round obstacle %g lx", got)
	}
	if got, want := d.senses("lamp_direction", Mount{})(), 45.0; !near(got, want, 1e-9) {
		t.Errorf("the lamp is at %g°, want %g", got, want)
	}
}

// A spot over the edge of a line sees the share of it that the line covers, whatever the direction of the line.
func TestLineCoverage(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		o := floorOf(t, "world: floor\nspot: 6 mm\nlines: [{points: [[1 m, 1 m], [3 m, 1 m]], width: 18 mm}]")
		way := direction(rapid.Float64Range(0, 7).Draw(r, "angle"))
		middle := vector{2, 1.5}
		place := func(v vector) FloorPlace { return FloorPlace{physic.Distance(v.x * 1e9), physic.Distance(v.y * 1e9)} }
		o.Lines[0].Points = []FloorPlace{place(middle.minus(way)), place(middle.plus(way))}
		d := newDriven(o, hobbyist, 1)
		aside := rapid.Float64Range(-0.02, 0.02).Draw(r, "aside")
		_, got := d.lines.seen(middle.plus(vector{-way.y, way.x}.times(aside)))
		if want := min(max((0.009+0.003-math.Abs(aside))/0.006, 0), 1); !near(got, want, 1e-6) {
			r.Errorf("%g m beside the line: %g, want %g", aside, got, want)
		}
	})
}

// A line that is thinner than the spot, the end of a line, a bend, a crossing.
func TestLineShapes(t *testing.T) {
	d := newDriven(floorOf(t, `
world: floor
spot: 10 mm
lines:
  - {points: [[1 m, 1 m], [2 m, 1 m], [2 m, 2 m]], width: 20 mm, gaps: [{at: 20 cm, length: 10 cm}]}
  - {points: [[1 m, 1.5 m], [3 m, 1.5 m]], width: 5 mm, colour: red}
ground: grey
`), hobbyist, 1)
	for _, c := range []struct {
		what    string
		at      vector
		covered float64
		clear   float64
	}{
		{"beside", vector{1.5, 1.1}, 0, 0.4},
		{"on the line", vector{1.5, 1}, 1, 0.05},
		{"half on the line", vector{1.5, 1.01}, 0.5, 0.225},
		{"half at the end", vector{1, 1}, 0.5, 0.225},
		{"behind the end", vector{0.99, 1}, 0, 0.4},
		{"in the gap", vector{1.25, 1}, 0, 0.4},
		{"half in the gap", vector{1.3, 1}, 0.5, 0.225},
		{"at the bend", vector{2, 1}, 1, 0.05},
		{"outside of the bend", vector{2.02, 0.98}, 0, 0.4},
		{"on the thin line", vector{2.5, 1.5}, 0.5, (0.4 + 0.8/3) / 2},
		{"on the crossing the upper line wins", vector{2, 1.5}, 1, (0.05 + 0.8/3) / 2},
	} {
		seen, covered := d.lines.seen(c.at)
		if !near(covered, c.covered, 1e-9) || !near(seen.mean(), c.clear, 1e-9) {
			t.Errorf("%s: covered %g, want %g; reflects %g, want %g", c.what, covered, c.covered, seen.mean(), c.clear)
		}
	}
	// The same through sensors: 8 cm in front of the robot.
	d.put(1.42, 1, 0)
	button, err := d.sense(&Sensor{Device: "button"}, &Mount{}, "line")
	if err != nil || button() != 1 || d.senses("line", Mount{})() != 1 || !near(d.senses("reflectance", Mount{})(), 0.05, 1e-9) {
		t.Errorf("on the line: button %g, %v, line %g", button(), err, d.senses("line", Mount{})())
	}
	d.put(2.42, 1.5, 0)
	for measure, want := range map[string]float64{"red": 0.5, "green": 0.25, "blue": 0.25, "clear": 1.0 / 3} {
		if now, err := d.sense(&Sensor{Device: "tcs34725", Measure: measure}, &Mount{}, "colour"); err != nil ||
			!near(now(), 0.7*want, 1e-9) {
			t.Errorf("%s: %g, want %g, %v", measure, now(), 0.7*want, err)
		}
	}
	if now, err := d.sense(&Sensor{Device: "tcs34725", Measure: "lux", Unit: "lx"}, &Mount{}, "colour"); err != nil ||
		!near(now(), 100, 1e-9) {
		t.Errorf("lux: %g, %v", now(), err)
	}
}

// An encoder counts the turning of the wheel that the body or its name says, in the unit of its readings.
func TestWheels(t *testing.T) {
	d := newDriven(floorOf(t, "world: floor"), hobbyist, 1)
	d.put(2, 1.5, 0)
	d.drive(0.5, -0.25, time.Second)
	left, right := 0.5*0.475, -0.25*0.475
	for _, c := range []struct {
		sensor, wheel, unit string
		want                float64
	}{
		{"left_encoder", "", "m", left}, {"encoder", "right", "m", right}, {"enc-R", "", "m", right}, {"l", "", "m", left},
		{"left", "right", "m", right}, {"left", "", "rev", left / (0.065 * math.Pi)}, {"left", "", "°", left / (0.065 * math.Pi) * 360},
		{"right", "", "m/s", -0.125}, {"right", "", "rev/s", -0.125 / (0.065 * math.Pi)},
	} {
		now, err := d.sense(&Sensor{Name: c.sensor, Unit: c.unit}, &Mount{Wheel: c.wheel}, "wheel")
		if err != nil || !near(now(), c.want, 0.003*math.Abs(c.want)) {
			t.Errorf("%+v: %g, %v", c, now(), err)
		}
	}
	for _, name := range []string{"encoder", "left_right", "alarm"} {
		if _, err := d.sense(&Sensor{Name: name, Unit: "m"}, &Mount{}, "wheel"); err == nil {
			t.Errorf("%s: it has a wheel", name)
		}
	}
}

// Every quantity that the floor offers can be sensed, before the first episode too, and has a finite value.
func TestQuantities(t *testing.T) {
	f := newFloor(floorOf(t, "world: floor\nlamps: [{}]\nfood: [{}]\nlines: [{points: [[1 m, 1 m], [2 m, 1 m]]}]"), &hobbyist)
	values := map[string]func() float64{}
	for _, q := range f.quantities() {
		s := Sensor{Name: "left", Device: "simulated", Measure: q.Name, Unit: q.Unit}
		now, err := f.sense(&s, &Mount{}, q.Name)
		if err != nil || q.Doc == "" {
			t.Errorf("%s: %v, doc %q", q.Name, err, q.Doc)
			continue
		}
		values[q.Name+" "+q.Unit] = now
	}
	d := &driven{floor: f, random: 1}
	d.reset(&d.random)
	d.put(1.5, 1.1, 90)
	d.lamps[0].at, d.food[0].at = vector{1.5, 2.1}, vector{2.5, 1.1}
	d.advance([]float64{0, 0})
	for name, want := range map[string]float64{
		"pose_x m": 1.5, "pose_y m": 1.1, "heading °": 90, "speed m/s": 0, "clearance m": 1.02, "bumps ": 0,
		"lamp_distance m": 1, "lamp_direction °": 0, "lamps ": 0, "food_distance m": 1, "food_direction °": -90, "food ": 0,
		"line_offset m": 0.1,
	} {
		if now := values[name]; now == nil || !near(now(), want, 1e-9) {
			t.Errorf("%s: want %g, got %g", name, want, now())
		}
	}
	for name, now := range values {
		if x := now(); math.IsNaN(x) || math.IsInf(x, 0) {
			t.Errorf("%s is %g", name, x)
		}
	}
}

func TestAngles(t *testing.T) {
	for _, degrees := range []float64{0, 40, -90, 180, 0.001, 359.9} {
		if got := radians(facing(degrees).Facing); got != degrees*(math.Pi/180) {
			t.Errorf("%g°: %g rad", degrees, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		angle := rapid.Float64Range(-math.Pi, math.Pi).Draw(t, "angle")
		length := rapid.Float64Range(1e-6, 1e6).Draw(t, "length")
		if got := angleOf(direction(angle).times(length)); !near(math.Remainder(got-angle, 2*math.Pi), 0, 1e-12) {
			t.Errorf("%g: %g", angle, got)
		}
	})
	if angleOf(vector{}) != 0 {
		t.Error("no vector has an angle")
	}
}
