package bridge

import (
	"sync"
	"sync/atomic"
)

// message is one publication.
type message struct {
	topic   string
	qos     byte
	retain  bool
	viewer  bool // an answer to what anybody may ask
	payload []byte
}

// Capacities of the outbox, in messages.
const (
	importantMessages = 1024 // answers and events
	viewerMessages    = 1024 // answers to what anybody may ask
	telemetryMessages = 32   // about a second and a half: older telemetry is worth nothing
)

// outbox holds what waits to be published, in four lanes. Of what is the robot's state, its parameters and status, only the
// latest counts: each waits once, however often it changes, and none is lost. Answers and events are one queue; answers to what
// anybody may ask, without end, have another, and telemetry a third: a slow broker costs measures, and a flood of questions costs
// the answers to those.
type outbox struct {
	wake    chan struct{} // holds one token when there may be something to take
	dropped atomic.Uint64

	mu        sync.Mutex
	states    map[string]message // by topic
	order     []string           // their topics, the one that waits longest first
	important ring               // QoS 1
	viewers   ring               // QoS 1
	telemetry ring               // QoS 0
}

func newOutbox() *outbox {
	return &outbox{
		wake:      make(chan struct{}, 1),
		states:    map[string]message{},
		important: ring{items: make([]message, importantMessages)},
		viewers:   ring{items: make([]message, viewerMessages)},
		telemetry: ring{items: make([]message, telemetryMessages)},
	}
}

// put adds a message and never waits; a full queue loses its oldest.
func (o *outbox) put(m message) {
	o.mu.Lock()
	lost := false
	switch {
	case m.qos == 0:
		lost = o.telemetry.put(m)
	case m.retain && len(m.payload) > 0: // without, it takes back what somebody else retained, of which there may be any number
		if _, waits := o.states[m.topic]; !waits {
			o.order = append(o.order, m.topic)
		}
		o.states[m.topic] = m
	case m.viewer:
		lost = o.viewers.put(m)
	default:
		lost = o.important.put(m)
	}
	o.mu.Unlock()
	if lost {
		o.dropped.Add(1)
	}
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// take removes the oldest message: of the robot's state, so that who has an answer finds what it tells of; else of QoS 1; else
// telemetry.
func (o *outbox) pop() (message, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.order) > 0 {
		m := o.states[o.order[0]]
		delete(o.states, m.topic)
		o.order = o.order[1:]
		return m, true
	}
	if m, ok := o.important.pop(); ok {
		return m, true
	}
	if m, ok := o.viewers.pop(); ok {
		return m, true
	}
	return o.telemetry.pop()
}

// ring is a queue of fixed capacity.
type ring struct {
	items []message
	first int
	count int
}

// put appends a message. It reports whether the oldest had to go.
func (r *ring) put(m message) (lost bool) {
	if r.count == len(r.items) {
		r.pop()
		lost = true
	}
	r.items[(r.first+r.count)%len(r.items)] = m
	r.count++
	return lost
}

func (r *ring) pop() (message, bool) {
	if r.count == 0 {
		return message{}, false
	}
	m := r.items[r.first]
	r.items[r.first] = message{} // let go of the payload
	r.first = (r.first + 1) % len(r.items)
	r.count--
	return m, true
}
