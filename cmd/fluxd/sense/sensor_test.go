package sense

import (
	"context"
	"errors"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/sensors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// explosive is a sensor whose driver panics in the methods that a test names.
type explosive struct {
	sample, next, lost, halt atomic.Bool
	samples, halts           atomic.Int64
}

func (e *explosive) String() string { return "explosive" }
func (e *explosive) Unit() string   { return "" }
func (e *explosive) Halt() error {
	e.halts.Add(1)
	if e.halt.Load() {
		panic("halt")
	}
	return nil
}

func (e *explosive) Sample(time.Duration) (int64, error) {
	e.samples.Add(1)
	if e.sample.Load() {
		zero := int64(0)
		return 1 / zero, nil
	}
	return 7, nil
}

func (e *explosive) Next(now, timeout time.Duration) (sensors.Reading, bool) {
	if e.next.Load() {
		panic(errors.New("next"))
	}
	return sensors.Reading{}, false
}

func (e *explosive) LostEdges() uint64 {
	if e.lost.Load() {
		panic("lost edges")
	}
	return 0
}

// withEvents makes a sensor of a device, and a function that returns its events since the last call.
func withEvents(device *hardware.Sensor, clock func() time.Duration) (*Sensor, func() []string) {
	var mutex sync.Mutex
	var events []string
	record := func(kind protocol.EventKind, text string) {
		mutex.Lock()
		defer mutex.Unlock()
		events = append(events, kind.Code()+" "+text)
	}
	return New(device, clock, slog.New(slog.DiscardHandler), record), func() []string {
		mutex.Lock()
		defer mutex.Unlock()
		all := events
		events = nil
		return all
	}
}

// Whichever method of a driver panics: the sensor has failed, with one event; the device is halted and tried again; another
// event says that it has recovered.
func TestSensorWhoseCodePanics(t *testing.T) {
	for name, panics := range map[string]func(*explosive, bool){
		"in Sample":           func(e *explosive, on bool) { e.sample.Store(on) },
		"in Sample and Halt":  func(e *explosive, on bool) { e.sample.Store(on); e.halt.Store(on) },
		"in Next":             func(e *explosive, on bool) { e.next.Store(on) },
		"in Next and Halt":    func(e *explosive, on bool) { e.next.Store(on); e.halt.Store(on) },
		"in LostEdges":        func(e *explosive, on bool) { e.lost.Store(on) },
		"wherever it is used": func(e *explosive, on bool) { e.sample.Store(on); e.next.Store(on); e.lost.Store(on); e.halt.Store(on) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				e := &explosive{}
				s, events := withEvents(&hardware.Sensor{Name: "bomb", Sensor: e, Edges: e},
					func() time.Duration { return time.Since(begun) })
				s.Every.Set(10 * time.Millisecond)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				done := make(chan struct{})
				go func() { defer close(done); s.Watch(ctx, func(time.Duration, int64) bool { return true }) }()
				synctest.Wait()
				for range 2 {
					time.Sleep(time.Second)
					synctest.Wait()
					events()
					panics(e, true)
					time.Sleep(20 * time.Second)
					synctest.Wait()
					const fault = "sensor_fault bomb: explosive: its driver panicked at sensor_test.go:"
					if got := events(); len(got) != 1 || !strings.HasPrefix(got[0], fault) || e.halts.Load() == 0 {
						t.Fatalf("events %q, halted %d times", got, e.halts.Load())
					}
					if !s.Failing() {
						t.Error("the sensor is not failing")
					}
					before := e.samples.Load()
					time.Sleep(20 * time.Second)
					synctest.Wait()
					if tries := e.samples.Load() - before; tries < 15 || tries > 25 { // once a second, like a device that does not answer
						t.Errorf("tried %d times in 20 s", tries)
					}
					panics(e, false)
					time.Sleep(2 * time.Second)
					synctest.Wait()
					if got := events(); len(got) != 1 || got[0] != "sensor_recovered bomb" || s.Failing() {
						t.Errorf("events %q", got)
					}
				}
				cancel()
				<-done
			})
		})
	}
}

// A missing device is tried less and less often, so that nothing spins and the bus is free for the others.
func TestMissingDeviceIsTriedLessAndLessOften(t *testing.T) {
	now := time.Duration(0)
	s := New(&hardware.Sensor{}, nil, nil, nil)
	s.Every.Set(10 * time.Millisecond)
	var waits []time.Duration
	due := now
	for range 10 {
		s.failures++
		next := s.Next(due, now)
		waits = append(waits, next-now)
		due, now = next, next
	}
	for i, wait := range waits {
		if i > 0 && wait < waits[i-1] || wait > retryMost || wait < s.Every.Get() {
			t.Errorf("waits %v", waits)
		}
	}
	if waits[len(waits)-1] != retryMost {
		t.Errorf("waits %v: expected to end at %v", waits, retryMost)
	}
	s.failures = 0
	if next := s.Next(now, now+35*time.Millisecond); next != now+40*time.Millisecond { // missed times are skipped
		t.Errorf("late by 35 ms: next at %v, want 40 ms", next-now)
	}
}

// hasty is a sensor whose wait for edges ends at once, as it does on some pins.
type hasty struct{ waits int }

func (h *hasty) String() string                      { return "hasty" }
func (h *hasty) Unit() string                        { return "" }
func (h *hasty) Halt() error                         { return nil }
func (h *hasty) Sample(time.Duration) (int64, error) { return 0, nil }
func (h *hasty) LostEdges() uint64                   { return 0 }
func (h *hasty) Next(time.Duration, time.Duration) (sensors.Reading, bool) {
	h.waits++
	return sensors.Reading{}, false
}

func TestPinWhoseWaitEndsAtOnceDoesNotSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		h := &hasty{}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		s, _ := withEvents(&hardware.Sensor{Name: "hasty", Sensor: h, Edges: h}, func() time.Duration { return time.Since(begun) })
		s.Watch(ctx, func(time.Duration, int64) bool { return true })
		if h.waits > 110 {
			t.Errorf("%d waits in 10 s", h.waits)
		}
	})
}
