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

	"fluxd/bridge/protocol"
	"fluxd/bridge/transport"
)

// Robot is what the bridge connects, by what it can do. Telemetry and Safety are needed: a robot that can be reached can be
// stopped. What else is nil it cannot do, and its verbs are refused.
//
// Every method may be called from any goroutine. Who asks for something is a user's name, or protocol.Anonymous. An error is best a
// *protocol.Error, which becomes the answer; a protocol.Warning says that it was done all the same.
type Robot struct {
	Telemetry Telemetry
	Safety    Safety
	Tuner     Tuner
	Teacher   Teacher
	ByHand    ByHand
	Spikes    SpikeSource
}

// Options configure a Bridge.
type Options struct {
	Robot    string // name: the topics are flux/<name>/...
	Broker   string // URL: tcp://host:1883, ssl://host:8883
	User     string // credentials there
	Password string
	TLS      protocol.TLS

	// Dial connects to a broker that is the robot's own: what is retained there is from this run alone. Broker is where others
	// reach it, and is not dialled then. Nil: the broker is an external one.
	Dial func(context.Context) (net.Conn, error)

	HomeAssistant bool             // publish what Home Assistant finds the robot by
	Version       string           // of the daemon, for Status
	Boot          string           // differs for every start, for Status; empty makes one
	Log           *slog.Logger     // nil is silent
	Clock         func() time.Time // nil is the system's
}

const (
	healthEvery = time.Second

	retryEvery     = time.Second            // until the first connection
	retryAtMost    = 5 * time.Second        // between later ones; the pause grows up to this
	retryOwn       = 100 * time.Millisecond // at the broker that belongs to the robot, which Dial waits for
	writePatience  = 2 * time.Second        // a broker that stops reading blocks a write for this long
	dialPatience   = 5 * time.Second        // for a connection and its handshake
	keepAlive      = 10 * time.Second       // a connection that is dead without a word is noticed after one and a half of this
	answerPatience = 5 * time.Second        // for the broker's word on a subscription

	// maxUnknownParameters bounds the parameters of an earlier run that are taken back after a connection: anybody may have retained
	// them.
	maxUnknownParameters = 4096

	// At the end: the request under way has so long to be answered, then what waits to be sent, then everything to be
	// acknowledged, then a broker that is the robot's own to pass it on.
	graceAnswer           = 200 * time.Millisecond
	graceMessages         = 500 * time.Millisecond
	graceAcknowledgements = 300 * time.Millisecond
	graceDelivery         = 150 * time.Millisecond
)

// Bridge publishes a robot and answers requests to it.
type Bridge struct {
	robot       Robot
	supported   map[string]verb // what can be asked of it
	topics      protocol.Topics
	description []byte          // as JSON
	parameters  map[string]bool // the paths of the description
	discovery   []byte          // the same for Home Assistant; nil without
	sensors     []protocol.Device
	actuators   []protocol.Device
	version     string
	boot        string
	log         *slog.Logger
	clock       func() time.Time

	ownBroker      bool // the broker is the robot's own
	url            string
	client         paho.Client
	stops          *stopConnection
	outbox         *outbox
	window         window        // the publishing goroutine's
	connected      chan struct{} // one token after each connection: everything retained is due again
	requests       chan incoming
	viewerRequests chan incoming  // the same, of what anybody may ask
	unwritten      chan unwritten // what waits for a disk
	answered       chan struct{}  // closed when no request is under way any more
	malformed      atomic.Uint64

	disarmIDs         *recentIDs   // ids of requests to arm with 0; receive's
	unknownParameters atomic.Int64 // that this robot does not have, since the last connection

	started        time.Time
	watchedUntil   atomic.Int64  // spikes are published until then, in ns since the start
	watchBegins    chan struct{} // one slot: there is a lease
	lossLogged     atomic.Bool   // said in the log
	statusReturned atomic.Bool   // the status has come back since the last connection

	discoveryReturned atomic.Bool // so has the message for Home Assistant
	discoveryWarning  sync.Once   // a warning says that it has not

	nameWarnings rate.Sometimes
	busyAnswers  *rate.Limiter // answers to requests that there is no room for

	busyViewers     *rate.Limiter // the same, of what anybody may ask
	descriptionRate *rate.Limiter // answers with the description

	ctx       context.Context // ends when the bridge does
	cancel    context.CancelFunc
	closeOnce sync.Once
	workers   sync.WaitGroup
}

// Start connects a robot to its broker in the background. A broker that cannot be reached is no error: the bridge tries for ever.
// A name, description or address that cannot work is. It ends with ctx or with Close.
func Start(ctx context.Context, robot Robot, opts Options) (*Bridge, error) {
	if err := protocol.CheckName(opts.Robot); err != nil {
		return nil, err
	}
	if robot.Telemetry == nil || robot.Safety == nil {
		return nil, errors.New("robot: expected its Telemetry and its Safety, at the least")
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
		disarmIDs:      newRecentIDs(rememberedIDs),
		connected:      make(chan struct{}, 1),
		requests:       make(chan incoming, waitingRequests),
		viewerRequests: make(chan incoming, waitingRequests),
		unwritten:      make(chan unwritten, waitingRequests),
		answered:       make(chan struct{}),
		watchBegins:    make(chan struct{}, 1),
		busyAnswers:    rate.NewLimiter(busyRate, busyBurst),

		busyViewers:     rate.NewLimiter(busyRate, busyBurst),
		descriptionRate: rate.NewLimiter(2, 8),

		nameWarnings: rate.Sometimes{First: 1, Interval: time.Minute},
	}
	b.supported = b.verbs()
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
		if b.discovery, left, err = discovery(b.topics, description, opts.Version); err != nil {
			return nil, fmt.Errorf("description for Home Assistant: %w", err)
		}
		if left > 0 {
			b.log.Warn("Home Assistant shows the first tunables only; fluxctl shows all", "shown", maxNumbers, "left_out", left)
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
	var limit *rateLimit
	connection := func(filters int) *paho.ClientOptions {
		c := clientOptions(opts.User, opts.Password).AddBroker(opts.Broker).SetCustomOpenConnectionFn(func(u *url.URL, o paho.ClientOptions) (net.Conn, error) {
			conn, err := dial(u, o)
			if err != nil {
				return nil, err
			}
			return newPacketReader(conn, filters, limit), nil
		})
		if secured != nil {
			c.SetTLSConfig(secured)
		}
		if b.ownBroker { // Dial waits for it
			c.SetConnectRetryInterval(retryOwn).SetMaxReconnectInterval(retryOwn)
		}
		return c
	}
	b.ctx, b.cancel = context.WithCancel(context.WithoutCancel(ctx))
	b.stops = newStopConnection(b, connection(len(b.stopFilters())))
	limit = newRateLimit(b)
	b.client = paho.NewClient(connection(len(b.filters())).
		SetBinaryWill(b.topics.Status(), b.status(protocol.Offline), 1, true).
		SetOnConnectHandler(func(paho.Client) {
			select {
			case b.connected <- struct{}{}:
			default:
			}
		}).
		SetConnectionNotificationHandler(b.report))
	b.window.client = b.client
	b.workers.Go(b.stops.answer)
	b.workers.Go(b.publish)       // owns the connection's outgoing side
	b.workers.Go(b.serve)         // a request may wait for the robot's next tick
	b.workers.Go(b.writeAccepted) // and others for a disk
	b.workers.Go(b.measure)       // telemetry has its own rhythm
	b.workers.Go(b.relay)         // and spikes have another
	b.stops.client.Connect()
	b.client.Connect()
	context.AfterFunc(ctx, b.Close)
	return b, nil
}

// check reports what of a description could not be published.
func checkDescription(d protocol.Description) error {
	for _, p := range d.Parameters {
		if p.Path == "" || strings.ContainsAny(p.Path, "+#\x00") {
			return fmt.Errorf("parameter %q: expected a path that is a topic: not empty, without + # and NUL", p.Path)
		}
		if !finite(p.Min) || !finite(p.Max) || !finite(p.Default) {
			return fmt.Errorf("parameter %s: expected a finite range and default, got %v to %v and %v",
				p.Path, p.Min, p.Max, p.Default)
		}
	}
	return nil
}

// checkURL returns a broker's URL as it may be shown.
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

// clientOptions are those of each of the robot's connections.
func clientOptions(user, password string) *paho.ClientOptions {
	return paho.NewClientOptions().
		SetClientID("fluxd-" + uuid.NewString()). // two clients with one id throw each other out for ever
		SetUsername(user).SetPassword(password).
		SetProtocolVersion(4). // 3.1.1; else a refusal is tried again as 3.1
		SetCleanSession(true).
		SetStore(transport.NewStore()).
		SetOrderMatters(true).    // no handler here waits for anything; else each message has a goroutine, and a flood thousands that the control loop waits for
		SetAutoAckDisabled(true). // receive does it: in order the library waits until it is written, and reads nothing meanwhile
		SetConnectRetry(true).SetConnectRetryInterval(retryEvery).
		SetMaxReconnectInterval(retryAtMost).
		SetConnectTimeout(dialPatience).
		SetWriteTimeout(writePatience).
		SetKeepAlive(keepAlive)
}

// report logs how the connection does, once for each time that the broker is away.
func (b *Bridge) report(_ paho.Client, n paho.ConnectionNotification) {
	switch n := n.(type) {
	case paho.ConnectionNotificationConnected:
		b.lossLogged.Store(false)
		b.log.Info("connected to the MQTT broker", "broker", b.url, "topics", b.topics.All())
	case paho.ConnectionNotificationFailed:
		if !b.lossLogged.Swap(true) {
			b.log.Warn("cannot reach the MQTT broker: the robot runs without it, and tries until it can",
				"broker", b.url, "error", n.Reason)
		}
	case paho.ConnectionNotificationLost:
		if !b.lossLogged.Swap(true) {
			b.log.Warn("lost the MQTT broker: the robot runs on, and connects again", "broker", b.url, "error", n.Reason)
		}
	}
}

// URL returns where clients reach the broker, without a password.
func (b *Bridge) URL() string { return b.url }

// Event publishes a fault or a change of state. It never waits.
func (b *Bridge) Event(kind protocol.EventKind, text string) {
	payload, err := json.Marshal(protocol.Event{Time: b.clock().UnixMilli(), Code: kind.Code(), Text: text})
	if err != nil {
		return // strings and a number: it cannot fail
	}
	b.outbox.put(message{topic: b.topics.Event(kind.Level()), qos: 1, payload: payload})
}

// Dropped returns how many messages were thrown away because the broker was slow or away.
func (b *Bridge) Dropped() uint64 { return b.outbox.dropped.Load() }

// Close publishes what waits and the status offline, if the broker takes it in time, and ends the bridge. It returns
// within 2 s and may be called more than once.
func (b *Bridge) Close() {
	b.closeOnce.Do(func() {
		b.cancel()
		ended := make(chan struct{})
		go func() { b.workers.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(graceAnswer + graceMessages + graceAcknowledgements + 200*time.Millisecond): // a write to a broker that stopped reading ends by itself, later
		}
		b.stops.client.Disconnect(0)
		b.client.Disconnect(200)
		if b.ownBroker {
			// It acknowledges a message before it passes it on, and ends next: who listens shall still hear that the robot is
			// offline.
			time.Sleep(graceDelivery)
		}
	})
}

func (b *Bridge) status(s protocol.State) []byte {
	text, err := json.Marshal(protocol.Status{State: s, Boot: b.boot, Version: b.version})
	if err != nil {
		panic(err) // three strings
	}
	return text
}
