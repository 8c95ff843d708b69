package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"fluxd/bridge/broker"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/daemon"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/cmd/fluxd/logs"
	"fluxd/cmd/fluxd/robotfile"
	"fluxd/cmd/fluxd/screen"
	"fluxd/cmd/fluxd/trial"
	"fluxd/cmd/internal/usage"
	"fluxd/configs"

	"github.com/spf13/cobra"
)

func runCommand(log func(io.Writer) *slog.Logger) *cobra.Command {
	var list, plain, arm, open bool
	var supervision, root, state string
	var changes configs.Changes
	var overlays []string
	var seed uint64
	var length, trialLength time.Duration
	c := &cobra.Command{
		Use:   "run [ROBOT]",
		Short: "Run a robot in real time",
		Long: `Run a robot in real time until ctrl-C. Without ROBOT run the demo, a robot that
seeks light on a simulated board.

All actuators go to failsafe before anything else happens, and again when fluxd
ends. On a real board they stay there until you arm the robot (fluxctl arm), and
a small parent process brings them to failsafe if the robot's process is killed
or suspended.

ctrl-Z and the signal SIGUSR1 are emergency stops.`,
		Example: `  fluxd run                       # the demo
  fluxd run --list                # list the example robots
  fluxd run robot.yaml            # run your robot
  fluxd run robot.yaml --for 30s  # stop after 30 seconds
  fluxd run --open                # show the robot in a browser
  fluxd run --name red --broker tcp://10.0.0.5:1883
                                  # the red one of a class, at their broker`,
		Args:              usage.Args(0, 1),
		ValidArgsFunction: examples,
		RunE: func(cmd *cobra.Command, args []string) error {
			if list {
				return listExamples(cmd.OutOrStdout())
			}
			if !slices.Contains([]string{"auto", "yes", "no"}, supervision) {
				return fmt.Errorf("%w: --supervise %q: expected auto, yes or no", errUsage, supervision)
			}
			tuned, err := robotfile.Overlays(cmd.Context(), overlays)
			if err != nil {
				return err
			}
			s := &robotfile.Run{Own: robotName(args), State: robotfile.State(state), Passed: os.Getenv(supervised), Changes: changes,
				Overlays: overlays, Length: trialLength, Apart: apart()}
			machinery := hardware.Options{Root: root, Log: log(cmd.ErrOrStderr())}
			if err := s.Choose(cmd.Context(), machinery); err != nil {
				return err
			}
			config := s.Config
			signalled, stops := surviveSignals(cmd.Context())
			if supervises(supervision, config) {
				machinery.Log = logs.Of(machinery.Log, "supervisor")
				return supervise(signalled, s, machinery, cmd, stops)
			}
			ctx, cancel := endWithParent(signalled)
			defer cancel()
			if length > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, length)
				defer cancel()
			}
			opts := daemon.RunOptions{
				Version: version, Seed: seed, Arm: arm, Root: root, Overlays: tuned, Signs: signsToParent(), Ended: make(chan struct{}),
			}
			signalled = ctx
			picture, isTerminal := screen.New(under(cmd.OutOrStdout()))
			if plain || !isTerminal {
				opts.Log = machinery.Log
				ctx, watch := s.Accept(ctx, &opts)
				stdout := logs.NewLines(cmd.OutOrStdout()) // a stopped terminal must not block the robot
				defer stdout.Close()
				opts.Started = func(r *daemon.Robot) {
					stopOnSignal(ctx, r, stops)
					watch(r)
					if open {
						openPage(r.Dashboard(), opts.Log)
					}
					_, _ = stdout.Write([]byte(hint(config, r))) // it never fails
				}
				return s.After(signalled, daemon.Run(ctx, config, opts), opts.Log)
			}
			opts.Log = log(picture)
			ctx, watch := s.Accept(ctx, &opts)
			opts.Started = func(r *daemon.Robot) {
				stopOnSignal(ctx, r, stops)
				watch(r)
				if open {
					openPage(r.Dashboard(), opts.Log)
				}
				go picture.Show(opts.Ended, hint(config, r), r)
			}
			err = s.After(signalled, daemon.Run(ctx, config, opts), opts.Log)
			picture.Leave()
			return err
		},
	}
	c.Flags().BoolVar(&list, "list", false, "list the example robots")
	c.Flags().BoolVar(&plain, "plain", false, "print log lines instead of a live picture, also on a terminal")
	c.Flags().BoolVar(&arm, "arm", false, "arm the robot at the start, whatever its file says")
	c.Flags().StringVar(&supervision, "supervise", "auto",
		"use a parent process that brings the actuators to failsafe if the robot's process is killed or suspended: "+
			"auto (on a real board, unless systemd does it), yes or no")
	rootFlag(c, &root)
	stateFlag(c, &state)
	c.Flags().DurationVar(&trialLength, "trial", trial.Length, "how long a robot file that was sent may run without being confirmed")
	if err := c.Flags().MarkHidden("trial"); err != nil {
		panic(err) // impossible: the flag was defined a line above
	}
	overlayFlag(c, &overlays)
	worldFlag(c, &changes.World)
	c.Flags().StringVar(&changes.Name, "name", "", "`name` of the robot, whatever its file says: several robots at one broker need their own")
	c.Flags().StringVar(&changes.Broker, "broker", "",
		"`URL` of the MQTT broker, such as tcp://host:1883, whatever the robot file says; embedded or none")
	c.Flags().BoolVar(&open, "open", false, "open the robot's page in a browser")
	c.Flags().Uint64Var(&seed, "seed", 1, "seed of the simulated world")
	c.Flags().DurationVar(&length, "for", 0, "stop after this time, such as 30s (0: run until ctrl-C)")
	return c
}

func listExamples(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, e := range configs.Examples() {
		fmt.Fprintf(table, "%s\t%s\n", e.Name, e.About)
	}
	return table.Flush()
}

// hint returns the commands to watch and tune the robot, for a second terminal.
func hint(config *configs.Robot, r *daemon.Robot) string {
	if r.Broker() == "" {
		return fmt.Sprintf("%s is running; ctrl-C stops it\n", config.Name)
	}
	page := "" // in the first line: a low terminal shows no other
	if r.Dashboard() != "" {
		page = fmt.Sprintf(" Its page: %s", r.Dashboard())
	}
	// When fluxd was started by its path, fluxctl is in the same folder.
	tool := "fluxctl"
	if self := os.Args[0]; filepath.Base(self) != self {
		tool = filepath.Join(filepath.Dir(self), "fluxctl")
	}
	if r.Broker() != "tcp://"+broker.DefaultListen {
		address := r.Broker()
		if config.MQTT.Passwords != "" {
			address = strings.Replace(address, "://", "://USER:PASSWORD@", 1)
		}
		tool += " --broker " + address
	}
	arm := ""
	if r.Health().Safety.State == "disarmed" {
		arm = fmt.Sprintf("  %s arm                                          # let it move\n", tool)
	}
	return fmt.Sprintf(`%s is running; ctrl-C stops it.%s
In a second terminal:
  %s watch                                        # sensors, actuators, health, live
  %s get                                          # everything that can be tuned
  %s set %s   # tune it while it runs
%s`, config.Name, page, tool, tool, tool, tunable(r.Describe().Parameters), arm)
}

// tunable returns an example of a valid change: a higher threshold of a motor neuron, or of another neuron if there is none.
func tunable(all []protocol.Parameter) string {
	example := ""
	for _, p := range all {
		value := p.Default * 1.2
		motor := strings.Contains(p.Path, "motor")
		threshold := strings.HasPrefix(p.Path, "network.neurons.") && strings.HasSuffix(p.Path, ".threshold")
		if !threshold || value > p.Max || example != "" && !motor {
			continue
		}
		example = fmt.Sprintf("%s=%g", p.Path, value)
		if strings.Contains(p.Path, "[") { // a shell would expand it
			example = "'" + example + "'"
		}
		if motor {
			break
		}
	}
	return example
}

// overlayFlag adds the flag for overlays.
func overlayFlag(c *cobra.Command, files *[]string) {
	c.Flags().StringArrayVar(files, "overlay", nil,
		"`file` of tuned values, written by fluxctl save; they replace those in the robot file; may be repeated")
}
