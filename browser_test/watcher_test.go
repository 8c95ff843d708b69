//go:build browser

package browser_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fluxd/bridge/protocol"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// A watcher reads what a robot publishes, beside the page.
type watcher struct {
	t      testing.TB
	robot  string
	client mqtt.Client

	mu  sync.Mutex
	all []message // in the order of arrival
}

type message struct {
	topic   string // below the robot's
	payload []byte
}

// kept is how many messages a watcher remembers: some minutes of telemetry.
const kept = 20_000

var clients atomic.Int64

// watch connects to the broker of a robot, and waits until the robot is online.
func watch(t testing.TB, r *robot, user ...string) *watcher {
	t.Helper()
	w := &watcher{t: t, robot: r.name}
	options := mqtt.NewClientOptions().AddBroker(r.broker).SetClientID(fmt.Sprintf("watcher-%d-%d", os.Getpid(), clients.Add(1))).
		SetConnectRetry(true).SetConnectRetryInterval(50 * time.Millisecond).SetMaxReconnectInterval(100 * time.Millisecond)
	if len(user) == 2 {
		options.SetUsername(user[0]).SetPassword(user[1])
	}
	options.SetOnConnectHandler(func(c mqtt.Client) { c.Subscribe("flux/"+r.name+"/#", 0, w.receive) })
	w.client = mqtt.NewClient(options)
	w.client.Connect()
	t.Cleanup(func() { w.client.Disconnect(0) })
	// A NATS server adds a retained message to its list a moment after it has delivered it: who subscribes in between gets it in
	// neither way, and subscribes again.
	asked := time.Now()
	eventually(t, r.name+" to be online", func() bool {
		if time.Since(asked) > 2*time.Second {
			asked = time.Now()
			w.client.Subscribe("flux/"+r.name+"/#", 0, w.receive)
		}
		var s protocol.Status
		return w.latest("status", &s) && s.State == protocol.Online && w.has("tele/health") && w.has("describe")
	})
	return w
}

func (w *watcher) receive(_ mqtt.Client, m mqtt.Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.all) == kept {
		w.all = append(w.all[:0], w.all[kept/2:]...)
	}
	w.all = append(w.all, message{strings.TrimPrefix(m.Topic(), "flux/"+w.robot+"/"), m.Payload()})
}

// find returns the latest message that satisfies a condition.
func (w *watcher) find(matches func(m message) bool) (message, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := len(w.all) - 1; i >= 0; i-- {
		if matches(w.all[i]) {
			return w.all[i], true
		}
	}
	return message{}, false
}

func (w *watcher) has(topic string) bool {
	_, found := w.find(func(m message) bool { return m.topic == topic })
	return found
}

// latest reads the latest message of a topic, and reports whether there is one.
func (w *watcher) latest(topic string, value any) bool {
	w.t.Helper()
	m, found := w.find(func(m message) bool { return m.topic == topic })
	if found {
		if err := json.Unmarshal(m.payload, value); err != nil {
			w.t.Fatalf("%s: %v in %s", topic, err, m.payload)
		}
	}
	return found
}

// at reads the message of a topic with a time, and reports whether there is one: a page may be a message behind, or ahead.
func (w *watcher) at(topic, ts string, value any) bool {
	w.t.Helper()
	m, found := w.find(func(m message) bool {
		var stamp struct {
			Time json.Number `json:"ts"`
		}
		return m.topic == topic && json.Unmarshal(m.payload, &stamp) == nil && stamp.Time.String() == ts
	})
	return found && json.Unmarshal(m.payload, value) == nil
}

// ask sends a request, and waits for its answer.
func (w *watcher) ask(verb string, r protocol.Request) (answer protocol.Response) {
	w.t.Helper()
	r.ID, r.Time, r.TTL = fmt.Sprintf("test-%d", clients.Add(1)), time.Now().UnixMilli(), 20_000
	text, err := json.Marshal(r)
	if err != nil {
		w.t.Fatal(err)
	}
	sent := time.Time{}
	eventually(w.t, "the answer to "+verb, func() bool {
		if time.Since(sent) > time.Second { // a robot that was away has not got it, and executes it once if it has
			sent = time.Now()
			w.client.Publish("flux/"+w.robot+"/req/"+verb, 0, false, text)
		}
		_, found := w.find(func(m message) bool {
			answer = protocol.Response{}
			return m.topic == "res/"+verb && json.Unmarshal(m.payload, &answer) == nil && answer.ID == r.ID
		})
		return found
	})
	return answer
}

// parameter returns the value of a parameter, and who set it.
func (w *watcher) parameter(path string) protocol.Value {
	w.t.Helper()
	var v protocol.Value
	if !w.latest("param/"+path, &v) {
		w.t.Fatalf("no message about %s", path)
	}
	return v
}

// safety returns the latest state of the robot.
func (w *watcher) safety() protocol.Safety {
	w.t.Helper()
	var h protocol.Health
	w.latest("tele/health", &h)
	return h.Safety
}
