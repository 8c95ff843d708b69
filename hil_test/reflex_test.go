package hil_test

import (
	"fmt"
	"testing"
	"time"
)

// reflexive is a robot whose leg moves for a moment when it is touched, and when it is released. If the machine is later than the
// moment is long, the leg does not move, because the spike has left the decoder's window.
func reflexive(w *wire, mqtt string, moment time.Duration) string {
	return fmt.Sprintf(`robot: reflex
board: %s
sensors: {touch: {device: button, pin: '%s', pull: none, debounce: 0s, encode: {kind: edge, on: both, to: feel}}}
network:
  neurons: {feel: {refractory: 0s}, act: {refractory: 0s}}
  synapses: [{from: feel, to: act, weight: 200, delay: 1us}]
actuators: {leg: {%s, decode: {kind: count, neuron: act, full: %.3f Hz, window: %v}}}
mqtt: {%s}
`, under.board(), w.input, w.actuator, 1/moment.Seconds(), moment, mqtt)
}

// An edge at the input goes through the network to an edge at the output. The delay is measured from outside.
func TestReflex(t *testing.T) {
	c := begin(t)
	w := under.wire()
	c.needs(w != nil && w.drive != nil, "line that is driven from outside")
	w.drive(false)
	r, _ := start(t, reflexive(w, "broker: none", 100*time.Millisecond))
	// Edges count from the first reading on.
	eventually(t, "the first reading of the line", func() bool { _, seen := r.Sensors()["touch"]; return seen })
	w.await(t, false)
	const touches = 60
	var outside distribution
	for i := range touches {
		w.drive(i&1 == 0)
		outside = append(outside, w.await(t, true))
		w.await(t, false)
	}
	h := r.Health()
	c.figure("edge to edge, from outside, %v", outside)
	c.figure("edge to write, measured by the daemon, p50 %d us, p99 %d us", h.EdgeToWrite.P50, h.EdgeToWrite.P99)
	t.Logf("edge to edge, from outside:\n%s", outside.picture())
	if h.Drops != 0 || h.EdgeToWrite.Count != touches {
		t.Errorf("%d drops, %d of %d touches answered by a write", h.Drops, h.EdgeToWrite.Count, touches)
	}
}

// Twenty thousand edges come as fast as they can be made. The control loop continues, and dropped edges are counted.
func TestEdgeStorm(t *testing.T) {
	c := begin(t)
	w := under.wire()
	c.needs(w != nil && w.drive != nil, "line that is driven from outside")
	w.drive(false)
	r, _ := start(t, fmt.Sprintf(`robot: storm
board: %s
sensors: {touch: {device: button, pin: '%s', pull: none, debounce: 0s, encode: {kind: edge, on: both, to: feel}}}
network: {neurons: {feel: {}, beat: {pacemaker: 10ms}}}
actuators: {leg: {%s, needs: [], decode: {kind: count, neuron: beat, full: 50 Hz, window: 100ms}}}
mqtt: {broker: none}
`, under.board(), w.input, w.actuator))
	w.await(t, true)
	edges := 20_000
	if under.name() == "edges" {
		edges = 500 // each is a round trip to the emulator
	}
	begun := time.Now()
	for i := range edges {
		w.drive(i&1 == 0)
	}
	duration := time.Since(begun)
	eventually(t, "the leg not to be held", func() bool {
		s := r.Health().Safety
		return s.State == "armed" &&
			s.Held["leg"] == nil
	})
	w.drive(true)
	eventually(t, "the last edge", func() bool { v, _ := r.Sensors()["touch"].Value.(float64); return v == 1 })
	w.await(t, true)
	h := r.Health()
	c.figure("%d edges in %v, %d dropped, loop p99 %d us", edges, duration.Round(time.Millisecond), h.Drops, h.Latency.P99)
	// A slow machine handles many edges in one pass. Most of them then fall into the neuron's refractory period, so the number of
	// spikes is a matter of chance.
	if known := h.Spikes + h.Ignored + h.Drops; known < uint64(edges)/1000 {
		t.Errorf("of %d edges, %d made spikes, %d fell into a refractory period and %d were dropped", edges, h.Spikes,
			h.Ignored, h.Drops)
	}
}
