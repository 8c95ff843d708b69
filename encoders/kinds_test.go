package encoders_test

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/encoders"
	"fluxd/options"
)

const (
	us = time.Microsecond
	ms = time.Millisecond
	// most is the largest reading.
	most = int64(encoders.MostReading)
)

// lx returns a range in lux, in millionths.
func lx(low, high int64) [2]encoders.Amount {
	return [2]encoders.Amount{{Micro: low, Unit: "lx"}, {Micro: high, Unit: "lx"}}
}

func level(micro int64) *encoders.Amount { return &encoders.Amount{Micro: micro} }

// limited are the options of an encoder or a decoder.
type limited interface {
	options.Limited
	options.Checked
}

// kinds returns new options of all encoders and decoders, by name. Those of decoders begin with decode.
func kinds() map[string]limited {
	all := map[string]limited{}
	for _, k := range encoders.EncoderKinds {
		all[k.Name] = k.New()
	}
	for _, k := range encoders.DecoderKinds {
		all["decode "+k.Name] = k.New()
	}
	return all
}

func TestTagsOfAllKinds(t *testing.T) {
	for name, opts := range kinds() {
		for _, f := range reflect.VisibleFields(reflect.TypeOf(opts).Elem()) {
			at, key, preset := name+"."+f.Name, f.Tag.Get("yaml"), f.Tag.Get("default")
			if key == "-" || f.Anonymous {
				continue
			}
			if key == "" || f.Tag.Get("doc") == "" {
				t.Errorf("%s: expected the tags yaml and doc, got %s", at, f.Tag)
			}
			if choices := f.Tag.Get("enum"); choices != "" && !slices.Contains(strings.Split(choices, ","), preset) {
				t.Errorf("%s: default %q is not among %s", at, preset, choices)
			}
			if f.Type == reflect.TypeFor[physic.Frequency]() && preset != "" &&
				new(physic.Frequency).Set(strings.ReplaceAll(preset, " ", "")) != nil {
				t.Errorf("%s: default %q is no frequency", at, preset)
			}
			if f.Type == reflect.TypeFor[bool]() && preset != "true" && preset != "false" {
				t.Errorf("%s: default %q is neither true nor false", at, preset)
			}
			names := f.Type == reflect.TypeFor[string]() && f.Tag.Get("enum") == "" || f.Type.Kind() == reflect.Slice
			if names != (f.Tag.Get("neuron") == "true") {
				t.Errorf("%s: expected the tag neuron for the names of neurons", at)
			}
			if f.Tag.Get("live") == "" {
				continue
			}
			switch f.Type.Kind() { // options that can be tuned have limits
			case reflect.Array:
				key += "[0]"
			case reflect.Slice:
				key += ".left"
			case reflect.Pointer:
				if f.Type.Elem().Kind() == reflect.Array {
					key += "[0]"
				} else {
					reflect.ValueOf(opts).Elem().FieldByIndex(f.Index).Set(reflect.ValueOf(level(5)))
				}
			}
			if low, high, ok := opts.Limits(key); !ok || low >= high && f.Type.Kind() != reflect.Array {
				t.Errorf("%s: it can be tuned: expected limits, got %d to %d (%v)", at, low, high, ok)
			}
		}
	}
	for _, k := range encoders.EncoderKinds {
		if found, ok := encoders.EncoderKindOf(k.Name); !ok || found.Name != k.Name || k.About == "" {
			t.Errorf("%+v: expected a name and what it is about", k)
		}
	}
	for _, k := range encoders.DecoderKinds {
		if found, ok := encoders.DecoderKindOf(k.Name); !ok || found.Name != k.Name || k.About == "" ||
			k.Words != (k.Name == "winner-take-all") {
			t.Errorf("%+v: expected a name and what it is about, and words for choices only", k)
		}
	}
}

// setRequired sets each option that has a default or is required.
func setRequired(t testing.TB, name string, opts limited) {
	v := reflect.ValueOf(opts).Elem()
	for _, f := range reflect.VisibleFields(v.Type()) {
		preset := f.Tag.Get("default")
		if preset == "" && f.Tag.Get("required") == "" {
			continue
		}
		switch field := v.FieldByIndex(f.Index).Addr().Interface().(type) {
		case *[2]encoders.Amount:
			*field = lx(0, 100)
		case *encoders.Amount:
			*field = *level(1)
		case *time.Duration:
			*field = ms
		case *[2]time.Duration:
			*field = [2]time.Duration{2 * ms, ms}
		case *[2]encoders.Command:
			*field = [2]encoders.Command{0, encoders.FullScale}
		case *physic.Frequency:
			*field = physic.Hertz
		case *[]encoders.Named[encoders.Choice]:
			*field = choices(-encoders.FullScale, encoders.FullScale)
		case *string:
			*field = cmp.Or(preset, f.Tag.Get("yaml"))
		case *bool:
			*field = preset == "true"
		case *int:
			if n, err := strconv.Atoi(preset); err != nil {
				t.Errorf("%s.%s: %v", name, f.Name, err)
			} else {
				*field = n
			}
		default:
			if number, err := strconv.ParseFloat(preset, 64); err == nil && f.Type.Kind() == reflect.Int64 { // in millionths
				v.FieldByIndex(f.Index).SetInt(int64(number * 1e6))
				continue
			}
			t.Errorf("%s.%s: no value for a %T", name, f.Name, field)
		}
	}
}

// Each kind opens if its required options are set, and refuses options that are not.
func TestAllKindsOpen(t *testing.T) {
	set := kinds()
	for name, opts := range set {
		setRequired(t, name, opts)
	}
	set["threshold"].(*encoders.ThresholdOpts).Above = level(5) // or below: one of them is required
	set["decode population-vector"].(*encoders.PopulationVectorOpts).Values = choices(5, 6)
	open := func(o limited) error {
		var err error
		if encoder, is := o.(encoders.EncoderOptions); is {
			if spreading, is := o.(encoders.Spreading); is {
				spreading.Spread(2)
			}
			_, err = encoder.Open(8 * ms)
		} else {
			_, err = o.(encoders.DecoderOptions).Open()
		}
		return err
	}
	for name, none := range kinds() {
		if err := open(set[name]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if m := (options.Mistake{}); !errors.As(open(none), &m) {
			t.Errorf("%s: expected a mistake if no option is set, got %v", name, open(none))
		}
	}
	for name, want := range map[string][]string{"push-pull": {"forward", ""}, "count": {"neuron"}, "trace": {"forward", ""},
		"isi": {"neuron"}, "first-spike": {"start", "neuron"}, "winner-take-all": {"0", "1"}, "population-vector": {"0", "1"}} {
		if got := set["decode "+name].(encoders.DecoderOptions).Neurons(); !slices.Equal(got, want) {
			t.Errorf("%s: got neurons %q, want %q", name, got, want)
		}
	}
}

func choices(commands ...int64) (all []encoders.Named[encoders.Choice]) {
	for i, c := range commands {
		all = append(all, encoders.Named[encoders.Choice]{Name: fmt.Sprint(i), Value: encoders.Choice{Micro: c}})
	}
	return all
}

func isi(from, to, silence time.Duration) *encoders.ISIDecoderOpts {
	return &encoders.ISIDecoderOpts{Intervals: [2]time.Duration{from, to}, Silence: silence}
}

func vector(population string, commands *[2]encoders.Command, values ...int64) *encoders.PopulationVectorOpts {
	return &encoders.PopulationVectorOpts{Window: ms, Population: population, Commands: commands, Values: choices(values...)}
}

func words(words ...string) *encoders.WinnerTakeAllOpts {
	opts := &encoders.WinnerTakeAllOpts{Window: ms, Label: true}
	for i, word := range words {
		opts.Choices = append(opts.Choices, encoders.Named[encoders.Choice]{Name: fmt.Sprint(i), Value: encoders.Choice{Word: word}})
	}
	return opts
}

// The choices of a label are words. Its command is an index into them.
func TestChoicesOfALabel(t *testing.T) {
	opts := words("left", "right")
	if got := opts.Words(); !slices.Equal(got, []string{"left", "right"}) {
		t.Errorf("got the words %q", got)
	}
	d, err := opts.Open()
	if err != nil {
		t.Fatal(err)
	}
	d.Spike(1, 1)
	if c, ok := d.Command(); c != 1 || !ok {
		t.Errorf("got the command %d, %v, want 1", c, ok)
	}
}

// The errors of a robot file for mistakes that no limit can show.
func TestCheck(t *testing.T) {
	rate := func(max physic.Frequency, every time.Duration) *encoders.RateOpts {
		return &encoders.RateOpts{Range: lx(0, 2000e6), Max: max, Every: every}
	}
	const paced = "max: expected a sensor with every: a rate spreads its spikes over the time to the next reading"
	for _, c := range []struct {
		name string
		opts limited
		want []string
	}{
		{"rate", rate(200*physic.Hertz, 20*ms), nil},
		{"10,000 spikes a reading", rate(10*physic.KiloHertz, time.Second), nil},
		{"more", rate(10*physic.KiloHertz+physic.Hertz, time.Second),
			[]string{"max: 10001 spikes a reading: expected at most 10000, and one a microsecond: lower max or read more often"}},
		{"one spike a microsecond", rate(physic.MegaHertz, ms), nil},
		{"two", rate(2*physic.MegaHertz, ms), []string{"max: 2000 spikes a reading: expected at most 10000, and one a microsecond: " +
			"lower max or read more often"}},
		{"no interval", rate(physic.Hertz, 0), []string{paced}},
		{"an interval that is not known", rate(physic.MegaHertz, -1), nil},
		{"range of nothing", &encoders.LatencyOpts{Range: lx(5, 5), Window: us}, []string{"range: expected two different readings"}},
		{"less is more", &encoders.LatencyOpts{Range: lx(5, 4), Window: us}, nil},
		{"widest range", &encoders.LatencyOpts{Range: lx(-most, most), Window: us}, nil},
		{"wider", &encoders.LatencyOpts{Range: lx(0, most+1), Window: us}, []string{"range: expected readings of at most 2199023 lx"}},
		{"wide the other way", &encoders.LatencyOpts{Range: lx(most+1, -most-1), Window: us},
			[]string{"range: expected readings of at most 2199023 lx"}},
		{"wide and nothing", &encoders.LatencyOpts{Range: lx(most+1, most+1), Window: us},
			[]string{"range: expected two different readings", "range: expected readings of at most 2199023 lx"}},
		{"threshold", &encoders.ThresholdOpts{Below: level(5)}, nil},
		{"no threshold", &encoders.ThresholdOpts{}, []string{": expected above or below: the reading at which to spike"}},
		{"two thresholds", &encoders.ThresholdOpts{Above: level(5), Below: level(5)},
			[]string{"below: expected above or below, not both"}},
		{"edge", &encoders.EdgeOpts{On: "both"}, nil},
		{"delta", &encoders.DeltaOpts{Step: *level(1)}, nil},
		{"no step", &encoders.DeltaOpts{Step: *level(0)}, []string{"step: expected more than 0"}},
		{"hysteresis", &encoders.ThresholdOpts{Above: level(5), Hysteresis: *level(-1)}, []string{"hysteresis: expected at least 0"}},
		{"no window", &encoders.LatencyOpts{Range: lx(0, 5)}, []string{"window: 0s: expected at least 1µs"}},
		{"a decoder without a window", &encoders.PushPullOpts{Full: physic.Hertz}, []string{"window: 0s: expected at least 1µs"}},
		{"choices without a window", &encoders.WinnerTakeAllOpts{Choices: choices(0)}, []string{"window: 0s: expected at least 1µs"}},
		{"push-pull", &encoders.PushPullOpts{Window: time.Second, Full: 100 * physic.Hertz, Forward: "a", Backward: "b"}, nil},
		{"one way", &encoders.PushPullOpts{Window: time.Second, Full: 100 * physic.Hertz, Forward: "a"}, nil},
		{"one neuron both ways", &encoders.PushPullOpts{Window: time.Second, Full: 100 * physic.Hertz, Forward: "a", Backward: "a"},
			[]string{"backward: expected another neuron than forward, got a"}},
		{"as many spikes as a window holds", &encoders.CountOpts{Window: time.Second, Full: encoders.WindowSpikes * physic.Hertz}, nil},
		{"more than a window holds", &encoders.CountOpts{Window: time.Second, Full: physic.MegaHertz},
			[]string{"full: 1000000 spikes in a window of 1s: expected at most 65536"}},
		{"trace", &encoders.TraceOpts{Forward: "a", Backward: "b", Step: 1, Decay: time.Hour}, nil},
		{"a trace that lasts", &encoders.TraceOpts{Forward: "a", Step: 1}, nil},
		{"short", &encoders.TraceOpts{Decay: us}, []string{"decay: 1µs: expected 1ms to 1h0m0s"}},
		{"one neuron both ways", &encoders.TraceOpts{Forward: "a", Backward: "a"},
			[]string{"backward: expected another neuron than forward, got a"}},
		{"isi", isi(50*ms, 5*ms, 50*ms), nil},
		{"from 0", isi(0, 5*ms, 0), nil},
		{"equal intervals", isi(5*ms, 5*ms, 0), []string{"intervals: expected two different intervals, such as [50ms, 5ms]"}},
		{"equal ticks", isi(5*ms, 5*ms+1, 0), []string{"intervals: expected two different intervals, such as [50ms, 5ms]"}},
		{"long", isi(0, 2*time.Hour, 0), []string{"intervals[1]: 2h0m0s: expected 0s to 1h0m0s"}},
		{"negative", isi(-1, ms, 0), []string{"intervals[0]: -1ns: expected 0s to 1h0m0s"}},
		{"a silence within the intervals", isi(5*ms, 50*ms, 20*ms),
			[]string{"silence: 20ms: expected at least 50ms, the longer of the intervals"}},
		{"first spike", &encoders.FirstSpikeOpts{Window: ms, Start: "a", Neuron: "b"}, nil},
		{"the same neuron", &encoders.FirstSpikeOpts{Window: ms, Start: "a", Neuron: "a"},
			[]string{"start: expected another neuron than a, whose spikes are timed"}},
		{"all wrong", &encoders.FirstSpikeOpts{Commands: [2]encoders.Command{2 * encoders.FullScale, 0}, Delay: -ms},
			[]string{"window: 0s: expected at least 1µs", "commands[0]: 2: expected a command from -1 to 1",
				"delay: -1ms: expected 0s to 1h0m0s"}},
		{"population", vector("p", &[2]encoders.Command{}), nil},
		{"values", vector("", nil, 0, encoders.FullScale), nil},
		{"neither", vector("", nil),
			[]string{": expected a population with its commands, or values: the neurons and what each prefers"}},
		{"both", vector("p", &[2]encoders.Command{}, 5), []string{"values: expected population or values, not both"}},
		{"commands without a population", vector("", &[2]encoders.Command{}, 5),
			[]string{"commands: they belong to a population: expected the command of each neuron in values"}},
		{"a population without commands", vector("p", nil),
			[]string{"population: expected the commands of its first and its last neuron: commands, such as [-1, 1]"}},
		{"beyond full scale", vector("", nil, -2*encoders.FullScale), []string{"values.0: -2: expected a command from -1 to 1"}},
		{"a population of one", &encoders.PopulationVectorOpts{Window: ms, Population: "p", Members: []string{"p"},
			Commands: &[2]encoders.Command{0, -2 * encoders.FullScale}}, []string{"commands[1]: -2: expected a command from -1 to 1",
			"population: p: expected a population of at least two neurons"}},
		{"choices", &encoders.WinnerTakeAllOpts{Window: ms, Choices: choices(-encoders.FullScale, encoders.FullScale)}, nil},
		{"no choices", &encoders.WinnerTakeAllOpts{Window: ms}, []string{"choices: expected at least one neuron with its command"}},
		{"beyond full scale", &encoders.WinnerTakeAllOpts{Window: ms, Choices: choices(0, -2*encoders.FullScale)},
			[]string{"choices.1: -2: expected a command from -1 to 1"}},
		{"words", words("left", "right"), nil},
		{"words for what moves", &encoders.WinnerTakeAllOpts{Window: ms, Choices: words("left").Choices},
			[]string{`choices.0: "left": expected a command from -1 to 1`}},
		{"a number for a label", &encoders.WinnerTakeAllOpts{Window: ms, Choices: choices(encoders.FullScale / 2), Label: true},
			[]string{"choices.0: 0.5: expected a word, since the actuator is a label"}},
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

// Options limit each other if they agree. The value of a robot file is always within the limits.
func TestLimits(t *testing.T) {
	count := func(full physic.Frequency, window time.Duration) *encoders.CountOpts {
		return &encoders.CountOpts{Full: full, Window: window}
	}
	const unit, far = 1_000_000, int64(1e15)
	for _, c := range []struct {
		name      string
		opts      limited
		key       string
		low, high any // nil: it has no limits
	}{
		{"rate", &encoders.RateOpts{Range: lx(-5, 7), Max: physic.Hertz, Every: 20 * ms}, "range[0]", -most, int64(6)},
		{"rate", &encoders.RateOpts{Range: lx(-5, 7), Max: physic.Hertz, Every: 20 * ms}, "range[1]", int64(-4), most},
		{"rate", &encoders.RateOpts{Range: lx(-5, 7), Max: physic.Hertz, Every: 20 * ms}, "max", physic.MicroHertz,
			500 * physic.KiloHertz},
		{"read often", &encoders.RateOpts{Max: physic.Hertz, Every: 20 * us}, "max", physic.MicroHertz, physic.MegaHertz},
		{"read seldom", &encoders.RateOpts{Max: physic.Hertz, Every: time.Hour}, "max", physic.MicroHertz, physic.Frequency(2_777_777)},
		{"more than the interval allows", &encoders.RateOpts{Max: 600 * physic.KiloHertz, Every: 20 * ms}, "max", physic.MicroHertz,
			physic.MegaHertz},
		{"an interval that is not known", &encoders.RateOpts{Max: physic.Hertz, Every: -1}, "max", physic.MicroHertz, physic.MegaHertz},
		{"latency", &encoders.LatencyOpts{Range: lx(-5, 7), Window: ms}, "range[1]", int64(-4), most},
		{"latency", &encoders.LatencyOpts{Range: lx(-5, 7), Window: ms}, "window", us, time.Minute},
		{"late", &encoders.LatencyOpts{Range: lx(-5, 7), Window: time.Hour}, "window", us, time.Hour},
		{"less is more", &encoders.LatencyOpts{Range: lx(7, -5), Window: ms, Falling: true}, "range[0]", int64(-4), most},
		{"less is more", &encoders.LatencyOpts{Range: lx(7, -5), Window: ms, Falling: true}, "range[1]", -most, int64(6)},
		{"edge", &encoders.EdgeOpts{}, "on", nil, nil},
		{"delta", &encoders.DeltaOpts{Step: *level(5)}, "step", int64(1), far},
		{"delta", &encoders.DeltaOpts{Step: *level(far + 5)}, "step", int64(1), far + 5},
		{"delta", &encoders.DeltaOpts{Step: *level(5)}, "change", nil, nil},
		{"above", &encoders.ThresholdOpts{Above: level(5)}, "above", -far, far},
		{"above", &encoders.ThresholdOpts{Above: level(5)}, "below", nil, nil},
		{"far below", &encoders.ThresholdOpts{Below: level(-far - 5)}, "below", -far - 5, far},
		{"threshold", &encoders.ThresholdOpts{Above: level(5)}, "hysteresis", int64(0), far},
		{"count", count(100*physic.Hertz, time.Second), "full", physic.MicroHertz, 65536 * physic.Hertz},
		{"count", count(100*physic.Hertz, time.Second), "window", us, time.Minute},
		{"counts many", count(10*physic.KiloHertz, time.Second), "window", us, 6553600 * us},
		{"counts long", count(physic.Hertz, time.Hour), "window", us, time.Hour},
		{"too many", count(physic.MegaHertz, time.Second), "full", physic.MicroHertz, 65536 * physic.MegaHertz},
		{"too many", count(physic.MegaHertz, time.Second), "window", us, time.Minute},
		{"push-pull", &encoders.PushPullOpts{Full: 100 * physic.Hertz, Window: 100 * ms}, "full", physic.MicroHertz,
			655360 * physic.Hertz},
		{"winner", &encoders.WinnerTakeAllOpts{Window: 2 * time.Minute}, "window", us, 2 * time.Minute},
		{"winner", &encoders.WinnerTakeAllOpts{Window: ms, Choices: choices(1)}, "choices.0", int64(-unit), int64(unit)},
		{"label", words("left"), "choices.0", nil, nil},
		{"winner", &encoders.WinnerTakeAllOpts{}, "margin", 0, 65536},
		{"trace", &encoders.TraceOpts{Decay: ms}, "decay", ms, time.Minute},
		{"long trace", &encoders.TraceOpts{Decay: time.Hour}, "decay", ms, time.Hour},
		{"trace", &encoders.TraceOpts{}, "step", encoders.Share(1), encoders.Share(unit)},
		{"isi", falling(isi(50*ms, 5*ms, 0)), "intervals[0]", 5*ms + us, time.Minute},
		{"isi", falling(isi(50*ms, 5*ms, 80*ms)), "intervals[0]", 5*ms + us, 80 * ms},
		{"isi", falling(isi(50*ms, 5*ms, 80*ms)), "intervals[1]", time.Duration(0), 50*ms - us},
		{"isi", isi(5*ms, 50*ms, 80*ms), "intervals[0]", time.Duration(0), 50*ms - us},
		{"isi", isi(5*ms, 50*ms, 80*ms), "intervals[1]", 5*ms + us, 80 * ms},
		{"isi", isi(5*ms, time.Hour, 0), "intervals[1]", 5*ms + us, time.Hour},
		{"isi", isi(5*ms, 50*ms, 80*ms), "silence", 50 * ms, time.Minute},
		{"isi", isi(5*ms, 50*ms, 0), "commands[1]", encoders.Command(-unit), encoders.Command(unit)},
		{"first spike", &encoders.FirstSpikeOpts{Window: ms}, "delay", time.Duration(0), time.Minute},
		{"first spike", &encoders.FirstSpikeOpts{Window: ms}, "window", us, time.Minute},
		{"first spike", &encoders.FirstSpikeOpts{Window: ms}, "commands[0]", encoders.Command(-unit), encoders.Command(unit)},
		{"vector", vector("p", nil), "commands[0]", encoders.Command(-unit), encoders.Command(unit)},
		{"vector", vector("", nil, 5), "values.0", encoders.Command(-unit), encoders.Command(unit)},
		{"vector", vector("", nil, 5), "values", nil, nil},
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

func falling(o *encoders.ISIDecoderOpts) *encoders.ISIDecoderOpts {
	o.KeepDirection()
	return o
}

// A rate is allowed at its own longest interval.
func TestLongestEvery(t *testing.T) {
	for rate, want := range map[physic.Frequency]time.Duration{200 * physic.Hertz: 50 * time.Second, physic.MegaHertz: 10 * ms,
		3 * physic.Hertz: 3333333333 * us} {
		opts := &encoders.RateOpts{Range: lx(0, 1), Max: rate}
		if got := opts.LongestEvery(); got != want {
			t.Errorf("%s: got %v, want %v", rate, got, want)
		}
		opts.Pace(opts.LongestEvery())
		if _, high, _ := opts.Limits("max"); high < int64(rate) || len(opts.Check()) > 0 {
			t.Errorf("%s: it is refused at its own longest interval: %v", rate, opts.Check())
		}
	}
}

// The options of a robot file become an encoder.
func ExampleEncoderKind() {
	kind, _ := encoders.EncoderKindOf("latency")
	opts := kind.New().(*encoders.LatencyOpts)
	opts.Range, opts.Window = [2]encoders.Amount{{Micro: 0, Unit: "m"}, {Micro: 4e6, Unit: "m"}}, 10*time.Millisecond
	near, err := opts.Open(20 * time.Millisecond)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(near.Encode(0, 1e6, nil)[0].At) // 1 m
	// Output: 2500
}
