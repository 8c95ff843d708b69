package daemon

import (
	"context"
	"fluxd/actuators"
	"fluxd/configs"
	"log/slog"
)

// reflexRobot is the smallest reflex: each edge of one sensor crosses one synapse with the shortest delay and moves one
// actuator. With each edge the actuator moves a little further, because its decoder's window is longer than any measurement.
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

// StartReflex runs the control path of the smallest reflex, for measurements. The caller takes the place of the sensor's
// goroutine: it calls edge for each edge. Device is the actuator's device; its first write must not wait. The path ends with
// the context, and wait waits for that end.
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
	edge(0) // the level from which edges count
	return edge, func() { <-looped; _ = ended() }, nil
}
