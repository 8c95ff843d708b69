package bridge

import (
	"context"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"golang.org/x/time/rate"

	"fluxd/bridge/users"
)

// An inlet is a connection that receives some of the requests and nothing else. A broker ends a connection that has to take more
// than its reader can. So a client that floods the robot with the requests of one inlet can end that inlet, but no other
// connection.
type inlet struct {
	bridge  *Bridge
	filters map[string]byte // what it subscribes to, all at QoS 0: see Bridge.filters
	receive paho.MessageHandler
	// refused logs what the broker does not grant, and reports whether the inlet can do without it. granted has the codes of the
	// broker by filter; it is nil if there was no answer.
	refused func(why error, granted map[string]byte) bool
	missing func()         // logs that the connection is missing
	warn    rate.Sometimes // a flood ends an inlet again and again

	client     paho.Client
	subscribed atomic.Bool
	changed    chan struct{} // one token: subscribed has become true
}

// prepare makes the client of an inlet. It subscribes whenever it has connected.
func (i *inlet) prepare(options *paho.ClientOptions) {
	i.changed, i.warn.First, i.warn.Interval = make(chan struct{}, 1), 1, time.Minute
	i.client = paho.NewClient(options.
		SetOnConnectHandler(func(paho.Client) { i.subscribe() }).
		SetConnectionLostHandler(func(paho.Client, error) { i.lost() }))
}

// lost logs that the connection is missing, unless it is back in time. If the main one is lost too, that is logged instead.
func (i *inlet) lost() {
	i.subscribed.Store(false)
	time.AfterFunc(answerPatience, func() {
		if !i.subscribed.Load() && i.bridge.client.IsConnectionOpen() && i.bridge.ctx.Err() == nil {
			i.warn.Do(i.missing)
		}
	})
}

// subscribe subscribes to the requests, after each connection.
func (i *inlet) subscribe() {
	subscription := i.client.SubscribeMultiple(i.filters, i.receive)
	answered := awaitAll(i.bridge.ctx, answerPatience, subscription)
	if i.bridge.ctx.Err() != nil {
		return
	}
	if why := refused(subscription, answered, ""); why != nil {
		if !i.client.IsConnectionOpen() {
			return // it is called again after the next connection
		}
		var granted map[string]byte
		if answered && subscription.Error() == nil {
			granted = subscription.(*paho.SubscribeToken).Result()
		}
		if !i.refused(why, granted) {
			return
		}
	}
	i.subscribed.Store(true)
	select {
	case i.changed <- struct{}{}:
	default:
	}
}

// awaitSubscribed waits until the robot receives the requests, for a limited time.
func (i *inlet) awaitSubscribed(ctx context.Context, patience time.Duration) {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for !i.subscribed.Load() {
		select {
		case <-i.changed:
		case <-ctx.Done():
			return
		case <-timeout.C:
			i.warn.Do(i.missing)
			return
		}
	}
}

// newQuestions returns the inlet of the requests that every user may send, such as get, apart from the emergency stop.
func newQuestions(b *Bridge) *inlet {
	i := &inlet{bridge: b, filters: map[string]byte{}, receive: b.receiveQuestion}
	for _, verb := range users.Verbs() {
		if forViewers(verb) && !stopping[verb] {
			b.addRequests(i.filters, verb)
		}
	}
	i.refused = func(why error, granted map[string]byte) bool {
		b.log.Warn("cannot subscribe to get and all other requests that every user may send: the robot cannot answer those that "+
			"the broker does not let it read, until the next connection", "error", why)
		return granted != nil
	}
	i.missing = func() {
		b.log.Warn("the connection to the broker for get and other requests that every user may send is missing: " +
			"the robot answers none of them until it is there")
	}
	return i
}

// receiveQuestion handles the requests that every user may send. Like receive, it waits for nothing.
func (b *Bridge) receiveQuestion(_ paho.Client, m paho.Message) {
	if m.Qos() > 0 {
		go m.Ack() // see receive
	}
	if a, ok := b.incomingRequest(m); ok && forViewers(a.verb) && !stopping[a.verb] {
		b.queue(b.viewerRequests, b.busyViewers, a)
	}
}
