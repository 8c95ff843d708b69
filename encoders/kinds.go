package encoders

import (
	"cmp"
	"fluxd/options"
	"fmt"
	"slices"
	"time"
)

// An EncoderKind is a sort of encoder, by the name that a robot file has for it.
type EncoderKind struct {
	Name  string // "rate"
	About string // one phrase: "more is faster"
	New   func() EncoderOptions
}

// A DecoderKind is a sort of decoder, by the name that a robot file has for it.
type DecoderKind struct {
	Name  string // "push-pull"
	About string // one phrase: "one neuron against another"
	New   func() DecoderOptions
	Words bool // its commands can be words, as a label needs them
}

// EncoderOptions are what a robot file says of one encoder beside the neuron that receives the spikes, and their weight. The tags
// of their fields are yaml (the key), default, doc, enum, unit, and live (a running robot takes it over). All amounts are in the
// unit of the sensor.
type EncoderOptions interface {
	// Open makes the encoder for a sensor that is read every so often; 0 where it is read when something happens. An error about
	// one of the options is a Mistake (errors.As).
	Open(every time.Duration) (Encoder, error)
	// Limits are the ends of an option, by its key, in its own units, both inclusive; false for what has none. Those of a range
	// are for each of its two, "range[0]" and "range[1]". A file may go beyond what can be tuned: the limits hold what it says.
	Limits(key string) (low, high int64, ok bool)
	// Check finds what no limit shows.
	Check() []options.Mistake
}

// Paced are options that depend on how often the sensor is read.
type Paced interface {
	EncoderOptions
	// Pace is to be called before Limits and Check with the time between two readings: 0 where there is none, -1 where it is not
	// known.
	Pace(every time.Duration)
	// LongestEvery is the longest time between two readings that the options allow.
	LongestEvery() time.Duration
}

// Ranging are options of a code over a range of readings.
type Ranging interface {
	EncoderOptions
	// Ends are those of the range: beyond them no reading makes a difference.
	Ends() [2]Amount
	// Settle is to be called before Limits, when the range is that of the file: if its second end is the smaller it stays so,
	// however either is tuned.
	Settle()
}

// DecoderOptions are what a robot file says of one decoder. The tags are those of encoders, and neuron for the names of neurons.
type DecoderOptions interface {
	// Neurons are the names of the neurons it listens to, by input; "" for an input that has none.
	Neurons() []string
	// Open makes the decoder.
	Open() (Decoder, error)
	Limits(key string) (low, high int64, ok bool)
	Check() []options.Mistake
}

// Amount is an amount in the unit of a sensor, in millionths.
type Amount struct {
	Micro int64
	Unit  string // "lx"; "" for pure numbers
}

// EncoderKinds lists all sorts of encoders.
var EncoderKinds = []EncoderKind{rateKind, latencyKind, phaseKind, edgeKind, thresholdKind, deltaKind}

// DecoderKinds lists all sorts of decoders.
var DecoderKinds = []DecoderKind{pushPullKind, countKind, winnerTakeAllKind}

// EncoderKindOf finds a kind by its name.
func EncoderKindOf(name string) (EncoderKind, bool) {
	i := slices.IndexFunc(EncoderKinds, func(k EncoderKind) bool { return k.Name == name })
	if i < 0 {
		return EncoderKind{}, false
	}
	return EncoderKinds[i], true
}

// DecoderKindOf finds a kind by its name.
func DecoderKindOf(name string) (DecoderKind, bool) {
	i := slices.IndexFunc(DecoderKinds, func(k DecoderKind) bool { return k.Name == name })
	if i < 0 {
		return DecoderKind{}, false
	}
	return DecoderKinds[i], true
}

// What can be tuned where no file goes beyond it.
const (
	largest = int64(1e9 * 1e6) // of amounts, in millionths
	longest = time.Minute
)

// shortest is what a window lasts at least: a tick.
const shortest = time.Microsecond

// checkWindow finds a window that is none.
func checkWindow(length time.Duration) []options.Mistake {
	if length < shortest {
		return []options.Mistake{options.Wrong("window", "%v: expected at least %v", length, shortest)}
	}
	return nil
}

// windowLimits are those of a window that no other option limits.
func windowLimits(length time.Duration) (low, high int64) {
	return int64(shortest), int64(max(longest, length))
}

// held are options of encoders and decoders.
type held interface {
	options.Limited
	options.Checked
}

// hold refuses options that Check finds a mistake in, and those that were found beyond their limits. The name is that of what
// they are for.
func hold(name string, o held, beyond ...error) error {
	for _, m := range o.Check() {
		beyond = append(beyond, m)
	}
	if err := cmp.Or(beyond...); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// within refuses an option beyond its limits.
func within[T ~int64](o held, key string, value T) error {
	if low, high, ok := o.Limits(key); ok && (int64(value) < low || int64(value) > high) {
		return fmt.Errorf("%s: %w", key, options.Wrong(key, "expected %v to %v, got %v", T(low), T(high), value))
	}
	return nil
}

// MostReading is the largest reading, in millionths of its unit, at the ends of a range: a code spans no more than twice that.
const MostReading = int64(1) << 41

// rangeLimits are those of the two ends of a range. Neither passes the other: what is more would be less.
func rangeLimits(of [2]Amount, falling bool, key string) (low, high int64, ok bool) {
	switch key {
	case "range[0]":
		low, high = -MostReading, of[1].Micro-1
		if falling {
			low, high = of[1].Micro+1, MostReading
		}
	case "range[1]":
		low, high = of[0].Micro+1, MostReading
		if falling {
			low, high = -MostReading, of[0].Micro-1
		}
	default:
		return 0, 0, false
	}
	return low, high, true
}

// falls reports whether the second end of a range is the smaller.
func falls(of [2]Amount) bool { return of[1].Micro < of[0].Micro }

// checkRange finds a range that is none.
func checkRange(of [2]Amount) (mistakes []options.Mistake) {
	if of[0].Micro == of[1].Micro {
		mistakes = append(mistakes, options.Wrong("range", "expected two different readings"))
	}
	for _, end := range of {
		if max(end.Micro, -end.Micro) > MostReading {
			return append(mistakes, options.Wrong("range", "expected readings of at most %d %s", MostReading/1e6, end.Unit))
		}
	}
	return mistakes
}
