// Package sense reads the sensors of a robot and watches them. A sensor that fails is tried again, less and less often. Its
// fault and its recovery are reported once each. Silent says when it is stale.
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

// A Sensor is one sensor of a robot. One goroutine at a time may call Read, Edge, Next and Watch; all other methods may be
// called from any goroutine.
type Sensor struct {
	*hardware.Sensor
	Every      Setting // time between two readings; 0: readings come with edges only
	StaleAfter Setting // without a good reading for this long, it is stale
	Clock      func() time.Duration
	Log        *slog.Logger
	Event      func(kind protocol.EventKind, text string) // publishes an event; never waits

	changed      chan struct{} // one slot: Every has changed
	failures     int           // in a row
	edgesOff     bool          // the driver panicked while waiting for edges: do not wait for them
	edgesRetried bool          // edges are on again after that, and did not work yet

	latest  lastReading   // good readings only
	zero    atomic.Int64  // the device's reading that counts as 0, in millionths
	failing atomic.Bool   // the last reading failed
	faults  atomic.Int64  // readings that failed
	ended   atomic.Bool   // its recording is over
	lost    atomic.Uint64 // edges
}

// New makes a sensor of a device. Set Every and StaleAfter before using it.
func New(device *hardware.Sensor, clock func() time.Duration, log *slog.Logger,
	event func(kind protocol.EventKind, text string)) *Sensor {
	return &Sensor{Sensor: device, Clock: clock, Log: log, Event: event, changed: make(chan struct{}, 1)}
}

// A Setting is a duration that may be tuned while other goroutines read it.
type Setting struct{ ns atomic.Int64 }

// Get returns the duration.
func (s *Setting) Get() time.Duration { return time.Duration(s.ns.Load()) }

// Set changes the duration.
func (s *Setting) Set(d time.Duration) { s.ns.Store(int64(d)) }

// Adjust makes the sensor use other settings from now on.
func (s *Sensor) Adjust(c configs.Sensor) {
	s.Every.Set(c.Every)
	s.StaleAfter.Set(c.Stale)
	s.Sensor.Adjust(c)
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Latest returns the latest good reading, counted from the sensor's zero, in millionths, and the time at which it was taken. It
// returns false before the first reading.
func (s *Sensor) Latest() (value int64, at time.Duration, seen bool) {
	value, at, seen = s.latest.read()
	return s.FromZero(value), at, seen
}

// Zero returns the reading of the device that counts as 0, in millionths.
func (s *Sensor) Zero() int64 { return s.zero.Load() }

// SetZero makes another reading of the device count as 0. Read, Edge and Watch return readings of the device as they are, so
// that one on its way to the loop is not counted from an older zero.
func (s *Sensor) SetZero(reading int64) { s.zero.Store(reading) }

// FromZero counts a reading of the device from the sensor's zero. A result beyond 64 bits is clamped.
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

// Faults counts the readings that failed: the latest in a row, and all.
func (s *Sensor) Faults() (inARow, all int) { return s.failures, int(s.faults.Load()) }

// Failed counts the readings that failed. Any goroutine may call it.
func (s *Sensor) Failed() uint64 { return uint64(s.faults.Load()) }

// Ended reports whether the sensor's recording is over, so that no more readings come.
func (s *Sensor) Ended() bool { return s.ended.Load() }

// LostEdges counts the edges that were dropped because they came too fast.
func (s *Sensor) LostEdges() uint64 { return s.lost.Load() }

const (
	// edgeWait bounds a wait for an edge, so that the goroutine notices the end of the context.
	edgeWait = 100 * time.Millisecond
	// retryMost is the longest time between two attempts to read a failing sensor. One that is plugged in again is found within
	// it.
	retryMost = time.Second
	// edgeRest is how long the sensor pauses when the loop accepts no more of its edges.
	edgeRest = time.Millisecond
	// distantFuture is later than any event.
	distantFuture = time.Duration(1<<63 - 1)
)

// sample takes a reading. When the driver panics, the reading has failed, and the device is halted: the next Sample starts it
// again.
func (s *Sensor) sample(at time.Duration) (value int64, err error) {
	err = hardware.Attempt(func() (err error) {
		value, err = s.Sample(at)
		return err
	})
	return value, s.halted(err)
}

// halted halts a device whose driver has panicked. Whether it works again shows at the next Sample.
func (s *Sensor) halted(err error) error {
	if p := (*hardware.Panicked)(nil); !errors.As(err, &p) {
		return err
	}
	_ = hardware.Attempt(s.Halt)
	return fmt.Errorf("%s: %w", s.Sensor, err)
}

// Read takes a reading. It returns false when there is none: the device has none yet, its recording is over, or it failed. A
// failure is counted; the first in a row is reported.
func (s *Sensor) Read(at time.Duration) (int64, bool) {
	value, err := s.sample(at)
	if s.edgesOff && (err == nil || errors.Is(err, sensors.ErrNotYet)) {
		s.edgesOff, s.edgesRetried = false, true
	}
	switch {
	case err == nil:
		s.record(sensors.Reading{At: at, Value: value})
		return value, true
	case errors.Is(err, sensors.ErrNotYet): // not a fault, and no recovery either: that takes a reading
	case errors.Is(err, io.EOF):
		if !s.ended.Swap(true) {
			s.Log.Debug("recording is over", "sensor", s.Name)
		}
	default:
		s.fault(err)
	}
	return 0, false
}

// Edge waits for a reading that comes with an edge. When the driver panics there, the sensor has failed, and its edges are
// ignored until Sample works again. It has recovered when waiting for edges works again, too.
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

// fault counts a failure, and reports the first in a row.
func (s *Sensor) fault(err error) {
	s.faults.Add(1)
	s.failures++
	if s.failures == 1 {
		s.failing.Store(true)
		s.Event(protocol.SensorFault, s.Name+": "+err.Error())
		s.Log.Warn("sensor does not answer; trying again", "sensor", s.Name, "error", err)
	}
}

// record stores a good reading for telemetry, and reports a recovery.
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

// Next returns the time of the next reading after one that was due at due and has been taken by now. A failing sensor waits
// twice as long after each failure, up to retryMost or its interval. Times that were missed are skipped.
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
