package chips_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/sensors"
)

// A button reads what the world presses, whatever its resistor and active level, at the time of the change, and is not pressed at
// power-up.
func TestContacts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBench(t, nil)
		pull := rapid.SampledFrom([]string{"up", "down", "none"}).Draw(t, "pull")
		kind, opts := "button", sensors.Options(&sensors.ButtonOpts{Pull: pull,
			Active: rapid.SampledFrom([]string{"", "low", "high"}).Draw(t, "active")})
		if rapid.Bool().Draw(t, "pir") {
			kind, opts = "pir", &sensors.PIROpts{Pull: pull, WarmUp: ms}
		}
		pressed := int64(0)
		twin, readers := b.connect(t, kind, opts, func(string) func(time.Duration) int64 {
			return func(time.Duration) int64 { return pressed }
		})
		s := readers[""].(sensors.EdgeSensor)
		s.Sample(0) // a detector warms up
		b.now += 10 * ms
		if got, err := s.Sample(b.now); err != nil || got != 0 {
			t.Errorf("at power-up it reads %d, %v", got, err)
		}
		for range 10 {
			was := pressed
			pressed = rapid.Int64Range(0, 1).Draw(t, "pressed") * 1_000_000
			twin.(chips.Follower).Follow(b.now, b.now+20*ms)
			changed := b.now + 20*ms
			b.now += 30 * ms
			r, changes := s.Next(b.now, 0)
			if changes != (was != pressed) || changes && (r.Value != pressed || r.At != changed) {
				t.Errorf("from %d to %d at %v: %v, %+v", was, pressed, changed, changes, r)
			}
			if got, err := s.Sample(b.now); err != nil || got != pressed {
				t.Errorf("it reads %d, %v, want %d", got, err, pressed)
			}
		}
	})
}

// A row reads where the line is, to a quarter of the distance between two sensors, how many see it, and what each sees.
func TestRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBench(t, nil)
		opts := &sensors.LineArrayOpts{Pull: rapid.SampledFrom([]string{"up", "none"}).Draw(t, "pull"),
			Active: rapid.SampledFrom([]string{"", "low", "high"}).Draw(t, "active")}
		all := []string{"GPIO4", "more/A0", "GPIO6", "GPIO7", "more/A1", "GPIO17", "GPIO18", "GPIO27"}
		opts.Pins = all[:rapid.IntRange(2, len(all)).Draw(t, "sensors")]
		single := rapid.Bool().Draw(t, "single")
		world := map[string]int64{}
		twin, readers := b.connect(t, "linearray", opts, func(measure string) func(time.Duration) int64 {
			if isSingle := measure != "position" && measure != "count"; isSingle != single || measure == "count" {
				return nil
			}
			return func(time.Duration) int64 { return world[measure] }
		})
		expect := func(measure string, want, within int64) {
			t.Helper()
			if got, err := readers[measure].Sample(b.now); err != nil || max(got-want, want-got) > within {
				t.Errorf("%s: got %d, %v, want %d ± %d", measure, got, err, want, within)
			}
		}
		expect("count", 0, 0)
		for range 5 {
			if single {
				count := int64(0)
				for _, m := range opts.Measures()[2:] {
					world[m.Name] = rapid.Int64Range(0, 1).Draw(t, m.Name) * 1_000_000
					count += world[m.Name]
				}
				twin.(chips.Follower).Follow(b.now, b.now+20*ms)
				b.now += 20 * ms
				for _, m := range opts.Measures()[2:] {
					expect(m.Name, world[m.Name], 0)
				}
				expect("count", count, 0)
				continue
			}
			world["position"] = rapid.Int64Range(-1_000_000, 1_000_000).Draw(t, "position")
			twin.(chips.Follower).Follow(b.now, b.now+20*ms)
			b.now += 20 * ms
			expect("position", world["position"], 500_000/int64(len(opts.Pins)-1)+1)
			expect("count", 1_500_000, 500_000)
		}
	})
}

// A line that is as wide as a count of sensors is seen by as many; one beyond the row by none.
func TestRowSeesWidth(t *testing.T) {
	b := newBench(t, nil)
	position, count := int64(0), int64(0)
	twin, readers := b.connect(t, "linearray", &sensors.LineArrayOpts{Pins: []string{"GPIO4", "GPIO5", "GPIO6", "GPIO7", "GPIO8"}},
		func(measure string) func(time.Duration) int64 {
			return map[string]func(time.Duration) int64{
				"position": func(time.Duration) int64 { return position }, "count": func(time.Duration) int64 { return count },
			}[measure]
		})
	for _, c := range [][3]int64{{0, 1, 1}, {0, 3, 3}, {0, 5, 5}, {-1, 1, 1}, {0, 0, 0}, {3, 1, 0}} {
		position, count = c[0]*1_000_000, c[1]*1_000_000
		twin.(chips.Follower).Follow(b.now, b.now+ms)
		b.now += ms
		if got, err := readers["count"].Sample(b.now); err != nil || got != c[2]*1_000_000 {
			t.Errorf("at %d, %d wide: %d see it, %v; want %d", c[0], c[1], got, err, c[2])
		}
	}
}

// Where only the count is sensed, the line is in the middle.
func TestRowSeesCount(t *testing.T) {
	b := newBench(t, nil)
	twin, readers := b.connect(t, "linearray", &sensors.LineArrayOpts{Pins: []string{"GPIO4", "GPIO5", "GPIO6"}},
		func(measure string) func(time.Duration) int64 {
			return map[string]func(time.Duration) int64{"count": func(time.Duration) int64 { return 1_000_000 }}[measure]
		})
	twin.(chips.Follower).Follow(b.now, b.now+ms)
	b.now += ms
	for measure, want := range map[string]int64{"position": 0, "count": 1_000_000} {
		if got, err := readers[measure].Sample(b.now); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", measure, got, err, want)
		}
	}
}

// The pins of a device are in the order of its kind, whatever the order of its wires; a list has all of its pins.
func TestPinsOf(t *testing.T) {
	line := func(i int) (*sim.Pin, error) { return sim.NewPin("", i, nil), nil }
	numbers := func(kind string, wires ...string) (all []int, err error) {
		k, _ := chips.Find(kind)
		pins, err := k.PinsOf(wires, line)
		for _, p := range pins {
			all = append(all, p.Number())
		}
		return all, err
	}
	if got, err := numbers("hcsr04", "echo", "trigger"); err != nil || len(got) != 2 || got[0] != 1 || got[1] != 0 {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := numbers("linearray", "pins[0]", "pins[1]", "pins[2]"); err != nil || len(got) != 3 || got[2] != 2 {
		t.Errorf("%v, %v", got, err)
	}
	for kind, want := range map[string]string{"hcsr04": "a hcsr04 needs its pin echo",
		"linearray": "a linearray needs its pin pins"} {
		if _, err := numbers(kind, "trigger"); err == nil || err.Error() != "simulated board: "+want {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
