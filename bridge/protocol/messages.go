package protocol

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"
)

// State says whether a robot can be reached.
type State string

// The states of a robot.
const (
	Online  State = "online"
	Offline State = "offline"
)

// Status is the retained message that says whether the robot is there. The broker holds the offline one as last will.
type Status struct {
	State   State  `json:"state"`
	Boot    string `json:"boot"`    // differs for every start of the daemon
	Version string `json:"version"` // of the daemon
}

// Description is what can be read and tuned. It does not change while the daemon runs.
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
// One may stand for all members of a large population, which are told of together: a network of a thousand neurons and a hundred
// thousand synapses has a few dozen of these. Each member has a path of its own all the same, for get and set.
type Parameter struct {
	Path    string  `json:"path"`            // unique; a MQTT topic without wildcards, such as "network.neurons.eye_l.threshold"
	Count   int     `json:"count,omitempty"` // of the members that it stands for; then the path is theirs with [*] for the number. 0: it is one
	Type    string  `json:"type"`            // "float" or "int"
	Unit    string  `json:"unit"`            // empty for a pure number
	Min     float64 `json:"min"`             // what every member allows
	Max     float64 `json:"max"`
	Default float64 `json:"default"` // the least of the members'
}

// members are the numbers behind a name in a path.
var members = regexp.MustCompile(`(\[\d+\])+`)

// PopulationPath returns the path that stands for all members of the population that a path is of: network.neurons.wall[*].threshold
// for network.neurons.wall[3].threshold. A path without numbers stays.
func PopulationPath(path string) string { return members.ReplaceAllString(path, "[*]") }

// NeuronGroup is a named neuron, or a population of them: a Count of 3 stands for name[0], name[1] and name[2].
type NeuronGroup struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// NeuronNames are the names of all neurons, in the order in which spikes number them.
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

// SynapseGroup is the synapses of one kind from one neuron or population to another.
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

// Revision counts the accepted transactions: it grows by one with each. It lets a client say "if nothing has changed since".
type Revision uint64

// Value is the accepted value of a parameter, in its unit. Of a parameter that stands for several it may be a span.
type Value struct {
	V   float64  `json:"v"`            // of several that differ, the least
	To  *float64 `json:"to,omitempty"` // of several that differ, the largest; else nil
	Rev Revision `json:"rev"`          // of the transaction that set it, the latest of several
	Src string   `json:"src"`          // who set it: a user's name, Anonymous, FromConfig or FromOverlay
}

// Reading is a Value as get answers it, with what is allowed now. That may differ from the description: the range of a threshold
// follows the leak.
type Reading struct {
	Value
	Min float64 `json:"min"`
	Max float64 `json:"max"`

	// Of the weight of a synapse that learns: what it is now. V is what it was configured or set to, from which it learns.
	Learnt   *float64 `json:"learnt,omitempty"`    // of several, the least
	LearntTo *float64 `json:"learnt_to,omitempty"` // of several that differ, the largest
}

// Request is what a client asks for. MQTT 3.1.1 has no expiry and no response topic: that is why id, ts and ttl_ms stand in it.
//
// Requests of one client with one verb are taken in the order in which it sent them; those with different verbs where the broker
// keeps their order, which MQTT does not promise (3.1.1, section 4.6).
type Request struct {
	ID         string             `json:"id"`               // unique; the answer carries it, and a second request with it is ignored
	Time       int64              `json:"ts"`               // when it was sent, in milliseconds since 1970
	TTL        int64              `json:"ttl_ms"`           // for how many milliseconds it holds, 1 to 3,600,000; never longer than MaxAge
	IfRevision *Revision          `json:"if_rev,omitempty"` // refuse the set unless this is the revision
	Set        map[string]float64 `json:"set,omitempty"`    // verb set: path to value; one transaction
	Paths      []string           `json:"paths,omitempty"`  // verbs get and reset: none means all

	Reward    string           `json:"reward,omitempty"`    // verb reward: the name of a reward of the configuration
	Value     *float64         `json:"value,omitempty"`     // verb reward: how much; negative is a punishment. Verb drive: the command. Verb sense: the reading. Verb arm: 0 disarms
	Stimulate map[string]Train `json:"stimulate,omitempty"` // verb stimulate: spikes by neuron
	ByHand    bool             `json:"by_hand,omitempty"`   // verb arm: for the verb drive alone; the network commands nothing
	Fresh     bool             `json:"fresh,omitempty"`     // verb arm: the network begins anew, with what it has learnt
	Actuator  string           `json:"actuator,omitempty"`  // verb drive: its name
	Sensor    string           `json:"sensor,omitempty"`    // verbs sense and zero: its name
	Lease     int64            `json:"lease_ms,omitempty"`  // verb watch: spikes are published for so long, 1 to 60,000. Verb drive: the command holds for so long, 1 to 10,000. Verb sense: so does the reading, 1 to 60,000
}

// Limits of requests.
const (
	// MaxRequest is the largest payload of a request, in bytes.
	MaxRequest = 64 << 10
	// MaxTTL is the longest that a request may say it holds. It holds for MaxAge at most.
	MaxTTL = time.Hour
	// MaxAge is how long after its ts a request is obeyed at most, and MaxAhead how far its ts may lie in the robot's future:
	// nobody prepares a request, as a last will or in a queue, that acts when its time has passed.
	MaxAge   = 30 * time.Second
	MaxAhead = 5 * time.Second
)

// Train is a number of spikes at equal distances.
type Train struct {
	Count int   `json:"count"`    // 1 to MaxTrain
	Every int64 `json:"every_us"` // microseconds from one to the next, 1 to 1,000,000; not needed for one
}

// Limits of spikes from outside.
const (
	// MaxTrain is the most spikes that a request may bring into one neuron.
	MaxTrain = 1000
	// MaxLease is the longest that one watch request has spikes published.
	MaxLease = time.Minute
	// MaxDrive is the longest that a command by hand holds. A lost connection leaves a motor running for no longer.
	MaxDrive = 10 * time.Second
)

// Response answers one request.
type Response struct {
	ID      string             `json:"id"`                // of the request; empty if it had none that could be read, or if it is for all of a flood of emergency stops
	Status  string             `json:"status"`            // "ok" or "error"
	Rev     Revision           `json:"rev"`               // the present one
	Applied map[string]float64 `json:"applied,omitempty"` // verb set: what is in effect now
	Values  map[string]Reading `json:"values,omitempty"`  // verb get

	Description json.RawMessage `json:"description,omitempty"` // verb describe: a Description, where none is retained

	Spikes  int      `json:"spikes,omitempty"`  // verbs reward and stimulate: how many came of it
	Was     *float64 `json:"was,omitempty"`     // verb zero: what the sensor read that is 0 from now on, in its unit
	Warning string   `json:"warning,omitempty"` // it was done, but: what is wrong with it all the same
	Error   *Error   `json:"error,omitempty"`
}

// Answers reports whether it answers a request with an id. When more emergency stops come than the robot can read, it obeys them
// all, and answers those that it has not read together.
func (r Response) Answers(id string) bool {
	return r.ID == id || r.ID == "" && r.Status == StatusOK
}

// The two values of Response.Status.
const (
	StatusOK    = "ok"
	StatusError = "error"
)

// Warning is the error of what was done all the same, such as a change that is in effect and could not be written to the disk.
type Warning string

func (w Warning) Error() string { return string(w) }

// Code names a reason for a refusal, for programs.
type Code string

// Why a request is refused.
const (
	OutOfRange       Code = "out_of_range"      // Min and Max say what is allowed
	UnknownParameter Code = "unknown_parameter" // there is no such path
	RevisionConflict Code = "revision_conflict" // if_rev is not the revision any more
	NotLive          Code = "not_live"          // it is there, and acts at the next start only
	UnknownNeuron    Code = "unknown_neuron"    // there is no such neuron
	UnknownReward    Code = "unknown_reward"    // there is no such reward
	UnknownSensor    Code = "unknown_sensor"    // there is no such sensor
	UnknownActuator  Code = "unknown_actuator"  // there is no such actuator
	NotAllowed       Code = "not_allowed"       // the robot's state forbids it
	Forbidden        Code = "forbidden"         // who asked may not
	Malformed        Code = "malformed"         // not the JSON that Request documents
	TooLarge         Code = "too_large"         // more than MaxRequest bytes
	Stale            Code = "stale"             // older than its ttl_ms, or clocks that differ by more than that
	Retained         Code = "retained"          // published with the retain flag: nobody knows when
	UnknownVerb      Code = "unknown_verb"      // this robot cannot do what the verb asks for
	Busy             Code = "busy"              // too many requests wait
	Internal         Code = "internal"          // the robot's fault, not the client's
)

// Error says why a request was refused. It is the error that a robot returns for a request which it does not obey.
type Error struct {
	Code    Code     `json:"code"`
	Path    string   `json:"path,omitempty"` // of the parameter concerned
	Min     *float64 `json:"min,omitempty"`  // allowed range, for OutOfRange
	Max     *float64 `json:"max,omitempty"`
	Message string   `json:"message"` // for people
}

// Error returns the message, after the path and with the range if there are any.
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

// Refuse returns the error of a value outside min..max, in the parameter's unit.
func Refuse(path string, min, max float64, message string) *Error {
	return &Error{Code: OutOfRange, Path: path, Min: &min, Max: &max, Message: message}
}

// Health is how the daemon does, once a second.
type Health struct {
	Time            int64              `json:"ts"` // when it was published, in milliseconds since 1970; the bridge fills it in
	Uptime          Seconds            `json:"uptime_s"`
	Latency         Latency            `json:"latency_us"`        // of the control loop: from when something was due until it was done
	EdgeToWrite     Latency            `json:"edge_to_write_us"`  // from a reading to the actuator write that answers it at once
	SpikeToWrite    Latency            `json:"spike_to_write_us"` // from when any other motor spike was due to the write that it caused
	Realtime        Realtime           `json:"realtime"`
	Safety          Safety             `json:"safety"`
	SpikesPerSecond float64            `json:"spikes_per_s"`            // over the last second
	Spikes          uint64             `json:"spikes"`                  // since the start
	QueueDepth      int                `json:"queue_depth"`             // spikes under way
	Ignored         uint64             `json:"ignored"`                 // arrivals since the start that a neuron was deaf to, in its refractory time or a burst
	Drops           uint64             `json:"drops"`                   // readings and spikes that were thrown away
	LateInputs      uint64             `json:"late_inputs"`             // spikes that came after their time had been computed
	CPU             *float64           `json:"cpu_percent,omitempty"`   // of one core; nil if unknown
	Temperature     *float64           `json:"temperature_c,omitempty"` // of the processor, in degrees Celsius; nil if unknown
	SensorAges      map[string]Seconds `json:"sensor_age_s,omitempty"`  // since the last good reading
	Bridge          BridgeHealth       `json:"bridge"`                  // the bridge fills it in
}

// Safety says whether the robot may move.
type Safety struct {
	State  string              `json:"state"`             // "armed", "disarmed" or "stopped"
	By     string              `json:"by,omitempty"`      // who or what made the emergency stop: a user's name, Anonymous, a switch, a signal
	ByHand bool                `json:"by_hand,omitempty"` // somebody drives by hand (verb drive): the network commands nothing until the robot is armed anew
	Held   map[string][]string `json:"held,omitempty"`    // the actuators that are kept at failsafe, each with the reasons
	Stale  []string            `json:"stale,omitempty"`   // the sensors without a good reading for too long
	Light  string              `json:"light,omitempty"`   // what the status light shows: "off", "on", "slow blink" or "fast blink"; empty without one
}

// BridgeHealth is how the bridge does.
type BridgeHealth struct {
	Dropped   uint64 `json:"dropped"`   // messages thrown away because the broker was slow or away
	Malformed uint64 `json:"malformed"` // requests that could not be read
}

// Latency is how long something took since the start of the daemon, in microseconds; all 0 when it has not happened yet.
type Latency struct {
	P50   int64 `json:"p50"`
	P99   int64 `json:"p99"`
	P999  int64 `json:"p99_9"`
	Max   int64 `json:"max"`
	Count int64 `json:"count"`
}

// Realtime is what the machine grants the daemon for its reflexes.
type Realtime struct {
	Scheduler    string   `json:"scheduler"`                    // Shared, or "fifo" and a priority of 1 to 99: before all that have less
	MemoryLocked bool     `json:"memory_locked"`                // no page has to be fetched from the disk
	MemoryLimit  int64    `json:"memory_limit_bytes,omitempty"` // garbage is collected near to it; 0: whenever the heap has doubled
	Refused      []string `json:"refused,omitempty"`            // what was asked for in vain, each with the remedy
}

// Shared is the scheduler of a daemon that shares the processors with everybody.
const Shared = "shared"

// Measure is what a sensor read, or what was written to an actuator.
type Measure struct {
	Value any     `json:"value"` // a float64, or a string for a label; a float64 that is not finite is not published
	Unit  string  `json:"unit"`
	Zero  float64 `json:"zero,omitempty"` // the reading of a sensor's device that counts as 0 since a request zero, in its unit
	Age   Seconds `json:"age_s"`          // since it was read; an actuator's is what it obeys now
	Time  int64   `json:"ts"`             // when it was read, or what an actuator obeyed, in milliseconds since 1970; the bridge fills it in
}

// Home is what Home Assistant shows: every sensor and actuator of the description, whether or not there is a reading, since a
// template that looks for what is not there is an error each time.
type Home struct {
	Time      int64          `json:"ts"`        // when it was published, in milliseconds since 1970
	Sensors   map[string]any `json:"sensors"`   // by name: a float64, or nil without a reading or with one that is stale
	Actuators map[string]any `json:"actuators"` // by name: a float64, a string for a label, or nil
}

// Event is a fault or a change of state, published once.
type Event struct {
	Time int64  `json:"ts"` // milliseconds since 1970
	Code string `json:"code"`
	Text string `json:"text"`
}

// Levels of events.
const (
	LevelInfo    = "info"
	LevelWarning = "warning"
	LevelError   = "error"
)

// Seconds is a duration that JSON carries as a number of seconds, to the microsecond.
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
