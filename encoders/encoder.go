package encoders

import "fluxd/core"

// An Encoder turns readings into spikes.
type Encoder interface {
	// Encode encodes one reading, in millionths of the sensor's unit, that was read at a tick. Readings come in order of time.
	// Encode appends the spikes of the reading, none before at and in any order, and returns the slice.
	Encode(at core.Tick, reading int64, arrivals []Arrival) []Arrival
	// Resume copies what another encoder of the same kind remembers of the readings so far. So an encoder with new parameters can
	// replace it, and the change of parameters is no edge, no crossing and no change of the reading. An encoder of another kind is
	// ignored.
	Resume(from Encoder)
}

// An Arrival is a spike that neurons receive from a sensor.
type Arrival struct {
	At    core.Tick
	Input int // index of the neuron that receives it, among those that the sensor feeds; All: all of them
}

// All is the input of a spike that all neurons of a sensor receive. Only codes that are Spreading have other inputs.
const All = -1

// A Random encoder makes spikes at random.
type Random interface {
	Encoder
	// Reseed begins other random numbers. They depend on the seed of the robot's network, on the name of the sensor, and on the seed
	// in the options.
	Reseed(network uint64, sensor string)
}

// A Relative encoder remembers a reading and encodes the change since then.
type Relative interface {
	Encoder
	// Shift is to be called when the zero of the sensor is moved, so that all readings from now on are higher by this amount. The
	// encoder does not take this for a change.
	Shift(by int64)
}
