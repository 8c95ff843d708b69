package worlds

import (
	"fmt"
	"strings"
)

// The pins and addresses of the arena's robot on the simulated board.
const (
	arenaBus       = "I2C1"
	leftEye        = 0x23
	rightEye       = 0x5c
	bumperPin      = "GPIO17" // a switch to ground: low while the front touches a wall
	leftPWM        = "GPIO13"
	leftDirection  = "GPIO6" // high: reverse
	rightPWM       = "GPIO12"
	rightDirection = "GPIO5"
)

// arenaRobot lists the connections of the arena's robot.
var arenaRobot = []Connection{
	{Name: "left eye", Device: "bh1750", Role: "address", Bus: arenaBus, Address: leftEye},
	{Name: "right eye", Device: "bh1750", Role: "address", Bus: arenaBus, Address: rightEye},
	{Name: "bumper", Device: "button", Role: "pin", Pin: bumperPin},
	{Name: "left wheel", Device: "hbridge", Role: "pwm", Pin: leftPWM},
	{Name: "left wheel", Device: "hbridge", Role: "direction", Pin: leftDirection},
	{Name: "right wheel", Device: "hbridge", Role: "pwm", Pin: rightPWM},
	{Name: "right wheel", Device: "hbridge", Role: "direction", Pin: rightDirection},
}

// Check implements Options. It refuses other devices at the addresses of the eyes. It does not know other connections than those
// of the arena's robot, and reports a wheel that is not connected.
func (*ArenaOpts) Check(wiring []Connection) (refused, unknown []Mistake) {
	connected := map[string]bool{}
	listedAll := false // all parts, once: a device that the arena has not may have many wires
	for i := range wiring {
		c := &wiring[i]
		known, taken := false, false
		for _, part := range arenaRobot {
			here := part.Where() == c.Where()
			known = known || here && part.Device == c.Device && part.Role == c.Role
			taken = taken || here && part.Bus != "" && part.Device != c.Device
		}
		connected[c.Where()] = connected[c.Where()] || known
		switch {
		case taken:
			refused = append(refused, Mistake{i,
				fmt.Errorf("0x%02x: the arena has a light sensor there, a bh1750: use another address, or bus I2C0", c.Address)})
		case !known && !inEveryWorld(c):
			has := partList(func(part *Connection) bool { return part.Device == c.Device && part.Role == c.Role })
			if has == "" && !listedAll {
				has, listedAll = partList(func(*Connection) bool { return true }), true
			}
			if has != "" {
				has = "; it has " + has
			}
			unknown = append(unknown, Mistake{i,
				fmt.Errorf("the arena has no %s with its %s at %s%s", c.Device, c.Role, c.Where(), has)})
		}
	}
	listed := map[string]bool{}
	for _, part := range arenaRobot {
		if part.Device == "hbridge" && !connected[part.Where()] && !listed[part.Name] {
			listed[part.Name] = true
			wires := partList(func(other *Connection) bool { return other.Name == part.Name })
			unknown = append(unknown, Mistake{-1,
				fmt.Errorf("the arena's %s is not connected, and does not turn as it should: expected %s", part.Name, wires)})
		}
	}
	return refused, unknown
}

// partList describes the parts of the arena's robot that are alike, each with its wires; "" if none is.
func partList(alike func(part *Connection) bool) string {
	var list []string
	name := ""
	for i := range arenaRobot {
		part := &arenaRobot[i]
		if !alike(part) {
			continue
		}
		wire := part.Role + " " + part.Where()
		if part.Name == name {
			list[len(list)-1] += ", " + wire
			continue
		}
		name = part.Name
		list = append(list, fmt.Sprintf("%s: %s, %s", name, part.Device, wire))
	}
	return strings.Join(list, "; ")
}
