// Command fluxd gives a robot a nervous system: it reads sensors, turns them into spikes, lets a spiking neural network decide,
// and moves actuators. See fluxd --help.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"regexp"
	"syscall"

	"fluxd/cmd/fluxd/hardware"
	"fluxd/configs"

	"github.com/spf13/cobra"
)

// version is set by the linker (see Makefile).
var version = "dev"

// Exit codes.
const (
	exitFailure = 1 // something went wrong while running
	exitConfig  = 2 // the command line or the configuration is wrong
)

func main() {
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, _ := signal.NotifyContext(context.Background(), ends...) // to the last: a second signal must not make a crash of an end in order
	os.Exit(execute(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// commands is the tree of all commands; log makes what a command logs to.
func commands(log func(io.Writer) *slog.Logger) *cobra.Command {
	root := &cobra.Command{
		Use:   "fluxd",
		Short: "A nervous system for robots",
		Long: `fluxd gives a robot a nervous system: sensors become spikes, a spiking neural network of leaky linear neurons decides, and the
spikes of motor neurons become motion. MQTT carries telemetry out and tuning in (see fluxctl).

A ROBOT is a YAML file, or the name of one of the examples that "fluxd run --list" lists.

Exit codes: 0 done, 1 failed while running, 2 wrong command line or configuration.`,
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(runCommand(log), haltCommand(log), simCommand(log), checkCommand(), pinsCommand(), probeCommand(log), playCommand(), plotCommand(), exportCommand(), importCommand(), schemaCommand(), benchCommand(), brokerCommand())
	return root
}

// execute runs a command line and returns the exit code.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var level slog.Level
	var logs []*lines
	log := func(w io.Writer) *slog.Logger {
		if _, ok := w.(*screen); !ok { // that never waits
			l := newLines(w)
			logs = append(logs, l)
			w = l
		}
		return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
	}
	results := &output{to: stdout}
	root := commands(log)
	root.PersistentFlags().TextVar(&level, "log", slog.LevelInfo, "what to log: debug, info, warn or error")
	root.SetOut(results)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(flagError)
	root.SetArgs(args)
	ran := false
	root.PersistentPreRun = func(*cobra.Command, []string) { ran = true }
	err := root.ExecuteContext(ctx)
	for _, l := range logs {
		l.close()
	}
	var invalid configs.Errors
	var child *childError
	switch {
	case errors.As(err, &child):
		return child.code
	case errors.As(err, &invalid):
		fmt.Fprintln(stderr, err)
		return exitConfig
	case results.failed() != nil:
		fmt.Fprintf(stderr, "fluxd: the result could not be written: %v\n", results.failed())
		return exitFailure
	case err == nil:
		return 0
	case !ran || errors.Is(err, errUsage): // cobra refused the command line, or a command its flags
		fmt.Fprintf(stderr, "fluxd: %v; see fluxd --help\n", err)
		return exitConfig
	}
	fmt.Fprintf(stderr, "fluxd: %v\n", err)
	return exitFailure
}

// flagNamed finds the name of the flag in an error about its value.
var flagNamed = regexp.MustCompile(`--([a-z-]+)" flag`)

// flagError says what a flag expects, where its value is none.
func flagError(c *cobra.Command, err error) error {
	var invalid interface{ GetValue() string }
	name := flagNamed.FindStringSubmatch(err.Error())
	if name == nil || !errors.As(err, &invalid) || c.Flag(name[1]) == nil {
		return err
	}
	expected, known := map[string]string{"duration": "a time with its unit, such as 30s or 5ms", "int": "a whole number", "uint64": "a whole number of at least 0, below 2^64", "bool": "true or false"}[c.Flag(name[1]).Value.Type()]
	if name[1] == "log" {
		expected, known = "debug, info, warn or error", true
	}
	if !known {
		return err
	}
	return fmt.Errorf("--%s %q: expected %s", name[1], invalid.GetValue(), expected)
}

// errUsage marks flags that make no sense.
var errUsage = errors.New("wrong command line")

// defaultRobot is the demo that a newcomer sees.
const defaultRobot = "lightseeker"

// load reads the robot that a command line names, and asks its devices whether they can measure what is wanted of them.
func load(ctx context.Context, args []string) (*configs.Robot, error) {
	name := defaultRobot
	if len(args) > 0 {
		name = args[0]
	}
	return await(ctx, func() (*configs.Robot, error) {
		config, err := configs.Load(name)
		if err != nil {
			return nil, err
		}
		if mistakes, _ := hardware.CheckRanges(config); len(mistakes) > 0 {
			return nil, mistakes
		}
		return config, nil
	})
}

// await reads a file. Standard input without a writer, or a disk that does not answer, may block the read for ever: then the end of the
// context ends the wait, and the read ends with the process.
func await[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := read()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, errors.New("interrupted while reading")
	}
}

// examples completes the names of the example robots; files are completed by the shell.
func examples(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, e := range configs.Examples() {
		names = append(names, e.Name+"\t"+e.About)
	}
	return names, cobra.ShellCompDirectiveDefault
}
