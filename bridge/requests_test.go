package bridge_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"fluxd/bridge"
	"fluxd/bridge/protocol"
)

func TestDuplicateIsIgnored(t *testing.T) {
	robot := newFakeRobot()
	c := dial(t, startBridge(t, robot, bridge.Options{}).URL())
	c.online()

	twice := setting("s1", map[string]float64{"a": 10})
	c.ask("set", twice)
	c.send(protocol.Topics("fake").Request("set"), false, twice)

	// Requests with different verbs have no order: send others until the duplicate must have arrived.
	for i := range 20 {
		id := fmt.Sprint("later", i)
		c.send(protocol.Topics("fake").Request("get"), false, newRequest(id))
		deadline := time.After(patience)
		for answered := false; !answered; {
			select {
			case m := <-c.messages:
				if m.Topic() == protocol.Topics("fake").Response("set") {
					t.Fatalf("the duplicate was answered: %s", m.Payload())
				}
				answered = m.Topic() == protocol.Topics("fake").Response("get") && strings.Contains(string(m.Payload()), `"`+id+`"`)
			case <-deadline:
				t.Fatal("no answer")
			}
		}
	}
	if n := robot.count(); n != 1 {
		t.Errorf("executed %d times, want once", n)
	}
}

// A request is valid for its ttl_ms, never longer than MaxAge, and its ts is at most MaxAhead in the future.
func TestHowLongARequestIsValid(t *testing.T) {
	now := time.Now()
	c := dial(t, startBridge(t, newFakeRobot(), bridge.Options{Clock: func() time.Time { return now }}).URL())
	c.online()
	for _, test := range []struct {
		name string
		sent time.Duration
		ttl  time.Duration
		good bool
	}{
		{"fresh", 0, time.Minute, true},
		{"as old as it may be", -protocol.MaxAge, time.Minute, true},
		{"older", -protocol.MaxAge - time.Millisecond, time.Minute, false},
		{"31 s old", -31 * time.Second, time.Minute, false},
		{"older, with a ttl_ms of an hour", -protocol.MaxAge - time.Millisecond, protocol.MaxTTL, false},
		{"as old as its ttl_ms", -2 * time.Second, 2 * time.Second, true},
		{"older than its ttl_ms", -2*time.Second - time.Millisecond, 2 * time.Second, false},
		{"4 s ahead", 4 * time.Second, time.Minute, true},
		{"as far ahead as it may be", protocol.MaxAhead, time.Minute, true},
		{"further ahead", protocol.MaxAhead + time.Millisecond, time.Minute, false},
		{"6 s ahead", 6 * time.Second, time.Minute, false},
		{"ahead, with a short ttl_ms", 4 * time.Second, time.Millisecond, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := c.ask("get", protocol.Request{ID: test.name, Time: now.Add(test.sent).UnixMilli(), TTL: test.ttl.Milliseconds()})
			if test.good && r.Status != protocol.StatusOK || !test.good && !refusedAs(r, protocol.Stale) {
				t.Errorf("answered with %+v, %v", r, r.Error)
			}
		})
	}
}

// A verb that does not exist is not answered: the robot does not even subscribe to it.
func TestUnknownVerbIsNotAnswered(t *testing.T) {
	robot := newFakeRobot()
	c := dial(t, startBridge(t, robot, bridge.Options{}).URL())
	c.online()
	for _, verb := range []string{"dance", "dance/ann", "set/ann/more", "estop/ann/more", "Estop", "Estop/ann"} {
		c.send(protocol.Topics("fake").Request(verb), false, newRequest(verb))
	}
	// Requests with different verbs have no order: send others until an answer would have come.
	for i := range 20 {
		id := fmt.Sprint("later", i)
		c.send(protocol.Topics("fake").Request("get"), false, newRequest(id))
		for answered := false; !answered; {
			select {
			case m := <-c.messages:
				verb, response := strings.CutPrefix(m.Topic(), protocol.Topics("fake").Response(""))
				if response && verb != "get" {
					t.Fatalf("%s was answered: %s", verb, m.Payload())
				}
				var r protocol.Response
				answered = response && json.Unmarshal(m.Payload(), &r) == nil && r.ID == id
			case <-time.After(patience):
				t.Fatal("no answer")
			}
		}
	}
	if did := robot.orderList(); len(did) > 0 || robot.count() > 0 {
		t.Errorf("the robot did %q, and changed %d times", did, robot.count())
	}
}

func TestRefusals(t *testing.T) {
	if testing.Short() {
		t.Skip("a robot and a broker for each case")
	}
	now := time.Now()
	stale := setting("stale", map[string]float64{"a": 10})
	stale.Time -= 61_000
	tooOld := setting("too old", map[string]float64{"a": 10})
	tooOld.Time -= 31_000
	ahead := setting("ahead", map[string]float64{"a": 10})
	ahead.Time += 6_000
	future := setting("future", map[string]float64{"a": 10})
	future.Time += 3_600_000
	timeless := setting("timeless", map[string]float64{"a": 10})
	timeless.Time = 0
	endless := setting("endless", map[string]float64{"a": 10})
	endless.TTL = protocol.MaxTTL.Milliseconds() + 1
	unknown := newRequest("unknown")
	unknown.Paths = []string{"nowhere"}

	tests := []struct {
		name    string
		verb    string
		payload any
		id      string
		code    protocol.Code
		says    string
	}{
		{"not JSON", "set", "{", "", protocol.Malformed, "ends too early"},
		{"empty", "set", "", "", protocol.Malformed, "got nothing"},
		{"no object", "get", "[]", "", protocol.Malformed, "got a list"},
		{"something behind it", "get", `{"id":"behind"} {}`, "behind", protocol.Malformed, "not JSON from byte"},
		{"misspelt key before the id", "set", `{"values":{"a":1},"id":"misspelt"}`, "misspelt", protocol.Malformed,
			`values: verb set has no such key`},
		{"wrong type", "set", `{"id":"type","ts":1,"ttl_ms":1,"set":{"a":"high"}}`, "type", protocol.Malformed,
			`set.a: expected a number, got "high"`},
		{"infinite", "set", `{"id":"inf","ts":1,"ttl_ms":1,"set":{"a":1e999}}`, "inf", protocol.Malformed, "1e999"},
		{"no id", "set", `{"ts":1,"ttl_ms":1,"set":{"a":1}}`, "", protocol.Malformed, "id: expected"},
		{"long id", "set", `{"id":"` + strings.Repeat("x", 129) + `","ts":1,"ttl_ms":1}`, "", protocol.Malformed, "id: expected"},
		{"no time", "set", timeless, "timeless", protocol.Malformed, "ts: expected"},
		{"no end", "set", endless, "endless", protocol.Malformed, "ttl_ms: expected 1 to 3600000"},
		{"nothing to set", "set", newRequest("nothing"), "nothing", protocol.Malformed, "at least one"},
		{"too large", "set", `{"id":"large","set":{` + strings.Repeat(" ", protocol.MaxRequest) + `}}`, "", protocol.TooLarge,
			"at most 65536"},
		{"stale", "set", stale, "stale", protocol.Stale, "too late"},
		{"stale, with a longer ttl_ms", "set", tooOld, "too old", protocol.Stale, "valid for 30000 ms"},
		{"a little from the future", "set", ahead, "ahead", protocol.Stale, "clocks differ"},
		{"from the future", "set", future, "future", protocol.Stale, "clocks differ"},
		{"unknown parameter", "get", unknown, "unknown", protocol.UnknownParameter, "no such parameter"},
	}
	robot := newFakeRobot()
	c := dial(t, startBridge(t, robot, bridge.Options{Clock: func() time.Time { return now }}).URL())
	c.online()
	malformed := uint64(0)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c.send(protocol.Topics("fake").Request(test.verb), false, test.payload)
			r := c.answer(test.verb, test.id)
			if !refusedAs(r, test.code) || !strings.Contains(r.Error.Error(), test.says) {
				t.Errorf("got %+v with %+v, want code %s and a message with %q", r, r.Error, test.code, test.says)
			}
		})
		if test.code == protocol.Malformed || test.code == protocol.TooLarge {
			malformed++
		}
	}
	if robot.count() != 0 {
		t.Error("a refused request was executed")
	}
	counted := func(h protocol.Health) bool { return h.Bridge.Malformed > 0 }
	if h := next(c, protocol.Topics("fake").Health(), counted); h.Bridge.Malformed != malformed {
		t.Errorf("counted %d malformed requests, want %d", h.Bridge.Malformed, malformed)
	}
}

// A retained request is refused, since its age is unknown. One that stops the robot would stop it at each connection.
func TestRetainedRequestIsRefused(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits in real time")
	}
	for _, test := range []struct {
		name, verb string
		request    protocol.Request
	}{
		{"set", "set", setting("r1", map[string]float64{"a": 10})},
		{"arm", "arm", newRequest("r1")},
		{"arm with value 0", "arm", valued(newRequest("r1"), new(float64))},
		{"disarm", "disarm", newRequest("r1")},
		{"estop", "estop", newRequest("r1")},
	} {
		t.Run(test.name, func(t *testing.T) {
			external := startTestBroker(t, "127.0.0.1:0")
			c := dial(t, external.url)
			c.retain(protocol.Topics("fake").Request(test.verb), test.request)
			robot := newFakeRobot()
			startBridge(t, robot, bridge.Options{Broker: external.url})
			r := c.answer(test.verb, "r1")
			if !refusedAs(r, protocol.Retained) || strings.Contains(r.Error.Message, "nevertheless") {
				t.Errorf("answer: %+v, %v", r, r.Error)
			}
			if did := robot.orderList(); len(did) > 0 || robot.count() != 0 {
				t.Errorf("the robot did %q, and changed %d times", did, robot.count())
			}
		})
	}
}

func TestRequestEndsWithItsTTL(t *testing.T) {
	robot := newFakeRobot()
	robot.hold = make(chan struct{}) // never closed: only the request's ttl_ms ends it
	c := dial(t, startBridge(t, robot, bridge.Options{}).URL())
	c.online()
	r := setting("s1", map[string]float64{"a": 10})
	r.TTL = 300
	if got := c.ask("set", r); got.Status != protocol.StatusError {
		t.Errorf("answer: %+v", got)
	}
}

// The description is large: it is given on request, at a limited rate.
func TestDescribe(t *testing.T) {
	c := dial(t, startBridge(t, newFakeRobot(), bridge.Options{}).URL())
	c.online()
	busy := 0
	for i := range 20 {
		r := c.ask("describe", newRequest(fmt.Sprint("d", i)))
		var d protocol.Description
		switch {
		case r.Error != nil && r.Error.Code == protocol.Busy:
			busy++
		case r.Error != nil || json.Unmarshal(r.Description, &d) != nil || len(d.Parameters) != 2:
			t.Errorf("%+v, %v", r, r.Error)
		}
	}
	if busy == 20 {
		t.Error("no request was answered")
	}
}
