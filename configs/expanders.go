package configs

import (
	"slices"
	"strings"
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/boards/expanders"
	"fluxd/configs/strict"
)

// expanders checks the chips that give more pins.
func (v *validator) expanders() {
	for i := range v.robot.Expanders {
		if e := &v.robot.Expanders[i]; e.Value.Options != nil {
			v.Check("expanders."+e.Name, e.Value.Options)
		}
	}
}

// expander is one with its name.
type expander struct {
	name string
	expanders.Kind
	expanders.Options
}

// shared is what an expander gives all its outputs; zero where it has no PWM, or is wrong itself.
func (e *expander) shared() (asked physic.Frequency, period time.Duration) {
	if e.Options == nil {
		return 0, 0
	}
	return e.Options.Shared()
}

// expander returns the expander that a pin is on, and the pin's name there; nil for a pin of the board.
func (v *validator) expander(pin string) (*expander, string) {
	name, rest, found := strings.Cut(pin, "/")
	if !found {
		return nil, pin
	}
	if v.chips == nil {
		v.chips = map[string]*expander{}
		for _, e := range v.robot.Expanders {
			kind, _ := expanders.KindOf(e.Value.Device)
			v.chips[e.Name] = &expander{e.Name, kind, e.Value.Options}
		}
	}
	if chip := v.chips[name]; chip != nil {
		return chip, rest
	}
	return nil, pin
}

// expanderPin checks a pin of an expander.
func (v *validator) expanderPin(c *Connection, chip *expander, pin string) {
	switch opts := chip.Options.(type) {
	case *expanders.PCA9685Opts:
		v.outputPin(c, chip, opts, pin)
	case *expanders.MCP23017Opts:
		if !slices.Contains(chip.Pins, pin) {
			v.Fail(c.Path, "%s: an mcp23017 has the pins A0 to A7 and B0 to B7", strict.Shorten(c.Pin))
		} else if c.Direction == "pwm" {
			v.Fail(c.Path, "%s: an mcp23017 cannot do PWM; a pca9685 can", c.Pin)
		} else if c.Device == "hx711" && c.Direction == "out" {
			v.Fail(c.Path, "%s: a pulse of an expander's pin is so long that an hx711 goes to sleep: take a pin of the board", c.Pin)
		} else if c.Direction == "in" && c.Pull == "down" {
			v.Fail(c.Path, "%s: an mcp23017 has pull-ups only: take pull: up and a switch to ground, or pull: none and a resistor", c.Pin)
		} else if c.Direction == "in" && (pin == "A7" || pin == "B7") {
			v.Fail(c.Path, "%s: the data sheet says that A7 and B7 are outputs only: take another", c.Pin)
		} else if c.Direction == "in" && (c.Role == "echo" || c.Device == "quadrature" || c.Device == "hx711") {
			v.Fail(c.Path, "%s: nobody reports the edges of an expander's pin with their time: take a pin of the board", c.Pin)
		}
	}
}

// outputPin checks an output of a pca9685.
func (v *validator) outputPin(c *Connection, chip *expander, opts *expanders.PCA9685Opts, pin string) {
	asked, _ := chip.shared()
	device := strings.TrimSuffix(c.Path, "."+c.Role)
	switch kind := actuatorKind(c.Device); {
	case !slices.Contains(chip.Pins, pin):
		v.Fail(c.Path, "%s: a pca9685 has the outputs 0 to 15", strict.Shorten(c.Pin))
	case c.Direction == "in":
		v.Fail(c.Path, "%s: a pca9685 has outputs only; an mcp23017 has inputs", c.Pin)
	case c.Device == "hcsr04" || c.Device == "hx711":
		v.Fail(c.Path, "%s: a pca9685 changes its outputs at the end of a period only, and misses short pulses: take a pin of the board", c.Pin)
	case c.Device == "relay" && (c.Acts == "low") != opts.Inverted:
		v.Warn(c.Path, "%s: the outputs of a pca9685 are low from power-on until fluxd starts, whatever is set: the relay acts before: take one that is on when high, or hold OE of the chip high until then", c.Pin)
	case c.Direction != "pwm" || asked == 0 || c.Frequency == asked:
	case v.Says(device, "frequency"):
		v.Fail(device+".frequency", "%v: all outputs of expander %s have %v: leave it out here, or set it there", c.Frequency, chip.name, asked)
	case c.Role == "pwm" && asked < kind.Smooth:
		v.Warn(c.Path, "%s: expander %s makes %v, not the %v of a pin of the board: %s; set the frequency of the expander, take a pin of the board, or say frequency: %v here",
			c.Pin, chip.name, asked, c.Frequency, kind.Rough, asked)
	}
}
