package broker

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// hub runs a NATS server with listeners for leaf nodes and for MQTT, where the user "rt" has the rights of docs/fleet.md.
func hub(t *testing.T, leaf int) (mqtt string, end func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	robot := &server.User{Username: "rt", Password: "rtrt", Permissions: &server.Permissions{
		Publish: &server.SubjectPermission{Allow: []string{
			"flux.rt.status", "flux.rt.describe", "flux.rt.param.>", "flux.rt.res.>", "flux.rt.tele.>", "flux.rt.event.>"}},
		Subscribe: &server.SubjectPermission{Allow: []string{"flux.rt.req.>"}},
	}}
	ann := &server.User{Username: "ann", Password: "annann"}
	o := &server.Options{ServerName: "hub", DontListen: true, NoSigs: true, NoLog: true,
		JetStream: true, JetStreamDomain: "hub", StoreDir: t.TempDir(), Users: []*server.User{robot, ann},
		LeafNode: server.LeafNodeOpts{Host: "127.0.0.1", Port: leaf}, MQTT: server.MQTTOpts{Host: "127.0.0.1", Port: port}}
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(patience) {
		t.Fatal("the hub does not listen")
	}
	end = func() { s.Shutdown(); s.WaitForShutdown() }
	t.Cleanup(end)
	return fmt.Sprint("tcp://127.0.0.1:", port), end
}

// A robot's own broker is a leaf node of a fleet. The robot's messages go up, requests come down, and nothing else crosses.
// Without the hub the broker works alone.
func TestFleet(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts processes")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	leaf := l.Addr().(*net.TCPAddr).Port
	l.Close()
	var logged log
	t.Cleanup(func() { t.Log(logged.String()) })
	b := start(t, Options{Log: logged.logger(), Passwords: passwords(t),
		Fleet: Fleet{URL: fmt.Sprint("nats://127.0.0.1:", leaf), User: "rt", Password: "rtrt"}})
	robot, viewer := as(t, b, "rt"), as(t, b, "viewer")
	if !robot.subscribe("flux/rt/req/get", 0) || !robot.subscribe("flux/rt/req/get/+", 0) || !viewer.subscribe("flux/#", 0) {
		t.Fatal("not granted")
	}
	robot.publish("flux/rt/status", 1, true, "before there is a hub")
	viewer.next("before there is a hub")

	mqtt, end := hub(t, leaf)
	ann, err := login(t, mqtt, "ann", "annann", nil)
	if err != nil || !ann.subscribe("flux/#", 0) {
		t.Fatalf("at the hub: %v", err)
	}
	crosses := func(payload string) bool { // from when the leaf node is connected
		robot.publish("flux/rt/event/info", 1, false, payload)
		select {
		case m := <-ann.messages:
			return string(m.Payload()) == payload
		case <-time.After(50 * time.Millisecond):
			return false
		}
	}
	eventually(t, "the robot's message at the hub", func() bool { return crosses("here") })

	for qos := range byte(2) {
		level := fmt.Sprint("at QoS ", qos)
		for _, rest := range []string{
			"spikes", "status", "describe", "param/network.neurons.a.leak", "res/get", "tele/health", "tele/sensors", "tele/actuators",
			"event/error",
		} {
			robot.publish("flux/rt/"+rest, qos, false, level)
		}
		robot.publish("flux/rt/event/info", qos, false, "all "+level)
		var up []string
		before, _ := ann.next("all " + level)
		for _, m := range before {
			if string(m.Payload()) == level {
				up = append(up, strings.TrimPrefix(m.Topic(), "flux/rt/"))
			}
		}
		if len(up) != 8 || slices.Contains(up, "spikes") {
			t.Errorf("%s %v goes up", level, up)
		}
		viewer.next("all " + level)

		for _, topic := range []string{"flux/rt/status", "flux/rt/res/get", "flux/other/status", "flux/rt/req/get"} {
			ann.publish(topic, qos, false, "down "+level)
		}
		_, request := robot.next("down " + level)
		if request.Topic() != "flux/rt/req/get" {
			t.Errorf("%s: %s comes down", level, request.Topic())
		}
		ann.publish("flux/rt/req/get/ann", qos, false, "down by name "+level)
		if _, request = robot.next("down by name " + level); request.Topic() != "flux/rt/req/get/ann" {
			t.Errorf("%s: %s comes down", level, request.Topic())
		}
		robot.publish("flux/rt/event/info", qos, false, "after "+level)
		before, _ = viewer.next("after " + level)
		for _, m := range before {
			t.Errorf("%s: %s to %s came down", level, m.Payload(), m.Topic())
		}
	}

	end()
	robot.publish("flux/rt/status", 1, true, "without a hub")
	viewer.next("without a hub")
}
