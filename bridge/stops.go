package bridge

import (
	"context"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"fluxd/bridge/protocol"
)

// stopping are the verbs that bring the robot to failsafe. They need no clock, no disk and no queue, and have a connection and a
// subscription that nothing else can fill.
var stopping = map[string]bool{"disarm": true, "estop": true}

// waitingStops bounds the answers to each of them that wait to be published.
const waitingStops = 4096

// sharedAnswerEvery is how often those are answered together, without an id, whose requests came in a flood and were obeyed unread.
const sharedAnswerEvery = 50 * time.Millisecond

// stops is the connection on which the robot is stopped.
type stopConnection struct {
	bridge      *Bridge
	client      paho.Client
	answers     map[string]chan protocol.Response // by verb: carried out, and not answered yet
	stopCount   atomic.Uint64                     // how often the robot was stopped
	disarmCount atomic.Uint64                     // how often of these it was disarmed
	lastSent    atomic.Int64                      // the ts of the request to stop that was sent last
	sharedDue   map[string]*atomic.Bool           // by verb: an answer to all that have none comes within sharedAnswerEvery
	ids         *recentIDs                        // receive's

	subscribed atomic.Bool
	changed    chan struct{} // one slot: subscribed is true now
}

func newStopConnection(b *Bridge, options *paho.ClientOptions) *stopConnection {
	s := &stopConnection{bridge: b, sharedDue: map[string]*atomic.Bool{}, answers: map[string]chan protocol.Response{},
		ids: newRecentIDs(rememberedIDs), changed: make(chan struct{}, 1)}
	for verb := range stopping {
		s.answers[verb] = make(chan protocol.Response, waitingStops) // anybody can fill that of estop
		s.sharedDue[verb] = &atomic.Bool{}
	}
	s.client = paho.NewClient(options.
		SetOnConnectHandler(func(paho.Client) { s.subscribe() }).
		SetConnectionLostHandler(func(paho.Client, error) { s.subscribed.Store(false) }))
	return s
}

// subscribe asks for the requests, after each connection.
func (s *stopConnection) subscribe() {
	subscription := s.client.SubscribeMultiple(s.bridge.stopFilters(), s.receive)
	answered := awaitAll(s.bridge.ctx, answerPatience, subscription)
	if s.bridge.ctx.Err() != nil {
		return
	}
	if why := refused(subscription, answered, ""); why != nil && !s.client.IsConnectionOpen() {
		return // it is lost, and there will be another
	} else if why != nil && !s.mayStop(subscription, answered) {
		s.bridge.log.Error("cannot subscribe to disarm and estop: the robot cannot be stopped over MQTT until the next connection",
			"error", why)
		return
	} else if why != nil {
		s.bridge.log.Warn("cannot subscribe to disarm and estop under users' names: the robot can be stopped without one alone",
			"error", why)
	}
	s.subscribed.Store(true)
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// mayStop reports whether the broker passes on what stops the robot without a user's name.
func (s *stopConnection) mayStop(subscription paho.Token, answered bool) bool {
	if !answered || subscription.Error() != nil {
		return false
	}
	granted := subscription.(*paho.SubscribeToken).Result()
	for verb := range stopping {
		if granted[s.bridge.topics.Request(verb)] > 2 {
			return false
		}
	}
	return true
}

// await waits until the robot can be stopped, not for ever.
func (s *stopConnection) awaitSubscribed(ctx context.Context, patience time.Duration) {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for !s.subscribed.Load() {
		select {
		case <-s.changed:
		case <-ctx.Done():
			return
		case <-timeout.C:
			s.bridge.log.Error("the second connection to the broker, for disarm and estop, is not there: the robot cannot be stopped over MQTT until it is")
			return
		}
	}
}

// receive stops the robot, whatever else the request says and however old it is: stopping once too often hurts nobody. It waits
// for nothing. A second delivery of a request is not obeyed again, since the robot may have been armed meanwhile. Nor is a
// request that was retained: it would stop the robot at each connection.
func (s *stopConnection) receive(_ paho.Client, m paho.Message) {
	if m.Qos() > 0 {
		go m.Ack() // see Bridge.receive
	}
	a, _ := s.bridge.incomingRequest(m)
	if !stopping[a.verb] {
		return
	}
	request, refusal := parse(a)
	if refusal != nil {
		request.Time = timeOf(a.payload) // which may stand behind the fault
	}
	if !a.retained {
		if request.ID != "" && !s.ids.add(request.ID) {
			return
		}
		s.stop(a.verb, a.who, request.Time)
		if refusal != nil {
			s.bridge.malformed.Add(1)
			refusal.Message += "; the robot has stopped all the same"
		}
	}
	select {
	case s.answers[a.verb] <- protocol.Response{ID: request.ID, Error: refusal}:
	default:
		s.bridge.outbox.dropped.Add(1)
		s.answerTogether(a.verb)
	}
}

// stop carries out somebody's request that was sent at a time, as far as it says that.
func (s *stopConnection) stop(verb, who string, sent int64) {
	s.stopCount.Add(1)
	if sent <= s.bridge.clock().Add(protocol.MaxAhead).UnixMilli() {
		for before := s.lastSent.Load(); sent > before && !s.lastSent.CompareAndSwap(before, sent); before = s.lastSent.Load() {
		}
	}
	if verb == "estop" {
		s.bridge.robot.Safety.EmergencyStop(who)
		return
	}
	s.disarmCount.Add(1)
	s.bridge.robot.Safety.Disarm(who)
}

// unread carries out one of more requests than can be read.
func (s *stopConnection) stopUnread(verb, who string) {
	s.stop(verb, who, 0)
	s.answerTogether(verb)
}

// owe answers a request that is not answered by itself, in a moment and together with others. The last of a flood is answered
// like all.
func (s *stopConnection) answerTogether(verb string) {
	if s.sharedDue[verb].Swap(true) {
		return
	}
	time.AfterFunc(sharedAnswerEvery, func() {
		s.sharedDue[verb].Store(false) // first: what comes from now on is owed another one
		select {
		case s.answers[verb] <- protocol.Response{}:
		default:
			if s.bridge.ctx.Err() == nil {
				s.answerTogether(verb)
			}
		}
	})
}

// stoppedSince reports whether the robot was stopped after a request was sent or came in.
func (s *stopConnection) stoppedSince(a incoming, sent int64) bool {
	return s.stopCount.Load() != a.stops || sent < s.lastSent.Load()
}

// answer publishes the answers, until the bridge ends: at QoS 0, since a flood of emergency stops must not wait for
// acknowledgements. Those to a disarm, which few may send, come first.
func (s *stopConnection) answer() {
	for {
		select {
		case r := <-s.answers["disarm"]:
			s.publish("disarm", r)
			continue
		default:
		}
		select {
		case <-s.bridge.ctx.Done():
			return
		case r := <-s.answers["disarm"]:
			s.publish("disarm", r)
		case r := <-s.answers["estop"]:
			s.publish("estop", r)
		}
	}
}

func (s *stopConnection) publish(verb string, r protocol.Response) {
	r.Rev = s.bridge.revision()
	token := s.client.Publish(s.bridge.topics.Response(verb), 0, false, encode(r))
	if !await(s.bridge.ctx, token) || token.Error() != nil {
		s.bridge.outbox.dropped.Add(1)
	}
}
