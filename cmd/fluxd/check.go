package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"fluxd/boards/overlays"
	"fluxd/cmd/fluxd/daemon"
	"fluxd/cmd/fluxd/doctor"
	"fluxd/cmd/fluxd/robotfile"
	"fluxd/cmd/internal/usage"
	"fluxd/configs"
)

func checkCommand() *cobra.Command {
	world, state := "", ""
	c := &cobra.Command{
		Use:   "check ROBOT",
		Short: "Check a robot file and print the wiring",
		Long: `Check a robot file without touching any hardware, and print the wiring: which
pin is connected to which device, and which device to which neurons. For a
Raspberry Pi, print the lines that this wiring needs in config.txt, too.

If there are mistakes in the file, or in the data files that it names, check
lists all of them, each with its line and what was expected, and the exit code
is 2. A sensor that the simulated world has nothing for is a mistake, too.`,
		Example: `  fluxd check robot.yaml
  fluxd check robot.yaml --world maze  # does it fit into this world?`,
		Args:              usage.Args(1, 1),
		ValidArgsFunction: examples,
		RunE: func(cmd *cobra.Command, args []string) error {
			config, err := loadWith(cmd.Context(), args, configs.Changes{World: world})
			if err != nil {
				return err
			}
			warnings, err := robotfile.Await(cmd.Context(), func() (configs.Errors, error) { return daemon.Check(config) })
			if err != nil {
				return err
			}
			if err := printWiring(cmd.OutOrStdout(), config); err != nil {
				return err
			}
			if err := warn(cmd.OutOrStdout(), append(config.Warnings, warnings...)); err != nil {
				return err
			}
			if err := sayWhatRuns(cmd.OutOrStdout(), state, args[0]); err != nil {
				return err
			}
			return printBootLines(cmd.OutOrStdout(), config)
		},
	}
	worldFlag(c, &world)
	stateFlag(c, &state)
	return c
}

// sayWhatRuns adds a word if another file that was sent to the robot runs instead of this one.
func sayWhatRuns(w io.Writer, state, name string) error {
	word, err := whatRuns(state, name)
	if err != nil || word == "" {
		return nil // fluxd run says what is wrong
	}
	_, err = fmt.Fprintf(w, "\nwarning: %s\n", word)
	return err
}

// whatRuns says which file that was sent to the robot runs instead of the one with this name; "" if none does.
func whatRuns(state, name string) (string, error) {
	own, err := configs.Read(name)
	if err != nil {
		return "", err
	}
	store, err := robotfile.Store(robotfile.State(state), name)
	if err != nil || store == nil {
		return "", err
	}
	return store.Word(own.Text), nil
}

// warn prints warnings: the file is valid, but the user should look at these points before turning the power on.
func warn(w io.Writer, warnings configs.Errors) error {
	for _, one := range warnings {
		if _, err := fmt.Fprintf(w, "\nwarning: %v\n", one); err != nil {
			return err
		}
	}
	return nil
}

// printWiring prints two tables: all wires, and all devices with their codes and neurons. It leaves out a table without rows.
func printWiring(w io.Writer, c *configs.Robot) error {
	board := c.Board.Kind
	if c.Board.World != "" && c.Board.World != "none" {
		board += ", world " + c.Board.World
	}
	fmt.Fprintf(w, "%s: valid. Board %s; %s, %s; MQTT broker %s\n",
		c.Name, board, count(len(c.Network.Neurons), "neuron"), count(len(c.Network.Synapses), "synapse"), c.MQTT.Broker)
	if err := wiringTable(w, c); err != nil {
		return err
	}
	if len(c.Sensors) == 0 && len(c.Actuators) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nNAME\tDEVICE\tCODE\tNEURONS")
	for _, s := range c.Sensors {
		fmt.Fprintf(table, "%s\t%s\t%s\t-> %s\n", s.Name, s.Value.What(), s.Value.Encode.Kind, s.Value.Encode.To)
	}
	for _, a := range c.Actuators {
		d := a.Value.Decode
		fmt.Fprintf(table, "%s\t%s\t%s\t<- %s\n", a.Name, a.Value.Device, d.Kind, strings.Join(d.ListensTo(), ", "))
	}
	return table.Flush()
}

// printBootLines prints the lines for config.txt as a block that can be pasted into it. It is the last that check prints, so that
// the rest of the output from [all] on is this block.
func printBootLines(w io.Writer, config *configs.Robot) error {
	if config.Board.Kind != "raspberrypi" && config.Board.Kind != "auto" {
		return nil
	}
	lines, wrong := overlays.Lines(doctor.Needs(config))
	if wrong != nil {
		if _, err := fmt.Fprintf(w, "\nwarning: %v\n", wrong); err != nil {
			return err
		}
	}
	if len(lines) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\nfor the end of %s, then restart the machine (%s on older systems;\n"+
		"fluxd doctor, on the robot, says what is missing):\n\n%s\n",
		overlays.File, overlays.OldFile, strings.Join(lines, "\n"))
	return err
}

// count returns a number of things, such as "1 synapse" and "2 synapses".
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprint(n, " ", thing)
}

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema [robot|world]",
		Short: "Print the JSON Schema of robot files or of worlds, for editors",
		Long: `Print the JSON Schema of robot files, or of the files of simulated worlds. An
editor with a YAML language server then completes and checks a robot file, if
its first line is

  # yaml-language-server: $schema=fluxd.schema.json`,
		Example: `  fluxd schema > fluxd.schema.json
  fluxd schema world > world.schema.json`,
		Args:      cobra.MatchAll(usage.Args(0, 1), cobra.OnlyValidArgs),
		ValidArgs: []string{"robot", "world"},
		RunE: func(cmd *cobra.Command, args []string) error {
			schema := configs.Schema
			if slices.Contains(args, "world") {
				schema = configs.WorldSchema
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n", schema())
			return err
		},
	}
}
