package core

import (
	"math/bits"
	"slices"
)

// Excite makes an electric arrival from outside at a tick: the neuron fires, unless it is refractory. It fails with ErrPast before
// Now and with ErrUnknown for a neuron that does not exist.
func (n *Network) Excite(at Tick, neuron int) error {
	if err := n.accepts(at, neuron); err != nil {
		return err
	}
	n.inputs.push(input{at: int64(at), target: uint32(neuron) | electricMark})
	return nil
}

// Pour makes a direct arrival from outside at a tick. The amount is in the neuron's water (see PourWater); negative takes water
// out. It fails as Excite does.
func (n *Network) Pour(at Tick, neuron int, water int32) error {
	if err := n.accepts(at, neuron); err != nil {
		return err
	}
	in := input{at: int64(at), target: uint32(neuron), weight: water}
	if !n.join(in) {
		n.inputs.push(in)
	}
	return nil
}

// join puts an input into the accumulator of its tick, if there is one that has room for it, and reports whether it did.
func (n *Network) join(in input) bool {
	if n.channels == nil {
		return false
	}
	v := n.accumulators.bucket(in.at)
	if v.at != in.at {
		if n.sparseFrom > 1 || !n.accumulators.near(n.now, in.at) { // looking through a accumulator would cost more than the heap
			return false
		}
		if v = n.accumulators.open(n.now-1, in.at); v == nil {
			return false
		}
	}
	water := max(in.weight, -in.weight)
	if v.spareCount == 0 || water > v.spareWater || water < 0 {
		return false
	}
	v.spareCount--
	v.spareWater -= water
	v.inputs++
	v.sums[in.target] += in.weight<<(n.countBits&31) + 1
	v.reached[in.target>>6] |= 1 << (in.target & 63)
	n.recordJoined(in)
	return true
}

// PourWater converts units to the water of a neuron, for Pour. It holds until the neuron's leak is tuned.
func (n *Network) PourWater(neuron int, units float64) (int32, error) {
	if neuron < 0 || neuron >= len(n.barrels) {
		return 0, refuse(ErrUnknown, "neuron %d: expected 0 to %d", neuron, len(n.barrels)-1)
	}
	return Water(units, n.leak(uint32(neuron)))
}

func (n *Network) accepts(at Tick, neuron int) error {
	if int64(at) < n.now {
		return ErrPast
	}
	if neuron < 0 || neuron >= len(n.barrels) {
		return ErrUnknown
	}
	return nil
}

// Next returns the tick at which something is due, and false when the network is silent: then it needs no attention until the
// next input.
func (n *Network) Next() (Tick, bool) {
	t := min(n.accumulators.next(n.now), n.others())
	if t == forever {
		return 0, false
	}
	return Tick(t), true
}

// others returns when something is due outside of accumulators, or forever.
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

// Advance processes everything due before the tick until, appends the spikes to the given slice, sorted by time and neuron, and
// returns it. Splitting one advance into several changes nothing. A tick already passed is no error: nothing is due.
func (n *Network) Advance(until Tick, spikes []Spike) []Spike {
	for {
		accumulator, others := n.accumulators.next(n.now), n.others()
		t := min(accumulator, others)
		if t >= int64(until) {
			break
		}
		n.now = t
		n.fired = n.fired[:0]
		if others == t {
			n.deliver(t)
		}
		if accumulator == t {
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

// deliver sums up all that arrives at tick t outside of its accumulator. Nobody is judged yet: that is what makes the result independent of
// order.
func (n *Network) deliver(t int64) {
	n.touches = 0
	if n.queue.next() == t {
		first := n.queue.land(t)
		last, count := first, 0
		for i := first; i != none; count++ {
			f := &n.queue.flights[i]
			if f.weight != 0 {
				n.arrive(f.what, int64(f.weight), false)
				n.counters.Deliveries++
			} else {
				n.deliverBundle(t, f.what)
			}
			last, i = i, f.next
		}
		n.queue.free(first, last, count)
	}
	for len(n.inputs) > 0 && n.inputs[0].at == t {
		in := n.inputs.pop()
		n.arrive(in.target&^electricMark, int64(in.weight), in.target&electricMark != 0)
		n.counters.Inputs++
	}
	for len(n.detached) > 0 && n.detached[0].at == t {
		single := n.detached.pop()
		n.deliverArrivals(t, bundleKind(single.weight), single.target, single.target+1)
		n.counters.Deliveries++
	}
	for len(n.timers.heap) > 0 && n.timers.heap[0].at == t {
		due := n.timers.heap[0]
		n.timers.stop(due.mechanisms)
		n.touch(due.neuron).timerDue = true
	}
}

func (n *Network) deliverBundle(t int64, index uint32) {
	s := n.bundles[index]
	last := n.bundles[index+1].first
	n.deliverArrivals(t, s.kind(), s.first, last)
	if !n.mayAccumulate(s) {
		n.counters.Deliveries += uint64(last - s.first)
	}
}

// mayAccumulate reports whether a slice is of those that travel in accumulators if they can. Their arrivals are counted when they leave.
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
			n.mechanisms[n.barrels[m.target].mechanisms].modulators += int64(m.weight)
		}
	case kind == plasticBundle:
		n.deliverPlastic(t, arrivals)
	case n.weights != nil:
		weights := n.weights[first:last]
		for i, target := range arrivals {
			n.arrive(target, int64(weights[i]), false)
		}
	default:
		for _, a := range arrivals {
			n.arrive(a>>typeBits, int64(n.synapseTypes[a&(maxTypes-1)].pour>>(n.countBits&31)), false)
		}
	}
}

// arrive notes a direct or electric arrival.
func (n *Network) arrive(target uint32, water int64, electric bool) {
	p := n.touch(target)
	p.arrivals++
	p.water += water
	p.electric = p.electric || electric
}

// clear empties a tickInput field by field: the processor waits when it reads in one piece what it has just written in several.
func (p *tickInput) clear() {
	p.water, p.arrivals, p.touched, p.electric, p.timerDue = 0, 0, false, false, false
}

// touch makes sure that a neuron is judged in this tick. Whether something has touched it before is a coin toss, so it is written
// behind the list in any case, and counts if it is new.
func (n *Network) touch(target uint32) *tickInput {
	p := &n.tickInputs[target]
	n.touched[n.touches] = target
	if next := n.touches + 1; !p.touched {
		n.touches = next
	}
	p.touched = true
	return p
}

// judgeTouched decides once about every neuron that something reached at tick t outside of a accumulator.
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

// judgeAccumulated decides once about every neuron that tick t's accumulator reaches, and about those that something else has touched besides.
func (n *Network) judgeAccumulated(t int64, besides bool) {
	w := n.accumulators.bucket(t)
	if besides {
		for _, i := range n.touched[:n.touches] {
			p := &n.tickInputs[i]
			n.collect(w, i, p)
			n.judgeOne(t, i, p)
			p.clear()
		}
	}
	before := len(n.fired)
	var others []uint32
	if w.dense {
		clear(w.reached)
		others = n.fill(t, w.sums, n.list)
	} else {
		others = n.fillReached(t, w)
	}
	for _, i := range others {
		if w.sums[i] == 0 {
			continue // it is deaf, or has sunk below its level when it was tuned, and the accumulator does not reach it
		}
		var p tickInput
		n.collect(w, i, &p)
		n.judgeOne(t, i, &p)
	}
	if before > 0 { // those of the accumulator are in order
		slices.Sort(n.fired)
	}
	n.counters.Inputs += w.inputs
	n.accumulators.close(w)
}

// collect takes a neuron's share out of a accumulator.
func (n *Network) collect(w *accumulator, i uint32, p *tickInput) {
	sum := w.sums[i]
	w.sums[i] = 0
	w.reached[i>>6] &^= 1 << (i & 63)
	p.water += int64(sum >> (n.countBits & 31))
	p.arrivals += uint32(sum) & (1<<(n.countBits&31) - 1)
}

// judgeOne judges any neuron.
func (n *Network) judgeOne(t int64, i uint32, p *tickInput) {
	b := &n.barrels[i]
	c := &n.neuronTypes[b.neuronType]
	if c.hasMechanisms {
		n.judgeWithMechanisms(t, i, b, c, p)
		return
	}
	if t < b.refractoryUntil() {
		n.counters.Ignored += uint64(p.arrivals)
		return
	}
	level := max(int64(c.floor), b.level(t, c)+p.water)
	if !p.electric && level < int64(c.threshold) {
		b.setLevel(t, level, c)
		return
	}
	n.fire(i, b)
	n.learn(t, i, 0, 0)
	b.beginRefractory(t, c)
}

// fill pours a dense accumulator into the neurons that only fill. It leaves all others as they are - those that fire, that are deaf, that
// have mechanisms - and lists them. This loop is where a busy network spends its time: it calls nothing, takes its parameters from a run
// of neurons that share them, and one comparison tells the others apart, for what a deaf neuron keeps is a level beyond all
// thresholds. A neuron that the accumulator does not reach is poured nothing.
func (n *Network) fill(t int64, sums []int32, list []uint32) []uint32 {
	countBits := n.countBits & 31
	others := 0
	for _, r := range n.runs {
		c := &n.neuronTypes[r.neuronType]
		floor, threshold := int64(c.floor), int64(c.threshold)
		sums := sums[r.first:r.last]
		barrels := n.barrels[r.first:r.last]
		barrels = barrels[:len(sums)]
		switch {
		case c.hasMechanisms:
			for i, sum := range sums {
				if sum != 0 {
					list[others] = r.first + uint32(i)
					others++
				}
			}
		case c.leaky:
			for i, sum := range sums {
				b := &barrels[i]
				sign := b.empty >> 63
				level := max((max((b.empty^sign)-sign-t, 0)^sign)-sign+int64(sum>>countBits), floor)
				if level >= threshold {
					list[others] = r.first + uint32(i)
					others++
					continue
				}
				sums[i] = 0
				sign = level >> 63
				b.empty = level + (t ^ sign) - sign
			}
		default:
			for i, sum := range sums {
				b := &barrels[i]
				level := max(b.empty+int64(sum>>countBits), floor)
				if level >= threshold {
					list[others] = r.first + uint32(i)
					others++
					continue
				}
				sums[i] = 0
				b.empty = level
			}
		}
	}
	return list[:others]
}

// fillReached is fill for a accumulator that has marked whom it reaches.
func (n *Network) fillReached(t int64, w *accumulator) []uint32 {
	sums, list := w.sums, n.list
	barrels, neuronTypes, countBits := n.barrels[:len(sums)], n.neuronTypes, n.countBits&31
	others, base := 0, uint32(0)
	for k, word := range w.reached {
		if word != 0 {
			w.reached[k] = 0
			for ; word != 0; word &= word - 1 {
				i := base + uint32(bits.TrailingZeros64(word))
				if int(i) >= len(sums) {
					break // never, as in fill
				}
				b := &barrels[i]
				c := &neuronTypes[b.neuronType]
				level := max(c.level(t, b.empty)+int64(sums[i]>>countBits), int64(c.floor))
				if level >= int64(c.threshold) {
					list[others] = i
					others++
					continue
				}
				sums[i] = 0
				b.setLevel(t, level, c)
			}
		}
		base += 64
	}
	return list[:others]
}

// judgeWithMechanisms judges a neuron by all of the model.
func (n *Network) judgeWithMechanisms(t int64, i uint32, b *barrel, c *neuronType, p *tickInput) {
	mech := n.mechanisms[b.mechanisms]
	mech.settle(t)
	if mech.modulators != 0 {
		mech.modulate(t)
		n.consolidate(t, i, mech.modulators)
		mech.modulators = 0
	}
	if t < b.refractoryUntil() || mech.burstLeft > 0 {
		n.counters.Ignored += uint64(p.arrivals)
		mech.ignore(t, p.arrivals)
		if p.timerDue { // only a burst sets a timer for a time at which it listens to nobody
			mech.burstLeft--
			n.spike(t, i, b, c, mech)
		}
		return
	}
	level := max(int64(c.floor), b.level(t, c)+p.water)
	threshold := mech.firesAt()
	switch {
	case p.electric || p.timerDue:
		n.spike(t, i, b, c, mech)
	case p.arrivals > 0 && level >= threshold:
		mech.burstLeft = mech.burstSpikes(level - threshold)
		n.spike(t, i, b, c, mech)
	default:
		b.setLevel(t, level, c)
	}
}

// spike fires a neuron with mechanisms: once, or once more of a burst.
func (n *Network) spike(t int64, i uint32, b *barrel, c *neuronType, mech *mechanisms) {
	n.fire(i, b)
	mech.ignored = 0
	mech.lastSpike = t
	mech.habituate(t)
	n.learn(t, i, mech.shift(mech.parameters.shiftShortTerm), mech.shift(mech.parameters.shiftLongTerm))
	if mech.burstLeft > 0 {
		n.timers.set(b.mechanisms, i, t+mech.parameters.burstInterval)
		return
	}
	b.beginRefractory(t, c)
	if interval := mech.pacemakerInterval(int64(c.refractory)); interval > 0 {
		n.timers.set(b.mechanisms, i, t+interval)
	} else {
		n.timers.stop(b.mechanisms)
	}
}

// fire empties the barrel and notes the spike.
func (n *Network) fire(i uint32, b *barrel) {
	b.empty = 0
	n.fired = append(n.fired, i)
}

// learn lets a spike change the plastic afferents of its neuron.
func (n *Network) learn(t int64, i uint32, shortShift, longShift int64) {
	if n.afferents != nil {
		n.spiked[i] = t
		n.potentiate(t, i, shortShift, longShift)
	}
}

// rest begins the refractory period.
func (b *barrel) beginRefractory(t int64, c *neuronType) {
	if c.refractory != 0 {
		b.empty = t + int64(c.refractory) + refractoryMark
	}
}

// send sends the spikes of tick t on their way, which is not over yet for any of them.
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
			at := t + int64(n.delays[bundle.channel>>kindBits])
			if n.singles && bundle.kind() == directBundle && n.bundles[s+1].first-bundle.first == 1 {
				n.queue.push(at, n.arrivals[bundle.first], n.weights[bundle.first])
				continue
			}
			n.queue.push(at, s, 0)
		}
	}
	if n.logged > 0 {
		n.recordDepartures(t, sources)
	}
}

// expected says about how many direct arrivals a number of spikes leads to.
func (n *Network) expected(spikes int) int {
	arrivals := 0
	for range spikes {
		arrivals += n.fanOut
	}
	return arrivals
}
