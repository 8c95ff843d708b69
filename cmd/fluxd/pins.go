package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
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
			if _, err := io.WriteString(cmd.OutOrStdout(), drawHeader(config.Wiring())+boardLevels()); err != nil {
				return err
			}
			return warn(cmd.OutOrStdout(), config.Warnings)
		},
	}
	c.Flags().BoolVar(&picture, "svg", false, "print the picture as SVG, for a page")
	return c
}

// drawHeader draws the header with the wires that end on it, and lists the other wires.
func drawHeader(wires []configs.Connection) string {
	connected := map[string][]string{}
	var elsewhere []string
	add := func(pin, what string) {
		if !slices.Contains(connected[pin], what) {
			connected[pin] = append(connected[pin], what)
		}
	}
	for i := range wires {
		c := &wires[i]
		what := c.Name
		if c.Role != "pin" && c.Bus == "" {
			what += " " + c.Role
		}
		if c.Position != 0 {
			add(c.Pin, what)
			continue
		}
		if pins, ok := header.BusPins[c.Bus]; ok {
			add(pins[0], c.Bus+" data")
			add(pins[1], c.Bus+" clock")
		}
		elsewhere = append(elsewhere, fmt.Sprintf("%s: %s", c.Where(), what))
	}
	label := func(p header.Pin) string {
		if what := connected[p.Name]; what != nil {
			return strings.Join(what, ", ")
		}
		return ""
	}
	full := func(p header.Pin) string {
		if p.Special != "" {
			return p.Name + " " + p.Special
		}
		return p.Name
	}
	width := 0
	for i := 0; i < len(header.Pins); i += 2 {
		width = max(width, len([]rune(label(header.Pins[i]))))
	}
	var text strings.Builder
	for i := 0; i < len(header.Pins); i += 2 {
		left, right := header.Pins[i], header.Pins[i+1]
		line := fmt.Sprintf("%*s  %11s %2d %s %s %-2d %-11s  %s",
			width, label(left), full(left), left.Position, dot(label(left)),
			dot(label(right)), right.Position, full(right), label(right))
		text.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	if len(elsewhere) > 0 {
		text.WriteString("\non buses and expanders:\n")
		for _, e := range elsewhere {
			text.WriteString("  " + e + "\n")
		}
	}
	return text.String()
}

// boardLevels lists the pins that the board itself pulls to a level, or drives while the machine starts.
func boardLevels() string {
	var what []string
	names := map[string][]string{}
	add := func(does, pin string) {
		if names[does] == nil {
			what = append(what, does)
		}
		names[does] = append(names[does], pin)
	}
	pins := slices.Clone(header.Pins)
	number := func(p header.Pin) int { n, _ := strconv.Atoi(strings.TrimPrefix(p.Name, "GPIO")); return n } // 0 for a supply
	slices.SortStableFunc(pins, func(a, b header.Pin) int { return number(a) - number(b) })
	for _, p := range pins {
		if p.Default.Pull == "up" {
			add("pulled up from power-on until a program sets them up; the others are pulled down", p.Name)
		}
	}
	for _, p := range pins {
		if p.Default.Fixed {
			add("pulled up by 1.8 kohm on the board, always", p.Name)
		}
		if p.Default.Busy != "" {
			add("not quiet while the machine starts: "+p.Default.Busy, p.Name)
		}
	}
	text := "\npulled or driven by the board itself:\n"
	for _, does := range what {
		text += fmt.Sprintf("  %s: %s\n", strings.Join(names[does], " "), does)
	}
	return text
}

// dot draws a pin: filled if something is connected.
func dot(what string) string {
	if what != "" {
		return "●"
	}
	return "○"
}
