// Package daemon wires a configuration into a running robot. It is the only place that knows all the others:
//
//	sensor -> reading -> encoder -> spikes -> network -> spikes -> decoder -> command -> guard -> actuator
//
// One Robot has two drivers. In real time (Run) every sensor is read in a goroutine of its own, one goroutine owns the network and
// sleeps until the next spike or reading is due, and every actuator is written in a goroutine of its own, so that a slow bus delays
// nobody else. In virtual time (Simulate) the same parts advance as one deterministic sequence of events, as fast as the machine
// allows.
//
//	config, err := configs.Load("lightseeker")
//	err = daemon.Run(ctx, config, daemon.RunOptions{Log: slog.Default(), Version: "dev"})
//
// Whatever ends the robot - the context, an error, a panic - its actuators are brought to their failsafe first.
package daemon
