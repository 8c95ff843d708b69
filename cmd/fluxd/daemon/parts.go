package daemon

import (
	"errors"
	"fluxd/cmd/fluxd/logs"
	"fmt"
	"time"

	"fluxd/actuators"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/cmd/fluxd/machine"
	"fluxd/cmd/fluxd/safety"
	"fluxd/cmd/fluxd/sense"
	"fluxd/cmd/fluxd/surroundings"
	"fluxd/cmd/fluxd/tap"
	"fluxd/configs"
	"fluxd/core"
)

// assemble makes all parts of a robot. Its actuators are brought to failsafe, disarmed, before anything else that may fail is
// opened: an earlier process may have left them moving. On failure, everything that was opened is released.
func assemble(config *configs.Robot, opts hardware.Options, clock func() time.Duration) (*Robot, error) {
	opts.Exclusive = true
	r := newParts(config, opts, clock)
	if err := r.open(); err != nil {
		return nil, errors.Join(err, r.halt())
	}
	return r, nil
}

// newParts makes a robot without any parts yet.
func newParts(config *configs.Robot, opts hardware.Options, clock func() time.Duration) *Robot {
	r := &Robot{config: config, body: hardware.New(config, opts, clock), clock: clock, base: opts.Log,
		log: logs.Of(opts.Log, "robot"), answerFrom: distantFuture, tap: tap.New(tapSize),
		event: func(protocol.EventKind, string) {}, onTrial: func() bool { return false }}
	r.safety = &safety.Keeper{Clock: clock, Log: logs.Of(opts.Log, "safety"), Stall: config.Safety.Stall,
		Watchdogs: &machine.Watchdogs{}, Pings: make(chan struct{}, 1), Changed: make(chan struct{}, 1), ByHand: r.takenOver.Load,
		Event: func(kind protocol.EventKind, text string) { r.event(kind, text) }}
	return r
}

func (r *Robot) open() error {
	if err := r.buildNetwork(); err != nil {
		return err
	}
	if err := r.body.OpenBoard(); err != nil {
		return err
	}
	for _, a := range r.config.Actuators {
		if err := hardware.Attempt(func() error { return r.addOutput(a) }); err != nil {
			return r.body.Refused("actuators."+a.Name, "actuator "+a.Name, err)
		}
	}
	for _, s := range r.config.Sensors {
		if err := hardware.Attempt(func() error { return r.addSensor(s) }); err != nil {
			return r.body.Refused("sensors."+s.Name, "sensor "+s.Name, err)
		}
	}
	for _, w := range r.config.Rewards {
		r.addReward(w)
	}
	r.setUpSafety()
	r.around = surroundings.New(r.config, r.body.World, r.clock, logs.Of(r.base, "world"))
	r.pretended.Board, r.pretended.Config, r.pretended.Clock = r.Simulated(), r.config, r.clock
	return nil
}

func (r *Robot) buildNetwork() error {
	var err error
	if r.network, err = core.Build(r.config.Network); err != nil {
		return fmt.Errorf("network: %w", err)
	}
	r.neurons = r.config.Index
	r.routes, r.fired = make([][]route, r.network.Neurons()), make([]uint64, r.network.Neurons())
	return nil
}

func (r *Robot) addSensor(s configs.Named[configs.Sensor]) error {
	c := s.Value
	device, err := r.body.OpenSensor(s)
	if err != nil {
		return err
	}
	line := &sensorLine{Sensor: r.newSensor(device), neurons: c.Encode.To.Neurons(r.neurons)}
	line.Every.Set(c.Every)
	line.StaleAfter.Set(c.Stale)
	if line.encoder, err = c.OpenEncoder(s.Name, r.config.Network.Seed); err != nil {
		return hardware.In("encode", err)
	}
	if units := c.Encode.Weight; units != nil {
		if line.water, err = waters(line.neurons, *units, r.network.PourWater); err != nil {
			return hardware.At("encode.weight", err)
		}
	}
	line.index = len(r.sensors)
	r.pretended.Sensors = append(r.pretended.Sensors, line.Sensor)
	r.sensors = append(r.sensors, line)
	return nil
}

// waters converts the units that each spike of a sensor pours into each of its neurons.
func waters(neurons []int, units float64, convert func(neuron int, units float64) (int32, error)) ([]int32, error) {
	all := make([]int32, len(neurons))
	for i, neuron := range neurons {
		var err error
		if all[i], err = convert(neuron, units); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// newSensor makes a sensor of a device. Its faults become events of the robot.
func (r *Robot) newSensor(device *hardware.Sensor) *sense.Sensor {
	return sense.New(device, r.clock, logs.Of(r.base, "sensor"), func(kind protocol.EventKind, text string) { r.event(kind, text) })
}

func (r *Robot) addOutput(a configs.Named[configs.Actuator]) error {
	made, err := r.body.OpenActuator(a)
	if err != nil {
		return err
	}
	line := &outputLine{wake: make(chan struct{}, 1)}
	line.Actuator = &safety.Actuator{Actuator: made, Wake: line.wakeUp}
	line.timeout.Set(a.Value.Timeout)
	inputs, err := line.openDecoder(a.Value.Decode)
	if err != nil {
		return hardware.In("decode", err)
	}
	line.Guard.Hold(actuators.Disarmed)
	if err := line.Guard.Start(r.clock()); err != nil {
		return err
	}
	r.outputs = append(r.outputs, line)
	for input, neuron := range inputs {
		for _, i := range r.neurons[neuron] {
			r.routes[i] = append(r.routes[i], route{output: len(r.outputs) - 1, input: input})
		}
	}
	return nil
}

// openDecoder makes the decoder of an output, and returns the names of its neurons by input.
func (o *outputLine) openDecoder(c configs.Decode) (inputs []string, err error) {
	o.decoder, err = c.Options.Open()
	return c.Options.Neurons(), err
}
