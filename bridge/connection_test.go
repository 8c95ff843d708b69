package bridge

import (
	"context"
	"encoding/json"
	"fluxd/bridge/protocol"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
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

	if s := next(c, topics.Status(), func(s protocol.Status) bool { return s.State == protocol.Online }); s.Boot != "b1" || s.Version != "1.2" {
		t.Errorf("status: %+v", s)
	}
	// Everything retained is there, whoever comes when; in any order, so each is asked by a client of its own.
	dial(t, b.URL()).online()
	if d := next[protocol.Description](dial(t, b.URL()), topics.Describe(), nil); len(d.Parameters) != 2 || d.Parameters[0].Unit != "mV" {
		t.Errorf("describe: %+v", d)
	}
	if v := next[protocol.Value](dial(t, b.URL()), topics.Param("group/b"), nil); v != (protocol.Value{V: 2, Src: "config"}) {
		t.Errorf("param: %+v", v)
	}
	h := next[protocol.Health](dial(t, b.URL()), topics.Health(), nil)
	if h.Spikes != 7 || h.SpikesPerSecond != 0 || h.CPU != nil || h.Uptime != protocol.Seconds(time.Minute) {
		t.Errorf("health with figures that are not finite: %+v", h)
	}
	sensors := next[map[string]protocol.Measure](c, topics.Sensors(), nil)
	if len(sensors) != 1 || sensors["left_eye"] != (protocol.Measure{Value: 412.5, Unit: "lx", Age: protocol.Seconds(12 * time.Millisecond)}) {
		t.Errorf("sensors, one of them without a value: %+v", sensors)
	}
	if a := next[map[string]protocol.Measure](c, topics.Actuators(), nil); a["choice"].Value != "Slight-Left-Turn" {
		t.Errorf("actuators: %+v", a)
	}
	b.Event(protocol.LevelWarning, "sensor_lost", "left_eye: no answer")
	if e := next[protocol.Event](c, topics.Event(protocol.LevelWarning), nil); e.Code != "sensor_lost" || e.Text != "left_eye: no answer" {
		t.Errorf("event: %+v", e)
	}
	b.Event("a/#", "odd", "level")
	next(c, topics.Event(protocol.LevelError), func(e protocol.Event) bool { return e.Code == "odd" })
}

func TestMeasuresAreForWhoListens(t *testing.T) {
	b := startBridge(t, newFakeRobot(), Options{})
	sensors := protocol.Topics("fake").Sensors()
	if b.wanted(sensors) {
		t.Error("measures are published though nobody listens")
	}
	c := dial(t, b.URL())
	next[map[string]protocol.Measure](c, sensors, nil)
	if !b.wanted(sensors) {
		t.Error("somebody listens")
	}
}

func TestCloseSaysOffline(t *testing.T) {
	external := startTestBroker(t, "127.0.0.1:0")
	b := startBridge(t, newFakeRobot(), Options{Broker: external.url})
	c := dial(t, external.url)
	c.online()
	b.Event(protocol.LevelInfo, "bye", "the last word")
	b.Close()
	b.Close() // again does nothing
	next(c, protocol.Topics("fake").Event(protocol.LevelInfo), func(e protocol.Event) bool { return e.Code == "bye" })
	next(c, protocol.Topics("fake").Status(), func(s protocol.Status) bool { return s.State == protocol.Offline })
	if b.Connected() {
		t.Error("connected after Close")
	}
}

func TestTheEndOfTheContextIsTheEndOfTheBridge(t *testing.T) {
	external := startTestBroker(t, "127.0.0.1:0")
	ctx, cancel := context.WithCancel(t.Context())
	b, err := Start(ctx, newFakeRobot(), Options{Robot: "fake", Broker: external.url})
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
	startBridge(t, newFakeRobot(), Options{Broker: external.url})
	c := dial(t, external.url)
	c.online()
	lost := map[string]bool{}
	for _, client := range external.server.Clients.GetAll() {
		if strings.HasPrefix(client.ID, "fluxd-") {
			lost[client.Net.Remote] = true
			client.Net.Conn.Close()
		}
	}
	next(c, protocol.Topics("fake").Status(), func(s protocol.Status) bool { return s.State == protocol.Offline })
	c.online()
	// This may be a repetition from before the loss: what was not acknowledged is repeated first, and only then does the bridge
	// subscribe again.
	subscribed := func() bool {
		for id := range external.server.Topics.Subscribers(protocol.Topics("fake").Request("get")).Subscriptions {
			client, ok := external.server.Clients.Get(id)
			if ok && strings.HasPrefix(id, "fluxd-") && !lost[client.Net.Remote] {
				return true
			}
		}
		return false
	}
	for deadline := time.Now().Add(patience); !subscribed(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the bridge has not subscribed again")
		}
	}
	if r := c.ask("get", fresh("g1")); r.Status != protocol.StatusOK {
		t.Errorf("after the return: %+v", r)
	}
}

func TestALateLastWillIsPutRight(t *testing.T) {
	external := startTestBroker(t, "127.0.0.1:0") // the robot's own lets nobody forge it
	b := startBridge(t, newFakeRobot(), Options{Broker: external.url, Boot: "b1"})
	c := dial(t, b.URL())
	c.online()
	for _, boot := range []string{"b1", "b0"} { // of this start, and of the one before a power cut
		c.send(protocol.Topics("fake").Status(), true, protocol.Status{State: protocol.Offline, Boot: boot})
		next(c, protocol.Topics("fake").Status(), func(s protocol.Status) bool { return s.State == protocol.Offline && s.Boot == boot })
		// Not c.online(): two publishers have no order, and the broker may have brought the correction first. What it keeps has one.
		if s := next(dial(t, b.URL()), protocol.Topics("fake").Status(), func(s protocol.Status) bool { return s.State == protocol.Online }); s.Boot != "b1" {
			t.Errorf("%+v is online", s)
		}
	}
}

// A parameter that an earlier configuration had and this one has not: who subscribes is not told of it any more.
func TestParametersThatAreGoneAreTakenBack(t *testing.T) {
	external := startTestBroker(t, "127.0.0.1:0")
	topics := protocol.Topics("fake")
	before := dial(t, external.url)
	before.send(topics.Param("gone"), true, protocol.Value{V: 5})
	before.send(topics.Param("a"), true, protocol.Value{V: 5})
	before.send(protocol.Topics("other").Param("gone"), true, protocol.Value{V: 6})
	startBridge(t, newFakeRobot(), Options{Broker: external.url})
	dial(t, external.url).online()
	eventually := time.Now().Add(patience)
	for {
		if kept := external.server.Topics.Messages(topics.Param("#")); len(kept) == 2 {
			break
		} else if time.Now().After(eventually) {
			t.Fatalf("kept: %v", kept)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if kept := external.server.Topics.Messages(protocol.Topics("other").Param("#")); len(kept) != 1 {
		t.Errorf("of another robot: %v", kept)
	}
}

func TestTheBrokerIsStartedAgain(t *testing.T) {
	first, err := startBroker(house{listen: "127.0.0.1:0", log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	listen := strings.TrimPrefix(first.url, "tcp://")
	robot := newFakeRobot()
	var log journal
	b := startBridge(t, robot, Options{Broker: first.url, Log: slog.New(slog.NewTextHandler(&log, nil))})
	c := dial(t, first.url)
	c.online()
	c.ask("set", setting("s1", map[string]float64{"a": 77}))
	first.close(patience)

	second := startTestBroker(t, listen)
	if second.url != first.url {
		t.Fatalf("the port %s was taken by somebody else meanwhile", listen)
	}
	late := dial(t, second.url)
	if v := next[protocol.Value](late, protocol.Topics("fake").Param("a"), nil); v.V != 77 {
		t.Errorf("param a at the new broker: %+v", v)
	}
	late = dial(t, second.url)
	late.online()
	if r := late.ask("set", setting("s2", map[string]float64{"a": 78})); r.Status != protocol.StatusOK {
		t.Errorf("set at the new broker: %+v", r)
	}
	if !b.Connected() {
		t.Error("not connected")
	}
	if n := log.count("lost the MQTT broker") + log.count("cannot reach the MQTT broker"); n != 1 {
		t.Errorf("said %d times that the broker is away, want once", n)
	}
}

func TestABrokerThatComesLater(t *testing.T) {
	// A free port that nobody listens on: one was just given back.
	placeholder, err := startBroker(house{listen: "127.0.0.1:0", log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	placeholder.close(patience)
	var log journal
	b := startBridge(t, newFakeRobot(), Options{Broker: placeholder.url, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if b.Connected() {
		t.Error("connected to nobody")
	}
	c := dial(t, startTestBroker(t, strings.TrimPrefix(placeholder.url, "tcp://")).url)
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
		b.Event(protocol.LevelInfo, "flood", text)
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
	good := protocol.Description{}
	tests := []struct {
		name        string
		description protocol.Description
		opts        Options
		says        string
	}{
		{"no name", good, Options{Broker: Embedded}, "robot name"},
		{"a name of two levels", good, Options{Robot: "a/b", Broker: Embedded}, "robot name"},
		{"no broker", good, Options{Robot: "r"}, `expected "embedded" or a URL`},
		{"a host only", good, Options{Robot: "r", Broker: "localhost:1883"}, "like tcp://host:1883"},
		{"no port", good, Options{Robot: "r", Broker: "tcp://localhost"}, "with a port"},
		{"no MQTT", good, Options{Robot: "r", Broker: "http://localhost:80"}, "like tcp://host:1883"},
		{"a listener without a port", good, Options{Robot: "r", Broker: Embedded, Listen: "localhost"}, "expected host:port"},
		{"a listener for everybody", good, Options{Robot: "r", Broker: Embedded, Listen: "0.0.0.0:0"}, "name a file of passwords"},
		{"a listener for everybody, unnamed", good, Options{Robot: "r", Broker: Embedded, Listen: ":0"}, "name a file of passwords"},
		{"a path with a wildcard", protocol.Description{Parameters: []protocol.Parameter{{Path: "a/+"}}}, Options{Robot: "r", Broker: Embedded}, "expected a path"},
		{"a range without an end", protocol.Description{Parameters: []protocol.Parameter{{Path: "a", Max: inf()}}}, Options{Robot: "r", Broker: Embedded}, "finite range"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b, err := Start(t.Context(), describedRobot{newFakeRobot(), test.description}, test.opts)
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

func inf() float64 { x := 1e308; return x * 10 }

type describedRobot struct {
	Robot
	description protocol.Description
}

func (r describedRobot) Describe() protocol.Description { return r.description }

func TestAPasswordIsNotShown(t *testing.T) {
	b := startBridge(t, newFakeRobot(), Options{Broker: "tcp://me:secret@127.0.0.1:1"})
	if strings.Contains(b.URL(), "secret") {
		t.Errorf("URL is %s", b.URL())
	}
}

func Example() {
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	b, err := Start(context.Background(), newFakeRobot(), Options{Robot: "fake", Broker: Embedded, Listen: "127.0.0.1:0", Log: log})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close()
	b.Event(protocol.LevelInfo, "started", "ready to drive")
	fmt.Println(protocol.Topics("fake").Param("a"), b.Dropped())
	// Output: flux/fake/param/a 0
}

func ExampleRequest() {
	revision := protocol.Revision(17)
	text, err := json.Marshal(protocol.Request{ID: "u1", Time: 1_700_000_000_000, TTL: 2000, IfRevision: &revision, Set: map[string]float64{"neurons/eye/threshold": 90}})
	fmt.Println(string(text), err)
	// Output: {"id":"u1","ts":1700000000000,"ttl_ms":2000,"if_rev":17,"set":{"neurons/eye/threshold":90}} <nil>
}

// Two robots with one name would both do what one is told; whoever is there first says so.
func TestNamesakesAreTold(t *testing.T) {
	var log journal
	host := startBridge(t, newFakeRobot(), Options{Robot: "host"})
	startBridge(t, newFakeRobot(), Options{Broker: host.URL(), Log: slog.New(slog.NewTextHandler(&log, nil))})
	c := dial(t, host.URL())
	c.online()
	if log.count("another robot with this name") != 0 {
		t.Errorf("a robot that is alone: %s", &log)
	}
	startBridge(t, newFakeRobot(), Options{Broker: host.URL()})
	if e := next[protocol.Event](c, protocol.Topics("fake").Event(protocol.LevelWarning), nil); e.Code != "name_taken" {
		t.Errorf("event %+v", e)
	}
	if log.count("another robot with this name") != 1 {
		t.Errorf("told %d times in\n%s", log.count("another robot with this name"), &log)
	}
}
