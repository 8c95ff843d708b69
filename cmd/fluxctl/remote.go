package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/google/uuid"

	"fluxd/bridge/protocol"
	"fluxd/bridge/transport"
	"fluxd/cmd/internal/parameters"
)

// remote is a connection to one robot.
type remote struct {
	client    paho.Client
	topics    protocol.Topics
	user      string        // the user name in requests; "" for anonymous ones
	patience  time.Duration // --timeout
	warnings  io.Writer
	connected chan struct{} // one token after each connection
	lost      chan struct{} // one token after each connection loss
	away      bool          // the connection to the broker is lost, and the user has been warned

	// The robot's description; nil until learn has read it.
	known     parameters.Known
	neurons   []string // names
	rewards   []string // names
	actuators []string // names
	sensors   []protocol.Device
}

// connect logs in at the broker and finds the robot. With stops it also accepts a robot that seems to be offline, see find.
func connect(ctx context.Context, s settings, stops bool) (*remote, error) {
	u, err := url.Parse(s.broker)
	if err != nil || u.Scheme == "" || u.Port() == "" {
		return nil, fmt.Errorf("--broker %q: expected a URL with a port, such as %s; "+
			"in a password write / # %% ? @ as %%2F %%23 %%25 %%3F %%40", withoutPassword(s.broker), defaultBroker)
	}
	shown := u.Redacted()
	if s.timeout <= 0 {
		return nil, fmt.Errorf("--timeout %v: expected more than 0, such as 5s", s.timeout)
	}
	secured, err := s.tls.Client()
	if err != nil {
		return nil, err
	}
	user := u.User.Username()
	if protocol.CheckUser(user) != nil { // the name cannot be part of a topic
		user = ""
	}
	r := &remote{
		user: user, patience: s.timeout, warnings: s.warnings,
		connected: make(chan struct{}, 1), lost: make(chan struct{}, 1),
	}
	options := paho.NewClientOptions()
	if secured != nil {
		options.SetTLSConfig(secured)
	}
	if transport.IsScheme(u.Scheme) { // the library dials other schemes: WebSockets
		options.SetCustomOpenConnectionFn(func(u *url.URL, o paho.ClientOptions) (net.Conn, error) {
			return transport.Dial(&net.Dialer{Timeout: s.timeout}, u, o.TLSConfig)
		})
	}
	r.client = paho.NewClient(options.
		AddBroker(s.broker).
		SetClientID("fluxctl-" + uuid.NewString()).
		SetProtocolVersion(4).
		SetStore(transport.NewStore()).
		SetOrderMatters(true). // retained needs it, and no handler here blocks
		SetConnectTimeout(s.timeout).
		SetWriteTimeout(s.timeout).
		SetKeepAlive(10 * time.Second).
		SetMaxReconnectInterval(5 * time.Second).
		SetOnConnectHandler(func(paho.Client) { notify(r.connected) }).
		SetConnectionLostHandler(func(paho.Client, error) { notify(r.lost) }))
	if err := r.wait(ctx, r.client.Connect()); err != nil {
		r.close()
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, absent("no connection to the broker %s: %w\n%s", shown, err, adviceOn(err))
	}
	if r.topics, err = r.find(ctx, s.robot, shown, stops); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
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

// notify puts a token into a channel that has room for one.
func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (r *remote) close() { r.client.Disconnect(100) }

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

// wait waits for the broker's answer.
func (r *remote) wait(ctx context.Context, token paho.Token) error {
	select {
	case <-token.Done():
		return token.Error()
	case <-time.After(r.patience):
		return absent("the broker did not answer within %v: use --timeout to wait longer", r.patience)
	case <-ctx.Done():
		return absent("interrupted")
	}
}

// subscribe subscribes to filters. It fails if the broker refuses one of them.
func (r *remote) subscribe(ctx context.Context, filters map[string]byte, handler paho.MessageHandler) error {
	token := r.client.SubscribeMultiple(filters, handler)
	if err := r.wait(ctx, token); err != nil {
		return failure{exitAbsent, err}
	}
	for filter, granted := range token.(*paho.SubscribeToken).Result() {
		if granted > maxQoS {
			return mayNotRead(filter)
		}
	}
	return nil
}

// maxQoS is the highest quality of service that a broker grants to a subscription. A higher number means that it refused.
const maxQoS = 2

func mayNotRead(topic string) error {
	return absent("the broker does not permit this user to read %s: expected a viewer, tuner or operator", topic)
}
