package main

import (
	"context"
	"io"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxctl/link"
	"fluxd/cmd/internal/parameters"
)

// remote is a connection to one robot.
type remote struct {
	*link.Broker
	topics   protocol.Topics
	version  string // of the robot's daemon; "": unknown
	protocol int    // that the robot speaks; 0: it does not state one
	shared   bool   // the connection: others use it at the same time
	warnings io.Writer
	away     bool // the connection to the broker is lost, and the user has been warned

	// The robot's description; nil until learn has read it.
	known     parameters.Known
	neurons   []string // names
	rewards   []string // names
	actuators []string // names
	sensors   []protocol.Device
}

// connect logs in at the broker and finds the robot. With stops it also accepts a robot that seems to be offline, see find.
func connect(ctx context.Context, s settings, stops bool) (*remote, error) {
	secured, err := s.tls.Client()
	if err != nil {
		return nil, err
	}
	broker, err := link.Dial(ctx, link.Target{URL: s.broker, TLS: secured, Patience: s.timeout})
	if err != nil {
		return nil, err
	}
	r := &remote{Broker: broker, warnings: s.warnings}
	if r.topics, err = r.find(ctx, s.robot, broker.Name, stops); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}
