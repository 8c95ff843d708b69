package sense

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"
)

// Watch reads the sensor until the context ends: at its rate, and whenever there is an edge. It hands readings over to take, which reports
// false when it had no use for one.
func (s *Sensor) Watch(ctx context.Context, deliver func(at time.Duration, value int64) bool) {
	due := s.Clock()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		if now := s.Clock(); now >= due {
			if value, ok := s.Read(now); ok {
				deliver(now, value)
			} else if s.ended.Load() {
				return
			}
			due = s.Next(due, s.Clock())
		}
		begun := s.Clock()
		rest := due - begun
		if s.Edges != nil {
			rest = min(rest, edgeWait)
			failures := s.failures
			if one, ok := s.Edge(begun, rest); ok {
				if deliver(one.At, one.Value) {
					continue
				}
				rest = edgeRest // a storm: let the pin drop what nobody could use
			} else {
				rest -= s.Clock() - begun // all of it, unless the pin's wait ends at once, as some drivers' does: do not spin
			}
			if s.failures > failures {
				due = s.Next(due, s.Clock())
			}
		}
		if rest <= 0 {
			continue
		}
		timer.Reset(rest)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-s.changed:
			due = min(due, s.Next(s.Clock(), s.Clock()))
		}
	}
}

// startGrace is how much longer than its patience a sensor may be silent at the start until that is worth telling: chips take their time to
// start.
const startGrace = time.Second

// Silent says whether a sensor is stale, that is without a good reading for too long or from the start on, and whether that is
// news. One that tells by edges alone says nothing while nothing changes: it is stale when it fails. A recording that is over is not.
func (s *Sensor) Silent(now time.Duration) (stale, news bool) {
	if s.Every.Get() == 0 && s.Edges != nil {
		failing := s.failing.Load()
		return failing, failing
	}
	if s.ended.Load() {
		return false, false
	}
	_, at, seen := s.latest.read()
	if !seen {
		return true, now > s.StaleAfter.Get()+startGrace
	}
	stale = now-at > s.StaleAfter.Get()
	return stale, stale
}

// lastReading holds a sensor's latest good reading. The one goroutine that writes it never waits: whoever reads it while it is written
// tries again. A mutex would let telemetry, preempted while it held it, hold up the sensor.
type lastReading struct {
	writes    atomic.Uint32 // odd while it is written
	value, at atomic.Int64
}

func (g *lastReading) write(value int64, at time.Duration) {
	g.writes.Add(1)
	g.value.Store(value)
	g.at.Store(int64(at))
	g.writes.Add(1)
}

// read returns the reading and when it was taken; false when there has been none yet.
func (g *lastReading) read() (value int64, at time.Duration, seen bool) {
	for {
		before := g.writes.Load()
		value, at := g.value.Load(), time.Duration(g.at.Load())
		if before&1 == 0 && g.writes.Load() == before {
			return value, at, before != 0
		}
		runtime.Gosched()
	}
}
