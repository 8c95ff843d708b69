package broker

import (
	"strings"

	"github.com/nats-io/nats-server/v2/server"

	"fluxd/bridge/protocol"
	"fluxd/bridge/users"
)

// The server files MQTT topics as subjects: levels are parted by dots, and a dot within a level becomes two slashes
// (https://docs.nats.io/running-a-nats-service/configuration/mqtt#mqtt-topics-and-nats-subjects). Rights are given by subject. A
// * stands for one level, and > for one or more.

// subject returns the subject of a topic or filter, none of whose levels is empty.
func subject(topic string) string {
	return strings.NewReplacer(".", "//", "/", ".", "+", "*", "#", ">").Replace(topic)
}

func subjects(topics ...string) (all []string) {
	for _, t := range topics {
		all = append(all, subject(t))
	}
	return all
}

// everything that clients read: for # the server wants the subject of what stands before it, too.
var readable = []string{protocol.Root, protocol.Root + "/#", "homeassistant", "homeassistant/#", protocol.Echo}

// rights are those of a user, by its role; of everybody, without a name, where nobody has to log in. Nobody but a robot writes
// its topics, nobody asks it for anything under another's name, and nobody reads what others ask of it.
func rights(robot protocol.Topics, user string, role users.Role) *server.Permissions {
	if role == users.Robot {
		return robotRights(protocol.Topics(user))
	}
	write := []string{protocol.Echo}
	denied := []string{protocol.Topics("+").Request("#")}
	for _, verb := range users.Verbs() {
		if role.May(verb) {
			write = append(write, robot.Request(verb))
			if user != "" {
				write = append(write, robot.RequestBy(verb, user))
			}
		} else {
			denied = append(denied, robot.May(verb))
		}
	}
	if user == "" {
		denied = append(denied, robot.MayBy("+", "+"))
	}
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: subjects(write...)},
		Subscribe: &server.SubjectPermission{Allow: subjects(readable...), Deny: subjects(denied...)},
	}
}

// robotRights are those of a robot: it writes its own topics, reads what is asked of it, its status, by which it finds others of
// its name, what it tells Home Assistant, by which it sees that that is passed on, and the parameters of an earlier run.
func robotRights(robot protocol.Topics) *server.Permissions {
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: subjects(robot.Status(), robot.Describe(), robot.Param("#"), robot.Response("+"), robot.Health(), robot.Home(), robot.Sensors(), robot.Actuators(), robot.Spikes(), robot.Event("+"), robot.Discovery())},
		Subscribe: &server.SubjectPermission{Allow: subjects(robot.Request("#"), robot.Status(), robot.Discovery(), strings.TrimSuffix(robot.Param(""), "/"), robot.Param("#"))},
	}
}
