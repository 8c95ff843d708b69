package sensors

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/options"
)

const walk = "column,t\n1,0\n2,1\n"

// The tags of a kind describe its options completely: what an option is, its default, and its limits.
func TestKindsDescribeTheirOptions(t *testing.T) {
	var names, live []string
	for _, k := range Kinds {
		names = append(names, k.Name)
		if known, ok := KindOf(k.Name); !ok || known.Name != k.Name || k.About == "" {
			t.Errorf("%s: %v, %q", k.Name, known, k.About)
		}
		v := reflect.ValueOf(written(k)).Elem()
		keys := map[string]bool{}
		for _, f := range reflect.VisibleFields(v.Type()) {
			if f.Anonymous || !f.IsExported() {
				continue
			}
			key, tag, field := f.Tag.Get("yaml"), f.Tag, v.FieldByIndex(f.Index)
			switch {
			case key == "":
				t.Errorf("%s.%s: no tag yaml", k.Name, f.Name)
			case key != "-" && tag.Get("doc") == "":
				t.Errorf("%s: %s: no tag doc", k.Name, key)
			case key != "-" && keys[key]:
				t.Errorf("%s: %s: twice", k.Name, key)
			case tag.Get("required") != "" && tag.Get("default") != "":
				t.Errorf("%s: %s: required, and has a default", k.Name, key)
			case tag.Get("default") != "" && tag.Get("enum") != "" &&
				!slices.Contains(strings.Split(tag.Get("enum"), ","), field.String()):
				t.Errorf("%s: %s: the default %q is not allowed", k.Name, key, field)
			case tag.Get("min") == "" && tag.Get("max") != "":
				t.Errorf("%s: %s: an upper limit without a lower one", k.Name, key)
			case tag.Get("pin") != "" && !slices.Contains([]string{"in", "out"}, tag.Get("pin")):
				t.Errorf("%s: %s: pin %q", k.Name, key, tag.Get("pin"))
			}
			if keys[key] = true; tag.Get("live") != "" {
				live = append(live, k.Name+"."+key)
			}
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("expected the kinds in the order of their names, got %v", names)
	}
	want := []string{"button.debounce", "button.glitch", "hcsr04.temperature", "pir.debounce", "pir.glitch"}
	if !slices.Equal(live, want) {
		t.Errorf("live options: %v, want %v", live, want)
	}
	if _, ok := KindOf("lidar"); ok {
		t.Error("found a kind lidar")
	}
}

// Every kind opens on a board without devices, and has the measures and units that its options list.
func TestKindsOpenWithoutTouchingAChip(t *testing.T) {
	for _, k := range Kinds {
		t.Run(k.Name, func(t *testing.T) {
			opts := written(k)
			if c, ok := opts.(interface{ Check() []options.Mistake }); ok && c.Check() != nil {
				t.Errorf("mistakes: %v", c.Check())
			}
			device, err := opts.Open(paper{t.Error, walk})
			if err != nil {
				t.Fatal(err)
			}
			all := opts.Measures()
			for _, m := range all {
				s, err := device.Measure(m.Name)
				if err != nil {
					t.Errorf("%q: %v", m.Name, err)
				} else if s.Unit() != m.Unit {
					t.Errorf("%q is in %q, by the options in %q", m.Name, s.Unit(), m.Unit)
				} else if _, edges := s.(EdgeSensor); k.Edges && edges == m.Polled {
					t.Errorf("%q has edges: %v; is polled: %v", m.Name, edges, m.Polled)
				}
			}
			if len(all) == 0 || len(all) > 1 && all[0].Name == "" {
				t.Errorf("measures %v", all)
			}
			if _, err := device.Measure("anything"); err == nil || !strings.Contains(err.Error(), "measure: expected") {
				t.Errorf("an unknown measure: %v", err)
			}
		})
	}
}

// Only the addresses of a kind are accepted.
func TestKindsHaveTheirAddresses(t *testing.T) {
	for _, k := range Kinds {
		address := reflect.ValueOf(written(k)).Elem().FieldByName("Address")
		if address.IsValid() != (len(k.Addresses) > 0) || !slices.IsSorted(k.Addresses) {
			t.Errorf("%s: addresses %#x", k.Name, k.Addresses)
		}
		if !address.IsValid() {
			continue
		}
		for a := range uint16(0x80) {
			opts := written(k)
			reflect.ValueOf(opts).Elem().FieldByName("Address").SetUint(uint64(a))
			if xshut := reflect.ValueOf(opts).Elem().FieldByName("XSHUT"); xshut.IsValid() {
				xshut.SetString("GPIO4")
			}
			if _, err := opts.Open(paper{t.Error, walk}); (err == nil) != slices.Contains(k.Addresses, a) {
				t.Errorf("%s at %#02x: %v", k.Name, a, err)
			}
		}
	}
}

// Constructors enforce the limits of the tags: both ends of a range are accepted, and nothing beyond them.
func TestKindsHoldTheirLimits(t *testing.T) {
	held := 0
	for _, k := range Kinds {
		fields := reflect.ValueOf(written(k)).Elem()
		for i := range fields.NumField() {
			low, high := options.TagLimits(fields.Type().Field(i))
			if !low.IsValid() || !high.IsValid() {
				continue
			}
			held++
			key := fields.Type().Field(i).Tag.Get("yaml")
			rejected := func(value reflect.Value, beyond int64) bool {
				opts := written(k)
				v := reflect.ValueOf(opts).Elem().Field(i)
				if v.Set(value); v.CanFloat() {
					v.SetFloat(v.Float() + float64(beyond)/1e3)
				} else {
					v.SetInt(v.Int() + beyond)
				}
				_, err := opts.Open(paper{t.Error, walk})
				return err != nil && strings.Contains(err.Error(), fmt.Sprintf("%s: expected %v to %v, got", key, low, high))
			}
			if rejected(low, 0) || rejected(high, 0) {
				t.Errorf("%s: %s: an end is rejected", k.Name, key)
			}
			if !rejected(low, -1) || !rejected(high, 1) {
				t.Errorf("%s: %s: a value beyond %v to %v is accepted", k.Name, key, low, high)
			}
		}
	}
	if held == 0 {
		t.Error("no limits were checked")
	}
}

func TestKindsCheck(t *testing.T) {
	for _, c := range []struct {
		name string
		opts interface{ Check() []options.Mistake }
		want string // keys and mistakes
	}{
		{"valid", &ADS1115Opts{FullScale: 256 * physic.MilliVolt}, ""},
		{"full scale", &ADS1115Opts{FullScale: 3 * physic.Volt},
			"full_scale: expected 0.256 V, 0.512 V, 1.024 V, 2.048 V, 4.096 V or 6.144 V"},
		{"valid", &INA219Opts{Shunt: 100 * physic.MilliOhm, MaxCurrent: 3200 * physic.MilliAmpere}, ""},
		{"current", &INA219Opts{Shunt: physic.Ohm, MaxCurrent: physic.Ampere},
			"max_current: 1 A: expected at most 0.32 A, which are 320 mV across the shunt of 1 ohm"},
		{"ranges", &MPU6050Opts{AccelRange: 3, GyroRange: 1000, WhoAmI: 0x172},
			"accel_range: 3: expected one of [2 4 8 16]; who_am_i: 0x172: expected an identity of one byte, such as 0x72"},
		{"rotation", &MPU6050Opts{AccelRange: 16, GyroRange: 125, WhoAmI: 0x72},
			"gyro_range: 125: expected one of [250 500 1000 2000]"},
		{"gain", &HX711Opts{Gain: 100}, "gain: 100: expected one of [128 64 32]"},
		{"the gain after power-up", &HX711Opts{Gain: 128, every: time.Minute}, ""},
		{"a gain that is set again in time", &HX711Opts{Gain: 32, every: 250 * time.Millisecond}, ""},
		{"a gain that a lost supply changes", &HX711Opts{Gain: 64, every: 300 * time.Millisecond},
			"every: 300ms: expected at most 250ms with a gain of 64: " +
				"a chip that lost its supply for a moment has another gain, which shows only in the time since the last reading"},
		{"two pins", &LineArrayOpts{Pins: make([]string, 2)}, ""},
		{"one pin", &LineArrayOpts{Pins: make([]string, 1)}, "pins: expected 2 to 16 pins, got 1"},
		{"many pins", &LineArrayOpts{Pins: make([]string, 17)}, "pins: expected 2 to 16 pins, got 17"},
		{"a rate", &LogOpts{Rate: 9 * physic.Hertz}, ""},
		{"an interval", &LogOpts{Every: time.Second}, ""},
		{"both", &LogOpts{Rate: 9 * physic.Hertz, Every: time.Second}, "rate: expected rate or every, not both"},
		{"too fast", &LogOpts{Rate: 3 * physic.MegaHertz}, "rate: expected a rate from 0.3 mHz to 1 MHz"},
		{"too slow", &LogOpts{Rate: 200 * physic.MicroHertz}, "rate: expected a rate from 0.3 mHz to 1 MHz"},
		{"neither", &LogOpts{}, ": rate is missing: rows per second, such as 9 Hz; or every, the time between two rows"},
		{"times without an interval", &LogOpts{Time: &TimeColumn{}},
			": every is missing: the time between two reads of the current row, such as 20ms"},
	} {
		var got []string
		for _, m := range c.opts.Check() {
			got = append(got, m.Key+": "+m.Error())
		}
		if got := strings.Join(got, "; "); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestKindsLimits(t *testing.T) {
	for _, c := range []struct {
		opts interface {
			Limits(key string) (low, high int64, ok bool)
		}
		key  string
		low  time.Duration
		high time.Duration
		ok   bool
	}{
		{&HX711Opts{Gain: 128}, "every", 0, 0, false},
		{&HX711Opts{Gain: 64}, "every", 12 * time.Millisecond, 250 * time.Millisecond, true},
		{&HX711Opts{Gain: 32}, "every", 12 * time.Millisecond, 250 * time.Millisecond, true},
		{&HX711Opts{Gain: 64}, "gain", 0, 0, false},
		{&ButtonOpts{Debounce: 5 * time.Millisecond}, "debounce", 0, time.Second, true},
		{&ButtonOpts{Debounce: 2 * time.Second}, "debounce", 0, 2 * time.Second, true},
		{&ButtonOpts{}, "pull", 0, 0, false},
		{&PIROpts{}, "debounce", 0, time.Second, true},
		{&PIROpts{Debounce: time.Minute}, "debounce", 0, time.Minute, true},
	} {
		low, high, ok := c.opts.Limits(c.key)
		if time.Duration(low) != c.low || time.Duration(high) != c.high || ok != c.ok {
			t.Errorf("%s of %+v: %v to %v, %v", c.key, c.opts, time.Duration(low), time.Duration(high), ok)
		}
	}
}

// What depends on options: units, measures, the meaning of a level, the rate of a recording.
func TestKindsByTheirOptions(t *testing.T) {
	wheel := []Measure{{Name: "position", Unit: "m", Zeroes: true}, {Name: "speed", Unit: "m/s", Polled: true}}
	if got := (&QuadratureOpts{Unit: "m"}).Measures(); !slices.Equal(got, wheel) {
		t.Errorf("wheel: %v", got)
	}
	row := &LineArrayOpts{Pins: []string{"GPIO4", "GPIO5"}}
	if got := row.Measures(); !slices.Equal(got, measuresIn("", "position", "count", "0", "1")) {
		t.Errorf("line: %v", got)
	}
	for _, c := range []struct {
		opts Switching
		want bool
	}{
		{&ButtonOpts{Pull: "up"}, true},
		{&ButtonOpts{Pull: "down"}, false},
		{&ButtonOpts{Pull: "up", Active: "high"}, false},
		{&LineArrayOpts{Pull: "none"}, false},
		{&LineArrayOpts{Pull: "none", Active: "low"}, true},
		{&PIROpts{Pull: "down"}, false},
	} {
		if got := c.opts.ActiveLow(); got != c.want {
			t.Errorf("%+v: active low %v", c.opts, got)
		}
	}
	for _, c := range []struct {
		opts Recorded
		want time.Duration
	}{
		{&LogOpts{Rate: 9 * physic.Hertz}, 111_111 * time.Microsecond}, {&LogOpts{Rate: physic.MegaHertz}, time.Microsecond},
		{&LogOpts{Every: time.Second}, time.Second}, {&LogOpts{}, 0},
	} {
		if got := c.opts.Interval(); got != c.want {
			t.Errorf("%+v: every %v", c.opts, got)
		}
	}
	unit, _ := reflect.TypeFor[TimeColumn]().FieldByName("Unit")
	if enum := unit.Tag.Get("enum"); enum != strings.Join(TimeUnits, ",") {
		t.Errorf("units of time: %s, want %v", enum, TimeUnits)
	}
}

// The tags and the drivers have the same numbers.
func TestKindsDocumentTheNumbersOfTheirDrivers(t *testing.T) {
	doc := func(opts Options, field string) string {
		f, _ := reflect.TypeOf(opts).Elem().FieldByName(field)
		return f.Tag.Get("doc")
	}
	for _, r := range ads1115Ranges {
		if volts := decimal(int64(r/physic.MicroVolt)) + " V"; !strings.Contains(doc(&ADS1115Opts{}, "FullScale"), volts) {
			t.Errorf("ads1115: full_scale: no %s", volts)
		}
	}
	for field, choices := range map[string][]int{"AccelRange": mpu6050AccelRanges, "GyroRange": mpu6050GyroRanges} {
		for _, n := range choices {
			if !strings.Contains(doc(&MPU6050Opts{}, field), fmt.Sprint(n)) {
				t.Errorf("mpu6050: %s: no %d", field, n)
			}
		}
	}
	reach := physic.Distance(0)
	f, _ := reflect.TypeFor[HCSR04Opts]().FieldByName("Reach")
	options.Read(reflect.ValueOf(&reach).Elem(), f.Tag.Get("min"))
	if reach != hcsr04Nearest*physic.MicroMetre {
		t.Errorf("hcsr04: reach: at least %v, want the shortest distance", reach)
	}
}

// An error about an option names the option.
func TestKindsNameTheOptionInErrors(t *testing.T) {
	for _, c := range []struct {
		file string
		opts LogOpts
		key  string
	}{
		{"", LogOpts{}, "file"},
		{walk, LogOpts{Column: "row", Every: time.Second}, "column"},
		{"column\nwall\n", LogOpts{Column: "column", Every: time.Second}, "column"},
		{walk, LogOpts{Column: "column", Every: time.Second, Time: &TimeColumn{"time", "s"}}, "time"},
	} {
		_, err := c.opts.Open(paper{t.Error, c.file})
		var m options.Mistake
		if !errors.As(err, &m) || m.Key != c.key {
			t.Errorf("%+v: expected a mistake of %s, got %v", c.opts, c.key, err)
		}
	}
}

// A device applies live options, but not others, and not those of another kind.
func TestKindsAdjust(t *testing.T) {
	for _, c := range []struct{ opts, next Options }{
		{written(buttonKind), &ButtonOpts{Debounce: 70 * time.Millisecond}},
		{written(pirKind), &PIROpts{Debounce: 70 * time.Millisecond}},
	} {
		device, err := c.opts.Open(paper{t.Error, walk})
		if err != nil {
			t.Fatal(err)
		}
		b := device.(One).Sensor.(*Button)
		for _, step := range []struct {
			opts Options
			want time.Duration
		}{{&HCSR04Opts{}, 5 * time.Millisecond}, {c.next, 70 * time.Millisecond}} {
			device.(Adjustable).Adjust(step.opts)
			if got := time.Duration(b.debounce.Load()); got != step.want {
				t.Errorf("%s: debounce %v, want %v", b, got, step.want)
			}
		}
	}
	device, err := written(hcsr04Kind).Open(paper{t.Error, walk})
	if err != nil {
		t.Fatal(err)
	}
	h := device.(One).Sensor.(*HCSR04)
	for _, c := range []struct {
		opts Options
		want int64 // mm/s
	}{
		{&ButtonOpts{}, 343_420},
		{&HCSR04Opts{Temperature: physic.ZeroCelsius - 40*physic.Kelvin}, 307_060},
		{&HCSR04Opts{Temperature: physic.ZeroCelsius}, 331_300},
	} {
		device.(Adjustable).Adjust(c.opts)
		if got := h.speed.Load(); got != c.want {
			t.Errorf("%+v: sound at %d mm/s, want %d", c.opts, got, c.want)
		}
	}
}
