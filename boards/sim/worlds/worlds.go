// Package worlds has the worlds of simulated robots. A world gives the devices of a robot something to sense, and changes with
// what its actuators do. It takes the robot from its file: twins of its devices are put at the pins and addresses that the file
// names, and the file's body says what the actuators move and where the sensors look.
//
//	kind, ok := worlds.Find("floor")
//	board := sim.New(clock)
//	world, err := worlds.Open(kind.New(), board, &robot, seed)
//	if err != nil {
//		return err
//	}
//	world.Advance(20 * time.Millisecond)
//	fmt.Println(world.Score().Text)
//	fmt.Print(world.Picture(64, 24))
//
// Each world has a file and a line in Kinds. Its options stand in a YAML file; those that come with fluxd are in Files. A world
// is a physics, which says how its state changes in a step of time, and what can be sensed in it; the rest is the same for all.
//
// A world with the same seed and the same commands goes through the same states, to the last bit, on every processor. So it does
// when things are put elsewhere in it, each between the same two steps. A World may be used from any goroutine.
package worlds

import (
	"embed"
	"errors"
	"reflect"
	"slices"
	"strings"
	"time"

	"fluxd/boards/sim"
	"fluxd/options"
)

// A Kind is a kind of world.
type Kind struct {
	Name   string         // in a world's file: "floor"
	About  string         // one phrase: what a robot finds there
	Events []string       // the codes of its events
	New    func() Options // returns options with nothing set, not even the defaults
}

// Kinds lists all worlds. The first is the default.
var Kinds = []Kind{noneKind, tableKind, floorKind, gaitKind, cartPoleKind, balanceKind, heatKind, conditioningKind, execKind}

// Files has the worlds that come with fluxd beside the kinds: NAME.yaml.
//
//go:embed *.yaml
var Files embed.FS

// Names returns the names of all worlds that come with fluxd: the files and the kinds.
func Names() (names []string) {
	for _, k := range Kinds {
		names = append(names, k.Name)
	}
	entries, err := Files.ReadDir(".")
	if err != nil {
		panic(err) // it is embedded
	}
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}

// Find returns the kind with a name; false if there is none.
func Find(name string) (Kind, bool) {
	i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return Kinds[i], true
}

// KindOf returns the kind of world that has some options.
func KindOf(o Options) Kind {
	i := slices.IndexFunc(Kinds, func(k Kind) bool { return reflect.TypeOf(k.New()) == reflect.TypeOf(o) })
	if i < 0 {
		return Kind{}
	}
	return Kinds[i]
}

// Options are the options of a world, as in its file. Their fields have the tags of package options.
type Options interface {
	// Check returns the mistakes that no limit shows.
	Check() []options.Mistake
	// physics returns what happens in the world; nil if nothing changes.
	physics(robot *Robot) physics
}

// Located are options with files beside the world's own.
type Located interface {
	Options
	// Below sets the folder of the world's file.
	Below(folder string)
}

// A World is a world that changes.
type World interface {
	// Advance moves on to a time since the start. An earlier time does nothing.
	Advance(at time.Duration)
	// Score returns how well the robot has done so far in this episode. It depends only on the seed, the commands of the
	// actuators, and the placements.
	Score() Score
	// Over reports whether the episode has ended. Nothing changes any more until Restart.
	Over() bool
	// Restart begins another episode at the present time: the world is as at the start with this seed.
	Restart(seed uint64)
	// Events returns the events since the last call.
	Events() []Event
	// Picture draws the world from above, with at most so many characters; it returns "" if these are too few.
	Picture(columns, rows int) string
	// State returns the present state, for JSON: numbers in SI units, by name.
	State() map[string]float64
	// Quantity returns a quantity that simulated sensors can read, in millionths of its unit; false if there is none with this name.
	Quantity(name string) (read func(at time.Duration) int64, ok bool)
	// Err returns why the world stands still for good; nil while it does not. Only a world that another process computes can fail.
	Err() error
	// Draw draws the world and the way of the robot, for a file; a drawing without shapes if there is nothing to draw.
	Draw() Drawing
	// Scene returns what does not move by itself, and all things that can be put elsewhere.
	Scene() Scene
	// Moment returns how the world is now.
	Moment() Moment
	// Place puts a thing elsewhere, until the end of the episode. An error is a *Misplaced, and then nothing has changed.
	Place(p Placement) error
	// Close ends what a world has started outside this process. The world stands still afterwards.
	Close() error
}

// Score says how well a robot has done in an episode.
type Score struct {
	Text    string  // one line: "reached the lamp after 3.210 s"
	Goal    string  // what counts as success: "reached the lamp"; "" where nothing does
	Reached bool    // the robot has reached the goal
	Values  []Value // the same in numbers, always in the same order
}

// Value is a number of a score.
type Value struct {
	Name   string // with its unit, for programs: "lamps", "first_s"
	Number float64
}

// Event is an event in a world.
type Event struct {
	Code string // for programs; one of the codes of a robot's events
	Text string // for people
}

// Check compares a robot with a world. It returns what the world refuses, and what it does not know, which does nothing there.
func Check(o Options, robot *Robot) (refused, unknown []*Mistake) {
	p := o.physics(robot)
	if p != nil {
		return check(p, robot)
	}
	refused = Strangers(robot)
	for i := range robot.Sensors {
		if s := &robot.Sensors[i]; s.Device == "simulated" {
			refused = append(refused, wrong("sensors."+s.Name, "nothing changes in this world, which has no %s", s.Measure))
		}
	}
	if _, none := o.(*NoneOpts); none {
		unknown = unanswered(robot)
	}
	return refused, unknown
}

// Open connects a robot's devices to a board, and makes the world; it returns nil if nothing in the world changes. Every world
// has the robot's expanders, because their pins are pins of the board, and its switches, which are not pressed. A line that the
// world releases (sim.Pin.Release) is a broken wire. An error is a Mistake.
func Open(o Options, board *sim.Board, robot *Robot, seed uint64) (World, error) {
	b := &builder{board: board, robot: robot, wiring: robot.Wiring, expanders: map[string]sim.Device{}}
	if err := b.common(); err != nil {
		return nil, err
	}
	if _, none := o.(*NoneOpts); none {
		return nil, nil
	}
	p := o.physics(robot)
	if p == nil {
		return nil, b.devices(func([]*Sensor) senses { return nil })
	}
	if refused, _ := check(p, robot); len(refused) > 0 {
		return nil, refused[0]
	}
	w, err := newStepped(p, b, seed)
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}
