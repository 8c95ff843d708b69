package encoders

import (
	"cmp"
	"fluxd/options"
	"fmt"
	"slices"
	"time"
)

// An EncoderKind is a kind of encoder, as robot files name it.
type EncoderKind struct {
	Name  string // "rate"
	About string // one phrase: "more is faster"
	New   func() EncoderOptions
}

// A DecoderKind is a kind of decoder, as robot files name it.
type DecoderKind struct {
	Name  string // "push-pull"
	About string // one phrase: "one neuron against another"
	New   func() DecoderOptions
	Words bool // its commands can be words, for a label
}

// EncoderOptions are the keys of one encoder in a robot file, except for the neuron that receives the spikes and their weight.
// The tags of their fields are yaml (the key), default, doc, enum, unit, and live (it can be tuned while the robot runs). All
// amounts are in the unit of the sensor.
type EncoderOptions interface {
	// Open makes the encoder. every is the time between two readings of the sensor; 0 if it is read when something happens. An error
	// about one of the options is a Mistake (errors.As).
	Open(every time.Duration) (Encoder, error)
	// Limits returns the lowest and the highest value of an option, by its key, in the units of its field. ok is false if it has no
	// limits. The keys of the two ends of a range are "range[0]" and "range[1]". A robot file may go beyond what can be tuned: then
	// the limits include its value.
	Limits(key string) (low, high int64, ok bool)
	// Check returns the mistakes that no limit can show.
	Check() []options.Mistake
}

// Paced are options that depend on how often the sensor is read.
type Paced interface {
	EncoderOptions
	// Pace sets the time between two readings: 0 if there is none, -1 if it is not known. It must be called before Limits and Check.
	Pace(every time.Duration)
	// LongestEvery returns the longest time between two readings that the options allow.
	LongestEvery() time.Duration
}

// Ranging are options of a code over a range of readings.
type Ranging interface {
	EncoderOptions
	// Ends returns the two ends of the range. All readings beyond an end are encoded like the end.
	Ends() [2]Amount
	// KeepDirection makes Limits keep the present direction of the range: if its second end is the smaller one, no tuning can make
	// it the larger one, and the other way round. It must be called before Limits, while the range is that of the robot file.
	KeepDirection()
}

// Spreading are options of a code with several inputs. Each neuron that the sensor feeds is an input of the code, in the order of
// the robot file. All other codes send every spike to all neurons.
type Spreading interface {
	EncoderOptions
	// Spread sets the number of neurons that the sensor feeds: 0 if it is not known. It must be called before Limits, Check and
	// Open.
	Spread(inputs int)
}

// Stepping are options of a code of changes.
type Stepping interface {
	EncoderOptions
	// LargestStep returns the change that two readings must have for a spike.
	LargestStep() Amount
}

// DecoderOptions are the keys of one decoder in a robot file. The tags are those of EncoderOptions, and neuron for the names of
// neurons.
type DecoderOptions interface {
	// Neurons returns the names of the decoder's neurons, by input; "" for an input that has none.
	Neurons() []string
	// Open makes the decoder.
	Open() (Decoder, error)
	Limits(key string) (low, high int64, ok bool)
	Check() []options.Mistake
}

// Directed are options of a decoder with two ends, whose order says which way the code runs.
type Directed interface {
	DecoderOptions
	// KeepDirection makes Limits keep the present order of the ends. It must be called before Limits, while the ends are those of
	// the robot file.
	KeepDirection()
}

// Gathering are options of a decoder that has an input for each neuron of a population. In other decoders a population is one
// input, which all its neurons share.
type Gathering interface {
	DecoderOptions
	// Gathers returns the name of the population; "" if there is none.
	Gathers() string
	// Gather sets the names of the population's neurons, in their order; none if they are not known. It must be called before
	// Neurons, Check and Open.
	Gather(neurons []string)
}

// Amount is an amount in the unit of a sensor, in millionths.
type Amount struct {
	Micro int64
	Unit  string // "lx"; "" for pure numbers
}

// EncoderKinds lists all kinds of encoders.
var EncoderKinds = []EncoderKind{rateKind, poissonKind, latencyKind, phaseKind, isiKind, burstKind, populationKind, flipFlopKind,
	argyleKind, bensSpikerKind, edgeKind, thresholdKind, deltaKind, stepForwardKind, movingWindowKind}

// DecoderKinds lists all kinds of decoders.
var DecoderKinds = []DecoderKind{pushPullKind, countKind, traceKind, isiDecoderKind, firstSpikeKind, winnerTakeAllKind,
	populationVectorKind}

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

// The limits of tuning, if the robot file does not go beyond them.
const (
	largest = int64(1e9 * 1e6) // amount, in millionths
	longest = time.Minute      // window
)

// shortest is the shortest window: a tick.
const shortest = time.Microsecond

// checkPaced refuses a sensor that is read when something happens. Why completes "expected a sensor with every: ".
func checkPaced(key string, every time.Duration, why string) []options.Mistake {
	if every >= 0 && every < shortest {
		return []options.Mistake{options.Wrong(key, "expected a sensor with every: %s", why)}
	}
	return nil
}

// paced returns an error if the time between two readings is not known.
func paced(name string, every time.Duration) error {
	if every < 0 {
		return fmt.Errorf("%s: expected the time between two readings, got none", name)
	}
	return nil
}

// checkInputs refuses fewer neurons than a code needs. inputs is 0 if that is not known.
func checkInputs(inputs, least, most int) []options.Mistake {
	if inputs != 0 && (inputs < least || inputs > most) {
		return []options.Mistake{options.Wrong("to", "expected %d to %d neurons, got %d", least, most, inputs)}
	}
	return nil
}

// checkWindow refuses a window that is too short.
func checkWindow(length time.Duration) []options.Mistake {
	if length < shortest {
		return []options.Mistake{options.Wrong("window", "%v: expected at least %v", length, shortest)}
	}
	return nil
}

// windowLimits returns the limits of a window that no other option limits.
func windowLimits(length time.Duration) (low, high int64) {
	return int64(shortest), int64(max(longest, length))
}

// limited are the options of an encoder or a decoder.
type limited interface {
	options.Limited
	options.Checked
}

// validate returns the first of the errors that were found already and of the mistakes of Check. name is the name of the encoder
// or decoder.
func validate(name string, o limited, beyond ...error) error {
	for _, m := range o.Check() {
		beyond = append(beyond, m)
	}
	if err := cmp.Or(beyond...); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// within returns an error if the value of an option is beyond its limits.
func within[T ~int | ~int64](o limited, key string, value T) error {
	if low, high, ok := o.Limits(key); ok && (int64(value) < low || int64(value) > high) {
		return fmt.Errorf("%s: %w", key, options.Wrong(key, "expected %v to %v, got %v", T(low), T(high), value))
	}
	return nil
}

// MostReading is the largest magnitude of an end of a range, in millionths of the sensor's unit.
const MostReading = int64(1) << 41

// rangeLimits returns the limits of an end of a range. Neither end may pass the other, since this would reverse the code.
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

// checkRange refuses a range of equal ends, or beyond MostReading.
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
