package hardware

import (
	"sync/atomic"
	"time"

	"fluxd/sensors"
)

// A Pretended sensor of the simulated board reads a given value for some time. Any goroutine may use it.
type Pretended struct {
	sensors.Sensor
	given atomic.Pointer[pretence]
}

type pretence struct {
	value int64
	until time.Duration
}

// Read makes the sensor read a value, in millionths of its unit, until a time.
func (p *Pretended) Read(value int64, until time.Duration) {
	p.given.Store(&pretence{value: value, until: until})
}

// Held reports whether the sensor reads a given value at a time. A nil sensor, which is that of a real board, never does.
func (p *Pretended) Held(at time.Duration) bool {
	if p == nil {
		return false
	}
	given := p.given.Load()
	return given != nil && at < given.until
}

// Range implements sensors.Ranged.
func (p *Pretended) Range() sensors.Range { return sensors.RangeOf(p.Sensor) }

// Sample implements sensors.Sensor.
func (p *Pretended) Sample(at time.Duration) (int64, error) {
	if given := p.given.Load(); given != nil && at < given.until {
		return given.value, nil
	}
	return p.Sensor.Sample(at)
}
