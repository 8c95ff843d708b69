package bridge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"fluxd/bridge/journal"
	"fluxd/bridge/protocol"
	"fluxd/bridge/recent"
	"fluxd/bridge/users"
)

// Limits of requests.
const (
	maxID           = 128  // bytes of an id
	rememberedIDs   = 4096 // a second delivery of a request is recognised among so many
	savePatience    = 10 * time.Second
	waitingRequests = 64 // in each of the two queues

	// busyRate and busyBurst bound the answers to requests for which there is no room, per second and at once. Otherwise they would
	// displace answers to other requests.
	busyRate  = 1000
	busyBurst = importantMessages / 2
)

// incoming is a request as the broker delivered it.
type incoming struct {
	verb     string
	user     string // its sender, or protocol.Anonymous
	payload  []byte
	retained bool
	stops    uint64 // how often the robot had been stopped when the request arrived
}

// incomingRequest returns the request in a message. It returns false for any other message, for an unknown verb, and for a
// request under a name that no user can have, unless it stops the robot.
func (b *Bridge) incomingRequest(m paho.Message) (a incoming, ok bool) {
	a = incoming{payload: m.Payload(), retained: m.Retained()}
	a.verb, a.user, ok = b.topics.SplitRequest(m.Topic())
	if ok {
		_, ok = users.LeastRole(a.verb)
	}
	if a.user == protocol.Anonymous && m.Topic() != b.topics.Request(a.verb) && !stopping[a.verb] {
		ok = false
	}
	return a, ok
}

// serve handles requests one after another, so that transactions do not overlap. It is the only goroutine that calls Tuner.Set.
// Requests that some users may not send come first.
func (b *Bridge) serve() {
	defer close(b.unwritten)
	ids, viewerIDs := recent.New(rememberedIDs), recent.New(rememberedIDs)
	for {
		select {
		case a := <-b.requests:
			b.handle(a, ids)
			continue
		default:
		}
		select {
		case <-b.ctx.Done():
			return
		case a := <-b.requests:
			b.handle(a, ids)
		case a := <-b.viewerRequests:
			b.handle(a, viewerIDs)
		}
	}
}

// handle answers a request, unless it is a second delivery: ids has those that were seen before.
func (b *Bridge) handle(a incoming, ids *recent.IDs) {
	request, refusal := parse(a)
	if request.ID != "" && !ids.Add(request.ID) {
		b.log.Debug("request delivered again: ignored", "verb", a.verb, "id", request.ID)
		return
	}
	if refusal == nil && !disarms(a) {
		refusal = request.CheckTime(b.clock())
	}
	if refusal == nil && mayMove(a) && b.stops.stoppedSince(a, request.Time) {
		refusal = stoppedAfterSending()
	}
	response := protocol.Response{ID: request.ID}
	if refusal == nil {
		refusal = b.execute(a, request, &response)
	}
	if refusal == nil && b.supported[a.verb].disk != nil {
		select {
		case b.unwritten <- unwritten{a.verb, a.user, request, response}:
			return
		default: // the disk is too slow
			if response.Applied == nil {
				refusal = refuse(protocol.Busy, "the disk is slow, and too many requests wait for it: try again later")
			} else {
				response.Warning = "the change is in effect, but not on the disk yet, which is slow"
			}
		}
	}
	if refusal != nil {
		if refusal.Code == protocol.Malformed || refusal.Code == protocol.TooLarge {
			b.malformed.Add(1)
		}
		if disarms(a) {
			refusal.Message += "; the robot was disarmed nevertheless"
		}
		response.Error = refusal
	}
	b.answer(a.verb, response)
}

// unwritten is an executed request whose answer waits for a disk. Nothing else waits for a disk.
type unwritten struct {
	verb     string
	user     string
	request  protocol.Request
	response protocol.Response
}

// writeAccepted writes what accepted requests have changed to the disk, and answers the requests.
func (b *Bridge) writeAccepted() {
	defer close(b.answered)
	for u := range b.unwritten {
		ctx, cancel := context.WithTimeout(b.ctx, savePatience)
		if u.response.Error = toAnswer(&u.response, b.supported[u.verb].disk(ctx, &u)); u.response.Error == nil &&
			b.supported[u.verb].do == nil {
			b.note(u.verb, u.user, protocol.Request{}, u.response)
		}
		cancel()
		b.answer(u.verb, u.response)
	}
}

// parse reads a request. If it refuses the request, the result still has the id, if that can be read.
func parse(a incoming) (protocol.Request, *protocol.Error) {
	if len(a.payload) > protocol.MaxRequest {
		return protocol.Request{}, refuse(protocol.TooLarge,
			"request of %d bytes: expected at most %d", len(a.payload), protocol.MaxRequest)
	}
	request, err := protocol.ParseRequest(a.verb, a.payload)
	if len(request.ID) > maxID {
		request.ID = ""
	}
	if err != nil {
		// The id may stand behind the error. The client needs it to recognise the answer.
		if request.ID == "" {
			request.ID = idOf(a.payload)
		}
		return request, refusal(err)
	}
	switch ttl := protocol.MaxTTL.Milliseconds(); {
	case request.ID == "":
		return request, refuse(protocol.Malformed, "id: expected a unique text of 1 to %d bytes", maxID)
	case a.retained:
		return request, refuse(protocol.Retained,
			"the request was published with the retain flag, so its age is unknown: "+
				"publish it without the flag, and clear the topic with an empty retained message")
	case request.Time <= 0:
		return request, refuse(protocol.Malformed, "ts: expected the time at which the request was sent, in milliseconds since 1970")
	case request.TTL < 1 || request.TTL > ttl:
		return request, refuse(protocol.Malformed, "ttl_ms: expected 1 to %d, got %d", ttl, request.TTL)
	}
	return request, nil
}

// verb carries out requests with one verb.
type verb struct {
	// do acts at once; nil: there is only disk.
	do func(ctx context.Context, user string, r protocol.Request, to *protocol.Response) error
	// disk then does what has to wait for a disk; nil for most verbs.
	disk func(ctx context.Context, u *unwritten) error
}

// verbs returns the verbs that the robot supports, except disarm and estop: see stopConnection.
func (b *Bridge) verbs() map[string]verb {
	all := map[string]verb{"describe": {do: b.describe}, "arm": {do: b.arm}}
	if b.robot.Spikes != nil || b.robot.Inspector != nil || b.robot.World != nil {
		all["watch"] = verb{do: b.watch}
	}
	if b.robot.Inspector != nil {
		all["network"] = verb{do: b.network}
	}
	if b.robot.World != nil {
		all["world"] = verb{do: b.world}
		all["place"] = verb{do: b.place}
	}
	if b.robot.Tuner != nil {
		all["get"] = verb{do: b.get}
		all["set"] = verb{do: b.set, disk: b.writeTuned}
		all["reset"] = verb{do: b.reset, disk: b.writeTuned}
	}
	if b.robot.Teacher != nil {
		all["reward"] = verb{do: b.reward}
		all["stimulate"] = verb{do: b.stimulate}
		all["save"] = verb{disk: b.save}
		all["load"] = verb{disk: b.load}
	}
	if b.robot.Loader != nil {
		all["load_robot"] = verb{disk: b.loadRobot}
	}
	if b.robot.ByHand != nil {
		all["drive"] = verb{do: b.drive}
		all["sense"] = verb{do: b.sense}
		all["zero"] = verb{do: b.zero}
	}
	return all
}

// execute carries out a request and fills in the answer.
func (b *Bridge) execute(a incoming, request protocol.Request, response *protocol.Response) *protocol.Error {
	response.Rev = b.revision()
	v, supported := b.supported[a.verb]
	switch {
	case !supported:
		can := slices.Sorted(slices.Values(append(sorted(b.supported), sorted(stopping)...)))
		return refuse(protocol.UnknownVerb, "this robot does not support %s: expected one of %s", a.verb, strings.Join(can, ", "))
	case v.do == nil:
		return nil
	}
	ctx, cancel := b.limited(request)
	defer cancel()
	if refusal := toAnswer(response, v.do(ctx, a.user, request, response)); refusal != nil {
		return refusal
	}
	b.note(a.verb, a.user, request, *response)
	return nil
}

// note makes an event of a request that was carried out, if it has changed something.
func (b *Bridge) note(verb, user string, r protocol.Request, to protocol.Response) {
	if e, changes := journal.Of(verb, user, r, to); changes {
		b.journal.Note(e, b.running())
	}
}

func (b *Bridge) describe(_ context.Context, _ string, _ protocol.Request, to *protocol.Response) error {
	if !b.descriptionRate.Allow() { // it is large, and every user may ask for it
		return refuse(protocol.Busy, "too many requests for the description: "+
			"try again in a second, or read the retained message at %s", b.topics.Describe())
	}
	to.Description = b.description
	return nil
}

// limited returns a context that ends with the time to live of a request.
func (b *Bridge) limited(r protocol.Request) (context.Context, context.CancelFunc) {
	valid := min(time.Duration(r.TTL)*time.Millisecond, protocol.MaxAge)
	return context.WithTimeout(b.ctx, min(time.UnixMilli(r.Time).Add(valid).Sub(b.clock()), protocol.MaxAge))
}

// toAnswer puts a warning into the answer. It returns any other error as a refusal.
func toAnswer(response *protocol.Response, err error) *protocol.Error {
	var warning protocol.Warning
	switch {
	case err == nil:
		return nil
	case errors.As(err, &warning):
		response.Warning = string(warning)
		return nil
	}
	return refusal(err)
}

// refuse returns the error of a request that is not executed.
func refuse(code protocol.Code, format string, args ...any) *protocol.Error {
	return &protocol.Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// refusal returns an error of the robot as one for the answer.
func refusal(err error) *protocol.Error {
	var known *protocol.Error
	if errors.As(err, &known) {
		return known
	}
	return &protocol.Error{Code: protocol.Internal, Message: err.Error()}
}

// answer queues the answer to a request.
func (b *Bridge) answer(verb string, response protocol.Response) {
	b.outbox.put(message{topic: b.topics.Response(verb), qos: 1, viewer: forViewers(verb), payload: encode(response)})
}

// forViewers reports whether every user may send a verb. Such requests have separate queues, since a viewer can fill those.
func forViewers(verb string) bool { return users.Viewer.May(verb) }

// encode writes a response as JSON.
func encode(response protocol.Response) []byte {
	response.Status = protocol.StatusOK
	if response.Error != nil {
		response.Status = protocol.StatusError
	}
	payload, err := json.Marshal(response)
	if err != nil { // a value that JSON cannot carry; the client gets an answer nevertheless
		payload, _ = json.Marshal(protocol.Response{ID: response.ID, Status: protocol.StatusError, Rev: response.Rev,
			Error: &protocol.Error{Code: protocol.Internal, Message: "the answer cannot be written as JSON: " + err.Error()}})
	}
	return payload
}

// idOf returns the id of a request, even if the rest of the request is invalid; empty if there is none.
func idOf(payload []byte) string {
	var only struct{ ID string }
	if len(payload) > protocol.MaxRequest || json.NewDecoder(bytes.NewReader(payload)).Decode(&only) != nil || len(only.ID) > maxID {
		return ""
	}
	return only.ID
}

// timeOf returns the ts of a request, even if the rest of the request is invalid; 0 if there is none.
func timeOf(payload []byte) int64 {
	var only struct {
		TS int64 `json:"ts"`
	}
	if len(payload) > protocol.MaxRequest || json.NewDecoder(bytes.NewReader(payload)).Decode(&only) != nil {
		return 0
	}
	return only.TS
}
