package bridge

import (
	"context"
	"encoding/json"
	"fluxd/bridge/protocol"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/google/uuid"
)

// patience bounds every wait of these tests. Nothing is expected to take that long.
const patience = 20 * time.Second

// fakeRobot has two parameters, "a" and "b", of 0 to 100 mV.
type fakeRobot struct {
	saves  int      // the first succeeds
	orders []string // arm, disarm, stop
	spiked int64
	refuse error // what Arm says
	mu     sync.Mutex
	values map[string]float64
	rev    protocol.Revision
	sets   int
	hold   chan struct{} // Set waits for it, if there is one
}

func newFakeRobot() *fakeRobot {
	return &fakeRobot{values: map[string]float64{"a": 1, "group/b": 2}}
}

func (r *fakeRobot) Describe() protocol.Description {
	return protocol.Description{
		Parameters: []protocol.Parameter{
			{Path: "a", Type: "float", Unit: "mV", Max: 100, Default: 1, Live: true},
			{Path: "group/b", Type: "float", Unit: "mV", Max: 100, Default: 2, Live: true},
		},
		Neurons: []protocol.NeuronGroup{{Name: "eye", Count: 1}},
		Sensors: []protocol.Device{{Name: "left_eye", Kind: "bh1750", Unit: "lx"}},
	}
}

func (r *fakeRobot) Revision() protocol.Revision {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rev
}

func (r *fakeRobot) Get(paths []string) (map[string]protocol.Reading, protocol.Revision, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := map[string]protocol.Reading{}
	if len(paths) == 0 {
		paths = sorted(r.values)
	}
	for _, path := range paths {
		v, ok := r.values[path]
		if !ok {
			return nil, r.rev, &protocol.Error{Code: protocol.UnknownParameter, Path: path, Message: "no such parameter"}
		}
		source := "config"
		if r.sets > 0 {
			source = "mqtt"
		}
		got[path] = protocol.Reading{Value: protocol.Value{V: v, Rev: r.rev, Src: source}, Max: 100}
	}
	return got, r.rev, nil
}

func (r *fakeRobot) Save(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.saves++
	return nil
}

func (r *fakeRobot) Load(context.Context) error { r.order("load"); return nil }

func (r *fakeRobot) Reset(ctx context.Context, paths []string, ifRevision *protocol.Revision) (map[string]float64, protocol.Revision, error) {
	if len(paths) == 0 {
		paths = []string{"a", "group/b"}
	}
	back := map[string]float64{}
	for _, p := range paths {
		back[p] = map[string]float64{"a": 1, "group/b": 2}[p]
	}
	return r.Set(ctx, back, ifRevision)
}

func (r *fakeRobot) Reward(_ context.Context, name string, value float64) (int, error) {
	if name != "praise" {
		return 0, &protocol.Error{Code: protocol.UnknownReward, Message: fmt.Sprintf("no reward %q", name)}
	}
	r.order(fmt.Sprintf("reward %v", value))
	return int(math.Abs(value)), nil
}

func (r *fakeRobot) Stimulate(_ context.Context, trains map[string]protocol.Train) (n int, err error) {
	for _, name := range sorted(trains) {
		r.order(fmt.Sprintf("stimulate %s %d", name, trains[name].Count))
		n += trains[name].Count
	}
	return n, nil
}

// Spikes are one, a millisecond later each time.
func (r *fakeRobot) Spikes(to []protocol.Spike) ([]protocol.Spike, uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spiked += 1000
	return append(to, protocol.Spike{At: r.spiked, Neuron: 0}), 0
}

func (r *fakeRobot) order(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.orders = append(r.orders, what)
}

func (r *fakeRobot) Arm() error { r.order("arm"); return r.refuse }
func (r *fakeRobot) Disarm()    { r.order("disarm") }

func (r *fakeRobot) EmergencyStop(who string) { r.order("stop by " + who) }

func (r *fakeRobot) Set(ctx context.Context, changes map[string]float64, ifRevision *protocol.Revision) (map[string]float64, protocol.Revision, error) {
	if r.hold != nil {
		select {
		case <-r.hold:
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if ifRevision != nil && *ifRevision != r.rev {
		return nil, r.rev, &protocol.Error{Code: protocol.RevisionConflict, Message: fmt.Sprintf("revision is %d, expected %d", r.rev, *ifRevision)}
	}
	for _, path := range sorted(changes) {
		if _, ok := r.values[path]; !ok {
			return nil, r.rev, &protocol.Error{Code: protocol.UnknownParameter, Path: path, Message: "no such parameter"}
		}
		if v := changes[path]; v < 0 || v > 100 {
			return nil, r.rev, protocol.Refuse(path, 0, 100, fmt.Sprintf("expected 0 to 100 mV, got %v", v))
		}
	}
	for path, v := range changes {
		r.values[path] = v
	}
	r.rev++
	r.sets++
	return changes, r.rev, nil
}

func (r *fakeRobot) Health() protocol.Health {
	cpu := math.NaN()
	return protocol.Health{Uptime: protocol.Seconds(time.Minute), Spikes: 7, SpikesPerSecond: math.Inf(1), CPU: &cpu}
}

func (r *fakeRobot) Sensors() map[string]protocol.Measure {
	return map[string]protocol.Measure{
		"left_eye": {Value: 412.5, Unit: "lx", Age: protocol.Seconds(12 * time.Millisecond)},
		"broken":   {Value: math.NaN(), Unit: "m"},
	}
}

func (r *fakeRobot) TelemetryEvery() time.Duration { return 100 * time.Millisecond }

func (r *fakeRobot) Actuators() map[string]protocol.Measure {
	return map[string]protocol.Measure{"choice": {Value: "Slight-Left-Turn"}}
}

func (r *fakeRobot) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sets
}

// startBridge runs a bridge called "fake" with its own broker on a free port, unless the options say otherwise.
func startBridge(t *testing.T, robot Robot, opts Options) *Bridge {
	t.Helper()
	if opts.Robot == "" {
		opts.Robot = "fake"
	}
	if opts.Broker == "" {
		opts.Broker, opts.Listen = Embedded, "127.0.0.1:0"
	}
	b, err := Start(t.Context(), robot, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// startTestBroker runs a broker outside of any bridge.
func startTestBroker(t *testing.T, listen string) *broker {
	t.Helper()
	b, err := startBroker(house{listen: listen, log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.close(patience) })
	return b
}

// client is somebody outside, who sees everything.
type client struct {
	t        *testing.T
	paho     paho.Client
	messages chan paho.Message
}

func dial(t *testing.T, url string) *client {
	t.Helper()
	c := &client{t: t, messages: make(chan paho.Message, 100_000)}
	c.paho = paho.NewClient(paho.NewClientOptions().AddBroker(url).SetClientID(uuid.NewString()).SetProtocolVersion(4).SetConnectRetry(true).SetConnectRetryInterval(50 * time.Millisecond))
	c.wait(c.paho.Connect())
	c.wait(c.paho.Subscribe("#", 1, func(_ paho.Client, m paho.Message) { c.messages <- m }))
	t.Cleanup(func() { c.paho.Disconnect(50) })
	return c
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

// next waits for a message to a topic that suits, and reads it as T.
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

func (c *client) online() {
	c.t.Helper()
	next(c, protocol.Topics("fake").Status(), func(s protocol.Status) bool { return s.State == protocol.Online })
}

// fresh returns a request that holds.
func fresh(id string) protocol.Request {
	return protocol.Request{ID: id, Time: time.Now().UnixMilli(), TTL: 60_000}
}

func setting(id string, changes map[string]float64) protocol.Request {
	r := fresh(id)
	r.Set = changes
	return r
}

// deafBroker accepts connections and logs in clients, but reads nothing after that.
func deafBroker(t *testing.T) (url string, connected <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	welcome := make(chan struct{}, 100)
	var mu sync.Mutex
	var open []net.Conn
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range open {
			c.Close()
		}
	})
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			if _, err := io.ReadFull(conn, make([]byte, 2)); err != nil { // the start of CONNECT
				continue
			}
			if _, err := conn.Write([]byte{0x20, 2, 0, 0}); err == nil { // CONNACK, accepted
				welcome <- struct{}{}
			}
		}
	}()
	return "tcp://" + l.Addr().String(), welcome
}
