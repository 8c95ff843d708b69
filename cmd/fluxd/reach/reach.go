// Package reach connects a robot to those who watch and tune it: it starts the robot's own broker, the bridge to MQTT, the page,
// and the metrics, as the robot file says.
//
//	links, err := reach.Connect(ctx, config, robot, reach.Options{Version: "dev", Log: slog.Default()})
//	if err != nil { ... }
//	defer links.Close()
//	err = links.Serve(ctx, measured) // the page and the metrics, if there are any
//	fmt.Println(links.Broker(), links.Dashboard())
package reach

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"time"

	"fluxd/bridge"
	"fluxd/bridge/broker"
	"fluxd/bridge/dashboard"
	"fluxd/bridge/protocol"
	"fluxd/bridge/transport"
	"fluxd/bridge/webserver"
	"fluxd/cmd/fluxd/logs"
	"fluxd/cmd/fluxd/metrics"
	"fluxd/configs"
	"fluxd/configs/links"
)

// Options are the options of Connect.
type Options struct {
	Version string
	Root    string   // the folder that holds sys and proc; "" is /
	Program []string // the command that starts the robot's own broker; nil: this program
	Log     *slog.Logger
}

// Links are what connects a robot.
type Links struct {
	Own    *broker.Broker // nil with an external broker, and without MQTT
	Bridge *bridge.Bridge // nil without MQTT

	config  *configs.Robot
	options Options
	page    *dashboard.Server // nil without a page
	metrics *metrics.Server   // nil without metrics
}

// Connect connects a robot to its broker, unless its file says that it has none. It does not wait for an external broker. Own,
// the page and the metrics end with Close, not with the context, so that what a robot publishes at its end is sent.
func Connect(ctx context.Context, config *configs.Robot, robot bridge.Robot, o Options) (*Links, error) {
	l := &Links{config: config, options: o}
	if config.MQTT.Broker == "none" {
		return l, nil
	}
	if err := l.connect(ctx, robot); err != nil {
		l.Close()
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	return l, nil
}

func (l *Links) connect(ctx context.Context, robot bridge.Robot) (err error) {
	config, o, c := l.config, l.options, l.config.MQTT
	to := bridge.Options{Robot: config.Name, Broker: c.Broker, User: c.User, Version: o.Version, HomeAssistant: c.HomeAssistant,
		Log: logs.Of(o.Log, "bridge")}
	if c.Broker == "embedded" {
		if err := l.startBroker(ctx, robot); err != nil {
			return err
		}
		to.Broker, to.Dial = l.Own.URL(), l.Own.Dial
		to.User, to.Password = l.Own.Login()
	} else {
		if c.TLS != nil {
			to.TLS = protocol.TLS(*c.TLS)
		}
		if to.Password, err = transport.Password(c.PasswordFile, c.PasswordEnv); err != nil {
			return err
		}
	}
	l.Bridge, err = bridge.Start(ctx, robot, to)
	return err
}

// startBroker starts the robot's own broker.
func (l *Links) startBroker(ctx context.Context, robot bridge.Robot) (err error) {
	config, o, c := l.config, l.options, l.config.MQTT
	described, err := json.Marshal(robot.Telemetry.Describe())
	if err != nil {
		return err
	}
	to := broker.Options{Robot: config.Name, Listen: c.Listen, Passwords: c.Passwords, Clients: c.Clients,
		DescriptionSize: len(described), Program: o.Program, Log: logs.Of(o.Log, "broker")}
	if c.TLS != nil {
		to.TLS = broker.TLS{Certificate: c.TLS.Certificate, Key: c.TLS.Key, CA: c.TLS.CA}
	}
	if f := c.Fleet; f != nil {
		to.Fleet = broker.Fleet{URL: f.URL, User: f.User, CA: f.CA}
		if to.Fleet.Password, err = transport.ReadPassword(f.PasswordFile); err != nil {
			return fmt.Errorf("fleet: %w", err)
		}
	}
	l.Own, err = broker.Start(context.WithoutCancel(ctx), to)
	return err
}

// Serve starts the robot's page and its metrics, as far as the robot file asks for them.
func (l *Links) Serve(ctx context.Context, measured metrics.Robot) error {
	if l.config.Dashboard.On() && l.Bridge != nil {
		if err := l.servePage(ctx); err != nil {
			return err
		}
	}
	if l.config.Metrics.On() {
		return l.serveMetrics(ctx, measured)
	}
	return nil
}

func (l *Links) serveMetrics(ctx context.Context, measured metrics.Robot) error {
	c := l.config.Metrics
	token, err := transport.ReadPassword(c.TokenFile)
	switch {
	case err != nil:
		return fmt.Errorf("metrics.token_file: %w", errors.Unwrap(err)) // without password_file
	case token == "" && c.TokenFile != "":
		return fmt.Errorf("metrics.token_file: %s is empty: expected a token, such as that of openssl rand -hex 16", c.TokenFile)
	}
	to := metrics.Options{Robot: l.config.Name, Version: l.options.Version, Listen: c.Listen, Hosts: c.Hosts, Insecure: c.Insecure,
		Token: token, Folder: writes(l.config), Root: l.options.Root, Log: logs.Of(l.options.Log, "metrics")}
	if c.TLS != nil {
		to.TLS = webserver.TLS(*c.TLS)
	}
	l.metrics, err = metrics.Start(context.WithoutCancel(ctx), measured, to)
	return err
}

// writes returns the folder where a robot writes: that of what it learns, or of what is tuned, or the present one.
func writes(config *configs.Robot) string {
	switch {
	case config.Learnt != nil:
		return filepath.Dir(config.Learnt.File)
	case config.Tuning != nil:
		return filepath.Dir(config.Tuning.File)
	}
	return "."
}

func (l *Links) servePage(ctx context.Context) (err error) {
	config, o, c := l.config, l.options, l.config.Dashboard
	to := dashboard.Options{Robot: config.Name, Version: o.Version, Listen: c.Listen, Hosts: c.Hosts, Insecure: c.Insecure,
		Login: config.MQTT.Login(), Log: logs.Of(o.Log, "dashboard")}
	if c.TLS != nil {
		to.TLS = webserver.TLS(*c.TLS)
	}
	if l.Own != nil {
		to.Dial, to.Pages = l.Own.Dial, max(1, config.MQTT.Clients/2) // the other half is for fluxctl and programs
	} else if to.Dial, err = dialer(config.MQTT); err != nil {
		return fmt.Errorf("dashboard: %w", err)
	}
	l.page, err = dashboard.Start(context.WithoutCancel(ctx), to)
	return err
}

// dialer returns a function that connects to an external broker as anybody can: without the robot's own certificate.
func dialer(c links.MQTT) (func(context.Context) (net.Conn, error), error) {
	u, err := url.Parse(c.Broker)
	if err != nil {
		return nil, err
	}
	var known protocol.TLS
	if c.TLS != nil {
		known.CA, known.ServerName = c.TLS.CA, c.TLS.ServerName
	}
	secured, err := known.Client()
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		if end, limited := ctx.Deadline(); limited {
			d.Timeout = time.Until(end)
		}
		return transport.Dial(&d, u, secured)
	}, nil
}

// Broker returns the URL of the robot's broker, as clients reach it; "" without MQTT.
func (l *Links) Broker() string {
	if l.Bridge == nil {
		return ""
	}
	return l.Bridge.URL()
}

// Dashboard returns the URL of the robot's page; "" without one.
func (l *Links) Dashboard() string {
	if l.page == nil {
		return ""
	}
	return l.page.URL()
}

// Metrics returns the URL of the robot's metrics; "" without them.
func (l *Links) Metrics() string {
	if l.metrics == nil {
		return ""
	}
	return l.metrics.URL() + "metrics"
}

// State returns how the connection to the broker does; nil without MQTT.
func (l *Links) State() *bridge.State {
	if l.Bridge == nil {
		return nil
	}
	s := l.Bridge.State()
	return &s
}

// Process returns the process of the robot's own broker; 0 if there is none.
func (l *Links) Process() int {
	if l.Own == nil {
		return 0
	}
	return l.Own.Process()
}

// Close ends all of it. The page comes first, so that browsers are given a reason, and the broker last, so that the robot's last
// messages reach it.
func (l *Links) Close() {
	if l.page != nil {
		l.page.Close()
	}
	if l.metrics != nil {
		l.metrics.Close()
	}
	if l.Bridge != nil {
		l.Bridge.Close()
	}
	if l.Own != nil {
		l.Own.Close()
	}
}
