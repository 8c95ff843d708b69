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

	"fluxd/bridge/protocol"
	"fluxd/bridge/users"
)

// Limits of requests.
const (
	maxID           = 128  // bytes of an id
	rememberedIDs   = 4096 // ids that a second delivery is recognised by
	savePatience    = 10 * time.Second
	waitingRequests = 64 // requests taken from the broker and not handled yet

	// busyRate and busyBurst bound the answers to requests that there is no room for, a second and at once: those to others shall
	// not be lost among them.
	busyRate  = 1000
	busyBurst = importantMessages / 2
)

// incoming is a request as it came from the broker.
type incoming struct {
	verb     string
	who      string // sends it: a user's name, or protocol.Anonymous
	payload  []byte
	retained bool
	stops    uint64 // how often the robot had been stopped when it came in
}

// arrived takes in a request, and reports false for any other message: also for one of a verb that there is not, which nobody
// answers, and for one under a name that no user can have, unless it stops the robot.
func (b *Bridge) incomingRequest(m paho.Message) (a incoming, known bool) {
	a = incoming{payload: m.Payload(), retained: m.Retained()}
	a.verb, a.who, known = b.topics.SplitRequest(m.Topic())
	if known {
		_, known = users.LeastRole(a.verb)
	}
	if a.who == protocol.Anonymous && m.Topic() != b.topics.Request(a.verb) && !stopping[a.verb] {
		known = false
	}
	return a, known
}

// serve answers requests one after another: transactions do not overlap. It is the only goroutine that calls Tuner.Set.
func (b *Bridge) serve() {
	defer close(b.unwritten)
	seen, viewerIDs := newRecentIDs(rememberedIDs), newRecentIDs(rememberedIDs)
	for {
		select { // those that not everybody may send come first
		case a := <-b.requests:
			b.handle(a, seen)
			continue
		default:
		}
		select {
		case <-b.ctx.Done():
			return
		case a := <-b.requests:
			b.handle(a, seen)
		case a := <-b.viewerRequests:
			b.handle(a, viewerIDs)
		}
	}
}

// handle answers one request, unless it is the second delivery of one.
func (b *Bridge) handle(a incoming, seen *recentIDs) {
	request, refusal := parse(a)
	if request.ID != "" && !seen.add(request.ID) {
		b.log.Debug("request delivered again: ignored", "verb", a.verb, "id", request.ID)
		return
	}
	if refusal == nil && !disarms(a) {
		refusal = checkTime(request, b.clock())
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
		case b.unwritten <- unwritten{a.verb, response}:
			return
		default: // the disk is very slow
			if response.Applied == nil {
				refusal = refuse(protocol.Busy, "the disk is slow, and too many requests wait for it: ask again later")
			} else {
				response.Warning = "the change is in effect, and not on the disk yet, which is slow"
			}
		}
	}
	if refusal != nil {
		if refusal.Code == protocol.Malformed || refusal.Code == protocol.TooLarge {
			b.malformed.Add(1)
		}
		if disarms(a) {
			refusal.Message += "; the robot is disarmed all the same"
		}
		response.Error = refusal
	}
	b.answer(a.verb, response)
}

// unwritten is what waits for a disk, to be answered then. Nothing else waits for one.
type unwritten struct {
	verb     string
	response protocol.Response
}

// keep has what was accepted written, and answers.
func (b *Bridge) writeAccepted() {
	defer close(b.answered)
	for u := range b.unwritten {
		ctx, cancel := context.WithTimeout(b.ctx, savePatience)
		if err := b.supported[u.verb].disk(ctx, &u.response); err != nil {
			u.response.Error = refusal(err)
		}
		cancel()
		b.answer(u.verb, u.response)
	}
}

// parse reads a request. On a refusal the request still carries the id, if one can be read.
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
		// The id may stand behind the fault, and who asked wants to recognise the answer.
		if request.ID == "" {
			request.ID = idOf(a.payload)
		}
		return request, refusal(err)
	}
	switch ttl := protocol.MaxTTL.Milliseconds(); {
	case request.ID == "":
		return request, refuse(protocol.Malformed, "id: expected 1 to %d bytes that no other request has", maxID)
	case a.retained:
		return request, refuse(protocol.Retained,
			"request was published with the retain flag, so nobody knows how old it is: "+
				"publish it without, and clear the topic with an empty retained message")
	case request.Time <= 0:
		return request, refuse(protocol.Malformed, "ts: expected when the request was sent, in milliseconds since 1970")
	case request.TTL < 1 || request.TTL > ttl:
		return request, refuse(protocol.Malformed, "ttl_ms: expected 1 to %d, got %d", ttl, request.TTL)
	}
	return request, nil
}

// expired refuses a request outside its time: too old, by its own ttl_ms or at all, or from the future, as one that was prepared.
func checkTime(r protocol.Request, now time.Time) *protocol.Error {
	clock, holds := now.UnixMilli(), min(r.TTL, protocol.MaxAge.Milliseconds())
	if clock-holds <= r.Time && r.Time <= clock+protocol.MaxAhead.Milliseconds() {
		return nil
	}
	return refuse(protocol.Stale, "request was sent at %s and holds %d ms, but it is %s here: "+
		"it came too late, or the clocks differ (ahead by at most %v)", clockText(r.Time), holds, clockText(clock), protocol.MaxAhead)
}

func clockText(milliseconds int64) string {
	return time.UnixMilli(milliseconds).UTC().Format("2006-01-02T15:04:05.000Z")
}

// verb is what a robot does on a request.
type verb struct {
	// do acts at once.
	do func(ctx context.Context, who string, r protocol.Request, to *protocol.Response) error
	// disk then does what waits for a disk; nil for most.
	disk func(ctx context.Context, to *protocol.Response) error
}

// verbs are those that a robot takes, but for disarm and estop: see stops.
func (b *Bridge) verbs() map[string]verb {
	all := map[string]verb{"describe": {do: b.describe}, "arm": {do: b.arm}}
	if b.robot.Spikes != nil {
		all["watch"] = verb{do: b.watch}
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
	if b.robot.ByHand != nil {
		all["drive"] = verb{do: b.drive}
		all["sense"] = verb{do: b.sense}
		all["zero"] = verb{do: b.zero}
	}
	return all
}

// execute does what a request asks for and fills in the answer.
func (b *Bridge) execute(a incoming, request protocol.Request, response *protocol.Response) *protocol.Error {
	response.Rev = b.revision()
	v, supported := b.supported[a.verb]
	switch {
	case !supported:
		can := slices.Sorted(slices.Values(append(sorted(b.supported), sorted(stopping)...)))
		return refuse(protocol.UnknownVerb, "this robot does not %s: it can be asked to %s", a.verb, strings.Join(can, ", "))
	case v.do == nil:
		return nil
	}
	ctx, cancel := b.limited(request)
	defer cancel()
	return toAnswer(response, v.do(ctx, a.who, request, response))
}

func (b *Bridge) describe(_ context.Context, _ string, _ protocol.Request, to *protocol.Response) error {
	if !b.descriptionRate.Allow() { // it is large, and anybody may ask
		return refuse(protocol.Busy, "the description was asked for too often: "+
			"ask again in a second, or read what is retained at %s", b.topics.Describe())
	}
	to.Description = b.description
	return nil
}

// until bounds what a request asks for by its time to live.
func (b *Bridge) limited(r protocol.Request) (context.Context, context.CancelFunc) {
	holds := min(time.Duration(r.TTL)*time.Millisecond, protocol.MaxAge)
	return context.WithTimeout(b.ctx, min(time.UnixMilli(r.Time).Add(holds).Sub(b.clock()), protocol.MaxAge))
}

// warned answers with the warning if the error is one: then it was done. Any other error is a refusal.
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

// refuse is the error of a request that is not executed.
func refuse(code protocol.Code, format string, args ...any) *protocol.Error {
	return &protocol.Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// refusal makes an answer of an error of the robot.
func refusal(err error) *protocol.Error {
	var known *protocol.Error
	if errors.As(err, &known) {
		return known
	}
	return &protocol.Error{Code: protocol.Internal, Message: err.Error()}
}

// answer queues the one answer to a request.
func (b *Bridge) answer(verb string, response protocol.Response) {
	b.outbox.put(message{topic: b.topics.Response(verb), qos: 1, viewer: forViewers(verb), payload: encode(response)})
}

// common reports whether anybody may ask for a verb. Such requests have queues that those of others do not share: one viewer can
// fill them.
func forViewers(verb string) bool { return users.Viewer.May(verb) }

// encode writes a response as JSON.
func encode(response protocol.Response) []byte {
	response.Status = protocol.StatusOK
	if response.Error != nil {
		response.Status = protocol.StatusError
	}
	payload, err := json.Marshal(response)
	if err != nil { // a value that JSON cannot carry: there is an answer all the same
		payload, _ = json.Marshal(protocol.Response{ID: response.ID, Status: protocol.StatusError, Rev: response.Rev,
			Error: &protocol.Error{Code: protocol.Internal, Message: "the answer cannot be written as JSON: " + err.Error()}})
	}
	return payload
}

// idOf reads the id of a request, however wrong the rest of it is.
func idOf(payload []byte) string {
	var only struct{ ID string }
	if len(payload) > protocol.MaxRequest || json.NewDecoder(bytes.NewReader(payload)).Decode(&only) != nil || len(only.ID) > maxID {
		return ""
	}
	return only.ID
}

// timeOf reads when a request was sent, however wrong the rest of it is; 0 if it does not say so.
func timeOf(payload []byte) int64 {
	var only struct {
		TS int64 `json:"ts"`
	}
	if len(payload) > protocol.MaxRequest || json.NewDecoder(bytes.NewReader(payload)).Decode(&only) != nil {
		return 0
	}
	return only.TS
}
