package sensors

import "periph.io/x/conn/v3/gpio"

// A contact is an input that is on or off: a switch, or a line sensor with a comparator.
type contact struct {
	gpio.PinIO
	activeLow bool // it is on while the pin is low
}

// pulls are the resistors by their names in options.
var pulls = map[string]gpio.Pull{"up": gpio.PullUp, "down": gpio.PullDown, "none": gpio.Float}

// activeLow says whether low is on: what the options say, "low" or "high", or else what a switch that closes makes of the resistor.
func activeLow(pull, active string) bool { return active == "low" || active == "" && pull == "up" }

// on reads the contact. That can fail where the pin is at the far end of a bus.
func (c contact) on() (bool, error) {
	var level gpio.Level
	var err error
	if far, ok := c.PinIO.(interface{ ReadLevel() (gpio.Level, error) }); ok {
		level, err = far.ReadLevel()
	} else {
		level = c.Read()
	}
	return c.means(level), err
}

// means says whether a level is on.
func (c contact) means(level gpio.Level) bool { return (level == gpio.Low) == c.activeLow }

// one is a truth in millionths.
func one(truth bool) int64 {
	if truth {
		return 1_000_000
	}
	return 0
}
