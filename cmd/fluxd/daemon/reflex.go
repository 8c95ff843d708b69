package daemon

import (
	"context"
	"fluxd/actuators"
	"fluxd/configs"
	"log/slog"
)

// StartReflex runs the control path of a robot with one sensor and one actuator, for measurements. The caller takes the place of
// the sensor's goroutine: it calls edge for each edge. Device is the actuator's device; its first write must not wait. The path
// ends with the context, and wait waits for that end.
func StartReflex(ctx context.Context, config *configs.Robot, device actuators.Device) (edge func(int64), wait func(), err error) {
	r, err := newRobot(config, RunOptions{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, nil, err
	}
	guard, err := actuators.NewGuard(device, actuators.GuardOpts{Min: -actuators.Full, Max: actuators.Full})
	if err == nil {
		err = guard.Start(0)
	}
	if err != nil {
		return nil, nil, err
	}
	sensor := r.sensors[0]
	r.outputs[0].Guard, r.sensors = guard, nil
	ended, looped := r.launch(ctx), make(chan struct{})
	go func() { // owns the network
		defer close(looped)
		r.loop(ctx)
	}()
	edge = func(value int64) { r.handOver(sensor, r.clock(), value) }
	edge(0) // the level from which edges count
	return edge, func() { <-looped; _ = ended() }, nil
}
