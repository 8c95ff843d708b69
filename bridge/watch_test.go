package bridge_test

import (
	"fmt"
	"strings"
	"testing"

	"fluxd/bridge"
	"fluxd/bridge/protocol"
)

// Spikes are published while a client has a lease, and not before.
func TestWatch(t *testing.T) {
	robot := newFakeRobot()
	b := startBridge(t, robot, bridge.Options{})
	c := dial(t, b.URL())
	c.online()
	robot.mu.Lock()
	if robot.spiked != 0 {
		t.Error("spikes are collected although there is no lease")
	}
	robot.mu.Unlock()
	for lease, want := range map[int64]string{0: "lease_ms: expected 1 to 60000", 60_001: "lease_ms: expected 1 to 60000"} {
		r := newRequest(fmt.Sprint("lease ", lease))
		r.Lease = lease
		if r := c.ask("watch", r); r.Error == nil || !strings.Contains(r.Error.Message, want) {
			t.Errorf("a lease of %d ms: %+v", lease, r.Error)
		}
	}
	long := newRequest("long")
	long.Lease = 60_000
	if r := c.ask("watch", long); r.Error != nil {
		t.Fatal(r.Error)
	}
	batch, err := protocol.DecodeSpikes(c.payload("flux/fake/spikes"))
	if err != nil || len(batch) != 1 {
		t.Errorf("%v, %v", batch, err)
	}
}
