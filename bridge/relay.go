package bridge

import (
	"fluxd/bridge/protocol"
	"time"
)

const (
	// spikesEvery is the time between two batches of spikes.
	spikesEvery = 50 * time.Millisecond
	// batchMost bounds the spikes of one message: some 64 KiB.
	batchMost = 20_000
)

// lease has spikes published for a time from now on; of several leases the longest holds.
func (b *Bridge) lease(length time.Duration) {
	until := int64(time.Since(b.started) + length) // not by the wall clock, which may jump
	for {
		before := b.leased.Load()
		if until <= before || b.leased.CompareAndSwap(before, until) {
			break
		}
	}
	select {
	case b.watched <- struct{}{}:
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
		case <-b.watched:
		}
		spikes, _ = b.robot.Spikes(spikes[:0]) // those from before are nobody's
		ticker := time.NewTicker(spikesEvery)
		for int64(time.Since(b.started)) < b.leased.Load() {
			select {
			case <-b.ctx.Done():
				ticker.Stop()
				return
			case <-ticker.C:
			}
			var lost uint64
			spikes, lost = b.robot.Spikes(spikes[:0])
			b.out.dropped.Add(lost)
			if !b.client.IsConnectionOpen() {
				continue
			}
			for rest := spikes; len(rest) > 0; {
				n := min(len(rest), batchMost)
				b.out.put(message{topic: b.topics.Spikes(), payload: protocol.EncodeSpikes(nil, rest[:n])})
				rest = rest[n:]
			}
		}
		ticker.Stop()
	}
}
