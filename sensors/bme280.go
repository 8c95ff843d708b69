package sensors

import (
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

	bme280WhoAmI  = 0xd0
	bme280H4      = 0xe4 // of the calibration: H4 and H5
	bme280Control = 0xf4

	bme280Measuring = 0x6f // four times oversampled temperature and pressure, continuously; power-up has 0
	bme280Asleep    = 0x6c
	bmp180Identity  = 0x55
	bme280Identity  = 0x60
)

// BME280 is a thermometer and barometer on I2C: a BME280, which measures humidity too, a BMP280 or a BMP180, told apart by
// their identity. It measures:
//
//	temperature   in °C, -40 to 85
//	pressure      in Pa, 30,000 to 110,000
//	humidity      in %, 0 to 100; BME280 only
//
// One measurement is shared by all measures for 50 ms. It may be used from several goroutines. A BMP180 is waited for, 9 ms a
// measurement; the others measure by themselves.
//
// With each measurement the mode is read: a chip that lost its supply for a moment sleeps, with counts in its registers that look
// like a warm day high up, and is started again.
//
// The chip is driven by periph's device library, which knows its calibration; here is what makes it recover. The library takes two
// numbers of the calibration, H4 and H5, for positive: where one is negative, humidity is refused. Source: Bosch, BME280 data sheet
// BST-BME280-DS002, table 1 for the ranges, section 5.4 for the registers.
type BME280 struct {
	bus     remembering
	address uint16

	mutex   sync.Mutex
	device  *bmxx80.Dev // nil before the first Sample and after a failure
	found   byte        // its identity
	signed  bool        // its calibration of humidity is negative somewhere
	settled time.Duration
	taken   time.Duration
	valid   bool
	air     [3]int64 // by measure
}

// remembering is a bus that keeps the last error: the library hands on its text alone.
type remembering struct {
	i2c.Bus
	err error
}

func (r *remembering) Tx(address uint16, w, got []byte) error {
	r.err = r.Bus.Tx(address, w, got)
	return r.err
}

// NewBME280 leaves the chip alone: the first Sample starts it. The address is 0x76 or 0x77 (pin SDO).
func NewBME280(bus i2c.Bus, address uint16) (*BME280, error) {
	b := &BME280{bus: remembering{Bus: bus}, address: address}
	if address != 0x76 && address != 0x77 {
		return nil, fmt.Errorf("%s: address: expected 0x76 (pin SDO low) or 0x77 (SDO high; BMP180 always)", b)
	}
	return b, nil
}

// String names the chip, its address and its bus.
func (b *BME280) String() string { return fmt.Sprintf("bme280 at %#02x on %s", b.address, b.bus.Bus) }

// bme280Measures are the measures, each with its unit, its value in millionths and the ends of its range.
var bme280Measures = [...]struct {
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
	for i, m := range bme280Measures {
		if m.name == name {
			return &chipMeasure{chip: b, name: name, unit: m.unit, sample: func(at time.Duration) (int64, error) {
				return b.sample(at, i)
			}}, nil
		}
		names = append(names, m.name)
	}
	return nil, fmt.Errorf("%s: measure: expected one of %s, got %q", b, strings.Join(slices.Sorted(slices.Values(names)), ", "), name)
}

// sample gives one of the measures of a measurement that is fresh.
func (b *BME280) sample(at time.Duration, measure int) (int64, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if err := b.refresh(at); err != nil {
		return 0, err
	}
	if bme280Measures[measure].name == "humidity" {
		switch {
		case b.found != bme280Identity:
			return 0, fmt.Errorf("%s: humidity: expected a BME280, got %s, which measures none", b, b.device)
		case b.signed:
			return 0, fmt.Errorf("%s: humidity: expected a calibration without negative numbers: this chip's humidity cannot be told", b)
		}
	}
	return b.air[measure], nil
}

// Halt puts the chip to sleep.
func (b *BME280) Halt() error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.device == nil || b.found == bmp180Identity { // which sleeps between measurements
		b.device = nil
		return nil
	}
	b.device = nil
	if err := b.bus.Tx(b.address, []byte{bme280Control, bme280Asleep}, nil); err != nil {
		return b.failed("halt", err)
	}
	return nil
}

// refresh takes a new measurement when the last one is older than a period.
func (b *BME280) refresh(at time.Duration) error {
	if b.device == nil {
		if err := b.start(); err != nil {
			return b.failed("start", err)
		}
		b.valid, b.settled = false, at+bme280Settle
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
	if b.found != bmp180Identity { // a BMP180 has no mode to lose
		var mode [1]byte
		if err := b.bus.Tx(b.address, []byte{bme280Control}, mode[:]); err != nil {
			return b.failed("read its mode", err)
		}
		if mode[0] != bme280Measuring {
			return b.failed("read its mode", fmt.Errorf("expected %#02x, got %#02x: it has lost its supply for a moment",
				bme280Measuring, mode[0]))
		}
	}
	var values [len(bme280Measures)]int64
	for i, m := range bme280Measures {
		if values[i] = m.of(&air); values[i] < m.low || values[i] > m.high {
			return b.failed("read", fmt.Errorf("%s: expected %d to %d %s, got %d millionths",
				m.name, m.low/1_000_000, m.high/1_000_000, m.unit, values[i]))
		}
	}
	b.air, b.valid, b.taken = values, true, at
	return nil
}

// start lets the library read the calibration and set the modes.
func (b *BME280) start() error {
	var identity [1]byte
	if err := b.bus.Tx(b.address, []byte{bme280WhoAmI}, identity[:]); err != nil {
		return err
	}
	b.found, b.signed = identity[0], false
	// With a filter and a standby time the chip measures by itself, and nobody sleeps for it.
	opts := bmxx80.Opts{
		Temperature: bmxx80.O4x, Pressure: bmxx80.O4x, Humidity: bmxx80.O4x, Filter: bmxx80.F2, Standby: 20 * time.Millisecond,
	}
	switch b.found {
	case bmp180Identity:
		opts = bmxx80.Opts{Pressure: bmxx80.O1x} // the shortest wait
	case bme280Identity:
		var calibration [3]byte
		if err := b.bus.Tx(b.address, []byte{bme280H4}, calibration[:]); err != nil {
			return err
		}
		b.signed = (calibration[0]|calibration[2])&0x80 != 0
	}
	device, err := bmxx80.NewI2C(&b.bus, b.address, &opts)
	if err != nil {
		return err
	}
	b.device = device
	return nil
}

// failed makes the next Sample start the chip again.
func (b *BME280) failed(doing string, err error) error {
	b.device = nil
	if b.bus.err != nil {
		err = b.bus.err
	}
	return fmt.Errorf("%s: %s: %w; check its supply, the wires to SDA and SCL, and that pin SDO is low for 0x76 or high for 0x77",
		b, doing, err)
}
