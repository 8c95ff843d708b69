package sensors

import (
	"errors"
	"fluxd/options"
	"fmt"
	"math"
	"math/bits"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
)

const (
	// quadratureOrder is how long an edge of one channel waits for an earlier one of the other: the kernel hands them over one
	// channel at a time.
	quadratureOrder = time.Millisecond
	// quadratureLook bounds a wait for an edge of one channel: the next may be one of the other.
	quadratureLook = 10 * time.Millisecond
	// quadratureStill is how long after the last count a wheel counts as at rest.
	quadratureStill = time.Second
	// quadratureCycle is how many counts a speed is taken over: a whole period of both channels, in which their unequal phases cancel.
	quadratureCycle = 4
	// quadratureRoom bounds the counts that wait to be taken.
	quadratureRoom = 1024
)

// QuadratureOpts are the options of a Quadrature. NewQuadrature takes the default of each that is not set.
type QuadratureOpts struct {
	A string `yaml:"a" pin:"in" edges:"timed" required:"true" doc:"pin of channel A"`
	B string `yaml:"b" pin:"in" edges:"timed" required:"true" doc:"pin of channel B"`
	// Counts is how many edges of both channels make a unit: 48 for 12 slots a revolution. It is rounded to a millionth.
	Counts float64 `yaml:"counts" required:"true" min:"1" max:"1e9" doc:"edges of both channels per revolution or metre: four times the slots of the disc"`
	// Unit is "rev" or "m", whatever Counts counts.
	Unit string `yaml:"unit" default:"rev" enum:"rev,m" doc:"unit of the position: rev or m"`
	// Pull is the pins' resistor; most encoders with open collectors want "up".
	Pull string `yaml:"pull" default:"up" enum:"up,down,none" doc:"pull resistor; up: the switch closes to ground"`
	// Inverted counts the other way round.
	Inverted bool `yaml:"inverted" default:"false" doc:"the wheel turns the other way round"`
}

var quadratureKind = Kind{Name: "quadrature", About: "wheel encoder", New: func() Options { return new(QuadratureOpts) }, Edges: true, Calibrates: true}

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
	return several(NewQuadrature(a, b, o))
}

// Quadrature is a wheel encoder with two channels a quarter of a period apart. Every edge of either counts, forward when A leads B. It
// measures "position", in units from where it started, each count a reading of its own at the time of its edge, and "speed", in units a second,
// from the times of the last four counts; it is 0 a second after the last. It may be used from several goroutines.
//
// The edges of both channels are merged in the order of the kernel's stamps, so the direction is right however late they are taken; for
// that an edge waits up to a millisecond for one of the other channel. Where edges were lost the levels are looked at, and counted in Errors.
type Quadrature struct {
	name    string
	a, b    EdgePin
	opts    QuadratureOpts
	perUnit int64 // counts, in millionths

	mutex   sync.Mutex
	ready   bool
	watched bool        // somebody takes the counts as they come
	heads   [2]*Reading // the oldest edge of each channel that was taken and not counted; Value is the level
	slots   [2]Reading
	levels  [2]bool
	counts  int64
	done    []Reading
	stamps  [quadratureCycle + 1]time.Duration // of the last counts in one direction, latest first
	stamped int                                // how many there are
	way     int64                              // 1 or -1
	lost    uint64                             // edges, when last looked
	errors  uint64
}

// NewQuadrature makes an encoder of its pins, which are set up at the first Sample or Next. Options say the counts at least.
func NewQuadrature(a, b EdgePin, opts *QuadratureOpts) (*Quadrature, error) {
	q := &Quadrature{name: fmt.Sprintf("quadrature on %s and %s", a.Name(), b.Name()), a: a, b: b}
	q.opts = options.OrDefaults(opts, options.Defaults[QuadratureOpts]())
	if err := options.Validate(q.String(), &q.opts); err != nil {
		return nil, err
	}
	if a.Name() == b.Name() {
		return nil, fmt.Errorf("%s: expected two pins", q)
	}
	q.perUnit = int64(math.Round(q.opts.Counts * 1e6))
	return q, nil
}

// String names the encoder and its pins.
func (q *Quadrature) String() string { return q.name }

// Measure gives "position", an EdgeSensor, or "speed".
func (q *Quadrature) Measure(name string) (Sensor, error) {
	measures := q.opts.Measures()
	i, err := find(q, measures, name)
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

// Errors counts where edges were lost, or made no sense.
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

// quadraturePosition is the position, which comes with edges.
type quadraturePosition struct {
	chipMeasure
	of *Quadrature
}

// Next gives the next count.
func (p *quadraturePosition) Next(now, timeout time.Duration) (Reading, bool) {
	return p.of.next(now, timeout)
}

// LostEdges counts the edges that either pin had no room for.
func (p *quadraturePosition) LostEdges() uint64 { return p.of.a.LostEdges() + p.of.b.LostEdges() }

func (q *Quadrature) position(at time.Duration) (int64, error) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if err := q.look(at); err != nil {
		return 0, err
	}
	return q.value(), nil
}

func (q *Quadrature) speed(at time.Duration) (int64, error) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if err := q.look(at); err != nil {
		return 0, err
	}
	if q.stamped < 2 || at-q.stamps[0] >= quadratureStill {
		return 0, nil
	}
	counts := q.stamped - 1
	took := q.stamps[0] - q.stamps[counts]
	if since := at - q.stamps[0]; since*time.Duration(counts) > took { // no count for longer than one takes: it is slower than it was
		counts, took = 1, since
	}
	if took <= 0 {
		took = 1
	}
	// Counts in 1e6 s over counts per unit in millionths: units in millionths need 1e12, and times 1e9 ns it leaves 64 bits; so in two steps.
	perSecond := nearest(int64(counts)*int64(time.Second)*1_000_000, int64(took)) // millionths of counts a second
	return q.way * nearest(min(perSecond, 1<<42)*1_000_000, q.perUnit), nil
}

// look takes what edges there are, unless somebody takes them as they come.
func (q *Quadrature) look(at time.Duration) error {
	if err := q.setUp(); err != nil {
		return err
	}
	if !q.watched {
		q.drain(at)
		q.done = q.done[:0]
	}
	return nil
}

// next waits for a count. Whoever calls it is the only one who takes edges.
func (q *Quadrature) next(now, timeout time.Duration) (Reading, bool) {
	end := now + max(timeout, 0)
	for {
		r, found, channel, wait := q.take(now, end)
		if found || wait <= 0 {
			return r, found
		}
		at, level, ok := q.pin(channel).NextEdge(wait) // without the lock: others may look meanwhile
		if ok {
			q.mutex.Lock()
			q.hold(channel, at, level)
			q.mutex.Unlock()
			now = max(now, at)
		} else {
			now += max(wait, 1)
		}
	}
}

// take takes the oldest count. Without one it says which channel to wait for, and for how long; 0 when the time is up, or the pins cannot be
// set up, of which the next Sample tells why.
func (q *Quadrature) take(now, end time.Duration) (r Reading, found bool, channel int, wait time.Duration) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.watched = true
	if q.setUp() != nil {
		return Reading{}, false, 0, 0
	}
	q.drain(now)
	if len(q.done) > 0 {
		r = q.done[0]
		q.done = q.done[:copy(q.done, q.done[1:])]
		return r, true, 0, 0
	}
	if end <= now {
		return Reading{}, false, 0, 0
	}
	// Which channel to wait for: one that may still have an edge before the one that is held; at rest the one that does not bear the last.
	wait = min(end-now, quadratureLook)
	if q.heads[0] != nil {
		channel = 1
	}
	if held := q.heads[1-channel]; held != nil {
		wait = min(wait, held.At+quadratureOrder-now)
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

func (q *Quadrature) hold(channel int, at time.Duration, level gpio.Level) {
	q.slots[channel] = Reading{At: at}
	if level {
		q.slots[channel].Value = 1
	}
	q.heads[channel] = &q.slots[channel]
}

// drain counts the edges that are there, in the order of their times, but those that one of the other channel may still precede.
func (q *Quadrature) drain(now time.Duration) {
	for {
		for channel := range q.heads {
			if q.heads[channel] == nil {
				if at, level, ok := q.pin(channel).NextEdge(0); ok {
					q.hold(channel, at, level)
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

// count takes an edge. Forward, A leads: where both levels are equal an edge of A is a step ahead, else one of B.
func (q *Quadrature) count(channel int, at time.Duration, level bool) {
	if q.levels[channel] == level { // the edge between the two was lost
		q.errors++
		return
	}
	equal := q.levels[0] == q.levels[1]
	q.levels[channel] = level
	way := int64(1)
	if equal != (channel == 0) {
		way = -1
	}
	if q.opts.Inverted {
		way = -way
	}
	q.counts += way
	if way != q.way {
		q.way, q.stamped = way, 0
	}
	copy(q.stamps[1:], q.stamps[:])
	q.stamps[0] = at
	q.stamped = min(q.stamped+1, len(q.stamps))
	if len(q.done) < quadratureRoom {
		q.done = append(q.done, Reading{at, q.value()})
	}
}

// resynchronise looks at the levels when edges were lost: where the wheel is now, nobody knows, but from here on it counts right.
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

// value is the position: counts times 10^12, which leaves 64 bits after 9 million of them, by the millionths of counts a unit. A robot goes
// on for longer than that, so the product has 128 bits. The ends of a position are 9.2 * 10^12 units away: beyond them it would stay there.
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
