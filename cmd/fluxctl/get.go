package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxctl/views"
	"fluxd/configs/amounts"
)

func getCommand(s *settings) *cobra.Command {
	return forMany(&cobra.Command{
		Use:   "get [PATH...]",
		Short: "Print parameters: value, range, default",
		Long: `get prints parameters with their value, range, default, and who set them last.
Without a path it prints all parameters.

In a path, * stands for any characters but a dot. A path may be shortened to its
last names where these are unique: eye_l.threshold.

With --all or --match it needs a path, and prints a line for each robot.`,
		Example: `  fluxctl get
  fluxctl get eye_l.threshold
  fluxctl get 'network.neurons.*.threshold'
  fluxctl get network.neurons.eye_l.threshold --json`,
		ValidArgsFunction: complete(s, paths),
		RunE:              func(c *cobra.Command, paths []string) error { return get(c.Context(), *s, paths, c.OutOrStdout()) },
	})
}

// shownValues is the output of get --json.
type shownValues struct {
	Revision protocol.Revision     `json:"rev"`
	Values   map[string]shownValue `json:"values"`
}

type shownValue struct {
	protocol.Reading
	Count   int     `json:"count,omitempty"`
	Unit    string  `json:"unit"`
	Default float64 `json:"default"`
}

// get prints parameters.
func get(ctx context.Context, s settings, paths []string, out io.Writer) error {
	if s.many() && len(paths) == 0 {
		return errors.New("get of many robots: expected at least 1 path, such as 'network.neurons.*.threshold'")
	}
	return converse(ctx, s, "get", out, func(r *remote, out io.Writer) error {
		if err := r.learn(ctx); err != nil {
			return err
		}
		paths, err := r.known.Resolve(paths)
		if err != nil {
			return err
		}
		response, err := r.request(ctx, "get", protocol.Request{Paths: paths})
		if err != nil {
			return err
		}
		all := shownValues{Revision: response.Rev, Values: map[string]shownValue{}}
		for path, v := range response.Values {
			p := r.known.Parameter(path)
			all.Values[path] = shownValue{Reading: v, Count: p.Count, Unit: p.Unit, Default: p.Default}
		}
		if s.json {
			return printJSON(out, all)
		}
		if s.many() {
			for _, path := range inOrder(all.Values) {
				v := all.Values[path]
				fmt.Fprintf(out, "%s = %s\n", path, views.Span(effective(v.Reading), v.Unit))
			}
			return nil
		}
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "PARAMETER\tVALUE\tRANGE\tDEFAULT\tSET BY")
		for _, path := range inOrder(all.Values) {
			v := all.Values[path]
			shown := views.Span(v.Value, v.Unit)
			if v.Learnt != nil {
				shown += ", learnt " + views.Span(effective(v.Reading), v.Unit)
			}
			fmt.Fprintf(table, "%s\t%s\t%s to %s\t%s\t%s\n", path, shown,
				amounts.Format(v.Min, v.Unit), amounts.Format(v.Max, v.Unit), amounts.Format(v.Default, v.Unit), v.Src)
		}
		return table.Flush()
	})
}

// effective returns the value in use. A plastic weight has a configured value and a learnt one; the learnt one is used.
func effective(r protocol.Reading) protocol.Value {
	if r.Learnt == nil {
		return r.Value
	}
	return protocol.Value{V: *r.Learnt, To: r.LearntTo, Rev: r.Rev, Src: r.Src}
}
