package hil_test

import (
	"fmt"
	"testing"
	"time"
)

// reflexive is a robot whose leg moves for a moment whenever it is touched or let go. A machine that is later than the moment is long moves
// nothing: by then the spike is past.
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

// Edge in, network, edge out: seen from outside, each time.
func TestReflex(t *testing.T) {
	c := begin(t)
	w := under.wire()
	c.needs(w != nil && w.drive != nil, "line that is driven from outside")
	w.drive(false)
	r, _ := start(t, reflexive(w, "broker: none", 100*time.Millisecond))
	eventually(t, "the first look at the line", func() bool { _, seen := r.Sensors()["touch"]; return seen }) // edges start from there
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
	c.figure("edge to write, by the daemon's own account, p50 %d us, p99 %d us", h.EdgeToWrite.P50, h.EdgeToWrite.P99)
	t.Logf("edge to edge, from outside:\n%s", outside.picture())
	if h.Drops != 0 || h.EdgeToWrite.Count != touches {
		t.Errorf("%d drops, %d of %d touches answered at once", h.Drops, h.EdgeToWrite.Count, touches)
	}
}

// Twenty thousand edges as fast as they can be made: the loop goes on, and what is dropped is counted.
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
	took := time.Since(begun)
	eventually(t, "the leg to be free", func() bool { s := r.Health().Safety; return s.State == "armed" && s.Held["leg"] == nil })
	w.drive(true)
	eventually(t, "the last edge", func() bool { v, _ := r.Sensors()["touch"].Value.(float64); return v == 1 })
	w.await(t, true)
	h := r.Health()
	c.figure("%d edges in %v, %d dropped, loop p99 %d us", edges, took.Round(time.Millisecond), h.Drops, h.Latency.P99)
	// A slow machine takes all edges at once: most come while the neuron is deaf, and how many spikes they make is a matter of chance.
	if known := h.Spikes + h.Ignored + h.Drops; known < uint64(edges)/1000 {
		t.Errorf("of %d edges %d spikes were made, %d came to a deaf neuron and %d were dropped", edges, h.Spikes, h.Ignored, h.Drops)
	}
}
