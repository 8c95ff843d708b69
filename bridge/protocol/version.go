package protocol

import "fmt"

// Version is the version of this protocol. A robot states it in Status and Health.
//
// What was added since a version keeps it: a new verb, a new topic, a further key. A client ignores keys that it does not know,
// and a robot refuses a key or a verb that it does not know. A change that a client of before would misunderstand gets the next
// version. The topics of Status, Health and of the requests estop and disarm are the same in all versions, so that each client
// finds and stops each robot.
const Version = 1

// CheckVersion returns an *Error with the code OtherProtocol if a client and a robot speak different versions of the protocol. It
// names the program to update. A robot of 0 is one that states no version: it speaks version 1.
func CheckVersion(client, robot int) error {
	robot = max(robot, 1)
	update := "update fluxctl"
	switch {
	case robot == client:
		return nil
	case robot < client:
		update = "update fluxd on the robot"
	}
	return &Error{Code: OtherProtocol, Message: fmt.Sprintf(
		"the robot speaks version %d of the protocol, fluxctl version %d: %s; list, watch, disarm and estop work nevertheless",
		robot, client, update)}
}
