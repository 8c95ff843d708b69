package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"fluxd/actuators"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/tuning"
	"fluxd/configs"
	"fluxd/configs/spelling"
	"fluxd/core"
	"fluxd/sensors"
)

// What was tuned lies in one file, as what was learnt does, and is written as carefully.

// recall gives the robot what was tuned in its last run, if that is to persist, and returns it. Values that this robot does not take are left out, and
// the file with them is kept aside; so is one that cannot be used at all.
func (r *Robot) restoreTuned() (*configs.Overlay, error) {
	if c := r.config.Tuning; c == nil || !c.Persist {
		return nil, nil
	}
	data, err := r.tuned.Read()
	if data == nil && err == nil {
		return nil, nil
	}
	var o *configs.Overlay
	if err == nil {
		if o, err = configs.ParseOverlay(r.tuned.Name, data); err != nil {
			err = r.tuned.Reject(err)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("tuning: %w; the robot is as configured", err)
	}
	left, err := r.tuner.Restore(o)
	if err != nil {
		return nil, fmt.Errorf("tuning: %w; the robot is as configured", r.tuned.Reject(err))
	}
	if left == nil {
		return o, nil
	}
	err = r.tuned.Reject(errors.Join(left...))
	return o, errors.Join(fmt.Errorf("tuning: some values were left out, the others are in effect: %w", err), r.saveTuned(r.tuner.Revision()))
}

// keep writes what is tuned now, unless that was done since a revision. The loop never calls it.
func (r *Robot) saveTuned(revision protocol.Revision) error {
	r.tuned.Lock() // first: of two who write, the later has the later values
	defer r.tuned.Unlock()
	if revision > 0 && r.savedRevision >= revision {
		return nil
	}
	o := r.tuner.Overlay()
	text, err := o.Text()
	if err == nil {
		err = r.tuned.Write(text)
	}
	if err != nil {
		return fmt.Errorf("save what was tuned: %w", err)
	}
	r.savedRevision = protocol.Revision(o.Revision)
	return nil
}

// Keep implements bridge.Tuner. A disk that fails takes nothing back: the change is in effect, and the client is warned that it will be lost, as are the
// log and an event.
func (r *Robot) Keep(revision protocol.Revision) error {
	if c := r.config.Tuning; c == nil || !c.Persist {
		return nil
	}
	err := r.saveTuned(revision)
	if err == nil {
		return nil
	}
	r.log.Error("an accepted change will be lost at the end", "error", err)
	r.event(protocol.SaveFailed, err.Error())
	return protocol.Warning("the change is in effect, and will be lost at the end: " + err.Error())
}

// Reset implements bridge.Tuner.
func (r *Robot) Reset(ctx context.Context, who string, paths []string, ifRevision *protocol.Revision) (map[string]float64, protocol.Revision, error) {
	return r.change(ctx, who, func() (tuning.Request, error) {
		values, err := r.tuner.Presets(paths)
		return tuning.Request{Values: values, IfRevision: ifRevision, Source: protocol.FromConfig}, err
	})
}

// Set implements bridge.Tuner.
func (r *Robot) Set(ctx context.Context, who string, changes map[string]float64, ifRevision *protocol.Revision) (map[string]float64, protocol.Revision, error) {
	return r.change(ctx, who, func() (tuning.Request, error) {
		return tuning.Request{Values: changes, IfRevision: ifRevision, Source: who}, nil
	})
}

// change makes a change that is wished for: it is worked out here, beside the control loop, which puts it in place between two ticks. When
// another change has come in between it is worked out anew. A change of nothing is none.
func (r *Robot) change(ctx context.Context, who string, wished func() (tuning.Request, error)) (map[string]float64, protocol.Revision, error) {
	for {
		w, err := wished()
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
		a := r.ask(ctx, func() (a answer) {
			done, a.err = r.tuner.Commit(c)
			return a
		})
		if a.err != nil {
			return nil, r.tuner.Revision(), a.err
		}
		if done {
			applied := r.tuner.Applied(c)
			r.event(protocol.Tuned, fmt.Sprintf("by %s, revision %d: %s", who, c.Revision(), spelling.Some(slices.Sorted(maps.Keys(applied)))))
			return applied, c.Revision(), nil
		}
	}
}

// Readings, Fit and Poured implement tuning.Robot.

func (r *Robot) Readings(sensor int) sensors.Range {
	return sensors.RangeOf(r.sensors[sensor].Sensor.Sensor.Sensor)
}

// Fit makes what a part needs to go on with other settings.
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

// fit makes what a sensor needs to go on with other settings: its encoder goes on from where it is.
func (s *sensorLine) prepare(c configs.Sensor, neurons []core.Neuron) (func(), error) {
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
func (r *Robot) ConvertWeights(s *tuning.Settings) {
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
func (o *outputLine) prepare(c configs.Actuator) (func(), error) {
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
		o.wakeUp()
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
