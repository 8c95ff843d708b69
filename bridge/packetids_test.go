package bridge

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// wire is a client that says what it likes, packet by packet.
type wire struct {
	t    *testing.T
	conn net.Conn
}

func dialWire(t *testing.T, url string) wire {
	t.Helper()
	return dialWireAs(t, url, func(*packets.ConnectPacket) {})
}

// dialWireAs logs in with more.
func dialWireAs(t *testing.T, url string, with func(*packets.ConnectPacket)) wire {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	w := wire{t, conn}
	hello := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	hello.ProtocolName, hello.ProtocolVersion, hello.CleanSession, hello.ClientIdentifier, hello.Keepalive = "MQTT", 4, true, "wire", 60
	with(hello)
	w.say(hello)
	if _, ok := w.hear().(*packets.ConnackPacket); !ok {
		t.Fatal("no CONNACK")
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

func (w wire) subscribe(id uint16, filter string) {
	s := packets.NewControlPacket(packets.Subscribe).(*packets.SubscribePacket)
	s.MessageID, s.Topics, s.Qoss = id, []string{filter}, []byte{1}
	w.say(s)
}

// A client that subscribes while messages are on their way to it is not refused because one of them has the number of its packet.
func TestPacketNumbersOfBothSidesAreIndependent(t *testing.T) {
	b := startTestBroker(t, "127.0.0.1:0")
	c := dial(t, b.url)
	for i := range 10 {
		c.send(Topics("other").Param(fmt.Sprint("p", i)), true, Value{V: 1})
	}
	w := dialWire(t, b.url)
	w.subscribe(1, "flux/other/param/#")
	w.subscribe(2, "flux/other/event/#") // message 2 is on its way by now, or is to come
	unsubscribe := packets.NewControlPacket(packets.Unsubscribe).(*packets.UnsubscribePacket)
	unsubscribe.MessageID, unsubscribe.Topics = 3, []string{"flux/other/param/#"}
	w.say(unsubscribe)
	for answers := 0; answers < 13; answers++ {
		switch p := w.hear().(type) {
		case *packets.SubackPacket:
			if p.MessageID != 1 && p.MessageID != 2 || p.ReturnCodes[0] != 1 {
				t.Errorf("subscription %d is answered with %v", p.MessageID, p.ReturnCodes)
			}
		case *packets.UnsubackPacket:
			if p.MessageID != 3 {
				t.Errorf("the end of subscription 3 is answered as %d", p.MessageID)
			}
		case *packets.PublishPacket: // none is acknowledged: all of them are under way
		}
	}
}
