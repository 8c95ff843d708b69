package protocol

// World is the simulated world that a robot lives in, as it is now: the answer to the verb world. Lengths are in metres, angles
// in radians, counterclockwise from the direction of x.
type World struct {
	Kind   string     `json:"kind"`  // such as "floor"
	About  string     `json:"about"` // one phrase, for people
	Width  float64    `json:"width"` // of what is shown: X1 - X0
	Height float64    `json:"height"`
	X0     float64    `json:"x0"` // its lower left corner
	Y0     float64    `json:"y0"`
	X1     float64    `json:"x1"` // its upper right corner
	Y1     float64    `json:"y1"`
	Shapes []Shape    `json:"shapes"`          // what does not move by itself; each covers those before it; empty without a picture
	Things []Thing    `json:"things"`          // what can be put elsewhere, without the robot
	Robot  *RobotPose `json:"robot,omitempty"` // nil where the robot has no place

	// Version is that of the shapes and things. WorldState has it too: when it is another one, ask again.
	Version int64 `json:"version"`
	LeftOut int   `json:"left_out,omitempty"` // shapes and things for which a message of MaxWorld bytes has no room
}

// MaxWorld is the size of the largest answer to the verb world, in bytes, about: every broker passes it on.
const MaxWorld = 2*MaxRequest - 16<<10

// Area is a rectangle: its lower left and its upper right corner.
type Area struct {
	X0 float64 `json:"x0"`
	Y0 float64 `json:"y0"`
	X1 float64 `json:"x1"`
	Y1 float64 `json:"y1"`
}

// Point is a place: x and y.
type Point [2]float64

// Shape is a part of the picture of a world. With Text it is a text, with Radius a circle, otherwise the line through its points
// or, if it is closed, the polygon that has them as its corners.
type Shape struct {
	Style  string  `json:"style"`  // what it shows: "ground", "wall", "line", "lamp", "heat", "food", "goal", "path", "robot" ...
	Points []Point `json:"points"` // of a circle its middle, of a text the left end of its base line
	Closed bool    `json:"closed,omitempty"`
	Radius float64 `json:"radius,omitempty"`
	Width  float64 `json:"width,omitempty"` // of a line; 0: a thin line
	Text   string  `json:"text,omitempty"`
}

// Thing is something in a world that can be put elsewhere, such as a lamp.
type Thing struct {
	Name    string   `json:"name"` // for the verb place: "lamp[0]"
	Kind    string   `json:"kind"` // "lamp", "obstacle" or "food"
	X       float64  `json:"x"`    // of its middle
	Y       float64  `json:"y"`
	Heading *float64 `json:"heading,omitempty"` // nil for a thing without a direction
	Radius  float64  `json:"radius,omitempty"`  // of the smallest circle around it
	Gone    bool     `json:"gone,omitempty"`    // it is not there at present: a lamp is out, food is eaten
	*Area            // where its middle can be put, as far as it is free there; only in the answer to the verb world
}

// RobotPose is where a simulated robot is. Its name for the verb place is ThingRobot. Of a cart with a pole, the heading is the
// angle of the pole: 0 is upright, and positive to the right.
type RobotPose struct {
	X       float64 `json:"x"`
	Y       float64 `json:"y"`
	Heading float64 `json:"heading"`
	Radius  float64 `json:"radius,omitempty"` // in the answer to the verb world, as is where the robot can be put
	*Area
}

// ThingRobot is the name of the robot itself for the verb place.
const ThingRobot = "robot"

// WorldState is what changes in a world, published at the rate of telemetry while a client watches it.
type WorldState struct {
	Time    int64              `json:"ts"`      // when it was published, in milliseconds since 1970; set by the bridge
	Version int64              `json:"version"` // of the World that it belongs to
	Robot   *RobotPose         `json:"robot,omitempty"`
	State   map[string]float64 `json:"state"`            // by name, in SI units
	Things  []Thing            `json:"things,omitempty"` // those that move by themselves, or go out
	Shapes  []Shape            `json:"shapes,omitempty"` // what moves, to be drawn over the shapes of World
	Score   Score              `json:"score"`            // so far in this episode
	Episode int                `json:"episode"`          // 1 is the first
	*Area                      // what must be in view now; nil without a picture
}

// Score says how well a simulated robot has done in an episode.
type Score struct {
	Text    string             `json:"text"`    // for people: "reached the lamp after 3.210 s"
	Goal    string             `json:"goal"`    // what counts as success: "reached the lamp"; "" where nothing does
	Reached bool               `json:"reached"` // the robot has reached the goal
	Values  map[string]float64 `json:"values"`  // the same in numbers, by name with its unit: "first_s"
}

// Episode is the score of an episode that is over.
type Episode struct {
	Time    int64 `json:"ts"`      // when it ended, in milliseconds since 1970; set by the bridge
	Episode int   `json:"episode"` // 1 is the first
	Score   Score `json:"score"`
}
