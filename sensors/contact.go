package sensors

import "periph.io/x/conn/v3/gpio"

// A contact is an input that is on or off: a switch, or a line sensor with a comparator.
type contact struct {
	gpio.PinIO
	activeLow bool // it is on while the pin is low
}

// pulls are the pull resistors by their names in options.
var pulls = map[string]gpio.Pull{"up": gpio.PullUp, "down": gpio.PullDown, "none": gpio.Float}

// activeLow reports whether a low level means on. Active is "low", "high" or "" for the usual switch, which connects
// the pin to ground against a pull-up resistor, or else to the supply.
func activeLow(pull, active string) bool { return active == "low" || active == "" && pull == "up" }

// on reads the contact. The read can fail when the pin is at the far end of a bus.
func (c contact) on() (bool, error) {
	var level gpio.Level
	var err error
	if far, ok := c.PinIO.(interface{ ReadLevel() (gpio.Level, error) }); ok {
		level, err = far.ReadLevel()
	} else {
		level = c.Read()
	}
	return c.isOn(level), err
}

// isOn reports whether a level means on.
func (c contact) isOn(level gpio.Level) bool { return (level == gpio.Low) == c.activeLow }

// asReading turns on and off into millionths: 1,000,000 and 0.
func asReading(on bool) int64 {
	if on {
		return 1_000_000
	}
	return 0
}
