package sensors

import (
	"time"

	"fluxd/options"
)

// SimulatedOpts are the options of a Simulated.
type SimulatedOpts struct {
	Quantity string `yaml:"quantity" required:"true" doc:"what it reads: a quantity of the simulated world, such as pole_angle"`
	Unit     string `yaml:"unit" doc:"unit of the quantity, such as m; absent: a plain number"`
}

var simulatedKind = Kind{Name: "simulated", About: "a quantity of the simulated world, exact, without a device",
	New: func() Options { return new(SimulatedOpts) }, Calibrates: true}

// Measures implements Options.
func (o *SimulatedOpts) Measures() []Measure { return measuresIn(o.Unit, "") }

// Open implements Options.
func (o *SimulatedOpts) Open(from Parts) (Device, error) {
	read, err := from.Quantity(o.Quantity)
	if err != nil {
		return nil, options.Mistake{Key: "quantity", Err: err}
	}
	return deviceOf(&Simulated{o.Quantity, o.Unit, read}, nil)
}

// Simulated reads a quantity of the simulated world, such as the angle of a pole, to which no device gives access. On a real
// board there is none. It may be used from any goroutine.
type Simulated struct {
	quantity, unit string
	read           func(at time.Duration) int64
}

// String returns the quantity.
func (s *Simulated) String() string { return "simulated " + s.quantity }

// Sample implements Sensor.
func (s *Simulated) Sample(at time.Duration) (int64, error) { return s.read(at), nil }

// Unit implements Sensor.
func (s *Simulated) Unit() string { return s.unit }

// Halt implements Sensor.
func (s *Simulated) Halt() error { return nil }
