package core

import (
	"fmt"
	"slices"
)

// level returns the water in the barrel at time t; negative below empty.
//
// A leaky barrel keeps the moment at which it will be at 0: as it stands while the level is positive (level = empty - t), negated
// while it is negative (level = empty + t), and any moment that has passed means 0. Without a leak it keeps the level itself.
func (b *barrel) level(t int64) int64 {
	switch {
	case b.leakless:
		return b.empty
	case b.empty > t:
		return b.empty - t
	case b.empty < -t:
		return b.empty + t
	}
	return 0
}

func (b *barrel) setLevel(t, level int64) {
	switch {
	case b.leakless:
		b.empty = level
	case level > 0:
		b.empty = t + level
	case level < 0:
		b.empty = level - t
	default:
		b.empty = 0
	}
}

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
	next, waiting := int64(0), false
	if len(n.queue.heap) > 0 {
		next, waiting = n.queue.heap[0].at, true
	}
	if len(n.inputs) > 0 && (!waiting || n.inputs[0].at < next) {
		next, waiting = n.inputs[0].at, true
	}
	if len(n.strays) > 0 && (!waiting || n.strays[0].at < next) {
		next, waiting = n.strays[0].at, true
	}
	if len(n.timers.heap) > 0 && (!waiting || n.timers.heap[0].at < next) {
		next, waiting = n.timers.heap[0].at, true
	}
	return next, waiting
}

// Advance processes everything due before the tick until, appends the spikes to the given slice, sorted by time and neuron, and
// returns it. Splitting one advance into several changes nothing. A tick already passed is no error: nothing is due.
func (n *Network) Advance(until Tick, spikes []Spike) []Spike {
	for {
		t, ok := n.next()
		if !ok || t >= int64(until) {
			break
		}
		n.deliver(t)
		n.judge(t)
		for _, i := range n.fired {
			spikes = append(spikes, Spike{At: Tick(t), Neuron: int(i)})
		}
		n.now = t + 1
	}
	n.now = max(n.now, int64(until))
	return spikes
}

// deliver sums up all that arrives at tick t. Nobody is judged yet: that is what makes the result independent of order.
func (n *Network) deliver(t int64) {
	n.touched = n.touched[:0]
	q := &n.queue
	for len(q.heap) > 0 && q.heap[0].at == t {
		c := q.channels[q.heap[0].channel]
		mask := uint32(len(c.ring) - 1)
		for c.head != c.tail {
			f := c.ring[c.head&mask]
			if f.at != t {
				break
			}
			c.head++
			q.length--
			n.deliverSlice(t, f.slice)
		}
		q.settleTop()
	}
	for len(n.inputs) > 0 && n.inputs[0].at == t {
		in := n.inputs.pop()
		n.arrive(in.target&^electricMark, int64(in.weight), in.target&electricMark != 0)
		n.counters.Inputs++
	}
	for len(n.strays) > 0 && n.strays[0].at == t {
		synapse := n.strays.pop().target
		position := n.place[synapse]
		n.deliverArrivals(t, n.description.Synapses[synapse].sliceKind(), n.arrivals[position:position+1])
	}
	for len(n.timers.heap) > 0 && n.timers.heap[0].at == t {
		due := n.timers.heap[0]
		n.timers.stop(due.traits)
		n.touch(due.neuron)
		n.barrels[due.neuron].timed = true
	}
}

func (n *Network) deliverSlice(t int64, index uint32) {
	s := &n.slices[index]
	n.deliverArrivals(t, s.kind, n.arrivals[s.first:s.last])
}

func (n *Network) deliverArrivals(t int64, kind sliceKind, arrivals []arrival) {
	switch kind {
	case directSlice:
		for _, a := range arrivals {
			n.arrive(a.target, int64(a.weight), false)
		}
	case electricSlice:
		for _, a := range arrivals {
			n.arrive(a.target, 0, true)
		}
	case modulatorSlice:
		for _, a := range arrivals {
			n.touch(a.target).modulators += int64(a.weight)
		}
	case plasticSlice:
		for _, a := range arrivals {
			p := &n.plastics[a.target]
			tr := n.traits[n.barrels[p.target].traits]
			n.arrive(p.target, p.deliver(t, tr.lastSpike, n.rules[p.rule]), false)
		}
	}
	n.counters.Deliveries += uint64(len(arrivals))
}

// arrive notes a direct or electric arrival.
func (n *Network) arrive(target uint32, water int64, electric bool) {
	b := &n.barrels[target]
	if !b.touched {
		b.touched = true
		n.touched = append(n.touched, target)
	}
	b.arrivals++
	b.poured += water
	b.electric = b.electric || electric
}

// touch makes sure that a neuron with traits is judged in this tick.
func (n *Network) touch(target uint32) *traits {
	b := &n.barrels[target]
	if !b.touched {
		b.touched = true
		n.touched = append(n.touched, target)
	}
	return n.traits[b.traits]
}

// judge decides once about every neuron that something reached at tick t, and sends the spikes of those that fire on their way.
func (n *Network) judge(t int64) {
	n.fired = n.fired[:0]
	for _, i := range n.touched {
		b := &n.barrels[i]
		b.touched = false
		if b.traits != plain {
			n.judgeTraits(t, i, b)
		} else {
			n.judgePlain(t, i, b)
		}
		b.poured, b.electric, b.timed, b.arrivals = 0, false, false, 0
	}
	n.counters.Spikes += uint64(len(n.fired))
	slices.Sort(n.fired)
}

// judgePlain judges a neuron that fills, leaks and fires, and nothing else.
func (n *Network) judgePlain(t int64, i uint32, b *barrel) {
	if t < b.deafUntil {
		n.counters.Ignored += uint64(b.arrivals)
		return
	}
	level := max(int64(b.floor), b.level(t)+b.poured)
	if !b.electric && level < int64(b.threshold) {
		b.setLevel(t, level)
		return
	}
	n.fire(t, i, b)
	b.deafUntil = t + b.refractory
}

// judgeTraits judges a neuron by all of the model.
func (n *Network) judgeTraits(t int64, i uint32, b *barrel) {
	tr := n.traits[b.traits]
	tr.settle(t)
	if tr.modulators != 0 {
		tr.modulate(t)
		n.consolidate(t, tr)
		tr.modulators = 0
	}
	if t < b.deafUntil || tr.burstLeft > 0 {
		n.counters.Ignored += uint64(b.arrivals)
		tr.pester(t, b.arrivals)
		if b.timed { // only a burst sets a timer for a time at which it listens to nobody
			tr.burstLeft--
			n.spike(t, i, b, tr)
		}
		return
	}
	level := max(int64(b.floor), b.level(t)+b.poured)
	threshold := max(1, int64(b.threshold)+tr.adaptation.value+tr.habituation.value-tr.shift(tr.parameters.shiftThreshold))
	switch {
	case b.electric || b.timed:
		n.spike(t, i, b, tr)
	case b.arrivals > 0 && level >= threshold:
		tr.burstLeft = tr.burstSpikes(level - threshold)
		n.spike(t, i, b, tr)
	default:
		b.setLevel(t, level)
	}
}

// spike fires a neuron with traits: once, or once more of a burst.
func (n *Network) spike(t int64, i uint32, b *barrel, tr *traits) {
	n.fire(t, i, b)
	tr.ignored = 0
	tr.lastSpike = t
	tr.habituate(t)
	n.potentiate(t, tr)
	if tr.burstLeft > 0 {
		n.timers.set(uint32(b.traits), i, t+tr.parameters.burstInterval)
		return
	}
	b.deafUntil = t + b.refractory
	if interval := tr.pacemakerInterval(b.refractory); interval > 0 {
		n.timers.set(uint32(b.traits), i, t+interval)
	} else {
		n.timers.stop(uint32(b.traits))
	}
}

// fire empties the barrel and sends the spike on its way.
func (n *Network) fire(t int64, i uint32, b *barrel) {
	b.empty = 0
	n.fired = append(n.fired, i)
	for s := b.firstSlice; s < b.lastSlice; s++ {
		n.queue.push(t, n.slices[s].channel, s)
	}
}
