package configs

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"periph.io/x/conn/v3/physic"

	"fluxd/actuators"
	"fluxd/boards/header"
	"fluxd/configs/spelling"
	"fluxd/configs/strict"
	"fluxd/sensors"
)

// Connection is a wire between the board and a device: a pin, or a bus and an address on it.
type Connection struct {
	Path      string // of the key that names it, such as "sensors.bumper.pin"
	Owner     string // "sensor bumper"
	Name      string // "bumper"
	Device    string // "button"
	Role      string // of the pin for the device: "echo"; "address" for a bus
	Pin       string // in its canonical form: "GPIO17", "servos/3"; "" for a bus
	Position  int    // of the pin on the header, 0 if it is not on the header
	Bus       string // in its canonical form: "I2C1"; "" for a pin
	Address   uint16
	Direction string           // of a pin, seen from the board: "in", "out" or "pwm"; "bus"
	Pull      string           // of an input: "up", "down" or ""
	ActiveLow bool             // of an input: low means pressed
	Acts      string           // of an output: the level that switches its device on, "high" or "low"; "" if that does not apply
	Frequency physic.Frequency // of PWM; 0 for a stepper, whose frequency is its speed
	// of an output that the driver pulses: "short" for some microseconds at most, "any" if longer will do; else ""
	Pulse string
	Timed bool // of an input: the driver needs the times of its edges
}

// Where returns the pin, or the bus and the address.
func (c *Connection) Where() string {
	if c.Bus != "" {
		return fmt.Sprintf("%s 0x%02x", c.Bus, c.Address)
	}
	return c.Pin
}

// Wiring returns all wires, in the order of the robot file.
func (r *Robot) Wiring() []Connection {
	var all []Connection
	for _, e := range r.Expanders {
		all = append(all, e.Value.Wires(e.Name)...)
	}
	for _, s := range r.Sensors {
		all = append(all, s.Value.Wires(s.Name)...)
	}
	for _, a := range r.Actuators {
		all = append(all, a.Value.Wires(a.Name)...)
	}
	if stop := r.Safety.EmergencyStop; stop != nil {
		all = append(all, wires("safety.emergency_stop", "", "emergency stop", "switch", stop)...)
	}
	if start := r.Safety.Start; start != nil {
		all = append(all, wires("safety.start", "", "start button", "switch", start)...)
	}
	if light := r.Safety.StatusLight; light != nil {
		lamp := wires("safety.status_light", "", "status light", "light", light)
		for i := range lamp {
			lamp[i].Acts = light.Active
		}
		all = append(all, lamp...)
	}
	return all
}

// Wires returns the wires of an expander with a name.
func (c *Expander) Wires(name string) []Connection {
	if c.Options == nil {
		return nil
	}
	return wires("expanders."+name, "expander ", name, c.Device, c.Options)
}

// Wires returns the wires of a sensor with a name.
func (c *Sensor) Wires(name string) []Connection {
	if c.Options == nil {
		return nil
	}
	return wires("sensors."+name, "sensor ", name, c.Device, c.Options)
}

// Wires returns the wires of an actuator with a name.
func (a *Actuator) Wires(name string) []Connection {
	if a.Options == nil {
		return nil
	}
	all := wires("actuators."+name, "actuator ", name, a.Device, a.Options)
	acting, _ := a.Options.(actuators.Acting)
	for i := range all {
		if acting != nil {
			all[i].Acts = acting.ActsAt(all[i].Role)
		}
	}
	return all
}

// wires returns the wires of one device: its bus, and the fields of its options (a pointer to a struct) with the tag pin.
func wires(path, sort, name, device string, options any) []Connection {
	v := reflect.ValueOf(options).Elem()
	text := func(field string) string {
		if f := v.FieldByName(field); f.IsValid() {
			return f.String()
		}
		return ""
	}
	all := []Connection{}
	base := Connection{Owner: sort + name, Name: name, Device: device}
	if bus := text("Bus"); bus != "" {
		c := base
		c.Path, c.Role, c.Direction = path+".address", "address", "bus"
		c.Bus, c.Address = header.CanonicalBus(bus), uint16(v.FieldByName("Address").Uint())
		all = append(all, c)
	}
	for _, f := range strict.Fields(v.Type()) {
		direction := f.Tag.Get("pin")
		if direction == "" {
			continue
		}
		add := func(path, role, name string) {
			if name == "" {
				return
			}
			c := base
			c.Path, c.Role, c.Direction, c.Pin = path, role, direction, header.CanonicalPin(name)
			c.Pulse, c.Timed = f.Tag.Get("pulse"), f.Tag.Get("edges") == "timed"
			if at, found := header.Find(c.Pin); found {
				c.Position = at.Position
			}
			if pull := text("Pull"); direction == "in" && pull != "none" {
				c.Pull = pull
			}
			c.ActiveLow = direction == "in" && (text("Active") == "low" || text("Active") == "" && text("Pull") == "up")
			if direction == "pwm" {
				if frequency := v.FieldByName("Frequency"); frequency.IsValid() {
					c.Frequency = physic.Frequency(frequency.Int())
				}
			}
			all = append(all, c)
		}
		switch value := v.FieldByIndex(f.Index); value.Kind() {
		case reflect.Slice:
			for i := range value.Len() {
				add(fmt.Sprintf("%s.%s[%d]", path, f.Key, i), fmt.Sprintf("%s[%d]", f.Key, i), value.Index(i).String())
			}
		default:
			add(path+"."+f.Key, f.Key, value.String())
		}
	}
	return all
}

// wiring refuses wires that cannot be: a pin or address that is used twice, and pins without what a device needs.
func (v *validator) wiring() {
	all := v.robot.Wiring()
	pins, addresses := map[string]*Connection{}, map[string]*Connection{}
	channels := map[int]*Connection{}
	buses := map[string]bool{}
	onHeader := slices.Contains([]string{"sim", "raspberrypi"}, v.robot.Board.Kind)
	for i := range all {
		if all[i].Bus != "" {
			buses[all[i].Bus] = true
		}
	}
	before := map[string][]*Connection{} // the wires checked so far, by bus of the board and address
	defer func() {
		v.startAddresses(all, addresses, before)
		v.allCall(all)
	}()
	for i := range all {
		c := &all[i]
		if !v.Readable(c.Path) {
			continue
		}
		if c.Bus != "" {
			if !v.bus(c) {
				continue
			}
			if other := addresses[c.Where()]; other == nil {
				addresses[c.Where()] = c
			} else if !v.sameChip(other, c) {
				v.Fail(c.Path, "%s is used by %s already", c.Where(), other.Owner)
			}
			v.upstream(c, before)
			continue
		}
		if other := pins[c.Pin]; other != nil {
			standby := c.Role == "standby" && other.Role == "standby" && c.Owner != other.Owner // two halves of a bridge may share it
			if !standby && !v.sameChip(other, c) {
				v.Fail(c.Path, "%s is used by %s already%s", c.Pin, other.Owner, as(other.Role))
			}
			continue
		}
		pins[c.Pin] = c
		if chip, pin := v.expander(c.Pin); chip != nil {
			v.expanderPin(c, chip, pin)
			continue
		}
		v.boardPin(c, onHeader, channels, buses)
		if echo, is := v.options(c.Owner).(*sensors.HCSR04Opts); is && c.Role == "echo" && !echo.LevelShifter {
			v.Warn(c.Path, "an HC-SR04 answers with 5 V, which destroys a 3.3 V input: put a level shifter or a divider "+
				"(1 and 2 kohm) in between, then write level_shifter: true; an HC-SR04P on 3.3 V needs none")
		}
	}
}

// startAddresses refuses a device at an address that others pass through: devices with xshut start at one common address before
// each gets its own.
func (v *validator) startAddresses(all []Connection, addresses map[string]*Connection, before map[string][]*Connection) {
	for i := range all {
		c := &all[i]
		of, is := v.options(c.Owner).(sensors.Readdressed)
		if !is || c.Bus == "" || of.StartAddress() == c.Address || !v.Readable(c.Path) {
			continue
		}
		if other := addresses[(&Connection{Bus: c.Bus, Address: of.StartAddress()}).Where()]; other != nil {
			v.Fail(c.Path, "each %s with xshut starts at 0x%02x, the address of %s: put that one on another bus, or give it another "+
				"address too",
				c.Device, of.StartAddress(), other.Owner)
			continue
		}
		start := *c
		start.Address = of.StartAddress()
		v.upstream(&start, before)
	}
}

// bus checks that the board can have a bus.
func (v *validator) bus(c *Connection) bool {
	path := strings.TrimSuffix(c.Path, ".address") + ".bus"
	if strings.Contains(c.Bus, "/") {
		return v.expanderBus(c, path)
	}
	_, err := strconv.ParseUint(strings.TrimPrefix(c.Bus, "I2C"), 10, 8)
	switch sim := v.robot.Board.Kind == "sim"; {
	case sim && header.BusPins[c.Bus] == [2]string{}:
		v.Fail(path, "%q: the simulated board has I2C0 and I2C1", strict.Shorten(c.Bus))
	case err != nil:
		v.Fail(path, "%q: expected a bus by its number, such as I2C1 or 1", strict.Shorten(c.Bus))
	default:
		return true
	}
	return false
}

// as names the role of a wire if the device has several.
func as(role string) string {
	if role == "pin" {
		return ""
	}
	return ", as " + role
}

// boardPin checks a pin of the board itself.
func (v *validator) boardPin(c *Connection, onHeader bool, channels map[int]*Connection, buses map[string]bool) {
	if strings.Contains(c.Pin, "/") && !strings.HasPrefix(c.Pin, "pwmchip") {
		if !v.Readable("expanders") {
			return // reported already
		}
		var names []string
		for _, e := range v.robot.Expanders {
			names = append(names, e.Name)
		}
		name, _, _ := strings.Cut(c.Pin, "/")
		v.Fail(c.Path, "%s: no expander is named %q%s", c.Pin, strict.Shorten(name), spelling.Hint(name, names))
		return
	}
	if !onHeader {
		v.otherPin(c)
		return
	}
	if c.Position == 0 {
		v.Fail(c.Path, "%s: expected a pin of the header, GPIO0 to GPIO27 or P1_3 to P1_40, or name/pin of an expander",
			strict.Shorten(c.Pin))
		return
	}
	for bus, both := range header.BusPins {
		if buses[bus] && slices.Contains(both[:], c.Pin) {
			v.Fail(c.Path, "%s belongs to bus %s, which this robot uses: use another pin", c.Pin, bus)
			return
		}
	}
	v.headerPin(c, v.Fail)
	if c.Direction != "pwm" {
		return
	}
	channel, can := header.PWM[c.Pin]
	if !can {
		v.Fail(c.Path, "%s has no PWM: expected GPIO12, GPIO13, GPIO18 or GPIO19, or a pca9685 expander", c.Pin)
		return
	}
	if other := channels[channel.Before5]; other != nil && v.robot.Board.Model != "pi5" {
		why := "would always have the same duty"
		switch {
		case c.Frequency == 0 || other.Frequency == 0:
			why = "the steps of a stepper would come on both"
		case other.Frequency != c.Frequency:
			why = fmt.Sprintf("cannot have %v and %v", other.Frequency, c.Frequency)
		}
		v.Fail(c.Path, "%s and %s of %s are one PWM channel before the Raspberry Pi 5, and %s: use a pin of the other channel or a "+
			"pca9685, "+
			"or write board: {kind: raspberrypi, model: pi5}", c.Pin, other.Pin, other.Owner, why)
		return
	}
	channels[channel.Before5] = c
}

// otherPin checks a pin of a board whose pins only the machine itself knows.
func (v *validator) otherPin(c *Connection) {
	chip, number, channel := strings.Cut(c.Pin, "/")
	if channel {
		_, err := strconv.ParseUint(strings.TrimPrefix(chip, "pwmchip"), 10, 8)
		if _, wrong := strconv.ParseUint(number, 10, 8); err != nil || wrong != nil {
			v.Fail(c.Path, "%s: expected a PWM channel such as pwmchip0/1", strict.Shorten(c.Pin))
		} else if c.Direction == "in" {
			v.Fail(c.Path, "%s: a PWM channel is an output: use a pin", c.Pin)
		}
		return
	}
	if v.robot.Board.Kind == "linux" {
		if c.Direction == "pwm" {
			v.Fail(c.Path, "%s: on this board PWM is a channel such as pwmchip0/1 (chip, channel), or an output of a pca9685",
				strict.Shorten(c.Pin))
		}
		return
	}
	if c.Position != 0 { // auto: most likely a Raspberry Pi
		v.headerPin(c, func(path, format string, args ...any) { v.Warn(path, "on a Raspberry Pi, "+format, args...) })
	}
}

// headerPin warns of a pin of the header that does something by itself that the connected device cannot bear. What cannot work at
// all is refused.
func (v *validator) headerPin(c *Connection, refuse func(path, format string, args ...any)) {
	own := header.Pins[c.Position-1].Default
	stops := c.Path == "safety.emergency_stop.pin"
	switch {
	case own.Busy != "":
		v.Warn(c.Path, "%s is not quiet while the machine starts: %s: a device on it acts before fluxd starts: use another pin",
			c.Pin, own.Busy)
		return
	case own.Fixed && c.Pull == "down":
		refuse(c.Path, "%s has a fixed resistor of 1.8 kohm to 3.3 V, which pull: down cannot overcome: it would always read high: "+
			"use pull: up and a switch to ground, or another pin", c.Pin)
	case own.Fixed && stops && v.robot.Safety.EmergencyStop.Active == "low":
		refuse(c.Path, "%s has a fixed resistor of 1.8 kohm to 3.3 V: with active: low a broken wire looks like a switch that is not "+
			"pressed: use active: high and a switch to ground that opens, or another pin", c.Pin)
	case own.Fixed && c.Direction == "in" && c.Pull == "":
		v.Warn(c.Path, "%s has a fixed resistor of 1.8 kohm to 3.3 V: the device must draw 1.8 mA to pull it low, which a divider "+
			"and many "+
			"modules cannot", c.Pin)
	}
	if own.Pull == "up" && c.Acts == "high" && !v.asleep(c.Owner) {
		remedy := "use one of GPIO9 to GPIO27, which are pulled down, or put a resistor of 10 kohm to ground"
		if own.Fixed {
			remedy = "use one of GPIO9 to GPIO27, which are pulled down"
		}
		v.Warn(c.Path, "%s is pulled up from power-on until fluxd starts, so the %s is on until then: %s", c.Pin, c.Device, remedy)
	}
}

// asleep reports whether a device has a standby pin on the header that is pulled down from power-on: it acts on no other pin.
func (v *validator) asleep(owner string) bool {
	return slices.ContainsFunc(v.robot.Wiring(), func(c Connection) bool {
		if c.Owner != owner || c.Role != "standby" || c.Position == 0 {
			return false
		}
		own := header.Pins[c.Position-1].Default
		return own.Pull == "down" && own.Busy == ""
	})
}

// sameChip reports whether two sensors on the same wire are measures of one chip, and checks that they agree about it.
func (v *validator) sameChip(first, second *Connection) bool {
	one, other := v.sensor(first.Owner), v.sensor(second.Owner)
	if one == nil || other == nil || first.Owner == second.Owner || one.Device != other.Device || one.Measure == "" ||
		first.Role != second.Role {
		return false
	}
	path := strings.Replace(second.Owner, "sensor ", "sensors.", 1)
	if one.Measure == other.Measure {
		v.Fail(path+".measure", "%s measures %s already", first.Owner, one.Measure)
	} else if field := one.differs(other); field != "" {
		v.Fail(path+"."+field, "%s is another measure of the same device: expected the same %s", first.Owner, field)
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

// options returns those of a sensor by the owner of its wires, nil for another device.
func (v *validator) options(owner string) sensors.Options {
	if s := v.sensor(owner); s != nil {
		return s.Options
	}
	return nil
}

// differs returns the key of an option of the chip in which two sensors differ; "" if there is none. It leaves out the bus, which
// may be written in several ways.
func (c *Sensor) differs(other *Sensor) string {
	x, y := reflect.ValueOf(c.Options).Elem(), reflect.ValueOf(other.Options).Elem()
	for _, f := range strict.Fields(x.Type()) {
		if f.Key != "bus" && !reflect.DeepEqual(x.FieldByIndex(f.Index).Interface(), y.FieldByIndex(f.Index).Interface()) {
			return f.Key
		}
	}
	return ""
}
