// Package encoders is the neural code in both directions: encoders turn readings into spikes, decoders turn spikes into commands.
//
// An encoder gets each reading of a sensor, in millionths of its unit. It returns the spikes of that reading: when each
// arrives, and at which of the neurons that the sensor feeds.
//
// A decoder gets the spikes of its motor neurons and computes a command, in millionths of full scale: from those in a sliding
// window, from a trace that each spike raises and that decays, or from the time between two spikes. The command may also change
// without a spike, as when one leaves the window. So a decoder says when this may happen next, and the caller need not poll it.
//
//	// 0 to 2000 lx become 0 to 200 spikes a second
//	eye, err := encoders.NewRate(&encoders.RateOpts{Range: [2]encoders.Amount{{0, "lx"}, {2000e6, "lx"}},
//		Max: 200 * physic.Hertz, Every: 20 * time.Millisecond})
//	arrivals := eye.Encode(at, lux, nil)
//
//	// 100 Hz forward is full speed ahead
//	wheel, err := encoders.NewPushPull(&encoders.PushPullOpts{Full: 100 * physic.Hertz, Window: 100 * time.Millisecond})
//	wheel.Spike(spike.At, encoders.Forward)
//	command, _ := wheel.Command()
//	change, waiting := wheel.Next()
//	wheel.Advance(change)
//
// EncoderKinds and DecoderKinds list all codes. Each has a struct of options, whose tags are the keys of a robot file. Its limits
// and checks hold for robot files and for Go programs.
//
// Encoders and decoders use integers. Most compute like the engine, by addition, comparison, shift and table look-up, and leave
// products and quotients to the time when they are made. They read no clock. They are not safe for concurrent use.
package encoders
