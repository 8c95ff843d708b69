package worlds

import (
	"time"

	"periph.io/x/conn/v3/physic"
)

var floorKind = Kind{
	Name: "floor", About: "a plane for robots on two driven wheels: walls, obstacles, lamps, lines to follow, food",
	Events: []string{lampReached, batteryEmpty}, New: func() Options { return &FloorOpts{} },
}

// lampReached is the code of the event that the robot has reached a lamp.
const lampReached = "lamp_reached"

// batteryEmpty is the code of the event that the battery of the robot is empty: its wheels stand still.
const batteryEmpty = "battery_empty"

// FloorOpts are the options of the world floor. Places are counted to the right and up from the lower left corner of the map,
// angles counterclockwise from the direction to the right. What is random is different in each episode, and depends on its seed.
type FloorOpts struct {
	Width     physic.Distance `yaml:"width" default:"4 m" min:"30 cm" max:"100 m" doc:"of the room, to the right"`
	Depth     physic.Distance `yaml:"depth" default:"3 m" min:"30 cm" max:"100 m" doc:"of the room, up on the map"`
	Walled    bool            `yaml:"walled" default:"true" doc:"walls surround the room; false: the robot can leave it"`
	Walls     []FloorWall     `yaml:"walls" doc:"walls inside, each a list of places that it connects, such as [[1 m, 0 m], [1 m, 2 m]]"`
	Maze      *FloorMaze      `yaml:"maze" doc:"walls that make a maze of the room"`
	Obstacles []FloorObstacle `yaml:"obstacles" doc:"round and rectangular obstacles"`

	Lamps   []FloorLamp `yaml:"lamps" doc:"lamps that the robot can see and reach"`
	Ambient int64       `yaml:"ambient" unit:"lx" default:"15 lx" min:"0 lx" max:"100 klx" doc:"light that is everywhere"`

	Ground string          `yaml:"ground" default:"white" enum:"white,grey,black,red,green,blue,yellow" doc:"colour of the floor"`
	Lines  []FloorLine     `yaml:"lines" doc:"lines on the floor; the first one is the one to follow, later ones lie on top"`
	Spot   physic.Distance `yaml:"spot" default:"6 mm" min:"0.1 mm" max:"10 cm" doc:"diameter of what a line or colour sensor sees of the floor"`

	Food []FloorFood `yaml:"food" doc:"food that the robot eats when it touches it"`

	Start     FloorStart   `yaml:"start" doc:"where the robot starts"`
	Collision string       `yaml:"collision" default:"slide" enum:"slide,stop" doc:"at a wall the robot slides along it, or it stops, with both wheels, until it drives away"`
	Motors    FloorMotors  `yaml:"motors" doc:"how the wheels follow their commands"`
	Battery   FloorBattery `yaml:"battery" doc:"what the motors and the board live on"`

	Goal      string        `yaml:"goal" default:"none" enum:"none,lamp,food,laps,distance" doc:"what counts as success"`
	Target    int64         `yaml:"target" unit:"" default:"1" min:"0.01" max:"1000000" doc:"how much of the goal: lamps, pieces of food, laps, metres"`
	Ends      []string      `yaml:"ends" enum:"goal,bump,off_line" doc:"what ends an episode: goal, bump, off_line (the line is not under the robot any more)"`
	TimeLimit time.Duration `yaml:"time_limit" default:"none" none:"no limit" max:"1h" doc:"length of an episode"`
}

// FloorPlace is a place on the floor.
type FloorPlace = [2]physic.Distance

// FloorWall is a wall along places.
type FloorWall = []FloorPlace

// FloorMaze is a maze of square or oblong cells that fill the room. There is a way from every cell to every other.
type FloorMaze struct {
	Columns int     `yaml:"columns" required:"true" min:"1" max:"100" doc:"cells across the width of the room"`
	Rows    int     `yaml:"rows" required:"true" min:"1" max:"100" doc:"cells across its depth"`
	Loops   int64   `yaml:"loops" unit:"" default:"0" min:"0" max:"1" doc:"share of the walls between cells that are missing; 0: there is one way only"`
	Seed    *uint64 `yaml:"seed" doc:"number of the maze; absent: another maze in each episode"`
}

// FloorObstacle is an obstacle, or some with the same options.
type FloorObstacle struct {
	At        *FloorPlace     `yaml:"at" doc:"place of its middle, such as [3 m, 2 m]; absent: random"`
	Radius    physic.Distance `yaml:"radius" min:"0 m" max:"10 m" doc:"of a round obstacle"`
	Size      *FloorPlace     `yaml:"size" doc:"width and depth of a rectangular obstacle, such as [30 cm, 20 cm]"`
	Turned    physic.Angle    `yaml:"turned" default:"0 °" min:"-360 °" max:"360 °" doc:"by how much a rectangular obstacle is turned, counterclockwise"`
	Number    int             `yaml:"number" default:"1" min:"1" max:"100" doc:"how many, at random places"`
	Clearance physic.Distance `yaml:"clearance" default:"25 cm" min:"0 m" max:"10 m" doc:"least free way around it, at a random place"`
}

// FloorLamp is a lamp, or some with the same options.
type FloorLamp struct {
	At        *FloorPlace     `yaml:"at" doc:"place, such as [3 m, 2 m]; absent: random"`
	Strength  int64           `yaml:"strength" unit:"lx" default:"400 lx" min:"0 lx" max:"1000 klx" doc:"light at a distance of a metre"`
	Reached   string          `yaml:"reached" default:"moves" enum:"moves,stays,goes_out" doc:"what a lamp does that is reached: it moves to a random place, or it counts once, and stays or goes out"`
	Reach     physic.Distance `yaml:"reach" default:"25 cm" min:"1 cm" max:"10 m" doc:"the robot has reached it when its middle is so near"`
	Number    int             `yaml:"number" default:"1" min:"1" max:"32" doc:"how many, at random places"`
	Clearance physic.Distance `yaml:"clearance" default:"50 cm" min:"0 m" max:"10 m" doc:"least distance of a random place from a wall"`
	Apart     physic.Distance `yaml:"apart" default:"1 m" min:"0 m" max:"20 m" doc:"least distance of a random place from the robot"`
}

// FloorLine is a line on the floor.
type FloorLine struct {
	Points  []FloorPlace    `yaml:"points" required:"true" doc:"places that it connects, such as [[1 m, 1 m], [3 m, 1 m], [3 m, 2 m]]"`
	Closed  bool            `yaml:"closed" default:"false" doc:"the last place is connected to the first"`
	Rounded physic.Distance `yaml:"rounded" default:"0 m" min:"0 m" max:"10 m" doc:"radius of the bends; 0: sharp corners"`
	Width   physic.Distance `yaml:"width" default:"18 mm" min:"1 mm" max:"1 m" doc:"of the line"`
	Colour  string          `yaml:"colour" default:"black" enum:"white,grey,black,red,green,blue,yellow" doc:"of the line"`
	Gaps    []FloorGap      `yaml:"gaps" doc:"where it is interrupted"`
}

// FloorGap is a gap in a line.
type FloorGap struct {
	At     physic.Distance `yaml:"at" required:"true" min:"0 m" max:"10 km" doc:"where it begins, along the line from its first place, or from where the first bend of a closed line begins"`
	Length physic.Distance `yaml:"length" default:"10 cm" min:"1 mm" max:"10 m" doc:"along the line"`
}

// FloorFood is a piece of food, or some with the same options.
type FloorFood struct {
	At        *FloorPlace     `yaml:"at" doc:"place, such as [3 m, 2 m]; absent: random"`
	Radius    physic.Distance `yaml:"radius" default:"3 cm" min:"1 mm" max:"1 m" doc:"the robot eats it when its body comes so near to the middle"`
	Returns   bool            `yaml:"returns" default:"true" doc:"eaten food comes back at a random place; false: it is gone"`
	Number    int             `yaml:"number" default:"1" min:"1" max:"200" doc:"how many, at random places"`
	Clearance physic.Distance `yaml:"clearance" default:"20 cm" min:"0 m" max:"10 m" doc:"least distance of a random place from a wall"`
	Apart     physic.Distance `yaml:"apart" default:"30 cm" min:"0 m" max:"20 m" doc:"least distance of a random place from the robot"`
}

// FloorStart is how a robot starts.
type FloorStart struct {
	At        *FloorPlace     `yaml:"at" doc:"place, such as [1 m, 1 m]; absent: random"`
	Heading   *physic.Angle   `yaml:"heading" min:"-360 °" max:"360 °" doc:"direction ahead: 0 ° is to the right, 90 ° up on the map; absent: random"`
	OnLine    bool            `yaml:"on_line" default:"false" doc:"at a random place of the first line, in its direction"`
	Clearance physic.Distance `yaml:"clearance" default:"30 cm" min:"0 m" max:"10 m" doc:"least distance of a random place from a wall; at least the robot's radius"`
}

// FloorMotors are the motors of both wheels.
type FloorMotors struct {
	Lag      time.Duration          `yaml:"lag" default:"50ms" min:"1ms" max:"10s" doc:"time constant with which a wheel follows its command"`
	DeadBand int64                  `yaml:"dead_band" unit:"" default:"0" min:"0" max:"0.9" doc:"commands up to it do not move a wheel; above it the speed rises from 0"`
	Slip     int64                  `yaml:"slip" unit:"" default:"0" min:"0" max:"0.5" doc:"share of a wheel's turning that does not move the robot: random in each step, up to twice as much, by itself for each wheel"`
	Noise    int64                  `yaml:"noise" unit:"" default:"0" min:"0" max:"1" doc:"standard deviation of a wheel's speed, as a share of the top speed; it varies within fifths of a second"`
	Stall    physic.ElectricCurrent `yaml:"stall" default:"1 A" min:"0 A" max:"100 A" doc:"current of a motor that is held at command 1"`
	Free     physic.ElectricCurrent `yaml:"free" default:"100 mA" min:"0 A" max:"100 A" doc:"current of a motor at top speed, on the floor"`
}

// FloorBattery is the battery of the robot. When it is empty, the motors stand still.
type FloorBattery struct {
	Full       physic.ElectricPotential  `yaml:"full" default:"8.4 V" min:"1 V" max:"100 V" doc:"voltage of the full battery, without load"`
	Empty      physic.ElectricPotential  `yaml:"empty" default:"6 V" min:"0 V" max:"100 V" doc:"voltage of the empty battery, without load"`
	Resistance physic.ElectricResistance `yaml:"resistance" default:"100 mohm" min:"0 ohm" max:"50 ohm" doc:"inner resistance: by it the voltage falls under load"`
	Capacity   int64                     `yaml:"capacity" unit:"Ah" default:"2 Ah" min:"0.001 Ah" max:"1000 Ah" doc:"charge of the full battery, with which an episode begins"`
	Board      physic.ElectricCurrent    `yaml:"board" default:"300 mA" min:"0 A" max:"100 A" doc:"current of everything but the motors"`
}

func (o *FloorOpts) physics(robot *Robot) physics { return newFloor(o, &robot.Body) }

// kindred returns how many things an entry of a list stands for.
func kindred(at *FloorPlace, number int) int {
	if at != nil {
		return 1
	}
	return max(number, 1)
}
