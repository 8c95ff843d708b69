package bridge

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/url"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
	"golang.org/x/time/rate"

	"fluxd/bridge/packetreader"
)

// patience bounds every wait of these tests. Nothing is expected to take that long.
const patience = 2 * time.Minute

// motionless is the Safety of a robot that never moves.
type motionless struct{}

func (motionless) Arm(string, bool) error { return errors.New("it never moves") }
func (motionless) ArmByHand(string) error { return errors.New("it never moves") }
func (motionless) Disarm(string)          {}
func (motionless) EmergencyStop(string)   {}

// No bytes from a broker make the robot panic, on any of its connections.
func FuzzBrokerBytes(f *testing.F) {
	f.Add([]byte("\x90\x07\x00\x01\x01\x01\x01\x01\x01"))
	f.Add([]byte("\x90\x05\x00\x01\x01\x01\x00\x30\x05\x00\x01tab\x40\x02\x00\x01" +
		"\xb0\x02\x00\x02\x50\x02\x00\x03\x62\x02\x00\x04\x70\x02\x00\x04\xd0\x00"))
	f.Add([]byte("\x3e\x1b\x00\x11flux/fake/req/set\x00\x07{}{}{}"))
	f.Add([]byte("\x30\x15\x00\x13flux/fake/req/estop\x32\x18\x00\x14flux/fake/req/disarm\x00\x07"))
	f.Add([]byte("\x30\x1e\x00\x11flux/fake/req/arm{\"value\":0}"))
	f.Add(bytes.Repeat([]byte("\x30\x13\x00\x11flux/fake/req/get"), waitingRequests+1))
	f.Add([]byte("\x32\x16\x00\x12flux/fake/status\x00\x07"))
	f.Add([]byte("\x90\x05\x00\x01\x80\x80\x80\xe0\x00\x10\x00\x00\xff\xff\xff\xff\x7f"))
	f.Fuzz(func(t *testing.T, words []byte) {
		b := &Bridge{robot: Robot{Safety: motionless{}}, topics: "fake", boot: "b1", clock: time.Now,
			log: slog.New(slog.DiscardHandler), outbox: newOutbox(), connected: make(chan struct{}, 1),
			requests: make(chan incoming, waitingRequests), busyAnswers: rate.NewLimiter(rate.Inf, 0),
			viewerRequests: make(chan incoming, waitingRequests), busyViewers: rate.NewLimiter(rate.Inf, 0)}
		b.ctx = t.Context()
		b.stops, b.questions = newStopConnection(b), newQuestions(b)
		for _, i := range []*inlet{&b.stops.inlet, b.questions} {
			i.prepare(clientOptions("", "").AddBroker("tcp://made.up:1"))
		}
		for _, side := range []struct {
			filters map[string]byte
			receive paho.MessageHandler
		}{{b.filters(), b.receive}, {b.stops.filters, b.stops.receive}, {b.questions.filters, b.questions.receive}} {
			ours, its := net.Pipe()
			b.client = paho.NewClient(clientOptions("", "").AddBroker("tcp://made.up:1").
				SetAutoReconnect(false).SetConnectRetry(false).
				SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) {
					limit := packetreader.NewRateLimit(b.topics, stopping, b.stops.stopUnread, &b.outbox.dropped)
					return packetreader.New(ours, len(side.filters), limit), nil
				}))
			b.sender.client = b.client
			broker := serveBytes(its, words)
			if token := b.client.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
				t.Fatal(token.Error())
			}
			subscription := b.client.SubscribeMultiple(side.filters, side.receive)
			<-broker
			_ = refused(subscription, subscription.WaitTimeout(patience), "")
			b.client.Disconnect(0)
		}
	})
}

// serveBytes lets a client log in, and writes words when it has subscribed. It closes the channel when it is done.
func serveBytes(conn net.Conn, words []byte) <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience))
		if _, err := packets.ReadPacket(conn); err != nil {
			return
		}
		if err := packets.NewControlPacket(packets.Connack).Write(conn); err != nil {
			return
		}
		if _, err := packets.ReadPacket(conn); err != nil { // it subscribes
			return
		}
		go io.Copy(io.Discard, conn) // otherwise the pipe blocks the answers of the robot
		_, _ = conn.Write(words)
	}()
	return ended
}
