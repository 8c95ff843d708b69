// Package surroundings runs the simulated world around a robot in real time, shows it to clients, and puts things elsewhere in it
// for them: the verbs world and place, and what watch publishes of the world.
//
//	around := surroundings.New(config, world, clock, log)
//	bridge.Start(ctx, bridge.Robot{World: around, ...}, options)
//	around.Run(ctx, surroundings.Robot{Event: event, Episode: bridge.Episode, Again: restart}) // until the context ends
package surroundings

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"fluxd/boards/sim/worlds"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/reward"
	"fluxd/configs"
)

// A World is the world around a robot. Its methods may be called from any goroutine.
type World struct {
	world   worlds.World // nil on a real board, and where nothing changes
	kind    worlds.Kind
	none    string // why there is no world
	clock   func() time.Duration
	log     *slog.Logger
	episode atomic.Int64 // 1 is the first

	mutex  sync.Mutex
	placed map[string]placement // by thing: those that no event has reported yet
}

// placement is where a user has put something.
type placement struct {
	user string
	at   worlds.Point
	when time.Duration
}

// Robot is what a world needs of the robot in it.
type Robot struct {
	Event   func(protocol.EventKind, string)
	Episode func(protocol.Episode) // publishes the score of an episode; nil without MQTT

	// Earn pays the rewards for a score; nil if the robot earns none by that.
	Earn func(ctx context.Context, at time.Duration, score []worlds.Value)
	// Again puts the robot back to its start, after so many episodes.
	Again func(ctx context.Context, episodes uint64) error
	Seed  uint64 // of the first episode; each has another one
}

// New returns the world around a robot. The world is nil where nothing changes.
func New(config *configs.Robot, world worlds.World, clock func() time.Duration, log *slog.Logger) *World {
	w := &World{world: world, clock: clock, log: log, placed: map[string]placement{}}
	options, simulated := config.World()
	w.kind = worlds.KindOf(options)
	switch {
	case !simulated:
		w.none = "the board is real, and so is the world around it: only board: {kind: sim} has a simulated one"
	case world == nil:
		w.none = fmt.Sprintf("nothing changes in the world %s, so there is nothing to see: try board: {kind: sim, world: floor}",
			w.kind.Name)
	}
	w.episode.Store(1)
	return w
}

const (
	// step is how often the world is advanced to the wall clock. It integrates in its own, finer steps.
	step = 5 * time.Millisecond
	// settled is how long a thing must stay where it was put until an event reports it: a user drags it there.
	settled = time.Second
)

// Run advances the world to the clock, and publishes its events, until the context ends. When an episode is over, the next one
// begins. Without a world it returns at once.
func (w *World) Run(ctx context.Context, robot Robot) {
	if w.world == nil {
		return
	}
	ticker := time.NewTicker(step)
	defer ticker.Stop()
	for scored := time.Duration(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		w.world.Advance(w.clock())
		if err := w.world.Err(); err != nil {
			w.log.Error("the world stands still", "error", err)
			return
		}
		w.report(robot)
		if now := w.clock(); robot.Earn != nil && now >= scored {
			scored = now + reward.ScoreEvery
			robot.Earn(ctx, now, w.world.Score().Values)
		}
		if w.world.Over() {
			w.again(ctx, robot)
		}
	}
}

// report publishes what has happened in the world.
func (w *World) report(robot Robot) {
	now := w.clock()
	for _, e := range w.world.Events() {
		kind, _ := protocol.FindEventKind(e.Code) // a test of package protocol checks that it exists
		w.log.Info(kind.Meaning(), "after", now.Round(time.Millisecond), "text", e.Text)
		robot.Event(kind, e.Text)
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for thing, p := range w.placed {
		if now >= p.when+settled {
			delete(w.placed, thing)
			robot.Event(protocol.Placed, fmt.Sprintf("%s at %.3f, %.3f by %s", thing, p.at.X, p.at.Y, p.user))
		}
	}
}

// again begins the next episode. If the robot is not ready for it, the world stays as it is.
func (w *World) again(ctx context.Context, robot Robot) {
	ended := w.episode.Load()
	if robot.Again(ctx, uint64(ended)) != nil {
		return
	}
	score := scoreOf(w.world.Score())
	robot.Event(protocol.EpisodeOver, fmt.Sprintf("episode %d: %s", ended, score.Text))
	if robot.Episode != nil {
		robot.Episode(protocol.Episode{Episode: int(ended), Score: score})
	}
	w.world.Restart(robot.Seed + uint64(ended))
	w.episode.Store(ended + 1)
}

// Score returns the number of the episode, from 1, and its score so far; false where there is no world.
func (w *World) Score() (episode int64, values []worlds.Value, ok bool) {
	if w.world == nil {
		return 0, nil, false
	}
	return w.episode.Load(), w.world.Score().Values, true
}

// refused returns the refusal where there is no world.
func (w *World) refused() error {
	if w.world != nil {
		return nil
	}
	return &protocol.Error{Code: protocol.NotAllowed, Message: w.none}
}

// World implements bridge.World.
func (w *World) World() (protocol.World, error) {
	if err := w.refused(); err != nil {
		return protocol.World{}, err
	}
	return worldOf(w.kind, w.world.Scene()), nil
}

// WorldState implements bridge.World.
func (w *World) WorldState() (protocol.WorldState, error) {
	if err := w.refused(); err != nil {
		return protocol.WorldState{}, err
	}
	episode := w.episode.Load() // before the world: at the border of two episodes, the number is that of the first
	return stateOf(w.world.Moment(), episode), nil
}

// Place implements bridge.World. The placement holds until the end of the episode.
func (w *World) Place(_ context.Context, user, thing string, x, y float64, heading *float64) error {
	if err := w.refused(); err != nil {
		return err
	}
	at := worlds.Point{X: x, Y: y}
	if err := w.world.Place(worlds.Placement{Thing: thing, At: at, Heading: heading}); err != nil {
		return refusalOf(thing, err)
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.placed[thing] = placement{user, at, w.clock()}
	return nil
}
