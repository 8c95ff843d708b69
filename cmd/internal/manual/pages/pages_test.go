package pages

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// program is a small command line with what a page can get wrong.
func program() *cobra.Command {
	root := &cobra.Command{Use: "robot", Short: "A robot", Long: `robot runs *.yaml files of <ROBOT>.

Exit codes:
  0  done
  1  failed_while_running`}
	run := &cobra.Command{Use: "run ROBOT", Short: "Run it", Example: "  robot run a.yaml   # now",
		Run: func(*cobra.Command, []string) {}}
	run.Flags().String("world", "", "the `world` that it lives in, such as my_own_world or *")
	secret := &cobra.Command{Use: "broker", Hidden: true, Run: func(*cobra.Command, []string) {}}
	root.AddCommand(run, secret, Command())
	return root
}

// The pages say what the help says, the completions are there, and what is hidden is not.
func TestManual(t *testing.T) {
	folder := t.TempDir()
	root := program()
	root.SetArgs([]string{"manual", folder, "--date", "2026-11-27", "--of", "1.2"})
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, pattern := range []string{"*.*", "man1/*"} {
		found, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range found {
			names = append(names, strings.TrimPrefix(name, folder+"/"))
		}
	}
	if got, want := strings.Join(names, " "), "robot.bash robot.fish robot.zsh man1/robot-run.1 man1/robot.1"; got != want {
		t.Errorf("files %s, want %s", got, want)
	}
	for name, wants := range map[string][]string{
		"man1/robot.1": {`.TH "ROBOT" "1" "Nov 2026" "robot 1.2" "A robot"`, "robot runs *.yaml files of <ROBOT>.",
			"  0  done\n  1  failed_while_running", "robot-run(1)"},
		"man1/robot-run.1": {`ROBOT-RUN" "1"`, "such as my_own_world or *", "robot run a.yaml   # now"},
		"robot.bash":       {"__complete"},
		"robot.zsh":        {"#compdef robot"},
		"robot.fish":       {"complete -c robot"},
	} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			if !strings.Contains(strings.NewReplacer(`\-`, "-", `\&`, "").Replace(string(text)), want) {
				t.Errorf("%s has no %q:\n%s", name, want, text)
			}
		}
	}
}

func TestManualWithAWrongDate(t *testing.T) {
	root := program()
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetArgs([]string{"manual", t.TempDir(), "--date", "today"})
	if err := root.Execute(); err == nil || !strings.Contains(err.Error(), "expected a day") {
		t.Errorf("got %v", err)
	}
}
