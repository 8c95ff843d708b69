package bridge

import (
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"fluxd/bridge/protocol"
	"fluxd/bridge/recent"
)

// stopping are the verbs that bring the robot to failsafe. They depend on no clock, disk or queue. A separate connection receives
// them, which no other message can fill.
var stopping = map[string]bool{"disarm": true, "estop": true}

// waitingStops bounds the answers that wait to be published, for each of these verbs.
const waitingStops = 4096

// sharedAnswerEvery is how often the shared answer is published to requests of a flood, which were obeyed without being read.
const sharedAnswerEvery = 50 * time.Millisecond

// stopConnection receives disarm and estop.
type stopConnection struct {
	inlet
	answers     map[string]chan protocol.Response // by verb: to requests that were carried out
	stopCount   atomic.Uint64                     // how often the robot was disarmed or stopped
	disarmCount atomic.Uint64                     // how often it was disarmed
	lastSent    atomic.Int64                      // the latest ts of the requests to disarm or stop
	sharedDue   map[string]*atomic.Bool           // by verb: a shared answer follows within sharedAnswerEvery
	ids         *recent.IDs                       // of the method receiveStop
}

func newStopConnection(b *Bridge) *stopConnection {
	s := &stopConnection{sharedDue: map[string]*atomic.Bool{}, answers: map[string]chan protocol.Response{},
		ids: recent.New(rememberedIDs)}
	s.inlet = inlet{bridge: b, filters: map[string]byte{}, receive: s.receiveStop, refused: s.mayNot}
	s.missing = func() {
		b.log.Error("the connection to the broker for disarm and estop is missing: " +
			"the robot cannot be stopped over MQTT until it is there")
	}
	for verb := range stopping {
		b.addRequests(s.filters, verb)
		s.answers[verb] = make(chan protocol.Response, waitingStops) // every user can fill the one of estop
		s.sharedDue[verb] = &atomic.Bool{}
	}
	return s
}

// mayNot logs what the broker does not grant. Without the users' names the robot can still be stopped.
func (s *stopConnection) mayNot(why error, granted map[string]byte) (enough bool) {
	enough = granted != nil
	for verb := range stopping {
		enough = enough && granted[s.bridge.topics.Request(verb)] <= 2
	}
	if enough {
		s.bridge.log.Warn("cannot subscribe to disarm and estop under users' names: they only work without a name",
			"error", why)
	} else {
		s.bridge.log.Error("cannot subscribe to disarm and estop: "+
			"the robot cannot be stopped over MQTT until the next connection", "error", why)
	}
	return enough
}

// receiveStop stops the robot, whatever else the request says and however old it is: stopping once too often does no harm. It
// waits for nothing. A second delivery of a request is not obeyed, since the robot may have been armed meanwhile. Nor is a
// retained request: it would stop the robot at each connection.
func (s *stopConnection) receiveStop(_ paho.Client, m paho.Message) {
	if m.Qos() > 0 {
		go m.Ack() // see Bridge.receive
	}
	a, _ := s.bridge.incomingRequest(m)
	if !stopping[a.verb] {
		return
	}
	request, refusal := parse(a)
	if refusal != nil {
		request.Time = timeOf(a.payload) // which may stand behind the error
	}
	if !a.retained {
		if request.ID != "" && !s.ids.Add(request.ID) {
			return
		}
		s.stop(a.verb, a.user, request.Time)
		if refusal != nil {
			s.bridge.malformed.Add(1)
			refusal.Message += "; the robot was stopped nevertheless"
		}
	}
	select {
	case s.answers[a.verb] <- protocol.Response{ID: request.ID, Error: refusal}:
	default:
		s.bridge.outbox.dropped.Add(1)
		s.answerTogether(a.verb)
	}
}

// stop carries out a request of a user. sent is its ts, or 0 if that is unknown.
func (s *stopConnection) stop(verb, user string, sent int64) {
	s.stopCount.Add(1)
	if sent <= s.bridge.clock().Add(protocol.MaxAhead).UnixMilli() {
		for before := s.lastSent.Load(); sent > before && !s.lastSent.CompareAndSwap(before, sent); before = s.lastSent.Load() {
		}
	}
	if verb == "estop" {
		s.bridge.robot.Safety.EmergencyStop(user)
		return
	}
	s.disarmCount.Add(1)
	s.bridge.robot.Safety.Disarm(user)
}

// stopUnread carries out a request that is over the rate limit, without reading it.
func (s *stopConnection) stopUnread(verb, user string) {
	s.stop(verb, user, 0)
	s.answerTogether(verb)
}

// answerTogether answers a request that gets no separate answer, together with others, within sharedAnswerEvery.
func (s *stopConnection) answerTogether(verb string) {
	if s.sharedDue[verb].Swap(true) {
		return
	}
	time.AfterFunc(sharedAnswerEvery, func() {
		s.sharedDue[verb].Store(false) // first: requests that arrive from now on get another one
		select {
		case s.answers[verb] <- protocol.Response{}:
		default:
			if s.bridge.ctx.Err() == nil {
				s.answerTogether(verb)
			}
		}
	})
}

// stoppedSince reports whether the robot was disarmed or stopped after a request was sent or arrived.
func (s *stopConnection) stoppedSince(a incoming, sent int64) bool {
	return s.stopCount.Load() != a.stops || sent < s.lastSent.Load()
}

// answer publishes the answers until the bridge ends, at QoS 0: a flood of emergency stops must not wait for acknowledgements.
// Answers to disarm come first, since few users may send it.
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
