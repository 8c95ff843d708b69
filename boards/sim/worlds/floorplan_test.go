package worlds

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/physic"
	"pgregory.net/rapid"

	"fluxd/configs/strict"
	"fluxd/splitmix64"
)

// In a maze there is a way from every cell to every other, and without loops it is the only one: it has a wall less than a room
// that is cut into cells.
func TestMaze(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		columns, rows := rapid.IntRange(1, 12).Draw(r, "columns"), rapid.IntRange(1, 12).Draw(r, "rows")
		loops := rapid.SampledFrom([]int64{0, 300_000, 1_000_000}).Draw(r, "loops")
		o := floorOf(t, "world: floor\nwidth: 12 m\ndepth: 12 m")
		o.Maze = &FloorMaze{Columns: columns, Rows: rows, Loops: loops}
		random := splitmix64.Random(rapid.Uint64().Draw(r, "seed"))
		p := newFloorPlan(o, &random, 0.01)
		middle := func(column, row int) vector {
			return vector{12 / float64(columns) * (float64(column) + 0.5), 12 / float64(rows) * (float64(row) + 0.5)}
		}
		reached, passages := map[[2]int]bool{{0, 0}: true}, 0
		for todo := [][2]int{{0, 0}}; len(todo) > 0; {
			at := todo[0]
			todo = todo[1:]
			for _, step := range [4][2]int{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
				to := [2]int{at[0] + step[0], at[1] + step[1]}
				if p.between(middle(at[0], at[1]), middle(to[0], to[1])) {
					continue
				}
				passages++
				if !reached[to] {
					reached[to] = true
					todo = append(todo, to)
				}
			}
		}
		if len(reached) != columns*rows {
			r.Fatalf("%d of %d cells can be reached", len(reached), columns*rows)
		}
		all := (columns-1)*rows + (rows-1)*columns
		if least := columns*rows - 1; loops == 0 && passages/2 != least || loops == 1_000_000 && passages/2 != all ||
			passages/2 < least {
			r.Errorf("%d passages between %d cells", passages/2, columns*rows)
		}
	})
}

// A maze with a seed is the same in each episode; without one each episode has another.
func TestSeedsOfMazes(t *testing.T) {
	plan := func(text string, seed uint64) string {
		return fmt.Sprint(newDriven(floorOf(t, "world: floor\nmaze: "+text), hobbyist, seed).plan.solids)
	}
	if plan("{columns: 5, rows: 4, seed: 7}", 1) != plan("{columns: 5, rows: 4, seed: 7}", 2) {
		t.Error("the maze with a seed changes")
	}
	if plan("{columns: 5, rows: 4, seed: 7}", 1) == plan("{columns: 5, rows: 4, seed: 8}", 1) {
		t.Error("another seed, the same maze")
	}
	if plan("{columns: 5, rows: 4}", 1) == plan("{columns: 5, rows: 4}", 2) {
		t.Error("the maze without a seed stays")
	}
	if plan("{columns: 5, rows: 4}", 1) != plan("{columns: 5, rows: 4}", 1) {
		t.Error("the same episode, and another maze")
	}
}

// What has a random place is as far from walls, from the robot and from its fixed places as the file says.
func TestRandomPlaces(t *testing.T) {
	o := floorOf(t, `
world: floor
obstacles: [{radius: 10 cm, number: 4}, {size: [30 cm, 20 cm], turned: 20 °, number: 2}]
lamps: [{at: [1 m, 1 m]}, {number: 2}]
food: [{number: 5}]
start: {at: [2 m, 1.5 m]}
`)
	for seed := range uint64(100) {
		d := newDriven(o, hobbyist, seed)
		for i, s := range d.plan.solids {
			if s.radius == 0 {
				continue
			}
			if s.a.distance(d.at) < 0.1+0.08+0.25 || s.a.distance(vector{1, 1}) < 0.1+0.25 {
				t.Errorf("seed %d: obstacle at %v", seed, s.a)
			}
			for k, other := range d.plan.solids {
				if _, gap := other.nearest(s.a); k < i && gap < 0.1+0.25 {
					t.Errorf("seed %d: obstacles %d and %d are %g m apart", seed, k, i, gap-0.1)
				}
			}
		}
		for i := range d.lamps[1:] {
			if l := d.lamps[1+i].at; d.plan.gap(l, 9) < 0.25 { // half the clearance, where there is no room for all of it
				t.Errorf("seed %d: the lamp at %v is %g m from a wall", seed, l, d.plan.gap(l, 9))
			}
		}
		for _, p := range d.food {
			if d.plan.gap(p.at, 9) < 0.2 || p.at.distance(d.at) < 0.3 {
				t.Errorf("seed %d: food at %v", seed, p.at)
			}
		}
	}
	// Where nothing is free, the search ends, with the freest place.
	d := newDriven(floorOf(t, "world: floor\nwidth: 30 cm\ndepth: 30 cm\nlamps: [{}]\nfood: [{}]"), hobbyist, 1)
	if gap := d.plan.gap(d.at, 9); gap < 0.08 {
		t.Errorf("%g m from a wall, in a room of 30 cm", gap)
	}
}

// Round bends make a line shorter. A square with a side of a metre and bends of 20 cm is 4 m - 8 x 20 cm + a circle long.
func TestRoundedLine(t *testing.T) {
	l := lineOf(&floorOf(t, "world: floor\nlines: [{points: [[1 m, 1 m], [2 m, 1 m], [2 m, 2 m], [1 m, 2 m]], closed: true, "+
		"rounded: 20 cm}]").Lines[0])
	if want := 4 - 1.6 + 0.4*math.Pi; !near(l.length, want, 0.003) {
		t.Errorf("%g m, want %g", l.length, want)
	}
	middle := vector{1.8, 1.2}
	for _, p := range l.points {
		if p.x > 1.8 && p.y < 1.2 && !near(p.distance(middle), 0.2, 1e-9) {
			t.Errorf("%v is %g m from the middle of the bend", p, p.distance(middle))
		}
	}
	// Too round for its sides: the bends meet.
	tight := lineOf(&floorOf(t, "world: floor\nlines: [{points: [[1 m, 1 m], [2 m, 1 m], [2 m, 2 m], [1 m, 2 m]], closed: true, "+
		"rounded: 9 m}]").Lines[0])
	if !near(tight.length, math.Pi, 0.01) {
		t.Errorf("a circle of a metre is %g m long", tight.length)
	}
}

// A robot that goes along a line makes progress piece by piece: a crossing does not mislead it, a gap does not stop it.
func TestProgressAlongTheLine(t *testing.T) {
	text, _ := Files.ReadFile("line.yaml")
	d := newDriven(floorOf(t, string(text)), hobbyist, 5)
	line := &d.lines.lines[0]
	start := d.progress.along
	carry := func(from, to float64) { // it is carried along the line
		step := 0.001
		if to < from {
			step = -step
		}
		for k := range int(math.Abs(to-from) / 0.001) {
			at := math.Mod(from+step*float64(k+1)+10*line.length, line.length)
			d.at, _ = line.place(at)
			d.advance([]float64{0, 0})
		}
	}
	carry(start, start+2.25*line.length)
	if laps := d.progress.laps(); !near(laps, 2.25, 0.01) || !d.score(0).Reached || d.onLine != d.steps {
		t.Errorf("%g laps, want 2.25: %+v; %d of %d steps on the line", laps, d.score(0), d.onLine, d.steps)
	}
	carry(start+2.25*line.length, start)
	if laps := d.progress.laps(); !near(laps, 0, 0.01) {
		t.Errorf("back again: %g laps", laps)
	}
	// It is lifted off: that is no progress, and it is not on the line.
	way := d.progress.way
	d.put(2.2, 1.3, 0)
	d.drive(0, 0, time.Second)
	if d.progress.way != way || d.progress.lost != true {
		t.Errorf("beside the line it has come %g m", d.progress.way-way)
	}
}

// goldens are the hashes of minutes of driving in the worlds that come with fluxd, and in one that has everything.
var goldens = map[string]uint64{
	"everything": 0x1bfd361be9a17337, "maze": 0xef58be6a7142326a, "line": 0x4f6e3219fa46f2b2, "yard": 0xaf885c80534d1835,
}

// everything is a world with all that a floor can have.
const everything = `
world: floor
width: 6 m
depth: 4 m
walls: [[[2 m, 0 m], [2 m, 1 m], [2.5 m, 1.2 m]]]
obstacles: [{radius: 10 cm, number: 3}, {size: [40 cm, 20 cm], turned: 33 °, number: 2}, {at: [5 m, 3.5 m], radius: 20 cm}]
lamps: [{number: 2}, {at: [1 m, 3.5 m], reached: stays}]
lines:
  - {points: [[0.5 m, 0.5 m], [5 m, 0.5 m], [5.5 m, 2 m], [0.7 m, 3 m]], closed: true, rounded: 30 cm, gaps: [{at: 1 m}]}
  - {points: [[3 m, 0 m], [3.5 m, 4 m]], colour: red, width: 50 mm}
food: [{number: 6}, {at: [5.5 m, 0.5 m], returns: false}]
motors: {lag: 80ms, dead_band: 0.05, slip: 0.03, noise: 0.05}
goal: food
`

// The same seed and commands give the same bits on every processor: the tests run on emulated ones too.
func TestFloorBits(t *testing.T) {
	files := map[string]string{"everything": everything}
	for _, name := range []string{"maze", "line", "yard"} {
		text, err := Files.ReadFile(name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	for name, text := range files {
		d := newDriven(floorOf(t, text), hobbyist, 42)
		var senses []func() float64
		for _, q := range d.quantities() {
			for _, m := range []Mount{facing(0), facing(50)} {
				m.Cone = facing(25).Facing
				if now, err := d.sense(&Sensor{Name: "left", Unit: q.Unit}, &m, q.Name); err == nil {
					senses = append(senses, now)
				}
			}
		}
		g, h := splitmix64.Random(7), newDigest()
		for k := range 240 { // a minute: to the food, or to where chance leads
			l := g.Between(-0.4, 1)
			r := g.Between(-0.4, 1)
			if k%32 < 24 && len(d.food) > 0 {
				turn := d.bearing(d.nextFood()) / 360
				l, r = 0.6-turn, 0.6+turn
			}
			d.drive(l, r, 250*time.Millisecond)
			for _, now := range senses {
				h.add(now())
			}
			for _, v := range d.score(d.steps).Values {
				h.add(v.Number)
			}
		}
		h.expect(t, name+": "+d.score(d.steps).Text, goldens[name])
	}
}

func TestGoals(t *testing.T) {
	line := "lines: [{points: [[1 m, 1 m], [3 m, 1 m]]}]\nstart: {at: [1 m, 1 m], heading: 0 °}\n"
	for _, c := range []struct {
		text       string
		over       time.Duration // when the episode ends; 0: it does not within ten seconds
		reached    bool
		goal, says string
	}{
		{"goal: none", 0, false, "", "drove 1.92 m, 1 bump"},
		{"goal: distance", 0, true, "drove 1 m", "drove 1 m after 2.049 s, drove 1.92 m, 1 bump"},
		{"goal: distance\nends: [goal]", 2049 * time.Millisecond, true, "drove 1 m",
			"drove 1 m after 2.049 s, drove 1.00 m, 0 bumps"},
		{"goal: distance\ntarget: 100", 0, false, "drove 100 m", "drove 1.92 m, 1 bump"},
		{"ends: [bump]", 3885 * time.Millisecond, false, "", "drove 1.92 m, 1 bump"},
		{"time_limit: 1.5s", 1500 * time.Millisecond, false, "", "drove 0.73 m, 0 bumps"},
		{"goal: food\nfood: [{at: [3 m, 1.5 m]}]\nends: [goal]", 1829 * time.Millisecond, true, "ate the food",
			"ate the food after 1.829 s, 1 piece of food eaten, 0 bumps"},
		{"food: [{at: [3 m, 1.5 m], returns: false}]", 0, false, "", "drove 1.92 m, 1 piece of food eaten, 1 bump"},
		{"goal: food\ntarget: 2\nfood: [{at: [3 m, 1.5 m], returns: false}, {at: [0.5 m, 0.5 m]}]", 0, false, "ate 2 pieces of food",
			"1 piece of food eaten, 1 bump"},
		{"goal: lamp\ntarget: 2\nlamps: [{at: [3 m, 1.5 m], reached: stays}, {at: [0.5 m, 0.5 m], reached: stays}]", 0, false,
			"reached 2 lamps",
			"reached 1 lamp, 0.92 m to the next"},
		{"goal: lamp\nlamps: [{at: [3 m, 1.5 m], reached: goes_out}]\nends: [goal]", 1549 * time.Millisecond, true, "reached the lamp",
			"reached the lamp after 1.549 s"},
		{line + "goal: laps\nends: [goal]", 4049 * time.Millisecond, true, "drove along the line",
			"drove along the line after 4.049 s, 1.00 laps, 100.0 % of the time on the line, 0 bumps"},
		{line + "ends: [off_line]", 4209 * time.Millisecond, false, "", "drove 2.08 m, 0 bumps"},
	} {
		d := newDriven(floorOf(t, "world: floor\n"+c.text), hobbyist, 1)
		if d.progress.line == nil {
			d.put(2, 1.5, 0)
		}
		for d.steps < 10_000 && !d.over() {
			d.drive(1, 1, floorStep)
		}
		s := d.score(d.steps)
		if over := d.over(); over != (c.over > 0) || over && time.Duration(d.steps)*floorStep != c.over {
			t.Errorf("%s: over %v after %d ms, want %v", c.text, over, d.steps, c.over)
		}
		if s.Reached != c.reached || s.Goal != c.goal || s.Text != c.says || s.Reached && !strings.HasPrefix(s.Text, s.Goal) {
			t.Errorf("%s: %+v", c.text, s)
		}
		names := func() (all []string) {
			for _, v := range d.score(0).Values {
				all = append(all, v.Name)
			}
			return all
		}
		before := names()
		d.reset(&d.random)
		if after := names(); !slices.Equal(before, after) || d.steps != 0 || d.over() || d.bumps != 0 || d.distance != 0 ||
			d.used != 0 {
			t.Errorf("%s: after a reset %v, before %v", c.text, after, before)
		}
	}
}

// The pictures have everything, and no drawing is beyond its frame.
func TestFloorPictures(t *testing.T) {
	d := newDriven(floorOf(t, everything), hobbyist, 3)
	d.drive(0.7, 0.6, 10*time.Second)
	text := d.picture(80, 30)
	for _, c := range "#-*o" {
		if !strings.ContainsRune(text, c) {
			t.Errorf("no %c:\n%s", c, text)
		}
	}
	var drawn Drawing
	d.draw(&drawn)
	styles := map[Style]int{}
	for _, s := range drawn.Shapes {
		styles[s.Style]++
		for _, p := range s.Points {
			if p.X < drawn.Low.X-0.1 || p.X > drawn.High.X+0.1 || p.Y < drawn.Low.Y-0.1 || p.Y > drawn.High.Y+0.1 {
				t.Errorf("%s at %v", s.Style, p)
			}
		}
	}
	for style, want := range map[Style]int{StyleGround: 1, StyleLamp: 3, StyleFood: 7, StyleRobot: 1, StylePath: 1, StylePart: 3,
		StyleWall: 4 + 2 + 3 + 2*4 + 1 + 2} {
		if got := styles[style]; got != want && style != StyleFood {
			t.Errorf("%d shapes of style %s, want %d", got, style, want)
		}
	}
	// The way is bounded, whatever the robot does.
	for range 20_000 {
		d.path.add(vector{float64(d.steps) * 10, 0})
		d.steps++
	}
	if n := len(d.path.points); n > pathPoints || n < pathPoints/4 {
		t.Errorf("the way has %d points", n)
	}
}

func TestFloorCheck(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"walls: [[[1 m, 0 m]]]", "test:2:9: walls[0]: expected at least 2 places, got 1"},
		{"walls: [[[1 m, 0 m], [1 m, 0 m]]]", "test:2:22: walls[0][1]: [1 m, 0 m]: expected at least 1 mm from the place before"},
		{"walls: [[[1 m, 0 m], [5 m, 0 m]]]", "walls[0][1]: [5 m, 0 m]: expected a place in the room, from [0 m, 0 m] to [4 m, 3 m]"},
		{"width: 20 cm", "width: 20 cm: expected 30 cm to 100 m"},
		{"maze: {columns: 50, rows: 50}", "maze: 2500 cells: expected at most 1000"},
		{"maze: {columns: 5}", "maze: rows is missing"},
		{"width: 30 cm\nmaze: {columns: 20, rows: 2}", "maze: cells of 0.015 by 1.5 m: expected at least 3 cm"},
		{"obstacles: [{}]", "obstacles[0]: expected radius for a round obstacle, at least 1 mm, or size for a rectangular one"},
		{"obstacles: [{radius: 1 cm, size: [1 cm, 1 cm]}]", "obstacles[0].radius: expected radius for a round obstacle, or size"},
		{"obstacles: [{size: [0 m, 1 cm]}]", "obstacles[0].size: [0 m, 0.01 m]: expected 1 mm to 100 m for each side"},
		{"obstacles: [{radius: 1 cm, turned: 20 °}]", "obstacles[0].turned: a round obstacle cannot be turned: expected size"},
		{"obstacles: [{radius: 1 cm, at: [1 m, 1 m], number: 2}]", "obstacles[0].number: 2: only one can be at [1 m, 1 m]"},
		{"obstacles: [{radius: 1 cm, at: [1 m, 4 m]}]", "obstacles[0].at: [1 m, 4 m]: expected a place in the room"},
		{strings.Repeat("  - {size: [1 cm, 1 cm], number: 100}\n", 3),
			"walls: expected at most 1000 pieces of walls and sides of obstacles, got 1200"},
		{"lamps: [{at: [1 m, -1 m]}]", "lamps[0].at: [1 m, -1 m]: expected a place in the room"},
		{"lamps: [{at: [0 m, 1 m]}]", "lamps[0].at: [0 m, 1 m]: the lamp would be in a wall or an obstacle"},
		{"lamps: [{at: [1 m, 1 m]}]\nobstacles: [{at: [1.1 m, 1 m], radius: 12 cm}]",
			"lamps[0].at: [1 m, 1 m]: the lamp would be in a wall"},
		{"lamps: [{at: [1 m, 1 m]}]\nobstacles: [{at: [1.1 m, 1 m], size: [30 cm, 5 cm], turned: 10 °}]",
			"lamps[0].at: [1 m, 1 m]: the lamp"},
		{"lamps: [{at: [1 m, 1 m]}]\nstart: {at: [1 m, 1.1 m]}", "lamps[0].at: [1 m, 1 m]: the robot starts within its reach, 0.25 m"},
		{"lamps: [{number: 32}, {number: 32}, {}]", "lamps: expected at most 64, got 65"},
		{"food: [{number: 200}, {}]", "food: expected at most 200, got 201"},
		{"start: {at: [1 m, 4 m]}", "start.at: [1 m, 4 m]: expected a place in the room"},
		{"start: {at: [1 m, 1 m]}\nwalls: [[[1 m, 0 m], [1 m, 2 m]]]", "start.at: [1 m, 1 m]: the robot would be in a wall"},
		{"start: {on_line: true}", "start.on_line: expected lines"},
		{"lines: [{points: [[1 m, 1 m], [2 m, 1 m]]}]\nstart: {on_line: true, heading: 3 °}",
			"start.on_line: expected either on_line, or a place"},
		{"lines: [{points: [[1 m, 1 m]]}]", "lines[0].points: expected at least 2 places, got 1"},
		{"lines: [{points: [[1 m, 1 m], [2 m, 1 m]], closed: true}]", "lines[0].points: expected at least 3 places, got 2"},
		{"lines: [{points: [[1 m, 1 m], [2 m, 1 m], [1 m, 1 m]], closed: true}]", "lines[0].points[2]: the first place again"},
		{"lines: [{points: [[1 m, 1 m], [2 m, 9 m]]}]", "lines[0].points[1]: [2 m, 9 m]: expected a place in the room"},
		{"lines: [{points: [[1 m, 1 m], [2 m, 1 m]], gaps: [{at: 2 m}]}]", "lines[0].gaps[0].at: 2.000 m: the line is 1.000 m long"},
		{"lines: [{points: [[1 m, 1 m], [2 m, 1 m]], gaps: [{at: 95 cm}]}]",
			"lines[0].gaps[0].length: the gap ends at 1.050 m: the line is 1.000 m long"},
		{"battery: {empty: 9 V}", "battery.empty: 9V: expected at most battery.full, 8.400V"},
		{"goal: lamp", "goal: lamp: expected some lamps"},
		{"goal: laps", "goal: laps: expected some lines"},
		{"ends: [goal]", "ends[0]: expected a goal: one of lamp, food, laps, distance"},
		{"ends: [off_line]", "ends[0]: expected lines"},
		{"ends: [never]", "ends[0]: \"never\": expected goal, bump, off_line"},
		{"goal: lamp\ntarget: 2\nlamps: [{reached: stays}]", "target: 2: there can only be 1"},
		{"motors: {slip: 60 %}", "motors.slip"},
		{"ground: pink", "ground: \"pink\": expected white, grey"},
	} {
		text := c.text
		if strings.HasPrefix(text, "  - ") {
			text = "obstacles:\n" + text
		}
		d, err := strict.NewDecoder("test", []byte("world: floor\n"+text))
		if err != nil {
			t.Fatal(err)
		}
		var file floorFile
		d.Decode(&file, "the world")
		d.Check("", &file.FloorOpts)
		if err := d.Err(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.text, err, c.want)
		}
	}
}

// A world that has no room for a robot refuses it.
func TestNoRoom(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"maze: {columns: 30, rows: 25}", "the world has no room for a robot with a radius of 0.08 m: body.radius"},
		{"start: {at: [5 cm, 1 m]}", "the robot's radius is 0.08 m, and where it starts something solid is 0.05 m away"},
		{"start: {at: [1 m, 1 m]}", ""},
	} {
		refused, _ := Check(floorOf(t, "world: floor\n"+c.text), &Robot{Body: hobbyist})
		if text := fmt.Sprint(refused); !strings.Contains(text, c.want) || c.want == "" && len(refused) > 0 {
			t.Errorf("%s: %v", c.text, text)
		}
	}
}

// A sensor that is far from its robot is probably a mistake: check warns.
func TestFarSensor(t *testing.T) {
	for ahead, want := range map[physic.Distance]string{
		70 * physic.MilliMetre: "", 240 * physic.MilliMetre: "",
		7 * physic.Metre: "body.sensors.eye.at: it is 7 m from the middle of a robot with a radius of 0.08 m, and may be behind a wall",
	} {
		robot := &Robot{Body: hobbyist, Sensors: []Sensor{{Name: "eye", Device: "bh1750", Unit: "lx"}},
			Actuators: []Device{{Name: "left_wheel"}, {Name: "right_wheel"}}}
		robot.Body.Sensors = []Named[Mount]{{Name: "eye", Value: Mount{At: &[2]physic.Distance{ahead, 0}}}}
		refused, unknown := Check(floorOf(t, "world: floor\n"), robot)
		text := ""
		for _, m := range unknown {
			text += m.Path + ": " + m.Error()
		}
		if text != want || len(refused) > 0 {
			t.Errorf("%v ahead: %v, %q", ahead, refused, text)
		}
	}
}

// Every file of a floor that comes with fluxd is right, and has room for a hobbyist's robot, in every episode.
func TestFloorFiles(t *testing.T) {
	for _, name := range []string{"arena", "maze", "line", "yard"} {
		text, err := Files.ReadFile(name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		o := floorOf(t, string(text))
		for seed := range uint64(50) {
			d := newDriven(o, hobbyist, seed)
			if gap := d.plan.gap(d.at, 9); d.fits() != nil || gap < 0.1 {
				t.Errorf("%s, seed %d: %v, %g m from a wall", name, seed, d.fits(), gap)
			}
		}
	}
}

// Options and a body without values, as a Go program may have them, make a world that stands still.
func TestNothingSet(t *testing.T) {
	d := newDriven(&FloorOpts{Lines: []FloorLine{{}}, Lamps: []FloorLamp{{}}, Food: []FloorFood{{}}, Obstacles: []FloorObstacle{{}},
		Maze: &FloorMaze{}}, Body{}, 1)
	d.drive(1, 1, 100*time.Millisecond)
	d.picture(40, 20)
	d.draw(&Drawing{})
	for name, x := range d.state() {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			t.Errorf("%s is %g", name, x)
		}
	}
}

// Ten minutes in the maze, with three range sensors that are read every 20 ms, and two encoders.
func BenchmarkFloorTenMinutes(b *testing.B) {
	text, err := Files.ReadFile("maze.yaml")
	if err != nil {
		b.Fatal(err)
	}
	d := newDriven(floorOf(b, string(text)), hobbyist, 1)
	var senses []func() float64
	for _, degrees := range []float64{-45, 0, 45} {
		m := facing(degrees)
		m.Cone = facing(25).Facing
		senses = append(senses, d.senses("range", m))
	}
	for _, name := range []string{"left", "right"} {
		now, err := d.sense(&Sensor{Name: name, Unit: "m"}, &Mount{}, "wheel")
		if err != nil {
			b.Fatal(err)
		}
		senses = append(senses, now)
	}
	b.ReportAllocs()
	for b.Loop() {
		g := splitmix64.Random(7)
		for range 30_000 {
			d.drive(g.Between(-0.3, 1), g.Between(-0.3, 1), 20*time.Millisecond)
			for _, now := range senses {
				now()
			}
		}
	}
}
