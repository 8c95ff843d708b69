package bridge

import (
	"context"
	"time"

	"fluxd/bridge/leases"
	"fluxd/bridge/protocol"
)

const (
	// spikesEvery is the time between two batches of spikes.
	spikesEvery = 50 * time.Millisecond
	// maxBatch is how many spikes a message has at most: about 64 KiB.
	maxBatch = 20_000
)

// SpikeSource provides the spikes of the network, for the verb watch.
type SpikeSource interface {
	// FollowSpikes returns a reader of all spikes from now on.
	FollowSpikes() SpikeReader
}

// SpikeReader reads spikes. It belongs to one goroutine.
type SpikeReader interface {
	// Read appends the spikes since the last call, in order of time, and returns how many others were lost.
	Read(to []protocol.Spike) (all []protocol.Spike, lost uint64)
	// Leave ends the reading. The robot need not keep spikes for it any more.
	Leave()
}

func (b *Bridge) watch(_ context.Context, _ string, r protocol.Request, _ *protocol.Response) error {
	if longest := protocol.MaxLease.Milliseconds(); r.Lease < 1 || r.Lease > longest {
		return refuse(protocol.Malformed, "lease_ms: expected 1 to %d, got %d: send another request before it ends", longest, r.Lease)
	}
	wants := leases.Wants{Spikes: r.Spikes, Learning: r.Learning, World: r.World, Neurons: r.Neurons}
	if !r.Learning && !r.World && len(r.Neurons) == 0 {
		wants.Spikes = true
	}
	if err := b.mayWatch(wants); err != nil {
		return err
	}
	return b.lease(time.Duration(r.Lease)*time.Millisecond, wants)
}

// mayWatch refuses what this robot does not have.
func (b *Bridge) mayWatch(w leases.Wants) error {
	missing := func(key string) error {
		return &protocol.Error{Code: protocol.NotAllowed, Path: key, Message: "this robot does not publish it"}
	}
	switch {
	case w.Spikes && b.robot.Spikes == nil:
		return missing("spikes")
	case w.Learning && b.robot.Inspector == nil:
		return missing("learning")
	case len(w.Neurons) > 0 && b.robot.Inspector == nil:
		return missing("neurons")
	case w.World && b.robot.World == nil:
		return missing("world")
	}
	if len(w.Neurons) > 0 {
		if err := b.robot.Inspector.CheckNeurons(w.Neurons); err != nil {
			return err
		}
	}
	if w.World {
		_, err := b.robot.World.WorldState()
		return err
	}
	return nil
}

// lease has something published for a time from now on.
func (b *Bridge) lease(length time.Duration, w leases.Wants) error {
	if err := b.leases.Add(b.running(), length, w); err != nil {
		return err
	}
	if w.Spikes {
		signal(b.spikesBegin)
	}
	if w.Learning || w.World || len(w.Neurons) > 0 {
		signal(b.watchBegins)
	}
	return nil
}

// running returns the time since the start. Unlike the wall clock it does not jump.
func (b *Bridge) running() time.Duration { return time.Since(b.started) }

// signal leaves a token in a channel for one.
func signal(token chan<- struct{}) {
	select {
	case token <- struct{}{}:
	default:
	}
}

// publishSpikes publishes spikes while there is a lease.
func (b *Bridge) publishSpikes() {
	var spikes []protocol.Spike
	for {
		select {
		case <-b.ctx.Done():
			return
		case <-b.spikesBegin:
		}
		reader := b.robot.Spikes.FollowSpikes()
		ticker := time.NewTicker(spikesEvery)
		for b.leases.At(b.running()).Spikes {
			select {
			case <-b.ctx.Done():
				ticker.Stop()
				reader.Leave()
				return
			case <-ticker.C:
			}
			var lost uint64
			spikes, lost = reader.Read(spikes[:0])
			b.outbox.dropped.Add(lost)
			if !b.client.IsConnectionOpen() {
				continue
			}
			for rest := spikes; len(rest) > 0; {
				n := min(len(rest), maxBatch)
				b.outbox.put(message{topic: b.topics.Spikes(), payload: protocol.EncodeSpikes(nil, rest[:n])})
				rest = rest[n:]
			}
		}
		ticker.Stop()
		reader.Leave()
	}
}
