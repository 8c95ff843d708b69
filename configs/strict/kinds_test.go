package strict_test

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/configs/strict"
)

// Types for the tests: a Machine has parts of two kinds. Their tags use everything that tags can say.

type Options interface{ Power() int }

type Mistake struct {
	Key string
	Err error
}

type Command int64

type HeaterOpts struct {
	Pin    string             `yaml:"pin" pin:"out" required:"true" doc:"output"`
	Target physic.Temperature `yaml:"target" default:"20 °C" min:"-40 °C" max:"85 °C" live:"true" doc:"to be kept"`
	Rate   physic.Frequency   `yaml:"rate" default:"1 kHz" min:"1 Hz" max:"1 MHz" live:"true" doc:"of the PWM"`
	Share  Command            `yaml:"share" unit:"" default:"0.5" min:"0" max:"1" live:"true" doc:"of its power"`
	Slew   Command            `yaml:"slew" unit:"1/s" default:"none" none:"no limit" live:"true" doc:"fastest change"`
}

func (o *HeaterOpts) Power() int { return 2 }

type Pulses struct {
	Min  time.Duration `yaml:"min" default:"1ms" live:"true" doc:"shortest pulse"`
	Max  time.Duration `yaml:"max" default:"2ms" live:"true" doc:"longest pulse"`
	Trim time.Duration `yaml:"trim" default:"0us" min:"-1ms" max:"1ms" live:"true" doc:"added to each"`
}

type ArmOpts struct {
	Pulses
	Reach  physic.Distance  `yaml:"reach" default:"4 m" min:"2 cm" max:"10 m" doc:"how far"`
	Above  *strict.Quantity `yaml:"above" live:"true" doc:"level at which it acts"`
	Moves  [2]Command       `yaml:"moves" unit:"" required:"true" live:"true" doc:"both ends"`
	Period time.Duration    `yaml:"-"`
}

func (o *ArmOpts) Power() int { return 1 }

func (o *ArmOpts) Limits(key string) (low, high int64, ok bool) {
	switch key {
	case "min":
		return int64(400 * time.Microsecond), int64(o.Max) - 1, true
	case "max":
		return int64(o.Min) + 1, int64(o.Period), true
	case "moves[0]":
		return -1e6, int64(o.Moves[1]) - 1, true
	case "moves[1]":
		return int64(o.Moves[0]) + 1, 1e6, true
	}
	return 0, 0, false
}

func (o *ArmOpts) Check() []Mistake {
	if o.Moves[0] >= o.Moves[1] {
		return []Mistake{{"moves", fmt.Errorf("expected the lower one first")}}
	}
	return nil
}

type Part struct {
	Device  string        `yaml:"device" required:"true"`
	Options Options       // of the device
	Every   time.Duration `yaml:"every" live:"true" min:"1ms" doc:"time between two acts"`
	Quiet   bool          `yaml:"quiet" doc:"it makes no noise"`
	Count   int           `yaml:"count" default:"3" min:"1" max:"5" live:"true" unit:"turns" doc:"how often"`
}

func (p *Part) Kinds() (string, []strict.Kind) {
	return "device", []strict.Kind{
		{Name: "heater", About: "warmth", New: func() any { return new(HeaterOpts) }, Requires: []string{"every"}},
		{Name: "arm", About: "movement", New: func() any { return new(ArmOpts) }, Without: []string{"quiet"}},
	}
}

type Machine struct {
	Name  string               `yaml:"name" doc:"its name"`
	Parts []strict.Named[Part] `yaml:"parts" doc:"by name"`
}

func decode(t *testing.T, text string) (*Machine, *strict.Decoder) {
	t.Helper()
	d, err := strict.NewDecoder("m", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	m := &Machine{}
	d.Decode(m, "the machine")
	return m, d
}

func TestKindsAreDecoded(t *testing.T) {
	m, d := decode(t, `
parts:
  warm: {device: heater, pin: GPIO4, target: 35.5 °C, slew: 4/s, every: 2ms}
  move: {device: arm, min: 900us, trim: -20us, reach: 12 cm, above: 3 lx, moves: [-0.5, 1], count: 2}
`)
	if err := d.Err(); err != nil {
		t.Fatal(err)
	}
	heater := &HeaterOpts{Pin: "GPIO4", Target: physic.ZeroCelsius + 35_500*physic.MilliKelvin, Rate: physic.KiloHertz,
		Share: 500_000, Slew: 4_000_000}
	arm := &ArmOpts{Pulses: Pulses{900 * time.Microsecond, 2 * time.Millisecond, -20 * time.Microsecond},
		Reach: 120 * physic.MilliMetre,
		Above: &strict.Quantity{Micro: 3_000_000, Unit: "lx"}, Moves: [2]Command{-500_000, 1_000_000}}
	if got := m.Parts[0].Value.Options; !reflect.DeepEqual(got, heater) {
		t.Errorf("got %+v, want %+v", got, heater)
	}
	if got := m.Parts[1].Value.Options; !reflect.DeepEqual(got, arm) || m.Parts[1].Value.Count != 2 {
		t.Errorf("got %+v, want %+v", got, arm)
	}
}

func TestMistakesInKinds(t *testing.T) {
	const arm, heater = "parts: {a: {device: arm, moves: [0, 1], ", "parts: {h: {device: heater, pin: x, every: 1s, "
	for text, want := range map[string]string{
		"parts: {a: {device: amr}}":                   `m:1:21: parts.a.device: "amr": expected heater, arm (did you mean arm?)`,
		"parts: {a: {device: amr, pin: x, min: 1ms}}": `m:1:21: parts.a.device: "amr": expected heater, arm (did you mean arm?)`,
		"parts: {a: {min: 1ms}}":                      "m:1:12: parts.a: device is missing: heater: warmth; arm: movement",
		"parts: {a: {device: arm}}":                   "m:1:12: parts.a: moves is missing: both ends",
		"parts: {h: {device: heater, pin: x}}":        "m:1:12: parts.h: every is missing: time between two acts",
		arm + "pin: x}}":                              "m:1:41: parts.a.pin: device arm has none; it belongs to heater",
		arm + "quiet: true}}":                         "m:1:41: parts.a.quiet: device arm has none; it belongs to heater",
		arm + "mni: 1ms}}": "m:1:41: parts.a.mni: unknown key (did you mean min?); known are " +
			"device, min, max, trim, reach, above, moves, every, count",
		arm + "trim: -2ms}}":       "m:1:47: parts.a.trim: -2ms: expected -1ms to 1ms",
		arm + "min: -1ms}}":        `m:1:46: parts.a.min: "-1ms": expected a time of at least 0`,
		arm + "reach: 11 m}}":      "m:1:48: parts.a.reach: 11 m: expected 2 cm to 10 m",
		arm + "reach: 11 lx}}":     `m:1:48: parts.a.reach: "11 lx": expected an amount in m, such as 20 m`,
		arm + "every: 1us}}":       "m:1:48: parts.a.every: 1us: expected at least 1ms",
		arm + "count: 6}}":         "m:1:48: parts.a.count: 6: expected 1 to 5",
		heater + "target: 90 °C}}": "m:1:56: parts.h.target: 90 °C: expected -40 °C to 85 °C",
		heater + "rate: 2 MHz}}":   "m:1:54: parts.h.rate: 2 MHz: expected 1 Hz to 1 MHz",
		heater + "share: 1.5}}":    "m:1:55: parts.h.share: 1.5: expected 0 to 1",
		heater + "share: half}}":   `m:1:55: parts.h.share: "half": expected a number`,
		heater + "slew: 4}}":       `m:1:54: parts.h.slew: "4": expected full scales per second, such as 4/s`,
		heater + "slew: 0/s}}":     `m:1:54: parts.h.slew: "0/s": expected more than 0, or none, which means no limit`,
		"device: arm":              "m:1:1: device: unknown key; known are name, parts",
		"parts: {a: {device: arm, moves: [0, 1]}}\nreach: 1 m": "m:2:1: reach: unknown key; known are name, parts",
		"parts: {a: {device: arm, moves: [0, 1], parts: {b: }}}": "m:1:41: parts.a.parts: unknown key (it belongs to the machine " +
			"itself: indent it less); known are device, min, max, trim, reach, above, moves, every, count",
	} {
		_, d := decode(t, text)
		if err := d.Err(); err == nil || err.Error() != want {
			t.Errorf("%s\ngot  %v\nwant %s", text, err, want)
		}
	}
}

func TestCheckCallsTheOptions(t *testing.T) {
	for text, want := range map[string]string{
		// and no mistake about the limits of its two ends
		"moves: [1, 0]":             "m:1:33: parts.a.moves: expected the lower one first",
		"moves: [0, 2]":             "m:1:37: parts.a.moves[1]: 2: expected 0.000001 to 1",
		"moves: [0, 1], min: 100us": "m:1:46: parts.a.min: 100µs: expected 400µs to 1.999ms",
		"moves: [0, 1], max: 30ms":  "m:1:46: parts.a.max: 30ms: expected 1.001ms to 20ms",
		"moves: [1, 0], min: often": "m:1:33: parts.a.moves: expected the lower one first", // which holds whatever min is
		"moves: [0, 1], min: often": `m:1:46: parts.a.min: "often": expected a time with its unit, such as 5ms, 250us or 1.5s`,
		// and none about min, whose limit is unknown
		"moves: [0, much], min: 1s": `m:1:37: parts.a.moves[1]: "much": expected a number`,
		"moves: [0, 1]":             "",
	} {
		m, d := decode(t, "parts: {a: {device: arm, "+text+"}}")
		opts := m.Parts[0].Value.Options.(*ArmOpts)
		opts.Period = 20 * time.Millisecond
		d.Check("parts.a", opts)
		got := ""
		for _, line := range strings.Split(fmt.Sprint(d.Err()), "\n")[:1] {
			if got = line; d.Err() == nil {
				got = ""
			}
		}
		if got != want {
			t.Errorf("%s\ngot  %v\nwant %s", text, got, want)
		}
	}
}

func TestUnits(t *testing.T) {
	m, d := decode(t, "parts: {a: {device: arm, moves: [0, 1], above: 3 cm}}")
	opts := m.Parts[0].Value.Options.(*ArmOpts)
	d.Units("parts.a", opts, "mm", "the sensor measures in")
	if err := d.Err(); err != nil || *opts.Above != (strict.Quantity{Micro: 30_000_000, Unit: "mm"}) {
		t.Errorf("%+v, %v", opts.Above, err)
	}
	d.Units("parts.a", opts, "lx", "the sensor measures in")
	if err := d.Err(); err == nil || err.Error() != "m:1:48: parts.a.above: got mm, but the sensor measures in lx" {
		t.Errorf("%v", err)
	}
}

func TestLive(t *testing.T) {
	m, d := decode(t, `
parts:
  warm: {device: heater, pin: GPIO4, every: 2ms}
  move: {device: arm, moves: [-0.5, 1], above: 3 lx}
`)
	if err := d.Err(); err != nil {
		t.Fatal(err)
	}
	m.Parts[1].Value.Options.(*ArmOpts).Period = 20 * time.Millisecond
	var got []string
	for _, part := range m.Parts {
		for _, n := range strict.Live(&part.Value, "parts."+part.Name) {
			low, high := n.Limits(&part.Value)
			got = append(got, fmt.Sprintf("%s = %v %s from %v to %v, whole %v", n.Path, n.Read(&part.Value), n.Unit, low, high, n.Whole))
		}
	}
	want := []string{
		"parts.warm.target = 20 °C from -40 to 85, whole false",
		"parts.warm.rate = 1000 Hz from 1 to 1e+06, whole false",
		"parts.warm.share = 0.5  from 0 to 1, whole false", // slew: none
		"parts.warm.every = 2000 us from 1000 to 3.6e+09, whole true",
		"parts.warm.count = 3 turns from 1 to 5, whole true",
		"parts.move.min = 1000 us from 400 to 1999, whole true",
		"parts.move.max = 2000 us from 1001 to 20000, whole true",
		"parts.move.trim = 0 us from -1000 to 1000, whole true",
		"parts.move.above = 3 lx from -Inf to +Inf, whole false",
		"parts.move.moves[0] = -0.5  from -1 to 0.999999, whole false",
		"parts.move.moves[1] = 1  from -0.499999 to 1, whole false",
		"parts.move.every = 0 us from 1000 to 3.6e+09, whole true",
		"parts.move.count = 3 turns from 1 to 5, whole true",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Live numbers are read as they were written, and writing changes only the copy.
func TestLiveNumbersAreWritten(t *testing.T) {
	m, d := decode(t, "parts: {warm: {device: heater, pin: GPIO4, every: 2ms, slew: 1/s}, "+
		"move: {device: arm, moves: [-0.5, 1], above: 3 lx}}")
	if err := d.Err(); err != nil {
		t.Fatal(err)
	}
	before := strict.Clone(*m)
	for i := range m.Parts {
		part := strict.Clone(m.Parts[i].Value)
		for _, n := range strict.Live(&part, "") {
			for _, value := range []float64{0.25, 7, -3, 250_000, math.MaxFloat64, math.Inf(-1)} {
				n.Write(&part, value)
				if n.Whole {
					value = math.Round(value)
				}
				if got := n.Read(&part); math.Abs(value) < 1e6 && math.Abs(got-value) > 1e-9*math.Abs(value) {
					t.Errorf("%s: wrote %v, read %v", n.Path, value, got)
				}
			}
		}
	}
	if !reflect.DeepEqual(*m, before) {
		t.Errorf("writing into a copy changed %+v to %+v", before, *m)
	}
}

func TestSchemaOfKinds(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(strict.Schema(reflect.TypeFor[Machine](), "machine"), &schema); err != nil {
		t.Fatal(err)
	}
	part := schema["properties"].(map[string]any)["parts"].(map[string]any)["additionalProperties"].(map[string]any)
	properties := part["properties"].(map[string]any)
	for _, key := range []string{"device", "pin", "target", "rate", "share", "slew", "min", "max", "trim", "reach", "above", "moves",
		"every", "quiet", "count"} {
		if properties[key] == nil {
			t.Errorf("no property %s", key)
		}
	}
	device, target := properties["device"].(map[string]any), properties["target"].(map[string]any)
	got := fmt.Sprintf("%v %v %v", device["enum"], device["description"], part["required"])
	if got != "[heater arm] heater: warmth; arm: movement [device]" {
		t.Errorf("%v, required %v", device, part["required"])
	}
	if fmt.Sprint(target["default"], ", ", target["description"]) != "20 °C, to be kept; -40 °C to 85 °C (heater)" {
		t.Errorf("%v", target)
	}
}

func ExampleTableOfKinds() {
	_, kinds := new(Part).Kinds()
	fmt.Print(strict.TableOfKinds("device", kinds))
	// Output:
	// | device | keys | what it is |
	// |---|---|---|
	// | `heater` | **`pin`**, `target`, `rate`, `share`, `slew` | warmth |
	// | `arm` | `min`, `max`, `trim`, `reach`, `above`, **`moves`** | movement |
}

func ExampleTableOfKeys() {
	_, kinds := new(Part).Kinds()
	fmt.Print(strict.TableOfKeys("device", kinds[:1]))
	// Output:
	// | key | device | what it is | default | from, to |
	// |---|---|---|---|---|
	// | `pin` | `heater` | output |  |  |
	// | `target` | `heater` | to be kept | 20 °C | -40 °C to 85 °C |
	// | `rate` | `heater` | of the PWM | 1 kHz | 1 Hz to 1 MHz |
	// | `share` | `heater` | of its power | 0.5 | 0 to 1 |
	// | `slew` | `heater` | fastest change; none: no limit | none |  |
}
