package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// The names that the shell can complete.
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

// completionPatience is the longest time that a shell waits for names.
const completionPatience = time.Second

// complete returns a completion function: it asks the robot for names and returns those that begin with the typed text. Without a
// robot it returns none.
func complete(s *settings, names func(*remote) []string) cobra.CompletionFunc {
	return func(c *cobra.Command, _ []string, typed string) (completions []string, _ cobra.ShellCompDirective) {
		const neither = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		if c.Root().PersistentPreRunE(c, nil) != nil {
			return nil, neither
		}
		quick := *s
		quick.timeout = min(quick.timeout, completionPatience)
		r, err := connect(c.Context(), quick, false)
		if err != nil {
			return nil, neither
		}
		defer r.Close()
		if err := r.learn(c.Context()); err != nil {
			return nil, neither
		}
		for _, name := range names(r) {
			if strings.HasPrefix(name, typed) {
				completions = append(completions, name)
			}
		}
		return completions, neither
	}
}
