package daemon

import (
	"encoding/json"
	"flag"
	"fluxd/bridge/protocol"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// The same tests with every broker: the robot's own, and Mosquitto and NATS if flags name their programs.
//
//	go test ./cmd/fluxd/daemon -run AnyBroker -v -mosquitto mosquitto -nats nats-server

var (
	mosquitto = flag.String("mosquitto", "", "program of the Mosquitto broker, to run the tests of brokers with")
	nats      = flag.String("nats", "", "program of the NATS server, to run the tests of brokers with")
)

// anyBroker is a broker that can be killed, and started again at the same address.
type anyBroker struct {
	name, address string
	mqtt          string                           // of the robot's file
	start         func(t *testing.T) (kill func()) // nil: the robot starts its own broker
}

// own is the robot's own broker.
const own = "embedded"

func brokers(t *testing.T) []*anyBroker {
	t.Helper()
	address := freeAddress(t)
	all := []*anyBroker{{name: own, address: address, mqtt: "{listen: '" + address + "', clients: 1000}"}}
	external := func(name, program, settings string) {
		b := &anyBroker{name: name, address: freeAddress(t)}
		b.mqtt = "{broker: 'tcp://" + b.address + "'}"
		_, port, _ := net.SplitHostPort(b.address)
		b.start = startProgram(t, program, strings.NewReplacer("ADDRESS", b.address, "PORT", port).Replace(settings), b.address)
		all = append(all, b)
	}
	if *mosquitto != "" {
		external("mosquitto", *mosquitto, "listener PORT 127.0.0.1\nset_tcp_nodelay true\nallow_anonymous true\nlog_type error\n")
	}
	if *nats != "" {
		external("nats", *nats, fmt.Sprintf("server_name: one\nlisten: %q\njetstream: {store_dir: %q}\nmqtt: {listen: \"ADDRESS\"}\n",
			freeAddress(t), t.TempDir()))
	}
	return all
}

// externalBrokers returns the brokers that are not the robot's own. Without flags, a broker in this process takes their place.
func externalBrokers(t *testing.T) []*anyBroker {
	t.Helper()
	all := brokers(t)[1:]
	if len(all) == 0 {
		b := &anyBroker{name: "plain", address: freeAddress(t)}
		b.mqtt = "{broker: 'tcp://" + b.address + "'}"
		b.start = func(t *testing.T) func() {
			stop, _ := startBroker(t, b.address)
			stop = sync.OnceFunc(stop)
			t.Cleanup(stop)
			return stop
		}
		all = append(all, b)
	}
	return all
}

// startRobot starts the broker, unless it is the robot's own, and a robot that uses it. Kill kills the broker.
func (b *anyBroker) startRobot(t *testing.T, text func(mqtt string) string) (robot *Robot, kill func()) {
	t.Helper()
	if b.start != nil {
		kill = b.start(t)
	}
	robot, _ = start(t, parse(t, text(b.mqtt), nil))
	if b.start == nil {
		kill = func() { killOwn(t, robot) }
	}
	connect(t, "tcp://"+b.address, "flux/beating/status").awaitOnline(t)
	return robot, kill
}

// killOwn kills the process of the robot's own broker, and waits until the robot has started another.
func killOwn(t *testing.T, robot *Robot) {
	t.Helper()
	id := robot.links.Own.Process()
	process, err := os.FindProcess(id)
	if err != nil || id == 0 {
		t.Fatalf("the broker has process %d: %v", id, err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the broker to be started again", func() bool { now := robot.links.Own.Process(); return now != 0 && now != id })
}

// restart starts a broker again that was killed.
func (b *anyBroker) restart(t *testing.T, robot *Robot) (kill func()) {
	t.Helper()
	if b.start == nil {
		return func() { killOwn(t, robot) }
	}
	return b.start(t)
}

// startProgram returns a function that starts a broker with a file of settings, and waits until it listens.
func startProgram(t *testing.T, name, settings, address string) func(t *testing.T) (kill func()) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "broker.conf")
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(t *testing.T) func() {
		t.Helper()
		c := exec.Command(name, "-c", file)
		c.Stderr = t.Output()
		if err := c.Start(); err != nil {
			t.Fatalf("%v: see docs/mqtt.md for where to get the brokers", err)
		}
		kill := sync.OnceFunc(func() { _ = c.Process.Kill(); _ = c.Wait() })
		t.Cleanup(kill)
		eventually(t, name+" to listen", func() bool {
			socket, err := net.Dial("tcp", address)
			if err == nil {
				_ = socket.Close()
			}
			return err == nil
		})
		return kill
	}
}

// beating is a robot whose network is never silent, so that its loop has deadlines to meet.
func beating(mqtt string) string {
	return `
robot: beating
board: {kind: sim}
network:
  neurons: {beat: {pacemaker: 1ms}, a: {threshold: 100}, b: {threshold: 100}}
  synapses: [{from: beat, to: a, weight: 30}, {from: beat, to: b, weight: 20}]
actuators: {leg: {device: relay, pin: GPIO22, decode: {kind: count, neuron: a, full: 100 Hz, window: 50ms}}}
rewards: {praise: {to: b}}
mqtt: ` + mqtt + `
`
}

// eachBroker runs a test with a robot at each broker. The test may kill the broker and start it again.
func eachBroker(t *testing.T, test func(t *testing.T, robot *Robot, b *anyBroker, kill func())) {
	t.Helper()
	eachBrokerOf(t, beating, test)
}

func eachBrokerOf(t *testing.T, text func(mqtt string) string, test func(t *testing.T, robot *Robot, b *anyBroker, kill func())) {
	for _, b := range brokers(t) {
		t.Run(b.name, func(t *testing.T) {
			robot, kill := b.startRobot(t, text)
			test(t, robot, b, kill)
			h := robot.Health()
			if h.Spikes == 0 || h.Safety.State != "armed" || len(h.Safety.Held) > 0 {
				t.Errorf("in the end: %d spikes, %+v", h.Spikes, h.Safety)
			}
			l := h.Latency
			t.Logf("loop latency p50 %d us, p99 %d us, p99.9 %d us, max %d us of %d; %d messages dropped, %d malformed",
				l.P50, l.P99, l.P999, l.Max, l.Count, robot.links.Bridge.Dropped(), h.Bridge.Malformed)
		})
	}
}

var asked atomic.Int64

// send sends a request, and returns its id.
func (c *client) send(verb string, r protocol.Request) string {
	r.ID = fmt.Sprintf("%s-%d", verb, asked.Add(1))
	if r.Time == 0 {
		r.Time = time.Now().UnixMilli()
	}
	r.TTL = 20_000
	text, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	c.Publish("flux/beating/req/"+verb, 1, false, text)
	return r.ID
}

// ask sends a request, and waits for the answer.
func (c *client) ask(t *testing.T, verb string, r protocol.Request) (answer protocol.Response) {
	t.Helper()
	id := c.send(verb, r)
	c.await(t, "the answer to "+id, func(topic string, payload []byte) bool {
		answer = protocol.Response{}
		return strings.HasSuffix(topic, "res/"+verb) && json.Unmarshal(payload, &answer) == nil && answer.Answers(id)
	})
	return answer
}

// answering waits until the robot answers. After a broker was killed, the status is no evidence: a broker that keeps retained
// messages on its disk still has "online" from before, since it could not publish the last will.
func answering(t *testing.T, b *anyBroker) {
	t.Helper()
	c := connect(t, "tcp://"+b.address, "flux/beating/res/get")
	eventually(t, "the robot to answer again", func() bool {
		c.send("get", protocol.Request{Paths: []string{"network.neurons.a.leak"}})
		select {
		case <-c.messages:
			return true
		case <-time.After(100 * time.Millisecond):
			return false
		}
	})
}

// Without any trouble: the loop's latency for comparison.
func TestAnyBrokerAtPeace(t *testing.T) {
	eachBroker(t, func(t *testing.T, robot *Robot, b *anyBroker, _ func()) {
		c := connect(t, "tcp://"+b.address, "flux/beating/res/#")
		one := 1.0
		for i := range 20 {
			set := map[string]float64{"network.neurons.a.threshold": float64(90 + i)}
			if a := c.ask(t, "set", protocol.Request{Set: set}); a.Error != nil {
				t.Fatal(a.Error)
			}
		}
		if a := c.ask(t, "reward", protocol.Request{Reward: "praise", Value: &one}); a.Error != nil || a.Spikes != 1 {
			t.Errorf("%+v", a)
		}
		for _, verb := range []string{"get", "reset", "disarm", "arm"} {
			if a := c.ask(t, verb, protocol.Request{}); a.Error != nil {
				t.Errorf("%s: %v", verb, a.Error)
			}
		}
	})
}

// A large population is one parameter, whose topic has a star and brackets. Every broker must accept that.
func TestAnyBrokerWithALargePopulation(t *testing.T) {
	crowded := func(mqtt string) string {
		return strings.Replace(beating(mqtt), "b: {threshold: 100}", "b: {threshold: 100}, wall: {count: 2000}", 1)
	}
	eachBrokerOf(t, crowded, func(t *testing.T, robot *Robot, b *anyBroker, _ func()) {
		const whole, one = "network.neurons.wall[*].threshold", "network.neurons.wall[1234].threshold"
		retained := connect(t, "tcp://"+b.address, "flux/beating/param/"+whole)
		retained.await(t, "the configured value", says(whole, `{"v":100,`))
		c := connect(t, "tcp://"+b.address, "flux/beating/res/#")
		if a := c.ask(t, "set", protocol.Request{Set: map[string]float64{whole: 90}}); a.Error != nil || len(a.Applied) != 1 {
			t.Fatalf("%+v", a)
		}
		retained.await(t, "the new value", says(whole, `{"v":90,`))
		if a := c.ask(t, "set", protocol.Request{Set: map[string]float64{one: 95}}); a.Error != nil || a.Applied[one] != 95 {
			t.Fatalf("%+v", a)
		}
		retained.await(t, "the smallest and the largest value", says(whole, `{"v":90,"to":95,`))
	})
}

// The broker is killed and started again while the robot is tuned. Changes that were answered "ok" are in effect, and the
// retained values are those in effect.
func TestAnyBrokerKilledUnderLoad(t *testing.T) {
	inRealTime(t)
	eachBroker(t, func(t *testing.T, robot *Robot, b *anyBroker, kill func()) {
		c := connect(t, "tcp://"+b.address, "flux/beating/res/#")
		var accepted protocol.Value // of the latest revision: concurrent requests have no order
		accept := func(a protocol.Response) {
			if a.Status == protocol.StatusOK && a.Rev > accepted.Rev {
				accepted = protocol.Value{V: a.Applied["network.neurons.a.threshold"], Rev: a.Rev, Src: protocol.Anonymous}
			}
		}
		for round := range 2 {
			for i := range 50 {
				request := protocol.Request{Set: map[string]float64{"network.neurons.a.threshold": float64(100 + 50*round + i)}}
				if i != 25 {
					c.send("set", request)
					continue
				}
				accept(c.ask(t, "set", request)) // the load has arrived
				kill()
			}
			kill = b.restart(t, robot)
			answering(t, b)
			for drained := false; !drained; {
				select {
				case m := <-c.messages:
					var a protocol.Response
					if json.Unmarshal(m.Payload(), &a) == nil && strings.HasSuffix(m.Topic(), "/set") {
						accept(a)
					}
				case <-time.After(300 * time.Millisecond):
					drained = true
				}
			}
			values, _, err := robot.Get([]string{"network.neurons.a.threshold"})
			v := values["network.neurons.a.threshold"]
			if err != nil || v.Rev < accepted.Rev || v.Rev == accepted.Rev && v.Value != accepted {
				t.Errorf("round %d: %+v is in effect, %+v was accepted (%v)", round, v, accepted, err)
			}
		}
		last := protocol.Request{Set: map[string]float64{"network.neurons.a.threshold": 77}}
		answer := connect(t, "tcp://"+b.address, "flux/beating/res/#").ask(t, "set", last)
		if answer.Error != nil {
			t.Fatal(answer.Error)
		}
		retained := connect(t, "tcp://"+b.address, "flux/beating/param/network.neurons.a.threshold")
		retained.await(t, "the retained value", says("threshold", `"v":77`))
	})
}

// The retained message of a parameter that only an earlier configuration had is removed.
func TestAnyBrokerWithAnObsoleteParameter(t *testing.T) {
	for _, b := range externalBrokers(t) {
		t.Run(b.name, func(t *testing.T) {
			b.start(t)
			c := connect(t, "tcp://"+b.address, "flux/beating/param/gone")
			if token := c.Publish("flux/beating/param/gone", 1, true, `{"v":1}`); !token.WaitTimeout(patience) || token.Error() != nil {
				t.Fatal(token.Error())
			}
			start(t, parse(t, beating(b.mqtt), nil))
			c.await(t, "the parameter to be removed", func(_ string, payload []byte) bool { return len(payload) == 0 })
		})
	}
}

// A proxy between the robot and the broker stops passing on data, for longer than a write may take.
func TestAnyBrokerThatStopsReading(t *testing.T) {
	inRealTime(t)
	for _, b := range externalBrokers(t) {
		t.Run(b.name, func(t *testing.T) {
			b.start(t)
			between, hold := proxy(t, b.address)
			robot, _ := start(t, parse(t, beating("{broker: 'tcp://"+between+"'}"), nil))
			connect(t, "tcp://"+b.address, "flux/beating/status").awaitOnline(t)
			release := hold()
			before := robot.Health().Spikes
			eventually(t, "the network to go on", func() bool { return robot.Health().Spikes > before+3000 })
			for range 2000 {
				robot.publish(protocol.Tuned, strings.Repeat("x", 1000))
			}
			release()
			watcher := connect(t, "tcp://"+b.address, "flux/beating/#")
			watcher.await(t, "messages of the robot", says("tele/health", "latency_us"))
			if robot.links.Bridge.Dropped() == 0 {
				t.Error("2,000 events without a reader, and none was dropped: the queue has no bound")
			}
			h := robot.Health()
			t.Logf("loop latency p99.9 %d us, max %d us; %d messages dropped", h.Latency.P999, h.Latency.Max, robot.links.Bridge.Dropped())
		})
	}
}

// proxy passes connections on to an address. Hold stops that until release is called.
func proxy(t testing.TB, to string) (address string, hold func() (release func())) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var passing sync.RWMutex
	hold = func() func() {
		passing.Lock()
		release := sync.OnceFunc(passing.Unlock)
		t.Cleanup(release)
		return release
	}
	t.Cleanup(func() { l.Close() })
	pass := func(from, to net.Conn) {
		defer from.Close()
		defer to.Close()
		buffer := make([]byte, 4096)
		for {
			n, err := from.Read(buffer)
			if err != nil {
				return
			}
			passing.RLock()
			passing.RUnlock()
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			there, err := net.Dial("tcp", to)
			if err != nil {
				c.Close()
				continue
			}
			go pass(c, there)
			go pass(there, c)
		}
	}()
	return l.Addr().String(), hold
}

// A subscriber that reads nothing delays neither the robot nor other clients.
func TestAnyBrokerWithASlowSubscriber(t *testing.T) {
	inRealTime(t)
	eachBroker(t, func(t *testing.T, robot *Robot, b *anyBroker, _ func()) {
		deaf, err := net.Dial("tcp", b.address)
		if err != nil {
			t.Fatal(err)
		}
		defer deaf.Close()
		// CONNECT of MQTT 3.1.1 with the client id "deaf", and SUBSCRIBE to # at QoS 0; then nothing is read.
		if _, err := deaf.Write([]byte("\x10\x10\x00\x04MQTT\x04\x02\x00\x00\x00\x04deaf\x82\x06\x00\x01\x00\x01#\x00")); err != nil {
			t.Fatal(err)
		}
		c := connect(t, "tcp://"+b.address, "flux/beating/res/#")
		for i := range 3000 {
			robot.publish(protocol.Tuned, strings.Repeat("x", 2000))
			if i%300 == 0 {
				if a := c.ask(t, "get", protocol.Request{Paths: []string{"network.neurons.a.threshold"}}); a.Error != nil {
					t.Fatal(a.Error)
				}
			}
		}
	})
}

// Of 65,536 requests at once, each that the broker passes on gets one answer. Afterwards the robot works as before.
func TestAnyBrokerWithAFlood(t *testing.T) {
	inRealTime(t)
	eachBroker(t, func(t *testing.T, robot *Robot, b *anyBroker, _ func()) {
		c := connect(t, "tcp://"+b.address, "flux/beating/res/get")
		status := connect(t, "tcp://"+b.address, "flux/beating/status")
		status.awaitOnline(t)
		flood := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + b.address).SetClientID("flood"))
		if token := flood.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
			t.Fatal(token.Error())
		}
		defer flood.Disconnect(0)
		now := time.Now().UnixMilli()
		for i := range 65_536 {
			flood.Publish("flux/beating/req/get", 0, false,
				fmt.Sprintf(`{"id":"f%d","ts":%d,"ttl_ms":60000,"paths":["network.neurons.a.leak"]}`, i, now))
		}
		// The broker may drop requests of another client meanwhile, so that one repeats its request.
		answers, ours := map[string]int{}, map[string]bool{}
		eventually(t, "an answer to another client", func() bool {
			ours[c.send("get", protocol.Request{Paths: []string{"network.neurons.a.leak"}})] = true
			for again := time.After(time.Second); ; {
				select {
				case m := <-c.messages:
					var a protocol.Response
					if err := json.Unmarshal(m.Payload(), &a); err != nil {
						t.Fatal(err)
					}
					answers[a.ID]++
					if ours[a.ID] {
						return a.Error == nil
					}
				case <-again:
					return false
				}
			}
		})
		// On a slow machine, the robot may lose its connection in the flood. Then it repeats answers that were not acknowledged, and is
		// online again.
		most := 0
		for _, n := range answers {
			most = max(most, n)
		}
		for n := range most - 1 {
			status.await(t, fmt.Sprintf("the robot to come back: some requests have %d answers", n+2), says("status", `"online"`))
		}
		t.Logf("%d of 65,536 requests answered, and another client at its request %d; the rest was dropped on the way",
			len(answers)-1, len(ours))
	})
}

// Requests are refused when they are repeated, too old, from the future, or retained.
func TestAnyBrokerWithDuplicatesAndStaleRequests(t *testing.T) {
	eachBroker(t, func(t *testing.T, robot *Robot, b *anyBroker, _ func()) {
		c := connect(t, "tcp://"+b.address, "flux/beating/res/#")
		first := c.ask(t, "set", protocol.Request{Set: map[string]float64{"network.neurons.a.threshold": 91}})
		again := fmt.Sprintf(`{"id":%q,"ts":%d,"ttl_ms":20000,"set":{"network.neurons.a.threshold":95}}`, first.ID,
			time.Now().UnixMilli())
		c.Publish("flux/beating/req/set", 1, false, again)
		for _, at := range []time.Duration{-time.Hour, time.Hour} { // clocks that jumped or differ
			a := c.ask(t, "set", protocol.Request{Time: time.Now().Add(at).UnixMilli(),
				Set: map[string]float64{"network.neurons.a.threshold": 96}})
			if a.Error == nil || a.Error.Code != protocol.Stale {
				t.Errorf("%v from now: %+v", at, a)
			}
		}
		c.Publish("flux/beating/req/set", 1, true,
			fmt.Sprintf(`{"id":"kept","ts":%d,"ttl_ms":20000,"set":{"network.neurons.a.threshold":97}}`, time.Now().UnixMilli()))
		c.Publish("flux/beating/req/set", 1, true, "") // removed at once
		values, rev, err := robot.Get([]string{"network.neurons.a.threshold"})
		if err != nil || rev > 2 || values["network.neurons.a.threshold"].V == 95 || values["network.neurons.a.threshold"].V == 96 {
			t.Errorf("%v at revision %d, %v", values, rev, err)
		}
	})
}

// Two tuners that each name the revision that they have read never undo each other's changes.
func TestAnyBrokerWithTwoTuners(t *testing.T) {
	eachBroker(t, func(t *testing.T, robot *Robot, b *anyBroker, _ func()) {
		const each = 30
		var wins atomic.Int64
		var tuners sync.WaitGroup
		for range 2 {
			c := connect(t, "tcp://"+b.address, "flux/beating/res/#")
			tuners.Go(func() {
				for won := 0; won < each; {
					read := c.ask(t, "get", protocol.Request{Paths: []string{"network.neurons.a.threshold"}})
					next := read.Values["network.neurons.a.threshold"].V + 1
					set := map[string]float64{"network.neurons.a.threshold": next}
					a := c.ask(t, "set", protocol.Request{IfRevision: &read.Rev, Set: set})
					if a.Error == nil {
						won++
						wins.Add(1)
					} else if a.Error.Code != protocol.RevisionConflict {
						t.Error(a.Error)
						return
					}
				}
			})
		}
		tuners.Wait()
		values, rev, err := robot.Get([]string{"network.neurons.a.threshold"})
		if v := values["network.neurons.a.threshold"].V; err != nil || v != 100+2*each || rev != 2*each || wins.Load() != 2*each {
			t.Errorf("%g at revision %d after %d accepted steps, %v", v, rev, wins.Load(), err)
		}
	})
}

// Any bytes on any topic cause at most one error answer. They never crash the robot or change a parameter.
func FuzzAnyBytesOnAnyTopic(f *testing.F) {
	inRealTime(f)
	robot, _ := start(f, parse(f, beating("{listen: '127.0.0.1:0'}"), nil))
	connect(f, robot.Broker(), "flux/beating/status").awaitOnline(f) // before, the robot receives no requests
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(robot.Broker()).SetConnectRetry(true).
		SetConnectRetryInterval(50 * time.Millisecond))
	if token := c.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
		f.Fatal(token.Error())
	}
	f.Cleanup(func() { c.Disconnect(0) })
	answers := make(chan mqtt.Message, 1000)
	receive := func(_ mqtt.Client, m mqtt.Message) { answers <- m }
	if token := c.Subscribe("flux/beating/res/#", 0, receive); !token.WaitTimeout(patience) {
		f.Fatal("no subscription")
	}
	for _, verb := range []string{"set", "get", "reset", "reward", "stimulate", "watch", "network", "world", "place", "estop", "x",
		"set/y", ""} {
		f.Add("flux/beating/req/"+verb, []byte(`{"id":"a","ts":1,"ttl_ms":1000,"set":{"network.neurons.a.threshold":1e309}}`))
		f.Add("flux/beating/req/"+verb, []byte("{"))
	}
	f.Add("flux/beating/param/network.neurons.a.threshold", []byte(`{"v":5}`))
	sync, answered := 0, 0
	f.Fuzz(func(t *testing.T, topic string, payload []byte) {
		if topic == "" || strings.ContainsAny(topic, "+#\x00") || len(topic) > 1000 || strings.ContainsAny(topic, " \t\r\n\f\x7f") ||
			!validUTF8(topic) || strings.Contains(topic, "/arm") || strings.Contains(topic, "/disarm") {
			t.Skip() // a topic that the broker refuses, or a request that is allowed
		}
		var r protocol.Request
		if json.Unmarshal(payload, &r) == nil && time.Since(time.UnixMilli(r.Time)).Abs() < 2*time.Hour {
			t.Skip() // it might be valid
		}
		time.Sleep(5 * time.Millisecond) // two messages each: below the limit of a client's rate
		c.Publish(topic, 1, false, payload)
		sync++
		end := fmt.Sprintf(`{"id":"sync%d","ts":%d,"ttl_ms":60000}`, sync, time.Now().UnixMilli())
		c.Publish("flux/beating/req/get", 1, false, end)
		for deadline := time.After(patience); ; {
			select {
			case m := <-answers:
				var a protocol.Response
				if err := json.Unmarshal(m.Payload(), &a); err != nil {
					t.Fatal(err)
				}
				if a.ID == fmt.Sprintf("sync%d", sync) {
					if v := a.Values["network.neurons.a.threshold"].V; v != 100 {
						t.Fatalf("the threshold is %g", v)
					}
					if answered > sync { // in total, since answers may come out of order
						t.Errorf("%d answers to %d messages", answered, sync)
					}
					return
				}
				if strings.HasPrefix(a.ID, "sync") {
					continue
				}
				answered++
			case <-deadline:
				t.Fatal("the robot does not answer any more")
			}
		}
	})
}

func validUTF8(s string) bool { return strings.ToValidUTF8(s, "") == s }
