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
	away      bool          // the broker, as the user has been warned
}

// connect logs in at the broker and finds the robot. A stop goes to one that seems to be offline too.
func connect(ctx context.Context, s settings, stops bool) (*remote, error) {
	u, err := url.Parse(s.broker)
	if err != nil || u.Scheme == "" || u.Port() == "" {
		return nil, fmt.Errorf("broker %q: expected a URL with a port, like %s; in a password write / # %% ? @ as %%2F %%23 %%25 %%3F %%40",
			withoutPassword(s.broker), defaultBroker)
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
		SetStore(transport.NewStore()).
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
	var alert *net.OpError // of crypto/tls, for what the other side says
	var noTLS tls.RecordHeaderError
	switch {
	case errors.Is(err, packets.ErrorRefusedNotAuthorised), errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword):
		return "it asks for a user and a password that are right: ssl://user:password@host:8883 as --broker or FLUX_BROKER"
	case errors.As(err, &unverified):
		return "name the authority that the broker's certificate is of, --ca or FLUX_CA, and the broker as its certificate does"
	case errors.As(err, &alert) && alert.Op == "remote error":
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
