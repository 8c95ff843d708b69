package worlds

import (
	"fmt"
	"slices"
	"strings"

	"fluxd/configs/spelling"
	"fluxd/splitmix64"
)

// check compares a robot with a world, which refuses sensors that it has nothing for and actuators that move nothing in it.
func check(p physics, robot *Robot) (refused, unknown []*Mistake) {
	for i := range robot.Sensors {
		if m := checkSensor(p, robot, &robot.Sensors[i]); m != nil {
			refused = append(refused, m)
		}
	}
	refused = append(refused, Strangers(robot)...)
	parts, moved := namesOf(p.parts()), map[string]bool{}
	for _, a := range robot.Actuators {
		role, given := robot.role(a.Name)
		known := role == "nothing" || slices.Contains(parts, role)
		moved[role] = true
		switch {
		case known:
		case given:
			refused = append(refused, wrong("body.actuators."+a.Name, "%q: expected %s, which the world has, or nothing%s", role,
				strings.Join(parts, ", "), spelling.Hint(role, parts)))
		case moves(a.Device):
			unknown = append(unknown, wrong("actuators."+a.Name,
				"it moves nothing in the world: body.actuators.%s says what it moves: %s, or nothing", a.Name, strings.Join(parts, ", ")))
		}
	}
	for _, part := range p.parts() {
		if part.Needed && !moved[part.Name] && len(unknown) == 0 { // otherwise an actuator probably should
			unknown = append(unknown, wrong("", "no actuator moves the %s: body.actuators names the one that does", part.Name))
		}
	}
	if body, is := p.(interface{ beyond(at vector) error }); is {
		for _, m := range robot.Body.Sensors {
			if err := body.beyond(m.Value.place()); err != nil {
				unknown = append(unknown, &Mistake{"body.sensors." + m.Name + ".at", err})
			}
		}
	}
	if room, is := p.(interface{ fits() error }); is {
		if err := room.fits(); err != nil {
			refused = append(refused, &Mistake{"body", err})
		}
	}
	return refused, unknown
}

// Numbers returns the names of the numbers in a world's score: none where nothing changes. It returns false where only a program
// knows them.
func Numbers(o Options, robot *Robot) (names []string, known bool) {
	p := o.physics(robot)
	if p == nil {
		return nil, true
	}
	if _, is := p.(*program); is {
		return nil, false
	}
	var random splitmix64.Random
	p.reset(&random)
	for _, v := range p.score(0).Values {
		names = append(names, v.Name)
	}
	return names, true
}

// Strangers returns the names in a robot's body that none of its sensors and actuators has.
func Strangers(robot *Robot) (refused []*Mistake) {
	refused = append(refused, strangers("sensor", robot.Body.Sensors, namesOf(robot.Sensors))...)
	return append(refused, strangers("actuator", robot.Body.Actuators, namesOf(robot.Actuators))...)
}

// mostAdvice is how many unknown names get a suggestion: each takes a look at all known ones.
const mostAdvice = 10

func strangers[T any](what string, body []Named[T], known []string) (refused []*Mistake) {
	has := map[string]bool{}
	for _, name := range known {
		has[name] = true
	}
	for _, m := range body {
		if has[m.Name] {
			continue
		}
		advice := ""
		if len(refused) < mostAdvice {
			advice = spelling.Advice(m.Name, known)
		}
		refused = append(refused, wrong("body."+what+"s."+m.Name, "no %s has this name%s", what, advice))
	}
	return refused
}

// moves reports whether an actuator moves something: a label only names a command.
func moves(device string) bool { return device != "label" }

// namesOf returns the names of parts, sensors or actuators.
func namesOf[T interface{ name() string }](all []T) (names []string) {
	for _, one := range all {
		names = append(names, one.name())
	}
	return names
}

// checkSensor returns why a world has nothing for a sensor; nil if it has.
func checkSensor(p physics, robot *Robot, s *Sensor) *Mistake {
	what, m, path := robot.senses(s), robot.mount(s.Name), "sensors."+s.Name
	if what == "nothing" || s.Device == "log" {
		return nil
	}
	if m.Given {
		path = "body.sensors." + s.Name
	}
	s, why := matched(p.quantities(), s, what)
	if why != "" {
		return wrong(path, "%s", why)
	}
	switch {
	case s.Bent != "":
		return wrong("sensors."+s.Name+".curve", "%s: the world cannot find the measured value for a reading", s.Bent)
	case m.Noise.Micro != 0 && m.Noise.Unit != s.Unit:
		return wrong(path+".noise", "%s: expected %s", unitName(m.Noise.Unit), unitName(s.Unit))
	case m.Noise.Micro < 0:
		return wrong(path+".noise", "expected at least 0")
	}
	if _, err := p.sense(s, &m, what); err != nil {
		return &Mistake{path, err}
	}
	return nil
}

// matched returns a sensor as a world sees it: with the unit in which the world gives it a quantity. That is the unit of its
// device, or else the unit of its readings, which its curve converts back. It returns why there is none, or "".
func matched(offers []quantity, s *Sensor, what string) (*Sensor, string) {
	direct, curved := *s, *s
	direct.Raw, direct.Bent = nil, ""
	curved.Unit = s.Meaning
	if offers == nil { // a program gives what the user thinks of: no voltages where a curve makes distances of them
		if s.Unit == "V" && s.Raw != nil {
			return &curved, ""
		}
		return &direct, ""
	}
	var units []string
	for _, q := range offers {
		if q.Name == what && q.Unit == s.Unit {
			return &direct, ""
		}
	}
	for _, q := range offers {
		if q.Name == what && q.Unit == s.Meaning {
			return &curved, ""
		}
		if q.Name == what {
			units = append(units, unitName(q.Unit))
		}
	}
	switch {
	case what == "":
		return nil, fmt.Sprintf("the device %s may sense various things: body.sensors.%s.senses says what: %s, or nothing",
			s.Device, s.Name, strings.Join(offered(offers), ", "))
	case units == nil:
		return nil, fmt.Sprintf("the world has no %s for the device %s to sense%s: it has %s; body.sensors.%s.senses: nothing "+
			"leaves it at rest",
			what, s.Device, spelling.Hint(what, offered(offers)), strings.Join(offered(offers), ", "), s.Name)
	}
	return nil, fmt.Sprintf("the world has the %s in %s, the sensor measures in %s: a curve converts them",
		what, strings.Join(units, ", "), unitName(s.Unit))
}

func unitName(unit string) string {
	if unit == "" {
		return "plain numbers"
	}
	return unit
}
