package bridge

import (
	"context"
	"fluxd/bridge/protocol"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

func TestFiltersMatchLevelByLevel(t *testing.T) {
	tests := []struct {
		filter, topic string
		want          bool
	}{
		{"a/+", "a/b", true},
		{"a/+", "a/b/c", false}, // what the broker's own matcher gets wrong
		{"a/+", "a", false},
		{"a/+", "a/", true},
		{"r/+/set", "r/x/set", true},
		{"r/+/set", "r/x/set/more", false},
		{"r/+/set", "r/x/get", false},
		{"+/+", "a/b", true},
		{"#", "a/b", true},
		{"a/#", "a", true},
		{"a/#", "a/b/c", true},
		{"a/#", "ab", false},
		{"a/#/c", "a/b/c", false},
		{"a", "a", true},
		{"a", "A", false},
		{"#", "$SYS/broker", false},
		{"+/broker", "$SYS/broker", false},
		{"$SYS/#", "$SYS/broker", true},
	}
	for _, test := range tests {
		if got := matches(test.filter, test.topic); got != test.want {
			t.Errorf("filter %s, topic %s: got %v, want %v", test.filter, test.topic, got, test.want)
		}
	}
}

func TestATakenPortGivesWayToAFreeOne(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var log journal
	b := startBridge(t, newFakeRobot(), Options{Broker: Embedded, Listen: taken.Addr().String(), Log: slog.New(slog.NewTextHandler(&log, nil))})
	if strings.HasSuffix(b.URL(), taken.Addr().String()) {
		t.Fatalf("it says it listens on the taken port: %s", b.URL())
	}
	dial(t, b.URL()).online()
	if log.count("the port is taken") != 1 || log.count(taken.Addr().String()) == 0 {
		t.Errorf("the log does not say what happened: %s", log.String())
	}
}

func TestWhatMayNotBeWritten(t *testing.T) {
	external := startTestBroker(t, "127.0.0.1:0")
	c := dial(t, external.url)
	lost := make(chan struct{})
	strangers := paho.NewClient(paho.NewClientOptions().AddBroker(external.url).SetProtocolVersion(4).SetAutoReconnect(false).
		SetConnectionLostHandler(func(paho.Client, error) { close(lost) }))
	c.wait(strangers.Connect())
	defer strangers.Disconnect(50)
	for _, topic := range []string{"elsewhere", "fluxx/a", "$SYS/broker/version"} {
		for _, qos := range []byte{0, 1} {
			if topic[0] == '$' && qos == 1 {
				continue // the broker leaves these without an acknowledgement
			}
			c.wait(strangers.Publish(topic, qos, true, "forged"))
		}
	}
	c.wait(strangers.Publish(protocol.Root+"/other/status", 1, true, "allowed"))
	for deadline := time.After(patience); ; {
		select {
		case m := <-c.messages:
			if string(m.Payload()) == "forged" {
				t.Fatalf("%s was written", m.Topic())
			}
			if m.Topic() == protocol.Root+"/other/status" {
				select {
				case <-lost:
					t.Error("the client was cut off: it would connect and try again for ever")
				default:
				}
				return
			}
		case <-deadline:
			t.Fatal("the permitted message did not arrive")
		}
	}
}

func TestALastWillNeedsTheSameRight(t *testing.T) {
	external := startTestBroker(t, "127.0.0.1:0")
	c := paho.NewClient(paho.NewClientOptions().AddBroker(external.url).SetProtocolVersion(4).SetWill("elsewhere", "forged", 1, true))
	token := c.Connect()
	if !token.WaitTimeout(patience) {
		t.Fatal("no answer")
	}
	if token.Error() == nil {
		t.Error("connected with a last will for a topic that it may not write")
	}
	c.Disconnect(50)
}

func TestAClientThatStopsReadingHoldsNobodyUp(t *testing.T) {
	external := startTestBroker(t, "127.0.0.1:0")
	deaf, err := net.Dial("tcp", strings.TrimPrefix(external.url, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	hello := "\x10\x10\x00\x04MQTT\x04\x02\x00\x00\x00\x04deaf" // CONNECT, 3.1.1, clean session, no keep alive
	listen := "\x82\x0b\x00\x01\x00\x06flux/#\x01"              // SUBSCRIBE, QoS 1
	if _, err := deaf.Write([]byte(hello + listen)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(deaf, make([]byte, 4+5)); err != nil { // CONNACK, SUBACK
		t.Fatal(err)
	}
	speaker := &client{t: t, paho: paho.NewClient(paho.NewClientOptions().AddBroker(external.url).SetProtocolVersion(4))}
	speaker.wait(speaker.paho.Connect())
	defer speaker.paho.Disconnect(50)
	for range 400 { // far more than sockets buffer
		speaker.wait(speaker.paho.Publish(protocol.Root+"/flood", 1, false, make([]byte, 64<<10)))
	}
}

// Its worth shows under the race detector.
func TestRetainedMessagesAreFiledApartFromSubscriptions(t *testing.T) {
	external := startTestBroker(t, "127.0.0.1:0")
	var publishers sync.WaitGroup
	for i := range 2 {
		c := paho.NewClient(paho.NewClientOptions().AddBroker(external.url).SetProtocolVersion(4))
		if token := c.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
			t.Fatal(token.Error())
		}
		defer c.Disconnect(50)
		publishers.Go(func() {
			for round := range 100 {
				text := ""
				if round%2 == 0 {
					text = "kept"
				}
				c.Publish(fmt.Sprintf("%s/r%d/status", protocol.Root, i), 1, true, text).WaitTimeout(patience)
			}
		})
	}
	for range 20 {
		dial(t, external.url).paho.Disconnect(0)
	}
	publishers.Wait()
}

func TestRetainedMessagesDoNotExpire(t *testing.T) {
	external := startTestBroker(t, "127.0.0.1:0")
	if expiry := external.server.Options.Capabilities.MaximumMessageExpiryInterval; expiry != 0 {
		t.Errorf("retained messages vanish after %d s", expiry)
	}
}

func TestTheBrokersLogIsQuiet(t *testing.T) {
	var text journal
	log := slog.New(quiet{slog.NewTextHandler(&text, nil)}).With("part", "broker").WithGroup("g")
	log.Info("somebody came")
	log.Warn("somebody went")
	log.Error("something broke")
	if text.count("somebody") != 0 || text.count("something broke") != 1 {
		t.Errorf("logged: %s", text.String())
	}
	if log.Enabled(context.Background(), slog.LevelWarn) {
		t.Error("details are on")
	}
}
