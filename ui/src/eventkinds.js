// What each event means, and what to do about it. Made by go test ./bridge/protocol -update.
export const eventKinds = {
	armed: {
		meaning: "the actuators obey the network from now on; the text names the user who armed the robot, and says whether the network started fresh",
		remedy: "",
	},
	disarmed: {
		meaning: "the actuators are at failsafe; the text names the user who disarmed the robot",
		remedy: "arm to go on",
	},
	not_armed: {
		meaning: "the start button was pressed, but the robot cannot be armed; the text lists all the reasons",
		remedy: "see the text; after an emergency stop hold the button for two seconds, or disarm, before you arm",
	},
	emergency_stop: {
		meaning: "the actuators are at failsafe; the text names the cause: a user, a switch, a signal",
		remedy: "find out why; then disarm, and arm",
	},
	emergency_stop_released: {
		meaning: "the emergency stop's switch is not pressed any more",
		remedy: "disarm, then arm, to go on",
	},
	driven_by_hand: {
		meaning: "a user drives an actuator by hand, or has armed the robot for it: the network commands nothing; the text names the user",
		remedy: "arm to give the robot back to the network",
	},
	network_commands: {
		meaning: "the network commands the actuators again, after they were driven by hand",
		remedy: "",
	},
	tuned: {
		meaning: "parameters were changed; the text names the user, the revision and the parameters",
		remedy: "",
	},
	rewarded: {
		meaning: "a user has given a reward, or a punishment; the text names the user, the reward, its value and the spikes",
		remedy: "",
	},
	stimulated: {
		meaning: "a user has sent spikes into neurons; the text names the user, the neurons and the number of spikes",
		remedy: "",
	},
	saved: {
		meaning: "what was learnt and tuned is saved; the text names the user",
		remedy: "",
	},
	loaded: {
		meaning: "the weights are those last saved, and what was learnt since is forgotten; the text names the user",
		remedy: "",
	},
	driven: {
		meaning: "a user drives an actuator by hand; the text names the user, the actuator and the command",
		remedy: "",
	},
	sensed: {
		meaning: "a user sets what a simulated sensor reads, or presses a simulated switch; the text names the user, the sensor and the value",
		remedy: "",
	},
	sensor_fault: {
		meaning: "a sensor does not answer, or its answers make no sense; it is tried again, less and less often",
		remedy: "check its wires, its address and its supply: fluxd probe",
	},
	sensor_recovered: {
		meaning: "the sensor answers again",
		remedy: "",
	},
	sensor_stale: {
		meaning: "a sensor has had no good reading for longer than its stale: actuators that need it are at failsafe",
		remedy: "see its sensor_fault for the reason",
	},
	sensor_fresh: {
		meaning: "the sensor has good readings again",
		remedy: "",
	},
	sensor_zeroed: {
		meaning: "the reading of a sensor counts as 0 from now on; the text names the user, and the reading",
		remedy: "",
	},
	edges_lost: {
		meaning: "edges of a sensor come faster than they can be processed; some are lost",
		remedy: "debounce the switch, shield the wire",
	},
	actuator_fault: {
		meaning: "an actuator cannot be written to; it is tried again",
		remedy: "check its wires, its address and its supply: fluxd probe",
	},
	actuator_recovered: {
		meaning: "the actuator can be written to again",
		remedy: "",
	},
	loop_stalled: {
		meaning: "the control loop does not answer: the actuators are at failsafe",
		remedy: "see tele/health for how busy it is: the network may be too large for the machine",
	},
	loop_recovered: {
		meaning: "the control loop answers again, and the actuators obey it",
		remedy: "",
	},
	save_failed: {
		meaning: "what was learnt or tuned cannot be written: it will be lost when the daemon ends",
		remedy: "check the disk, and the permissions of the file",
	},
	robot_file_kept: {
		meaning: "a user has sent a robot file, or taken one back; the text names the user, and says what happens at the next start",
		remedy: "fluxctl load-robot --restart tries it at once",
	},
	on_trial: {
		meaning: "the robot runs a new robot file on trial: when it starts, a minute before the trial ends, and when it ends",
		remedy: "fluxctl load-robot --confirm, if it works; otherwise the robot returns to the file before by itself",
	},
	trial_confirmed: {
		meaning: "the robot keeps the file that was on trial; the text names the user",
		remedy: "",
	},
	rolled_back: {
		meaning: "the robot has returned to its robot file from before; the text says why",
		remedy: "mend the new file, and send it again",
	},
	robot_file_edited: {
		meaning: "the robot file on the robot itself was edited, and runs: a file that was sent before is not used any more",
		remedy: "send it again if it is still meant to run",
	},
	name_taken: {
		meaning: "another robot with the same name has come to the broker: requests go to both",
		remedy: "give each robot a different name",
	},
	discovery_lost: {
		meaning: "Home Assistant does not find the robot: the broker does not pass on the message for it",
		remedy: "check the rights of the robot's user at the external broker",
	},
	episode_over: {
		meaning: "an episode of the simulated world is over, and the next one has begun; the text says how the robot did",
		remedy: "",
	},
	placed: {
		meaning: "something in the simulated world was put elsewhere; the text names the thing, the place and the user",
		remedy: "",
	},
	lamp_reached: {
		meaning: "the simulated robot has reached the lamp",
		remedy: "",
	},
	battery_empty: {
		meaning: "the battery of the simulated robot is empty: its wheels stand still",
		remedy: "start fluxd again, or give the battery of the world more capacity",
	},
	robot_fell: {
		meaning: "the simulated robot has fallen",
		remedy: "",
	},
	pole_fell: {
		meaning: "the pole of the simulated cart has fallen, or the cart has left its track",
		remedy: "",
	},
}
