package usage

import (
	"io"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

func root() *cobra.Command {
	run := func(*cobra.Command, []string) error { return nil }
	root := &cobra.Command{Use: "robot", SilenceErrors: true, SilenceUsage: true}
	root.SetOut(io.Discard)
	root.SetErr(io.Discard)
	root.SetFlagErrorFunc(FlagError)
	root.PersistentFlags().Duration("for", time.Second, "")
	root.PersistentFlags().String("log", "info", "")
	root.PersistentFlags().Int("trials", 1, "")
	root.AddCommand(
		&cobra.Command{Use: "check ROBOT", RunE: run, Args: Args(1, 1)},
		&cobra.Command{Use: "pins [ROBOT]", RunE: run, Args: Args(0, 1)},
		&cobra.Command{Use: "set PATH=VALUE...", RunE: run, Args: Args(1, Any)},
		&cobra.Command{Use: "drive ACTUATOR VALUE", RunE: run, Args: Args(2, 2)},
		&cobra.Command{Use: "watch", RunE: run, Args: Args(0, 0)},
	)
	return root
}

// Each mistake on a command line is answered with what was expected and what came.
func TestMistakes(t *testing.T) {
	for _, test := range []struct {
		args      []string
		want, see string
	}{
		{[]string{"check"}, "check: expected 1 argument, got none; usage: robot check ROBOT", "robot check"},
		{[]string{"check", "a"}, "", "robot check"},
		{[]string{"pins", "a", "b"},
			`pins: expected at most 1 argument, got 2: "a" "b"; usage: robot pins [ROBOT]`, "robot pins"},
		{[]string{"set"}, "set: expected at least 1 argument, got none; usage: robot set PATH=VALUE...", "robot set"},
		{[]string{"set", "a=1", "b=2"}, "", "robot set"},
		{[]string{"drive", "a", "b", "c", "d"},
			`drive: expected 2 arguments, got 4: "a" "b" "c" ...; usage: robot drive ACTUATOR VALUE`, "robot drive"},
		{[]string{"watch", "it"}, `watch: expected no arguments, got 1: "it"; usage: robot watch`, "robot watch"},
		{[]string{"watch", "--for", "x"}, `--for "x": expected a time with its unit, such as 30s or 5ms`, "robot watch"},
		{[]string{"watch", "--trials=many"}, `--trials "many": expected a whole number`, "robot watch"},
		{[]string{"watch", "--nosuch"}, "unknown flag: --nosuch", "robot watch"},
		{[]string{"dance"}, `unknown command "dance" for "robot"`, "robot"},
		{[]string{"chek"}, `unknown command "chek" for "robot", did you mean check?`, "robot"},
	} {
		c := root()
		c.SetArgs(test.args)
		got := ""
		if err := c.Execute(); err != nil {
			got = Text(err)
		}
		if got != test.want {
			t.Errorf("%q: %s, want %s", test.args, got, test.want)
		}
		if got := Command(c, test.args); got != test.see {
			t.Errorf("%q names %q, want %q", test.args, got, test.see)
		}
	}
}
