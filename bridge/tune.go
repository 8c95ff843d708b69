package bridge

import (
	"context"

	"fluxd/bridge/protocol"
)

// Tuner has parameters that can be read and changed: the verbs get, set and reset.
type Tuner interface {
	// Get returns the values of parameters, of all without paths.
	Get(paths []string) (map[string]protocol.Reading, protocol.Revision, error)
	// AddLearnt fills in what synapses have learnt, among values that Get returned.
	AddLearnt(ctx context.Context, values map[string]protocol.Reading) error
	// Revision counts the transactions so far.
	Revision() protocol.Revision
	// Set changes parameters for somebody in one transaction: all are checked first, then all take effect at one tick, or none
	// does. With ifRevision it fails unless that is the revision. It returns what is in effect, and the revision, which on a
	// refusal is the present one.
	Set(ctx context.Context, who string, changes map[string]float64, ifRevision *protocol.Revision) (
		applied map[string]float64, rev protocol.Revision, err error)
	// Reset gives parameters the values of the configuration, as a Set does; all without paths.
	Reset(ctx context.Context, who string, paths []string, ifRevision *protocol.Revision) (
		applied map[string]float64, rev protocol.Revision, err error)
	// Keep returns when the accepted change of a revision outlives the run, if changes are to. It may take as long as a disk
	// does. An error says that the change, which is in effect, will be lost.
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

func (b *Bridge) set(ctx context.Context, who string, r protocol.Request, to *protocol.Response) error {
	if len(r.Set) == 0 {
		return refuse(protocol.Malformed, `set: expected at least one change, such as {"network.neurons.eye.threshold":90}`)
	}
	applied, rev, err := b.robot.Tuner.Set(ctx, who, r.Set, r.IfRevision)
	return b.accepted(to, applied, rev, err)
}

func (b *Bridge) reset(ctx context.Context, who string, r protocol.Request, to *protocol.Response) error {
	applied, rev, err := b.robot.Tuner.Reset(ctx, who, r.Paths, r.IfRevision)
	return b.accepted(to, applied, rev, err)
}

// accepted answers with the values that are in effect now, and publishes them, those of a large population together.
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

// writeTuned has what was accepted written. Changes that came in while the disk was busy are written together.
func (b *Bridge) writeTuned(_ context.Context, to *protocol.Response) error {
	if err := b.robot.Tuner.Keep(to.Rev); err != nil {
		to.Warning = err.Error()
	}
	return nil
}

// revision is the present one; 0 of a robot that cannot be tuned.
func (b *Bridge) revision() protocol.Revision {
	if b.robot.Tuner == nil {
		return 0
	}
	return b.robot.Tuner.Revision()
}
