package bridge

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"fluxd/bridge/protocol"
)

func TestGetAndSet(t *testing.T) {
	robot := newFakeRobot()
	c := dial(t, startBridge(t, robot, Options{}).URL())
	c.online()
	warm(t, c.url())

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

	want, err := json.Marshal(protocol.Value{V: 40, Rev: 1, Src: "mqtt"})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the retained value of a is not "+string(want), func() bool {
		return retained(t, c.url())[protocol.Topics("fake").Param("a")] == string(want)
	})
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
	if v := kept[protocol.Value](t, c.url(), protocol.Topics("fake").Param("a")); v.V != 1 {
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
	if want := []string{"arm", "disarm", "arm"}; !slices.Equal(robot.did(), want) {
		t.Errorf("the robot was told %q, want %q", robot.did(), want)
	}
}

// A command by hand goes to the robot as it was asked for; what cannot be one, and one that the robot was stopped after, does not.
func TestDrive(t *testing.T) {
	robot := newFakeRobot()
	c := dial(t, startBridge(t, robot, Options{}).URL())
	c.online()
	drive := func(id string, change func(*protocol.Request)) protocol.Response {
		r := fresh(id)
		value := -0.3
		r.Actuator, r.Value, r.Lease = "wheel", &value, 1500
		change(&r)
		return c.ask("drive", r)
	}
	if r := drive("right", func(*protocol.Request) {}); r.Status != protocol.StatusOK {
		t.Errorf("%+v with %+v", r, r.Error)
	}
	byHand := fresh("by hand")
	byHand.ByHand = true
	if r := c.ask("arm", byHand); r.Status != protocol.StatusOK {
		t.Errorf("%+v with %+v", r, r.Error)
	}
	for name, change := range map[string]func(*protocol.Request){
		"no actuator": func(r *protocol.Request) { r.Actuator = "" }, "no value": func(r *protocol.Request) { r.Value = nil },
		"no time": func(r *protocol.Request) { r.Lease = 0 }, "too long": func(r *protocol.Request) { r.Lease = protocol.MaxDrive.Milliseconds() + 1 },
	} {
		if r := drive(name, change); r.Error == nil || r.Error.Code != protocol.Malformed || !strings.Contains(r.Error.Message, "1 to 10000 ms") {
			t.Errorf("%s: %+v with %+v", name, r, r.Error)
		}
	}
	if r := c.ask("sense", protocol.Request{ID: "sense", Time: time.Now().UnixMilli(), TTL: 30_000, Sensor: "eye", Value: new(float64), Lease: 1000}); r.Status != protocol.StatusOK {
		t.Errorf("%+v with %+v", r, r.Error)
	}
	if r := c.ask("sense", fresh("of nothing")); r.Error == nil || r.Error.Code != protocol.Malformed {
		t.Errorf("%+v with %+v", r, r.Error)
	}
	before := time.Now().UnixMilli()
	c.ask("estop", fresh("stop"))
	if r := drive("sent before the stop", func(r *protocol.Request) { r.Time = before - 1 }); r.Error == nil || r.Error.Code != protocol.NotAllowed || !strings.Contains(r.Error.Message, "stopped after this was sent") {
		t.Errorf("%+v with %+v", r, r.Error)
	}
	if want := []string{"drive wheel -0.3 for 1.5s", "arm by hand", "sense eye 0 for 1s", "stop by mqtt"}; !slices.Equal(robot.did(), want) {
		t.Errorf("the robot was told %q, want %q", robot.did(), want)
	}
}

// A reward of which nothing comes is answered ok, with the reason as a warning.
func TestARewardOfNothing(t *testing.T) {
	c := dial(t, startBridge(t, newFakeRobot(), Options{}).URL())
	c.online()
	r, nothing := fresh("nothing"), 0.0
	r.Reward, r.Value = "praise", &nothing
	if a := c.ask("reward", r); a.Status != protocol.StatusOK || a.Spikes != 0 || a.Warning != "its value is 0" {
		t.Errorf("%+v with %+v", a, a.Error)
	}
}

// waysToStop are the requests that lead to safety, and what the robot does then.
var waysToStop = []struct {
	name, verb, order, told string
	value                   *float64
}{
	{"disarm", "disarm", "disarm", "the robot has stopped all the same", nil},
	{"estop", "estop", "stop by mqtt", "the robot has stopped all the same", nil},
	{"arm with value 0", "arm", "disarm", "the robot is disarmed all the same", new(float64)},
}

// refusedAs reports whether an answer is a refusal of one kind.
func refusedAs(r protocol.Response, code protocol.Code) bool {
	return r.Status == protocol.StatusError && r.Error != nil && r.Error.Code == code
}

// valued returns a request with a value.
func valued(r protocol.Request, value *float64) protocol.Request {
	r.Value = value
	return r
}

// What leads to safety is obeyed, whatever it looks like and whatever else waits.
func TestWhatStopsIsAlwaysObeyed(t *testing.T) {
	for _, stop := range waysToStop {
		t.Run(stop.name, func(t *testing.T) {
			robot := newHangingRobot()
			c := dial(t, startBridge(t, robot, Options{}).URL())
			c.online()
			c.hang(robot)
			request := func(id string, change func(*protocol.Request)) protocol.Request {
				r := valued(fresh(id), stop.value)
				change(&r)
				return r
			}
			number := 0
			obeyed := func(what string, retain bool, payload any) {
				t.Helper()
				c.send(protocol.Topics("fake").Request(stop.verb), retain, payload)
				number++
				eventually(t, what+" is not obeyed", func() bool { return len(robot.did()) >= number })
			}
			obeyed("a fresh one", false, request("fresh", func(*protocol.Request) {}))
			obeyed("an old one", false, request("old", func(r *protocol.Request) { r.Time -= 3_600_000 }))
			obeyed("one from the future", false, request("future", func(r *protocol.Request) { r.Time += 3_600_000 }))
			obeyed("one without a time", false, request("timeless", func(r *protocol.Request) { r.Time = 0 }))
			obeyed("one that holds for ever", false, request("endless", func(r *protocol.Request) { r.TTL = 1 << 50 }))
			obeyed("one with a field too many", false, `{"id":"more","value":0,"more":1}`)
			obeyed("one without an id", false, `{"value":0}`)
			// It is delivered as it comes in, and not kept from long ago.
			obeyed("one that the broker is to keep as well", true, request("kept", func(*protocol.Request) {}))
			if stop.value == nil {
				obeyed("no JSON", false, "STOP!!!")
				obeyed("nothing at all", false, "")
				obeyed("one that is too large", false, strings.Repeat("x", protocol.MaxRequest+1))
			}
			if stop.verb == "arm" { // answered in the order of all others
				close(robot.hold)
			}
			for _, answer := range []struct {
				id   string
				code protocol.Code
			}{{"fresh", ""}, {"old", ""}, {"future", ""}, {"timeless", protocol.Malformed}, {"endless", protocol.Malformed},
				{"more", protocol.Malformed}, {"", protocol.Malformed}, {"kept", ""}} {
				r := c.answer(stop.verb, answer.id)
				switch {
				case answer.code == "" && r.Status != protocol.StatusOK:
					t.Errorf("%q is answered with %+v, %v", answer.id, r, r.Error)
				case answer.code != "" && (!refusedAs(r, answer.code) || !strings.Contains(r.Error.Message, stop.told)):
					t.Errorf("%q is answered with %+v, %v, want %s and %q", answer.id, r, r.Error, answer.code, stop.told)
				}
			}
			if stop.verb != "arm" {
				if robot.waiting(0) != 1 {
					t.Error("the transaction does not hang any more: nothing is proven")
				}
				close(robot.hold)
			}
			if r := c.keepsAsking("get"); r.Status != protocol.StatusOK {
				t.Errorf("after all that: %+v", r)
			}
			if want := slices.Repeat([]string{stop.order}, number); !slices.Equal(robot.did(), want) {
				t.Errorf("the robot did %q, want %q", robot.did(), want)
			}
		})
	}
}

// slowToArm is a robot that is disarmed while it arms.
type slowToArm struct {
	*fakeRobot
	arms, release chan struct{}
}

func (r *slowToArm) Arm(who string, fresh bool) error {
	close(r.arms)
	<-r.release
	return r.fakeRobot.Arm(who, fresh)
}

// Whoever disarms while the robot arms has the last word.
func TestADisarmWhileTheRobotArms(t *testing.T) {
	robot := &slowToArm{newFakeRobot(), make(chan struct{}), make(chan struct{})}
	c := dial(t, startBridge(t, robot, Options{}).URL())
	c.online()
	c.send(protocol.Topics("fake").Request("arm"), false, fresh("arm"))
	<-robot.arms
	c.ask("disarm", fresh("disarm"))
	close(robot.release)
	if r := c.answer("arm", "arm"); r.Error == nil || r.Error.Code != protocol.NotAllowed {
		t.Errorf("arm: %+v", r)
	}
	if did := robot.did(); did[len(did)-1] != "disarm" {
		t.Errorf("the robot did %q", did)
	}
}

// A broker may deliver a request twice, and late: the robot may have been armed meanwhile.
func TestASecondDeliveryDoesNotStopAgain(t *testing.T) {
	for _, stop := range waysToStop {
		t.Run(stop.name, func(t *testing.T) {
			robot := newFakeRobot()
			c := dial(t, startBridge(t, robot, Options{}).URL())
			c.online()
			twice, later := valued(fresh("twice"), stop.value), valued(fresh("later"), stop.value)
			c.ask(stop.verb, twice)
			c.ask("arm", fresh("meanwhile"))
			c.send(protocol.Topics("fake").Request(stop.verb), false, twice)
			c.send(protocol.Topics("fake").Request(stop.verb), false, later) // on the same way, behind it
			for answered := false; !answered; {
				r := next[protocol.Response](c, protocol.Topics("fake").Response(stop.verb), nil)
				if r.ID == "twice" {
					t.Error("the second delivery was answered")
				}
				answered = r.ID == "later"
			}
			if want := []string{stop.order, "arm", stop.order}; !slices.Equal(robot.did(), want) {
				t.Errorf("the robot did %q, want %q", robot.did(), want)
			}
		})
	}
}

// Who has armed the robot and sees something go wrong disarms it. The arm may still be under way, or wait behind something else:
// it must not be obeyed after that.
func TestAnArmThatWaitsWhileTheRobotIsStopped(t *testing.T) {
	for _, stop := range waysToStop {
		stale := fresh("stop")
		stale.Time -= 3_600_000
		payloads := map[string]any{"fresh": fresh("stop"), "old": stale, "no JSON": "STOP!!!"}
		if stop.value != nil {
			payloads = map[string]any{"fresh": valued(fresh("stop"), stop.value), "old": valued(stale, stop.value),
				"no id": `{"value":0}`}
		}
		for _, kind := range sorted(payloads) {
			t.Run(stop.name+", "+kind, func(t *testing.T) {
				robot := newHangingRobot()
				b := startBridge(t, robot, Options{})
				c := dial(t, b.URL())
				c.online()
				c.hang(robot)
				c.send(protocol.Topics("fake").Request("arm"), false, fresh("before"))
				eventually(t, "the arm does not come in", func() bool { return len(b.arrivals) == 1 })
				c.send(protocol.Topics("fake").Request(stop.verb), false, payloads[kind])
				eventually(t, "the robot is not stopped", func() bool { return len(robot.did()) == 1 })
				close(robot.hold)
				if r := c.answer("arm", "before"); !refusedAs(r, protocol.NotAllowed) {
					t.Errorf("the arm is answered with %+v, %v", r, r.Error)
				}
				if r := c.ask("arm", fresh("after")); r.Status != protocol.StatusOK {
					t.Errorf("an arm that is sent after it: %+v, %v", r, r.Error)
				}
				if want := []string{stop.order, "arm"}; !slices.Equal(robot.did(), want) {
					t.Errorf("the robot did %q, want %q", robot.did(), want)
				}
			})
		}
	}
}

// The arm and what stops the robot come on different connections, or from different clients: what was sent later may come first.
func TestAnArmThatWasSentBeforeTheRobotWasStopped(t *testing.T) {
	now := time.Now()
	for _, test := range []struct {
		name  string
		stops []time.Duration // when they were sent, in the order in which they come
		arm   time.Duration
		good  bool
	}{
		{"before", []time.Duration{0}, -time.Millisecond, false},
		{"at the same time", []time.Duration{0}, 0, true},
		{"after", []time.Duration{-time.Second}, 0, true},
		{"before the latest of several, which came first", []time.Duration{0, -time.Hour}, -time.Second, false},
		{"before the latest of several, which came last", []time.Duration{-time.Hour, 0}, -time.Second, false},
		{"by a clock that is a little ahead", []time.Duration{protocol.MaxAhead}, protocol.MaxAhead - time.Millisecond, false},
		{"after one whose clock is far ahead", []time.Duration{protocol.MaxAhead + time.Millisecond}, 0, true},
		{"after one without a time", []time.Duration{time.Duration(-now.UnixMilli()) * time.Millisecond}, -time.Second, true},
	} {
		for _, stop := range waysToStop {
			t.Run(test.name+", "+stop.name, func(t *testing.T) {
				robot := newFakeRobot()
				c := dial(t, startBridge(t, robot, Options{Clock: func() time.Time { return now }}).URL())
				c.online()
				at := func(id string, offset time.Duration) protocol.Request {
					r := fresh(id)
					r.Time = now.Add(offset).UnixMilli()
					return r
				}
				var want []string
				for i, offset := range test.stops {
					c.ask(stop.verb, valued(at(fmt.Sprint("stop", i), offset), stop.value))
					want = append(want, stop.order)
				}
				r := c.ask("arm", at("arm", test.arm))
				if test.good && r.Status != protocol.StatusOK || !test.good && !refusedAs(r, protocol.NotAllowed) {
					t.Errorf("the arm is answered with %+v, %v", r, r.Error)
				}
				if test.good {
					want = append(want, "arm")
				}
				if !slices.Equal(robot.did(), want) {
					t.Errorf("the robot did %q, want %q", robot.did(), want)
				}
			})
		}
	}
}

// A last will may be an emergency stop: a robot that nobody holds any more stands still.
func TestALastWillMayStopTheRobot(t *testing.T) {
	external := startTestBroker(t, "127.0.0.1:0")
	robot := newFakeRobot()
	startBridge(t, robot, Options{Broker: external.url})
	dial(t, external.url).online()
	w := dialWireAs(t, external.url, func(c *packets.ConnectPacket) {
		c.WillFlag, c.WillTopic, c.WillMessage = true, protocol.Topics("fake").Request("estop"), []byte("let go")
	})
	w.conn.Close()
	eventually(t, "the robot goes on", func() bool { return slices.Contains(robot.did(), "stop by mqtt") })
}

// A request holds as long as it says, never longer than MaxAge, and its time is not far ahead.
func TestHowLongARequestHolds(t *testing.T) {
	now := time.Now()
	c := dial(t, startBridge(t, newFakeRobot(), Options{Clock: func() time.Time { return now }}).URL())
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
		{"older, and would hold an hour", -protocol.MaxAge - time.Millisecond, protocol.MaxTTL, false},
		{"as old as it says", -2 * time.Second, 2 * time.Second, true},
		{"older than it says", -2*time.Second - time.Millisecond, 2 * time.Second, false},
		{"4 s ahead", 4 * time.Second, time.Minute, true},
		{"as far ahead as it may be", protocol.MaxAhead, time.Minute, true},
		{"further ahead", protocol.MaxAhead + time.Millisecond, time.Minute, false},
		{"6 s ahead", 6 * time.Second, time.Minute, false},
		{"ahead, and holds for a moment", 4 * time.Second, time.Millisecond, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := c.ask("get", protocol.Request{ID: test.name, Time: now.Add(test.sent).UnixMilli(), TTL: test.ttl.Milliseconds()})
			if test.good && r.Status != protocol.StatusOK || !test.good && !refusedAs(r, protocol.Stale) {
				t.Errorf("answered with %+v, %v", r, r.Error)
			}
		})
	}
}

// A verb that there is not is nothing to the robot: it does not even subscribe to it.
func TestAnUnknownVerbIsNotAnswered(t *testing.T) {
	robot := newFakeRobot()
	c := dial(t, startBridge(t, robot, Options{}).URL())
	c.online()
	for _, verb := range []string{"dance", "dance/ann", "set/ann/more", "estop/ann/more", "Estop", "Estop/ann"} {
		c.send(protocol.Topics("fake").Request(verb), false, fresh(verb))
	}
	// The ways of two verbs have no order: ask until an answer cannot be still under way.
	for i := range 20 {
		id := fmt.Sprint("later", i)
		c.send(protocol.Topics("fake").Request("get"), false, fresh(id))
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
	if did := robot.did(); len(did) > 0 || robot.count() > 0 {
		t.Errorf("the robot did %q, and changed %d times", did, robot.count())
	}
}

// What the network begins anew for is arming, by the network.
func TestFreshIsForArmingAlone(t *testing.T) {
	robot := newFakeRobot()
	c := dial(t, startBridge(t, robot, Options{}).URL())
	c.online()
	zero := 0.0
	for _, test := range []struct {
		change func(*protocol.Request)
		says   string
	}{
		{func(r *protocol.Request) { r.Value = &zero }, "the robot is disarmed all the same"},
		{func(r *protocol.Request) { r.ByHand = true }, "expected it without by_hand"},
	} {
		r := fresh(test.says)
		r.Fresh = true
		test.change(&r)
		if a := c.ask("arm", r); !refusedAs(a, protocol.Malformed) || a.Error.Path != "fresh" || !strings.Contains(a.Error.Message, test.says) {
			t.Errorf("%+v, want %q", a.Error, test.says)
		}
	}
	if did := robot.did(); !slices.Equal(did, []string{"disarm"}) {
		t.Errorf("the robot did %q", did)
	}
}

func TestRefusals(t *testing.T) {
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
		{"not JSON", "set", "{", "", protocol.Malformed, "ends too early"},
		{"empty", "set", "", "", protocol.Malformed, "got nothing"},
		{"no object", "get", "[]", "", protocol.Malformed, "got a list"},
		{"something behind it", "get", `{"id":"behind"} {}`, "behind", protocol.Malformed, "no JSON from byte"},
		{"misspelt field before the id", "set", `{"values":{"a":1},"id":"misspelt"}`, "misspelt", protocol.Malformed, `values: verb set has no such key`},
		{"wrong type", "set", `{"id":"type","ts":1,"ttl_ms":1,"set":{"a":"high"}}`, "type", protocol.Malformed, `set.a: expected a number, got "high"`},
		{"infinite", "set", `{"id":"inf","ts":1,"ttl_ms":1,"set":{"a":1e999}}`, "inf", protocol.Malformed, "1e999"},
		{"no id", "set", `{"ts":1,"ttl_ms":1,"set":{"a":1}}`, "", protocol.Malformed, "id: expected"},
		{"long id", "set", `{"id":"` + strings.Repeat("x", 129) + `","ts":1,"ttl_ms":1}`, "", protocol.Malformed, "id: expected"},
		{"no time", "set", timeless, "timeless", protocol.Malformed, "ts: expected"},
		{"no end", "set", endless, "endless", protocol.Malformed, "ttl_ms: expected 1 to 3600000"},
		{"nothing to set", "set", fresh("nothing"), "nothing", protocol.Malformed, "at least one"},
		{"too large", "set", `{"id":"large","set":{` + strings.Repeat(" ", protocol.MaxRequest) + `}}`, "", protocol.TooLarge, "at most 65536"},
		{"stale", "set", stale, "stale", protocol.Stale, "too late"},
		{"stale, though it would hold longer", "set", tooOld, "too old", protocol.Stale, "holds 30000 ms"},
		{"a little from the future", "set", ahead, "ahead", protocol.Stale, "clocks differ"},
		{"from the future", "set", future, "future", protocol.Stale, "clocks differ"},
		{"unknown parameter", "get", unknown, "unknown", protocol.UnknownParameter, "no such parameter"},
	}
	robot := newFakeRobot()
	c := dial(t, startBridge(t, robot, Options{Clock: func() time.Time { return now }}).URL())
	c.online()
	malformed := uint64(0)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c.send(protocol.Topics("fake").Request(test.verb), false, test.payload)
			r := c.answer(test.verb, test.id)
			if r.Status != protocol.StatusError || r.Error == nil || r.Error.Code != test.code || !strings.Contains(r.Error.Error(), test.says) {
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

// Nobody knows when a request was sent that the broker has kept, not even what stops the robot: it would at each connection.
func TestARetainedRequestIsRefused(t *testing.T) {
	for _, test := range []struct {
		name, verb string
		request    protocol.Request
	}{
		{"set", "set", setting("r1", map[string]float64{"a": 10})},
		{"arm", "arm", fresh("r1")},
		{"arm with value 0", "arm", valued(fresh("r1"), new(float64))},
		{"disarm", "disarm", fresh("r1")},
		{"estop", "estop", fresh("r1")},
	} {
		t.Run(test.name, func(t *testing.T) {
			external := startTestBroker(t, "127.0.0.1:0")
			c := dial(t, external.url)
			c.keep(protocol.Topics("fake").Request(test.verb), test.request)
			robot := newFakeRobot()
			startBridge(t, robot, Options{Broker: external.url})
			r := c.answer(test.verb, "r1")
			if !refusedAs(r, protocol.Retained) || strings.Contains(r.Error.Message, "all the same") {
				t.Errorf("answer: %+v, %v", r, r.Error)
			}
			if did := robot.did(); len(did) > 0 || robot.count() != 0 {
				t.Errorf("the robot did %q, and changed %d times", did, robot.count())
			}
		})
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

// What anybody may ask, without end, takes no room from what tuners and operators ask, and neither do its answers.
func TestAFloodOfQuestionsKeepsNobodyOut(t *testing.T) {
	robot := newHangingRobot()
	b := startBridge(t, robot, Options{})
	c := dial(t, b.URL())
	c.online()
	c.hang(robot)
	for i := range 3 * waitingRequests {
		c.send(protocol.Topics("fake").Request("get"), false, fresh(fmt.Sprint("question ", i)))
	}
	eventually(t, "the questions do not fill their queue", func() bool { return len(b.questions) == waitingRequests })
	c.send(protocol.Topics("fake").Request("save"), false, fresh("save"))
	close(robot.hold)
	if r := c.answer("save", "save"); r.Error != nil {
		t.Errorf("save: %v", r.Error)
	}
	o := newOutbox()
	o.put(message{topic: "important", qos: 1})
	for range 2 * commonMessages {
		o.put(message{topic: "common", qos: 1, common: true})
	}
	if m, _ := o.take(); m.topic != "important" || o.dropped.Load() != commonMessages {
		t.Errorf("%s comes first, %d were dropped", m.topic, o.dropped.Load())
	}
}

// The description is large: it is given to who asks, and not without end.
func TestDescribe(t *testing.T) {
	c := dial(t, startBridge(t, newFakeRobot(), Options{}).URL())
	c.online()
	busy := 0
	for i := range 20 {
		r := c.ask("describe", fresh(fmt.Sprint("d", i)))
		var d protocol.Description
		switch {
		case r.Error != nil && r.Error.Code == protocol.Busy:
			busy++
		case r.Error != nil || json.Unmarshal(r.Description, &d) != nil || len(d.Parameters) != 2:
			t.Errorf("%+v, %v", r, r.Error)
		}
	}
	if busy == 20 {
		t.Error("nobody was told")
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

// A disk that takes its time holds up the answers that wait for it, and nothing else: the change is in effect, and other requests are answered.
func TestASlowDiskHoldsUpNothingElse(t *testing.T) {
	robot := newFakeRobot()
	robot.disk = make(chan struct{})
	c := dial(t, startBridge(t, robot, Options{}).URL())
	c.online()
	c.send(protocol.Topics("fake").Request("set"), false, setting("slow", map[string]float64{"a": 40}))
	c.send(protocol.Topics("fake").Request("set"), false, setting("slow too", map[string]float64{"a": 50}))
	eventually(t, "both changes are in effect", func() bool { return robot.count() == 2 })
	if r := c.ask("get", fresh("meanwhile")); r.Status != protocol.StatusOK || r.Values["a"].V != 50 {
		t.Errorf("get: %+v", r)
	}
	for _, verb := range []string{"arm", "disarm", "estop"} {
		if r := c.ask(verb, fresh(verb)); r.Status != protocol.StatusOK {
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
