package actuators

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"periph.io/x/conn/v3/physic"
)

// Options say everything about themselves. The tags of a field are yaml (its key in a robot file), default, doc, enum, pin,
// unit, min and max (inclusive), and live (a running device takes it over). Limits gives the ends that depend on other options,
// Check finds what no end shows. A robot file is read by these tags elsewhere; here they hold a Go program, which calls a
// constructor, to the same defaults and limits.

// A Mistake is what is wrong with options: with one key, or with the whole where Key is "".
type Mistake struct {
	Key string
	Err error
}

// Error says what is wrong, without the key.
func (m Mistake) Error() string { return m.Err.Error() }

// Unwrap gives the error itself.
func (m Mistake) Unwrap() error { return m.Err }

// wrong makes a mistake of a key.
func wrong(key, format string, args ...any) Mistake {
	return Mistake{Key: key, Err: fmt.Errorf(format, args...)}
}

// limited are options whose limits depend on each other.
type limited interface {
	Limits(key string) (low, high int64, ok bool)
}

// checked are options that have mistakes which no limit shows.
type checked interface{ Check() []Mistake }

// defaults are the options of a robot file that says nothing.
func defaults[T any]() T {
	var opts T
	v := reflect.ValueOf(&opts).Elem()
	for _, f := range reflect.VisibleFields(v.Type()) {
		if text := f.Tag.Get("default"); text != "" {
			preset(v.FieldByIndex(f.Index), text)
		}
	}
	return opts
}

// orDefaults are options with the default of each that is not set. A command is set in any case: 0 is one.
func orDefaults[T any](opts *T, preset T) T {
	if opts == nil {
		return preset
	}
	made := *opts
	v, from := reflect.ValueOf(&made).Elem(), reflect.ValueOf(preset)
	for _, f := range reflect.VisibleFields(v.Type()) {
		if one := v.FieldByIndex(f.Index); !f.Anonymous && f.Type != reflect.TypeFor[Command]() && one.IsZero() {
			one.Set(from.FieldByIndex(f.Index))
		}
	}
	return made
}

func preset(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(text == "true")
	default:
		v.SetInt(amount(v.Type(), text))
	}
}

// amount reads an amount as a tag has it. One that cannot be read is a mistake of this package.
func amount(t reflect.Type, text string) int64 {
	var err error
	var made int64
	switch t {
	case reflect.TypeFor[time.Duration]():
		var d time.Duration
		d, err = time.ParseDuration(text)
		made = int64(d)
	case reflect.TypeFor[physic.Frequency]():
		var f physic.Frequency
		err = f.Set(strings.ReplaceAll(text, " ", ""))
		made = int64(f)
	default: // in millionths
		var number float64
		number, err = strconv.ParseFloat(strings.TrimSuffix(text, "/s"), 64)
		made = int64(math.Round(number * 1e6))
	}
	if err != nil {
		panic(fmt.Sprintf("actuators: %v %q: %v", t, text, err))
	}
	return made
}

// written is an amount for people, as a robot file has it.
func written(v reflect.Value) string {
	switch made := v.Interface().(type) {
	case time.Duration:
		return made.String()
	case physic.Frequency:
		return made.String()
	}
	return fmt.Sprint(scales(Command(v.Int())))
}

// scales are the full scales of a command: what a robot file has.
func scales(c Command) float64 { return float64(c) / float64(Full) }

// within refuses an option beyond the limits that its tags and Limits have for it. The name is the device's.
func within(name string, opts Options) error {
	v := reflect.ValueOf(opts).Elem()
	for _, f := range reflect.VisibleFields(v.Type()) {
		key, one := f.Tag.Get("yaml"), v.FieldByIndex(f.Index)
		if key == "" || key == "-" || !one.CanInt() {
			continue
		}
		low, high, bounded := tagged(f)
		if depends, is := opts.(limited); is {
			if l, h, ok := depends.Limits(key); ok {
				low, high, bounded = l, h, true
			}
		}
		if bounded && (one.Int() < low || one.Int() > high) {
			end := func(n int64) string { return written(reflect.ValueOf(n).Convert(f.Type)) }
			return fmt.Errorf("%s: %s: %w", name, key, wrong(key, "expected %s to %s, got %s", end(low), end(high), written(one)))
		}
	}
	return nil
}

// hold refuses options beyond their limits, and those that contradict each other.
func hold(name string, opts Options) error {
	if err := within(name, opts); err != nil {
		return err
	}
	if c, is := opts.(checked); is {
		return first(name, c.Check())
	}
	return nil
}

// first is the first of mistakes as an error.
func first(name string, mistakes []Mistake) error {
	for _, m := range mistakes {
		if m.Key == "" {
			return fmt.Errorf("%s: %w", name, m)
		}
		return fmt.Errorf("%s: %s: %w", name, m.Key, m)
	}
	return nil
}

// another is the error of a device that is handed options of another kind.
func another(name string, opts Options) error {
	return fmt.Errorf("%s: expected options of its own kind, got %T", name, opts)
}

// tagged are the limits in the tags of a field.
func tagged(f reflect.StructField) (low, high int64, ok bool) {
	least, most := f.Tag.Get("min"), f.Tag.Get("max")
	if least == "" || most == "" {
		return 0, 0, false
	}
	return amount(f.Type, least), amount(f.Type, most), true
}

// ends are the limits of an option: those that hold by themselves, and those that other options set, as far as it keeps them.
// Where two options contradict each other, Check says so once, and neither has a limit that the other sets.
type ends struct{ value, low, high int64 }

// atLeast raises the lower end.
func (e *ends) atLeast(bound int64) {
	if e.value >= bound {
		e.low = max(e.low, bound)
	}
}

// atMost lowers the upper end.
func (e *ends) atMost(bound int64) {
	if e.value <= bound {
		e.high = min(e.high, bound)
	}
}
