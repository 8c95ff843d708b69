package main

import (
	"os"

	"fluxd/bridge/broker"

	"github.com/spf13/cobra"
)

// brokerCommand is the process of a robot's own broker. It outlives the signals that end the robot: see package broker.
func brokerCommand() *cobra.Command {
	return &cobra.Command{
		Use:    broker.Command,
		Short:  "The MQTT broker of a robot, which fluxd run starts",
		Hidden: true,
		Args:   cobra.NoArgs,
		Run:    func(*cobra.Command, []string) { os.Exit(broker.Serve(os.Stdin, os.Stdout, os.Stderr)) },
	}
}
