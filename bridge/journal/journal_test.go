package journal

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fluxd/bridge/protocol"
)

// written is a journal whose events are kept.
type written struct {
	*Journal
	t    *testing.T
	all  []string
	kind []protocol.EventKind
}

func write(t *testing.T) *written {
	w := &written{t: t}
	w.Journal = New(func(kind protocol.EventKind, text string) {
		w.all, w.kind = append(w.all, kind.Code()+" "+text), append(w.kind, kind)
	})
	return w
}

// expect compares the events since the last call.
func (w *written) expect(want ...string) {
	w.t.Helper()
	if !slices.Equal(w.all, want) {
		w.t.Errorf("got\n%s\nwant\n%s", strings.Join(w.all, "\n"), strings.Join(want, "\n"))
	}
	w.all = nil
}

func value(x float64) *float64 { return &x }

// do notes a request that was carried out.
func (w *written) do(now time.Duration, verb, user string, r protocol.Request, to protocol.Response) {
	w.t.Helper()
	e, changes := Of(verb, user, r, to)
	if !changes {
		w.t.Errorf("%s is no change", verb)
	}
	w.Note(e, now)
}

func tuned(rev protocol.Revision, path string, x float64) protocol.Response {
	return protocol.Response{Rev: rev, Applied: map[string]float64{path: x}}
}

// The first change is an event at once. Those of the next second are one event, with the latest values.
func TestASliderDoesNotFlood(t *testing.T) {
	w := write(t)
	for i := range 10 {
		w.do(0, "set", "ann", protocol.Request{}, tuned(protocol.Revision(i+1), "a.threshold", float64(100+i)))
	}
	w.do(0, "set", "tom", protocol.Request{}, tuned(11, "a.threshold", 7))
	w.do(0, "set", "ann", protocol.Request{}, tuned(12, "b.leak", 0.5))
	w.expect("tuned by ann, revision 1: a.threshold = 100", "tuned by tom, revision 11: a.threshold = 7")
	w.Flush(time.Second)
	w.expect("tuned by ann, revision 12: a.threshold = 109, b.leak = 0.5; 10 times in the last second")
	w.Flush(2 * time.Second)
	w.expect()
	w.do(2*time.Second, "reset", "ann", protocol.Request{}, tuned(13, "b.leak", 1))
	w.expect("tuned by ann, revision 13: b.leak = 1")
}

// What each verb says.
func TestTexts(t *testing.T) {
	for _, test := range []struct {
		verb string
		r    protocol.Request
		to   protocol.Response
		want string
	}{
		{"reward", protocol.Request{Reward: "praise", Value: value(-1.5)}, protocol.Response{Spikes: 2},
			"rewarded by ann: praise -1.5 (2 spikes)"},
		{"stimulate", protocol.Request{Stimulate: map[string]protocol.Train{"motor_r": {Count: 2}, "motor_l": {Count: 5}}},
			protocol.Response{Spikes: 7}, "stimulated by ann: motor_l (5 spikes), motor_r (2 spikes)"},
		{"save", protocol.Request{}, protocol.Response{}, "saved by ann"},
		{"load", protocol.Request{}, protocol.Response{}, "loaded by ann"},
		{"drive", protocol.Request{Actuator: "wheel", Value: value(0.3), Lease: 2000}, protocol.Response{},
			"driven by ann: wheel = 0.3"},
		{"sense", protocol.Request{Sensor: "sonar", Value: value(0.12), Lease: 2000}, protocol.Response{},
			"sensed by ann: sonar = 0.12 for 2s"},
	} {
		w := write(t)
		w.do(0, test.verb, "ann", test.r, test.to)
		w.expect(test.want)
	}
	for _, verb := range []string{"get", "watch", "network", "world", "describe", "arm", "disarm", "estop", "zero", "place"} {
		if e, changes := Of(verb, "ann", protocol.Request{}, protocol.Response{}); changes {
			t.Errorf("%s: %+v", verb, e)
		}
	}
	if e, changes := Of("set", "ann", protocol.Request{}, protocol.Response{}); changes {
		t.Errorf("a transaction without changes: %+v", e)
	}
}

// A lease that is renewed is no event, unless the value changes, another user does it, or it had ended.
func TestRenewedLeases(t *testing.T) {
	w := write(t)
	drive := func(now time.Duration, user string, x float64) {
		w.do(now, "drive", user, protocol.Request{Actuator: "wheel", Value: &x, Lease: 2000}, protocol.Response{})
	}
	now := time.Duration(0)
	for range 20 {
		drive(now, "ann", 0.3)
		now += 1500 * time.Millisecond
		w.Flush(now)
	}
	w.expect("driven by ann: wheel = 0.3")
	drive(now, "ann", 0.4)
	drive(now, "tom", 0.4)
	w.expect("driven by ann: wheel = 0.4", "driven by tom: wheel = 0.4")
	now += time.Minute
	w.Flush(now)
	drive(now, "ann", 0.4)
	w.expect("driven by ann: wheel = 0.4")
}

// Any number of users and things does not fill the memory, nor make long events.
func TestJournalIsBounded(t *testing.T) {
	w := write(t)
	for i := range 10_000 {
		user := fmt.Sprint("user", i)
		w.do(0, "set", user, protocol.Request{}, tuned(1, "a", 1))
		w.do(0, "sense", user, protocol.Request{Sensor: fmt.Sprint(i), Value: value(1), Lease: 60_000}, protocol.Response{})
	}
	many := protocol.Response{Applied: map[string]float64{}}
	for i := range 5000 {
		many.Applied[fmt.Sprintf("p%04d", i)] = 1
	}
	w.do(0, "set", "user0", protocol.Request{}, many)
	if len(w.all) > mostKeys+2 || len(w.open) > mostKeys+2 || len(w.held) > mostHeld {
		t.Errorf("%d events, %d users, %d leases", len(w.all), len(w.open), len(w.held))
	}
	w.all = nil
	w.Flush(time.Second)
	for _, text := range w.all {
		if len(text) > 300 {
			t.Errorf("%d bytes: %s", len(text), text)
		}
	}
	if !slices.ContainsFunc(w.all, func(s string) bool { return strings.HasPrefix(s, "tuned by several users") }) ||
		!slices.ContainsFunc(w.all, func(s string) bool { return strings.HasSuffix(s, "p0007 = 1, and 4992 more") }) {
		t.Errorf("%q", w.all)
	}
}
