package configs

import (
	"io/fs"
	"time"
)

// Named is one entry of a mapping whose order counts.
type Named[T any] struct {
	Name  string
	Line  int // in the file
	Value T
}

// Robot is a whole configuration, valid when Load or Parse returned it.
type Robot struct {
	Name      string            `yaml:"robot" required:"true" doc:"name of the robot: letters, digits, _ and -; it is a level of its MQTT topics"`
	Board     Board             `yaml:"board" required:"true" doc:"where pins and buses come from"`
	Sensors   []Named[Sensor]   `yaml:"sensors" doc:"what the robot measures, by name"`
	Circuits  []Named[Circuit]  `yaml:"circuits" doc:"groups of neurons and synapses, by name, to be used in the network any number of times"`
	Network   Network           `yaml:"network" required:"true" doc:"the spiking neural network that decides"`
	Actuators []Named[Actuator] `yaml:"actuators" doc:"what the robot moves, by name"`
	Learnt    *Learnt           `yaml:"learnt" doc:"keeps what plastic synapses learn from one run to the next"`
	MQTT      MQTT              `yaml:"mqtt" doc:"telemetry and tuning"`
	Realtime  Realtime          `yaml:"realtime" doc:"what the system is asked for so that nothing holds up a reflex; what it refuses is told, and the robot runs on"`
	Compare   *Compare          `yaml:"compare" doc:"fluxd sim holds a label actuator against a recorded column"`

	Flat   *Flat  `yaml:"-"` // the network without circuits, populations and rules
	Files  fs.FS  `yaml:"-"` // where the data files named in it are found
	Source string `yaml:"-"` // file name, for messages
}

// Board says where pins and buses come from.
type Board struct {
	Kind    string `yaml:"kind" required:"true" enum:"sim,raspberrypi" doc:"sim: the simulated board; raspberrypi: this machine's header"`
	World   string `yaml:"world" when:"kind=sim" default:"none" enum:"none,arena" doc:"what the simulated board senses and acts in"`
	Relight bool   `yaml:"relight" when:"world=arena" default:"true" doc:"a lamp that was reached goes on elsewhere"`
}

// Sensor is one device that measures, and how its readings become spikes.
type Sensor struct {
	Device     string        `yaml:"device" required:"true" enum:"bh1750,button,log" doc:"bh1750: light, I2C; button: switch or bumper, GPIO; log: a column of a recorded CSV file, played back"`
	Bus        string        `yaml:"bus" when:"device=bh1750" required:"device=bh1750" doc:"I2C bus, such as I2C1"`
	Address    uint16        `yaml:"address" when:"device=bh1750" required:"device=bh1750" doc:"I2C address, such as 0x23"`
	Resolution string        `yaml:"resolution" when:"device=bh1750" default:"low" enum:"low,high,high2" doc:"low: 4 lx in 24 ms; high: 1 lx in 180 ms; high2: 0.5 lx in 180 ms"`
	Pin        string        `yaml:"pin" when:"device=button" required:"device=button" doc:"GPIO pin, such as GPIO17"`
	Pull       string        `yaml:"pull" when:"device=button" default:"up" enum:"up,down,none" doc:"pull resistor; up: the switch closes to ground"`
	Debounce   time.Duration `yaml:"debounce" when:"device=button" default:"5ms" doc:"how long a change holds off further ones"`
	File       string        `yaml:"file" when:"device=log" required:"device=log" doc:"CSV file with a header line, may be gzipped; looked for beside the configuration"`
	Column     string        `yaml:"column" when:"device=log" required:"device=log" doc:"name of the column"`
	Unit       string        `yaml:"unit" when:"device=log" doc:"unit of the column's numbers"`
	Loop       bool          `yaml:"loop" when:"device=log" default:"false" doc:"start again at the end"`
	Every      time.Duration `yaml:"every" when:"device=bh1750,log" required:"device=bh1750" doc:"time between two readings"`
	Rate       Frequency     `yaml:"rate" when:"device=log" doc:"readings per second, instead of every"`
	Encode     Encode        `yaml:"encode" required:"true" doc:"how readings become spikes"`
}

// Encode says how readings become spikes.
type Encode struct {
	Kind       string        `yaml:"kind" required:"true" enum:"rate,latency,edge,threshold" doc:"rate: more is faster; latency: less is earlier; edge: a change is a spike; threshold: a crossing is a spike"`
	To         string        `yaml:"to" required:"true" doc:"neuron that receives the spikes"`
	Weight     *float64      `yaml:"weight" doc:"units poured into the neuron by each spike; absent: each spike fires it"`
	Range      [2]Quantity   `yaml:"range" when:"kind=rate,latency" required:"kind=rate,latency" doc:"readings at the two ends of the code, such as [0 lx, 2000 lx]"`
	Max        Frequency     `yaml:"max" when:"kind=rate" required:"kind=rate" doc:"spikes per second at the top of the range"`
	Window     time.Duration `yaml:"window" when:"kind=latency" required:"kind=latency" doc:"delay of the spike at the top of the range"`
	On         string        `yaml:"on" when:"kind=edge" default:"press" enum:"press,release,both" doc:"which changes spike"`
	Above      *Quantity     `yaml:"above" when:"kind=threshold" doc:"spike when the reading rises to this"`
	Below      *Quantity     `yaml:"below" when:"kind=threshold" doc:"spike when the reading falls to this"`
	Hysteresis Quantity      `yaml:"hysteresis" when:"kind=threshold" doc:"how far back a reading must be before the next crossing counts"`
	Repeat     bool          `yaml:"repeat" when:"kind=threshold" default:"false" doc:"a spike at every reading beyond, instead of one per crossing"`
}

// Actuator is one device that acts, what commands it and what keeps it safe.
type Actuator struct {
	Device    string        `yaml:"device" required:"true" enum:"hbridge,servo,label" doc:"hbridge: motor; servo: position; label: no pins, it names the winning command"`
	PWM       string        `yaml:"pwm" when:"device=hbridge,servo" required:"device=hbridge,servo" doc:"pin with PWM, such as GPIO12"`
	Direction string        `yaml:"direction" when:"device=hbridge" required:"device=hbridge" doc:"pin that is high in reverse, such as GPIO5"`
	Frequency Frequency     `yaml:"frequency" when:"device=hbridge,servo" doc:"of the PWM; by default 20 kHz for a motor, 50 Hz for a servo"`
	Inverted  bool          `yaml:"inverted" when:"device=hbridge" default:"false" doc:"the motor is wired the other way round"`
	MinPulse  time.Duration `yaml:"min_pulse" when:"device=servo" default:"1ms" doc:"pulse at command -1"`
	MaxPulse  time.Duration `yaml:"max_pulse" when:"device=servo" default:"2ms" doc:"pulse at command 1"`
	Slew      Slew          `yaml:"slew" when:"device=hbridge,servo" doc:"fastest change in full scales per second, such as 4/s; absent: no limit"`
	Range     [2]float64    `yaml:"range" when:"device=hbridge,servo" default:"[-1, 1]" doc:"smallest and largest command"`
	Failsafe  float64       `yaml:"failsafe" when:"device=hbridge,servo" default:"0" doc:"command at start, at the end, and whenever something fails"`
	Decode    Decode        `yaml:"decode" required:"true" doc:"how spikes become a command"`
}

// Decode says how spikes become a command.
type Decode struct {
	Kind     string          `yaml:"kind" required:"true" enum:"push-pull,count,winner-take-all" doc:"push-pull: one neuron against another; count: one neuron's rate; winner-take-all: the command of the busiest"`
	Window   time.Duration   `yaml:"window" required:"true" doc:"stretch of time over which spikes count"`
	Forward  string          `yaml:"forward" when:"kind=push-pull" required:"kind=push-pull" doc:"neuron whose spikes push the command up"`
	Backward string          `yaml:"backward" when:"kind=push-pull" doc:"neuron whose spikes pull it down"`
	Neuron   string          `yaml:"neuron" when:"kind=count" required:"kind=count" doc:"neuron whose spikes count"`
	Full     Frequency       `yaml:"full" when:"kind=push-pull,count" default:"100 Hz" doc:"spikes per second that command full scale"`
	Choices  []Named[Choice] `yaml:"choices" when:"kind=winner-take-all" required:"kind=winner-take-all" doc:"command of each neuron: -1 to 1, or a word for a label"`
}

// Choice is a command: a number for what moves, a word for a label.
type Choice struct {
	Number float64
	Word   string
}

// MQTT says how the robot is reached.
type MQTT struct {
	Broker       string `yaml:"broker" default:"embedded" doc:"embedded, none, tcp://host:1883 or ssl://host:8883"`
	Listen       string `yaml:"listen" default:"127.0.0.1:1883" doc:"where the embedded broker listens: a loopback address and port"`
	User         string `yaml:"user" doc:"at an external broker"`
	PasswordFile string `yaml:"password_file" doc:"file that holds the password for the external broker"`
}

// Realtime says what the system is asked for so that nothing holds up a reflex.
type Realtime struct {
	LockMemory  bool  `yaml:"lock_memory" default:"false" doc:"keep the daemon in memory: a page that has to be fetched first takes milliseconds"`
	Priority    int   `yaml:"priority" doc:"1 to 99: run before all that has none (SCHED_FIFO); absent: share the processors with everybody"`
	MemoryLimit Bytes `yaml:"memory_limit" doc:"such as 64 MiB: collect garbage only when the daemon comes near it; absent: whenever the heap has doubled"`
}

// Learnt says where what was learnt is kept: the long-term weights, loaded at the start, saved at the end and from time to time.
type Learnt struct {
	File  string        `yaml:"file" required:"true" doc:"file of the weights; made when it is not there"`
	Every time.Duration `yaml:"every" default:"1m" doc:"how often it is saved besides; 0s: only at the end"`
}

// Compare holds a robot's named command against a recorded one.
type Compare struct {
	Actuator string        `yaml:"actuator" required:"true" doc:"name of an actuator of device label"`
	File     string        `yaml:"file" required:"true" doc:"CSV file"`
	Column   string        `yaml:"column" required:"true" doc:"name of the column with the recorded command"`
	Every    time.Duration `yaml:"every" doc:"time between two rows"`
	Rate     Frequency     `yaml:"rate" doc:"rows per second, instead of every"`
}
