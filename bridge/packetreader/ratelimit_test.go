package packetreader

import (
	"bytes"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"golang.org/x/time/rate"

	"fluxd/bridge/protocol"
)

// A flood is discarded where it arrives, but its stops are obeyed. A client that waits for each answer loses no request.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	const flood, burst = 10, 3
	for _, test := range []struct {
		topic         string
		flags         byte
		passed, stops int
		user          string // of the requests that stop the robot and are over the rate
	}{
		{topic: "flux/fake/req/get", passed: burst},
		{topic: "flux/fake/req/set", passed: burst},
		{topic: "flux/fake/req/set/ann", passed: burst},
		{topic: "flux/fake/req/estop", passed: burst, stops: flood - burst, user: protocol.Anonymous},
		{topic: "flux/fake/req/disarm", passed: burst, stops: flood - burst, user: protocol.Anonymous},
		{topic: "flux/fake/req/estop/ann", passed: burst, stops: flood - burst, user: "ann"},
		{topic: "flux/fake/req/estop/a b", passed: burst, stops: flood - burst, user: protocol.Anonymous}, // no name of a user
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
			l := &RateLimit{topics: "fake", requests: []byte("flux/fake/req/"), limits: map[string]*rate.Limiter{},
				stopping: map[string]bool{"estop": true, "disarm": true},
				stop:     func(_, user string) { stops++; names[user] = true }, dropped: &atomic.Uint64{}}
			for _, verb := range []string{"get", "set", "estop", "disarm"} {
				l.limits[verb] = rate.NewLimiter(1e-9, burst)
			}
			packet := string([]byte{0x30 | test.flags, byte(2 + len(test.topic) + 2), 0, byte(len(test.topic))}) + test.topic + "{}"
			// Another packet follows: a request without anything behind it would be delayed.
			in := strings.Repeat(packet, flood) + "\xd0\x00"
			got, err := io.ReadAll(New(stream{Reader: strings.NewReader(in)}, 1, l))
			if err != nil {
				t.Fatal(err)
			}
			passed, dropped := strings.Count(string(got), packet), int(l.dropped.Load())
			if passed != test.passed || stops != test.stops || dropped != flood-test.passed {
				t.Errorf("%d of %d were passed on, %d stopped the robot, %d were dropped: want %d, %d, %d",
					passed, flood, stops, dropped, test.passed, test.stops, flood-test.passed)
			}
			if stops > 0 && (len(names) != 1 || !names[test.user]) {
				t.Errorf("stopped by %v, want %s", names, test.user)
			}
		})
	}
	l := &RateLimit{requests: []byte("flux/fake/req/"),
		limits: map[string]*rate.Limiter{"get": rate.NewLimiter(1e6, 1)}, dropped: &atomic.Uint64{}}
	for range 100 {
		if !l.allow([]byte("flux/fake/req/get"), 100, false, true) {
			t.Fatal("a request without another one behind it was dropped")
		}
	}
}

// A long request counts as several, and is never delayed: a reader that sleeps falls behind a flood of them.
func TestRateLimitOfLongRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dropped := &atomic.Uint64{}
		l := &RateLimit{requests: []byte("flux/fake/req/"), dropped: dropped,
			limits: map[string]*rate.Limiter{"get": rate.NewLimiter(requestRate, requestBurst)}}
		const flood, length = 1000, 15 * requestUnit
		topic := []byte("flux/fake/req/get")
		var all bytes.Buffer
		for range flood {
			p := newPublish(string(topic), make([]byte, length))
			if err := p.Write(&all); err != nil {
				t.Fatal(err)
			}
		}
		size := all.Len() / flood
		begun := time.Now()
		got, err := io.ReadAll(New(stream{Reader: &all}, 1, l))
		if passed := len(got) / size; err != nil || passed != requestBurst/16 || dropped.Load() != flood-requestBurst/16 {
			t.Errorf("%d of %d were passed on, %d dropped, %v: want %d", passed, flood, dropped.Load(), err, requestBurst/16)
		}
		if slept := time.Since(begun); slept > 0 {
			t.Errorf("the reader slept for %v", slept)
		}
		time.Sleep(time.Second)
		for _, longest := range []int{protocol.MaxRequest, 100 << 20} { // at any rate, one is read that is refused as too large
			if !l.allow(topic, longest, false, true) {
				t.Errorf("a request of %d bytes was dropped", longest)
			}
		}
	})
}

func newPublish(topic string, payload []byte) *packets.PublishPacket {
	p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	p.TopicName, p.Payload = topic, payload
	return p
}
