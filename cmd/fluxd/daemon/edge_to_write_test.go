package daemon

import (
	"fluxd/bridge/protocol"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"fluxd/actuators"
)

// reflexAt is a robot with one sensor, one synapse and one label. The test moves its clock, and calls pass instead of the loop.
func reflexAt(t *testing.T, delay string) (l *Robot, now *time.Duration) {
	t.Helper()
	l, err := newRobot(parse(t, fmt.Sprintf(`robot: r
board: {kind: sim}
sensors:
  edge: {device: button, pin: GPIO17, encode: {kind: edge, to: feel}}
network:
  neurons: {feel: {refractory: 0s}, act: {refractory: 0s}}
  synapses: [{from: feel, to: act, weight: 100, delay: %s}]
actuators:
  word: {device: label, decode: {kind: winner-take-all, window: 50ms, choices: {act: go}}}
mqtt: {broker: none}
`, delay), nil), RunOptions{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	l.safety.ArmSilently()
	now = new(time.Duration)
	l.clock = func() time.Duration { return *now }
	*now = time.Millisecond
	l.handOver(l.sensors[0], *now, 0)
	l.pass(<-l.readings, true)
	serve(t, l)
	return l, now
}

// serve does the work of the actuator's goroutine when it is woken.
func serve(t *testing.T, l *Robot) {
	t.Helper()
	select {
	case <-l.outputs[0].wake:
		if err := l.move(l.outputs[0]); err != nil {
			t.Error(err)
		}
	default:
	}
}

// once is the telemetry of a single duration; of none for 0.
func once(us int64) protocol.Latency {
	return protocol.Latency{P50: us, P99: us, P999: us, Max: us, Count: min(us, 1)}
}

func TestEdgeToWriteCountsFromTheMotorSpikeThatAnswers(t *testing.T) {
	for _, c := range []struct {
		name, delay          string
		handed, passed, done time.Duration // after the edge
		edge, spike          int64         // the one duration of either kind, 0 for none
	}{
		{"a reflex", "1us", 10, 20, 50, 49, 0},
		{"a synapse's delay does not count, even if it passed while the loop was late", "30us", 10, 40, 50, 20, 0},
		{"a delayed spike counts as one, from when it is due", "5ms", 10, 20, 5100, 0, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, now := reflexAt(t, c.delay)
			*now = 10 * time.Millisecond
			edge := *now
			*now = edge + c.handed*time.Microsecond
			l.handOver(l.sensors[0], edge, 1)
			*now = edge + c.passed*time.Microsecond
			l.pass(<-l.readings, true)
			*now = edge + c.done*time.Microsecond
			if due, waiting := l.due(); waiting && due <= *now {
				l.pass(reading{}, false)
			}
			serve(t, l)
			if l.outputs[0].Label.Name() != "go" {
				t.Error("the reflex did not take place")
			}
			answers, others := percentiles(&l.toWrite[byEdge]), percentiles(&l.toWrite[bySpike])
			if answers != once(c.edge) || others != once(c.spike) {
				t.Errorf("edge %+v, spike %+v, want %d and %d us", answers, others, c.edge, c.spike)
			}
		})
	}
}

// A reading may come late because the network has advanced for another reason. That time belongs to the latency of the reflex.
func TestEdgeToWriteCountsTheTimeUnderWay(t *testing.T) {
	l, now := reflexAt(t, "1us")
	*now = 10 * time.Millisecond
	edge := *now
	*now = edge + 300*time.Microsecond
	l.pass(reading{}, false) // the network is past the edge
	l.handOver(l.sensors[0], edge, 1)
	*now = edge + 310*time.Microsecond
	l.pass(<-l.readings, true)
	*now = edge + 400*time.Microsecond
	serve(t, l)
	if got := percentiles(&l.toWrite[byEdge]).Max; got != 398 && got != 399 && got != 400 { // the histogram rounds above 256 us
		t.Errorf("%d us, want 399", got)
	}
}

// The latency counts from the earliest command that was not written, whatever was posted since. A write that fails does not
// count.
func TestEdgeToWriteCountsTheEarliestUnanswered(t *testing.T) {
	l, now := reflexAt(t, "1us")
	o := l.outputs[0]
	device := &moody{}
	var err error
	if o.Guard, err = actuators.NewGuard(device, actuators.GuardOpts{Min: -1, Max: 1, Failsafe: -1}); err != nil {
		t.Fatal(err)
	}
	if err := o.Guard.Start(0); err != nil {
		t.Fatal(err)
	}
	o.post(0, byEdge, 100*time.Microsecond)
	o.post(1, byEdge, 150*time.Microsecond)
	device.fails = true
	*now = 180 * time.Microsecond
	<-o.wake
	if err := l.move(o); err == nil {
		t.Error("the write did not fail")
	}
	device.fails = false
	o.post(0, byEdge, 190*time.Microsecond)
	<-o.wake
	*now = 200 * time.Microsecond
	if err := l.move(o); err != nil {
		t.Error(err)
	}
	if got := percentiles(&l.toWrite[byEdge]); got != once(100) {
		t.Errorf("%+v, want 100 us once", got)
	}
}

// moody is a device that fails while fails is set.
type moody struct{ fails bool }

func (m *moody) String() string { return "moody" }
func (m *moody) Halt() error    { return nil }
func (m *moody) Drive(actuators.Command) error {
	if m.fails {
		return fmt.Errorf("moody: not now")
	}
	return nil
}
