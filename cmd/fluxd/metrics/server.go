package metrics

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"fluxd/bridge/webserver"
	"fluxd/cmd/fluxd/machine"
)

// Options configure a server of metrics. Robot and Listen are required.
type Options struct {
	Robot    string // its name: the label robot
	Version  string // of fluxd
	Listen   string // host:port; other hosts than loopback need Token and TLS, or Insecure
	Hosts    []string
	Insecure bool // others on the network may read it
	TLS      webserver.TLS
	Token    string       // what a reader has to send; "": nothing
	Folder   string       // where the robot writes: whose disk is watched
	Root     string       // the folder that holds sys and proc; "" is /
	Log      *slog.Logger // nil: no log
}

const (
	// connections, requestRate and requestBurst bound what readers can ask for: at a time, a second, and at once. A Prometheus
	// asks every 15 s, over one connection.
	connections  = 16
	requestRate  = 10
	requestBurst = 30
	// conditionEvery is how often the state of the machine is read.
	conditionEvery = 10 * time.Second
	// healthFor is how long an answer of /healthz holds: requests that come meanwhile ask the control loop nothing.
	healthFor = time.Second
	// leastToken is the length of the shortest token, in bytes.
	leastToken = 16
	// wrongToken is why a request is refused, besides what the web server refuses.
	wrongToken webserver.Refusal = "wrong token"
)

// Server serves metrics. Its methods may be called from any goroutine.
type Server struct {
	web       *webserver.Server
	robot     Robot
	options   Options
	started   time.Time
	token     [sha256.Size]byte
	condition atomic.Pointer[machine.Condition]
	buffers   sync.Pool // of *[]byte

	mutex   sync.Mutex // of a question for faults; others wait for its answer
	faults  []string
	askedAt time.Time
}

// Start serves the metrics of a robot until the context ends or Close is called. If the port is taken, it logs a warning and
// takes a free one. It returns an error for invalid options.
func Start(ctx context.Context, robot Robot, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := o.protected(); err != nil {
		return nil, err
	}
	if o.Root == "" {
		o.Root = "/"
	}
	if folder, err := filepath.Abs(o.Folder); err == nil {
		o.Folder = folder
	}
	s := &Server{robot: robot, options: o, started: time.Now(), token: sha256.Sum256([]byte(o.Token))}
	begun := make(chan struct{}) // s.web is set
	defer close(begun)
	var err error
	s.web, err = webserver.Start(ctx, webserver.Options{Name: "metrics", Listen: o.Listen, Hosts: o.Hosts, TLS: o.TLS,
		Connections: connections, Rate: requestRate, Burst: requestBurst, Log: o.Log,
		Handler: func(w http.ResponseWriter, r *http.Request) { <-begun; s.answer(w, r) }})
	if err != nil {
		return nil, err
	}
	o.Log.Info("metrics are served", "url", s.URL()+"metrics")
	go s.watchMachine() // a disk may hang forever: then this goroutine does, and nobody waits for it
	return s, nil
}

// protected refuses a server that others could read without a token, or whose token others could read.
func (o Options) protected() error {
	host, _, err := net.SplitHostPort(o.Listen)
	switch {
	case err != nil:
		return fmt.Errorf("metrics: listen address %q: expected host:port, such as 127.0.0.1:9101: %w", o.Listen, err)
	case o.Token != "" && len(o.Token) < leastToken:
		return fmt.Errorf("metrics: the token has %d characters: expected at least %d, such as those of openssl rand -hex 16",
			len(o.Token), leastToken)
	case webserver.IsLoopback(host) || o.Insecure:
	case o.Token == "" || o.TLS == (webserver.TLS{}):
		return fmt.Errorf("metrics: listen address %q can be reached from other machines: expected a token and a certificate, "+
			"insecure: true, or 127.0.0.1:9101", o.Listen)
	}
	return nil
}

// watchMachine reads the state of the machine now and then, until the server ends.
func (s *Server) watchMachine() {
	every := time.NewTicker(conditionEvery)
	defer every.Stop()
	for {
		c := machine.ReadCondition(s.options.Root, s.options.Folder)
		s.condition.Store(&c)
		select {
		case <-s.web.Ends().Done():
			return
		case <-every.C:
		}
	}
}

// answer answers a request.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	if err := s.authorized(r); err != nil {
		w.Header().Set("WWW-Authenticate", "Bearer")
		s.web.Refuse(w, r, wrongToken, http.StatusUnauthorized, err.Error())
		return
	}
	switch r.URL.Path {
	case "/metrics":
		s.serveMetrics(w)
	case "/healthz":
		s.serveHealth(w, r)
	case "/":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = fmt.Fprintf(w, "fluxd %s, robot %s: /metrics for Prometheus, /healthz for whether it is well\n", s.options.Version,
			s.options.Robot) // an error means that the client has gone
	default:
		s.web.Refuse(w, r, webserver.WrongRequest, http.StatusNotFound, "no such page: expected /metrics or /healthz")
	}
}

// authorized returns an error if the request lacks the token.
func (s *Server) authorized(r *http.Request) error {
	if s.options.Token == "" {
		return nil
	}
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(token))) // of one length, so that the time says nothing about the token
	if !strings.EqualFold(kind, "Bearer") || subtle.ConstantTimeCompare(sum[:], s.token[:]) != 1 {
		return errors.New("expected the token of metrics.token_file, as Authorization: Bearer")
	}
	return nil
}

func (s *Server) serveMetrics(w http.ResponseWriter) {
	buffer, _ := s.buffers.Get().(*[]byte)
	if buffer == nil {
		buffer = new([]byte)
	}
	defer s.buffers.Put(buffer)
	one := scrape{Snapshot: s.robot.Snapshot(), version: s.options.Version, started: s.started, condition: s.condition.Load()}
	*buffer = one.write(*buffer, s.options.Robot)
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(*buffer)))
	_, _ = w.Write(*buffer) // an error means that the client has gone
}

// serveHealth answers 200 if nothing keeps the robot from working, or 503 and a line for each reason.
func (s *Server) serveHealth(w http.ResponseWriter, r *http.Request) {
	faults := s.askFaults(r.Context())
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if len(faults) == 0 {
		_, _ = w.Write([]byte("ok\n")) // an error means that the client has gone
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	for _, one := range faults {
		_, _ = fmt.Fprintln(w, oneLine(one))
	}
}

// oneLine returns a text without line breaks and other characters that do not print.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

// askFaults asks the robot, unless somebody has done so just now.
func (s *Server) askFaults(ctx context.Context) []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.askedAt.IsZero() || time.Since(s.askedAt) >= healthFor {
		s.faults = s.robot.Faults(context.WithoutCancel(ctx)) // the answer is for the others, too
		s.askedAt = time.Now()
	}
	return s.faults
}

// URL returns the address of the server, with a slash at its end.
func (s *Server) URL() string { return s.web.URL() }

// Close ends the server. It returns within a few seconds, and may be called more than once.
func (s *Server) Close() { s.web.Close() }
