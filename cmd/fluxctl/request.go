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
	"fluxd/cmd/fluxctl/link"
	"fluxd/cmd/fluxctl/outcome"
	"fluxd/cmd/internal/printable"
)

// stop is the verb of an emergency stop.
const stop = "estop"

// namePatience is how long a request under a user's name waits for an answer before it is also sent anonymously.
const namePatience = time.Second

// request sends a request and waits for its answer. It fills in id and time.
func (r *remote) request(ctx context.Context, verb string, request protocol.Request) (protocol.Response, error) {
	request.ID = uuid.NewString()
	request.Time = time.Now().UnixMilli()
	request.TTL = max(1, min(r.Patience, protocol.MaxTTL).Milliseconds())
	payload, err := json.Marshal(request)
	if err != nil {
		return protocol.Response{}, err
	}
	if len(payload) > protocol.MaxRequest {
		return protocol.Response{}, fmt.Errorf("the request has %d bytes: expected at most %d; a path with * stands for many",
			len(payload), protocol.MaxRequest)
	}
	if verb == stop { // send it before the first wait; it is sent again below, for the answer
		urgent := request
		urgent.ID = uuid.NewString()
		if text, err := json.Marshal(urgent); err == nil {
			r.ask(verb, r.User, text)
		}
	}
	answers := make(chan protocol.Response, 1)
	handler := func(_ paho.Client, m paho.Message) {
		var response protocol.Response
		if printable.Decode(m.Payload(), &response) == nil && response.Answers(request.ID) {
			select {
			case answers <- response:
			default: // delivered twice
			}
		}
	}
	// The embedded broker silently drops requests that this user may not make. It refuses the subscription to the May topic of such
	// a verb, which shows the reason.
	filters := map[string]byte{r.topics.Response(verb): 0, r.topics.May(verb): 0}
	if r.User != "" {
		filters[r.topics.MayBy(verb, r.User)] = 0
	}
	token := r.SubscribeMultiple(filters, handler)
	if r.shared { // a broker limits the subscriptions of a connection
		defer r.Unsubscribe(inOrder(filters)...)
	}
	if err := r.Wait(ctx, token); err != nil {
		return protocol.Response{}, outcome.Failure{Exit: exitAbsent, Err: err}
	}
	granted := token.(*paho.SubscribeToken).Result()
	if granted[r.topics.Response(verb)] > link.MaxQoS {
		return protocol.Response{}, link.MayNotRead(r.topics.Response(verb))
	}
	patience, forbidden := r.Patience, granted[r.topics.May(verb)] > link.MaxQoS
	if forbidden { // wait for an answer all the same: an external broker may refuse May and still forward the request
		patience = min(patience, time.Second)
	}
	user := r.User
	if user != "" && granted[r.topics.MayBy(verb, user)] > link.MaxQoS {
		user = ""
	}
	if err := r.Wait(ctx, r.ask(verb, user, payload)); err != nil {
		return protocol.Response{}, outcome.Failure{Exit: exitAbsent, Err: err}
	}
	timeout, again := time.After(patience), make(<-chan time.Time)
	if user != "" { // a broker, or a bridge between two brokers, may not forward requests with a name
		again = time.After(min(namePatience, patience/2))
	}
	for {
		select {
		case response := <-answers:
			if response.Warning != "" {
				fmt.Fprintln(r.warnings, "fluxctl: warning:", response.Warning)
			}
			if response.Error != nil {
				return response, refused(response.Error, r.known.Parameter(response.Error.Path).Unit)
			}
			return response, nil
		case <-again:
			r.Publish(r.topics.Request(verb), 1, false, payload) // the robot handles each id once
		case <-timeout:
			if forbidden {
				return protocol.Response{}, refused(&protocol.Error{Code: protocol.Forbidden, Message: forbids(verb)}, "")
			}
			return protocol.Response{}, outcome.Absentf("robot %s did not answer within %v: use --timeout to wait longer%s",
				r.topics, r.Patience, r.mayBeOld(verb))
		case <-ctx.Done():
			return protocol.Response{}, outcome.Absentf("interrupted")
		}
	}
}

// mayBeOld hints that a robot which does not answer may not know the verb.
func (r *remote) mayBeOld(verb string) string {
	if r.version == "" || verb == "get" || verb == stop {
		return ""
	}
	return fmt.Sprintf("; it runs fluxd %s, and one that is older than fluxctl may not know %s", r.version, verb)
}

// ask publishes a request under a user's name. Requests that stop the robot are also published anonymously, in case the broker
// does not forward the first. The robot handles the first of two requests with one id and ignores the other.
func (r *remote) ask(verb, user string, payload []byte) paho.Token {
	token := r.Publish(r.topics.RequestBy(verb, user), 1, false, payload)
	if user != "" && (verb == stop || verb == "disarm") {
		token = r.Publish(r.topics.Request(verb), 1, false, payload)
	}
	return token
}

// forbids returns the error text for a verb that the user may not use.
func forbids(verb string) string {
	if least, known := users.LeastRole(verb); known {
		return fmt.Sprintf("the broker does not permit this user to %s: expected a user whose role is %s or higher", verb, least)
	}
	return fmt.Sprintf("the broker does not permit this user to %s", verb)
}

// converse connects to the robot, or to each of many, and calls about. What about prints goes to the writer that it is given.
func converse(ctx context.Context, s settings, verb string, out io.Writer, about func(*remote, io.Writer) error) error {
	if s.many() {
		return converseAll(ctx, s, verb, out, about)
	}
	r, err := connect(ctx, s, verb == stop)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := r.checkVersion(verb); err != nil {
		return err
	}
	return about(r, out)
}

// ask makes a request and prints the answer: as JSON, or as text formats it.
func ask(
	ctx context.Context, s settings, verb string, request protocol.Request, out io.Writer, text func(protocol.Response) string,
) error {
	return converse(ctx, s, verb, out, func(r *remote, out io.Writer) error {
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

// order makes a request whose answer carries no data, and prints done.
func order(ctx context.Context, s settings, verb, done string, out io.Writer) error {
	return ask(ctx, s, verb, protocol.Request{}, out, func(protocol.Response) string { return done })
}
