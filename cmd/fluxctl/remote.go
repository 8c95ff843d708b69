package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/google/uuid"

	"fluxd/bridge/protocol"
	"fluxd/bridge/transport"
	"fluxd/bridge/users"
	"fluxd/configs/spelling"
)

// remote is a connection to one robot.
type remote struct {
	client    paho.Client
	topics    protocol.Topics
	user      string // under whose name requests are sent; "" for nobody's
	patience  time.Duration
	warnings  io.Writer                     // for what people should know besides
	known     map[string]protocol.Parameter // nil until asked for, and so are
	neurons   []string                      // names
	rewards   []string
	actuators []string
	sensors   []protocol.Device
	connected chan struct{} // one token after each connection
	lost      chan struct{} // one token after each loss
	away      bool          // the broker, as whoever looks was told
}

// connect logs in at the broker and finds the robot. Whoever stops it takes one that seems to be offline too.
func connect(ctx context.Context, s settings, stops bool) (*remote, error) {
	u, err := url.Parse(s.broker)
	if err != nil || u.Scheme == "" || u.Port() == "" {
		return nil, fmt.Errorf("broker %q: expected a URL with a port, like %s; in a password write / # %% ? @ as %%2F %%23 %%25 %%3F %%40", withoutPassword(s.broker), defaultBroker)
	}
	shown := u.Redacted()
	if s.timeout <= 0 {
		return nil, fmt.Errorf("timeout %v: expected more than 0", s.timeout)
	}
	secured, err := s.tls.Client()
	if err != nil {
		return nil, err
	}
	user := u.User.Username()
	if protocol.CheckUser(user) != nil { // no topic can end in it
		user = ""
	}
	r := &remote{user: user, patience: s.timeout, warnings: s.warnings, connected: make(chan struct{}, 1), lost: make(chan struct{}, 1)}
	options := paho.NewClientOptions()
	if secured != nil {
		options.SetTLSConfig(secured)
	}
	if transport.Known(u.Scheme) { // else it is one of WebSockets, which the library dials
		options.SetCustomOpenConnectionFn(func(u *url.URL, o paho.ClientOptions) (net.Conn, error) {
			return transport.Dial(&net.Dialer{Timeout: s.timeout}, u, o.TLSConfig)
		})
	}
	r.client = paho.NewClient(options.
		AddBroker(s.broker).
		SetClientID("fluxctl-" + uuid.NewString()).
		SetProtocolVersion(4).
		SetOrderMatters(true). // retained needs it; no handler here waits for anything
		SetConnectTimeout(s.timeout).
		SetWriteTimeout(s.timeout).
		SetKeepAlive(10 * time.Second).
		SetMaxReconnectInterval(5 * time.Second).
		SetOnConnectHandler(func(paho.Client) { notify(r.connected) }).
		SetConnectionLostHandler(func(paho.Client, error) { notify(r.lost) }))
	if err := r.wait(ctx, r.client.Connect(), "the broker"); err != nil {
		r.close()
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, absent("no broker at %s: %w\n%s", shown, err, adviceOn(err))
	}
	if r.topics, err = r.find(ctx, s.robot, shown, stops); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// withoutPassword shows what cannot be read as a URL without what may be a password.
func withoutPassword(broker string) string {
	scheme, rest, found := strings.Cut(broker, "://")
	if at := strings.LastIndexByte(rest, '@'); found && at >= 0 {
		return scheme + "://...@" + rest[at+1:]
	} else if at := strings.LastIndexByte(broker, '@'); at >= 0 {
		return "...@" + broker[at+1:]
	}
	return broker
}

// notify puts a token into a channel that has room for one.
func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (r *remote) close() { r.client.Disconnect(100) }

// adviceOn says what to do about a broker that did not let us in.
func adviceOn(err error) string {
	var unverified *tls.CertificateVerificationError
	var told *net.OpError // of crypto/tls, for what the other side says
	var noTLS tls.RecordHeaderError
	switch {
	case errors.Is(err, packets.ErrorRefusedNotAuthorised), errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword):
		return "it asks for a user and a password that are right: ssl://user:password@host:8883 as --broker or FLUX_BROKER"
	case errors.As(err, &unverified):
		return "name the authority that the broker's certificate is of, --ca or FLUX_CA, and the broker as its certificate does"
	case errors.As(err, &told) && told.Op == "remote error":
		return "the broker does not take our certificate, or wants one: --cert and --key, or FLUX_CERT and FLUX_KEY"
	case errors.As(err, &noTLS):
		return "what answers does not speak TLS: tcp:// instead of ssl://?"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return "it hung up without a word: does it speak TLS (ssl://) or not (tcp://), and has it room for one more client?"
	}
	return "is fluxd running? another address: --broker or FLUX_BROKER"
}

// wait waits for a token.
func (r *remote) wait(ctx context.Context, token paho.Token, what string) error {
	select {
	case <-token.Done():
		return token.Error()
	case <-time.After(r.patience):
		return absent("no answer of %s within %v: --timeout allows more", what, r.patience)
	case <-ctx.Done():
		return absent("interrupted")
	}
}

// find returns the robot of that name, or the only one. Whoever stops it does not wait to hear whether it is there, and an emergency stop goes to
// the only one that is known even if it is said to be offline: a broker may be wrong about that.
func (r *remote) find(ctx context.Context, name, broker string, stops bool) (protocol.Topics, error) {
	if stops && name != "" {
		return protocol.Topics(name), protocol.CheckName(name)
	}
	filter := protocol.Topics("+").Status()
	if name != "" && protocol.CheckName(name) == nil {
		filter = protocol.Topics(name).Status() // of which there is one, and nothing to wait for behind it
	}
	retained, err := r.retained(ctx, filter)
	if err == nil && len(retained) == 0 && name != "" {
		retained, err = r.retained(ctx, protocol.Topics("+").Status()) // to say who is there
	}
	if err == nil {
		err = r.living(ctx, retained, name)
	}
	if err != nil {
		return "", err
	}
	states := map[string]protocol.State{}
	var online, all, shown []string
	for _, topic := range inOrder(retained) {
		var status protocol.Status
		if decode(retained[topic], &status) != nil {
			continue
		}
		robot := line(strings.Split(topic, "/")[1])
		states[robot] = status.State
		all = append(all, robot)
		shown = append(shown, fmt.Sprintf("%s (%s)", robot, status.State))
		if status.State == protocol.Online {
			online = append(online, robot)
		}
	}
	there := "there are: " + strings.Join(shown, ", ")
	switch {
	case len(all) == 0:
		return "", absent("no robot at the broker %s: is fluxd connected to it?", broker)
	case name != "" && states[name] == "":
		return "", absent("no robot %q at the broker %s%s; %s", name, broker, spelling.Meant(name, all), there)
	case name != "" && states[name] != protocol.Online:
		return "", absent("robot %q is offline", name)
	case name != "":
		return protocol.Topics(name), nil
	case len(online) == 0 && len(all) == 1 && stops:
		return protocol.Topics(all[0]), nil
	case len(online) == 0:
		return "", absent("every robot is offline; %s", there)
	case len(online) > 1:
		return "", absent("several robots are online: choose with --robot; %s", there)
	}
	return protocol.Topics(online[0]), nil
}

// livingPatience is how long robots are listened for: they tell their health once a second.
const livingPatience = 1500 * time.Millisecond

// living adds the robots that tell their health and have no status that is retained here, if the one that is looked for is not known otherwise: what a
// robot retains stays at its own broker, in a fleet of NATS.
func (r *remote) living(ctx context.Context, known map[string][]byte, name string) error {
	if name != "" && known[protocol.Topics(name).Status()] != nil || name == "" && len(known) > 0 {
		return nil
	}
	heard := make(chan string, 1024)
	filter := protocol.Topics("+").Health()
	if err := r.subscribe(ctx, map[string]byte{filter: 0}, func(_ paho.Client, m paho.Message) {
		select {
		case heard <- strings.Split(m.Topic(), "/")[1]:
		default: // more than anybody can choose from
		}
	}); err != nil {
		return err
	}
	defer r.client.Unsubscribe(filter)
	online, err := json.Marshal(protocol.Status{State: protocol.Online})
	if err != nil {
		return err
	}
	for timeout := time.After(min(r.patience, livingPatience)); ; {
		select {
		case robot := <-heard:
			if known[protocol.Topics(robot).Status()] = online; robot == name {
				return nil
			}
		case <-timeout:
			return nil
		case <-ctx.Done():
			return absent("interrupted")
		}
	}
}

// quiet is for how long nothing more may come until all that is retained is taken to have come, where the broker does not say so.
const quiet = 300 * time.Millisecond

// retained returns what the broker keeps under a filter, by topic.
//
// MQTT does not say when the last retained message has come. One topic has one. Of several a message to oneself tells: the broker delivers it after
// them. A broker may not let us write it; then nothing more comes for a while.
func (r *remote) retained(ctx context.Context, filter string) (map[string][]byte, error) {
	ours := uuid.NewString()
	several := strings.ContainsAny(filter, "+#")
	var mu sync.Mutex
	found := map[string][]byte{}
	all, one := make(chan struct{}, 1), make(chan struct{}, 1)
	handler := func(_ paho.Client, m paho.Message) {
		if m.Topic() == protocol.Echo {
			if string(m.Payload()) == ours { // else somebody else asks at the same time
				notify(all)
			}
			return
		}
		mu.Lock()
		found[m.Topic()] = m.Payload()
		mu.Unlock()
		if several {
			notify(one)
		} else {
			notify(all)
		}
	}
	asked := time.Now()
	if err := r.subscribe(ctx, map[string]byte{protocol.Echo: 0, filter: 0}, handler); err != nil {
		return nil, err
	}
	pause := max(quiet, 2*time.Since(asked)) // a slow network is not silence
	defer r.client.Unsubscribe(protocol.Echo, filter)
	r.client.Publish(protocol.Echo, 0, false, ours)
	timer := time.NewTimer(r.patience)
	defer timer.Stop()
	for waiting := true; waiting; {
		select {
		case <-one:
			timer.Reset(pause)
		case <-all:
			waiting = false
		case <-timer.C: // then this is what there is
			waiting = false
		case <-ctx.Done():
			return nil, absent("interrupted")
		}
	}
	mu.Lock()
	defer mu.Unlock()
	return maps.Clone(found), nil
}

// subscribe subscribes, or says which filter the broker refuses.
func (r *remote) subscribe(ctx context.Context, filters map[string]byte, handler paho.MessageHandler) error {
	token := r.client.SubscribeMultiple(filters, handler)
	if err := r.wait(ctx, token, "the broker"); err != nil {
		return failure{exitAbsent, err}
	}
	for filter, granted := range token.(*paho.SubscribeToken).Result() {
		if granted > 2 {
			return absent("the broker does not let us read %s", filter)
		}
	}
	return nil
}

// maxNames bounds what a description makes us remember, in bytes: each neuron has a name.
const maxNames = 128 << 20

// shorten cuts what somebody else has written.
func shorten(text string) string {
	if runes := []rune(text); len(runes) > 64 {
		return string(runes[:64]) + "..."
	}
	return text
}

// learn reads what the robot says of itself.
func (r *remote) learn(ctx context.Context) error {
	retained, err := r.retained(ctx, r.topics.Describe())
	if err != nil {
		return err
	}
	text, kept := retained[r.topics.Describe()]
	if !kept { // in a fleet of NATS what a robot retains stays at its own broker
		response, err := r.request(ctx, "describe", protocol.Request{})
		if err != nil {
			return err
		}
		text = response.Description
	}
	var description protocol.Description
	if err := decode(text, &description); err != nil {
		return absent("robot %s: no description that can be read: %w", r.topics, err)
	}
	room := maxNames
	for _, g := range description.Neurons {
		const number = 12 // bytes of it and what is kept with a name, at the least
		if g.Count < 0 || g.Count > room/(len(g.Name)+number) {
			return absent("robot %s: its description has %d neurons %q, whose names do not fit into %d MB: no robot has so many, and somebody else may have written it",
				r.topics, g.Count, shorten(g.Name), maxNames>>20)
		}
		room -= g.Count * (len(g.Name) + number)
	}
	r.known = map[string]protocol.Parameter{}
	for _, p := range description.Parameters {
		r.known[p.Path] = p
	}
	r.neurons, r.rewards = description.NeuronNames(), description.Rewards
	r.sensors = description.Sensors
	for _, a := range description.Actuators {
		r.actuators = append(r.actuators, a.Name)
	}
	return nil
}

// parameter returns what is known of a parameter. Of a member of a large population it is what is told of all.
func (r *remote) parameter(path string) protocol.Parameter {
	if p, told := r.known[path]; told {
		return p
	}
	p := r.known[protocol.Together(path)]
	p.Count = 0
	return p
}

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
		return protocol.Response{}, fmt.Errorf("the request has %d bytes: expected at most %d; a wildcard says much in few words", len(payload), protocol.MaxRequest)
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

// ask publishes a request under a user's name. What stops the robot is published under nobody's as well, should the broker not pass on the first: of two
// requests with one id the robot obeys the one that comes first.
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
