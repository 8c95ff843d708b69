// Package amounts reads and writes amounts as people do: "5ms", "20 kHz", "12 cm". Robot files and fluxctl use the same notation.
// In MQTT messages an amount is a plain number in the unit of its parameter.
//
//	value, err := amounts.Parse("5ms", "us") // 5000
//	amounts.Format(value, "us")              // "5 ms"
package amounts

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// Microseconds is the unit of every parameter that is a time.
const Microseconds = "us"

// PerSecond ends the unit of a rate of change. It stands next to the number: "4/s".
const PerSecond = "/s"

// A Prefixed is a unit with a prefix: one Written is 10^Power of its Unit.
type Prefixed struct {
	Written, Unit string
	Power         int
}

// Quantities are the units of readings.
var Quantities = []Prefixed{
	{"km", "m", 3}, {"cm", "m", -2}, {"mm", "m", -3}, {"um", "m", -6}, {"µm", "m", -6}, {"m", "m", 0},
	{"klx", "lx", 3}, {"lx", "lx", 0},
	{"mV", "V", -3}, {"V", "V", 0}, {"mA", "A", -3}, {"A", "A", 0}, {"mW", "W", -3}, {"W", "W", 0},
	{"mohm", "ohm", -3}, {"ohm", "ohm", 0}, {"kohm", "ohm", 3}, {"mΩ", "ohm", -3}, {"Ω", "ohm", 0}, {"kΩ", "ohm", 3},
	{"hPa", "Pa", 2}, {"kPa", "Pa", 3}, {"Pa", "Pa", 0}, {"kg", "kg", 0}, {"g", "kg", -3},
	{"", "", 0},
}

// Frequencies are the units of rates.
var Frequencies = []Prefixed{{"mHz", "Hz", -3}, {"Hz", "Hz", 0}, {"kHz", "Hz", 3}, {"MHz", "Hz", 6}}

// bare are the units that are not written in a robot file, because their keys can have no other: a threshold is in units, a leak
// in units per second.
var bare = map[string]bool{"": true, "units": true, "units/s": true, "spikes": true,
	"steps/s": true, "us/step": true}

// Split separates "12.5 cm" into number and unit.
func Split(text string) (number, unit string) {
	text = strings.TrimSpace(text)
	end := len(text)
	for end > 0 {
		c := text[end-1]
		if c >= '0' && c <= '9' || c == '.' {
			break
		}
		end--
	}
	return strings.TrimSpace(text[:end]), strings.TrimSpace(text[end:])
}

// Scaled reads a decimal number and multiplies it by a power of ten, exactly. The result must be whole, and at most 2^60.
func Scaled(number string, power int) (int64, error) {
	if len(number) > 40 || strings.Trim(number, "+-.0123456789") != "" {
		return 0, fmt.Errorf("expected a plain decimal number")
	}
	r, ok := new(big.Rat).SetString(number)
	if !ok {
		return 0, fmt.Errorf("expected a number and its unit")
	}
	ten := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(power)), nil))
	if power < 0 {
		ten = new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-power)), nil))
	}
	r.Mul(r, ten)
	if !r.IsInt() {
		return 0, fmt.Errorf("expected steps of a millionth")
	}
	// Far beyond every reading, and far within 64 bits.
	if limit := big.NewInt(1 << 60); r.Num().CmpAbs(limit) > 0 {
		return 0, fmt.Errorf("expected a smaller number")
	}
	return r.Num().Int64(), nil
}

// Parse reads an amount as in a robot file, and returns it in the unit of a parameter. As in the file, only pure numbers, levels,
// leaks, spikes, and 0 need no unit.
func Parse(text, unit string) (float64, error) {
	text = strings.TrimSpace(text)
	if value, err := strconv.ParseFloat(text, 64); err == nil {
		switch {
		case math.IsNaN(value) || math.IsInf(value, 0):
			return 0, expected(text, unit)
		case bare[unit] || value == 0:
			return value, nil
		}
		return 0, fmt.Errorf("%s has no unit: expected %s", text, example(unit))
	}
	if unit == Microseconds {
		return parseTime(text)
	}
	if number, found := strings.CutSuffix(text, strings.TrimPrefix(unit, "1")); found && unit != "" { // "1/s" is written 4/s
		if value, err := strconv.ParseFloat(strings.TrimSpace(number), 64); err == nil && !math.IsNaN(value) && !math.IsInf(value, 0) {
			return value, nil
		}
	}
	number, written := Split(text)
	for _, all := range [][]Prefixed{Frequencies, Quantities} {
		for _, p := range all {
			if p.Written != written || p.Unit != unit {
				continue
			}
			value, err := strconv.ParseFloat(fmt.Sprintf("%se%d", number, p.Power), 64) // rounds once only
			if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
				return 0, expected(text, unit)
			}
			return value, nil
		}
	}
	return 0, expected(text, unit)
}

// parseTime reads a time in whole microseconds. It may be negative, for a trim.
func parseTime(text string) (float64, error) {
	d, err := time.ParseDuration(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		return 0, expected(text, Microseconds)
	}
	if d%time.Microsecond != 0 {
		return 0, fmt.Errorf("%s: expected whole microseconds", text)
	}
	return float64(d / time.Microsecond), nil
}

func expected(text, unit string) error {
	if bare[unit] {
		return fmt.Errorf("%q: expected a number%s", text, map[bool]string{true: " in " + unit}[unit != ""])
	}
	return fmt.Errorf("%q: expected %s", text, example(unit))
}

// example describes an amount of a unit for messages.
func example(unit string) string {
	switch {
	case unit == Microseconds:
		return "a time with its unit, such as 5ms, 250us or 1.5s"
	case unit == "Hz":
		return "a frequency with its unit, such as 200 Hz or 20 kHz"
	}
	return fmt.Sprintf("a number with its unit, such as %s", Format(5, unit))
}

// Format writes an amount for people, so that Parse can read it: times in the largest of s, ms and us that makes at least 1,
// everything else in the parameter's unit.
func Format(value float64, unit string) string {
	switch {
	case unit == Microseconds:
		for _, larger := range []struct {
			unit string
			us   float64
		}{{"s", 1e6}, {"ms", 1e3}} {
			if math.Abs(value) >= larger.us {
				return number(value/larger.us) + " " + larger.unit
			}
		}
		return number(value) + " us"
	case unit == "":
		return number(value)
	case unit == "1"+PerSecond:
		return number(value) + PerSecond
	}
	return number(value) + " " + unit
}

// number writes a number without an exponent.
func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
