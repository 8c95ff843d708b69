package play

import (
	"fmt"
	"runtime"
	"sync"

	"fluxd/core"
)

// A Crew runs one network on several processors. Each worker goroutine owns a part of the network. The workers run for one
// look-ahead, the shortest delay between two parts, and then exchange their spikes. The result is the same for any number of
// workers.
//
// It pays when a look-ahead holds much more work than an exchange, which takes some microseconds: from a hundred thousand
// synapses on. A robot's network is faster on one processor.
//
// One goroutine drives a Crew, as it would a core.Network, and closes it at the end.
type Crew struct {
	parts  []*core.Part
	ahead  core.Tick
	spins  int // how often a worker polls before it sleeps
	now    core.Tick
	spikes [2][][]core.Spike // by part: of this look-ahead, and of the last one, which the other parts have not received yet
	latest int               // which of the two is of this look-ahead
	starts []chan core.Tick  // to each worker but the first, which is the caller: the tick to run to
	ends   []chan core.Tick  // from each of them: the tick, when it is there
	gone   sync.WaitGroup
}

// spins is how often a worker polls its channel before it sleeps: some 200 microseconds, in which the caller draws the inputs of
// the next look-ahead and merges the spikes of the last one. To wake a sleeping goroutine on another processor takes some 50
// microseconds, and a look-ahead of a hundred thousand neurons no more than 300.
const spins = 50_000

// receive waits for a value, at first by polling.
func (c *Crew) receive(from <-chan core.Tick) (value core.Tick, open bool) {
	for range c.spins {
		select {
		case value, open = <-from:
			return value, open
		default:
		}
	}
	value, open = <-from
	return value, open
}

// NewCrew splits a network and starts the workers: at most one for each neuron. It fails as core.Split does.
func NewCrew(d core.Description, workers int) (*Crew, error) {
	parts, ahead, err := core.Split(d, workers)
	if err != nil {
		return nil, err
	}
	c := &Crew{parts: parts, ahead: ahead, spins: spins}
	if runtime.GOMAXPROCS(0) < len(parts) {
		c.spins = 0 // a worker that polls would keep another one from its work
	}
	for i := range c.spikes {
		c.spikes[i] = make([][]core.Spike, len(parts))
	}
	for i := range parts[1:] {
		start, end := make(chan core.Tick, 1), make(chan core.Tick, 1)
		c.starts, c.ends = append(c.starts, start), append(c.ends, end)
		c.gone.Go(func() { // runs one part of the network
			for until, open := c.receive(start); open; until, open = c.receive(start) {
				c.work(i+1, until)
				end <- until
			}
		})
	}
	return c, nil
}

// Close ends the workers and waits for them.
func (c *Crew) Close() {
	for _, start := range c.starts {
		close(start)
	}
	c.gone.Wait()
}

// Workers returns the number of workers.
func (c *Crew) Workers() int { return len(c.parts) }

// work runs one part to the end of a look-ahead.
func (c *Crew) work(part int, until core.Tick) {
	p := c.parts[part]
	for other, spikes := range c.spikes[1-c.latest] {
		if other == part {
			continue
		}
		if err := p.Receive(spikes); err != nil {
			panic(fmt.Sprintf("crew: part %d of %d: %v", part, len(c.parts), err)) // a look-ahead is never longer than the shortest delay
		}
	}
	c.spikes[c.latest][part] = p.Advance(until, c.spikes[c.latest][part][:0])
}

// lookAhead runs all parts to a tick that is at most one look-ahead away.
func (c *Crew) lookAhead(until core.Tick) {
	c.latest = 1 - c.latest
	for _, start := range c.starts {
		start <- until
	}
	c.work(0, until)
	for _, end := range c.ends {
		c.receive(end)
	}
	c.now = until
}

// at returns the part that a neuron belongs to, or nil.
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
	for _, spikes := range c.spikes[c.latest] {
		if len(spikes) > 0 { // the other parts have not received them
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
		// Nothing happens before to, so the look-ahead may begin there.
		c.lookAhead(min(to+c.ahead, until))
		spikes = core.Merge(spikes, c.spikes[c.latest]...)
	}
	return spikes
}

// Counters returns the sums over all parts.
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
