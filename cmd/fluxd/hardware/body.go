// Package hardware makes the devices of a robot file: sensors, actuators behind their guards, and the pins and buses that they
// are connected to.
//
//	body := hardware.New(config, hardware.Options{Log: log, Exclusive: true, BusWait: hardware.BusWait}, clock)
//	err := body.OpenBoard()
//	motor, err := body.OpenActuator(config.Actuators[0]) // writes nothing yet
//	err = motor.Guard.Start(clock())                     // now the motor is at its failsafe
//	eye, err := body.OpenSensor(config.Sensors[0])
//	defer body.Halt()
//
// A driver that panics is a fault of its device, and a bus that hangs blocks its users for a bounded time only. The package knows
// nothing of neurons.
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

// Options say how a Body is opened.
type Options struct {
	Seed      uint64        // of the simulated world
	Root      string        // folder with the /dev, /sys and /proc of a real board; "" is /
	Log       *slog.Logger  // required
	Exclusive bool          // lock the outputs, so that no other process can command them
	BusWait   time.Duration // longest time for a bus transfer; 0 is no limit, for virtual time, in which no bus hangs
}

// A Body is the devices of a robot. Its sensors and actuators may be used from any goroutine, each from one at a time.
type Body struct {
	Board     Board
	World     worlds.World // of the simulated board; nil where nothing moves
	Sensors   []*Sensor
	Actuators []*Actuator

	config *configs.Robot
	opts   Options
	clock  func() time.Duration
	light  *Light             // status light; nil without one
	buses  map[string]i2c.Bus // open buses, by name
	chips  map[string]any     // shared sensors, expanders and recordings, by place
}

// New makes a body without devices. The clock counts from the start of the robot, in virtual or real time.
func New(config *configs.Robot, opts Options, clock func() time.Duration) *Body {
	return &Body{config: config, opts: opts, clock: clock, buses: map[string]i2c.Bus{}, chips: map[string]any{}}
}

// haltWait bounds how long Failsafe and Halt wait for a device whose bus hangs.
const haltWait = 2 * time.Second

// Failsafe brings every actuator to its failsafe value for good, and switches the status light off. It may be called from any
// goroutine, any number of times. A device that hangs does not delay the others.
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

// Halt brings the actuators to failsafe and closes sensors and board. It does not report errors of sensors that failing names:
// they are known to fail.
func (b *Body) Halt(failing func(*Sensor) bool) error {
	errs := []error{b.Failsafe()}
	errs = append(errs, together(b.Sensors, func(s *Sensor) error {
		if err := s.Halt(); err != nil && !failing(s) {
			return fmt.Errorf("sensor %s: %w", s.Name, err)
		}
		return nil
	}, func(s *Sensor) string { return "sensor " + s.Name }))
	if b.World != nil {
		errs = append(errs, b.World.Close())
	}
	if b.Board != nil {
		errs = append(errs, Attempt(b.Board.Halt))
	}
	return errors.Join(errs...)
}

// Halt brings the actuators of a robot to failsafe after its daemon has died or been suspended. It tries every actuator, also
// when others fail, and touches nothing else. It works beside a suspended process that still has the outputs open.
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

// together calls do for all parts at the same time, and waits for them for at most haltWait. Its error names each part that hangs
// or panics.
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

// bus returns a bus of the board, or of an expander (name/bus). It opens each bus once.
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
		b.buses[opened.String()] = newBoundedBus(opened, b.opts.BusWait)
	}
	return b.buses[opened.String()], nil
}

// Recording loads a data file. Sensors that play the same file share it.
func (b *Body) Recording(file string) (*sensors.Recording, error) {
	if rec, ok := b.chips["file "+file].(*sensors.Recording); ok {
		return rec, nil
	}
	f, err := b.config.Files.Open(file)
	if err != nil {
		return nil, fmt.Errorf("%w: data files are looked for beside the robot file", err)
	}
	defer f.Close()
	rec, err := sensors.ReadRecording(file, f)
	if err != nil {
		return nil, err
	}
	b.chips["file "+file] = rec
	return rec, nil
}
