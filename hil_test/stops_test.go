package hil_test

import (
	"fmt"
	"testing"
	"time"
)

// marching is a robot without sensors. Its leg is up while the robot is armed.
func marching(w *wire, more string) string {
	return fmt.Sprintf(`robot: marching
board: %s
network: {neurons: {beat: {pacemaker: 10ms}}}
actuators: {leg: {%s, decode: {kind: count, neuron: beat, full: 100 Hz, window: 100ms}}}
mqtt: {broker: none}
%s`, under.board(), w.actuator, more)
}

// Disarming, an emergency stop and the robot's end bring the output to failsafe. The delay is measured from outside.
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
		var delays distribution
		for range 5 {
			w.await(t, true)
			w.mark()
			one.do()
			delays = append(delays, w.await(t, false))
			if w.drive != nil {
				w.drive(false)
			}
			eventually(t, "arming", func() bool { r.Disarm("ann"); return r.Arm("ann", false) == nil })
		}
		c.figure("%s p50 %v, max %v", one.name, delays.at(0.5), delays.at(1))
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
		eventually(t, "the fan to start", fanOn)
		one.do()
		c.figure("%s within %v", one.name, eventually(t, one.name, fanOff).Round(100*time.Microsecond))
		r.Disarm("ann")
		eventually(t, "arming", func() bool { return r.Arm("ann", false) == nil })
	}
	eventually(t, "the fan to start", fanOn)
	stop()
	if !fanOff() {
		t.Error("the fan still runs after the robot's end")
	}
}

// When the thermometer is unplugged, the fan goes to failsafe. When it is plugged in again, the fan runs again by itself.
func TestUnpluggedAndReplugged(t *testing.T) {
	c := begin(t)
	text := heated(c)
	heat := under.thermometer()
	c.needs(heat.unplug != nil, "way to unplug the thermometer")
	heat.set(55)
	start(t, text)
	eventually(t, "the fan to start", fanOn)
	for range 3 {
		heat.unplug(true)
		c.figure("failsafe after %v", eventually(t, "failsafe", fanOff).Round(time.Millisecond))
		heat.unplug(false)
		c.figure("on again after %v", eventually(t, "the fan to start again", fanOn).Round(time.Millisecond))
	}
}
