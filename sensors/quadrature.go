package sensors

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"fluxd/options"
)

const (
	// quadratureOrder is how long an edge of one channel waits for an earlier edge of the other: the kernel delivers the
	// edges of each channel separately.
	quadratureOrder = time.Millisecond
	// quadratureWait bounds the wait for an edge of one channel: the next edge may be of the other.
	quadratureWait = 10 * time.Millisecond
	// quadratureStill is how long after the last count a wheel is at rest.
	quadratureStill = time.Second
	// quadratureCycle is how many counts a speed is measured over: a whole period of both channels, in which their unequal
	// phases cancel.
	quadratureCycle = 4
	// quadratureRoom bounds the readings that wait for Next.
	quadratureRoom = 1024
)

// QuadratureOpts are the options of a Quadrature. NewQuadrature uses the default of an option that is not set.
type QuadratureOpts struct {
	A string `yaml:"a" pin:"in" edges:"timed" required:"true" doc:"pin of channel A"`
	B string `yaml:"b" pin:"in" edges:"timed" required:"true" doc:"pin of channel B"`
	// Counts is how many edges of both channels make a unit: 48 for 12 slots per revolution. It is rounded to a millionth.
	Counts float64 `yaml:"counts" required:"true" min:"1" max:"1e9" doc:"edges of both channels per revolution or metre: four times the slots of the disc"`
	// Unit is the unit that Counts refers to, "rev" or "m".
	Unit string `yaml:"unit" default:"rev" enum:"rev,m" doc:"unit of the position: rev or m"`
	// Pull is the pull resistor of the pins. Most encoders with open collectors need "up".
	Pull string `yaml:"pull" default:"up" enum:"up,down,none" doc:"pull resistor; up: the switch closes to ground"`
	// Inverted reverses the direction.
	Inverted bool `yaml:"inverted" default:"false" doc:"reverses the direction"`
}

var quadratureKind = Kind{Name: "quadrature", About: "wheel encoder", New: func() Options { return new(QuadratureOpts) },
	Edges: true, Calibrates: true}

// Measures implements Options.
func (o *QuadratureOpts) Measures() []Measure {
	return []Measure{{Name: "position", Unit: o.Unit, Zeroes: true}, {Name: "speed", Unit: o.Unit + "/s", Polled: true}}
}

// Open implements Options.
func (o *QuadratureOpts) Open(from Parts) (Device, error) {
	a, err := from.EdgePin(o.A)
	if err != nil {
		return nil, err
	}
	b, err := from.EdgePin(o.B)
	if err != nil {
		return nil, err
	}
	return asDevice(NewQuadrature(a, b, o))
}

// Quadrature is a wheel encoder with two channels that are a quarter of a period apart. Every edge of either channel is
// a count, forward when A leads B. It measures "position", in units from the start, and "speed", in units per second.
// Each count is a reading of the position, at the time of its edge. The speed comes from the times of the last four
// counts, and is 0 a second after the last count. A Quadrature may be used from several goroutines.
//
// The edges of both channels are merged in the order of the kernel's stamps, so the direction is right however late
// they are read. For that, an edge waits up to a millisecond for an edge of the other channel. When edges were lost,
// the driver reads the levels again, and Errors counts it.
type Quadrature struct {
	name    string
	a, b    EdgePin
	opts    QuadratureOpts
	perUnit int64 // counts per unit, in millionths

	mutex     sync.Mutex
	ready     bool        // the pins are set up
	useNext   bool        // Next returns the counts as they come
	heads     [2]*Reading // the oldest edge of each channel that is not counted yet; Value is the level
	slots     [2]Reading  // memory for heads
	levels    [2]bool     // after the last counted edges
	counts    int64
	readings  []Reading                          // of the position, not yet returned by Next
	stamps    [quadratureCycle + 1]time.Duration // times of the last counts in one direction, latest first
	stamped   int                                // number of stamps
	direction int64                              // of the last count: 1 or -1
	lost      uint64                             // LostEdges of both pins at the last check
	errors    uint64
}

// NewQuadrature makes an encoder from its pins, which are set up at the first Sample or Next. The options must set
// Counts.
func NewQuadrature(a, b EdgePin, opts *QuadratureOpts) (*Quadrature, error) {
	q := &Quadrature{name: fmt.Sprintf("quadrature on %s and %s", a.Name(), b.Name()), a: a, b: b}
	q.opts = options.OrDefaults(opts, options.Defaults[QuadratureOpts]())
	if err := options.Validate(q.String(), &q.opts); err != nil {
		return nil, err
	}
	if a.Name() == b.Name() {
		return nil, fmt.Errorf("%s: expected two pins, got %s twice", q, a.Name())
	}
	q.perUnit = int64(math.Round(q.opts.Counts * 1e6))
	return q, nil
}

// String names the encoder and its pins.
func (q *Quadrature) String() string { return q.name }

// Measure returns "position", an EdgeSensor, or "speed".
func (q *Quadrature) Measure(name string) (Sensor, error) {
	measures := q.opts.Measures()
	i, err := findMeasure(q, measures, name)
	if err != nil {
		return nil, err
	}
	m := chipMeasure{chip: q, name: name, unit: measures[i].Unit, sample: q.position}
	if measures[i].Polled {
		m.sample = q.speed
		return &m, nil
	}
	return &quadraturePosition{m, q}, nil
}

// Errors counts how often edges were lost, or came in an impossible order.
func (q *Quadrature) Errors() uint64 {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	return q.errors
}

// Halt ends edge detection. The position is kept.
func (q *Quadrature) Halt() error {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.ready = false
	if err := errors.Join(q.a.Halt(), q.b.Halt()); err != nil {
		return fmt.Errorf("%s: halt: %w", q, err)
	}
	return nil
}

// quadraturePosition is the position, whose readings come with edges.
type quadraturePosition struct {
	chipMeasure
	of *Quadrature
}

// Next returns the position after the next count.
func (p *quadraturePosition) Next(now, timeout time.Duration) (Reading, bool) {
	return p.of.next(now, timeout)
}

// LostEdges counts the edges that either pin had no room for.
func (p *quadraturePosition) LostEdges() uint64 { return p.of.a.LostEdges() + p.of.b.LostEdges() }

func (q *Quadrature) position(at time.Duration) (int64, error) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if err := q.update(at); err != nil {
		return 0, err
	}
	return q.value(), nil
}

func (q *Quadrature) speed(at time.Duration) (int64, error) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if err := q.update(at); err != nil {
		return 0, err
	}
	if q.stamped < 2 || at-q.stamps[0] >= quadratureStill {
		return 0, nil
	}
	counts := q.stamped - 1
	elapsed := q.stamps[0] - q.stamps[counts]
	if since := at - q.stamps[0]; since*time.Duration(counts) > elapsed { // it has slowed down: each of the last counts came sooner
		counts, elapsed = 1, since
	}
	if elapsed <= 0 {
		elapsed = 1
	}
	// In one step, counts * 1e9 ns * 1e6 * 1e6 would not fit in 64 bits, so there are two.
	perSecond := nearest(int64(counts)*int64(time.Second)*1_000_000, int64(elapsed)) // millionths of counts per second
	return q.direction * nearest(min(perSecond, 1<<42)*1_000_000, q.perUnit), nil
}

// update sets the pins up, and counts the edges that they have, unless Next counts them.
func (q *Quadrature) update(at time.Duration) error {
	if err := q.setUp(); err != nil {
		return err
	}
	if !q.useNext {
		q.drain(at)
		q.readings = q.readings[:0]
	}
	return nil
}

// next waits for a count. It must be called from one goroutine, the only one that waits for edges.
func (q *Quadrature) next(now, timeout time.Duration) (Reading, bool) {
	end := now + max(timeout, 0)
	for {
		r, found, channel, wait := q.pop(now, end)
		if found || wait <= 0 {
			return r, found
		}
		at, level, ok := q.pin(channel).NextEdge(wait) // without the lock, so that the speed can be read meanwhile
		if ok {
			q.mutex.Lock()
			q.keep(channel, at, level)
			q.mutex.Unlock()
			now = max(now, at)
		} else {
			now += max(wait, 1)
		}
	}
}

// pop removes and returns the oldest reading. When there is none, it returns which channel to wait for, and how long.
// It returns a wait of 0 when the time is up, and when the pins cannot be set up, which the next Sample reports.
func (q *Quadrature) pop(now, end time.Duration) (r Reading, found bool, channel int, wait time.Duration) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.useNext = true
	if q.setUp() != nil {
		return Reading{}, false, 0, 0
	}
	q.drain(now)
	if len(q.readings) > 0 {
		r = q.readings[0]
		q.readings = q.readings[:copy(q.readings, q.readings[1:])]
		return r, true, 0, 0
	}
	if end <= now {
		return Reading{}, false, 0, 0
	}
	// Wait for the channel that may still have an edge before the other channel's edge. Without such an edge wait for A.
	wait = min(end-now, quadratureWait)
	if q.heads[0] != nil {
		channel = 1
	}
	if kept := q.heads[1-channel]; kept != nil {
		wait = min(wait, kept.At+quadratureOrder-now)
	}
	return Reading{}, false, channel, max(wait, 1)
}

func (q *Quadrature) pin(channel int) EdgePin {
	if channel == 0 {
		return q.a
	}
	return q.b
}

func (q *Quadrature) setUp() error {
	if q.ready {
		return nil
	}
	if err := errors.Join(q.a.In(pulls[q.opts.Pull], gpio.BothEdges), q.b.In(pulls[q.opts.Pull], gpio.BothEdges)); err != nil {
		return fmt.Errorf("%s: set up its pins: %w", q, err)
	}
	q.levels = [2]bool{bool(q.a.Read()), bool(q.b.Read())}
	q.ready, q.heads, q.stamped, q.lost = true, [2]*Reading{}, 0, q.a.LostEdges()+q.b.LostEdges()
	return nil
}

func (q *Quadrature) keep(channel int, at time.Duration, level gpio.Level) {
	q.slots[channel] = Reading{At: at}
	if level {
		q.slots[channel].Value = 1
	}
	q.heads[channel] = &q.slots[channel]
}

// drain counts the edges that the pins have, in the order of their times. It leaves edges that an edge of the other
// channel may still precede.
func (q *Quadrature) drain(now time.Duration) {
	for {
		for channel := range q.heads {
			if q.heads[channel] == nil {
				if at, level, ok := q.pin(channel).NextEdge(0); ok {
					q.keep(channel, at, level)
				}
			}
		}
		first := 0
		switch a, b := q.heads[0], q.heads[1]; {
		case a == nil && b == nil:
			q.resynchronise()
			return
		case a == nil || b != nil && b.At < a.At:
			first = 1
		}
		head := q.heads[first]
		if q.heads[1-first] == nil && now-head.At < quadratureOrder {
			return
		}
		q.heads[first] = nil
		q.count(first, head.At, head.Value != 0)
	}
}

// count counts an edge. Forward, A leads: an edge of A is a step forward if both levels were equal before it, an edge
// of B if they differed.
func (q *Quadrature) count(channel int, at time.Duration, level bool) {
	if q.levels[channel] == level { // an edge in between was lost
		q.errors++
		return
	}
	equal := q.levels[0] == q.levels[1]
	q.levels[channel] = level
	direction := int64(1)
	if equal != (channel == 0) {
		direction = -1
	}
	if q.opts.Inverted {
		direction = -direction
	}
	q.counts += direction
	if direction != q.direction {
		q.direction, q.stamped = direction, 0
	}
	copy(q.stamps[1:], q.stamps[:])
	q.stamps[0] = at
	q.stamped = min(q.stamped+1, len(q.stamps))
	if len(q.readings) < quadratureRoom {
		q.readings = append(q.readings, Reading{at, q.value()})
	}
}

// resynchronise reads the levels after edges were lost. The counts in between are lost, but counting is right from here
// on.
func (q *Quadrature) resynchronise() {
	lost := q.a.LostEdges() + q.b.LostEdges()
	if lost == q.lost {
		return
	}
	q.lost = lost
	q.errors++
	q.levels = [2]bool{bool(q.a.Read()), bool(q.b.Read())}
	q.stamped = 0
}

// value is the position in millionths of a unit: counts * 10^12 / perUnit. That product exceeds 64 bits after 9 million
// counts, and a robot runs longer than that, so it has 128 bits. A position beyond 9.2 * 10^12 units stays there.
func (q *Quadrature) value() int64 {
	counts, perUnit := uint64(max(q.counts, -q.counts)), uint64(q.perUnit)
	high, low := bits.Mul64(counts, 1_000_000_000_000)
	low, carry := bits.Add64(low, perUnit/2, 0) // to the nearest
	high += carry
	value := int64(math.MaxInt64)
	if high < perUnit {
		if quotient, _ := bits.Div64(high, low, perUnit); quotient < math.MaxInt64 {
			value = int64(quotient)
		}
	}
	if q.counts < 0 {
		return -value
	}
	return value
}
