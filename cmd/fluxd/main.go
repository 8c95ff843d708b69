// Command fluxd gives a robot a nervous system. It reads sensors and encodes their readings as spikes. A spiking neural network
// processes them. The spikes of its motor neurons are decoded into commands for actuators.
//
//	fluxd run robot.yaml     run a robot
//	fluxd sim robot.yaml     simulate it, as fast as the machine allows
//	fluxd check robot.yaml   find mistakes in its file
//
// See fluxd --help for all commands. This package has the command line, the supervision of a robot's process, and signals. The
// robot itself is in package daemon.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"fluxd/boards/sim/worlds"
	"fluxd/cmd/fluxd/logs"
	"fluxd/cmd/fluxd/pair"
	"fluxd/cmd/fluxd/robotfile"
	"fluxd/cmd/fluxd/screen"
	"fluxd/cmd/internal/manual"
	"fluxd/cmd/internal/usage"
	"fluxd/configs"

	"github.com/spf13/cobra"
)

// version is set by the linker (see Makefile).
var version = "dev"

// Exit codes.
const (
	exitFailure = 1 // something went wrong while running
	exitConfig  = 2 // the command line or the robot file is wrong
	exitAgain   = 3 // the same command is to be started again
)

func main() {
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup ignores it
		ends = append(ends, syscall.SIGHUP)
	}
	// The context keeps catching these signals until the process exits, so that a second ctrl-C does not interrupt an orderly
	// shutdown.
	ctx, _ := signal.NotifyContext(context.Background(), ends...)
	code := execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if code == exitAgain {
		code = again()
	}
	os.Exit(code)
}

// commands returns the tree of all commands. Each command calls log to get its logger.
func commands(log func(io.Writer) *slog.Logger) *cobra.Command {
	root := &cobra.Command{
		Use:   "fluxd",
		Short: "A nervous system for robots",
		Long: `fluxd gives a robot a nervous system. Readings of sensors are encoded as spikes.
A spiking neural network of leaky linear neurons processes them. The spikes of
its motor neurons move the actuators. Telemetry and tuning go over MQTT, see
fluxctl.

ROBOT is a YAML file, or the name of an example: see fluxd run --list. Without
ROBOT, run and sim use the demo, lightseeker.

Exit codes:
  0  done
  1  failed while running
  2  wrong command line or robot file
  3  the robot is to be started again, with another robot file (load-robot)`,
		Example: `  fluxd run                    # the demo, on a simulated board
  fluxd init rover             # write a first robot file, rover.yaml
  fluxd check robot.yaml       # find mistakes, print the wiring
  fluxd sim robot.yaml         # simulate, as fast as this machine allows
  fluxd run robot.yaml         # run the robot`,
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(
		runCommand(log), simCommand(log), haltCommand(log),
		initCommand(log), checkCommand(), pinsCommand(), probeCommand(log), doctorCommand(), schemaCommand(),
		pair.Command(),
		playCommand(), plotCommand(), exportCommand(), importCommand(),
		benchCommand(), brokerCommand(), checkSentCommand(),
	)
	manual.Add(root)
	return root
}

// execute runs a command line and returns the exit code.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var level slog.Level
	var format logs.Format
	var ends []func()
	log := func(w io.Writer) *slog.Logger {
		_, direct := w.(*screen.Screen) // writing to a screen never blocks
		l, end := logs.New(w, logs.Options{Level: level, Format: format, Direct: direct})
		ends = append(ends, end)
		return l
	}
	results := &output{to: stdout}
	root := commands(log)
	root.PersistentFlags().TextVar(&level, "log", slog.LevelInfo, "the least `level` to log: debug, info, warn or error")
	root.PersistentFlags().TextVar(&format, "log-format", logs.Text, "how to log: text or json")
	root.SetOut(results)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(usage.FlagError)
	root.SetArgs(args)
	ran := false
	root.PersistentPreRun = func(*cobra.Command, []string) { ran = true }
	err := root.ExecuteContext(ctx)
	for _, end := range ends {
		end()
	}
	fail := func(format string, args ...any) {
		fmt.Fprint(stderr, logs.Mark(stderr, fmt.Sprintf(format, args...)))
	}
	var invalid configs.Errors
	var child *childError
	switch {
	case errors.Is(err, robotfile.ErrAgain):
		return exitAgain
	case errors.As(err, &child):
		return child.code
	case errors.As(err, &invalid):
		fail("%v\n", err)
		return exitConfig
	case results.failed() != nil:
		fail("fluxd: the result could not be written: %v\n", results.failed())
		return exitFailure
	case err == nil:
		return 0
	case !ran || errors.Is(err, errUsage): // refused by cobra, or by the command itself
		fail("fluxd: %s; see %s --help\n", usage.Text(err), usage.Command(root, args))
		return exitConfig
	}
	fail("fluxd: %v\n", err)
	return exitFailure
}

// errUsage marks errors in the values of flags.
var errUsage = errors.New("wrong command line")

// defaultRobot is the demo.
const defaultRobot = "lightseeker"

// load reads the robot that a command line names, and checks that its sensors can measure the ranges that the file requires.
func load(ctx context.Context, args []string) (*configs.Robot, error) {
	return loadWith(ctx, args, configs.Changes{})
}

// robotName returns the robot that a command line names.
func robotName(args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return defaultRobot
}

// loadWith is load with changes.
func loadWith(ctx context.Context, args []string, changes configs.Changes) (*configs.Robot, error) {
	name := robotName(args)
	return robotfile.Await(ctx, func() (*configs.Robot, error) {
		f, err := configs.Read(name)
		if err != nil {
			return nil, err
		}
		return robotfile.Parse(f, changes)
	})
}

// worldFlag adds the flag that puts a robot into a simulated world.
func worldFlag(c *cobra.Command, world *string) {
	c.Flags().StringVar(world, "world", "",
		"put the robot on the simulated board, into this `world`, whatever its file says: "+strings.Join(worlds.Names(), ", ")+
			", or the path of a world's file")
}

// examples completes the names of the example robots. The shell completes file names.
func examples(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, e := range configs.Examples() {
		names = append(names, e.Name+"\t"+e.About)
	}
	return names, cobra.ShellCompDirectiveDefault
}
