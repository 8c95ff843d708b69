package bridge

import (
	"bytes"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"fluxd/bridge/protocol"
	"fluxd/bridge/users"
)

const (
	// requestRate and requestBurst bound the requests of each verb that are looked at, a second and at once. The client library
	// wakes several goroutines for each message, and a flood of them delays the control loop; what is over the rate is thrown
	// away where its bytes arrive, which costs next to nothing.
	requestRate  = 1000
	requestBurst = 256
	// readBuffer is how many bytes of a flood are read at a time.
	readBuffer = 64 << 10
)

// pace bounds the requests that come in, each verb apart from the others.
type rateLimit struct {
	topics   protocol.Topics
	requests []byte                   // what the topics of requests begin with
	limits   map[string]*rate.Limiter // by verb
	stop     func(verb, who string)   // carries out a stop that is over the rate
	dropped  *atomic.Uint64
}

func newRateLimit(b *Bridge) *rateLimit {
	p := &rateLimit{
		topics:   b.topics,
		requests: []byte(b.topics.Request("")),
		limits:   map[string]*rate.Limiter{},
		stop:     b.stops.stopUnread,
		dropped:  &b.outbox.dropped,
	}
	for _, verb := range users.Verbs() {
		if verb != "arm" { // always read, since it may be one to disarm
			p.limits[verb] = rate.NewLimiter(requestRate, requestBurst)
		}
	}
	return p
}

// allows reports whether to look at a message. A request over the rate that nothing waits behind is no flood, but one of a client
// that asks again as soon as it is answered: it is delayed, by less than two requests take at the rate. Of the others those that
// stop the robot are obeyed even so, unread, and answered together: see stops.owe.
func (p *rateLimit) allow(topic []byte, retained, alone bool) bool {
	rest, request := bytes.CutPrefix(topic, p.requests)
	verb, _, _ := bytes.Cut(rest, []byte("/")) // the name behind it matters to those alone that stop
	limit := p.limits[string(verb)]
	if !request || limit == nil || limit.Allow() {
		return true
	}
	if alone {
		time.Sleep(limit.Reserve().Delay())
		return true
	}
	p.dropped.Add(1)
	if name := string(verb); stopping[name] && !retained {
		_, who, _ := p.topics.SplitRequest(string(topic))
		p.stop(name, who)
	}
	return false
}
