package bridge_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fluxd/bridge"
	"fluxd/bridge/protocol"
)

// A broker may lose acknowledgements: Mosquitto does in a flood. Whatever it loses, the robot goes on publishing, and connects
// again only if it must. Time is virtual.
func TestLostAcknowledgements(t *testing.T) {
	for _, c := range []struct {
		name   string
		loses  func(event, login int) bool
		events int
		within time.Duration
		logins int
	}{
		{"none", nil, 2000, time.Second, 1},
		{"as many as may be in flight, but one",
			func(event, _ int) bool { return event < bridge.MaxInFlight }, 2000, time.Second, 1},
		{"every second one",
			func(event, _ int) bool { return event%2 == 0 }, 1000, time.Second, 1},
		{"nearly all, again and again",
			func(event, _ int) bool { return event%bridge.MaxInFlight != 0 }, 1000, time.Second, 1},
		{"ten more than may be in flight: one message a second, until one is acknowledged",
			func(event, _ int) bool { return event < bridge.MaxInFlight+10 }, 2000, 12 * time.Second, 1},
		{"all of the first connection",
			func(_, login int) bool { return login == 1 }, 1000, 30 * time.Second, 2},
		{"more than the library may keep",
			func(event, login int) bool { return login == 1 && event%2 == 0 }, 2*bridge.MaxUnacknowledged + 1000, 30 * time.Second, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				broker := newQuickBroker()
				broker.loses = c.loses
				b := startBridge(t, describedRobot{newFakeRobot(), protocol.Description{}},
					bridge.Options{Broker: "tcp://127.0.0.1:1", Dial: broker.dial})
				defer b.Close() // not with the test's context: virtual time stands still while two calls wait for each other
				status := protocol.Topics("fake").Status()
				eventually(t, "the robot is not online", func() bool { return strings.Contains(broker.retained()[status], `"online"`) })
				begun := time.Now()
				for sent := 0; sent < c.events; {
					for range min(c.events-sent, bridge.ImportantMessages/2) { // which the outbox has room for
						sent++
						b.Event(protocol.Armed, fmt.Sprint("event ", sent))
					}
					eventually(t, "not all events have come", func() bool { n, _ := broker.received(); return n == sent })
				}
				took := time.Since(begun)
				_, logins := broker.received()
				if took > c.within || logins != c.logins {
					t.Errorf("%d events came in %v over %d connections; expected %v over %d", c.events, took, logins, c.within, c.logins)
				}
				// Afterwards everything is as before.
				broker.ask(t, "get", newRequest("afterwards"))
				eventually(t, "the status is not online in the end", func() bool {
					return strings.Contains(broker.retained()[status], `"online"`)
				})
			})
		})
	}
}
