package protocol

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"
)

// State says whether a robot is connected to the broker.
type State string

// The states of a robot.
const (
	Online  State = "online"
	Offline State = "offline"
)

// Status is a retained message. The robot publishes it with the state Online; the broker holds one with Offline as the robot's
// last will.
type Status struct {
	State   State  `json:"state"`
	Boot    string `json:"boot"`    // a different text at each start of the daemon
	Version string `json:"version"` // of the daemon

	Protocol int `json:"protocol,omitempty"` // the Version of this package that the robot speaks; 0: 1, see CheckVersion
}

// Description lists everything that can be read and tuned. It does not change while the daemon runs.
type Description struct {
	Parameters []Parameter    `json:"parameters"`
	Neurons    []NeuronGroup  `json:"neurons"`
	Synapses   []SynapseGroup `json:"synapses"`
	Sensors    []Device       `json:"sensors"`
	Actuators  []Device       `json:"actuators"`
	Rewards    []string       `json:"rewards,omitempty"` // names, for the verb reward
}

// Parameter is a number that a set request can change. Min, Max and Default are finite and in Unit.
//
// A large population has one Parameter for all its members, so that a network of a thousand neurons and a hundred thousand
// synapses has a few dozen parameters to publish. Each member still has a path for get and set.
type Parameter struct {
	Path    string  `json:"path"`            // unique; a MQTT topic without wildcards, such as "network.neurons.eye_l.threshold"
	Count   int     `json:"count,omitempty"` // of members, of a population: Path then has [*] for their numbers; else 0
	Type    string  `json:"type"`            // "float" or "int"
	Unit    string  `json:"unit"`            // empty for a pure number
	Min     float64 `json:"min"`             // the range that every member allows
	Max     float64 `json:"max"`
	Default float64 `json:"default"` // the smallest of the members' defaults
}

// members matches the numbers of members in a path.
var members = regexp.MustCompile(`(\[\d+\])+`)

// PopulationPath returns the path that stands for all members of a population, from the path of one:
// network.neurons.wall[*].threshold for network.neurons.wall[3].threshold. It returns a path without numbers unchanged.
func PopulationPath(path string) string { return members.ReplaceAllString(path, "[*]") }

// NeuronGroup is a named neuron, or a population of them: a Count of 3 stands for name[0], name[1] and name[2].
type NeuronGroup struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
	Role  Role   `json:"role,omitempty"` // of a population: of its members, the first in the order of roles that one has
}

// NeuronNames returns the names of all neurons. The Neuron of a Spike is an index into them.
func (d Description) NeuronNames() []string {
	var names []string
	for _, g := range d.Neurons {
		if g.Count <= 1 {
			names = append(names, g.Name)
			continue
		}
		for i := range g.Count {
			names = append(names, fmt.Sprintf("%s[%d]", g.Name, i))
		}
	}
	return names
}

// SynapseGroup stands for all synapses of one kind from one neuron or population to another.
type SynapseGroup struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Kind  string `json:"kind"`
	Count int    `json:"count"`
}

// Device is a sensor or an actuator.
type Device struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // what drives it, such as "bh1750"
	Unit string `json:"unit"` // of its measures; empty for a pure number
}

// Revision counts the accepted transactions: each adds one. A client sends it as if_rev, to change something only if nothing else
// has changed since.
type Revision uint64

// Value is the accepted value of a parameter, in its unit. For a parameter that stands for a population it is a span.
type Value struct {
	V   float64  `json:"v"`            // the smallest of a population's values
	To  *float64 `json:"to,omitempty"` // the largest of a population's values, if they differ
	Rev Revision `json:"rev"`          // of the transaction that set it; of a population the latest
	Src string   `json:"src"`          // who set it: a user's name, Anonymous, FromConfig or FromOverlay
}

// Reading is a Value in the answer to get, with the range that is allowed now. That range may differ from the description's: the
// range of a threshold follows the leak.
type Reading struct {
	Value
	Min float64 `json:"min"`
	Max float64 `json:"max"`

	// Of the weight of a synapse that learns: what it is now. V is the weight that was configured or set, from which it learns.
	Learnt   *float64 `json:"learnt,omitempty"`    // of a population the smallest
	LearntTo *float64 `json:"learnt_to,omitempty"` // the largest of a population's, if they differ
}

// Request is a client's request. MQTT 3.1.1 has neither expiry nor response topics: that is why a request carries id, ts and
// ttl_ms.
//
// The robot handles requests of one client with one verb in the order in which the client sent them. It handles requests with
// different verbs in that order only if the broker keeps it, which MQTT does not promise (3.1.1, section 4.6).
type Request struct {
	ID   string `json:"id"`     // unique; the answer carries it, and the robot ignores a second request with it
	Time int64  `json:"ts"`     // when it was sent, in milliseconds since 1970
	TTL  int64  `json:"ttl_ms"` // for how many milliseconds it is valid, 1 to 3,600,000; never longer than MaxAge

	IfRevision *Revision          `json:"if_rev,omitempty"` // verbs set and reset: refuse unless this is the revision
	Set        map[string]float64 `json:"set,omitempty"`    // verb set: values by path; one transaction
	Paths      []string           `json:"paths,omitempty"`  // verbs get and reset: none means all

	Reward string `json:"reward,omitempty"` // verb reward: the name of a reward of the robot file

	// Verb reward: how much; a negative value is a punishment. Verb drive: the command. Verb sense: the reading, in the sensor's
	// unit. Verb arm: 1 arms, 0 disarms.
	Value *float64 `json:"value,omitempty"`

	Stimulate map[string]Train `json:"stimulate,omitempty"` // verb stimulate: spikes by neuron
	ByHand    bool             `json:"by_hand,omitempty"`   // verb arm: for the verb drive; the network commands nothing
	Fresh     bool             `json:"fresh,omitempty"`     // verb arm: the network starts fresh, with what it has learnt
	Actuator  string           `json:"actuator,omitempty"`  // verb drive: its name
	Sensor    string           `json:"sensor,omitempty"`    // verbs sense and zero: its name

	// Verb watch: what is published, by topic. With none of them it is spikes.
	Spikes   bool     `json:"spikes,omitempty"`
	Neurons  []string `json:"neurons,omitempty"` // names of neurons, at most MaxNeurons
	Learning bool     `json:"learning,omitempty"`
	World    bool     `json:"world,omitempty"`

	// Verb load_robot: the text of a robot file, or what to do with the one that was sent last. With none of them it asks only.
	File    string `json:"file,omitempty"`
	Restart bool   `json:"restart,omitempty"` // start again at once
	Confirm bool   `json:"confirm,omitempty"` // the file that is on trial is good
	Back    bool   `json:"back,omitempty"`    // return to the file before

	// Verb place: what is put where, in metres and radians.
	Thing   string   `json:"thing,omitempty"`
	X       *float64 `json:"x,omitempty"`
	Y       *float64 `json:"y,omitempty"`
	Heading *float64 `json:"heading,omitempty"` // of the robot; nil: as it is

	// For how many milliseconds it holds. Verb watch: what was asked for is published, 1 to 60,000. Verb drive: the command, 1 to
	// 10,000. Verb sense: the reading, 1 to 60,000.
	Lease int64 `json:"lease_ms,omitempty"`
}

// Limits of requests.
const (
	// MaxRequest is the largest payload of a request, in bytes.
	MaxRequest = 64 << 10
	// MaxTTL is the largest ttl_ms. A request is valid for MaxAge at most.
	MaxTTL = time.Hour
	// MaxAge is the longest time after its ts at which a request is obeyed. MaxAhead is how far its ts may lie in the future of the
	// robot's clock. They keep a client from preparing a request that acts later, as a last will or in a queue.
	MaxAge   = 30 * time.Second
	MaxAhead = 5 * time.Second
)

// Train is a number of spikes at equal intervals.
type Train struct {
	Count int   `json:"count"`    // 1 to MaxTrain
	Every int64 `json:"every_us"` // microseconds between two spikes, 1 to 1,000,000; may be 0 for a single spike
}

// Limits of spikes from outside.
const (
	// MaxTrain is how many spikes a request may send into one neuron.
	MaxTrain = 1000
	// MaxLease is the longest lease of a watch or a sense request.
	MaxLease = time.Minute
	// MaxDrive is the longest lease of a drive request. A motor runs on for no longer when its operator loses the connection.
	MaxDrive = 10 * time.Second
)

// Response answers one request.
type Response struct {
	// Of the request. Empty if the request had no readable id, and in the shared answer to a flood of emergency stops.
	ID string `json:"id"`

	Status  string             `json:"status"`            // StatusOK or StatusError
	Rev     Revision           `json:"rev"`               // the current one
	Applied map[string]float64 `json:"applied,omitempty"` // verbs set and reset: the values in effect now, by path
	Values  map[string]Reading `json:"values,omitempty"`  // verb get, by path

	Description json.RawMessage `json:"description,omitempty"` // verb describe: a Description
	Network     *Network        `json:"network,omitempty"`     // verb network
	World       *World          `json:"world,omitempty"`       // verb world
	Robot       *RobotFile      `json:"robot,omitempty"`       // verb load_robot

	Spikes  int      `json:"spikes,omitempty"`  // verbs reward and stimulate: how many spikes were sent into the network
	Was     *float64 `json:"was,omitempty"`     // verb zero: the reading that counts as 0 from now on, in the sensor's unit
	Warning string   `json:"warning,omitempty"` // the request was carried out, but something is wrong
	Error   *Error   `json:"error,omitempty"`
}

// Answers reports whether this is the answer to the request with an id. When more emergency stops arrive than the robot can read,
// it obeys them all and sends one answer, without an id, to all that it has not read.
func (r Response) Answers(id string) bool {
	return r.ID == id || r.ID == "" && r.Status == StatusOK
}

// The two values of Response.Status.
const (
	StatusOK    = "ok"
	StatusError = "error"
)

// Warning is an error that comes with success, such as a change that is in effect but could not be written to the disk.
type Warning string

func (w Warning) Error() string { return string(w) }

// Code is a reason for a refusal, for programs.
type Code string

// Why a request is refused.
const (
	OutOfRange       Code = "out_of_range"      // Min and Max give the range that is allowed
	UnknownParameter Code = "unknown_parameter" // there is no such path
	RevisionConflict Code = "revision_conflict" // if_rev is not the current revision
	NotLive          Code = "not_live"          // the path exists, but takes effect only at the next start
	UnknownNeuron    Code = "unknown_neuron"    // there is no such neuron
	UnknownReward    Code = "unknown_reward"    // there is no such reward
	UnknownSensor    Code = "unknown_sensor"    // there is no such sensor
	UnknownActuator  Code = "unknown_actuator"  // there is no such actuator
	UnknownThing     Code = "unknown_thing"     // there is no such thing in the world
	NotAllowed       Code = "not_allowed"       // the robot's state does not allow it
	Forbidden        Code = "forbidden"         // the user's role does not allow it
	Malformed        Code = "malformed"         // not the JSON that Request documents
	TooLarge         Code = "too_large"         // larger than MaxRequest
	InvalidFile      Code = "invalid_file"      // the robot file has Mistakes
	Stale            Code = "stale"             // older than its ttl_ms or MaxAge, or the clocks differ by more than that
	Retained         Code = "retained"          // published with the retain flag, so its age is unknown
	UnknownVerb      Code = "unknown_verb"      // this robot does not support the verb
	Busy             Code = "busy"              // too many requests wait
	Internal         Code = "internal"          // a fault of the robot, not of the client

	// OtherProtocol is a reason for a client alone: it and the robot speak different versions of the protocol.
	OtherProtocol Code = "other_protocol"
)

// Error says why a request was refused. A robot returns it as the error of a request that it does not obey.
type Error struct {
	Code    Code     `json:"code"`
	Path    string   `json:"path,omitempty"` // of the parameter or key in question
	Min     *float64 `json:"min,omitempty"`  // the range that is allowed, for OutOfRange
	Max     *float64 `json:"max,omitempty"`
	Message string   `json:"message"` // for people

	Mistakes []Mistake `json:"mistakes,omitempty"` // of the robot file, for InvalidFile
}

// Error returns the message, with the path before it and the range behind it if there are any.
func (e *Error) Error() string {
	text := e.Message
	if e.Path != "" {
		text = e.Path + ": " + text
	}
	if e.Min != nil && e.Max != nil {
		text += ": expected " + strconv.FormatFloat(*e.Min, 'f', -1, 64) + " to " + strconv.FormatFloat(*e.Max, 'f', -1, 64)
	}
	return text
}

// Refuse returns an OutOfRange error for a value outside min..max, in the parameter's unit.
func Refuse(path string, min, max float64, message string) *Error {
	return &Error{Code: OutOfRange, Path: path, Min: &min, Max: &max, Message: message}
}

// Health is the state of the daemon, published once a second.
type Health struct {
	Time            int64              `json:"ts"` // when it was published, in milliseconds since 1970; set by the bridge
	Uptime          Seconds            `json:"uptime_s"`
	Latency         Latency            `json:"latency_us"`        // of the control loop: from due time to completion
	EdgeToWrite     Latency            `json:"edge_to_write_us"`  // from a reading to the actuator write that answers it at once
	SpikeToWrite    Latency            `json:"spike_to_write_us"` // from when any other motor spike was due to the write it caused
	Realtime        Realtime           `json:"realtime"`
	Safety          Safety             `json:"safety"`
	SpikesPerSecond float64            `json:"spikes_per_s"`            // over the last second
	Spikes          uint64             `json:"spikes"`                  // since the start
	QueueDepth      int                `json:"queue_depth"`             // spikes on their way
	Ignored         uint64             `json:"ignored"`                 // arrivals since the start that a neuron ignored
	Drops           uint64             `json:"drops"`                   // readings and spikes that were dropped
	LateInputs      uint64             `json:"late_inputs"`             // inputs whose time had already been computed
	CPU             *float64           `json:"cpu_percent,omitempty"`   // of one core; nil if unknown
	Temperature     *float64           `json:"temperature_c,omitempty"` // of the processor, in degrees Celsius; nil if unknown
	SensorAges      map[string]Seconds `json:"sensor_age_s,omitempty"`  // since the last good reading, by sensor
	Bridge          BridgeHealth       `json:"bridge"`                  // set by the bridge

	// As in Status, for brokers that retain nothing of the robot: the hub of a fleet. Set by the bridge.
	Version  string `json:"version,omitempty"`
	Protocol int    `json:"protocol,omitempty"`
	Address  string `json:"address,omitempty"` // an IP address of the robot's machine; empty: none but loopback
}

// Safety says whether the robot may move.
type Safety struct {
	State  string              `json:"state"`             // "armed", "disarmed" or "stopped"
	By     string              `json:"by,omitempty"`      // the cause of the emergency stop: a user, Anonymous, a switch, a signal
	ByHand bool                `json:"by_hand,omitempty"` // driven by hand: the network commands nothing
	Trial  bool                `json:"trial,omitempty"`   // its robot file is on trial
	Held   map[string][]string `json:"held,omitempty"`    // the reasons for each actuator that is kept at failsafe
	Stale  []string            `json:"stale,omitempty"`   // the sensors without a good reading for too long
	Light  string              `json:"light,omitempty"`   // the status light: "off", "on", "slow blink", "fast blink"; empty: none
}

// BridgeHealth is the state of the bridge.
type BridgeHealth struct {
	Dropped   uint64 `json:"dropped"`   // messages dropped because the broker was slow or away
	Malformed uint64 `json:"malformed"` // requests that could not be read
}

// Latency is the distribution of a latency since the start of the daemon, in microseconds; all 0 without a sample.
type Latency struct {
	P50   int64 `json:"p50"`
	P99   int64 `json:"p99"`
	P999  int64 `json:"p99_9"`
	Max   int64 `json:"max"`
	Count int64 `json:"count"` // of samples
}

// Realtime is what the operating system grants the daemon for its reflexes.
type Realtime struct {
	Scheduler    string   `json:"scheduler"`                    // Shared, or "fifo" and a priority of 1 to 99, such as "fifo 20"
	MemoryLocked bool     `json:"memory_locked"`                // no page has to be read from the disk
	MemoryLimit  int64    `json:"memory_limit_bytes,omitempty"` // garbage is collected near it; 0: whenever the heap has doubled
	Refused      []string `json:"refused,omitempty"`            // what the system did not grant, each with the remedy
}

// Shared is the Scheduler of a daemon that shares the processors with all other programs.
const Shared = "shared"

// Measure is what a sensor read, or what was written to an actuator.
type Measure struct {
	Value any     `json:"value"` // a float64, or a string for a label; not published if it is not finite
	Unit  string  `json:"unit"`
	Zero  float64 `json:"zero,omitempty"` // the device's reading that counts as 0 since a zero request, in its unit
	Held  bool    `json:"held,omitempty"` // a client holds the reading of this simulated sensor: it is not of the world
	Age   Seconds `json:"age_s"`          // since it was read; 0 for an actuator, whose value is its command now
	Time  int64   `json:"ts"`             // when the value was read or in effect, in milliseconds since 1970; set by the bridge
}

// Home is the message for Home Assistant. It has every sensor and actuator of the description, with or without a reading: a
// template that refers to a missing key logs an error each time.
type Home struct {
	Time      int64          `json:"ts"`        // when it was published, in milliseconds since 1970
	Sensors   map[string]any `json:"sensors"`   // by name: a float64, or nil if there is no reading or the sensor is stale
	Actuators map[string]any `json:"actuators"` // by name: a float64, a string for a label, or nil
}

// Event is a fault or a change of state, published once.
type Event struct {
	Time int64  `json:"ts"`   // milliseconds since 1970
	Code string `json:"code"` // of its EventKind
	Text string `json:"text"` // for people
}

// Levels of events.
const (
	LevelInfo    = "info"
	LevelWarning = "warning"
	LevelError   = "error"
)

// Seconds is a duration that JSON carries as a number of seconds, with a resolution of one microsecond.
type Seconds time.Duration

// MarshalJSON writes the number of seconds.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Duration(s).Round(time.Microsecond).Seconds())
}

// UnmarshalJSON reads a number of seconds.
func (s *Seconds) UnmarshalJSON(text []byte) error {
	var seconds float64
	if err := json.Unmarshal(text, &seconds); err != nil {
		return err
	}
	*s = Seconds(math.Round(seconds * 1e9))
	return nil
}
