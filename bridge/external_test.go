package bridge

import (
	"bytes"
	"fluxd/bridge/protocol"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
	"golang.org/x/time/rate"
)

// stream is a connection from which a text comes.
type stream struct {
	net.Conn
	io.Reader
}

func (s stream) Read(p []byte) (int, error) { return s.Reader.Read(p) }

// Packets that are too long are cut, whatever pieces they come in; the others are not touched.
func TestPacketsAreCut(t *testing.T) {
	suback := "\x90\x07\x00\x01\x01\x01\x01\x01\x01"
	short := "\x90\x05\x00\x01\x01\x01\x01"
	publish := func(length int) string {
		var b bytes.Buffer
		p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
		p.TopicName, p.Payload = "t", bytes.Repeat([]byte("x"), length)
		if err := p.Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for _, test := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"one that is right", short, short},
		{"no body", "\xd0\x00\xd0\x00", "\xd0\x00\xd0\x00"},
		{"too many codes", suback + "\xd0\x00", short + "\xd0\x00"},
		{"a length in more bytes than it needs", "\xd0\x80\x00" + short, "\xd0\x00" + short},
		{"the longest message", publish(longestPublish - 3), publish(longestPublish - 3)},
		{"a longer one", publish(longestPublish-2) + short, publish(longestPublish-3) + short},
		{"a much longer one", publish(10<<20) + publish(1), publish(longestPublish-3) + publish(1)},
	} {
		for pieces, in := range map[string]io.Reader{
			"at once": strings.NewReader(test.in), "byte by byte": iotest.OneByteReader(strings.NewReader(test.in)),
			"in halves": iotest.HalfReader(strings.NewReader(test.in)), "with the end": iotest.DataErrReader(strings.NewReader(test.in)),
		} {
			if got, err := io.ReadAll(newCutter(stream{Reader: in})); err != nil || string(got) != test.want {
				t.Errorf("%s, %s: %d bytes, %v, want %d", test.name, pieces, len(got), err, len(test.want))
			}
		}
	}
	if _, err := io.ReadAll(newCutter(stream{Reader: strings.NewReader("\x30\xff\xff\xff\xff\x01")})); err == nil || !strings.Contains(err.Error(), "does not speak MQTT") {
		t.Errorf("no MQTT: %v", err)
	}
}

// A message that is larger than any request is answered as such, and takes neither the robot's memory nor its connection.
func TestAHugeMessageAtAnExternalBroker(t *testing.T) {
	external := startTestBroker(t, "127.0.0.1:0")
	b := startBridge(t, newFakeRobot(), Options{Broker: external.url})
	c := dial(t, external.url)
	c.online()
	huge := strings.Repeat("x", 8<<20)
	c.send(protocol.Topics("fake").Request("set"), false, huge)
	if r := next[protocol.Response](c, protocol.Topics("fake").Response("set"), nil); r.Error == nil || r.Error.Code != protocol.TooLarge {
		t.Errorf("answered with %+v", r)
	}
	c.send(protocol.Topics("fake").Param("unknown"), true, huge)
	if r := c.ask("get", fresh("g1")); r.Status != protocol.StatusOK || !b.Connected() {
		t.Errorf("after it: %+v", r)
	}
}

// Whatever a broker says, the robot lives.
func FuzzWhatABrokerSays(f *testing.F) {
	f.Add([]byte("\x90\x07\x00\x01\x01\x01\x01\x01\x01"))
	f.Add([]byte("\x90\x05\x00\x01\x01\x01\x00\x30\x05\x00\x01tab\x40\x02\x00\x01\xb0\x02\x00\x02\x50\x02\x00\x03\x62\x02\x00\x04\x70\x02\x00\x04\xd0\x00"))
	f.Add([]byte("\x3e\x1b\x00\x11flux/fake/req/set\x00\x07{}{}{}"))
	f.Add([]byte("\x32\x16\x00\x12flux/fake/status\x00\x07"))
	f.Add([]byte("\x90\x05\x00\x01\x80\x80\x80\xe0\x00\x10\x00\x00\xff\xff\xff\xff\x7f"))
	f.Fuzz(func(t *testing.T, words []byte) {
		b := &Bridge{robot: newFakeRobot(), topics: "fake", boot: "b1", out: newOutbox(), connected: make(chan struct{}, 1), arrivals: make(chan arrival, waitingRequests), log: slog.New(slog.DiscardHandler), busy: rate.NewLimiter(rate.Inf, 0)}
		b.ctx = t.Context()
		ours, its := net.Pipe()
		options := b.clientOptions(Options{}).AddBroker("tcp://made.up:1").SetAutoReconnect(false).SetConnectRetry(false).
			SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) { return newCutter(ours), nil })
		b.client = paho.NewClient(options)
		broker := make(chan struct{})
		go func() {
			defer close(broker)
			defer its.Close()
			_ = its.SetDeadline(time.Now().Add(patience))
			if _, err := packets.ReadPacket(its); err != nil {
				return
			}
			if err := packets.NewControlPacket(packets.Connack).Write(its); err != nil {
				return
			}
			if _, err := packets.ReadPacket(its); err != nil { // it subscribes
				return
			}
			go io.Copy(io.Discard, its) // else the pipe holds up what the robot answers
			_, _ = its.Write(words)
		}()
		if token := b.client.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
			t.Fatal(token.Error())
		}
		subscription := b.client.SubscribeMultiple(map[string]byte{b.topics.Request("+"): 1, b.topics.Status(): 1, b.topics.Param("#"): 0}, b.receive)
		<-broker
		_ = b.refused(subscription, subscription.WaitTimeout(patience))
		b.client.Disconnect(0)
	})
}
