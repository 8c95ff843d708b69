// Package tables prints what a robot answers, as tables with tabs between the columns:
//
//	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
//	tables.World(response.World, table)
//	err := table.Flush()
package tables

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"fluxd/bridge/protocol"
	"fluxd/configs/amounts"
)

// World prints the things in a simulated world, and where each can be put.
func World(w *protocol.World, out io.Writer) {
	fmt.Fprintf(out, "%s: %s\n", w.Kind, w.About)
	if len(w.Shapes) > 0 {
		fmt.Fprintf(out, "shown from %g, %g to %g, %g m\n", w.X0, w.Y0, w.X1, w.Y1)
	}
	if w.Robot == nil && len(w.Things) == 0 {
		fmt.Fprintln(out, "nothing in this world can be put elsewhere")
		return
	}
	fmt.Fprintln(out, "\nTHING\tX\tY\tHEADING\tCAN BE PUT INTO")
	line := func(name string, x, y float64, heading *float64, area *protocol.Area, gone bool) {
		into, direction := "", ""
		if area != nil {
			into = fmt.Sprintf("%g to %g, %g to %g", area.X0, area.X1, area.Y0, area.Y1)
		}
		if heading != nil {
			direction = fmt.Sprintf("%.1f deg", *heading*180/math.Pi)
		}
		if gone {
			name += " (gone)"
		}
		fmt.Fprintf(out, "%s\t%.3f\t%.3f\t%s\t%s\n", name, x, y, direction, into)
	}
	if r := w.Robot; r != nil {
		line(protocol.ThingRobot, r.X, r.Y, &r.Heading, r.Area, false)
	}
	for _, t := range w.Things {
		line(t.Name, t.X, t.Y, t.Heading, t.Area, t.Gone)
	}
	if w.LeftOut > 0 {
		fmt.Fprintf(out, "%d things and shapes are left out: the message has no room for them\n", w.LeftOut)
	}
}

// Network prints the neurons with what they are joined to, and the synapses.
func Network(n *protocol.Network, out io.Writer) {
	joined := map[string][]string{} // by neuron
	for _, i := range n.Inputs {
		joined[i.Neuron] = append(joined[i.Neuron], "sensor "+i.Sensor)
	}
	for _, o := range n.Outputs {
		joined[o.Neuron] = append(joined[o.Neuron], "actuator "+o.Actuator)
	}
	for _, w := range n.Rewards {
		joined[w.Neuron] = append(joined[w.Neuron], fmt.Sprintf("reward %s (%+d)", w.Reward, w.Sign))
	}
	times := func(count int) string {
		if count > 1 {
			return fmt.Sprintf(" (%d)", count)
		}
		return ""
	}
	fmt.Fprintln(out, "NEURON\tCONNECTED TO")
	for _, one := range n.Neurons {
		fmt.Fprintf(out, "%s%s\t%s\n", one.Name, times(one.Count), strings.Join(joined[one.Name], ", "))
	}
	fmt.Fprintln(out, "\nSYNAPSE\tKIND\tWEIGHT\tLEARNT\tDELAY")
	for _, one := range n.Synapses {
		learnt := ""
		if one.Learnt != nil {
			learnt = weights(*one.Learnt, one.LearntTo)
		}
		delay := amounts.Format(float64(one.Delay), "us")
		if one.DelayTo != nil {
			delay += " to " + amounts.Format(float64(*one.DelayTo), "us")
		}
		kind := string(one.Kind)
		if one.Receptors != nil {
			kind += " of " + strings.Join(one.Receptors, ", ")
		}
		fmt.Fprintf(out, "%s -> %s%s\t%s\t%s\t%s\t%s\n", one.From, one.To, times(one.Count), kind,
			weights(one.Weight, one.WeightTo), learnt, delay)
	}
}

// weights writes a weight, or the smallest and the largest.
func weights(from float64, to *float64) string {
	if to == nil {
		return strconv.FormatFloat(from, 'g', 6, 64)
	}
	return fmt.Sprintf("%.6g to %.6g", from, *to)
}
