package configs

import (
	"fmt"
	"io/fs"
	"time"

	"gopkg.in/yaml.v3"
	"periph.io/x/conn/v3/physic"

	"fluxd/actuators"
	"fluxd/boards/expanders"
	"fluxd/boards/sim/worlds"
	"fluxd/configs/circuits"
	"fluxd/configs/strict"
	"fluxd/core"
	"fluxd/encoders"
	"fluxd/sensors"
)

// Robot is a whole configuration, valid when Load or Parse returned it.
type Robot struct {
	Name      string                    `yaml:"robot" required:"true" doc:"name of the robot: letters, digits, _ and -; it is a level of its MQTT topics"`
	Board     Board                     `yaml:"board" required:"true" doc:"where pins and buses come from"`
	Expanders []Named[Expander]         `yaml:"expanders" doc:"chips on a bus that give more pins or buses, by name: name/pin, such as servos/0 or more/A3, and name/bus, such as mux/0"`
	Sensors   []Named[Sensor]           `yaml:"sensors" doc:"what the robot measures, by name"`
	Circuits  []Named[circuits.Circuit] `yaml:"circuits" doc:"groups of neurons and synapses, by name, to be used in the network any number of times"`
	Written   circuits.Network          `yaml:"network" required:"true" doc:"the spiking neural network that decides"`
	Actuators []Named[Actuator]         `yaml:"actuators" doc:"what the robot moves, by name"`
	Rewards   []Named[Reward]           `yaml:"rewards" doc:"what teaches the robot, by name: spikes of modulator neurons, for what its sensors tell or what comes by MQTT"`
	Safety    Safety                    `yaml:"safety" doc:"what keeps the robot from hurting anybody"`
	Tuning    *Tuning                   `yaml:"tuning" doc:"keeps what was tuned while the robot ran"`
	Learnt    *Learnt                   `yaml:"learnt" doc:"keeps what plastic synapses learn from one run to the next"`
	MQTT      MQTT                      `yaml:"mqtt" doc:"telemetry and tuning"`
	Realtime  Realtime                  `yaml:"realtime" doc:"what the system is asked for so that nothing holds up a reflex; what it refuses is told, and the robot runs on"`
	Compare   *Compare                  `yaml:"compare" doc:"fluxd sim holds a label actuator against a recorded column"`

	Network  core.Description `yaml:"-"` // the network that Written comes to: circuits put in, populations and rules carried out
	Index    map[string][]int `yaml:"-"` // its neurons by name: a population's name stands for all its members
	Files    fs.FS            `yaml:"-"` // where the data files named in it are found
	Source   string           `yaml:"-"` // file name, for messages
	Warnings Errors           `yaml:"-"` // what is valid, and to be looked at before the power goes on; in the order of their lines

	places *yaml.Node // the file, without its network: where what else it says stands
}

// Mistake is an error about what a robot says at a path, such as sensors.left_eye.encode.max, with its place in the file.
func (r *Robot) Mistake(path, format string, args ...any) *Error {
	e := &Error{Source: r.Source, Path: path, Message: fmt.Sprintf(format, args...)}
	if r.places != nil {
		at := strict.Find(r.places, path)
		e.Line, e.Column = at.Line, at.Column
	}
	return e
}

// outline is a file without its network, which may be large.
func outline(root *yaml.Node) *yaml.Node {
	rest := *root
	rest.Content = nil
	for i := 0; i+1 < len(root.Content); i += 2 {
		if key := root.Content[i].Value; key != "network" && key != "circuits" {
			rest.Content = append(rest.Content, root.Content[i], root.Content[i+1])
		}
	}
	return &rest
}

// Board says where pins and buses come from.
type Board struct {
	Kind    string         `yaml:"kind" required:"true" enum:"sim,raspberrypi,linux,auto" doc:"sim: the simulated board; raspberrypi: this machine's header; linux: any other machine with /dev/gpiochip* and /dev/i2c-*; auto: raspberrypi on one, else linux"`
	Model   string         `yaml:"model" when:"kind=raspberrypi" default:"any" enum:"any,pi5" doc:"any: what works on all; pi5: GPIO12, 13, 18 and 19 are four PWM channels, on older ones they are two"`
	World   string         `yaml:"world" when:"kind=sim" default:"none"`
	Options worlds.Options // of the world
}

// Kinds are those of package worlds.
func (*Board) Kinds() (key string, kinds []strict.Kind) {
	for _, k := range worlds.Kinds {
		kinds = append(kinds, strict.Kind{Name: k.Name, About: k.About, New: func() any { return k.New() }})
	}
	return "world", kinds
}

// Expander is a chip on a bus that gives more pins.
type Expander struct {
	Device  string            `yaml:"device" required:"true"`
	Options expanders.Options // of the device
}

// Kinds are those of package expanders.
func (*Expander) Kinds() (key string, kinds []strict.Kind) {
	for _, k := range expanders.Kinds {
		kinds = append(kinds, strict.Kind{Name: k.Name, About: k.About, New: func() any { return k.New() }})
	}
	return "device", kinds
}

// Sensor is one device that measures, and how its readings become spikes.
type Sensor struct {
	Device  string          `yaml:"device" required:"true"`
	Options sensors.Options // of the device
	Measure string          `yaml:"measure" doc:"which of the things that the chip measures; sensors with the same address share the chip"`
	Every   time.Duration   `yaml:"every" live:"true" doc:"time between two readings; a button needs it only on an expander's pin, whose edges nobody reports"`
	Curve   [][2]Quantity   `yaml:"curve" live:"true" doc:"calibration: pairs of what the device measures and what that stands for, such as [[0.4 V, 0.8 m], [2.8 V, 0.1 m]]; straight lines between"`
	Stale   time.Duration   `yaml:"stale" live:"true" doc:"how long without a good reading before what depends on it goes to failsafe; absent: five readings, at least 500ms"`
	Frozen  time.Duration   `yaml:"frozen" live:"true" doc:"how long the very same reading is believed; absent: for ever. For sensors whose readings are never quite still"`
	Median  int             `yaml:"median" doc:"of how many readings, an odd number from 3 to 15, the one in the middle counts, so that single wrong ones do not; a change shows half of them later"`
	Encode  Encode          `yaml:"encode" required:"true" doc:"how readings become spikes"`
}

// Kinds are those of package sensors.
func (*Sensor) Kinds() (key string, kinds []strict.Kind) {
	for _, k := range sensors.Kinds {
		one := strict.Kind{Name: k.Name, About: k.About, New: func() any { return k.New() }}
		opts := k.New()
		if opts.Measures()[0].Name == "" {
			one.Without = append(one.Without, "measure")
		} else {
			one.Requires = append(one.Requires, "measure")
		}
		if !k.Calibrates {
			one.Without = append(one.Without, "curve")
		}
		if k.Switch {
			one.Without = append(one.Without, "median")
		}
		if !k.Freezes {
			one.Without = append(one.Without, "frozen")
		}
		if _, recorded := opts.(sensors.Recorded); !recorded && !k.Edges {
			one.Requires = append(one.Requires, "every")
		}
		kinds = append(kinds, one)
	}
	return "device", kinds
}

// Encode says how readings become spikes.
type Encode struct {
	Kind    string                  `yaml:"kind" required:"true"`
	To      string                  `yaml:"to" required:"true" doc:"neuron that receives the spikes"`
	Weight  *float64                `yaml:"weight" doc:"units poured into the neuron by each spike; absent: each spike fires it"`
	Options encoders.EncoderOptions // of the kind
}

// Kinds are the encoders of package encoders.
func (*Encode) Kinds() (key string, kinds []strict.Kind) {
	for _, k := range encoders.EncoderKinds {
		kinds = append(kinds, strict.Kind{Name: k.Name, About: k.About, New: func() any { return k.New() }})
	}
	return "kind", kinds
}

// Actuator is one device that acts, what commands it and what keeps it safe.
type Actuator struct {
	Device         string            `yaml:"device" required:"true"`
	Options        actuators.Options // of the device
	actuators.Held                   // how it is kept safe
	Needs          *[]string         `yaml:"needs" doc:"sensors without whose readings it goes to failsafe; absent: all from which spikes can reach its neurons; []: none"`
	Decode         Decode            `yaml:"decode" required:"true" doc:"how spikes become a command"`
}

// Kinds are those of package actuators.
func (*Actuator) Kinds() (key string, kinds []strict.Kind) {
	for _, k := range actuators.Kinds {
		kinds = append(kinds, strict.Kind{Name: k.Name, About: k.About, New: func() any { return k.New() }, Without: k.Without})
	}
	return "device", kinds
}

// Decode says how spikes become a command.
type Decode struct {
	Kind    string                  `yaml:"kind" required:"true"`
	Options encoders.DecoderOptions // of the kind
}

// Kinds are the decoders of package encoders.
func (*Decode) Kinds() (key string, kinds []strict.Kind) {
	for _, k := range encoders.DecoderKinds {
		kinds = append(kinds, strict.Kind{Name: k.Name, About: k.About, New: func() any { return k.New() }})
	}
	return "kind", kinds
}

// MQTT says how the robot is reached.
type MQTT struct {
	Broker        string           `yaml:"broker" default:"embedded" doc:"embedded, none, tcp://host:1883 or ssl://host:8883"`
	Listen        string           `yaml:"listen" default:"127.0.0.1:1883" doc:"where the embedded broker listens: an address and port; other than loopback only with passwords or a CA for clients"`
	Passwords     string           `yaml:"passwords" doc:"file of the users of the embedded broker, as fluxctl passwd makes it; absent: it asks for no password, and listens on loopback only"`
	Clients       int              `yaml:"clients" default:"64" doc:"most clients of the embedded broker at a time"`
	User          string           `yaml:"user" doc:"at an external broker"`
	PasswordFile  string           `yaml:"password_file" doc:"file that holds the password for the external broker"`
	PasswordEnv   string           `yaml:"password_env" doc:"environment variable that holds it"`
	Telemetry     physic.Frequency `yaml:"telemetry" default:"10 Hz" min:"0.1 Hz" max:"50 Hz" live:"true" doc:"how often sensors and actuators are published"`
	HomeAssistant bool             `yaml:"home_assistant" default:"false" doc:"publish what Home Assistant finds the robot by: sensors, actuators, tunables, arm and emergency stop"`
	TLS           *TLS             `yaml:"tls" doc:"secured connections; the embedded broker needs certificate and key, and with ca asks clients for a certificate"`
	Fleet         *Fleet           `yaml:"fleet" doc:"a NATS cluster that the embedded broker joins as a leaf node, so that the robot can be reached there too"`
}

// Fleet is a NATS cluster that a robot's own broker joins.
type Fleet struct {
	URL          string `yaml:"url" required:"" doc:"of its listener for leaf nodes: tls://host:7422, or nats://host:7422 without TLS"`
	User         string `yaml:"user" doc:"there"`
	PasswordFile string `yaml:"password_file" doc:"file that holds the password for it"`
	CA           string `yaml:"ca" doc:"file of the authority that its certificate is of; absent: those that the system trusts"`
}

// TLS names the files of secured connections, PEM-encoded.
type TLS struct {
	CA          string `yaml:"ca" doc:"file of the authority that the other side's certificate is of; absent: those that the system trusts"`
	Certificate string `yaml:"certificate" doc:"file of our own certificate"`
	Key         string `yaml:"key" doc:"file of its key"`
	ServerName  string `yaml:"server_name" doc:"name in the external broker's certificate, where it is not the host of the URL"`
}

// Realtime says what the system is asked for so that nothing holds up a reflex.
type Realtime struct {
	LockMemory  bool         `yaml:"lock_memory" default:"false" doc:"keep the daemon in memory: a page that has to be fetched first takes milliseconds"`
	Priority    int          `yaml:"priority" doc:"1 to 99: run before all that has none (SCHED_FIFO); absent: share the processors with everybody"`
	MemoryLimit strict.Bytes `yaml:"memory_limit" doc:"such as 64 MiB: collect garbage only when the daemon comes near it; absent: whenever the heap has doubled"`
}

// Reward turns readings, or numbers that come by MQTT, into spikes of modulator neurons.
type Reward struct {
	Sensor    string        `yaml:"sensor" doc:"sensor that earns it; absent: only who asks for it by MQTT (fluxctl reward)"`
	On        string        `yaml:"on" default:"rise" enum:"rise,fall,change,level" doc:"rise, fall: the reading has risen or fallen; change: either, falls count negative; level: the reading itself"`
	Window    time.Duration `yaml:"window" default:"0s" max:"1m" live:"true" doc:"time over which a change is taken, as long as the robot needs for one decision; 0s: from one reading to the next"`
	Threshold *Quantity     `yaml:"threshold" min:"0" live:"true" doc:"what is less than this earns nothing, in the sensor's unit"`
	Gain      float64       `yaml:"gain" unit:"spikes" default:"1" min:"-1e6" max:"1e6" live:"true" doc:"spikes for each unit of the sensor, or for each 1 that comes by MQTT"`
	Most      int           `yaml:"most" unit:"spikes" default:"10" min:"0" max:"1000" live:"true" doc:"most spikes for one reward; 0: it earns nothing"`
	Every     time.Duration `yaml:"every" default:"2ms" min:"1us" max:"1s" live:"true" doc:"time between two of its spikes; longer than the refractory period of the neurons"`
	To        string        `yaml:"to" doc:"neuron that spikes"`
	Against   string        `yaml:"against" doc:"neuron that spikes for what is negative; absent: that earns nothing"`
	Delay     time.Duration `yaml:"delay" default:"0s" max:"1m" live:"true" doc:"how long after a deed its effect is read; the reward goes to who was active then, see credit"`
	Credit    []Credit      `yaml:"credit" doc:"instead of to: a modulator neuron for each actor; they share the reward by how often each actor spiked in the window, delay ago"`
}

// Credit is who is paid for whose deeds.
type Credit struct {
	To      string `yaml:"to" required:"true" doc:"modulator neuron that spikes for a reward"`
	Against string `yaml:"against" doc:"neuron that spikes for a negative one"`
	Actor   string `yaml:"actor" required:"true" doc:"neuron whose spikes were the deed"`
}

// Tuning says where accepted values are kept.
type Tuning struct {
	File    string `yaml:"file" required:"true" doc:"file of the values that differ from this configuration, as fluxd run --overlay takes it; written by fluxctl save"`
	Persist bool   `yaml:"persist" default:"false" doc:"the file is written with each accepted change too, and read at the start"`
}

// Safety says what keeps the robot from hurting anybody, beside what each actuator has.
type Safety struct {
	Arm           string         `yaml:"arm" default:"auto" enum:"auto,at_start,explicit" doc:"at_start: actuators obey at once; explicit: only after fluxctl arm; auto: explicit on a real board, at_start on the simulated one"`
	EmergencyStop *EmergencyStop `yaml:"emergency_stop" doc:"a switch that stops all actuators, whatever the network does"`
	Start         *StartButton   `yaml:"start" doc:"a button that arms a robot at rest, as fluxctl arm does, and disarms one that is armed"`
	StatusLight   *StatusLight   `yaml:"status_light" doc:"a light that shows whether the robot is armed"`
	Stall         time.Duration  `yaml:"stall" default:"250ms" doc:"how long the network's loop may be silent before the actuators go to failsafe"`
	Watchdog      string         `yaml:"watchdog" doc:"hardware watchdog, such as /dev/watchdog: it restarts the machine when the loop, or Linux, hangs"`
}

// EmergencyStop is a switch.
type EmergencyStop struct {
	Pin    string `yaml:"pin" pin:"in" required:"true" doc:"GPIO pin, such as GPIO26"`
	Pull   string `yaml:"pull" default:"up" enum:"up,down,none" doc:"pull resistor"`
	Active string `yaml:"active" default:"high" enum:"high,low" doc:"level that stops; high with pull up: a switch to ground that opens, so that a broken wire stops too"`
}

// StartButton is a button.
type StartButton struct {
	Pin    string `yaml:"pin" pin:"in" required:"true" doc:"GPIO pin, such as GPIO16"`
	Pull   string `yaml:"pull" default:"up" enum:"up,down,none" doc:"pull resistor; up: the button closes to ground"`
	Active string `yaml:"active" enum:"low,high" doc:"level while it is pressed; absent: low with pull up, else high"`
}

// StatusLight is an LED, or a lamp behind a transistor.
type StatusLight struct {
	Pin    string `yaml:"pin" pin:"out" required:"true" doc:"GPIO pin, such as GPIO24"`
	Active string `yaml:"active" default:"high" enum:"high,low" doc:"level that lights it; low: an LED between the supply and the pin"`
}

// Learnt says where what was learnt is kept: the long-term weights, loaded at the start, saved at the end and from time to time.
type Learnt struct {
	File  string        `yaml:"file" required:"true" doc:"file of the weights; made when it is not there"`
	Every time.Duration `yaml:"every" default:"1m" none:"only at the end" min:"1ms" max:"1h" live:"true" doc:"how often it is saved besides"`
}

// Compare holds a robot's named command against a recorded one.
type Compare struct {
	Actuator string              `yaml:"actuator" required:"true" doc:"name of an actuator of device label"`
	File     string              `yaml:"file" required:"true" doc:"CSV file"`
	Column   string              `yaml:"column" required:"true" doc:"name of the column with the recorded command"`
	Every    time.Duration       `yaml:"every" doc:"time between two rows"`
	Rate     physic.Frequency    `yaml:"rate" doc:"rows per second, instead of every"`
	Time     *sensors.TimeColumn `yaml:"time" doc:"column that says when each row was taken, instead of every and rate"`
}
