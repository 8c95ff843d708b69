package dashboard

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"fluxd/bridge/protocol"
	"fluxd/files"
)

const (
	// DefaultListen is the default of Options.Listen.
	DefaultListen = "127.0.0.1:8080"
	// DefaultPages is the default of Options.Pages.
	DefaultPages = 32
)

// Options configure a dashboard. Robot and Dial are required.
type Options struct {
	Robot    string // its name
	Version  string // of fluxd
	Listen   string // host:port; empty: DefaultListen. Other hosts than loopback need Login, and TLS or Insecure
	Hosts    []string
	Insecure bool // passwords may cross the network unencrypted
	TLS      TLS
	Login    bool // the broker asks for a user and a password
	Pages    int  // how many may be connected at a time; 0: DefaultPages

	// Dial connects to the robot's broker as any client does. It must not log in: the page does, with what its user types.
	Dial func(context.Context) (net.Conn, error)
	Log  *slog.Logger // nil: no log
}

// TLS names the PEM files of a server with TLS. The zero value means one without TLS.
type TLS struct {
	Certificate string
	Key         string
}

// Server is a dashboard that runs. Its methods may be called from any goroutine.
type Server struct {
	options Options
	url     string
	hosts   hosts
	files   map[string]file
	refused *refusals
	pages   *seats        // WebSockets
	logins  *seats        // those that the broker has not answered yet
	pace    *rate.Limiter // requests of all clients
	server  *http.Server
	ctx     context.Context // ends when the dashboard does
	cancel  context.CancelFunc
	mutex   sync.Mutex     // of cancel and enter
	running sync.WaitGroup // requests and goroutines
}

// Start starts a dashboard. It runs until the context ends or Close is called. If the port is taken, it logs a warning and takes
// a free one. It returns an error for invalid options.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Listen == "" {
		o.Listen = DefaultListen
	}
	if o.Pages == 0 {
		o.Pages = DefaultPages
	}
	if err := o.protected(); err != nil {
		return nil, err
	}
	secured, err := o.TLS.server()
	if err != nil {
		return nil, fmt.Errorf("dashboard: tls: %w", err)
	}
	socket, err := listen(o.Listen, o.Log)
	if err != nil {
		return nil, err
	}
	bound := socket.Addr().(*net.TCPAddr)
	s := &Server{options: o, url: address(o, bound), hosts: newHosts(o), files: bundled(), refused: newRefusals(o.Log),
		pages: newSeats(o.Pages), logins: newSeats(loginsAtOnce), pace: rate.NewLimiter(requestRate, requestBurst)}
	s.ctx, s.cancel = context.WithCancel(ctx)
	var entrance net.Listener = &entrance{socket, newSeats(connectionsForPage * o.Pages), s.refused,
		newPace(acceptRate, acceptBurst)}
	if secured != nil {
		handshakes := rate.NewLimiter(handshakeRate, handshakeBurst)
		secured.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { // before the costly part of a handshake
			wait, cancel := context.WithTimeout(s.ctx, headerPatience)
			defer cancel()
			return nil, handshakes.Wait(wait)
		}
		entrance = tls.NewListener(entrance, secured)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // a WebSocket needs HTTP/1.1, and HTTP/2 has more to bound
	s.server = &http.Server{
		Handler: http.HandlerFunc(s.answer), Protocols: protocols, MaxHeaderBytes: maxHeader,
		ReadHeaderTimeout: headerPatience, ReadTimeout: headerPatience, WriteTimeout: answerPatience, IdleTimeout: idlePatience,
		BaseContext: func(net.Listener) context.Context { return s.ctx },
		ErrorLog:    log.New(io.Discard, "", 0), // handshakes that fail, as when somebody types http:// for https://
	}
	s.running.Add(2)
	go func() { // accepts connections
		defer s.running.Done()
		if err := s.server.Serve(entrance); !errors.Is(err, http.ErrServerClosed) {
			o.Log.Error("the dashboard ends: the robot runs on without it", "error", err)
		}
	}()
	go func() { // logs what was refused, and ends the server with the context
		defer s.running.Done()
		s.refused.run(s.ctx)
		_ = s.server.Close() // the listener's error, if there is one, changes nothing now
	}()
	return s, nil
}

// protected refuses a page that others could use without a password, or whose passwords others could read.
func (o Options) protected() error {
	host, _, err := net.SplitHostPort(o.Listen)
	switch {
	case err != nil:
		return fmt.Errorf("dashboard: listen address %q: expected host:port, such as %s: %w", o.Listen, DefaultListen, err)
	case isLoopback(host):
	case !o.Login:
		return fmt.Errorf("dashboard: listen address %q can be reached from other machines, without a login: "+
			"expected a broker with users, or %s", o.Listen, DefaultListen)
	case o.TLS == (TLS{}) && !o.Insecure:
		return fmt.Errorf("dashboard: listen address %q: passwords can be read on the network: expected a certificate (tls), "+
			"or insecure: true", o.Listen)
	}
	return nil
}

// isLoopback reports whether a host can be reached only from this machine. An empty host means all interfaces.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// server reads the certificate. It returns nil without one.
func (t TLS) server() (*tls.Config, error) {
	switch {
	case t == TLS{}:
		return nil, nil
	case t.Certificate == "" || t.Key == "":
		return nil, errors.New("expected a certificate and its key")
	}
	certificate, err := files.Read(t.Certificate, protocol.MaxPEM)
	if err != nil {
		return nil, err
	}
	key, err := files.Read(t.Key, protocol.MaxPEM)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("certificate %q and key %q: %w", t.Certificate, t.Key, err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"}}, nil
}

// listen listens on an address, or on a free port if that one is taken.
func listen(at string, log *slog.Logger) (net.Listener, error) {
	socket, err := net.Listen("tcp", at)
	if host, port, wrong := net.SplitHostPort(at); err != nil && wrong == nil && port != "0" {
		taken := err
		if socket, err = net.Listen("tcp", net.JoinHostPort(host, "0")); err == nil {
			log.Warn("dashboard: the port is taken: listening on a free one", "wanted", at, "listening", socket.Addr().String(),
				"error", taken)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("dashboard: cannot listen on %q: %w", at, err)
	}
	return socket, nil
}

// address returns the URL of the page. A certificate is for a name, and an address that stands for all interfaces is none to go
// to: then the URL has the first of the names.
func address(o Options, bound *net.TCPAddr) string {
	scheme, host := "http", bound.IP.String()
	if o.TLS != (TLS{}) {
		scheme = "https"
	}
	switch {
	case len(o.Hosts) > 0 && (bound.IP.IsUnspecified() || scheme == "https"):
		host = o.Hosts[0]
	case bound.IP.IsUnspecified():
		host = "127.0.0.1"
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.Unmap().String()
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(bound.Port)) + "/"
}

// URL returns the address of the page, as a browser on this machine opens it.
func (s *Server) URL() string { return s.url }

// Close ends the dashboard: pages are disconnected, with a reason. It returns within a few seconds, and may be called more than
// once.
func (s *Server) Close() {
	s.mutex.Lock()
	s.cancel()
	s.mutex.Unlock()
	ended := make(chan struct{})
	go func() { s.running.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(endPatience):
	}
}

// enter counts a goroutine that Close waits for. It returns false if the dashboard ends.
func (s *Server) enter() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.ctx.Err() != nil {
		return false
	}
	s.running.Add(1)
	return true
}
