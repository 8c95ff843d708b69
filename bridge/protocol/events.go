package protocol

// EventKind is a kind of event. There are no others than those below: who sends an event takes one of them, and the table in
// docs/mqtt.md is made of them.
type EventKind struct{ code, level, meaning, remedy string }

// Code returns what programs know it by.
func (k EventKind) Code() string { return k.code }

// Level returns the last level of its topic: LevelInfo, LevelWarning or LevelError.
func (k EventKind) Level() string { return k.level }

// Meaning returns what has happened, for people.
func (k EventKind) Meaning() string { return k.meaning }

// Remedy returns what to do about it, for people; empty where there is nothing to do.
func (k EventKind) Remedy() string { return k.remedy }

// eventKinds are all kinds, in the order in which they stand below.
var eventKinds []EventKind

// EventKinds returns all kinds of events.
func EventKinds() []EventKind { return append([]EventKind(nil), eventKinds...) }

// FindEventKind returns the kind with a code; false where there is none.
func FindEventKind(code string) (EventKind, bool) {
	for _, k := range eventKinds {
		if k.code == code {
			return k, true
		}
	}
	return EventKind{}, false
}

func kind(code, level, meaning, remedy string) EventKind {
	k := EventKind{code, level, meaning, remedy}
	eventKinds = append(eventKinds, k)
	return k
}

// What a robot tells of.
var (
	Armed = kind("armed", LevelInfo, "the actuators obey from now on; the text says who armed, and whether the network began anew", "")

	Disarmed = kind("disarmed", LevelInfo, "the actuators are at failsafe; the text says who disarmed", "arm to go on")

	NotArmed = kind("not_armed", LevelWarning, "somebody has pressed the start button, and something speaks against arming the robot; the text lists all of it",
		"see the text; after an emergency stop hold the button for two seconds, or disarm, before you arm")

	EmergencyStopped = kind("emergency_stop", LevelError, "the actuators are at failsafe; the text says who or what stopped the robot: a user, a switch, a signal",
		"find out why; then disarm, and arm")

	EmergencyStopReleased = kind("emergency_stop_released", LevelInfo, "the switch of the emergency stop is not pressed any more", "disarm, then arm, to go on")

	DrivenByHand = kind("driven_by_hand", LevelWarning, "somebody drives an actuator by hand, or has armed the robot for it: the network commands nothing; the text says who",
		"arm to give the robot back to the network")

	NetworkCommands = kind("network_commands", LevelInfo, "the network commands again after somebody has driven by hand", "")

	Tuned = kind("tuned", LevelInfo, "parameters were changed; the text says who did it, the revision, and which", "")

	SensorFault = kind("sensor_fault", LevelError, "a sensor does not answer, or answers nonsense; it is tried again, ever more rarely", "look at its wires, its address and its supply: fluxd probe")

	SensorRecovered = kind("sensor_recovered", LevelInfo, "the sensor answers again", "")

	SensorStale = kind("sensor_stale", LevelError, "a sensor has had no good reading for longer than its stale: actuators that need it are at failsafe", "see its sensor_fault for the reason")

	SensorFresh = kind("sensor_fresh", LevelInfo, "the sensor has good readings again", "")

	SensorZeroed = kind("sensor_zeroed", LevelInfo, "what a sensor read is 0 from now on; the text says who asked for it, and what it read", "")

	EdgesLost = kind("edges_lost", LevelWarning, "edges of a sensor come faster than they can be taken; some are lost", "debounce the switch, shield the wire")

	ActuatorFault = kind("actuator_fault", LevelError, "an actuator cannot be written to; it is tried again", "look at its wires, its address and its supply: fluxd probe")

	ActuatorRecovered = kind("actuator_recovered", LevelInfo, "the actuator answers again", "")

	LoopStalled = kind("loop_stalled", LevelError, "the network's loop does not answer: the actuators are at failsafe", "see tele/health for how busy it is: the network may be too large for the machine")

	LoopRecovered = kind("loop_recovered", LevelInfo, "the loop answers again, and the actuators obey", "")

	SaveFailed = kind("save_failed", LevelError, "what was learnt or tuned cannot be written: it will be lost at the end", "look at the disk, and at the rights to the file")

	NameTaken = kind("name_taken", LevelWarning, "another robot with the same name has come to the broker: requests go to both", "give each robot another name")

	DiscoveryLost = kind("discovery_lost", LevelWarning, "Home Assistant does not find the robot: the broker does not pass on the message for it", "see the rights of the robot's user, in this page")

	LampReached = kind("lamp_reached", LevelInfo, "the simulated robot has reached the lamp", "")
)
