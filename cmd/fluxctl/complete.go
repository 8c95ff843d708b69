package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// Names that the shell completes.
func paths(r *remote) []string   { return inOrder(r.known) }
func neurons(r *remote) []string { return r.neurons }
func rewards(r *remote) []string { return r.rewards }

func actuators(r *remote) []string { return r.actuators }

func sensors(r *remote) (names []string) {
	for _, s := range r.sensors {
		names = append(names, s.Name)
	}
	return names
}

// completionPatience is how long a shell that waits for names may be kept waiting.
const completionPatience = time.Second

// complete asks the robot for the names that fit.
func complete(s *settings, names func(*remote) []string) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(c *cobra.Command, _ []string, typed string) (fits []string, _ cobra.ShellCompDirective) {
		const neither = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		c.Root().PersistentPreRun(c, nil)
		quick := *s
		quick.timeout = min(quick.timeout, completionPatience)
		r, err := connect(c.Context(), quick, false)
		if err != nil {
			return nil, neither
		}
		defer r.close()
		if err := r.learn(c.Context()); err != nil {
			return nil, neither
		}
		for _, name := range names(r) {
			if strings.HasPrefix(name, typed) {
				fits = append(fits, name)
			}
		}
		return fits, neither
	}
}
