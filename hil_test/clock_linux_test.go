package hil_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fluxd/bridge/protocol"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"golang.org/x/sys/unix"
)

// The machine's clock is set while the robot runs, as on a Raspberry Pi, which has no battery-backed clock, when it reaches a
// time server. The robot continues, nothing becomes stale, no lease ends early, and requests are judged by the new time.
func TestClockJumps(t *testing.T) {
	c := begin(t)
	w := under.wire()
	c.needs(*guest != "" && under.name() != "pi" && w != nil, "clock that the suite may set")
	_, address := startBroker(t, "127.0.0.1:0")
	r, _ := start(t, strings.Replace(marching(w, ""), "broker: none", "broker: 'tcp://"+address+"'", 1))
	online(t, address, "marching")
	w.await(t, true)

	answers := make(chan protocol.Response, 16)
	var batches atomic.Int64
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + address).SetClientID("clock"))
	if token := client.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
		t.Fatalf("no connection to the broker: %v", token.Error())
	}
	defer client.Disconnect(0)
	topics := protocol.Topics("marching")
	client.Subscribe(topics.Response("+"), 1, func(_ mqtt.Client, m mqtt.Message) {
		var a protocol.Response
		if err := json.Unmarshal(m.Payload(), &a); err == nil {
			answers <- a
		}
	}).Wait()
	client.Subscribe(topics.Spikes(), 0, func(mqtt.Client, mqtt.Message) { batches.Add(1) }).Wait()
	asked := 0
	ask := func(verb string, sent time.Time, request protocol.Request) protocol.Code {
		t.Helper()
		asked++
		request.ID, request.Time, request.TTL = fmt.Sprint("clock", asked), sent.UnixMilli(), 10_000
		text, err := json.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		client.Publish(topics.Request(verb), 1, false, text)
		for end := time.After(patience); ; {
			select {
			case a := <-answers:
				if a.ID != request.ID {
					continue
				}
				if a.Error != nil {
					return a.Error.Code
				}
				return ""
			case <-end:
				t.Fatalf("%s is not answered", verb)
			}
		}
	}

	if code := ask("watch", time.Now(), protocol.Request{Lease: 30_000}); code != "" {
		t.Fatalf("watch: %s", code)
	}
	w.mark()
	begun := time.Now() // its monotonic reading does not jump
	// Set nearly the right time for the other cases. An emulated machine starts in 1970, and Linux refuses a time before its start.
	defer jump(t, begun, time.Minute)
	const year = 365 * 24 * time.Hour
	for _, by := range []time.Duration{year, year - 2*time.Hour, year + 24*time.Hour, time.Hour} {
		before := time.Now()
		jump(t, begun, by)
		if code := ask("get", before, protocol.Request{}); code != protocol.Stale {
			t.Errorf("%v: a request sent before the jump is answered with %q, want stale", by, code)
		}
		change := protocol.Request{Set: map[string]float64{"network.neurons.beat.threshold": 100}}
		if code := ask("set", time.Now(), change); code != "" {
			t.Errorf("%v: set: %s", by, code)
		}
		spikes, seen := r.Health().Spikes, batches.Load()
		eventually(t, "spikes and published batches after the jump", func() bool {
			return r.Health().Spikes > spikes+20 && batches.Load() > seen+2
		})
		if s := r.Health().Safety; s.State != "armed" || s.Held["leg"] != nil {
			t.Errorf("%v: %+v", by, s)
		}
	}
	if after, err := w.seen(true); err != nil || after != 0 { // 0: the level has not changed since the mark
		t.Errorf("the leg was not up all the time: %v, %v", after, err)
	}
	h := r.Health()
	c.figure("+1 year, -2 h, +26 h, -1 year: loop p99.9 %d us, %d drops", h.Latency.P999, h.Drops+h.Bridge.Dropped)
	if h.Drops != 0 {
		t.Errorf("%d drops", h.Drops)
	}
}

// jump sets the machine's clock to the true time plus an offset. The true time is counted from begun, which is from before the
// first jump.
func jump(t *testing.T, begun time.Time, by time.Duration) {
	t.Helper()
	at := unix.NsecToTimespec(begun.Add(time.Since(begun) + by).UnixNano())
	if err := unix.ClockSettime(unix.CLOCK_REALTIME, &at); err != nil {
		t.Fatalf("set the clock: %v", err)
	}
}
