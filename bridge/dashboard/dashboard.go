package dashboard

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"fluxd/bridge/webserver"
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
	TLS      webserver.TLS
	Login    bool // the broker asks for a user and a password
	Pages    int  // how many may be connected at a time; 0: DefaultPages

	// Dial connects to the robot's broker as any client does. It must not log in: the page does, with what its user types.
	Dial func(context.Context) (net.Conn, error)
	Log  *slog.Logger // nil: no log
}

// Server is a dashboard that runs. Its methods may be called from any goroutine.
type Server struct {
	web     *webserver.Server
	options Options
	files   map[string]file
	pages   *webserver.Seats // WebSockets
	logins  *webserver.Seats // those that the broker has not answered yet
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
	s := &Server{options: o, files: bundled(), pages: webserver.NewSeats(o.Pages), logins: webserver.NewSeats(loginsAtOnce)}
	begun := make(chan struct{}) // s.web is set
	defer close(begun)
	var err error
	s.web, err = webserver.Start(ctx, webserver.Options{Name: "dashboard", Listen: o.Listen, Hosts: o.Hosts, TLS: o.TLS,
		Connections: connectionsForPage * o.Pages, Rate: requestRate, Burst: requestBurst, Log: o.Log,
		Handler: func(w http.ResponseWriter, r *http.Request) { <-begun; s.answer(w, r) }})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// protected refuses a page that others could use without a password, or whose passwords others could read.
func (o Options) protected() error {
	host, _, err := net.SplitHostPort(o.Listen)
	switch {
	case err != nil:
		return fmt.Errorf("dashboard: listen address %q: expected host:port, such as %s: %w", o.Listen, DefaultListen, err)
	case webserver.IsLoopback(host):
	case !o.Login:
		return fmt.Errorf("dashboard: listen address %q can be reached from other machines, without a login: "+
			"expected a broker with users, or %s", o.Listen, DefaultListen)
	case o.TLS == (webserver.TLS{}) && !o.Insecure:
		return fmt.Errorf("dashboard: listen address %q: passwords can be read on the network: expected a certificate (tls), "+
			"or insecure: true", o.Listen)
	}
	return nil
}

// URL returns the address of the page, as a browser on this machine opens it.
func (s *Server) URL() string { return s.web.URL() }

// Close ends the dashboard: pages are disconnected, with a reason. It returns within a few seconds, and may be called more than
// once.
func (s *Server) Close() { s.web.Close() }
