package main

import (
	"fmt"
	"io"
	"log/slog"
	"strings"

	"fluxd/cmd/fluxd/hardware"
	"fluxd/cmd/internal/usage"
	"fluxd/configs"

	"github.com/spf13/cobra"
)

func probeCommand(log func(io.Writer) *slog.Logger) *cobra.Command {
	var root string
	c := &cobra.Command{
		Use:   "probe [ROBOT]",
		Short: "List the devices that answer on each I2C bus",
		Long: `List the board, its I2C buses, the addresses that answer on each bus, and the
devices that fluxd knows at these addresses. With ROBOT, probe the board of that
robot and compare: if an expected device does not answer, the exit code is 1.

probe reads one byte from each address from 0x08 to 0x77, as i2cdetect -r does.
This disturbs no device that fluxd drives. Some other devices do not tolerate
it: a write-only one may hang until the next transfer. Do not probe while a
robot runs.`,
		Example: `  fluxd probe
  fluxd probe robot.yaml`,
		Args:              usage.Args(0, 1),
		ValidArgsFunction: examples,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts := hardware.Options{Root: root, Seed: 1, Log: log(cmd.ErrOrStderr())}
			if len(args) == 0 {
				board, buses, err := hardware.Probe(opts)
				if err != nil {
					return err
				}
				printBuses(cmd.OutOrStdout(), board, buses, nil)
				return nil
			}
			config, err := load(cmd.Context(), args)
			if err != nil {
				return err
			}
			board, buses, err := hardware.ProbeRobot(config, opts)
			if err != nil {
				return err
			}
			expected := map[string][]string{}
			for _, c := range config.Wiring() {
				if c.Bus != "" {
					expected[c.Where()] = append(expected[c.Where()], c.Owner)
				}
			}
			if missing := printBuses(cmd.OutOrStdout(), board, buses, expected); len(missing) > 0 {
				return fmt.Errorf("no answer from %s: check the supply, the wires and the address pins", strings.Join(missing, ", "))
			}
			return nil
		},
	}
	rootFlag(c, &root)
	return c
}

// printBuses prints the addresses that answer on each bus. It returns the expected devices that do not answer.
func printBuses(w io.Writer, board string, buses []hardware.BusAnswers, expected map[string][]string) (missing []string) {
	fmt.Fprintf(w, "board: %s\n", board)
	if len(buses) == 0 {
		fmt.Fprintln(w, "no I2C buses; on a Raspberry Pi: sudo raspi-config nonint do_i2c 0")
	}
	for _, bus := range buses {
		fmt.Fprintf(w, "\n%s", bus.Name)
		if bus.Err != nil {
			fmt.Fprintf(w, ": %v\n", bus.Err)
		} else if len(bus.Addresses) == 0 {
			fmt.Fprint(w, ": nothing answers\n")
		} else {
			fmt.Fprintln(w)
		}
		answers := map[uint16]bool{}
		for _, address := range bus.Addresses {
			answers[address] = true
			what := "may be " + orDash(strings.Join(configs.DevicesAt(address), ", "))
			if owners := expected[fmt.Sprintf("%s 0x%02x", bus.Name, address)]; owners != nil {
				what = strings.Join(owners, ", ")
			}
			fmt.Fprintf(w, "  0x%02x  %s\n", address, what)
		}
		for address := uint16(0); address < 0x80; address++ {
			where := fmt.Sprintf("%s 0x%02x", bus.Name, address)
			if owners := expected[where]; owners != nil && !answers[address] {
				missing = append(missing, where+" ("+strings.Join(owners, ", ")+")")
			}
		}
	}
	return missing
}
