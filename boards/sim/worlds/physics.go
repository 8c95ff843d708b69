package worlds

import (
	"time"

	"fluxd/splitmix64"
)

// physics is what makes a world differ from another: its state, how a step of time changes it, and what can be sensed in it. A
// stepped world does the rest. Only one goroutine at a time uses a physics.
type physics interface {
	// step is the length of a step.
	step() time.Duration
	// parts are the names of what actuators can move, such as left_wheel, with one phrase each.
	parts() []part
	// quantities are what sensors can sense; nil if a program says it, for every sensor.
	quantities() []quantity
	// sense returns a function that returns a quantity as a sensor at a mount senses it at present, in the sensor's unit; an error
	// if the mount does not go with it. It must work before reset.
	sense(s *Sensor, m *Mount, what string) (func() float64, error)
	// reset begins an episode.
	reset(random *splitmix64.Random)
	// advance moves on by one step. The commands are those of the parts, in their order, from -1 to 1; 0 for a part that no actuator
	// moves.
	advance(commands []float64)
	// over reports whether the episode has ended.
	over() bool
	// score says how well the robot has done after so many steps of this episode.
	score(steps int64) Score
	// events returns the events since the last call.
	events() []Event
	// picture draws the world with so many characters; "" if there is nothing to draw, or no room.
	picture(columns, rows int) string
	// state returns the state in SI units, by name.
	state() map[string]float64
}

// A part is something in a world that an actuator can move.
type part struct {
	Name, Doc string
	Needed    bool // a robot without it hardly belongs in this world: check warns
}
