package daemon

import (
	"errors"
	"fmt"
	"time"

	"fluxd/actuators"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/configs"
	"fluxd/core"
	"fluxd/encoders"
)

// assemble makes all parts of a robot and brings its actuators to failsafe, before anything that may fail is opened: an earlier life
// may have left them moving. When it fails itself, it lets go of all that it opened. Actuators are disarmed.
func assemble(config *configs.Robot, opts hardware.Options, clock func() time.Duration) (*robot, error) {
	opts.Exclusive = true
	r := newParts(config, opts, clock)
	if err := r.open(); err != nil {
		return nil, errors.Join(err, r.halt())
	}
	return r, nil
}

// newParts makes a robot that has nothing yet.
func newParts(config *configs.Robot, opts hardware.Options, clock func() time.Duration) *robot {
	return &robot{config: config, body: hardware.New(config, opts, clock), clock: clock, log: opts.Log, since: never, event: func(protocol.EventKind, string) {}}
}

func (r *robot) open() error {
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
	r.findNeeds()
	return nil
}

func (r *robot) buildNetwork() error {
	var err error
	if r.network, err = core.Build(r.config.Network); err != nil {
		return fmt.Errorf("network: %w", err)
	}
	r.neurons = r.config.Index
	r.routes = make([][]route, r.network.Neurons())
	return nil
}

func (r *robot) addSensor(s configs.Named[configs.Sensor]) error {
	c := s.Value
	line := &sensorLine{neurons: r.neurons[c.Encode.To], electric: c.Encode.Weight == nil, nudge: make(chan struct{}, 1)}
	line.every.set(c.Every)
	line.patience.set(c.Stale)
	var err error
	if line.Sensor, err = r.body.OpenSensor(s); err != nil {
		return err
	}
	if line.encoder, err = newEncoder(c.Encode, c.Every); err != nil {
		return err
	}
	if !line.electric {
		if line.water, err = r.network.PourWater(line.neurons[0], *c.Encode.Weight); err != nil {
			return hardware.At("encode.weight", err)
		}
	}
	r.sensors = append(r.sensors, line)
	return nil
}

// newEncoder makes the code of a sensor that is read every so often.
func newEncoder(c configs.Encode, every time.Duration) (encoders.Encoder, error) {
	switch c.Kind {
	case "rate":
		rate, err := encoders.NewRate(c.Range[0].Micro, c.Range[1].Micro, int64(c.Max), every)
		if err != nil {
			return nil, hardware.At("encode.max", err)
		}
		return rate, nil
	case "latency":
		return encoders.NewLatency(c.Range[0].Micro, c.Range[1].Micro, c.Window)
	case "edge":
		return encoders.NewEdge(c.On != "release", c.On != "press")
	case "delta":
		return encoders.NewDelta(c.Step.Micro, c.Change != "fall", c.Change != "rise")
	case "threshold":
		opts := encoders.ThresholdOpts{Hysteresis: c.Hysteresis.Micro, Repeat: c.Repeat}
		if c.Below != nil {
			opts.Limit, opts.Below = c.Below.Micro, true
		} else {
			opts.Limit = c.Above.Micro
		}
		return encoders.NewThreshold(opts)
	}
	return nil, fmt.Errorf("encoder %q: expected rate, latency, edge, threshold or delta", c.Kind)
}

func (r *robot) addOutput(a configs.Named[configs.Actuator]) error {
	made, err := r.body.OpenActuator(a)
	if err != nil {
		return err
	}
	line := &outputLine{Actuator: made, wake: make(chan struct{}, 1)}
	line.timeout.set(a.Value.Timeout)
	inputs, err := line.listen(a.Value.Decode)
	if err != nil {
		return hardware.At("decode.window", err)
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

// listen makes the decoder of an output and returns the names of its neurons by input.
func (o *outputLine) listen(c configs.Decode) (inputs []string, err error) {
	switch c.Kind {
	case "push-pull":
		o.decoder, err = encoders.NewPushPull(int64(c.Full), c.Window)
		return []string{encoders.Forward: c.Forward, encoders.Backward: c.Backward}, err
	case "count":
		o.decoder, err = encoders.NewCount(int64(c.Full), c.Window)
		return []string{c.Neuron}, err
	case "winner-take-all":
		var choices []int64
		for i, choice := range c.Choices {
			inputs = append(inputs, choice.Name)
			if o.Label != nil {
				choices = append(choices, int64(i))
			} else {
				choices = append(choices, int64(hardware.Command(choice.Value.Number)))
			}
		}
		o.decoder, err = encoders.NewWinnerTakeAll(choices, c.Window)
		return inputs, err
	}
	return nil, fmt.Errorf("decoder %q: expected push-pull, count or winner-take-all", c.Kind)
}
