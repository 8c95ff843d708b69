package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxctl/tables"
	"fluxd/cmd/internal/usage"
	"fluxd/configs/amounts"
)

func worldCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "world",
		Short: "List what is in the simulated world",
		Long: `world lists the robot and the things in its simulated world, and the area into
which fluxctl place can put each. Lengths are in metres. With --json it also
prints the shapes of the picture. A real board refuses world.`,
		Example: `  fluxctl world
  fluxctl world --json`,
		Args: usage.Args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return show(c, s, "world", func(r protocol.Response, out io.Writer) { tables.World(cmp.Or(r.World, &protocol.World{}), out) })
		},
	}
}

// show makes a request without keys, and prints the answer: as JSON, or as print does.
func show(c *cobra.Command, s *settings, verb string, print func(protocol.Response, io.Writer)) error {
	return converse(c.Context(), *s, verb, c.OutOrStdout(), func(r *remote, out io.Writer) error {
		response, err := r.request(c.Context(), verb, protocol.Request{})
		if err != nil {
			return err
		}
		if s.json {
			return printJSON(out, response)
		}
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		print(response, table)
		return table.Flush()
	})
}

func placeCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "place THING X Y [HEADING]",
		Short: "Put a simulated robot, lamp or obstacle elsewhere",
		Long: `place puts something in the simulated world elsewhere, until the end of the
episode. X and Y are in metres, to the right and up on the map. HEADING needs a
unit: 0deg is to the right, 90deg up on the map. A robot goes on as it was
moving. fluxctl world lists what there is. A real board refuses place.

Write -- before a negative value.`,
		Example: `  fluxctl place lamp[0] 1.2 0.4
  fluxctl place lamp[0] '120 cm' '40 cm'
  fluxctl place robot 0.5 0.5 90deg
  fluxctl place robot -- 0.5 0.5 -90deg`,
		Args: usage.Args(3, 4),
		RunE: func(c *cobra.Command, args []string) error {
			var at [2]float64
			for i, text := range args[1:3] {
				if number, unit := amounts.Split(text); unit == "" {
					text = number + " m"
				}
				var err error
				if at[i], err = amounts.Parse(text, "m"); err != nil {
					return fmt.Errorf("place %s: %c: %w", args[0], 'x'+i, err)
				}
			}
			request := protocol.Request{Thing: args[0], X: &at[0], Y: &at[1]}
			done := fmt.Sprintf("%s at %g, %g m", args[0], at[0], at[1])
			if len(args) > 3 {
				heading, err := angle(args[3])
				if err != nil {
					return fmt.Errorf("place %s: heading: %w", args[0], err)
				}
				request.Heading = &heading
				done += fmt.Sprintf(", heading %.1f deg", heading*180/math.Pi)
			}
			return ask(c.Context(), *s, "place", request, c.OutOrStdout(), func(protocol.Response) string { return done })
		},
	}
}

// angle reads an angle with its unit, and returns it in radians.
func angle(text string) (float64, error) {
	for _, unit := range []struct {
		name  string
		scale float64
	}{{"deg", math.Pi / 180}, {"°", math.Pi / 180}, {"rad", 1}} {
		number, has := strings.CutSuffix(text, unit.name)
		if v, err := strconv.ParseFloat(strings.TrimSpace(number), 64); has && err == nil && math.Abs(v) < 1e6 {
			return v * unit.scale, nil
		}
	}
	return 0, fmt.Errorf("%q: expected an angle with its unit, such as 90deg or 1.57rad", text)
}

func networkCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "network",
		Short: "List neurons and synapses with their weights now",
		Long: `network lists the neurons with what they are for, and the synapses with their
weight, delay and learnt weight as they are now. It lists populations if there
are more than 300 neurons or 3,000 synapses.`,
		Example: `  fluxctl network
  fluxctl network --json`,
		Args: usage.Args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return show(c, s, "network", func(r protocol.Response, out io.Writer) {
				tables.Network(cmp.Or(r.Network, &protocol.Network{}), out)
			})
		},
	}
}
