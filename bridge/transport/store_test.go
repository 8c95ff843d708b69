package transport

import (
	"bytes"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

func TestStoreKeepsCopies(t *testing.T) {
	s := NewStore()
	s.Open()
	message := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	message.Qos, message.Retain, message.MessageID, message.TopicName, message.Payload = 1, true, 7, "flux/rt/status", []byte("x")
	s.Put("o.7", message)
	message.RemainingLength = 99 // as Write does
	again, is := s.Get("o.7").(*packets.PublishPacket)
	if !is || again.Qos != 1 || !again.Retain || again.MessageID != 7 || again.TopicName != "flux/rt/status" ||
		!bytes.Equal(again.Payload, []byte("x")) {
		t.Fatalf("kept: %+v", again)
	}
	if again.RemainingLength != 0 {
		t.Error("a change of the message changes the copy")
	}
	again.Dup = true // as resume does
	if message.Dup || s.Get("o.7").(*packets.PublishPacket).Dup {
		t.Error("a change of the returned copy changes the message, or the stored copy")
	}
	s.Del("o.7")
	if p := s.Get("o.7"); p != nil {
		t.Errorf("still stored after Del: %+v", p)
	}
}

// A client publishes while its connection is lost again and again. This is for the race detector.
func TestMessagesInFlightWhenAConnectionIsLost(t *testing.T) {
	const losses, messages = 30, 3000
	var mutex sync.Mutex
	lost, arrived := 0, map[string]bool{}
	broker := func(conn net.Conn) {
		defer conn.Close()
		for n := 0; ; n++ {
			p, err := packets.ReadPacket(conn)
			if err != nil {
				return
			}
			switch p := p.(type) {
			case *packets.ConnectPacket:
				err = packets.NewControlPacket(packets.Connack).Write(conn)
			case *packets.PublishPacket:
				mutex.Lock()
				cut := lost < losses && n > 20
				if cut {
					lost++
				} else {
					arrived[string(p.Payload)] = true
				}
				mutex.Unlock()
				if cut {
					return
				}
				ack := packets.NewControlPacket(packets.Puback).(*packets.PubackPacket)
				ack.MessageID = p.MessageID
				err = ack.Write(conn)
			}
			if err != nil {
				return
			}
		}
	}
	var brokers sync.WaitGroup
	defer brokers.Wait()
	c := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://made.up:1").SetStore(NewStore()).SetKeepAlive(0).
		SetMaxReconnectInterval(10 * time.Millisecond).
		SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) {
			ours, its := net.Pipe()
			brokers.Go(func() { broker(its) })
			return ours, nil
		}))
	if token := c.Connect(); !token.WaitTimeout(time.Minute) || token.Error() != nil {
		t.Fatal(token.Error())
	}
	defer c.Disconnect(0)
	for i := range messages {
		// may fail on a lost connection: the store keeps it, and it is sent again
		c.Publish("a", 1, false, []byte{byte(i), byte(i >> 8)})
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) { // the library does not report what it sends again
		mutex.Lock()
		n := len(arrived)
		mutex.Unlock()
		if n == messages {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d messages arrived, and %d connections were lost", n, messages, lost)
		}
	}
}
