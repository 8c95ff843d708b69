package core

import (
	"math"
	"slices"
)

// naive is the model written a second time, as plainly as it can be: every neuron looked at in every tick, the leak and every
// recovery taken a tick at a time. It shares nothing with the engine but the description. The numbers in the comments are those of
// the steps of a tick in docs/model.md.
type naive struct {
	d        Description
	neurons  []naiveNeuron
	synapses []naiveSynapse
	arrivals map[int64][]naiveArrival
	now      int64
}

type naiveNeuron struct {
	level                  int64
	deafUntil              int64
	a, h, m                naiveStaircase
	ignored                int
	lastSpike              int64
	spiked                 bool
	burstLeft, burstAt     int64
	paceAt                 int64
	threshold, floor, unit int64
}

type naiveStaircase struct{ value, since, step, interval int64 }

func (s *naiveStaircase) tick(t int64) {
	if s.value == 0 || s.interval == 0 || t == s.since || (t-s.since)%s.interval != 0 {
		return
	}
	switch {
	case s.value > s.step:
		s.value -= s.step
	case s.value < -s.step:
		s.value += s.step
	default:
		s.value = 0
	}
}

func (s *naiveStaircase) to(t, value int64) {
	if s.value == 0 {
		s.since = t
	}
	s.value = value
}

type naiveSynapse struct {
	w       int64 // magnitude
	sign    int64
	s       naiveStaircase
	arrival int64
	arrived bool
}

type naiveArrival struct {
	synapse  int // or -1 from outside
	neuron   int
	water    int64
	electric bool
}

func naiveWater(units, leak float64) int64 {
	if leak == 0 {
		return int64(math.Round(units * 1000))
	}
	return int64(math.Round(units * 1e6 / leak))
}

func naiveGait(recovery, leak float64) (step, interval int64) {
	if recovery == 0 {
		return 0, 0
	}
	return naiveWater(1, leak), int64(math.Round(1e6 / recovery))
}

func newNaive(d Description) *naive {
	n := &naive{d: d, arrivals: map[int64][]naiveArrival{}}
	for _, neuron := range d.Neurons {
		x := naiveNeuron{threshold: naiveWater(neuron.Threshold, neuron.Leak), floor: naiveWater(neuron.Floor, neuron.Leak), paceAt: -1, burstAt: -1}
		if neuron.Adaptation != nil {
			x.a.step, x.a.interval = naiveGait(neuron.Adaptation.Recovery, neuron.Leak)
		}
		if neuron.Habituation != nil {
			x.h.step, x.h.interval = naiveGait(neuron.Habituation.Recovery, neuron.Leak)
		}
		if neuron.ModulationLeak != 0 {
			x.m.step, x.m.interval = 1, int64(math.Round(1e6/neuron.ModulationLeak))
		}
		if neuron.Pacemaker != 0 {
			x.paceAt = max(int64(neuron.Refractory), 1, int64(neuron.Pacemaker))
		}
		n.neurons = append(n.neurons, x)
	}
	for _, s := range d.Synapses {
		y := naiveSynapse{sign: 1}
		if s.Kind == Direct {
			y.w = naiveWater(s.Weight, d.Neurons[s.To].Leak)
		}
		if s.Plastic != nil {
			if y.w < 0 {
				y.w, y.sign = -y.w, -1
			}
			y.s.step, y.s.interval = naiveGait(s.Plastic.ShortTerm.Recovery, d.Neurons[s.To].Leak)
		}
		n.synapses = append(n.synapses, y)
	}
	return n
}

func naiveLimit(units, leak float64) int64 {
	if units == 0 {
		return MaxWater
	}
	return naiveWater(units, leak)
}

// bend changes s within its limit, lift changes w within its own.
func (n *naive) bend(t int64, i int, change int64) {
	leak := n.d.Neurons[n.d.Synapses[i].To].Leak
	limit := naiveLimit(n.d.Synapses[i].Plastic.ShortTerm.Max, leak)
	y := &n.synapses[i]
	if change != 0 {
		y.s.to(t, min(max(y.s.value+change, -limit), limit))
	}
}

func (n *naive) lift(i int, change int64) {
	p, leak := n.d.Synapses[i].Plastic, n.d.Neurons[n.d.Synapses[i].To].Leak
	y := &n.synapses[i]
	y.w = min(max(y.w+change, naiveWater(p.Min, leak)), naiveLimit(p.Max, leak))
}

func (n *naive) run(until int64) (spikes []Spike) {
	for ; n.now < until; n.now++ {
		t := n.now
		// Time passes: leaks and recoveries, wherever they stand.
		for i := range n.neurons {
			x := &n.neurons[i]
			if t > 0 && n.d.Neurons[i].Leak > 0 {
				if x.level > 0 {
					x.level--
				} else if x.level < 0 {
					x.level++
				}
			}
			x.a.tick(t)
			x.h.tick(t)
			x.m.tick(t)
		}
		for i := range n.synapses {
			n.synapses[i].s.tick(t)
		}
		due := n.arrivals[t]
		delete(n.arrivals, t)
		// What each arrival delivers is taken as the tick begins, before any of them changes a weight.
		water := make([]int64, len(due))
		for k, a := range due {
			water[k] = a.water
			if a.synapse >= 0 && n.d.Synapses[a.synapse].Kind == Direct {
				y := &n.synapses[a.synapse]
				if n.d.Synapses[a.synapse].Plastic != nil {
					water[k] = y.sign * max(0, y.w+y.s.value)
				} else {
					water[k] = y.w
				}
			}
		}
		for _, a := range due {
			if a.synapse < 0 || n.d.Synapses[a.synapse].Plastic == nil {
				continue
			}
			p, y := n.d.Synapses[a.synapse].Plastic, &n.synapses[a.synapse]
			leak := n.d.Neurons[a.neuron].Leak
			n.bend(t, a.synapse, -naiveWater(p.ShortTerm.Unpaired, leak))
			if x := &n.neurons[a.neuron]; x.spiked && x.lastSpike < t && t-x.lastSpike <= int64(p.Window) {
				n.bend(t, a.synapse, -naiveWater(p.ShortTerm.Depression, leak))
				n.lift(a.synapse, -naiveWater(p.LongTerm.Depression, leak))
			}
			y.arrival, y.arrived = t, true
		}
		for i := range n.neurons {
			var reward, sum int64
			var direct, electric, pokes int
			for k, a := range due {
				if a.neuron != i {
					continue
				}
				switch {
				case a.synapse >= 0 && n.d.Synapses[a.synapse].Kind == Modulator:
					reward += int64(n.d.Synapses[a.synapse].Weight)
				case a.electric:
					electric++
					pokes++
				default:
					direct++
					pokes++
					sum += water[k]
				}
			}
			if n.judge(t, i, reward, sum, direct, electric, pokes) {
				spikes = append(spikes, Spike{At: Tick(t), Neuron: i})
			}
		}
	}
	return spikes
}

func (n *naive) judge(t int64, i int, reward, sum int64, direct, electric, pokes int) bool {
	neuron, x := &n.d.Neurons[i], &n.neurons[i]
	// 2. Modulators, then consolidation.
	if reward != 0 {
		x.m.to(t, min(max(x.m.value+reward, -127), 127))
		for k, s := range n.d.Synapses {
			if s.To != i || s.Plastic == nil || n.synapses[k].s.value == 0 {
				continue
			}
			size := reward
			if size < 0 {
				size = -size
			}
			most := int64(math.Min(float64(MaxWater), math.Round(s.Plastic.LongTerm.Consolidation*float64(size)*1e6/neuron.Leak)))
			if neuron.Leak == 0 {
				most = int64(math.Min(float64(MaxWater), math.Round(s.Plastic.LongTerm.Consolidation*float64(size)*1000)))
			}
			change := min(max(n.synapses[k].s.value, -most), most)
			if reward > 0 {
				n.lift(k, change)
			} else {
				n.lift(k, -change)
			}
			n.bend(t, k, -change)
		}
	}
	m := float64(x.m.value)
	// 3. Refractory, or in a burst.
	if t < x.deafUntil || x.burstLeft > 0 {
		for range pokes {
			x.ignored++
			if a := neuron.Adaptation; a != nil && x.ignored > a.Tolerance {
				rate := max(0, naiveWater(a.Rate, neuron.Leak)+naiveWater(neuron.Receptors.Adaptation*m, neuron.Leak))
				if rate > 0 {
					x.a.to(t, min(x.a.value+rate, naiveLimit(a.Max, neuron.Leak)))
				}
			}
		}
		if x.burstLeft > 0 && x.burstAt == t {
			x.burstLeft--
			n.fire(t, i)
			return true
		}
		return false
	}
	paced := x.paceAt == t
	if pokes == 0 && !paced {
		return false
	}
	// 4. Fill. 5. Fire.
	x.level = max(x.floor, x.level+sum)
	theta := max(min(1, x.threshold), x.threshold+x.a.value+x.h.value-naiveWater(neuron.Receptors.Threshold*m, neuron.Leak))
	switch {
	case electric > 0 || paced:
	case direct > 0 && x.level >= theta:
		if b := neuron.Burst; b != nil {
			for excess := x.level - theta; excess >= naiveWater(b.Overshoot, neuron.Leak) && (b.Max == 0 || x.burstLeft < int64(b.Max)); {
				excess -= naiveWater(b.Overshoot, neuron.Leak)
				x.burstLeft++
			}
		}
	default:
		return false
	}
	n.fire(t, i)
	return true
}

func (n *naive) fire(t int64, i int) {
	neuron, x := &n.d.Neurons[i], &n.neurons[i]
	m := float64(x.m.value)
	x.level, x.ignored = 0, 0
	x.lastSpike, x.spiked = t, true
	if h := neuron.Habituation; h != nil {
		if rate := max(0, naiveWater(h.Rate, neuron.Leak)+naiveWater(neuron.Receptors.Habituation*m, neuron.Leak)); rate > 0 {
			x.h.to(t, min(x.h.value+rate, naiveLimit(h.Max, neuron.Leak)))
		}
	}
	for k, s := range n.d.Synapses {
		if y := &n.synapses[k]; s.To == i && s.Plastic != nil && y.arrived && t-y.arrival <= int64(s.Plastic.Window) {
			n.bend(t, k, max(0, naiveWater(s.Plastic.ShortTerm.Rate, neuron.Leak)+naiveWater(neuron.Receptors.ShortTerm*m, neuron.Leak)))
			n.lift(k, max(0, naiveWater(s.Plastic.LongTerm.Rate, neuron.Leak)+naiveWater(neuron.Receptors.LongTerm*m, neuron.Leak)))
		}
		if s.From == i {
			at := t + int64(s.Delay)
			n.arrivals[at] = append(n.arrivals[at], naiveArrival{synapse: k, neuron: s.To, electric: s.Kind == Electric})
		}
	}
	if x.burstLeft > 0 {
		x.burstAt = t + int64(neuron.Burst.Interval)
		x.paceAt = -1
		return
	}
	x.deafUntil = t + int64(neuron.Refractory)
	if neuron.Pacemaker != 0 {
		x.paceAt = t + max(int64(neuron.Refractory), 1, int64(neuron.Pacemaker)-int64(math.Round(neuron.Receptors.Pacemaker*m)))
	}
}

// input hands the naive model what stimulate hands the engine.
func (n *naive) input(in []stimulus) {
	for _, s := range in {
		a := naiveArrival{synapse: -1, neuron: s.neuron, electric: s.electric}
		if !s.electric {
			a.water = naiveWater(s.units, n.d.Neurons[s.neuron].Leak)
		}
		n.arrivals[int64(s.at)] = append(n.arrivals[int64(s.at)], a)
	}
}

// learnt compares the long-term weights of both models; it returns what differs.
func (n *naive) differs(engine *Network) []int {
	var wrong []int
	for i, source := range engine.sources() {
		if engine.plastics[i].magnitude() != n.synapses[source].w {
			wrong = append(wrong, int(source))
		}
	}
	slices.Sort(wrong)
	return wrong
}
