// Package options reads and checks structs of options. The tags of their fields are the whole description of each option:
//
//	type LampOpts struct {
//		Pin       string           `yaml:"pin" pin:"pwm" required:"true" doc:"pin with PWM"`
//		Frequency physic.Frequency `yaml:"frequency" default:"1 kHz" min:"1 Hz" max:"1 MHz" live:"true" doc:"of the PWM"`
//	}
//
//	opts := options.Defaults[LampOpts]()             // the options of a robot file that sets none
//	opts.Frequency = 2 * physic.MegaHertz
//	err := options.Validate("lamp on GPIO12", &opts) // lamp on GPIO12: frequency: expected 1Hz to 1MHz, got 2MHz
//
// The tags are:
//   - yaml: the key in a robot file; doc: its documentation
//   - default, required, enum, unit; min and max, inclusive (min may be alone)
//   - live: a running device accepts another value
//   - pin: "in", "out" or "pwm". An input with edges:"timed" needs the times of its edges. An output with pulse:"short" makes
//     pulses that
//     may last some microseconds at most; with pulse:"any" they may be longer.
//
// Limits that depend on other options come from a method Limits; mistakes that no limit shows, from a method Check.
//
// Package configs/strict reads a robot file by the same tags. This package checks the options of a Go program that calls a
// constructor.
package options

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Mistake is an error in options: in the value of a key, or in all of them if Key is "".
type Mistake struct {
	Key string
	Err error
}

// Error returns the error, without the key.
func (m Mistake) Error() string { return m.Err.Error() }

// Unwrap returns the error itself.
func (m Mistake) Unwrap() error { return m.Err }

// Wrong returns a mistake in the value of a key.
func Wrong(key, format string, args ...any) Mistake {
	return Mistake{Key: key, Err: fmt.Errorf(format, args...)}
}

// Limited are options whose limits depend on each other.
type Limited interface {
	// Limits returns the limits of a key, inclusive, in the units of the field; ok is false if its tags are all.
	Limits(key string) (low, high int64, ok bool)
}

// Checked are options with mistakes that no limit shows.
type Checked interface{ Check() []Mistake }

// Defaults returns the options of a robot file that sets none.
func Defaults[T any]() T {
	var opts T
	v := reflect.ValueOf(&opts).Elem()
	for _, f := range reflect.VisibleFields(v.Type()) {
		if text := f.Tag.Get("default"); text != "" {
			Read(v.FieldByIndex(f.Index), text)
		}
	}
	return opts
}

// OrDefaults returns opts, with fields that are not set replaced by those of preset. A field is not set if it is 0, unless its
// limits begin with 0. For nil, OrDefaults returns preset.
func OrDefaults[T any](opts *T, preset T) T {
	if opts == nil {
		return preset
	}
	all := *opts
	v, from := reflect.ValueOf(&all).Elem(), reflect.ValueOf(preset)
	for _, f := range reflect.VisibleFields(v.Type()) {
		one := v.FieldByIndex(f.Index)
		if f.Anonymous || !one.CanSet() || !one.IsZero() {
			continue
		}
		if low, _ := TagLimits(f); !low.IsValid() || !low.IsZero() {
			one.Set(from.FieldByIndex(f.Index))
		}
	}
	return all
}

// Validate checks the options of a device, a pointer to a struct: their limits, their choices, and whether they contradict each
// other. The error begins with the name of the device.
func Validate(device string, opts any) error {
	if err := WithinLimits(device, opts); err != nil {
		return err
	}
	v := reflect.ValueOf(opts).Elem()
	for _, f := range reflect.VisibleFields(v.Type()) {
		one := v.FieldByIndex(f.Index)
		if choices := f.Tag.Get("enum"); choices != "" && !one.IsZero() && !slices.Contains(strings.Split(choices, ","), one.String()) {
			return FirstError(device, []Mistake{Wrong(f.Tag.Get("yaml"), "expected one of %s, got %q", choices, one)})
		}
	}
	if c, is := opts.(Checked); is {
		return FirstError(device, c.Check())
	}
	return nil
}

// WithinLimits checks options by the limits of their tags and of Limits.
func WithinLimits(device string, opts any) error {
	v := reflect.ValueOf(opts).Elem()
	for _, f := range reflect.VisibleFields(v.Type()) {
		key, one := f.Tag.Get("yaml"), v.FieldByIndex(f.Index)
		if key == "" || key == "-" {
			continue
		}
		low, high := TagLimits(f)
		if limited, is := opts.(Limited); is && one.CanInt() {
			if l, h, ok := limited.Limits(key); ok {
				low, high = reflect.ValueOf(l).Convert(f.Type), reflect.ValueOf(h).Convert(f.Type)
			}
		}
		switch {
		case low.IsValid() && high.IsValid() && (less(one, low) || less(high, one)):
			return FirstError(device, []Mistake{Wrong(key, "expected %s to %s, got %s", written(low), written(high), written(one))})
		case low.IsValid() && less(one, low):
			return FirstError(device, []Mistake{Wrong(key, "expected at least %s, got %s", written(low), written(one))})
		}
	}
	return nil
}

// FirstError returns the first mistake as an error that begins with the name of the device; nil if there is none.
func FirstError(device string, mistakes []Mistake) error {
	for _, m := range mistakes {
		if m.Key == "" {
			return fmt.Errorf("%s: %w", device, m)
		}
		return fmt.Errorf("%s: %s: %w", device, m.Key, m)
	}
	return nil
}

// OneOf returns a mistake unless the value is one of the choices.
func OneOf(key string, value int, choices ...int) []Mistake {
	if slices.Contains(choices, value) {
		return nil
	}
	return []Mistake{Wrong(key, "%d: expected one of %v", value, choices)}
}

// Range collects the limits of an option with a Value: Low and High start as those that always apply. AtLeast and AtMost add a
// limit that another option sets, but only if Value keeps it: where two options contradict each other, Check reports it, and
// neither limits the other.
type Range struct{ Value, Low, High int64 }

// AtLeast raises the lower limit, if the value allows.
func (e *Range) AtLeast(bound int64) {
	if e.Value >= bound {
		e.Low = max(e.Low, bound)
	}
}

// AtMost lowers the upper limit, if the value allows.
func (e *Range) AtMost(bound int64) {
	if e.Value <= bound {
		e.High = min(e.High, bound)
	}
}

// TagLimits returns the limits in the tags of a field; the zero reflect.Value for a limit that is absent.
func TagLimits(f reflect.StructField) (low, high reflect.Value) {
	limit := func(tag string) (v reflect.Value) {
		if text := f.Tag.Get(tag); text != "" {
			v = reflect.New(f.Type).Elem()
			Read(v, text)
		}
		return v
	}
	return limit("min"), limit("max")
}

// Read sets a field to the value in a tag, which is written as in a robot file. It panics if it cannot read it: that is a
// programming error.
func Read(v reflect.Value, text string) {
	var err error
	switch into := v.Addr().Interface().(type) {
	case *string:
		*into = text
	case *bool:
		*into, err = strconv.ParseBool(text)
	case *int:
		*into, err = strconv.Atoi(text)
	case *uint16:
		var n uint64
		n, err = strconv.ParseUint(text, 0, 16)
		*into = uint16(n)
	case *float64:
		*into, err = strconv.ParseFloat(text, 64)
	case *time.Duration:
		*into, err = time.ParseDuration(text)
	case flag.Value: // the quantities of periph's package physic, which have no centimetres
		text := strings.ReplaceAll(text, " ", "")
		if number, is := strings.CutSuffix(text, "cm"); is {
			var centimetres float64
			if centimetres, err = strconv.ParseFloat(number, 64); err == nil {
				text = strconv.FormatFloat(centimetres*10, 'f', -1, 64) + "mm"
			}
		}
		err = errors.Join(err, into.Set(text))
	default:
		if v.Kind() != reflect.Int64 {
			panic(fmt.Sprintf("options: cannot read a %T", into))
		}
		var number float64                  // the field counts millionths
		text, _, _ = strings.Cut(text, " ") // the unit is that of the field
		number, err = strconv.ParseFloat(strings.TrimSuffix(text, "/s"), 64)
		v.SetInt(int64(math.Round(number * 1e6)))
	}
	if err != nil {
		panic(fmt.Sprintf("options: %q is not a %v: %v", text, v.Type(), err))
	}
}

// Values returns the options of a device, a pointer to a struct, by their keys: whole numbers as int64 in the units of their
// fields, others as float64, and bool and string. It leaves out pins, lists, and keys that no file has.
func Values(opts any) map[string]any {
	values := map[string]any{}
	v := reflect.ValueOf(opts).Elem()
	for _, f := range reflect.VisibleFields(v.Type()) {
		key, one := f.Tag.Get("yaml"), v.FieldByIndex(f.Index)
		if key == "" || key == "-" || f.Tag.Get("pin") != "" {
			continue
		}
		switch {
		case one.CanInt():
			values[key] = one.Int()
		case one.CanUint():
			values[key] = int64(one.Uint())
		case one.CanFloat():
			values[key] = one.Float()
		case one.Kind() == reflect.Bool:
			values[key] = one.Bool()
		case one.Kind() == reflect.String:
			values[key] = one.String()
		}
	}
	return values
}

// written returns a value as a robot file has it.
func written(v reflect.Value) string {
	if _, is := v.Interface().(fmt.Stringer); is || v.Kind() != reflect.Int64 {
		return fmt.Sprint(v)
	}
	return fmt.Sprint(float64(v.Int()) / 1e6)
}

func less(a, b reflect.Value) bool {
	if a.CanFloat() {
		return !(a.Float() >= b.Float()) // which NaN is not
	}
	return a.Int() < b.Int()
}
