package bridge

import (
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/time/rate"

	"fluxd/bridge/protocol"
)

// A flood is cut where it arrives. What stops the robot is obeyed even so, and one that asks, waits and asks again loses nothing.
func TestFlood(t *testing.T) {
	t.Parallel()
	const flood, burst = 10, 3
	for _, test := range []struct {
		topic         string
		flags         byte
		passed, stops int
		who           string // stops it, of those that are over the rate
	}{
		{topic: "flux/fake/req/get", passed: burst},
		{topic: "flux/fake/req/set", passed: burst},
		{topic: "flux/fake/req/set/ann", passed: burst},
		{topic: "flux/fake/req/estop", passed: burst, stops: flood - burst, who: protocol.Anonymous},
		{topic: "flux/fake/req/disarm", passed: burst, stops: flood - burst, who: protocol.Anonymous},
		{topic: "flux/fake/req/estop/ann", passed: burst, stops: flood - burst, who: "ann"},
		{topic: "flux/fake/req/estop/a b", passed: burst, stops: flood - burst, who: protocol.Anonymous}, // it stops all the same
		{topic: "flux/fake/req/arm/ann", passed: flood},
		{topic: "flux/fake/req/estop", flags: 1, passed: burst}, // retained: it would stop the robot at each connection
		{topic: "flux/fake/req/arm", passed: flood},             // it may be one to disarm
		{topic: "flux/fake/req/dance", passed: flood},           // the robot does not subscribe to it
		{topic: "flux/fake/status", passed: flood},
		{topic: "flux/fake/param/req/get", passed: flood},
	} {
		t.Run(test.topic, func(t *testing.T) {
			t.Parallel()
			stops, names := 0, map[string]bool{}
			p := &rateLimit{topics: "fake", requests: []byte("flux/fake/req/"), limits: map[string]*rate.Limiter{}, stop: func(_, who string) { stops++; names[who] = true }, dropped: &atomic.Uint64{}}
			for _, verb := range []string{"get", "set", "estop", "disarm"} {
				p.limits[verb] = rate.NewLimiter(1e-9, burst)
			}
			packet := string([]byte{0x30 | test.flags, byte(2 + len(test.topic) + 2), 0, byte(len(test.topic))}) + test.topic + "{}"
			// A packet of another kind follows: what comes last has nothing behind it, and would be delayed.
			in := strings.Repeat(packet, flood) + "\xd0\x00"
			got, err := io.ReadAll(newPacketReader(stream{Reader: strings.NewReader(in)}, 1, p))
			if err != nil {
				t.Fatal(err)
			}
			if passed := strings.Count(string(got), packet); passed != test.passed || stops != test.stops || int(p.dropped.Load()) != flood-test.passed {
				t.Errorf("%d of %d were passed on, %d stopped the robot, %d were dropped: want %d, %d, %d", passed, flood, stops, p.dropped.Load(), test.passed, test.stops, flood-test.passed)
			}
			if stops > 0 && (len(names) != 1 || !names[test.who]) {
				t.Errorf("stopped by %v, want %s", names, test.who)
			}
		})
	}
	p := &rateLimit{requests: []byte("flux/fake/req/"), limits: map[string]*rate.Limiter{"get": rate.NewLimiter(1e6, 1)}, dropped: &atomic.Uint64{}}
	for range 100 {
		if !p.allow([]byte("flux/fake/req/get"), false, true) {
			t.Fatal("a request that nothing waits behind was dropped")
		}
	}
}
