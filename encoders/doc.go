// Package encoders is the neural code, both ways: readings become spikes, spikes become commands.
//
// An encoder is handed each reading of a sensor, in millionths of its unit, and answers with the ticks at which the afferent
// neuron receives a spike. A decoder is handed the spikes of its motor neurons and keeps a command, in millionths of full scale,
// over a sliding window; it says when that command will next change by itself, so that nobody has to poll it:
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
//	wheel.Expire(change)
//
// EncoderKinds and DecoderKinds list all sorts of codes. Each has one struct of options beside it, whose tags are the keys of a
// robot file; its limits and mistakes hold for files and for Go programs.
//
// Like the engine they serve, encoders and decoders change their state by integer addition, comparison, shift and table look-up
// alone; whatever needs a product or a quotient is computed when they are made. They read no clock and are not safe for
// concurrent use.
package encoders
