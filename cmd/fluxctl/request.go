package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/google/uuid"

	"fluxd/bridge/protocol"
	"fluxd/bridge/users"
)

// stop is the verb of an emergency stop.
const stop = "estop"

// namePatience is for how long a request under a user's name is waited for until it is sent under none too.
const namePatience = time.Second

// request sends a request and waits for its answer. It fills in id and time.
func (r *remote) request(ctx context.Context, verb string, request protocol.Request) (protocol.Response, error) {
	request.ID = uuid.NewString()
	request.Time = time.Now().UnixMilli()
	request.TTL = max(1, min(r.patience, protocol.MaxTTL).Milliseconds())
	payload, err := json.Marshal(request)
	if err != nil {
		return protocol.Response{}, err
	}
	if len(payload) > protocol.MaxRequest {
		return protocol.Response{}, fmt.Errorf("the request has %d bytes: expected at most %d; a wildcard says much in few words",
			len(payload), protocol.MaxRequest)
	}
	if verb == stop { // before anything is waited for; it is asked once more below, for the answer
		urgent := request
		urgent.ID = uuid.NewString()
		if text, err := json.Marshal(urgent); err == nil {
			r.ask(verb, r.user, text)
		}
	}
	answers := make(chan protocol.Response, 1)
	handler := func(_ paho.Client, m paho.Message) {
		var response protocol.Response
		if decode(m.Payload(), &response) == nil && response.Answers(request.ID) {
			select {
			case answers <- response:
			default: // delivered twice
			}
		}
	}
	// The embedded broker drops without a word what this user may not ask for; it lets nobody subscribe to May who may not.
	filters := map[string]byte{r.topics.Response(verb): 0, r.topics.May(verb): 0}
	if r.user != "" {
		filters[r.topics.MayBy(verb, r.user)] = 0
	}
	token := r.client.SubscribeMultiple(filters, handler)
	if err := r.wait(ctx, token, "the broker"); err != nil {
		return protocol.Response{}, failure{exitAbsent, err}
	}
	granted := token.(*paho.SubscribeToken).Result()
	if granted[r.topics.Response(verb)] > 2 {
		return protocol.Response{}, absent("the broker does not let us read %s", r.topics.Response(verb))
	}
	patience, forbidden := r.patience, granted[r.topics.May(verb)] > 2
	if forbidden { // an external broker may say so and pass the request on all the same
		patience = min(patience, time.Second)
	}
	user := r.user
	if user != "" && granted[r.topics.MayBy(verb, user)] > 2 {
		user = ""
	}
	if err := r.wait(ctx, r.ask(verb, user, payload), "the broker"); err != nil {
		return protocol.Response{}, failure{exitAbsent, err}
	}
	timeout, again := time.After(patience), make(<-chan time.Time)
	if user != "" { // the broker, or a bridge between two, may not pass on what is under a name
		again = time.After(min(namePatience, patience/2))
	}
	for {
		select {
		case response := <-answers:
			if response.Warning != "" {
				fmt.Fprintln(r.warnings, "fluxctl: warning:", response.Warning)
			}
			if response.Error != nil {
				return response, refused(response.Error, r.parameter(response.Error.Path).Unit)
			}
			return response, nil
		case <-again:
			r.client.Publish(r.topics.Request(verb), 1, false, payload) // with the same id: it is done once
		case <-timeout:
			if forbidden {
				return protocol.Response{}, refused(&protocol.Error{Code: protocol.Forbidden, Message: forbids(verb)}, "")
			}
			return protocol.Response{}, absent("robot %s did not answer within %v: --timeout allows more", r.topics, r.patience)
		case <-ctx.Done():
			return protocol.Response{}, absent("interrupted")
		}
	}
}

// ask publishes a request under a user's name. What stops the robot is published under nobody's as well, should the broker not
// pass on the first: of two requests with one id the robot obeys the one that comes first.
func (r *remote) ask(verb, user string, payload []byte) paho.Token {
	token := r.client.Publish(r.topics.RequestBy(verb, user), 1, false, payload)
	if user != "" && (verb == stop || verb == "disarm") {
		token = r.client.Publish(r.topics.Request(verb), 1, false, payload)
	}
	return token
}

// forbids says what a user would need to ask for a verb.
func forbids(verb string) string {
	if least, known := users.Needed(verb); known {
		return fmt.Sprintf("the broker does not let this user %s: that needs a user whose role is %s or higher", verb, least)
	}
	return fmt.Sprintf("the broker does not let this user %s", verb)
}

// converse connects to the robot for as long as a conversation about a verb takes.
func converse(ctx context.Context, s settings, verb string, about func(*remote) error) error {
	r, err := connect(ctx, s, verb == stop)
	if err != nil {
		return err
	}
	defer r.close()
	return about(r)
}

// ask makes a request and prints what came of it: the answer as JSON, or as text says it.
func ask(ctx context.Context, s settings, verb string, request protocol.Request, out io.Writer, text func(protocol.Response) string) error {
	return converse(ctx, s, verb, func(r *remote) error {
		response, err := r.request(ctx, verb, request)
		if err != nil {
			return err
		}
		if s.json {
			return printJSON(out, response)
		}
		_, err = fmt.Fprintln(out, text(response))
		return err
	})
}

// order asks for something that has no answer but that it was done.
func order(ctx context.Context, s settings, verb, done string, out io.Writer) error {
	return ask(ctx, s, verb, protocol.Request{}, out, func(protocol.Response) string { return done })
}
