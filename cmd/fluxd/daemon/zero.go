package daemon

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/logs"
	"fluxd/cmd/fluxd/sense"
	"fluxd/configs/spelling"
	"fluxd/encoders"
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
	if !sense.Zeroes(c) {
		return 0, refuse(protocol.NotAllowed, "the zero of %s is fixed; it can be set of %s", c.What(),
			strings.Join(sense.Zeroable(), ", "))
	}
	was := int64(0)
	if err := r.ask(ctx, func() answer {
		reading, _, seen := line.Latest()
		if stale, _ := line.Silent(r.clock()); !seen || stale || line.Failing() {
			return answer{err: refuse(protocol.NotAllowed, "it has no good reading now: see event/error")}
		}
		was = reading
		line.moveZero(reading)
		return answer{}
	}).err; err != nil {
		return 0, err
	}
	text := strings.TrimSpace(fmt.Sprintf("%g %s", float64(was)/1e6, line.Sensor.Unit()))
	r.event(protocol.SensorZeroed, fmt.Sprintf("by %s: %s: %s is 0 from now on", who, name, text))
	logs.Of(r.base, "sensor").Info("sensor zeroed", "by", who, "sensor", name, "was", text)
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
