package play

import (
	"fmt"
	"sync"

	"fluxd/core"
)

// A Crew runs one network on several processors: each worker goroutine owns a part of it, and they meet only to hand each other the
// spikes of the last look-ahead. The spikes are those of the network in one piece, whatever the number of workers. It pays where a
// look-ahead holds much more work than the meeting takes, some microseconds: networks with a hundred thousand synapses and more.
// A robot's network is faster on one.
//
// It is driven as a core.Network is, by one goroutine, and must be closed.
type Crew struct {
	parts  []*core.Part
	ahead  core.Tick
	now    core.Tick
	spikes [2][][]core.Spike // of each part in this look-ahead, and in the last one, which the others have not heard yet
	turn   int               // which of the two is this one
	starts []chan core.Tick  // to each worker but the first, which is the caller: how far to go
	ends   []chan struct{}   // from each when it is there
	gone   sync.WaitGroup
}

// impatience is how often a worker looks for the others before it goes to sleep, some ten microseconds: to be woken takes longer.
const impatience = 4_000

// take waits for a value.
func take[T any](c chan T) (value T, open bool) {
	for range impatience {
		select {
		case value, open = <-c:
			return value, open
		default:
		}
	}
	value, open = <-c
	return value, open
}

// NewCrew splits a network and starts the workers. There are fewer than asked for where there are not enough neurons. It fails as
// core.Split does.
func NewCrew(d core.Description, workers int) (*Crew, error) {
	parts, ahead, err := core.Split(d, workers)
	if err != nil {
		return nil, err
	}
	c := &Crew{parts: parts, ahead: ahead}
	for i := range c.spikes {
		c.spikes[i] = make([][]core.Spike, len(parts))
	}
	for i := range parts[1:] {
		start, end := make(chan core.Tick, 1), make(chan struct{}, 1)
		c.starts, c.ends = append(c.starts, start), append(c.ends, end)
		c.gone.Go(func() { // a part of the network runs beside the others
			for until, open := take(start); open; until, open = take(start) {
				c.work(i+1, until)
				end <- struct{}{}
			}
		})
	}
	return c, nil
}

// Close ends the workers.
func (c *Crew) Close() {
	for _, start := range c.starts {
		close(start)
	}
	c.gone.Wait()
}

// Workers returns how many there are.
func (c *Crew) Workers() int { return len(c.parts) }

// work takes one part to the next meeting.
func (c *Crew) work(part int, until core.Tick) {
	p := c.parts[part]
	for other, spikes := range c.spikes[1-c.turn] {
		if other == part {
			continue
		}
		if err := p.Hear(spikes); err != nil {
			panic(fmt.Sprintf("crew: part %d of %d: %v", part, len(c.parts), err)) // no look-ahead is longer than the shortest delay
		}
	}
	c.spikes[c.turn][part] = p.Advance(until, c.spikes[c.turn][part][:0])
}

// meet takes all parts to a tick that is no further than a look-ahead from the present.
func (c *Crew) meet(until core.Tick) {
	c.turn = 1 - c.turn
	for _, start := range c.starts {
		start <- until
	}
	c.work(0, until)
	for _, end := range c.ends {
		take(end)
	}
	c.now = until
}

// at finds the part that a neuron belongs to, or nil.
func (c *Crew) at(neuron int) *core.Part {
	for _, p := range c.parts {
		if first, last := p.Neurons(); neuron >= first && neuron < last {
			return p
		}
	}
	return nil
}

// Excite makes an electric arrival from outside; see core.Network.Excite.
func (c *Crew) Excite(at core.Tick, neuron int) error {
	p := c.at(neuron)
	if p == nil {
		return core.ErrUnknown
	}
	return p.Excite(at, neuron)
}

// Pour makes a direct arrival from outside; see core.Network.Pour.
func (c *Crew) Pour(at core.Tick, neuron int, water int32) error {
	p := c.at(neuron)
	if p == nil {
		return core.ErrUnknown
	}
	return p.Pour(at, neuron, water)
}

// PourWater converts units to the water of a neuron, for Pour.
func (c *Crew) PourWater(neuron int, units float64) (int32, error) {
	p := c.at(neuron)
	if p == nil {
		return 0, fmt.Errorf("neuron %d: %w", neuron, core.ErrUnknown)
	}
	return p.PourWater(neuron, units)
}

// Now returns the first tick that has not been processed yet.
func (c *Crew) Now() core.Tick { return c.now }

// Next returns a tick before which nothing is due, and false when the network is silent.
func (c *Crew) Next() (core.Tick, bool) {
	next, waiting := core.Tick(0), false
	for _, spikes := range c.spikes[c.turn] {
		if len(spikes) > 0 { // the others have not heard it
			return c.now, true
		}
	}
	for _, p := range c.parts {
		if t, ok := p.Next(); ok && (!waiting || t < next) {
			next, waiting = t, true
		}
	}
	return next, waiting
}

// Advance processes everything due before a tick and appends the spikes, in the order of a network in one piece.
func (c *Crew) Advance(until core.Tick, spikes []core.Spike) []core.Spike {
	for c.now < until {
		to := c.now
		if next, waiting := c.Next(); !waiting || next >= until {
			to = until // nothing happens until then
		} else if next > to {
			to = next
		}
		// From the first tick at which something is due, a look-ahead further: what happens before that tick is nothing.
		c.meet(min(to+c.ahead, until))
		spikes = core.Merge(spikes, c.spikes[c.turn]...)
	}
	return spikes
}

// Counters returns what the network has done so far.
func (c *Crew) Counters() core.Counters {
	var sum core.Counters
	for _, p := range c.parts {
		one := p.Counters()
		sum.Spikes += one.Spikes
		sum.Deliveries += one.Deliveries
		sum.Inputs += one.Inputs
		sum.Ignored += one.Ignored
	}
	return sum
}
