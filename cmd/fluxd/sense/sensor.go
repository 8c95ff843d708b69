// Package sense reads the sensors of a robot and looks after them: a sensor that fails is tried again and again, its faults are reported
// once, and its silence is known.
//
//	eye := sense.New(device, clock, log, event)
//	eye.Every.Set(20 * time.Millisecond)
//	go eye.Watch(ctx, func(at time.Duration, value int64) bool { ... }) // in real time
//	value, ok := eye.Read(now)                                         // in virtual time
package sense

import (
	"errors"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/configs"
	"fluxd/sensors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"sync/atomic"
	"time"
)

// A Sensor is one sensor of a robot, read and looked after. One goroutine at a time may call Read, Edge, Next and Watch; the others any may.
type Sensor struct {
	*hardware.Sensor
	Every      Setting // between two readings; 0 where edges tell all
	StaleAfter Setting // how long it may be without a good reading
	Clock      func() time.Duration
	Log        *slog.Logger
	Event      func(kind protocol.EventKind, text string) // reports to the outside; never waits

	changed      chan struct{} // one slot: Every has changed
	failures     int           // that came one after the other
	faults       int
	edgesOff     bool // its driver panicked when its edges were waited for: they are left alone
	edgesRetried bool // and will be tried again

	latest  lastReading   // of the good readings
	zero    atomic.Int64  // the reading that counts as 0, in millionths
	failing atomic.Bool   // the last reading failed
	ended   atomic.Bool   // a recording is over
	lost    atomic.Uint64 // edges
}

// New makes a sensor of a device. Set its intervals before it is used.
func New(device *hardware.Sensor, clock func() time.Duration, log *slog.Logger, event func(kind protocol.EventKind, text string)) *Sensor {
	return &Sensor{Sensor: device, Clock: clock, Log: log, Event: event, changed: make(chan struct{}, 1)}
}

// A Setting is a time that may be tuned while others read it.
type Setting struct{ ns atomic.Int64 }

// Get returns it.
func (s *Setting) Get() time.Duration { return time.Duration(s.ns.Load()) }

// Set changes it.
func (s *Setting) Set(d time.Duration) { s.ns.Store(int64(d)) }

// Adjust has the sensor go on with other settings.
func (s *Sensor) Adjust(c configs.Sensor) {
	s.Every.Set(c.Every)
	s.StaleAfter.Set(c.Stale)
	s.Sensor.Adjust(c)
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Latest returns the latest good reading, in millionths, counted from the zero that was set, and when it was taken; false when there has been
// none yet.
func (s *Sensor) Latest() (value int64, at time.Duration, seen bool) {
	value, at, seen = s.latest.read()
	return s.FromZero(value), at, seen
}

// Zero returns the reading of the device that counts as 0, in millionths.
func (s *Sensor) Zero() int64 { return s.zero.Load() }

// SetZero has another reading of the device count as 0. What Read, Edge and Watch give are readings of the device, whatever counts as 0: so
// one that is under way is of no other zero than the one before it.
func (s *Sensor) SetZero(reading int64) { s.zero.Store(reading) }

// FromZero counts a reading of the device from the zero that was set. What would leave 64 bits stays at their end.
func (s *Sensor) FromZero(reading int64) int64 {
	zero := s.zero.Load()
	counted := reading - zero
	switch {
	case zero < 0 && counted < reading:
		return math.MaxInt64
	case zero > 0 && counted > reading:
		return math.MinInt64
	}
	return counted
}

// Failing reports whether the last reading failed.
func (s *Sensor) Failing() bool { return s.failing.Load() }

// Faults counts the readings that failed in a row, and all that did.
func (s *Sensor) Faults() (inARow, all int) { return s.failures, s.faults }

// Ended reports whether a recording is over: there will be no reading any more.
func (s *Sensor) Ended() bool { return s.ended.Load() }

// LostEdges counts the edges that came faster than they could be taken.
func (s *Sensor) LostEdges() uint64 { return s.lost.Load() }

const (
	// edgeWait bounds a wait for an edge, so that the goroutine sees the end.
	edgeWait = 100 * time.Millisecond
	// retryMost is the longest time between two tries of a sensor that fails: one that is plugged back is found within it.
	retryMost = time.Second
	// edgeRest is how long a sensor is left alone that has used up its share.
	edgeRest = time.Millisecond
	// never is later than anything.
	distantFuture = time.Duration(1<<63 - 1)
)

// sample takes a reading. A driver that panics has failed, and is halted: its next Sample starts the device again.
func (s *Sensor) sample(at time.Duration) (value int64, err error) {
	err = hardware.Attempt(func() (err error) {
		value, err = s.Sample(at)
		return err
	})
	return value, s.halted(err)
}

// halted brings a device to rest whose driver has panicked. Whether that works, its next Sample tells.
func (s *Sensor) halted(err error) error {
	if p := (*hardware.Panicked)(nil); !errors.As(err, &p) {
		return err
	}
	_ = hardware.Attempt(s.Halt)
	return fmt.Errorf("%s: %w", s.Sensor, err)
}

// Read takes a reading. It reports false when there is none: not yet, the sensor failed (which is counted, and reported once), or its
// recording is over.
func (s *Sensor) Read(at time.Duration) (int64, bool) {
	value, err := s.sample(at)
	if s.edgesOff && (err == nil || errors.Is(err, sensors.ErrNotYet)) {
		s.edgesOff, s.edgesRetried = false, true
	}
	switch {
	case err == nil:
		s.record(sensors.Reading{At: at, Value: value})
		return value, true
	case errors.Is(err, sensors.ErrNotYet): // no fault; a sensor that started again has not recovered before its first reading
	case errors.Is(err, io.EOF):
		if !s.ended.Swap(true) {
			s.Log.Debug("recording is over", "sensor", s.Name)
		}
	default:
		s.fault(err)
	}
	return 0, false
}

// Edge waits for a reading that comes with an edge. A driver that panics there has failed: its edges are left alone until Sample has
// worked again, and it has recovered when they can be waited for again.
func (s *Sensor) Edge(now, timeout time.Duration) (reading sensors.Reading, ok bool) {
	if s.edgesOff {
		return sensors.Reading{}, false
	}
	lost := uint64(0)
	err := hardware.Attempt(func() error {
		reading, ok = s.Edges.Next(now, timeout)
		lost = s.Edges.LostEdges()
		return nil
	})
	if err != nil {
		s.edgesOff, s.edgesRetried = true, false
		s.fault(s.halted(err))
		return sensors.Reading{}, false
	}
	s.lost.Store(lost)
	if s.edgesRetried {
		s.edgesRetried = false
		s.recovered()
	}
	if ok {
		s.record(reading)
	}
	return reading, ok
}

// fault counts a failure, and tells of the first.
func (s *Sensor) fault(err error) {
	s.faults++
	s.failures++
	if s.failures == 1 {
		s.failing.Store(true)
		s.Event(protocol.SensorFault, s.Name+": "+err.Error())
		s.Log.Warn("sensor does not answer; trying again", "sensor", s.Name, "error", err)
	}
}

// note keeps a good reading for telemetry, and ends a time of failures.
func (s *Sensor) record(reading sensors.Reading) {
	s.latest.write(reading.Value, reading.At)
	if s.failures > 0 && !s.edgesRetried {
		s.recovered()
	}
}

func (s *Sensor) recovered() {
	s.failures = 0
	s.failing.Store(false)
	s.Event(protocol.SensorRecovered, s.Name)
	s.Log.Info("sensor answers again", "sensor", s.Name)
}

// Next returns when a sensor that was read at a time is read again: after its own interval, or, the more often it failed, after
// a longer one. Times that were missed are not made up for.
func (s *Sensor) Next(due, now time.Duration) time.Duration {
	every := s.Every.Get()
	if s.failures > 0 {
		first := every
		if first == 0 {
			first = edgeWait
		}
		return now + min(first<<min(s.failures-1, 10), max(retryMost, every))
	}
	if every == 0 {
		return distantFuture
	}
	if late := now - due; late >= every {
		due += late / every * every
	}
	return due + every
}
