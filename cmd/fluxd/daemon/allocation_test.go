package daemon

import (
	"log/slog"
	"testing"
	"time"

	"fluxd/boards/sim"
	"fluxd/cmd/fluxd/machine"

	"periph.io/x/conn/v3/gpio"
)

// Nothing allocates on the way from an edge on a pin to the write on another, so that a reflex never works for the garbage
// collector. Here, one goroutine takes all steps.
func TestReflexAllocatesNothing(t *testing.T) {
	config := parse(t, `robot: r
board: {kind: sim}
sensors:
  edge: {device: button, pin: GPIO17, debounce: 0s, encode: {kind: edge, on: both, to: feel, weight: 200}}
network:
  neurons: {feel: {refractory: 0s}, act: {refractory: 0s}}
  synapses: [{from: feel, to: act, weight: 200, delay: 1us}]
actuators:
  muscle: {device: hbridge, slew: none, pwm: GPIO12, direction: GPIO5,
           decode: {kind: count, neuron: act, full: 1 kHz, window: 1ms}}
mqtt: {broker: none}
`, nil)
	l, err := newRobot(config, RunOptions{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	l.safety.ArmSilently()
	now := time.Duration(0)
	l.clock = func() time.Duration { now += time.Microsecond; return now } // every reading of the clock takes a microsecond
	pin, err := l.body.Board.Pin("GPIO17")
	if err != nil {
		t.Fatal(err)
	}
	sensor, actuator := l.sensors[0], l.outputs[0]
	alarm := machine.NewAlarm(l.clock)
	defer alarm.Stop()
	written := 0
	write := func() { // the work of the actuator's goroutine when it is woken
		select {
		case <-actuator.wake:
			before := actuator.Guard.Applied()
			if err := l.move(actuator); err != nil {
				t.Fatal(err)
			}
			if actuator.Guard.Applied() != before {
				written++
			}
		default:
		}
	}
	level := gpio.High
	edge := func() {
		level = !level
		pin.(*sim.Pin).Drive(level)
		r, ok := sensor.Edges.Next(l.clock(), time.Second)
		if !ok {
			t.Fatal("no reading")
		}
		l.handOver(sensor, l.clock(), r.Value) // the pin's clock is another
		end := l.pass(<-l.readings, true)
		if due, waiting := l.due(); waiting && due <= end+wakeCost { // the synapse's microsecond
			l.pass(reading{}, false)
		}
		write()
		due, waiting := l.due()
		if !waiting {
			t.Fatal("the decoder has no spike to forget")
		}
		alarm.Wake(due)
		now = due
		alarm.Rung()
		l.pass(reading{}, false) // forgets it: the muscle rests
		write()
	}
	l.handOver(sensor, l.clock(), 0) // the level from which edges count
	l.pass(<-l.readings, true)
	for range 200 { // until every buffer has its size
		edge()
	}
	answered := percentiles(&l.toWrite[byEdge]).Count
	written = 0
	const edges = 1000
	if n := testing.AllocsPerRun(edges, edge); n != 0 {
		t.Errorf("%g allocations an edge", n)
	}
	// AllocsPerRun runs it once more, to warm up. Of the two writes an edge only the first answers it.
	if got := percentiles(&l.toWrite[byEdge]).Count - answered; written != 2*(edges+1) || got != edges+1 {
		t.Errorf("%d writes for %d edges, of which %d count as answers", written, edges+1, got)
	}
	if err := l.halt(); err != nil {
		t.Error(err)
	}
}
