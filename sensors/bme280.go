package sensors

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/devices/v3/bmxx80"
)

const (
	// bme280Settle is how long after a start the filter takes to forget what it started from.
	bme280Settle = 200 * time.Millisecond
	// bme280Period is how long a measurement is shared by all measures: the chip makes one in about that time.
	bme280Period = 50 * time.Millisecond
)

// BME280 is a thermometer and barometer on I2C: a BME280, which measures humidity too, a BMP280 or a BMP180, told apart by
// their identity. It measures:
//
//	temperature   in °C, -40 to 85
//	pressure      in Pa, 30,000 to 110,000
//	humidity      in %, 0 to 100; BME280 only
//
// One measurement is shared by all measures for 50 ms. It may be used from several goroutines. A BMP180 is waited for, up to 30 ms a
// reading; the others measure by themselves.
//
// The chip is driven by periph's device library, which knows its calibration; here is only what makes it recover. Source: Bosch,
// BME280 data sheet BST-BME280-DS002, table 1 for the ranges.
type BME280 struct {
	bus     i2c.Bus
	address uint16

	mutex   sync.Mutex
	device  *bmxx80.Dev // nil before the first Sample and after a failure
	settled time.Duration
	taken   time.Duration
	valid   bool
	air     physic.Env
}

// NewBME280 leaves the chip alone: the first Sample starts it. The address is 0x76 or 0x77 (pin SDO).
func NewBME280(bus i2c.Bus, address uint16) (*BME280, error) {
	b := &BME280{bus: bus, address: address}
	if address != 0x76 && address != 0x77 {
		return nil, fmt.Errorf("%s: address: expected 0x76 (pin SDO low) or 0x77 (SDO high; BMP180 always)", b)
	}
	return b, nil
}

// String names the chip, its address and its bus.
func (b *BME280) String() string { return fmt.Sprintf("bme280 at %#02x on %s", b.address, b.bus) }

// bme280Measures are the measures, each with its unit, its value in millionths and the ends of its range.
var bme280Measures = []struct {
	name, unit string
	of         func(e *physic.Env) int64
	low, high  int64
}{
	{"temperature", "°C", func(e *physic.Env) int64 { return nearest(int64(e.Temperature-physic.ZeroCelsius), 1000) }, -40_000_000, 85_000_000},
	{"pressure", "Pa", func(e *physic.Env) int64 { return nearest(int64(e.Pressure), 1000) }, 30_000_000_000, 110_000_000_000},
	{"humidity", "%", func(e *physic.Env) int64 { return int64(e.Humidity) * int64(1_000_000/physic.PercentRH) }, 0, 100_000_000},
}

// Measure gives one of the measures: temperature, pressure or humidity.
func (b *BME280) Measure(name string) (Sensor, error) {
	var names []string
	for _, m := range bme280Measures {
		if m.name == name {
			return &chipMeasure{chip: b, name: name, unit: m.unit, sample: func(at time.Duration) (int64, error) {
				b.mutex.Lock()
				defer b.mutex.Unlock()
				if err := b.refresh(at); err != nil {
					return 0, err
				}
				if m.name == "humidity" && !strings.Contains(b.device.String(), "BME") {
					return 0, fmt.Errorf("%s: humidity: expected a BME280, got a %s, which measures none", b, b.device)
				}
				value := m.of(&b.air)
				if value < m.low || value > m.high {
					return 0, b.failed("read", fmt.Errorf("%s: expected %d to %d %s, got %d millionths", m.name, m.low/1_000_000, m.high/1_000_000, m.unit, value))
				}
				return value, nil
			}}, nil
		}
		names = append(names, m.name)
	}
	return nil, fmt.Errorf("%s: measure: expected one of %s, got %q", b, strings.Join(slices.Sorted(slices.Values(names)), ", "), name)
}

// Halt ends measuring.
func (b *BME280) Halt() error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.device == nil {
		return nil
	}
	device := b.device
	b.device = nil
	if err := device.Halt(); err != nil {
		return fmt.Errorf("%s: halt: %w", b, err)
	}
	return nil
}

// refresh takes a new measurement when the last one is older than a period.
func (b *BME280) refresh(at time.Duration) error {
	if b.device == nil {
		// With a filter and a standby time the chip measures by itself, and nobody sleeps for it.
		device, err := bmxx80.NewI2C(b.bus, b.address, &bmxx80.Opts{Temperature: bmxx80.O4x, Pressure: bmxx80.O4x, Humidity: bmxx80.O4x,
			Filter: bmxx80.F2, Standby: 20 * time.Millisecond})
		if err != nil {
			return b.failed("start", err)
		}
		b.device, b.valid, b.settled = device, false, at+bme280Settle
	}
	if at < b.settled {
		return fmt.Errorf("%s: %w: started, settled at %v", b, ErrNotYet, b.settled)
	}
	if b.valid && at-b.taken < bme280Period {
		return nil
	}
	var air physic.Env
	if err := b.device.Sense(&air); err != nil {
		return b.failed("read", err)
	}
	if air == (physic.Env{}) {
		return b.failed("read", errors.New("expected a measurement, got none"))
	}
	b.air, b.valid, b.taken = air, true, at
	return nil
}

// failed makes the next Sample start the chip again.
func (b *BME280) failed(doing string, err error) error {
	b.device = nil
	return fmt.Errorf("%s: %s: %w; check its supply, the wires to SDA and SCL, and that pin SDO is low for 0x76 or high for 0x77", b, doing, err)
}
