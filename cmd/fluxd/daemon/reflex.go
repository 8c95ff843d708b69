package daemon

import (
	"context"
	"fluxd/actuators"
	"fluxd/configs"
	"log/slog"
)

// reflexRobot is the smallest reflex there is: each edge of one sensor crosses one synapse of minimal delay and moves one actuator,
// a little further with each, for its decoder forgets nothing while the measurement lasts.
const reflexRobot = `robot: reflex
board: {kind: sim}
sensors:
  edge: {device: button, pin: GPIO17, debounce: 0s, encode: {kind: edge, on: both, to: feel}}
network:
  neurons: {feel: {refractory: 0s}, act: {refractory: 0s}}
  synapses: [{from: feel, to: act, weight: 100, delay: 1us}]
actuators:
  muscle: {device: servo, pwm: GPIO12, decode: {kind: count, neuron: act, full: 18 Hz, window: 1h}}
mqtt: {broker: none}
`

// StartReflex runs the control path of the smallest reflex there is, for measurements. The caller is its edge watcher, which calls edge
// with each edge, and the device is its actuator's, which must not wait in its first write. The path ends with the context; wait waits for
// that.
func StartReflex(ctx context.Context, device actuators.Device) (edge func(value int64), wait func(), err error) {
	config, err := configs.Parse("reflex", []byte(reflexRobot), nil)
	if err != nil {
		return nil, nil, err
	}
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
	ended := r.launch(ctx)
	looped := make(chan struct{})
	go func() { // owns the network
		defer close(looped)
		r.loop(ctx)
	}()
	edge = func(value int64) { r.handOver(sensor, r.clock(), value) }
	edge(0) // where the edges start from
	return edge, func() { <-looped; _ = ended() }, nil
}
