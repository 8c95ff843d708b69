// Package encoders is the neural code, both ways: readings become spikes, spikes become commands.
//
// An encoder is handed each reading of a sensor, in millionths of its unit, and answers with the ticks at which the afferent
// neuron receives a spike. A decoder is handed the spikes of its motor neurons and keeps a command, in millionths of full scale,
// over a sliding window; it says when that command will next change by itself, so that nobody has to poll it:
//
//	eye, err := encoders.NewRate(0, 2000e6, 200e6, 20*time.Millisecond) // 0 to 2000 lx become 0 to 200 spikes a second
//	arrivals := eye.Encode(at, lux, nil)
//
//	wheel, err := encoders.NewPushPull(100e6, 100*time.Millisecond) // 100 Hz forward is full speed ahead
//	wheel.Spike(spike.At, encoders.Forward)
//	command, _ := wheel.Command()
//	change, waiting := wheel.Next()
//	wheel.Expire(change)
//
// Like the engine they serve, encoders and decoders change their state by integer addition, comparison, shift and table look-up
// alone; whatever needs a product or a quotient is computed when they are made. They read no clock and are not safe for
// concurrent use.
package encoders
