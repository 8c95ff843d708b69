package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fluxd/bridge/protocol"

	"github.com/nats-io/nats-server/v2/server"
)

// journal is a log to look into.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) count(what string) int {
	return strings.Count(j.String(), what)
}

func TestWhatARobotPublishes(t *testing.T) {
	topics := protocol.Topics("fake")
	b := startBridge(t, newFakeRobot(), Options{Version: "1.2", Boot: "b1"})
	c := dial(t, b.URL())

	c.online()
	// Everything retained is there, whoever comes when.
	status := kept[protocol.Status](t, b.URL(), topics.Status())
	if status != (protocol.Status{State: protocol.Online, Boot: "b1", Version: "1.2"}) {
		t.Errorf("status: %+v", status)
	}
	if d := kept[protocol.Description](t, b.URL(), topics.Describe()); len(d.Parameters) != 2 || d.Parameters[0].Unit != "mV" {
		t.Errorf("describe: %+v", d)
	}
	if v := kept[protocol.Value](t, b.URL(), topics.Param("group/b")); v != (protocol.Value{V: 2, Src: "config"}) {
		t.Errorf("param: %+v", v)
	}
	h := kept[protocol.Health](t, b.URL(), topics.Health())
	if h.Spikes != 7 || h.SpikesPerSecond != 0 || h.CPU != nil || h.Uptime != protocol.Seconds(time.Minute) {
		t.Errorf("health with figures that are not finite: %+v", h)
	}
	sensors := next[map[string]protocol.Measure](c, topics.Sensors(), nil)
	eye := sensors["left_eye"]
	if published := time.UnixMilli(eye.Time).Add(time.Duration(eye.Age)); time.Since(published) > patience || time.Since(published) < 0 {
		t.Errorf("a reading of 12 ms ago is of %v", time.UnixMilli(eye.Time))
	}
	if h.Time < eye.Time-patience.Milliseconds() || h.Time > time.Now().UnixMilli() {
		t.Errorf("health of %v", time.UnixMilli(h.Time))
	}
	eye.Time = 0
	if len(sensors) != 1 || eye != (protocol.Measure{Value: 412.5, Unit: "lx", Age: protocol.Seconds(12 * time.Millisecond)}) {
		t.Errorf("sensors, one of them without a value: %+v", sensors)
	}
	if a := next[map[string]protocol.Measure](c, topics.Actuators(), nil); a["choice"].Value != "Slight-Left-Turn" || a["choice"].Time < h.Time {
		t.Errorf("actuators: %+v", a)
	}
	b.Event(protocol.SensorStale, "left_eye: no answer")
	if e := next[protocol.Event](c, topics.Event(protocol.LevelError), nil); e.Code != "sensor_stale" || e.Text != "left_eye: no answer" {
		t.Errorf("event: %+v", e)
	}
	b.Event(protocol.EdgesLost, "bumper")
	next(c, topics.Event(protocol.LevelWarning), func(e protocol.Event) bool { return e.Code == "edges_lost" })
}

func TestCloseSaysOffline(t *testing.T) {
	external := startTestBroker(t, "127.0.0.1:0")
	b := startBridge(t, newFakeRobot(), Options{Broker: external.url})
	c := dial(t, external.url)
	c.online()
	b.Event(protocol.Disarmed, "the last word")
	b.Close()
	b.Close() // again does nothing
	next(c, protocol.Topics("fake").Event(protocol.LevelInfo), func(e protocol.Event) bool { return e.Text == "the last word" })
	next(c, protocol.Topics("fake").Status(), func(s protocol.Status) bool { return s.State == protocol.Offline })
	if b.client.IsConnectionOpen() {
		t.Error("connected after Close")
	}
}

func TestTheEndOfTheContextIsTheEndOfTheBridge(t *testing.T) {
	external := startTestBroker(t, "127.0.0.1:0")
	ctx, cancel := context.WithCancel(t.Context())
	b, err := Start(ctx, parts(newFakeRobot()), Options{Robot: "fake", Broker: external.url})
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
	startBridge(t, robot, Options{Broker: external.url})
	c := dial(t, external.url)
	c.online()
	if n := external.cut(t); n != 2 {
		t.Fatalf("the robot had %d connections, want one for requests and one that it is stopped on", n)
	}
	// The broker of these tests forgets the last will of a client that comes back at once.
	for deadline := time.Now().Add(patience); !c.hears(time.Second, protocol.Offline); external.cut(t) {
		if time.Now().After(deadline) {
			t.Fatal("nobody is told that the robot is offline")
		}
	}
	c.online()
	// This may be a repetition from before the loss: what was not acknowledged is repeated first, and only then does the bridge
	// subscribe again.
	for _, verb := range []string{"get", "disarm", "estop"} {
		if r := c.keepsAsking(verb); r.Status != protocol.StatusOK {
			t.Errorf("%s after the return: %+v", verb, r)
		}
	}
}

func TestALateLastWillIsPutRight(t *testing.T) {
	external := startTestBroker(t, "127.0.0.1:0")
	b := startBridge(t, newFakeRobot(), Options{Broker: external.url, Boot: "b1"})
	c := dial(t, b.URL())
	c.online()
	warm(t, b.URL())
	for _, boot := range []string{"b1", "b0"} { // of this start, and of the one before a power cut
		c.send(protocol.Topics("fake").Status(), true, protocol.Status{State: protocol.Offline, Boot: boot})
		next(c, protocol.Topics("fake").Status(), func(s protocol.Status) bool { return s.State == protocol.Offline && s.Boot == boot })
		// Not c.online(): two publishers have no order, and the broker may have brought the correction first. What it keeps has one.
		eventually(t, "the broker keeps the last will", func() bool {
			var s protocol.Status
			text := retained(t, b.URL())[protocol.Topics("fake").Status()]
			if err := json.Unmarshal([]byte(text), &s); err != nil {
				t.Fatalf("%v in %q", err, text)
			}
			return s == protocol.Status{State: protocol.Online, Boot: "b1"}
		})
	}
}

// A parameter that an earlier configuration had and this one has not: who subscribes is not told of it any more.
func TestParametersThatAreGoneAreTakenBack(t *testing.T) {
	external := startTestBroker(t, "127.0.0.1:0")
	topics := protocol.Topics("fake")
	before := dial(t, external.url)
	before.keep(topics.Param("gone"), protocol.Value{V: 5})
	before.keep(topics.Param("a"), protocol.Value{V: 5})
	before.keep(protocol.Topics("other").Param("gone"), protocol.Value{V: 6})
	startBridge(t, newFakeRobot(), Options{Broker: external.url})
	dial(t, external.url).online()
	eventually(t, "the parameter that is gone is still retained", func() bool {
		kept := retained(t, external.url)
		if kept[protocol.Topics("other").Param("gone")] == "" {
			t.Fatalf("a parameter of another robot was taken back: %v", kept)
		}
		for _, path := range []string{"a", "group/b"} {
			if kept[topics.Param(path)] == "" {
				t.Fatalf("%s, which is there, is not retained: %v", path, kept)
			}
		}
		return kept[topics.Param("gone")] == ""
	})
}

func TestTheBrokerIsStartedAgain(t *testing.T) {
	first := startTestBroker(t, "127.0.0.1:0")
	robot := newFakeRobot()
	var log journal
	b := startBridge(t, robot, Options{Broker: first.url, Log: slog.New(slog.NewTextHandler(&log, nil))})
	c := dial(t, first.url)
	c.online()
	c.ask("set", setting("s1", map[string]float64{"a": 77}))
	first.close()

	second := startTestBroker(t, first.address())
	if v := kept[protocol.Value](t, second.url, protocol.Topics("fake").Param("a")); v.V != 77 {
		t.Errorf("param a at the new broker: %+v", v)
	}
	late := dial(t, second.url)
	late.online()
	if r := late.ask("set", setting("s2", map[string]float64{"a": 78})); r.Status != protocol.StatusOK {
		t.Errorf("set at the new broker: %+v", r)
	}
	if !b.client.IsConnectionOpen() {
		t.Error("not connected")
	}
	if n := log.count("lost the MQTT broker") + log.count("cannot reach the MQTT broker"); n != 1 {
		t.Errorf("said %d times that the broker is away, want once", n)
	}
}

func TestABrokerThatComesLater(t *testing.T) {
	address := freeAddress(t)
	var log journal
	b := startBridge(t, newFakeRobot(), Options{Broker: "tcp://" + address, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if b.client.IsConnectionOpen() {
		t.Error("connected to nobody")
	}
	c := dial(t, startTestBroker(t, address).url)
	c.online()
	if r := c.ask("get", fresh("g1")); r.Status != protocol.StatusOK {
		t.Errorf("get: %+v", r)
	}
	if n := log.count("cannot reach the MQTT broker"); n > 1 {
		t.Errorf("said %d times that the broker cannot be reached, want once", n)
	}
}

func TestABrokerThatStopsReadingHoldsNobodyUp(t *testing.T) {
	url, connected := deafBroker(t)
	b := startBridge(t, newFakeRobot(), Options{Broker: url})
	select {
	case <-connected:
	case <-time.After(patience):
		t.Fatal("not connected")
	}
	text := strings.Repeat("x", 1000)
	for range 50_000 { // far more than sockets buffer: a call that waited would wait for ever
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

func TestStartRefuses(t *testing.T) {
	const nobody = "tcp://127.0.0.1:1"
	good := protocol.Description{}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	open := Options{Robot: "r", Broker: nobody}
	secured := func(files protocol.TLS) Options { return Options{Robot: "r", Broker: nobody, TLS: files} }
	tests := []struct {
		name        string
		description protocol.Description
		opts        Options
		says        string
	}{
		{"no name", good, Options{Broker: nobody}, "robot name"},
		{"a name of two levels", good, Options{Robot: "a/b", Broker: nobody}, "robot name"},
		{"a name with a space", good, Options{Robot: "a b", Broker: nobody}, "robot name"},
		{"no broker", good, Options{Robot: "r"}, "expected a URL with a port"},
		{"no URL", good, Options{Robot: "r", Broker: "tcp://local host:1"}, "expected a URL like tcp://host:1883"},
		{"a host only", good, Options{Robot: "r", Broker: "localhost:1883"}, "like tcp://host:1883"},
		{"no port", good, Options{Robot: "r", Broker: "tcp://localhost"}, "with a port"},
		{"no MQTT", good, Options{Robot: "r", Broker: "http://localhost:80"}, "like tcp://host:1883"},
		{"a CA that is none", good, secured(protocol.TLS{CA: text}), "expected certificates, PEM"},
		{"a CA that is missing", good, secured(protocol.TLS{CA: text + "?"}), "no such file"},
		{"a key without a certificate", good, secured(protocol.TLS{Key: text}), "its certificate is missing"},
		{"a certificate without a key", good, secured(protocol.TLS{Certificate: text}), "its key is missing"},
		{"a path with a wildcard", one(protocol.Parameter{Path: "a/+"}), open, "expected a path"},
		{"a range without an end", one(protocol.Parameter{Path: "a", Max: inf()}), open, "finite range"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b, err := Start(t.Context(), parts(describedRobot{newFakeRobot(), test.description}), test.opts)
			if err == nil {
				b.Close()
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %q, want something with %q", err, test.says)
			}
		})
	}
}

// A robot that can be reached can be stopped, whatever else it cannot do.
func TestARobotHasTelemetryAndSafety(t *testing.T) {
	robot := newFakeRobot()
	for _, missing := range []Robot{{}, {Telemetry: robot}, {Safety: robot, Tuner: robot}} {
		if _, err := Start(t.Context(), missing, Options{Robot: "r", Broker: "tcp://127.0.0.1:1"}); err == nil || !strings.Contains(err.Error(), "expected its Telemetry and its Safety") {
			t.Errorf("%+v: %v", missing, err)
		}
	}
}

// What a robot cannot do is refused, with what it can.
func TestARobotThatCanDoLittle(t *testing.T) {
	robot := newFakeRobot()
	b, err := Start(t.Context(), Robot{Telemetry: robot, Safety: robot}, Options{Robot: "fake", Broker: startTestBroker(t, "127.0.0.1:0").url})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	c := dial(t, b.URL())
	c.online()
	for _, verb := range []string{"get", "set", "reset", "reward", "stimulate", "save", "load", "drive", "sense", "watch"} {
		if r := c.ask(verb, fresh(verb)); !refusedAs(r, protocol.UnknownVerb) || r.Error.Message != "this robot does not "+verb+": it can be asked to arm, describe, disarm, estop" {
			t.Errorf("%s: %+v, %v", verb, r, r.Error)
		}
	}
	for _, verb := range []string{"arm", "estop", "disarm", "describe"} {
		if r := c.ask(verb, fresh(verb)); r.Error != nil {
			t.Errorf("%s: %v", verb, r.Error)
		}
	}
	if did := robot.did(); !slices.Equal(did, []string{"arm", "stop by mqtt", "disarm"}) {
		t.Errorf("the robot did %q", did)
	}
}

func inf() float64 { x := 1e308; return x * 10 }

// one describes a robot with one parameter.
func one(p protocol.Parameter) protocol.Description {
	return protocol.Description{Parameters: []protocol.Parameter{p}}
}

type describedRobot struct {
	whole
	description protocol.Description
}

func (r describedRobot) Describe() protocol.Description { return r.description }

// TelemetryEvery leaves the way to the rest: telemetry is what a robot throws away while it has much to say.
func (r describedRobot) TelemetryEvery() time.Duration { return time.Hour }

func TestAPasswordIsNotShown(t *testing.T) {
	b := startBridge(t, newFakeRobot(), Options{Broker: "tcp://me:secret@127.0.0.1:1"})
	if strings.Contains(b.URL(), "secret") {
		t.Errorf("URL is %s", b.URL())
	}
}

func Example() {
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	b, err := Start(context.Background(), parts(newFakeRobot()), Options{Robot: "fake", Broker: "tcp://127.0.0.1:1", Log: log})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close()
	b.Event(protocol.Armed, "ready to drive")
	fmt.Println(protocol.Topics("fake").Param("a"), b.Dropped())
	// Output: flux/fake/param/a 0
}

func Example_request() {
	revision := protocol.Revision(17)
	text, err := json.Marshal(protocol.Request{ID: "u1", Time: 1_700_000_000_000, TTL: 2000, IfRevision: &revision, Set: map[string]float64{"neurons/eye/threshold": 90}})
	fmt.Println(string(text), err)
	// Output: {"id":"u1","ts":1700000000000,"ttl_ms":2000,"if_rev":17,"set":{"neurons/eye/threshold":90}} <nil>
}

// Two robots with one name would both do what one is told; whoever is there first says so.
func TestNamesakesAreTold(t *testing.T) {
	var log journal
	external := startTestBroker(t, "127.0.0.1:0")
	startBridge(t, newFakeRobot(), Options{Robot: "host", Broker: external.url})
	startBridge(t, newFakeRobot(), Options{Broker: external.url, Log: slog.New(slog.NewTextHandler(&log, nil))})
	c := dial(t, external.url)
	c.online()
	if log.count("another robot with this name") != 0 {
		t.Errorf("a robot that is alone: %s", &log)
	}
	startBridge(t, newFakeRobot(), Options{Broker: external.url})
	if e := next[protocol.Event](c, protocol.Topics("fake").Event(protocol.LevelWarning), nil); e.Code != "name_taken" {
		t.Errorf("event %+v", e)
	}
	if log.count("another robot with this name") != 1 {
		t.Errorf("told %d times in\n%s", log.count("another robot with this name"), &log)
	}
}

// A broker that lets the robot log in, and passes nothing on of what it publishes: the log says so.
func TestABrokerThatPassesNothingOn(t *testing.T) {
	mute := &server.User{Username: "mute", Password: "mutemute", Permissions: &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{">"}}}}
	external := runTestBroker(t, server.MQTTOpts{Host: "127.0.0.1"}, mute)
	var log journal
	startBridge(t, newFakeRobot(), Options{Broker: external.url, User: "mute", Password: "mutemute", Log: slog.New(slog.NewTextHandler(&log, nil))})
	eventually(t, "the log does not say so", func() bool { return log.count("passes nothing on of what the robot publishes") == 1 })
}
