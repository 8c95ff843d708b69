package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/spf13/cobra"

	"fluxd/cmd/fluxd/machine"
	"fluxd/cmd/fluxd/robotfile"
	"fluxd/cmd/internal/usage"
)

// again starts the same command line in this process. Under systemd, or below a parent process, it returns the exit code by which
// they know that they have to do it.
func again() int {
	if os.Getenv(supervised) != "" || os.Getenv("NOTIFY_SOCKET") != "" {
		return exitAgain
	}
	exe, err := os.Executable()
	if err == nil {
		runtime.LockOSThread() // the new program has the scheduling of this thread
		if err = machine.LeaveRealtime(); err == nil {
			// A page that is open stays open.
			err = become(exe, slices.DeleteFunc(slices.Clone(os.Args), func(arg string) bool { return arg == "--open" }))
		}
	}
	fmt.Fprintf(os.Stderr, "fluxd: %v: start it again yourself: %v\n", robotfile.ErrAgain, err)
	return exitAgain
}

// stateFlag adds the flag for the robot's state directory.
func stateFlag(c *cobra.Command, state *string) {
	c.Flags().StringVar(state, "state", "",
		"`folder` that keeps the robot files which are sent to the robot (default: $STATE_DIRECTORY of systemd, or the working directory)")
}

func checkSentCommand() *cobra.Command {
	return &cobra.Command{
		Use:    robotfile.CheckSent,
		Short:  "Check a robot file that was sent to a robot; the robot starts it",
		Hidden: true,
		Args:   usage.Args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return robotfile.Check(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}
