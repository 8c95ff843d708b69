package actuators_test

import (
	"errors"
	"fluxd/options"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"fluxd/actuators"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// paper has every pin, on a wire.
type paper struct {
	*wire
	common physic.Frequency // of the outputs of an expander
	absent string           // a pin that does not exist
}

func (p paper) Pin(name string) (gpio.PinIO, error) {
	if name == p.absent {
		return nil, fmt.Errorf("no pin %s", name)
	}
	return newPin(p.wire, name), nil
}
func (p paper) Standby(name string) (gpio.PinOut, error) { return p.Pin(name) }
func (p paper) Frequency(string) physic.Frequency        { return p.common }

// fields returns the fields of a kind's options that are keys of a robot file.
func fields(k actuators.Kind) (of []reflect.StructField) {
	for _, f := range reflect.VisibleFields(reflect.TypeOf(k.New()).Elem()) {
		if key := f.Tag.Get("yaml"); !f.Anonymous && key != "-" && !slices.Contains([]string{"Configured", "Period"}, f.Name) {
			of = append(of, f)
		}
	}
	return of
}

func kind(t *testing.T, name string) actuators.Kind {
	t.Helper()
	k, ok := actuators.KindOf(name)
	if !ok {
		t.Fatalf("no kind is named %s", name)
	}
	return k
}

func readable(t reflect.Type, text string) bool {
	var err error
	switch t {
	case reflect.TypeFor[time.Duration]():
		_, err = time.ParseDuration(text)
	case reflect.TypeFor[physic.Frequency]():
		err = new(physic.Frequency).Set(strings.ReplaceAll(text, " ", ""))
	case reflect.TypeFor[actuators.Command]():
		_, err = strconv.ParseFloat(text, 64)
	case reflect.TypeFor[bool]():
		_, err = strconv.ParseBool(text)
	}
	return err == nil
}

func TestTagsOfAllKinds(t *testing.T) {
	for _, k := range actuators.Kinds {
		if k.Name == "" || k.About == "" {
			t.Errorf("%+v: expected a name and a phrase about it", k)
		}
		for _, f := range fields(k) {
			at := k.Name + "." + f.Name
			if f.Tag.Get("yaml") == "" || f.Tag.Get("doc") == "" {
				t.Errorf("%s: expected the tags yaml and doc, got %s", at, f.Tag)
			}
			for _, tag := range []string{"default", "min", "max"} {
				if text, is := f.Tag.Lookup(tag); is && !readable(f.Type, text) {
					t.Errorf("%s: %s %q cannot be read", at, tag, text)
				}
			}
			if choices := f.Tag.Get("enum"); choices != "" && !slices.Contains(strings.Split(choices, ","), f.Tag.Get("default")) {
				t.Errorf("%s: default %q is not among %s", at, f.Tag.Get("default"), choices)
			}
			if _, is := f.Tag.Lookup("unit"); is != (f.Type == reflect.TypeFor[actuators.Command]()) {
				t.Errorf("%s: expected the tag unit where a number is written as such", at)
			}
			if f.Tag.Get("live") != "" {
				limits, is := k.New().(interface {
					Limits(string) (int64, int64, bool)
				})
				bounded := f.Tag.Get("min") != "" && f.Tag.Get("max") != ""
				if is && !bounded {
					_, _, bounded = limits.Limits(f.Tag.Get("yaml"))
				}
				if !bounded {
					t.Errorf("%s: it can be tuned: expected limits", at)
				}
			}
		}
	}
	trim, _ := reflect.TypeFor[actuators.ServoOpts]().FieldByName("Trim")
	widest := (actuators.LongestPulse - actuators.ShortestPulse).String()
	if trim.Tag.Get("min") != "-"+widest || trim.Tag.Get("max") != widest {
		t.Errorf("trim: expected the tags min and max of %s to either side, got %s", widest, trim.Tag)
	}
}

// Options with nothing but their pins make a device with the defaults, which writes nothing yet. A device with live options is
// adjustable.
func TestAllKindsOpenOnPaper(t *testing.T) {
	names := map[string]string{"hbridge": "hbridge on pwm and direction", "servo": "servo on pwm", "continuous": "servo on pwm",
		"esc": "esc on pwm", "dimmer": "dimmer on pwm",
		"relay": "relay on pin", "stepper": "stepper on step and direction", "label": "label way"}
	for _, k := range actuators.Kinds {
		opts := k.New()
		live := false
		for _, f := range fields(k) {
			if key := f.Tag.Get("yaml"); f.Tag.Get("required") != "" || key == "direction" {
				reflect.ValueOf(opts).Elem().FieldByIndex(f.Index).SetString(key)
			}
			live = live || f.Tag.Get("live") != ""
		}
		if label, is := opts.(*actuators.LabelOpts); is {
			label.Name = "way"
		}
		w := &wire{}
		d, err := opts.Open(paper{wire: w})
		if err != nil {
			t.Errorf("%s: %v", k.Name, err)
			continue
		}
		w.expect(t)
		if d.String() != names[k.Name] {
			t.Errorf("%s: got %q, want %q", k.Name, d, names[k.Name])
		}
		adjustable, is := d.(actuators.Adjustable)
		if is != live {
			t.Errorf("%s: adjustable is %v, and has live options is %v", k.Name, is, live)
		}
		if is {
			if _, err := adjustable.Adjusted(opts); err != nil {
				t.Errorf("%s: its own options: %v", k.Name, err)
			}
			if _, err := adjustable.Adjusted(&actuators.LabelOpts{}); err == nil {
				t.Errorf("%s: accepted the options of a label", k.Name)
			}
		}
		if !k.Label {
			if err := d.Drive(opts.Lowest()); err != nil {
				t.Errorf("%s at its lowest command: %v", k.Name, err)
			}
			if err := d.Drive(opts.Lowest() - 1); err == nil {
				t.Errorf("%s accepted less than its lowest command", k.Name)
			}
			for _, f := range fields(k) {
				if f.Tag.Get("required") == "" {
					continue
				}
				if _, err := opts.Open(paper{wire: w, absent: f.Tag.Get("yaml")}); err == nil {
					t.Errorf("%s without its pin %s: expected an error", k.Name, f.Tag.Get("yaml"))
				}
			}
		}
	}
}

// The pins of a bridge determine how it is driven.
func TestHBridgeOptsOpen(t *testing.T) {
	for _, c := range []struct {
		opts actuators.HBridgeOpts
		want []string
	}{
		{actuators.HBridgeOpts{PWM: "P", Direction: "D"}, []string{"P 0/16777216 at 20kHz", "D High", "P 16777216/16777216 at 20kHz"}},
		{actuators.HBridgeOpts{PWM: "P", PWM2: "Q", Stop: "brake"}, []string{"P 0/16777216 at 20kHz", "Q 0/16777216 at 20kHz",
			"Q 16777216/16777216 at 20kHz"}},
		{actuators.HBridgeOpts{PWM: "P", In2: "B"}, []string{"P 0/16777216 at 20kHz", "B Low", "B High", "P 0/16777216 at 20kHz"}},
		{actuators.HBridgeOpts{PWM: "P", In1: "A", In2: "B", Standby: "S", Frequency: physic.KiloHertz},
			[]string{"P 0/16777216 at 1kHz", "A Low", "B High", "S High", "P 16777216/16777216 at 1kHz"}},
	} {
		w := &wire{}
		d, err := c.opts.Open(paper{wire: w})
		if err != nil {
			t.Errorf("%+v: %v", c.opts, err)
			continue
		}
		if err := d.Drive(-full); err != nil {
			t.Error(err)
		}
		w.expect(t, c.want...)
	}
	for _, half := range []actuators.HBridgeOpts{{PWM: "P"}, {PWM: "P", In1: "A"}} {
		if _, err := half.Open(paper{wire: &wire{}}); err == nil {
			t.Errorf("%+v: expected an error", half)
		}
	}
	for _, absent := range []string{"P", "A", "S"} {
		if _, err := (&actuators.HBridgeOpts{PWM: "P", In1: "A", In2: "B", Standby: "S"}).Open(paper{wire: &wire{},
			absent: absent}); err == nil {
			t.Errorf("without pin %s: expected an error", absent)
		}
	}
}

// On an expander all outputs have the same frequency.
func TestOpenOnAnExpander(t *testing.T) {
	for _, opts := range []actuators.Options{
		&actuators.HBridgeOpts{PWM: "P", Direction: "D", Frequency: 20 * physic.KiloHertz},
		&actuators.ServoOpts{PWM: "P", Frequency: 50 * physic.Hertz},
		&actuators.ContinuousOpts{ServoOpts: actuators.ServoOpts{PWM: "P"}}, &actuators.ESCOpts{PWM: "P"},
		&actuators.DimmerOpts{PWM: "P"},
	} {
		w := &wire{}
		d, err := opts.Open(paper{wire: w, common: 60 * physic.Hertz})
		if err != nil {
			t.Errorf("%T: %v", opts, err)
			continue
		}
		if err := d.Drive(0); err != nil {
			t.Error(err)
		}
		if len(w.writes) == 0 || !strings.HasSuffix(w.writes[0], " at 60Hz") {
			t.Errorf("%T: got %q, want 60 Hz", opts, w.writes)
		}
	}
}

// servos returns the default options with the changes of a test.
func servos(change func(o *actuators.ServoOpts)) *actuators.ServoOpts {
	opts := actuators.DefaultServoOpts
	opts.PWM = "servos/0"
	change(&opts)
	return &opts
}

func relays(on, off actuators.Command) *actuators.RelayOpts {
	return &actuators.RelayOpts{Pin: "GPIO23", On: on, Off: off}
}

// The mistakes of options that contradict each other.
func TestCheck(t *testing.T) {
	const period = "2ms: expected less than the period of the pulses, "
	for _, c := range []struct {
		name string
		opts interface{ Check() []options.Mistake }
		want []string
	}{
		{"servo", servos(func(*actuators.ServoOpts) {}), nil},
		{"longest pulses", servos(func(o *actuators.ServoOpts) { o.Min, o.Max = 400*us, 2600*us }), nil},
		{"no travel", servos(func(o *actuators.ServoOpts) { o.Min = 2 * ms }),
			[]string{"min_pulse: 2ms: expected less than max_pulse 2ms"}},
		{"pulses that limits refuse", servos(func(o *actuators.ServoOpts) { o.Min, o.Trim = 300*us, -200*us }), nil},
		{"trim", servos(func(o *actuators.ServoOpts) { o.Trim = -600 * us }), nil},
		{"trim down", servos(func(o *actuators.ServoOpts) { o.Trim = -601 * us }),
			[]string{"trim: -601µs: expected pulses of 400µs to 2.6ms with it"}},
		{"trim up", servos(func(o *actuators.ServoOpts) { o.Trim = 601 * us }),
			[]string{"trim: 601µs: expected pulses of 400µs to 2.6ms with it"}},
		{"fast", servos(func(o *actuators.ServoOpts) { o.Frequency, o.Max = 333*physic.Hertz, 2500*us }), nil},
		{"a frequency that limits refuse", servos(func(o *actuators.ServoOpts) { o.Frequency = physic.KiloHertz }), nil},
		{"expander", servos(func(o *actuators.ServoOpts) { o.Share(50*physic.Hertz, 19988480) }), nil},
		{"slowest expander", servos(func(o *actuators.ServoOpts) { o.Share(40*physic.Hertz, 25067520) }), nil},
		{"slow expander", servos(func(o *actuators.ServoOpts) { o.Share(30*physic.Hertz, 33423360) }),
			[]string{"pwm: 30Hz, of all outputs of expander servos: expected 40 Hz to 333 Hz"}},
		{"fast expander", servos(func(o *actuators.ServoOpts) { o.Share(350*physic.Hertz, 2785280) }),
			[]string{"pwm: 350Hz, of all outputs of expander servos: expected 40 Hz to 333 Hz"}},
		{"esc", &actuators.ESCOpts{Min: ms, Max: 2 * ms, Frequency: 490 * physic.Hertz}, nil},
		// the frequency is the mistake
		{"esc as long as its period", &actuators.ESCOpts{Min: ms, Max: 2 * ms, Frequency: 500 * physic.Hertz}, nil},
		{"esc on an expander", &actuators.ESCOpts{PWM: "faster/0", Min: ms, Max: 2 * ms, Frequency: 50 * physic.Hertz,
			Shared: actuators.Shared{Configured: 490 * physic.Hertz, Period: 1966080}},
			[]string{"max_pulse: " + period + "1.96608ms, of all outputs of expander faster"}},
		{"trim within the period", servos(func(o *actuators.ServoOpts) {
			o.Frequency, o.Max, o.Trim = 333*physic.Hertz, 2500*us, 600*us
		}), []string{"trim: 600µs: expected pulses of 400µs to 2.6ms with it",
			"max_pulse: 2.5ms: expected less than the period of the pulses, 3.003003ms"}},
		{"relay", relays(full/2, full*2/5), nil},
		{"relay of one step", relays(1, 0), nil},
		{"relay that chatters", relays(full/2, full/2), []string{"off: 0.5: expected less than on 0.5, both from 0 to 1"}},
		{"stepper", &actuators.StepperOpts{Step: "GPIO18"}, nil},
		{"stepper on an expander", &actuators.StepperOpts{Step: "servos/3", Shared: actuators.Shared{Configured: 50 * physic.Hertz}},
			[]string{"step: servos/3: the frequency of a stepper's pulses is its speed, and all outputs of a pca9685 share theirs: use " +
				"a pin of the board"}},
		{"bridge", &actuators.HBridgeOpts{PWM: "P", Direction: "D"}, nil},
		{"bridge of two PWM", &actuators.HBridgeOpts{PWM: "P", PWM2: "Q", Stop: "brake"}, nil},
		{"bridge of one PWM", &actuators.HBridgeOpts{PWM: "P", In2: "B", Stop: "brake"}, nil},
		{"bridge without pins", &actuators.HBridgeOpts{PWM: "P"},
			[]string{": direction is missing: the pin that is high in reverse; or in1 and in2, for a bridge that has two; or pwm2, for " +
				"one that has no more than two inputs"}},
		{"half a bridge", &actuators.HBridgeOpts{PWM: "P", In1: "A"}, []string{": in1 and in2: expected both"}},
		{"two bridges", &actuators.HBridgeOpts{PWM: "P", Direction: "D", In1: "A"},
			[]string{"direction: expected direction, or in1 and in2, not both"}},
		{"three bridges", &actuators.HBridgeOpts{PWM: "P", PWM2: "Q", In2: "A"},
			[]string{"pwm2: expected pwm2, direction, or in1 and in2: not more than one of them"}},
		{"a bridge that cannot brake", &actuators.HBridgeOpts{PWM: "P", Direction: "D", Stop: "brake"},
			[]string{"stop: brake: with a direction pin the bridge decides what it does at 0, see its data sheet; expected in1 and in2"}},
		{"half on an expander", &actuators.HBridgeOpts{PWM: "more/0", In2: "B", Shared: actuators.Shared{Configured: physic.KiloHertz}},
			[]string{"in2: without in1 its level and the duty of pwm change together, but a pca9685 changes its outputs at the end of " +
				"a period only: use another output of it, as pwm2"}},
		{"held", held(-full, full, 0), nil},
		{"held in between", held(0, full/2, full/2), nil},
		{"range the wrong way", held(full, -full, 0), []string{"range: [1, -1]: expected the lower command first, both from -1 to 1"}},
		{"range of nothing", held(full, full, full), []string{"range: [1, 1]: expected the lower command first, both from -1 to 1"}},
		{"range too far", held(-full, 2*full, 0), []string{"range: [-1, 2]: expected the lower command first, both from -1 to 1"}},
		{"failsafe", held(0, full, -full/2), []string{"failsafe: -0.5: expected a command in the range from 0 to 1"}},
		{"incomplete", &actuators.CommonOpts{}, nil},
	} {
		var got []string
		for _, m := range c.opts.Check() {
			got = append(got, m.Key+": "+m.Err.Error())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

func held(low, high, failsafe actuators.Command) *actuators.CommonOpts {
	return &actuators.CommonOpts{Range: &[2]actuators.Command{low, high}, Failsafe: failsafe, Lowest: -full, Timeout: time.Second}
}

// Options that do not contradict each other limit each other: tuning stays within the limits that other options set.
func TestLimits(t *testing.T) {
	fast := actuators.Slew(2000 * full)
	fastHeld := held(-full, full, 0)
	fastHeld.Slew, fastHeld.Timeout = &fast, time.Hour
	slow := actuators.Slew(full)
	slowHeld := held(-full/2, full/2, full/4)
	slowHeld.Slew, slowHeld.Timeout = &slow, 100*us
	for _, c := range []struct {
		name string
		opts interface {
			Limits(string) (int64, int64, bool)
		}
		key       string
		low, high any
	}{
		{"servo", servos(func(*actuators.ServoOpts) {}), "min_pulse", 400 * us, 1999 * us},
		{"servo", servos(func(*actuators.ServoOpts) {}), "max_pulse", 1001 * us, 2600 * us},
		{"servo", servos(func(*actuators.ServoOpts) {}), "trim", -600 * us, 600 * us},
		{"trimmed down", servos(func(o *actuators.ServoOpts) { o.Trim = -100 * us }), "min_pulse", 500 * us, 1999 * us},
		{"trimmed down", servos(func(o *actuators.ServoOpts) { o.Trim = -100 * us }), "max_pulse", 1001 * us, 2600 * us},
		{"trimmed up", servos(func(o *actuators.ServoOpts) { o.Trim = 100 * us }), "max_pulse", 1001 * us, 2500 * us},
		{"fast", servos(func(o *actuators.ServoOpts) { o.Frequency = 400 * physic.Hertz }), "max_pulse", 1001 * us, 2499 * us},
		{"fast", servos(func(o *actuators.ServoOpts) { o.Frequency = 400 * physic.Hertz }), "trim", -600 * us, 499 * us},
		{"expander", servos(func(o *actuators.ServoOpts) { o.Share(333*physic.Hertz, 2129920) }), "max_pulse", 1001 * us, 2129 * us},
		{"the wrong way", servos(func(o *actuators.ServoOpts) { o.Min, o.Max = 2*ms, ms }), "min_pulse", 400 * us, 2600 * us},
		{"the wrong way", servos(func(o *actuators.ServoOpts) { o.Min, o.Max = 2*ms, ms }), "max_pulse", 400 * us, 2600 * us},
		{"trim too far", servos(func(o *actuators.ServoOpts) { o.Trim = -700 * us }), "trim", -2200 * us, 600 * us},
		{"servo", servos(func(*actuators.ServoOpts) {}), "frequency", nil, nil},
		{"esc", &actuators.ESCOpts{Min: ms, Max: 2 * ms, Frequency: 50 * physic.Hertz}, "min_pulse", 400 * us, 1999 * us},
		{"esc", &actuators.ESCOpts{Min: ms, Max: 2 * ms, Frequency: 50 * physic.Hertz}, "trim", nil, nil},
		{"relay", relays(full/2, full*2/5), "on", full*2/5 + 1, full},
		{"relay", relays(full/2, full*2/5), "off", full * 0, full/2 - 1},
		{"relay that chatters", relays(full/2, full/2), "off", full * 0, full},
		{"held", held(-full, full, 0), "range[0]", -full, full * 0},
		{"held", held(-full, full, 0), "range[1]", full * 0, full},
		{"held", held(-full, -full/2, -full), "range[1]", -full + 1, full},
		{"failsafe out of range", held(0, full/2, full), "range[1]", full*0 + 1, full},
		{"failsafe out of range", held(0, full/2, -1), "range[0]", -full, full/2 - 1},
		{"incomplete", &actuators.CommonOpts{}, "range[0]", nil, nil},
		{"incomplete", &actuators.CommonOpts{}, "slew", nil, nil},
		{"no limit", &actuators.CommonOpts{Slew: new(actuators.Slew)}, "slew", nil, nil},
		{"no timeout", &actuators.CommonOpts{}, "timeout", nil, nil},
		{"held", held(-full, full, 0), "timeout", ms, time.Minute},
		{"held", held(-full, full, 0), "failsafe", nil, nil},
		{"held longer and faster", fastHeld, "slew", actuators.Slew(1), fast},
		{"held longer and faster", fastHeld, "timeout", ms, time.Hour},
		{"held slowly", slowHeld, "slew", actuators.Slew(1), actuators.Slew(1000 * full)},
		{"held shorter", slowHeld, "timeout", 100 * us, time.Minute},
		{"held shorter", slowHeld, "range[0]", -full, full / 4},
		{"held shorter", slowHeld, "range[1]", full / 4, full},
	} {
		low, high, ok := c.opts.Limits(c.key)
		if c.low == nil {
			if ok {
				t.Errorf("%s: %s: expected no limits, got %d to %d", c.name, c.key, low, high)
			}
			continue
		}
		if wantLow, wantHigh := reflect.ValueOf(c.low).Int(), reflect.ValueOf(c.high).Int(); !ok || low != wantLow || high != wantHigh {
			t.Errorf("%s: %s: got %d to %d (%v), want %d to %d", c.name, c.key, low, high, ok, wantLow, wantHigh)
		}
	}
}

// A constructor refuses the same values as a robot file, and accepts the limits themselves.
func TestConstructorsEnforceTheTags(t *testing.T) {
	w := &wire{}
	for _, c := range []struct {
		opts actuators.Options
		want string // "" for valid options
	}{
		{&actuators.HBridgeOpts{PWM: "P", Direction: "D", Frequency: physic.Hertz}, ""},
		{&actuators.HBridgeOpts{PWM: "P", Direction: "D", Frequency: physic.MegaHertz}, ""},
		{&actuators.HBridgeOpts{PWM: "P", Direction: "D", Frequency: physic.Hertz - 1},
			"hbridge on P and D: frequency: expected 1Hz to 1MHz, got 999.999mHz"},
		{&actuators.DimmerOpts{PWM: "P", Frequency: physic.MegaHertz + 1}, "dimmer on P: frequency: expected 1Hz to 1MHz, got 1MHz"},
		{&actuators.ServoOpts{PWM: "P", Frequency: 40 * physic.Hertz}, ""},
		{&actuators.ServoOpts{PWM: "P", Frequency: 333 * physic.Hertz}, ""},
		{&actuators.ServoOpts{PWM: "P", Frequency: 334 * physic.Hertz}, "servo on P: frequency: expected 40Hz to 333Hz, got 334Hz"},
		{&actuators.ServoOpts{PWM: "P", Min: 399 * us}, "servo on P: min_pulse: expected 400µs to 1.999ms, got 399µs"},
		{&actuators.ServoOpts{PWM: "P", Min: 2 * ms}, "servo on P: min_pulse: 2ms: expected less than max_pulse 2ms"},
		{&actuators.ContinuousOpts{ServoOpts: actuators.ServoOpts{PWM: "P"}, DeadBand: full - 1}, ""},
		{&actuators.ContinuousOpts{ServoOpts: actuators.ServoOpts{PWM: "P"}, DeadBand: full},
			"servo on P: dead_band: expected 0 to 0.999999, got 1"},
		{&actuators.ContinuousOpts{ServoOpts: actuators.ServoOpts{PWM: "P"}, DeadBand: -1},
			"servo on P: dead_band: expected 0 to 0.999999, got -1e-06"},
		{&actuators.HBridgeOpts{PWM: "P", Direction: "D", MinPower: full - 1}, ""},
		{&actuators.HBridgeOpts{PWM: "P", Direction: "D", MinPower: full},
			"hbridge on P and D: min_power: expected 0 to 0.999999, got 1"},
		{&actuators.HBridgeOpts{PWM: "P", PWM2: "Q", MinPower: -1},
			"hbridge on P and Q: min_power: expected 0 to 0.999999, got -1e-06"},
		{&actuators.ContinuousOpts{ServoOpts: actuators.ServoOpts{PWM: "P"}, MinPower: full},
			"servo on P: min_power: expected 0 to 0.999999, got 1"},
		{&actuators.ESCOpts{PWM: "P", MinPower: full}, "esc on P: min_power: expected 0 to 0.999999, got 1"},
		{&actuators.DimmerOpts{PWM: "P", MinPower: full}, "dimmer on P: min_power: expected 0 to 0.999999, got 1"},
		{&actuators.ESCOpts{PWM: "P", Frequency: 490 * physic.Hertz}, ""},
		{&actuators.ESCOpts{PWM: "P", Frequency: 491 * physic.Hertz}, "esc on P: frequency: expected 40Hz to 490Hz, got 491Hz"},
		{&actuators.RelayOpts{Pin: "P", On: full, Off: 0}, ""},
		{&actuators.RelayOpts{Pin: "P", On: full + 1, Off: 0}, "relay on P: on: expected 1e-06 to 1, got 1.000001"},
		{&actuators.StepperOpts{Step: "P", Direction: "D", MaxRate: physic.Hertz}, ""},
		{&actuators.StepperOpts{Step: "P", Direction: "D", MaxRate: 200 * physic.KiloHertz}, ""},
		{&actuators.StepperOpts{Step: "P", Direction: "D", MaxRate: 200*physic.KiloHertz + 1},
			"stepper on P and D: max_rate: expected 1Hz to 200kHz, got 200kHz"},
	} {
		got := ""
		if _, err := c.opts.Open(paper{wire: w}); err != nil {
			got = err.Error()
			if m := (options.Mistake{}); !errors.As(err, &m) || !strings.Contains(got, m.Key+": "+m.Error()) {
				t.Errorf("%+v: expected a mistake of a key, got %#v", c.opts, err)
			}
		}
		if got != c.want {
			t.Errorf("%+v:\n got %q\nwant %q", c.opts, got, c.want)
		}
	}
	w.expect(t)
}

// A key that is absent from the file gets the value of the kind.
func TestCompleteFillsInWhatTheFileLeavesOpen(t *testing.T) {
	for name, want := range map[string]actuators.GuardOpts{
		"hbridge":    {Min: -full, Max: full, Slew: actuators.Slew(10 * full)},
		"servo":      {Min: -full, Max: full, Slew: actuators.Slew(4 * full)},
		"continuous": {Min: -full, Max: full, Slew: actuators.Slew(4 * full)},
		"esc":        {Min: 0, Max: full, Slew: actuators.Slew(4 * full)},
		"dimmer":     {Min: 0, Max: full}, "relay": {Min: 0, Max: full},
		"stepper": {Min: -full, Max: full, Slew: actuators.Slew(2 * full)},
		"label":   {Min: -1, Max: 1, Failsafe: -1},
	} {
		k := kind(t, name)
		h := actuators.CommonOpts{Lowest: k.New().Lowest(), Timeout: time.Second}
		h.Complete(k)
		var d actuators.Device = &device{}
		if k.Label {
			d = actuators.NewLabel("way", []string{"left", "right"})
		}
		want.Timeout = time.Second
		if got := h.GuardOpts(d); got != want {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
		if _, err := actuators.NewGuard(d, h.GuardOpts(d)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if low := (&actuators.ESCOpts{Reverse: true}).Lowest(); low != -full {
		t.Errorf("an ESC that turns both ways: got a lowest command of %d", low)
	}
	slew := actuators.Slew(0) // none
	h := actuators.CommonOpts{Slew: &slew, Range: &[2]actuators.Command{0, full / 2}, Failsafe: 5}
	h.Complete(kind(t, "servo"))
	if got, want := h.GuardOpts(&device{}), (actuators.GuardOpts{Max: full / 2, Failsafe: 5}); got != want {
		t.Errorf("complete: got %+v, want %+v", got, want)
	}
}

func TestDevicesThatActAtPowerOn(t *testing.T) {
	for _, c := range []struct {
		opts      actuators.Acting
		key, want string
	}{
		{&actuators.RelayOpts{Active: "low"}, "pin", "low"}, {&actuators.RelayOpts{Active: "high"}, "pin", "high"},
		{&actuators.RelayOpts{Active: "high"}, "other", ""},
		{&actuators.HBridgeOpts{In2: "B"}, "in2", "high"}, {&actuators.HBridgeOpts{In1: "A", In2: "B"}, "in2", ""},
		{&actuators.HBridgeOpts{In2: "B"}, "pwm", ""},
	} {
		if got := c.opts.ActsAt(c.key); got != c.want {
			t.Errorf("%+v, %s: got %q, want %q", c.opts, c.key, got, c.want)
		}
	}
}

// The options of a robot file become a device, and the common options its guard.
func ExampleKind() {
	w := &wire{}
	kind, _ := actuators.KindOf("servo")
	opts := kind.New().(*actuators.ServoOpts)
	opts.PWM, opts.Trim = "GPIO12", 20*time.Microsecond
	arm, err := opts.Open(paper{wire: w}) // paper is a board here
	if err != nil {
		fmt.Println(err)
		return
	}
	held := actuators.CommonOpts{Lowest: opts.Lowest(), Timeout: time.Second}
	held.Complete(kind)
	guard, err := actuators.NewGuard(arm, held.GuardOpts(arm))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(arm, guard.Start(0), w.writes)
	// Output: servo on GPIO12 <nil> [GPIO12 1275068/16777216 at 50Hz]
}
