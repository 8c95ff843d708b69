package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"fluxd/boards/header"
	"fluxd/cmd/fluxd/diagram"
	"fluxd/cmd/internal/usage"
	"fluxd/configs"

	"github.com/spf13/cobra"
)

// wiringTable prints all wires: the pin of the board, and the device and its role there.
func wiringTable(w io.Writer, c *configs.Robot) error {
	all := c.Wiring()
	if len(all) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nHEADER\tPIN\tDEVICE\tNAME\tROLE\tDIRECTION\tPULL")
	for _, wire := range all {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			place(&wire), wire.Where(), wire.Device, wire.Name, wire.Role, wire.Direction, orDash(wire.Pull))
	}
	return table.Flush()
}

// place returns the position of a wire on the header. A bus has two.
func place(wire *configs.Connection) string {
	if wire.Position != 0 {
		return fmt.Sprint(wire.Position)
	}
	if pins, ok := header.BusPins[wire.Bus]; ok {
		data, _ := header.Find(pins[0])
		clock, _ := header.Find(pins[1])
		return fmt.Sprintf("%d, %d", data.Position, clock.Position)
	}
	return "-"
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func pinsCommand() *cobra.Command {
	picture := false
	c := &cobra.Command{
		Use:   "pins [ROBOT]",
		Short: "Draw the 40-pin header with a robot's wiring",
		Long: `Draw the 40-pin header of a Raspberry Pi, seen from above with the USB sockets
at the bottom: the device at each pin, pins that are not quiet while the machine
starts, and warnings about the wiring. Without ROBOT, draw the header alone.

With --svg, print a picture: the header, the devices beside it, and a coloured
wire from each pin. The supply of a device is drawn where the robot file or the
data sheet of the device leaves no choice; the legend names the others.`,
		Example: `  fluxd pins
  fluxd pins robot.yaml
  fluxd pins robot.yaml --svg > wiring.svg`,
		Args:              usage.Args(0, 1),
		ValidArgsFunction: examples,
		RunE: func(cmd *cobra.Command, args []string) error {
			config := &configs.Robot{}
			if len(args) > 0 {
				var err error
				if config, err = load(cmd.Context(), args); err != nil {
					return err
				}
			}
			if picture {
				return diagram.SVG(cmd.OutOrStdout(), config)
			}
			if _, err := io.WriteString(cmd.OutOrStdout(), diagram.Text(config)); err != nil {
				return err
			}
			return warn(cmd.OutOrStdout(), config.Warnings)
		},
	}
	c.Flags().BoolVar(&picture, "svg", false, "print the picture as SVG, for a page")
	return c
}
