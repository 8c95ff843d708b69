// Package bridge connects a robot to the outside over MQTT: it publishes what the robot is, reads and does, and lets clients tune
// it.
//
// Everything stands under flux/<robot>/ as JSON. Some topics are retained, so a client that comes late knows at once how things
// are:
//
//	flux/lightseeker/status            {"state":"online","boot":"5f0c...","version":"1.0"}     retained; also the last will
//	flux/lightseeker/describe          every parameter with its unit, range and default        retained
//	flux/lightseeker/param/<path>      {"v":100,"rev":17,"src":"ann"}                          retained, accepted values only
//	flux/lightseeker/tele/health       latency, spikes, drops, ...                             retained, once a second
//	flux/lightseeker/tele/sensors      name to {"value":412.5,"unit":"lx","age_s":0.012}       10 Hz, mqtt.telemetry
//	flux/lightseeker/req/set           {"id":"u1","ts":...,"ttl_ms":2000,"set":{"<path>":90}}  what a client asks for
//	flux/lightseeker/req/set/ann       the same, under a user's name
//	flux/lightseeker/res/set           {"id":"u1","status":"ok","rev":18,"applied":{...}}      the one answer to it
//	flux/lightseeker/event/<level>     {"ts":...,"code":"sensor_fault","text":"..."}            faults, once each
//
// The broker is an external one, or one that belongs to the robot and runs as another process (package broker, Options.Dial):
//
//	robot := bridge.Robot{Telemetry: r, Safety: r}     // and what else it can: tuned, taught, driven by hand, watched
//	b, err := bridge.Start(ctx, robot, bridge.Options{
//		Robot:  "lightseeker",
//		Broker: "tcp://broker.example:1883",
//		Log:    slog.Default(),
//	})
//	if err != nil { ... }                              // a bad option; a broker that is away is no error
//	defer b.Close()                                    // says offline
//	fmt.Println("watch it: fluxctl watch --broker", b.URL())
//	b.Event(protocol.SensorFault, "left_eye: no answer at I2C1 0x23")
//
// # A robot does not wait for its bridge
//
// Event, and a change of a value, only put a message into a bounded queue. When the broker is slow or away, the oldest messages
// are thrown away and counted; when it comes back, everything retained is published again.
//
// # Requests
//
// A request is executed at most once and answered exactly once. MQTT delivers at least once, so a request whose id was seen
// before is a second delivery: it is neither executed nor answered again. Requests are refused when they are
// older than they allow, when they were retained (nobody knows for how long) and when they are not exactly the JSON that Request
// documents; a misspelt field is refused rather than ignored. The refusals are answers too, with a Code that says why.
package bridge
