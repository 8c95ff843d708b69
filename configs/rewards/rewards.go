// Package rewards has the rewards of a robot file, and adds to its network what they need there.
//
//	rewards.Teach(decoder, robot.Rewards, &network, index, every)
//
// A reward makes modulator neurons fire. Its baseline is made of modulator synapses, its critic of a neuron and its synapses:
// nothing in the engine knows of rewards, and whatever shows the network shows them, too.
package rewards

import (
	"time"

	"fluxd/configs/strict"
	"fluxd/core"
	"fluxd/sensors"
)

// Reward turns readings, or numbers from MQTT requests, into spikes of modulator neurons.
type Reward struct {
	From      string           `yaml:"from" default:"sensor" enum:"sensor,score" doc:"what earns the reward; score: a number of the simulated world's score, read every 20 ms"`
	Value     string           `yaml:"value" when:"from=score" required:"from=score" doc:"name of the number, as fluxd sim --json has it, such as bumps; right, for robots with compare: 1 at each recorded command that the robot gives, else 0"`
	Sensor    string           `yaml:"sensor" when:"from=sensor" doc:"sensor whose readings earn the reward; absent: only fluxctl reward does"`
	On        string           `yaml:"on" default:"rise" enum:"rise,fall,change,level" doc:"what earns: rise, fall; change: both, a fall as punishment; level: the reading"`
	Window    time.Duration    `yaml:"window" default:"0s" max:"1m" live:"true" doc:"time over which a change counts, as long as an action takes; 0s: two readings"`
	Threshold *strict.Quantity `yaml:"threshold" min:"0" live:"true" doc:"smallest change or level that earns anything, in the sensor's unit; absent: none"`
	Gain      float64          `yaml:"gain" unit:"spikes" default:"1" min:"-1e6" max:"1e6" live:"true" doc:"spikes for each unit of the sensor, or of fluxctl reward; negative: punishment"`
	Most      int              `yaml:"most" unit:"spikes" default:"10" min:"0" max:"1000" live:"true" doc:"most spikes for one reward; 0: no spikes, the reward is off"`
	Every     time.Duration    `yaml:"every" default:"2ms" min:"1us" max:"1s" live:"true" doc:"time between two spikes, longer than the refractory period of to and against"`
	To        string           `yaml:"to" doc:"neuron that fires for a reward"`
	Against   string           `yaml:"against" doc:"neuron that fires for a punishment; absent: none does"`
	Delay     time.Duration    `yaml:"delay" default:"0s" max:"1m" live:"true" doc:"time from an action to the reading that shows its effect; needs credit"`
	Credit    []Credit         `yaml:"credit" doc:"instead of to: a modulator neuron for each actor; they share the spikes by activity"`
	Baseline  *Baseline        `yaml:"baseline" doc:"what is usual pays nothing: the reward again, negative, later and in parts; {}: with the defaults; absent: none"`
	Critic    *Critic          `yaml:"critic" doc:"what is expected pays nothing: a neuron that learns to expect the reward from its inputs; absent: none"`
}

// Credit names an actor and the modulator neurons that fire for its actions.
type Credit struct {
	To      string `yaml:"to" required:"true" doc:"modulator neuron that fires for a reward"`
	Against string `yaml:"against" doc:"modulator neuron that fires for a punishment; absent: none does"`
	Actor   string `yaml:"actor" required:"true" doc:"neuron whose spikes are the action"`
}

// MostCredits bounds how many actors share a reward.
const MostCredits = 64

// mostThreshold is the largest reading that a sensor of this project can show, in millionths.
const mostThreshold = 1e9 * 1e6

// Limits implements strict.Limited for the options whose limits no tag gives.
func (r *Reward) Limits(key string) (low, high int64, ok bool) {
	switch {
	case key == "threshold":
		return 0, mostThreshold, true
	case key == "window" && len(r.Credit) > 0: // in which the actors' spikes count
		return int64(time.Microsecond), int64(max(time.Minute, r.Window)), true
	}
	return 0, 0, false
}

// Largest returns the largest change (with on: level the largest reading) that a sensor with a range can show, in millionths.
func (r *Reward) Largest(within sensors.Range) int64 {
	if r.On == "level" {
		return max(within.High, -within.Low)
	}
	return within.High - within.Low
}

// Teach adds to a network what the rewards of a robot need there, and warns of rewards that teach nothing. Index has the neurons
// by name, and every is the interval of a sensor's readings; 0 if it has none. Mistakes and warnings are added to the decoder,
// whose file has the rewards at the key rewards.
func Teach(d *strict.Decoder, all []strict.Named[Reward], network *core.Description, index map[string][]int,
	every func(sensor string) time.Duration) {
	t := &teaching{Decoder: d, rewards: all, network: network, index: index}
	t.check(every)
	t.critics()
	t.baselines()
}

// teaching is the network while rewards are added to it.
type teaching struct {
	*strict.Decoder
	rewards []strict.Named[Reward]
	network *core.Description
	index   map[string][]int
	added   int // synapses
}
