package sense

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"
)

// Watch reads the sensor until the context ends: at its rate, and whenever there is an edge. It hands each reading to deliver,
// which returns false when it had to drop it.
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
				rest = edgeRest // an edge storm: let the pin drop edges for a while
			} else {
				rest -= s.Clock() - begun // usually all of it; a driver whose wait ends at once must not make this loop spin
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

// startGrace is how much longer than StaleAfter a sensor may take for its first reading before that is reported: chips need
// time to start.
const startGrace = time.Second

// Silent returns whether the sensor is stale - it has had no good reading for StaleAfter, or none yet - and whether to report
// that. A sensor that has only edges is silent while nothing changes, so it is stale when it fails. A recording that is over is
// never stale.
func (s *Sensor) Silent(now time.Duration) (stale, report bool) {
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

// lastReading holds a sensor's latest good reading. Its one writer never waits; a reader that meets a write tries again. With a
// mutex, a reader that is preempted while it holds it would block the sensor.
type lastReading struct {
	writes    atomic.Uint32 // odd during a write
	value, at atomic.Int64
}

func (g *lastReading) write(value int64, at time.Duration) {
	g.writes.Add(1)
	g.value.Store(value)
	g.at.Store(int64(at))
	g.writes.Add(1)
}

// read returns the reading and its time; false before the first one.
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
