package core

// A Tuning is one request to change a running network. It holds complete descriptions of the neurons and synapses that change, by
// their index in Description.
type Tuning struct {
	Neurons  map[int]Neuron
	Synapses map[int]Synapse
	Seed     *uint64 // of the network; nil: as it is
	Frozen   *bool   // of the network, see Description; nil: as it is
	// Long-term weights of plastic synapses, as for Learn. They replace what was learnt also where the configured weight stays.
	Learnt map[int]float64
}

// Tune changes parameters of a running network: all of them, from the next tick that is processed, or none if one is refused. It
// fails with ErrRange or ErrUnknown, and names the neuron or synapse.
//
//   - Everything may change except for the neurons that a synapse connects, its kind, and whether it is plastic.
//   - A new leak keeps the level, the threshold and all afferent weights in units, also what was learnt. Their water is converted
//     again.
//   - A new weight of a plastic synapse replaces what it has learnt. If the weight is the same, what was learnt stays.
//   - A new delay holds for spikes that leave after the change.
//   - A new Noise draws a new waiting time from now on. If the Noise is the same, the spike that it waits for keeps its time.
//   - A new seed begins the random numbers of every neuron with Noise again. Bursts that are under way go on.
//   - A network that freezes keeps its long-term weights. Short-term parts recover from then on, and bursts under way go on.
//
// Tune is Prepare and Commit. Preparing takes long in a large network, so a network in real time is tuned by both: any goroutine
// prepares the change, and the one that owns the network commits it.
func (n *Network) Tune(change Tuning) error {
	c, err := n.Prepare(change)
	if err == nil {
		n.Commit(c)
	}
	return err
}

// Commit puts a prepared change into effect. It is quick: it replaces tables, and converts only what the network has changed by
// itself. Learnt weights whose water changes are converted later, when they are needed, but at the latest by the next Commit.
// When another change was committed since this one was prepared, Commit does nothing and returns false; prepare it again. A
// change can be committed once.
func (n *Network) Commit(c *Change) bool {
	if n.plans.Load() != c.before {
		return false
	}
	if c.after != c.before {
		n.convertPieces(len(n.plastics)) // what the change before has left
		if c.layout == anotherLayout {
			n.detach()
		}
		for i := range c.neurons {
			n.commitNeuron(&c.neurons[i], c)
		}
		n.adopt(c)
		for i := range c.neurons {
			if one := &c.neurons[i]; one.mechanisms != nil {
				n.retime(int(one.index), one.waits)
			}
		}
		if c.leaks {
			for i := range n.inputs {
				in := &n.inputs[i]
				in.weight = int32(c.toNewLeak(in.target&^electricMark, int64(in.weight)))
			}
		}
		n.findSunken(c.neurons)
		n.deferPieces(c)
	}
	for _, w := range c.weights {
		if n.deferred != nil {
			n.convertPiece(n.pieceOf(w.number))
		}
		n.plastics[w.number].setMagnitude(int64(w.water))
	}
	c.before = nil
	return true
}

// toNewLeak converts an amount of a neuron's water to its new leak, rounded to the nearest.
func (c *Change) toNewLeak(neuron uint32, water int64) int64 {
	if !c.leaks || water == 0 {
		return water
	}
	return toLeak(water, c.before.leak(neuron), c.after.leak(neuron))
}

// toLeak converts water from one leak to another, rounded to the nearest.
func toLeak(water int64, was, is float64) int64 {
	if was == is {
		return water
	}
	w := rawWater(units(water, was), is)
	return int64(min(max(w, -MaxWater), MaxWater))
}

// commitNeuron converts the state of a neuron. The network still has its old plan.
func (n *Network) commitNeuron(one *changedNeuron, c *Change) {
	i := one.index
	b, was, is := &n.barrels[i], n.typeAt(i), c.after.typeAt(i)
	if one.leak && *b < refractoryMark {
		b.setLevel(n.now, c.toNewLeak(i, b.level(n.now, was)), is)
	}
	m := one.mechanisms
	if m == nil {
		return
	}
	p := m.parameters
	if was.hasMechanisms {
		*m = *n.mechanisms[n.mechanismsOf[i]]
		m.settle(n.now)
	} else {
		n.mechanismsOf[i] = n.addMechanisms(nil)
	}
	m.parameters = p
	m.adaptation.value = min(c.toNewLeak(i, m.adaptation.value), p.adaptationMax)
	m.habituation.value = min(c.toNewLeak(i, m.habituation.value), p.habituationMax)
	m.adaptation.begin(n.now, p.adaptationRecovery)
	m.habituation.begin(n.now, p.habituationRecovery)
	m.modulation.begin(n.now, p.modulationRecovery)
	byNoise := m.noise != nil && m.noise.interval != 0 // the burst under way
	one.convertNoise(m, n.now == n.began)
	if m.burstLeft > 0 && !(byNoise && one.hasNoise || !byNoise && one.hasBurst) {
		// What has begun the burst is gone, so it ends. The refractory period begins with its last spike.
		m.burstLeft = 0
		*b = barrel(m.lastSpike + int64(is.refractory) + refractoryMark)
		one.waits = true
	}
	n.mechanisms[n.mechanismsOf[i]] = m
}

// convertNoise gives a neuron with Noise the state that the change asks for. Before the first tick it is as if built so.
func (one *changedNeuron) convertNoise(m *mechanisms, first bool) {
	old := m.noise
	switch {
	case !one.hasNoise:
		m.noise = nil
		return
	case one.begins || first:
		m.noise = one.noise
		if old != nil {
			m.noise.interval = old.interval // of the burst under way, which goes on
		}
	}
	one.waits = one.waits || first
}

// adopt gives the network its new plan. All state stays, except for what depends on the layout of the synapses.
func (n *Network) adopt(c *Change) {
	sums := n.accumulators
	n.plan = *c.after
	n.plans.Store(c.after)
	switch c.layout {
	case sameLayout, sameWater:
		n.accumulators = sums
	case otherWater:
		if n.channels != nil {
			n.dropSums(&sums)
			n.accumulators.takeOver(&sums)
		} else {
			n.dropScattered()
		}
	case anotherLayout:
		if n.channels != nil && sums.absent != nil {
			n.accumulators.takeOver(&sums)
		}
		n.queue.begin(n.now)
		if n.calendar = c.calendar; n.calendar != nil {
			n.calendar.page = n.now >> pageBits
		}
	}
	if c.shorts != nil {
		n.shorts = c.shorts
	}
	if c.partOf != nil {
		for p, was := range c.partOf {
			c.stamps[p] = n.stamps[was]&^(MaxRules-1) | uint64(n.described.rules[p])
		}
		n.stamps = c.stamps
	}
	switch {
	case c.layout == anotherLayout:
		n.attach()
	case c.moved != nil:
		n.movePieces(c.moved)
	}
}

// movePieces finds pieces that are in flight by their new numbers, and those that were cut from them. A flight delivers all
// pieces that are joined to its own, so it needs only the first.
func (n *Network) movePieces(moved []uint32) {
	for i := range n.queue.flights {
		f := &n.queue.flights[i]
		if piece := f.what - plasticMark; !f.single && f.what >= plasticMark && piece < uint32(len(moved)) {
			f.what = moved[piece] | plasticMark // also of unused flights, which does no harm
		}
	}
	all := n.detached
	n.detached = nil
	for _, single := range all {
		if bundleKind(single.weight) != plasticBundle {
			n.detached.push(single)
			continue
		}
		for piece := moved[single.target]; piece < moved[single.target+1]; piece++ {
			n.detached.push(input{at: single.at, target: piece, weight: single.weight})
		}
	}
}

// attach finds what detach has left in the new layout. All plastic synapses of a piece were in one piece before, so all of
// them are detached: one entry delivers them.
func (n *Network) attach() {
	all := n.detached
	n.detached = nil
	for _, single := range all { // detach has left the index of the synapse as target
		single.target = n.position(int(single.target))
		kind := n.kindAt(single.target)
		if kind == plasticBundle {
			number := single.target - uint32(len(n.arrivals))
			if single.target = n.pieceOf(number); n.pieces[single.target].first != number {
				continue
			}
		}
		single.weight = int32(kind)
		n.detached.push(single)
	}
}

// retime sets the timer of a neuron after a change of its generator. The new interval of a pacemaker counts from its last spike,
// or from the beginning if that is not known. If it has passed already, the neuron fires at once. With waits, noise draws a new
// waiting time; otherwise it keeps the one that it has.
func (n *Network) retime(neuron int, waits bool) {
	index := n.mechanismsOf[neuron]
	refractory := int64(n.typeAt(uint32(neuron)).refractory)
	m := n.mechanisms[index]
	if m.burstLeft > 0 { // the timer is that of the burst; the generator follows when the burst ends
		return
	}
	from := max(n.now, n.barrels[neuron].refractoryUntil())
	switch g := m.parameters.generator; {
	case m.parameters.pacemaker != 0:
		n.timers.set(index, uint32(neuron), max(from, max(m.lastSpike, n.began)+m.pacemakerInterval(refractory)))
	case g == nil:
		n.timers.stop(index)
	case g.pattern != nil:
		n.timers.set(index, uint32(neuron), g.pattern.next(n.began, from))
	case waits:
		n.timers.set(index, uint32(neuron), from+m.noise.wait(g))
	}
}

// detach replaces what is in flight by single arrivals over synapses, each at its time, so that the synapses can be laid out
// again.
func (n *Network) detach() {
	at := n.synapsesAt()
	piece := func(t int64, piece uint32) {
		for number := n.pieces[piece].first; number < n.pieces[piece+1].first; number++ {
			n.detached.push(input{at: t, target: at[uint32(len(n.arrivals))+number]})
		}
	}
	before := n.detached
	n.detached = nil
	for _, single := range before {
		if bundleKind(single.weight) == plasticBundle {
			piece(single.at, single.target)
		} else {
			n.detached.push(input{at: single.at, target: at[single.target]})
		}
	}
	type inFlight struct {
		at     int64
		bundle uint32
	}
	queued := map[inFlight]bool{}
	single := func(f inFlight) {
		for position := n.bundles[f.bundle].first; position < n.bundles[f.bundle+1].first; position++ {
			n.detached.push(input{at: f.at, target: at[position]})
		}
	}
	for next := n.queue.next(); next != forever; next = n.queue.next() {
		first := n.queue.land(next)
		last, count := first, 0
		for i := first; i != none; count++ {
			flight := &n.queue.flights[i]
			switch {
			case !flight.single && flight.what >= plasticMark:
				p := flight.what - plasticMark
				piece(next, p)
				for p++; n.pieces[p].channel&joined != 0; p++ {
					piece(next, p)
				}
			case !flight.single:
				f := inFlight{at: next, bundle: flight.what}
				queued[f] = true
				single(f)
			}
			last, i = i, flight.next
		}
		n.queue.free(first, last, count)
	}
	n.counters.Deliveries -= n.underWay() // they will be counted when they arrive
	// A direct bundle that is not in the queue is in an accumulator. The arrivals of a scattered one are in the calendar, or single
	// ones in the queue.
	for i := n.departures.head; i != n.departures.tail; i++ {
		spike := n.departures.at(i)
		for s := n.efferents[spike.source].first; s < n.efferents[spike.source+1].first; s++ {
			if n.bundles[s].kind() == scatteredBundle {
				for position := n.bundles[s].first; position < n.bundles[s+1].first; position++ {
					if arrives := spike.at + int64(n.lags[position]); arrives >= n.now {
						n.detached.push(input{at: arrives, target: at[position]})
					}
				}
				continue
			}
			f := inFlight{at: spike.at + int64(n.delays[n.bundles[s].channel>>kindBits]), bundle: s}
			if f.at >= n.now && n.bundles[s].kind() == directBundle && !queued[f] {
				single(f)
			}
		}
	}
	n.departures = log[departure]{}
	n.separateInputs()
	n.stale = nothingStale
}
