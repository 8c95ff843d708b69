package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxctl/outcome"
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
	retained, err := r.Retained(ctx, filter)
	if err == nil && len(retained) == 0 && name != "" {
		retained, err = r.Retained(ctx, protocol.Topics("+").Status()) // for the error, which lists all robots
	}
	if err == nil {
		err = r.addLiving(ctx, retained, name)
	}
	if err != nil {
		return "", err
	}
	statuses := map[string]protocol.Status{}
	var online, all, shown []string
	for _, topic := range inOrder(retained) {
		var status protocol.Status
		if printable.Decode(retained[topic], &status) != nil {
			continue
		}
		robot := printable.Line(strings.Split(topic, "/")[1])
		statuses[robot] = status
		all = append(all, robot)
		shown = append(shown, fmt.Sprintf("%s (%s)", robot, status.State))
		if status.State == protocol.Online {
			online = append(online, robot)
		}
	}
	there := "known robots: " + strings.Join(shown, ", ")
	switch {
	case len(all) == 0:
		return "", outcome.Absentf("no robot at the broker %s: is fluxd running and connected to it?", broker)
	case name != "" && statuses[name].State == "":
		return "", outcome.Absentf("no robot %q at the broker %s%s; %s", name, broker, spelling.Meant(name, all), there)
	case name != "" && statuses[name].State != protocol.Online:
		return "", outcome.Absentf("robot %q is offline: is fluxd running there, and connected to the broker %s?", name, broker)
	case name != "":
		return r.is(name, statuses[name]), nil
	case len(online) == 0 && len(all) == 1 && stops:
		return r.is(all[0], statuses[all[0]]), nil
	case len(online) == 0:
		return "", outcome.Absentf("every robot is offline; %s", there)
	case len(online) > 1:
		return "", outcome.Absentf("several robots are online: choose with --robot; %s", there)
	}
	return r.is(online[0], statuses[online[0]]), nil
}

// is notes what the status says of the robot, and returns its topics.
func (r *remote) is(name string, s protocol.Status) protocol.Topics {
	r.version, r.protocol = s.Version, s.Protocol
	return protocol.Topics(name)
}

// checkVersion returns an error if the robot speaks another version of the protocol. It may always be stopped.
func (r *remote) checkVersion(verb string) error {
	if verb == stop || verb == "disarm" {
		return nil
	}
	err := protocol.CheckVersion(protocol.Version, r.protocol)
	if err == nil {
		return nil
	}
	return outcome.Failure{Exit: outcome.Refused, Err: fmt.Errorf("robot %s: %w", r.topics, err)}
}

// livingPatience is how long addLiving listens for health messages. Robots publish them once a second.
const livingPatience = 1500 * time.Millisecond

// addLiving adds an online status for each robot that publishes its health. It does so only when no retained status answers the
// search: in a NATS fleet, retained messages stay at the robot's own broker and are not visible here.
func (r *remote) addLiving(ctx context.Context, known map[string][]byte, name string) error {
	if name != "" && known[protocol.Topics(name).Status()] != nil || name == "" && len(known) > 0 {
		return nil
	}
	type living struct {
		robot  string
		status protocol.Status
	}
	alive := make(chan living, 1024)
	filter := protocol.Topics("+").Health()
	if err := r.Follow(ctx, map[string]byte{filter: 0}, func(_ paho.Client, m paho.Message) {
		var h protocol.Health
		_ = printable.Decode(m.Payload(), &h) // a robot whose health cannot be read is there all the same
		status := protocol.Status{State: protocol.Online, Version: h.Version, Protocol: h.Protocol}
		select {
		case alive <- living{strings.Split(m.Topic(), "/")[1], status}:
		default: // full: 1024 are more robots than a list is useful for
		}
	}); err != nil {
		return err
	}
	defer r.Unsubscribe(filter)
	for timeout := time.After(min(r.Patience, livingPatience)); ; {
		select {
		case one := <-alive:
			online, err := json.Marshal(one.status)
			if err != nil {
				return err
			}
			if known[protocol.Topics(one.robot).Status()] = online; one.robot == name {
				return nil
			}
		case <-timeout:
			return nil
		case <-ctx.Done():
			return outcome.Absentf("interrupted")
		}
	}
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
	var text []byte
	if !r.shared {
		retained, err := r.Retained(ctx, r.topics.Describe())
		if err != nil {
			return err
		}
		text = retained[r.topics.Describe()]
	}
	if text == nil { // in a NATS fleet, retained messages stay at the robot's own broker
		response, err := r.request(ctx, "describe", protocol.Request{})
		if err != nil {
			return err
		}
		text = response.Description
	}
	var description protocol.Description
	if err := printable.Decode(text, &description); err != nil {
		return outcome.Absentf("robot %s: its description cannot be read: %w", r.topics, err)
	}
	room := maxNames
	for _, g := range description.Neurons {
		const number = 12 // bytes: the least that a name's index and string header take
		if g.Count < 0 || g.Count > room/(len(g.Name)+number) {
			return outcome.Absentf("robot %s: its description has %d neurons %q, whose names do not fit into %d MB; "+
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
