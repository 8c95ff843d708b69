package bridge

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/url"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"golang.org/x/time/rate"
)

// DefaultListen is where the embedded broker listens unless told otherwise.
const DefaultListen = "127.0.0.1:1883"

const (
	// maxPacket bounds what one packet makes the embedded broker allocate, in bytes: room for the description of a large robot.
	maxPacket = 16 << 20
	// waitingMessages is how many may wait for a client, beside the robot's parameters.
	waitingMessages = 8192
	// systemTopicsEvery is in seconds. The broker reads the memory statistics for its $SYS topics, which stops the whole
	// process for a moment; once a second, its default, is too often beside a control loop.
	systemTopicsEvery = 60
)

// broker is the MQTT broker inside this process.
type broker struct {
	server *mochi.Server
	socket net.Listener
	url    string
	secret string // the password of the robot's own client
	ended  chan struct{}
}

// house is what a broker is started with.
type house struct {
	listen     string
	robot      Topics
	users      *Users // nil: whoever reaches it is an operator, and it listens on loopback only
	tls        TLS
	clients    int    // at most; 0 is defaultClients
	parameters int    // of the robot, each of which is retained
	largest    int    // bytes of the largest message of the robot: its description
	stop       func() // the robot, at once; nil for none
	refuse     func(verb string, payload []byte, why string)
	log        *slog.Logger
}

// defaultClients is how many clients may be connected at a time.
const defaultClients = 64

// startBroker listens and serves. If the port is taken it warns and takes a free one.
func startBroker(h house) (*broker, error) {
	if h.listen == "" {
		h.listen = DefaultListen
	}
	host, port, err := net.SplitHostPort(h.listen)
	if err != nil {
		return nil, fmt.Errorf("embedded broker: listen address %q: expected host:port, such as %s: %w", h.listen, DefaultListen, err)
	}
	secured, err := h.tls.server()
	if err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	switch {
	case isLoopback(host):
	case h.users == nil && (secured == nil || secured.ClientCAs == nil):
		return nil, fmt.Errorf("embedded broker: listen address %q can be reached from other machines, and nobody would have to log in: name a file of passwords or a CA for clients, or listen on %s", h.listen, DefaultListen)
	case secured == nil:
		h.log.Warn("embedded broker: passwords can be read on the network: give it a certificate (mqtt.tls)", "listen", h.listen)
	}
	socket, err := net.Listen("tcp", h.listen)
	if err != nil && port != "0" {
		taken := err
		if socket, err = net.Listen("tcp", net.JoinHostPort(host, "0")); err == nil {
			h.log.Warn("embedded broker: the port is taken, probably by another broker: listening on a free one", "wanted", h.listen, "listening", socket.Addr().String(), "error", taken)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("embedded broker: cannot listen on %q: %w", h.listen, err)
	}

	if h.clients == 0 {
		h.clients = defaultClients
	}
	capabilities := mochi.NewDefaultServerCapabilities()
	capabilities.MaximumMessageExpiryInterval = 0 // its default lets retained messages vanish after 24 h
	capabilities.MaximumSessionExpiryInterval = 0 // MQTT 5; see OnConnectAuthenticate for older clients
	capabilities.MaximumPacketSize = uint32(max(maxPacket, h.largest+MaxRequest))
	capabilities.MaximumClients = int64(h.clients) + 1 // the robot's own
	// Who subscribes is sent all that is retained at once, and the broker throws away what exceeds these.
	capabilities.MaximumClientWritesPending = int32(waitingMessages + h.parameters)
	capabilities.MaximumInflight = uint16(min(waitingMessages+h.parameters, math.MaxUint16))
	server := mochi.New(&mochi.Options{
		Capabilities:           capabilities,
		SysTopicResendInterval: systemTopicsEvery,
		Logger:                 slog.New(quiet{h.log.Handler()}).With("part", "broker"),
	})
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	b := &broker{server: server, socket: socket, url: "tcp://" + reachable(socket.Addr().(*net.TCPAddr)), secret: hex.EncodeToString(secret), ended: make(chan struct{})}
	gate := &gatekeeper{robot: h.robot, secret: b.secret, log: h.log, users: h.users, stop: h.stop, refuse: h.refuse, failed: rate.Sometimes{First: 10, Interval: time.Second}}
	if err := server.AddHook(gate, nil); err != nil {
		socket.Close()
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	listener, every := net.Listener(impatientListener{socket}), acceptEvery
	if secured != nil {
		every = acceptSecuredEvery
		listener = tls.NewListener(listener, secured)
		b.url = "ssl://" + reachable(socket.Addr().(*net.TCPAddr))
	}
	listener = newEntrance(listener, every, func(err error) { h.log.Warn("embedded broker: cannot take a connection", "error", err) })
	if err := server.AddListener(listeners.NewNet("tcp", listener)); err != nil {
		socket.Close()
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	if err := server.Serve(); err != nil {
		socket.Close()
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	if h.users != nil {
		go gate.look(b.ended) // nobody has to do anything for it to be noticed
	}
	return b, nil
}

// dial connects the robot's own client, within the process: it needs no port, no certificate and no place among the others.
func (b *broker) dial(*url.URL, paho.ClientOptions) (net.Conn, error) {
	ours, its := net.Pipe()
	go func() {
		// It ends with the connection, and says in the log why.
		_ = b.server.EstablishConnection("tcp", impatient{its})
		its.Close()
	}()
	return impatient{ours}, nil
}

// isLoopback reports whether a host names this machine only. An empty host means every interface.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// reachable returns an address that clients on this machine can dial.
func reachable(a *net.TCPAddr) string {
	if a.IP.IsUnspecified() {
		return fmt.Sprintf("127.0.0.1:%d", a.Port)
	}
	return a.String()
}

// heard reports whether anybody subscribes to a topic now.
func (b *broker) heard(topic string) bool {
	s := b.server.Topics.Subscribers(topic)
	return len(s.Subscriptions)+len(s.Shared) > 0
}

// close ends every connection and the broker. It waits for that, but not longer than it is told to.
func (b *broker) close(patience time.Duration) {
	close(b.ended)
	ended := make(chan struct{})
	go func() { // the broker writes a farewell to each client and waits for its goroutine
		defer close(ended)
		// First: a connection that comes while the broker closes is neither served nor closed, and its client waits in vain.
		b.socket.Close()
		for _, client := range b.server.Clients.GetAll() {
			if client.Net.Conn != nil {
				client.Net.Conn.Close()
			}
		}
		b.server.Close()
	}()
	select {
	case <-ended:
	case <-time.After(patience):
	}
}

// impatientListener makes connections that end when the other side stops reading.
//
// The broker holds a client's lock while it writes to it, and takes that lock to give a QoS 1 message its number. Without a deadline
// one client that does not read stops whoever publishes what it subscribed to: in the end the robot's own connection.
type impatientListener struct{ net.Listener }

// Accept waits for the next connection.
func (l impatientListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return impatient{conn}, nil
}

type impatient struct{ net.Conn }

// Write gives up after writePatience and closes the connection: half a packet cannot be taken back.
func (c impatient) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(writePatience)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(p)
	if err != nil {
		c.Close()
	}
	return n, err
}

// quiet passes the broker's log on, all but errors as details: it reports every client that comes or goes.
type quiet struct{ slog.Handler }

func (q quiet) level(l slog.Level) slog.Level {
	if l < slog.LevelError {
		return slog.LevelDebug
	}
	return l
}

// Enabled reports whether the log behind wants a record of this level.
func (q quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return q.Handler.Enabled(ctx, q.level(l))
}

// Handle passes a record on.
func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	r.Level = q.level(r.Level)
	return q.Handler.Handle(ctx, r)
}

// WithAttrs keeps the handler quiet.
func (q quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(a)} }

// WithGroup keeps the handler quiet.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }
