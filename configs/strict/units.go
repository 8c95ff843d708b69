package strict

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/configs/amounts"
)

// Quantity is a physical amount in millionths of its unit, exact: "0.9 m", "2000 lx", "12 cm" (with the unit m).
type Quantity struct {
	Micro int64
	Unit  string // "lx", "m", "" for a pure number
}

// Bytes is an amount of memory: "64 MiB".
type Bytes int64

// parseQuantity reads a number and a unit.
func parseQuantity(text string) (Quantity, error) {
	number, unit := amounts.Split(text)
	for _, p := range amounts.Quantities {
		if p.Written == unit {
			micro, err := amounts.Scaled(number, p.Power+6)
			return Quantity{Micro: micro, Unit: p.Unit}, err
		}
	}
	// An unknown unit is kept as it is: a recording may have any unit.
	micro, err := amounts.Scaled(number, 6)
	return Quantity{Micro: micro, Unit: unit}, err
}

// In converts the amount to a unit that may have a prefix, such as the cm of a recording. It returns false if the units do not
// suit each other, or the result is not a whole number of millionths.
func (q Quantity) In(unit string) (Quantity, bool) {
	if q.Unit == unit || q == (Quantity{}) {
		return Quantity{Micro: q.Micro, Unit: unit}, true
	}
	for _, p := range amounts.Quantities {
		if p.Written != unit || p.Unit != q.Unit {
			continue
		}
		micro, err := amounts.Scaled(strconv.FormatInt(q.Micro, 10), -p.Power)
		return Quantity{Micro: micro, Unit: unit}, err == nil
	}
	return q, false
}

// parseFrequency reads a frequency, in micro-hertz as periph counts it.
func parseFrequency(text string) (physic.Frequency, error) {
	number, unit := amounts.Split(text)
	i := slices.IndexFunc(amounts.Frequencies, func(p amounts.Prefixed) bool { return p.Written == unit })
	if i < 0 {
		return 0, fmt.Errorf("expected a frequency such as 200 Hz or 20 kHz")
	}
	micro, err := amounts.Scaled(number, amounts.Frequencies[i].Power+6)
	if err == nil && micro <= 0 {
		err = fmt.Errorf("expected a frequency above 0")
	}
	return physic.Frequency(micro), err
}

// parseSlew reads full scales per second, in millionths.
func parseSlew(text string) (int64, error) {
	number, perSecond := strings.CutSuffix(text, amounts.PerSecond)
	if !perSecond {
		return 0, fmt.Errorf("expected full scales per second, such as 4/s")
	}
	micro, err := amounts.Scaled(strings.TrimSpace(number), 6)
	if err == nil && micro < 0 {
		err = fmt.Errorf("expected more than 0/s")
	}
	return micro, err
}

func parseBytes(text string) (Bytes, error) {
	number, unit := amounts.Split(text)
	shift, known := map[string]int{"KiB": 10, "MiB": 20, "GiB": 30}[unit]
	count, err := strconv.ParseUint(number, 10, 32)
	if !known || err != nil || count > math.MaxInt64>>shift {
		return 0, fmt.Errorf("expected an amount of memory in whole KiB, MiB or GiB, such as 64 MiB")
	}
	return Bytes(count << shift), nil
}

// longest is the longest time that a file may have.
const longest = time.Hour

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(strings.ReplaceAll(text, " ", ""))
	switch {
	case err != nil:
		return 0, fmt.Errorf("expected a time with its unit, such as 5ms, 250us or 1.5s")
	case d < 0:
		return 0, fmt.Errorf("expected a time of at least 0")
	case d%time.Microsecond != 0:
		return 0, fmt.Errorf("expected whole microseconds")
	case d > longest:
		return 0, fmt.Errorf("expected at most 1h")
	}
	return d, nil
}

// parseOffset reads a time that may be negative.
func parseOffset(text string) (time.Duration, error) {
	rest, negative := strings.CutPrefix(strings.TrimSpace(text), "-")
	d, err := parseDuration(rest)
	if negative {
		d = -d
	}
	return d, err
}
