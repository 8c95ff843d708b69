package daemon

import (
	"fluxd/bridge/protocol"
	"sync"
	"sync/atomic"
	"time"

	"fluxd/core"
)

const (
	// spikesKept bounds the spikes that wait for whoever watches them.
	spikesKept = 1 << 16
	// spikesWanted is how long after the last question spikes are still collected.
	spikesWanted = time.Second
)

// spikeLog collects spikes while somebody asks for them. The loop never waits for it.
type spikeLog struct {
	until atomic.Int64 // ns since the start: nobody has asked for long enough then
	lost  atomic.Uint64

	mutex  sync.Mutex
	spikes []protocol.Spike
	spare  []protocol.Spike // what was handed out before
}

// note adds spikes; the loop calls it.
func (s *spikeLog) note(now time.Duration, spikes []core.Spike) {
	if len(spikes) == 0 || int64(now) > s.until.Load() {
		return
	}
	if !s.mutex.TryLock() {
		s.lost.Add(uint64(len(spikes)))
		return
	}
	defer s.mutex.Unlock()
	for _, one := range spikes {
		if len(s.spikes) == cap(s.spikes) {
			s.lost.Add(1)
			continue
		}
		s.spikes = append(s.spikes, protocol.Spike{At: int64(one.At), Neuron: int(one.Neuron)})
	}
}

// Spikes implements bridge.SpikeSource.
func (r *Robot) Spikes(to []protocol.Spike) ([]protocol.Spike, uint64) {
	s := &r.spikeLog
	now := r.clock()
	fresh := int64(now) > s.until.Load()
	s.mutex.Lock()
	if s.spare == nil {
		s.spikes, s.spare = make([]protocol.Spike, 0, spikesKept), make([]protocol.Spike, 0, spikesKept)
	}
	full := s.spikes
	s.spikes = s.spare[:0]
	s.spare = full
	s.mutex.Unlock()
	s.until.Store(int64(now + spikesWanted))
	lost := s.lost.Swap(0)
	if fresh { // these are from before anybody watched
		return to, 0
	}
	return append(to, full...), lost
}
