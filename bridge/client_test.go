package bridge_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/google/uuid"

	"fluxd/bridge/protocol"
)

// patience bounds every wait of these tests. Nothing is expected to take that long.
const patience = 2 * time.Minute

// eventually waits until something holds.
func eventually(t *testing.T, otherwise string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(otherwise)
		}
	}
}

// client is a client of the broker that subscribes to everything.
type client struct {
	t        *testing.T
	paho     paho.Client
	messages chan paho.Message
}

func dial(t *testing.T, url string) *client {
	t.Helper()
	c := &client{t: t, messages: make(chan paho.Message, 100_000)}
	// Without a keep-alive: on a slow machine a late answer must not cost the client its connection, and with it the subscription.
	c.paho = paho.NewClient(paho.NewClientOptions().AddBroker(url).SetClientID(uuid.NewString()).SetProtocolVersion(4).
		SetKeepAlive(0).SetConnectTimeout(patience).SetConnectRetry(true).SetConnectRetryInterval(50 * time.Millisecond))
	c.wait(c.paho.Connect())
	c.listen()
	t.Cleanup(func() { c.paho.Disconnect(50) })
	return c
}

// listen subscribes to everything. Each time the broker sends all that it retains.
func (c *client) listen() {
	c.t.Helper()
	c.wait(c.paho.Subscribe("#", 1, func(_ paho.Client, m paho.Message) { c.messages <- m }))
}

func (c *client) wait(token paho.Token) {
	c.t.Helper()
	if !token.WaitTimeout(patience) || token.Error() != nil {
		c.t.Fatalf("no answer of the broker: %v", token.Error())
	}
}

func (c *client) send(topic string, retain bool, payload any) {
	c.t.Helper()
	text, ok := payload.(string)
	if !ok {
		bytes, err := json.Marshal(payload)
		if err != nil {
			c.t.Fatal(err)
		}
		text = string(bytes)
	}
	c.wait(c.paho.Publish(topic, 1, retain, text))
}

// next waits for a message to a topic that satisfies suits, and reads it as T.
func next[T any](c *client, topic string, suits func(T) bool) T {
	c.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case m := <-c.messages:
			if m.Topic() != topic {
				continue
			}
			var v T
			if err := json.Unmarshal(m.Payload(), &v); err != nil {
				c.t.Fatalf("%s: %v in %s", topic, err, m.Payload())
			}
			if suits == nil || suits(v) {
				return v
			}
		case <-deadline:
			c.t.Fatalf("no message to %s", topic)
		}
	}
}

// payload waits for a message to a topic.
func (c *client) payload(topic string) []byte {
	c.t.Helper()
	for deadline := time.After(patience); ; {
		select {
		case m := <-c.messages:
			if m.Topic() == topic {
				return m.Payload()
			}
		case <-deadline:
			c.t.Fatalf("no message to %s", topic)
		}
	}
}

// ask sends a request and waits for its answer.
func (c *client) ask(verb string, r protocol.Request) protocol.Response {
	c.t.Helper()
	c.send(protocol.Topics("fake").Request(verb), false, r)
	return c.answer(verb, r.ID)
}

func (c *client) answer(verb, id string) protocol.Response {
	c.t.Helper()
	return next(c, protocol.Topics("fake").Response(verb), func(r protocol.Response) bool { return r.ID == id })
}

// keepsAsking sends requests with different ids until one is answered. Requests are lost while the robot is not connected.
func (c *client) keepsAsking(verb string) protocol.Response {
	c.t.Helper()
	ids := map[string]bool{}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		r := newRequest(uuid.NewString())
		ids[r.ID] = true
		c.send(protocol.Topics("fake").Request(verb), false, r)
		for again := time.After(100 * time.Millisecond); again != nil; {
			select {
			case m := <-c.messages:
				var r protocol.Response
				if m.Topic() == protocol.Topics("fake").Response(verb) && json.Unmarshal(m.Payload(), &r) == nil && ids[r.ID] {
					return r
				}
			case <-again:
				again = nil
			}
		}
	}
	c.t.Fatalf("no answer to any of %d requests %s", len(ids), verb)
	return protocol.Response{}
}

// hang starts a transaction of a robot that hangs, and waits until it hangs.
func (c *client) hang(robot *fakeRobot) {
	c.t.Helper()
	c.send(protocol.Topics("fake").Request("set"), false, setting("hangs", map[string]float64{"a": 1}))
	eventually(c.t, "the transaction does not begin", func() bool { return robot.waiting(0) == 1 })
}

// retain publishes a retained message. It returns when the broker gives it to a new client: the broker acknowledges it a moment
// before.
func (c *client) retain(topic string, payload any) {
	c.t.Helper()
	c.send(topic, true, payload)
	retainedAs[any](c.t, c.url(), topic)
}

// url is where the client is connected.
func (c *client) url() string {
	reader := c.paho.OptionsReader()
	return reader.Servers()[0].String()
}

// online waits until the robot is online.
func (c *client) online() {
	c.t.Helper()
	// The broker of these tests looks up retained messages first, and passes on new ones only after that. A message that is
	// published in between does not reach the client.
	for wait := time.Second; !c.receivesStatus(wait, protocol.Online); wait *= 2 {
		if wait > patience {
			c.t.Fatal("the robot is not online")
		}
		c.listen()
	}
}

// receivesStatus reports whether a status with a state comes within some time.
func (c *client) receivesStatus(within time.Duration, state protocol.State) bool {
	c.t.Helper()
	for ended := time.After(within); ; {
		select {
		case m := <-c.messages:
			var s protocol.Status
			if m.Topic() == protocol.Topics("fake").Status() && json.Unmarshal(m.Payload(), &s) == nil && s.State == state {
				return true
			}
		case <-ended:
			return false
		}
	}
}

// warm makes the broker of these tests read its retained messages. If a message changes during the first reading, the broker may
// give the old one to all clients of the next two minutes: loadRetainedMessages of nats-server 2.14.5 caches it.
func warm(t *testing.T, url string) {
	t.Helper()
	retained(t, url)
}

// retained returns the retained messages of a broker, by topic, as a new client receives them.
func retained(t *testing.T, url string) map[string]string {
	t.Helper()
	c := dial(t, url)
	defer c.paho.Disconnect(0)
	last := uuid.NewString()
	c.send(protocol.Echo, false, `"`+last+`"`) // it comes back after the rest
	all := map[string]string{}
	for deadline := time.After(patience); ; {
		select {
		case m := <-c.messages:
			if m.Topic() == protocol.Echo && strings.Contains(string(m.Payload()), last) {
				return all
			}
			if m.Retained() {
				all[m.Topic()] = string(m.Payload())
			}
		case <-deadline:
			t.Fatal("the broker does not send all that it retains")
		}
	}
}

// retainedAs waits until a broker retains a message to a topic, and reads it as T.
func retainedAs[T any](t *testing.T, url, topic string) (v T) {
	t.Helper()
	eventually(t, "nothing is retained of "+topic, func() bool {
		text, ok := retained(t, url)[topic]
		if ok {
			if err := json.Unmarshal([]byte(text), &v); err != nil {
				t.Fatalf("%s: %v in %s", topic, err, text)
			}
		}
		return ok
	})
	return v
}

// newRequest returns a request that is valid now.
func newRequest(id string) protocol.Request {
	return protocol.Request{ID: id, Time: time.Now().UnixMilli(), TTL: 60_000}
}

func setting(id string, changes map[string]float64) protocol.Request {
	r := newRequest(id)
	r.Set = changes
	return r
}

// valued returns a request with a value.
func valued(r protocol.Request, value *float64) protocol.Request {
	r.Value = value
	return r
}

// refusedAs reports whether an answer is a refusal with a code.
func refusedAs(r protocol.Response, code protocol.Code) bool {
	return r.Status == protocol.StatusError && r.Error != nil && r.Error.Code == code
}
