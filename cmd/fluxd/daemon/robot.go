package daemon

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"runtime"
	"sync/atomic"
	"time"

	"fluxd/actuators"
	"fluxd/boards/sim"
	"fluxd/configs"
	"fluxd/core"
	"fluxd/encoders"
	"fluxd/sensors"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
)

// board is where pins and buses come from; a driver cannot tell the simulated one from a Raspberry Pi.
type board interface {
	String() string
	Pin(name string) (gpio.PinIO, error)
	Bus(name string) (i2c.BusCloser, error)
	Halt() error
}

// A robot is a configuration made real: parts that are wired but not yet moving. Its drivers decide who calls what and when.
type robot struct {
	config  *configs.Robot
	log     *slog.Logger
	clock   func() time.Duration // since the start; virtual or real
	board   board
	arena   *sim.Arena // nil without one
	network *core.Network
	neurons map[string][]int // by name; a population's name stands for all its members
	sensors []*sensorLine
	outputs []*outputLine
	routes  [][]route // by neuron: the decoders that listen to it
	spikes  []core.Spike
	arrival []core.Tick
	late    uint64 // arrivals that came for a tick already past, and were delivered at the next

	// Which spikes answer a reading, for the measurement of latency; real time only.
	since core.Tick     // those from this tick on do: that of the earliest reading that has not been fully served; never without one
	held  time.Duration // how long that reading was under way while the network went on
}

// never is later than any spike.
const never = core.Tick(math.MaxInt64)

// sensorLine is one sensor with its encoder and the neurons that it feeds.
type sensorLine struct {
	name     string
	sensor   sensors.Sensor
	edges    sensors.EdgeSensor // the same sensor, where it reports edges instead of being read at a rate
	every    time.Duration
	encoder  encoders.Encoder
	neurons  []int // each spike reaches all of them
	electric bool
	units    float64 // of a direct arrival
	water    int32   // the same in the neuron's water
	ended    bool    // a recording is over
	faults   int
	err      error // of the latest reading

	latest gauge // for telemetry
}

// gauge holds a sensor's latest good reading. The one goroutine that writes it never waits: whoever reads it while it is written
// tries again. A mutex would let telemetry, preempted while it held it, hold up the sensor.
type gauge struct {
	writes    atomic.Uint32 // odd while it is written
	value, at atomic.Int64
}

func (g *gauge) write(value int64, at time.Duration) {
	g.writes.Add(1)
	g.value.Store(value)
	g.at.Store(int64(at))
	g.writes.Add(1)
}

// read returns the reading and when it was taken; false when there has been none yet.
func (g *gauge) read() (value int64, at time.Duration, seen bool) {
	for {
		before := g.writes.Load()
		value, at := g.value.Load(), time.Duration(g.at.Load())
		if before&1 == 0 && g.writes.Load() == before {
			return value, at, before != 0
		}
		runtime.Gosched()
	}
}

// outputLine is one actuator with its decoder.
type outputLine struct {
	name     string
	guard    *actuators.Guard
	label    *actuators.Label // set when the actuator names a command instead of moving something
	decoder  encoders.Decoder
	failsafe actuators.Command // what silence of the decoder commands
	wish     actuators.Command // last handed on
	wished   bool

	// Real time only: the way of a wish from the loop to the actuator's own goroutine.
	fired      [causes]core.Tick     // the first spike of this turn, by cause; 0 without one
	mailbox    atomic.Int64          // the latest wish
	due        [causes]atomic.Int64  // when the earliest wish not yet taken was due, in ns; 0 for none
	wake       chan struct{}         // one slot: there is something in the mailbox
	unanswered [causes]time.Duration // the actuator's own: when the earliest wish not yet written was due; 0 for none
}

// A cause is why a wish has changed.
type cause int

const (
	// byEdge: a spike answers a reading that was taken in the same turn of the loop, without having waited for anything.
	byEdge cause = iota
	// bySpike: a spike that waited for a synapse's delay, or came of the network's own.
	bySpike

	causes = 2
)

// post leaves a wish in the mailbox, with the time at which it was due, and wakes the actuator. It never waits. The earliest time
// stays until it is taken: what an actuator has not answered yet grows older with each further wish.
func (o *outputLine) post(wish actuators.Command, why cause, due time.Duration) {
	o.mailbox.Store(int64(wish))
	if due > 0 {
		o.due[why].CompareAndSwap(0, int64(due))
	}
	select {
	case o.wake <- struct{}{}:
	default: // it has been told and will find the newer wish
	}
}

type route struct{ output, input int }

// edgeStep is how often edge sensors are looked at in virtual time: the integration step of the simulated worlds.
const edgeStep = time.Millisecond

// sense reads one sensor. It reports false when there is no reading: the sensor failed (counted, told once) or its recording is
// over.
func (r *robot) sense(line *sensorLine, at time.Duration) (int64, bool) {
	value, err := line.sensor.Sample(at)
	failed, recovered := err != nil && line.err == nil, err == nil && line.err != nil
	line.err = err
	if err == nil {
		line.latest.write(value, at)
	} else if !errors.Is(err, io.EOF) {
		line.faults++
	}
	switch {
	case errors.Is(err, io.EOF):
		if !line.ended {
			line.ended = true
			r.log.Debug("recording is over", "sensor", line.name)
		}
	case failed:
		r.log.Warn("sensor does not answer; trying again", "sensor", line.name, "error", err)
	case recovered:
		r.log.Info("sensor answers again", "sensor", line.name)
	}
	return value, err == nil
}

// feed encodes a reading into spikes and hands them to the network.
func (r *robot) feed(line *sensorLine, at core.Tick, value int64) {
	r.arrival = line.encoder.Encode(at, value, r.arrival[:0])
	for _, t := range r.arrival {
		if now := r.network.Now(); t < now {
			t = now
			r.late++
		}
		for _, neuron := range line.neurons {
			var err error
			if line.electric {
				err = r.network.Excite(t, neuron)
			} else {
				err = r.network.Pour(t, neuron, line.water)
			}
			if err != nil { // neither past nor unknown: a mistake of ours
				panic(fmt.Sprintf("sensor %s: spike at %d: %v", line.name, t, err))
			}
		}
	}
}

// think advances the network past a tick and shows its spikes to the decoders.
func (r *robot) think(at core.Tick) {
	r.spikes = r.network.Advance(at+1, r.spikes[:0])
	for _, s := range r.spikes {
		for _, to := range r.routes[s.Neuron] {
			o := r.outputs[to.output]
			o.decoder.Spike(s.At, to.input)
			why := bySpike
			if s.At >= r.since {
				why = byEdge
			}
			if o.fired[why] == 0 {
				o.fired[why] = s.At
			}
		}
	}
	for _, o := range r.outputs {
		o.decoder.Expire(at)
	}
}

// decide reads a decoder; it reports false while the command is the one that was handed on last.
func (o *outputLine) decide() (actuators.Command, bool) {
	c := o.failsafe
	if value, ok := o.decoder.Command(); ok {
		c = actuators.Command(value)
	}
	if o.wished && c == o.wish {
		return c, false
	}
	o.wish, o.wished = c, true
	return c, true
}

// next returns when the network or a decoder wants attention, and false when neither does.
func (r *robot) next() (core.Tick, bool) {
	next, waiting := r.network.Next()
	for _, o := range r.outputs {
		if t, ok := o.decoder.Next(); ok && (!waiting || t < next) {
			next, waiting = t, true
		}
	}
	return next, waiting
}

// failsafe brings every actuator to its failsafe value for good. It may be called from any goroutine, any number of times.
func (r *robot) failsafe() error {
	var errs []error
	for _, o := range r.outputs {
		if err := o.guard.Failsafe(); err != nil {
			errs = append(errs, fmt.Errorf("actuator %s: %w", o.name, err))
		}
	}
	return errors.Join(errs...)
}

// halt brings the actuators to failsafe and lets go of sensors and board.
func (r *robot) halt() error {
	errs := []error{r.failsafe()}
	for _, s := range r.sensors {
		if err := s.sensor.Halt(); err != nil {
			errs = append(errs, fmt.Errorf("sensor %s: %w", s.name, err))
		}
	}
	if r.board != nil {
		errs = append(errs, r.board.Halt())
	}
	return errors.Join(errs...)
}

// protect is deferred by every goroutine that a robot lives on: a panic anywhere brings the actuators to failsafe before it ends
// the process.
func (r *robot) protect() {
	if p := recover(); p != nil {
		r.log.Error("panic: actuators go to failsafe", "panic", p)
		if err := r.failsafe(); err != nil {
			r.log.Error("failsafe", "error", err)
		}
		panic(p)
	}
}
