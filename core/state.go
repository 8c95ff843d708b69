package core

// This file shows the state of a network, for display. Nothing here changes it: a network that is looked at does the same as one
// that is not.

// State is the state of a neuron just before it is judged in a tick.
type State struct {
	Level      float64 // units
	Threshold  float64 // units: the level at which a direct arrival fires it; adaptation, habituation and modulation are included
	Floor      float64 // units
	Ignores    bool    // it ignores arrivals, because it is refractory or in a burst
	Refractory Tick    // the first tick after its refractory period; 0: it is not refractory

	// Of a neuron that has them, else 0.
	Adaptation  float64   // units by which ignored arrivals have raised the threshold
	Habituation float64   // units by which its spikes have raised the threshold
	Burst       int       // spikes of the burst under way that are still to come
	Modulation  int       // the modulation level
	Shifts      Receptors // how far the modulation level shifts each property, in units (Pacemaker: in microseconds)

	Fires Tick // when it fires next without an arrival, by its generator or in its burst; -1: it does not
}

// State returns the state of a neuron at a tick, if nothing reaches it from Now until then. It fails with ErrPast for a tick
// before Now, and with ErrUnknown for a neuron that does not exist.
func (n *Network) State(neuron int, at Tick) (State, error) {
	if err := n.accepts(at, neuron); err != nil {
		return State{}, err
	}
	t, leak := int64(at), n.leak(uint32(neuron))
	b, nt := n.barrels[neuron], n.typeAt(uint32(neuron))
	s := State{Level: units(b.level(t, nt), leak), Threshold: units(int64(nt.threshold), leak), Floor: units(int64(nt.floor), leak),
		Fires: -1}
	if until := b.refractoryUntil(); t < until {
		s.Ignores, s.Refractory = true, Tick(until)
	}
	if !nt.hasMechanisms {
		return s, nil
	}
	index := n.mechanismsOf[neuron]
	m := *n.mechanisms[index] // a copy, to settle
	m.settle(t)
	s.Threshold = units(m.firesAt(), leak)
	s.Adaptation, s.Habituation = units(m.adaptation.value, leak), units(m.habituation.value, leak)
	s.Burst, s.Modulation = int(m.burstLeft), int(m.modulation.value)
	s.Ignores = s.Ignores || m.burstLeft > 0
	p := &m.parameters
	s.Shifts = Receptors{Threshold: units(m.shift(p.shiftThreshold), leak), Adaptation: units(m.shift(p.shiftAdaptation), leak),
		Habituation: units(m.shift(p.shiftHabituation), leak), ShortTerm: units(m.shift(p.shiftShortTerm), leak),
		LongTerm: units(m.shift(p.shiftLongTerm), leak), Pacemaker: float64(m.shift(p.shiftPacemaker))}
	// Noise that is frozen waits again when its time has come, unless its burst is under way.
	if slot := n.timers.slot[index]; slot != idle && (!n.frozen || m.noise == nil || m.burstLeft > 0) {
		s.Fires = Tick(n.timers.heap[slot].at)
	}
	return s, nil
}

// Level returns the level of a neuron at time Now, in units. It is for display, not for control. It fails with ErrUnknown.
func (n *Network) Level(neuron int) (float64, error) {
	if neuron < 0 || neuron >= len(n.barrels) {
		return 0, refuse(ErrUnknown, "neuron %d: expected 0 to %d", neuron, len(n.barrels)-1)
	}
	return units(n.barrels[neuron].level(n.now, n.typeAt(uint32(neuron))), n.leak(uint32(neuron))), nil
}

// Threshold returns the level at which a direct arrival would fire a neuron at time Now, in units. Adaptation, habituation and
// modulation are included. It is for display, not for control. It fails with ErrUnknown.
func (n *Network) Threshold(neuron int) (float64, error) {
	if neuron < 0 || neuron >= len(n.barrels) {
		return 0, refuse(ErrUnknown, "neuron %d: expected 0 to %d", neuron, len(n.barrels)-1)
	}
	nt := n.typeAt(uint32(neuron))
	threshold := int64(nt.threshold)
	if nt.hasMechanisms {
		m := *n.mechanisms[n.mechanismsOf[neuron]] // a copy: the network stays as it is
		m.settle(n.now)
		threshold = m.firesAt()
	}
	return units(threshold, n.leak(uint32(neuron))), nil
}

// Weight is the weight of a plastic synapse. An arrival delivers the sum of its parts, or nothing if that sum would have the
// other sign than the synapse.
type Weight struct {
	LongTerm  float64 // units, at most 0 for a synapse that inhibits
	ShortTerm float64 // units
}

// Plastics returns the index in the description of each plastic synapse, in the order in which the network holds them. Tuning
// does not change the order.
func (n *Network) Plastics() []int {
	all := make([]int, len(n.plastics))
	for i, source := range n.sources() {
		all[i] = int(source)
	}
	return all
}

// Weights reads the weights of plastic synapses at a tick, into as many places. The synapses are numbers in the order of
// Plastics. Unlike Weight it looks nothing up, so it is quick for many. It fails as State does.
func (n *Network) Weights(at Tick, plastics []int, to []Weight) error {
	if int64(at) < n.now {
		return ErrPast
	}
	for k, i := range plastics {
		if i < 0 || i >= len(n.plastics) {
			return refuse(ErrUnknown, "plastic synapse %d: expected 0 to %d", i, len(n.plastics)-1)
		}
		to[k] = n.weight(uint32(i), int64(at))
	}
	return nil
}

// Weight returns the long-term weight and the short-term part of a plastic synapse at time Now, in units. Both have the sign of
// the synapse; an arrival delivers their sum. It is for display, not for control. It fails with ErrUnknown for a synapse that is
// not plastic.
func (n *Network) Weight(synapse int) (longTerm, shortTerm float64, err error) {
	number, is := n.plasticOf(synapse)
	if !is {
		return 0, 0, refuse(ErrUnknown, "synapse %d: expected a plastic one", synapse)
	}
	w := n.weight(number, n.now)
	return w.LongTerm, w.ShortTerm, nil
}

func (n *Network) weight(number uint32, t int64) Weight {
	state, r := n.plasticState(number)
	state.shortTerm.settle(t, r.shortRecovery)
	if r.negative {
		state.weight, state.shortTerm.value = -state.weight, -state.shortTerm.value
	}
	leak := n.leak(n.plastics[number].target)
	return Weight{LongTerm: units(state.weight, leak), ShortTerm: units(state.shortTerm.value, leak)}
}
