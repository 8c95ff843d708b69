package daemon

import (
	"time"

	"fluxd/actuators"
	"fluxd/cmd/fluxd/tuning"
	"fluxd/configs"
	"fluxd/core"
	"fluxd/sensors"
)

// Readings, Fit and Poured implement tuning.Robot.

func (r *Robot) Readings(sensor int) sensors.Range {
	return sensors.RangeOf(r.sensors[sensor].Sensor.Sensor.Sensor)
}

// Fit makes what a part needs to go on with other settings.
func (r *Robot) Fit(of tuning.Part, s *tuning.Settings) (tuning.Fitting, error) {
	switch of.Kind {
	case tuning.Sensor:
		return r.sensors[of.Index].fit(s.Sensors[of.Index], s.Network.Neurons)
	case tuning.Actuator:
		return r.outputs[of.Index].fit(s.Actuators[of.Index])
	case tuning.Reward:
		w, c := r.rewards[of.Index], s.Rewards[of.Index]
		return func() { w.Set(c) }, nil
	case tuning.Learnt:
		every := s.Saving
		return func() { r.savingEvery.Set(every) }, nil
	default:
		pace := s.Telemetry
		return func() { r.telemetry.Store(int64(pace)) }, nil
	}
}

// fit makes what a sensor needs to go on with other settings: its encoder goes on from where it is.
func (s *sensorLine) fit(c configs.Sensor, neurons []core.Neuron) (tuning.Fitting, error) {
	encoder, err := c.Encode.Options.Open(c.Every)
	if err != nil {
		return nil, err
	}
	var water int32
	if !s.electric {
		if water, err = core.Water(*c.Encode.Weight, neurons[s.neurons[0]].Leak); err != nil {
			return nil, err
		}
	}
	return func() {
		encoder.Resume(s.encoder)
		s.encoder, s.water = encoder, water
		s.Adjust(c)
	}, nil
}

// Poured converts what sensors pour, which is configured in units, to water: a new leak changes it.
func (r *Robot) Poured(s *tuning.Settings) {
	for i, line := range r.sensors {
		if line.electric {
			continue
		}
		if water, err := r.network.PourWater(line.neurons[0], *s.Sensors[i].Encode.Weight); err == nil { // that was tried before
			line.water = water
		}
	}
}

// fit makes what an actuator needs to go on with other settings: its decoder goes on from where it is, its guard and device when its own
// goroutine comes to it.
func (o *outputLine) fit(c configs.Actuator) (tuning.Fitting, error) {
	next := &outputLine{Actuator: o.Actuator}
	if _, err := next.listen(c.Decode); err != nil {
		return nil, err
	}
	adjusted, err := o.Adjusted(c)
	if err != nil {
		return nil, err
	}
	guard := &adjustment{opts: o.GuardOpts(c), device: adjusted}
	return func() {
		next.decoder.Resume(o.decoder)
		o.decoder = next.decoder
		o.timeout.Set(guard.opts.Timeout)
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
		if err := o.Guard.Adjust(now, a.opts, a.device); err != nil { // cannot be: the limits of the parameters are its own
			return err
		}
	}
	return o.Guard.Step(now)
}
