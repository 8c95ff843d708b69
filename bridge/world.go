package bridge

import (
	"context"
	"encoding/json"
	"maps"

	"fluxd/bridge/leases"
	"fluxd/bridge/protocol"
)

// World is the simulated world of a robot: the verbs world and place, and what watch publishes of it. A robot without one, and
// one on a real board, returns an error with the code NotAllowed that says why. A method may wait for a step of the world.
type World interface {
	// World returns the world as it is now.
	World() (protocol.World, error)
	// WorldState returns what changes in it. The bridge sets the time.
	WorldState() (protocol.WorldState, error)
	// Place puts a thing, or the robot, somewhere else. The robot keeps its heading if that is nil.
	Place(ctx context.Context, user, thing string, x, y float64, heading *float64) error
}

func (b *Bridge) world(_ context.Context, _ string, _ protocol.Request, to *protocol.Response) error {
	if !b.worldRate.Allow() {
		return refuse(protocol.Busy, "too many requests for the world: try again in a second")
	}
	w, err := b.robot.World.World()
	if err == nil {
		to.World = &w
	}
	return err
}

func (b *Bridge) place(ctx context.Context, user string, r protocol.Request, _ *protocol.Response) error {
	if r.Thing == "" || r.X == nil || r.Y == nil {
		return refuse(protocol.Malformed, `place: expected a thing, x and y, such as {"thing":"lamp[0]","x":1.2,"y":0.4}`)
	}
	return b.robot.World.Place(ctx, user, r.Thing, *r.X, *r.Y, r.Heading)
}

func (b *Bridge) publishWorld(w leases.Wants) {
	if !w.World {
		return
	}
	s, err := b.robot.World.WorldState()
	s.Time = b.clock().UnixMilli()
	s.State, s.Score.Values = finiteOnly(s.State), finiteOnly(s.Score.Values)
	b.publishState(b.topics.World(), s, err)
}

// Episode publishes the score of an episode that is over. It never waits.
func (b *Bridge) Episode(e protocol.Episode) {
	e.Time = b.clock().UnixMilli()
	e.Score.Values = finiteOnly(e.Score.Values)
	payload, err := json.Marshal(e)
	if err != nil {
		return // cannot happen: texts and finite numbers
	}
	b.outbox.put(message{topic: b.topics.Episode(), qos: 1, payload: payload})
}

// finiteOnly returns the numbers that JSON can carry.
func finiteOnly(all map[string]float64) map[string]float64 {
	good := maps.Clone(all)
	maps.DeleteFunc(good, func(_ string, x float64) bool { return !finite(x) })
	return good
}
