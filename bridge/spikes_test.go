package bridge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSpikesComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spikes := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Spike {
			return Spike{At: rapid.Int64Range(0, 1<<50).Draw(t, "at"), Neuron: rapid.IntRange(0, 1<<31).Draw(t, "neuron")}
		})).Draw(t, "spikes")
		slices.SortFunc(spikes, func(a, b Spike) int { return int(min(1, max(-1, a.At-b.At))) })
		batch := EncodeSpikes(nil, spikes)
		got, err := DecodeSpikes(batch)
		if err != nil || !slices.Equal(got, spikes) {
			t.Fatalf("%v: %v, want %v", err, got, spikes)
		}
		if cut := rapid.IntRange(0, len(batch)-1).Draw(t, "cut"); true {
			if _, err := DecodeSpikes(batch[:cut]); err == nil {
				t.Fatalf("%d of %d bytes are taken for a batch", cut, len(batch))
			}
		}
	})
}

func FuzzDecodeSpikes(f *testing.F) {
	f.Add(EncodeSpikes(nil, []Spike{{At: 5, Neuron: 1}, {At: 7, Neuron: 300}}))
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 5})
	f.Fuzz(func(t *testing.T, batch []byte) {
		if spikes, err := DecodeSpikes(batch); err == nil && len(spikes) > len(batch) {
			t.Errorf("%d spikes of %d bytes", len(spikes), len(batch))
		}
	})
}

// Spikes are published while somebody has a lease, and not before.
func TestSpikesForWhoWatches(t *testing.T) {
	robot := newFakeRobot()
	b := startBridge(t, robot, Options{})
	c := dial(t, b.URL())
	c.online()
	robot.mu.Lock()
	if robot.spiked != 0 {
		t.Error("spikes are collected although nobody watches")
	}
	robot.mu.Unlock()
	for lease, want := range map[int64]string{0: "lease_ms: expected 1 to 60000", 60_001: "lease_ms: expected 1 to 60000"} {
		r := fresh(fmt.Sprint("lease ", lease))
		r.Lease = lease
		if r := c.ask("watch", r); r.Error == nil || !strings.Contains(r.Error.Message, want) {
			t.Errorf("a lease of %d ms: %+v", lease, r.Error)
		}
	}
	long := fresh("long")
	long.Lease = 60_000
	if r := c.ask("watch", long); r.Error != nil {
		t.Fatal(r.Error)
	}
	batch, err := DecodeSpikes(c.payload("flux/fake/spikes"))
	if err != nil || len(batch) != 1 {
		t.Errorf("%v, %v", batch, err)
	}
}

// Each verb that makes spikes says how many; what cannot be is refused and does nothing.
func TestRewardAndStimulate(t *testing.T) {
	robot := newFakeRobot()
	b := startBridge(t, robot, Options{})
	c := dial(t, b.URL())
	c.online()
	one, many := 2.0, Train{Count: 3, Every: 1000}
	for i, row := range []struct {
		verb    string
		request Request
		spikes  int
		code    Code
	}{
		{"reward", Request{Reward: "praise", Value: &one}, 2, ""},
		{"reward", Request{Reward: "praise"}, 0, Malformed},
		{"reward", Request{Value: &one}, 0, Malformed},
		{"reward", Request{Reward: "other", Value: &one}, 0, UnknownReward},
		{"stimulate", Request{Stimulate: map[string]Train{"eye": many}}, 3, ""},
		{"stimulate", Request{Stimulate: map[string]Train{"eye": {Count: 1}}}, 1, ""},
		{"stimulate", Request{Stimulate: map[string]Train{"eye": {Count: 2}}}, 0, Malformed},
		{"stimulate", Request{Stimulate: map[string]Train{"eye": {Count: MaxTrain + 1, Every: 1}}}, 0, Malformed},
		{"stimulate", Request{}, 0, Malformed},
		{"load", Request{}, 0, ""},
		{"reset", Request{Paths: []string{"a"}}, 0, ""},
	} {
		request := row.request
		request.ID, request.Time, request.TTL = fmt.Sprint(i), time.Now().UnixMilli(), 60_000
		r := c.ask(row.verb, request)
		if r.Spikes != row.spikes || (r.Error == nil) != (row.code == "") || r.Error != nil && r.Error.Code != row.code {
			t.Errorf("%s %+v: %d spikes, %v", row.verb, row.request, r.Spikes, r.Error)
		}
	}
	robot.mu.Lock()
	defer robot.mu.Unlock()
	if want := "[reward 2 stimulate eye 3 stimulate eye 1 load]"; fmt.Sprint(robot.orders) != want {
		t.Errorf("the robot did %v, want %s", robot.orders, want)
	}
}

// payload waits for a message to a topic.
func (c *client) payload(topic string) []byte {
	c.t.Helper()
	for deadline := time.After(patience); ; {
		select {
		case m := <-c.messages:
			if m.Topic() == topic {
				return m.Payload()
			}
		case <-deadline:
			c.t.Fatalf("no message to %s", topic)
		}
	}
}
