package worlds

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"

	"fluxd/boards/sim"
)

// TestMain is also the program of the world exec: with the argument --as=HOW the test binary behaves as one.
func TestMain(m *testing.M) {
	for _, argument := range os.Args {
		if how, is := strings.CutPrefix(argument, "--as="); is {
			beWorld(how)
			return
		}
	}
	os.Exit(m.Run())
}

// beWorld is a program that moves a cart, and misbehaves in its third step as it is asked to.
func beWorld(how string) {
	lines := bufio.NewScanner(os.Stdin)
	at, steps := 0.0, 0
	for lines.Scan() {
		var m struct {
			Robot *struct {
				Step    float64
				Sensors []struct{ Name, Unit, Senses string }
			}
			Reset    *uint64
			Time     float64
			Commands map[string]float64
		}
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		if m.Reset != nil {
			at, steps = float64(*m.Reset), 0
			if how == "forgets a reading" {
				fmt.Println(`{"readings": {"eye": 1}}`)
				continue
			}
		}
		if steps++; steps == 4 { // the reset counts
			switch how {
			case "dies":
				fmt.Fprintln(os.Stderr, "ZeroDivisionError: division by zero")
				os.Exit(1)
			case "falls silent":
				time.Sleep(time.Hour)
			case "babbles":
				fmt.Println("hello")
				continue
			case "says too much":
				fmt.Println(`{"readings": {}} {"readings": {}}`)
				continue
			case "knows another robot":
				fmt.Println(`{"readings": {"ear": 1}}`)
				continue
			case "mistypes a key":
				fmt.Println(`{"reading": {"eye": 1}}`)
				continue
			case "reads far too much":
				fmt.Println(`{"readings": {"eye": 1e300}}`)
				continue
			case "floods":
				fmt.Println(strings.Repeat("x", 2<<20))
				continue
			}
		}
		at += m.Commands["cart"]
		answer, _ := json.Marshal(map[string]any{
			"readings": map[string]float64{"eye": 100 * at, "end": 0, "place": at},
			"over":     at >= 50, "reached": at >= 50, "goal": "came to the end", "text": fmt.Sprintf("at %g after %.1f s", at, m.Time),
			"score": map[string]float64{"place_m": at, "a": 1},
		})
		fmt.Println(string(answer))
	}
	if how == "does not end" {
		time.Sleep(time.Hour)
	}
}

func programOf(t testing.TB, how string) *ExecOpts {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &ExecOpts{Command: []string{self, "--as=" + how}, Step: 100 * time.Millisecond, Timeout: time.Minute}
}

// A program is a world: it gets the commands in each step, and says what the sensors read, and how the robot has done.
func TestAProgramIsAWorld(t *testing.T) {
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now })
	w, err := Open(programOf(t, "a good world"), board, cart(), 7)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	drive(t, board, "GPIO13", gpio.DutyMax)
	now = time.Second
	w.Advance(now)
	if got := w.State()["place"]; got != 17 {
		t.Errorf("after ten steps from 7: at %g, want 17", got)
	}
	want := Score{Text: "at 17 after 1.0 s", Goal: "came to the end", Values: []Value{{"a", 1}, {"place_m", 17}}}
	if got := w.Score(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("score %+v, want %+v", got, want)
	}
	now = time.Minute
	w.Advance(now)
	if !w.Over() || !w.Score().Reached || w.Err() != nil {
		t.Errorf("after a minute: over %v, %+v, %v", w.Over(), w.Score(), w.Err())
	}
	w.Restart(3)
	if w.Over() || w.State()["place"] != 3 {
		t.Errorf("after a restart: over %v, %v", w.Over(), w.State())
	}
}

// A program that fails ends the world with an error that says what it did and what was expected, and never blocks fluxd.
func TestAProgramThatFails(t *testing.T) {
	for how, want := range map[string]string{
		"dies":                `ended: ZeroDivisionError: division by zero`,
		"falls silent":        `no answer within 200ms`,
		"babbles":             `answered "hello": invalid character 'h'`,
		"says too much":       `more than one value; expected one line of JSON, such as {"readings": {"eye": 300}}`,
		"knows another robot": `readings: the robot has no sensor "ear"; it has eye, end, place`,
		"mistypes a key":      `unknown field "reading"`,
		"reads far too much":  `readings: eye: 1e+300: expected at most 1e12`,
		"floods":              `expected lines of at most 1048576 bytes`,
		"forgets a reading":   `readings: end is missing: expected a number for each of eye, end, place`,
		"does not end":        "",
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			now := time.Duration(0)
			opts := programOf(t, how)
			if how == "falls silent" {
				opts.Timeout = 200 * time.Millisecond
			}
			w, err := Open(opts, sim.New(func() time.Duration { return now }), cart(), 1)
			if err == nil {
				w.Advance(time.Second)
				err = w.Err()
				if closed := w.Close(); closed != nil {
					t.Error(closed)
				}
				if err != nil && !w.Over() {
					t.Error("it failed and is not over")
				}
			}
			if want == "" && err == nil {
				return
			}
			if err == nil || want == "" || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--as="+how) {
				t.Errorf("%v, want %s", err, want)
			}
		})
	}
}

// A program is asked for what it may answer: nothing of a sensor at rest, and a position of a row of line sensors, not their
// pins.
func TestAProgramIsAskedForReadings(t *testing.T) {
	robot := on(cart(), func(r *Robot) {
		r.Sensors = append(r.Sensors, Sensor{Name: "air", Device: "bme280", Measure: "pressure", Unit: "Pa", Meaning: "Pa"},
			Sensor{Name: "way", Device: "linearray", Measure: "position"}, Sensor{Name: "run", Device: "log", Unit: "m"})
		for _, pin := range []string{"GPIO4", "GPIO5", "GPIO6"} {
			r.Wiring = append(r.Wiring, Connection{Path: "sensors.way.pins", Name: "way", Device: "linearray", Role: "pins[0]",
				Pin: pin, Input: true, ActiveLow: true})
		}
	})
	p := programOf(t, "").physics(robot).(*program)
	var asked []string
	robot.Body.Radius = 100 * physic.MilliMetre
	for _, s := range p.introduce().Sensors {
		asked = append(asked, s.Name)
		if s.At != [2]float64{0.1, 0} {
			t.Errorf("%s has no place in the body, and is at %v: expected the rim, ahead", s.Name, s.At)
		}
	}
	if got := strings.Join(asked, ", "); got != "eye, end, place, way" {
		t.Errorf("asked for %s", got)
	}
	p.values["way"] = -1
	all := (&stepped{physics: p, length: p.step()}).sensesOf(robot)([]*Sensor{&robot.Sensors[4]})
	if position := all["position"]; len(all) != 1 || position(0) != -1_000_000 {
		t.Errorf("the row senses %d quantities", len(all))
	}
}

// A program that is not there.
func TestAProgramThatCannotStart(t *testing.T) {
	opts := &ExecOpts{Command: []string{"./no-such-program"}, Step: time.Second, Timeout: time.Second}
	_, err := Open(opts, sim.New(func() time.Duration { return 0 }), cart(), 1)
	if err == nil || !strings.Contains(err.Error(), "world exec: ./no-such-program: cannot be started") {
		t.Error(err)
	}
	if mistakes := (&ExecOpts{}).Check(); len(mistakes) != 1 || mistakes[0].Key != "command" {
		t.Errorf("no command: %v", mistakes)
	}
}
