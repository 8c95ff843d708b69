package bridge_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fluxd/bridge"
	"fluxd/bridge/protocol"
)

func TestGetAndSet(t *testing.T) {
	robot := newFakeRobot()
	c := dial(t, startBridge(t, robot, bridge.Options{}).URL())
	c.online()
	warm(t, c.url())

	all := c.ask("get", newRequest("g1"))
	if all.Status != protocol.StatusOK || len(all.Values) != 2 || all.Values["group/b"].V != 2 {
		t.Fatalf("get of everything: %+v", all)
	}
	set := c.ask("set", setting("s1", map[string]float64{"a": 40, "group/b": 50}))
	if set.Status != protocol.StatusOK || set.Rev != 1 || set.Applied["a"] != 40 || set.Applied["group/b"] != 50 {
		t.Fatalf("set: %+v", set)
	}
	for path, want := range map[string]float64{"a": 40, "group/b": 50} {
		fetch := newRequest("g2" + path)
		fetch.Paths = []string{path}
		if got := c.ask("get", fetch).Values[path].V; got != want {
			t.Errorf("get %s after the set: got %v, want %v", path, got, want)
		}
	}

	want, err := json.Marshal(protocol.Value{V: 40, Rev: 1, Src: "mqtt"})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the retained value of a is not "+string(want), func() bool {
		return retained(t, c.url())[protocol.Topics("fake").Param("a")] == string(want)
	})
}

func TestTransactionIsRefusedAsAWhole(t *testing.T) {
	robot := newFakeRobot()
	c := dial(t, startBridge(t, robot, bridge.Options{}).URL())
	c.online()

	r := c.ask("set", setting("s1", map[string]float64{"a": 40, "group/b": 101}))
	if r.Status != protocol.StatusError || r.Error == nil || r.Error.Code != protocol.OutOfRange || r.Error.Path != "group/b" {
		t.Fatalf("set out of range: %+v", r)
	}
	if r.Error.Min == nil || *r.Error.Min != 0 || r.Error.Max == nil || *r.Error.Max != 100 {
		t.Errorf("the answer does not have the range: %+v", *r.Error)
	}
	if v := c.ask("get", newRequest("g1")); v.Values["a"].V != 1 || v.Rev != 0 {
		t.Errorf("a refused transaction had an effect: %+v", v)
	}
	if v := retainedAs[protocol.Value](t, c.url(), protocol.Topics("fake").Param("a")); v.V != 1 {
		t.Errorf("a refused value was published: %+v", v)
	}
}

func TestRevisionConflict(t *testing.T) {
	c := dial(t, startBridge(t, newFakeRobot(), bridge.Options{}).URL())
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

// A slow disk delays the answers that wait for it, and nothing else: the changes are in effect, and other requests are answered.
func TestSlowDiskDelaysNothingElse(t *testing.T) {
	robot := newFakeRobot()
	robot.disk = make(chan struct{})
	c := dial(t, startBridge(t, robot, bridge.Options{}).URL())
	c.online()
	c.send(protocol.Topics("fake").Request("set"), false, setting("slow", map[string]float64{"a": 40}))
	c.send(protocol.Topics("fake").Request("set"), false, setting("slow too", map[string]float64{"a": 50}))
	eventually(t, "both changes are in effect", func() bool { return robot.count() == 2 })
	if r := c.ask("get", newRequest("meanwhile")); r.Status != protocol.StatusOK || r.Values["a"].V != 50 {
		t.Errorf("get: %+v", r)
	}
	for _, verb := range []string{"arm", "disarm", "estop"} {
		if r := c.ask(verb, newRequest(verb)); r.Status != protocol.StatusOK {
			t.Errorf("%s: %+v", verb, r)
		}
	}
	close(robot.disk)
	for _, id := range []string{"slow", "slow too"} {
		if r := c.answer("set", id); r.Status != protocol.StatusOK {
			t.Errorf("%s: %+v", id, r)
		}
	}
}

// A transaction may change more parameters than any queue of messages holds: a wildcard for a large population.
func TestLargeTransactionIsRetained(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of messages")
	}
	robot := population(3 * bridge.ImportantMessages)
	b := startBridge(t, robot, bridge.Options{})
	c := dial(t, b.URL())
	c.online()
	warm(t, b.URL())
	c.send(protocol.Topics("fake").Request("set"), false, robot.change())
	// The values come before the answer.
	changed, answer := map[string]bool{}, protocol.Response{}
	for deadline := time.After(patience); answer.ID == ""; {
		select {
		case m := <-c.messages:
			var v protocol.Value
			path, param := strings.CutPrefix(m.Topic(), protocol.Topics("fake").Param(""))
			switch {
			case param && json.Unmarshal(m.Payload(), &v) == nil && v.V == 2:
				changed[path] = true
				deadline = time.After(patience) // for the next one
			case m.Topic() == protocol.Topics("fake").Response("set"):
				if err := json.Unmarshal(m.Payload(), &answer); err != nil {
					t.Fatal(err)
				}
			}
		case <-deadline:
			t.Fatalf("no answer, after %d parameters", len(changed))
		}
	}
	if answer.Status != protocol.StatusOK || len(answer.Applied) != 3*bridge.ImportantMessages {
		t.Fatalf("%s: %d applied, %v", answer.Status, len(answer.Applied), answer.Error)
	}
	if len(changed) != 3*bridge.ImportantMessages {
		t.Errorf("%d parameters came before the answer, want %d", len(changed), 3*bridge.ImportantMessages)
	}
	// On a slow machine health may have been dropped meanwhile, but no parameter.
	eventually(t, "some parameters are retained with old values", func() bool {
		return len(robot.unchanged(retained(t, b.URL()))) == 0
	})
}

// The last accepted values are retained even if the robot ends right after, at a broker that answers quickly: Close does not wait
// long. Time is virtual, so that no machine is too slow.
func TestLastValuesAreRetained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		robot := population(4 * bridge.MaxInFlight)
		broker := newQuickBroker()
		b := startBridge(t, robot, bridge.Options{Broker: "tcp://127.0.0.1:1", Dial: broker.dial})
		status := protocol.Topics("fake").Status()
		eventually(t, "the robot is not online", func() bool { return strings.Contains(broker.retained()[status], `"online"`) })
		broker.ask(t, "set", robot.change())
		eventually(t, "the request has not come", func() bool { return robot.fullRobot.(*fakeRobot).count() > 0 })
		b.Close()
		if old := robot.unchanged(broker.retained()); len(old) > 0 {
			t.Errorf("%d are retained with old values, such as %s", len(old), old[0])
		}
		if !strings.Contains(broker.retained()[status], `"offline"`) {
			t.Errorf("the status is retained as %s", broker.retained()[status])
		}
	})
}

// A client that subscribes to everything is given every parameter, however large the robot is.
func TestLateClientIsGivenEveryParameter(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of messages")
	}
	const many = 5 * bridge.ImportantMessages
	b := startBridge(t, population(many), bridge.Options{})
	dial(t, b.URL()).online()
	c := dial(t, b.URL())
	left := map[string]bool{}
	for i := range many {
		left[protocol.Topics("fake").Param(fmt.Sprintf("wall[%d]", i))] = true
	}
	for deadline := time.After(patience); len(left) > 0; {
		select {
		case m := <-c.messages:
			if left[m.Topic()] {
				delete(left, m.Topic())
				deadline = time.After(patience) // for the next one: a slow machine needs longer for all
			}
		case <-deadline:
			t.Fatalf("%d of %d parameters have not come", len(left), many)
		}
	}
}
