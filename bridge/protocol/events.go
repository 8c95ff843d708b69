package protocol

// EventKind is a kind of event. There are only those below: every event that is sent has one of them, and the table in
// docs/mqtt.md is generated from them.
type EventKind struct{ code, level, meaning, remedy string }

// Code returns the name for programs.
func (k EventKind) Code() string { return k.code }

// Level returns LevelInfo, LevelWarning or LevelError, the last level of the event's topic.
func (k EventKind) Level() string { return k.level }

// Meaning returns what has happened, for people.
func (k EventKind) Meaning() string { return k.meaning }

// Remedy returns what to do about it, for people. It is empty if nothing has to be done.
func (k EventKind) Remedy() string { return k.remedy }

// eventKinds are all kinds, in the order of their declarations.
var eventKinds []EventKind

// EventKinds returns all kinds of events.
func EventKinds() []EventKind { return append([]EventKind(nil), eventKinds...) }

// FindEventKind returns the kind with a code, or false if there is none.
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

// The kinds of events that a robot sends.
var (
	Armed = kind("armed", LevelInfo,
		"the actuators obey the network from now on; the text names the user who armed the robot, and says whether the network "+
			"started fresh",
		"")

	Disarmed = kind("disarmed", LevelInfo,
		"the actuators are at failsafe; the text names the user who disarmed the robot",
		"arm to go on")

	NotArmed = kind("not_armed", LevelWarning,
		"the start button was pressed, but the robot cannot be armed; the text lists all the reasons",
		"see the text; after an emergency stop hold the button for two seconds, or disarm, before you arm")

	EmergencyStopped = kind("emergency_stop", LevelError,
		"the actuators are at failsafe; the text names the cause: a user, a switch, a signal",
		"find out why; then disarm, and arm")

	EmergencyStopReleased = kind("emergency_stop_released", LevelInfo,
		"the emergency stop's switch is not pressed any more",
		"disarm, then arm, to go on")

	DrivenByHand = kind("driven_by_hand", LevelWarning,
		"a user drives an actuator by hand, or has armed the robot for it: the network commands nothing; the text names the user",
		"arm to give the robot back to the network")

	NetworkCommands = kind("network_commands", LevelInfo,
		"the network commands the actuators again, after they were driven by hand",
		"")

	Tuned = kind("tuned", LevelInfo,
		"parameters were changed; the text names the user, the revision and the parameters",
		"")

	Rewarded = kind("rewarded", LevelInfo,
		"a user has given a reward, or a punishment; the text names the user, the reward, its value and the spikes",
		"")

	Stimulated = kind("stimulated", LevelInfo,
		"a user has sent spikes into neurons; the text names the user, the neurons and the number of spikes",
		"")

	Saved = kind("saved", LevelInfo, "what was learnt and tuned is saved; the text names the user", "")

	Loaded = kind("loaded", LevelInfo,
		"the weights are those last saved, and what was learnt since is forgotten; the text names the user",
		"")

	Driven = kind("driven", LevelInfo,
		"a user drives an actuator by hand; the text names the user, the actuator and the command",
		"")

	Sensed = kind("sensed", LevelInfo,
		"a user sets what a simulated sensor reads, or presses a simulated switch; the text names the user, the sensor and the value",
		"")

	SensorFault = kind("sensor_fault", LevelError,
		"a sensor does not answer, or its answers make no sense; it is tried again, less and less often",
		"check its wires, its address and its supply: fluxd probe")

	SensorRecovered = kind("sensor_recovered", LevelInfo, "the sensor answers again", "")

	SensorStale = kind("sensor_stale", LevelError,
		"a sensor has had no good reading for longer than its stale: actuators that need it are at failsafe",
		"see its sensor_fault for the reason")

	SensorFresh = kind("sensor_fresh", LevelInfo, "the sensor has good readings again", "")

	SensorZeroed = kind("sensor_zeroed", LevelInfo,
		"the reading of a sensor counts as 0 from now on; the text names the user, and the reading",
		"")

	EdgesLost = kind("edges_lost", LevelWarning,
		"edges of a sensor come faster than they can be processed; some are lost",
		"debounce the switch, shield the wire")

	ActuatorFault = kind("actuator_fault", LevelError,
		"an actuator cannot be written to; it is tried again",
		"check its wires, its address and its supply: fluxd probe")

	ActuatorRecovered = kind("actuator_recovered", LevelInfo, "the actuator can be written to again", "")

	LoopStalled = kind("loop_stalled", LevelError,
		"the control loop does not answer: the actuators are at failsafe",
		"see tele/health for how busy it is: the network may be too large for the machine")

	LoopRecovered = kind("loop_recovered", LevelInfo, "the control loop answers again, and the actuators obey it", "")

	SaveFailed = kind("save_failed", LevelError,
		"what was learnt or tuned cannot be written: it will be lost when the daemon ends",
		"check the disk, and the permissions of the file")

	RobotFileKept = kind("robot_file_kept", LevelInfo,
		"a user has sent a robot file, or taken one back; the text names the user, and says what happens at the next start",
		"fluxctl load-robot --restart tries it at once")

	OnTrial = kind("on_trial", LevelWarning,
		"the robot runs a new robot file on trial: when it starts, a minute before the trial ends, and when it ends",
		"fluxctl load-robot --confirm, if it works; otherwise the robot returns to the file before by itself")

	TrialConfirmed = kind("trial_confirmed", LevelInfo,
		"the robot keeps the file that was on trial; the text names the user",
		"")

	RolledBack = kind("rolled_back", LevelError,
		"the robot has returned to its robot file from before; the text says why",
		"mend the new file, and send it again")

	RobotFileEdited = kind("robot_file_edited", LevelWarning,
		"the robot file on the robot itself was edited, and runs: a file that was sent before is not used any more",
		"send it again if it is still meant to run")

	NameTaken = kind("name_taken", LevelWarning,
		"another robot with the same name has come to the broker: requests go to both",
		"give each robot a different name")

	DiscoveryLost = kind("discovery_lost", LevelWarning,
		"Home Assistant does not find the robot: the broker does not pass on the message for it",
		"check the rights of the robot's user at the external broker")

	EpisodeOver = kind("episode_over", LevelInfo,
		"an episode of the simulated world is over, and the next one has begun; the text says how the robot did",
		"")

	Placed = kind("placed", LevelInfo,
		"something in the simulated world was put elsewhere; the text names the thing, the place and the user",
		"")

	LampReached = kind("lamp_reached", LevelInfo, "the simulated robot has reached the lamp", "")

	BatteryEmpty = kind("battery_empty", LevelWarning,
		"the battery of the simulated robot is empty: its wheels stand still",
		"start fluxd again, or give the battery of the world more capacity")

	RobotFell = kind("robot_fell", LevelInfo, "the simulated robot has fallen", "")
	PoleFell  = kind("pole_fell", LevelInfo, "the pole of the simulated cart has fallen, or the cart has left its track", "")
)
