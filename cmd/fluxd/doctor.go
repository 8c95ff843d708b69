package main

import (
	"encoding/json"
	"errors"

	"github.com/spf13/cobra"

	"fluxd/cmd/fluxd/daemon"
	"fluxd/cmd/fluxd/doctor"
	"fluxd/cmd/fluxd/robotfile"
	"fluxd/cmd/internal/usage"
	"fluxd/configs"
)

// errUnwell is the result of an examination that found a problem: it has been printed.
var errUnwell = errors.New("something keeps the robot from working")

func doctorCommand() *cobra.Command {
	asJSON, root, state := false, "", ""
	c := &cobra.Command{
		Use:   "doctor [ROBOT]",
		Short: "Find what keeps a robot from working, with what to do about it",
		Long: `Go through what keeps robots from working, and print what to do about each: the
machine and its kernel, config.txt, groups and rights, buses and what answers,
PWM, the supply, temperature, clock, disk and memory, the broker, the versions,
and the robot file. Without ROBOT, take /etc/fluxd/robot.yaml if it is there.

doctor changes nothing and needs no root. While a robot runs it reads no bus.
Otherwise it reads one byte from each address of the robot's buses, as fluxd
probe does.

Exit codes:
  0  nothing is wrong; there may be warnings
  1  something keeps the robot from working
  2  wrong command line`,
		Example: `  fluxd doctor robot.yaml
  fluxd doctor --json`,
		Args:              usage.Args(0, 1),
		ValidArgsFunction: examples,
		RunE: func(cmd *cobra.Command, args []string) error {
			if root == "" {
				root = "/"
			}
			if len(args) == 0 {
				if file := doctor.Service(root); file != "" {
					args = []string{file}
				}
			}
			opts := doctor.Options{Version: version, System: doctor.ThisMachine(root)}
			if len(args) > 0 {
				opts.Robot = args[0]
				opts.Config, opts.Mistakes = load(cmd.Context(), args)
			}
			if opts.Mistakes == nil && opts.Config != nil {
				warnings, err := robotfile.Await(cmd.Context(), func() (configs.Errors, error) { return daemon.Check(opts.Config) })
				opts.Warnings = append(opts.Config.Warnings, warnings...)
				if opts.Mistakes = err; err != nil {
					opts.Config = nil
				}
			}
			if opts.Config != nil {
				if state == "" {
					state = doctor.State(root, args[0])
				}
				opts.Sent, opts.SentErr = whatRuns(state, args[0])
			}
			report := doctor.Examine(cmd.Context(), opts)
			var err error
			if asJSON {
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetIndent("", "  ")
				encoder.SetEscapeHTML(false)
				err = encoder.Encode(report)
			} else {
				err = report.Print(cmd.OutOrStdout())
			}
			if err == nil && report.Problems > 0 {
				return errUnwell
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON: the codes of the findings do not change")
	rootFlag(c, &root)
	stateFlag(c, &state)
	return c
}
