package bridge

import (
	"fmt"
	"testing"
)

func TestFullOutboxDropsTheOldest(t *testing.T) {
	o := newOutbox()
	for i := range importantMessages + 2 {
		o.put(message{topic: fmt.Sprint("answer", i), qos: 1})
	}
	for i := range telemetryMessages + 3 {
		o.put(message{topic: fmt.Sprint("measure", i)})
	}
	if n := o.dropped.Load(); n != 5 {
		t.Errorf("%d dropped, want 5", n)
	}
	for i := range importantMessages {
		if m, ok := o.pop(); !ok || m.topic != fmt.Sprint("answer", i+2) {
			t.Fatalf("popped %q, want answer%d: telemetry must not displace answers", m.topic, i+2)
		}
	}
	for i := range telemetryMessages {
		if m, ok := o.pop(); !ok || m.topic != fmt.Sprint("measure", i+3) {
			t.Fatalf("popped %q, want measure%d", m.topic, i+3)
		}
	}
	if m, ok := o.pop(); ok {
		t.Errorf("popped %q from an empty outbox", m.topic)
	}
}

// Answers to requests that viewers may send take no room from other answers.
func TestAnswersToViewersTakeNoRoomFromOthers(t *testing.T) {
	o := newOutbox()
	o.put(message{topic: "important", qos: 1})
	for range 2 * viewerMessages {
		o.put(message{topic: "viewer", qos: 1, viewer: true})
	}
	if m, _ := o.pop(); m.topic != "important" || o.dropped.Load() != viewerMessages {
		t.Errorf("%s comes first, %d were dropped", m.topic, o.dropped.Load())
	}
}
