package scaffold

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"fluxd/configs/spelling"
)

// Choices describe a robot. An empty one is open.
type Choices struct {
	Name      string // of the robot: letters, digits, _ and -
	Board     string // raspberrypi, sim
	Behaviour string // what it does: line, light, obstacles, wander
	Sensors   string // with which it does that
	Bumper    string // yes, no
	Motors    string // the name of a motor driver
	Reach     string // here, network
}

// Found is what is known of the machine.
type Found struct {
	Pi      bool     // it is a Raspberry Pi
	Answers []uint16 // addresses that answer on I2C1
}

// has reports whether an address answers, or one of several.
func (f Found) has(addresses ...uint16) bool {
	return slices.ContainsFunc(addresses, func(a uint16) bool { return slices.Contains(f.Answers, a) })
}

// An Option is one of the values that a choice can have.
type Option struct{ Name, About string }

// A Question is one of the choices.
type Question struct {
	Flag string // its name
	Text string // as a user is asked

	of      func(*Choices) *string
	options func(*Choices) []Option // may depend on the choices before it; one alone is not asked for
	usual   func(*Choices, Found) string
}

// Bus is the I2C bus of a robot's devices: the one on the header.
const Bus = "I2C1"

// ErrChoice is what errors.Is finds in the error of a choice that cannot be.
var ErrChoice = errors.New("wrong choice")

// A mistake is the error of a choice that cannot be: what was expected.
type mistake string

func (m mistake) Error() string   { return string(m) }
func (m mistake) Is(e error) bool { return e == ErrChoice }

// Questions are all choices but the name, in the order in which they depend on each other.
var Questions = []Question{
	{"board", "Where does it live?", func(c *Choices) *string { return &c.Board }, always(
		Option{"raspberrypi", "on a Raspberry Pi with 40 pins"},
		Option{"sim", "on a simulated board, in a world that fits it"},
	), func(_ *Choices, f Found) string {
		if f.Pi {
			return "raspberrypi"
		}
		return "sim"
	}},
	{"behaviour", "What does it do?", func(c *Choices) *string { return &c.Behaviour }, always(
		Option{"line", "follow a black line on a light floor"},
		Option{"light", "drive to a lamp"},
		Option{"obstacles", "drive around, and turn away from what is near"},
		Option{"wander", "drive around, and turn now and then"},
	), usualBehaviour},
	{"sensors", "With which sensors?", func(c *Choices) *string { return &c.Sensors }, func(c *Choices) []Option {
		return sensorsOf[c.Behaviour]
	}, usualSensors},
	{"bumper", "Has it a bumper?", func(c *Choices) *string { return &c.Bumper }, func(c *Choices) []Option {
		if c.Behaviour == "line" { // it would lose the line
			return []Option{{"no", "without"}}
		}
		return []Option{{"no", "without"}, {"yes", "a switch at the front: it backs off when it bumps into something"}}
	}, func(c *Choices, _ Found) string {
		if c.Behaviour == "wander" {
			return "yes"
		}
		return "no"
	}},
	{"motors", "What drives its two wheels?", func(c *Choices) *string { return &c.Motors }, func(*Choices) (all []Option) {
		for _, d := range drivers {
			all = append(all, Option{d.Name, d.About})
		}
		return all
	}, func(_ *Choices, f Found) string {
		for _, d := range drivers {
			if d.found != nil && d.found(f) {
				return d.Name
			}
		}
		return drivers[0].Name
	}},
	{"reach", "From where is it reached?", func(c *Choices) *string { return &c.Reach }, always(
		Option{"here", "from the same machine alone, without a password"},
		Option{"network", "from other machines too, with users and encryption"},
	), func(*Choices, Found) string { return "here" }},
}

func always(options ...Option) func(*Choices) []Option {
	return func(*Choices) []Option { return options }
}

// sensorsOf has the sensors with which a behaviour works.
var sensorsOf = map[string][]Option{
	"line": {
		{"line2", "two digital line sensors, one on each side of the line"},
		{"line5", "a row of five digital line sensors"},
	},
	"light": {
		{"bh1750", "two BH1750 light sensors on the I2C bus"},
		{"ads1115", "two photoresistors at an ADS1115 on the I2C bus"},
	},
	"obstacles": {
		{"vl53l0x", "two VL53L0X range sensors on the I2C bus"},
		{"hcsr04", "two HC-SR04 ultrasonic sensors, each with a divider for its 5 V"},
	},
	"wander": {{"none", "none is needed"}},
}

// Addresses of sensors that show what a robot is meant to do. A VL53L0X has other ones after fluxd has run.
var (
	lightAddresses = []uint16{0x23, 0x5c}
	adcAddresses   = []uint16{0x48}
	rangeAddresses = []uint16{0x29, 0x2a, 0x2b}
)

// behaviourOf returns the behaviour that needs some sensors; "" for none.
func behaviourOf(sensors string) string {
	for behaviour, options := range sensorsOf {
		if slices.ContainsFunc(options, func(o Option) bool { return o.Name == sensors }) {
			return behaviour
		}
	}
	return ""
}

// usualBehaviour is one for which a sensor answers.
func usualBehaviour(_ *Choices, f Found) string {
	switch {
	case f.has(lightAddresses...):
		return "light"
	case f.has(rangeAddresses...):
		return "obstacles"
	}
	return "line"
}

func usualSensors(c *Choices, f Found) string {
	switch {
	case c.Behaviour == "light" && f.has(adcAddresses...) && !f.has(lightAddresses...):
		return "ads1115"
	case c.Behaviour == "obstacles" && f.Pi && !f.has(rangeAddresses...):
		return "hcsr04"
	}
	return sensorsOf[c.Behaviour][0].Name
}

// Value returns what a choice is at present.
func (q *Question) Value(c *Choices) *string { return q.of(c) }

// Options returns what a choice can be, with the choices before it.
func (q *Question) Options(c *Choices) []Option { return q.options(c) }

// Names returns every name that a choice can have, with whatever choices before it.
func (q *Question) Names() (names []string) {
	for _, b := range Questions[1].options(nil) {
		for _, o := range q.options(&Choices{Behaviour: b.Name}) {
			if !slices.Contains(names, o.Name) {
				names = append(names, o.Name)
			}
		}
	}
	return names
}

// Check refuses a name, and a choice, that no others could make right. Choices that do not fit each other are found by Ask and
// Complete.
func (c *Choices) Check() error {
	if err := c.checkName(); err != nil {
		return err
	}
	for i := range Questions {
		q := &Questions[i]
		if is := *q.of(c); is != "" && !slices.Contains(q.Names(), is) {
			return wrong("--%s %.70q: expected %s%s", q.Flag, is, list(q.Names()), spelling.Hint(is, q.Names()))
		}
	}
	return nil
}

// fits returns an error if a choice does not fit those before it.
func (q *Question) fits(c *Choices) error {
	is, options := *q.of(c), q.options(c)
	if slices.ContainsFunc(options, func(o Option) bool { return o.Name == is }) {
		return nil
	}
	return wrong("--%s %s: expected %s with --behaviour %s", q.Flag, is, names(options), c.Behaviour)
}

func wrong(format string, values ...any) error {
	return mistake(fmt.Sprintf(format, values...))
}

// names lists options, such as "line2 or line5".
func names(options []Option) string {
	var all []string
	for _, o := range options {
		all = append(all, o.Name)
	}
	return list(all)
}

func list(all []string) string {
	if last := len(all) - 1; last > 0 {
		return strings.Join(all[:last], ", ") + " or " + all[last]
	}
	return all[0]
}

// Complete gives every open choice its default, and checks the others.
func (c *Choices) Complete(f Found) error { return c.settle(f, nil) }

// settle goes through all choices; ask, if there is one, is called for each open one that has several options.
func (c *Choices) settle(f Found, ask func(*Question, []Option, string) (string, error)) error {
	if err := c.Check(); err != nil {
		return err
	}
	if c.Behaviour == "" {
		c.Behaviour = behaviourOf(c.Sensors) // the sensors say it
	}
	for i := range Questions {
		q := &Questions[i]
		is := q.of(c)
		if *is != "" {
			if err := q.fits(c); err != nil {
				return err
			}
			continue
		}
		answer, options := q.usual(c, f), q.options(c)
		if len(options) == 1 {
			answer = options[0].Name
		} else if ask != nil {
			var err error
			if answer, err = ask(q, options, answer); err != nil {
				return err
			}
		}
		*is = answer
	}
	return nil
}

// mostName bounds a name: it is a level of MQTT topics, and most often a file's name.
const mostName = 64

// checkName refuses what no robot file accepts.
func (c *Choices) checkName() error {
	strange := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-')
	}
	switch {
	case c.Name == "" || strings.ContainsFunc(c.Name, strange):
		hint := "such as rover"
		if strings.HasSuffix(c.Name, ".yaml") {
			hint += "; the file is named with --output"
		}
		return wrong("NAME %.70q: expected a name of letters, digits, _ and -, %s", c.Name, hint)
	case len(c.Name) > mostName:
		return wrong("NAME %.70q: expected at most %d characters", c.Name, mostName)
	case strings.HasPrefix(c.Name, "-"):
		return wrong("NAME: expected a name that begins with a letter or a digit: commands take - for a flag")
	}
	return nil
}

// Line returns the command line of fluxd init that makes the same choices.
func (c *Choices) Line() string {
	line := c.Name
	for i := range Questions {
		line += " --" + Questions[i].Flag + "=" + *Questions[i].of(c)
	}
	return line
}

// Does says what the robot does, such as "drives to a lamp".
func (c *Choices) Does() string { return behaviours[c.Behaviour].does }

// World is the simulated world that fits the robot.
func (c *Choices) World() string { return behaviours[c.Behaviour].world }
