package main

import (
	"os"

	"fluxd/bridge/broker"
	"fluxd/cmd/internal/usage"

	"github.com/spf13/cobra"
)

// brokerCommand is the process of a robot's embedded broker. It ignores the signals that end the robot: see package broker.
func brokerCommand() *cobra.Command {
	return &cobra.Command{
		Use:    broker.Command,
		Short:  "The embedded MQTT broker, started by fluxd run",
		Hidden: true,
		Args:   usage.Args(0, 0),
		Run:    func(*cobra.Command, []string) { os.Exit(broker.Serve(os.Stdin, os.Stdout, os.Stderr)) },
	}
}
