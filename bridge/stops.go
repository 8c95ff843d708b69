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

// commonEvery is how often those are answered together, without an id, whose requests came in a flood and were obeyed unread.
const commonEvery = 50 * time.Millisecond

// stops is the connection on which the robot is stopped.
type stops struct {
	bridge  *Bridge
	client  paho.Client
	done    map[string]chan protocol.Response // by verb: carried out, and not answered yet
	count   atomic.Uint64                     // how often the robot was stopped
	disarms atomic.Uint64                     // how often of these it was disarmed
	latest  atomic.Int64                      // the ts of the request to stop that was sent last
	owed    map[string]*atomic.Bool           // by verb: an answer to all that have none comes within commonEvery
	seen    *memory                           // receive's

	subscribed atomic.Bool
	changed    chan struct{} // one slot: subscribed is true now
}

func newStops(b *Bridge, options *paho.ClientOptions) *stops {
	s := &stops{bridge: b, owed: map[string]*atomic.Bool{}, done: map[string]chan protocol.Response{},
		seen: newMemory(rememberedIDs), changed: make(chan struct{}, 1)}
	for verb := range stopping {
		s.done[verb] = make(chan protocol.Response, waitingStops) // anybody can fill that of estop
		s.owed[verb] = &atomic.Bool{}
	}
	s.client = paho.NewClient(options.
		SetOnConnectHandler(func(paho.Client) { s.subscribe() }).
		SetConnectionLostHandler(func(paho.Client, error) { s.subscribed.Store(false) }))
	return s
}

// subscribe asks for the requests, after each connection.
func (s *stops) subscribe() {
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
func (s *stops) mayStop(subscription paho.Token, answered bool) bool {
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
func (s *stops) await(ctx context.Context, patience time.Duration) {
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
func (s *stops) receive(_ paho.Client, m paho.Message) {
	if m.Qos() > 0 {
		go m.Ack() // see Bridge.receive
	}
	a, _ := s.bridge.arrived(m)
	if !stopping[a.verb] {
		return
	}
	request, refusal := parse(a)
	if refusal != nil {
		request.Time = timeOf(a.payload) // which may stand behind the fault
	}
	if !a.retained {
		if request.ID != "" && !s.seen.add(request.ID) {
			return
		}
		s.stop(a.verb, a.who, request.Time)
		if refusal != nil {
			s.bridge.malformed.Add(1)
			refusal.Message += "; the robot has stopped all the same"
		}
	}
	select {
	case s.done[a.verb] <- protocol.Response{ID: request.ID, Error: refusal}:
	default:
		s.bridge.out.dropped.Add(1)
		s.owe(a.verb)
	}
}

// stop carries out somebody's request that was sent at a time, as far as it says that.
func (s *stops) stop(verb, who string, sent int64) {
	s.count.Add(1)
	if sent <= s.bridge.clock().Add(protocol.MaxAhead).UnixMilli() {
		for before := s.latest.Load(); sent > before && !s.latest.CompareAndSwap(before, sent); before = s.latest.Load() {
		}
	}
	if verb == "estop" {
		s.bridge.robot.Safety.EmergencyStop(who)
		return
	}
	s.disarms.Add(1)
	s.bridge.robot.Safety.Disarm(who)
}

// unread carries out one of more requests than can be read.
func (s *stops) unread(verb, who string) {
	s.stop(verb, who, 0)
	s.owe(verb)
}

// owe answers a request that is not answered by itself, in a moment and together with others. The last of a flood is answered
// like all.
func (s *stops) owe(verb string) {
	if s.owed[verb].Swap(true) {
		return
	}
	time.AfterFunc(commonEvery, func() {
		s.owed[verb].Store(false) // first: what comes from now on is owed another one
		select {
		case s.done[verb] <- protocol.Response{}:
		default:
			if s.bridge.ctx.Err() == nil {
				s.owe(verb)
			}
		}
	})
}

// overtook reports whether the robot was stopped after a request was sent or came in.
func (s *stops) overtook(a arrival, sent int64) bool {
	return s.count.Load() != a.stops || sent < s.latest.Load()
}

// answer publishes the answers, until the bridge ends: at QoS 0, since a flood of emergency stops must not wait for
// acknowledgements. Those to a disarm, which few may send, come first.
func (s *stops) answer() {
	for {
		select {
		case r := <-s.done["disarm"]:
			s.say("disarm", r)
			continue
		default:
		}
		select {
		case <-s.bridge.ctx.Done():
			return
		case r := <-s.done["disarm"]:
			s.say("disarm", r)
		case r := <-s.done["estop"]:
			s.say("estop", r)
		}
	}
}

func (s *stops) say(verb string, r protocol.Response) {
	r.Rev = s.bridge.revision()
	token := s.client.Publish(s.bridge.topics.Response(verb), 0, false, encode(r))
	if !await(s.bridge.ctx, token) || token.Error() != nil {
		s.bridge.out.dropped.Add(1)
	}
}
