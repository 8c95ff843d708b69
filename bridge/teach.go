package bridge

import (
	"context"

	"fluxd/bridge/protocol"
)

// Teacher sends spikes into the network, and saves what it learns from them: the verbs reward, stimulate, save and load.
type Teacher interface {
	// Reward sends spikes into the modulator neurons of a reward of the robot file, and Stimulate into neurons by name, from the
	// next tick on. They return how many. If a name is unknown, they return an error and send nothing. A reward that yields no spike
	// returns a protocol.Warning with the reason.
	Reward(ctx context.Context, name string, value float64) (spikes int, err error)
	Stimulate(ctx context.Context, trains map[string]protocol.Train) (spikes int, err error)
	// Save writes what the robot has learnt and what was tuned. Load replaces what it has learnt by what was last saved. A robot
	// without a file for it returns an error.
	Save(ctx context.Context) error
	Load(ctx context.Context) error
}

func (b *Bridge) reward(ctx context.Context, _ string, r protocol.Request, to *protocol.Response) (err error) {
	if r.Reward == "" || r.Value == nil || !finite(*r.Value) {
		return refuse(protocol.Malformed, `reward: expected a name and a value, such as {"reward":"praise","value":1}`)
	}
	to.Spikes, err = b.robot.Teacher.Reward(ctx, r.Reward, *r.Value)
	return err
}

func (b *Bridge) stimulate(ctx context.Context, _ string, r protocol.Request, to *protocol.Response) (err error) {
	if err := checkTrains(r.Stimulate); err != nil {
		return err
	}
	to.Spikes, err = b.robot.Teacher.Stimulate(ctx, r.Stimulate)
	return err
}

// checkTrains refuses trains with a count or an interval out of range.
func checkTrains(trains map[string]protocol.Train) error {
	if len(trains) == 0 {
		return refuse(protocol.Malformed, `stimulate: expected at least one neuron, such as {"eye":{"count":5,"every_us":2000}}`)
	}
	for _, name := range sorted(trains) {
		t := trains[name]
		apart := t.Every >= 1 && t.Every <= 1_000_000 || t.Every == 0 && t.Count == 1
		if t.Count < 1 || t.Count > protocol.MaxTrain || !apart {
			e := refuse(protocol.Malformed, "stimulate: expected a count of 1 to %d and an every_us of 1 to 1000000, got %d and %d",
				protocol.MaxTrain, t.Count, t.Every)
			e.Path = name
			return e
		}
	}
	return nil
}

func (b *Bridge) save(ctx context.Context, _ *unwritten) error {
	return b.robot.Teacher.Save(ctx)
}

func (b *Bridge) load(ctx context.Context, _ *unwritten) error {
	return b.robot.Teacher.Load(ctx)
}

// Loader keeps a robot file that a user sends, for the next start: the verb load_robot.
type Loader interface {
	LoadRobot(ctx context.Context, user string, r protocol.Request) (*protocol.RobotFile, error)
}

func (b *Bridge) loadRobot(ctx context.Context, u *unwritten) (err error) {
	u.response.Robot, err = b.robot.Loader.LoadRobot(ctx, u.user, u.request)
	return err
}
