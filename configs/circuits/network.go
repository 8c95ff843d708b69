package circuits

import (
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/configs/strict"
)

// Network is a spiking neural network as a robot file writes it. Expand turns it into single neurons and synapses.
type Network struct {
	Seed     uint64                 `yaml:"seed" default:"1" doc:"seed of all random connections, weights and delays, and of neurons with noise"`
	Frozen   bool                   `yaml:"frozen" default:"false" doc:"no weight learns, and neurons with noise do not begin to fire: the robot shows what it has learnt"`
	Neurons  []strict.Named[Neuron] `yaml:"neurons" doc:"leaky linear neurons, and populations of them, by name"`
	Circuits []strict.Named[Raw]    `yaml:"circuits" doc:"circuits in use, by name: {use: circuit}, and values for its parameters"`
	Synapses []Synapse              `yaml:"synapses" doc:"connections between neurons"`
}

// Circuit is a named group of neurons and synapses with parameters. Inside it, $name stands for the value of a parameter. The
// neurons of a use named leg_1 become leg_1.hip, leg_1.knee and so on.
type Circuit struct {
	Parameters []strict.Named[Raw] `yaml:"parameters" doc:"values that a use may replace, by name, each with its default"`
	Neurons    Raw                 `yaml:"neurons" doc:"as in network"`
	Circuits   Raw                 `yaml:"circuits" doc:"as in network: a circuit may use others"`
	Synapses   Raw                 `yaml:"synapses" doc:"as in network, between neurons of this circuit and of those it uses"`
}

// Neuron is a leaky barrel of water, or a population of them.
type Neuron struct {
	Count       *int          `yaml:"count" doc:"number of neurons: makes it a population, name[0], name[1] ..."`
	Threshold   float64       `yaml:"threshold" default:"100" doc:"level, in units, at which an arrival fires it; at least 0"`
	Leak        float64       `yaml:"leak" default:"1000" doc:"units lost per second; 0: none"`
	Floor       float64       `yaml:"floor" default:"0" doc:"lowest level that inhibition can reach, in units, at most 0"`
	Refractory  time.Duration `yaml:"refractory" default:"1ms" doc:"time after a spike in which it ignores direct and electric arrivals"`
	Pacemaker   time.Duration `yaml:"pacemaker" doc:"time after its last spike at which it fires by itself; absent: it does not"`
	Noise       *Noise        `yaml:"noise" doc:"it fires by itself, at random, once or in bursts; absent: it does not"`
	Pattern     *Pattern      `yaml:"pattern" doc:"it fires by itself, at fixed times of a period; absent: it does not"`
	Adaptation  *Adaptation   `yaml:"adaptation" doc:"arrivals that it ignores raise its threshold; absent: off"`
	Habituation *Habituation  `yaml:"habituation" doc:"its own spikes raise its threshold; absent: off"`
	Burst       *Burst        `yaml:"burst" doc:"filled above its threshold, it fires several times; absent: off"`
	Modulation  Modulation    `yaml:"modulation" doc:"how its modulation level returns to 0"`
	Receptors   *Receptors    `yaml:"receptors" doc:"what each step of the modulation level changes; absent: nothing"`
}

// Noise makes a neuron fire at random: single spikes, or bursts.
type Noise struct {
	Rate     physic.Frequency `yaml:"rate" required:"true" doc:"how often it begins, on average, such as 0.5 Hz; the time that bursts and refractory periods take is part of that"`
	Spikes   Counts           `yaml:"spikes" default:"1" doc:"spikes of a burst: a number, or a range to draw from, such as {min: 20, max: 40}; 1: single spikes"`
	Interval SpanRange        `yaml:"interval" default:"10ms" doc:"time between the spikes of a burst, or a range to draw from for each burst; single spikes have none"`
}

// Pattern makes a neuron fire at fixed times within a period that is repeated.
type Pattern struct {
	Period time.Duration   `yaml:"period" required:"true" doc:"how long the pattern is, 1us to 1h; the first one begins at the start"`
	Times  []time.Duration `yaml:"times" required:"true" doc:"when it fires, from the start of the period: rising, below period, a refractory period apart; at most 1024"`
}

// Adaptation raises the threshold of a neuron for each arrival that it ignores while it is refractory.
type Adaptation struct {
	Rate      float64 `yaml:"rate" required:"true" doc:"units added to the threshold for each ignored arrival; at least 0"`
	Tolerance int     `yaml:"tolerance" default:"0" doc:"ignored arrivals since the last spike that do not count; at least 0"`
	Max       float64 `yaml:"max" default:"none" none:"no limit" doc:"units added to the threshold at most"`
	Recovery  float64 `yaml:"recovery" default:"0" doc:"units lost per second; 0: never"`
}

// Habituation raises the threshold of a neuron with each of its spikes.
type Habituation struct {
	Rate     float64 `yaml:"rate" required:"true" doc:"units added to the threshold for each spike; at least 0"`
	Max      float64 `yaml:"max" default:"none" none:"no limit" doc:"units added to the threshold at most"`
	Recovery float64 `yaml:"recovery" default:"0" doc:"units lost per second; 0: never"`
}

// Burst makes a neuron fire again if a direct arrival has filled it above its threshold.
type Burst struct {
	Overshoot float64       `yaml:"overshoot" required:"true" doc:"units above the threshold that make one further spike; more than 0"`
	Interval  time.Duration `yaml:"interval" required:"true" doc:"time between the spikes of a burst; at least 1us"`
	Max       int           `yaml:"max" default:"none" none:"no limit" doc:"further spikes at most"`
}

// Modulation says how the modulation level returns to 0.
type Modulation struct {
	Leak float64 `yaml:"leak" default:"0" doc:"steps of the modulation level lost per second; 0: never"`
}

// Receptors say what each step of the modulation level changes.
type Receptors struct {
	Threshold   float64 `yaml:"threshold" default:"0" doc:"units by which one step lowers the threshold"`
	Adaptation  float64 `yaml:"adaptation" default:"0" doc:"units added to adaptation.rate for one step"`
	Habituation float64 `yaml:"habituation" default:"0" doc:"units added to habituation.rate for one step"`
	STP         float64 `yaml:"stp" default:"0" doc:"units added to stp.rate of the plastic synapses onto the neuron for one step"`
	LTP         float64 `yaml:"ltp" default:"0" doc:"units added to ltp.rate of the plastic synapses onto the neuron for one step"`
	Pacemaker   float64 `yaml:"pacemaker" default:"0" doc:"microseconds by which one step shortens the pacemaker's interval"`
}

// Synapse carries the spikes of one neuron to another, or of a population to another by a rule.
type Synapse struct {
	Line    int      `yaml:"-"`
	From    string   `yaml:"from" required:"true" doc:"neuron or population whose spikes it carries"`
	To      string   `yaml:"to" required:"true" doc:"neuron or population that the spikes reach"`
	Rule    *Rule    `yaml:"rule" doc:"which members of two populations it joins; absent: each with each"`
	Kind    string   `yaml:"kind" default:"direct" enum:"direct,electric,modulator" doc:"direct: changes the level; modulator: changes the modulation level; electric: fires the target outright"`
	Weight  Numbers  `yaml:"weight" when:"kind=direct,modulator" required:"kind=direct,modulator" doc:"units, negative to inhibit; for a modulator steps, a whole number from -127 to 127, not 0"`
	Delay   Spans    `yaml:"delay" default:"1ms" doc:"time from a spike to its arrival, 1us to 1h"`
	Plastic *Plastic `yaml:"plastic" when:"kind=direct" doc:"how it learns; absent: its weight stays as it is"`
}

// Rule says which members of two populations are joined. The names of rules and options are those of PyNN and NEST.
type Rule struct {
	Kind        string  `yaml:"kind" required:"true" enum:"one-to-one,all-to-all,fixed-probability,fixed-indegree,fixed-outdegree" doc:"which members are joined"`
	Probability float64 `yaml:"probability" when:"kind=fixed-probability" required:"kind=fixed-probability" doc:"of each pair, 0 to 1"`
	Degree      int     `yaml:"degree" when:"kind=fixed-indegree,fixed-outdegree" required:"kind=fixed-indegree,fixed-outdegree" doc:"synapses of each target (indegree) or source (outdegree)"`
	Autapses    bool    `yaml:"autapses" default:"true" doc:"a neuron may be joined to itself"`
	Multapses   bool    `yaml:"multapses" when:"kind=fixed-indegree,fixed-outdegree" default:"false" doc:"the same pair may be joined more than once"`
	Seed        *uint64 `yaml:"seed" doc:"seed of this rule alone; absent: network.seed"`
}

// Plastic says how a direct synapse learns. Without STP and LTP it has both, with their defaults, which are made for learning by
// reward. With one of them alone it does not have the other.
type Plastic struct {
	Window time.Duration `yaml:"window" default:"20ms" doc:"longest time between an arrival and a spike that count as a pair, up to 1h"`
	STP    *STP          `yaml:"stp" doc:"the short-term part of the weight, which is also the eligibility trace; absent: its defaults, or none if ltp has a rate or a depression: such a synapse learns by pairs alone"`
	LTP    *LTP          `yaml:"ltp" doc:"how the long-term weight changes; absent: its defaults"`
	Min    float64       `yaml:"min" default:"0" doc:"smallest magnitude of the long-term weight, in units"`
	Max    float64       `yaml:"max" default:"none" none:"no limit" doc:"largest magnitude of the long-term weight, in units"`
}

// STP is the short-term part of a weight. It is the eligibility trace of reward learning.
type STP struct {
	Rate       float64 `yaml:"rate" default:"3" doc:"units gained when a spike follows an arrival within the window"`
	Depression float64 `yaml:"depression" default:"0" doc:"units lost when an arrival follows a spike within the window"`
	Unpaired   float64 `yaml:"unpaired" default:"1" doc:"units lost at every arrival"`
	Recovery   float64 `yaml:"recovery" default:"8" doc:"units per second by which it returns to 0; 0: never"`
	Max        float64 `yaml:"max" default:"12" none:"no limit" doc:"largest magnitude of the short-term part, in units"`
}

// LTP is the long-term part of a weight.
type LTP struct {
	Rate          float64  `yaml:"rate" default:"0" doc:"units gained when a spike follows an arrival within the window"`
	Depression    float64  `yaml:"depression" default:"0" doc:"units lost when an arrival follows a spike within the window"`
	Consolidation *float64 `yaml:"consolidation" doc:"units per step of the modulator's weight: what a reward moves from the short-term part to the long-term weight, at most; absent: 0.02 if there is a short-term part and no share, else 0"`
	Share         float64  `yaml:"share" default:"0" doc:"for each step of the modulator's weight: the part, 0 to 1, of the short-term part that a reward moves, in addition to consolidation"`
}

// The defaults of a plastic synapse that has neither stp nor ltp, as their tags have them, and of ltp.consolidation.
var standardSTP = STP{Rate: 3, Unpaired: 1, Recovery: 8, Max: 12}

const standardConsolidation = 0.02
