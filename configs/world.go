package configs

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"fluxd/boards/sim/worlds"
	"fluxd/configs/rewards"
	"fluxd/configs/spelling"
	"fluxd/configs/strict"
	"fluxd/files"
	"fluxd/options"
	"fluxd/sensors"
)

// World is the file of a simulated world.
type World struct {
	Kind    string         `yaml:"world" required:"true"`
	Options worlds.Options // of the kind
}

// Kinds returns the worlds of package worlds.
func (*World) Kinds() (key string, kinds []strict.Kind) {
	for _, k := range worlds.Kinds {
		kinds = append(kinds, strict.Kind{Name: k.Name, About: k.About, New: func() any { return k.New() }})
	}
	return "world", kinds
}

// WorldSchema returns the JSON Schema (draft 2020-12) of a world's file, for editors.
func WorldSchema() []byte { return strict.Schema(reflect.TypeFor[World](), "fluxd world") }

// ParseWorld reads the text of a world's file. Source is its name in messages. If the text has mistakes, the error is Errors.
func ParseWorld(source string, data []byte) (worlds.Options, error) {
	d, err := strict.NewDecoder(source, data)
	if errors.Is(err, strict.ErrEmpty) {
		return nil, Errors{{Source: source, Message: "empty: expected a world, such as world: floor"}}
	}
	if err != nil {
		return nil, err
	}
	if keys := strict.Keys(d.Root()); slices.Contains(keys, "robot") {
		return nil, Errors{{Source: source, Line: 1, Column: 1, Message: "this is a robot; expected a world, such as world: floor"}}
	}
	var w World
	d.Decode(&w, "the world")
	if w.Options != nil && !d.Exhausted() {
		d.Check("", w.Options)
	}
	return w.Options, d.Err()
}

// worldNamed returns the options of a world: one that comes with fluxd, or the one of a file, which open reads.
// Its path is relative to a folder.
func worldNamed(name, folder string, open func(name string) ([]byte, error)) (worlds.Options, error) {
	if !strings.ContainsAny(name, `./\`) {
		if data, err := worlds.Files.ReadFile(name + ".yaml"); err == nil {
			return ParseWorld(name, data)
		}
		if kind, ok := worlds.Find(name); ok {
			return ParseWorld(name, []byte("world: "+kind.Name))
		}
		return nil, fmt.Errorf("%q: expected one of %s, or the path of a world's file, such as ./garden.yaml%s", strict.Shorten(name),
			strings.Join(worlds.Names(), ", "), spelling.Hint(name, worlds.Names()))
	}
	data, err := open(name)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", strict.Shorten(name), reason(err))
	}
	opts, err := ParseWorld(name, data)
	if located, is := opts.(worlds.Located); is && err == nil {
		located.Below(filepath.Join(folder, filepath.Dir(name)))
	}
	return opts, err
}

// besides returns a function that reads a file below the robot file's folder.
func besides(folder fs.FS) func(name string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		name = strings.TrimPrefix(name, "./")
		if !fs.ValidPath(name) {
			return nil, errors.New("expected a path below the robot file's folder, with / and without ..")
		}
		f, err := folder.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		var text bytes.Buffer
		if _, err := io.Copy(&text, io.LimitReader(f, MaxSize+1)); err != nil {
			return nil, err
		}
		if text.Len() > MaxSize {
			return nil, fmt.Errorf("expected at most %d MiB", MaxSize>>20)
		}
		return text.Bytes(), nil
	}
}

// world finds the world of a simulated board, and refuses what in the robot does not go with it.
func (v *validator) world() {
	b := &v.robot.Board
	if b.Kind != "sim" {
		v.scoreless("a real board has no score")
		for _, m := range worlds.Strangers(v.robot.Simulated()) {
			v.Fail(m.Path, "%v", m.Err)
		}
		for _, s := range v.robot.Sensors {
			if s.Value.Device == "simulated" {
				v.Fail("sensors."+s.Name+".device", "only a simulated world has quantities that no device measures: board: {kind: sim}")
			}
		}
		return
	}
	if !v.Readable("board.world") {
		return
	}
	folder, open := filepath.Dir(v.robot.Source), besides(v.robot.Files)
	if b.given != "" {
		folder = ""
		open = func(name string) ([]byte, error) { return files.Read(name, MaxSize) }
	}
	opts, err := worldNamed(b.World, folder, open)
	var wrong Errors
	switch {
	case errors.As(err, &wrong):
		v.Include(wrong)
		return
	case err != nil:
		v.Fail("board.world", "%v", err)
		return
	}
	b.Options = opts
	if v.Mistakes() > 0 {
		return // a robot that is not whole would have mistakes that follow from others
	}
	refused, _ := worlds.Check(opts, v.robot.Simulated())
	for _, m := range refused {
		v.Fail(cmp.Or(m.Path, "board.world"), "%v", m.Err)
	}
	if refused == nil && slices.ContainsFunc(v.robot.Rewards, func(r Named[rewards.Reward]) bool { return scored(&r.Value) }) {
		v.scores(opts)
	}
}

// scored reports whether the score of a world earns a reward.
func scored(r *rewards.Reward) bool { return r.From == "score" && r.Value != "right" }

// scoreless warns of rewards for a score where there is none.
func (v *validator) scoreless(why string) {
	for _, r := range v.robot.Rewards {
		if scored(&r.Value) {
			v.Warn("rewards."+r.Name, "this reward is never paid: %s; expected from: sensor, or a reward by fluxctl", why)
		}
	}
}

// scores checks the names of the numbers that earn rewards.
func (v *validator) scores(opts worlds.Options) {
	names, known := worlds.Numbers(opts, v.robot.Simulated())
	switch {
	case !known:
		return
	case names == nil:
		v.scoreless("nothing changes in the world " + v.robot.Board.World)
		return
	}
	for _, r := range v.robot.Rewards {
		if scored(&r.Value) && !slices.Contains(names, r.Value.Value) {
			v.Fail("rewards."+r.Name+".value", "%q: the score of the world %s has %s%s", strict.Shorten(r.Value.Value),
				v.robot.Board.World, strings.Join(names, ", "), spelling.Hint(r.Value.Value, names))
		}
	}
}

// World returns the options of the simulated board's world. It returns false for a real board, and for a world that does not
// exist.
func (r *Robot) World() (worlds.Options, bool) {
	return r.Board.Options, r.Board.Kind == "sim" && r.Board.Options != nil
}

// Simulated returns what a simulated world knows of the robot.
func (r *Robot) Simulated() *worlds.Robot {
	robot := &worlds.Robot{Body: r.Body}
	for _, c := range r.Wiring() {
		robot.Wiring = append(robot.Wiring, worlds.Connection{
			Path: c.Path, Name: c.Name, Device: c.Device, Role: c.Role, Pin: c.Pin, Bus: c.Bus, Address: c.Address,
			Input: c.Direction == "in", ActiveLow: c.ActiveLow,
		})
	}
	for _, s := range r.Sensors {
		one := worlds.Sensor{Name: s.Name, Device: s.Value.Device, Measure: s.Value.Measure, Unit: s.Value.unit(),
			Meaning:  s.Value.meaning(),
			Settings: options.Values(s.Value.Options)}
		if simulated, is := s.Value.Options.(*sensors.SimulatedOpts); is {
			one.Measure = simulated.Quantity
		}
		if len(s.Value.Curve) > 0 {
			one.Raw, one.Bent = inverse(s.Value.Curve)
		}
		robot.Sensors = append(robot.Sensors, one)
	}
	for _, a := range r.Actuators {
		robot.Actuators = append(robot.Actuators, worlds.Device{Name: a.Name, Device: a.Value.Device,
			Settings: options.Values(a.Value.Options)})
	}
	for _, e := range r.Expanders {
		robot.Expanders = append(robot.Expanders, worlds.Device{Name: e.Name, Device: e.Value.Device,
			Settings: options.Values(e.Value.Options)})
	}
	return robot
}

// meaning returns the unit of the readings: behind the curve, if there is one.
func (c *Sensor) meaning() string {
	if len(c.Curve) > 0 {
		return c.Curve[0][1].Unit
	}
	return c.unit()
}

// unit returns the unit of what the device measures.
func (c *Sensor) unit() string {
	if c.Options != nil {
		for _, m := range c.Options.Measures() {
			if m.Name == c.Measure {
				return m.Unit
			}
		}
	}
	return ""
}

// inverse returns the function from a curve's output to its input; bent says why there is none. Beyond the ends it is the input
// at the end.
func inverse(pairs [][2]Quantity) (raw func(int64) int64, bent string) {
	points := make([][2]int64, len(pairs)) // output, input
	for i, p := range pairs {
		points[i] = [2]int64{p[1].Micro, p[0].Micro}
	}
	if points[0][0] > points[len(points)-1][0] {
		slices.Reverse(points)
	}
	for i := 1; i < len(points); i++ {
		if points[i][0] <= points[i-1][0] {
			return nil, "its outputs neither rise nor fall all the way"
		}
	}
	return func(out int64) int64 {
		for i := 1; i < len(points); i++ {
			if from, to := points[i-1], points[i]; out <= to[0] {
				if out <= from[0] {
					return from[1]
				}
				share := float64(out-from[0]) / float64(to[0]-from[0])
				return from[1] + int64(float64(share*float64(to[1]-from[1])))
			}
		}
		return points[len(points)-1][1]
	}, ""
}
