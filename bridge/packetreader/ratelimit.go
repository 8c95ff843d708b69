package packetreader

import (
	"bytes"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"fluxd/bridge/protocol"
	"fluxd/bridge/users"
)

const (
	// requestRate and requestBurst bound how many requests with each verb are read, per second and at once. The client library wakes
	// several goroutines for each message, and a flood of messages delays the control loop. Requests over the rate are discarded
	// where their bytes arrive, which costs almost nothing.
	requestRate  = 1000
	requestBurst = 256
	// requestUnit is a length in bytes: so many more count as one more request.
	requestUnit = 4 << 10
	// readBuffer is how many bytes are read from the connection at once. In a flood it has to be emptied about once a millisecond.
	readBuffer = MaxPublish
)

// RateLimit bounds the rate of incoming requests, for each verb separately.
type RateLimit struct {
	topics   protocol.Topics
	requests []byte                   // the prefix of the topics of requests
	limits   map[string]*rate.Limiter // by verb
	stopping map[string]bool          // the verbs that stop the robot
	stop     func(verb, user string)  // stops the robot for a request that is over the rate
	dropped  *atomic.Uint64
}

// NewRateLimit returns the limit of a robot's requests. stop is called for a request over the rate whose verb is one of stopping,
// with its user; dropped counts the requests over the rate. One limit may serve several readers.
func NewRateLimit(topics protocol.Topics, stopping map[string]bool, stop func(verb, user string),
	dropped *atomic.Uint64) *RateLimit {
	l := &RateLimit{topics: topics, requests: []byte(topics.Request("")), limits: map[string]*rate.Limiter{}, stopping: stopping,
		stop: stop, dropped: dropped}
	for _, verb := range users.Verbs() {
		if verb != "arm" { // which is always read, since it may disarm
			l.limits[verb] = rate.NewLimiter(requestRate, requestBurst)
		}
	}
	return l
}

// allow reports whether to read a message of so many bytes; alone says that no other message is behind it. A request over the
// rate is delayed if it is alone and short, by less than two requests take at the rate: it is not part of a flood, its client
// sends the next one as soon as it is answered. Otherwise it is discarded. One that stops the robot is obeyed without being read,
// and answered together with others.
//
// A long request is never delayed, since nobody can see whether another is behind it. A broker would soon have more for the robot
// than it keeps: it would lose requests of others, or end the connection.
func (l *RateLimit) allow(topic []byte, length int, retained, alone bool) bool {
	rest, request := bytes.CutPrefix(topic, l.requests)
	verb, _, _ := bytes.Cut(rest, []byte("/")) // the user's name behind it only matters for requests to stop
	limit := l.limits[string(verb)]
	more := min(length, MaxPublish) / requestUnit
	if !request || limit == nil || limit.AllowN(time.Now(), 1+more) {
		return true
	}
	if alone && more == 0 {
		time.Sleep(limit.Reserve().Delay())
		return true
	}
	l.dropped.Add(1)
	if name := string(verb); l.stopping[name] && !retained {
		_, user, _ := l.topics.SplitRequest(string(topic))
		l.stop(name, user)
	}
	return false
}
