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
	unit    string // of the amount, as it is shown: "us" for times, "Hz", "°C"
	perUnit float64
	zero    int64
	power   int // perUnit is 10 to it; 0 where it is no power of ten
}

// millionths are those of a number with any unit.
func millionths(unit string) scale { return scale{unit: unit, perUnit: 1e6, power: 6} }

// scales are those of periph's types. Readings and times have their units of parameters.
var scales = map[reflect.Type]scale{
	reflect.TypeFor[time.Duration]():             {unit: amounts.Microseconds, perUnit: 1e3, power: 3},
	reflect.TypeFor[physic.Frequency]():          {unit: "Hz", perUnit: float64(physic.Hertz), power: 6},
	reflect.TypeFor[physic.Temperature]():        {unit: "°C", perUnit: float64(physic.Kelvin), power: 9, zero: int64(physic.ZeroCelsius)},
	reflect.TypeFor[physic.Distance]():           {unit: "m", perUnit: float64(physic.Metre), power: 9},
	reflect.TypeFor[physic.Speed]():              {unit: "m/s", perUnit: float64(physic.MetrePerSecond), power: 9},
	reflect.TypeFor[physic.ElectricPotential]():  {unit: "V", perUnit: float64(physic.Volt), power: 9},
	reflect.TypeFor[physic.ElectricResistance](): {unit: "ohm", perUnit: float64(physic.Ohm), power: 9},
	reflect.TypeFor[physic.ElectricCurrent]():    {unit: "A", perUnit: float64(physic.Ampere), power: 9},
	reflect.TypeFor[physic.Angle]():              {unit: "°", perUnit: math.Pi / 180 * float64(physic.Radian)},
}

// scaleOf is that of a value: of its type, of the tag unit, or of the unit that it carries itself.
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

// shown is an amount in its unit.
func (s scale) shown(raw int64) float64 { return float64(raw-s.zero) / s.perUnit }

// raw is an amount as it is counted, to the nearest; one that no type holds stays one that no limit allows.
func (s scale) raw(shown float64) int64 {
	return s.zero + int64(math.Round(min(max(shown*s.perUnit, -8e18), 8e18)))
}

// parse reads an amount with its unit, exactly as it is written.
func (s scale) parse(text string) (int64, error) {
	number, unit := amounts.Split(text)
	power, fits := 0, unit == s.unit
	for _, p := range amounts.Quantities {
		if p.Written == unit && p.Unit == s.unit {
			power, fits = p.Power, true
		}
	}
	if !fits && !(unit == "" && number == "0") {
		return 0, fmt.Errorf("expected %s", s.example())
	}
	if s.power == 0 {
		micro, err := amounts.Scaled(number, 6)
		return s.raw(float64(micro) / 1e6), err
	}
	raw, err := amounts.Scaled(number, power+s.power)
	return raw + s.zero, err
}

// example says how an amount is written.
func (s scale) example() string { return "an amount in " + s.unit + ", such as 20 " + s.unit }

// Written is a value as a file has it: "5ms", "20 kHz", "0.9 m", "4/s".
func Written(v any, tag reflect.StructTag) string { return written(reflect.ValueOf(v), tag) }

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

// rawOf is the whole number that counts an amount.
func rawOf(v reflect.Value) int64 {
	if v.Kind() == reflect.Struct {
		return v.FieldByName("Micro").Int()
	}
	return v.Int()
}

// isAmount reports whether values of a type carry their unit: struct{Micro int64; Unit string}.
func isAmount(t reflect.Type) bool { return t.ConvertibleTo(reflect.TypeFor[Quantity]()) }

// Choice is a command: a number for what moves, in millionths of full scale, or a word for a label.
type Choice struct {
	Micro int64
	Word  string
}

const aChoice = "a command from -1 to 1, or a word for a label"

func isChoice(t reflect.Type) bool { return t.ConvertibleTo(reflect.TypeFor[Choice]()) }

// amount reads what counts a physical amount, or is a command; false for a value of another sort.
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
		s, _ := scaleOf(v, tag) // one of the two cases it is
		var raw int64
		raw, err = s.parse(n.Value)
		v.SetInt(raw)
	default:
		return false, nil
	}
	return true, err
}

// micro reads a plain number, in millionths to the nearest.
func micro(n *yaml.Node) (int64, error) {
	number, err := Number(n)
	if err == nil && math.Abs(number) > 1e12 {
		err = fmt.Errorf("expected a smaller number")
	}
	return int64(math.Round(number * 1e6)), err
}
