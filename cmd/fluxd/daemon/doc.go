// Package daemon makes a running robot of a configuration. It is the only place that knows all the others:
//
//	sensor -> reading -> encoder -> spikes -> network -> spikes -> decoder -> command -> guard -> actuator
//
// Its files follow that way. A robot is put together in parts.go and lives in life.go. A reading comes from package sense; loop.go hands it
// to the network in real time and virtual.go in virtual time; think.go makes spikes of it, advances the network and shows its spikes to
// the decoders; act.go takes the commands to the guards. Beside the way are what drives by hand (hand.go), teaches (teach.go), tunes
// (tune.go), keeps what was learnt (keep.go), shows (observe.go, spikes.go), and the link to MQTT (link.go).
//
// One Robot has two drivers. In real time (Run) every sensor is read in its own goroutine, one goroutine owns the network and sleeps until
// the next spike or reading is due, and every actuator is written in its own goroutine, so that a slow bus delays nothing else. In virtual
// time (Simulate) the same parts advance as one deterministic sequence of events, as fast as the machine allows.
//
//	config, err := configs.Load("lightseeker")
//	err = daemon.Run(ctx, config, daemon.RunOptions{Log: slog.Default(), Version: "dev"})
//
// Whatever ends the robot - the context, an error, a panic - its actuators are brought to their failsafe first.
package daemon
