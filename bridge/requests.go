package bridge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Limits of requests.
const (
	// MaxRequest is the largest payload of a request, in bytes.
	MaxRequest = 64 << 10
	// MaxTTL is the longest that a request may hold.
	MaxTTL = time.Hour

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
	payload  []byte
	retained bool
}

// serve answers requests one after another: transactions do not overlap. It is the only goroutine that calls Robot.Set.
func (b *Bridge) serve() {
	defer close(b.served)
	seen := newMemory(rememberedIDs)
	for {
		select {
		case <-b.ctx.Done():
			return
		case a := <-b.arrivals:
			b.handle(a, seen)
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
	if refusal == nil && a.verb != "estop" {
		refusal = expired(request, b.clock())
	}
	response := Response{ID: request.ID}
	if refusal == nil {
		refusal = b.execute(a.verb, request, &response)
	}
	if refusal != nil {
		if refusal.Code == Malformed || refusal.Code == TooLarge {
			b.malformed.Add(1)
		}
		if a.verb == "estop" && !a.retained {
			refusal.Message += "; the robot has stopped all the same"
		}
		response.Error = refusal
	}
	b.answer(a.verb, response)
}

// parse reads a request. On a refusal the request still carries the id, if one can be read.
func parse(a arrival) (Request, *Error) {
	if len(a.payload) > MaxRequest {
		return Request{}, &Error{Code: TooLarge, Message: fmt.Sprintf("request of %d bytes: expected at most %d", len(a.payload), MaxRequest)}
	}
	var request Request
	decoder := json.NewDecoder(bytes.NewReader(a.payload))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&request)
	if err == nil {
		if _, rest := decoder.Token(); rest != io.EOF {
			err = errors.New("something follows the JSON object")
		}
	}
	if len(request.ID) > maxID {
		request.ID = ""
	}
	if err != nil {
		// The decoder stops at the first fault: the id may stand behind it, and whoever asked wants to recognise the answer.
		var only struct{ ID string }
		if request.ID == "" && json.Unmarshal(a.payload, &only) == nil && len(only.ID) <= maxID {
			request.ID = only.ID
		}
		return request, &Error{Code: Malformed, Message: "request: expected JSON with id, ts, ttl_ms and set, paths or if_rev: " + strings.TrimPrefix(err.Error(), "json: ")}
	}
	switch ttl := MaxTTL.Milliseconds(); {
	case request.ID == "":
		return request, &Error{Code: Malformed, Message: fmt.Sprintf("id: expected 1 to %d bytes that no other request has", maxID)}
	case a.retained:
		return request, &Error{Code: Retained, Message: "request was published with the retain flag, so nobody knows how old it is: publish it without, and clear the topic with an empty retained message"}
	case request.Time <= 0:
		return request, &Error{Code: Malformed, Message: "ts: expected when the request was sent, in milliseconds since 1970"}
	case request.TTL < 1 || request.TTL > ttl:
		return request, &Error{Code: Malformed, Message: fmt.Sprintf("ttl_ms: expected 1 to %d, got %d", ttl, request.TTL)}
	}
	return request, nil
}

// expired refuses a request outside its time. One from the future is refused as well: it would hold far too long.
func expired(r Request, now time.Time) *Error {
	clock := now.UnixMilli()
	if clock-r.TTL <= r.Time && r.Time <= clock+r.TTL {
		return nil
	}
	return &Error{Code: Stale, Message: fmt.Sprintf("request was sent at %s and holds %d ms, but it is %s here: it came too late, or the clocks differ",
		moment(r.Time), r.TTL, moment(clock))}
}

func moment(milliseconds int64) string {
	return time.UnixMilli(milliseconds).UTC().Format("2006-01-02T15:04:05.000Z")
}

// execute does what a request asks for and fills in the answer.
func (b *Bridge) execute(verb string, request Request, response *Response) *Error {
	response.Rev = b.robot.Revision()
	switch verb {
	case "get":
		values, rev, err := b.robot.Get(request.Paths)
		response.Rev = rev
		if err != nil {
			return refusal(err)
		}
		response.Values = values
		return nil
	case "set":
		if len(request.Set) == 0 {
			return &Error{Code: Malformed, Message: `set: expected at least one change, such as {"network.neurons.eye.threshold":90}`}
		}
		ctx, cancel := b.until(request)
		defer cancel()
		applied, rev, err := b.robot.Set(ctx, request.Set, request.IfRevision)
		return b.accepted(response, applied, rev, err)
	case "reset":
		ctx, cancel := b.until(request)
		defer cancel()
		applied, rev, err := b.robot.Reset(ctx, request.Paths, request.IfRevision)
		return b.accepted(response, applied, rev, err)
	case "save", "load":
		ctx, cancel := context.WithTimeout(b.ctx, savePatience)
		defer cancel()
		do := b.robot.Save
		if verb == "load" {
			do = b.robot.Load
		}
		if err := do(ctx); err != nil {
			return refusal(err)
		}
		return nil
	case "reward":
		if request.Reward == "" || request.Value == nil || !finite(*request.Value) {
			return &Error{Code: Malformed, Message: `reward: expected a name and a value, such as {"reward":"praise","value":1}`}
		}
		ctx, cancel := b.until(request)
		defer cancel()
		n, err := b.robot.Reward(ctx, request.Reward, *request.Value)
		response.Spikes = n
		if err != nil {
			return refusal(err)
		}
		return nil
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
	case "watch":
		if most := MaxLease.Milliseconds(); request.Lease < 1 || request.Lease > most {
			return &Error{Code: Malformed, Message: fmt.Sprintf("lease_ms: expected 1 to %d, got %d: ask again before it ends", most, request.Lease)}
		}
		b.lease(time.Duration(request.Lease) * time.Millisecond)
		return nil
	case "arm":
		if request.Value != nil && *request.Value == 0 { // a switch has one topic for both
			b.robot.Disarm()
			return nil
		}
		if err := b.robot.Arm(); err != nil {
			return refusal(err)
		}
		return nil
	case "disarm":
		b.robot.Disarm()
		return nil
	case "estop":
		return nil // that was done when it came in
	}
	return &Error{Code: UnknownVerb, Message: fmt.Sprintf("verb %q: expected get, set, reset, save, load, reward, stimulate, watch, arm, disarm or estop", verb)}
}

// until bounds what a request asks for by its time to live.
func (b *Bridge) until(r Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(b.ctx, min(time.UnixMilli(r.Time+r.TTL).Sub(b.clock()), MaxTTL))
}

// accepted answers with the values that are in effect now, and publishes them, those of a large population together.
func (b *Bridge) accepted(response *Response, applied map[string]float64, rev Revision, err error) *Error {
	response.Rev = rev
	var warning Warning
	switch {
	case errors.As(err, &warning):
		response.Warning = string(warning)
	case err != nil:
		return refusal(err)
	}
	response.Applied = applied
	if len(applied) == 0 {
		return nil
	}
	told := map[string]bool{}
	for path := range applied {
		if !b.parameters[path] {
			path = Together(path)
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

// checkTrains refuses spikes that no neuron could take.
func checkTrains(trains map[string]Train) *Error {
	if len(trains) == 0 {
		return &Error{Code: Malformed, Message: `stimulate: expected at least one neuron, such as {"eye":{"count":5,"every_us":2000}}`}
	}
	for _, name := range sorted(trains) {
		if t := trains[name]; t.Count < 1 || t.Count > MaxTrain || t.Every < 0 || t.Every > 1_000_000 || t.Count > 1 && t.Every == 0 {
			return &Error{Code: Malformed, Path: name, Message: fmt.Sprintf("stimulate: expected a count of 1 to %d, and every_us of 1 to 1000000 between them, got %d and %d", MaxTrain, t.Count, t.Every)}
		}
	}
	return nil
}

// refusal makes an answer of an error of the robot.
func refusal(err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	return &Error{Code: Internal, Message: err.Error()}
}

// answer queues the one answer to a request.
func (b *Bridge) answer(verb string, response Response) {
	response.Status = StatusOK
	if response.Error != nil {
		response.Status = StatusError
	}
	payload, err := json.Marshal(response)
	if err != nil { // a value that JSON cannot carry: there is an answer all the same
		payload, _ = json.Marshal(Response{ID: response.ID, Status: StatusError, Rev: response.Rev,
			Error: &Error{Code: Internal, Message: "the answer cannot be written as JSON: " + err.Error()}})
	}
	b.out.put(message{topic: b.topics.Response(verb), qos: 1, payload: payload})
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
