package daemon

import (
	"context"
	"encoding/json"
	"fluxd/bridge"
	"fluxd/bridge/broker"
	"fluxd/bridge/protocol"
	"fluxd/bridge/transport"
	"fmt"
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
