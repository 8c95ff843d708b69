package daemon

import (
	"context"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"

	"fluxd/boards/sim"
	"fluxd/configs"
	"fluxd/splitmix64"
)

// walker is the robot hexapod in its world.
type walker struct {
	*Simulation
	t testing.TB
}

func newHexapod(t testing.TB) *walker {
	t.Helper()
	return newWalker(t, load(t, "hexapod"))
}

func newWalker(t testing.TB, robot *configs.Robot) *walker {
	t.Helper()
	s, err := NewSimulation(robot, 1, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Halt() })
	w := &walker{s, t}
	w.goOn(100*time.Millisecond, nil) // until the buttons have been read
	return w
}

// goOn runs the robot, and calls a function after each few milliseconds with the number of feet on the ground; it may be nil.
func (w *walker) goOn(length time.Duration, each func(feet int)) {
	w.t.Helper()
	for until := w.now + length; w.now < until; {
		if err := w.Advance(context.Background(), min(w.now+5*time.Millisecond, until), func(time.Duration) {}); err != nil {
			w.t.Fatal(err)
		}
		if each == nil {
			continue
		}
		feet := 0
		for name, value := range w.body.World.State() {
			if strings.HasSuffix(name, "_down") && value != 0 {
				feet++
			}
		}
		each(feet)
	}
}

// press presses a button some times, for 50 ms each.
func (w *walker) press(name string, times int) {
	w.t.Helper()
	pin, err := w.body.Board.Pin(map[string]string{"hurry": "GPIO17", "careful": "GPIO27"}[name])
	if err != nil {
		w.t.Fatal(err)
	}
	for range times {
		pin.(*sim.Pin).Drive(gpio.Low)
		w.goOn(50*time.Millisecond, nil)
		pin.(*sim.Pin).Drive(gpio.High)
		w.goOn(50*time.Millisecond, nil)
	}
}

// value returns a number of the world's score.
func (w *walker) value(name string) float64 {
	for _, v := range w.body.World.Score().Values {
		if v.Name == name {
			return v.Number
		}
	}
	w.t.Fatalf("the score has no %s", name)
	return 0
}

// What the header of hexapod.yaml says of its gaits.
func TestHexapodWalks(t *testing.T) {
	t.Parallel() // in virtual time
	for _, c := range []struct {
		button  string
		metres  float64 // a minute
		feet    int     // at least, of those on the ground
		average float64
	}{{"careful", 2.6, 5, 5.14}, {"", 4.3, 4, 4.7}, {"hurry", 10.7, 3, 3.5}} {
		w := newHexapod(t)
		if c.button != "" {
			w.press(c.button, 1)
		}
		w.goOn(5*time.Second, nil)
		from, least, sum, samples := w.value("metres"), 6, 0, 0
		w.goOn(time.Minute, func(feet int) {
			least, sum, samples = min(least, feet), sum+feet, samples+1
		})
		metres, average := w.value("metres")-from, float64(sum)/float64(samples)
		if math.Abs(metres-c.metres) > 0.06*c.metres || least != c.feet || math.Abs(average-c.average) > 0.05 {
			t.Errorf("%q: %.2f m in a minute on at least %d feet, on average %.2f; want %.1f m, %d, %.1f",
				c.button, metres, least, average, c.metres, c.feet, c.average)
		}
		if w.value("stumbles") != 0 || w.value("falls") != 0 {
			t.Errorf("%q: %s", c.button, w.body.World.Score().Text)
		}
	}
}

// A change of the gait takes less than a step of the slower one, whenever the button is pressed, and the robot does not tip.
func TestHexapodChangesItsGait(t *testing.T) {
	t.Parallel() // in virtual time
	const step = 1905 * time.Millisecond
	random := splitmix64.Random(1)
	w := newHexapod(t)
	w.press("careful", 1)
	for range 12 {
		w.goOn(4*time.Second+time.Duration(random.Below(2000))*time.Millisecond, nil)
		w.press("hurry", 2)
		pressed, tripod, three := w.now, time.Duration(0), 0
		w.goOn(4*time.Second, func(feet int) {
			if three++; feet > 3 {
				three = 0
			}
			if three > 20 && tripod == 0 { // three feet for a tenth of a second
				tripod = w.now
			}
		})
		w.goOn(time.Duration(random.Below(1000))*time.Millisecond, nil)
		w.press("careful", 2)
		slowed, wave := w.now, time.Duration(0)
		w.goOn(4*time.Second, func(feet int) {
			if feet < 5 {
				wave = w.now
			}
		})
		if tripod == 0 || tripod-pressed > step || wave-slowed > step {
			t.Errorf("a tripod after %v, a wave after %v: want at most %v", tripod-pressed, wave-slowed, step)
		}
	}
	if w.value("stumbles") != 0 || w.value("falls") != 0 || w.value("metres") < 2 {
		t.Error(w.body.World.Score().Text)
	}
}

// Chips on the robot sense how it walks: a switch under a foot, an inertial sensor, a monitor of the servos' supply, and
// quantities of the world without a chip.
func TestHexapodSenses(t *testing.T) {
	t.Parallel() // in virtual time
	data, err := fs.ReadFile(load(t, "hexapod").Files, "hexapod.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(
		"board: {kind: sim, world: gait}", "board: {kind: raspberrypi}", // a robot file for a real board
		"careful: {senses: nothing}", "careful: {senses: nothing}, toe: {senses: contact left_front}",
		"\nsensors:\n", `
sensors:
  toe:  {device: button, pin: GPIO22, encode: {kind: edge, to: seen}}
  az:   {device: mpu6050, bus: I2C1, address: 0x68, measure: accel_z, every: 5ms, encode: &see {kind: rate, range: [0 m/s², 20 m/s²], max: 10 Hz, to: seen}}
  volt: {device: ina219, bus: I2C1, address: 0x41, measure: voltage, every: 50ms, encode: {<<: *see, range: [0 V, 10 V]}}
  roll: {device: simulated, quantity: roll, unit: °, every: 5ms, encode: {<<: *see, range: [-10 °, 10 °]}}
`, "\n    hurry:   {}\n", "\n    hurry: {}\n    seen: {}\n").Replace(string(data))
	file := filepath.Join(t.TempDir(), "pi.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	robot, err := configs.LoadWith(file, configs.Changes{World: "gait"})
	if err != nil {
		t.Fatal(err)
	}
	w := newWalker(t, robot)
	w.press("hurry", 1)
	w.goOn(time.Second, nil)
	samples, agree, edges, was, least, most := 0, 0, 0, 0., math.Inf(1), math.Inf(-1)
	w.goOn(10*time.Second, func(int) {
		sensed, down := w.Sensors(), w.body.World.State()["left_front_down"]
		toe, z := sensed["toe"].Value.(float64), sensed["az"].Value.(float64)
		samples++
		if toe == down {
			agree++
		}
		if toe != was {
			edges++
		}
		was, least, most = toe, min(least, z), max(most, z)
	})
	if agree < samples*98/100 || edges < 30 || edges > 33 { // 10 s of steps of 635 ms
		t.Errorf("the switch agrees with the foot %d times of %d, and has %d edges", agree, samples, edges)
	}
	// Upright the robot bounces a little at every step.
	if least < 4 || least > 9 || most < 10 || most > 16 {
		t.Errorf("upwards it feels %.2f to %.2f m/s²", least, most)
	}
	if volt, roll := w.Sensors()["volt"].Value.(float64), w.Sensors()["roll"].Value.(float64); volt < 5 || volt > 5.9 ||
		math.Abs(roll) > 3 {
		t.Errorf("%.3f V, roll %.2f°", volt, roll)
	}
}
