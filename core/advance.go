package core

import "slices"

// Next returns the earliest tick at which something is due. It returns false when the network is silent: then nothing happens
// until the next input.
func (n *Network) Next() (Tick, bool) {
	t := min(n.accumulators.next(n.now), n.others(), n.stale.due)
	if n.calendar != nil {
		t = min(t, n.calendar.soonest())
	}
	if t == forever {
		return 0, false
	}
	return Tick(t), true
}

// others returns the earliest tick at which something other than accumulators and the calendar has is due, or forever.
func (n *Network) others() int64 {
	next := n.queue.next()
	if len(n.inputs) > 0 {
		next = min(next, n.inputs[0].at)
	}
	if len(n.detached) > 0 {
		next = min(next, n.detached[0].at)
	}
	if len(n.timers.heap) > 0 {
		next = min(next, n.timers.heap[0].at)
	}
	return next
}

// Advance processes everything that is due before the tick until. It appends the spikes to the given slice, sorted by time and
// then by neuron, and returns it. Several short advances give the same spikes as one long one. A tick that has passed is no
// error: nothing is due.
func (n *Network) Advance(until Tick, spikes []Spike) []Spike {
	if n.deferred != nil {
		n.convertPieces(n.deferred.ahead)
	}
	if n.stale.due < int64(until) {
		return n.advanceStale(until, spikes)
	}
	for {
		summed, others := n.accumulators.next(n.now), n.others()
		if n.calendar != nil && n.calendar.count > 0 {
			others = min(others, n.skim(min(others, int64(until)))) // a network with a calendar has no accumulators
		}
		t := min(summed, others)
		if t >= int64(until) {
			break
		}
		n.now = t
		n.fired = n.fired[:0]
		if others == t && n.deliver(t) {
			summed = t
		}
		if summed == t {
			n.judgeAccumulated(t, others == t)
		} else {
			n.judgeTouched(t)
		}
		n.now = t + 1
		if len(n.fired) > 0 {
			n.counters.Spikes += uint64(len(n.fired))
			if n.base != 0 {
				for k := range n.fired {
					n.fired[k] += n.base
				}
			}
			n.send(t, n.fired)
			for _, source := range n.fired {
				spikes = append(spikes, Spike{At: Tick(t), Neuron: int(source)})
			}
		}
	}
	n.now = max(n.now, int64(until))
	return spikes
}

// deliver sums all that arrives at tick t, except for what is in the tick's accumulator. No neuron is judged before all sums are
// complete: this makes the result independent of order. It reports whether the tick has an accumulator that holds some of it.
func (n *Network) deliver(t int64) (summed bool) {
	n.touches = 0
	if n.queue.next() == t {
		first := n.queue.land(t)
		if n.sumsPlastics {
			n.plasticSums = n.sumsFor(t, first)
			summed = n.plasticSums != nil
		}
		last, count := first, 0
		for i := first; i != none; count++ {
			f := &n.queue.flights[i]
			if f.single {
				n.arrive(f.what, int64(f.weight), false)
				n.counters.Deliveries++
			} else {
				n.deliverBundle(t, f.what)
			}
			last, i = i, f.next
		}
		n.queue.free(first, last, count)
		n.plasticSums = nil // what follows may bring more arrivals than there is room for in a sum
	}
	if n.calendar != nil {
		n.deliverScattered(t)
	}
	for len(n.inputs) > 0 && n.inputs[0].at == t {
		in := n.inputs.pop()
		n.arrive(in.target&^electricMark, int64(in.weight), in.target&electricMark != 0)
		n.counters.Inputs++
	}
	for len(n.detached) > 0 && n.detached[0].at == t {
		single := n.detached.pop()
		if kind := bundleKind(single.weight); kind == plasticBundle {
			n.deliverPiece(t, single.target)
		} else {
			n.deliverArrivals(t, kind, single.target, single.target+1)
			n.counters.Deliveries++
		}
	}
	for len(n.timers.heap) > 0 && n.timers.heap[0].at == t {
		due := n.timers.heap[0]
		n.timers.stop(due.mechanisms)
		n.touch(due.neuron).timerDue = true
	}
	return summed
}

func (n *Network) deliverBundle(t int64, index uint32) {
	if index >= plasticMark {
		n.deliverPieces(t, index-plasticMark)
		return
	}
	s := n.bundles[index]
	last := n.bundles[index+1].first
	n.deliverArrivals(t, s.kind(), s.first, last)
	if !n.mayAccumulate(s) {
		n.counters.Deliveries += uint64(last - s.first)
	}
}

// mayAccumulate reports whether a bundle may use accumulators. The arrivals of such bundles are counted when they leave.
func (n *Network) mayAccumulate(b bundle) bool {
	return b.kind() == directBundle && int(b.channel>>kindBits) < len(n.channels)
}

func (n *Network) deliverArrivals(t int64, kind bundleKind, first, last uint32) {
	arrivals := n.arrivals[first:last]
	switch {
	case kind == electricBundle:
		for _, target := range arrivals {
			n.arrive(target, 0, true)
		}
	case kind == modulatorBundle:
		for _, a := range arrivals {
			m := n.modulators[a]
			n.touch(m.target)
			n.mechanisms[n.mechanismsOf[m.target]].modulators += int64(m.weight)
		}
	case n.weights != nil:
		weights := n.weights[first:last]
		for i, target := range arrivals {
			n.arrive(target, int64(weights[i]), false)
		}
	default:
		for _, a := range arrivals {
			n.arrive(a>>typeBits, int64(n.synapseTypes[a&(maxTypes-1)].addend>>(n.countBits&31)), false)
		}
	}
}

// arrive adds a direct or electric arrival to the input of its target in this tick.
func (n *Network) arrive(target uint32, water int64, electric bool) {
	p := n.touch(target)
	p.arrivals++
	p.water += water
	p.electric = p.electric || electric
}

// clear zeroes the fields one by one. A single write of the whole would make the processor wait, since it has just written the
// fields separately.
func (p *tickInput) clear() {
	p.water, p.arrivals, p.touched, p.electric, p.timerDue = 0, 0, false, false, false
}

// touch makes sure that a neuron is judged in this tick, and returns its input. The processor could not predict whether the
// neuron is in the list already, so touch always writes it behind the list, and lengthens the list only if it is new.
func (n *Network) touch(target uint32) *tickInput {
	p := &n.tickInputs[target]
	n.touched[n.touches] = target
	if next := n.touches + 1; !p.touched {
		n.touches = next
	}
	p.touched = true
	return p
}

// judgeTouched judges each neuron that something has reached at tick t, where the tick has no accumulator.
func (n *Network) judgeTouched(t int64) {
	for _, i := range n.touched[:n.touches] {
		p := &n.tickInputs[i]
		n.judgeOne(t, i, p)
		p.clear()
	}
	if len(n.fired) > 1 {
		slices.Sort(n.fired)
	}
}

// judgeAccumulated judges each neuron that the accumulator of tick t reaches. With besides, others have been touched: it judges
// them too.
func (n *Network) judgeAccumulated(t int64, besides bool) {
	acc := n.accumulators.bucket(t)
	if besides {
		for _, i := range n.touched[:n.touches] {
			p := &n.tickInputs[i]
			n.collect(acc, i, p)
			n.judgeOne(t, i, p)
			p.clear()
		}
	}
	before := len(n.fired)
	var others []uint32
	if acc.dense {
		clear(acc.reached)
		if len(n.sunken) > 0 {
			n.keepSunken(t, acc.sums)
		}
		others = n.fill(t, acc.sums, n.list)
		if len(n.sunken) > 0 {
			n.restoreSunken()
		}
	} else {
		others = n.fillReached(t, acc)
	}
	for _, i := range others {
		if acc.sums[i] == 0 {
			continue // nothing reaches it: it is refractory, or its threshold was tuned to below its level
		}
		var p tickInput
		n.collect(acc, i, &p)
		n.judgeOne(t, i, &p)
	}
	if before > 0 { // the neurons that the accumulator fires are sorted among themselves
		slices.Sort(n.fired)
	}
	n.counters.Inputs += acc.inputs
	n.accumulators.close(acc)
}

// collect moves the sum of a neuron from an accumulator to its input.
func (n *Network) collect(acc *accumulator, i uint32, p *tickInput) {
	sum := acc.sums[i]
	acc.sums[i] = 0
	acc.reached[i>>6] &^= 1 << (i & 63)
	p.water += int64(sum >> (n.countBits & 31))
	p.arrivals += uint32(sum) & (1<<(n.countBits&31) - 1)
}

// judgeOne judges a neuron at tick t: it ignores its input, fills its barrel with it, or fires.
func (n *Network) judgeOne(t int64, i uint32, p *tickInput) {
	b := &n.barrels[i]
	nt := n.typeAt(i)
	if nt.hasMechanisms {
		n.judgeWithMechanisms(t, i, b, nt, p)
		return
	}
	if t < b.refractoryUntil() {
		n.counters.Ignored += uint64(p.arrivals)
		return
	}
	level := max(int64(nt.floor), b.level(t, nt)+p.water)
	if !p.electric && level < int64(nt.threshold) {
		b.setLevel(t, level, nt)
		return
	}
	n.fire(i, b)
	n.learn(t, i, 0, 0)
	b.beginRefractory(t, nt)
}

// judgeWithMechanisms judges a neuron that has mechanisms, by the whole model.
func (n *Network) judgeWithMechanisms(t int64, i uint32, b *barrel, nt *neuronType, p *tickInput) {
	m := n.mechanisms[n.mechanismsOf[i]]
	m.settle(t)
	if m.modulators != 0 {
		m.modulate(t)
		n.consolidate(t, i, m.modulators)
		m.modulators = 0
	}
	if t < b.refractoryUntil() || m.burstLeft > 0 {
		n.counters.Ignored += uint64(p.arrivals)
		m.ignore(t, p.arrivals)
		if p.timerDue { // while a neuron ignores arrivals, its timer is that of a burst
			m.burstLeft--
			n.spike(t, i, b, nt, m)
		}
		return
	}
	level := max(int64(nt.floor), b.level(t, nt)+p.water)
	threshold := m.firesAt()
	generates := p.timerDue
	if generates && n.frozen && m.noise != nil { // noise that is frozen waits again
		generates = false
		n.timers.set(n.mechanismsOf[i], i, m.spontaneous(t, int64(nt.refractory), n.began))
	}
	switch {
	case generates:
		if m.noise != nil {
			m.babble()
		}
		n.spike(t, i, b, nt, m)
	case p.electric:
		n.spike(t, i, b, nt, m)
	case p.arrivals > 0 && level >= threshold:
		m.burstLeft = m.burstSpikes(level - threshold)
		n.spike(t, i, b, nt, m)
	default:
		b.setLevel(t, level, nt)
	}
}

// spike fires a neuron that has mechanisms, also for each spike of a burst.
func (n *Network) spike(t int64, i uint32, b *barrel, nt *neuronType, m *mechanisms) {
	n.fire(i, b)
	m.ignored = 0
	m.lastSpike = t
	m.habituate(t)
	n.learn(t, i, m.shift(m.parameters.shiftShortTerm), m.shift(m.parameters.shiftLongTerm))
	if m.burstLeft > 0 {
		n.timers.set(n.mechanismsOf[i], i, t+m.burstInterval())
		return
	}
	b.beginRefractory(t, nt)
	if next := m.spontaneous(t, int64(nt.refractory), n.began); next != forever {
		n.timers.set(n.mechanismsOf[i], i, next)
	} else {
		n.timers.stop(n.mechanismsOf[i])
	}
}

// fire empties the barrel and records the spike.
func (n *Network) fire(i uint32, b *barrel) {
	*b = 0
	n.fired = append(n.fired, i)
}

// learn changes the plastic afferent synapses of a neuron that fires.
func (n *Network) learn(t int64, i uint32, shortShift, longShift int64) {
	if n.afferents != nil {
		n.spiked[i] = t
		if n.frozen { // receptors could still shift the rates
			return
		}
		n.potentiate(t, i, shortShift, longShift)
	}
}

// beginRefractory begins the refractory period, if the neuron has one.
func (b *barrel) beginRefractory(t int64, nt *neuronType) {
	if nt.refractory != 0 {
		*b = barrel(t + int64(nt.refractory) + refractoryMark)
	}
}

// send puts the arrivals of the spikes of tick t into accumulators, the calendar and the queue. None of them is due before Now.
func (n *Network) send(t int64, sources []uint32) {
	arrivals := n.expected(len(sources))
	sentDense := arrivals >= n.denseFrom && n.sendDense(t, sources)
	for _, source := range sources {
		e, last := &n.efferents[source], n.efferents[source+1].first
		n.counters.Deliveries += uint64(e.end - e.begin)
		s := e.first
		if sentDense {
			s = e.other
		} else if arrivals >= n.sparseFrom {
			if n.shortBundles {
				n.sendEach(t, e)
			} else {
				n.sendSparse(t, e)
			}
			s = e.other
		}
		for ; s < last; s++ {
			bundle := n.bundles[s]
			if bundle.kind() == scatteredBundle {
				n.sendScattered(t, bundle.first, n.bundles[s+1].first)
				continue
			}
			n.queue.push(t+int64(n.delays[bundle.channel>>kindBits]), s)
		}
	}
	if n.piecesFrom != nil {
		n.sendPlastics(t, sources)
	}
	if n.logged > 0 {
		n.recordDepartures(t, sources)
	}
}

// expected estimates how many direct arrivals a number of spikes leads to. It adds, since it may not multiply.
func (n *Network) expected(spikes int) int {
	arrivals := 0
	for range spikes {
		arrivals += n.fanOut
	}
	return arrivals
}
