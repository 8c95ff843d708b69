// Package options reads and holds structs of options that say everything about themselves by the tags of their fields:
//
//	type LampOpts struct {
//		Pin       string           `yaml:"pin" pin:"pwm" required:"true" doc:"pin with PWM"`
//		Frequency physic.Frequency `yaml:"frequency" default:"1 kHz" min:"1 Hz" max:"1 MHz" live:"true" doc:"of the PWM"`
//	}
//
//	opts := options.Defaults[LampOpts]()     // what a robot file that says nothing stands for
//	err := options.Validate("lamp on GPIO12", &opts) // as a Go program may have changed them
//
// The tags are yaml (the key in a robot file), default, doc, enum, required, unit, min and max (inclusive; min may be alone), live (a running
// device takes it over), and pin: "in", "out" or "pwm". Of an input, edges:"timed" says that the times of its edges count; of an output,
// pulse:"short" that its pulses may last some microseconds at most, and pulse:"any" that longer ones do. A method Limits gives the ends that depend on other options, a method Check what no end shows. A robot
// file is read by the same tags in configs/strict; here they hold a Go program that calls a constructor.
package options

import (
	"flag"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Mistake is what is wrong with options: with one key, or with the whole where Key is "".
type Mistake struct {
	Key string
	Err error
}

// Error says what is wrong, without the key.
func (m Mistake) Error() string { return m.Err.Error() }

// Unwrap gives the error itself.
func (m Mistake) Unwrap() error { return m.Err }

// Wrong makes a mistake of a key.
func Wrong(key, format string, args ...any) Mistake {
	return Mistake{Key: key, Err: fmt.Errorf(format, args...)}
}

// Limited are options whose limits depend on each other: those of a key, in the field's own units, inclusive; ok is false where the tags
// say all.
type Limited interface {
	Limits(key string) (low, high int64, ok bool)
}

// Checked are options with mistakes that no limit shows.
type Checked interface{ Check() []Mistake }

// Defaults are the options of a robot file that says nothing.
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

// OrDefaults are options with the preset of each that is not set: that is 0, where its limits do not begin with 0. Nil are the presets.
func OrDefaults[T any](opts *T, preset T) T {
	if opts == nil {
		return preset
	}
	made := *opts
	v, from := reflect.ValueOf(&made).Elem(), reflect.ValueOf(preset)
	for _, f := range reflect.VisibleFields(v.Type()) {
		one := v.FieldByIndex(f.Index)
		if f.Anonymous || !one.CanSet() || !one.IsZero() {
			continue
		}
		if low, _ := TagLimits(f); !low.IsValid() || !low.IsZero() {
			one.Set(from.FieldByIndex(f.Index))
		}
	}
	return made
}

// Validate refuses options, a pointer to a struct, that are beyond their limits, are no choice of theirs, or contradict each other, in the name
// of a device.
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

// WithinLimits refuses an option beyond the limits that its tags and Limits have for it.
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

// FirstError is the first of mistakes as an error in the name of a device; nil where there are none.
func FirstError(device string, mistakes []Mistake) error {
	for _, m := range mistakes {
		if m.Key == "" {
			return fmt.Errorf("%s: %w", device, m)
		}
		return fmt.Errorf("%s: %s: %w", device, m.Key, m)
	}
	return nil
}

// OneOf refuses a number that is none of a few.
func OneOf(key string, value int, choices ...int) []Mistake {
	if slices.Contains(choices, value) {
		return nil
	}
	return []Mistake{Wrong(key, "%d: expected one of %v", value, choices)}
}

// Range are the limits of an option: those that hold by themselves, and those that other options set, as far as it keeps them. Where two
// options contradict each other, Check says so once, and neither has a limit that the other sets.
type Range struct{ Value, Low, High int64 }

// AtLeast raises the lower end.
func (e *Range) AtLeast(bound int64) {
	if e.Value >= bound {
		e.Low = max(e.Low, bound)
	}
}

// AtMost lowers the upper end.
func (e *Range) AtMost(bound int64) {
	if e.Value <= bound {
		e.High = min(e.High, bound)
	}
}

// TagLimits are the limits in the tags of a field; one that is not there is no value.
func TagLimits(f reflect.StructField) (low, high reflect.Value) {
	end := func(tag string) (made reflect.Value) {
		if text := f.Tag.Get(tag); text != "" {
			made = reflect.New(f.Type).Elem()
			Read(made, text)
		}
		return made
	}
	return end("min"), end("max")
}

// Read reads a tag into a field, as a robot file has it. It panics at one that cannot be read: that is a mistake of ours.
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
	case flag.Value: // the quantities of periph's package physic
		err = into.Set(strings.ReplaceAll(text, " ", ""))
	default:
		if v.Kind() != reflect.Int64 {
			panic(fmt.Sprintf("options: no way to read a %T", into))
		}
		var number float64 // counted in millionths
		number, err = strconv.ParseFloat(strings.TrimSuffix(text, "/s"), 64)
		v.SetInt(int64(math.Round(number * 1e6)))
	}
	if err != nil {
		panic(fmt.Sprintf("options: %q is no %v: %v", text, v.Type(), err))
	}
}

// written is a value as a robot file has it.
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
