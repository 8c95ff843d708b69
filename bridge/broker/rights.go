package broker

import (
	"strings"

	"github.com/nats-io/nats-server/v2/server"

	"fluxd/bridge/protocol"
	"fluxd/bridge/users"
)

// Rights are given by NATS subject, and the server maps MQTT topics to subjects: dots separate the levels, and a dot within a
// level becomes two slashes (https://docs.nats.io/running-a-nats-service/configuration/mqtt#mqtt-topics-and-nats-subjects). In a
// subject, * stands for one level, and > for one or more.

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

// readable are the topics that clients may read. For a filter with # the server also needs the subject of the level before it.
var readable = []string{protocol.Root, protocol.Root + "/#", "homeassistant", "homeassistant/#", protocol.Echo}

// rights returns the rights of a user with a role; without a name, of every client if clients do not log in. Only a robot may
// write its topics, users may only send requests under their own names, and clients may not read requests.
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

// robotRights returns the rights of a robot. It writes its own topics. It reads its requests; its status, to detect robots with
// its name; the message for Home Assistant, to see that it is passed on; and the parameters of an earlier run.
func robotRights(robot protocol.Topics) *server.Permissions {
	write := subjects(robot.Status(), robot.Describe(), robot.Param("#"), robot.Response("+"), robot.Health(), robot.Home(),
		robot.Sensors(), robot.Actuators(), robot.Spikes(), robot.Neurons(), robot.Learning(), robot.World(), robot.Episode(),
		robot.Event("+"), robot.Discovery())
	read := subjects(robot.Request("#"), robot.Status(), robot.Discovery(), strings.TrimSuffix(robot.Param(""), "/"),
		robot.Param("#"))
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: write},
		Subscribe: &server.SubjectPermission{Allow: read},
	}
}
