package bridge

import (
	"sync"
	"sync/atomic"
)

// message is a message to publish.
type message struct {
	topic   string
	qos     byte
	retain  bool
	viewer  bool // an answer to a request that every user may send
	payload []byte
}

// Capacities of the outbox, in messages.
const (
	importantMessages = 1024 // answers and events
	viewerMessages    = 1024 // answers to requests that every user may send
	telemetryMessages = 32   // about 1.5 s of it: older telemetry is useless
)

// outbox holds the messages that wait to be published, in four queues. Of the robot's state, its parameters and status, only the
// latest value of each topic waits, and it is never dropped. Answers and events share a queue. Answers to requests that every
// user may send have another, so that a flood of such requests displaces only answers to them. Telemetry has the last: a slow
// broker costs telemetry first.
type outbox struct {
	wake    chan struct{} // holds a token when there may be a message
	dropped atomic.Uint64

	mu        sync.Mutex
	states    map[string]message // by topic
	order     []string           // their topics, oldest first
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

// put adds a message. It never waits: a full queue drops its oldest message.
func (o *outbox) put(m message) {
	o.mu.Lock()
	lost := false
	switch {
	case m.qos == 0:
		lost = o.telemetry.put(m)
	case m.retain && len(m.payload) > 0: // an empty one clears a topic, and there may be any number of those
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

// pop removes the next message: first the oldest of the robot's state, so that a client that has an answer finds the values that
// the answer is about; then the oldest of the other queues in their order.
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

// waiting returns how many messages wait.
func (o *outbox) waiting() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.order) + o.important.count + o.viewers.count + o.telemetry.count
}

// ring is a queue of fixed capacity.
type ring struct {
	items []message
	first int
	count int
}

// put appends a message. It reports whether it dropped the oldest.
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
	r.items[r.first] = message{} // release the payload
	r.first = (r.first + 1) % len(r.items)
	r.count--
	return m, true
}
