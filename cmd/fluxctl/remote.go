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
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/google/uuid"

	"fluxd/bridge"
)

// remote is a connection to one robot.
type remote struct {
	client    paho.Client
	topics    bridge.Topics
	patience  time.Duration
	known     map[string]bridge.Parameter // nil until asked for, and so are
	neurons   []string                    // names
	rewards   []string
	connected chan struct{} // one token after each connection
	lost      chan struct{} // one token after each loss
}

// connect logs in at the broker and finds the robot.
func connect(ctx context.Context, s settings) (*remote, error) {
	shown := s.broker
	u, err := url.Parse(s.broker)
	if err != nil || u.Scheme == "" || u.Port() == "" {
		return nil, fmt.Errorf("broker %q: expected a URL with a port, like %s", shown, defaultBroker)
	}
	shown = u.Redacted()
	if s.timeout <= 0 {
		return nil, fmt.Errorf("timeout %v: expected more than 0", s.timeout)
	}
	secured, err := s.tls.Client()
	if err != nil {
		return nil, err
	}
	r := &remote{patience: s.timeout, connected: make(chan struct{}, 1), lost: make(chan struct{}, 1)}
	options := paho.NewClientOptions()
	if secured != nil {
		options.SetTLSConfig(secured)
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
	if r.topics, err = r.find(ctx, s.robot, shown); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
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

// find returns the robot of that name, or the only one.
func (r *remote) find(ctx context.Context, name, broker string) (bridge.Topics, error) {
	retained, err := r.retained(ctx, bridge.Topics("+").Status())
	if err != nil {
		return "", err
	}
	states := map[string]bridge.State{}
	var online, all []string
	for _, topic := range slices.Sorted(maps.Keys(retained)) {
		var status bridge.Status
		if json.Unmarshal(retained[topic], &status) != nil {
			continue
		}
		robot := strings.Split(topic, "/")[1]
		states[robot] = status.State
		all = append(all, fmt.Sprintf("%s (%s)", robot, status.State))
		if status.State == bridge.Online {
			online = append(online, robot)
		}
	}
	there := "there are: " + strings.Join(all, ", ")
	switch {
	case len(all) == 0:
		return "", absent("no robot at the broker %s: is fluxd connected to it?", broker)
	case name != "" && states[name] == "":
		return "", absent("no robot %q at the broker %s; %s", name, broker, there)
	case name != "" && states[name] != bridge.Online:
		return "", absent("robot %q is offline", name)
	case name != "":
		return bridge.Topics(name), nil
	case len(online) == 0:
		return "", absent("every robot is offline; %s", there)
	case len(online) > 1:
		return "", absent("several robots are online: choose with --robot; %s", there)
	}
	return bridge.Topics(online[0]), nil
}

// retained returns what the broker keeps under a filter, by topic.
//
// MQTT does not say when the last retained message has come. A message to oneself does: the broker delivers it after them.
func (r *remote) retained(ctx context.Context, filter string) (map[string][]byte, error) {
	echo := bridge.Topics("fluxctl-" + uuid.NewString()).Event("echo")
	var mu sync.Mutex
	found := map[string][]byte{}
	all := make(chan struct{}, 1)
	handler := func(_ paho.Client, m paho.Message) {
		if m.Topic() == echo {
			notify(all)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		found[m.Topic()] = m.Payload()
	}
	if err := r.subscribe(ctx, map[string]byte{echo: 1, filter: 1}, handler); err != nil {
		return nil, err
	}
	defer r.client.Unsubscribe(echo, filter)
	r.client.Publish(echo, 1, false, "")
	select {
	case <-all:
	case <-time.After(r.patience): // a broker that does not let us write the echo: then this is what there is
	case <-ctx.Done():
		return nil, absent("interrupted")
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

// learn reads what the robot says of itself.
func (r *remote) learn(ctx context.Context) error {
	retained, err := r.retained(ctx, r.topics.Describe())
	if err != nil {
		return err
	}
	var description bridge.Description
	if err := json.Unmarshal(retained[r.topics.Describe()], &description); err != nil {
		return absent("robot %s: no description that can be read: %w", r.topics, err)
	}
	r.known = map[string]bridge.Parameter{}
	for _, p := range description.Parameters {
		r.known[p.Path] = p
	}
	r.neurons, r.rewards = description.NeuronNames(), description.Rewards
	return nil
}

// parameter returns what is known of a parameter. Of a member of a large population it is what is told of all.
func (r *remote) parameter(path string) bridge.Parameter {
	if p, told := r.known[path]; told {
		return p
	}
	p := r.known[bridge.Together(path)]
	p.Count = 0
	return p
}

// request sends a request and waits for its answer. It fills in id and time.
func (r *remote) request(ctx context.Context, verb string, request bridge.Request) (bridge.Response, error) {
	request.ID = uuid.NewString()
	answers := make(chan bridge.Response, 1)
	handler := func(_ paho.Client, m paho.Message) {
		var response bridge.Response
		if json.Unmarshal(m.Payload(), &response) == nil && response.ID == request.ID {
			select {
			case answers <- response:
			default: // delivered twice
			}
		}
	}
	if err := r.subscribe(ctx, map[string]byte{r.topics.Response(verb): 1}, handler); err != nil {
		return bridge.Response{}, err
	}
	request.Time = time.Now().UnixMilli()
	request.TTL = max(1, min(r.patience, bridge.MaxTTL).Milliseconds())
	payload, err := json.Marshal(request)
	if err != nil {
		return bridge.Response{}, err
	}
	if err := r.wait(ctx, r.client.Publish(r.topics.Request(verb), 1, false, payload), "the broker"); err != nil {
		return bridge.Response{}, failure{exitAbsent, err}
	}
	select {
	case response := <-answers:
		if response.Error != nil {
			return response, refused(response.Error, r.parameter(response.Error.Path).Unit)
		}
		return response, nil
	case <-time.After(r.patience):
		return bridge.Response{}, absent("robot %s did not answer within %v: --timeout allows more", r.topics, r.patience)
	case <-ctx.Done():
		return bridge.Response{}, absent("interrupted")
	}
}
