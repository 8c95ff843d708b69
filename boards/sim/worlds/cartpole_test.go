package worlds

import (
	"compress/gzip"
	"encoding/csv"
	"math"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fluxd/options"
	"fluxd/splitmix64"
)

// poleOpts are the defaults with some changed.
func poleOpts(change func(*CartPoleOpts)) *CartPoleOpts {
	o := options.Defaults[CartPoleOpts]()
	if change != nil {
		change(&o)
	}
	return &o
}

func newPole(opts *CartPoleOpts, seed uint64) *cartPole {
	c := opts.physics(&Robot{}).(*cartPole)
	random := splitmix64.Random(seed)
	c.reset(&random)
	return c
}

// push moves on by a step: to the right for 1, to the left for 0, as Gymnasium's actions.
func (c *cartPole) push(action int) { c.advance([]float64{float64(2*action - 1)}) }

// publishedRun reads a run of a published network: see testdata of cmd/fluxd/play.
func publishedRun(t *testing.T, name string) (column map[string][]float64, digits map[string][]float64) {
	t.Helper()
	f, err := os.Open("../../../cmd/fluxd/play/testdata/tennlab/" + name + ".csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(unzipped).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column, digits = map[string][]float64{}, map[string][]float64{}
	for i, field := range rows[0] {
		for _, row := range rows[1:] {
			value, err := strconv.ParseFloat(row[i], 64)
			if err != nil {
				t.Fatal(err)
			}
			_, fraction, _ := strings.Cut(row[i], ".")
			column[field] = append(column[field], value)
			digits[field] = append(digits[field], math.Pow(10, -float64(len(fraction)))/2)
		}
	}
	return column, digits
}

// published is the pole of the published runs.
func published(o *CartPoleOpts) { o.Gravity = 9.81 }

// Every step of the published run leads to the state of the next line, as exactly as the lines have it: six digits.
func TestPublishedRunStepByStep(t *testing.T) {
	run, rounding := publishedRun(t, "cartpole-42")
	for k := range len(run["step"]) - 1 {
		c := newPole(poleOpts(published), 0)
		c.position, c.speed, c.angle, c.rate = run["x"][k], run["dx"][k], run["theta"][k], run["dtheta"][k]
		c.push(int(run["action"][k]))
		for _, part := range []struct {
			name string
			got  float64
			// how much of the rounding of the line before, per unit of each of its columns, comes into this one at most
			x, dx, theta, dtheta float64
		}{
			{"x", c.position, 1, cartStep, 0, 0},
			{"dx", c.speed, 0, 1, 0.03, 0.001},
			{"theta", c.angle, 0, 0, 1, cartStep},
			{"dtheta", c.rate, 0, 0, 0.4, 1.01},
		} {
			within := rounding[part.name][k+1] + part.x*rounding["x"][k] + part.dx*rounding["dx"][k] +
				part.theta*rounding["theta"][k] + part.dtheta*rounding["dtheta"][k] + 1e-12
			if want := run[part.name][k+1]; math.Abs(part.got-want) > within {
				t.Errorf("step %d: %s %.8f, published %v: off by more than %.1g", k+1, part.name, part.got, want, within)
			}
		}
	}
}

// The second published run has no velocities; two lines give them, and a third one the acceleration.
func TestPublishedRunWithoutVelocities(t *testing.T) {
	run, _ := publishedRun(t, "cartpole-48")
	for k := range len(run["step"]) - 2 {
		c := newPole(poleOpts(published), 0)
		c.position, c.speed = run["x"][k], (run["x"][k+1]-run["x"][k])/cartStep
		c.angle, c.rate = run["theta"][k], (run["theta"][k+1]-run["theta"][k])/cartStep
		c.push(int(run["action"][k]))
		c.push(int(run["action"][k+1]))
		if dx, dtheta := c.position-run["x"][k+2], c.angle-run["theta"][k+2]; math.Abs(dx) > 2e-5 || math.Abs(dtheta) > 3e-6 {
			t.Errorf("step %d: position off by %.2g m, angle by %.2g rad", k+2, dx, dtheta)
		}
	}
}

// An upright pole multiplies a deviation by 1.08 with each step. So the published actions, from the rounded first line on, lead
// along the published states for some seconds: to their last digit for 50 steps, and to 0.003 rad for 200.
func TestPublishedRunFromItsFirstLine(t *testing.T) {
	run, _ := publishedRun(t, "cartpole-42")
	c := newPole(poleOpts(published), 0)
	c.position, c.speed, c.angle, c.rate = run["x"][0], run["dx"][0], run["theta"][0], run["dtheta"][0]
	for k := range 100 {
		c.push(int(run["action"][k]))
		if dx, dtheta := c.position-run["x"][k+1], c.angle-run["theta"][k+1]; math.Abs(dx) > 1e-5 || math.Abs(dtheta) > 1e-5 {
			t.Fatalf("step %d: position off by %.2g m, angle by %.2g rad", k+1, dx, dtheta)
		}
	}
}

func TestCartPoleStartsLikeGymnasium(t *testing.T) {
	for seed := range uint64(100) {
		c := newPole(poleOpts(nil), seed)
		draw := newPCG64(seed)
		for _, got := range []float64{c.position, c.speed, c.angle, c.rate} {
			if want := -0.05 + float64(0.1*(float64(draw.next()>>11)/(1<<53))); got != want || math.Abs(got) > 0.05 {
				t.Errorf("seed %d: %v, want %v", seed, got, want)
			}
		}
	}
}

// A cart that is pushed to one side only loses its pole after 8 to 10 steps: 9.4 on average, as is known of Gymnasium.
func TestConstantPushFells(t *testing.T) {
	sum := 0
	for seed := range uint64(100) {
		c := newPole(poleOpts(nil), seed)
		for !c.over() {
			c.push(1)
		}
		if s := c.score(0); c.steps < 8 || c.steps > 11 || s.Reached || c.angle > -c.tilt {
			t.Errorf("seed %d: %s", seed, s.Text)
		}
		sum += int(c.steps)
	}
	if sum < 920 || sum > 960 {
		t.Errorf("%d steps in 100 episodes", sum)
	}
}

// steady keeps the pole up: a state feedback with the signs of Barto, Sutton and Anderson.
func steady(c *cartPole) int {
	if c.angle+float64(0.3*c.rate)+float64(0.05*c.position)+float64(0.1*c.speed) > 0 {
		return 1
	}
	return 0
}

func TestEpisodeOfTheCartPole(t *testing.T) {
	c := newPole(poleOpts(nil), 1)
	for !c.over() {
		c.push(steady(c))
	}
	if s := c.score(0); !s.Reached || s.Goal != "balanced for 500 steps" || s.Values[0] != (Value{"steps", 500}) ||
		c.events() != nil {
		t.Errorf("%+v", s)
	}
	c = newPole(poleOpts(func(o *CartPoleOpts) { o.Track /= 60 }), 2)
	for !c.over() {
		c.push(steady(c))
	}
	if s := c.score(0); s.Reached || !strings.HasPrefix(s.Text, "left the track in step ") || len(c.events()) != 1 ||
		c.events() != nil {
		t.Errorf("%+v", s)
	}
	rests := newPole(poleOpts(func(o *CartPoleOpts) { o.Track /= 60; o.Rest = 50 * time.Millisecond }), 2)
	for !rests.fell {
		rests.push(steady(rests))
	}
	fallen := rests.score(0)
	for range 3 { // the first end of a step after 50 ms
		if rests.over() {
			t.Fatalf("over after a rest of %v", rests.rested)
		}
		rests.push(1)
	}
	if !rests.over() || rests.steps != c.steps || rests.position != c.position || !reflect.DeepEqual(rests.score(0), fallen) {
		t.Errorf("after a rest of %v: %+v, when it fell %+v", rests.rested, rests.score(0), fallen)
	}
	c = newPole(poleOpts(nil), 1)
	c.push(1)
	if s := c.score(0); !strings.HasPrefix(s.Text, "stands in step 1,") || s.Reached {
		t.Errorf("%+v", s)
	}
}

func TestForceOfTheCart(t *testing.T) {
	for _, c := range []struct {
		kind            string
		command, newton float64
	}{
		{"bang-bang", 1, 10}, {"bang-bang", 0.001, 10}, {"bang-bang", 0, -10}, {"bang-bang", -0.3, -10},
		{"proportional", 1, 10}, {"proportional", 0, 0}, {"proportional", -0.3, -3},
	} {
		p := newPole(poleOpts(func(o *CartPoleOpts) { o.Force = c.kind; o.Start = 0 }), 1)
		p.advance([]float64{c.command})
		// From rest and upright, the acceleration is force / (M + m/4): the pole moves the less the lighter it is.
		if want := cartStep * c.newton / (1 + poleMass/4); math.Abs(p.speed-want) > 1e-12 {
			t.Errorf("%s, command %v: %v m/s, want %v", c.kind, c.command, p.speed, want)
		}
	}
}

func TestQuantitiesOfTheCartPole(t *testing.T) {
	c := newPole(poleOpts(nil), 1)
	c.position, c.speed, c.angle, c.rate = 0.5, -0.25, 0.1, -0.2
	want := map[string]float64{"cart_position m": 0.5, "cart_velocity m/s": -0.25, "pole_angle rad": 0.1, "pole_angle °": 5.729578,
		"pole_angle rev": 0.0159155, "pole_velocity rad/s": -0.2, "pole_velocity °/s": -11.459156,
		"wheel m": 0.5, "wheel m/s": -0.25, "wheel rev": 2.5, "wheel rev/s": -1.25}
	for _, q := range c.quantities() {
		now, err := c.sense(&Sensor{Unit: q.Unit}, &Mount{}, q.Name)
		if err != nil {
			t.Errorf("%s in %s: %v", q.Name, q.Unit, err)
		} else if got := now(); math.Abs(got-want[q.Name+" "+q.Unit]) > 1e-6 {
			t.Errorf("%s in %s: %v", q.Name, q.Unit, got)
		}
		delete(want, q.Name+" "+q.Unit)
	}
	if len(want) > 0 {
		t.Errorf("not listed: %v", want)
	}
	if _, err := c.sense(&Sensor{Unit: "lx"}, &Mount{}, "light"); err == nil {
		t.Error("it has light")
	}
}

// cartPoleBits is the hash of 20,000 steps.
const cartPoleBits = 0x70b5acc5d5ce7be

// The states are the same on every processor, to the last bit.
func TestCartPoleIsTheSameEverywhere(t *testing.T) {
	h, random := newDigest(), splitmix64.Random(3)
	c := newPole(poleOpts(func(o *CartPoleOpts) { o.Start = 0.3 }), 1)
	for k := range uint64(20_000) {
		if random.Below(20) == 0 {
			c.push(int(random.Below(2)))
		} else {
			c.push(steady(c))
		}
		h.add(c.position, c.speed, c.angle, c.rate)
		if c.over() {
			again := splitmix64.Random(k)
			c.reset(&again)
		}
	}
	h.expect(t, "cartpole", cartPoleBits)
}

func TestCartPoleStaysFinite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newPole(poleOpts(func(o *CartPoleOpts) {
			o.Force = rapid.SampledFrom([]string{"bang-bang", "proportional"}).Draw(t, "force")
			o.Start = rapid.Float64Range(0, 1).Draw(t, "start")
		}), rapid.Uint64().Draw(t, "seed"))
		for _, command := range rapid.SliceOfN(rapid.Float64Range(-1, 1), 1, 600).Draw(t, "commands") {
			c.advance([]float64{command})
			for name, x := range c.state() {
				if math.IsNaN(x) || math.IsInf(x, 0) {
					t.Fatalf("%s is %v", name, x)
				}
			}
			if c.over() {
				break
			}
		}
		if c.steps > 500 || c.farthest > 2.4+0.02*math.Abs(c.speed)+0.5 {
			t.Fatalf("%v", c.state())
		}
	})
}

func TestPictureOfTheCartPole(t *testing.T) {
	c := newPole(poleOpts(nil), 1)
	c.position, c.angle = -1, 0.2
	want := `
                    ||
                    |
                   ||
                   |
                   |
                oo||oo
   #____________oooooo__________________________________#
   #                                                    #
`
	if got := c.picture(60, 12); got != want {
		t.Errorf("got\n%s", got)
	}
	if c.picture(3, 2) != "" {
		t.Error("there is no room for a picture")
	}
	if c.step() != 20*time.Millisecond {
		t.Errorf("a step of %v", c.step())
	}
}
