package bridge

import (
	"fmt"
	"strings"
)

// Root is the first level of every topic.
const Root = "flux"

// homeAssistant is the first level of the topics of its discovery.
const homeAssistant = "homeassistant"

// Topics are the topics of one robot, named by its name.
type Topics string

// CheckName reports why a robot cannot have a name: it must be exactly one topic level, so not empty and without "/", "+", "#" and NUL.
func CheckName(name string) error {
	if name == "" || strings.ContainsAny(name, "/+#\x00") {
		return fmt.Errorf("robot name %q: expected one or more characters other than / + # and NUL", name)
	}
	return nil
}

func (t Topics) of(rest string) string { return Root + "/" + string(t) + "/" + rest }

// Status is the topic of Status: QoS 1, retained.
func (t Topics) Status() string { return t.of("status") }

// Describe is the topic of Description: QoS 1, retained.
func (t Topics) Describe() string { return t.of("describe") }

// Param is the topic of the Value of a parameter: QoS 1, retained. The path "#" makes the filter for all.
func (t Topics) Param(path string) string { return t.of("param/" + path) }

// Request is the topic of a Request. The verb "+" makes the filter for all.
func (t Topics) Request(verb string) string { return t.of("req/" + verb) }

// Response is the topic of the Response to a Request with that verb. The verb "+" makes the filter for all.
func (t Topics) Response(verb string) string { return t.of("res/" + verb) }

// Health is the topic of Health: QoS 0, retained, once a second.
func (t Topics) Health() string { return t.of("tele/health") }

// Sensors is the topic of the sensors' Measures by name: QoS 0, every TelemetryEvery of the Robot while somebody listens; an external broker
// cannot tell, and always gets them.
func (t Topics) Sensors() string { return t.of("tele/sensors") }

// Actuators is the topic of the actuators' Measures by name: as Sensors.
func (t Topics) Actuators() string { return t.of("tele/actuators") }

// Spikes is the topic of spikes as EncodeSpikes writes them: QoS 0, in batches, while somebody has a lease (verb watch).
func (t Topics) Spikes() string { return t.of("spikes") }

// Event is the topic of Event: QoS 1. The level "+" makes the filter for all.
func (t Topics) Event(level string) string { return t.of("event/" + level) }

// matches reports whether a topic matches a filter, level by level (MQTT 3.1.1, section 4.7). The matcher that comes with the
// broker also lets a/+ match a/b/c.
func matches(filter, topic string) bool {
	if strings.HasPrefix(topic, "$") != strings.HasPrefix(filter, "$") {
		return false // wildcards at the first level leave out the broker's own topics
	}
	want, have := strings.Split(filter, "/"), strings.Split(topic, "/")
	for i, level := range want {
		switch {
		case level == "#":
			return i == len(want)-1
		case i >= len(have):
			return false
		case level != "+" && level != have[i]:
			return false
		}
	}
	return len(want) == len(have)
}
