// Package bridge connects a robot to an MQTT broker. It publishes what the robot is, senses and does, and carries out requests of
// clients: to read and tune parameters, to teach, to drive by hand, to arm and to stop.
//
// All topics begin with flux/<robot>/. Payloads are JSON, except for spikes. Retained messages show a client that connects later
// the current state at once:
//
//	flux/lightseeker/status            {"state":"online","boot":"5f0c...","version":"1.0"}     retained; offline is the last will
//	flux/lightseeker/describe          every parameter with its unit, range and default        retained
//	flux/lightseeker/param/<path>      {"v":100,"rev":17,"src":"ann"}                          retained; the accepted value
//	flux/lightseeker/tele/health       latency, spikes, drops, ...                             retained, once a second
//	flux/lightseeker/tele/sensors      {"left_eye":{"value":412.5,"unit":"lx","age_s":0.012}}  10 Hz, mqtt.telemetry
//	flux/lightseeker/req/set           {"id":"u1","ts":...,"ttl_ms":2000,"set":{"<path>":90}}  a request
//	flux/lightseeker/req/set/ann       the same, under a user's name
//	flux/lightseeker/res/set           {"id":"u1","status":"ok","rev":18,"applied":{...}}      the answer to it
//	flux/lightseeker/event/<level>     {"ts":...,"code":"sensor_fault","text":"..."}           faults and changes, once each
//
// The broker is an external one, or the robot's own in another process (package broker; Options.Dial connects to it):
//
//	robot := bridge.Robot{Telemetry: r, Safety: r}     // and what else it supports: Tuner, Teacher, ByHand, Spikes
//	b, err := bridge.Start(ctx, robot, bridge.Options{
//		Robot:  "lightseeker",
//		Broker: "tcp://broker.example:1883",
//		Log:    slog.Default(),
//	})
//	if err != nil { ... }                              // an invalid option; an absent broker is no error
//	defer b.Close()                                    // publishes offline
//	fmt.Println("watch it: fluxctl watch --broker", b.URL())
//	b.Event(protocol.SensorFault, "left_eye: no answer at I2C1 0x23")
//
// # The robot never waits for its bridge
//
// Event, and a change of a value, only put a message into a bounded queue. While the broker is slow or away, the oldest messages
// are dropped and counted. When it is back, the bridge publishes everything retained again.
//
// # Requests
//
// A request is executed at most once and answered once. MQTT may deliver a message twice, so a request whose id was seen before
// is ignored: it is neither executed nor answered again. A request is refused if it is older than its ttl_ms, if it was retained
// (its age is unknown), and if it is not exactly the JSON that protocol.Request documents. A misspelt key is an error. A refusal
// is an answer too: its Code says why.
//
// A flood can cost an answer: requests for which there is no room are answered "busy" at a limited rate, and the rest is dropped
// and counted. Requests to stop are obeyed even then. The robot has three connections to its broker, since a broker ends one that
// has to take more than its reader can: one for disarm and estop, one for what every user may ask, and one for all the rest.
package bridge
