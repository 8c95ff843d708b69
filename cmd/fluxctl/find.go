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
	"fluxd/cmd/internal/parameters"
	"fluxd/cmd/internal/printable"
	"fluxd/configs/spelling"
)

// find returns the topics of the robot with that name, or of the only robot when the name is empty.
//
// An emergency stop (stops) does not wait for the robot's status when a name is given. Without one it goes to the only known
// robot even when its status is offline, because a broker's status may be wrong.
func (r *remote) find(ctx context.Context, name, broker string, stops bool) (protocol.Topics, error) {
	if stops && name != "" {
		return protocol.Topics(name), protocol.CheckName(name)
	}
	filter := protocol.Topics("+").Status()
	if name != "" && protocol.CheckName(name) == nil {
		filter = protocol.Topics(name).Status() // one topic has one retained message: no need to wait for more
	}
	retained, err := r.retained(ctx, filter)
	if err == nil && len(retained) == 0 && name != "" {
		retained, err = r.retained(ctx, protocol.Topics("+").Status()) // for the error, which lists all robots
	}
	if err == nil {
		err = r.addLiving(ctx, retained, name)
	}
	if err != nil {
		return "", err
	}
	states := map[string]protocol.State{}
	var online, all, shown []string
	for _, topic := range inOrder(retained) {
		var status protocol.Status
		if printable.Decode(retained[topic], &status) != nil {
			continue
		}
		robot := printable.Line(strings.Split(topic, "/")[1])
		states[robot] = status.State
		all = append(all, robot)
		shown = append(shown, fmt.Sprintf("%s (%s)", robot, status.State))
		if status.State == protocol.Online {
			online = append(online, robot)
		}
	}
	there := "known robots: " + strings.Join(shown, ", ")
	switch {
	case len(all) == 0:
		return "", absent("no robot at the broker %s: is fluxd running and connected to it?", broker)
	case name != "" && states[name] == "":
		return "", absent("no robot %q at the broker %s%s; %s", name, broker, spelling.Meant(name, all), there)
	case name != "" && states[name] != protocol.Online:
		return "", absent("robot %q is offline: is fluxd running there, and connected to the broker %s?", name, broker)
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

// livingPatience is how long addLiving listens for health messages. Robots publish them once a second.
const livingPatience = 1500 * time.Millisecond

// addLiving adds an online status for each robot that publishes its health. It does so only when no retained status answers the
// search: in a NATS fleet, retained messages stay at the robot's own broker and are not visible here.
func (r *remote) addLiving(ctx context.Context, known map[string][]byte, name string) error {
	if name != "" && known[protocol.Topics(name).Status()] != nil || name == "" && len(known) > 0 {
		return nil
	}
	alive := make(chan string, 1024)
	filter := protocol.Topics("+").Health()
	if err := r.subscribe(ctx, map[string]byte{filter: 0}, func(_ paho.Client, m paho.Message) {
		select {
		case alive <- strings.Split(m.Topic(), "/")[1]:
		default: // full: 1024 are more robots than a list is useful for
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
		case robot := <-alive:
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

// quiet is the pause after which retained messages count as complete, at a broker that does not return our echo.
const quiet = 300 * time.Millisecond

// retained returns the messages that the broker retains under a filter, by topic.
//
// MQTT does not mark the last retained message. A single topic has at most one. For several topics we also publish a message to
// ourselves: the broker delivers it after the retained ones. Where the broker does not permit that, the messages count as
// complete when none has come for a pause.
func (r *remote) retained(ctx context.Context, filter string) (map[string][]byte, error) {
	ours := uuid.NewString()
	several := strings.ContainsAny(filter, "+#")
	var mu sync.Mutex
	found := map[string][]byte{}
	all, one := make(chan struct{}, 1), make(chan struct{}, 1)
	handler := func(_ paho.Client, m paho.Message) {
		if m.Topic() == protocol.Echo {
			if string(m.Payload()) == ours { // other clients use the same topic
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
	pause := max(quiet, 2*time.Since(asked)) // longer on a slow network
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
		case <-timer.C:
			waiting = false
		case <-ctx.Done():
			return nil, absent("interrupted")
		}
	}
	mu.Lock()
	defer mu.Unlock()
	return maps.Clone(found), nil
}

// maxNames bounds the memory for the names of neurons, in bytes. A hostile description may claim any number of neurons.
const maxNames = 128 << 20

// shorten cuts a text from the network to 64 characters.
func shorten(text string) string {
	if runes := []rune(text); len(runes) > 64 {
		return string(runes[:64]) + "..."
	}
	return text
}

// learn reads the robot's description: its parameters, neurons, rewards, sensors and actuators.
func (r *remote) learn(ctx context.Context) error {
	retained, err := r.retained(ctx, r.topics.Describe())
	if err != nil {
		return err
	}
	text, kept := retained[r.topics.Describe()]
	if !kept { // in a NATS fleet, retained messages stay at the robot's own broker
		response, err := r.request(ctx, "describe", protocol.Request{})
		if err != nil {
			return err
		}
		text = response.Description
	}
	var description protocol.Description
	if err := printable.Decode(text, &description); err != nil {
		return absent("robot %s: its description cannot be read: %w", r.topics, err)
	}
	room := maxNames
	for _, g := range description.Neurons {
		const number = 12 // bytes: the least that a name's index and string header take
		if g.Count < 0 || g.Count > room/(len(g.Name)+number) {
			return absent("robot %s: its description has %d neurons %q, whose names do not fit into %d MB; "+
				"no robot has that many: another client may have written the description",
				r.topics, g.Count, shorten(g.Name), maxNames>>20)
		}
		room -= g.Count * (len(g.Name) + number)
	}
	r.known = parameters.Known{}
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
