// Package link connects fluxctl to a broker:
//
//	broker, err := link.Dial(ctx, link.Target{URL: "tcp://127.0.0.1:1883", Patience: 5 * time.Second})
//	if err != nil { ... } // says what to do about it
//	defer broker.Close()
//	retained, err := broker.Retained(ctx, protocol.Topics("+").Status())
package link

import (
	"context"
	"crypto/tls"
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
	"fluxd/cmd/fluxctl/outcome"
)

// DefaultURL is the broker of a robot on this machine.
const DefaultURL = "tcp://127.0.0.1:1883"

// Target says how a broker is reached.
type Target struct {
	URL      string        // with user and password, such as ssl://ann:secret@host:8883
	Others   []string      // further host:port of the same broker: all are tried at the same time
	TLS      *tls.Config   // nil: the default
	Patience time.Duration // how long to wait for the broker and for each of its answers
}

// Broker is a connection to a broker. The library connects again when it is lost.
type Broker struct {
	paho.Client
	Name      string        // its URL without the password
	User      string        // the user name in requests; "" for anonymous ones
	Patience  time.Duration // as in Target
	Connected chan struct{} // one token after each connection
	Lost      chan struct{} // one token after each connection loss
}

// Dial logs in at a broker.
func Dial(ctx context.Context, to Target) (*Broker, error) {
	u, err := url.Parse(to.URL)
	if err != nil || u.Scheme == "" || u.Port() == "" {
		return nil, fmt.Errorf("--broker %q: expected a URL with a port, such as %s; "+
			"in a password write / # %% ? @ as %%2F %%23 %%25 %%3F %%40", withoutPassword(to.URL), DefaultURL)
	}
	if to.Patience <= 0 {
		return nil, fmt.Errorf("--timeout %v: expected more than 0, such as 5s", to.Patience)
	}
	user := u.User.Username()
	if protocol.CheckUser(user) != nil { // the name cannot be part of a topic
		user = ""
	}
	b := &Broker{Name: u.Redacted(), User: user, Patience: to.Patience,
		Connected: make(chan struct{}, 1), Lost: make(chan struct{}, 1)}
	options := paho.NewClientOptions()
	if to.TLS != nil {
		options.SetTLSConfig(to.TLS)
	}
	if transport.IsScheme(u.Scheme) { // the library dials other schemes: WebSockets
		options.SetCustomOpenConnectionFn(func(u *url.URL, o paho.ClientOptions) (net.Conn, error) {
			return dialAny(u, to.Others, &net.Dialer{Timeout: to.Patience}, o.TLSConfig)
		})
	}
	b.Client = paho.NewClient(options.
		AddBroker(to.URL).
		SetClientID("fluxctl-" + uuid.NewString()).
		SetProtocolVersion(4).
		SetStore(transport.NewStore()).
		SetOrderMatters(true). // Retained needs it, and no handler blocks
		SetConnectTimeout(to.Patience).
		SetWriteTimeout(to.Patience).
		SetKeepAlive(10 * time.Second).
		SetMaxReconnectInterval(5 * time.Second).
		SetOnConnectHandler(func(paho.Client) { Notify(b.Connected) }).
		SetConnectionLostHandler(func(paho.Client, error) { Notify(b.Lost) }))
	if err := b.Wait(ctx, b.Connect()); err != nil {
		b.Close()
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, outcome.Absentf("no connection to the broker %s: %w\n%s", b.Name, err, adviceOn(err))
	}
	return b, nil
}

// dialAny connects to the first of several addresses that answers. All are tried at the same time: an address of yesterday's
// network may not answer at all. A failure is that of the first address.
func dialAny(u *url.URL, others []string, dialer *net.Dialer, secured *tls.Config) (net.Conn, error) {
	type result struct {
		index int
		conn  net.Conn
		err   error
	}
	results := make(chan result, 1+len(others))
	for i, host := range append([]string{u.Host}, others...) {
		one := *u
		one.Host = host
		go func() { // ends within the dialer's timeout
			conn, err := transport.Dial(dialer, &one, secured)
			results <- result{i, conn, err}
		}()
	}
	var failed error
	for n := range 1 + len(others) {
		r := <-results
		if r.err == nil {
			go func() { // the others are not needed
				for range len(others) - n {
					if late := <-results; late.conn != nil {
						late.conn.Close()
					}
				}
			}()
			return r.conn, nil
		}
		if failed == nil || r.index == 0 {
			failed = r.err
		}
	}
	return nil, failed
}

// withoutPassword removes what may be a password from a text that is no valid URL.
func withoutPassword(broker string) string {
	scheme, rest, found := strings.Cut(broker, "://")
	if at := strings.LastIndexByte(rest, '@'); found && at >= 0 {
		return scheme + "://...@" + rest[at+1:]
	} else if at := strings.LastIndexByte(broker, '@'); at >= 0 {
		return "...@" + broker[at+1:]
	}
	return broker
}

// Notify puts a token into a channel that has room for one.
func Notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Close disconnects.
func (b *Broker) Close() { b.Disconnect(100) }

// adviceOn returns the remedy for a failed connection to the broker.
func adviceOn(err error) string {
	var unverified *tls.CertificateVerificationError
	var alert *net.OpError // crypto/tls reports the peer's alerts with it
	var noTLS tls.RecordHeaderError
	switch {
	case errors.Is(err, packets.ErrorRefusedNotAuthorised), errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword):
		return "the broker asks for a valid user and password: " +
			"give ssl://user:password@host:8883 as --broker or FLUX_BROKER"
	case errors.As(err, &unverified):
		return "the broker's certificate cannot be verified: give its CA certificate with --ca or FLUX_CA, " +
			"and use the host name that the certificate names"
	case errors.As(err, &alert) && alert.Op == "remote error":
		return "the broker requires a client certificate, or rejects ours: " +
			"give one with --cert and --key, or FLUX_CERT and FLUX_KEY"
	case errors.As(err, &noTLS):
		return "the server does not speak TLS: use tcp:// instead of ssl://?"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return "the broker closed the connection: does it speak TLS (ssl://) or not (tcp://), " +
			"and does it accept one more client?"
	}
	return "is fluxd running? For a broker at another address use --broker or FLUX_BROKER"
}

// Wait waits for the broker's answer.
func (b *Broker) Wait(ctx context.Context, token paho.Token) error {
	select {
	case <-token.Done():
		return token.Error()
	case <-time.After(b.Patience):
		return outcome.Absentf("the broker did not answer within %v: use --timeout to wait longer", b.Patience)
	case <-ctx.Done():
		return outcome.Absentf("interrupted")
	}
}

// Follow subscribes to filters. It fails if the broker refuses one of them.
func (b *Broker) Follow(ctx context.Context, filters map[string]byte, handler paho.MessageHandler) error {
	return b.Granted(ctx, b.SubscribeMultiple(filters, handler))
}

// Granted waits for the broker's answer to a subscription. It fails if the broker refuses one of the filters.
func (b *Broker) Granted(ctx context.Context, token paho.Token) error {
	if err := b.Wait(ctx, token); err != nil {
		return outcome.Failure{Exit: outcome.Absent, Err: err}
	}
	for filter, granted := range token.(*paho.SubscribeToken).Result() {
		if granted > MaxQoS {
			return MayNotRead(filter)
		}
	}
	return nil
}

// MaxQoS is the highest quality of service that a broker grants to a subscription. A higher number means that it refused.
const MaxQoS = 2

// MayNotRead is the error of a subscription that a broker refuses.
func MayNotRead(topic string) error {
	return outcome.Absentf("the broker does not permit this user to read %s: expected a viewer, tuner or operator", topic)
}

// quiet is the pause after which retained messages count as complete, at a broker that does not return our echo.
const quiet = 300 * time.Millisecond

// Retained returns the messages that the broker retains under a filter, by topic. One call at a time.
//
// MQTT does not mark the last retained message. A single topic has at most one. For several topics we also publish a message to
// ourselves: the broker delivers it after the retained ones. Where the broker does not permit that, the messages count as
// complete when none has come for a pause.
func (b *Broker) Retained(ctx context.Context, filter string) (map[string][]byte, error) {
	ours := uuid.NewString()
	several := strings.ContainsAny(filter, "+#")
	var mu sync.Mutex
	found := map[string][]byte{}
	all, one := make(chan struct{}, 1), make(chan struct{}, 1)
	handler := func(_ paho.Client, m paho.Message) {
		if m.Topic() == protocol.Echo {
			if string(m.Payload()) == ours { // other clients use the same topic
				Notify(all)
			}
			return
		}
		mu.Lock()
		found[m.Topic()] = m.Payload()
		mu.Unlock()
		if several {
			Notify(one)
		} else {
			Notify(all)
		}
	}
	asked := time.Now()
	if err := b.Follow(ctx, map[string]byte{protocol.Echo: 0, filter: 0}, handler); err != nil {
		return nil, err
	}
	pause := max(quiet, 2*time.Since(asked)) // longer on a slow network
	defer b.Unsubscribe(protocol.Echo, filter)
	b.Publish(protocol.Echo, 0, false, ours)
	timer := time.NewTimer(b.Patience)
	defer timer.Stop()
	for waiting := true; waiting; {
		select {
		case <-one:
			timer.Reset(pause)
		case <-all:
			waiting = false
		case <-timer.C:
			waiting = false
		case <-ctx.Done():
			return nil, outcome.Absentf("interrupted")
		}
	}
	mu.Lock()
	defer mu.Unlock()
	return maps.Clone(found), nil
}
