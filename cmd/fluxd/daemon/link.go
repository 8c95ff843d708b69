package daemon

import (
	"context"
	"encoding/json"
	"fluxd/bridge"
	"fluxd/bridge/broker"
	"fluxd/bridge/dashboard"
	"fluxd/bridge/protocol"
	"fluxd/bridge/transport"
	"fluxd/configs/links"
	"fmt"
	"net"
	"net/url"
	"time"
)

// connect starts the bridge to MQTT, and before that the robot's own broker if it has one.
func (r *Robot) connect(ctx context.Context, opts RunOptions) error {
	c := r.config.MQTT
	o := bridge.Options{Robot: r.config.Name, Broker: c.Broker, User: c.User, Version: opts.Version,
		HomeAssistant: c.HomeAssistant, Log: r.log}
	if c.Broker == "embedded" {
		if err := r.startBroker(ctx, opts); err != nil {
			return fmt.Errorf("mqtt: %w", err)
		}
		o.Broker, o.Dial = r.broker.URL(), r.broker.Dial
		o.User, o.Password = r.broker.Login()
	} else {
		if c.TLS != nil {
			o.TLS = protocol.TLS(*c.TLS)
		}
		var err error
		if o.Password, err = transport.Password(c.PasswordFile, c.PasswordEnv); err != nil {
			return fmt.Errorf("mqtt: %w", err)
		}
	}
	var err error
	robot := bridge.Robot{Telemetry: r, Safety: r, Tuner: r, Teacher: r, ByHand: r, Spikes: r}
	if r.bridge, err = bridge.Start(ctx, robot, o); err != nil {
		return fmt.Errorf("mqtt: %w", err)
	}
	if c.HomeAssistant && c.Fleet != nil {
		r.log.Warn("Home Assistant finds this robot only at the robot's own broker: the fleet's hub does not get the discovery message")
		r.event(protocol.DiscoveryLost, "at the fleet's hub: connect Home Assistant to the robot's own broker")
	}
	return nil
}

// startBroker starts the robot's own broker. It ends after the bridge, so that the last messages reach it.
func (r *Robot) startBroker(ctx context.Context, opts RunOptions) (err error) {
	c := r.config.MQTT
	described, err := json.Marshal(r.describe)
	if err != nil {
		return err
	}
	o := broker.Options{Robot: r.config.Name, Listen: c.Listen, Passwords: c.Passwords, Clients: c.Clients,
		DescriptionSize: len(described), Program: opts.Broker, Log: r.log}
	if c.TLS != nil {
		o.TLS = broker.TLS{Certificate: c.TLS.Certificate, Key: c.TLS.Key, CA: c.TLS.CA}
	}
	if f := c.Fleet; f != nil {
		o.Fleet = broker.Fleet{URL: f.URL, User: f.User, CA: f.CA}
		if o.Fleet.Password, err = transport.ReadPassword(f.PasswordFile); err != nil {
			return fmt.Errorf("fleet: %w", err)
		}
	}
	r.broker, err = broker.Start(context.WithoutCancel(ctx), o)
	return err
}

// serveDashboard starts the robot's page. It ends before the broker, so that pages are given a reason.
func (r *Robot) serveDashboard(ctx context.Context, opts RunOptions) (err error) {
	c, m := r.config.Dashboard, r.config.MQTT
	o := dashboard.Options{Robot: r.config.Name, Version: opts.Version, Listen: c.Listen, Hosts: c.Hosts, Insecure: c.Insecure,
		Login: m.Login(), Log: r.log}
	if c.TLS != nil {
		o.TLS = dashboard.TLS(*c.TLS)
	}
	if r.broker != nil {
		o.Dial, o.Pages = r.broker.Dial, max(1, m.Clients/2) // the other half is for fluxctl and programs
	} else if o.Dial, err = dialer(m); err != nil {
		return fmt.Errorf("dashboard: %w", err)
	}
	r.dashboard, err = dashboard.Start(context.WithoutCancel(ctx), o)
	return err
}

// dialer returns a function that connects to an external broker as anybody can: without the robot's own certificate.
func dialer(c links.MQTT) (func(context.Context) (net.Conn, error), error) {
	u, err := url.Parse(c.Broker)
	if err != nil {
		return nil, err
	}
	var files protocol.TLS
	if c.TLS != nil {
		files.CA, files.ServerName = c.TLS.CA, c.TLS.ServerName
	}
	secured, err := files.Client()
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (net.Conn, error) {
		d := &net.Dialer{}
		if end, limited := ctx.Deadline(); limited {
			d.Timeout = time.Until(end)
		}
		return transport.Dial(d, u, secured)
	}, nil
}

// Dashboard returns the URL of the robot's page; "" without one.
func (r *Robot) Dashboard() string {
	if r.dashboard == nil {
		return ""
	}
	return r.dashboard.URL()
}

// Broker returns the URL of the robot's broker, as clients reach it; "" without MQTT.
func (r *Robot) Broker() string {
	if r.bridge == nil {
		return ""
	}
	return r.bridge.URL()
}

// publish publishes an event. Without MQTT it does nothing.
func (r *Robot) publish(kind protocol.EventKind, text string) {
	if b := r.bridge; b != nil {
		b.Event(kind, text)
	}
}
