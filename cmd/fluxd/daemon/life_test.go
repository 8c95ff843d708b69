package daemon

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fluxd/bridge/protocol"
	"fluxd/bridge/transport"
	"fluxd/cmd/fluxd/hardware"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fluxd/boards/sim"
	"fluxd/configs"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/nats-io/nats-server/v2/server"
	"periph.io/x/conn/v3/gpio"
)

// patience bounds every wait of these tests. A failing test takes that long, a passing one does not.
const patience = 2 * time.Minute

// start runs a robot in real time and returns it with a function that stops it and waits for the end.
func start(t testing.TB, config *configs.Robot) (robot *Robot, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	started, ended := make(chan *Robot, 1), make(chan error, 1)
	go func() {
		ended <- Run(ctx, config, RunOptions{Version: "test", Seed: 1, Log: slog.New(slog.DiscardHandler),
			Started: func(r *Robot) { started <- r }})
	}()
	stopped := false
	stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(patience):
			return fmt.Errorf("the robot does not stop")
		}
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	select {
	case robot = <-started:
		return robot, stop
	case err := <-ended:
		stopped = true
		t.Fatalf("the robot ended at once: %v", err)
	case <-time.After(patience):
		t.Fatal("the robot does not start")
	}
	return nil, nil
}

// A client is an MQTT client of the broker, over a real socket.
type client struct {
	mqtt.Client
	messages  chan mqtt.Message
	subscribe func() bool // subscribes (again) and waits for the broker's answer
}

// clients numbers the clients: two with the same id would disconnect each other forever.
var clients atomic.Int64

func connect(t testing.TB, url, topic string) *client {
	t.Helper()
	return connectInOrder(t, url, topic, false)
}

// connectInOrder is connect for tests that need the messages in order, and read them quickly enough.
func connectInOrder(t testing.TB, url, topic string, order bool) *client {
	t.Helper()
	c := &client{messages: make(chan mqtt.Message, 4096)}
	id := fmt.Sprintf("test-%d-%d", os.Getpid(), clients.Add(1))
	opts := mqtt.NewClientOptions().AddBroker(url).SetTLSConfig(&tls.Config{InsecureSkipVerify: true}).SetClientID(id).
		SetOrderMatters(order).SetStore(transport.NewStore()).SetConnectRetry(true).
		SetConnectRetryInterval(50 * time.Millisecond).SetMaxReconnectInterval(100 * time.Millisecond).SetWriteTimeout(time.Second)
	subscribed := make(chan struct{}, 16)
	c.subscribe = func() bool {
		receive := func(_ mqtt.Client, message mqtt.Message) { c.messages <- message }
		return c.Subscribe(topic, 0, receive).WaitTimeout(patience)
	}
	opts.SetOnConnectHandler(func(mqtt.Client) {
		if c.subscribe() {
			select {
			case subscribed <- struct{}{}:
			default: // connect has returned
			}
		}
	})
	c.Client = mqtt.NewClient(opts)
	c.Connect()
	t.Cleanup(func() { c.Disconnect(0) })
	select { // messages that are published before the subscription would be lost
	case <-subscribed:
	case <-time.After(patience):
		t.Fatalf("no subscription to %s at %s", topic, url)
	}
	return c
}

// await returns the first message that satisfies a condition.
func (c *client) await(t testing.TB, what string, matches func(topic string, payload []byte) bool) []byte {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case m := <-c.messages:
			if matches(m.Topic(), m.Payload()) {
				return m.Payload()
			}
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// awaitOnline waits until the robot is online. A NATS server (2.14.5) adds a retained message to its list of topics a moment
// after it has delivered the message. A client that subscribes in between gets it in neither way, so awaitOnline subscribes
// again.
func (c *client) awaitOnline(t testing.TB) {
	t.Helper()
	online := says("status", `"online"`)
	for wait := time.Second; wait <= patience; wait *= 2 {
		for again := time.After(wait); again != nil; {
			select {
			case m := <-c.messages:
				if online(m.Topic(), m.Payload()) {
					return
				}
			case <-again:
				again = nil
			}
		}
		c.subscribe()
	}
	t.Fatal("the robot is not online")
}

func suffix(s string) func(string, []byte) bool {
	return func(topic string, _ []byte) bool { return strings.HasSuffix(topic, s) }
}

func says(topicSuffix, text string) func(string, []byte) bool {
	return func(topic string, payload []byte) bool {
		return strings.HasSuffix(topic, topicSuffix) && strings.Contains(string(payload), text)
	}
}

// lightseekerAt is the demo robot with another line for mqtt.
func lightseekerAt(t *testing.T, mqttLine string) *configs.Robot {
	t.Helper()
	return parse(t, strings.Replace(lightseekerText(t), "mqtt: {broker: embedded}", mqttLine, 1), nil)
}

func (c *client) set(t *testing.T, id, path string, value float64) protocol.Response {
	t.Helper()
	text, err := json.Marshal(protocol.Request{ID: id, Time: time.Now().UnixMilli(), TTL: 10_000,
		Set: map[string]float64{path: value}})
	if err != nil {
		t.Fatal(err)
	}
	c.Publish("flux/lightseeker/req/set", 1, false, text)
	var answer protocol.Response
	payload := c.await(t, "the answer to "+id, says("res/set", `"`+id+`"`))
	if err := json.Unmarshal(payload, &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// lightseekerParts lists the parts of the demo robot by kind and name, and the paths of its parameters.
func lightseekerParts() map[string]bool {
	all := map[string]bool{"mqtt.telemetry": true, "sensor bumper": true, "sensors.bumper.debounce": true,
		"sensors.bumper.glitch": true}
	with := func(name, path string, parameters ...string) {
		if name != "" {
			all[name] = true
		}
		for _, p := range parameters {
			all[path+"."+p] = true
		}
	}
	for _, eye := range []string{"left_eye", "right_eye"} {
		with("sensor "+eye, "sensors."+eye, "every", "stale", "encode.range[0]", "encode.range[1]", "encode.max")
	}
	for _, wheel := range []string{"left_wheel", "right_wheel"} {
		with("actuator "+wheel, "actuators."+wheel, "min_power", "timeout", "slew", "range[0]", "range[1]", "decode.window",
			"decode.full")
	}
	for _, neuron := range []string{"eye_l", "eye_r", "motor_l", "motor_r", "pain", "retreat", "calm", "back_l", "back_r"} {
		with("neuron "+neuron, "network.neurons."+neuron, "threshold", "leak", "floor", "refractory")
	}
	for _, synapse := range []string{"eye_l.motor_r", "eye_r.motor_l", "pain.retreat", "retreat.retreat", "retreat.calm",
		"calm.retreat", "retreat.motor_l", "retreat.motor_r", "retreat.back_l", "retreat.back_r"} {
		with("", "network.synapses."+synapse, "weight", "delay")
	}
	return all
}

// A daemon and an MQTT client over a real socket: a parameter that is tuned over MQTT changes how the wheels turn.
func TestDaemonEndToEnd(t *testing.T) {
	t.Parallel() // it waits
	inRealTime(t)
	robot, stop := start(t, lightseekerAt(t, "mqtt: {broker: embedded, listen: '127.0.0.1:0'}"))
	status := connect(t, robot.Broker(), "flux/+/status")
	status.await(t, "the status", says("lightseeker/status", `"online"`))
	var d protocol.Description
	text := connect(t, robot.Broker(), "flux/+/describe").await(t, "the description", suffix("/describe"))
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	described := map[string]bool{}
	for _, n := range d.Neurons {
		described["neuron "+n.Name] = n.Count == 1
	}
	for kind, devices := range map[string][]protocol.Device{"sensor ": d.Sensors, "actuator ": d.Actuators} {
		for _, one := range devices {
			described[kind+one.Name] = true
		}
	}
	for _, p := range d.Parameters {
		described[p.Path] = true
	}
	if want := lightseekerParts(); !maps.Equal(described, want) {
		t.Errorf("described as\n%q, want\n%q", slices.Sorted(maps.Keys(described)), slices.Sorted(maps.Keys(want)))
	}
	c := connect(t, robot.Broker(), "flux/#")
	wheels := func(payload []byte) (left, right float64) {
		var m map[string]protocol.Measure
		if err := json.Unmarshal(payload, &m); err != nil {
			t.Fatalf("%v in %s", err, payload)
		}
		left, _ = m["left_wheel"].Value.(float64)
		right, _ = m["right_wheel"].Value.(float64)
		return left, right
	}
	c.await(t, "both wheels turning", func(topic string, payload []byte) bool {
		if !strings.HasSuffix(topic, "tele/actuators") {
			return false
		}
		left, right := wheels(payload)
		return left > 0 && right > 0
	})
	c.await(t, "light on the eyes", says("tele/sensors", `"left_eye"`))
	c.await(t, "the health", says("tele/health", `"spikes_per_s"`))

	// With a threshold that no eye can reach, the wheel stops.
	const path = "network.neurons.motor_l.threshold"
	if a := c.set(t, "one", path, 1e6); a.Status != protocol.StatusOK || a.Applied[path] != 1e6 || a.Rev != 1 {
		t.Errorf("set: %+v", a)
	}
	connect(t, robot.Broker(), "flux/+/param/#").await(t, "the accepted value", says("param/"+path, `1000000`))
	c.await(t, "the left wheel at rest and the right one turning", func(topic string, payload []byte) bool {
		if !strings.HasSuffix(topic, "tele/actuators") {
			return false
		}
		left, right := wheels(payload)
		return left <= 0 && right > 0
	})
	if a := c.set(t, "two", path, -1); a.Status != protocol.StatusError || a.Error.Code != protocol.OutOfRange ||
		a.Error.Min == nil || a.Error.Path != path {
		t.Errorf("a threshold of -1: %+v", a)
	}
	if a := c.set(t, "three", "network.neurons.motor_l.treshold", 1); a.Error == nil || a.Error.Code != protocol.UnknownParameter ||
		!strings.Contains(a.Error.Message, path) {
		t.Errorf("a misspelt path: %+v", a)
	}

	board := robot.body.Board.(*sim.Board)
	if err := stop(); err != nil {
		t.Error(err)
	}
	status.await(t, "offline", says("lightseeker/status", `"offline"`))
	for _, name := range []string{"GPIO12", "GPIO13"} {
		pin, _ := board.Pin(name)
		if duty, _ := pin.(*sim.Pin).PWMState(); duty != 0 {
			t.Errorf("%s is left at duty %v", name, duty)
		}
	}
}

// startBroker runs an external broker without users and passwords. It keeps its port when it is started again.
func startBroker(t testing.TB, address string) (stop func(), at string) {
	t.Helper()
	if strings.HasSuffix(address, ":0") {
		address = freeAddress(t)
	}
	host, port, _ := net.SplitHostPort(address)
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "fluxd-test-broker-")
	if err != nil {
		t.Fatal(err)
	}
	b, err := server.NewServer(&server.Options{ServerName: "test", DontListen: true, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: folder, MQTT: server.MQTTOpts{Host: host, Port: number}})
	if err != nil {
		t.Fatal(err)
	}
	b.Start()
	if !b.ReadyForConnections(patience) {
		t.Fatalf("no broker at %s", address)
	}
	return func() {
		b.Shutdown()
		b.WaitForShutdown()
		os.RemoveAll(folder)
	}, address
}

// freeAddress returns an address with a free port.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestLostBrokerDoesNotStopTheRobot(t *testing.T) {
	inRealTime(t)
	stopBroker, address := startBroker(t, "127.0.0.1:0")
	robot, _ := start(t, lightseekerAt(t, "mqtt: {broker: 'tcp://"+address+"'}"))
	c := connect(t, "tcp://"+address, "flux/#")
	c.awaitOnline(t)
	stopBroker()
	before := robot.body.World.State()
	moves := func() bool { // the robot moves, or has reached a lamp
		s := robot.body.World.State()
		return s["lamp1_x_m"] != before["lamp1_x_m"] || math.Hypot(s["x_m"]-before["x_m"], s["y_m"]-before["y_m"]) > 0.1
	}
	eventually(t, "the robot to go on without a broker", moves)
	stopAgain, _ := startBroker(t, address)
	defer stopAgain()
	again := connect(t, "tcp://"+address, "flux/+/status")
	again.awaitOnline(t)
}

// eventually polls until a condition is true, where there is no event to wait for.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.After(patience); ; {
		select {
		case <-ticker.C:
			if condition() {
				return
			}
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestRobotStartsWithoutItsBroker(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close() // nothing listens there
	robot, _ := start(t, lightseekerAt(t, "mqtt: {broker: 'tcp://"+address+"'}"))
	eventually(t, "the wheels to turn", func() bool { return robot.outputs[0].Guard.Applied() != 0 })
}

func TestPanicBringsActuatorsToFailsafe(t *testing.T) {
	config := lightseekerAt(t, "mqtt: {broker: none}")
	r, err := assemble(config, hardware.Options{Seed: 1, Log: slog.New(slog.DiscardHandler)}, func() time.Duration { return 0 })
	if err != nil {
		t.Fatal(err)
	}
	r.safety.ArmSilently()
	pin, _ := r.body.Board.Pin("GPIO13")
	r.outputs[0].Guard.Set(time.Second, 900_000)
	if err := r.outputs[0].Guard.Step(time.Second); err != nil {
		t.Fatal(err)
	}
	if duty, _ := pin.(*sim.Pin).PWMState(); duty == 0 {
		t.Fatal("the wheel does not turn: nothing to stop")
	}
	func() {
		defer func() {
			if p := recover(); p != "ouch" {
				t.Errorf("the panic was swallowed: %v", p)
			}
		}()
		defer r.protect()
		panic("ouch")
	}()
	if duty, _ := pin.(*sim.Pin).PWMState(); duty != 0 {
		t.Errorf("the wheel turns at %v after a panic", duty)
	}
	r.outputs[0].Guard.Set(time.Second, 900_000)
	if err := r.outputs[0].Guard.Step(3 * time.Second); err == nil {
		if duty, _ := pin.(*sim.Pin).PWMState(); duty != 0 {
			t.Errorf("the wheel turns after its failsafe")
		}
	}
}

// An edge of the bumper passes through the loop to the wheels in real time.
func TestBumpBacksOffInRealTime(t *testing.T) {
	t.Parallel() // it waits
	text := strings.Replace(lightseekerText(t), "world: arena", "world: none", 1)
	text = strings.Replace(text, "mqtt: {broker: embedded}", "mqtt: {broker: none}", 1)
	for _, eye := range []string{"  left_eye:", "  right_eye:"} { // without a world, there are no light sensors on the bus
		i := strings.Index(text, eye)
		text = text[:i] + text[i+strings.IndexByte(text[i:], '\n')+1:]
	}
	i := strings.Index(text, "  sensors: {left_eye: {") // nor in the body
	text = text[:i] + text[i+strings.IndexByte(text[i:], '\n')+1:]
	robot, _ := start(t, parse(t, text, nil))
	pin, _ := robot.body.Board.Pin("GPIO17")
	eventually(t, "the bumper's first reading", func() bool {
		return robot.Sensors()["bumper"].Unit == "" &&
			len(robot.Sensors()) == 1
	})
	pin.(*sim.Pin).Drive(gpio.Low)
	eventually(t, "both wheels to reverse", func() bool {
		return robot.outputs[0].Guard.Applied() < 0 && robot.outputs[1].Guard.Applied() < 0
	})
	eventually(t, "the retreat to end", func() bool {
		return robot.outputs[0].Guard.Applied() == 0 && robot.outputs[1].Guard.Applied() == 0
	})
	if h := robot.Health(); h.Spikes < 60 {
		t.Errorf("%d spikes: the retreat alone has sixty", h.Spikes)
	}
}

// Health counts the arrivals that neurons ignore in their refractory periods. They show that an encoder is faster than its
// neuron.
func TestHealthCountsIgnoredArrivals(t *testing.T) {
	t.Parallel() // it waits
	robot, _ := start(t, parse(t, `
robot: deaf
board: {kind: sim}
network:
  neurons: {a: {pacemaker: 5ms}, b: {refractory: 1h}, c: {}}
  synapses: [{from: a, to: b, weight: 100}, {from: a, to: c, weight: 100}]
mqtt: {broker: none}
`, nil))
	eventually(t, "the network to spike", func() bool { return robot.Health().Spikes >= 12 })
	// b has fired once, and ignores all further arrivals.
	ignored := robot.Health().Ignored
	if spikes := robot.Health().Spikes; ignored < 3 || ignored > spikes/2 {
		t.Errorf("%d arrivals ignored, with %d spikes", ignored, spikes)
	}
}
