package surroundings

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"

	"fluxd/boards/sim/worlds"
	"fluxd/bridge/protocol"
)

// mostNumbers is how many numbers of a world's state are published. A world of conditioning has one for each bell.
const mostNumbers = 200

// worldOf returns the answer to the verb world. What has no room is left out and counted.
func worldOf(kind worlds.Kind, s worlds.Scene) protocol.World {
	area := areaOf(s.Low, s.High)
	a := protocol.World{Kind: kind.Name, About: kind.About, Width: area.X1 - area.X0, Height: area.Y1 - area.Y0, X0: area.X0,
		Y0: area.Y0,
		X1: area.X1, Y1: area.Y1, Shapes: []protocol.Shape{}, Things: []protocol.Thing{}, Version: s.Version}
	room := protocol.MaxWorld
	fits := func(part any) bool {
		text, err := json.Marshal(part)
		room -= len(text) + 1
		if err != nil || room < 0 {
			a.LeftOut++
			return false
		}
		return true
	}
	for _, t := range s.Things {
		one := thingOf(t)
		one.Area = areaOf(t.Low, t.High)
		if t.Kind == worlds.ThingRobot {
			a.Robot = poseOf(t)
			a.Robot.Radius, a.Robot.Area = one.Radius, one.Area
		} else if fits(one) {
			a.Things = append(a.Things, one)
		}
	}
	for _, shape := range joined(s.Shapes) {
		if one := shapeOf(shape); fits(one) {
			a.Shapes = append(a.Shapes, one)
		}
	}
	return a
}

// stateOf returns what is published of a world while a client watches it.
func stateOf(m worlds.Moment, episode int64) protocol.WorldState {
	s := protocol.WorldState{State: m.State, Score: scoreOf(m.Score), Episode: int(episode), Version: m.Version}
	if len(s.State) > mostNumbers {
		s.State = map[string]float64{}
		for _, name := range slices.Sorted(maps.Keys(m.State))[:mostNumbers] {
			s.State[name] = m.State[name]
		}
	}
	for _, t := range m.Things {
		if t.Kind == worlds.ThingRobot {
			s.Robot = poseOf(t)
		} else {
			s.Things = append(s.Things, thingOf(t))
		}
	}
	for _, shape := range m.Shapes {
		s.Shapes = append(s.Shapes, shapeOf(shape))
	}
	if m.High.X > m.Low.X {
		s.Area = areaOf(m.Low, m.High)
	}
	return s
}

func scoreOf(s worlds.Score) protocol.Score {
	all := protocol.Score{Text: s.Text, Goal: s.Goal, Reached: s.Reached, Values: map[string]float64{}}
	for _, v := range s.Values {
		all.Values[v.Name] = v.Number
	}
	return all
}

func thingOf(t worlds.Thing) protocol.Thing {
	one := protocol.Thing{Name: t.Name, Kind: string(t.Kind), X: rounded(t.At.X), Y: rounded(t.At.Y), Radius: rounded(t.Radius),
		Gone: t.Gone}
	if t.Turns {
		heading := rounded(t.Heading)
		one.Heading = &heading
	}
	return one
}

func poseOf(t worlds.Thing) *protocol.RobotPose {
	return &protocol.RobotPose{X: rounded(t.At.X), Y: rounded(t.At.Y), Heading: rounded(t.Heading)}
}

func areaOf(low, high worlds.Point) *protocol.Area {
	return &protocol.Area{X0: rounded(low.X), Y0: rounded(low.Y), X1: rounded(high.X), Y1: rounded(high.Y)}
}

func shapeOf(s worlds.Shape) protocol.Shape {
	one := protocol.Shape{Style: string(s.Style), Points: make([]protocol.Point, len(s.Points)), Closed: s.Closed,
		Radius: rounded(s.Radius), Width: rounded(s.Width), Text: s.Text}
	for i, p := range s.Points {
		one.Points[i] = protocol.Point{rounded(p.X), rounded(p.Y)}
	}
	return one
}

// rounded rounds to a tenth of a millimetre or of a milliradian, for short messages.
func rounded(x float64) float64 { return math.Round(x*1e4) / 1e4 }

// mostPoints is how many points a joined line has at most, so that not all of a long one is left out.
const mostPoints = 200

// joined makes one line of lines that go on where the one before ends.
func joined(shapes []worlds.Shape) (all []worlds.Shape) {
	line := func(s worlds.Shape) bool { return !s.Closed && s.Radius == 0 && s.Text == "" && len(s.Points) > 1 }
	for _, s := range shapes {
		if last := len(all) - 1; last >= 0 && line(s) && line(all[last]) && s.Style == all[last].Style && s.Width == all[last].Width {
			if end := all[last].Points; len(end) < mostPoints && end[len(end)-1] == s.Points[0] {
				all[last].Points = append(end, s.Points[1:]...)
				continue
			}
		}
		s.Points = slices.Clone(s.Points)
		all = append(all, s)
	}
	return all
}

// refusalOf returns why a thing cannot be put somewhere, as a *protocol.Error.
func refusalOf(thing string, err error) error {
	var m *worlds.Misplaced
	switch {
	case !errors.As(err, &m):
		return err
	case m.Range != nil:
		return protocol.Refuse(m.Part, m.Range[0], m.Range[1], thing+": "+m.Reason)
	case m.Part == "thing":
		return &protocol.Error{Code: protocol.UnknownThing, Path: "thing", Message: thing + ": " + m.Reason}
	}
	return &protocol.Error{Code: protocol.NotAllowed, Path: m.Part, Message: thing + ": " + m.Reason}
}
