package hardware

import (
	"sync/atomic"
	"time"

	"fluxd/sensors"
)

// A Pretended sensor, on the simulated board, reads for a time what somebody says. Any goroutine may use it.
type Pretended struct {
	sensors.Sensor
	said atomic.Pointer[pretence]
}

type pretence struct {
	value int64
	until time.Duration
}

// Read has it read a value, in millionths of its unit, until a time.
func (p *Pretended) Read(value int64, until time.Duration) {
	p.said.Store(&pretence{value: value, until: until})
}

// Range implements sensors.Ranged.
func (p *Pretended) Range() sensors.Range { return sensors.RangeOf(p.Sensor) }

// Sample takes a reading.
func (p *Pretended) Sample(at time.Duration) (int64, error) {
	if said := p.said.Load(); said != nil && at < said.until {
		return said.value, nil
	}
	return p.Sensor.Sample(at)
}
