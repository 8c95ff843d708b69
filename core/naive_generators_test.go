package core

import (
	"fmt"
	"math"
	"math/big"
	"slices"
)

// This file has the generators of the naive model: section "Generators" of docs/exact-model.md.

// naiveNoise keeps all random numbers of a neuron, from the first on.
type naiveNoise struct {
	numbers  []uint32
	babbles  bool // the burst under way is of the noise
	interval int64
}

// splitMix is SplitMix64.
func splitMix(state *uint64) uint64 {
	*state += 0x9E3779B97F4A7C15
	z := *state
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

func newNaiveNoise(seed uint64, name string) *naiveNoise {
	hash := uint64(14695981039346656037)
	for _, b := range []byte(name) {
		hash ^= uint64(b)
		hash *= 1099511628211
	}
	state := seed
	state = splitMix(&state) ^ hash
	n := &naiveNoise{}
	for range 55 {
		n.numbers = append(n.numbers, uint32(splitMix(&state)/(1<<32)))
	}
	n.numbers[0] |= 1
	return n
}

func (n *naiveNoise) next() uint32 {
	at := len(n.numbers)
	n.numbers = append(n.numbers, n.numbers[at-24]+n.numbers[at-55])
	return n.numbers[at]
}

func (n *naiveNoise) from(low, high int64) int64 {
	if low == high {
		return low
	}
	bits := 0
	for 1<<bits <= high-low {
		bits++
	}
	for {
		if x := int64(n.next()) >> (32 - bits); low+x <= high {
			return low + x
		}
	}
}

// wait draws a waiting time whose mean is given in quarters of a tick.
func (n *naiveNoise) wait(mean int64) (wait int64) {
	one := new(big.Int).Lsh(big.NewInt(1), 63)
	q := new(big.Int).Div(new(big.Int).Mul(one, big.NewInt(mean)), big.NewInt(mean+4))
	for k := 0; ; k++ {
		chance := new(big.Int).Div(new(big.Int).Lsh(q, 32), new(big.Int).Add(one, q)).Uint64()
		if chance == 0 {
			return wait
		}
		if uint64(n.next()) < chance {
			wait += int64(math.Pow(2, float64(k)))
		}
		q.Div(q.Mul(q, q), one)
	}
}

// bursts returns the ranges of the bursts of a Noise.
func (n *Noise) naiveRanges() (spikes, interval [2]int64) {
	spikes, interval = [2]int64{int64(n.SpikesMin), int64(n.SpikesMax)}, [2]int64{int64(n.IntervalMin), int64(n.IntervalMax)}
	if spikes == [2]int64{0, 0} {
		spikes = [2]int64{1, 1}
	}
	if spikes[1] == 1 {
		interval = [2]int64{0, 0}
	}
	return spikes, interval
}

// waits draws how long a neuron with noise waits from the first tick in which it may fire.
func (n *naive) waits(i int) int64 {
	neuron := &n.d.Neurons[i]
	spikes, interval := neuron.Noise.naiveRanges()
	mean := 4*int64(math.Round(1e6/neuron.Noise.Rate)) - 4*max(1, int64(neuron.Refractory)) -
		(spikes[0]+spikes[1]-2)*(interval[0]+interval[1])
	return n.neurons[i].noise.wait(mean)
}

// babble begins a burst of the noise.
func (n *naive) babble(i int) {
	x := &n.neurons[i]
	spikes, interval := n.d.Neurons[i].Noise.naiveRanges()
	x.burstLeft = x.noise.from(spikes[0], spikes[1]) - 1
	x.noise.interval = x.noise.from(interval[0], interval[1])
	x.noise.babbles = x.burstLeft > 0
}

// beat returns the first time of a pattern at or after t.
func (p *Pattern) beat(t int64) int64 {
	for ; ; t++ {
		if slices.Contains(p.Times, Tick(t)%p.Period) {
			return t
		}
	}
}

// generate sets when a neuron fires without an arrival, after its spike at t, or at the start.
func (n *naive) generate(t int64, i int, start bool) {
	neuron, x := &n.d.Neurons[i], &n.neurons[i]
	next := t + max(1, int64(neuron.Refractory)) // the first tick in which it may fire
	if start {
		next = 0
	}
	x.paceAt = -1
	switch {
	case neuron.Pacemaker != 0:
		x.paceAt = t + n.pacemakerInterval(i)
	case neuron.Noise != nil:
		x.paceAt = next + n.waits(i)
	case neuron.Pattern != nil:
		x.paceAt = neuron.Pattern.beat(next)
	}
}

// begin gives a neuron its generator at the start.
func (n *naive) begin(i int) {
	if n.d.Neurons[i].Noise != nil {
		n.neurons[i].noise = newNaiveNoise(n.d.Seed, n.nameOf(i))
	}
	n.generate(0, i, true)
}

func (n *naive) nameOf(i int) string {
	if n.d.Neurons[i].Name != "" {
		return n.d.Neurons[i].Name
	}
	return fmt.Sprintf("neuron %d", i)
}

// retune is called when a neuron was tuned, and before the burst under way may end by that.
func (n *naive) retune(i int, was Neuron, reseeded bool) {
	t, neuron, x := n.now, &n.d.Neurons[i], &n.neurons[i]
	babbles := x.noise != nil && x.noise.babbles
	ends := x.burstLeft > 0 && (babbles && neuron.Noise == nil || !babbles && neuron.Burst == nil)
	if ends {
		x.burstLeft = 0
		x.refractoryUntil = x.lastSpike + int64(neuron.Refractory)
	}
	switch {
	case neuron.Noise == nil:
		x.noise = nil
	case was.Noise == nil || reseeded || t == 0:
		fresh := newNaiveNoise(n.d.Seed, n.nameOf(i))
		if x.noise != nil {
			fresh.babbles, fresh.interval = x.noise.babbles, x.noise.interval
		}
		x.noise = fresh
	}
	if x.burstLeft > 0 {
		return
	}
	from := max(t, x.refractoryUntil)
	switch {
	case neuron.Pacemaker != 0:
		last := int64(0)
		if x.spiked && x.known {
			last = x.lastSpike
		}
		x.paceAt = max(from, last+n.pacemakerInterval(i))
	case neuron.Noise != nil:
		if was.Noise == nil || *was.Noise != *neuron.Noise || reseeded || ends || t == 0 {
			x.paceAt = from + n.waits(i)
		}
	case neuron.Pattern != nil:
		x.paceAt = neuron.Pattern.beat(from)
	default:
		x.paceAt = -1
	}
}
