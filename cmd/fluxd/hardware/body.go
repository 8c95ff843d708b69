// Package hardware makes what a robot file says into devices: sensors, actuators behind their guards, and the board's pins and buses that
// they are connected to.
//
//	body := hardware.New(config, hardware.Options{Log: log, Exclusive: true, BusWait: hardware.BusWait}, clock)
//	err := body.OpenBoard()
//	motor, err := body.OpenActuator(config.Actuators[0]) // writes nothing yet
//	err = motor.Guard.Start(clock())                     // now the motor is at its failsafe
//	eye, err := body.OpenSensor(config.Sensors[0])
//	defer body.Halt()
//
// A driver that panics is a fault of its device, and a bus that hangs holds up nobody for long. The package knows no neurons.
package hardware

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"periph.io/x/conn/v3/i2c"

	"fluxd/boards/header"
	"fluxd/boards/sim/worlds"
	"fluxd/configs"
	"fluxd/sensors"
)

// Options say how a body is opened.
type Options struct {
	Seed      uint64        // of the simulated world
	Root      string        // where /dev, /sys and /proc of a real board are found; "" is /
	Log       *slog.Logger  // must be given
	Exclusive bool          // no other process may command what this board does
	BusWait   time.Duration // how long a transfer may take: a bus that hangs holds up nobody for longer; 0: in virtual time none hangs
}

// A Body is the devices of a robot. Its sensors and actuators may be used from any goroutine, each from one at a time.
type Body struct {
	Board     Board
	World     worlds.World // that the simulated board is in; nil where nothing moves
	Sensors   []*Sensor
	Actuators []*Actuator

	config *configs.Robot
	opts   Options
	clock  func() time.Duration
	light  *Light             // of its status; nil without one
	buses  map[string]i2c.Bus // in use, by name
	chips  map[string]any     // sensors and expanders that several share, by where they are
}

// New makes a body that has nothing yet. The clock counts from the start of the robot, in virtual or real time.
func New(config *configs.Robot, opts Options, clock func() time.Duration) *Body {
	return &Body{config: config, opts: opts, clock: clock, buses: map[string]i2c.Bus{}, chips: map[string]any{}}
}

// haltWait bounds how long the end waits for a sensor or actuator that hangs in its bus.
const haltWait = 2 * time.Second

// Failsafe brings every actuator to its failsafe value for good, and puts the status light out. It may be called from any goroutine, any
// number of times. One that hangs holds up no other.
func (b *Body) Failsafe() error {
	type part struct {
		name string
		rest func() error
	}
	var all []part
	for _, a := range b.Actuators {
		all = append(all, part{"actuator " + a.Name, a.Guard.Failsafe})
	}
	if b.light != nil {
		all = append(all, part{"safety.status_light", b.light.Halt})
	}
	return together(all, func(p part) error {
		if err := p.rest(); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		return nil
	}, func(p part) string { return p.name })
}

// Halt brings the actuators to failsafe and lets go of sensors and board. Sensors that are known to fail are not reported again.
func (b *Body) Halt(failing func(*Sensor) bool) error {
	errs := []error{b.Failsafe()}
	errs = append(errs, together(b.Sensors, func(s *Sensor) error {
		if err := s.Halt(); err != nil && !failing(s) {
			return fmt.Errorf("sensor %s: %w", s.Name, err)
		}
		return nil
	}, func(s *Sensor) string { return "sensor " + s.Name }))
	if b.Board != nil {
		errs = append(errs, Attempt(b.Board.Halt))
	}
	return errors.Join(errs...)
}

// Halt brings the actuators of a robot to failsafe whose process did not: it tries every one, also when others fail, and touches nothing
// else. It may run beside a process that still has them, which may be suspended.
func Halt(config *configs.Robot, opts Options) error {
	start := time.Now()
	opts.Exclusive, opts.BusWait = false, BusWait
	b := New(config, opts, func() time.Duration { return time.Since(start) })
	if err := b.OpenBoard(); err != nil {
		return err
	}
	var errs []error
	for _, a := range config.Actuators {
		if _, err := b.OpenActuator(a); err != nil {
			errs = append(errs, fmt.Errorf("actuator %s: %w", a.Name, err))
		}
	}
	if light := config.Safety.StatusLight; light != nil {
		if _, err := b.openLight(light); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, b.Halt(func(*Sensor) bool { return false }))...)
}

// together does something to all at the same time, and waits for all, but not for ever: the error names one that hangs, and one that
// panics.
func together[T any](all []T, do func(T) error, name func(T) string) error {
	type end struct {
		i   int
		err error
	}
	ends := make(chan end, len(all))
	for i, one := range all {
		go func() {
			err := Attempt(func() error { return do(one) })
			if p := (*Panicked)(nil); errors.As(err, &p) {
				err = fmt.Errorf("%s: %w", name(one), err)
			}
			ends <- end{i, err}
		}()
	}
	errs, missing := make([]error, len(all)), len(all)
	for i, one := range all {
		errs[i] = fmt.Errorf("%s did not come to rest within %v: its bus may be stuck", name(one), haltWait)
	}
	patience := time.After(haltWait)
	for missing > 0 {
		select {
		case e := <-ends:
			errs[e.i] = e.err
			missing--
		case <-patience:
			return errors.Join(errs...)
		}
	}
	return errors.Join(errs...)
}

// bus gives a bus of the board, or one of an expander, name/bus, by its name, the same to all who ask.
func (b *Body) bus(name string) (i2c.Bus, error) {
	if e := b.expanderOf(name); e != nil {
		return b.expanderBus(*e, strings.TrimPrefix(name, e.Name+"/"))
	}
	var opened i2c.Bus
	err := Attempt(func() (err error) {
		opened, err = b.Board.Bus(header.CanonicalBus(name))
		return err
	})
	if err != nil {
		return nil, err
	}
	if b.opts.BusWait == 0 {
		return opened, nil
	}
	if b.buses[opened.String()] == nil {
		b.buses[opened.String()] = newPatientBus(opened, b.opts.BusWait)
	}
	return b.buses[opened.String()], nil
}

// Recording loads a data file once for all that read it.
func (b *Body) Recording(file string) (*sensors.Recording, error) {
	if rec, ok := b.chips["file "+file].(*sensors.Recording); ok {
		return rec, nil
	}
	f, err := b.config.Files.Open(file)
	if err != nil {
		return nil, fmt.Errorf("%w: data files are looked for beside the configuration", err)
	}
	defer f.Close()
	rec, err := sensors.ReadRecording(file, f)
	if err != nil {
		return nil, err
	}
	b.chips["file "+file] = rec
	return rec, nil
}
