package play

import (
	"context"
	"slices"

	"fluxd/core"
)

// plotSamples is how often a picture looks at a network in which nothing happens: about twice for each point of its width.
const plotSamples = 1600

// fromOutside stands for a synapse where there is none.
const fromOutside = -1

// pending is one spike on its way to a drawn neuron, or one input.
type pending struct {
	neuron  int
	synapse int     // index in the description, or fromOutside
	input   float64 // units that an input pours; synapses have their weight
}

// sample is one point of the curves of a panel.
type sample struct {
	at          core.Tick
	value, line float64 // level and threshold of a neuron; weight now and long-term weight of a synapse
}

// panel is what is drawn of one neuron or of one plastic synapse.
type panel struct {
	name       string
	synapse    bool
	samples    []sample
	fired      []sample    // where arrivals fired the neuron: the level that they reached
	spikes     []core.Tick // of the neuron
	arrivals   []arrival   // direct and electric ones, and inputs
	modulators []core.Tick
}

// arrival is a direct or electric arrival, or an input, at the time when it comes.
type arrival struct {
	at       core.Tick
	inhibits bool
	ignored  bool // the neuron was refractory or in a burst
}

// recorder runs a network and records what the panels show. It stands between feedSpikes and the network to see the inputs.
type recorder struct {
	*core.Network
	d         core.Description
	drawn     selection
	panels    []panel                 // of the neurons, then of the synapses
	efferents map[int][]int           // synapses that end at a drawn neuron, by source
	due       map[core.Tick][]pending // what reaches the drawn neurons
	spikes    []core.Spike            // reused from one advance to the next
}

func newRecorder(d core.Description, drawn selection, network *core.Network) *recorder {
	r := &recorder{Network: network, d: d, drawn: drawn, efferents: map[int][]int{}, due: map[core.Tick][]pending{}}
	for _, neuron := range drawn.neurons {
		r.panels = append(r.panels, panel{name: d.Neurons[neuron].Name})
	}
	for _, synapse := range drawn.synapses {
		s := d.Synapses[synapse]
		r.panels = append(r.panels, panel{name: d.Neurons[s.From].Name + " → " + d.Neurons[s.To].Name, synapse: true})
	}
	for i, s := range d.Synapses {
		if slices.Contains(drawn.neurons, s.To) {
			r.efferents[s.From] = append(r.efferents[s.From], i)
		}
	}
	return r
}

// Excite makes an electric input, and records it if its neuron is drawn.
func (r *recorder) Excite(at core.Tick, neuron int) error {
	err := r.Network.Excite(at, neuron)
	if err == nil && slices.Contains(r.drawn.neurons, neuron) {
		r.due[at] = append(r.due[at], pending{neuron: neuron, synapse: fromOutside})
	}
	return err
}

// Pour makes a direct input, and records it if its neuron is drawn.
func (r *recorder) Pour(at core.Tick, neuron int, water int32) error {
	err := r.Network.Pour(at, neuron, water)
	if err == nil && slices.Contains(r.drawn.neurons, neuron) {
		units := float64(water) / 1000
		if leak := r.d.Neurons[neuron].Leak; leak != 0 {
			units = float64(water) * leak / 1e6
		}
		r.due[at] = append(r.due[at], pending{neuron: neuron, synapse: fromOutside, input: units})
	}
	return err
}

// run runs the network to the end of the picture. It samples at even distances, and before and after each tick at which
// something reaches a drawn neuron or a drawn neuron fires.
func (r *recorder) run(ctx context.Context, until core.Tick) error {
	points := min(until, plotSamples)
	for k := range points {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.advance(until * k / points)
		r.sample(r.Now())
	}
	r.advance(until)
	r.sample(until)
	return nil
}

// advance processes everything due before a tick, one tick after the other.
func (r *recorder) advance(until core.Tick) {
	for {
		at, waiting := r.Next()
		if !waiting || at >= until {
			break
		}
		r.spikes = r.Network.Advance(at, r.spikes[:0]) // nothing is due earlier: this brings the time there
		r.step(at)
	}
	r.spikes = r.Network.Advance(until, r.spikes[:0])
}

// step processes one tick.
func (r *recorder) step(at core.Tick) {
	arrived := r.due[at]
	delete(r.due, at)
	before := make([]sample, len(r.panels))
	for i := range r.panels {
		before[i] = r.look(i, at)
	}
	units := r.units(arrived)
	ignored := r.Counters().Ignored
	r.spikes = r.Network.Advance(at+1, r.spikes[:0])
	r.send(at)
	r.record(at, before, arrived, units, r.Counters().Ignored > ignored)
}

// send puts the spikes of a tick under way to the drawn neurons.
func (r *recorder) send(at core.Tick) {
	for _, spike := range r.spikes {
		for _, synapse := range r.efferents[spike.Neuron] {
			s := &r.d.Synapses[synapse]
			r.due[at+s.Delay] = append(r.due[at+s.Delay], pending{neuron: s.To, synapse: synapse})
		}
	}
}

// units returns what each arrival pours. It looks at the weights before the tick is processed, as the model does.
func (r *recorder) units(arrived []pending) []float64 {
	units := make([]float64, len(arrived))
	for i, a := range arrived {
		if a.synapse == fromOutside {
			units[i] = a.input
			continue
		}
		s := &r.d.Synapses[a.synapse]
		switch {
		case s.Plastic != nil:
			longTerm, shortTerm, _ := r.Weight(a.synapse) // it is plastic
			if units[i] = longTerm + shortTerm; (units[i] < 0) != (s.Weight < 0) {
				units[i] = 0 // a synapse does not change its sign
			}
		case s.Kind == core.Direct:
			units[i] = s.Weight
		}
	}
	return units
}

// record adds the events of a tick to the panels. Before is what the panels showed when the tick began. If someIgnored is set,
// the network ignored one arrival or more.
func (r *recorder) record(at core.Tick, before []sample, arrived []pending, units []float64, someIgnored bool) {
	poured := make([]float64, len(r.drawn.neurons))
	direct := make([]bool, len(r.drawn.neurons))
	for k, a := range arrived {
		if units[k] != 0 {
			i := slices.Index(r.drawn.neurons, a.neuron)
			poured[i] += units[k]
			direct[i] = true
		}
	}
	visible := len(arrived) > 0
	deaf := make([]bool, len(r.drawn.neurons)) // what arrived was ignored
	for i, neuron := range r.drawn.neurons {
		after, _ := r.Level(neuron) // it exists
		deaf[i] = someIgnored && before[i].value == 0 && after == 0
	}
	for _, spike := range r.spikes {
		i := slices.Index(r.drawn.neurons, spike.Neuron)
		if i < 0 {
			continue
		}
		visible = true
		p := &r.panels[i]
		burst := r.d.Neurons[spike.Neuron].Burst
		bursts := burst != nil && len(p.spikes) > 0 && at-p.spikes[len(p.spikes)-1] == burst.Interval
		deaf[i] = deaf[i] && bursts
		p.spikes = append(p.spikes, at)
		if direct[i] && !deaf[i] {
			peak := before[i]
			peak.value = max(r.d.Neurons[spike.Neuron].Floor, peak.value+poured[i])
			p.samples = append(p.samples, before[i], peak)
			p.fired = append(p.fired, peak)
		}
	}
	if !visible {
		return
	}
	for k, a := range arrived {
		i := slices.Index(r.drawn.neurons, a.neuron)
		r.mark(a, arrival{at: at, inhibits: units[k] < 0, ignored: deaf[i]})
	}
	for i := range r.panels {
		if p := &r.panels[i]; len(p.samples) == 0 || p.samples[len(p.samples)-1].at != at {
			p.samples = append(p.samples, before[i])
		}
	}
	r.sample(at)
}

// mark adds an arrival to the panels of its neuron and of its synapse; a modulator arrival to those of all synapses that it
// rewards.
func (r *recorder) mark(a pending, as arrival) {
	of := []*panel{&r.panels[slices.Index(r.drawn.neurons, a.neuron)]}
	modulator := a.synapse != fromOutside && r.d.Synapses[a.synapse].Kind == core.Modulator
	for i, synapse := range r.drawn.synapses {
		if synapse == a.synapse || modulator && r.d.Synapses[synapse].To == a.neuron {
			of = append(of, &r.panels[len(r.drawn.neurons)+i])
		}
	}
	for _, p := range of {
		if modulator {
			p.modulators = append(p.modulators, as.at)
		} else {
			p.arrivals = append(p.arrivals, as)
		}
	}
}

// sample adds a point to the curves of all panels.
func (r *recorder) sample(at core.Tick) {
	for i := range r.panels {
		r.panels[i].samples = append(r.panels[i].samples, r.look(i, at))
	}
}

// look returns what a panel shows now.
func (r *recorder) look(i int, at core.Tick) sample {
	if i < len(r.drawn.neurons) {
		level, _ := r.Level(r.drawn.neurons[i]) // the neurons exist
		threshold, _ := r.Threshold(r.drawn.neurons[i])
		return sample{at: at, value: level, line: threshold}
	}
	longTerm, shortTerm, _ := r.Weight(r.drawn.synapses[i-len(r.drawn.neurons)]) // the synapses are plastic
	return sample{at: at, value: longTerm + shortTerm, line: longTerm}
}
