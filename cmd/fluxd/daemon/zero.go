package daemon

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"fluxd/bridge/protocol"
	"fluxd/configs"
	"fluxd/configs/spelling"
	"fluxd/encoders"
	"fluxd/sensors"
)

// Zero implements bridge.ByHand. The loop moves the zero between two readings. A reading that is on its way to the loop is one
// of the device, and so is counted from the new zero: no encoder sees a movement that did not happen.
func (r *Robot) Zero(ctx context.Context, who, name string) (float64, error) {
	refuse := func(code protocol.Code, format string, args ...any) error {
		return &protocol.Error{Code: code, Path: "sensors." + name, Message: fmt.Sprintf(format, args...)}
	}
	i := slices.IndexFunc(r.sensors, func(s *sensorLine) bool { return s.Name == name })
	if i < 0 {
		var known []string
		for _, s := range r.sensors {
			known = append(known, s.Name)
		}
		return 0, refuse(protocol.UnknownSensor, "no such sensor%s", spelling.Advice(name, known))
	}
	line, c := r.sensors[i], r.config.Sensors[i].Value
	if !zeroes(c) {
		return 0, refuse(protocol.NotAllowed, "the zero of %s is fixed; it can be set of %s", c.What(), strings.Join(zeroable(), ", "))
	}
	was := int64(0)
	a := r.ask(ctx, func() answer {
		reading, _, seen := line.Latest()
		if stale, _ := line.Silent(r.clock()); !seen || stale || line.Failing() {
			return answer{err: refuse(protocol.NotAllowed, "it has no good reading now: see event/error")}
		}
		was = reading
		line.moveZero(reading)
		return answer{}
	})
	if a.err != nil {
		return 0, a.err
	}
	unit := line.Sensor.Unit()
	text := strings.TrimSpace(fmt.Sprintf("%g %s", float64(was)/1e6, unit))
	r.event(protocol.SensorZeroed, fmt.Sprintf("by %s: %s: %s is 0 from now on", who, name, text))
	r.log.Info("sensor zeroed", "by", who, "sensor", name, "was", text)
	return float64(was) / 1e6, nil
}

// moveZero raises the zero, in millionths of the unit: all later readings are smaller by that. It runs in the loop.
func (s *sensorLine) moveZero(by int64) {
	s.SetZero(s.Zero() + by)
	if encoder, is := s.encoder.(encoders.Relative); is {
		encoder.Shift(-by)
	}
	for _, w := range s.rewards {
		w.Shift(-by)
	}
}

// zeroes reports whether a sensor's zero can be set.
func zeroes(c configs.Sensor) bool {
	return slices.ContainsFunc(c.Options.Measures(), func(m sensors.Measure) bool { return m.Name == c.Measure && m.Zeroes })
}

// zeroable lists all devices, or their measures, whose zero can be set.
func zeroable() (all []string) {
	for _, k := range sensors.Kinds {
		for _, m := range k.New().Measures() {
			if m.Zeroes {
				all = append(all, strings.TrimSpace(k.Name+" "+m.Name))
			}
		}
	}
	return all
}
