package hil_test

import (
	"fmt"
	"testing"
	"time"
)

// marching is a robot whose leg is up, without any sensor, as long as it may.
func marching(w *wire, more string) string {
	return fmt.Sprintf(`robot: marching
board: %s
network: {neurons: {beat: {pacemaker: 10ms}}}
actuators: {leg: {%s, decode: {kind: count, neuron: beat, full: 100 Hz, window: 100ms}}}
mqtt: {broker: none}
%s`, under.board(), w.actuator, more)
}

// Disarm, emergency stop and the end bring the line to failsafe: seen from outside, with the time that it took.
func TestStopsReachTheLine(t *testing.T) {
	c := begin(t)
	w := under.wire()
	c.needs(w != nil, "output that is seen from outside")
	more := ""
	if w.drive != nil {
		w.drive(false)
		more = fmt.Sprintf("safety: {emergency_stop: {pin: '%s', pull: none, active: high}}\n", w.input)
	}
	w.mark()
	r, stop := start(t, marching(w, more))
	stops := []struct {
		name string
		do   func()
	}{
		{"disarm", func() { r.Disarm("the test") }},
		{"emergency stop", func() { r.EmergencyStop("the test") }},
	}
	if w.drive != nil {
		stops = append(stops, struct {
			name string
			do   func()
		}{"the switch", func() { w.drive(true) }})
	}
	for _, one := range stops {
		var took distribution
		for range 5 {
			w.await(t, true)
			w.mark()
			one.do()
			took = append(took, w.await(t, false))
			if w.drive != nil {
				w.drive(false)
			}
			eventually(t, "arming", func() bool { r.Disarm("ann"); return r.Arm("ann", false) == nil })
		}
		c.figure("%s p50 %v, max %v", one.name, took.at(0.5), took.at(1))
	}
	w.await(t, true)
	w.mark()
	stop()
	c.figure("end %v", w.await(t, false).Round(time.Microsecond))
}

// The same for PWM.
func TestStopsReachThePWM(t *testing.T) {
	c := begin(t)
	text := heated(c)
	under.thermometer().set(55)
	r, stop := start(t, text)
	for _, one := range []struct {
		name string
		do   func()
	}{
		{"disarm", func() { r.Disarm("the test") }},
		{"emergency stop", func() { r.EmergencyStop("the test") }},
	} {
		eventually(t, "the fan to turn", turns)
		one.do()
		c.figure("%s within %v", one.name, eventually(t, one.name, rests).Round(100*time.Microsecond))
		r.Disarm("ann")
		eventually(t, "arming", func() bool { return r.Arm("ann", false) == nil })
	}
	eventually(t, "the fan to turn", turns)
	stop()
	if !rests() {
		t.Error("the fan turns after the end")
	}
}

// The thermometer is pulled out and put back: failsafe, and on again by itself.
func TestUnpluggedAndReplugged(t *testing.T) {
	c := begin(t)
	text := heated(c)
	heat := under.thermometer()
	c.needs(heat.unplug != nil, "way to unplug the thermometer")
	heat.set(55)
	start(t, text)
	eventually(t, "the fan to turn", turns)
	for range 3 {
		heat.unplug(true)
		c.figure("failsafe after %v", eventually(t, "failsafe", rests).Round(time.Millisecond))
		heat.unplug(false)
		c.figure("on again after %v", eventually(t, "the fan to turn again", turns).Round(time.Millisecond))
	}
}
