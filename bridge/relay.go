package bridge

import (
	"context"
	"time"

	"fluxd/bridge/protocol"
)

const (
	// spikesEvery is the time between two batches of spikes.
	spikesEvery = 50 * time.Millisecond
	// batchMost bounds the spikes of one message: some 64 KiB.
	batchMost = 20_000
)

// SpikeSource has the spikes of the network for those who watch it: the verb watch.
type SpikeSource interface {
	// FollowSpikes returns a reader of all spikes from now on.
	FollowSpikes() SpikeReader
}

// SpikeReader reads spikes. It belongs to one goroutine.
type SpikeReader interface {
	// Read appends the spikes since the last call, in order, and says how many more were lost.
	Read(to []protocol.Spike) (all []protocol.Spike, lost uint64)
	// Leave ends the reading: the robot need not keep spikes any more.
	Leave()
}

func (b *Bridge) watch(_ context.Context, _ string, r protocol.Request, _ *protocol.Response) error {
	if most := protocol.MaxLease.Milliseconds(); r.Lease < 1 || r.Lease > most {
		return refuse(protocol.Malformed, "lease_ms: expected 1 to %d, got %d: ask again before it ends", most, r.Lease)
	}
	b.lease(time.Duration(r.Lease) * time.Millisecond)
	return nil
}

// lease has spikes published for a time from now on; of several leases the longest holds.
func (b *Bridge) lease(length time.Duration) {
	until := int64(time.Since(b.started) + length) // not by the wall clock, which may jump
	for {
		before := b.watchedUntil.Load()
		if until <= before || b.watchedUntil.CompareAndSwap(before, until) {
			break
		}
	}
	select {
	case b.watchBegins <- struct{}{}:
	default:
	}
}

// relay publishes spikes while somebody watches; else it sleeps.
func (b *Bridge) relay() {
	var spikes []protocol.Spike
	for {
		select {
		case <-b.ctx.Done():
			return
		case <-b.watchBegins:
		}
		reader := b.robot.Spikes.FollowSpikes()
		ticker := time.NewTicker(spikesEvery)
		for int64(time.Since(b.started)) < b.watchedUntil.Load() {
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
				n := min(len(rest), batchMost)
				b.outbox.put(message{topic: b.topics.Spikes(), payload: protocol.EncodeSpikes(nil, rest[:n])})
				rest = rest[n:]
			}
		}
		ticker.Stop()
		reader.Leave()
	}
}
