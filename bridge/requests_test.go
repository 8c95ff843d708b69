package bridge

import (
	"fluxd/bridge/protocol"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

func TestGetAndSet(t *testing.T) {
	robot := newFakeRobot()
	c := dial(t, startBridge(t, robot, Options{}).URL())
	c.online()

	all := c.ask("get", fresh("g1"))
	if all.Status != protocol.StatusOK || len(all.Values) != 2 || all.Values["group/b"].V != 2 {
		t.Fatalf("get of everything: %+v", all)
	}
	set := c.ask("set", setting("s1", map[string]float64{"a": 40, "group/b": 50}))
	if set.Status != protocol.StatusOK || set.Rev != 1 || set.Applied["a"] != 40 || set.Applied["group/b"] != 50 {
		t.Fatalf("set: %+v", set)
	}
	for path, want := range map[string]float64{"a": 40, "group/b": 50} {
		fetch := fresh("g2" + path)
		fetch.Paths = []string{path}
		if got := c.ask("get", fetch).Values[path].V; got != want {
			t.Errorf("get %s after the set: got %v, want %v", path, got, want)
		}
	}

	late := dial(t, c.url())
	if v := next[protocol.Value](late, protocol.Topics("fake").Param("a"), nil); v != (protocol.Value{V: 40, Rev: 1, Src: "mqtt"}) {
		t.Errorf("the retained value of a is %+v", v)
	}
}

// url is where the client is connected.
func (c *client) url() string {
	reader := c.paho.OptionsReader()
	return reader.Servers()[0].String()
}

func TestATransactionIsRefusedAsAWhole(t *testing.T) {
	robot := newFakeRobot()
	c := dial(t, startBridge(t, robot, Options{}).URL())
	c.online()

	r := c.ask("set", setting("s1", map[string]float64{"a": 40, "group/b": 101}))
	if r.Status != protocol.StatusError || r.Error == nil || r.Error.Code != protocol.OutOfRange || r.Error.Path != "group/b" {
		t.Fatalf("set out of range: %+v", r)
	}
	if r.Error.Min == nil || *r.Error.Min != 0 || r.Error.Max == nil || *r.Error.Max != 100 {
		t.Errorf("the answer does not say the range: %+v", *r.Error)
	}
	if v := c.ask("get", fresh("g1")); v.Values["a"].V != 1 || v.Rev != 0 {
		t.Errorf("a refused transaction had an effect: %+v", v)
	}
	late := dial(t, c.url())
	if v := next[protocol.Value](late, protocol.Topics("fake").Param("a"), nil); v.V != 1 {
		t.Errorf("a wish was published as a value: %+v", v)
	}
}

func TestRevisionConflict(t *testing.T) {
	c := dial(t, startBridge(t, newFakeRobot(), Options{}).URL())
	c.online()

	first := setting("s1", map[string]float64{"a": 10})
	first.IfRevision = new(protocol.Revision)
	if r := c.ask("set", first); r.Status != protocol.StatusOK || r.Rev != 1 {
		t.Fatalf("set if revision 0: %+v", r)
	}
	second := setting("s2", map[string]float64{"a": 20})
	second.IfRevision = new(protocol.Revision)
	if r := c.ask("set", second); r.Error == nil || r.Error.Code != protocol.RevisionConflict || r.Rev != 1 {
		t.Fatalf("set if revision 0, at revision 1: %+v", r)
	}
}

func TestADuplicateIsNeitherExecutedNorAnswered(t *testing.T) {
	robot := newFakeRobot()
	c := dial(t, startBridge(t, robot, Options{}).URL())
	c.online()

	twice := setting("s1", map[string]float64{"a": 10})
	c.ask("set", twice)
	c.send(protocol.Topics("fake").Request("set"), false, twice)

	// Handlers run side by side, so only an answer to a later request that was executed after the duplicate proves anything:
	// ask until the duplicate cannot be still under way.
	for i := range 20 {
		id := fmt.Sprint("later", i)
		c.send(protocol.Topics("fake").Request("get"), false, fresh(id))
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

func TestSave(t *testing.T) {
	robot := newFakeRobot()
	c := dial(t, startBridge(t, robot, Options{}).URL())
	c.online()
	c.send(protocol.Topics("fake").Request("save"), false, fresh("keep"))
	if r := c.answer("save", "keep"); r.Status != protocol.StatusOK {
		t.Errorf("%+v with %+v", r, r.Error)
	}
	robot.mu.Lock()
	defer robot.mu.Unlock()
	if robot.saves != 1 {
		t.Errorf("saved %d times, want once", robot.saves)
	}
}

func TestArmAndDisarm(t *testing.T) {
	robot := newFakeRobot()
	c := dial(t, startBridge(t, robot, Options{}).URL())
	c.online()
	for _, verb := range []string{"arm", "disarm"} {
		if r := c.ask(verb, fresh("please "+verb)); r.Status != protocol.StatusOK {
			t.Errorf("%s: %+v with %+v", verb, r, r.Error)
		}
	}
	robot.mu.Lock()
	robot.refuse = &protocol.Error{Code: protocol.NotAllowed, Message: "cannot arm: the wheels are off"}
	robot.mu.Unlock()
	if r := c.ask("arm", fresh("once more")); r.Error == nil || r.Error.Code != protocol.NotAllowed || !strings.Contains(r.Error.Message, "wheels") {
		t.Errorf("arm: %+v", r)
	}
	if want := []string{"arm", "disarm", "arm"}; !slices.Equal(robot.orders, want) {
		t.Errorf("the robot was told %q, want %q", robot.orders, want)
	}
}

// An emergency stop stops, whatever it looks like and whatever else waits; only one that the broker kept from long ago does not.
func TestEmergencyStopAlwaysStops(t *testing.T) {
	robot := newFakeRobot()
	robot.hold = make(chan struct{}) // a transaction hangs
	c := dial(t, startBridge(t, robot, Options{}).URL())
	c.online()
	stops := func() (n int) {
		robot.mu.Lock()
		defer robot.mu.Unlock()
		for _, order := range robot.orders {
			if order == "stop by mqtt" {
				n++
			}
		}
		return n
	}
	eventually := func(want int) {
		t.Helper()
		for deadline := time.Now().Add(patience); stops() != want; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("stopped %d times, want %d", stops(), want)
			}
		}
	}
	c.send(protocol.Topics("fake").Request("set"), false, setting("hangs", map[string]float64{"a": 1}))
	c.send(protocol.Topics("fake").Request("estop"), false, fresh("stop"))
	eventually(1)
	old := fresh("old")
	old.Time -= 3_600_000
	c.send(protocol.Topics("fake").Request("estop"), false, old)
	eventually(2)
	c.send(protocol.Topics("fake").Request("estop"), false, "STOP!!!")
	eventually(3)
	close(robot.hold)
	if r := c.answer("estop", "old"); r.Status != protocol.StatusOK {
		t.Errorf("an old one: %+v", r)
	}
	if r := c.answer("estop", ""); r.Error == nil || r.Error.Code != protocol.Malformed || !strings.Contains(r.Error.Message, "stopped all the same") {
		t.Errorf("one that cannot be read: %+v", r)
	}
	c.send(protocol.Topics("fake").Request("estop"), true, fresh("kept"))
	if r := c.ask("get", fresh("later")); r.Status != protocol.StatusOK || stops() > 4 { // it is delivered once as it comes in, and not kept from long ago
		t.Errorf("%+v, %d stops", r, stops())
	}
}

// A last will may be an emergency stop: a robot that nobody holds any more stands still.
func TestALastWillMayStopTheRobot(t *testing.T) {
	for _, host := range []*broker{nil, startTestBroker(t, "127.0.0.1:0")} {
		robot, opts := newFakeRobot(), Options{}
		if host != nil {
			opts.Broker = host.url
		}
		b := startBridge(t, robot, opts)
		dial(t, b.URL()).online()
		w := dialWireAs(t, b.URL(), func(c *packets.ConnectPacket) {
			c.WillFlag, c.WillTopic, c.WillMessage = true, protocol.Topics("fake").Request("estop"), []byte("let go")
		})
		w.conn.Close()
		for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			robot.mu.Lock()
			stopped := slices.Contains(robot.orders, "stop by mqtt")
			robot.mu.Unlock()
			if stopped {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the robot goes on")
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	stale := setting("stale", map[string]float64{"a": 10})
	stale.Time -= 61_000
	future := setting("future", map[string]float64{"a": 10})
	future.Time += 3_600_000
	timeless := setting("timeless", map[string]float64{"a": 10})
	timeless.Time = 0
	endless := setting("endless", map[string]float64{"a": 10})
	endless.TTL = protocol.MaxTTL.Milliseconds() + 1
	unknown := fresh("unknown")
	unknown.Paths = []string{"nowhere"}

	tests := []struct {
		name    string
		verb    string
		payload any
		id      string
		code    protocol.Code
		says    string
	}{
		{"not JSON", "set", "{", "", protocol.Malformed, "unexpected EOF"},
		{"empty", "set", "", "", protocol.Malformed, "EOF"},
		{"no object", "get", "[]", "", protocol.Malformed, "array"},
		{"something behind it", "get", `{"id":"behind"} {}`, "behind", protocol.Malformed, "follows"},
		{"misspelt field before the id", "set", `{"values":{"a":1},"id":"misspelt"}`, "misspelt", protocol.Malformed, `unknown field "values"`},
		{"wrong type", "set", `{"id":"type","ts":1,"ttl_ms":1,"set":{"a":"high"}}`, "type", protocol.Malformed, "string"},
		{"infinite", "set", `{"id":"inf","ts":1,"ttl_ms":1,"set":{"a":1e999}}`, "inf", protocol.Malformed, "1e999"},
		{"no id", "set", `{"ts":1,"ttl_ms":1,"set":{"a":1}}`, "", protocol.Malformed, "id: expected"},
		{"long id", "set", `{"id":"` + strings.Repeat("x", 129) + `","ts":1,"ttl_ms":1}`, "", protocol.Malformed, "id: expected"},
		{"no time", "set", timeless, "timeless", protocol.Malformed, "ts: expected"},
		{"no end", "set", endless, "endless", protocol.Malformed, "ttl_ms: expected 1 to 3600000"},
		{"nothing to set", "set", fresh("nothing"), "nothing", protocol.Malformed, "at least one"},
		{"too large", "set", `{"id":"large","set":{` + strings.Repeat(" ", protocol.MaxRequest) + `}}`, "", protocol.TooLarge, "at most 65536"},
		{"stale", "set", stale, "stale", protocol.Stale, "too late"},
		{"from the future", "set", future, "future", protocol.Stale, "clocks differ"},
		{"unknown verb", "dance", fresh("verb"), "verb", protocol.UnknownVerb, "get, set, reset, save, load, reward, stimulate, watch, arm, disarm or estop"},
		{"unknown parameter", "get", unknown, "unknown", protocol.UnknownParameter, "no such parameter"},
	}
	robot := newFakeRobot()
	c := dial(t, startBridge(t, robot, Options{}).URL())
	c.online()
	malformed := uint64(0)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c.send(protocol.Topics("fake").Request(test.verb), false, test.payload)
			r := c.answer(test.verb, test.id)
			if r.Status != protocol.StatusError || r.Error == nil || r.Error.Code != test.code || !strings.Contains(r.Error.Message, test.says) {
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
	if h := next(c, protocol.Topics("fake").Health(), func(h protocol.Health) bool { return h.Bridge.Malformed > 0 }); h.Bridge.Malformed != malformed {
		t.Errorf("counted %d malformed requests, want %d", h.Bridge.Malformed, malformed)
	}
}

func TestARetainedRequestIsRefused(t *testing.T) {
	external := startTestBroker(t, "127.0.0.1:0")
	c := dial(t, external.url)
	c.send(protocol.Topics("fake").Request("set"), true, setting("s1", map[string]float64{"a": 10}))
	robot := newFakeRobot()
	startBridge(t, robot, Options{Broker: external.url})
	if r := c.answer("set", "s1"); r.Error == nil || r.Error.Code != protocol.Retained {
		t.Errorf("answer: %+v", r)
	}
	if robot.count() != 0 {
		t.Error("it was executed")
	}
}

func TestARequestEndsWithItsTime(t *testing.T) {
	robot := newFakeRobot()
	robot.hold = make(chan struct{}) // never: only the request's own time ends it
	c := dial(t, startBridge(t, robot, Options{}).URL())
	c.online()
	r := setting("s1", map[string]float64{"a": 10})
	r.TTL = 300
	if got := c.ask("set", r); got.Status != protocol.StatusError {
		t.Errorf("answer: %+v", got)
	}
}

func TestTooManyRequestsAreAnsweredBusy(t *testing.T) {
	robot := newFakeRobot()
	robot.hold = make(chan struct{})
	c := dial(t, startBridge(t, robot, Options{}).URL())
	c.online()
	const asked = waitingRequests + 10
	for i := range asked {
		c.send(protocol.Topics("fake").Request("set"), false, setting(fmt.Sprint("s", i), map[string]float64{"a": float64(i)}))
	}
	busy := next(c, protocol.Topics("fake").Response("set"), func(r protocol.Response) bool { return r.Error != nil && r.Error.Code == protocol.Busy })
	close(robot.hold)
	answered := map[string]bool{busy.ID: true}
	for len(answered) < asked {
		r := next[protocol.Response](c, protocol.Topics("fake").Response("set"), nil)
		if answered[r.ID] {
			t.Fatalf("%s was answered twice", r.ID)
		}
		answered[r.ID] = true
	}
}

func TestMemoryForgetsTheOldest(t *testing.T) {
	m := newMemory(2)
	for i, step := range []struct {
		id  string
		new bool
	}{{"a", true}, {"b", true}, {"a", false}, {"c", true}, {"b", false}, {"a", true}, {"b", true}} {
		if got := m.add(step.id); got != step.new {
			t.Errorf("step %d, %s: new is %v, want %v", i, step.id, got, step.new)
		}
	}
	if len(m.known) != 2 {
		t.Errorf("remembers %d ids, want 2", len(m.known))
	}
}
