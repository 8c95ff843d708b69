package core

// Excite adds an electric arrival from outside at a tick: the neuron fires, unless it is refractory. It fails with ErrPast for a
// tick before Now, and with ErrUnknown for a neuron that does not exist.
func (n *Network) Excite(at Tick, neuron int) error {
	if err := n.accepts(at, neuron); err != nil {
		return err
	}
	n.inputs.push(input{at: int64(at), target: uint32(neuron) | electricMark})
	return nil
}

// Pour adds a direct arrival from outside at a tick. The amount is in the neuron's water, which PourWater converts from units. A
// negative amount inhibits. Pour fails as Excite does.
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

// join adds an input to the accumulator of its tick and reports whether it did. It does not if there is none, or if the sum might
// overflow.
func (n *Network) join(in input) bool {
	if n.channels == nil {
		return false
	}
	acc := n.accumulators.bucket(in.at)
	if acc.at != in.at {
		if n.sparseFrom > 1 || !n.accumulators.near(n.now, in.at) { // going through all sums of an accumulator costs more than the heap
			return false
		}
		if acc = n.accumulators.open(n.now-1, in.at); acc == nil {
			return false
		}
	}
	sum := &acc.sums[in.target]
	water, count := int64(*sum>>(n.countBits&31))+int64(in.weight), uint32(*sum)&(1<<(n.countBits&31)-1)
	if max(water, -water) > n.accumulators.roomWater || count >= n.accumulators.roomCount {
		return false
	}
	acc.inputs++
	*sum += in.weight<<(n.countBits&31) + 1
	acc.reached[in.target>>6] |= 1 << (in.target & 63)
	n.recordJoined(in)
	return true
}

// PourWater converts units to the water of a neuron, for Pour. The result is valid until the neuron's leak is tuned.
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
