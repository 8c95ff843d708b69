package daemon

import (
	"context"
	"fluxd/bridge"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/reach"
)

// connect starts the bridge to MQTT, the robot's own broker if it has one, and its page.
func (r *Robot) connect(ctx context.Context, opts RunOptions) (err error) {
	robot := bridge.Robot{Telemetry: r, Safety: r, Tuner: r, Teacher: r, ByHand: r, Spikes: r, Inspector: r,
		World: r.around, Loader: opts.Loader}
	r.links, err = reach.Connect(ctx, r.config, robot, reach.Options{Version: opts.Version, Root: opts.Root, Program: opts.Broker,
		Log: r.base})
	if err != nil {
		return err
	}
	if c := r.config.MQTT; c.HomeAssistant && c.Fleet != nil {
		r.log.Warn("Home Assistant finds this robot only at the robot's own broker: the fleet's hub does not get the discovery message")
		r.event(protocol.DiscoveryLost, "at the fleet's hub: connect Home Assistant to the robot's own broker")
	}
	return nil
}

// Broker returns the URL of the robot's broker, as clients reach it; "" without MQTT.
func (r *Robot) Broker() string { return r.links.Broker() }

// Dashboard returns the URL of the robot's page; "" without one.
func (r *Robot) Dashboard() string { return r.links.Dashboard() }

// Metrics returns the URL of the robot's metrics; "" without them.
func (r *Robot) Metrics() string { return r.links.Metrics() }

// Event publishes an event. It never waits.
func (r *Robot) Event(kind protocol.EventKind, text string) { r.event(kind, text) }

// publish publishes an event. Without MQTT it does nothing.
func (r *Robot) publish(kind protocol.EventKind, text string) {
	if l := r.links; l != nil && l.Bridge != nil {
		l.Bridge.Event(kind, text)
	}
}
