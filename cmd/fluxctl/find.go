package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/google/uuid"

	"fluxd/bridge/protocol"
	"fluxd/configs/spelling"
)

// find returns the robot of that name, or the only one. A stop does not wait to hear whether it is there, and an
// emergency stop goes to the only one that is known even if it is said to be offline: a broker may be wrong about that.
func (r *remote) find(ctx context.Context, name, broker string, stops bool) (protocol.Topics, error) {
	if stops && name != "" {
		return protocol.Topics(name), protocol.CheckName(name)
	}
	filter := protocol.Topics("+").Status()
	if name != "" && protocol.CheckName(name) == nil {
		filter = protocol.Topics(name).Status() // of which there is one, and nothing to wait for behind it
	}
	retained, err := r.retained(ctx, filter)
	if err == nil && len(retained) == 0 && name != "" {
		retained, err = r.retained(ctx, protocol.Topics("+").Status()) // to say who is there
	}
	if err == nil {
		err = r.living(ctx, retained, name)
	}
	if err != nil {
		return "", err
	}
	states := map[string]protocol.State{}
	var online, all, shown []string
	for _, topic := range inOrder(retained) {
		var status protocol.Status
		if decode(retained[topic], &status) != nil {
			continue
		}
		robot := line(strings.Split(topic, "/")[1])
		states[robot] = status.State
		all = append(all, robot)
		shown = append(shown, fmt.Sprintf("%s (%s)", robot, status.State))
		if status.State == protocol.Online {
			online = append(online, robot)
		}
	}
	there := "there are: " + strings.Join(shown, ", ")
	switch {
	case len(all) == 0:
		return "", absent("no robot at the broker %s: is fluxd connected to it?", broker)
	case name != "" && states[name] == "":
		return "", absent("no robot %q at the broker %s%s; %s", name, broker, spelling.Meant(name, all), there)
	case name != "" && states[name] != protocol.Online:
		return "", absent("robot %q is offline", name)
	case name != "":
		return protocol.Topics(name), nil
	case len(online) == 0 && len(all) == 1 && stops:
		return protocol.Topics(all[0]), nil
	case len(online) == 0:
		return "", absent("every robot is offline; %s", there)
	case len(online) > 1:
		return "", absent("several robots are online: choose with --robot; %s", there)
	}
	return protocol.Topics(online[0]), nil
}

// livingPatience is how long robots are listened for: they tell their health once a second.
const livingPatience = 1500 * time.Millisecond

// living adds the robots that tell their health and have no status that is retained here, if the one that is looked for is not
// known otherwise: what a robot retains stays at its own broker, in a fleet of NATS.
func (r *remote) living(ctx context.Context, known map[string][]byte, name string) error {
	if name != "" && known[protocol.Topics(name).Status()] != nil || name == "" && len(known) > 0 {
		return nil
	}
	heard := make(chan string, 1024)
	filter := protocol.Topics("+").Health()
	if err := r.subscribe(ctx, map[string]byte{filter: 0}, func(_ paho.Client, m paho.Message) {
		select {
		case heard <- strings.Split(m.Topic(), "/")[1]:
		default: // more than anybody can choose from
		}
	}); err != nil {
		return err
	}
	defer r.client.Unsubscribe(filter)
	online, err := json.Marshal(protocol.Status{State: protocol.Online})
	if err != nil {
		return err
	}
	for timeout := time.After(min(r.patience, livingPatience)); ; {
		select {
		case robot := <-heard:
			if known[protocol.Topics(robot).Status()] = online; robot == name {
				return nil
			}
		case <-timeout:
			return nil
		case <-ctx.Done():
			return absent("interrupted")
		}
	}
}

// quiet is for how long nothing more may come until all that is retained is taken to have come, where the broker does not say so.
const quiet = 300 * time.Millisecond

// retained returns what the broker keeps under a filter, by topic.
//
// MQTT does not say when the last retained message has come. One topic has one. Of several a message to oneself tells: the broker
// delivers it after them. A broker may not let us write it; then nothing more comes for a while.
func (r *remote) retained(ctx context.Context, filter string) (map[string][]byte, error) {
	ours := uuid.NewString()
	several := strings.ContainsAny(filter, "+#")
	var mu sync.Mutex
	found := map[string][]byte{}
	all, one := make(chan struct{}, 1), make(chan struct{}, 1)
	handler := func(_ paho.Client, m paho.Message) {
		if m.Topic() == protocol.Echo {
			if string(m.Payload()) == ours { // else somebody else asks at the same time
				notify(all)
			}
			return
		}
		mu.Lock()
		found[m.Topic()] = m.Payload()
		mu.Unlock()
		if several {
			notify(one)
		} else {
			notify(all)
		}
	}
	asked := time.Now()
	if err := r.subscribe(ctx, map[string]byte{protocol.Echo: 0, filter: 0}, handler); err != nil {
		return nil, err
	}
	pause := max(quiet, 2*time.Since(asked)) // a slow network is not silence
	defer r.client.Unsubscribe(protocol.Echo, filter)
	r.client.Publish(protocol.Echo, 0, false, ours)
	timer := time.NewTimer(r.patience)
	defer timer.Stop()
	for waiting := true; waiting; {
		select {
		case <-one:
			timer.Reset(pause)
		case <-all:
			waiting = false
		case <-timer.C: // then this is what there is
			waiting = false
		case <-ctx.Done():
			return nil, absent("interrupted")
		}
	}
	mu.Lock()
	defer mu.Unlock()
	return maps.Clone(found), nil
}

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
	r.sensors, r.actuators = description.Sensors, nil
	for _, a := range description.Actuators {
		r.actuators = append(r.actuators, a.Name)
	}
	return nil
}

// parameter returns what is known of a parameter. A member of a large population has the entry of the whole population.
func (r *remote) parameter(path string) protocol.Parameter {
	if p, known := r.known[path]; known {
		return p
	}
	p := r.known[protocol.Together(path)]
	p.Count = 0
	return p
}
