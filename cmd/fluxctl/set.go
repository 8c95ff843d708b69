package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxctl/views"
	"fluxd/cmd/internal/parameters"
	"fluxd/cmd/internal/usage"
	"fluxd/configs/amounts"
)

func setCommand(s *settings) *cobra.Command {
	return forMany(withRevision(&cobra.Command{
		Use:   "set PATH=VALUE... | PATH VALUE",
		Short: "Change parameters, all or none",
		Long: `set changes parameters. Several changes are one transaction: the robot checks
all of them first; then all take effect at the same moment, or none does. set
prints the value before and after.

Write a value as in the robot file: 5ms, 200 Hz, 12 cm, 4/s, or a number alone
where the file has a number alone. A path may be shortened to its last names
where these are unique. Write -- before a negative value that stands alone.`,
		Example: `  fluxctl set eye_l.threshold=90
  fluxctl set eye_l.threshold 90
  fluxctl set eye_l.refractory=5ms sensors.left_eye.encode.max='150 Hz'
  fluxctl set network.neurons.eye_l.threshold=90 network.neurons.eye_l.leak=1500
  fluxctl set 'network.neurons.wall[*].threshold=120'
  fluxctl set --if-rev 17 network.neurons.eye_l.threshold=90
  fluxctl set -- network.neurons.eye_l.floor -20`,
		Args:              usage.Args(1, usage.Any),
		ValidArgsFunction: complete(s, paths),
		RunE: func(c *cobra.Command, args []string) error {
			changes, err := parameters.ParseChanges(args)
			if err != nil {
				return err
			}
			return set(c.Context(), *s, changes, ifRevision(c), c.OutOrStdout())
		},
	}))
}

func resetCommand(s *settings) *cobra.Command {
	return forMany(withRevision(&cobra.Command{
		Use:   "reset [PATH...]",
		Short: "Set parameters back to the values in the robot file",
		Long: `reset sets parameters back to the values in the robot file, in one transaction.
Without a path it resets all parameters.`,
		Example: `  fluxctl reset
  fluxctl reset 'network.neurons.wall[*].threshold'`,
		ValidArgsFunction: complete(s, paths),
		RunE: func(c *cobra.Command, paths []string) error {
			return reset(c.Context(), *s, protocol.Request{Paths: paths, IfRevision: ifRevision(c)}, c.OutOrStdout())
		},
	}))
}

const revisionFlag = "if-rev"

// withRevision adds a flag that refuses a change if another client has tuned the robot meanwhile.
func withRevision(c *cobra.Command) *cobra.Command {
	c.Flags().Uint64(revisionFlag, 0,
		"refuse if parameters have changed since this `revision` (printed by set, reset and get --json)")
	return c
}

func ifRevision(c *cobra.Command) *protocol.Revision {
	if !c.Flags().Changed(revisionFlag) {
		return nil
	}
	n, _ := c.Flags().GetUint64(revisionFlag) // withRevision has added it
	revision := protocol.Revision(n)
	return &revision
}

// shownChange is the output of set --json and reset --json.
type shownChange struct {
	Revision protocol.Revision  `json:"rev"`
	Before   map[string]any     `json:"before,omitempty"` // a number, or [least, largest]; set only
	Applied  map[string]float64 `json:"applied"`
	Units    map[string]string  `json:"units"` // of the numbers
	Warning  string             `json:"warning,omitempty"`
}

// changed converts the answer to set or reset.
func (r *remote) changed(a protocol.Response) shownChange {
	c := shownChange{Revision: a.Rev, Applied: a.Applied, Units: map[string]string{}, Warning: a.Warning}
	for path := range a.Applied {
		c.Units[path] = r.known.Parameter(path).Unit
	}
	return c
}

// set changes parameters and prints their values before and after.
func set(ctx context.Context, s settings, texts map[string]string, ifRevision *protocol.Revision, out io.Writer) error {
	return converse(ctx, s, "set", out, func(r *remote, out io.Writer) error {
		if err := r.learn(ctx); err != nil {
			return err
		}
		typed := slices.Sorted(maps.Keys(texts))
		paths, err := r.known.Resolve(typed)
		if err != nil {
			return err
		}
		request := protocol.Request{Set: map[string]float64{}, IfRevision: ifRevision}
		before, err := r.request(ctx, "get", protocol.Request{Paths: paths})
		if err != nil {
			return err
		}
		for i, path := range paths {
			if _, twice := request.Set[path]; twice {
				return parameters.Twice(path)
			}
			unit, err := r.known.Unit(path, inOrder(before.Values))
			if err == nil {
				request.Set[path], err = amounts.Parse(texts[typed[i]], unit)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		response, err := r.request(ctx, "set", request)
		if err != nil {
			return err
		}
		was := previous(before.Values)
		if s.json {
			shown := r.changed(response)
			shown.Before = map[string]any{}
			for path := range response.Applied {
				if v := was[path]; v.To == nil {
					shown.Before[path] = v.V
				} else {
					shown.Before[path] = [2]float64{v.V, *v.To}
				}
			}
			return printJSON(out, shown)
		}
		for _, path := range inOrder(response.Applied) {
			unit := r.known.Parameter(path).Unit
			fmt.Fprintf(out, "%s: %s -> %s\n", path, views.Span(was[path], unit), amounts.Format(response.Applied[path], unit))
		}
		_, err = fmt.Fprintf(out, "revision %d\n", response.Rev)
		return err
	})
}

// previous returns the values before a change. Neurons of a population are also combined under the path that stands for all of
// them.
func previous(values map[string]protocol.Reading) map[string]protocol.Value {
	all := map[string]protocol.Value{}
	for path, reading := range values {
		v := effective(reading)
		all[path] = v
		together := protocol.PopulationPath(path)
		if _, known := values[together]; known {
			continue
		}
		low, high := v.V, v.V
		if known, seen := all[together]; seen {
			low, high = min(low, known.V), max(high, known.V)
			if known.To != nil {
				high = max(high, *known.To)
			}
		}
		merged := protocol.Value{V: low}
		if high != low {
			merged.To = &high
		}
		all[together] = merged
	}
	return all
}

// reset sets parameters back to their configured values and prints these.
func reset(ctx context.Context, s settings, request protocol.Request, out io.Writer) error {
	return converse(ctx, s, "reset", out, func(r *remote, out io.Writer) error {
		request := request // of this robot: others resolve the paths at the same time
		if err := r.learn(ctx); err != nil {
			return err
		}
		var err error
		if request.Paths, err = r.known.Resolve(request.Paths); err != nil {
			return err
		}
		response, err := r.request(ctx, "reset", request)
		if err != nil {
			return err
		}
		if s.json {
			return printJSON(out, r.changed(response))
		}
		for _, path := range inOrder(response.Applied) {
			fmt.Fprintf(out, "%s: %s\n", path, amounts.Format(response.Applied[path], r.known.Parameter(path).Unit))
		}
		_, err = fmt.Fprintf(out, "revision %d\n", response.Rev)
		return err
	})
}
