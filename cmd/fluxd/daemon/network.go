package daemon

import (
	"fluxd/cmd/fluxd/reward"
	"fluxd/cmd/fluxd/safety"
	"fluxd/cmd/fluxd/sense"
	"fluxd/cmd/fluxd/tap"
	"fluxd/core"
	"fluxd/encoders"
	"fmt"
	"sync/atomic"
)

// A sensorLine is one sensor with its encoder and the neurons that it feeds.
type sensorLine struct {
	*sense.Sensor
	encoder encoders.Encoder
	neurons []int   // the inputs of the encoder
	water   []int32 // what a spike pours into each neuron; nil: it fires the neuron
	rewards []*reward.Reward
	index   int            // among the robot's sensors
	pending atomic.Int32   // readings on their way to the loop
	watched *safety.Sensor // the same sensor, as package safety watches it
}

// feed encodes a reading into spikes and gives them to the network, and the reading to rewards.
func (r *Robot) feed(line *sensorLine, at core.Tick, value int64) {
	value = line.FromZero(value)
	if r.tap.Followed() {
		r.tap.Write(tap.Record{At: int64(at), Kind: tap.Reading, Index: int32(line.index), Value: value})
	}
	for _, w := range line.rewards {
		r.recordReward(w, at, w.Earn(r.network, at, value))
	}
	r.encoded = line.encoder.Encode(at, value, r.encoded[:0])
	for _, spike := range r.encoded {
		if now := r.network.Now(); spike.At < now {
			spike.At = now
			r.late++
		}
		if spike.Input != encoders.All {
			r.excite(line, spike.At, spike.Input)
			continue
		}
		for input := range line.neurons {
			r.excite(line, spike.At, input)
		}
	}
}

// excite gives a spike of a sensor to one of its neurons.
func (r *Robot) excite(line *sensorLine, at core.Tick, input int) {
	var err error
	if neuron := line.neurons[input]; line.water == nil {
		err = r.network.Excite(at, neuron)
	} else {
		err = r.network.Pour(at, neuron, line.water[input])
	}
	if err != nil { // impossible: the time is not past and the neuron exists
		panic(fmt.Sprintf("sensor %s: spike at %d: %v", line.Name, at, err))
	}
}

// A route leads from a neuron to an input of an output's decoder.
type route struct{ output, input int }

// advance advances the network past a tick and passes its spikes to the decoders.
func (r *Robot) advance(at core.Tick) {
	r.spiked = r.network.Advance(at+1, r.spiked[:0])
	followed := r.tap.Followed()
	for _, s := range r.spiked {
		r.fired[s.Neuron]++
		if followed {
			r.tap.Write(tap.Record{At: int64(s.At), Kind: tap.Spike, Index: int32(s.Neuron)})
		}
		if r.actors != nil {
			for _, h := range r.actors[s.Neuron] {
				h.Record(s.At)
			}
		}
		for _, to := range r.routes[s.Neuron] {
			o := r.outputs[to.output]
			o.decoder.Spike(s.At, to.input)
			why := bySpike
			if s.At >= r.answerFrom {
				why = byEdge
			}
			if o.fired[why] == 0 {
				o.fired[why] = s.At
			}
		}
	}
	for _, o := range r.outputs {
		o.decoder.Advance(at)
	}
}

// next returns when the network, a decoder or a command by hand needs attention, and false when none does.
func (r *Robot) next() (core.Tick, bool) {
	next, waiting := r.network.Next()
	if t, ok := r.handDue(); ok && (!waiting || t < next) {
		next, waiting = t, true
	}
	for _, o := range r.outputs {
		if t, ok := o.decoder.Next(); ok && (!waiting || t < next) {
			next, waiting = t, true
		}
	}
	return next, waiting
}

// clearNetwork puts the network, decoders and rewards back to their state at the start. What was learnt and tuned stays.
func (r *Robot) clearNetwork() {
	r.network.Reset()
	for _, o := range r.outputs {
		o.decoder.Clear()
		o.fired = [causes]core.Tick{}
	}
	for _, w := range r.rewards {
		w.Forget()
	}
	r.answerFrom, r.readingDelay = distantFuture, 0
}

// restart puts the network, encoders, decoders and rewards back to their state at the start, and posts the resulting commands,
// for another episode of the world. The network gets another seed, so that its noise is not the same in every episode: reseeded
// is that change, prepared. It runs in the goroutine that owns the network. When another change came first, it does nothing and
// returns false.
func (r *Robot) restart(seed uint64, reseeded *core.Change) (done bool) {
	if !r.network.Commit(reseeded) {
		return false
	}
	r.clearNetwork()
	for i, line := range r.sensors {
		c := r.config.Sensors[i].Value
		if r.tuner != nil {
			c = r.tuner.Settings().Sensors[i]
		}
		if encoder, err := c.OpenEncoder(line.Name, seed); err == nil { // it was opened with these options before
			line.encoder = encoder
		}
	}
	r.decide(r.clock())
	return true
}

// droppedSpikes counts the spikes that decoders dropped because their windows were full.
func (r *Robot) droppedSpikes() (all uint64) {
	for _, o := range r.outputs {
		if bounded, is := o.decoder.(encoders.Bounded); is {
			all += bounded.Dropped()
		}
	}
	return all
}
