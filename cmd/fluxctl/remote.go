package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxctl/link"
	"fluxd/cmd/fluxctl/pairs"
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
	target, err := s.target()
	if err != nil {
		return nil, err
	}
	broker, err := link.Dial(ctx, target)
	if err != nil {
		return nil, s.withPaired(err)
	}
	r := &remote{Broker: broker, warnings: s.warnings}
	if r.topics, err = r.find(ctx, s.robot, broker.Name, stops); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// target says how to reach the broker of the robot that is asked for: as the command line says, as the robot is paired, or on
// this machine.
func (s settings) target() (link.Target, error) {
	secured, err := s.tls.Client()
	if err != nil {
		return link.Target{}, err
	}
	if one, known := s.paired()[s.robot]; known {
		target, err := one.Target(s.timeout)
		if secured != nil {
			target.TLS = secured
		}
		return target, err
	}
	return link.Target{URL: s.broker, TLS: secured, Patience: s.timeout}, nil
}

// paired returns the robots that are paired; none if a broker was named. A file that cannot be read is no reason not to stop a
// robot: it is warned of.
func (s settings) paired() map[string]pairs.Robot {
	if s.named {
		return nil
	}
	file, err := pairs.File()
	if err != nil {
		return nil // without a folder for it, nothing is paired
	}
	all, err := pairs.Load(file)
	if err != nil {
		fmt.Fprintln(s.warnings, "fluxctl: the robots that are paired are left out:", err)
	}
	return all
}

// withPaired adds the robots that are paired to the error of the broker on this machine.
func (s settings) withPaired(err error) error {
	if all := s.paired(); len(all) > 0 && s.robot == "" {
		return fmt.Errorf("%w\npaired robots: %s: choose with --robot", err, strings.Join(inOrder(all), ", "))
	}
	return err
}
