package encoders

import "fluxd/core"

// A Decoder turns the spikes of motor neurons into a command.
type Decoder interface {
	// Spike adds a spike of one of the decoder's neurons. Spikes come in order of time. input is the index of the neuron in
	// DecoderOptions.Neurons.
	Spike(at core.Tick, input int)
	// Expire removes the spikes that have left the window at a tick.
	Expire(at core.Tick)
	// Next returns when the next spike leaves the window, and false if the window is empty.
	Next() (core.Tick, bool)
	// Command returns the current command, in millionths of full scale (for choices: the value of the chosen one), and false if
	// there is none.
	Command() (int64, bool)
	// Dropped returns how many spikes were removed early because the window held WindowSpikes. This can happen in a window of
	// minutes with busy neurons. The command then counts only the latest spikes.
	Dropped() uint64
	// Resume takes over the spikes in the window of another decoder of the same neurons, which has other parameters. The other one
	// must not be used any more. A longer window does not bring back the spikes that have left a shorter one.
	Resume(from Decoder)
	// Clear empties the window. The count of dropped spikes stays.
	Clear()

	spikes() *window
}

// FullScale is the command for the most that the actuator can do.
const FullScale = 1_000_000
