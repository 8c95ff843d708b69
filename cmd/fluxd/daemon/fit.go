package daemon

import (
	"sync/atomic"
	"time"

	"fluxd/actuators"
	"fluxd/configs"
	"fluxd/core"
	"fluxd/sensors"
)

// A fitting puts new settings of one part in place. It is made by whoever tunes, and called by the goroutine that owns the network: it
// takes no time.
type fitting func()

// fit makes what a part needs to go on with other settings.
func (r *robot) fit(of part, s *settings) (fitting, error) {
	switch of.kind {
	case sensorKind:
		return r.sensors[of.index].fit(s.sensors[of.index], s.network.Neurons)
	case actuatorKind:
		return r.outputs[of.index].fit(s.actuators[of.index])
	case rewardKind:
		w, c := r.rewards[of.index], s.rewards[of.index]
		return func() { w.set(c) }, nil
	case learntKind:
		every := s.saving
		return func() { r.savingEvery.set(every) }, nil
	default:
		pace := s.telemetry
		return func() { r.telemetry.Store(int64(pace)) }, nil
	}
}

// fit makes what a sensor needs to go on with other settings: its encoder goes on from where it is.
func (s *sensorLine) fit(c configs.Sensor, neurons []core.Neuron) (fitting, error) {
	encoder, err := newEncoder(c.Encode, c.Every)
	if err != nil {
		return nil, err
	}
	var water int32
	if !s.electric {
		if water, err = core.Water(*c.Encode.Weight, neurons[s.neurons[0]].Leak); err != nil {
			return nil, err
		}
	}
	points := curvePoints(c.Curve)
	return func() {
		encoder.Resume(s.encoder)
		s.encoder, s.water = encoder, water
		s.every.set(c.Every)
		s.patience.set(c.Stale)
		if s.frozen != nil {
			s.frozen.Believe(c.Frozen)
		}
		if s.curve != nil {
			_ = s.curve.Calibrate(points) // in order: see the parameter's limits
		}
		switch device := s.device.(type) {
		case *sensors.Button:
			device.SetDebounce(c.Debounce)
		case *sensors.HCSR04:
			_ = device.SetTemperature(celsius(c.Temperature)) // its limits are those of the parameter
		}
		select {
		case s.nudge <- struct{}{}:
		default:
		}
	}, nil
}

// pourAnew converts what sensors pour, which is configured in units, to water: a new leak changes it.
func (r *robot) pourAnew(s *settings) {
	for i, line := range r.sensors {
		if line.electric {
			continue
		}
		if water, err := r.network.PourWater(line.neurons[0], *s.sensors[i].Encode.Weight); err == nil { // that was tried before
			line.water = water
		}
	}
}

// fit makes what an actuator needs to go on with other settings: its decoder goes on from where it is, its guard and device when its own
// goroutine comes to it.
func (o *outputLine) fit(c configs.Actuator) (fitting, error) {
	next := &outputLine{label: o.label}
	if _, err := next.listen(c.Decode); err != nil {
		return nil, err
	}
	adjusted, err := o.adjusted(c)
	if err != nil {
		return nil, err
	}
	guard := &adjustment{opts: o.guardOpts(c), device: adjusted}
	return func() {
		next.decoder.Resume(o.decoder)
		o.decoder = next.decoder
		o.timeout.set(guard.opts.Timeout)
		o.adjust.Store(guard)
		o.rouse()
	}, nil
}

// adjustment is what an actuator's own goroutine changes.
type adjustment struct {
	opts   actuators.GuardOpts
	device func() // nil where nothing of the device changes
}

// step lets the guard write what is due, with the latest settings.
func (o *outputLine) step(now time.Duration) error {
	if a := o.adjust.Swap(nil); a != nil {
		if err := o.guard.Adjust(now, a.opts, a.device); err != nil { // cannot be: the limits of the parameters are its own
			return err
		}
	}
	return o.guard.Step(now)
}

// adjusted makes the change of an actuator's device.
func (o *outputLine) adjusted(c configs.Actuator) (func(), error) {
	switch device := o.device.(type) {
	case *actuators.Servo:
		return device.Adjusted(servoOpts(c))
	case *actuators.ESC:
		return device.Adjusted(&actuators.ESCOpts{Min: c.MinPulse, Max: c.MaxPulse})
	case *actuators.Relay:
		return device.Adjusted(&actuators.RelayOpts{On: command(c.On), Off: command(c.Off)})
	case *actuators.Stepper:
		return device.Adjusted(&actuators.StepperOpts{MaxRate: c.MaxRate.Physic()})
	}
	return nil, nil
}

// setting is a time that may be tuned while others read it.
type setting struct{ ns atomic.Int64 }

func (s *setting) get() time.Duration  { return time.Duration(s.ns.Load()) }
func (s *setting) set(d time.Duration) { s.ns.Store(int64(d)) }
