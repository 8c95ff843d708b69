package bridge_test

import (
	"bytes"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/nats-io/nats-server/v2/server"

	"fluxd/bridge"
)

// subscription is a subscription of a client at a subscriptionBroker.
type subscription struct {
	filters []string
	answer  chan<- byte // the code for all filters; when it is closed, the broker closes the connection
}

// connections are those of a robot: for stops, for what every user may ask, and for all the rest.
const connections = 3

// stopping reports whether the subscription belongs to the connection for stops.
func (s subscription) stopping() bool { return slices.Contains(s.filters, "flux/fake/req/estop") }

// subscriptionBroker accepts the three connections of a robot. It passes each subscription to the test, and sends the
// test's answer.
func subscriptionBroker(t *testing.T) (url string, asked <-chan subscription) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	subscribe := make(chan subscription, connections)
	go func() {
		for range connections {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go acceptClient(conn, subscribe)
		}
	}()
	return "tcp://" + l.Addr().String(), subscribe
}

func acceptClient(conn net.Conn, subscribe chan<- subscription) {
	defer conn.Close()
	for {
		p, err := packets.ReadPacket(conn)
		if err != nil {
			return
		}
		switch p := p.(type) {
		case *packets.ConnectPacket:
			_ = packets.NewControlPacket(packets.Connack).Write(conn)
		case *packets.SubscribePacket:
			code := make(chan byte, 1)
			subscribe <- subscription{p.Topics, code}
			if answer, ok := <-code; ok {
				a := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
				a.MessageID, a.ReturnCodes = p.MessageID, bytes.Repeat([]byte{answer}, len(p.Topics))
				_ = a.Write(conn)
			}
			if _, ok := <-code; !ok {
				return
			}
		}
	}
}

// A client that floods the robot with requests fills one of its connections. What every user may ask comes on another than what
// tunes the robot, and that on another than what stops it.
func TestEachVerbHasItsConnection(t *testing.T) {
	url, asked := subscriptionBroker(t)
	startBridge(t, newFakeRobot(), bridge.Options{Broker: url})
	var got []string
	for range connections {
		s := <-asked
		defer close(s.answer)
		verbs := map[string]bool{}
		for _, filter := range s.filters {
			if rest, is := strings.CutPrefix(filter, "flux/fake/req/"); is {
				verb, _, _ := strings.Cut(rest, "/")
				verbs[verb] = true
			}
		}
		got = append(got, strings.Join(slices.Sorted(maps.Keys(verbs)), " "))
	}
	slices.Sort(got)
	want := []string{"arm drive load load_robot place reset reward save sense set stimulate zero",
		"describe get network watch world", "disarm estop"}
	if !slices.Equal(got, want) {
		t.Errorf("the connections have the requests %q, want %q", got, want)
	}
}

func TestRefusedSubscriptionIsLogged(t *testing.T) {
	url, asked := subscriptionBroker(t)
	var log logBuffer
	startBridge(t, newFakeRobot(), bridge.Options{Broker: url, Log: slog.New(slog.NewTextHandler(&log, nil))})
	for range connections {
		s := <-asked
		s.answer <- 0x80
		defer close(s.answer)
	}
	for _, what := range []string{
		`level=WARN msg="cannot subscribe to all requests`, "does not let the robot read flux/fake/param/#",
		`level=ERROR msg="cannot subscribe to disarm and estop`, "does not let the robot read flux/fake/req/disarm",
		`level=WARN msg="cannot subscribe to get`, "does not let the robot read flux/fake/req/describe",
	} {
		eventually(t, what+" is not logged", func() bool { return log.count(what) == 1 })
	}
}

// The log says that a connection is missing, for those whose main connection is well: such a robot seems to be fine.
func TestMissingConnectionIsLogged(t *testing.T) {
	t.Parallel() // it waits
	url, asked := subscriptionBroker(t)
	var log logBuffer
	startBridge(t, newFakeRobot(), bridge.Options{Broker: url, Log: slog.New(slog.NewTextHandler(&log, nil))})
	for range connections {
		s := <-asked
		s.answer <- 0
		if s.stopping() {
			close(s.answer) // and there is no place for another connection
		} else {
			defer close(s.answer)
		}
	}
	const missing = `level=ERROR msg="the connection to the broker for disarm and estop is missing`
	eventually(t, missing+" is not logged", func() bool { return log.count(missing) == 1 })
}

// A broker grants only the topics without users' names. Requests work without a name, and the log says what is missing.
func TestBrokerThatGrantsNoNames(t *testing.T) {
	t.Parallel()
	rights := &server.Permissions{Subscribe: &server.SubjectPermission{
		Allow: []string{"flux.fake.req.*", "flux.fake.status", "flux.fake.param", "flux.fake.param.>"}}}
	broker := runTestBroker(t, server.MQTTOpts{Host: "127.0.0.1"},
		&server.User{Username: "fake", Password: "fake", Permissions: rights},
		&server.User{Username: "all", Password: "all"})
	var log logBuffer
	robot := newFakeRobot()
	c := dial(t, strings.Replace(broker.url, "://", "://all:all@", 1))
	startBridge(t, robot, bridge.Options{Broker: broker.url, User: "fake", Password: "fake",
		Log: slog.New(slog.NewTextHandler(&log, nil))})
	c.online()
	for _, verb := range []string{"disarm", "estop", "arm"} {
		if r := c.ask(verb, newRequest(verb)); r.Error != nil {
			t.Error(r.Error)
		}
	}
	if did := robot.orderList(); !slices.Equal(did, []string{"disarm", "stop by mqtt", "arm"}) {
		t.Errorf("the robot did %q", did)
	}
	for what, times := range map[string]int{
		"level=ERROR": 0,
		`level=WARN msg="cannot subscribe to disarm and estop under users' names`: 1,
		`level=WARN msg="cannot subscribe to all requests`:                        1,
		`level=WARN msg="cannot subscribe to get and all other requests`:          1,
		"flux/fake/req/disarm/+": 1,
	} {
		if n := log.count(what); n != times {
			t.Errorf("%s is logged %d times, want %d", what, n, times)
		}
	}
}

// The broker may answer a subscription while the robot ends. The library then writes into the token. The race detector reports it
// if the robot reads the token too, usually within a hundred attempts.
func TestCloseWhileASubscriptionIsAnswered(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits in real time")
	}
	var closing sync.WaitGroup
	for i := range 200 {
		url, asked := subscriptionBroker(t)
		b := startBridge(t, newFakeRobot(), bridge.Options{Broker: url})
		all := []subscription{<-asked, <-asked, <-asked}
		if all[0].stopping() == (i%2 == 0) { // in another order half of the time
			slices.Reverse(all)
		}
		for _, s := range all {
			s.answer <- 1
			close(s.answer)
		}
		// About as long as the answer needs.
		for ended := time.Now().Add(time.Duration(i) * time.Microsecond); time.Now().Before(ended); {
		}
		closing.Go(func() {
			b.Close() // a second each, since the broker does not acknowledge
			if b.Connected() {
				t.Error("connected after the end")
			}
		})
	}
	closing.Wait()
}
