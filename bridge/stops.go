package bridge

import (
	"context"
	"sync/atomic"
	"time"

	"fluxd/bridge/protocol"

	paho "github.com/eclipse/paho.mqtt.golang"
	"golang.org/x/time/rate"
)

// stopping are the verbs that bring the robot to failsafe. They need no clock, no disk and no queue, and have a connection and a subscription that
// nothing else can fill.
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
	common  rate.Sometimes                    // answers to those that were not read
	seen    *memory                           // receive's

	subscribed atomic.Bool
	changed    chan struct{} // one slot: subscribed is true now
}

func newStops(b *Bridge, options *paho.ClientOptions) *stops {
	s := &stops{bridge: b, common: rate.Sometimes{Interval: commonEvery}, done: map[string]chan protocol.Response{}, seen: newMemory(rememberedIDs), changed: make(chan struct{}, 1)}
	for verb := range stopping {
		s.done[verb] = make(chan protocol.Response, waitingStops) // anybody can fill that of estop
	}
	s.client = paho.NewClient(options.
		SetOnConnectHandler(func(paho.Client) { s.subscribe() }).
		SetConnectionLostHandler(func(paho.Client, error) { s.subscribed.Store(false) }))
	return s
}

// subscribe asks for the requests, after each connection.
func (s *stops) subscribe() {
	filters := map[string]byte{}
	for verb := range stopping {
		filters[s.bridge.topics.Request(verb)] = 0 // see Bridge.filters
	}
	subscription := s.client.SubscribeMultiple(filters, s.receive)
	answered := awaitAll(s.bridge.ctx, answerPatience, subscription)
	if s.bridge.ctx.Err() != nil {
		return
	}
	if why := refused(subscription, answered); why != nil {
		if s.client.IsConnectionOpen() { // else it is lost, and there will be another
			s.bridge.log.Error("cannot subscribe to disarm and estop: the robot cannot be stopped over MQTT until the next connection", "error", why)
		}
		return
	}
	s.subscribed.Store(true)
	select {
	case s.changed <- struct{}{}:
	default:
	}
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

// receive stops the robot, whatever else the request says and however old it is: stopping once too often hurts nobody. It waits for nothing. A second
// delivery of a request is not obeyed again, since the robot may have been armed meanwhile. Nor is a request that was retained: it would stop the robot
// at each connection.
func (s *stops) receive(_ paho.Client, m paho.Message) {
	if m.Qos() > 0 {
		go m.Ack() // see Bridge.receive
	}
	a := arrival{verb: m.Topic()[len(s.bridge.topics.Request("")):], payload: m.Payload(), retained: m.Retained()}
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
		s.stop(a.verb, request.Time)
		if refusal != nil {
			s.bridge.malformed.Add(1)
			refusal.Message += "; the robot has stopped all the same"
		}
	}
	select {
	case s.done[a.verb] <- protocol.Response{ID: request.ID, Error: refusal}:
	default:
		s.bridge.out.dropped.Add(1)
	}
}

// stop carries out a request that was sent at a time, as far as it says that.
func (s *stops) stop(verb string, sent int64) {
	s.count.Add(1)
	if sent <= s.bridge.clock().Add(protocol.MaxAhead).UnixMilli() {
		for before := s.latest.Load(); sent > before && !s.latest.CompareAndSwap(before, sent); before = s.latest.Load() {
		}
	}
	if verb == "estop" {
		s.bridge.robot.EmergencyStop("mqtt")
		return
	}
	s.disarms.Add(1)
	s.bridge.robot.Disarm()
}

// unread carries out one of more requests than can be read.
func (s *stops) unread(verb string) {
	s.stop(verb, 0)
	s.common.Do(func() {
		select {
		case s.done[verb] <- protocol.Response{}:
		default:
		}
	})
}

// overtook reports whether the robot was stopped after a request was sent or came in.
func (s *stops) overtook(a arrival, sent int64) bool {
	return s.count.Load() != a.stops || sent < s.latest.Load()
}

// answer publishes the answers, until the bridge ends: at QoS 0, since a flood of emergency stops must not wait for acknowledgements. Those to a
// disarm, which few may send, come first.
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
	r.Rev = s.bridge.robot.Revision()
	if token := s.client.Publish(s.bridge.topics.Response(verb), 0, false, encode(r)); !await(s.bridge.ctx, token) || token.Error() != nil {
		s.bridge.out.dropped.Add(1)
	}
}
