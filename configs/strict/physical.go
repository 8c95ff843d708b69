package strict

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
	"periph.io/x/conn/v3/physic"

	"fluxd/configs/amounts"
)

// A scale says how a type of whole numbers counts a physical amount: raw = zero + amount * perUnit.
type scale struct {
	unit    string // for people: "us" for times, "Hz", "°C"
	perUnit float64
	zero    int64
	power   int // perUnit is 10^power; 0 if it is no power of ten
}

// millionths returns the scale of amounts that are counted in millionths of a unit.
func millionths(unit string) scale { return scale{unit: unit, perUnit: 1e6, power: 6} }

// scales are the scales of times and of periph's types.
var scales = map[reflect.Type]scale{
	reflect.TypeFor[time.Duration]():    {unit: amounts.Microseconds, perUnit: 1e3, power: 3},
	reflect.TypeFor[physic.Frequency](): {unit: "Hz", perUnit: float64(physic.Hertz), power: 6},
	reflect.TypeFor[physic.Temperature](): {unit: "°C", perUnit: float64(physic.Kelvin), power: 9,
		zero: int64(physic.ZeroCelsius)},
	reflect.TypeFor[physic.Distance]():           {unit: "m", perUnit: float64(physic.Metre), power: 9},
	reflect.TypeFor[physic.Speed]():              {unit: "m/s", perUnit: float64(physic.MetrePerSecond), power: 9},
	reflect.TypeFor[physic.ElectricPotential]():  {unit: "V", perUnit: float64(physic.Volt), power: 9},
	reflect.TypeFor[physic.ElectricResistance](): {unit: "ohm", perUnit: float64(physic.Ohm), power: 9},
	reflect.TypeFor[physic.ElectricCurrent]():    {unit: "A", perUnit: float64(physic.Ampere), power: 9},
	reflect.TypeFor[physic.Angle]():              {unit: "°", perUnit: math.Pi / 180 * float64(physic.Radian)},
}

// scaleOf returns the scale of a value: by its type, by the unit that it carries itself, or by the tag unit.
func scaleOf(v reflect.Value, tag reflect.StructTag) (scale, bool) {
	if s, known := scales[v.Type()]; known {
		return s, true
	}
	if isAmount(v.Type()) {
		return millionths(v.FieldByName("Unit").String()), true
	}
	if unit, is := tag.Lookup("unit"); is && v.Kind() == reflect.Int64 {
		return millionths(unit), true
	}
	return scale{}, false
}

// shown converts a raw number to the amount in its unit.
func (s scale) shown(raw int64) float64 { return float64(raw-s.zero) / s.perUnit }

// raw converts an amount to the nearest raw number. An amount beyond every type becomes one beyond every limit.
func (s scale) raw(shown float64) int64 {
	return s.zero + int64(math.Round(min(max(shown*s.perUnit, -8e18), 8e18)))
}

// parse reads an amount with its unit, exactly.
func (s scale) parse(text string) (int64, error) {
	number, unit := amounts.Split(text)
	power, suits := 0, unit == s.unit
	for _, p := range amounts.Quantities {
		if p.Written == unit && p.Unit == s.unit {
			power, suits = p.Power, true
		}
	}
	if !suits && !(unit == "" && number == "0") {
		return 0, fmt.Errorf("expected %s", s.example())
	}
	if s.power == 0 {
		micro, err := amounts.Scaled(number, 6)
		return s.raw(float64(micro) / 1e6), err
	}
	raw, err := amounts.Scaled(number, power+s.power)
	return raw + s.zero, err
}

// example describes an amount for messages.
func (s scale) example() string { return "an amount in " + s.unit + ", such as 20 " + s.unit }

// written returns a value as it is written in a file: "5ms", "20 kHz", "0.9 m", "4/s".
func written(v reflect.Value, tag reflect.StructTag) string {
	switch made := v.Interface().(type) {
	case time.Duration:
		return made.String()
	}
	s, is := scaleOf(v, tag)
	if !is {
		return fmt.Sprint(v.Interface())
	}
	if s.unit == "Hz" {
		return physic.Frequency(v.Int()).String()
	}
	return amounts.Format(s.shown(rawOf(v)), s.unit)
}

// rawOf returns the whole number of an amount.
func rawOf(v reflect.Value) int64 {
	if v.Kind() == reflect.Struct {
		return v.FieldByName("Micro").Int()
	}
	return v.Int()
}

// isAmount reports whether values of a type carry their unit, as struct{Micro int64; Unit string} does.
func isAmount(t reflect.Type) bool { return t.ConvertibleTo(reflect.TypeFor[Quantity]()) }

// Choice is a command: a number in millionths of full scale, or a word for a label.
type Choice struct {
	Micro int64
	Word  string
}

const aChoice = "a command from -1 to 1, or a word for a label"

func isChoice(t reflect.Type) bool { return t.ConvertibleTo(reflect.TypeFor[Choice]()) }

// amount reads a physical amount or a command; is reports false for a value of another type.
func amount(n *yaml.Node, v reflect.Value, tag reflect.StructTag) (is bool, err error) {
	t := v.Type()
	switch unit, hasUnit := tag.Lookup("unit"); {
	case isAmount(t):
		var q Quantity
		q, err = parseQuantity(n.Value)
		v.Set(reflect.ValueOf(q).Convert(t))
	case isChoice(t):
		var c Choice
		if n.Tag == "!!int" || n.Tag == "!!float" {
			if c.Micro, err = micro(n); err != nil {
				err = fmt.Errorf("expected %s", aChoice)
			}
		} else {
			c.Word = n.Value
		}
		v.Set(reflect.ValueOf(c).Convert(t))
	case t == reflect.TypeFor[time.Duration]():
		var d time.Duration
		if strings.HasPrefix(tag.Get("min"), "-") {
			d, err = parseOffset(n.Value)
		} else {
			d, err = parseDuration(n.Value)
		}
		v.SetInt(int64(d))
	case t == reflect.TypeFor[physic.Frequency]():
		var f physic.Frequency
		f, err = parseFrequency(n.Value)
		v.SetInt(int64(f))
	case hasUnit && v.Kind() == reflect.Int64 && unit == "":
		var m int64
		m, err = micro(n)
		v.SetInt(m)
	case hasUnit && v.Kind() == reflect.Int64 && unit == "1"+amounts.PerSecond:
		var slew int64
		slew, err = parseSlew(n.Value)
		v.SetInt(slew)
	case scales[t].perUnit != 0, hasUnit && v.Kind() == reflect.Int64:
		s, _ := scaleOf(v, tag) // it has one, by the case's condition
		var raw int64
		raw, err = s.parse(n.Value)
		v.SetInt(raw)
	default:
		return false, nil
	}
	return true, err
}

// micro reads a plain number, and rounds it to millionths.
func micro(n *yaml.Node) (int64, error) {
	number, err := Number(n)
	if err == nil && math.Abs(number) > 1e12 {
		err = fmt.Errorf("expected a smaller number")
	}
	return int64(math.Round(number * 1e6)), err
}
