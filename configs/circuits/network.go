package circuits

import (
	"time"

	"fluxd/configs/strict"
)

// Network is the spiking neural network, as it is written: Expand says what it comes to.
type Network struct {
	Seed     uint64                 `yaml:"seed" default:"1" doc:"of everything random in the connections"`
	Neurons  []strict.Named[Neuron] `yaml:"neurons" doc:"leaky linear neurons and populations of them, by name"`
	Circuits []strict.Named[Raw]    `yaml:"circuits" doc:"circuits in use, by name: use, and values for the circuit's parameters"`
	Synapses []Synapse              `yaml:"synapses" doc:"what connects them"`
}

// Circuit is a named group of neurons and synapses with parameters. Where it is used, $name stands for a parameter's value; its
// neurons become leg_1.hip and so on, by the name of the use.
type Circuit struct {
	Parameters []strict.Named[Raw] `yaml:"parameters" doc:"values that a use may replace, by name, each with its default"`
	Neurons    Raw                 `yaml:"neurons" doc:"as in network"`
	Circuits   Raw                 `yaml:"circuits" doc:"as in network: circuits may use others"`
	Synapses   Raw                 `yaml:"synapses" doc:"as in network, between the neurons of this circuit and those that it uses"`
}

// Neuron is a leaky barrel of water, or a population of them.
type Neuron struct {
	Count       *int          `yaml:"count" doc:"makes it a population: name[0], name[1] ..."`
	Threshold   float64       `yaml:"threshold" default:"100" doc:"level at which it fires, in units of water"`
	Leak        float64       `yaml:"leak" default:"1000" doc:"units lost per second; 0: none"`
	Floor       float64       `yaml:"floor" default:"0" doc:"lowest level that inhibition reaches, in units, at most 0"`
	Refractory  time.Duration `yaml:"refractory" default:"1ms" doc:"how long it is deaf after a spike"`
	Pacemaker   time.Duration `yaml:"pacemaker" doc:"it fires by itself this long after its last spike"`
	Adaptation  *Adaptation   `yaml:"adaptation" doc:"arrivals that it ignores raise its threshold"`
	Habituation *Habituation  `yaml:"habituation" doc:"its own spikes raise its threshold"`
	Burst       *Burst        `yaml:"burst" doc:"overfilled, it fires several times"`
	Modulation  Modulation    `yaml:"modulation" doc:"how its modulation level relaxes"`
	Receptors   *Receptors    `yaml:"receptors" doc:"what one step of the modulation level shifts, in units"`
}

// Adaptation raises the threshold of a neuron that is pestered while it is refractory.
type Adaptation struct {
	Rate      float64 `yaml:"rate" required:"true" doc:"units per ignored arrival"`
	Tolerance int     `yaml:"tolerance" default:"0" doc:"how many arrivals may be ignored since the last spike before it counts"`
	Max       float64 `yaml:"max" default:"none" none:"no limit" doc:"units"`
	Recovery  float64 `yaml:"recovery" default:"0" doc:"units per second; 0: never"`
}

// Habituation raises the threshold with each spike.
type Habituation struct {
	Rate     float64 `yaml:"rate" required:"true" doc:"units per spike"`
	Max      float64 `yaml:"max" default:"none" none:"no limit" doc:"units"`
	Recovery float64 `yaml:"recovery" default:"0" doc:"units per second; 0: never"`
}

// Burst is what an overfilled neuron does.
type Burst struct {
	Overshoot float64       `yaml:"overshoot" required:"true" doc:"units above the threshold for each further spike"`
	Interval  time.Duration `yaml:"interval" required:"true" doc:"between the spikes"`
	Max       int           `yaml:"max" default:"none" none:"no limit" doc:"further spikes at most"`
}

// Modulation is how the modulation level relaxes.
type Modulation struct {
	Leak float64 `yaml:"leak" default:"0" doc:"steps per second; 0: never"`
}

// Receptors are what one step of the modulation level shifts.
type Receptors struct {
	Threshold   float64 `yaml:"threshold" default:"0" doc:"units: a positive level lowers the threshold"`
	Adaptation  float64 `yaml:"adaptation" default:"0" doc:"units added to adaptation.rate"`
	Habituation float64 `yaml:"habituation" default:"0" doc:"units added to habituation.rate"`
	STP         float64 `yaml:"stp" default:"0" doc:"units added to the afferents' stp.rate"`
	LTP         float64 `yaml:"ltp" default:"0" doc:"units added to the afferents' ltp.rate"`
	Pacemaker   float64 `yaml:"pacemaker" default:"0" doc:"microseconds taken from the pacemaker's interval"`
}

// Synapse carries the spikes of one neuron to another, or of a population to another by a rule.
type Synapse struct {
	Line    int      `yaml:"-"`
	From    string   `yaml:"from" required:"true" doc:"neuron or population whose spikes it carries"`
	To      string   `yaml:"to" required:"true" doc:"neuron or population that they reach"`
	Rule    *Rule    `yaml:"rule" doc:"which members of two populations it joins; absent: all-to-all"`
	Kind    string   `yaml:"kind" default:"direct" enum:"direct,electric,modulator" doc:"direct: adds its weight to the level; modulator: to the modulation level; electric: fires the neuron outright"`
	Weight  Numbers  `yaml:"weight" when:"kind=direct,modulator" required:"kind=direct,modulator" doc:"units of water, negative to inhibit; of a modulator a whole number from -127 to 127"`
	Delay   Spans    `yaml:"delay" default:"1ms" doc:"from spike to arrival, at least 1us"`
	Plastic *Plastic `yaml:"plastic" when:"kind=direct" doc:"how it learns"`
}

// Rule says which members of two populations are joined. The names are the field's (PyNN, NEST).
type Rule struct {
	Kind        string  `yaml:"kind" required:"true" enum:"one-to-one,all-to-all,fixed-probability,fixed-indegree,fixed-outdegree" doc:"which members are joined"`
	Probability float64 `yaml:"probability" when:"kind=fixed-probability" required:"kind=fixed-probability" doc:"of each pair, 0 to 1"`
	Degree      int     `yaml:"degree" when:"kind=fixed-indegree,fixed-outdegree" required:"kind=fixed-indegree,fixed-outdegree" doc:"synapses of each target (indegree) or source (outdegree)"`
	Autapses    bool    `yaml:"autapses" default:"true" doc:"a neuron may be joined to itself"`
	Multapses   bool    `yaml:"multapses" when:"kind=fixed-indegree,fixed-outdegree" default:"false" doc:"the same pair may be joined more than once"`
	Seed        *uint64 `yaml:"seed" doc:"of this rule alone, instead of network.seed"`
}

// Plastic is how a direct synapse learns.
type Plastic struct {
	Window time.Duration `yaml:"window" required:"true" doc:"how far apart an arrival and a spike may be to count as a pair"`
	STP    STP           `yaml:"stp" doc:"the part of the weight that comes and goes"`
	LTP    LTP           `yaml:"ltp" doc:"the part of the weight that stays"`
	Min    float64       `yaml:"min" default:"0" doc:"smallest magnitude of the long-term weight, in units"`
	Max    float64       `yaml:"max" default:"none" none:"no limit" doc:"largest, in units"`
}

// STP is the short-term part of a weight, the eligibility trace of reward learning.
type STP struct {
	Rate       float64 `yaml:"rate" default:"0" doc:"units gained when an arrival is followed by a spike within the window"`
	Depression float64 `yaml:"depression" default:"0" doc:"units lost when an arrival follows a spike within the window"`
	Unpaired   float64 `yaml:"unpaired" default:"0" doc:"units lost by every arrival"`
	Recovery   float64 `yaml:"recovery" default:"0" doc:"units per second back to 0; 0: never"`
	Max        float64 `yaml:"max" default:"none" none:"no limit" doc:"largest magnitude, in units"`
}

// LTP is the long-term part of a weight.
type LTP struct {
	Rate          float64 `yaml:"rate" default:"0" doc:"units gained when an arrival is followed by a spike within the window"`
	Depression    float64 `yaml:"depression" default:"0" doc:"units lost when an arrival follows a spike within the window"`
	Consolidation float64 `yaml:"consolidation" default:"0" doc:"units of the short-term part that one unit of reward makes lasting"`
}
