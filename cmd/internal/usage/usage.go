// Package usage explains mistakes on a command line: what was expected, what came, and how the command is used.
//
//	c := &cobra.Command{Use: "check ROBOT", Args: usage.Args(1, 1)}
//	root.SetFlagErrorFunc(usage.FlagError)
//	err := root.Execute()
//	fmt.Fprintf(os.Stderr, "%s; see %s --help\n", usage.Text(err), usage.Command(root, os.Args[1:]))
package usage

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

// Any is the maximum of Args for a command that accepts any number of arguments.
const Any = math.MaxInt

// Args returns a check that a command has least to most arguments. Its error quotes the command's usage line.
func Args(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) >= least && len(args) <= most {
			return nil
		}
		return fmt.Errorf("%s: expected %s, got %s; usage: %s",
			c.Name(), expectedArgs(least, most), quoted(args), strings.TrimSuffix(c.UseLine(), " [flags]"))
	}
}

func expectedArgs(least, most int) string {
	switch {
	case most == 0:
		return "no arguments"
	case most == Any:
		return "at least " + arguments(least)
	case least == most:
		return arguments(least)
	}
	return "at most " + arguments(most)
}

func arguments(n int) string {
	if n == 1 {
		return "1 argument"
	}
	return fmt.Sprint(n, " arguments")
}

// quoted shows the first arguments that were given.
func quoted(args []string) string {
	const shown = 3
	if len(args) == 0 {
		return "none"
	}
	text := fmt.Sprint(len(args), ":")
	for _, arg := range args[:min(len(args), shown)] {
		text += fmt.Sprintf(" %q", arg)
	}
	if len(args) > shown {
		text += " ..."
	}
	return text
}

// flagName finds the name of the flag in the parser's error about its value.
var flagName = regexp.MustCompile(`--([a-z-]+)" flag`)

// FlagError says what a flag expects when its value cannot be read. It returns other errors unchanged.
func FlagError(c *cobra.Command, err error) error {
	var invalid interface{ GetValue() string }
	name := flagName.FindStringSubmatch(err.Error())
	if name == nil || !errors.As(err, &invalid) || c.Flag(name[1]) == nil {
		return err
	}
	expected, known := map[string]string{
		"duration": "a time with its unit, such as 30s or 5ms",
		"int":      "a whole number",
		"uint64":   "a whole number from 0 to 2^64 - 1",
		"bool":     "true or false",
	}[c.Flag(name[1]).Value.Type()]
	switch name[1] {
	case "log":
		expected, known = "debug, info, warn or error", true
	case "log-format":
		expected, known = "text or json", true
	}
	if !known {
		return err
	}
	return fmt.Errorf("--%s %q: expected %s", name[1], invalid.GetValue(), expected)
}

// suggestion matches cobra's suggestion for an unknown command, which has several lines.
var suggestion = regexp.MustCompile(`\n\nDid you mean this\?\n\t([^\n]*)\n[\s\S]*$`)

// Text returns the text of an error in one line.
func Text(err error) string { return suggestion.ReplaceAllString(err.Error(), ", did you mean $1?") }

// Command returns the command that a command line names, such as "fluxd run", or the root if it names none.
func Command(root *cobra.Command, args []string) string {
	if c, _, err := root.Find(args); err == nil {
		return c.CommandPath()
	}
	return root.Name()
}
