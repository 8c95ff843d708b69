package bridge

import (
	"bytes"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// subscriptionBroker lets one client in and hands what it subscribes to the test, whose answer it sends. It hangs up when there is no more to come.
func subscriptionBroker(t *testing.T) (url string, asked <-chan *packets.SubscribePacket, answer chan<- byte) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	subscribe, code := make(chan *packets.SubscribePacket, 1), make(chan byte, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
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
				subscribe <- p
				a := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
				a.MessageID, a.ReturnCodes = p.MessageID, bytes.Repeat([]byte{<-code}, len(p.Topics))
				_ = a.Write(conn)
				<-code
				return
			}
		}
	}()
	return "tcp://" + l.Addr().String(), subscribe, code
}

func TestASubscriptionThatIsRefusedIsTold(t *testing.T) {
	url, asked, answer := subscriptionBroker(t)
	var log journal
	startBridge(t, newFakeRobot(), Options{Broker: url, Log: slog.New(slog.NewTextHandler(&log, nil))})
	<-asked
	answer <- 0x80
	defer close(answer)
	for deadline := time.Now().Add(patience); log.count("does not let the robot read flux/fake/req/+") == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not told:\n%s", &log)
		}
	}
}

// The broker's word on a subscription may come in the very moment in which the robot ends. The library then writes down what the robot no
// longer reads; the race detector sees it if it does, as a rule within a hundred tries.
func TestTheEndWhileASubscriptionIsAnswered(t *testing.T) {
	var farewells sync.WaitGroup
	for i := range 200 {
		url, asked, answer := subscriptionBroker(t)
		b := startBridge(t, newFakeRobot(), Options{Broker: url})
		<-asked
		answer <- 1
		close(answer)
		for ended := time.Now().Add(time.Duration(i) * time.Microsecond); time.Now().Before(ended); { // about as long as the answer is under way
		}
		b.cancel()
		farewells.Go(b.Close) // a second each, since nobody acknowledges
	}
	farewells.Wait()
}
