package configs

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/boards/expanders"
	"fluxd/boards/header"
	"fluxd/configs/spelling"
	"fluxd/configs/strict"
)

// expanders checks the options of the expanders.
func (v *validator) expanders() {
	for i := range v.robot.Expanders {
		if e := &v.robot.Expanders[i]; e.Value.Options != nil {
			v.Check("expanders."+e.Name, e.Value.Options)
		}
	}
}

// expander is an expander of the robot file, with its name and kind.
type expander struct {
	name string
	expanders.Kind
	expanders.Options
}

// pwm returns the PWM frequency that all outputs of an expander have, as configured, and the real period. Both are 0 if it has
// no PWM or its options have mistakes.
func (e *expander) pwm() (frequency physic.Frequency, period time.Duration) {
	if e.Options == nil {
		return 0, 0
	}
	return e.Options.Shared()
}

// expander returns the expander of a pin, and the pin's name there; nil for a pin of the board.
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

// expanderBus checks a bus behind an expander.
func (v *validator) expanderBus(c *Connection, path string) bool {
	chip, bus := v.expander(c.Bus)
	own, _ := v.expander(c.Name + "/") // the expander whose wire this is; nil for other devices
	switch {
	case chip == nil && !v.Readable("expanders"):
		return false // reported already
	case chip == nil:
		var names []string
		for _, e := range v.robot.Expanders {
			names = append(names, e.Name)
		}
		name, _, _ := strings.Cut(c.Bus, "/")
		v.Fail(path, "%s: no expander is named %q%s",
			strict.Shorten(c.Bus), strict.Shorten(name), spelling.Hint(name, names))
	case chip.Options == nil:
		return false
	case len(chip.Buses) == 0:
		v.Fail(path, "%s: a %s has pins but no buses: use a tca9548a", strict.Shorten(c.Bus), chip.Name)
	case !slices.Contains(chip.Buses, bus):
		v.Fail(path, "%[1]s: a %[2]s has the buses %[3]s/%[4]s to %[3]s/%[5]s",
			strict.Shorten(c.Bus), chip.Name, chip.name, chip.Buses[0], chip.Buses[len(chip.Buses)-1])
	case c.Owner == "expander "+c.Name && own != nil && len(own.Buses) > 0:
		v.Fail(path, "%s: a multiplexer cannot be behind a multiplexer: put it on a bus of the board", strict.Shorten(c.Bus))
	default:
		return true
	}
	return false
}

// boardBus returns the bus of the board to which a wire leads, and the multiplexer in between; "" without one.
func (v *validator) boardBus(c *Connection) (bus, mux string) {
	if chip, _ := v.expander(c.Bus); chip != nil && chip.Options != nil {
		return header.CanonicalBus(reflect.ValueOf(chip.Options).Elem().FieldByName("Bus").String()), chip.name
	}
	return c.Bus, ""
}

// upstream refuses an address behind a multiplexer that is also used on the bus of the multiplexer, or behind another one on that
// bus: both devices would answer. Before has the wires checked so far, by bus of the board and address.
func (v *validator) upstream(c *Connection, before map[string][]*Connection) {
	bus, mux := v.boardBus(c)
	place := (&Connection{Bus: bus, Address: c.Address}).Where()
	for _, other := range before[place] {
		if _, its := v.boardBus(other); its != mux {
			v.Fail(c.Path, "0x%02x: %s on %s would answer too: a device behind a multiplexer needs another address "+
				"than the devices on the multiplexer's bus %s, and than those behind other multiplexers there",
				c.Address, other.Owner, other.Bus, bus)
			return
		}
	}
	before[place] = append(before[place], c)
}

// allCall refuses a multiplexer at the all-call address, to which every pca9685 answers, if there is one on the same bus or
// behind the multiplexer.
func (v *validator) allCall(all []Connection) {
	for i := range all {
		mux := &all[i]
		if mux.Device != "tca9548a" || mux.Bus == "" || mux.Address != expanders.PCA9685AllCall || !v.Readable(mux.Path) {
			continue
		}
		for j := range all {
			if bus, _ := v.boardBus(&all[j]); all[j].Device == "pca9685" && bus == mux.Bus {
				v.Fail(mux.Path, "0x%02x: %s answers to that address too, as every pca9685 does: "+
					"connect pin A0 of the tca9548a to its supply, and write 0x71", mux.Address, all[j].Owner)
				break
			}
		}
	}
}

// expanderPin checks a pin of an expander.
func (v *validator) expanderPin(c *Connection, chip *expander, pin string) {
	switch opts := chip.Options.(type) {
	case *expanders.PCA9685Opts:
		v.outputPin(c, chip, opts, pin)
	case *expanders.TCA9548AOpts:
		v.Fail(c.Path, "%s: a tca9548a has buses but no pins", strict.Shorten(c.Pin))
	case *expanders.MCP23017Opts:
		if !slices.Contains(chip.Pins, pin) {
			v.Fail(c.Path, "%s: an mcp23017 has the pins A0 to A7 and B0 to B7", strict.Shorten(c.Pin))
		} else if c.Direction == "pwm" {
			v.Fail(c.Path, "%s: an mcp23017 has no PWM: use a pca9685", c.Pin)
		} else if c.Pulse == "short" {
			v.Fail(c.Path, "%s: a pulse of an expander's pin is too long for the %s: use a pin of the board", c.Pin, c.Device)
		} else if c.Direction == "in" && c.Pull == "down" {
			v.Fail(c.Path, "%s: an mcp23017 has pull-ups only: use pull: up and a switch to ground, or pull: none and a resistor", c.Pin)
		} else if c.Direction == "in" && (pin == "A7" || pin == "B7") {
			v.Fail(c.Path, "%s: A7 and B7 are outputs only, by the data sheet: use another pin", c.Pin)
		} else if c.Timed {
			v.Fail(c.Path, "%s: an expander's pin reports no times of its edges: use a pin of the board", c.Pin)
		}
	}
}

// outputPin checks an output of a pca9685.
func (v *validator) outputPin(c *Connection, chip *expander, opts *expanders.PCA9685Opts, pin string) {
	frequency, _ := chip.pwm()
	device := strings.TrimSuffix(c.Path, "."+c.Role)
	switch kind := actuatorKind(c.Device); {
	case !slices.Contains(chip.Pins, pin):
		v.Fail(c.Path, "%s: a pca9685 has the outputs 0 to 15", strict.Shorten(c.Pin))
	case c.Direction == "in":
		v.Fail(c.Path, "%s: a pca9685 has outputs only: use an mcp23017 for inputs", c.Pin)
	case c.Pulse != "":
		v.Fail(c.Path, "%s: a pca9685 changes its outputs at the end of a period only and would miss short pulses: "+
			"use a pin of the board", c.Pin)
	case (c.Device == "relay" || c.Device == "light") && (c.Acts == "low") != opts.Inverted:
		v.Warn(c.Path, "%s: the outputs of a pca9685 are low from power-on until fluxd starts, whatever is configured, "+
			"so the %s is on until then: use one that is on when high, or hold OE of the chip high until then", c.Pin, c.Device)
	case c.Direction != "pwm" || frequency == 0 || c.Frequency == frequency:
	case v.Given(device, "frequency"):
		v.Fail(device+".frequency", "%v: all outputs of expander %s have %v: leave it out here, or change it there",
			c.Frequency, chip.name, frequency)
	case c.Role == "pwm" && frequency < kind.Smooth:
		v.Warn(c.Path, "%s: expander %s makes %v, not the %v of a pin of the board: %s; raise the frequency of the expander, "+
			"up to %s, use a pin of the board, or write frequency: %v here",
			c.Pin, chip.name, frequency, c.Frequency, kind.Rough, expanders.PCA9685Fastest, frequency)
	}
}
