package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"fluxd/bridge/homeassistant"
	"fluxd/bridge/journal"
	"fluxd/bridge/leases"
	"fluxd/bridge/packetreader"
	"fluxd/bridge/protocol"
	"fluxd/bridge/recent"
	"fluxd/bridge/transport"
)

// Robot is a robot, by its abilities. Telemetry and Safety are required: a robot that can be reached can be stopped. Any other
// ability may be nil; the bridge then refuses its verbs.
//
// All methods may be called from any goroutine. A user parameter is the name of the user who sent the request, or
// protocol.Anonymous. An error should be a *protocol.Error, which becomes the answer. A protocol.Warning means that the request
// was carried out, with a problem; any other error becomes an answer with the code Internal.
type Robot struct {
	Telemetry Telemetry
	Safety    Safety
	Tuner     Tuner
	Teacher   Teacher
	ByHand    ByHand
	Spikes    SpikeSource
	Inspector Inspector
	World     World
	Loader    Loader
}

// Options configure a Bridge.
type Options struct {
	Robot    string // name: the topics are flux/<name>/...
	Broker   string // URL: tcp://host:1883, ssl://host:8883
	User     string // login at the broker
	Password string
	TLS      protocol.TLS

	// Dial connects to the robot's own broker, which retains messages of this run only. Broker is then the URL for clients, and the
	// bridge does not dial it. Nil: the broker is an external one.
	Dial func(context.Context) (net.Conn, error)

	HomeAssistant bool             // publish the message by which Home Assistant finds the robot
	Version       string           // of the daemon, for Status
	Boot          string           // different at each start, for Status; empty: a random one
	Log           *slog.Logger     // nil: no log
	Clock         func() time.Time // nil: the system's
}

const (
	healthEvery = time.Second

	retryEvery     = time.Second            // between attempts until the first connection
	retryAtMost    = 5 * time.Second        // the longest pause between later attempts
	retryOwn       = 100 * time.Millisecond // between attempts at the robot's own broker; Dial waits until it listens
	writePatience  = 2 * time.Second        // a write to a broker that has stopped reading fails after this time
	dialPatience   = 5 * time.Second        // for a connection and its handshake
	keepAlive      = 10 * time.Second       // a connection that is dead without notice is detected after 1.5 times this
	answerPatience = 5 * time.Second        // for the broker's answer to a subscription

	// maxUnknownParameters bounds how many parameters of an earlier run are cleared after a connection. Any client of the broker may
	// have retained some.
	maxUnknownParameters = 4096

	// How long Close waits: for the answer to the request being handled, for queued messages to be sent, for acknowledgements, and
	// for the robot's own broker to pass the last messages on.
	graceAnswer           = 200 * time.Millisecond
	graceMessages         = 500 * time.Millisecond
	graceAcknowledgements = 300 * time.Millisecond
	graceDelivery         = 150 * time.Millisecond
)

// Bridge publishes a robot and answers requests to it.
type Bridge struct {
	robot       Robot
	supported   map[string]verb
	topics      protocol.Topics
	description []byte          // as JSON
	parameters  map[string]bool // the paths of the description
	discovery   []byte          // the message for Home Assistant; nil without
	sensors     []protocol.Device
	actuators   []protocol.Device
	version     string
	boot        string
	log         *slog.Logger
	clock       func() time.Time

	ownBroker      bool // the broker is the robot's own
	url            string
	client         paho.Client
	conn           atomic.Pointer[packetreader.Reader] // of client, the latest
	stops          *stopConnection
	questions      *inlet // of the requests that every user may send
	outbox         *outbox
	sender         sender         // of the goroutine publish
	connected      chan struct{}  // one token after each connection: everything retained must be published again
	requests       chan incoming  // that some users may not send
	viewerRequests chan incoming  // that every user may send
	unwritten      chan unwritten // executed requests that wait for a disk
	answered       chan struct{}  // closed when no request is being handled any more
	malformed      atomic.Uint64

	disarmIDs         *recent.IDs  // of requests to arm with the value 0; of the method receive
	unknownParameters atomic.Int64 // retained ones that were cleared since the last connection

	started     time.Time
	address     transport.Address
	leases      *leases.Table
	journal     *journal.Journal // of what users do
	spikesBegin chan struct{}    // one token: there is a lease for spikes
	watchBegins chan struct{}    // one token: there is a lease for anything else
	lossLogged  atomic.Bool      // the log says that the broker is away
	connections atomic.Uint64    // of the main connection, so far

	statusReturned    atomic.Bool // the broker has passed the status on since the last connection
	discoveryReturned atomic.Bool // the broker has passed the message for Home Assistant on
	discoveryWarning  sync.Once

	nameWarnings    rate.Sometimes
	busyAnswers     *rate.Limiter // answers to requests for which there is no room
	busyViewers     *rate.Limiter // the same for viewerRequests
	descriptionRate *rate.Limiter // answers with the description
	networkRate     *rate.Limiter // answers with the network
	worldRate       *rate.Limiter // answers with the world

	ctx       context.Context // ends when the bridge does
	cancel    context.CancelFunc
	closeOnce sync.Once
	workers   sync.WaitGroup
}

// Start connects a robot to its broker in the background. It returns an error for an invalid name, description, URL or TLS file,
// but not for a broker that cannot be reached: the bridge tries until it can. The bridge ends with ctx or with Close.
func Start(ctx context.Context, robot Robot, opts Options) (*Bridge, error) {
	if err := protocol.CheckName(opts.Robot); err != nil {
		return nil, err
	}
	if robot.Telemetry == nil || robot.Safety == nil {
		return nil, errors.New("robot: expected at least Telemetry and Safety")
	}
	description := robot.Telemetry.Describe()
	if err := checkDescription(description); err != nil {
		return nil, err
	}
	text, err := json.Marshal(description)
	if err != nil {
		return nil, fmt.Errorf("description: %w", err)
	}
	b := &Bridge{
		robot:          robot,
		topics:         protocol.Topics(opts.Robot),
		description:    text,
		parameters:     map[string]bool{},
		sensors:        description.Sensors,
		actuators:      description.Actuators,
		version:        opts.Version,
		boot:           opts.Boot,
		log:            opts.Log,
		clock:          opts.Clock,
		outbox:         newOutbox(),
		started:        time.Now(),
		disarmIDs:      recent.New(rememberedIDs),
		connected:      make(chan struct{}, 1),
		requests:       make(chan incoming, waitingRequests),
		viewerRequests: make(chan incoming, waitingRequests),
		unwritten:      make(chan unwritten, waitingRequests),
		answered:       make(chan struct{}),
		leases:         leases.New(protocol.MaxWatched),
		spikesBegin:    make(chan struct{}, 1),
		watchBegins:    make(chan struct{}, 1),
		busyAnswers:    rate.NewLimiter(busyRate, busyBurst),

		busyViewers:     rate.NewLimiter(busyRate, busyBurst),
		descriptionRate: rate.NewLimiter(2, 8),
		networkRate:     rate.NewLimiter(4, 16),
		worldRate:       rate.NewLimiter(4, 16),

		nameWarnings: rate.Sometimes{First: 1, Interval: time.Minute},
	}
	b.supported, b.journal = b.verbs(), journal.New(b.Event)
	for _, p := range description.Parameters {
		b.parameters[p.Path] = true
	}
	if b.boot == "" {
		b.boot = uuid.NewString()
	}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	if b.clock == nil {
		b.clock = time.Now
	}
	if opts.HomeAssistant {
		left := 0
		if b.discovery, left, err = homeassistant.Discovery(b.topics, description, opts.Version); err != nil {
			return nil, fmt.Errorf("description for Home Assistant: %w", err)
		}
		if left > 0 {
			b.log.Warn("Home Assistant shows the first tunables only; fluxctl shows all", "shown", homeassistant.MaxNumbers,
				"left_out", left)
		}
	}
	if b.url, err = checkURL(opts.Broker); err != nil {
		return nil, err
	}
	b.ownBroker = opts.Dial != nil
	dial := dialExternal
	if b.ownBroker {
		dial = func(_ *url.URL, o paho.ClientOptions) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(context.Background(), o.ConnectTimeout)
			defer cancel()
			return opts.Dial(ctx)
		}
	}
	secured, err := opts.TLS.Client()
	if err != nil {
		return nil, err
	}
	var limit *packetreader.RateLimit
	connection := func(filters int, opened func(*packetreader.Reader)) *paho.ClientOptions {
		c := clientOptions(opts.User, opts.Password).AddBroker(opts.Broker).SetCustomOpenConnectionFn(func(u *url.URL,
			o paho.ClientOptions) (net.Conn, error) {
			conn, err := dial(u, o)
			if err != nil {
				return nil, err
			}
			r := packetreader.New(conn, filters, limit)
			opened(r)
			return r, nil
		})
		if secured != nil {
			c.SetTLSConfig(secured)
		}
		if b.ownBroker { // Dial waits until it listens
			c.SetConnectRetryInterval(retryOwn).SetMaxReconnectInterval(retryOwn)
		}
		return c
	}
	b.ctx, b.cancel = context.WithCancel(context.WithoutCancel(ctx))
	b.stops, b.questions = newStopConnection(b), newQuestions(b)
	inlets := []*inlet{&b.stops.inlet, b.questions}
	for _, i := range inlets {
		i.prepare(connection(len(i.filters), func(*packetreader.Reader) {}))
	}
	limit = packetreader.NewRateLimit(b.topics, stopping, b.stops.stopUnread, &b.outbox.dropped)
	b.client = paho.NewClient(connection(len(b.filters()), b.conn.Store).
		SetBinaryWill(b.topics.Status(), b.status(protocol.Offline), 1, true).
		SetOnConnectHandler(func(paho.Client) {
			select {
			case b.connected <- struct{}{}:
			default:
			}
		}).
		SetConnectionNotificationHandler(b.logConnection))
	b.sender.client, b.sender.reconnect = b.client, b.reconnect
	b.workers.Go(b.stops.answer)
	b.workers.Go(b.publish)       // owns the connection's outgoing side
	b.workers.Go(b.serve)         // a request may wait for the control loop
	b.workers.Go(b.writeAccepted) // and then for a disk
	b.workers.Go(b.publishTelemetry)
	b.workers.Go(b.publishSpikes)
	b.workers.Go(b.publishWatched) // may wait for the control loop
	for _, i := range inlets {
		i.client.Connect()
	}
	b.client.Connect()
	context.AfterFunc(ctx, b.Close)
	return b, nil
}

// checkDescription returns an error for a description that cannot be published.
func checkDescription(d protocol.Description) error {
	for _, p := range d.Parameters {
		if p.Path == "" || strings.ContainsAny(p.Path, "+#\x00") {
			return fmt.Errorf("parameter %q: expected a path that can be a topic: not empty, without +, # and NUL", p.Path)
		}
		if !finite(p.Min) || !finite(p.Max) || !finite(p.Default) {
			return fmt.Errorf("parameter %s: expected a finite range and default, got %v to %v and %v",
				p.Path, p.Min, p.Max, p.Default)
		}
	}
	return nil
}

// dialExternal connects to an external broker.
func dialExternal(u *url.URL, o paho.ClientOptions) (net.Conn, error) {
	dialer := *o.Dialer
	dialer.Timeout = o.ConnectTimeout
	return transport.Dial(&dialer, u, o.TLSConfig)
}

// checkURL returns a broker's URL without its password.
func checkURL(broker string) (string, error) {
	u, err := url.Parse(broker)
	if err != nil {
		return "", fmt.Errorf("broker: expected a URL like tcp://host:1883: %w", err)
	}
	if !transport.IsScheme(u.Scheme) || u.Hostname() == "" || u.Port() == "" {
		return "", fmt.Errorf("broker %q: expected a URL with a port, like tcp://host:1883 or ssl://host:8883", u.Redacted())
	}
	return u.Redacted(), nil
}

// clientOptions returns the options that all connections of the robot have in common.
func clientOptions(user, password string) *paho.ClientOptions {
	return paho.NewClientOptions().
		SetClientID("fluxd-" + uuid.NewString()). // two clients with the same id disconnect each other forever
		SetUsername(user).SetPassword(password).
		SetProtocolVersion(4). // MQTT 3.1.1; without it the library tries again as 3.1 after a refusal
		SetCleanSession(true).
		SetStore(transport.NewStore()).
		// Messages in order, one goroutine for all: no handler here waits for anything. Otherwise the library starts a goroutine for
		// each message, and a flood of messages delays the control loop by thousands of goroutines.
		SetOrderMatters(true).
		// receive acknowledges. In order, the library would wait until its acknowledgement is written, and read nothing meanwhile.
		SetAutoAckDisabled(true).
		SetConnectRetry(true).SetConnectRetryInterval(retryEvery).
		SetMaxReconnectInterval(retryAtMost).
		SetConnectTimeout(dialPatience).
		SetWriteTimeout(writePatience).
		SetKeepAlive(keepAlive)
}

// reconnect closes the main connection. The client library connects again, and announce follows.
func (b *Bridge) reconnect(unacknowledged int) {
	b.log.Warn("the MQTT broker does not acknowledge what the robot publishes: connecting again", "broker", b.url,
		"unacknowledged", unacknowledged)
	if conn := b.conn.Load(); conn != nil {
		conn.Close()
	}
}

// logConnection logs a lost and a restored connection, once each.
func (b *Bridge) logConnection(_ paho.Client, n paho.ConnectionNotification) {
	switch n := n.(type) {
	case paho.ConnectionNotificationConnected:
		b.lossLogged.Store(false)
		b.connections.Add(1)
		b.log.Info("connected to the MQTT broker", "broker", b.url, "topics", b.topics.All())
	case paho.ConnectionNotificationFailed:
		if !b.lossLogged.Swap(true) {
			b.log.Warn("cannot reach the MQTT broker: the robot runs without it, and keeps trying",
				"broker", b.url, "error", n.Reason)
		}
	case paho.ConnectionNotificationLost:
		if !b.lossLogged.Swap(true) {
			b.log.Warn("lost the MQTT broker: the robot runs on, and tries to connect again", "broker", b.url, "error", n.Reason)
		}
	}
}

// URL returns the broker's URL for clients, without a password.
func (b *Bridge) URL() string { return b.url }

// Event publishes a fault or a change of state. It never waits.
func (b *Bridge) Event(kind protocol.EventKind, text string) {
	payload, err := json.Marshal(protocol.Event{Time: b.clock().UnixMilli(), Code: kind.Code(), Text: text})
	if err != nil {
		return // cannot happen: strings and a number
	}
	b.outbox.put(message{topic: b.topics.Event(kind.Level()), qos: 1, payload: payload})
}

// Dropped returns how many messages and requests were dropped: because the broker was slow or away, or in a flood of requests.
func (b *Bridge) Dropped() uint64 { return b.outbox.dropped.Load() }

// State is how the connection to the broker does.
type State struct {
	Connected          bool
	Connections        uint64 // how often it was connected
	Waiting            int    // messages that wait to be sent
	Dropped, Malformed uint64 // as in protocol.BridgeHealth
}

// State returns it. Any goroutine may call it.
func (b *Bridge) State() State {
	return State{b.client.IsConnectionOpen(), b.connections.Load(), b.outbox.waiting(), b.Dropped(), b.malformed.Load()}
}

// Close publishes the queued messages and the status offline, if the broker accepts them in time, and ends the bridge. It returns
// within 2 s, and may be called more than once.
func (b *Bridge) Close() {
	b.closeOnce.Do(func() {
		b.cancel()
		ended := make(chan struct{})
		go func() { b.workers.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(graceAnswer + graceMessages + graceAcknowledgements + 200*time.Millisecond):
			// A write to a broker that has stopped reading ends later, after writePatience.
		}
		b.stops.client.Disconnect(0)
		b.questions.client.Disconnect(0)
		b.client.Disconnect(200)
		if b.ownBroker {
			// The broker acknowledges a message before it passes it on, and is ended next. Clients should still receive offline.
			time.Sleep(graceDelivery)
		}
	})
}

func (b *Bridge) status(s protocol.State) []byte {
	text, err := json.Marshal(protocol.Status{State: s, Boot: b.boot, Version: b.version, Protocol: protocol.Version})
	if err != nil {
		panic(err) // cannot happen: three strings and a number
	}
	return text
}
