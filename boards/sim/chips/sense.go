package chips

import (
	"math/bits"
	"time"
)

// Sense returns what a device senses of a measure, as a function of the board's time. The measure has its name in a robot file,
// such as "accel_x", or "" for a device with one. The function returns millionths of the unit in which the device's driver
// reports the measure. Sense returns nil for a measure of which the device lies at rest on a table; a nil Sense does so for all.
//
// Some measures follow from others, and the twin of each device says which of them count: voltage and current of an ina219, not
// power, unless no current is sensed.
type Sense func(measure string) func(at time.Duration) int64

// of returns what a device senses of a measure; nil for one at rest.
func (s Sense) of(measure string) func(at time.Duration) int64 {
	if s == nil {
		return nil
	}
	return s(measure)
}

// or returns what a device senses of a measure, and at rest a value that never changes.
func (s Sense) or(measure string, atRest int64) func(at time.Duration) int64 {
	if sensed := s.of(measure); sensed != nil {
		return sensed
	}
	return still(atRest)
}

// Settings are the options of a device in its robot file by their keys, as options.Values returns them: the twin is the device
// for which the robot file is right. So an encoder has as many counts as its driver expects. A key that is missing, as in nil
// Settings, stands for the usual device.
type Settings map[string]any

// number returns a number, in the unit of the driver's field: ns, nohm, or millionths of a command. It returns false for a key
// that is missing.
func (s Settings) number(key string) (float64, bool) {
	switch value := s[key].(type) {
	case int64:
		return float64(value), true
	case float64:
		return value, true
	}
	return 0, false
}

// numberOr is like number, with a value for a key that is missing.
func (s Settings) numberOr(key string, usual float64) float64 {
	if value, set := s.number(key); set {
		return value
	}
	return usual
}

// on reports whether a switch is on.
func (s Settings) on(key string) bool { return s[key] == true }

// is reports whether a choice has a value.
func (s Settings) is(key, value string) bool { return s[key] == value }

// A Follower is a twin whose edges come as time passes, and not when it is asked: a wheel, a switch.
type Follower interface {
	// Settle takes what is sensed at a time as the place where the device is, at the start and after a world has jumped. A wheel
	// that settles makes no edges.
	Settle(at time.Duration)
	// Follow moves the device to what is sensed at a later time, evenly from the time and place of the last call. The first call
	// without a Settle settles at from.
	Follow(from, to time.Duration)
}

// still returns a function that never changes.
func still(value int64) func(time.Duration) int64 {
	return func(time.Duration) int64 { return value }
}

// bounded limits what a world says to a magnitude that is beyond the range of the device, so that no product overflows.
func bounded(value, most int64) int64 { return max(-most, min(value, most)) }

// mulDiv returns a * b / c, for numbers that are not negative; the largest number if it is larger than that.
func mulDiv(a, b, c int64) int64 {
	high, low := bits.Mul64(uint64(a), uint64(b))
	const most = 1<<63 - 1
	if c <= 0 || high >= uint64(c) {
		return most
	}
	quotient, _ := bits.Div64(high, low, uint64(c))
	return int64(min(quotient, most))
}
