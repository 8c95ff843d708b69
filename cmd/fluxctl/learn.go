package main

import (
	"context"

	"fluxd/bridge/protocol"
)

// maxNames bounds what a description makes us remember, in bytes: each neuron has a name.
const maxNames = 128 << 20

// shorten cuts what somebody else has written.
func shorten(text string) string {
	if runes := []rune(text); len(runes) > 64 {
		return string(runes[:64]) + "..."
	}
	return text
}

// learn reads what the robot says of itself.
func (r *remote) learn(ctx context.Context) error {
	retained, err := r.retained(ctx, r.topics.Describe())
	if err != nil {
		return err
	}
	text, kept := retained[r.topics.Describe()]
	if !kept { // in a fleet of NATS what a robot retains stays at its own broker
		response, err := r.request(ctx, "describe", protocol.Request{})
		if err != nil {
			return err
		}
		text = response.Description
	}
	var description protocol.Description
	if err := decode(text, &description); err != nil {
		return absent("robot %s: no description that can be read: %w", r.topics, err)
	}
	room := maxNames
	for _, g := range description.Neurons {
		const number = 12 // bytes of it and what is kept with a name, at the least
		if g.Count < 0 || g.Count > room/(len(g.Name)+number) {
			return absent("robot %s: its description has %d neurons %q, whose names do not fit into %d MB: no robot has so many, and somebody else may have written it",
				r.topics, g.Count, shorten(g.Name), maxNames>>20)
		}
		room -= g.Count * (len(g.Name) + number)
	}
	r.known = map[string]protocol.Parameter{}
	for _, p := range description.Parameters {
		r.known[p.Path] = p
	}
	r.neurons, r.rewards = description.NeuronNames(), description.Rewards
	r.sensors = description.Sensors
	for _, a := range description.Actuators {
		r.actuators = append(r.actuators, a.Name)
	}
	return nil
}

// parameter returns what is known of a parameter. Of a member of a large population it is what is told of all.
func (r *remote) parameter(path string) protocol.Parameter {
	if p, told := r.known[path]; told {
		return p
	}
	p := r.known[protocol.Together(path)]
	p.Count = 0
	return p
}
