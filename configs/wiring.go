package configs

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Connection is a wire between the board and a device: a pin, or an address on a bus.
type Connection struct {
	Path      string // of the field that says so, such as "sensors.bumper.pin"
	Owner     string // "sensor bumper"
	Device    string // "button"
	Role      string // what the pin is to the device: "echo"; "address" for a bus
	Pin       string // in its canonical form: "GPIO17", "servos/3"; "" for a bus
	Position  int    // of the pin on the header, 0 where it is not there
	Bus       string // in its canonical form: "I2C1"; "" for a pin
	Address   uint16
	Direction string // "in", "out" or "pwm" as the board sees it; "bus"
	Pull      string // "up" or "down" of an input; ""
	Frequency Frequency
	Warning   string // what to look at before the power goes on; "" for nothing
}

// Where returns the pin, or the bus and address.
func (c *Connection) Where() string {
	if c.Bus != "" {
		return fmt.Sprintf("%s 0x%02x", c.Bus, c.Address)
	}
	return c.Pin
}

// Wiring lists all wires, in the order of the configuration.
func (r *Robot) Wiring() []Connection {
	var all []Connection
	for _, e := range r.Expanders {
		all = append(all, wires("expanders."+e.Name, "expander "+e.Name, e.Value)...)
	}
	for _, s := range r.Sensors {
		all = append(all, wires("sensors."+s.Name, "sensor "+s.Name, s.Value)...)
	}
	for _, a := range r.Actuators {
		all = append(all, wires("actuators."+a.Name, "actuator "+a.Name, a.Value)...)
	}
	if stop := r.Safety.EmergencyStop; stop != nil {
		all = append(all, wires("safety.emergency_stop", "emergency stop", *stop)...)
	}
	return all
}

// wires lists the wires of one device: its fields with the tag pin, and its address.
func wires(path, owner string, device any) []Connection {
	v := reflect.ValueOf(device)
	text := func(field string) string {
		if f := v.FieldByName(field); f.IsValid() {
			return f.String()
		}
		return ""
	}
	all := []Connection{}
	base := Connection{Owner: owner, Device: text("Device")}
	if base.Device == "" {
		base.Device = "switch"
	}
	if bus := text("Bus"); bus != "" {
		c := base
		c.Path, c.Role, c.Direction, c.Bus, c.Address = path+".address", "address", "bus", CanonicalBus(bus), uint16(v.FieldByName("Address").Uint())
		all = append(all, c)
	}
	for _, f := range fieldsOf(v.Type()) {
		direction := f.tag.Get("pin")
		if direction == "" {
			continue
		}
		add := func(path, role, name string) {
			if name == "" {
				return
			}
			c := base
			c.Path, c.Role, c.Direction, c.Pin = path, role, direction, CanonicalPin(name)
			c.Position = headerPosition(c.Pin)
			if pull := text("Pull"); direction == "in" && pull != "none" {
				c.Pull = pull
			}
			if direction == "pwm" {
				if frequency := v.FieldByName("Frequency"); frequency.IsValid() {
					c.Frequency = frequencyOf(base.Device, Frequency(frequency.Int()))
				}
			}
			if base.Device == "hcsr04" && role == "echo" && !v.FieldByName("LevelShifter").Bool() {
				c.Warning = "an HC-SR04 answers with 5 V, which destroys a 3.3 V input: put a level shifter or a divider (1 and 2 kohm) in between, then say level_shifter: true; an HC-SR04P on 3.3 V needs none"
			}
			all = append(all, c)
		}
		switch value := v.Field(f.index); value.Kind() {
		case reflect.Slice:
			for i := range value.Len() {
				add(fmt.Sprintf("%s.%s[%d]", path, f.key, i), fmt.Sprintf("%s[%d]", f.key, i), value.Index(i).String())
			}
		default:
			add(path+"."+f.key, f.key, value.String())
		}
	}
	return all
}

// frequencyOf is what an actuator's PWM has when the configuration does not say; 0 for a stepper, whose frequency is its speed.
func frequencyOf(device string, said Frequency) Frequency {
	if said != 0 || device == "stepper" {
		return said
	}
	switch device {
	case "hbridge":
		return 20_000_000_000
	case "dimmer":
		return 1_000_000_000
	}
	return 50_000_000
}

// expander returns the expander that a pin is on, and the pin's name there; nil for a pin of the board.
func (r *Robot) expander(pin string) (*Named[Expander], string) {
	name, rest, found := strings.Cut(pin, "/")
	if !found {
		return nil, pin
	}
	for i := range r.Expanders {
		if r.Expanders[i].Name == name {
			return &r.Expanders[i], rest
		}
	}
	return nil, pin
}

// wiring refuses what cannot be wired: one pin or address twice, PWM where there is none, and what shares what it must not.
func (v *validator) wiring() {
	all := v.robot.Wiring()
	pins, addresses := map[string]*Connection{}, map[string]*Connection{}
	channels := map[int]*Connection{}
	buses := map[string]bool{}
	header := slices.Contains([]string{"sim", "raspberrypi"}, v.robot.Board.Kind)
	for i := range all {
		if all[i].Bus != "" {
			buses[all[i].Bus] = true
		}
	}
	for i := range all {
		c := &all[i]
		if !v.readable(c.Path) {
			continue
		}
		if c.Bus != "" {
			if other := addresses[c.Where()]; other == nil {
				addresses[c.Where()] = c
			} else if !v.shared(other, c) {
				v.fail(c.Path, "%s is used by %s already", c.Where(), other.Owner)
			}
			continue
		}
		if other := pins[c.Pin]; other != nil {
			if !v.shared(other, c) {
				v.fail(c.Path, "%s is used by %s already%s", c.Pin, other.Owner, as(other.Role))
			}
			continue
		}
		pins[c.Pin] = c
		if chip, pin := v.robot.expander(c.Pin); chip != nil {
			v.expanderPin(c, chip, pin)
			continue
		}
		v.boardPin(c, header, channels, buses)
	}
}

// as names the role of a wire, where a device has several.
func as(role string) string {
	if role == "pin" {
		return ""
	}
	return ", as " + role
}

// boardPin checks a pin of the board itself.
func (v *validator) boardPin(c *Connection, header bool, channels map[int]*Connection, buses map[string]bool) {
	if strings.Contains(c.Pin, "/") && !strings.HasPrefix(c.Pin, "pwmchip") {
		if !v.readable("expanders") {
			return // a mistake already
		}
		var names []string
		for _, e := range v.robot.Expanders {
			names = append(names, e.Name)
		}
		name, _, _ := strings.Cut(c.Pin, "/")
		v.fail(c.Path, "%s: no expander is named %q%s", c.Pin, shorten(name), nearest(name, names))
		return
	}
	if !header {
		return // what a board has, it alone knows
	}
	if c.Position == 0 {
		v.fail(c.Path, "%s: expected a pin of the header, GPIO0 to GPIO27 or P1_3 to P1_40, or name/pin of an expander", shorten(c.Pin))
		return
	}
	for bus, both := range BusPins {
		if buses[bus] && slices.Contains(both[:], c.Pin) {
			v.fail(c.Path, "%s belongs to bus %s, which this robot uses: take another pin", c.Pin, bus)
			return
		}
	}
	if c.Direction != "pwm" {
		return
	}
	channel, can := hardwarePWM[c.Pin]
	if !can {
		v.fail(c.Path, "%s cannot do PWM: expected GPIO12, GPIO13, GPIO18 or GPIO19, or a pca9685 expander", c.Pin)
		return
	}
	if other := channels[channel]; other != nil && v.robot.Board.Model != "pi5" {
		how := "would always have the same duty"
		if other.Frequency != c.Frequency {
			how = fmt.Sprintf("cannot have %v and %v", other.Frequency.Physic(), c.Frequency.Physic())
		}
		v.fail(c.Path, "%s and %s of %s are one PWM channel before the Raspberry Pi 5, and %s: take a pin of the other channel or a pca9685, or say board: {kind: raspberrypi, model: pi5}",
			c.Pin, other.Pin, other.Owner, how)
		return
	}
	channels[channel] = c
}

// expanderPin checks a pin of an expander.
func (v *validator) expanderPin(c *Connection, chip *Named[Expander], pin string) {
	switch chip.Value.Device {
	case "pca9685":
		if !slices.Contains(pca9685Pins, pin) {
			v.fail(c.Path, "%s: a pca9685 has the outputs 0 to 15", shorten(c.Pin))
		} else if c.Direction == "in" {
			v.fail(c.Path, "%s: a pca9685 has outputs only; an mcp23017 has inputs", c.Pin)
		} else if c.Device == "stepper" && c.Direction == "pwm" {
			v.fail(c.Path, "%s: the frequency of a stepper's pulses is its speed, and all outputs of a pca9685 share theirs: take a pin of the board", c.Pin)
		} else if device := strings.TrimSuffix(c.Path, "."+c.Role); c.Direction == "pwm" && c.Frequency != chip.Value.Frequency && v.says(device, "frequency") {
			v.fail(device+".frequency", "%v: all outputs of expander %s have %v: leave it out here, or set it there", c.Frequency.Physic(), chip.Name, chip.Value.Frequency.Physic())
		}
	case "mcp23017":
		if !slices.Contains(mcp23017Pins, pin) {
			v.fail(c.Path, "%s: an mcp23017 has the pins A0 to A7 and B0 to B7", shorten(c.Pin))
		} else if c.Direction == "pwm" {
			v.fail(c.Path, "%s: an mcp23017 cannot do PWM; a pca9685 can", c.Pin)
		} else if c.Direction == "in" && (pin == "A7" || pin == "B7") {
			v.fail(c.Path, "%s: the data sheet says that A7 and B7 are outputs only: take another", c.Pin)
		} else if c.Direction == "in" && (c.Role == "echo" || c.Device == "quadrature" || c.Device == "hx711") {
			v.fail(c.Path, "%s: nobody reports the edges of an expander's pin with their time: take a pin of the board", c.Pin)
		}
	}
}

// says reports whether the file itself has a key.
func (v *validator) says(path, key string) bool { return lookup(find(v.root, path), key, 0) != nil }

var pca9685Pins, mcp23017Pins = func() (outputs, pins []string) {
	for i := range 16 {
		outputs = append(outputs, fmt.Sprint(i))
		pins = append(pins, fmt.Sprintf("%c%d", 'A'+i/8, i%8))
	}
	return outputs, pins
}()

// shared reports whether a second device on the same wire is another measure of the same chip, and checks that the two agree.
func (v *validator) shared(first, second *Connection) bool {
	one, other := v.sensor(first.Owner), v.sensor(second.Owner)
	if one == nil || other == nil || first.Owner == second.Owner || one.Device != other.Device || one.Measure == "" || first.Role != second.Role {
		return false
	}
	path := strings.Replace(second.Owner, "sensor ", "sensors.", 1)
	if one.Measure == other.Measure {
		v.fail(path+".measure", "%s measures %s there already", first.Owner, one.Measure)
	} else if field := one.differs(other); field != "" {
		v.fail(path+"."+field, "%s is another measure of the same device: expected the same %s", first.Owner, field)
	}
	return true
}

// sensor returns a sensor by the owner of its wires, nil for another device.
func (v *validator) sensor(owner string) *Sensor {
	if v.owners == nil {
		v.owners = make(map[string]*Sensor, len(v.robot.Sensors))
		for i := range v.robot.Sensors {
			v.owners["sensor "+v.robot.Sensors[i].Name] = &v.robot.Sensors[i].Value
		}
	}
	return v.owners[owner]
}

// differs names a field of the chip itself in which two sensors differ; "" for none. What belongs to a measure alone may differ.
func (s *Sensor) differs(other *Sensor) string {
	a, b := *s, *other
	for _, c := range []*Sensor{&a, &b} {
		c.Measure, c.Every, c.Curve, c.Stale, c.Frozen, c.Encode, c.Bus = "", 0, nil, 0, 0, Encode{}, ""
	}
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for _, f := range fieldsOf(x.Type()) {
		if !reflect.DeepEqual(x.Field(f.index).Interface(), y.Field(f.index).Interface()) {
			return f.key
		}
	}
	return ""
}
