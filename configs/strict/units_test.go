package strict

import (
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/physic"
)

func TestQuantities(t *testing.T) {
	for _, c := range []struct {
		text string
		want Quantity
	}{
		{"0", Quantity{0, ""}},
		{"0.9 m", Quantity{900_000, "m"}},
		{"0.9m", Quantity{900_000, "m"}},
		{"12 cm", Quantity{120_000, "m"}},
		{"5 mm", Quantity{5_000, "m"}},
		{"7 um", Quantity{7, "m"}},
		{"7 µm", Quantity{7, "m"}},
		{"2 km", Quantity{2_000_000_000, "m"}},
		{"2000 lx", Quantity{2_000_000_000, "lx"}},
		{"-0.000001 V", Quantity{-1, "V"}},
		{"+3 mV", Quantity{3_000, "V"}},
		{"0.1 lx", Quantity{100_000, "lx"}}, // a float64 is not exact
		{"20.5 °C", Quantity{20_500_000, "°C"}},
	} {
		if got, err := parseQuantity(c.text); err != nil || got != c.want {
			t.Errorf("%q: got %+v, %v, expected %+v", c.text, got, err, c.want)
		}
	}
	for _, text := range []string{"", "m", "0.0000001 m", "1e3 m", "0x10 m", "0b11", "1/2 m", "1_000 m", "--1 m", "1 2 m",
		"9999999999999999 m", "inf m", "0.5 um", "1e400 m", "NaN", "1..2 m", strings.Repeat("9", 400) + " m"} {
		if got, err := parseQuantity(text); err == nil {
			t.Errorf("%q: got %+v, expected an error", text, got)
		}
	}
}

func TestQuantityInAnotherUnit(t *testing.T) {
	for _, c := range []struct {
		q    Quantity
		unit string
		want Quantity
		ok   bool
	}{
		{Quantity{900_000, "m"}, "m", Quantity{900_000, "m"}, true},
		{Quantity{900_000, "m"}, "cm", Quantity{90_000_000, "cm"}, true},
		{Quantity{2_000_000_000, "m"}, "km", Quantity{2_000_000, "km"}, true},
		{Quantity{0, ""}, "lx", Quantity{0, "lx"}, true},
		{Quantity{1, "m"}, "km", Quantity{}, false},       // less than a millionth of a kilometre
		{Quantity{1 << 59, "m"}, "um", Quantity{}, false}, // needs more than 64 bits
		{Quantity{5, ""}, "lx", Quantity{}, false},
		{Quantity{5, "m"}, "lx", Quantity{}, false},
	} {
		if got, ok := c.q.In(c.unit); ok != c.ok || ok && got != c.want {
			t.Errorf("%+v in %s: got %+v, %v, expected %+v, %v", c.q, c.unit, got, ok, c.want, c.ok)
		}
	}
}

func TestFrequencies(t *testing.T) {
	for text, want := range map[string]physic.Frequency{"9 Hz": 9_000_000, "20 kHz": 20_000_000_000, "0.5Hz": 500_000,
		"1 mHz": 1_000, "2 MHz": 2_000_000_000_000} {
		if got, err := parseFrequency(text); err != nil || got != want {
			t.Errorf("%q: got %d, %v, expected %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "9", "9 hz", "0 Hz", "-1 Hz", "9 Bq", "1e3 Hz", "-3 Hz", "0x", "NaN Hz", "1e400 Hz",
		"9999999999999 MHz"} {
		if got, err := parseFrequency(text); err == nil {
			t.Errorf("%q: got %d, expected an error", text, got)
		}
	}
}

func TestDurationsAndSlews(t *testing.T) {
	for text, want := range map[string]time.Duration{"5ms": 5 * time.Millisecond, "250us": 250 * time.Microsecond,
		"250µs": 250 * time.Microsecond, "1.5 s": 1500 * time.Millisecond, "0s": 0, "1h": time.Hour} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%q: got %v, %v, expected %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "5", "5 m s x", "-1ms", "1ns", "1.5us", "61m", "1e3ms", "NaN", "0x", "1e400s",
		"99999999999999999999h"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q: got %v, expected an error", text, got)
		}
	}
	for text, want := range map[string]int64{"4/s": 4_000_000, "0.5 /s": 500_000} {
		if got, err := parseSlew(text); err != nil || got != want {
			t.Errorf("%q: got %d, %v, expected %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "4", "/s", "-4/s", "4/min"} {
		if got, err := parseSlew(text); err == nil {
			t.Errorf("%q: got %d, expected an error", text, got)
		}
	}
}

func TestBytes(t *testing.T) {
	for text, want := range map[string]Bytes{"64 MiB": 64 << 20, "1GiB": 1 << 30, "512 KiB": 512 << 10, "0 MiB": 0} {
		if got, err := parseBytes(text); err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "64", "64 MB", "1.5 GiB", "-1 MiB", "9999999999 GiB", "MiB"} {
		if got, err := parseBytes(text); err == nil {
			t.Errorf("%q: accepted as %d", text, got)
		}
	}
}
