package main

import (
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

func TestEmergencyStopDisarmAndArm(t *testing.T) {
	broker := "--broker=" + online(t, "r1", "").URL()
	for _, c := range []struct {
		verb string
		code int
		says string
	}{
		{"estop", exitOK, "stopped\n"},
		{"arm", exitRefused, "cannot arm: emergency_stop"},
		{"disarm", exitOK, "disarmed\n"},
		{"arm", exitOK, "armed\n"},
		{"arm --by-hand", exitRefused, "by hand"},
	} {
		code, out, problems := fluxctl(t, append([]string{broker}, strings.Fields(c.verb)...)...)
		if code != c.code || !strings.Contains(out+problems, c.says) {
			t.Errorf("%s: %d, %q, %q", c.verb, code, out, problems)
		}
	}
}

// An emergency stop is sent even to a robot whose status is offline: the status may be wrong.
func TestEmergencyStopToAnOfflineRobot(t *testing.T) {
	url, _ := openBroker(t)
	broker := "--broker=" + url
	online(t, "host", url)
	ghost := newStranger(t, url)
	stops := make(chan struct{}, 100)
	ghost.retain("flux/ghost/status", `{"state":"offline"}`)
	ghost.wait(ghost.Subscribe("flux/ghost/req/estop", 1, func(paho.Client, paho.Message) { stops <- struct{}{} }))
	again(t, func(code int, problems string) bool {
		return code == exitAbsent && strings.Contains(problems, "did not answer")
	}, broker, "estop", "--robot", "ghost")
	select {
	case <-stops:
	case <-time.After(patience):
		t.Error("no stop was sent")
	}
}
