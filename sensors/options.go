package sensors

import (
	"flag"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Options say everything about themselves by the tags of their fields: yaml (the key in a robot file), default, doc, enum, required, pin
// (in, out), min and max (inclusive; min may be alone), live (a running device takes it over), file (it names a data file). A program that makes a device is
// held to the same tags: constructors take defaults and limits from here. A field with yaml:"-" is for them alone.

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

// defaults are the options of a robot file that says nothing.
func defaults[T any]() T {
	var opts T
	v := reflect.ValueOf(&opts).Elem()
	for i := range v.NumField() {
		if text := v.Type().Field(i).Tag.Get("default"); text != "" {
			parse(v.Field(i), text)
		}
	}
	return opts
}

// orDefaults are options with the default of each that is not set, unless 0 is in its limits. Nil are the defaults.
func orDefaults[T any](opts *T, preset T) T {
	if opts == nil {
		return preset
	}
	made := *opts
	v, from := reflect.ValueOf(&made).Elem(), reflect.ValueOf(preset)
	for i := range v.NumField() {
		if low, _ := limits(v, i); v.Field(i).CanSet() && v.Field(i).IsZero() && !(low.IsValid() && low.IsZero()) {
			v.Field(i).Set(from.Field(i))
		}
	}
	return made
}

// parse reads a tag. One that cannot be read is a mistake of this package.
func parse(v reflect.Value, text string) {
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
	case flag.Value: // the quantities of package physic
		err = into.Set(strings.ReplaceAll(text, " ", ""))
	default:
		err = fmt.Errorf("no way to read a %T", into)
	}
	if err != nil {
		panic(fmt.Sprintf("sensors: %q: %v", text, err))
	}
}

// limits are those in the tags of a field; one that is not there is no value.
func limits(v reflect.Value, i int) (low, high reflect.Value) {
	end := func(tag string) (made reflect.Value) {
		if text := v.Type().Field(i).Tag.Get(tag); text != "" {
			made = reflect.New(v.Field(i).Type()).Elem()
			parse(made, text)
		}
		return made
	}
	return end("min"), end("max")
}

// hold refuses options that their tags or their Check refuse, in the name of a device.
func hold(device fmt.Stringer, opts any) error {
	v := reflect.ValueOf(opts).Elem()
	for i := range v.NumField() {
		field, key := v.Field(i), v.Type().Field(i).Tag.Get("yaml")
		switch low, high := limits(v, i); {
		case low.IsValid() && high.IsValid() && (less(field, low) || less(high, field)):
			return fmt.Errorf("%s: %s: expected %v to %v, got %v", device, key, low, high, field)
		case low.IsValid() && less(field, low):
			return fmt.Errorf("%s: %s: expected at least %v, got %v", device, key, low, field)
		}
		if choices := v.Type().Field(i).Tag.Get("enum"); choices != "" && !slices.Contains(strings.Split(choices, ","), field.String()) && !field.IsZero() {
			return fmt.Errorf("%s: %s: expected one of %s, got %q", device, key, choices, field)
		}
	}
	if c, is := opts.(interface{ Check() []Mistake }); is {
		for _, m := range c.Check() {
			return fmt.Errorf("%s: %s: %w", device, m.Key, m.Err)
		}
	}
	return nil
}

func less(a, b reflect.Value) bool {
	if a.CanFloat() {
		return !(a.Float() >= b.Float()) // which NaN is not
	}
	return a.Int() < b.Int()
}

// oneOf refuses a number that is none of a few.
func oneOf(key string, value int, choices ...int) []Mistake {
	if slices.Contains(choices, value) {
		return nil
	}
	return []Mistake{wrong(key, "%d: expected one of %v", value, choices)}
}
