package encoders

import "fluxd/core"

// An Encoder turns readings into spikes.
type Encoder interface {
	// Encode is handed one reading, in millionths of the sensor's unit, and the tick at which it was taken, in order of time. It
	// appends the ticks at which the afferent neuron receives a spike, none before at, and returns the slice.
	Encode(at core.Tick, reading int64, arrivals []core.Tick) []core.Tick
	// Resume goes on where another encoder of the same kind, with other parameters, has left off: it takes over what that one
	// remembers of the readings so far, so that tuning is no edge, no crossing and no change. One of another kind is ignored.
	Resume(from Encoder)
}

// A Relative encoder remembers a reading and codes what has changed since.
type Relative interface {
	Encoder
	// Shift says that all readings from now on are higher by so much than they would have been, because their zero was moved: that is no
	// change.
	Shift(by int64)
}
