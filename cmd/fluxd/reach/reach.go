// Package reach connects a robot to those who watch and tune it: it starts the robot's own broker, the bridge to MQTT, and the
// page, as the robot file says.
//
//	links, err := reach.Connect(ctx, config, robot, reach.Options{Version: "dev", Log: slog.Default()})
//	if err != nil { ... }
//	defer links.Close()
//	err = links.Serve(ctx) // the page, if there is one
//	fmt.Println(links.Broker(), links.Dashboard())
package reach

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"time"

	"fluxd/bridge"
	"fluxd/bridge/broker"
	"fluxd/bridge/dashboard"
	"fluxd/bridge/protocol"
	"fluxd/bridge/transport"
	"fluxd/bridge/webserver"
	"fluxd/configs"
	"fluxd/configs/links"
)

// Options are the options of Connect.
type Options struct {
	Version string
	Program []string // the command that starts the robot's own broker; nil: this program
	Log     *slog.Logger
}

// Links are what connects a robot. Without MQTT they are nil, and all methods do nothing.
type Links struct {
	Own    *broker.Broker // nil with an external broker
	Bridge *bridge.Bridge

	config  *configs.Robot
	options Options
	page    *dashboard.Server // nil without a page
}

// Connect connects a robot, unless its file says that it has no broker. It does not wait for an external broker. Own and the page
// end with Close, not with the context, so that what a robot publishes at its end is sent.
func Connect(ctx context.Context, config *configs.Robot, robot bridge.Robot, o Options) (*Links, error) {
	if config.MQTT.Broker == "none" {
		return nil, nil
	}
	l := &Links{config: config, options: o}
	if err := l.connect(ctx, robot); err != nil {
		l.Close()
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	return l, nil
}

func (l *Links) connect(ctx context.Context, robot bridge.Robot) (err error) {
	config, o, c := l.config, l.options, l.config.MQTT
	to := bridge.Options{Robot: config.Name, Broker: c.Broker, User: c.User, Version: o.Version, HomeAssistant: c.HomeAssistant,
		Log: o.Log}
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
		DescriptionSize: len(described), Program: o.Program, Log: o.Log}
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

// Serve starts the robot's page, if the robot file asks for one.
func (l *Links) Serve(ctx context.Context) (err error) {
	if l == nil || !l.config.Dashboard.On() {
		return nil
	}
	config, o, c := l.config, l.options, l.config.Dashboard
	to := dashboard.Options{Robot: config.Name, Version: o.Version, Listen: c.Listen, Hosts: c.Hosts, Insecure: c.Insecure,
		Login: config.MQTT.Login(), Log: o.Log}
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
	if l == nil {
		return ""
	}
	return l.Bridge.URL()
}

// Dashboard returns the URL of the robot's page; "" without one.
func (l *Links) Dashboard() string {
	if l == nil || l.page == nil {
		return ""
	}
	return l.page.URL()
}

// Close ends all of it. The page comes first, so that browsers are given a reason, and the broker last, so that the robot's last
// messages reach it.
func (l *Links) Close() {
	if l == nil {
		return
	}
	if l.page != nil {
		l.page.Close()
	}
	if l.Bridge != nil {
		l.Bridge.Close()
	}
	if l.Own != nil {
		l.Own.Close()
	}
}
