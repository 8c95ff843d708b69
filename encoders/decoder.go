package encoders

import (
	"math"

	"fluxd/core"
)

// A Decoder turns the spikes of motor neurons into a command. The command changes with a spike, and as time passes: spikes leave
// a window, a trace decays, a silence gets too long. Next says when, so the caller need not poll. The command at a tick depends
// on the spikes up to that tick, not on how often a decoder is asked.
type Decoder interface {
	// Spike adds a spike of one of the decoder's neurons. Spikes come in order of time, and not before a tick that Advance had.
	// input is the index of the neuron in DecoderOptions.Neurons.
	Spike(at core.Tick, input int)
	// Advance lets time pass to a tick. It does nothing if that tick is before Next.
	Advance(at core.Tick)
	// Next returns when the command may change without a spike, and false if it stays until the next spike.
	Next() (core.Tick, bool)
	// Command returns the current command, in millionths of full scale (for choices: the value of the chosen one), and false if
	// there is none. Like Resume, it is called when all spikes of a tick are known.
	Command() (int64, bool)
	// Resume takes over what another decoder of the same kind and the same neurons remembers; the other one has other parameters,
	// and must not be used any more. What it has forgotten does not come back: a longer window does not have the spikes that have
	// left a shorter one. A decoder of another kind is ignored.
	Resume(from Decoder)
	// Clear forgets all spikes.
	Clear()
}

// A Bounded decoder has room for WindowSpikes spikes. When there are more, which can happen in a window of minutes with busy
// neurons, it removes the oldest early. The command then depends only on the latest spikes.
type Bounded interface {
	Decoder
	// Dropped returns how many spikes were removed early. Clear does not reset it.
	Dropped() uint64
}

// FullScale is the command for the most that the actuator can do.
const FullScale = 1_000_000

// later returns a tick some ticks later; the last tick there is, if that would be beyond it.
func later(at, by core.Tick) core.Tick {
	if by > math.MaxInt64-max(at, 0) {
		return math.MaxInt64
	}
	return at + by
}

// since returns how long after an earlier tick another is; 0 if it is not later.
func since(earlier, at core.Tick) core.Tick {
	switch {
	case at <= earlier:
		return 0
	case earlier < 0 && at > math.MaxInt64+earlier:
		return math.MaxInt64
	}
	return at - earlier
}
