package configs

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"periph.io/x/conn/v3/physic"
)

// Quantity is a physical amount, in millionths of its unit, exactly as it was written: "0.9 m", "2000 lx", "12 cm" (which is m).
type Quantity struct {
	Micro int64
	Unit  string // "lx", "m", "" for a pure number
}

// Frequency is in micro-hertz: "200 Hz", "20 kHz", "0.5 Hz".
type Frequency int64

// Physic returns the frequency as periph's type, which counts micro-hertz too.
func (f Frequency) Physic() physic.Frequency { return physic.Frequency(f) * physic.MicroHertz }

// Period returns the time from one to the next, to the microsecond.
func (f Frequency) Period() time.Duration {
	return time.Duration(math.Round(1e12/float64(f))) * time.Microsecond
}

// Offset is a time that may be negative: "-20us".
type Offset time.Duration

// Slew is how fast a command may change, in millionths of full scale per second: "4/s".
type Slew int64

// Bytes is an amount of memory: "64 MiB".
type Bytes int64

// prefixes of units, as powers of ten.
var prefixes = []struct {
	written, unit string
	power         int
}{
	{"km", "m", 3}, {"cm", "m", -2}, {"mm", "m", -3}, {"um", "m", -6}, {"µm", "m", -6}, {"m", "m", 0},
	{"klx", "lx", 3}, {"lx", "lx", 0},
	{"mV", "V", -3}, {"V", "V", 0}, {"mA", "A", -3}, {"A", "A", 0}, {"mW", "W", -3}, {"W", "W", 0},
	{"mohm", "ohm", -3}, {"ohm", "ohm", 0}, {"kohm", "ohm", 3}, {"mΩ", "ohm", -3}, {"Ω", "ohm", 0}, {"kΩ", "ohm", 3},
	{"hPa", "Pa", 2}, {"kPa", "Pa", 3}, {"Pa", "Pa", 0}, {"kg", "kg", 0}, {"g", "kg", -3},
	{"", "", 0},
}

// parseQuantity reads a number and a unit.
func parseQuantity(text string) (Quantity, error) {
	number, unit := splitUnit(text)
	for _, p := range prefixes {
		if p.written == unit {
			micro, err := scaled(number, p.power+6)
			return Quantity{Micro: micro, Unit: p.unit}, err
		}
	}
	// A unit nobody here knows is taken as it is: a recording may have any.
	micro, err := scaled(number, 6)
	return Quantity{Micro: micro, Unit: unit}, err
}

// in returns the amount in a unit that may have a prefix, as a recording in cm has it; false where the two do not go together or
// the number does not come out even.
func (q Quantity) in(unit string) (Quantity, bool) {
	if q.Unit == unit || q == (Quantity{}) {
		return Quantity{Micro: q.Micro, Unit: unit}, true
	}
	for _, p := range prefixes {
		if p.written != unit || p.unit != q.Unit {
			continue
		}
		micro, err := scaled(strconv.FormatInt(q.Micro, 10), -p.power)
		return Quantity{Micro: micro, Unit: unit}, err == nil
	}
	return q, false
}

func parseFrequency(text string) (Frequency, error) {
	number, unit := splitUnit(text)
	power, known := map[string]int{"mHz": 3, "Hz": 6, "kHz": 9, "MHz": 12}[unit]
	if !known {
		return 0, fmt.Errorf("expected a frequency such as 200 Hz or 20 kHz")
	}
	micro, err := scaled(number, power)
	if err == nil && micro <= 0 {
		err = fmt.Errorf("expected a frequency above 0")
	}
	return Frequency(micro), err
}

func parseSlew(text string) (Slew, error) {
	number, perSecond := strings.CutSuffix(text, "/s")
	if !perSecond {
		return 0, fmt.Errorf("expected full scales per second, such as 4/s")
	}
	micro, err := scaled(strings.TrimSpace(number), 6)
	if err == nil && micro < 0 {
		err = fmt.Errorf("expected more than 0/s")
	}
	return Slew(micro), err
}

func parseBytes(text string) (Bytes, error) {
	number, unit := splitUnit(text)
	shift, known := map[string]int{"KiB": 10, "MiB": 20, "GiB": 30}[unit]
	count, err := strconv.ParseUint(number, 10, 32)
	if !known || err != nil || count > math.MaxInt64>>shift {
		return 0, fmt.Errorf("expected an amount of memory in whole KiB, MiB or GiB, such as 64 MiB")
	}
	return Bytes(count << shift), nil
}

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(strings.ReplaceAll(text, " ", ""))
	switch {
	case err != nil:
		return 0, fmt.Errorf("expected a time with its unit, such as 5ms, 250us or 1.5s")
	case d < 0:
		return 0, fmt.Errorf("expected a time of at least 0")
	case d%time.Microsecond != 0:
		return 0, fmt.Errorf("expected whole microseconds")
	case d > time.Hour:
		return 0, fmt.Errorf("expected at most 1h")
	}
	return d, nil
}

func parseOffset(text string) (Offset, error) {
	rest, negative := strings.CutPrefix(strings.TrimSpace(text), "-")
	d, err := parseDuration(rest)
	if negative {
		d = -d
	}
	return Offset(d), err
}

// splitUnit separates "12.5 cm" into number and unit.
func splitUnit(text string) (number, unit string) {
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

// scaled reads a decimal number times a power of ten, exactly.
func scaled(number string, power int) (int64, error) {
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
	// Far beyond any reading, and far inside 64 bits.
	if limit := big.NewInt(1 << 60); r.Num().CmpAbs(limit) > 0 {
		return 0, fmt.Errorf("expected a smaller number")
	}
	return r.Num().Int64(), nil
}
