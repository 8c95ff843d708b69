package options_test

import (
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/options"
)

// share is counted in millionths.
type share int64

type lampOpts struct {
	Pin       string           `yaml:"pin" doc:"pin with PWM"`
	Frequency physic.Frequency `yaml:"frequency" default:"1 kHz" min:"1 Hz" max:"1 MHz" doc:"of the PWM"`
	Fade      time.Duration    `yaml:"fade" default:"20ms" min:"0s" doc:"from off to on"`
	Least     share            `yaml:"least" default:"0.25" min:"0" max:"0.5" doc:"smallest duty"`
	Curve     string           `yaml:"curve" default:"eye" enum:"eye,linear" doc:"how bright"`
	Gamma     float64          `yaml:"gamma" default:"2.2" min:"1" max:"4" doc:"of the eye"`
	Cable     physic.Distance  `yaml:"cable" default:"12.5 cm" min:"1 cm" max:"3 m" doc:"length"`
}

func (o *lampOpts) Limits(key string) (low, high int64, ok bool) {
	if key == "fade" && o.Curve == "linear" {
		return 0, int64(time.Second), true
	}
	return 0, 0, false
}

func (o *lampOpts) Check() []options.Mistake {
	if o.Curve == "linear" && o.Gamma != 2.2 {
		return []options.Mistake{options.Wrong("gamma", "belongs to curve: eye")}
	}
	return nil
}

func Example() {
	opts := options.Defaults[lampOpts]()
	fmt.Println(opts.Frequency, opts.Fade, int64(opts.Least), opts.Curve)
	opts.Frequency = 2 * physic.MegaHertz
	fmt.Println(options.Validate("lamp on GPIO12", &opts))
	// Output:
	// 1kHz 20ms 250000 eye
	// lamp on GPIO12: frequency: expected 1Hz to 1MHz, got 2MHz
}

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*lampOpts)
		want   string
	}{
		"the defaults":     {func(*lampOpts) {}, ""},
		"a limit":          {func(o *lampOpts) { o.Least = 500_000 }, ""},
		"beyond a limit":   {func(o *lampOpts) { o.Least = 500_001 }, "lamp: least: expected 0 to 0.5, got 0.500001"},
		"below a lone min": {func(o *lampOpts) { o.Fade = -1 }, "lamp: fade: expected at least 0s, got -1ns"},
		"a limit that depends": {func(o *lampOpts) { o.Curve, o.Fade = "linear", 2*time.Second },
			"lamp: fade: expected 0s to 1s, got 2s"},
		"not a choice":    {func(o *lampOpts) { o.Curve = "ear" }, `lamp: curve: expected one of eye,linear, got "ear"`},
		"not a number":    {func(o *lampOpts) { o.Gamma = math.NaN() }, "lamp: gamma: expected 1 to 4, got NaN"},
		"centimetres":     {func(o *lampOpts) { o.Cable /= 25 }, "lamp: cable: expected 10mm to 3m, got 5mm"},
		"a contradiction": {func(o *lampOpts) { o.Curve, o.Gamma = "linear", 3 }, "lamp: gamma: belongs to curve: eye"},
	} {
		opts := options.Defaults[lampOpts]()
		c.change(&opts)
		if err := options.Validate("lamp", &opts); fmt.Sprint(err) != c.want && !(err == nil && c.want == "") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// A field that is not set gets its preset. A 0 counts as set if the limits begin with 0.
func TestOrDefaults(t *testing.T) {
	preset := options.Defaults[lampOpts]()
	if got := options.OrDefaults(nil, preset); got != preset {
		t.Errorf("nil: %+v", got)
	}
	got := options.OrDefaults(&lampOpts{Pin: "GPIO12", Gamma: 3}, preset)
	want := preset
	want.Pin, want.Gamma, want.Fade, want.Least = "GPIO12", 3, 0, 0
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// Values are those of the keys that a file has, in the units of the fields; pins are left out.
func TestValues(t *testing.T) {
	opts := struct {
		lampOpts
		Pin      string   `yaml:"pin" pin:"pwm"`
		Address  uint16   `yaml:"address"`
		Inverted bool     `yaml:"inverted"`
		Pins     []string `yaml:"pins"`
		Model    int      `yaml:"-"`
	}{options.Defaults[lampOpts](), "GPIO12", 0x23, true, nil, 3}
	want := map[string]any{"frequency": int64(1_000_000_000), "fade": int64(20_000_000), "least": int64(250_000), "curve": "eye",
		"gamma": 2.2, "cable": int64(125_000_000), "address": int64(0x23), "inverted": true}
	if got := options.Values(&opts); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestOneOf(t *testing.T) {
	if all := options.OneOf("gain", 32, 64, 32); all != nil {
		t.Errorf("%v", all)
	}
	if all := options.OneOf("gain", 33, 64, 32); len(all) != 1 || !strings.Contains(all[0].Error(), "33: expected one of [64 32]") ||
		all[0].Key != "gain" {
		t.Errorf("%v", all)
	}
}
