package bridge

import (
	"context"
	"time"

	"fluxd/bridge/protocol"
)

const (
	// spikesEvery is the time between two batches of spikes.
	spikesEvery = 50 * time.Millisecond
	// maxBatch is how many spikes a message has at most: about 64 KiB.
	maxBatch = 20_000
)

// SpikeSource provides the spikes of the network: the verb watch.
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
	b.lease(time.Duration(r.Lease) * time.Millisecond)
	return nil
}

// lease has spikes published for a time from now on. Of several leases the one that ends last counts.
func (b *Bridge) lease(length time.Duration) {
	until := int64(time.Since(b.started) + length) // not the wall clock, which may jump
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

// publishSpikes publishes spikes while there is a lease.
func (b *Bridge) publishSpikes() {
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
				n := min(len(rest), maxBatch)
				b.outbox.put(message{topic: b.topics.Spikes(), payload: protocol.EncodeSpikes(nil, rest[:n])})
				rest = rest[n:]
			}
		}
		ticker.Stop()
		reader.Leave()
	}
}
