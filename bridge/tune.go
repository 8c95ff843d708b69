package bridge

import (
	"context"

	"fluxd/bridge/protocol"
)

// Tuner reads and changes parameters: the verbs get, set and reset.
type Tuner interface {
	// Get returns the values of parameters; without paths, of all.
	Get(paths []string) (map[string]protocol.Reading, protocol.Revision, error)
	// AddLearnt adds what synapses have learnt to values that Get has returned.
	AddLearnt(ctx context.Context, values map[string]protocol.Reading) error
	// Revision returns the number of transactions so far.
	Revision() protocol.Revision
	// Set changes parameters in one transaction: all take effect at one tick, or none does. With ifRevision it returns an error
	// unless that is the current revision. It returns the values in effect and the revision; with an error, the current revision.
	Set(ctx context.Context, user string, changes map[string]float64, ifRevision *protocol.Revision) (
		applied map[string]float64, rev protocol.Revision, err error)
	// Reset sets parameters to the values of the robot file, as Set does; without paths, all that were tuned.
	Reset(ctx context.Context, user string, paths []string, ifRevision *protocol.Revision) (
		applied map[string]float64, rev protocol.Revision, err error)
	// Keep returns when the change of a revision is on the disk, if changes are to be kept. It may take as long as the disk does. An
	// error says that the change is in effect, but will be lost.
	Keep(rev protocol.Revision) error
}

func (b *Bridge) get(ctx context.Context, _ string, r protocol.Request, to *protocol.Response) error {
	values, rev, err := b.robot.Tuner.Get(r.Paths)
	to.Rev = rev
	if err != nil {
		return err
	}
	if err := b.robot.Tuner.AddLearnt(ctx, values); err != nil {
		return err
	}
	to.Values = values
	return nil
}

func (b *Bridge) set(ctx context.Context, user string, r protocol.Request, to *protocol.Response) error {
	if len(r.Set) == 0 {
		return refuse(protocol.Malformed, `set: expected at least one change, such as {"network.neurons.eye.threshold":90}`)
	}
	applied, rev, err := b.robot.Tuner.Set(ctx, user, r.Set, r.IfRevision)
	return b.accepted(to, applied, rev, err)
}

func (b *Bridge) reset(ctx context.Context, user string, r protocol.Request, to *protocol.Response) error {
	applied, rev, err := b.robot.Tuner.Reset(ctx, user, r.Paths, r.IfRevision)
	return b.accepted(to, applied, rev, err)
}

// accepted fills in the answer with the values in effect, and publishes them: for a large population one message.
func (b *Bridge) accepted(to *protocol.Response, applied map[string]float64, rev protocol.Revision, err error) error {
	to.Rev = rev
	if err != nil {
		return err
	}
	to.Applied = applied
	if len(applied) == 0 {
		return nil
	}
	changed := map[string]bool{}
	for path := range applied {
		if !b.parameters[path] {
			path = protocol.PopulationPath(path)
		}
		changed[path] = true
	}
	b.publishValues(sorted(changed), b.outbox.put)
	return nil
}

// writeTuned writes an accepted change. Changes that were accepted while the disk was busy are written together.
func (b *Bridge) writeTuned(_ context.Context, u *unwritten) error {
	if err := b.robot.Tuner.Keep(u.response.Rev); err != nil {
		u.response.Warning = err.Error()
	}
	return nil
}

// revision returns the current revision; 0 for a robot without a Tuner.
func (b *Bridge) revision() protocol.Revision {
	if b.robot.Tuner == nil {
		return 0
	}
	return b.robot.Tuner.Revision()
}
