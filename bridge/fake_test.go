package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/google/uuid"
	"github.com/nats-io/nats-server/v2/server"

	"fluxd/bridge/protocol"
)

// patience bounds every wait of these tests. Nothing is expected to take that long.
const patience = 2 * time.Minute

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
	setter string        // who set last
	hold   chan struct{} // Set waits for it, if there is one
	held   int           // how many Sets wait for it now
	disk   chan struct{} // Keep waits for it, if there is one
	deaf   bool          // they wait for nothing else: the end of a request's time does not end them
}

func newFakeRobot() *fakeRobot {
	return &fakeRobot{values: map[string]float64{"a": 1, "group/b": 2}}
}

// newHangingRobot returns a robot whose transactions hang until hold is closed.
func newHangingRobot() *fakeRobot {
	r := newFakeRobot()
	r.hold, r.deaf = make(chan struct{}), true
	return r
}

func (r *fakeRobot) Describe() protocol.Description {
	return protocol.Description{
		Parameters: []protocol.Parameter{
			{Path: "a", Type: "float", Unit: "mV", Max: 100, Default: 1},
			{Path: "group/b", Type: "float", Unit: "mV", Max: 100, Default: 2},
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
		source := protocol.FromConfig
		if r.sets > 0 {
			source = r.setter
		}
		got[path] = protocol.Reading{Value: protocol.Value{V: v, Rev: r.rev, Src: source}, Max: 100}
	}
	return got, r.rev, nil
}

func (r *fakeRobot) Keep(protocol.Revision) error {
	if r.disk != nil {
		<-r.disk
	}
	return nil
}

func (r *fakeRobot) AddLearnt(context.Context, map[string]protocol.Reading) error { return nil }

func (r *fakeRobot) Save(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.saves++
	return nil
}

func (r *fakeRobot) Load(context.Context) error { r.order("load"); return nil }

func (r *fakeRobot) Reset(ctx context.Context, who string, paths []string, ifRevision *protocol.Revision) (map[string]float64, protocol.Revision, error) {
	if len(paths) == 0 {
		paths = []string{"a", "group/b"}
	}
	back := map[string]float64{}
	for _, p := range paths {
		back[p] = map[string]float64{"a": 1, "group/b": 2}[p]
	}
	return r.Set(ctx, who, back, ifRevision)
}

func (r *fakeRobot) Reward(_ context.Context, name string, value float64) (int, error) {
	if name != "praise" {
		return 0, &protocol.Error{Code: protocol.UnknownReward, Message: fmt.Sprintf("no reward %q", name)}
	}
	if value == 0 {
		return 0, protocol.Warning("its value is 0")
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

// did returns the orders so far.
func (r *fakeRobot) did() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.orders...)
}

// wait waits for hold, or for the end of a context.
func (r *fakeRobot) wait(ctx context.Context) error {
	if r.hold == nil {
		return nil
	}
	r.waiting(1)
	defer r.waiting(-1)
	ended := ctx.Done()
	if r.deaf {
		ended = nil
	}
	select {
	case <-r.hold:
		return nil
	case <-ended:
		return ctx.Err()
	}
}

// waiting adds to the number of Sets that wait, and returns it.
func (r *fakeRobot) waiting(more int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held += more
	return r.held
}

func (r *fakeRobot) Arm(who string, fresh bool) error {
	r.order(named(map[bool]string{false: "arm", true: "arm fresh"}[fresh], who))
	return r.refuse
}

func (r *fakeRobot) Disarm(who string) { r.order(named("disarm", who)) }

func (r *fakeRobot) ArmByHand(who string) error { r.order(named("arm by hand", who)); return r.refuse }

// named adds who asked for something, if a user did.
func named(what, who string) string {
	if who == protocol.Nobody {
		return what
	}
	return what + " for " + who
}

func (r *fakeRobot) Drive(_ context.Context, who, actuator string, value float64, length time.Duration) error {
	r.order(named(fmt.Sprintf("drive %s %g for %v", actuator, value, length), who))
	return r.refuse
}

func (r *fakeRobot) Sense(_ context.Context, sensor string, value float64, length time.Duration) error {
	r.order(fmt.Sprintf("sense %s %g for %v", sensor, value, length))
	return nil
}

func (r *fakeRobot) EmergencyStop(who string) { r.order("stop by " + who) }

func (r *fakeRobot) Set(ctx context.Context, who string, changes map[string]float64, ifRevision *protocol.Revision) (map[string]float64, protocol.Revision, error) {
	if err := r.wait(ctx); err != nil {
		return nil, 0, err
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
	r.setter = who
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

// whole is a robot that can do everything.
type whole interface {
	Telemetry
	Safety
	Tuner
	Teacher
	ByHand
	SpikeSource
}

// parts are those of a robot that can do everything.
func parts(r whole) Robot { return Robot{r, r, r, r, r, r} }

// startBridge runs a bridge called "fake" at a broker of its own on a free port, unless the options say otherwise.
func startBridge(t *testing.T, robot whole, opts Options) *Bridge {
	t.Helper()
	if opts.Robot == "" {
		opts.Robot = "fake"
	}
	if opts.Broker == "" {
		opts.Broker = startTestBroker(t, "127.0.0.1:0").url
	}
	b, err := Start(t.Context(), parts(robot), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// testBroker stands for any broker outside of the robot. It keeps nothing when it ends.
type testBroker struct {
	url    string
	server *server.Server
}

// startTestBroker runs a broker that lets everybody in. Port 0 is a free one.
func startTestBroker(t testing.TB, listen string) *testBroker {
	t.Helper()
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return runTestBroker(t, server.MQTTOpts{Host: host, Port: number})
}

// runTestBroker runs a broker with more options. With users nobody else is let in.
func runTestBroker(t testing.TB, mqtt server.MQTTOpts, users ...*server.User) *testBroker {
	t.Helper()
	if mqtt.Port == 0 { // which the server takes for no MQTT
		mqtt.Port = -1
	}
	// What exceeds this comes half a minute late, and what a client is given that was retained counts for it as well. The
	// server allows 65,535 for all subscriptions of a client together.
	mqtt.MaxAckPending = 4096
	opts := &server.Options{ServerName: "test", DontListen: true, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: t.TempDir(), MaxPayload: 10 << 20, MQTT: mqtt, Users: users}
	s, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	b := &testBroker{server: s}
	t.Cleanup(b.close)
	if !s.ReadyForConnections(patience) {
		t.Fatalf("the broker does not listen on %s:%d", mqtt.Host, mqtt.Port)
	}
	scheme := "tcp"
	if mqtt.TLSConfig != nil {
		scheme = "ssl"
	}
	port := opts.MQTT.Port // the server has written there which it is
	b.url = fmt.Sprintf("%s://%s", scheme, net.JoinHostPort(mqtt.Host, strconv.Itoa(port)))
	return b
}

// close ends the broker and every connection to it. Another can start at its address.
func (b *testBroker) close() {
	b.server.Shutdown()
	b.server.WaitForShutdown()
}

// address is where the broker listens.
func (b *testBroker) address() string { return strings.TrimPrefix(b.url, "tcp://") }

// cut ends the robots' connections as a broken network does, and returns how many there were.
func (b *testBroker) cut(t *testing.T) (number int) {
	t.Helper()
	all := b.robots(t)
	for _, id := range all {
		_ = b.server.DisconnectClientByID(id) // it may have ended by itself
	}
	return len(all)
}

// robots returns the robots' connections, in order.
func (b *testBroker) robots(t *testing.T) (ids []uint64) {
	t.Helper()
	all, err := b.server.Connz(&server.ConnzOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all.Conns {
		if strings.HasPrefix(c.MQTTClient, "fluxd-") {
			ids = append(ids, c.Cid)
		}
	}
	slices.Sort(ids)
	return ids
}

// freeAddress returns an address that nobody listens on: it was just given back.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// eventually waits until something holds.
func eventually(t *testing.T, otherwise string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(otherwise)
		}
	}
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
	// Without a keep-alive: where a machine is slow, nobody shall be cut off for an answer that is late, and with it lose the subscription.
	c.paho = paho.NewClient(paho.NewClientOptions().AddBroker(url).SetClientID(uuid.NewString()).SetProtocolVersion(4).SetKeepAlive(0).
		SetConnectTimeout(patience).SetConnectRetry(true).SetConnectRetryInterval(50 * time.Millisecond))
	c.wait(c.paho.Connect())
	c.listen()
	t.Cleanup(func() { c.paho.Disconnect(50) })
	return c
}

// listen subscribes to everything. Each time the broker gives all that it retains.
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

// keepsAsking sends requests, each with an id of its own, until one is answered: what is sent while the robot is away is lost.
func (c *client) keepsAsking(verb string) protocol.Response {
	c.t.Helper()
	ids := map[string]bool{}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		r := fresh(uuid.NewString())
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

// hang begins a transaction of a robot that hangs, and waits until it does.
func (c *client) hang(robot *fakeRobot) {
	c.t.Helper()
	c.send(protocol.Topics("fake").Request("set"), false, setting("hangs", map[string]float64{"a": 1}))
	eventually(c.t, "the transaction does not begin", func() bool { return robot.waiting(0) == 1 })
}

// keep has the broker retain a message. It acknowledges one a moment before it gives it to who comes.
func (c *client) keep(topic string, payload any) {
	c.t.Helper()
	c.send(topic, true, payload)
	kept[any](c.t, c.url(), topic)
}

// warm has the broker of these tests read what it retains. When it reads that first while it changes, it may give what was before
// to all who come in the next two minutes: nats-server 2.14.5 caches in loadRetainedMessages what was replaced meanwhile.
func warm(t *testing.T, url string) {
	t.Helper()
	retained(t, url)
}

// retained returns what a broker retains, by topic: what a client is given that comes now.
func retained(t *testing.T, url string) map[string]string {
	t.Helper()
	c := dial(t, url)
	defer c.paho.Disconnect(0)
	last := uuid.NewString()
	c.send(protocol.Echo, false, `"`+last+`"`) // it comes back behind the rest
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
			t.Fatal("the broker does not say all that it retains")
		}
	}
}

// kept waits until a broker retains a message to a topic, and reads it as T.
func kept[T any](t *testing.T, url, topic string) (v T) {
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

// wire is a client that says what it likes, packet by packet.
type wire struct {
	t    *testing.T
	conn net.Conn
}

// dialWireAs logs in, with what is added to the packet.
func dialWireAs(t *testing.T, url string, with func(*packets.ConnectPacket)) wire {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	w := wire{t, conn}
	hello := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	hello.ProtocolName, hello.ProtocolVersion, hello.CleanSession = "MQTT", 4, true
	hello.ClientIdentifier, hello.Keepalive = "wire", 60
	with(hello)
	w.say(hello)
	if answer, ok := w.hear().(*packets.ConnackPacket); !ok || answer.ReturnCode != packets.Accepted {
		t.Fatalf("not logged in: %v", answer)
	}
	return w
}

func (w wire) say(p packets.ControlPacket) {
	w.t.Helper()
	if err := p.Write(w.conn); err != nil {
		w.t.Fatal(err)
	}
}

func (w wire) hear() packets.ControlPacket {
	w.t.Helper()
	_ = w.conn.SetReadDeadline(time.Now().Add(patience))
	p, err := packets.ReadPacket(w.conn)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// online waits until the robot says that it is there.
func (c *client) online() {
	c.t.Helper()
	// The broker of these tests reads what it retains first, and only then begins to pass on what is new. What is published
	// between is not given to who comes.
	for wait := time.Second; !c.hears(wait, protocol.Online); wait *= 2 {
		if wait > patience {
			c.t.Fatal("the robot is not online")
		}
		c.listen()
	}
}

// hears reports whether the robot's status comes within some time.
func (c *client) hears(within time.Duration, state protocol.State) bool {
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
