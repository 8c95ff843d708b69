package encoders

import "fluxd/core"

// A Decoder turns the spikes of motor neurons into a command.
type Decoder interface {
	// Spike is handed each spike of the decoder's neurons, in order of time; input says which of them fired, counted from 0 as the
	// decoder was made.
	Spike(at core.Tick, input int)
	// Expire forgets what has left the window at a tick.
	Expire(at core.Tick)
	// Next returns when something leaves the window; false when it is empty.
	Next() (core.Tick, bool)
	// Command returns the command as it stands, in millionths of full scale (or as the decoder's choices say), and false when there
	// is none.
	Command() (int64, bool)
	// Dropped counts the spikes that were forgotten early because the window held more than WindowSpikes, which a window of
	// minutes may with busy neurons: the command is of the latest then. Like the other methods it is called by whoever owns the
	// decoder.
	Dropped() uint64
	// Resume goes on where another decoder of the same neurons, with other parameters, has left off: it takes over the spikes in its
	// window, and the other one must not be used any more. A longer window does not bring back what has left the shorter one.
	Resume(from Decoder)
	// Clear empties the window, as it was when the decoder was made. What was dropped stays counted.
	Clear()

	spikes() *window
}

// FullScale is the command of a decoder that asks for all the actuator has.
const FullScale = 1_000_000
