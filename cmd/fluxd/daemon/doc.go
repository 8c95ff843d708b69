// Package daemon runs one robot. It is the only package that knows nearly all the others:
//
//	config, err := configs.Load("lightseeker")
//	err = daemon.Run(ctx, config, daemon.RunOptions{Log: slog.Default(), Version: "dev"})
//
// Run returns when the context ends. Whatever ends the robot - the context, an error, a panic - its actuators go to failsafe
// first.
//
// # The way of a spike, from pin to pin
//
// A bumper on GPIO17 starts a motor on GPIO12. These are the files that the signal passes, in this order; paths without a folder
// are in this one:
//
//	file                        function                what happens there
//	cmd/fluxd/sense/watch.go    Sensor.Watch            the sensor's goroutine waits for an edge (or samples, with every)
//	cmd/fluxd/sense/sensor.go   Sensor.Edge             asks the device, and looks after it when it fails
//	sensors/button.go           Button.Next             debounces: a reading, in millionths of a unit, with its time
//	boards/linux/pin.go         Pin.NextEdge            below it, the pin: the kernel has stamped the edge with its time
//	loop.go                     Robot.handOver          puts the reading into the loop's bounded queue (life.go joins it to Watch)
//	loop.go                     Robot.loop              the loop's goroutine, which owns the network, wakes up
//	loop.go                     Robot.pass, accept      takes the reading out
//	network.go                  Robot.feed              counts from the sensor's zero; gives it to rewards and to the encoder
//	encoders/edge.go            Edge.Encode             the reading becomes spikes (one file for each kind)
//	core/input.go               Network.Excite, Pour    the spikes become inputs of a neuron
//	core/advance.go             Network.Advance         judges the neurons that inputs and arrivals reach
//	core/advance.go             Network.send            a spike leaves on the efferent synapses of its neuron
//	core/queue.go               queue.push              its arrivals wait there, or in accumulators.go, for the synapses' delays
//	network.go                  Robot.advance           gives the spikes of motor neurons to their decoders
//	encoders/window.go          window.Spike            the decoder counts the spike in its window
//	encoders/count.go           Count.Command           the spikes in the window become a command (one file for each kind)
//	act.go                      Robot.decide            a command that has changed goes to the actuator's mailbox
//	act.go                      Robot.act, write        the actuator's goroutine takes it out
//	actuators/guard.go          Guard.Set, Step         range, slew rate, arming, timeout and failsafe decide what is written
//	actuators/hbridge.go        HBridge.Drive           the driver turns the command into duty cycle and direction
//	boards/linux/pin.go         Pin.PWM, Out            the pins of the board: duty cycle and direction
//	boards/linux/pwm.go         pwm.set                 the kernel's PWM channel gets the new duty cycle
//
// A sensor that is read (with every) passes cmd/fluxd/hardware/sensors.go before Watch sees its reading: frozen readings, the
// median filter and the calibration curve. To stop the motor, its neuron stops spiking: the spikes leave the window one by one
// (window.Expire), and the command falls.
//
// On the simulated board, boards/sim takes the place of boards/linux: its pins, and chips that answer on its buses.
//
// # Two drivers for the same parts
//
// In real time (Run), every sensor is read in its own goroutine, one goroutine owns the network and sleeps until the next spike
// or reading is due, and every actuator is written in its own goroutine, so that a slow bus delays nothing else. In virtual time
// (Simulation), virtual.go calls the same functions as one deterministic sequence of events, as fast as the machine allows.
// There, nothing runs concurrently: sensors are read, the network advances and guards are stepped in one goroutine.
//
// # The order in which to read the files
//
//  1. robot.go: the parts of a robot. parts.go makes them from a configuration.
//  2. loop.go, network.go, act.go: the way of a spike in real time, as above.
//  3. virtual.go: the same in virtual time.
//  4. life.go: how a robot starts, runs and ends. link.go connects it to MQTT.
//  5. needs.go: which actuators stop when a sensor is stale. Package safety does the rest: arming, emergency stops, stalled
//     loops.
//  6. What a user asks for while it runs, in any order: hand.go (drive by hand, arm, disarm), zero.go (a sensor's zero),
//     teach.go (rewards and stimuli), tune.go (parameters), keep.go (files of learnt weights and tuned values),
//     observe.go (telemetry). Package inspect shows the network.
//  7. check.go finds mistakes without a board. reflex.go is the smallest robot, for measurements.
package daemon
