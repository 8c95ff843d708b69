package bridge_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"fluxd/bridge"
	"fluxd/bridge/protocol"
)

func TestRobotPublishes(t *testing.T) {
	topics := protocol.Topics("fake")
	b := startBridge(t, newFakeRobot(), bridge.Options{Version: "1.2", Boot: "b1"})
	c := dial(t, b.URL())

	c.online()
	// A client that connects later is given everything retained.
	status := retainedAs[protocol.Status](t, b.URL(), topics.Status())
	if status != (protocol.Status{State: protocol.Online, Boot: "b1", Version: "1.2", Protocol: protocol.Version}) {
		t.Errorf("status: %+v", status)
	}
	if d := retainedAs[protocol.Description](t, b.URL(), topics.Describe()); len(d.Parameters) != 2 || d.Parameters[0].Unit != "mV" {
		t.Errorf("describe: %+v", d)
	}
	if v := retainedAs[protocol.Value](t, b.URL(), topics.Param("group/b")); v != (protocol.Value{V: 2, Src: "config"}) {
		t.Errorf("param: %+v", v)
	}
	h := retainedAs[protocol.Health](t, b.URL(), topics.Health())
	if h.Spikes != 7 || h.SpikesPerSecond != 0 || h.CPU != nil || h.Uptime != protocol.Seconds(time.Minute) {
		t.Errorf("health with figures that are not finite: %+v", h)
	}
	sensors := next[map[string]protocol.Measure](c, topics.Sensors(), nil)
	eye := sensors["left_eye"]
	published := time.Since(time.UnixMilli(eye.Time).Add(time.Duration(eye.Age)))
	if published > patience || published < 0 {
		t.Errorf("a reading of 12 ms ago has the time %v", time.UnixMilli(eye.Time))
	}
	if h.Time < eye.Time-patience.Milliseconds() || h.Time > time.Now().UnixMilli() {
		t.Errorf("health has the time %v", time.UnixMilli(h.Time))
	}
	eye.Time = 0
	if len(sensors) != 1 || eye != (protocol.Measure{Value: 412.5, Unit: "lx", Age: protocol.Seconds(12 * time.Millisecond)}) {
		t.Errorf("sensors, one of them without a finite value: %+v", sensors)
	}
	a := next(c, topics.Actuators(), func(a map[string]protocol.Measure) bool { // the first may be older than that health
		return a["choice"].Time >= h.Time
	})
	if a["choice"].Value != "Slight-Left-Turn" || a["choice"].Time > time.Now().UnixMilli() {
		t.Errorf("actuators: %+v", a)
	}
	b.Event(protocol.SensorStale, "left_eye: no answer")
	e := next[protocol.Event](c, topics.Event(protocol.LevelError), nil)
	if e.Code != "sensor_stale" || e.Text != "left_eye: no answer" {
		t.Errorf("event: %+v", e)
	}
	b.Event(protocol.EdgesLost, "bumper")
	next(c, topics.Event(protocol.LevelWarning), func(e protocol.Event) bool { return e.Code == "edges_lost" })
}

func TestClosePublishesOffline(t *testing.T) {
	external := startTestBroker(t, "127.0.0.1:0")
	b := startBridge(t, newFakeRobot(), bridge.Options{Broker: external.url})
	c := dial(t, external.url)
	c.online()
	b.Event(protocol.Disarmed, "the last event")
	b.Close()
	b.Close() // again does nothing
	next(c, protocol.Topics("fake").Event(protocol.LevelInfo), func(e protocol.Event) bool { return e.Text == "the last event" })
	next(c, protocol.Topics("fake").Status(), func(s protocol.Status) bool { return s.State == protocol.Offline })
	if b.Connected() {
		t.Error("connected after Close")
	}
}

func TestBridgeEndsWithItsContext(t *testing.T) {
	external := startTestBroker(t, "127.0.0.1:0")
	ctx, cancel := context.WithCancel(t.Context())
	b, err := bridge.Start(ctx, allParts(newFakeRobot()), bridge.Options{Robot: "fake", Broker: external.url})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	c := dial(t, external.url)
	c.online()
	cancel()
	next(c, protocol.Topics("fake").Status(), func(s protocol.Status) bool { return s.State == protocol.Offline })
}

func TestLastWillAndReturn(t *testing.T) {
	external := startTestBroker(t, "127.0.0.1:0")
	robot := newFakeRobot()
	startBridge(t, robot, bridge.Options{Broker: external.url})
	c := dial(t, external.url)
	c.online()
	if n := external.cut(t); n != connections {
		t.Fatalf("the robot had %d connections, want one for stops, one for what every user may ask, and one for the rest", n)
	}
	// The broker of these tests loses the last will of a client that comes back at once.
	for deadline := time.Now().Add(patience); !c.receivesStatus(time.Second, protocol.Offline); external.cut(t) {
		if time.Now().After(deadline) {
			t.Fatal("the broker does not publish offline")
		}
	}
	c.online()
	// This online may be from before the loss: the library repeats what was not acknowledged, and only then does the bridge
	// subscribe again.
	for _, verb := range []string{"get", "disarm", "estop"} {
		if r := c.keepsAsking(verb); r.Status != protocol.StatusOK {
			t.Errorf("%s after the return: %+v", verb, r)
		}
	}
}

func TestLateLastWillIsCorrected(t *testing.T) {
	external := startTestBroker(t, "127.0.0.1:0")
	b := startBridge(t, newFakeRobot(), bridge.Options{Broker: external.url, Boot: "b1"})
	c := dial(t, b.URL())
	c.online()
	warm(t, b.URL())
	for _, boot := range []string{"b1", "b0"} { // of this run, and of the one before a power cut
		c.send(protocol.Topics("fake").Status(), true, protocol.Status{State: protocol.Offline, Boot: boot})
		next(c, protocol.Topics("fake").Status(), func(s protocol.Status) bool { return s.State == protocol.Offline && s.Boot == boot })
		// Not c.online(): messages of two publishers have no order, and the correction may have come first. Retained messages have one.
		eventually(t, "the broker retains the last will", func() bool {
			var s protocol.Status
			text := retained(t, b.URL())[protocol.Topics("fake").Status()]
			if err := json.Unmarshal([]byte(text), &s); err != nil {
				t.Fatalf("%v in %q", err, text)
			}
			return s == protocol.Status{State: protocol.Online, Boot: "b1", Protocol: protocol.Version}
		})
	}
}

// The robot clears retained parameters of an earlier configuration that it does not have any more.
func TestUnknownParametersAreCleared(t *testing.T) {
	external := startTestBroker(t, "127.0.0.1:0")
	topics := protocol.Topics("fake")
	before := dial(t, external.url)
	before.retain(topics.Param("gone"), protocol.Value{V: 5})
	before.retain(topics.Param("a"), protocol.Value{V: 5})
	before.retain(protocol.Topics("other").Param("gone"), protocol.Value{V: 6})
	startBridge(t, newFakeRobot(), bridge.Options{Broker: external.url})
	dial(t, external.url).online()
	eventually(t, "the parameter that is gone is still retained", func() bool {
		kept := retained(t, external.url)
		if kept[protocol.Topics("other").Param("gone")] == "" {
			t.Fatalf("a parameter of another robot was cleared: %v", kept)
		}
		for _, path := range []string{"a", "group/b"} {
			if kept[topics.Param(path)] == "" {
				t.Fatalf("%s, which the robot has, is not retained: %v", path, kept)
			}
		}
		return kept[topics.Param("gone")] == ""
	})
}

func TestBrokerRestarts(t *testing.T) {
	t.Parallel() // it waits
	if testing.Short() {
		t.Skip("it waits in real time")
	}
	first := startTestBroker(t, "127.0.0.1:0")
	robot := newFakeRobot()
	var log logBuffer
	b := startBridge(t, robot, bridge.Options{Broker: first.url, Log: slog.New(slog.NewTextHandler(&log, nil))})
	c := dial(t, first.url)
	c.online()
	c.ask("set", setting("s1", map[string]float64{"a": 77}))
	first.close()

	second := startTestBroker(t, first.address())
	if v := retainedAs[protocol.Value](t, second.url, protocol.Topics("fake").Param("a")); v.V != 77 {
		t.Errorf("param a at the new broker: %+v", v)
	}
	late := dial(t, second.url)
	late.online()
	if r := late.ask("set", setting("s2", map[string]float64{"a": 78})); r.Status != protocol.StatusOK {
		t.Errorf("set at the new broker: %+v", r)
	}
	if !b.Connected() {
		t.Error("not connected")
	}
	if n := log.count("lost the MQTT broker") + log.count("cannot reach the MQTT broker"); n != 1 {
		t.Errorf("the log says %d times that the broker is away, want once", n)
	}
}

func TestBrokerStartsAfterTheRobot(t *testing.T) {
	t.Parallel() // it waits
	if testing.Short() {
		t.Skip("it waits in real time")
	}
	address := freeAddress(t)
	var log logBuffer
	b := startBridge(t, newFakeRobot(), bridge.Options{Broker: "tcp://" + address, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if b.Connected() {
		t.Error("connected without a broker")
	}
	c := dial(t, startTestBroker(t, address).url)
	c.online()
	if r := c.ask("get", newRequest("g1")); r.Status != protocol.StatusOK {
		t.Errorf("get: %+v", r)
	}
	if n := log.count("cannot reach the MQTT broker"); n > 1 {
		t.Errorf("the log says %d times that the broker cannot be reached, want once", n)
	}
}

func TestBrokerThatStopsReading(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits in real time")
	}
	url, connected := stalledBroker(t)
	b := startBridge(t, newFakeRobot(), bridge.Options{Broker: url})
	select {
	case <-connected:
	case <-time.After(patience):
		t.Fatal("not connected")
	}
	text := strings.Repeat("x", 1000)
	for range 50_000 { // far more than sockets buffer: a call that waits would wait forever
		b.Event(protocol.Tuned, text)
	}
	if b.Dropped() == 0 {
		t.Error("nothing was dropped")
	}
	closed := make(chan struct{})
	go func() { b.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(patience):
		t.Fatal("Close does not end")
	}
}

// Two robots with one name both receive its requests. The one that was there first reports it.
func TestTwoRobotsWithOneName(t *testing.T) {
	var log logBuffer
	external := startTestBroker(t, "127.0.0.1:0")
	startBridge(t, newFakeRobot(), bridge.Options{Robot: "host", Broker: external.url})
	startBridge(t, newFakeRobot(), bridge.Options{Broker: external.url, Log: slog.New(slog.NewTextHandler(&log, nil))})
	c := dial(t, external.url)
	c.online()
	if log.count("another robot with this name") != 0 {
		t.Errorf("a robot that is alone: %s", &log)
	}
	startBridge(t, newFakeRobot(), bridge.Options{Broker: external.url})
	if e := next[protocol.Event](c, protocol.Topics("fake").Event(protocol.LevelWarning), nil); e.Code != "name_taken" {
		t.Errorf("event %+v", e)
	}
	if log.count("another robot with this name") != 1 {
		t.Errorf("logged %d times in\n%s", log.count("another robot with this name"), &log)
	}
}

// A broker lets the robot log in, but does not pass on what it publishes: the log says so.
func TestBrokerThatPassesNothingOn(t *testing.T) {
	t.Parallel() // it waits
	if testing.Short() {
		t.Skip("it waits in real time")
	}
	mute := &server.User{Username: "mute", Password: "mutemute",
		Permissions: &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{">"}}}}
	external := runTestBroker(t, server.MQTTOpts{Host: "127.0.0.1"}, mute)
	var log logBuffer
	startBridge(t, newFakeRobot(), bridge.Options{Broker: external.url, User: "mute", Password: "mutemute",
		Log: slog.New(slog.NewTextHandler(&log, nil))})
	eventually(t, "the log does not say so", func() bool { return log.count("does not pass on what the robot publishes") == 1 })
}
