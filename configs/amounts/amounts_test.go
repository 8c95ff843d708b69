package amounts

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// 5ms is 5000 in the unit us. A number without a unit is accepted only where a robot file may have one.
func TestParse(t *testing.T) {
	for _, c := range []struct {
		text, unit string
		want       float64
		refused    string
	}{
		{"5ms", "us", 5000, ""},
		{"5 ms", "us", 5000, ""},
		{"1.5s", "us", 1.5e6, ""},
		{"-20us", "us", -20, ""},
		{"0", "us", 0, ""},
		{"10", "us", 0, "10 has no unit: expected a time with its unit, such as 5ms"},
		{"10 Hz", "us", 0, "expected a time with its unit"},
		{"1ns", "us", 0, "whole microseconds"},
		{"20 kHz", "Hz", 20_000, ""},
		{"0.5Hz", "Hz", 0.5, ""},
		{"200", "Hz", 0, "200 has no unit: expected a frequency"},
		{"12 cm", "m", 0.12, ""},
		{"12", "m", 0, "12 has no unit: expected a number with its unit, such as 5 m"},
		{"12 cm", "cm", 12, ""}, // a recording may have any unit
		{"30 °C", "°C", 30, ""},
		{"9.81m/s²", "m/s²", 9.81, ""},
		{"4/s", "1/s", 4, ""},
		{"4", "1/s", 0, "4 has no unit: expected a number with its unit, such as 5/s"},
		{"100", "units", 100, ""},
		{"100 units", "units", 100, ""},
		{"100 mV", "units", 0, "expected a number in units"},
		{"1000", "units/s", 1000, ""},
		{"3", "spikes", 3, ""},
		{"0.3", "", 0.3, ""},
		{"0.3 m", "", 0, `"0.3 m": expected a number`},
		{"NaN", "", 0, "expected a number"},
		{"Inf", "us", 0, "expected a time"},
		{"1e999", "", 0, "expected a number"},
		{"", "us", 0, "expected a time"},
	} {
		got, err := Parse(c.text, c.unit)
		switch {
		case c.refused == "" && (err != nil || math.Abs(got-c.want) > 1e-12*math.Abs(c.want)):
			t.Errorf("%q in %q: %v, %v, want %v", c.text, c.unit, got, err, c.want)
		case c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)):
			t.Errorf("%q in %q: %v, %v, want an error with %q", c.text, c.unit, got, err, c.refused)
		}
	}
}

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		value      float64
		unit, want string
	}{
		{5000, "us", "5 ms"}, {1001, "us", "1.001 ms"}, {250, "us", "250 us"}, {-1.5e6, "us", "-1.5 s"}, {0, "us", "0 us"},
		{200, "Hz", "200 Hz"}, {4, "1/s", "4/s"}, {0.12, "m", "0.12 m"}, {100, "", "100"}, {100, "units", "100 units"},
		{1000, "units/s", "1000 units/s"},
	} {
		if got := Format(c.value, c.unit); got != c.want {
			t.Errorf("%v in %q: %q, want %q", c.value, c.unit, got, c.want)
		}
	}
}

// Parse reads what Format writes, so a shown value can be typed.
func TestParseReadsWhatFormatWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom([]string{"us", "Hz", "1/s", "m", "cm", "°C", "m/s²", "units", "units/s", "spikes",
			""}).Draw(t, "unit")
		value := float64(rapid.Int64Range(-1e12, 1e12).Draw(t, "value"))
		if unit != Microseconds {
			value /= 1000
		}
		if got, err := Parse(Format(value, unit), unit); err != nil || got != value {
			t.Fatalf("%v in %q: written as %q, read as %v, %v", value, unit, Format(value, unit), got, err)
		}
	})
}
