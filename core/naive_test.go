package core

import (
	"math"
	"slices"
)

// naive is the exact model of docs/exact-model.md written a second time, as plainly as possible. It visits every neuron in every
// tick, and takes the leak and every recovery one tick at a time. It shares nothing with the engine but the description. The
// numbers in the comments are the steps of the section "One neuron, one tick".
type naive struct {
	d        Description
	neurons  []naiveNeuron
	synapses []naiveSynapse
	arrivals map[int64][]naiveArrival
	now      int64 // first tick that is not yet processed
	passed   int64 // the leaks and recoveries of this tick have been taken
}

type naiveNeuron struct {
	level              int64
	refractoryUntil    int64
	a, h, m            naiveStaircase
	ignored            int
	lastSpike          int64
	spiked             bool
	remembers          bool // it has mechanisms: only then the engine keeps its last spike and counts the arrivals it ignores
	known              bool // the engine has kept its last spike
	burstLeft, burstAt int64
	paceAt             int64 // when its generator fires it, or -1
	noise              *naiveNoise
	threshold, floor   int64
}

type naiveStaircase struct{ value, next, step, interval int64 }

// tick takes the step that is due at t.
func (s *naiveStaircase) tick(t int64) {
	if s.value == 0 || s.interval == 0 || t != s.next {
		return
	}
	s.next += s.interval
	switch {
	case s.value > s.step:
		s.value -= s.step
	case s.value < -s.step:
		s.value += s.step
	default:
		s.value = 0
	}
}

// to sets the value at t.
func (s *naiveStaircase) to(t, value int64) {
	if s.value == 0 {
		s.next = t + s.interval
	}
	s.value = value
}

// tune sets another recovery. The next step keeps its time. If the value did not recover before, the first step comes one
// interval after now, however long ago its recovery was taken away.
func (s *naiveStaircase) tune(now, value, step, interval int64) {
	s.value, s.step, s.interval = value, step, interval
	if s.next <= now || interval == 0 {
		s.next = now + interval
	}
}

type naiveSynapse struct {
	w       int64 // magnitude
	sign    int64
	s       naiveStaircase
	arrival int64
	arrived bool
}

type naiveArrival struct {
	synapse  int // -1: from outside
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

func naiveRecovery(recovery, leak float64) (step, interval int64) {
	if recovery == 0 {
		return 0, 0
	}
	return naiveWater(1, leak), int64(math.Round(1e6 / recovery))
}

func newNaive(d Description) *naive {
	n := &naive{d: Description{Neurons: slices.Clone(d.Neurons), Synapses: slices.Clone(d.Synapses), Seed: d.Seed,
		Frozen: d.Frozen},
		arrivals: map[int64][]naiveArrival{}, passed: -1}
	for i := range d.Neurons {
		n.neurons = append(n.neurons, naiveNeuron{paceAt: -1, burstAt: -1})
		n.configure(i)
		n.begin(i)
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
			y.s.step, y.s.interval = naiveRecovery(s.Plastic.ShortTerm.Recovery, d.Neurons[s.To].Leak)
		}
		n.synapses = append(n.synapses, y)
	}
	return n
}

// configure converts the parameters of a neuron to water.
func (n *naive) configure(i int) {
	neuron, x := &n.d.Neurons[i], &n.neurons[i]
	x.threshold, x.floor = naiveWater(neuron.Threshold, neuron.Leak), naiveWater(neuron.Floor, neuron.Leak)
	if neuron.Adaptation != nil {
		x.a.step, x.a.interval = naiveRecovery(neuron.Adaptation.Recovery, neuron.Leak)
	}
	if neuron.Habituation != nil {
		x.h.step, x.h.interval = naiveRecovery(neuron.Habituation.Recovery, neuron.Leak)
	}
	if neuron.ModulationLeak != 0 {
		x.m.step, x.m.interval = 1, int64(math.Round(1e6/neuron.ModulationLeak))
	}
	x.remembers = x.remembers || neuron.needsMechanisms() ||
		slices.ContainsFunc(n.d.Synapses, func(s Synapse) bool { return s.To == i && s.Kind == Modulator })
}

// tune is Network.Tune for a change that the engine has accepted.
func (n *naive) tune(change Tuning) {
	n.pass()
	t := n.now
	if change.Frozen != nil {
		n.d.Frozen = *change.Frozen
	}
	before := slices.Clone(n.d.Neurons)
	reseeded := change.Seed != nil && *change.Seed != n.d.Seed
	if reseeded {
		n.d.Seed = *change.Seed
		for i, neuron := range n.d.Neurons {
			if _, changes := change.Neurons[i]; !changes && neuron.Noise != nil {
				n.retune(i, neuron, true)
			}
		}
	}
	for i, neuron := range change.Neurons {
		n.d.Neurons[i] = neuron
		was, x := before[i].Leak, &n.neurons[i]
		toNewLeak := func(water int64) int64 { return naiveToNewLeak(water, was, neuron.Leak) }
		x.level = toNewLeak(x.level)
		a, h, m := x.a, x.h, x.m
		x.a.interval, x.h.interval, x.m.interval = 0, 0, 0
		remembered := x.remembers
		n.configure(i)
		if !remembered {
			x.ignored = 0
		}
		aMax, hMax := int64(0), int64(0)
		if neuron.Adaptation != nil {
			aMax = naiveLimit(neuron.Adaptation.Max, neuron.Leak)
		}
		if neuron.Habituation != nil {
			hMax = naiveLimit(neuron.Habituation.Max, neuron.Leak)
		}
		a.tune(t, min(toNewLeak(a.value), aMax), x.a.step, x.a.interval)
		h.tune(t, min(toNewLeak(h.value), hMax), x.h.step, x.h.interval)
		m.tune(t, m.value, x.m.step, x.m.interval)
		x.a, x.h, x.m = a, h, m
		n.retune(i, before[i], reseeded)
		for _, due := range n.arrivals {
			for k := range due {
				if due[k].synapse < 0 && due[k].neuron == i {
					due[k].water = toNewLeak(due[k].water)
				}
			}
		}
	}
	for k := range n.d.Synapses {
		old, y := n.d.Synapses[k], &n.synapses[k]
		s, changed := change.Synapses[k]
		if !changed {
			s = old
		}
		n.d.Synapses[k] = s
		was, leak := before[s.To].Leak, n.d.Neurons[s.To].Leak
		if s.Kind != Direct {
			continue
		}
		if s.Plastic == nil {
			y.w = naiveWater(s.Weight, leak)
			continue
		}
		y.w = naiveToNewLeak(y.w, was, leak)
		if s.Weight != old.Weight {
			y.w, y.sign = naiveWater(s.Weight, leak), 1
			if y.w < 0 {
				y.w, y.sign = -y.w, -1
			}
		}
		n.addLongTerm(k, 0)
		limit := naiveLimit(s.Plastic.ShortTerm.Max, leak)
		step, interval := naiveRecovery(s.Plastic.ShortTerm.Recovery, leak)
		y.s.tune(t, min(max(naiveToNewLeak(y.s.value, was, leak), -limit), limit), step, interval)
	}
}

func naiveToNewLeak(water int64, was, leak float64) int64 {
	switch {
	case was == leak:
		return water
	case was == 0:
		return naiveWater(float64(water)/1000, leak)
	}
	return naiveWater(float64(water)*was/1e6, leak)
}

func naiveLimit(units, leak float64) int64 {
	if units == 0 {
		return MaxWater
	}
	return naiveWater(units, leak)
}

// addShortTerm changes the short-term part, within its limit.
func (n *naive) addShortTerm(t int64, i int, change int64) {
	leak := n.d.Neurons[n.d.Synapses[i].To].Leak
	limit := naiveLimit(n.d.Synapses[i].Plastic.ShortTerm.Max, leak)
	y := &n.synapses[i]
	if change != 0 {
		y.s.to(t, min(max(y.s.value+change, -limit), limit))
	}
}

// addLongTerm changes the long-term weight, within its limits.
func (n *naive) addLongTerm(i int, change int64) {
	p, leak := n.d.Synapses[i].Plastic, n.d.Neurons[n.d.Synapses[i].To].Leak
	y := &n.synapses[i]
	y.w = min(max(y.w+change, naiveWater(p.Min, leak)), naiveLimit(p.Max, leak))
}

// pass takes the leaks and recoveries of tick now, once.
func (n *naive) pass() {
	if n.passed == n.now {
		return
	}
	n.passed = n.now
	for i := range n.neurons {
		x := &n.neurons[i]
		if n.now > 0 && n.d.Neurons[i].Leak > 0 {
			if x.level > 0 {
				x.level--
			} else if x.level < 0 {
				x.level++
			}
		}
		x.a.tick(n.now)
		x.h.tick(n.now)
		x.m.tick(n.now)
	}
	for i := range n.synapses {
		n.synapses[i].s.tick(n.now)
	}
}

func (n *naive) run(until int64) (spikes []Spike) {
	for ; n.now < until; n.now++ {
		t := n.now
		n.pass()
		due := n.arrivals[t]
		delete(n.arrivals, t)
		// A synapse delivers its weight as the tick begins: an arrival changes the weight after its own delivery. Two arrivals over one
		// synapse in one tick are possible only after its delay was tuned; they are delivered one after the other.
		water := make([]int64, len(due))
		for k, a := range due {
			water[k] = a.water
			if a.synapse < 0 || n.d.Synapses[a.synapse].Kind != Direct {
				continue
			}
			p, y := n.d.Synapses[a.synapse].Plastic, &n.synapses[a.synapse]
			if p == nil {
				water[k] = y.w
				continue
			}
			water[k] = y.sign * max(0, y.w+y.s.value)
			y.arrival, y.arrived = t, true
			if n.d.Frozen {
				continue
			}
			leak := n.d.Neurons[a.neuron].Leak
			n.addShortTerm(t, a.synapse, -naiveWater(p.ShortTerm.Unpaired, leak))
			if x := &n.neurons[a.neuron]; x.spiked && x.lastSpike < t && t-x.lastSpike <= int64(p.Window) {
				n.addShortTerm(t, a.synapse, -naiveWater(p.ShortTerm.Depression, leak))
				n.addLongTerm(a.synapse, -naiveWater(p.LongTerm.Depression, leak))
			}
		}
		for i := range n.neurons {
			var reward, sum int64
			var direct, electric, pokes int
			reached := false
			if x := &n.neurons[i]; len(due) == 0 && x.paceAt != t && x.burstAt != t {
				continue
			}
			for k, a := range due {
				if a.neuron != i {
					continue
				}
				reached = true
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
			if n.judge(t, i, reached, reward, sum, direct, electric, pokes) {
				spikes = append(spikes, Spike{At: Tick(t), Neuron: i})
			}
		}
	}
	return spikes
}

func (n *naive) judge(t int64, i int, reached bool, reward, sum int64, direct, electric, pokes int) bool {
	neuron, x := &n.d.Neurons[i], &n.neurons[i]
	// 2. Modulators, then consolidation.
	if reward != 0 {
		x.m.to(t, min(max(x.m.value+reward, -127), 127))
		for k, s := range n.d.Synapses {
			if s.To != i || s.Plastic == nil || n.d.Frozen || n.synapses[k].s.value == 0 {
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
			value := n.synapses[k].s.value
			most += naiveShare(max(value, -value), min(1, s.Plastic.LongTerm.Share*float64(size)))
			change := min(max(value, -most), most)
			if reward > 0 {
				n.addLongTerm(k, change)
			} else {
				n.addLongTerm(k, -change)
			}
			n.addShortTerm(t, k, -change)
		}
	}
	m := float64(x.m.value)
	// 3. Refractory, or in a burst.
	if t < x.refractoryUntil || x.burstLeft > 0 {
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
	if !reached && !paced {
		return false
	}
	// 4. Fill. 5. Fire.
	x.level = max(x.floor, x.level+sum)
	theta := n.theta(i)
	if paced && n.d.Frozen && neuron.Noise != nil {
		paced = false
		n.generate(t, i, false)
	}
	switch {
	case paced:
		if neuron.Noise != nil {
			n.babble(i)
		}
	case electric > 0:
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

// naiveShare is a part of an amount: each of its binary digits by itself.
func naiveShare(amount int64, part float64) int64 {
	sum := int64(0)
	for digit := int64(1); digit <= amount; digit *= 2 {
		if amount/digit%2 == 1 {
			sum += int64(math.Round(part * float64(digit) * 65536))
		}
	}
	return (sum + 32768) / 65536
}

// theta is the level at which a direct arrival fires a neuron.
func (n *naive) theta(i int) int64 {
	neuron, x := &n.d.Neurons[i], &n.neurons[i]
	return max(min(1, x.threshold), x.threshold+x.a.value+x.h.value-naiveWater(neuron.Receptors.Threshold*float64(x.m.value),
		neuron.Leak))
}

// pacemakerInterval is the time from a spike to the next one of the pacemaker.
func (n *naive) pacemakerInterval(i int) int64 {
	neuron, x := &n.d.Neurons[i], &n.neurons[i]
	return max(int64(neuron.Refractory), 1, int64(neuron.Pacemaker)-int64(math.Round(neuron.Receptors.Pacemaker*float64(x.m.value))))
}

func (n *naive) fire(t int64, i int) {
	neuron, x := &n.d.Neurons[i], &n.neurons[i]
	m := float64(x.m.value)
	x.level, x.ignored = 0, 0
	x.lastSpike, x.spiked, x.known = t, true, x.remembers
	if h := neuron.Habituation; h != nil {
		if rate := max(0, naiveWater(h.Rate, neuron.Leak)+naiveWater(neuron.Receptors.Habituation*m, neuron.Leak)); rate > 0 {
			x.h.to(t, min(x.h.value+rate, naiveLimit(h.Max, neuron.Leak)))
		}
	}
	for k, s := range n.d.Synapses {
		if y := &n.synapses[k]; s.To == i && s.Plastic != nil && !n.d.Frozen && y.arrived && t-y.arrival <= int64(s.Plastic.Window) {
			n.addShortTerm(t, k, max(0, naiveWater(s.Plastic.ShortTerm.Rate, neuron.Leak)+naiveWater(neuron.Receptors.ShortTerm*m,
				neuron.Leak)))
			n.addLongTerm(k, max(0, naiveWater(s.Plastic.LongTerm.Rate, neuron.Leak)+naiveWater(neuron.Receptors.LongTerm*m, neuron.Leak)))
		}
		if s.From == i {
			at := t + int64(s.Delay)
			n.arrivals[at] = append(n.arrivals[at], naiveArrival{synapse: k, neuron: s.To, electric: s.Kind == Electric})
		}
	}
	if x.burstLeft > 0 {
		if x.noise != nil && x.noise.babbles {
			x.burstAt = t + x.noise.interval
		} else {
			x.burstAt = t + int64(neuron.Burst.Interval)
		}
		x.paceAt = -1
		return
	}
	x.refractoryUntil = t + int64(neuron.Refractory)
	if x.noise != nil {
		x.noise.babbles = false
	}
	n.generate(t, i, false)
}

// observed is observed for the naive model. Call pass before.
func (n *naive) observed(i int) observation {
	leak := n.d.Neurons[i].Leak
	o := observation{level: units(n.neurons[i].level, leak), threshold: units(n.theta(i), leak), modulation: n.neurons[i].m.value}
	if n.neurons[i].refractoryUntil > n.now {
		o.refractoryUntil = Tick(n.neurons[i].refractoryUntil)
	}
	return o
}

// weight is Network.Weight.
func (n *naive) weight(synapse int) (longTerm, shortTerm float64) {
	y, leak := n.synapses[synapse], n.d.Neurons[n.d.Synapses[synapse].To].Leak
	return units(y.sign*y.w, leak), units(y.sign*y.s.value, leak)
}

// input is stimulate for the naive model.
func (n *naive) input(in []stimulus) {
	for _, s := range in {
		a := naiveArrival{synapse: -1, neuron: s.neuron, electric: s.electric}
		if !s.electric {
			a.water = naiveWater(s.units, n.d.Neurons[s.neuron].Leak)
		}
		n.arrivals[int64(s.at)] = append(n.arrivals[int64(s.at)], a)
	}
}

// differs compares the long-term weights of both models and returns the synapses that differ.
func (n *naive) differs(engine *Network) []int {
	var wrong []int
	engine.convertPieces(len(engine.plastics))
	for i, source := range engine.sources() {
		if engine.plastics[i].magnitude() != n.synapses[source].w {
			wrong = append(wrong, int(source))
		}
	}
	slices.Sort(wrong)
	return wrong
}
