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
	"fluxd/configs/links"
	"fluxd/configs/rewards"
	"fluxd/configs/strict"
	"fluxd/core"
	"fluxd/encoders"
	"fluxd/sensors"
)

// Robot is a whole configuration, valid when Load or Parse returned it.
type Robot struct {
	Name       string                    `yaml:"robot" required:"true" doc:"name of the robot: letters, digits, _ and -; also a level of its MQTT topics"`
	Board      Board                     `yaml:"board" required:"true" doc:"where pins and buses come from"`
	Expanders  []Named[Expander]         `yaml:"expanders" doc:"chips that add pins (servos/0, more/A3) or buses (mux/0), by name"`
	Sensors    []Named[Sensor]           `yaml:"sensors" doc:"what the robot measures, by name, and how readings become spikes"`
	Circuits   []Named[circuits.Circuit] `yaml:"circuits" doc:"groups of neurons and synapses, by name, which the network can use any number of times"`
	Written    circuits.Network          `yaml:"network" required:"true" doc:"the spiking neural network that decides"`
	Actuators  []Named[Actuator]         `yaml:"actuators" doc:"what the robot moves, by name, and how spikes become commands"`
	Rewards    []Named[rewards.Reward]   `yaml:"rewards" doc:"what teaches the robot, by name: sensor readings or MQTT requests that fire modulator neurons"`
	Body       worlds.Body               `yaml:"body" doc:"the robot's body, for simulated worlds; a real board needs no body"`
	Safety     Safety                    `yaml:"safety" doc:"arming, emergency stop, watchdog: what protects people and the robot"`
	Tuning     *Tuning                   `yaml:"tuning" doc:"file that keeps tuned values"`
	Learnt     *Learnt                   `yaml:"learnt" doc:"file that keeps learnt weights from one run to the next"`
	MQTT       links.MQTT                `yaml:"mqtt" doc:"broker, telemetry and tuning"`
	Dashboard  links.Dashboard           `yaml:"dashboard" doc:"the page that shows the robot in a browser"`
	Metrics    links.Metrics             `yaml:"metrics" doc:"numbers for Prometheus and other monitors, and whether the robot is well"`
	Realtime   Realtime                  `yaml:"realtime" doc:"requests to Linux that make reflexes faster; if one is refused, fluxd warns and runs on"`
	Recordings Recordings                `yaml:"recordings" doc:"how training and test share the recordings that the robot plays"`
	Compare    *Compare                  `yaml:"compare" doc:"fluxd sim compares a label actuator with a recorded column"`

	Network  core.Description `yaml:"-"` // Written with its circuits, populations and rules expanded
	Drawn    bool             `yaml:"-"` // network.seed has drawn a part of Network: another seed draws another network
	Index    map[string][]int `yaml:"-"` // neurons of Network by name; a population's name stands for all its members
	Files    fs.FS            `yaml:"-"` // folder of the data files that the robot file names
	Source   string           `yaml:"-"` // file name, for messages
	Warnings Errors           `yaml:"-"` // in the order of their lines: valid, but to be checked before power is switched on

	places  *yaml.Node // the file without its network, for line numbers
	text    []byte     // of the file, if Drawn
	changes Changes    // that it was read with
}

// Mistake returns an error about the value at a path, such as sensors.left_eye.encode.max, with its line and column.
func (r *Robot) Mistake(path, format string, args ...any) *Error {
	e := &Error{Source: r.Source, Path: path, Message: fmt.Sprintf(format, args...)}
	if r.places != nil {
		at := strict.Find(r.places, path)
		e.Line, e.Column = at.Line, at.Column
	}
	return e
}

// outline returns a file without its network, which may be large.
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
	Kind    string         `yaml:"kind" required:"true" enum:"sim,raspberrypi,linux,auto" doc:"sim: simulated; raspberrypi: 40-pin header; linux: any other machine; auto: raspberrypi or linux"`
	Model   string         `yaml:"model" when:"kind=raspberrypi" default:"any" enum:"any,pi5" doc:"pi5: GPIO12, 13, 18, 19 are four PWM channels; any: they are two"`
	World   string         `yaml:"world" when:"kind=sim" default:"none" doc:"what the robot lives in: a world that comes with fluxd, or the path of a world's file"`
	Options worlds.Options `yaml:"-"` // of the world, from its file

	given string // the world that the user has put the robot into, whatever its file says; "" for that of the file
}

// Expander is a chip on a bus that adds pins or buses.
type Expander struct {
	Device  string            `yaml:"device" required:"true"`
	Options expanders.Options // of the device
}

// Kinds returns the chips of package expanders.
func (*Expander) Kinds() (key string, kinds []strict.Kind) {
	for _, k := range expanders.Kinds {
		kinds = append(kinds, strict.Kind{Name: k.Name, About: k.About, New: func() any { return k.New() }})
	}
	return "device", kinds
}

// Sensor is one device, or one measure of a chip with several, and how its readings become spikes.
type Sensor struct {
	Device  string          `yaml:"device" required:"true"`
	Options sensors.Options // of the device
	Measure string          `yaml:"measure" doc:"which quantity of a chip that measures several; sensors with different measure and the same address share the chip"`
	Every   time.Duration   `yaml:"every" live:"true" doc:"time between two readings; a switch needs it only on an expander's pin, which reports no edges"`
	Curve   [][2]Quantity   `yaml:"curve" live:"true" doc:"calibration: pairs [measured, meaning], such as [[0.4 V, 0.8 m], [2.8 V, 0.1 m]]"`
	Stale   time.Duration   `yaml:"stale" live:"true" doc:"time without a good reading until actuators go to failsafe; absent: 5 times every, at least 500ms"`
	Frozen  time.Duration   `yaml:"frozen" live:"true" doc:"time after which an unchanged reading is a fault; absent: never. For sensors that are never quite still"`
	Median  int             `yaml:"median" doc:"replace each reading by the median of the last 3 to 15 (odd): removes single wrong readings"`
	Encode  Encode          `yaml:"encode" required:"true" doc:"how readings become spikes"`
}

// Kinds returns the devices of package sensors.
func (*Sensor) Kinds() (key string, kinds []strict.Kind) {
	for _, k := range sensors.Kinds {
		one := strict.Kind{Name: k.Name, About: k.About, Also: k.Also, New: func() any { return k.New() }}
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
	To      Targets                 `yaml:"to" required:"true" doc:"neuron or population that receives the spikes; several: a list of them, such as [near, far]"`
	Weight  *float64                `yaml:"weight" doc:"units that each spike adds to the neuron's level; absent: each spike fires the neuron"`
	Options encoders.EncoderOptions // of the kind
}

// Kinds returns the encoders of package encoders.
func (*Encode) Kinds() (key string, kinds []strict.Kind) {
	for _, k := range encoders.EncoderKinds {
		kinds = append(kinds, strict.Kind{Name: k.Name, About: k.About, New: func() any { return k.New() }})
	}
	return "kind", kinds
}

// Actuator is one device that acts, the spikes that command it, and its limits.
type Actuator struct {
	Device               string            `yaml:"device" required:"true"`
	Options              actuators.Options // of the device
	actuators.CommonOpts                   // limits that the guard enforces
	Needs                *[]string         `yaml:"needs" doc:"sensors it cannot do without: failsafe while one is stale; absent: all whose spikes can reach its neurons; []: none"`
	Decode               Decode            `yaml:"decode" required:"true" doc:"how spikes become a command"`
}

// Kinds returns the devices of package actuators.
func (*Actuator) Kinds() (key string, kinds []strict.Kind) {
	for _, k := range actuators.Kinds {
		kinds = append(kinds, strict.Kind{Name: k.Name, About: k.About, New: func() any { return k.New() },
			Without: k.Without, Also: k.Also})
	}
	return "device", kinds
}

// Decode says how spikes become a command.
type Decode struct {
	Kind    string                  `yaml:"kind" required:"true"`
	Options encoders.DecoderOptions // of the kind
}

// Kinds returns the decoders of package encoders.
func (*Decode) Kinds() (key string, kinds []strict.Kind) {
	for _, k := range encoders.DecoderKinds {
		kinds = append(kinds, strict.Kind{Name: k.Name, About: k.About, New: func() any { return k.New() }})
	}
	return "kind", kinds
}

// Realtime says what fluxd requests from Linux to make reflexes faster.
type Realtime struct {
	LockMemory  bool         `yaml:"lock_memory" default:"false" doc:"keep the whole daemon in memory: fetching a page from disk takes milliseconds"`
	Priority    int          `yaml:"priority" doc:"1 to 99: real-time priority (SCHED_FIFO); absent: ordinary scheduling"`
	MemoryLimit strict.Bytes `yaml:"memory_limit" doc:"such as 64 MiB, at least 32: collect garbage only near it; absent: when the heap has doubled"`
}

// Tuning says where tuned values are kept.
type Tuning struct {
	File    string `yaml:"file" required:"true" doc:"file of tuned values, written by fluxctl save, read by fluxd run --overlay"`
	Persist bool   `yaml:"persist" default:"false" doc:"also write the file after each accepted change, and read it at the start"`
}

// Safety says what protects people and the robot, beside the limits of each actuator.
type Safety struct {
	Arm           string         `yaml:"arm" default:"auto" enum:"auto,at_start,explicit" doc:"at_start: armed at once; explicit: by fluxctl arm or start button; auto: at_start on sim, else explicit"`
	EmergencyStop *EmergencyStop `yaml:"emergency_stop" doc:"switch that stops all actuators, whatever the network does"`
	Start         *StartButton   `yaml:"start" doc:"button that arms a robot at rest and disarms an armed one"`
	StatusLight   *StatusLight   `yaml:"status_light" doc:"light that shows whether the robot is armed"`
	Stall         time.Duration  `yaml:"stall" default:"250ms" doc:"time without an answer of the control loop until all actuators go to failsafe, 20ms to 10s"`
	Watchdog      string         `yaml:"watchdog" doc:"hardware watchdog, such as /dev/watchdog: restarts the machine when the control loop or Linux hangs; absent: none"`
}

// EmergencyStop is a switch.
type EmergencyStop struct {
	Pin    string `yaml:"pin" pin:"in" required:"true" doc:"GPIO pin, such as GPIO26"`
	Pull   string `yaml:"pull" default:"up" enum:"up,down,none" doc:"pull resistor"`
	Active string `yaml:"active" default:"high" enum:"high,low" doc:"level that stops; high with pull up suits a switch to ground that opens: a broken wire stops the robot too"`
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
	Active string `yaml:"active" default:"high" enum:"high,low" doc:"level that lights it; low for an LED between the supply and the pin"`
}

// Learnt says where learnt long-term weights are kept. They are loaded at the start, and saved at intervals and at the end.
type Learnt struct {
	File  string        `yaml:"file" required:"true" doc:"file of the weights; created if it does not exist"`
	Every time.Duration `yaml:"every" default:"1m" none:"only at the end" min:"1ms" max:"1h" live:"true" doc:"time between two saves"`
}

// Compare says which recorded column fluxd sim compares with the names that a label actuator gives.
type Compare struct {
	Actuator string              `yaml:"actuator" required:"true" doc:"name of an actuator of device label"`
	File     string              `yaml:"file" required:"true" doc:"CSV file"`
	Column   string              `yaml:"column" required:"true" doc:"name of the column with the recorded command"`
	Every    time.Duration       `yaml:"every" doc:"time between two rows of the file"`
	Rate     physic.Frequency    `yaml:"rate" doc:"rows per second, instead of every"`
	Time     *sensors.TimeColumn `yaml:"time" doc:"column with the time of each row, instead of every and rate"`
}

// Recordings says how the recordings of all sensors of device log, and the commands to compare with, are played.
type Recordings struct {
	Split *Split `yaml:"split" doc:"which rows are for training and which for the test; absent: a robot is tested with what it was trained with"`

	// Part is what a simulation plays: the caller of daemon.NewSimulation sets it. Other than sensors.Whole, it needs Split.
	Part sensors.Part `yaml:"-"`
}

// Split divides the rows of the recordings. With recordings of several rates, it divides the rows of the slowest, and the others
// follow.
type Split struct {
	Train Quantity `yaml:"train" default:"70%" doc:"rows for training, more than 0% and less than 100%; the others are for the test"`
	Order string   `yaml:"order" default:"chronological" enum:"chronological,random" doc:"chronological: the first rows are for training; random: rows are drawn, and played in the order drawn"`
	Seed  uint64   `yaml:"seed" default:"1" doc:"seed of a random order"`
}

// Rows returns the split for package sensors.
func (s *Split) Rows() sensors.Split {
	return sensors.Split{Train: s.Train.Micro / 100, Random: s.Order == "random", Seed: s.Seed}
}
