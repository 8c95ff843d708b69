package sensors

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

var (
	errNotDecimal    = errors.New("expected a decimal number such as -0.438 or 1e-05")
	errNotWhole      = errors.New("expected a whole number")
	errTooLargeWhole = errors.New("expected a number between -9.2e18 and 9.2e18")
	errTooLarge      = errors.New("expected a number between -9.2e12 and 9.2e12")
)

// parseWhole reads a whole number.
func parseWhole(text string) (int64, error) {
	number, err := strconv.ParseInt(text, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, errTooLargeWhole
	case err != nil:
		return 0, errNotWhole
	}
	return number, nil
}

// parseMillionths reads a decimal number as an exact count of millionths. Digits after the sixth decimal are rounded,
// halves away from zero. Floating point would round twice.
func parseMillionths(text string) (int64, error) {
	unsigned := strings.TrimPrefix(strings.TrimPrefix(text, "-"), "+")
	if len(text)-len(unsigned) > 1 {
		return 0, errNotDecimal
	}
	mantissa, exponent := unsigned, 0
	if i := strings.IndexAny(unsigned, "eE"); i >= 0 {
		var err error
		if exponent, err = strconv.Atoi(unsigned[i+1:]); err != nil || exponent < -999 || exponent > 999 {
			return 0, errNotDecimal
		}
		mantissa = unsigned[:i]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, errNotDecimal
	}

	// The value is 0.digits times ten to the power of point. The result is the first point+6 digits.
	point := len(whole) + exponent
	significant := strings.TrimLeft(digits, "0")
	point -= len(digits) - len(significant)
	length := point + 6
	if significant == "" || length < 0 {
		return 0, nil
	}
	if length > len("9223372036854775807") {
		return 0, errTooLarge
	}
	for len(significant) <= length {
		significant += "0"
	}
	value := uint64(0)
	if length > 0 {
		var err error
		if value, err = strconv.ParseUint(significant[:length], 10, 64); err != nil {
			return 0, errTooLarge
		}
	}
	if significant[length] >= '5' {
		value++
	}
	if value > math.MaxInt64 {
		return 0, errTooLarge
	}
	if text[0] == '-' {
		return -int64(value), nil
	}
	return int64(value), nil
}
