package play

import (
	"errors"
	"fmt"

	"fluxd/configs/circuits"
	"fluxd/core"
)

// build makes a flat network runnable. The error names the neuron or synapse that the engine refuses.
func build(f *circuits.Flat) (*core.Network, error) {
	network, err := core.Build(f.Description())
	if err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	return network, nil
}

// Check says where in the JSON that a network was read from the engine finds fault with it.
func Check(f *circuits.Flat, source string, data []byte) error {
	_, err := build(f)
	var fault *core.Fault
	if !errors.As(err, &fault) {
		return err
	}
	path := fmt.Sprintf("neurons[%d]", fault.Neuron)
	if fault.Neuron < 0 {
		path = fmt.Sprintf("synapses[%d]", fault.Synapse)
	}
	var mistake core.Mistake
	if !errors.As(err, &mistake) {
		return f.Refuse(source, data, path, fault)
	}
	field := mistake.Field
	switch field { // in microseconds, and so named in JSON
	case "refractory", "pacemaker", "burst.interval", "delay", "plastic.window":
		field += "_us"
	}
	return f.Refuse(source, data, path+"."+field, mistake.Err)
}
