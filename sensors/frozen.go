package sensors

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// Frozen is a Sensor that believes another one only as long as its readings move. A chip whose readings always carry noise and that
// gives the very same one for long hangs, or measures into the void, although it answers.
//
// It is not for sensors that may rightly stand still: a button, a light sensor in the dark, a voltage beyond the range. It may be used
// from several goroutines if its sensor may.
type Frozen struct {
	sensor Sensor
	after  time.Duration

	mutex   sync.Mutex
	seen    bool          // there was a reading since the last failure:
	reading int64         // this one,
	since   time.Duration // the same since this time
}

// NewFrozen takes a sensor and how long the very same reading is believed: many times the time between two measurements, since a chip
// that is asked more often than it measures repeats itself.
func NewFrozen(s Sensor, after time.Duration) (*Frozen, error) {
	if s == nil {
		return nil, errors.New("frozen: expected a sensor, got nil")
	}
	if after <= 0 {
		return nil, fmt.Errorf("%s: frozen: expected how long the same reading is believed, more than 0, got %v", s, after)
	}
	return &Frozen{sensor: s, after: after}, nil
}

// String is that of the sensor.
func (f *Frozen) String() string { return f.sensor.String() }

// Unit is that of the sensor.
func (f *Frozen) Unit() string { return f.sensor.Unit() }

// Sample reads the sensor. It fails as the sensor does, and while the reading has been exactly the same for longer than it is
// believed; the first other reading is believed again. After a failure of the sensor the time begins anew.
func (f *Frozen) Sample(at time.Duration) (int64, error) {
	reading, err := f.sensor.Sample(at)
	f.mutex.Lock()
	defer f.mutex.Unlock()
	switch {
	case errors.Is(err, ErrNotYet): // no fault, and nothing seen either
		return 0, err
	case err != nil:
		f.seen = false
		return 0, err
	case !f.seen || reading != f.reading:
		f.seen, f.reading, f.since = true, reading, at
	case at-f.since > f.after:
		return 0, fmt.Errorf("%s: frozen: the reading has been %d millionths of %q since %v, now %v; check that the device is not stuck,"+
			" and what it measures", f, reading, f.Unit(), f.since, at)
	}
	return reading, nil
}

// Halt halts the sensor.
func (f *Frozen) Halt() error { return f.sensor.Halt() }
