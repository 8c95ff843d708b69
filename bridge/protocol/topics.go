// Package protocol defines what a robot and its clients exchange over MQTT: topics, JSON messages, and batches of spikes. A
// client in Go needs no other package of fluxd:
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

// Echo is a topic that every client may write and read. A client that wants to know whether it has received all retained messages
// publishes one with a unique payload there: it comes back after them.
const Echo = "fluxctl/echo"

// Topics are the topics of one robot. The value is the robot's name.
type Topics string

// CheckName returns an error if a robot cannot have a name. A name is exactly one level of a topic: not empty, without "/", "+"
// and "#". Brokers accept neither spaces nor control characters in topics, and in NATS "*", ">" and "$" have a meaning.
func CheckName(name string) error {
	if !isLevel(name) {
		return fmt.Errorf("robot name %q: expected one or more characters other than / + # * > $, spaces and control characters", name)
	}
	return nil
}

// isLevel reports whether every broker accepts a name as a level of a topic.
func isLevel(name string) bool {
	bad := func(r rune) bool {
		return strings.ContainsRune("/+#*>$", r) || unicode.IsSpace(r) || !unicode.IsPrint(r)
	}
	return name != "" && !strings.ContainsFunc(name, bad)
}

// Sources of values and emergency stops other than users: a request without a user's name, the robot file, and an overlay.
const (
	Anonymous   = "mqtt"
	FromConfig  = "config"
	FromOverlay = "overlay"
)

// MaxUser is the longest name of a user, in bytes.
const MaxUser = 64

// CheckUser returns an error if a user cannot have a name. The name is a level of topics, and it is published as the source of
// values: it is short, and is neither FromConfig nor FromOverlay.
func CheckUser(name string) error {
	switch {
	case !isLevel(name):
		return fmt.Errorf("user %q: expected one or more characters other than / + # * > $, spaces and control characters", name)
	case len(name) > MaxUser:
		return fmt.Errorf("user %q: %d bytes: expected at most %d", name, len(name), MaxUser)
	case name == FromConfig || name == FromOverlay:
		return fmt.Errorf("user %q: robots use this word for values that no user has set: choose another name", name)
	}
	return nil
}

func (t Topics) of(rest string) string { return Root + "/" + string(t) + "/" + rest }

// All is the filter for all topics of the robot.
func (t Topics) All() string { return t.of("#") }

// Status is the topic of Status: QoS 1, retained.
func (t Topics) Status() string { return t.of("status") }

// Describe is the topic of Description: QoS 1, retained.
func (t Topics) Describe() string { return t.of("describe") }

// Param is the topic of the Value of a parameter: QoS 1, retained. With the path "#" it is the filter for all parameters.
func (t Topics) Param(path string) string { return t.of("param/" + path) }

// Request is the topic of a Request without a user's name. With the verb "+" it is the filter for all verbs.
func (t Topics) Request(verb string) string { return t.of("req/" + verb) }

// RequestBy is the topic of a Request under a user's name. MQTT 3.1.1 does not say who published a message, so the broker vouches
// for it: it lets each user write only topics that end in the user's own name. Without a user it is the topic of Request. With
// the user "+" it is the filter for all users.
func (t Topics) RequestBy(verb, user string) string {
	if user == "" {
		return t.Request(verb)
	}
	return t.Request(verb) + "/" + user
}

// SplitRequest returns the verb and the user of the topic of a request. The user is Anonymous if the topic names none, or a name
// that no user can have. request is false for any other topic.
func (t Topics) SplitRequest(topic string) (verb, user string, request bool) {
	rest, request := strings.CutPrefix(topic, t.Request(""))
	verb, user, _ = strings.Cut(rest, "/")
	if CheckUser(user) != nil {
		user = Anonymous
	}
	return verb, user, request
}

// May is a topic without messages. The embedded broker refuses a subscription to it if the user may not send the verb. That is
// how a client can find out: MQTT 3.1.1 has no other way, and the broker drops a denied request without an answer.
func (t Topics) May(verb string) string { return t.of("may/" + verb) }

// MayBy is the same for RequestBy. The embedded broker refuses it too if clients do not log in, since they have no names then.
func (t Topics) MayBy(verb, user string) string { return t.May(verb) + "/" + user }

// Response is the topic of the Response to a Request with that verb. With the verb "+" it is the filter for all verbs.
func (t Topics) Response(verb string) string { return t.of("res/" + verb) }

// Health is the topic of Health: QoS 0, retained, once a second.
func (t Topics) Health() string { return t.of("tele/health") }

// Sensors is the topic of the sensors' Measures by name: QoS 0, at the rate mqtt.telemetry of the robot file.
func (t Topics) Sensors() string { return t.of("tele/sensors") }

// Actuators is the topic of the actuators' Measures by name: QoS 0, at the same rate.
func (t Topics) Actuators() string { return t.of("tele/actuators") }

// Home is the topic of Home, for Home Assistant alone: QoS 0, once a second.
func (t Topics) Home() string { return t.of("tele/home") }

// Spikes is the topic of batches of spikes, see EncodeSpikes: QoS 0, published while a client has a lease (verb watch).
func (t Topics) Spikes() string { return t.of("spikes") }

// Neurons is the topic of Neurons: QoS 0, at the rate mqtt.telemetry while a client has a lease for neurons (verb watch).
func (t Topics) Neurons() string { return t.of("tele/neurons") }

// Learning is the topic of Learning: QoS 0, twice a second while a client has a lease for it (verb watch).
func (t Topics) Learning() string { return t.of("tele/learning") }

// World is the topic of WorldState: QoS 0, at the rate mqtt.telemetry while a client has a lease for it (verb watch).
func (t Topics) World() string { return t.of("tele/world") }

// Episode is the topic of Episode: QoS 1, when an episode of the simulated world is over.
func (t Topics) Episode() string { return t.of("tele/episode") }

// Event is the topic of Event: QoS 1. With the level "+" it is the filter for all levels.
func (t Topics) Event(level string) string { return t.of("event/" + level) }

// Discovery is the topic of the message by which Home Assistant finds the robot: QoS 1, retained.
func (t Topics) Discovery() string {
	return "homeassistant/device/fluxd-" + Identifier(string(t)) + "/config"
}

// notIdentifier matches the characters that Home Assistant does not allow in an id.
var notIdentifier = regexp.MustCompile(`[^a-zA-Z0-9_-]`)

// Identifier turns a name into an id for Home Assistant.
func Identifier(name string) string { return notIdentifier.ReplaceAllString(name, "_") }
