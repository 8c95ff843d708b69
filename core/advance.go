package core

import (
	"fmt"
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
	n.inputs.push(input{at: int64(at), target: uint32(neuron), weight: water})
	return nil
}

// PourWater converts units to the water of a neuron, for Pour. It holds until the neuron's leak is tuned.
func (n *Network) PourWater(neuron int, units float64) (int32, error) {
	if neuron < 0 || neuron >= len(n.barrels) {
		return 0, fmt.Errorf("neuron %d: expected 0 to %d: %w", neuron, len(n.barrels)-1, ErrUnknown)
	}
	return Water(units, n.description.Neurons[neuron].Leak)
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
	t, ok := n.next()
	return Tick(t), ok
}

func (n *Network) next() (int64, bool) {
	next := int64(never)
	if w := n.waves.next(n.now); w != nil {
		next = w.at
	}
	if at, waiting := n.queue.next(); waiting && (next == never || at < next) {
		next = at
	}
	if len(n.inputs) > 0 && (next == never || n.inputs[0].at < next) {
		next = n.inputs[0].at
	}
	if len(n.strays) > 0 && (next == never || n.strays[0].at < next) {
		next = n.strays[0].at
	}
	if len(n.timers.heap) > 0 && (next == never || n.timers.heap[0].at < next) {
		next = n.timers.heap[0].at
	}
	return next, next != never
}

// Advance processes everything due before the tick until, appends the spikes to the given slice, sorted by time and neuron, and
// returns it. Splitting one advance into several changes nothing. A tick already passed is no error: nothing is due.
func (n *Network) Advance(until Tick, spikes []Spike) []Spike {
	for {
		t, ok := n.next()
		if !ok || t >= int64(until) {
			break
		}
		n.now = t
		n.deliver(t)
		n.judge(t)
		n.now = t + 1
		n.send(t)
		for _, i := range n.fired {
			spikes = append(spikes, Spike{At: Tick(t), Neuron: int(i)})
		}
	}
	n.now = max(n.now, int64(until))
	return spikes
}

// deliver sums up all that arrives at tick t outside of its wave. Nobody is judged yet: that is what makes the result independent of
// order.
func (n *Network) deliver(t int64) {
	n.touched = n.touched[:0]
	for at, waiting := n.queue.next(); waiting && at == t; at, waiting = n.queue.next() {
		n.deliverSlice(t, n.queue.pop())
	}
	for len(n.inputs) > 0 && n.inputs[0].at == t {
		in := n.inputs.pop()
		n.arrive(in.target&^electricMark, int64(in.weight), in.target&electricMark != 0)
		n.counters.Inputs++
	}
	for len(n.strays) > 0 && n.strays[0].at == t {
		synapse := n.strays.pop().target
		position := n.place[synapse]
		n.deliverArrivals(t, n.description.Synapses[synapse].sliceKind(), position, position+1)
	}
	for len(n.timers.heap) > 0 && n.timers.heap[0].at == t {
		due := n.timers.heap[0]
		n.timers.stop(due.traits)
		n.touch(due.neuron).timed = true
	}
}

func (n *Network) deliverSlice(t int64, index uint32) {
	s := n.slices[index]
	n.deliverArrivals(t, s.kind(), s.first, n.slices[index+1].first)
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
		for _, a := range arrivals {
			p := &n.plastics[a]
			tr := n.traits[n.barrels[p.target].traits]
			n.arrive(p.target, p.deliver(t, tr.lastSpike, n.rules[p.rule]), false)
		}
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
	n.counters.Deliveries += uint64(len(arrivals))
}

// arrive notes a direct or electric arrival.
func (n *Network) arrive(target uint32, water int64, electric bool) {
	p := n.touch(target)
	p.arrivals++
	p.poured += water
	p.electric = p.electric || electric
}

// touch makes sure that a neuron is judged in this tick.
func (n *Network) touch(target uint32) *puddle {
	p := &n.puddles[target]
	if !p.touched {
		p.touched = true
		n.touched = append(n.touched, target)
	}
	return p
}

// judge decides once about every neuron that something reached at tick t.
func (n *Network) judge(t int64) {
	n.fired = n.fired[:0]
	wave := n.waves.next(t)
	if wave != nil && wave.at != t {
		wave = nil
	}
	for _, i := range n.touched {
		p := n.puddles[i]
		n.puddles[i] = puddle{}
		if wave != nil {
			n.scoop(wave, i, &p)
		}
		n.judgeOne(t, i, &p)
	}
	sorted := len(n.touched) == 0
	if wave != nil {
		n.judgeWave(t, wave)
		n.waves.close(wave)
	}
	if !sorted {
		slices.Sort(n.fired)
	}
	n.counters.Spikes += uint64(len(n.fired))
}

// scoop takes a neuron's share out of a wave.
func (n *Network) scoop(w *wave, i uint32, p *puddle) {
	sum := w.sums[i]
	w.sums[i] = 0
	w.reached[i>>6] &^= 1 << (i & 63)
	arrivals := uint32(sum) & (1<<(n.countBits&31) - 1)
	p.poured += int64(sum >> (n.countBits & 31))
	p.arrivals += arrivals
	n.counters.Deliveries += uint64(arrivals)
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
	b.rest(t, c)
}

// judgeWave judges whom a wave reaches: this loop is where a busy network spends its time. It calls nothing, and writes those that
// fire, and those with traits, over the list that it reads.
func (n *Network) judgeWave(t int64, w *wave) {
	list := w.gather(n.list)
	sums, barrels, classes := w.sums, n.barrels, n.classes
	countBits := n.countBits & 31
	countMask := uint32(1)<<countBits - 1
	deliveries, ignored := uint32(0), uint32(0)
	fired, rich := 0, false
	for _, i := range list {
		sum := sums[i]
		b := &barrels[i]
		c := &classes[b.class]
		empty := b.empty
		if c.rich {
			list[fired] = i | richMark
			fired++
			rich = true
			continue
		}
		sums[i] = 0
		arrivals := uint32(sum) & countMask
		deliveries += arrivals
		if empty >= deaf {
			if t < empty-deaf {
				ignored += arrivals
				continue
			}
			empty = 0
		}
		poured := int64(sum >> countBits)
		if c.leaky {
			sign := empty >> 63
			level := (max((empty^sign)-sign-t, 0) ^ sign) - sign + poured
			level = max(level, int64(c.floor))
			if level < int64(c.threshold) {
				sign = level >> 63
				b.empty = level + (t ^ sign) - sign
				continue
			}
		} else {
			level := max(empty+poured, int64(c.floor))
			if level < int64(c.threshold) {
				b.empty = level
				continue
			}
		}
		b.empty = 0
		if c.refractory != 0 {
			b.empty = t + int64(c.refractory) + deaf
		}
		list[fired] = i
		fired++
	}
	n.counters.Deliveries += uint64(deliveries)
	n.counters.Ignored += uint64(ignored)
	if !rich {
		n.fired = append(n.fired, list[:fired]...)
		return
	}
	for _, i := range list[:fired] {
		if i&richMark == 0 {
			n.fired = append(n.fired, i)
			continue
		}
		i &^= richMark
		var p puddle
		n.scoop(w, i, &p)
		n.judgeOne(t, i, &p)
	}
}

// richMark marks neurons with traits in the list of judgeWave.
const richMark = 1 << 31

// judgeRich judges a neuron by all of the model.
func (n *Network) judgeRich(t int64, i uint32, b *barrel, c *class, p *puddle) {
	tr := n.traits[b.traits]
	tr.settle(t)
	if tr.modulators != 0 {
		tr.modulate(t)
		n.consolidate(t, tr)
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
	threshold := max(1, int64(c.threshold)+tr.adaptation.value+tr.habituation.value-tr.shift(tr.parameters.shiftThreshold))
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
	n.potentiate(t, tr)
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

// rest begins the refractory period.
func (b *barrel) rest(t int64, c *class) {
	if c.refractory != 0 {
		b.empty = t + int64(c.refractory) + deaf
	}
}

// send sends the spikes of tick t on their way.
func (n *Network) send(t int64) {
	if len(n.fired) == 0 {
		return
	}
	arrivals := n.expected(len(n.fired))
	flooded := n.waveDelays != nil && arrivals >= len(n.barrels)>>1 && arrivals >= len(n.spouts) && n.flood(t, n.fired)
	sparse := len(n.barrels)>>6 > arrivals // a wave would mostly be looked through for nothing
	for _, source := range n.fired {
		e := n.efferents[source]
		s := e.first
		if flooded {
			s = e.other
		}
		for ; s < n.efferents[source+1].first; s++ {
			channel := n.slices[s].channel >> kindBits
			at := t + int64(n.delays[channel])
			if s < e.other && !sparse && n.waveDelays != nil {
				if w := n.waves.open(n.now, at); w != nil {
					n.ripple(w, n.arrivals[n.slices[s].first:n.slices[s+1].first])
					continue
				}
			}
			n.queue.push(at, channel, s)
		}
	}
	if n.waveDelays != nil {
		n.log.add(t, n.fired, int64(n.waveDelays[len(n.waveDelays)-1]))
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
