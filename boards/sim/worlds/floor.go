package worlds

import (
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/options"
)

var floorKind = Kind{
	Name: "floor", About: "a plane for robots on two driven wheels: walls, lamps, lines to follow, food",
	Events: []string{lampReached}, New: func() Options { return &FloorOpts{} },
}

// lampReached is the code of the event that the robot has reached a lamp.
const lampReached = "lamp_reached"

// FloorOpts are the options of the world floor. Places are counted in metres to the right and up from the lower left corner,
// angles counterclockwise from the direction to the right.
type FloorOpts struct {
	Width  physic.Distance `yaml:"width" default:"4 m" min:"30 cm" max:"100 m" doc:"of the room, to the right"`
	Depth  physic.Distance `yaml:"depth" default:"3 m" min:"30 cm" max:"100 m" doc:"of the room, upwards on the map"`
	Walled bool            `yaml:"walled" default:"true" doc:"walls surround the room; false: the robot can leave it"`
	Walls  []FloorWall     `yaml:"walls" doc:"walls inside, each a list of at least two places that it connects, such as [[1 m, 0 m], [1 m, 2 m]]"`

	Lamps   []FloorLamp `yaml:"lamps" doc:"lamps: see below"`
	Ambient int64       `yaml:"ambient" unit:"lx" default:"15 lx" min:"0 lx" max:"100 klx" doc:"light that is everywhere"`

	Start     FloorStart  `yaml:"start" doc:"where the robot starts: see below"`
	Collision string      `yaml:"collision" default:"slide" enum:"slide,stop" doc:"at a wall the robot slides along it, or stops with both wheels until it drives away from it"`
	Motors    FloorMotors `yaml:"motors" doc:"how its motors follow their commands: see below"`
}

// FloorPlace is a place on the floor.
type FloorPlace = [2]physic.Distance

// FloorWall is a wall along places.
type FloorWall = []FloorPlace

// FloorLamp is a lamp, or some with the same options.
type FloorLamp struct {
	At        *FloorPlace     `yaml:"at" doc:"place, such as [3 m, 2 m]; absent: random"`
	Strength  int64           `yaml:"strength" unit:"lx" default:"400 lx" min:"0 lx" max:"1000 klx" doc:"light at a distance of a metre"`
	Moves     bool            `yaml:"moves" default:"true" doc:"a reached lamp moves to a random place; false: it stays, and counts once"`
	Reach     physic.Distance `yaml:"reach" default:"25 cm" min:"1 cm" max:"10 m" doc:"the robot has reached it when its middle is so near"`
	Clearance physic.Distance `yaml:"clearance" default:"50 cm" min:"0 m" max:"10 m" doc:"least distance of a random place from a wall"`
	Apart     physic.Distance `yaml:"apart" default:"1 m" min:"0 m" max:"20 m" doc:"least distance from the robot at the start, and of a random place that it moves to"`
}

// FloorStart is how a robot starts.
type FloorStart struct {
	At        *FloorPlace     `yaml:"at" doc:"place, such as [1 m, 1 m]; absent: random"`
	Heading   *physic.Angle   `yaml:"heading" min:"-360 °" max:"360 °" doc:"direction ahead: 0 ° is to the right, 90 ° up on the map; absent: random"`
	Clearance physic.Distance `yaml:"clearance" default:"30 cm" min:"0 m" max:"10 m" doc:"least distance of a random place from a wall; at least the robot's radius"`
}

// FloorMotors are the motors of both wheels.
type FloorMotors struct {
	Lag time.Duration `yaml:"lag" default:"50ms" min:"1ms" max:"10s" doc:"time constant with which a wheel follows its command"`
}

// Check implements Options.
func (o *FloorOpts) Check() (wrong []options.Mistake) { return nil }

func (o *FloorOpts) physics(robot *Robot) physics { return newFloor(o, &robot.Body) }
