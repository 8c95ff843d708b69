package daemon

import (
	"context"
	"time"

	"fluxd/actuators"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/tuning"
	"fluxd/configs"
	"fluxd/core"
	"fluxd/sensors"
)

// Keep implements bridge.Tuner. A disk that fails does not undo the change: it stays in effect, and the client, the log and an
// event say that it will be lost.
func (r *Robot) Keep(revision protocol.Revision) error {
	if c := r.config.Tuning; c == nil || !c.Persist {
		return nil
	}
	err := r.tuner.SaveTo(r.tuned, revision)
	if err == nil {
		return nil
	}
	r.log.Error("an accepted change will be lost when the robot ends", "error", err)
	r.event(protocol.SaveFailed, err.Error())
	return protocol.Warning("the change is in effect, but will be lost when the robot ends: " + err.Error())
}

// Reset implements bridge.Tuner.
func (r *Robot) Reset(ctx context.Context, _ string, paths []string, ifRevision *protocol.Revision) (
	map[string]float64, protocol.Revision, error) {
	return r.change(ctx, func() (tuning.Request, error) {
		values, err := r.tuner.Presets(paths)
		return tuning.Request{Values: values, IfRevision: ifRevision, Source: protocol.FromConfig}, err
	})
}

// Set implements bridge.Tuner.
func (r *Robot) Set(ctx context.Context, who string, changes map[string]float64, ifRevision *protocol.Revision) (
	map[string]float64, protocol.Revision, error) {
	return r.change(ctx, func() (tuning.Request, error) {
		return tuning.Request{Values: changes, IfRevision: ifRevision, Source: who}, nil
	})
}

// change makes a requested change. It is prepared here, outside the loop, which only commits it, between two ticks. When another
// change was committed in between, it is prepared again. A request that changes nothing makes no revision.
func (r *Robot) change(ctx context.Context, requested func() (tuning.Request, error)) (
	map[string]float64, protocol.Revision, error) {
	for {
		w, err := requested()
		var c *tuning.Change
		if err == nil {
			c, err = r.tuner.Prepare(w)
		}
		if err != nil {
			return nil, r.tuner.Revision(), err
		}
		if c.Empty() {
			return map[string]float64{}, r.tuner.Revision(), nil
		}
		done := false
		a := r.ask(ctx, func() answer {
			done = r.tuner.Commit(c)
			return answer{}
		})
		if a.err != nil {
			return nil, r.tuner.Revision(), a.err
		}
		if done {
			return r.tuner.Applied(c), c.Revision(), nil
		}
	}
}

// Readings implements tuning.Robot.
func (r *Robot) Readings(sensor int) sensors.Range {
	return sensors.RangeOf(r.sensors[sensor].Sensor.Sensor.Sensor)
}

// Prepare implements tuning.Robot.
func (r *Robot) Prepare(part tuning.Part, s *tuning.Settings) (func(), error) {
	switch part.Kind {
	case tuning.Sensor:
		return r.sensors[part.Index].prepare(s.Sensors[part.Index], s.Network.Neurons)
	case tuning.Actuator:
		return r.outputs[part.Index].prepare(s.Actuators[part.Index])
	case tuning.Reward:
		w, c := r.rewards[part.Index], s.Rewards[part.Index]
		return func() { w.Set(c) }, nil
	case tuning.Learnt:
		every := s.Learnt.Every
		return func() { r.savingEvery.Set(every) }, nil
	default:
		pace := s.MQTT.Telemetry
		return func() { r.telemetry.Store(int64(pace)) }, nil
	}
}

// prepare prepares other settings of a sensor. The new encoder continues from the state of the old one.
func (s *sensorLine) prepare(c configs.Sensor, neurons []core.Neuron) (func(), error) {
	encoder, err := c.Encode.Options.Open(c.Every)
	if err != nil {
		return nil, err
	}
	var water []int32
	if units := c.Encode.Weight; units != nil {
		if water, err = waters(s.neurons, *units, inWater(neurons)); err != nil {
			return nil, err
		}
	}
	return func() {
		encoder.Resume(s.encoder)
		s.encoder, s.water = encoder, water
		s.Adjust(c)
	}, nil
}

// ConvertWeights implements tuning.Robot: the weights of sensors are configured in units, and depend on their neuron's leak.
func (r *Robot) ConvertWeights(s *tuning.Settings) func() {
	all := make([][]int32, len(r.sensors))
	for i, line := range r.sensors {
		if units := s.Sensors[i].Encode.Weight; units != nil {
			// It has been tried, so there is no error.
			all[i], _ = waters(line.neurons, *units, inWater(s.Network.Neurons))
		}
	}
	return func() {
		for i, water := range all {
			if water != nil {
				r.sensors[i].water = water
			}
		}
	}
}

// inWater returns a function that converts units to the water of a neuron.
func inWater(neurons []core.Neuron) func(neuron int, units float64) (int32, error) {
	return func(neuron int, units float64) (int32, error) { return core.Water(units, neurons[neuron].Leak) }
}

// prepare prepares other settings of an actuator. The new decoder continues from the state of the old one. Guard and device
// change in the actuator's goroutine.
func (o *outputLine) prepare(c configs.Actuator) (func(), error) {
	next := &outputLine{Actuator: o.Actuator}
	if _, err := next.openDecoder(c.Decode); err != nil {
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
		o.wakeUp()
	}, nil
}

// An adjustment is what the actuator's goroutine changes.
type adjustment struct {
	opts   actuators.GuardOpts
	device func() // nil when nothing of the device changes
}

// step applies new settings, then lets the guard write what is due.
func (o *outputLine) step(now time.Duration) error {
	if a := o.adjust.Swap(nil); a != nil {
		if err := o.Guard.Adjust(now, a.opts, a.device); err != nil { // impossible: the parameters have the guard's limits
			return err
		}
	}
	return o.Guard.Step(now)
}
