package webserver

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

// Options configure a server. All are required but Hosts, TLS and Log.
type Options struct {
	Name        string   // what it serves, for errors: the part of the robot file that configures it, such as "dashboard"
	Listen      string   // host:port
	Hosts       []string // further names and addresses under which it may be asked
	TLS         TLS
	Connections int // at a time
	Rate        int // requests of all clients a second, once Burst is used up
	Burst       int
	Handler     func(http.ResponseWriter, *http.Request) // answers a request that has passed all checks; Close waits for it
	Log         *slog.Logger                             // nil: no log
}

// TLS names the PEM files of a server with TLS. The zero value means one without TLS.
type TLS struct {
	Certificate string
	Key         string
}

// Server is a server that runs. Its methods may be called from any goroutine.
type Server struct {
	options Options
	url     string
	hosts   hosts
	refused *refusals
	pace    *rate.Limiter // requests of all clients
	server  *http.Server
	ctx     context.Context // ends when the server does
	cancel  context.CancelFunc
	mutex   sync.Mutex // of ending, and of running's growth
	ending  bool
	running sync.WaitGroup // requests and goroutines
	ended   chan struct{}
}

// Start starts a server. It runs until the context ends or Close is called. If the port is taken, it logs a warning and takes a
// free one. It returns an error for an address on which it cannot listen, and for an invalid certificate.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	secured, err := o.TLS.server()
	if err != nil {
		return nil, fmt.Errorf("%s: tls: %w", o.Name, err)
	}
	socket, err := listen(o)
	if err != nil {
		return nil, err
	}
	bound := socket.Addr().(*net.TCPAddr)
	s := &Server{options: o, url: address(o, bound), hosts: newHosts(o), refused: newRefusals(o.Log),
		pace: rate.NewLimiter(rate.Limit(o.Rate), o.Burst), ended: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancel(ctx)
	var door net.Listener = &entrance{socket, NewSeats(o.Connections), s.refused, NewPace(acceptRate, acceptBurst)}
	if secured != nil {
		handshakes := rate.NewLimiter(handshakeRate, handshakeBurst)
		secured.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { // before the costly part of a handshake
			wait, cancel := context.WithTimeout(s.ctx, headerPatience)
			defer cancel()
			return nil, handshakes.Wait(wait)
		}
		door = tls.NewListener(door, secured)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // a WebSocket needs HTTP/1.1, and HTTP/2 has more to bound
	s.server = &http.Server{
		Handler: http.HandlerFunc(s.answer), Protocols: protocols, MaxHeaderBytes: maxHeader,
		ReadHeaderTimeout: headerPatience, ReadTimeout: headerPatience, WriteTimeout: answerPatience, IdleTimeout: idlePatience,
		BaseContext: func(net.Listener) context.Context { return s.ctx },
		ErrorLog:    log.New(io.Discard, "", 0), // handshakes that fail, as when somebody types http:// for https://
	}
	s.running.Go(func() { // accepts connections
		if err := s.server.Serve(door); !errors.Is(err, http.ErrServerClosed) {
			o.Log.Error("the server ends: the robot runs on without it", "error", err)
		}
	})
	go func() { // logs what was refused, and ends the server with the context
		s.refused.run(s.ctx)
		s.end()
		close(s.ended)
	}()
	return s, nil
}

// end ends the server. A WebSocket can be known to its client before it is to the HTTP library, which would close it like any
// request, so that the page is given no reason. So requests, which end with the context, are waited for.
func (s *Server) end() {
	s.mutex.Lock()
	s.ending = true
	s.mutex.Unlock()
	_ = s.server.Shutdown(s.ctx) // which has ended: this closes the listener and what is idle, and waits for nothing
	finished := make(chan struct{})
	go func() { s.running.Wait(); close(finished) }()
	select {
	case <-finished:
	case <-time.After(endPatience):
	}
	_ = s.server.Close() // an error changes nothing now
}

// answer checks a request, and has it answered.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	if !s.Enter() {
		panic(http.ErrAbortHandler) // closes the connection: an answer would be an empty page
	}
	defer s.Leave()
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	wait, cancel := context.WithTimeout(r.Context(), headerPatience)
	err := s.pace.Wait(wait)
	cancel()
	if err != nil {
		s.Refuse(w, r, TooManyRequests, http.StatusServiceUnavailable, "too many requests: try again in a few seconds")
		return
	}
	if err := s.hosts.check(r); err != nil {
		s.Refuse(w, r, WrongHost, http.StatusForbidden, err.Error())
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.RefuseMethod(w, r)
		return
	}
	if r.ContentLength != 0 {
		s.Refuse(w, r, WrongRequest, http.StatusBadRequest, "expected a request without a body")
		return
	}
	s.options.Handler(w, r)
}

// Refuse refuses a request, and counts that.
func (s *Server) Refuse(w http.ResponseWriter, r *http.Request, why Refusal, status int, text string) {
	s.refused.add(why, fmt.Sprintf("%s (from %s)", text, r.RemoteAddr))
	w.Header().Set("Connection", "close")
	http.Error(w, "fluxd: "+text, status)
}

// RefuseMethod refuses a request for its method.
func (s *Server) RefuseMethod(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", "GET, HEAD")
	s.Refuse(w, r, WrongRequest, http.StatusMethodNotAllowed, "expected GET or HEAD")
}

// Refused counts something else that was refused. Details says who or what.
func (s *Server) Refused(why Refusal, details string) { s.refused.add(why, details) }

// CheckOrigin returns an error unless the page that asks came from this server. Browsers always say where a page came from; MQTT
// clients that are none connect to the broker itself. Without TLS here, a proxy before this server may have it.
func (s *Server) CheckOrigin(r *http.Request) error { return s.hosts.checkOrigin(r) }

// Ends returns the context of the server: it ends when the server does.
func (s *Server) Ends() context.Context { return s.ctx }

// IsLoopback reports whether a host can be reached only from this machine. An empty host means all interfaces.
func IsLoopback(host string) bool {
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
func listen(o Options) (net.Listener, error) {
	socket, err := net.Listen("tcp", o.Listen)
	if host, port, wrong := net.SplitHostPort(o.Listen); err != nil && wrong == nil && port != "0" {
		taken := err
		if socket, err = net.Listen("tcp", net.JoinHostPort(host, "0")); err == nil {
			o.Log.Warn("the port is taken: listening on a free one", "wanted", o.Listen, "listening", socket.Addr().String(),
				"error", taken)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: cannot listen on %q: %w", o.Name, o.Listen, err)
	}
	return socket, nil
}

// address returns the URL of the server. A certificate is for a name, and an address that stands for all interfaces is none to go
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

// URL returns the address of the server, as a browser on this machine opens it.
func (s *Server) URL() string { return s.url }

// Close ends the server. It returns within a few seconds, and may be called more than once.
func (s *Server) Close() {
	s.cancel()
	<-s.ended
}

// Enter counts a goroutine that Close waits for, until it calls Leave. It returns false if the server ends.
func (s *Server) Enter() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.ending {
		return false
	}
	s.running.Add(1)
	return true
}

// Leave ends what Enter began.
func (s *Server) Leave() { s.running.Done() }
