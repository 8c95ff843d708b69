package configs

import (
	"fmt"
	"io/fs"
	"math"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// validate checks what no single field shows: that names exist, units agree, pins are used once. It looks even when decoding found
// mistakes, so that all are told at once; nothing is concluded from fields that are missing or could not be read.
func validate(d *decoder, r *Robot, root *yaml.Node) {
	v := &validator{decoder: d, robot: r, root: root, index: r.Flat.Index(), measures: map[string]string{}}
	for name := range v.index {
		v.neurons = append(v.neurons, name)
	}
	slices.Sort(v.neurons)
	if r.Name != "" && !validName(r.Name) {
		v.fail("robot", "%q: expected letters, digits, _ and -", shorten(r.Name))
	}
	if len(v.neurons) == 0 && len(d.errors) == 0 {
		v.fail("network", "expected at least one neuron")
	}
	for path, count := range map[string]int{"expanders": len(r.Expanders), "sensors": len(r.Sensors), "actuators": len(r.Actuators), "rewards": len(r.Rewards)} {
		if count > maxDevices {
			v.fail(path, "%d: expected at most %d", count, maxDevices)
			return
		}
	}
	v.expanders()
	v.sensors()
	v.actuators()
	v.rewards()
	v.wiring()
	v.safety()
	v.mqtt()
	v.realtime()
	v.compare()
}

// maxDevices bounds each kind of device: a hundred times what all pins and buses of a board, and all columns of a recording, can feed.
const maxDevices = 10_000

// leastMemory is what a daemon without a robot to speak of needs, twice over.
const leastMemory = Bytes(32 << 20)

func (v *validator) realtime() {
	r := v.robot.Realtime
	if r.Priority < 0 || r.Priority > 99 {
		v.fail("realtime.priority", "%d: expected 1 to 99, or 0 for none", r.Priority)
	}
	if r.MemoryLimit != 0 && r.MemoryLimit < leastMemory {
		v.fail("realtime.memory_limit", "expected at least %d MiB, so that garbage need not be collected all the time", leastMemory>>20)
	}
}

type validator struct {
	*decoder
	robot   *Robot
	root    *yaml.Node
	neurons []string // names, sorted
	index   map[string][]int

	owners   map[string]*Sensor // by the owner of their wires
	measures map[string]string  // the units of the sensors, where they are known
}

// fail notes a mistake at a path, unless what stands there was told to be wrong already. Where the path is not in the file, the
// mistake is at the nearest part of it that is.
func (v *validator) fail(path, format string, args ...any) {
	if !v.more && v.readable(path) {
		v.decoder.fail(find(v.root, path), path, format, args...)
	}
}

// warn notes what is valid, and to be looked at before the power goes on.
func (v *validator) warn(path, format string, args ...any) {
	at := find(v.root, path)
	v.robot.Warnings = append(v.robot.Warnings, &Error{Source: v.source, Line: at.Line, Column: at.Column, Path: path, Message: fmt.Sprintf(format, args...)})
}

// find returns the node at a path such as network.synapses[3].weight, or its nearest ancestor.
func find(n *yaml.Node, path string) *yaml.Node {
	for _, key := range strings.Split(strings.ReplaceAll(path, "[", ".["), ".") {
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		next := (*yaml.Node)(nil)
		if index, isIndex := strings.CutPrefix(key, "["); isIndex && n.Kind == yaml.SequenceNode {
			if i, err := strconv.Atoi(strings.TrimSuffix(index, "]")); err == nil && i >= 0 && i < len(n.Content) {
				next = n.Content[i]
			}
		} else {
			next = lookup(n, key, 0)
		}
		if next == nil {
			break
		}
		n = next
	}
	return n
}

// lookup returns the value of a mapping's key, its own or a merged one, or nil.
func lookup(n *yaml.Node, key string, depth int) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode || depth > maxDepth {
		return nil
	}
	var merged *yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch {
		case n.Content[i].Tag == mergeTag:
			merged = n.Content[i+1]
		case n.Content[i].Value == key:
			return n.Content[i+1]
		}
	}
	if merged != nil {
		for _, source := range mergeSources(merged) {
			if found := lookup(source, key, depth+1); found != nil {
				return found
			}
		}
	}
	return nil
}

// exists checks the name of a neuron, unless it is missing, which has been told.
func (v *validator) exists(path, name string) {
	if name != "" && v.index[name] == nil && !v.more && v.neuronsRead(v.robot, name) {
		v.fail(path, "no neuron is named %q%s", shorten(name), nearest(name, v.neurons))
	}
}

// neuronsRead reports whether a neuron that is not known is none: all that makes neurons could be read, and it is not one that was refused.
func (d *decoder) neuronsRead(r *Robot, name string) bool {
	if d.written == nil {
		d.written = make(map[string]bool, len(r.Network.Neurons))
		for _, n := range r.Network.Neurons {
			d.written[n.Name] = true
		}
	}
	return d.readable("network.neurons", "network.circuits", "circuits") && !d.written[name] && !d.ofUnread(name)
}

// ofUnread reports whether a name, with the uses of circuits that it is in, would be part of a use that could not be read.
func (d *decoder) ofUnread(name string) bool {
	return slices.ContainsFunc(d.unread, func(use string) bool { return strings.HasPrefix(name, use) })
}

// play settles rate and every, of which exactly one is expected.
func (v *validator) play(path string, rate Frequency, every *time.Duration, timed bool) {
	if !v.readable(path+".rate", path+".every", path+".time") {
		return
	}
	switch {
	case rate != 0 && *every != 0:
		v.fail(path+".rate", "expected rate or every, not both")
	case rate != 0:
		if *every = rate.Period(); *every < time.Microsecond || *every > time.Hour {
			v.fail(path+".rate", "expected a rate from 0.3 mHz to 1 MHz")
		}
	case *every == 0 && timed:
		v.fail(path, "every is missing: how often the row that is current is read, such as 20ms")
	case *every == 0:
		v.fail(path, "rate is missing: rows per second, such as 9 Hz; or every, the time between two")
	}
}

func (v *validator) expanders() {
	for i := range v.robot.Expanders {
		e := &v.robot.Expanders[i]
		path, c := "expanders."+e.Name, &e.Value
		switch c.Device {
		case "pca9685":
			v.address(path, c.Address, 0x40, 0x7f)
			if c.Address == 0x70 {
				v.fail(path+".address", "0x70 is the address that all pca9685 answer to")
			}
			if v.readable(path+".frequency") && (c.Frequency < 24_000_000 || c.Frequency > 1_526_000_000) {
				v.fail(path+".frequency", "%v: expected 24 Hz to 1526 Hz", c.Frequency.Physic())
			} else if v.readable(path+".oscillator") && (c.Oscillator < 23_000_000_000_000 || c.Oscillator > 27_000_000_000_000) {
				v.fail(path+".oscillator", "%v: expected 23 MHz to 27 MHz", c.Oscillator.Physic())
			} else if _, ok := c.period(); !ok && v.readable(path+".frequency", path+".oscillator") {
				v.fail(path+".frequency", "%v cannot be made of an oscillator of %v, of which a period is at most 256 times 4096: expected at least %v",
					c.Frequency.Physic(), c.Oscillator.Physic(), (c.Oscillator / (256 * 4096)).Physic())
			}
		case "mcp23017":
			v.address(path, c.Address, 0x20, 0x27)
		}
	}
}

// period is what a pca9685 makes of its frequency: 4,096 steps of a whole number of its oscillator's periods, from 4 to 256; false where
// it cannot.
func (c *Expander) period() (time.Duration, bool) {
	if c.Frequency < 1_000_000 || c.Frequency > 1_000_000_000_000 || c.Oscillator < 1_000_000 {
		return 0, false
	}
	asked := 4096 * int64(c.Frequency)
	divider := (int64(c.Oscillator) + asked/2) / asked
	if divider < 4 || divider > 256 {
		return 0, false
	}
	return time.Duration(divider * 4096 * 1e9 / int64(c.Oscillator/1_000_000)), true
}

// address checks the address of a chip that may have one of several.
func (v *validator) address(path string, address, low, high uint16, others ...uint16) {
	if address < low || address > high || len(others) > 0 && address != low && !slices.Contains(others, address) {
		expected := fmt.Sprintf("0x%02x to 0x%02x", low, high)
		if len(others) > 0 {
			expected = fmt.Sprintf("0x%02x or 0x%02x", low, high)
		}
		v.fail(path+".address", "0x%02x: expected %s", address, expected)
	}
}

func (v *validator) sensors() {
	for i := range v.robot.Sensors {
		s := &v.robot.Sensors[i]
		path, c := "sensors."+s.Name, &s.Value
		v.chip(path, c)
		unit, device := v.curve(path, c, v.measured(path, c)), c.Device
		if !v.readable(path + ".measure") {
			device = "" // nobody knows the unit
		} else {
			v.measures[s.Name] = unit
		}
		v.encode(path+".encode", &c.Encode, unit, device)
		v.patience(path, c)
	}
}

// leastStale is how long a sensor may always be silent: a chip that starts again needs up to 180 ms.
const leastStale = 500 * time.Millisecond

// patience settles how long a sensor may be silent.
func (v *validator) patience(path string, c *Sensor) {
	if !v.readable(path+".every", path+".stale") {
		return
	}
	if c.Stale == 0 {
		c.Stale = max(5*c.Every, leastStale)
		return
	}
	if c.Every > 0 && c.Stale < 2*c.Every {
		v.fail(path+".stale", "%v: expected at least two readings, %v", c.Stale, 2*c.Every)
	}
}

func (v *validator) file(path, name string) {
	if name == "" {
		return
	}
	if !fs.ValidPath(name) {
		v.fail(path, "%q: expected a path below the configuration's folder, with / and without ..", shorten(name))
		return
	}
	f, err := v.robot.Files.Open(name)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		v.fail(path, "%q: %v; data files are looked for beside the configuration", shorten(name), reason(err))
	}
}

// encode checks a code, and turns its amounts into the unit in which the sensor measures.
func (v *validator) encode(path string, e *Encode, unit, device string) {
	v.exists(path+".to", e.To)
	same := func(field string, q *Quantity) {
		if device == "" || !v.readable(path+"."+field) {
			return // nobody knows the unit, or the amount
		}
		fit, ok := q.in(unit)
		if !ok {
			v.fail(path+"."+field, "in %s: the sensor measures in %s", unitName(q.Unit), unitName(unit))
		}
		*q = fit
	}
	if e.Weight != nil {
		if *e.Weight == 0 {
			v.fail(path+".weight", "0 does nothing; leave it out to fire the neuron")
		}
		if to := v.index[e.To]; to != nil {
			n := &v.robot.Flat.Neurons[to[0]]
			(&expander{decoder: v.decoder}).water(scope{node: v.root}, path+".weight", n.Name, *e.Weight, n.Leak)
		}
	}
	switch e.Kind {
	case "rate", "latency":
		same("range", &e.Range[0])
		same("range", &e.Range[1])
		if e.Range[0].Micro >= e.Range[1].Micro {
			v.fail(path+".range", "expected the lower reading first")
		}
		const widest = 1 << 42
		if max(e.Range[0].Micro, -e.Range[0].Micro, e.Range[1].Micro, -e.Range[1].Micro) > widest/2 {
			v.fail(path+".range", "expected readings of at most %d %s", int64(widest/2/1_000_000), unit)
		}
	case "threshold":
		switch {
		case e.Above == nil && e.Below == nil:
			v.fail(path, "above or below is missing: the reading at which to spike")
		case e.Above != nil && e.Below != nil:
			v.fail(path+".below", "expected above or below, not both")
		case e.Above != nil:
			same("above", e.Above)
		default:
			same("below", e.Below)
		}
		same("hysteresis", &e.Hysteresis)
		if e.Hysteresis.Micro < 0 {
			v.fail(path+".hysteresis", "expected at least 0")
		}
	}
	if e.Kind == "delta" {
		same("step", &e.Step)
		if v.readable(path+".step") && e.Step.Micro <= 0 {
			v.fail(path+".step", "expected more than 0")
		}
	}
	if e.Kind == "latency" && e.Window < time.Microsecond {
		v.fail(path+".window", "expected at least 1us")
	}
}

func unitName(unit string) string {
	if unit == "" {
		return "pure numbers"
	}
	return unit
}

func (v *validator) actuators() {
	var sensors []string
	for _, s := range v.robot.Sensors {
		sensors = append(sensors, s.Name)
	}
	for i := range v.robot.Actuators {
		a := &v.robot.Actuators[i]
		path, c := "actuators."+a.Name, &a.Value
		v.limits(path, c)
		v.driver(path, c)
		if c.Needs != nil {
			for k, name := range *c.Needs {
				if !slices.Contains(sensors, name) && v.readable("sensors") {
					v.fail(fmt.Sprintf("%s.needs[%d]", path, k), "no sensor is named %q%s", shorten(name), nearest(name, sensors))
				}
			}
		}
		if c.Device == "label" && c.Decode.Kind != "winner-take-all" && c.Decode.Kind != "" {
			v.fail(path+".decode.kind", "%s: a label names the winner of several: expected winner-take-all", c.Decode.Kind)
		}
		v.decode(path+".decode", *c)
	}
}

// slews are the fastest changes where the configuration says nothing. A motor reaches full speed from rest in 0.1 s, about as fast as
// its mechanics follow; a servo travels from end to end in 0.5 s; a stepper that is started faster loses steps.
var slews = map[string]Slew{"hbridge": 10_000_000, "servo": 4_000_000, "continuous": 4_000_000, "esc": 4_000_000, "stepper": 2_000_000}

// LowestCommand is -1, or 0 for what has no reverse.
func (c *Actuator) LowestCommand() float64 {
	if c.Device == "dimmer" || c.Device == "relay" || c.Device == "esc" && !c.Reverse {
		return 0
	}
	return -1
}

// limits settles what an actuator is held to.
func (v *validator) limits(path string, c *Actuator) {
	if c.Device == "label" || c.Device == "" {
		return
	}
	if c.Slew == nil {
		slew := slews[c.Device]
		c.Slew = &slew
	}
	lowest := c.LowestCommand()
	if c.Range == nil {
		c.Range = &[2]float64{lowest, 1}
	}
	low, high := c.Range[0], c.Range[1]
	if low < lowest || high > 1 || millionths(low) >= millionths(high) {
		v.fail(path+".range", "[%g, %g]: expected the lower command first, both from %g to 1", low, high, lowest)
	} else if v.readable(path+".range") && (c.Failsafe < low || c.Failsafe > high) {
		v.fail(path+".failsafe", "%g: expected a command in the range from %g to %g", c.Failsafe, low, high)
	}
}

func (v *validator) decode(path string, a Actuator) {
	c := a.Decode
	if c.Window < time.Microsecond && c.Kind != "" {
		v.fail(path+".window", "expected at least 1us")
	}
	v.exists(path+".forward", c.Forward)
	v.exists(path+".backward", c.Backward)
	v.exists(path+".neuron", c.Neuron)
	if c.Forward != "" && c.Forward == c.Backward {
		v.fail(path+".backward", "%s pushes forward already", c.Backward)
	}
	if c.Full > 0 && c.Window > 0 {
		const most = 65536 // what a decoder's window holds
		if spikes := float64(c.Full) / 1e6 * c.Window.Seconds(); spikes > most {
			v.fail(path+".full", "%.0f spikes in a window of %v: expected at most %d", spikes, c.Window, most)
		}
	}
	if c.Kind == "winner-take-all" && len(c.Choices) == 0 {
		v.fail(path+".choices", "expected at least one neuron with its command")
	}
	for _, choice := range c.Choices {
		where := path + ".choices." + choice.Name
		v.exists(where, choice.Name)
		switch word := choice.Value.Word; {
		case a.Device == "label" && word == "":
			v.fail(where, "%g: a label's choices are words", choice.Value.Number)
		case a.Device != "label" && a.Device != "" && word != "":
			v.fail(where, "%q: expected a command from -1 to 1", shorten(word))
		case math.Abs(choice.Value.Number) > 1:
			v.fail(where, "%g: expected a command from -1 to 1", choice.Value.Number)
		}
	}
}

func (v *validator) mqtt() {
	c := v.robot.MQTT
	if !v.readable("mqtt.broker") {
		return
	}
	broker := shorten(c.Broker)
	if at := strings.LastIndex(c.Broker, "@"); at >= 0 {
		broker = "..." + shorten(c.Broker[at:]) // what stands before it may be a password, and messages end up in logs
	}
	external := c.Broker != "none" && c.Broker != "embedded"
	if c.Broker != "embedded" && lookup(find(v.root, "mqtt"), "listen", 0) != nil {
		v.fail("mqtt.listen", "belongs to the embedded broker; this one is %s", broker)
	}
	if !external && c.User != "" {
		v.fail("mqtt.user", "belongs to an external broker; this one is %s", c.Broker)
	}
	for _, one := range [][2]string{{"password_file", c.PasswordFile}, {"password_env", c.PasswordEnv}} {
		if !external && one[1] != "" {
			v.fail("mqtt."+one[0], "belongs to an external broker; this one is %s", c.Broker)
		}
	}
	if c.PasswordFile != "" && c.PasswordEnv != "" {
		v.fail("mqtt.password_env", "expected password_file or password_env, not both")
	}
	if c.Broker != "embedded" && c.Passwords != "" {
		v.fail("mqtt.passwords", "belongs to the embedded broker; this one is %s", broker)
	}
	if v.readable("mqtt.clients") && (c.Clients < 1 || c.Clients > 10_000) {
		v.fail("mqtt.clients", "%d: expected 1 to 10000", c.Clients)
	}
	if v.readable("mqtt.telemetry") && (c.Telemetry < 100_000 || c.Telemetry > 50_000_000) {
		v.fail("mqtt.telemetry", "%v: expected 0.1 Hz to 50 Hz", c.Telemetry.Physic())
	}
	v.secured(c)
	v.fleet(c)
	switch c.Broker {
	case "none":
	case "embedded":
		host, port, err := net.SplitHostPort(c.Listen)
		number, wrong := strconv.ParseUint(port, 10, 16)
		switch {
		case err != nil || wrong != nil || number > 65535:
			v.fail("mqtt.listen", "%q: expected an address and port, such as 127.0.0.1:1883", shorten(c.Listen))
		case host != "localhost" && !net.ParseIP(host).IsLoopback() && c.Passwords == "" && (c.TLS == nil || c.TLS.CA == "") && v.readable("mqtt.passwords", "mqtt.tls"):
			v.fail("mqtt.listen", "%q: nobody would have to log in, so it listens on this machine only: expected 127.0.0.1, [::1] or localhost, or a file of passwords (fluxctl passwd)", shorten(c.Listen))
		}
	default:
		u, err := url.Parse(c.Broker)
		if err != nil || u.Hostname() == "" || u.Port() == "" || u.Scheme != "tcp" && u.Scheme != "ssl" {
			v.fail("mqtt.broker", "%q: expected embedded, none, tcp://host:1883 or ssl://host:8883", broker)
		} else if u.User != nil {
			v.fail("mqtt.broker", "a password does not belong into the URL: expected user and password_file")
		}
	}
	if external && (c.PasswordFile != "" || c.PasswordEnv != "") && c.User == "" && v.readable("mqtt.user") {
		v.fail("mqtt", "user is missing: the password is whose?")
	}
}

// fleet checks how the embedded broker joins a cluster.
func (v *validator) fleet(c MQTT) {
	f := c.Fleet
	if f == nil || !v.readable("mqtt.fleet", "mqtt.fleet.url") {
		return
	}
	u, err := url.Parse(f.URL)
	switch {
	case c.Broker != "embedded":
		v.fail("mqtt.fleet", "belongs to the embedded broker: at an external one the robot is reached anyway")
	case err != nil || u.Hostname() == "" || u.Port() == "" || u.Scheme != "tls" && u.Scheme != "nats":
		v.fail("mqtt.fleet.url", "%q: expected tls://host:7422, or nats://host:7422 without TLS", shorten(f.URL))
	case u.User != nil:
		v.fail("mqtt.fleet.url", "a password does not belong into the URL: expected user and password_file")
	case (f.User == "") != (f.PasswordFile == ""):
		v.fail("mqtt.fleet", "expected user and password_file, or neither")
	case u.Scheme == "nats" && f.CA != "":
		v.fail("mqtt.fleet.ca", "the connection to %s is open: expected tls://", shorten(f.URL))
	case u.Scheme == "nats" && f.User != "" && u.Hostname() != "localhost" && !net.ParseIP(u.Hostname()).IsLoopback():
		v.fail("mqtt.fleet.url", "%q: the password could be read on the network: expected tls://", shorten(f.URL))
	}
}

// secured checks which files there must be.
func (v *validator) secured(c MQTT) {
	t := c.TLS
	if t == nil || !v.readable("mqtt.tls", "mqtt.tls.certificate", "mqtt.tls.key") {
		return
	}
	switch {
	case c.Broker == "none":
		v.fail("mqtt.tls", "there is no broker")
	case (t.Certificate == "") != (t.Key == ""):
		v.fail("mqtt.tls", "expected certificate and key, or neither")
	case c.Broker == "embedded" && t.Certificate == "":
		v.fail("mqtt.tls", "certificate and key are missing: the embedded broker shows them to its clients")
	case c.Broker == "embedded" && t.ServerName != "":
		v.fail("mqtt.tls.server_name", "belongs to an external broker; this one is embedded")
	case strings.HasPrefix(c.Broker, "tcp:"):
		v.fail("mqtt.tls", "the connection to %s is open: expected ssl://", shorten(c.Broker))
	}
}

// safety checks what keeps everybody safe.
func (v *validator) safety() {
	if s := v.robot.Safety; v.readable("safety.stall") && (s.Stall < 20*time.Millisecond || s.Stall > 10*time.Second) {
		v.fail("safety.stall", "%v: expected 20ms to 10s: the loop is asked twice in that time", s.Stall)
	}
	if stop := v.robot.Safety.EmergencyStop; stop != nil && (stop.Pull == "up" && stop.Active == "low" || stop.Pull == "down" && stop.Active == "high") {
		v.warn("safety.emergency_stop", "with pull %s and active %s a broken wire looks like a switch that nobody presses: take a switch that opens to stop, such as one to ground with pull: up and active: high", stop.Pull, stop.Active)
	}
}

func (v *validator) compare() {
	c := v.robot.Compare
	if c == nil {
		return
	}
	if c.Time == nil && v.readable("compare.time") {
		v.play("compare", c.Rate, &c.Every, false)
	} else if c.Rate != 0 || c.Every != 0 {
		v.fail("compare.time", "expected time, or rate or every, not both: the column says when each row was taken")
	}
	v.file("compare.file", c.File)
	var labels []string
	for _, a := range v.robot.Actuators {
		if a.Value.Device == "label" {
			labels = append(labels, a.Name)
		}
	}
	if c.Actuator != "" && !slices.Contains(labels, c.Actuator) && v.readable("actuators") {
		v.fail("compare.actuator", "no actuator of device label is named %q%s", shorten(c.Actuator), nearest(c.Actuator, labels))
	}
}
