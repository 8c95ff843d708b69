package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"fluxd/cmd/fluxd/daemon"
	"fluxd/configs"
)

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check ROBOT",
		Short: "Validate a configuration and print the wiring",
		Long: `Validate a configuration without touching any hardware, and print what is connected to what.

Every mistake of the file, and of the data files that it names, is listed, with its line and what was expected; then the exit code is 2.
What the simulated world does not know is a warning.`,
		Example:           "  fluxd check robot.yaml",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: examples,
		RunE: func(cmd *cobra.Command, args []string) error {
			config, err := load(cmd.Context(), args)
			if err != nil {
				return err
			}
			warnings, err := await(cmd.Context(), func() (configs.Errors, error) { return daemon.Check(config) })
			if err != nil {
				return err
			}
			if err := printWiring(cmd.OutOrStdout(), config); err != nil {
				return err
			}
			return warn(cmd.OutOrStdout(), append(config.Warnings, warnings...))
		},
	}
}

// warn writes what is valid, and to be looked at before the power goes on.
func warn(w io.Writer, warnings configs.Errors) error {
	for _, one := range warnings {
		if _, err := fmt.Fprintf(w, "\nwarning: %v\n", one); err != nil {
			return err
		}
	}
	return nil
}

// printWiring writes two tables: every wire, and what becomes of it, in the direction in which data flows.
func printWiring(w io.Writer, c *configs.Robot) error {
	board := c.Board.Kind
	if c.Board.World != "" && c.Board.World != "none" {
		board += ", world " + c.Board.World
	}
	fmt.Fprintf(w, "%s: valid. Board %s; %d neurons, %d synapses; MQTT broker %s\n\n", c.Name, board, len(c.Network.Neurons), len(c.Network.Synapses), c.MQTT.Broker)
	if err := wiringTable(w, c); err != nil {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nNAME\tDEVICE\tCODE\tNEURONS")
	for _, s := range c.Sensors {
		fmt.Fprintf(table, "%s\t%s\t%s\t-> %s\n", s.Name, s.Value.What(), s.Value.Encode.Kind, s.Value.Encode.To)
	}
	for _, a := range c.Actuators {
		d := a.Value.Decode
		neurons := slices.DeleteFunc(d.Options.Neurons(), func(name string) bool { return name == "" })
		fmt.Fprintf(table, "%s\t%s\t%s\t<- %s\n", a.Name, a.Value.Device, d.Kind, strings.Join(neurons, ", "))
	}
	return table.Flush()
}

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of a configuration, for editors",
		Long: `Print the JSON Schema of a configuration. An editor with a YAML language server completes and checks a robot.yaml whose first
line is "# yaml-language-server: $schema=fluxd.schema.json".`,
		Example: "  fluxd schema > fluxd.schema.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n", configs.Schema())
			return err
		},
	}
}
