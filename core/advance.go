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

// join puts an input into the wave of its tick, if there is one that has room for it, and reports whether it did.
func (n *Network) join(in input) bool {
	if n.flooding == nil {
		return false
	}
	v := n.waves.bucket(in.at)
	if v.at != in.at {
		if n.rippleFrom > 1 || !n.waves.near(n.now, in.at) { // looking through a wave would cost more than the heap
			return false
		}
		if v = n.waves.open(n.now-1, in.at); v == nil {
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
	n.joins(in)
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
	t := min(n.waves.next(n.now), n.others())
	if t == forever {
		return 0, false
	}
	return Tick(t), true
}

// others returns when something is due outside of waves, or forever.
func (n *Network) others() int64 {
	next := n.queue.next()
	if len(n.inputs) > 0 {
		next = min(next, n.inputs[0].at)
	}
	if len(n.strays) > 0 {
		next = min(next, n.strays[0].at)
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
		wave, others := n.waves.next(n.now), n.others()
		t := min(wave, others)
		if t >= int64(until) {
			break
		}
		n.now = t
		n.fired = n.fired[:0]
		if others == t {
			n.deliver(t)
		}
		if wave == t {
			n.judgeWave(t, others == t)
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

// deliver sums up all that arrives at tick t outside of its wave. Nobody is judged yet: that is what makes the result independent of
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
				n.deliverSlice(t, f.what)
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
	for len(n.strays) > 0 && n.strays[0].at == t {
		stray := n.strays.pop()
		n.deliverArrivals(t, sliceKind(stray.weight), stray.target, stray.target+1)
		n.counters.Deliveries++
	}
	for len(n.timers.heap) > 0 && n.timers.heap[0].at == t {
		due := n.timers.heap[0]
		n.timers.stop(due.traits)
		n.touch(due.neuron).timed = true
	}
}

func (n *Network) deliverSlice(t int64, index uint32) {
	s := n.slices[index]
	last := n.slices[index+1].first
	n.deliverArrivals(t, s.kind(), s.first, last)
	if !n.mayRipple(s) {
		n.counters.Deliveries += uint64(last - s.first)
	}
}

// mayRipple reports whether a slice is of those that travel in waves if they can. Their arrivals are counted when they leave.
func (n *Network) mayRipple(s slice) bool {
	return s.kind() == directSlice && int(s.channel>>kindBits) < len(n.flooding)
}

func (n *Network) deliverArrivals(t int64, kind sliceKind, first, last uint32) {
	arrivals := n.arrivals[first:last]
	switch {
	case kind == electricSlice:
		for _, target := range arrivals {
			n.arrive(target, 0, true)
		}
	case kind == modulatorSlice:
		for _, a := range arrivals {
			m := n.modulators[a]
			n.touch(m.target)
			n.traits[n.barrels[m.target].traits].modulators += int64(m.weight)
		}
	case kind == plasticSlice:
		n.deliverPlastic(t, arrivals)
	case n.weights != nil:
		weights := n.weights[first:last]
		for i, target := range arrivals {
			n.arrive(target, int64(weights[i]), false)
		}
	default:
		for _, a := range arrivals {
			n.arrive(a>>spoutBits, int64(n.spouts[a&(maxSpouts-1)].pour>>(n.countBits&31)), false)
		}
	}
}

// arrive notes a direct or electric arrival.
func (n *Network) arrive(target uint32, water int64, electric bool) {
	p := n.touch(target)
	p.arrivals++
	p.poured += water
	p.electric = p.electric || electric
}

// clear empties a puddle field by field: the processor waits when it reads in one piece what it has just written in several.
func (p *puddle) clear() {
	p.poured, p.arrivals, p.touched, p.electric, p.timed = 0, 0, false, false, false
}

// touch makes sure that a neuron is judged in this tick. Whether something has touched it before is a coin toss, so it is written
// behind the list in any case, and counts if it is new.
func (n *Network) touch(target uint32) *puddle {
	p := &n.puddles[target]
	n.touched[n.touches] = target
	if next := n.touches + 1; !p.touched {
		n.touches = next
	}
	p.touched = true
	return p
}

// judgeTouched decides once about every neuron that something reached at tick t outside of a wave.
func (n *Network) judgeTouched(t int64) {
	for _, i := range n.touched[:n.touches] {
		p := &n.puddles[i]
		n.judgeOne(t, i, p)
		p.clear()
	}
	if len(n.fired) > 1 {
		slices.Sort(n.fired)
	}
}

// judgeWave decides once about every neuron that tick t's wave reaches, and about those that something else has touched besides.
func (n *Network) judgeWave(t int64, besides bool) {
	w := n.waves.bucket(t)
	if besides {
		for _, i := range n.touched[:n.touches] {
			p := &n.puddles[i]
			n.scoop(w, i, p)
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
			continue // it is deaf, or has sunk below its level when it was tuned, and the wave does not reach it
		}
		var p puddle
		n.scoop(w, i, &p)
		n.judgeOne(t, i, &p)
	}
	if before > 0 { // those of the wave are in order
		slices.Sort(n.fired)
	}
	n.counters.Inputs += w.inputs
	n.waves.close(w)
}

// scoop takes a neuron's share out of a wave.
func (n *Network) scoop(w *wave, i uint32, p *puddle) {
	sum := w.sums[i]
	w.sums[i] = 0
	w.reached[i>>6] &^= 1 << (i & 63)
	p.poured += int64(sum >> (n.countBits & 31))
	p.arrivals += uint32(sum) & (1<<(n.countBits&31) - 1)
}

// judgeOne judges any neuron.
func (n *Network) judgeOne(t int64, i uint32, p *puddle) {
	b := &n.barrels[i]
	c := &n.classes[b.class]
	if c.rich {
		n.judgeRich(t, i, b, c, p)
		return
	}
	if t < b.deafUntil() {
		n.counters.Ignored += uint64(p.arrivals)
		return
	}
	level := max(int64(c.floor), b.level(t, c)+p.poured)
	if !p.electric && level < int64(c.threshold) {
		b.setLevel(t, level, c)
		return
	}
	n.fire(i, b)
	n.learn(t, i, 0, 0)
	b.rest(t, c)
}

// fill pours a dense wave into the neurons that only fill. It leaves all others as they are - those that fire, that are deaf, that
// have traits - and lists them. This loop is where a busy network spends its time: it calls nothing, takes its parameters from a run
// of neurons that share them, and one comparison tells the others apart, for what a deaf neuron keeps is a level beyond all
// thresholds. A neuron that the wave does not reach is poured nothing.
func (n *Network) fill(t int64, sums []int32, list []uint32) []uint32 {
	countBits := n.countBits & 31
	others := 0
	for _, r := range n.runs {
		c := &n.classes[r.class]
		floor, threshold := int64(c.floor), int64(c.threshold)
		sums := sums[r.first:r.last]
		barrels := n.barrels[r.first:r.last]
		barrels = barrels[:len(sums)]
		switch {
		case c.rich:
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

// fillReached is fill for a wave that has marked whom it reaches.
func (n *Network) fillReached(t int64, w *wave) []uint32 {
	sums, list := w.sums, n.list
	barrels, classes, countBits := n.barrels[:len(sums)], n.classes, n.countBits&31
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
				c := &classes[b.class]
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

// judgeRich judges a neuron by all of the model.
func (n *Network) judgeRich(t int64, i uint32, b *barrel, c *class, p *puddle) {
	tr := n.traits[b.traits]
	tr.settle(t)
	if tr.modulators != 0 {
		tr.modulate(t)
		n.consolidate(t, i, tr.modulators)
		tr.modulators = 0
	}
	if t < b.deafUntil() || tr.burstLeft > 0 {
		n.counters.Ignored += uint64(p.arrivals)
		tr.pester(t, p.arrivals)
		if p.timed { // only a burst sets a timer for a time at which it listens to nobody
			tr.burstLeft--
			n.spike(t, i, b, c, tr)
		}
		return
	}
	level := max(int64(c.floor), b.level(t, c)+p.poured)
	threshold := tr.firesAt()
	switch {
	case p.electric || p.timed:
		n.spike(t, i, b, c, tr)
	case p.arrivals > 0 && level >= threshold:
		tr.burstLeft = tr.burstSpikes(level - threshold)
		n.spike(t, i, b, c, tr)
	default:
		b.setLevel(t, level, c)
	}
}

// spike fires a neuron with traits: once, or once more of a burst.
func (n *Network) spike(t int64, i uint32, b *barrel, c *class, tr *traits) {
	n.fire(i, b)
	tr.ignored = 0
	tr.lastSpike = t
	tr.habituate(t)
	n.learn(t, i, tr.shift(tr.parameters.shiftShortTerm), tr.shift(tr.parameters.shiftLongTerm))
	if tr.burstLeft > 0 {
		n.timers.set(b.traits, i, t+tr.parameters.burstInterval)
		return
	}
	b.rest(t, c)
	if interval := tr.pacemakerInterval(int64(c.refractory)); interval > 0 {
		n.timers.set(b.traits, i, t+interval)
	} else {
		n.timers.stop(b.traits)
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
func (b *barrel) rest(t int64, c *class) {
	if c.refractory != 0 {
		b.empty = t + int64(c.refractory) + deaf
	}
}

// send sends the spikes of tick t on their way, which is not over yet for any of them.
func (n *Network) send(t int64, sources []uint32) {
	arrivals := n.expected(len(sources))
	flooded := arrivals >= n.floodFrom && n.flood(t, sources)
	for _, source := range sources {
		e, last := &n.efferents[source], n.efferents[source+1].first
		n.counters.Deliveries += uint64(e.end - e.begin)
		s := e.first
		if flooded {
			s = e.other
		} else if arrivals >= n.rippleFrom {
			if n.trickles {
				n.trickle(t, e)
			} else {
				n.ripple(t, e)
			}
			s = e.other
		}
		for ; s < last; s++ {
			slice := n.slices[s]
			at := t + int64(n.delays[slice.channel>>kindBits])
			if n.singles && slice.kind() == directSlice && n.slices[s+1].first-slice.first == 1 {
				n.queue.push(at, n.arrivals[slice.first], n.weights[slice.first])
				continue
			}
			n.queue.push(at, s, 0)
		}
	}
	if n.logged > 0 {
		n.depart(t, sources)
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
