package daemon

import (
	"context"
	"errors"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/cmd/fluxd/reward"
	"fluxd/cmd/fluxd/safety"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"fluxd/encoders"
	"fluxd/sensors"
)

// sensorLine is one sensor with its encoder and the neurons that it feeds.
type sensorLine struct {
	*hardware.Sensor
	every    setting       // between two samples; 0 where edges tell all
	patience setting       // how long it may be without a good reading
	nudge    chan struct{} // one slot: every has changed
	encoder  encoders.Encoder
	neurons  []int // each spike reaches all of them
	electric bool
	water    int32 // of a direct arrival
	rewards  []*reward.Reward

	// Of whoever reads it.
	failures int // samples that failed, one after the other
	faults   int
	edgeless bool // its driver panicked when its edges were waited for: they are left alone
	trial    bool // and will be tried again

	latest  gauge         // of the good readings
	failing atomic.Bool   // the last sample failed
	ended   atomic.Bool   // a recording is over
	pending atomic.Int32  // readings on their way to the loop
	lost    atomic.Uint64 // edges

	watched *safety.Sensor // its silence
}

// gauge holds a sensor's latest good reading. The one goroutine that writes it never waits: whoever reads it while it is written
// tries again. A mutex would let telemetry, preempted while it held it, hold up the sensor.
type gauge struct {
	writes    atomic.Uint32 // odd while it is written
	value, at atomic.Int64
}

func (g *gauge) write(value int64, at time.Duration) {
	g.writes.Add(1)
	g.value.Store(value)
	g.at.Store(int64(at))
	g.writes.Add(1)
}

// read returns the reading and when it was taken; false when there has been none yet.
func (g *gauge) read() (value int64, at time.Duration, seen bool) {
	for {
		before := g.writes.Load()
		value, at := g.value.Load(), time.Duration(g.at.Load())
		if before&1 == 0 && g.writes.Load() == before {
			return value, at, before != 0
		}
		runtime.Gosched()
	}
}

// edgeStep is how often edge sensors are looked at in virtual time: the integration step of the simulated worlds.
const edgeStep = time.Millisecond

const (
	// edgeWait bounds a wait for an edge, so that the goroutine sees the end.
	edgeWait = 100 * time.Millisecond
	// retryMost is the longest time between two tries of a sensor that fails: one that is plugged back is found within it.
	retryMost = time.Second
	// edgeShare bounds the readings of one sensor that wait for the loop: an edge storm crowds out nobody else's.
	edgeShare = 64
	// edgeRest is how long a sensor is left alone that has used up its share.
	edgeRest = time.Millisecond
	// farFuture is later than anything.
	farFuture = time.Duration(1<<63 - 1)
)

// sample takes a reading. A driver that panics has failed, and is halted: its next Sample starts the device again.
func (line *sensorLine) sample(at time.Duration) (value int64, err error) {
	err = hardware.Attempt(func() (err error) {
		value, err = line.Sample(at)
		return err
	})
	return value, line.halted(err)
}

// halted brings a device to rest whose driver has panicked. Whether that works, its next Sample tells.
func (line *sensorLine) halted(err error) error {
	if p := (*hardware.Panicked)(nil); !errors.As(err, &p) {
		return err
	}
	_ = hardware.Attempt(line.Halt)
	return fmt.Errorf("%s: %w", line.Sensor, err)
}

// sense reads one sensor. It reports false when there is no reading: there is none yet, the sensor failed (counted, told once), or
// its recording is over.
func (r *Robot) sense(line *sensorLine, at time.Duration) (int64, bool) {
	value, err := line.sample(at)
	if line.edgeless && (err == nil || errors.Is(err, sensors.ErrNotYet)) {
		line.edgeless, line.trial = false, true
	}
	switch {
	case err == nil:
		r.note(line, sensors.Reading{At: at, Value: value})
		return value, true
	case errors.Is(err, sensors.ErrNotYet): // no fault; a sensor that started again has not recovered before its first reading
	case errors.Is(err, io.EOF):
		if !line.ended.Swap(true) {
			r.log.Debug("recording is over", "sensor", line.Name)
		}
	default:
		r.fault(line, err)
	}
	return 0, false
}

// edge waits for a reading that comes with an edge. A driver that panics there has failed: its edges are left alone until Sample has
// worked again, and it has recovered when they can be waited for again.
func (r *Robot) edge(line *sensorLine, now, timeout time.Duration) (reading sensors.Reading, ok bool) {
	if line.edgeless {
		return sensors.Reading{}, false
	}
	lost := uint64(0)
	err := hardware.Attempt(func() error {
		reading, ok = line.Edges.Next(now, timeout)
		lost = line.Edges.LostEdges()
		return nil
	})
	if err != nil {
		line.edgeless, line.trial = true, false
		r.fault(line, line.halted(err))
		return sensors.Reading{}, false
	}
	line.lost.Store(lost)
	if line.trial {
		line.trial = false
		r.recovered(line)
	}
	if ok {
		r.note(line, reading)
	}
	return reading, ok
}

// fault counts a failure, and tells of the first.
func (r *Robot) fault(line *sensorLine, err error) {
	line.faults++
	line.failures++
	if line.failures == 1 {
		line.failing.Store(true)
		r.event(protocol.SensorFault, line.Name+": "+err.Error())
		r.log.Warn("sensor does not answer; trying again", "sensor", line.Name, "error", err)
	}
}

// note keeps a good reading for telemetry, and ends a time of failures.
func (r *Robot) note(line *sensorLine, reading sensors.Reading) {
	line.latest.write(reading.Value, reading.At)
	if line.failures > 0 && !line.trial {
		r.recovered(line)
	}
}

func (r *Robot) recovered(line *sensorLine) {
	line.failures = 0
	line.failing.Store(false)
	r.event(protocol.SensorRecovered, line.Name)
	r.log.Info("sensor answers again", "sensor", line.Name)
}

// next returns when a sensor that was read at a time is read again: after its own interval, or, the more often it failed, after
// a longer one. Times that were missed are not made up for.
func (line *sensorLine) next(due, now time.Duration) time.Duration {
	every := line.every.get()
	if line.failures > 0 {
		first := every
		if first == 0 {
			first = edgeWait
		}
		return now + min(first<<min(line.failures-1, 10), max(retryMost, every))
	}
	if every == 0 {
		return farFuture
	}
	if late := now - due; late >= every {
		due += late / every * every
	}
	return due + every
}

// watch reads a sensor in a goroutine of its own: at its rate, and whenever there is an edge.
func (r *Robot) watch(ctx context.Context, line *sensorLine) {
	due := r.clock()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		if now := r.clock(); now >= due {
			if value, ok := r.sense(line, now); ok {
				r.handOver(line, now, value)
			} else if line.ended.Load() {
				return
			}
			due = line.next(due, r.clock())
		}
		begun := r.clock()
		rest := due - begun
		if line.Edges != nil {
			rest = min(rest, edgeWait)
			failures := line.failures
			if one, ok := r.edge(line, begun, rest); ok {
				if r.handOver(line, one.At, one.Value) {
					continue
				}
				rest = edgeRest // a storm: let the pin drop what nobody could use
			} else {
				rest -= r.clock() - begun // all of it, unless the pin's wait ends at once, as some drivers' does: do not spin
			}
			if line.failures > failures {
				due = line.next(due, r.clock())
			}
		}
		if rest <= 0 {
			continue
		}
		timer.Reset(rest)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-line.nudge:
			due = min(due, line.next(r.clock(), r.clock()))
		}
	}
}

// handOver gives a reading to the loop, which may be too busy to take it: then it is dropped and counted, for a newer one will come.
func (r *Robot) handOver(line *sensorLine, at time.Duration, value int64) bool {
	if line.pending.Add(1) <= edgeShare {
		select {
		case r.readings <- reading{line: line, at: at, value: value}:
			return true
		default:
		}
	}
	line.pending.Add(-1)
	r.dropped.Add(1)
	return false
}
