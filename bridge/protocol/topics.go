// Package protocol is what a robot and its clients say to each other over MQTT: the topics, the JSON messages, and batches of
// spikes. A client in Go needs nothing else of fluxd:
//
//	robot := protocol.Topics("lightseeker")
//	request := protocol.Request{ID: uuid.NewString(), Time: time.Now().UnixMilli(), TTL: 2000, Set: map[string]float64{path: 90}}
//	payload, err := json.Marshal(request)
//	client.Publish(robot.Request("set"), 1, false, payload) // the answer, a Response with this ID, comes to robot.Response("set")
package protocol

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// Root is the first level of every topic.
const Root = "flux"

// Echo is a topic that every client may write and read. A client that wants to know whether everything that is retained has come
// sends a message of its own there: it comes back behind the rest. It tells its message from others' by the payload.
const Echo = "fluxctl/echo"

// Topics are the topics of one robot, named by its name.
type Topics string

// CheckName reports why a robot cannot have a name: it must be exactly one topic level, so not empty and without "/", "+" and
// "#". Brokers take no spaces and control characters in topics, and NATS has other wildcards, "*" and ">", and a sign of its own,
// "$".
func CheckName(name string) error {
	if !isLevel(name) {
		return fmt.Errorf("robot name %q: expected one or more characters other than / + # * > $, spaces and control characters", name)
	}
	return nil
}

// isLevel reports whether a name may be a level of a topic, at every broker.
func isLevel(name string) bool {
	bad := func(r rune) bool {
		return strings.ContainsRune("/+#*>$", r) || unicode.IsSpace(r) || !unicode.IsPrint(r)
	}
	return name != "" && !strings.ContainsFunc(name, bad)
}

// Sources of values and stops that are no users: a request that was sent under no name, the robot file, and an overlay.
const (
	Anonymous   = "mqtt"
	FromConfig  = "config"
	FromOverlay = "overlay"
)

// MaxUser is the longest name of a user, in bytes.
const MaxUser = 64

// CheckUser reports why a user cannot have a name: it stands in topics, so it is a level of one, and robots tell of it, so it is
// short and is none of their other words for who has set a value.
func CheckUser(name string) error {
	switch {
	case !isLevel(name):
		return fmt.Errorf("user %q: expected one or more characters other than / + # * > $, spaces and control characters", name)
	case len(name) > MaxUser:
		return fmt.Errorf("user %q: %d bytes: expected at most %d", name, len(name), MaxUser)
	case name == FromConfig || name == FromOverlay:
		return fmt.Errorf("user %q: a robot says so of values that no user has set: expected another name", name)
	}
	return nil
}

func (t Topics) of(rest string) string { return Root + "/" + string(t) + "/" + rest }

// All is the filter for everything below the robot's topic.
func (t Topics) All() string { return t.of("#") }

// Status is the topic of Status: QoS 1, retained.
func (t Topics) Status() string { return t.of("status") }

// Describe is the topic of Description: QoS 1, retained.
func (t Topics) Describe() string { return t.of("describe") }

// Param is the topic of the Value of a parameter: QoS 1, retained. The path "#" makes the filter for all.
func (t Topics) Param(path string) string { return t.of("param/" + path) }

// Request is the topic of a Request that is sent under nobody's name. The verb "+" makes the filter for all.
func (t Topics) Request(verb string) string { return t.of("req/" + verb) }

// RequestBy is the topic of a Request that a user sends under his name: MQTT 3.1.1 does not say who has published a message, so a
// broker that lets each user write only what ends in his own name does. Without a user it is that of Request. The user "+" makes
// the filter for all of them.
func (t Topics) RequestBy(verb, user string) string {
	if user == "" {
		return t.Request(verb)
	}
	return t.Request(verb) + "/" + user
}

// Asked takes the topic of a request apart: its verb, and under whose name it was sent. That is Anonymous where it names no user, or
// one that there cannot be. Of any other topic it reports false.
func (t Topics) SplitRequest(topic string) (verb, who string, request bool) {
	rest, request := strings.CutPrefix(topic, t.Request(""))
	verb, who, _ = strings.Cut(rest, "/")
	if CheckUser(who) != nil {
		who = Anonymous
	}
	return verb, who, request
}

// May is a topic that carries no messages. A client that subscribes to it is refused by the embedded broker if its user may not
// send the verb: MQTT 3.1.1 has no other way to tell, and drops the request without a word.
func (t Topics) May(verb string) string { return t.of("may/" + verb) }

// MayBy is the same for RequestBy: where nobody has to log in nobody has a name either, and the embedded broker refuses it.
func (t Topics) MayBy(verb, user string) string { return t.May(verb) + "/" + user }

// Response is the topic of the Response to a Request with that verb. The verb "+" makes the filter for all.
func (t Topics) Response(verb string) string { return t.of("res/" + verb) }

// Health is the topic of Health: QoS 0, retained, once a second.
func (t Topics) Health() string { return t.of("tele/health") }

// Sensors is the topic of the sensors' Measures by name: QoS 0, as often as the robot file says, mqtt.telemetry.
func (t Topics) Sensors() string { return t.of("tele/sensors") }

// Actuators is the topic of the actuators' Measures by name: as Sensors.
func (t Topics) Actuators() string { return t.of("tele/actuators") }

// Home is the topic of Home, for Home Assistant alone: QoS 0, once a second.
func (t Topics) Home() string { return t.of("tele/home") }

// Spikes is the topic of spikes as EncodeSpikes writes them: QoS 0, in batches, while somebody has a lease (verb watch).
func (t Topics) Spikes() string { return t.of("spikes") }

// Event is the topic of Event: QoS 1. The level "+" makes the filter for all.
func (t Topics) Event(level string) string { return t.of("event/" + level) }

// Discovery is the topic of the message for Home Assistant: QoS 1, retained.
func (t Topics) Discovery() string {
	return "homeassistant/device/fluxd-" + Identifier(string(t)) + "/config"
}

// notIdentifier is what an id of Home Assistant may not hold.
var notIdentifier = regexp.MustCompile(`[^a-zA-Z0-9_-]`)

// Identifier returns a name as Home Assistant takes it for an id.
func Identifier(name string) string { return notIdentifier.ReplaceAllString(name, "_") }
