package daemon

import (
	"context"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"

	"fluxd/boards/sim"
	"fluxd/splitmix64"
)

// walker is the robot hexapod in its world.
type walker struct {
	*Simulation
	t testing.TB
}

func newHexapod(t testing.TB) *walker {
	t.Helper()
	s, err := NewSimulation(load(t, "hexapod"), 1, slog.New(slog.DiscardHandler))
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
		from, least, sum, samples := w.value("distance_m"), 6, 0, 0
		w.goOn(time.Minute, func(feet int) {
			least, sum, samples = min(least, feet), sum+feet, samples+1
		})
		metres, average := w.value("distance_m")-from, float64(sum)/float64(samples)
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
	if w.value("stumbles") != 0 || w.value("falls") != 0 || w.value("distance_m") < 2 {
		t.Error(w.body.World.Score().Text)
	}
}
