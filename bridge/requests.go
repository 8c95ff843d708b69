package bridge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fluxd/bridge/protocol"
	"fluxd/bridge/users"
	"fmt"
	"strings"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// Limits of requests.
const (
	maxID           = 128  // bytes of an id
	rememberedIDs   = 4096 // ids that a second delivery is recognised by
	savePatience    = 10 * time.Second
	waitingRequests = 64 // requests taken from the broker and not handled yet

	// busyRate and busyBurst bound the answers to requests that there is no room for, a second and at once: those to others shall not be lost among them.
	busyRate  = 1000
	busyBurst = keptMessages / 2
)

// arrival is a request as it came from the broker.
type arrival struct {
	verb     string
	who      string // sends it: a user's name, or protocol.Nobody
	payload  []byte
	retained bool
	stops    uint64 // how often the robot had been stopped when it came in
}

// arrived takes in a request, and reports false for any other message: also for one of a verb that there is not, which nobody answers, and for one
// under a name that no user can have, unless it stops the robot.
func (b *Bridge) arrived(m paho.Message) (a arrival, known bool) {
	a = arrival{payload: m.Payload(), retained: m.Retained()}
	a.verb, a.who, known = b.topics.Asked(m.Topic())
	if known {
		_, known = users.Needed(a.verb)
	}
	if a.who == protocol.Nobody && m.Topic() != b.topics.Request(a.verb) && !stopping[a.verb] {
		known = false
	}
	return a, known
}

// serve answers requests one after another: transactions do not overlap. It is the only goroutine that calls Robot.Set.
func (b *Bridge) serve() {
	defer close(b.unkept)
	seen, seenQuestions := newMemory(rememberedIDs), newMemory(rememberedIDs)
	for {
		select { // those that not everybody may send come first
		case a := <-b.arrivals:
			b.handle(a, seen)
			continue
		default:
		}
		select {
		case <-b.ctx.Done():
			return
		case a := <-b.arrivals:
			b.handle(a, seen)
		case a := <-b.questions:
			b.handle(a, seenQuestions)
		}
	}
}

// handle answers one request, unless it is the second delivery of one.
func (b *Bridge) handle(a arrival, seen *memory) {
	request, refusal := parse(a)
	if request.ID != "" && !seen.add(request.ID) {
		b.log.Debug("request delivered again: ignored", "verb", a.verb, "id", request.ID)
		return
	}
	if refusal == nil && !disarms(a) {
		refusal = expired(request, b.clock())
	}
	if refusal == nil && moves(a) && b.stops.overtook(a, request.Time) {
		refusal = overtaken()
	}
	response := protocol.Response{ID: request.ID}
	if refusal == nil {
		refusal = b.execute(a, request, &response)
	}
	if refusal == nil && onDisk[a.verb] {
		select {
		case b.unkept <- unkept{a.verb, response}:
			return
		default: // the disk is very slow
			if response.Applied == nil {
				refusal = &protocol.Error{Code: protocol.Busy, Message: "the disk is slow, and too many requests wait for it: ask again later"}
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

// onDisk are the verbs whose answer waits for a disk. Nothing else does.
var onDisk = map[string]bool{"set": true, "reset": true, "save": true, "load": true}

// unkept is what waits for a disk, to be answered then.
type unkept struct {
	verb     string
	response protocol.Response
}

// keep has what was accepted written, and answers. Changes that came in while the disk was busy are written together.
func (b *Bridge) keep() {
	defer close(b.served)
	for u := range b.unkept {
		r := u.response
		switch u.verb {
		case "set", "reset":
			var warning protocol.Warning
			if err := b.robot.Keep(r.Rev); errors.As(err, &warning) {
				r.Warning = string(warning)
			}
		default:
			do := b.robot.Save
			if u.verb == "load" {
				do = b.robot.Load
			}
			ctx, cancel := context.WithTimeout(b.ctx, savePatience)
			err := do(ctx)
			cancel()
			if err != nil {
				r.Error = refusal(err)
			}
		}
		b.answer(u.verb, r)
	}
}

// parse reads a request. On a refusal the request still carries the id, if one can be read.
func parse(a arrival) (protocol.Request, *protocol.Error) {
	if len(a.payload) > protocol.MaxRequest {
		return protocol.Request{}, &protocol.Error{Code: protocol.TooLarge, Message: fmt.Sprintf("request of %d bytes: expected at most %d", len(a.payload), protocol.MaxRequest)}
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
		return request, &protocol.Error{Code: protocol.Malformed, Message: fmt.Sprintf("id: expected 1 to %d bytes that no other request has", maxID)}
	case a.retained:
		return request, &protocol.Error{Code: protocol.Retained, Message: "request was published with the retain flag, so nobody knows how old it is: publish it without, and clear the topic with an empty retained message"}
	case request.Time <= 0:
		return request, &protocol.Error{Code: protocol.Malformed, Message: "ts: expected when the request was sent, in milliseconds since 1970"}
	case request.TTL < 1 || request.TTL > ttl:
		return request, &protocol.Error{Code: protocol.Malformed, Message: fmt.Sprintf("ttl_ms: expected 1 to %d, got %d", ttl, request.TTL)}
	}
	return request, nil
}

// moves reports whether a request may let something move.
func moves(a arrival) bool { return a.verb == "drive" || a.verb == "arm" && !disarms(a) }

// disarms reports whether a request is one to arm with the value 0, which disarms: a switch has one topic for both.
func disarms(a arrival) bool {
	var only struct{ Value *float64 }
	return a.verb == "arm" && !a.retained && len(a.payload) <= protocol.MaxRequest && json.Unmarshal(a.payload, &only) == nil && only.Value != nil && *only.Value == 0
}

// expired refuses a request outside its time: too old, by its own ttl_ms or at all, or from the future, as one that was prepared.
func expired(r protocol.Request, now time.Time) *protocol.Error {
	clock, holds := now.UnixMilli(), min(r.TTL, protocol.MaxAge.Milliseconds())
	if clock-holds <= r.Time && r.Time <= clock+protocol.MaxAhead.Milliseconds() {
		return nil
	}
	return &protocol.Error{Code: protocol.Stale, Message: fmt.Sprintf("request was sent at %s and holds %d ms, but it is %s here: it came too late, or the clocks differ (ahead by at most %v)",
		moment(r.Time), holds, moment(clock), protocol.MaxAhead)}
}

func moment(milliseconds int64) string {
	return time.UnixMilli(milliseconds).UTC().Format("2006-01-02T15:04:05.000Z")
}

// execute does what a request asks for and fills in the answer.
func (b *Bridge) execute(a arrival, request protocol.Request, response *protocol.Response) *protocol.Error {
	response.Rev = b.robot.Revision()
	switch a.verb {
	case "describe":
		if !b.describing.Allow() { // it is large, and anybody may ask
			return &protocol.Error{Code: protocol.Busy, Message: "the description was asked for too often: ask again in a second, or read what is retained at " + b.topics.Describe()}
		}
		response.Description = b.description
		return nil
	case "get":
		values, rev, err := b.robot.Get(request.Paths)
		response.Rev = rev
		if err != nil {
			return refusal(err)
		}
		ctx, cancel := b.until(request)
		defer cancel()
		if err := b.robot.AddLearnt(ctx, values); err != nil {
			return refusal(err)
		}
		response.Values = values
		return nil
	case "set":
		if len(request.Set) == 0 {
			return &protocol.Error{Code: protocol.Malformed, Message: `set: expected at least one change, such as {"network.neurons.eye.threshold":90}`}
		}
		ctx, cancel := b.until(request)
		defer cancel()
		applied, rev, err := b.robot.Set(ctx, a.who, request.Set, request.IfRevision)
		return b.accepted(response, applied, rev, err)
	case "reset":
		ctx, cancel := b.until(request)
		defer cancel()
		applied, rev, err := b.robot.Reset(ctx, a.who, request.Paths, request.IfRevision)
		return b.accepted(response, applied, rev, err)
	case "save", "load":
		return nil // see keep
	case "reward":
		if request.Reward == "" || request.Value == nil || !finite(*request.Value) {
			return &protocol.Error{Code: protocol.Malformed, Message: `reward: expected a name and a value, such as {"reward":"praise","value":1}`}
		}
		ctx, cancel := b.until(request)
		defer cancel()
		n, err := b.robot.Reward(ctx, request.Reward, *request.Value)
		response.Spikes = n
		return warned(response, err)
	case "stimulate":
		if err := checkTrains(request.Stimulate); err != nil {
			return err
		}
		ctx, cancel := b.until(request)
		defer cancel()
		n, err := b.robot.Stimulate(ctx, request.Stimulate)
		response.Spikes = n
		if err != nil {
			return refusal(err)
		}
		return nil
	case "drive":
		most := protocol.MaxDrive.Milliseconds()
		if request.Actuator == "" || request.Value == nil || !finite(*request.Value) || request.Lease < 1 || request.Lease > most {
			return &protocol.Error{Code: protocol.Malformed, Message: fmt.Sprintf(`drive: expected an actuator, a value, and for how long, 1 to %d ms, such as {"actuator":"left_wheel","value":0.3,"lease_ms":2000}`, most)}
		}
		ctx, cancel := b.until(request)
		defer cancel()
		if err := b.robot.Drive(ctx, a.who, request.Actuator, *request.Value, time.Duration(request.Lease)*time.Millisecond); err != nil {
			return refusal(err)
		}
		return nil
	case "sense":
		most := protocol.MaxLease.Milliseconds()
		if request.Sensor == "" || request.Value == nil || !finite(*request.Value) || request.Lease < 1 || request.Lease > most {
			return &protocol.Error{Code: protocol.Malformed, Message: fmt.Sprintf(`sense: expected a sensor, a value, and for how long, 1 to %d ms, such as {"sensor":"left_eye","value":300,"lease_ms":2000}`, most)}
		}
		ctx, cancel := b.until(request)
		defer cancel()
		if err := b.robot.Sense(ctx, request.Sensor, *request.Value, time.Duration(request.Lease)*time.Millisecond); err != nil {
			return refusal(err)
		}
		return nil
	case "watch":
		if most := protocol.MaxLease.Milliseconds(); request.Lease < 1 || request.Lease > most {
			return &protocol.Error{Code: protocol.Malformed, Message: fmt.Sprintf("lease_ms: expected 1 to %d, got %d: ask again before it ends", most, request.Lease)}
		}
		b.lease(time.Duration(request.Lease) * time.Millisecond)
		return nil
	case "arm":
		disarms := request.Value != nil && *request.Value == 0
		switch {
		case request.Fresh && disarms:
			return &protocol.Error{Code: protocol.Malformed, Path: "fresh", Message: "expected it with the value 1 or none: the value 0 disarms, and the network begins anew when it is armed"}
		case request.Fresh && request.ByHand:
			return &protocol.Error{Code: protocol.Malformed, Path: "fresh", Message: "expected it without by_hand, with which the network commands nothing: arm fresh when the network is to command"}
		case disarms:
			return nil // that was done when it came in
		case request.ByHand:
			return b.arm(a.who, func() error { return b.robot.ArmByHand(a.who) })
		}
		return b.arm(a.who, func() error { return b.robot.Arm(a.who, request.Fresh) })
	}
	return &protocol.Error{Code: protocol.UnknownVerb, Message: fmt.Sprintf("verb %q: expected one of %s", a.verb, strings.Join(users.Verbs(), ", "))}
}

// arm lets the actuators obey, unless the robot is disarmed at the same moment.
func (b *Bridge) arm(who string, arm func() error) *protocol.Error {
	before := b.stops.disarms.Load()
	if err := arm(); err != nil {
		return refusal(err)
	}
	if b.stops.disarms.Load() != before {
		b.robot.Disarm(who)
		return overtaken()
	}
	return nil
}

// overtaken is the error of a request to arm or to drive that the robot was stopped after.
func overtaken() *protocol.Error {
	return &protocol.Error{Code: protocol.NotAllowed, Message: "the robot was disarmed or stopped after this was sent: send it again if that is still what you want"}
}

// until bounds what a request asks for by its time to live.
func (b *Bridge) until(r protocol.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(b.ctx, min(time.UnixMilli(r.Time).Add(min(time.Duration(r.TTL)*time.Millisecond, protocol.MaxAge)).Sub(b.clock()), protocol.MaxAge))
}

// accepted answers with the values that are in effect now, and publishes them, those of a large population together.
func (b *Bridge) accepted(response *protocol.Response, applied map[string]float64, rev protocol.Revision, err error) *protocol.Error {
	response.Rev = rev
	if err != nil {
		return refusal(err)
	}
	response.Applied = applied
	if len(applied) == 0 {
		return nil
	}
	told := map[string]bool{}
	for path := range applied {
		if !b.parameters[path] {
			path = protocol.Together(path)
		}
		told[path] = true
	}
	values, _, err := b.robot.Get(sorted(told))
	if err != nil {
		b.log.Error("cannot read the parameters to publish them", "error", err)
	}
	for _, path := range sorted(values) {
		b.publishValue(path, values[path].Value, b.out.put)
	}
	return nil
}

// warned answers with the warning if the error is one: then it was done. Any other error is a refusal.
func warned(response *protocol.Response, err error) *protocol.Error {
	var warning protocol.Warning
	switch {
	case errors.As(err, &warning):
		response.Warning = string(warning)
	case err != nil:
		return refusal(err)
	}
	return nil
}

// checkTrains refuses spikes that no neuron could take.
func checkTrains(trains map[string]protocol.Train) *protocol.Error {
	if len(trains) == 0 {
		return &protocol.Error{Code: protocol.Malformed, Message: `stimulate: expected at least one neuron, such as {"eye":{"count":5,"every_us":2000}}`}
	}
	for _, name := range sorted(trains) {
		if t := trains[name]; t.Count < 1 || t.Count > protocol.MaxTrain || t.Every < 0 || t.Every > 1_000_000 || t.Count > 1 && t.Every == 0 {
			return &protocol.Error{Code: protocol.Malformed, Path: name, Message: fmt.Sprintf("stimulate: expected a count of 1 to %d, and every_us of 1 to 1000000 between them, got %d and %d", protocol.MaxTrain, t.Count, t.Every)}
		}
	}
	return nil
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
	b.out.put(message{topic: b.topics.Response(verb), qos: 1, common: common(verb), payload: encode(response)})
}

// common reports whether anybody may ask for a verb. Such requests have queues that those of others do not share: one viewer can fill them.
func common(verb string) bool { return users.Viewer.May(verb) }

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

// memory remembers the latest ids.
type memory struct {
	known map[string]bool
	order []string // a ring, oldest at next once it is full
	next  int
}

func newMemory(capacity int) *memory {
	return &memory{known: make(map[string]bool), order: make([]string, capacity)}
}

// add remembers an id. It reports false when it is known already.
func (m *memory) add(id string) bool {
	if m.known[id] {
		return false
	}
	delete(m.known, m.order[m.next])
	m.order[m.next] = id
	m.known[id] = true
	m.next = (m.next + 1) % len(m.order)
	return true
}
